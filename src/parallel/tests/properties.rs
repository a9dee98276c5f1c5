//! Properties over generated files.

use proptest::{collection::vec, prelude::*, sample::Index};
use serde_json::{Map, Value, json};

use super::*;
use crate::document::Stage;

const NOW: &str = "2025-02-03T04:05:06Z";

/// Any JSON value, with the spellings of numbers that a rewrite could lose.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e9..1e9_f64).prop_map(Value::from),
        "\\PC{0,6}".prop_map(Value::from),
        Just(json!("\u{1b}\"\\\n{[")),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec(("[a-z\"é]{0,4}", inner), 0..4).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Unknown members, each with a place among the known ones.
fn unknown() -> impl Strategy<Value = Vec<(String, Value, Index)>> {
    vec(("x_[a-z .\"]{0,4}", any_json(), any::<Index>()), 0..4)
}

fn with_unknown(known: Value, unknown: Vec<(String, Value, Index)>) -> Value {
    let Value::Object(mut members) = known else { return known };
    for (name, value, at) in unknown {
        if !members.contains_key(&name) {
            members.shift_insert(at.index(members.len() + 1), name, value);
        }
    }
    Value::Object(members)
}

/// An achievement without dependencies, some of the fields that a rewrite sets already there.
fn achievement(id_field: &'static str) -> impl Strategy<Value = Map<String, Value>> {
    (unknown(), any::<[bool; 9]>()).prop_map(move |(unknown, present)| {
        let mut known = json!({ id_field: "0.0" });
        let candidates = [
            ("title", json!("T")),
            ("status", json!("in_progress")),
            ("subplan_path", json!("old.md")),
            ("execution_paths", json!(["a.md"])),
            ("executor", json!("ana")),
            ("started_at", json!("2025-01-01T00:00:00Z")),
            ("actual_hours", json!(null)),
            ("notes", json!(["a", 1])),
            ("failure", json!({"ticket": [1, {}], "stage": "execution"})),
        ];
        for ((name, value), present) in candidates.into_iter().zip(present) {
            if present {
                known[name] = value;
            }
        }
        match with_unknown(known, unknown) {
            Value::Object(members) => members,
            _ => Map::new(),
        }
    })
}

fn number(achievements: Vec<Map<String, Value>>, id_field: &str, level: usize) -> Vec<Value> {
    let named = |(at, mut achievement): (usize, Map<String, Value>)| {
        achievement[id_field] = format!("{level}.{at}").into();
        Value::Object(achievement)
    };
    achievements.into_iter().enumerate().map(named).collect()
}

fn any_file() -> impl Strategy<Value = Value> {
    let flat = (vec(achievement("achievement_id"), 1..4), unknown()).prop_map(|(achievements, unknown)| {
        with_unknown(json!({"achievements": number(achievements, "achievement_id", 1)}), unknown)
    });
    let leveled = (vec((vec(achievement("id"), 0..3), unknown()), 1..4), unknown(), any::<bool>()).prop_map(
        |(levels, root, updated)| {
            let levels: Vec<Value> = levels
                .into_iter()
                .zip(1..)
                .map(|((achievements, unknown), level)| {
                    with_unknown(json!({"level": level, "achievements": number(achievements, "id", level)}), unknown)
                })
                .collect();
            let mut file = json!({"version": "1.0.0", "levels": levels});
            if updated {
                file["updated"] = json!("before");
            }
            with_unknown(file, root)
        },
    );
    prop_oneof![flat, leveled]
}

fn any_text() -> impl Strategy<Value = String> {
    let layouts = prop_oneof![Just(""), Just("  "), Just("    "), Just("\t")];
    (any_file(), layouts, any::<bool>()).prop_map(|(file, indent, crlf)| {
        let mut bytes = Vec::new();
        if indent.is_empty() {
            serde_json::to_writer(&mut bytes, &file).unwrap();
        } else {
            let formatter = serde_json::ser::PrettyFormatter::with_indent(indent.as_bytes());
            let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
            serde::Serialize::serialize(&file, &mut serializer).unwrap();
        }
        let text = String::from_utf8(bytes).unwrap() + "\n";
        if crlf { text.replace('\n', "\r\n") } else { text }
    })
}

