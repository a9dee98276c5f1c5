//! What a run comes to that cannot write, is interrupted, or runs out of budget: exit code, message, and that nothing is
//! lost, nothing is bought twice, and all of it can be taken back.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "other test programs use the rest of it")]
mod support;

#[path = "../support/aftermath.rs"]
mod aftermath;

#[cfg(debug_assertions)]
mod disk;
mod edits;
mod limits;
mod stops;
#[cfg(debug_assertions)]
mod systems;

use std::collections::BTreeMap;

use aftermath::{check, documents, files_of_the_plan, take_everything_back};
use support::{
    environment::TestEnv,
    server::{Asked, Reply, ScriptedServer, good},
    subplan_body,
};

type Files = BTreeMap<String, Vec<u8>>;

/// Three achievements in two levels.
fn shape() -> Vec<Vec<usize>> {
    vec![vec![], vec![], vec![0]]
}

/// The calls of an undisturbed run: two documents each, and one answer that is sent back.
const CALLS: usize = 7;

const CONCURRENCY: usize = 2;

/// Every answer is good, but for the first to one SUBPLAN, which lacks a section.
fn script(asked: &Asked) -> Reply {
    if asked.stage == "subplan" && asked.id == "1.2" && asked.before == 0 {
        return Reply::Text(subplan_body("1.2", "Executions: 1").replace("## Approach", "## Thoughts"));
    }
    good(asked)
}

const RUN: [&str; 8] = ["run", "plan", "--all", "--yes", "--concurrency", "2", "--progress", "none"];

/// A plan on which nothing is on record, and its files.
fn plan(server: &ScriptedServer) -> (TestEnv, Files) {
    let env = TestEnv::with_plan_in_memory(&shape()).server(&server.base_url());
    std::fs::remove_dir_all(env.path("plan/.planwave")).unwrap();
    let files = files_of_the_plan(&env);
    (env, files)
}

/// The documents of an undisturbed run.
async fn undisturbed() -> BTreeMap<String, String> {
    let server = ScriptedServer::start(script).await;
    let (env, _) = plan(&server);
    let said = env.run(&RUN);
    assert!(said.ends_with("[exit 0]"), "{said}");
    assert_eq!(server.count(), CALLS);
    documents(&env)
}

/// After whatever it was: what is there is whole, the same command completes it, at most `lost` answers are bought twice, and
/// undo brings back the bytes from before.
fn goes_on(env: &TestEnv, server: &ScriptedServer, before: &Files, expected: &BTreeMap<String, String>, lost: usize) {
    check(env, expected);
    let said = env.run(&RUN);
    assert!(said.ends_with("[exit 0]"), "{said}");
    check(env, expected);
    assert_eq!(&documents(env), expected);
    let sent = server.count();
    assert!(sent <= CALLS + lost, "{sent} requests for {CALLS} calls, of which {lost} were lost");
    let leftovers: Vec<String> = env.files("plan").into_keys().filter(|name| name.ends_with(".tmp")).collect();
    assert!(leftovers.is_empty(), "{leftovers:?}");
    take_everything_back(env);
    assert!(&files_of_the_plan(env) == before, "undo does not bring back the bytes from before");
}
