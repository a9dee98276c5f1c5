//! A run that is stopped: by Ctrl-C, by a second one, by its budget. What it leaves, what it says, and what it costs.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, Command, Stdio},
    time::Duration,
};

use crate::{
    CONCURRENCY, RUN,
    aftermath::on_tape,
    goes_on, plan, script,
    support::{environment::TestEnv, server::ScriptedServer},
    undisturbed,
};

fn interrupt(child: &Child) {
    let done = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(done.success());
}

/// Runs until `calls` requests have been sent, and interrupts it so many times. Gives what it said, and its exit code.
fn interrupted(env: &TestEnv, server: &ScriptedServer, calls: usize, times: usize) -> (String, Option<i32>) {
    let mut command = env.command(&[&RUN[..7], &["plain", "--json"]].concat(), &[]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while server.count() < calls {
        std::thread::sleep(Duration::from_millis(1));
    }
    interrupt(&child);
    let mut said = String::new();
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    while !said.contains("a second interrupt stops at once") {
        assert!(lines.read_line(&mut said).unwrap() > 0, "{said}");
    }
    if times > 1 {
        interrupt(&child);
    }
    lines.read_to_string(&mut said).unwrap();
    let output = child.wait_with_output().unwrap();
    (String::from_utf8(output.stdout).unwrap() + &said, output.status.code())
}

fn summary(said: &str) -> serde_json::Value {
    let mut values = serde_json::Deserializer::from_str(said).into_iter();
    values.next().unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_interrupt_lets_calls_in_flight_end() {
    let expected = undisturbed().await;
    let server = ScriptedServer::slow(script, Duration::from_millis(300)).await;
    let (env, before) = plan(&server);
    let (said, code) = interrupted(&env, &server, CONCURRENCY, 1);
    assert_eq!(code, Some(130), "{said}");
    assert_eq!((server.count(), on_tape(&env)), (CONCURRENCY, CONCURRENCY), "{said}");
    assert_eq!(summary(&said)["unmetered"], 0, "{said}");
    goes_on(&env, &server, &before, &expected, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_interrupt_stops_at_once_and_what_was_asked_for_is_on_the_bill() {
    let expected = undisturbed().await;
    // Longer than any test may take.
    let server = ScriptedServer::slow(script, Duration::from_secs(600)).await;
    let (env, before) = plan(&server);
    let (said, code) = interrupted(&env, &server, CONCURRENCY, 2);
    assert_eq!(code, Some(130), "{said}");
    let summary = summary(&said);
    assert_eq!((&summary["unmetered"], &summary["requests"]), (&CONCURRENCY.into(), &CONCURRENCY.into()), "{said}");
    let bill = env.run(&["cost", "plan"]);
    assert!(bill.contains("2 calls without usage from the server"), "{bill}");

    let server = ScriptedServer::start(script).await;
    let env = env.server(&server.base_url());
    goes_on(&env, &server, &before, &expected, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spent_budget_stops_cleanly() {
    let expected = undisturbed().await;
    let server = ScriptedServer::start(script).await;
    let (env, before) = plan(&server);
    // An answer is charged 1,300 tokens; before each, its largest is set aside.
    let said = env.run(&[&RUN[..], &["--max-tokens", "36000"]].concat());
    assert!(said.ends_with("[exit 4]"), "{said}");
    assert!((1..crate::CALLS).contains(&server.count()), "{said}");
    assert_eq!(on_tape(&env), server.count());
    goes_on(&env, &server, &before, &expected, 0);
}
