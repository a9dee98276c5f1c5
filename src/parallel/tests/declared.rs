//! Writing a parallel.json from a PLAN.

use super::*;
use crate::plan::{Achievement, Plan, PlanName};

const NOW: &str = "2025-02-03T04:05:06Z";

fn plan(achievements: &[Needs<'_>]) -> Plan {
    let achievement = |(line, (text, dependencies)): (usize, &Needs<'_>)| Achievement {
        id: id(text),
        title: format!("Title of {text}"),
        priority: None,
        estimated_hours: Some(Hours { low: 1.0 / 3.0, high: 2.0 }),
        goal: None,
        deliverables: vec![format!("`src/{text}.rs`")],
        success_criteria: vec![],
        approach: None,
        dependencies: dependencies.iter().map(|text| id(text)).collect(),
        dependencies_text: None,
        blocks: vec![],
        line: line + 10,
        body: String::new(),
    };
    Plan {
        name: PlanName::parse("P").unwrap(),
        title: String::new(),
        sections: vec![],
        achievements: achievements.iter().enumerate().map(achievement).collect(),
    }
}

#[test]
fn levels_and_inverse_are_computed_and_the_file_is_clean() {
    let text =
        declared(&plan(&[("1.2", &["1.1"]), ("1.1", &[]), ("2.1", &["1.1", "1.1"]), ("2.2", &["2.1"])]), NOW).unwrap();
    let file = parsed(&text);
    assert_eq!((file.form(), file.plan_name(), file.check()), (Form::Leveled, Some("P"), Checked::default()));
    let levels: Vec<Vec<String>> = file
        .levels()
        .iter()
        .map(|level| level.entries.iter().map(|&entry| file.entries()[entry].id.to_string()).collect())
        .collect();
    assert_eq!(levels, [vec!["1.1"], vec!["1.2", "2.1"], vec!["2.2"]]);
    let parallel: Vec<_> = file.levels().iter().map(|level| (level.can_parallelize, level.max_parallelism)).collect();
    assert_eq!(parallel, [(false, Some(1)), (true, Some(2)), (false, Some(1))]);
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let achievement = &value["levels"][0]["achievements"][0];
    assert_eq!(achievement["blocks"], serde_json::json!(["1.2", "2.1"]));
    assert_eq!(achievement["estimated_hours"], "0.33-2 hours");
    assert_eq!(value["levels"][2]["achievements"][0]["dependency_notes"]["2.1"]["source"], "declared");
    assert!(text.starts_with("{\n  \"version\": \"1.0.0\",\n") && text.ends_with("}\n"));
}

#[test]
fn every_field_that_the_schema_names_is_written_in_its_order() {
    let value: serde_json::Value = serde_json::from_str(&declared(&plan(&[("1.1", &[])]), NOW).unwrap()).unwrap();
    let keys = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let names = |fields: &[shape::Field]| fields.iter().map(|field| field.name.to_owned()).collect::<Vec<_>>();
    assert_eq!(keys(&value), names(shape::LEVELED));
    assert_eq!(keys(&value["levels"][0]), names(shape::LEVEL));
    assert_eq!(keys(&value["levels"][0]["achievements"][0]), names(shape::ACHIEVEMENT));
}

#[test]
fn what_cannot_be_a_graph_is_reported_with_the_line_of_the_plan() {
    type Row<'a> = (&'a [Needs<'a>], &'a [(&'a str, usize)]);
    let table: &[Row<'_>] = &[
        (&[], &[("no-achievements", 1)]),
        (&[("1.1", &[]), ("1.1", &[])], &[("duplicate-id", 11)]),
        (&[("1.1", &["1.1", "9.9"])], &[("self-dependency", 10), ("unknown-dependency", 10)]),
        (&[("1.1", &["9.9"]), ("1.2", &["1.3"]), ("1.3", &["1.2"])], &[("unknown-dependency", 10), ("cycle", 11)]),
        (&[("1.3", &["1.2"]), ("1.1", &["1.3"]), ("1.2", &["1.1"])], &[("cycle", 11)]),
    ];
    for (achievements, expected) in table {
        let problems = declared(&plan(achievements), NOW).unwrap_err();
        let found: Vec<_> = problems.iter().map(|problem| (problem.rule.name, problem.line)).collect();
        assert_eq!(found, *expected, "{achievements:?}");
    }
}

#[test]
fn a_plan_without_dependencies_is_told_apart() {
    assert!(declares_nothing(&plan(&[("1.1", &[]), ("1.2", &[])])));
    assert!(!declares_nothing(&plan(&[("1.1", &[]), ("1.2", &["1.1"])])));
}
