//! One row per kind of problem: code, path, line and column.

use super::*;
use crate::parallel::check::{Sound, describe_cycle, find};

type Expected<'a> = &'a [(&'static str, &'a str, usize, usize)];

fn summary(problems: &[Problem]) -> Vec<(&'static str, &str, usize, usize)> {
    let all = problems.iter().filter(|problem| problem.severity != Severity::Note);
    all.map(|problem| (problem.rule.name, problem.path.as_str(), problem.line, problem.column)).collect()
}

#[test]
fn reading_reports_everything_with_its_place() {
    let table: &[(&str, Expected)] = &[
        ("", &[("empty-file", "", 1, 1)]),
        ("\u{feff} \r\n\t", &[("empty-file", "", 1, 1)]),
        ("{\n  \"levels\": [,]\n}", &[("syntax", "", 2, 14)]),
        ("{\"levels\": [", &[("syntax", "", 1, 12)]),
        ("{\"é\": tru}", &[("syntax", "", 1, 10)]),
        ("{\"levels\": []} x", &[("syntax", "", 1, 16)]),
        ("[]", &[("wrong-type", "", 1, 1)]),
        (" {}", &[("unknown-form", "", 1, 2)]),
        ("{\"levels\": 3}", &[("wrong-type", "levels", 1, 12)]),
        ("{\"achievements\": {}}", &[("wrong-type", "achievements", 1, 18)]),
        ("{\"version\": \"2.0.0\", \"levels\": []}", &[("unsupported-version", "version", 1, 13)]),
        ("{\"version\": 1, \"levels\": []}", &[("wrong-type", "version", 1, 13)]),
        ("{\"plan\": [], \"levels\": []}", &[("wrong-type", "plan", 1, 10)]),
        ("{\"x\": 1, \"levels\": [],\n \"x\": 2}", &[("duplicate-key", "x", 2, 2)]),
        ("{\"levels\": [],\n\"l\\u0065vels\": []}", &[("duplicate-key", "levels", 2, 1)]),
        ("{\"levels\": [7]}", &[("wrong-type", "levels[0]", 1, 13)]),
        ("{\"levels\": [{}]}", &[("missing-field", "levels[0]", 1, 13), ("missing-field", "levels[0]", 1, 13)]),
        ("{\"levels\": [{\"level\": 0, \"achievements\": []}]}", &[("invalid-number", "levels[0].level", 1, 23)]),
        ("{\"levels\": [{\"level\": 1.5, \"achievements\": []}]}", &[("invalid-number", "levels[0].level", 1, 23)]),
        ("{\"levels\": [{\"level\": \"1\", \"achievements\": []}]}", &[("wrong-type", "levels[0].level", 1, 23)]),
        (
            "{\"levels\": [{\"level\": 1, \"can_parallelize\": \"yes\", \"max_parallelism\": 0, \"achievements\": []}]}",
            &[
                ("wrong-type", "levels[0].can_parallelize", 1, 45),
                ("invalid-number", "levels[0].max_parallelism", 1, 71),
            ],
        ),
        (
            "{\"achievements\": [{}, 5, {\"achievement_id\": 1.1}]}",
            &[
                ("missing-field", "achievements[0]", 1, 19),
                ("wrong-type", "achievements[1]", 1, 23),
                ("wrong-type", "achievements[2].achievement_id", 1, 45),
            ],
        ),
        (
            "{\"achievements\": [{\"achievement_id\": \"1.1\", \"status\": \"blocked\",\n\"dependencies\": [\"x\", 1]}]}",
            &[
                ("invalid-status", "achievements[0].status", 1, 55),
                ("invalid-id", "achievements[0].dependencies[0]", 2, 18),
                ("wrong-type", "achievements[0].dependencies[1]", 2, 23),
            ],
        ),
        (
            "{\"achievements\": [{\"achievement_id\": \"1.1\", \"dependencies\": \"1.2\"}]}",
            &[("wrong-type", "achievements[0].dependencies", 1, 61)],
        ),
    ];
    for (text, expected) in table {
        let problems = ParallelFile::parse(text.as_bytes()).expect_err(text);
        assert_eq!(summary(&problems), *expected, "{text}");
    }
}

