//! The reader, checker, editor and mender of parallel.json.

use std::{collections::BTreeMap, hint::black_box};

use planwave::{
    document::Stage,
    parallel::{Change, Failure, Form, ParallelFile, Problem, Status, Surroundings, lint, migrate, render, repair},
};

use super::{about, kind, line_count};
use crate::drive::Target;

pub(super) const TARGET: Target = Target {
    name: "parallel",
    more: &["examples/parcel-tracker/parallel.json"],
    tokens: &[
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "null",
        "true",
        "\"levels\":[",
        "\"achievements\":[",
        "\"id\":\"1.1\"",
        "\"1.2\"",
        "\"dependencies\":[\"1.1\"]",
        "\"status\":\"complete\"",
        "\"status\":\"blocked\"",
        "\"level\":1",
        "\"level\":-1",
        "\"estimated_hours\":\"2-3 hours\"",
        "\"max_parallelism\":2",
        "\"can_parallelize\":true",
        "\"blocks\":[\"2.1\"]",
        "\"achievement_id\":\"1.1\"",
        "\"failure\":{\"stage\":\"subplan\",\"reason\":\"x\",\"attempts\":1,\"at\":\"t\"}",
        "\"subplan_path\":\"../x\"",
        "\"execution_paths\":[\"a\"]",
        "\"version\":\"1.0.0\"",
        "\\u0000",
        "\\ud800",
        "//",
        "<<<<<<< ",
        "\"dependency_notes\":{\"1.1\":{\"kind\":\"technical\"}}",
        "\"notes\":\"x\"",
        "1e400",
        "\u{feff}",
        "\"optional_dependencies\":[\"9.9\"]",
        "\"plan\":\"X\"",
        "  ",
    ],
    cases: 2_000,
    check,
    read,
    frame: (r#"{"plan":"X","levels":[{"level":1,"achievements":[{"id":"1.1","title":"T","x":["#, "]}]}]}"),
};

const NOW: &str = "2026-11-01T00:00:00Z";

#[test]
fn parallel_files() {
    TARGET.run();
}

fn read(input: &[u8]) {
    let around = Surroundings::default();
    if let Ok(file) = black_box(ParallelFile::salvage(input)) {
        black_box(lint(&file, &around));
    }
    if let Ok(mut file) = ParallelFile::parse(input) {
        black_box(file.examine());
        let ids: Vec<_> = file.entries().iter().map(|entry| entry.id).collect();
        let change = || Change { status: Some(Status::Complete), ..Change::default() };
        file.apply(&ids.into_iter().map(|id| (id, change())).collect(), NOW);
        black_box(file.to_text());
    }
    let _ = black_box((repair(input, &around, NOW), migrate(input, NOW)));
}

fn check(input: &[u8]) -> u64 {
    let lines = line_count(input);
    let salvaged = ParallelFile::salvage(input);
    let read = ParallelFile::parse(input);
    if let Ok(file) = &salvaged {
        report(&lint(file, &Surroundings::default()), lines);
    }
    match read {
        Ok(file) => good(file, input, lines),
        Err(problems) => {
            assert!(!problems.is_empty());
            report(&problems, lines);
            kind((salvaged.is_ok(), problems.iter().map(|problem| problem.rule.code).collect::<Vec<_>>()))
        }
    }
}

fn good(mut file: ParallelFile, input: &[u8], lines: usize) -> u64 {
    assert_eq!(file.to_text().as_bytes(), input, "what was not changed is as it was read");
    let (checked, graph) = file.examine();
    for problems in [&checked.errors, &checked.warnings] {
        report(problems, lines);
    }
    assert_eq!(graph.is_some(), checked.errors.is_empty());
    mended(input, lines);
    let codes: Vec<_> = checked.errors.iter().chain(&checked.warnings).map(|problem| problem.rule.code).collect();
    let outcome = kind((file.form() == Form::Flat, about(file.entries().len()), about(file.levels().len()), codes));
    edited(&mut file);
    outcome
}

/// Problems point into the file and can be shown.
fn report(problems: &[Problem], lines: usize) {
    for problem in problems {
        assert!((1..=lines + 1).contains(&problem.line) && problem.column >= 1 && problem.width >= 1, "{problem:?}");
    }
    let shown = render(problems, "parallel.json");
    assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "{shown:?}");
}

/// A change is in the file when it is read again, and nothing else has changed.
fn edited(file: &mut ParallelFile) {
    let before = file.entries().to_vec();
    let Some(last) = before.last().map(|entry| entry.id) else { return };
    // Of two with one id, the first is meant.
    let at = before.iter().position(|entry| entry.id == last).unwrap();
    let failure =
        Failure { stage: Stage::Subplan, reason: String::from("a \"reason\"\n"), attempts: 2, at: NOW.into() };
    let change = Change {
        status: Some(Status::Failed),
        subplan_path: Some(String::from("subplans/SUBPLAN_X_11.md")),
        execution_paths: Some(vec![String::from("execution/EXECUTION_TASK_X_11_01.md")]),
        failure: Some(Some(failure.clone())),
        executor: Some(Some(String::from("ana"))),
        started_at: Some(None),
        note: Some(String::from("noted")),
        ..Change::default()
    };
    file.apply(&BTreeMap::from([(last, change)]), NOW);
    let text = file.to_text();
    let again = ParallelFile::parse(text.as_bytes()).unwrap_or_else(|problems| panic!("{problems:?}\n{text}"));
    assert_eq!(again.entries().len(), before.len());
    for (index, (now, before)) in again.entries().iter().zip(&before).enumerate() {
        if index == at {
            assert_eq!((now.status, now.failure.as_ref()), (Status::Failed, Some(&failure)));
            assert_eq!(now.executor.as_deref(), Some("ana"));
            assert_eq!((&now.id, &now.title, now.started_at.as_ref()), (&before.id, &before.title, None));
        } else {
            assert_eq!(now, before);
        }
    }
}

/// What was mended or rewritten can be read, and there is nothing left to mend.
fn mended(input: &[u8], lines: usize) {
    let around = Surroundings::default();
    match repair(input, &around, NOW) {
        Ok(text) => {
            let again = repair(text.as_bytes(), &around, NOW);
            assert_eq!(again.as_ref(), Ok(&text), "mended twice");
        }
        Err(problems) => report(&problems, lines),
    }
    match migrate(input, NOW) {
        Ok(Some(text)) => {
            let file = ParallelFile::parse(text.as_bytes()).unwrap();
            assert_eq!(file.form(), Form::Leveled);
            assert_eq!(file.check().errors, []);
        }
        Ok(None) => {}
        Err(problems) => report(&problems, lines),
    }
}