fn any_change() -> impl Strategy<Value = Change> {
    let failure = ("\\PC{0,5}", 0_u32..9).prop_map(|(reason, attempts)| Failure {
        stage: Stage::Subplan,
        reason,
        attempts,
        at: NOW.to_owned(),
    });
    let text = || proptest::option::of(proptest::option::of("\\PC{0,5}"));
    (
        proptest::option::of(proptest::sample::select(&Status::ALL[..])),
        proptest::option::of("\\PC{0,5}"),
        proptest::option::of(vec("\\PC{0,5}", 0..3)),
        proptest::option::of(proptest::option::of(failure)),
        (text(), text(), text(), text()),
        (
            proptest::option::of((0_u8..200).prop_map(|quarters| f64::from(quarters) / 4.0)),
            any::<bool>(),
            proptest::option::of("\\PC{0,5}"),
        ),
    )
        .prop_map(|(status, subplan_path, execution_paths, failure, texts, (actual_hours, no_subplan, note))| {
            let (executor, assigned_at, started_at, completed_at) = texts;
            Change {
                status,
                subplan_path,
                execution_paths,
                failure,
                executor,
                assigned_at,
                started_at,
                completed_at,
                actual_hours,
                no_subplan,
                note,
            }
        })
}

/// Applies a change to a [`Value`] the obvious way: the oracle of a rewrite.
fn change_value(achievement: &mut Map<String, Value>, change: &Change) {
    if let Some(status) = change.status {
        achievement.insert("status".into(), status.as_str().into());
    }
    if let Some(hours) = change.actual_hours {
        achievement.insert("actual_hours".into(), hours.into());
    }
    let texts = [
        ("started_at", &change.started_at),
        ("completed_at", &change.completed_at),
        ("executor", &change.executor),
        ("assigned_at", &change.assigned_at),
    ];
    for (name, text) in texts {
        match text {
            Some(Some(text)) => drop(achievement.insert(name.into(), text.as_str().into())),
            Some(None) if achievement.contains_key(name) => drop(achievement.insert(name.into(), Value::Null)),
            Some(None) | None => {}
        }
    }
    if let Some(path) = &change.subplan_path {
        achievement.insert("subplan_path".into(), path.as_str().into());
    }
    if let Some(paths) = &change.execution_paths {
        achievement.insert("execution_paths".into(), paths.as_slice().into());
    }
    if change.no_subplan && change.subplan_path.is_none() && achievement.contains_key("subplan_path") {
        achievement.insert("subplan_path".into(), Value::Null);
    }
    if let Some(note) = &change.note {
        let notes = match achievement.get("notes").cloned().unwrap_or_default() {
            Value::Null => json!(note),
            Value::Array(notes) => notes.into_iter().chain([json!(note)]).collect(),
            other => json!([other, note]),
        };
        achievement.insert("notes".into(), notes);
    }
    match &change.failure {
        None => {}
        Some(None) => {
            achievement.shift_remove("failure");
        }
        Some(Some(failure)) => {
            let old = achievement.entry("failure").or_insert_with(|| json!({}));
            old["stage"] = failure.stage.as_str().into();
            old["reason"] = failure.reason.as_str().into();
            old["attempts"] = failure.attempts.into();
            old["at"] = failure.at.as_str().into();
        }
    }
}

fn achievements_of(file: &mut Value) -> Vec<&mut Map<String, Value>> {
    let lists: Vec<&mut Value> = if file.get("levels").is_some() {
        file["levels"].as_array_mut().unwrap().iter_mut().map(|level| &mut level["achievements"]).collect()
    } else {
        vec![&mut file["achievements"]]
    };
    lists.into_iter().flat_map(|list| list.as_array_mut().unwrap()).map(|item| item.as_object_mut().unwrap()).collect()
}

