//! Working on achievements: claim, start, complete, fail, retry, skip, assign, release.

use std::{collections::BTreeSet, fs};

use crate::support::environment::TestEnv;

/// Times of now have no place in a snapshot.
macro_rules! assert_said {
    ($said:expr, @$snapshot:literal) => {
        insta::with_settings!({filters => vec![(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "[time]"), (r"process \d+", "process [n]")]}, {
            insta::assert_snapshot!($said, @$snapshot);
        });
    };
}

fn value(env: &TestEnv) -> serde_json::Value {
    serde_json::from_str(&env.read("plan/parallel.json")).unwrap()
}

#[test]
fn the_life_of_an_achievement() {
    let env = TestEnv::with_plan(&[vec![], vec![0]]);
    env.write("plan/subplans/SUBPLAN_TEST_11.md", "# SUBPLAN\n\nText.\n");
    env.write("plan/execution/EXECUTION_TASK_TEST_11_01.md", "# EXECUTION_TASK\n\nText.\n");
    assert_said!(env.run(&["assign", "1.1", "ana", "plan"]), @r"
    1.1 is execution_created, executor ana  Part 1.1
    [exit 0]
    ");
    assert_said!(env.run(&["start", "1.1", "plan"]), @r"
    1.1: execution_created → in_progress, executor ana  Part 1.1
      read subplans/SUBPLAN_TEST_11.md
      read execution/EXECUTION_TASK_TEST_11_01.md
    [exit 0]
    ");
    assert_said!(env.run(&["fail", "1.1", "plan", "--reason", "No tests."]), @r"
    1.1: in_progress → failed, executor ana  Part 1.1
      wrote execution/feedbacks/FIX_11.md
    [exit 0]
    ");
    assert_said!(env.read("plan/execution/feedbacks/FIX_11.md"), @r"
    # FIX: Achievement 1.1: Part 1.1

    - **Date**: [time]
    - **Executor**: ana

    ## What to fix

    No tests.
    ");
    assert_said!(env.run(&["claim", "plan"]), @r"
    ------- stderr -------
    nothing to claim: nothing is ready: 0 in progress, 1 failed; the rest waits for them
    [exit 1]
    ");
    assert_said!(env.run(&["retry", "1.1", "plan"]), @r"
    1.1: failed → execution_created, executor ana  Part 1.1
      wrote execution/feedbacks/FIX_11_ARCHIVED.md
    [exit 0]
    ");
    assert_said!(env.run(&["claim", "plan", "--executor", "ana", "--json"]), @r#"
    {
      "event": "status_changed",
      "achievement": "1.1",
      "title": "Part 1.1",
      "command": "claim",
      "from": "execution_created",
      "to": "in_progress",
      "executor": "ana",
      "actual_hours": null,
      "at": "[time]",
      "subplan": "subplans/SUBPLAN_TEST_11.md",
      "executions": [
        "execution/EXECUTION_TASK_TEST_11_01.md"
      ],
      "written": [],
      "remarks": []
    }
    [exit 0]
    "#);
    assert_said!(env.run(&["complete", "1.1", "plan", "--hours", "1.5", "--note", "Tests came late."]), @r"
    1.1: in_progress → complete, executor ana, 1.5 h  Part 1.1
      wrote execution/feedbacks/APPROVED_11.md
    [exit 0]
    ");
    assert_said!(env.read("plan/execution/feedbacks/APPROVED_11.md"), @r"
    # APPROVED: Achievement 1.1: Part 1.1

    - **Date**: [time]
    - **Executor**: ana

    ## Note

    Tests came late.
    ");
    assert_said!(value(&env)["levels"][0]["achievements"][0].to_string(), @r#"
    {"id":"1.1","title":"Part 1.1","status":"complete","dependencies":[],"optional_dependencies":[],"dependency_notes":{},"blocks":["2.1"],"estimated_hours":"2-3 hours","actual_hours":1.5,"started_at":"[time]","completed_at":"[time]","executor":"ana","assigned_at":"[time]","deliverables":["`part_1.1.rs`"],"critical":null,"touches":null,"subplan_path":null,"execution_paths":[],"failure":null,"notes":"Tests came late."}
    "#);
    assert_said!(env.run(&["start", "1.1", "plan"]), @r"
    ------- stderr -------
    error: 1.1 is complete: `start` does not apply to that
      hint: what can be done with it now: `complete`
    [exit 2]
    ");
    assert_said!(env.run(&["next", "plan"]), @r"
      2.1  Part 2.1                                          2–3 h

    Next       planwave claim plan
               takes the first of them that has its documents, and begins
    [exit 0]
    ");
}

#[test]
fn a_skipped_dependency_holds_up_nothing() {
    let env = TestEnv::with_plan(&[vec![], vec![0]]);
    let mut file = value(&env);
    file["levels"][0]["achievements"][0]["critical"] = true.into();
    env.write("plan/parallel.json", &file.to_string());
    assert_said!(env.run(&["start", "2.1", "plan"]), @r"
    ------- stderr -------
    error: 2.1 waits for 1.1
      hint: `--force` begins all the same
    [exit 2]
    ");
    assert_said!(env.run(&["skip", "1.1", "plan", "--reason", "Bought instead."]), @r"
    ------- stderr -------
    error: 1.1 is critical: the plan does not reach its goal without it
      hint: `--force` skips it all the same
    [exit 2]
    ");
    assert_said!(env.run(&["skip", "1.1", "plan", "--reason", "Bought instead.", "--force"]), @r"
    1.1: not_started → skipped  Part 1.1
      wrote execution/SKIPPED_11.md
    [exit 0]
    ");
    assert_said!(env.run(&["start", "2.1", "plan", "--executor", "bob", "--events", "-"]), @r#"
    {"event":"status_changed","achievement":"2.1","title":"Part 2.1","command":"start","from":"not_started","to":"in_progress","executor":"bob","actual_hours":null,"at":"[time]","subplan":null,"executions":[],"written":[],"remarks":["2.1 has no EXECUTION_TASK to work by"]}
    ------- stderr -------
    2.1: not_started → in_progress, executor bob  Part 2.1
    note: 2.1 has no EXECUTION_TASK to work by
    [exit 0]
    "#);
    assert_said!(env.run(&["release", "2.1", "plan"]), @r"
    2.1: in_progress → not_started  Part 2.1
    [exit 0]
    ");
    assert_said!(env.run(&["retry", "1.1", "plan"]), @r"
    1.1: skipped → not_started  Part 1.1
      wrote execution/SKIPPED_11_ARCHIVED.md
    [exit 0]
    ");
    let names: Vec<String> = env.files("plan/execution").into_keys().collect();
    assert_eq!(names, ["SKIPPED_11_ARCHIVED.md"]);
}

#[test]
fn what_cannot_be_done_says_what_can() {
    let env = TestEnv::with_plan(&[vec![]]);
    let before = env.read("plan/parallel.json");
    assert_said!(env.run(&["retry", "1.1", "plan"]), @r"
    ------- stderr -------
    error: 1.1 is not started: `retry` does not apply to that
      hint: what can be done with it now: `assign`, `claim`, `start`, `release`, `complete`, `fail`, `skip`
    [exit 2]
    ");
    assert_said!(env.run(&["complete", "9.9", "plan"]), @r"
    ------- stderr -------
    error: there is no achievement 9.9 in parallel.json
      hint: `planwave status` shows those there are
    [exit 2]
    ");
    assert_said!(env.run(&["complete", "1.1", "plan", "--hours", "NaN"]), @r"
    ------- stderr -------
    error: NaN is no number of hours that somebody works
      hint: write the hours that somebody worked as a number, such as 1.5
    [exit 2]
    ");
    assert_said!(env.run(&["complete", "1.1", "plan", "--json", "--events", "-"]), @r"
    ------- stderr -------
    error: `--json` and `--events -` both want standard output
      hint: write the events to a file
    [exit 2]
    ");
    assert_eq!(env.read("plan/parallel.json"), before);
}

#[test]
fn fixes_are_set_aside_one_beside_the_other() {
    let env = TestEnv::with_plan(&[vec![]]);
    for reason in ["first", "second", "third"] {
        let failed = env.run(&["fail", "1.1", "plan", "--reason", reason]);
        assert!(failed.ends_with("[exit 0]"), "{failed}");
        let retried = env.run(&["retry", "1.1", "plan"]);
        assert!(retried.ends_with("[exit 0]"), "{retried}");
    }
    let names: Vec<String> = env.files("plan/execution/feedbacks").into_keys().collect();
    assert_eq!(names, ["FIX_11_ARCHIVED.md", "FIX_11_V2_ARCHIVED.md", "FIX_11_V3_ARCHIVED.md"]);
    assert!(env.read("plan/execution/feedbacks/FIX_11_V3_ARCHIVED.md").contains("third"));
}

#[test]
fn a_lock_that_is_held_is_waited_for_and_then_named() {
    let env = TestEnv::with_plan(&[vec![]]);
    let path = env.path("plan/.planwave/changes.lock");
    fs::write(&path, "process 1 (run) since long ago").unwrap();
    let lock = fs::File::options().write(true).open(path).unwrap();
    lock.lock().unwrap();
    assert_said!(env.run(&["claim", "plan"]), @r"
    ------- stderr -------
    error: another run holds plan: process [n] (run) since long ago
      hint: wait until it has ended, then run the same command again
    [exit 3]
    ");
    // Freed while somebody waits.
    let waiting = env.command(&["claim", "plan"], &[]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    drop(lock);
    let output = waiting.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// Two processes that claim from one plan at once: each gets what the other does not.
fn claim_in_turns(each: usize) {
    let needs = vec![vec![]; 2 * each];
    let env = TestEnv::with_plan_in_memory(&needs);
    let claim = |executor: &'static str| -> Vec<String> {
        let one = |_| {
            let output = env.command(&["claim", "plan", "--executor", executor, "--json"], &[]).output().unwrap();
            assert!(output.status.success(), "{output:?}");
            let done: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
            done["achievement"].as_str().unwrap().to_owned()
        };
        (0..each).map(one).collect()
    };
    let (ana, bob) = std::thread::scope(|scope| {
        let ana = scope.spawn(|| claim("ana"));
        let bob = scope.spawn(|| claim("bob"));
        (ana.join().unwrap(), bob.join().unwrap())
    });
    let all: BTreeSet<&String> = ana.iter().chain(&bob).collect();
    assert_eq!(all.len(), 2 * each, "ana {ana:?}, bob {bob:?}");
    let file = value(&env);
    let stored = file["levels"][0]["achievements"].as_array().unwrap().iter();
    for achievement in stored {
        let id = achievement["id"].as_str().unwrap().to_owned();
        let executor = if ana.contains(&id) { "ana" } else { "bob" };
        assert_eq!((&achievement["status"], &achievement["executor"]), (&"in_progress".into(), &executor.into()));
    }
    assert!(env.run(&["claim", "plan"]).ends_with("[exit 1]"));
}

/// Transitions of each of two processes; `PLANWAVE_TRANSITIONS` asks for another number.
fn transitions() -> usize {
    std::env::var("PLANWAVE_TRANSITIONS").ok().map_or(1_000, |text| text.parse().unwrap())
}

/// Each of two loops takes an achievement of its own back and forth. If one wrote what the other had just changed, the other's
/// next transition would not apply.
#[test]
fn two_loops_of_transitions_lose_and_repeat_nothing() {
    let env = TestEnv::with_plan_in_memory(&[vec![], vec![]]);
    let each = transitions();
    let work = |id: &'static str| {
        for number in 0..each {
            let action = if number % 2 == 0 { "start" } else { "release" };
            let said = env.run(&[action, id, "plan"]);
            assert!(said.ends_with("[exit 0]"), "{number}: {said}");
        }
    };
    std::thread::scope(|scope| {
        for id in ["1.1", "1.2"] {
            scope.spawn(move || work(id));
        }
    });
    let history = env.run(&["history", "plan", "--json", "--limit", &(3 * each).to_string()]);
    for command in ["start 1.1", "release 1.1", "start 1.2", "release 1.2"] {
        assert_eq!(history.matches(&format!("\"{command}\"")).count(), each / 2, "{command}");
    }
    assert!(env.run(&["status", "plan"]).ends_with("[exit 0]"));
}

#[test]
fn two_claims_at_once_never_get_the_same() {
    claim_in_turns(50);
}