#[test]
fn achievements_of_both_forms_are_warned_of() {
    let file = |top: &str| {
        let level = "{\"level\": 1, \"achievements\": [{\"id\": \"1.1\"}]}";
        parsed(&format!("{{\"levels\": [{level}], \"achievements\": [{top}]}}")).warnings
    };
    let hint = |top: &str| file(top)[0].hint.clone().unwrap();
    let found = file("{\"achievement_id\": \"1.1\"}");
    assert_eq!(summary(&found), [("both-forms", "achievements", 1, 77)]);
    assert_eq!(hint("{\"achievement_id\": \"1.1\"}"), "take the list at the top out: `levels` has all of it");
    assert!(hint("{\"achievement_id\": \"1.2\"}").starts_with("put 1.2, which stands only there,"));
    let two = hint("{\"achievement_id\": \"1.2\"}, {\"achievement_id\": \"1.3\"}");
    assert!(two.starts_with("put those that stand only there (1.2 and 1 more)"), "{two}");
    // Another tool's list of this name.
    assert_eq!(file("\"1.1\", {\"name\": \"x\"}"), []);
}

#[test]
fn each_field_of_a_leveled_achievement_has_its_shape() {
    let table: &[(&str, &str)] = &[
        ("\"title\": 1", "title"),
        ("\"status\": 1", "status"),
        ("\"optional_dependencies\": [\"a\"]", "optional_dependencies[0]"),
        ("\"dependency_notes\": []", "dependency_notes"),
        ("\"dependency_notes\": {\"x\": {}}", "dependency_notes.x"),
        ("\"dependency_notes\": {\"1.2\": {\"kind\": \"moral\"}}", "dependency_notes[\"1.2\"].kind"),
        ("\"dependency_notes\": {\"1.2\": {\"source\": 1}}", "dependency_notes[\"1.2\"].source"),
        ("\"dependency_notes\": {\"1.2\": {}, \"1.2\": {}}", "dependency_notes[\"1.2\"]"),
        ("\"blocks\": \"1.2\"", "blocks"),
        ("\"estimated_hours\": -1", "estimated_hours"),
        ("\"estimated_hours\": []", "estimated_hours"),
        ("\"actual_hours\": true", "actual_hours"),
        ("\"started_at\": 5", "started_at"),
        ("\"completed_at\": 5", "completed_at"),
        ("\"executor\": {}", "executor"),
        ("\"assigned_at\": 5", "assigned_at"),
        ("\"deliverables\": [1]", "deliverables[0]"),
        ("\"subplan_path\": 1", "subplan_path"),
        ("\"execution_paths\": [null]", "execution_paths[0]"),
        ("\"failure\": \"x\"", "failure"),
        ("\"failure\": {}", "failure"),
        ("\"failure\": {\"stage\": \"review\"}", "failure.stage"),
        ("\"failure\": {\"stage\": \"subplan\", \"attempts\": -1}", "failure.attempts"),
    ];
    for (field, path) in table {
        let file = |member: &str| {
            let member = if member.is_empty() { String::new() } else { format!(", {member}") };
            format!("{{\"levels\": [{{\"level\": 1, \"achievements\": [{{\"id\": \"1.1\"{member}}}]}}]}}")
        };
        let problems = ParallelFile::parse(file(field).as_bytes()).expect_err(field);
        let paths: Vec<&str> = summary(&problems).iter().map(|(_, path, _, _)| *path).collect();
        assert_eq!(paths, [format!("levels[0].achievements[0].{path}")], "{field}");
        // null counts as absent, wherever a field may be absent
        let name = field.split_once(':').unwrap().0;
        parsed(&file(&format!("{name}: null")));
        parsed(&file(""));
    }
}

