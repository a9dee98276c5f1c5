//! What a repair changes, and that it leaves nothing to repair.

use proptest::{collection::vec, prelude::*, sample::Index};
use serde_json::{Value, json};

use super::*;

const NOW: &str = "2025-02-03T04:05:06Z";
const LATER: &str = "2026-02-03T04:05:06Z";

fn repaired(text: &str) -> String {
    repair(text.as_bytes(), &Surroundings::default(), NOW).unwrap()
}

#[test]
fn a_repair_touches_what_it_repairs_and_nothing_else() {
    let before = r#"{
    "version" : "1.0.0", "plan": "P",
    "levels": [
        { "level": 1, "can_parallelize": true, "max_parallelism": 9, "achievements": [
            { "id": "1.1", "dependencies": ["2.1"], "blocks": ["7.7"], "mine": 1.50 },
            { "id": "1.2", "dependencies": [] , "x":[ 1 ,2] },
            { "id": "1.3", "dependencies": [  ] }
        ] },
        { "level": 4, "owner": "me", "achievements": [
            { "id": "2.1", "dependencies": ["1.2", "1.2"], "blocks": ["1.1"] }
        ] },
        { "level": 6, "achievements": [] }
    ],
    "notes": 1e2
}
"#;
    insta::assert_snapshot!(repaired(before), @r#"
    {
        "version" : "1.0.0", "plan": "P",
        "levels": [
            { "level": 1, "can_parallelize": true, "max_parallelism": 2, "achievements": [
                { "id": "1.2", "dependencies": [] , "x":[ 1 ,2] },
                { "id": "1.3", "dependencies": [  ] }
            ] },
            { "level": 2, "owner": "me", "achievements": [
                { "id": "2.1", "dependencies": ["1.2"], "blocks": ["1.1"] }
            ] },
            { "level": 3, "achievements": [
                { "id": "1.1", "dependencies": ["2.1"], "blocks": [], "mine": 1.50 }
            ] }
        ],
        "notes": 1e2,
        "updated" : "2025-02-03T04:05:06Z"
    }
    "#);
}

