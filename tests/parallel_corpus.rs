//! Real parallel.json files, where they are at hand: they load, they say what people meant, and a rewrite touches nothing
//! but what it has to.

use std::{collections::BTreeMap, path::PathBuf};

use planwave::{
    parallel::{Change, Checked, Form, ParallelFile, Status, Surroundings, lint, migrate, repair},
    plan::AchievementId,
};
use serde_json::Value;

/// Reads a file of the corpus; `None`, and a note, where there is no corpus.
#[expect(clippy::print_stdout, reason = "a test that could not run has to say so")]
fn corpus(name: &str) -> Option<Vec<u8>> {
    let folder = std::env::var_os("PLANWAVE_CORPUS")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"), PathBuf::from);
    if !folder.is_dir() {
        println!("skipped: there is no corpus in {}", folder.display());
        return None;
    }
    Some(std::fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}")))
}

const NOW: &str = "2025-02-03T04:05:06Z";
const OBSERVABILITY: &str = "parallel/GRAPHRAG-OBSERVABILITY-VALIDATION.parallel.json";
const AUTOMATION: &str = "plans/PARALLEL-EXECUTION-AUTOMATION/parallel.json";

fn parsed(text: &[u8]) -> ParallelFile {
    ParallelFile::parse(text).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

fn levels(file: &ParallelFile) -> Vec<Vec<String>> {
    let ids = |entries: &[usize]| entries.iter().map(|&entry| file.entries()[entry].id.to_string()).collect();
    file.levels().iter().map(|level| ids(&level.entries)).collect()
}

#[test]
fn a_flat_file_of_a_plan_directory_loads_clean_and_gets_its_levels() {
    let Some(text) = corpus(AUTOMATION) else { return };
    let file = parsed(&text);
    assert_eq!((file.form(), file.plan_name()), (Form::Flat, Some("PARALLEL-EXECUTION-AUTOMATION")));
    let checked = file.check();
    assert_eq!((checked.errors.len(), checked.warnings.len()), (0, 0), "{checked:?}");
    let expected: [&[&str]; 7] = [&["1.1"], &["1.2"], &["1.3"], &["2.1"], &["2.2"], &["2.3"], &["3.1", "3.2", "3.3"]];
    assert_eq!(levels(&file), expected);
    assert!(file.entries().iter().all(|entry| entry.estimated_hours.is_some() && entry.status == Status::NotStarted));
}

#[test]
fn contradicting_blocks_are_told_one_by_one_and_keep_no_run_from_starting() {
    let Some(text) = corpus(OBSERVABILITY) else { return };
    let file = parsed(&text);
    assert_eq!((file.check(), file.entries().len()), (Checked::default(), 24));
    let problems = lint(&file, &Surroundings::default());
    let count = |name: &str| problems.iter().filter(|problem| problem.rule.name == name).count();
    assert_eq!((count("blocks-mismatch"), count("old-form"), count("no-plan")), (14, 1, 1), "{problems:#?}");
    assert_eq!(problems.len(), 16);
}

#[test]
fn real_flat_files_become_leveled_ones_without_losing_a_value() {
    for name in [OBSERVABILITY, AUTOMATION] {
        let Some(text) = corpus(name) else { return };
        let new = migrate(&text, NOW).expect("a sound file").expect("a flat one");
        let leveled = parsed(new.as_bytes());
        assert_eq!((leveled.form(), leveled.check()), (Form::Leveled, Checked::default()), "{name}");
        let (old, new): (Value, Value) = (serde_json::from_slice(&text).unwrap(), serde_json::from_str(&new).unwrap());
        for (key, value) in old.as_object().unwrap() {
            let key = if key == "plan_name" { "plan" } else { key };
            assert!(key == "achievements" || new[key] == *value, "{name}: {key}");
        }
        let flat = |file: &Value| -> Vec<Value> {
            let levels = file["levels"].as_array().unwrap().iter();
            levels.flat_map(|level| level["achievements"].as_array().unwrap().clone()).collect()
        };
        let after = flat(&new);
        for achievement in old["achievements"].as_array().unwrap() {
            let mut expected = achievement.as_object().unwrap().clone();
            let id = expected.shift_remove("achievement_id").unwrap();
            let found = after.iter().find(|other| other["id"] == id).unwrap().as_object().unwrap();
            assert!(expected.iter().all(|(key, value)| found[key] == *value), "{name}: {id}");
            assert_eq!(found.len(), expected.len() + 1, "{name}: {id}");
        }
    }
}

#[test]
fn a_repaired_file_has_nothing_left_to_repair() {
    for name in [OBSERVABILITY, AUTOMATION] {
        let Some(text) = corpus(name) else { return };
        let around = Surroundings::default();
        let once = repair(&text, &around, NOW).expect("a sound file");
        let problems = lint(&parsed(once.as_bytes()), &around);
        assert!(problems.iter().all(|problem| !problem.fixable), "{name}: {problems:#?}");
        assert_eq!(repair(once.as_bytes(), &around, "2026-01-01T00:00:00Z"), Ok(once), "{name}");
    }
}

#[test]
fn a_rewrite_changes_the_lines_of_the_achievement_and_no_others() {
    for name in [OBSERVABILITY, AUTOMATION] {
        let Some(text) = corpus(name) else { return };
        let mut file = parsed(&text);
        let before = String::from_utf8(text).expect("checked by parse");
        assert_eq!(file.to_text(), before);
        let id = AchievementId::parse("2.2").expect("an id");
        let change = Change {
            status: Some(Status::SubplanCreated),
            subplan_path: Some("subplans/SUBPLAN_X_22.md".to_owned()),
            ..Change::default()
        };
        file.apply(&BTreeMap::from([(id, change)]), NOW);
        let after = file.to_text();
        let gone: Vec<&str> = before.lines().filter(|line| !after.contains(line)).collect();
        assert!(gone.is_empty(), "{name}: {gone:?}");
        assert!((2..=3).contains(&(after.lines().count() - before.lines().count())), "{name}");
        let value: Value = serde_json::from_str(&after).expect("still JSON");
        assert_eq!(value["updated"], NOW);
        assert_eq!(parsed(after.as_bytes()).get(id).map(|entry| entry.status), Some(Status::SubplanCreated));
    }
}