/// Files of the flat form as `dependencies[i]` below `i`, with ids in that order.
fn acyclic() -> impl Strategy<Value = Vec<Vec<usize>>> {
    vec(vec(any::<Index>(), 0..4), 1..30).prop_map(|lists| {
        let below = |(node, list): (usize, Vec<Index>)| {
            let mut list: Vec<usize> = list.into_iter().filter(|_| node > 0).map(|index| index.index(node)).collect();
            list.sort_unstable();
            list.dedup();
            list
        };
        lists.into_iter().enumerate().map(below).collect()
    })
}

fn flat_text(dependencies: &[Vec<usize>]) -> String {
    let entry = |(node, list): (usize, &Vec<usize>)| {
        let list: Vec<String> = list.iter().map(|node| format!("1.{node}")).collect();
        json!({"achievement_id": format!("1.{node}"), "dependencies": list})
    };
    json!({ "achievements": dependencies.iter().enumerate().map(entry).collect::<Vec<_>>() }).to_string()
}

/// The chain in the message of a cycle.
fn chain(problem: &Problem) -> Vec<AchievementId> {
    let chain = problem.message.split(": ").nth(1).unwrap().split(" (").next().unwrap();
    chain.split(" → ").map(id).collect()
}

/// Whether each line of an unknown field of the outermost object is still there, in order, up to the comma at its end.
fn keeps_unknown_lines(before: &str, after: &str) -> bool {
    let mut rest = after.split_inclusive('\n');
    let outermost = |line: &&str| ["\t\"x_", "  \"x_", "    \"x_"].iter().any(|start| line.starts_with(start));
    let bare = |line: &str| line.trim_end_matches(['\n', '\r']).trim_end_matches(',').to_owned();
    before.split_inclusive('\n').filter(outermost).all(|line| rest.any(|other| bare(other) == bare(line)))
}

