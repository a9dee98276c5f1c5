//! `planwave demo`: the real binary in an empty directory, whatever its surroundings say.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its files has failed")]

use std::{fs, path::Path};

use assert_cmd::Command;
use serde_json::Value;

fn planwave(directory: &Path) -> Command {
    let mut command = Command::cargo_bin("planwave").unwrap();
    command.current_dir(directory).env_clear();
    for name in ["SystemRoot", "PATH"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let mut names: Vec<String> = entries
        .filter(|entry| entry.file_type().unwrap().is_file())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// All files of a plan directory that the run decides, with their text.
fn documents(plan: &Path) -> Vec<(String, String)> {
    let mut files = vec![("parallel.json".to_owned(), fs::read_to_string(plan.join("parallel.json")).unwrap())];
    for folder in ["subplans", "execution"] {
        for name in names(&plan.join(folder)) {
            let text = fs::read_to_string(plan.join(folder).join(&name)).unwrap();
            files.push((format!("{folder}/{name}"), text));
        }
    }
    files
}

#[test]
fn level_1_is_generated_from_the_built_in_tape() {
    let scratch = tempfile::tempdir().unwrap();
    let output = planwave(scratch.path()).arg("demo").output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{stdout}{stderr}");

    let dry_run = stdout.find("nothing sent, nothing written").expect("a dry run is shown");
    let summary = stdout.find("Items      6 done").expect("a summary is shown");
    let next = stdout.find("planwave run planwave-demo --level 2 --dry-run").expect("the next command is shown");
    assert!(dry_run < summary && summary < next, "{stdout}");
    assert!(stdout.contains("people wrote them, no model did"), "{stdout}");
    assert!(stderr.contains("1.3 subplan rejected (attempt 1): section-missing"), "{stderr}");

    let plan = scratch.path().join("planwave-demo");
    assert_eq!(
        names(&plan.join("subplans")),
        ["SUBPLAN_PARCEL-TRACKER_11.md", "SUBPLAN_PARCEL-TRACKER_12.md", "SUBPLAN_PARCEL-TRACKER_13.md"]
    );
    assert_eq!(
        names(&plan.join("execution")),
        [
            "EXECUTION_TASK_PARCEL-TRACKER_11_01.md",
            "EXECUTION_TASK_PARCEL-TRACKER_12_01.md",
            "EXECUTION_TASK_PARCEL-TRACKER_12_02.md",
            "EXECUTION_TASK_PARCEL-TRACKER_13_01.md"
        ]
    );
    let validated = planwave(scratch.path()).args(["validate", "planwave-demo", "--json"]).output().unwrap();
    let report: Value = serde_json::from_slice(&validated.stdout).unwrap();
    assert_eq!(report, Value::Array(Vec::new()));

    let parallel: Value = serde_json::from_str(&fs::read_to_string(plan.join("parallel.json")).unwrap()).unwrap();
    for (level, expected) in [(0, "execution_created"), (1, "not_started"), (2, "not_started"), (3, "not_started")] {
        for achievement in parallel["levels"][level]["achievements"].as_array().unwrap() {
            assert_eq!(achievement["status"], expected, "{}", achievement["id"]);
        }
    }
    planwave(scratch.path()).args(["check", "planwave-demo"]).assert().success();
    planwave(scratch.path()).args(["run", "planwave-demo", "--level", "2", "--dry-run"]).assert().success();
}

#[test]
fn neither_configuration_nor_environment_changes_it() {
    let plain = tempfile::tempdir().unwrap();
    planwave(plain.path()).arg("demo").assert().success();

    let other = tempfile::tempdir().unwrap();
    fs::write(other.path().join("planwave.toml"), "[model]\nname = \"llama3\"\n[run]\nmax_attempts = 1\n").unwrap();
    let home = other.path().join("home");
    fs::create_dir_all(home.join("planwave")).unwrap();
    fs::write(home.join("planwave/config.toml"), "this is no TOML").unwrap();
    planwave(other.path())
        .env("XDG_CONFIG_HOME", &home)
        .env("APPDATA", &home)
        .env("PLANWAVE_MODEL_MAX_OUTPUT_TOKENS", "5")
        .env("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
        .arg("demo")
        .assert()
        .success();
    let (left, right) = (plain.path().join("planwave-demo"), other.path().join("planwave-demo"));
    assert_eq!(documents(&left), documents(&right), "two replays of one tape differ");
}

#[test]
fn a_directory_that_exists_is_refused_and_left_alone() {
    let scratch = tempfile::tempdir().unwrap();
    fs::create_dir(scratch.path().join("mine")).unwrap();
    let output = planwave(scratch.path()).args(["demo", "mine"]).output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    insta::assert_snapshot!(format!("{stdout}{stderr}[exit {}]", output.status.code().unwrap()), @r"
    error: mine exists already
      hint: name another directory (`planwave demo DIRECTORY`), or remove this one first
    [exit 2]
    ");
    assert_eq!(names(&scratch.path().join("mine")), [""; 0]);
}