#[test]
fn checking_reports_everything_with_its_place() {
    let two = |a: &[Needs<'_>], b: &[Needs<'_>]| leveled(&[(Some(true), a), (Some(true), b)]);
    let level_1 = |index: usize| format!("levels[0].achievements[{index}]");
    let first = "levels[0].achievements[0].dependencies[0]";
    let table: &[(String, Expected)] = &[
        (two(&[("1.1", &[])], &[("1.2", &["1.1"])]), &[]),
        (
            two(&[("1.1", &[]), ("1.1", &[])], &[("1.2", &["1.1"])]),
            &[("duplicate-id", &format!("{}.id", level_1(1)), 4, 8)],
        ),
        (two(&[("1.1", &["9.9"])], &[("1.2", &[])]), &[("unknown-dependency", first, 3, 32)]),
        (two(&[("1.1", &["1.1"])], &[("1.2", &[])]), &[("self-dependency", first, 3, 32)]),
        (two(&[("1.1", &["1.2"])], &[("1.2", &[])]), &[("later-level", first, 3, 32)]),
        (two(&[("1.1", &["1.2"]), ("1.2", &[])], &[("1.3", &[])]), &[("same-level", first, 3, 32)]),
        (two(&[("1.1", &["1.2"])], &[("1.2", &["1.1"])]), &[("cycle", first, 3, 32)]),
        (leveled(&[]), &[("no-achievements", "", 1, 1)]),
        (
            "{\"levels\": [{\"level\": 1, \"achievements\": [{\"id\": \"1.1\"}]},\n{\"level\": 1, \"achievements\": \
             [{\"id\": \"1.2\"}]}]}"
                .to_owned(),
            &[("duplicate-level", "levels[1].level", 2, 11)],
        ),
    ];
    for (text, expected) in table {
        let file = parsed(text);
        let checked = file.check();
        assert_eq!(summary(&checked.errors), *expected, "{text}");
        assert!(checked.errors.iter().all(|problem| problem.hint.is_some()), "{text}");
        assert_eq!(
            file.graph().map(|_| ()).map_err(|errors| errors.len()),
            match expected.len() {
                0 => Ok(()),
                count => Err(count),
            }
        );
    }
}

#[test]
fn of_several_dependencies_the_wrong_one_is_pointed_at() {
    let three = |needs: &[&str]| {
        leveled(&[
            (Some(true), &[("1.1", &[])]),
            (Some(true), &[("1.2", &["1.1", "1.3"])]),
            (Some(true), &[("1.3", needs)]),
        ])
    };
    for (text, code) in [(three(&[]), "later-level"), (three(&["1.2"]), "cycle")] {
        let errors = parsed(&text).check().errors;
        let found: Vec<_> = errors.iter().map(|problem| (problem.rule.name, problem.path.as_str())).collect();
        assert_eq!(found, [(code, "levels[1].achievements[0].dependencies[1]")], "{text}");
    }
}

#[test]
fn a_repair_is_told_what_it_can_rely_on() {
    let two = |a: &[Needs<'_>], b: &[Needs<'_>]| leveled(&[(Some(true), a), (Some(true), b)]);
    let one_level_twice = two(&[("1.1", &[])], &[("1.2", &[])]).replace("\"level\": 2", "\"level\": 1");
    let table = [
        (two(&[("1.1", &[])], &[("1.2", &["1.1"])]), (true, true, true)),
        (two(&[("1.1", &["1.2"])], &[("1.2", &[])]), (true, true, true)),
        (two(&[("1.1", &[]), ("1.1", &[])], &[("1.2", &[])]), (false, true, false)),
        (one_level_twice, (true, false, false)),
        (two(&[("1.1", &["9.9"])], &[("1.2", &[])]), (true, true, false)),
        (two(&[("1.1", &["1.2"])], &[("1.2", &["1.1"])]), (true, true, false)),
    ];
    for (text, (ids, levels, graph)) in table {
        assert_eq!(find(&parsed(&text)).sound, Sound { ids, levels, graph }, "{text}");
    }
}

