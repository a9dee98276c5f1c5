//! Kills the real binary at random moments of a run and looks at what is left: every document whole, parallel.json valid
//! and no further than the documents, nothing paid for lost. In the end the run is complete, its documents are those of
//! an undisturbed run, and no answer was bought twice but those that were in flight at a kill.
//!
//! `PLANWAVE_CRASH_KILLS` sets the number of kills, `PLANWAVE_CRASH_SEED` repeats a run of this test.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "other test programs use the rest of it")]
mod support;

#[path = "../support/aftermath.rs"]
mod aftermath;

use std::{
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use aftermath::{check, documents, files_of_the_plan, on_tape, take_everything_back};
use support::{
    environment::TestEnv,
    server::{Asked, Reply, ScriptedServer, good},
    subplan_body,
};

const CONCURRENCY: usize = 4;

/// Eight achievements in three levels.
fn shape() -> Vec<Vec<usize>> {
    vec![vec![], vec![], vec![], vec![0], vec![0, 1], vec![2], vec![3, 4], vec![5]]
}

/// The calls of an undisturbed run: two documents each, and one answer that is sent back.
fn calls() -> usize {
    2 * shape().len() + 1
}

/// Every answer is good, but for the first to one SUBPLAN, which lacks a section.
fn script(asked: &Asked) -> Reply {
    if asked.stage == "subplan" && asked.id == "2.1" && asked.before == 0 {
        return Reply::Text(subplan_body("2.1", "Executions: 1").replace("## Approach", "## Thoughts"));
    }
    good(asked)
}

/// SplitMix64: enough to choose moments by, and the same for the same seed everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: Duration) -> Duration {
        Duration::from_micros(self.next() % u64::try_from(end.as_micros()).unwrap().max(1))
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap())
}

const RUN: [&str; 6] = ["run", "plan", "--all", "--yes", "--concurrency", "4"];

fn quiet(env: &TestEnv) -> Command {
    let mut command = env.command(&RUN, &[]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Waits until the server has been sent more than `sent` requests, or the run has ended without one.
fn wait_for_request(server: &ScriptedServer, sent: usize, child: &mut Child) {
    while server.count() == sent && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_killed_loses_nothing_and_pays_for_nothing_twice() {
    // A server of wiremock blocks on a lock when it is dropped; where a task has used up its share of the runtime, tokio
    // lets it wait for that for ever.
    tokio::task::unconstrained(kill_and_look()).await;
}

#[expect(clippy::print_stderr, reason = "the seed has to be seen where the test fails")]
async fn kill_and_look() {
    let kills = number("PLANWAVE_CRASH_KILLS").unwrap_or(200);
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let seed = number("PLANWAVE_CRASH_SEED").unwrap_or_else(|| u64::try_from(clock.as_millis()).unwrap());
    eprintln!("{kills} kills with PLANWAVE_CRASH_SEED={seed}");
    let mut random = Random(seed);

    let server = ScriptedServer::slow(script, Duration::from_millis(8)).await;
    let env = TestEnv::with_plan(&shape()).server(&server.base_url());
    let began = Instant::now();
    let mut child = quiet(&env).spawn().unwrap();
    wait_for_request(&server, 0, &mut child);
    let starting = began.elapsed();
    assert!(child.wait().unwrap().success());
    let working = began.elapsed() - starting;
    assert_eq!(server.count(), calls());
    let expected = documents(&env);
    assert_eq!(expected.len(), 2 * shape().len());

    let (mut killed, mut rounds, mut lost_in_all) = (0, 0, 0);
    while killed < kills {
        rounds += 1;
        let server = ScriptedServer::slow(script, Duration::from_millis(8)).await;
        let env = TestEnv::with_plan(&shape()).server(&server.base_url());
        // Nothing but the runs is to be taken back.
        std::fs::remove_dir_all(env.path("plan/.planwave")).unwrap();
        let before = files_of_the_plan(&env);
        // Answers that were in flight at a kill and are paid for again.
        let mut lost = 0;
        for _ in 0..12 {
            let sent = server.count();
            let mut child = quiet(&env).spawn().unwrap();
            // Most kills fall into the time in which something is going on, some into the start.
            if random.next().is_multiple_of(5) {
                std::thread::sleep(random.below(starting));
            } else {
                wait_for_request(&server, sent, &mut child);
                std::thread::sleep(random.below(working));
            }
            child.kill().unwrap();
            if child.wait().unwrap().success() {
                break;
            }
            killed += 1;
            // Requests that were on their way are counted before their answers are looked for.
            std::thread::sleep(Duration::from_millis(20));
            check(&env, &expected);
            let now_lost = server.count() - on_tape(&env);
            assert!(now_lost - lost <= CONCURRENCY, "{} answers were lost by one kill", now_lost - lost);
            lost = now_lost;
        }
        let said = env.run(&RUN);
        assert!(said.ends_with("[exit 0]"), "{said}");
        check(&env, &expected);
        assert_eq!(documents(&env), expected);
        let sent = server.count();
        assert!(sent <= calls() + lost, "{sent} requests for {} calls, {lost} of them lost", calls());
        let leftovers: Vec<String> = env.files("plan").into_keys().filter(|name| name.ends_with(".tmp")).collect();
        assert!(leftovers.is_empty(), "{leftovers:?}");
        assert!(env.run(&RUN).contains("nothing to do"));
        assert_eq!(server.count(), sent);
        // Every run can be taken back, those that were killed too.
        take_everything_back(&env);
        assert!(files_of_the_plan(&env) == before, "undo does not bring back the bytes from before");
        lost_in_all += lost;
    }
    eprintln!("{killed} kills in {rounds} runs; {lost_in_all} answers were in flight and asked for again");
}
