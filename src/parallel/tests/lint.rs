//! Every rule beyond those of reading and of a run, one row per breach: its name, its path, whether it can be repaired.

use super::*;
use crate::plan::{Achievement, IdMap, Plan, PlanName};

/// Name of the rule, path, whether it is repaired.
type Row<'a> = (&'a str, &'a str, bool);

fn found(text: &str, around: &Surroundings<'_>) -> Vec<(String, String, bool)> {
    let file = ParallelFile::salvage(text.as_bytes()).unwrap_or_else(|problems| panic!("{}", render(&problems, text)));
    let row = |problem: Problem| (problem.rule.name.to_owned(), problem.path, problem.fixable);
    let not_the_plan = |problem: &Problem| !["no-plan", "missing-field"].contains(&problem.rule.name);
    lint(&file, around).into_iter().filter(not_the_plan).map(row).collect()
}

fn assert_found(text: &str, around: &Surroundings<'_>, expected: &[Row<'_>]) {
    let expected: Vec<(String, String, bool)> =
        expected.iter().map(|(name, path, fixable)| ((*name).to_owned(), (*path).to_owned(), *fixable)).collect();
    assert_eq!(found(text, around), expected, "{text}");
}

/// A file of levels with members of their own: `(members of the level, achievements)`, all as JSON text.
fn file(levels: &[(&str, &[&str])], root: &str) -> String {
    let level = |(members, achievements): &(&str, &[&str])| {
        format!("{{{members}, \"achievements\": [{}]}}", achievements.join(", "))
    };
    let levels: Vec<String> = levels.iter().map(level).collect();
    format!("{{\"version\": \"1.0.0\", \"plan\": \"P\", {root}\"levels\": [{}]}}", levels.join(", "))
}

fn plan(achievements: &[(&str, &str, &[&str], &[&str])]) -> Plan {
    let achievement = |(text, title, dependencies, deliverables): &(&str, &str, &[&str], &[&str])| Achievement {
        id: id(text),
        title: (*title).to_owned(),
        priority: None,
        estimated_hours: None,
        goal: None,
        deliverables: deliverables.iter().map(|text| (*text).to_owned()).collect(),
        success_criteria: vec![],
        approach: None,
        dependencies: dependencies.iter().map(|text| id(text)).collect(),
        dependencies_text: None,
        blocks: vec![],
        line: 7,
        body: String::new(),
    };
    Plan {
        name: PlanName::parse("P").unwrap(),
        title: String::new(),
        sections: vec![],
        achievements: achievements.iter().map(achievement).collect(),
    }
}

