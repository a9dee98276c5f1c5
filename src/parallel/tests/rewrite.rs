//! What a rewrite changes, and what it leaves alone.

use super::*;
use crate::document::Stage;

const NOW: &str = "2025-02-03T04:05:06Z";

fn everything() -> Change {
    Change {
        status: Some(Status::Failed),
        subplan_path: Some("subplans/S.md".to_owned()),
        execution_paths: Some(vec!["execution/E_01.md".to_owned(), "execution/E_02.md".to_owned()]),
        failure: Some(Some(failure())),
        ..Change::default()
    }
}

fn failure() -> Failure {
    Failure { stage: Stage::Subplan, reason: "no \"Objective\"".to_owned(), attempts: 3, at: NOW.to_owned() }
}

fn rewritten(text: &str, changes: &[(&str, Change)]) -> String {
    let mut file = parsed(text);
    file.apply(&changes.iter().map(|(key, change)| (id(key), change.clone())).collect(), NOW);
    file.to_text()
}

#[test]
fn a_flat_file_keeps_its_layout_to_the_byte() {
    let before = "{\r\n    \"plan_name\": \"P\",\r\n\r\n    \"achievements\": [\r\n        {\r\n            \
        \"achievement_id\": \"1.1\",\r\n            \"status\": \"not_started\", \"dependencies\": [],\r\n            \
        \"estimated_hours\": 2.50\r\n        },\r\n        {\"achievement_id\": \"1.2\", \"dependencies\": [\"1.1\"]}\r\n    \
        ]\r\n}\r\n";
    let after = before
        .replace("\"not_started\"", "\"failed\"")
        .replace(
            "2.50\r\n",
            "2.50,\r\n            \"subplan_path\": \"subplans/S.md\",\r\n            \"execution_paths\": [\r\n                \
             \"execution/E_01.md\",\r\n                \"execution/E_02.md\"\r\n            ],\r\n            \"failure\": {\r\n                \
             \"stage\": \"subplan\",\r\n                \"reason\": \"no \\\"Objective\\\"\",\r\n                \"attempts\": \
             3,\r\n                \"at\": \"2025-02-03T04:05:06Z\"\r\n            }\r\n",
        )
        .replace("[\"1.1\"]}", "[\"1.1\"], \"status\": \"complete\"}")
        .replace("    ]\r\n}", "    ],\r\n    \"updated\": \"2025-02-03T04:05:06Z\"\r\n}");
    let complete = Change { status: Some(Status::Complete), ..Change::default() };
    assert_eq!(rewritten(before, &[("1.1", everything()), ("1.2", complete)]), after);
}

#[test]
fn changes_add_up_and_show_in_the_entries() {
    let text = leveled(&[(Some(true), &[("1.1", &[]), ("1.2", &[])])]);
    let mut file = parsed(&text);
    file.apply(&[(id("1.2"), everything())].into(), "2025-01-01T00:00:00Z");
    assert_eq!(file.get(id("1.2")).and_then(|entry| entry.failure.clone()), Some(failure()));
    let again = Change { status: Some(Status::SubplanCreated), failure: Some(None), ..Change::default() };
    file.apply(&[(id("1.2"), again), (id("9.9"), everything())].into(), NOW);
    let after = file.to_text();
    assert!(
        after.contains("\"status\": \"subplan_created\", \"subplan_path\": \"subplans/S.md\", \"execution_paths\"")
    );
    assert!(!after.contains("failure") && !after.contains("2025-01-01") && after.contains(NOW), "{after}");
    assert_eq!(parsed(&after).entries(), file.entries());
}

#[test]
fn without_changes_nothing_is_touched() {
    let text = "\u{feff}{ \"updated\" : \"x\", \"achievements\": [ {\"achievement_id\": \"1.1\"} ] }";
    assert_eq!(rewritten(text, &[]), text);
    assert_eq!(rewritten(text, &[("1.1", Change::default())]), text.replace("\"x\"", &format!("\"{NOW}\"")));
}

#[test]
fn unknown_fields_of_a_failure_outlive_the_next_failure() {
    let text =
        "{\"achievements\": [{\"achievement_id\": \"1.1\", \"failure\": {\"ticket\": 7, \"stage\": \"execution\"}}]}";
    let after = rewritten(text, &[("1.1", everything())]);
    assert!(after.contains("\"failure\": {\"ticket\": 7, \"stage\": \"subplan\", \"reason\": "), "{after}");
    assert_eq!(parsed(&after).entries()[0].failure, Some(failure()));
}

#[test]
fn a_failure_that_was_something_else_is_replaced() {
    let text = "{\"achievements\": [{\"achievement_id\": \"1.1\", \"failure\": \"timeout\"}]}";
    assert_eq!(parsed(&rewritten(text, &[("1.1", everything())])).entries()[0].failure, Some(failure()));
}

#[test]
fn a_leveled_file_may_have_a_list_of_achievements_of_its_own() {
    let text = "{\"achievements\": [\"bronze\"], \"levels\": [{\"level\": 1, \"achievements\": [{\"id\": \"1.1\"}]}]}";
    let file = parsed(text);
    assert_eq!((file.form(), file.entries().len(), file.check()), (Form::Leveled, 1, Checked::default()));
}

#[test]
fn a_later_change_goes_over_an_earlier_one() {
    let path = |text: &str| Some(text.to_owned());
    let mut change = Change { subplan_path: path("a"), note: path("one"), actual_hours: Some(1.0), ..everything() };
    change.overlay(Change { no_subplan: true, note: path("two"), executor: Some(None), ..Change::default() });
    assert_eq!((&change.subplan_path, change.no_subplan), (&None, true));
    assert_eq!(
        (change.note.as_deref(), change.actual_hours, &change.executor),
        (Some("one\ntwo"), Some(1.0), &Some(None))
    );
    assert_eq!((change.status, &change.failure), (everything().status, &everything().failure));
    change.overlay(Change { subplan_path: path("b"), ..Change::default() });
    assert_eq!((change.subplan_path.as_deref(), change.no_subplan), (Some("b"), false));
}

#[test]
fn notes_become_a_list_and_what_is_taken_back_becomes_null() {
    let file = |members: &str| format!(r#"{{"achievements":[{{"achievement_id":"1.1"{members}}}]}}"#);
    let change = Change { note: Some("b".to_owned()), executor: Some(None), no_subplan: true, ..Change::default() };
    let table = [
        ("", r#","notes":"b""#),
        (r#","notes":null"#, r#","notes":"b""#),
        (r#","notes":"a","executor":null"#, r#","notes":["a","b"],"executor":null"#),
        (
            r#","executor":"x","subplan_path":"s","notes":["a"]"#,
            r#","executor":null,"subplan_path":null,"notes":["a","b"]"#,
        ),
    ];
    for (before, after) in table {
        let text = rewritten(&file(before), &[("1.1", change.clone())]);
        assert!(text.contains(&format!(r#""1.1"{after}}}"#)), "{text}");
    }
}