proptest! {
    #[test]
    fn a_rewrite_changes_what_it_should_and_keeps_value_place_and_order_of_the_rest(
        text in any_text(),
        changes in vec((any::<Index>(), any_change()), 1..4),
    ) {
        let mut file = parsed(&text);
        let mut expected: Value = serde_json::from_str(&text).unwrap();
        for (at, change) in changes {
            if file.entries().is_empty() {
                break;
            }
            let at = at.index(file.entries().len());
            change_value(achievements_of(&mut expected)[at], &change);
            expected["updated"] = NOW.into();
            let key = file.entries()[at].id;
            file.apply(&[(key, change)].into(), NOW);
        }
        let after = file.to_text();
        let found: Value = serde_json::from_str(&after).unwrap();
        // As text, since equality of objects does not look at order.
        prop_assert_eq!(found.to_string(), expected.to_string());
        let again = parsed(&after);
        prop_assert_eq!(again.entries(), file.entries());
        // Unknown fields keep their spelling, too.
        prop_assert!(keeps_unknown_lines(&text, &after), "{}\n---\n{}", text, after);
    }

    #[test]
    fn migration_keeps_value_place_and_order_of_every_field(text in any_text()) {
        let before: Value = serde_json::from_str(&text).unwrap();
        let Some(after) = migrate(text.as_bytes(), NOW).unwrap_or_default() else {
            return Ok(()); // leveled already, or without an achievement
        };
        let leveled = parsed(&after);
        prop_assert_eq!((leveled.form(), leveled.check()), (Form::Leveled, Checked::default()));
        let mut after: Value = serde_json::from_str(&after).unwrap();
        let own = |file: &Value| -> Vec<String> {
            let members = file.as_object().unwrap().iter().filter(|(name, _)| name.starts_with("x_"));
            members.map(|(name, value)| format!("{name}: {value}")).collect()
        };
        prop_assert_eq!(own(&after), own(&before));
        let flat = before["achievements"].as_array().unwrap().iter().map(Value::to_string);
        let mut found: Vec<String> = achievements_of(&mut after).into_iter().map(|each| Value::Object(each.clone()).to_string()).collect();
        found.sort();
        let mut expected: Vec<String> = flat.map(|text| text.replacen("\"achievement_id\":", "\"id\":", 1)).collect();
        expected.sort();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn levels_of_a_flat_file_are_minimal_and_the_check_is_clean(dependencies in acyclic()) {
        let file = parsed(&flat_text(&dependencies));
        prop_assert_eq!(file.check(), Checked::default());
        let levels: Vec<u32> = file.entries().iter().map(|entry| entry.level).collect();
        for (node, list) in dependencies.iter().enumerate() {
            prop_assert_eq!(levels[node], 1 + list.iter().map(|&d| levels[d]).max().unwrap_or(0));
        }
        let graph = file.graph().unwrap();
        let mut done = vec![false; graph.len()];
        for &node in graph.topological() {
            prop_assert!(graph.dependencies(node).iter().all(|&d| done[d]));
            prop_assert!(graph.dependencies(node).iter().all(|&d| graph.dependents(d).contains(&node)));
            done[node] = true;
        }
        prop_assert!(done.into_iter().all(|done| done));
    }

    #[test]
    fn an_edge_that_closes_a_cycle_is_reported_and_the_suggestion_breaks_it(
        dependencies in acyclic(),
        ends in any::<(Index, Index)>(),
    ) {
        let mut dependencies = dependencies;
        let (a, b) = (ends.0.index(dependencies.len()), ends.1.index(dependencies.len()));
        let (low, high) = (a.min(b), a.max(b));
        prop_assume!(low != high);
        // A path upwards and the edge that closes it.
        if !dependencies[high].contains(&low) {
            dependencies[high].push(low);
        }
        dependencies[low].push(high);
        let file = parsed(&flat_text(&dependencies));
        let errors = file.check().errors;
        prop_assert_eq!(errors.len(), 1);
        let error = &errors[0];
        prop_assert_eq!(error.rule.name, "cycle");
        let chain = chain(error);
        prop_assert_eq!((chain.len(), chain.first()), (3, chain.last()));
        for pair in chain.windows(2) {
            prop_assert!(file.get(pair[0]).unwrap().dependencies.contains(&pair[1]), "{:?}", chain);
        }
        let hint = error.hint.as_deref().unwrap();
        let (needs, from) = hint.strip_prefix("remove ").unwrap().split_once(" from the dependencies of ").unwrap();
        let edge = [id(from), id(needs)];
        prop_assert!(chain.windows(2).any(|pair| pair == edge), "{} in {:?}", hint, chain);
        prop_assert!(edge[0] < edge[1]);
        dependencies[edge[0].parts()[1] as usize].retain(|&d| d != edge[1].parts()[1] as usize);
        prop_assert_eq!(parsed(&flat_text(&dependencies)).check(), Checked::default());
    }

    #[test]
    fn no_damage_makes_it_panic(text in any_text(), damage in vec((any::<Index>(), any::<u8>(), 0_u8..3), 1..6)) {
        let mut bytes = text.into_bytes();
        for (at, byte, how) in damage {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => { bytes.remove(at); }
                _ => bytes.truncate(at),
            }
        }
        match ParallelFile::parse(&bytes) {
            Ok(mut file) => {
                let _ = file.check();
                let ids: Vec<AchievementId> = file.entries().iter().map(|entry| entry.id).collect();
                let change = Change { status: Some(Status::Complete), ..Change::default() };
                file.apply(&ids.into_iter().map(|id| (id, change.clone())).collect(), NOW);
                prop_assert!(ParallelFile::parse(file.to_text().as_bytes()).is_ok());
            }
            Err(problems) => {
                prop_assert!(!problems.is_empty());
                let lines = bytes.iter().filter(|b| **b == b'\n').count() + 1;
                for problem in problems {
                    prop_assert!((1..=lines).contains(&problem.line) && problem.column > 0, "{:?}", problem);
                }
            }
        }
    }
}