#[test]
fn levels_and_what_follows_from_them() {
    let one = r#"{"id": "1.1"}"#;
    let two = r#"{"id": "1.2"}"#;
    let after = r#"{"id": "2.1", "dependencies": ["1.1"]}"#;
    type Case<'a> = (String, &'a [Row<'a>]);
    let table: &[Case] = &[
        (file(&[(r#""level": 1"#, &[one, two]), (r#""level": 2"#, &[after])], ""), &[]),
        (file(&[(r#""level": 2"#, &[one])], ""), &[("level-gap", "levels[0].level", true)]),
        (
            file(&[(r#""level": 5"#, &[after]), (r#""level": 1"#, &[one]), (r#""level": 2"#, &[two])], ""),
            &[("level-gap", "levels[0].level", true)],
        ),
        (
            file(&[(r#""level": 1"#, &[one]), (r#""level": 1"#, &[two]), (r#""level": 4"#, &[])], ""),
            &[
                ("duplicate-level", "levels[1].level", false),
                ("empty-level", "levels[2]", false),
                ("level-gap", "levels[2].level", false),
            ],
        ),
        (file(&[(r#""level": 1"#, &[one]), (r#""level": 2"#, &[])], ""), &[("empty-level", "levels[1]", true)]),
        (
            file(&[(r#""level": 1"#, &[one]), (r#""level": 2, "mine": 1"#, &[])], ""),
            &[("empty-level", "levels[1]", false)],
        ),
        (
            file(&[(r#""level": 1, "can_parallelize": true"#, &[one])], ""),
            &[("parallel-alone", "levels[0].can_parallelize", true)],
        ),
        (
            file(&[(r#""level": 1, "max_parallelism": 3"#, &[one, two])], ""),
            &[("parallelism-too-high", "levels[0].max_parallelism", true)],
        ),
        (
            file(&[(r#""level": 1, "can_parallelize": false, "max_parallelism": 2"#, &[one, two])], ""),
            &[("parallelism-too-high", "levels[0].max_parallelism", true)],
        ),
        (
            file(&[(r#""level": 1, "can_parallelize": true, "max_parallelism": 1"#, &[one, two])], ""),
            &[("parallelism-of-one", "levels[0].max_parallelism", false)],
        ),
        (
            file(&[(r#""level": 1"#, &[one, after])], ""),
            &[("chain-in-level", "levels[0].achievements[1].dependencies[0]", true)],
        ),
        (
            file(&[(r#""level": 1"#, &[r#"{"id": "1.11"}"#, r#"{"id": "11.1"}"#])], ""),
            &[("slug-collision", "levels[0].achievements[1].id", false)],
        ),
        (
            file(
                &[(r#""level": 1"#, &[r#"{"id": "1.1", "blocks": ["2.1", "1.2"]}"#, two]), (r#""level": 2"#, &[after])],
                "",
            ),
            &[("blocks-mismatch", "levels[0].achievements[0].blocks", true)],
        ),
        (
            file(&[(r#""level": 1"#, &[r#"{"id": "1.1", "blocks": ["1.2"]}"#, one])], ""),
            &[
                ("blocks-mismatch", "levels[0].achievements[0].blocks", false),
                ("duplicate-id", "levels[0].achievements[1].id", false),
            ],
        ),
        (
            // Moving 1.1 would not make 9.9 known.
            file(
                &[
                    (r#""level": 1"#, &[r#"{"id": "1.1", "dependencies": ["2.1"]}"#]),
                    (r#""level": 2"#, &[r#"{"id": "2.1", "dependencies": ["9.9"]}"#]),
                ],
                "",
            ),
            &[
                ("later-level", "levels[0].achievements[0].dependencies[0]", false),
                ("unknown-dependency", "levels[1].achievements[0].dependencies[0]", false),
            ],
        ),
    ];
    for (text, expected) in table {
        assert_found(text, &Surroundings::default(), expected);
    }
}

#[test]
fn times_that_do_not_add_up() {
    let levels: &[(&str, &[&str])] = &[
        (
            r#""level": 1"#,
            &[r#"{"id": "1.1", "estimated_hours": "2-3 hours"}"#, r#"{"id": "1.2", "estimated_hours": 2}"#],
        ),
        (r#""level": 2"#, &[r#"{"id": "2.1", "dependencies": ["1.1"], "estimated_hours": 1}"#]),
    ];
    let strategy = |members: &str| file(levels, &format!("\"parallelization_strategy\": {members}, "));
    let right = r#"{"total_sequential_time": "5-6 hours", "total_parallel_time": "3-4 hours", "time_saved": 2, "reduction_percentage": "33-40%"}"#;
    assert_found(&strategy(right), &Surroundings::default(), &[]);
    assert_found(&strategy("\"just text\""), &Surroundings::default(), &[]);
    // Too much for one is not too much for all.
    let many = strategy(r#"{"estimated_cost": 1, "critical_path_hours": 20000}"#);
    let names: Vec<String> = found(&many, &Surroundings::default()).into_iter().map(|(name, ..)| name).collect();
    assert!(!names.contains(&String::from("huge-number")), "{names:?}");
    for (wrong, name) in [
        (right.replace("5-6", "5-7"), "total_sequential_time"),
        (right.replace("\"time_saved\": 2", "\"time_saved\": \"4 hours\""), "time_saved"),
        (right.replace("33-40%", "70%"), "reduction_percentage"),
    ] {
        let path = format!("parallelization_strategy.{name}");
        assert_found(&strategy(&wrong), &Surroundings::default(), &[("times", &path, true)]);
    }
    let too_fast = right.replace("3-4 hours", "1-2 hours");
    let expected = [("times", "parallelization_strategy.total_parallel_time", true)];
    assert_found(&strategy(&too_fast), &Surroundings::default(), &expected);
    let own = r#"{"sequential_hours": "5-6 hours", "parallel_hours": "3-4 hours", "time_saved_hours": 2, "time_saved_percent": 36, "critical_path_hours": "3-4 hours"}"#;
    assert_found(&strategy(own), &Surroundings::default(), &[]);
    for (wrong, name) in [
        (own.replace("5-6 hours", "6-6.5 hours"), "sequential_hours"),
        (own.replace("\"parallel_hours\": \"3-4 hours\"", "\"parallel_hours\": 9"), "parallel_hours"),
        (own.replace("\"time_saved_hours\": 2", "\"time_saved_hours\": \"2-3 hours\""), "time_saved_hours"),
        (own.replace("36", "40"), "time_saved_percent"),
        (own.replace("\"critical_path_hours\": \"3-4 hours\"", "\"critical_path_hours\": 1"), "critical_path_hours"),
    ] {
        let path = format!("parallelization_strategy.{name}");
        assert_found(&strategy(&wrong), &Surroundings::default(), &[("times", &path, true)]);
    }
    // What the times leave out by name, they may leave out.
    let left_out = own.replace("5-6 hours", "3-4 hours").replace('}', ", \"without_estimate\": [\"1.2\"]}");
    let left_out = strategy(&left_out).replace("\"estimated_hours\": 2}", "\"estimated_hours\": null}");
    let path = |name| format!("parallelization_strategy.{name}");
    let (saved, percent) = (path("time_saved_hours"), path("time_saved_percent"));
    assert_found(&left_out, &Surroundings::default(), &[("times", &saved, true), ("times", &percent, true)]);
    // Without an estimate nobody can say.
    let unknown =
        strategy(&right.replace("5-6", "50")).replace("\"estimated_hours\": 1}", "\"estimated_hours\": null}");
    assert_found(&unknown, &Surroundings::default(), &[]);
}

fn documents(list: &[(&str, Documents)]) -> Option<IdMap<Documents>> {
    Some(list.iter().map(|(text, documents)| (id(text), documents.clone())).collect())
}

#[test]
fn stored_paths_and_statuses() {
    let subplan = Documents {
        evidence: Evidence { subplan: true, ..Evidence::default() },
        subplan: Some("subplans/S.md".to_owned()),
        executions: vec![],
        planned: 1,
    };
    let approved =
        Documents { evidence: Evidence { approved: true, fix: true, ..Evidence::default() }, ..Documents::default() };
    let with = |members: &str| file(&[(r#""level": 1"#, &[&format!("{{\"id\": \"1.1\"{members}}}")])], "");
    let first = |name: &str| format!("levels[0].achievements[0].{name}");
    type Case<'a> = (&'a str, Option<Documents>, Vec<(&'a str, String)>);
    let table: Vec<Case> = vec![
        ("", None, vec![]),
        (r#", "status": "not_started", "subplan_path": null"#, None, vec![]),
        (r#", "status": "complete""#, None, vec![("status-stale", first("status"))]),
        // Absent, it follows from the files.
        ("", Some(approved.clone()), vec![]),
        (r#", "status": "complete""#, Some(approved.clone()), vec![]),
        (r#", "status": "failed""#, Some(approved), vec![("status-stale", first("status"))]),
        (r#", "status": "subplan_created", "subplan_path": "subplans/S.md""#, Some(subplan.clone()), vec![]),
        (r#", "subplan_path": "gone.md""#, None, vec![("path-missing", first("subplan_path"))]),
        (
            r#", "execution_paths": ["/x.md", "gone.md"]"#,
            None,
            vec![("path-outside", first("execution_paths[0]")), ("path-missing", first("execution_paths[1]"))],
        ),
        ("", Some(subplan), vec![("path-unrecorded", "levels[0].achievements[0]".to_owned())]),
        (r#", "status": "failed", "failure": {"stage": "subplan"}"#, None, vec![]),
    ];
    for (members, found, expected) in table {
        let list: Vec<(&str, Documents)> = found.into_iter().map(|documents| ("1.1", documents)).collect();
        let missing = ["gone.md".to_owned()].into();
        let around = Surroundings { documents: documents(&list), missing, ..Surroundings::default() };
        let expected: Vec<Row<'_>> = expected.iter().map(|(name, path)| (*name, path.as_str(), true)).collect();
        assert_found(&with(members), &around, &expected);
    }
    // Where nobody looked, nothing is said, unless the path tells by itself.
    assert_found(&with(r#", "status": "complete", "subplan_path": "gone.md""#), &Surroundings::default(), &[]);
    let outside = ("path-outside", "levels[0].achievements[0].subplan_path", false);
    assert_found(&with(r#", "subplan_path": "../x.md""#), &Surroundings::default(), &[outside]);
}

#[test]
fn the_plan_and_the_file() {
    let two = |first: &str| file(&[(r#""level": 1"#, &[first, r#"{"id": "1.2", "title": "B"}"#])], "");
    let sound = r#"{"id": "1.1", "title": "A"}"#;
    let here = plan(&[("1.1", "**A** ✅", &[], &[]), ("1.2", "b", &[], &[])]);
    let more = plan(&[("1.1", "A", &[], &[]), ("1.2", "B", &["1.1"], &[]), ("1.3", "C", &[], &[])]);
    let less = plan(&[("1.1", "Z", &[], &[])]);
    let of_plan =
        |plan| Surroundings { plan: Some(plan), plan_file: "PLAN_P.md".to_owned(), ..Surroundings::default() };
    assert_found(&two(sound), &of_plan(&here), &[]);
    let other = two(sound).replace("\"plan\": \"P\"", "\"plan\": \"Q\"");
    assert_found(&other, &of_plan(&here), &[("plan-name", "plan", false)]);
    assert_found(
        &two(sound),
        &of_plan(&more),
        &[("not-in-file", "levels", false), ("declared-dependency", "levels[0].achievements[1].dependencies", false)],
    );
    assert_found(
        &two(sound),
        &of_plan(&less),
        &[
            ("title-differs", "levels[0].achievements[0].title", false),
            ("not-in-plan", "levels[0].achievements[1].id", false),
        ],
    );
    let unreadable = Surroundings { plan_error: Some("no achievement".to_owned()), ..Surroundings::default() };
    assert_found(&two(sound), &unreadable, &[("plan-unreadable", "", false)]);
    // Optional is declared, too.
    let optional = two(sound).replace("\"title\": \"B\"", "\"title\": \"B\", \"optional_dependencies\": [\"1.1\"]");
    let declares = plan(&[("1.1", "A", &[], &[]), ("1.2", "B", &["1.1"], &[])]);
    assert_found(&optional, &of_plan(&declares), &[]);
}

#[test]
fn independence_of_one_level() {
    let text = |members: &str, first: &str, second: &str| {
        file(&[(members, &[&format!("{{\"id\": \"1.1\"{first}}}"), &format!("{{\"id\": \"1.2\"{second}}}")])], "")
    };
    let level = r#""level": 1"#;
    let api = r#", "deliverables": ["`src/api.rs`: the API"]"#;
    let none = Surroundings::default();
    let clash = [("shared-deliverable", "levels[0].achievements[1].deliverables", false)];
    assert_found(&text(level, api, api), &none, &clash);
    assert_found(&text(r#""level": 1, "can_parallelize": false"#, api, api), &none, &[]);
    assert_found(&text(level, api, r#", "deliverables": ["Tests of `src/api.rs`"]"#), &none, &[]);
    assert_found(&text(level, &format!("{api}, \"status\": \"complete\""), api), &none, &[]);
    // Who touches it waits for the other.
    let waits = format!("{api}, \"touches\": {{\"files\": [\"./src/api.rs\"]}}");
    assert_found(&text(level, &waits, &waits), &none, &[]);
    assert_found(&text(level, &waits, api), &none, &clash);
    let orders = r#", "deliverables": ["The `orders` table"]"#;
    let resource = [("shared-resource", "levels[0].achievements[1].deliverables", false)];
    assert_found(&text(level, orders, orders), &none, &resource);
    // The PLAN and the SUBPLANs count as well.
    let here = plan(&[("1.1", "", &[], &["`src/api.rs`"]), ("1.2", "", &[], &[])]);
    let mut around = Surroundings { plan: Some(&here), ..Surroundings::default() };
    assert_found(&text(level, "", ""), &around, &[]);
    around.subplan_deliverables.insert(id("1.2"), vec!["`src/api.rs`".to_owned()]);
    assert_found(&text(level, "", ""), &around, &[("shared-deliverable", "levels[0].achievements[1]", false)]);
}

#[test]
fn what_reading_finds_odd_is_told_too() {
    let with = |members: &str| file(&[(r#""level": 1"#, &[&format!("{{\"id\": \"1.1\"{members}}}")])], "");
    let none = Surroundings::default();
    assert_found(&format!("\u{feff}{}", with("")), &none, &[("byte-order-mark", "", false)]);
    for (members, name, field) in [
        (r#", "started_at": "yesterday""#, "invalid-time", "started_at"),
        (r#", "started_at": "2025-01-01T00:00:00+02:00""#, "invalid-time", "started_at"),
        (r#", "estimated_hours": 1e12"#, "huge-number", "estimated_hours"),
        (r#", "estimated_hours": "a while""#, "estimate-unreadable", "estimated_hours"),
    ] {
        assert_found(&with(members), &none, &[(name, &format!("levels[0].achievements[0].{field}"), false)]);
    }
    let flat = r#"{"achievements": [{"achievement_id": "1.1"}]}"#;
    assert_found(flat, &none, &[("old-form", "", true)]);
    for (text, code) in
        [("{\"levels\": [NaN]}", "PW104"), ("{\"x\": -Infinity}", "PW104"), ("{\"levels\": [1e999]}", "PW111")]
    {
        let problems = ParallelFile::parse(text.as_bytes()).unwrap_err();
        assert!(problems.iter().any(|problem| problem.rule.code == code), "{text}: {problems:#?}");
    }
    let bare = r#"{"levels": [{"level": 1, "achievements": [{"id": "1.1"}]}]}"#;
    let missing = lint(&parsed(bare), &none).iter().filter(|problem| problem.rule.name == "missing-field").count();
    assert_eq!(missing, 2, "version and plan");
}

#[test]
fn an_error_of_form_does_not_hide_what_is_certain() {
    let text = file(
        &[(
            r#""level": 1"#,
            &[
                r#"{"id": "1.1", "status": "done", "dependencies": ["1.2"]}"#,
                r#"{"id": "1.2", "dependencies": ["1.1"]}"#,
            ],
        )],
        "",
    );
    let expected = [
        ("invalid-status", "levels[0].achievements[0].status", false),
        ("cycle", "levels[0].achievements[0].dependencies[0]", false),
    ];
    assert_found(&text, &Surroundings::default(), &expected);
    // 1.2 has lost its id; that 1.1 depends on something unknown follows from that alone.
    let lost = text.replace("{\"id\": \"1.2\"", "{\"id\": \"x\"").replace("\"done\"", "null");
    assert_found(&lost, &Surroundings::default(), &[("invalid-id", "levels[0].achievements[1].id", false)]);
}

#[test]
fn what_is_not_understood_hides_only_what_depends_on_it() {
    let text = r#"{"version": "1.0.0", "plan": "P", "levels": [
        {"level": 1, "can_parallelize": true, "max_parallelism": 9, "achievements": [
            {"id": "1.1", "title": "A", "dependencies": ["9.9"], "blocks": ["8.8"], "subplan_path": "../x"},
            {"id": "1.2", "title": "B", "dependencies": ["1.1"]}]},
        {"level": 7, "achievements": []}]}"#;
    let all = [
        "parallelism-too-high",
        "unknown-dependency",
        "blocks-mismatch",
        "path-outside",
        "same-level",
        "empty-level",
        "level-gap",
    ];
    // What is changed, what is found for that, and what is not found any more.
    type Case<'a> = (&'a str, &'a str, &'a [&'a str], &'a [&'a str]);
    let table: [Case<'_>; 14] = [
        ("", "", &[], &[]),
        (r#""B""#, "5", &["wrong-type"], &[]),
        (r#""B""#, r#""B", "x": 1, "x": 2"#, &["duplicate-key"], &[]),
        (r#""B""#, r#""B", "x": {"y": [{"z": 1, "z": 2}]}"#, &["duplicate-key"], &[]),
        (r#""B""#, r#""B", "x": 1e999"#, &["huge-number"], &[]),
        (r#""B""#, r#""B", "estimated_hours": NaN, "actual_hours": -Infinity"#, &["not-a-number", "not-a-number"], &[]),
        (r#""B""#, r#""B", "completed_at": 1, "executor": []"#, &["wrong-type", "wrong-type"], &[]),
        ("9,", "0,", &["invalid-number"], &["parallelism-too-high"]),
        (r#"["9.9"]"#, r#"[5, "9.9"]"#, &["wrong-type"], &["blocks-mismatch"]),
        (r#"["8.8"]"#, "8", &["wrong-type"], &["blocks-mismatch"]),
        (r#""../x""#, "1", &["wrong-type"], &["path-outside"]),
        ("true", "1", &["wrong-type"], &["same-level", "parallelism-too-high"]),
        (
            r#""level": 7"#,
            r#""level": "7""#,
            &["wrong-type"],
            &["same-level", "empty-level", "level-gap", "parallelism-too-high"],
        ),
        (
            r#""id": "1.2""#,
            r#""id": 1.2"#,
            &["wrong-type"],
            &["same-level", "unknown-dependency", "blocks-mismatch", "empty-level", "parallelism-too-high"],
        ),
    ];
    for (from, to, more, less) in table {
        let changed = if from.is_empty() { text.to_owned() } else { text.replacen(from, to, 1) };
        let mut names: Vec<String> =
            found(&changed, &Surroundings::default()).into_iter().map(|(name, ..)| name).collect();
        let mut expected: Vec<&str> =
            all.into_iter().filter(|name| !less.contains(name)).chain(more.iter().copied()).collect();
        names.sort();
        expected.sort_unstable();
        assert_eq!(names, expected, "{changed}");
    }
    // Of a list of which some could not be read, nobody knows which of the rest is where.
    let changed = text.replacen(r#"["9.9"]"#, r#"[5, "9.9"]"#, 1);
    let unknown = found(&changed, &Surroundings::default()).into_iter().find(|(name, ..)| name == "unknown-dependency");
    assert_eq!(unknown.unwrap().1, "levels[0].achievements[0].dependencies");
    // Numbers that are none have their paths.
    let odd = text.replacen(r#""B""#, r#""B", "estimated_hours": NaN, "own": [1, Infinity]"#, 1);
    let paths: Vec<String> = found(&odd, &Surroundings::default())
        .into_iter()
        .filter(|(name, ..)| name == "not-a-number")
        .map(|(_, path, _)| path)
        .collect();
    assert_eq!(paths, ["levels[0].achievements[1].estimated_hours", "levels[0].achievements[1].own[1]"]);
}
