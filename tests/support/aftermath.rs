//! What has to hold of a plan whatever has happened to a run.

use std::collections::BTreeMap;

use planwave::{
    parallel::{ParallelFile, Status},
    tape::Tape,
};

use crate::support::environment::TestEnv;

/// The documents, without the line that says when each was made.
pub(crate) fn documents(env: &TestEnv) -> BTreeMap<String, String> {
    let whole =
        |name: &String| name.ends_with(".md") && (name.starts_with("subplans/") || name.starts_with("execution/"));
    let files = env.files("plan").into_iter().filter(|(name, _)| whole(name));
    files
        .map(|(name, bytes)| {
            let text = String::from_utf8(bytes).unwrap();
            let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("**Created**")).collect();
            (name, lines.join("\n"))
        })
        .collect()
}

/// Every file but planwave's own.
pub(crate) fn files_of_the_plan(env: &TestEnv) -> BTreeMap<String, Vec<u8>> {
    env.files("plan").into_iter().filter(|(name, _)| !name.starts_with(".planwave/")).collect()
}

/// Answers that are safe on the plan's own tape.
pub(crate) fn on_tape(env: &TestEnv) -> usize {
    match std::fs::read_to_string(env.path("plan/.planwave/tape.jsonl")) {
        Ok(text) if !text.is_empty() => {
            // A header that was cut short is the beginning of a tape on which nothing is yet.
            Tape::parse(&text).map_or(0, |tape| tape.exchanges.iter().filter(|(_, one)| one.complete).count())
        }
        Ok(_) | Err(_) => 0,
    }
}

/// What has to hold at any moment.
pub(crate) fn check(env: &TestEnv, expected: &BTreeMap<String, String>) {
    let found = documents(env);
    for (name, text) in &found {
        assert_eq!(Some(text), expected.get(name), "{name} is not the document of an undisturbed run");
    }
    let file = ParallelFile::parse(env.read("plan/parallel.json").as_bytes()).unwrap();
    assert!(file.check().errors.is_empty());
    for entry in file.entries() {
        let documents = entry.subplan_path.iter().chain(&entry.execution_paths);
        for path in documents {
            assert!(found.contains_key(path), "parallel.json of {} speaks of {path}, which is not there", entry.id);
        }
        let needed = match entry.status {
            Status::NotStarted => 0,
            Status::SubplanCreated => 1,
            Status::ExecutionCreated => 2,
            Status::InProgress | Status::Complete | Status::Failed | Status::Skipped => panic!("{}", entry.status),
        };
        let there = usize::from(entry.subplan_path.is_some()) + entry.execution_paths.len();
        assert!(there >= needed, "{} is {} with {there} documents", entry.id, entry.status);
    }
}

/// Undoes everything that is on record.
pub(crate) fn take_everything_back(env: &TestEnv) {
    while !env.run(&["undo", "plan", "--dry-run"]).contains("nothing to undo") {
        let said = env.run(&["undo", "plan", "--yes"]);
        assert!(said.ends_with("[exit 0]"), "{said}");
    }
}