#[test]
fn what_is_only_odd_is_a_warning() {
    let flat = |rest: &str| format!("{{\"achievements\": [\n{{\"achievement_id\": \"1.1\", {rest}}}]}}");
    let table: &[(String, Expected)] = &[
        (flat("\"estimated_hours\": \"some\""), &[("estimate-unreadable", "achievements[0].estimated_hours", 2, 46)]),
        (flat("\"blocks\": \"nothing\""), &[("wrong-type", "achievements[0].blocks", 2, 37)]),
        (flat("\"failure\": 3"), &[("wrong-type", "achievements[0].failure", 2, 38)]),
        (
            flat("\"optional_dependencies\": [\"1.2\"]"),
            &[("unknown-optional-dependency", "achievements[0].optional_dependencies[0]", 2, 53)],
        ),
        (leveled(&[(Some(true), &[("1.1", &[])]), (None, &[])]), &[("empty-level", "levels[1]", 4, 1)]),
        (
            leveled(&[(None, &[("1.1", &[]), ("1.2", &["1.1"]), ("1.3", &["1.2"])])]),
            &[("chain-in-level", "levels[0].achievements[1].dependencies[0]", 4, 32)],
        ),
        (leveled(&[(Some(false), &[("1.1", &[]), ("1.2", &["1.1"])])]), &[]),
        (
            leveled(&[(None, &[("1.1", &[])]), (None, &[("1.2", &["1.1", "1.1"])])]),
            &[("duplicate-dependency", "levels[1].achievements[0].dependencies[1]", 5, 39)],
        ),
    ];
    for (text, expected) in table {
        let checked = parsed(text).check();
        assert_eq!((summary(&checked.warnings).as_slice(), checked.errors.len()), (*expected, 0), "{text}");
    }
}

#[test]
fn a_level_that_does_not_say_can_be_parallel_unless_it_holds_a_chain() {
    let text = leveled(&[
        (None, &[("1.1", &[]), ("1.2", &["1.1"])]),
        (None, &[("2.1", &["1.2"]), ("2.2", &["1.2"])]),
        (Some(false), &[("3.1", &[])]),
    ]);
    let file = parsed(&text);
    let levels: Vec<_> =
        file.levels().iter().map(|level| (level.number, level.can_parallelize, level.entries.clone())).collect();
    assert_eq!(levels, [(1, false, vec![0, 1]), (2, true, vec![2, 3]), (3, false, vec![4])]);
}

