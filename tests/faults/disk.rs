//! The n-th file effect of a kind fails, for every n that a run comes to, once or from then on.

use std::path::Path;

use crate::{
    CALLS, CONCURRENCY, Files, RUN,
    aftermath::{documents, files_of_the_plan, on_tape},
    goes_on, plan, script,
    support::{environment::TestEnv, server::ScriptedServer},
    undisturbed,
};

/// Numbers of errors, the same on Linux and macOS, and what is advised.
const ERRORS: [(i32, &[&str]); 5] = [
    (28, &["free some space"]),
    (30, &["writable"]),
    (13, &["writable", "check the permissions"]),
    (24, &["limit of open files"]),
    (5, &["has a fault"]),
];

const TAPE: &str = ".planwave/tape.jsonl";

/// Has effects fail until a run no longer comes to them.
async fn every(effect: &str) {
    // A server of wiremock blocks on a lock when it is dropped; where a task has used up its share of the runtime, tokio lets
    // it wait for that for ever.
    tokio::task::unconstrained(one_after_the_other(effect)).await;
}

async fn one_after_the_other(effect: &str) {
    let expected = undisturbed().await;
    for onwards in [false, true] {
        for number in 1.. {
            // What fails for good is much the same wherever it begins.
            if onwards && number % 3 != 1 {
                continue;
            }
            let server = ScriptedServer::start(script).await;
            let (env, before) = plan(&server);
            let (code, advice) = ERRORS[number % ERRORS.len()];
            let log = env.path("fault.log");
            let fault = format!("{effect} {number}{} {code} {}", if onwards { "+" } else { "" }, log.display());
            let said = env.run_with(&RUN, &[("TEST_FAULT", &fault)]);
            let Ok(failed) = std::fs::read_to_string(&log) else {
                assert!(number > 1, "no run has a {effect}");
                break;
            };
            let what = format!("{fault}\n{failed}{said}");
            let said = one_line(&said);
            let paths: Vec<&str> = failed.lines().map(|line| line.split_once(' ').unwrap().1).collect();
            let lost = server.count() - on_tape(&env);
            assert!(!said.contains("panicked") && !said.contains("internal error"), "{what}");
            if said.ends_with("[exit 2]") {
                assert_eq!(server.count(), 0, "{what}");
                let whole = |name: &String| !name.ends_with(".tmp");
                let files = files_of_the_plan(&env).into_iter().filter(|(name, _)| whole(name)).collect::<Files>();
                assert!(files == before, "{what}");
            }
            if said.ends_with("[exit 0]") {
                assert_eq!(documents(&env), expected, "{what}");
            } else {
                assert!(said.ends_with("[exit 1]") || said.ends_with("[exit 2]"), "{what}");
                let aside = said.contains("the room that was set aside") && code == 28;
                assert!(aside || paths.iter().any(|path| names(&said, path)), "{what}");
                assert!(advice.iter().any(|advice| said.contains(advice)) || paths.contains(&TAPE), "{what}");
            }
            if failed.contains(TAPE) {
                assert!(lost <= CONCURRENCY, "{lost} of {CALLS} answers are not on the tape: {what}");
            } else {
                assert_eq!(lost, 0, "{what}");
            }
            if lost > 0 && !onwards {
                said_that_the_tape_failed(&said);
            }
            goes_on(&env, &server, &before, &expected, lost);
        }
    }
}

/// A text without its line breaks: messages are wrapped.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a message tells of the file, or of the folder of a file that has no name yet.
fn names(said: &str, path: &str) -> bool {
    let folder = Path::new(path).parent().unwrap_or(Path::new(""));
    let shown = |path: &Path| Path::new("plan").join(path).display().to_string();
    said.contains(&shown(Path::new(path))) || said.contains(&shown(folder))
}

fn said_that_the_tape_failed(said: &str) {
    assert!(one_line(said).contains("could not be written to the tape: plan/.planwave/tape.jsonl: "), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_opening() {
    every("Open").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_new_file() {
    every("Create").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_write() {
    every("Write").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sync() {
    every("Sync").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sync_of_a_folder() {
    every("SyncFolder").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_rename() {
    every("Rename").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_new_name() {
    every("NewName").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_exchange() {
    every("Exchange").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_removal() {
    every("Remove").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_too_full_is_found_before_anything_is_sent() {
    let server = ScriptedServer::start(script).await;
    let (env, before) = plan(&server);
    let fault = format!("Space 1 1000000 {}", env.path("fault.log").display());
    let full = |arguments: &[&str]| env.run_with(arguments, &[("TEST_FAULT", &fault)]);
    let dry = full(&["run", "plan", "--all", "--dry-run"]);
    assert!(one_line(&dry).contains("there are 1.0 MB free at plan, and this run may write "), "{dry}");
    assert!(dry.ends_with("[exit 0]"), "{dry}");
    let said = full(&RUN);
    assert!(said.contains("error: there are ") && said.contains("hint: free some space"), "{said}");
    assert!(said.ends_with("[exit 2]"), "{said}");
    assert_eq!(server.count(), 0);
    assert!(files_of_the_plan(&env) == before);
    assert_no_record(&env);
}

fn assert_no_record(env: &TestEnv) {
    assert!(!env.path("plan/.planwave/runs").exists());
}
