//! Tapes: what is recorded replays to the same bytes, in any order, without a server.

use crate::support::{
    environment::TestEnv,
    server::{Reply, ScriptedServer, good},
};

fn documents(env: &TestEnv) -> Vec<(String, Vec<u8>)> {
    let files = env.files("plan").into_iter();
    files.filter(|(name, _)| name.ends_with(".md") || name == "parallel.json").collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_gives_the_same_bytes_without_a_server() {
    let shape = [vec![], vec![], vec![0], vec![0, 1]];
    let server = ScriptedServer::start(|asked| match (asked.id.as_str(), asked.before) {
        ("1.2", 0) => Reply::Text(String::from("## Objective\n\nToo little.")),
        ("2.1", 0) => Reply::Status(503, String::from("busy")),
        _ => good(asked),
    })
    .await;
    let recorded = TestEnv::with_plan(&shape).server(&server.base_url());
    let run = ["run", "plan", "--all", "--yes", "--progress", "none"];
    let quick = [("PLANWAVE_RETRY_BASE_DELAY_MS", "1")];
    let said = recorded.run_with(&[&run[..], &["--record", "tape.jsonl"]].concat(), &quick);
    assert!(said.ends_with("[exit 0]"), "{said}");
    drop(server);

    for order in ["level", "ready"] {
        for concurrency in ["1", "8"] {
            let replayed = TestEnv::with_plan(&shape);
            // The parallel.json of the recorded run was written at another time.
            let text = recorded.read("plan/parallel.json");
            let created = |text: &str| {
                serde_json::from_str::<serde_json::Value>(text).unwrap()["created"].as_str().unwrap().to_owned()
            };
            let fresh = replayed.read("plan/parallel.json");
            replayed.write("plan/parallel.json", &fresh.replace(&created(&fresh), &created(&text)));
            replayed.write("tape.jsonl", &recorded.read("tape.jsonl"));
            let said = replayed
                .run(&[&run[..], &["--replay", "tape.jsonl", "--order", order, "--concurrency", concurrency]].concat());
            assert!(said.ends_with("[exit 0]"), "{said}");
            assert_eq!(documents(&replayed), documents(&recorded), "{order} {concurrency}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_not_on_the_tape_shows_what_differs() {
    let server = ScriptedServer::start(good).await;
    let env = TestEnv::with_plan(&[vec![]]).server(&server.base_url());
    let run = ["run", "plan", "--all", "--yes", "--progress", "none"];
    env.run(&[&run[..], &["--record", "tape.jsonl"]].concat());
    let changed = TestEnv::with_plan(&[vec![]]);
    changed.write("tape.jsonl", &env.read("tape.jsonl"));
    let plan = changed.read("plan/PLAN_TEST.md").replace("Have part 1.1", "Have another part 1.1");
    changed.write("plan/PLAN_TEST.md", &plan);
    let said = changed.run(&[&run[..], &["--replay", "tape.jsonl"]].concat());
    assert!(said.ends_with("[exit 1]"), "{said}");
    assert!(said.contains("not on the tape"), "{said}");
    assert!(said.contains("Have another part 1.1") && said.contains("Have part 1.1"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tape_is_never_overwritten() {
    let server = ScriptedServer::start(good).await;
    let env = TestEnv::with_plan(&[vec![]]).server(&server.base_url());
    env.write("tape.jsonl", "precious\n");
    let said = env.run(&["run", "plan", "--all", "--yes", "--record", "tape.jsonl"]);
    assert!(said.contains("tape.jsonl exists already") && said.ends_with("[exit 2]"), "{said}");
    assert_eq!(env.read("tape.jsonl"), "precious\n");
    assert_eq!(server.bodies().len(), 0);
}

#[test]
fn a_tape_that_is_none_is_refused_with_its_line() {
    let env = TestEnv::with_plan(&[vec![]]);
    for text in ["", "not a tape\n", "{\"tape\":99}\n"] {
        env.write("tape.jsonl", text);
        let said = env.run(&["run", "plan", "--all", "--replay", "tape.jsonl"]);
        assert!(said.contains("error: tape.jsonl") && said.ends_with("[exit 2]"), "{text:?}: {said}");
    }
}