#[test]
fn an_old_file_becomes_leveled_and_right_at_once() {
    let before = "{\"achievements\": [{\"achievement_id\": \"1.1\", \"blocks\": []}, {\"achievement_id\": \"1.2\", \"dependencies\": [\"1.1\"]}]}";
    insta::assert_snapshot!(repaired(before), @r#"{"version": "1.0.0", "levels": [{"level": 1, "can_parallelize": false, "max_parallelism": 1, "achievements": [{"id": "1.1", "blocks": ["1.2"]}]}, {"level": 2, "can_parallelize": false, "max_parallelism": 1, "achievements": [{"id": "1.2", "dependencies": ["1.1"]}]}], "updated": "2025-02-03T04:05:06Z"}"#);
}

#[test]
fn without_a_right_answer_nothing_is_touched() {
    for text in [
        leveled(&[(Some(true), &[("1.1", &["1.2"]), ("1.2", &["1.1"])])]),
        leveled(&[(Some(true), &[("1.1", &["9.9"])]), (Some(true), &[("1.2", &[]), ("1.3", &[])])]),
        "{\"achievements\": [{\"achievement_id\": \"1.1\", \"dependencies\": [\"1.1\"]}]}".to_owned(),
    ] {
        let after = repaired(&text);
        let same = |text: &str| lint(&parsed(text), &Surroundings::default()).iter().filter(|p| !p.fixable).count();
        assert_eq!(same(&after), same(&text), "{after}");
        assert!(lint(&parsed(&after), &Surroundings::default()).iter().all(|problem| !problem.fixable), "{after}");
    }
}

/// Leveled files over a random acyclic graph, with levels, `blocks` and the rest often wrong.
fn any_file() -> impl Strategy<Value = Value> {
    let achievement = (vec(any::<Index>(), 0..3), 0_usize..5, any::<[bool; 3]>());
    let levels = vec((proptest::option::of(any::<bool>()), proptest::option::of(1_u32..6), 1_u32..3, any::<bool>()), 5);
    (vec(achievement, 1..14), levels, any::<bool>()).prop_map(|(achievements, levels, times)| {
        let count = achievements.len();
        let mut number = 0;
        let mut levels: Vec<Value> = levels
            .into_iter()
            .map(|(can, max, step, own)| {
                number += step;
                let mut level = json!({"level": number, "can_parallelize": can, "max_parallelism": max, "achievements": []});
                if own {
                    level["own"] = json!({"n": number});
                }
                level
            })
            .collect();
        for (node, (needs, place, [blocks, wrong, own])) in achievements.into_iter().enumerate() {
            let needs: Vec<String> =
                needs.into_iter().filter(|_| node > 0).map(|index| format!("1.{}", index.index(node))).collect();
            let mut achievement = json!({"id": format!("1.{node}"), "dependencies": needs, "estimated_hours": "1-2 hours"});
            if blocks {
                achievement["blocks"] = if wrong { json!([format!("1.{}", count - 1)]) } else { json!([]) };
            }
            if own {
                achievement["own"] = json!([node, null]);
            }
            levels[place]["achievements"].as_array_mut().unwrap().push(achievement);
        }
        let mut file = json!({"version": "1.0.0", "plan": "P", "levels": levels, "own": 1});
        if times {
            file["parallelization_strategy"] = json!({"total_sequential_time": "3 hours", "total_parallel_time": 2, "time_saved": 9,
                "reduction_percentage": "5%", "sequential_hours": 3, "parallel_hours": "1-2 hours", "time_saved_hours": 9,
                "time_saved_percent": 5, "critical_path_hours": 0});
        }
        file
    })
}

/// Every unknown field by where it belongs, whatever was moved.
fn own_fields(file: &Value) -> Vec<String> {
    let mut own = vec![file["own"].to_string()];
    let mut levels = Vec::new();
    for level in file["levels"].as_array().unwrap() {
        levels.push(level["own"].to_string());
        for achievement in level["achievements"].as_array().unwrap() {
            own.push(format!("{} {}", achievement["id"], achievement["own"]));
        }
    }
    own.sort();
    levels.retain(|own| own != "null");
    own.extend(levels);
    own
}

/// The ways in which a sound file is damaged, each with what makes it certain that somebody notices.
fn damaged(file: &Value, how: usize, at: Index) -> Value {
    let mut file = file.clone();
    let levels = file["levels"].as_array_mut().unwrap();
    let mut all: Vec<&mut Value> =
        levels.iter_mut().flat_map(|level| level["achievements"].as_array_mut().unwrap()).collect();
    let count = all.len();
    let achievement = &mut all[at.index(count)];
    let own = achievement["id"].clone();
    match how {
        0 => achievement["dependencies"] = json!(["9.9"]),
        1 => achievement["dependencies"] = json!([own]),
        2 => achievement["id"] = json!("1.x"),
        3 => achievement["id"] = json!(1.1),
        4 => drop(achievement.as_object_mut().unwrap().shift_remove("id")),
        5 => achievement["status"] = json!("done"),
        6 => achievement["blocks"] = json!(["9.9"]),
        7 => achievement["subplan_path"] = json!("../x.md"),
        8 => achievement["estimated_hours"] = json!(-1),
        9 => achievement["completed_at"] = json!("soon"),
        10 => achievement["dependencies"] = json!("1.1"),
        11 => achievement["optional_dependencies"] = json!(["9.9"]),
        12 => achievement["dependency_notes"] = json!({"1.1": {"kind": "moral"}}),
        13 => levels[0]["level"] = json!(0),
        14 => levels[0]["max_parallelism"] = json!(100),
        15 => levels[0]["level"] = json!(99),
        16 => levels.push(json!({"level": 50, "achievements": []})),
        17 => levels[0]["achievements"] = json!(null),
        18 => file["version"] = json!("7"),
        19 => file["levels"] = json!({}),
        20 => file["parallelization_strategy"] = json!({"sequential_hours": 9_000}),
        _ => {
            let copy = achievement.clone();
            levels[0]["achievements"].as_array_mut().unwrap().push(copy);
        }
    }
    file
}

const DAMAGES: usize = 22;

proptest! {
    #[test]
    fn after_a_repair_nothing_is_left_to_repair_and_nothing_is_lost(file in any_file(), pretty in any::<bool>()) {
        let text = if pretty { format!("{file:#}\n") } else { file.to_string() };
        let once = repaired(&text);
        let problems = lint(&parsed(&once), &Surroundings::default());
        prop_assert!(problems.iter().all(|problem| !problem.fixable), "{:#?}\n{}\n---\n{}", problems, text, once);
        // The graph is sound, so nothing of it is left to complain about.
        prop_assert!(problems.iter().all(|problem| problem.severity != Severity::Error), "{:#?}\n{}", problems, once);
        let again = repair(once.as_bytes(), &Surroundings::default(), LATER).unwrap();
        prop_assert_eq!(&again, &once);
        let after: Value = serde_json::from_str(&once).unwrap();
        prop_assert_eq!(own_fields(&after), own_fields(&file));
        for entry in parsed(&text).entries() {
            let kept = parsed(&once).get(entry.id).unwrap().dependencies.len();
            let unique: std::collections::HashSet<_> = entry.dependencies.iter().collect();
            prop_assert_eq!(kept, unique.len());
        }
    }

    #[test]
    fn a_sound_file_is_clean_and_any_one_damage_is_noticed(file in any_file(), how in 0..DAMAGES, at in any::<Index>()) {
        let sound = repaired(&file.to_string());
        let tidy = |problem: &Problem| ["no-plan", "empty-level", "parallelism-of-one"].contains(&problem.rule.name);
        let before = lint(&parsed(&sound), &Surroundings::default());
        prop_assert!(before.iter().all(tidy), "{:#?}", before);
        let broken = damaged(&serde_json::from_str(&sound).unwrap(), how, at).to_string();
        let problems = match ParallelFile::salvage(broken.as_bytes()) {
            Ok(file) => lint(&file, &Surroundings::default()),
            Err(problems) => problems,
        };
        prop_assert!(problems.iter().all(|problem| problem.hint.is_some()), "{:#?}", problems);
        let noticed = problems.iter().any(|problem| !tidy(problem));
        // One more empty level, or a limit in one, is nothing to notice.
        let empty = parsed(&sound).levels()[0].entries.is_empty();
        prop_assert!(noticed || how == 16 || (how == 14 && empty), "{}: {}", how, broken);
        let _ = repair(broken.as_bytes(), &Surroundings::default(), NOW);
    }

    #[test]
    fn no_bytes_make_it_panic(file in any_file(), damage in vec((any::<Index>(), any::<u8>(), 0_u8..4), 1..6)) {
        let mut bytes = format!("{file:#}").into_bytes();
        for (at, byte, how) in damage {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, byte),
                _ => bytes.truncate(at),
            }
        }
        match ParallelFile::salvage(&bytes) {
            Ok(file) => drop(lint(&file, &Surroundings::default())),
            Err(problems) => prop_assert!(!problems.is_empty()),
        }
        if let Ok(once) = repair(&bytes, &Surroundings::default(), NOW) {
            prop_assert_eq!(repair(once.as_bytes(), &Surroundings::default(), LATER), Ok(once.clone()));
            let problems = lint(&parsed(&once), &Surroundings::default());
            prop_assert!(problems.iter().all(|problem| !problem.fixable), "{:#?}\n{}", problems, once);
        }
        let _ = migrate(&bytes, NOW);
    }
}
