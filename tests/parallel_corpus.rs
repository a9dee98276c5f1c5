//! Real parallel.json files, where they are at hand: they load, they say what people meant, and a rewrite touches nothing
//! but what it has to.

use std::{collections::BTreeMap, path::PathBuf};

use planwave::{
    parallel::{Change, Form, ParallelFile, Status},
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
fn contradicting_blocks_are_one_warning_that_counts_them() {
    let Some(text) = corpus(OBSERVABILITY) else { return };
    let file = parsed(&text);
    let checked = file.check();
    assert!(checked.errors.is_empty(), "{checked:?}");
    let [warning] = checked.warnings.as_slice() else { panic!("{checked:?}") };
    assert_eq!((warning.code, warning.path.as_str()), ("blocks-mismatch", "achievements[0].blocks"));
    assert!(warning.message.contains("14 achievements") && warning.message.contains("first is 0.1"), "{warning}");
    assert_eq!(file.entries().len(), 24);
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
        file.apply(&BTreeMap::from([(id, change)]), "2025-02-03T04:05:06Z");
        let after = file.to_text();
        let gone: Vec<&str> = before.lines().filter(|line| !after.contains(line)).collect();
        assert!(gone.is_empty(), "{name}: {gone:?}");
        assert!((2..=3).contains(&(after.lines().count() - before.lines().count())), "{name}");
        let value: Value = serde_json::from_str(&after).expect("still JSON");
        assert_eq!(value["updated"], "2025-02-03T04:05:06Z");
        assert_eq!(parsed(after.as_bytes()).get(id).map(|entry| entry.status), Some(Status::SubplanCreated));
    }
}