#[test]
fn levels_come_in_ascending_order_whatever_the_order_in_the_file() {
    let text = "{\"levels\": [{\"level\": 7, \"achievements\": [{\"id\": \"1.2\", \"dependencies\": [\"1.1\"]}]},
        {\"achievements\": [{\"id\": \"1.1\"}], \"level\": 2}]}";
    let file = parsed(text);
    let levels: Vec<_> = file.levels().iter().map(|level| (level.number, level.entries.clone())).collect();
    assert_eq!(levels, [(2, vec![1]), (7, vec![0])]);
    let graph = file.graph().unwrap();
    assert_eq!((graph.topological(), graph.level(0), graph.id(0)), ([1, 0].as_slice(), 7, id("1.2")));
    assert_eq!((graph.dependencies(0), graph.dependents(1)), ([1].as_slice(), [0].as_slice()));
    assert_eq!(["1.1", "1.2", "9.9"].map(|text| graph.index_of(id(text))), [Some(1), Some(0), None]);
}

#[test]
fn a_cycle_names_the_dependency_that_is_least_likely_meant() {
    let text = leveled(&[(Some(false), &[("2.1", &["2.3"]), ("2.2", &["2.1"]), ("2.3", &["2.2"])])]);
    let errors = parsed(&text).check().errors;
    assert_eq!(errors[0].message, "dependencies form a cycle: 2.1 → 2.3 → 2.2 → 2.1 (each depends on the next)");
    assert_eq!(errors[0].hint.as_deref(), Some("remove 2.3 from the dependencies of 2.1"));
    // Against the order of levels goes before against the order of ids.
    let text = leveled(&[(Some(true), &[("2.9", &["2.1"])]), (Some(true), &[("2.1", &["2.9"])])]);
    let errors = parsed(&text).check().errors;
    assert_eq!(errors[0].hint.as_deref(), Some("remove 2.1 from the dependencies of 2.9"));
}

#[test]
fn of_two_that_go_equally_far_against_the_levels_the_one_to_a_higher_id_is_named() {
    let nodes = [("1.5", 1), ("1.2", 2), ("1.6", 1), ("1.9", 2)].map(|(text, level)| (id(text), level));
    assert_eq!(describe_cycle(&nodes).hint, "remove 1.9 from the dependencies of 1.6");
}

#[test]
fn a_long_cycle_is_cut_in_the_middle() {
    let entries: Vec<String> = (0..50)
        .map(|at| format!("{{\"achievement_id\": \"1.{at}\", \"dependencies\": [\"1.{}\"]}}", (at + 1) % 50))
        .collect();
    let errors = parsed(&format!("{{\"achievements\": [{}]}}", entries.join(","))).check().errors;
    assert_eq!(errors.len(), 1);
    assert!(errors[0].message.contains("1.9 → … 30 more … → 1.40 →"), "{}", errors[0].message);
}

#[test]
fn statuses_of_other_tools_get_a_suggestion() {
    let table = [
        ("completed", "did you mean `complete`?"),
        ("In Progress", "did you mean `in_progress`?"),
        ("sub_plan_created", "did you mean `subplan_created`?"),
        ("Blocked", "blocked is derived from the dependencies, never stored: write the achievement's own status"),
        ("whatever this is", "leave `status` out, and it is derived from the files of the plan directory"),
    ];
    for (word, hint) in table {
        let text = format!("{{\"achievements\": [{{\"achievement_id\": \"1.1\", \"status\": \"{word}\"}}]}}");
        let problems = ParallelFile::parse(text.as_bytes()).unwrap_err();
        assert_eq!(problems[0].hint.as_deref(), Some(hint), "{word}");
        assert!(Status::ALL.iter().all(|status| problems[0].message.contains(status.as_str())), "{word}");
    }
}

#[test]
fn bytes_that_are_not_text_are_placed_too() {
    let problems = ParallelFile::parse(b"{\n \"\xc3\xa9\": \"\xff\"}").unwrap_err();
    assert_eq!(summary(&problems), [("not-utf8", "", 2, 8)]);
    let problems = ParallelFile::parse(b"\xff\xfe{\0}\0").unwrap_err();
    assert_eq!(problems[0].hint.as_deref(), Some("it looks like UTF-16: save it as UTF-8"));
}

#[test]
fn hints_name_the_usual_accidents() {
    let table = [
        ("{\n<<<<<<< HEAD\n}", "a merge conflict is unresolved here"),
        ("{\"levels\": [1,]}", "remove the comma before the closing bracket"),
        ("{\"levels\": [", "the file ends early: restore it from a backup or from version control"),
        ("{\n  // note\n}", "JSON has no comments"),
    ];
    for (text, hint) in table {
        let problems = ParallelFile::parse(text.as_bytes()).unwrap_err();
        assert_eq!(problems[0].hint.as_deref(), Some(hint), "{text}");
    }
}

#[test]
fn nesting_bombs_are_errors_or_skipped() {
    let depth = 200_000;
    let bomb = "[".repeat(depth) + &"]".repeat(depth);
    let known = format!("{{\"levels\": {bomb}}}");
    assert!(ParallelFile::parse(known.as_bytes()).is_err());
    // In an unknown field it does no harm, and is kept.
    let unknown = format!("{{\"x\": {bomb}, \"achievements\": [{{\"achievement_id\": \"1.1\"}}]}}");
    let mut file = parsed(&unknown);
    let change = Change { status: Some(Status::Complete), ..Change::default() };
    file.apply(&[(id("1.1"), change)].into(), "2025-01-01T00:00:00Z");
    assert!(file.to_text().contains(&bomb));
}

#[test]
fn millions_of_problems_are_cut_short() {
    let text = format!("{{\"achievements\": [{}0]}}", "0,".repeat(2 * MOST_PROBLEMS));
    assert_eq!(ParallelFile::parse(text.as_bytes()).unwrap_err().len(), MOST_PROBLEMS);
}
