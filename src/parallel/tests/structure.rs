//! What is computed from dependencies, against slow and simple ways of computing the same.

use proptest::{collection::vec, prelude::*, sample::Index};
use serde_json::Value;

use super::*;

const NOW: &str = "2025-02-03T04:05:06Z";

/// An achievement without dependencies, with an estimate of `low` to `high` hours.
fn draft(name: &str, needs: &[&str], hours: Option<(f64, f64)>) -> Draft {
    let dependency = |needs: &&str| Dependency {
        needs: id(needs),
        kind: Kind::Technical,
        reason: String::from("because"),
        source: Origin::Model,
    };
    Draft {
        id: id(name),
        title: format!("Title of {name}"),
        hours: hours.map(|(low, high)| Hours { low, high }),
        deliverables: vec![],
        status: Status::NotStarted,
        dependencies: needs.iter().map(dependency).collect(),
        optional: vec![],
        critical: None,
        touches: None,
        frozen: false,
        lowest_level: 1,
    }
}

fn touching(name: &str, needs: &[&str], files: &[&str]) -> Draft {
    let touches = Touches { files: files.iter().map(|file| (*file).to_owned()).collect(), resources: vec![] };
    Draft { touches: Some(touches), ..draft(name, needs, Some((1.0, 2.0))) }
}

fn levels_of(structure: &Structure) -> Vec<Vec<String>> {
    let names = |level: &Level| level.members.iter().map(|&node| structure.drafts()[node].id.to_string()).collect();
    structure.levels().iter().map(names).collect()
}

#[test]
fn the_whole_of_a_small_plan() {
    let drafts = vec![
        draft("1.1", &[], Some((2.0, 3.0))),
        draft("1.2", &[], Some((1.0, 1.0))),
        draft("2.1", &["1.1", "1.2"], Some((4.0, 6.0))),
        draft("2.2", &["1.1"], None),
        draft("3.1", &["2.1", "2.2"], Some((0.5, 1.0))),
    ];
    let structure = Structure::compute(drafts, &[]).unwrap();
    assert_eq!(levels_of(&structure), [vec!["1.1", "1.2"], vec!["2.1", "2.2"], vec!["3.1"]]);
    let times = structure.times().unwrap();
    let range = |hours: Hours| (hours.low, hours.high);
    assert_eq!(range(times.sequential), (7.5, 11.0));
    assert_eq!((range(times.parallel), range(times.critical)), ((6.5, 10.0), (6.5, 10.0)));
    assert_eq!((range(times.saved()), times.saved_percent()), ((1.0, 1.0), 11));
    assert_eq!(structure.critical_path().collect::<Vec<_>>(), ["1.1", "2.1", "3.1"].map(id));
    let worst: Vec<_> = structure.bottlenecks().map(|(id, b)| (id.to_string(), b.holds_up, b.directly)).collect();
    assert_eq!(worst, [("1.1".to_owned(), 3, 2), ("1.2".to_owned(), 2, 1)]);

    let text = write_anew(&structure, "P", NOW);
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        value["parallelization_strategy"],
        serde_json::json!({
            "summary": "3 levels, at most 2 at the same time.",
            "sequential_hours": "7.5-11 hours",
            "parallel_hours": "6.5-10 hours",
            "time_saved_hours": 1.0,
            "time_saved_percent": 11,
            "critical_path": ["1.1", "2.1", "3.1"],
            "critical_path_hours": "6.5-10 hours",
            "bottlenecks": [
                {"id": "1.1", "holds_up": 3, "directly": 2},
                {"id": "1.2", "holds_up": 2, "directly": 1},
            ],
            "without_estimate": ["2.2"],
        })
    );
    assert_eq!(
        value["execution_instructions"][1],
        serde_json::json!({
            "level": 2,
            "order": ["2.1", "2.2"],
            "at_the_same_time": 2,
            "waits_for": {"2.1": ["1.1", "1.2"], "2.2": ["1.1"]},
            "sync_points": [{"when_complete": ["2.1", "2.2"], "may_start": ["3.1"]}],
        })
    );
    assert_eq!(
        value["validation_rules"][2]["rules"][1],
        "The level is done when 3.1 is complete, with every deliverable there."
    );
}

#[test]
fn what_touches_the_same_is_kept_apart() {
    let drafts = vec![
        touching("1.1", &[], &["src/a.rs", "x"]),
        touching("1.2", &[], &["./src/a.rs"]),
        touching("1.3", &[], &["src/b.rs"]),
        touching("1.4", &[], &[]),
        touching("2.1", &["1.1"], &["src/a.rs"]),
    ];
    let pair = Pair { first: id("1.3"), second: id("1.4"), over: String::from("the port 80") };
    let structure = Structure::compute(drafts, &[pair]).unwrap();
    let level = &structure.levels()[0];
    assert_eq!((level.max_parallelism(), level.groups.clone()), (2, vec![vec![0, 2], vec![1, 3]]));
    let value: Value = serde_json::from_str(&write_anew(&structure, "P", NOW)).unwrap();
    assert_eq!(
        value["levels"][0]["reason"],
        "None of them depends on another achievement. But 1.1 and 1.2 both touch src/a.rs; 1.3 and 1.4 both touch the port \
         80: at most 2 at the same time."
    );
    assert_eq!(value["execution_instructions"][0]["groups"], serde_json::json!([["1.1", "1.3"], ["1.2", "1.4"]]));

    // All touch one file: nobody can work beside anybody.
    let drafts = (1..=70).map(|n| touching(&format!("1.{n}"), &[], &["one"])).collect();
    let structure = Structure::compute(drafts, &[]).unwrap();
    let level = &structure.levels()[0];
    assert_eq!((level.can_parallelize(), level.max_parallelism(), level.groups.len()), (false, 1, 70));
    assert_eq!(structure.times().map(|times| times.parallel), structure.times().map(|times| times.sequential));
}

#[test]
fn nobody_waits_at_a_sync_point_for_more_than_they_need() {
    let needs = [("1.1", &[][..]), ("1.2", &[]), ("2.1", &["1.1"]), ("2.2", &["1.2"]), ("2.3", &["1.1"])];
    let drafts = needs.into_iter().map(|(id, needs)| draft(id, needs, None)).collect();
    let structure = Structure::compute(drafts, &[]).unwrap();
    let value: Value = serde_json::from_str(&write_anew(&structure, "P", NOW)).unwrap();
    assert_eq!(
        value["execution_instructions"][0]["sync_points"],
        serde_json::json!([
            {"when_complete": ["1.1"], "may_start": ["2.1", "2.3"]},
            {"when_complete": ["1.2"], "may_start": ["2.2"]},
        ])
    );
}

#[test]
fn only_what_is_left_is_planned() {
    let done = |draft: Draft| Draft { status: Status::Complete, ..draft };
    let drafts = vec![
        done(Draft { hours: Some(Hours { low: 8.0, high: 8.0 }), ..touching("1.1", &[], &["a"]) }),
        done(touching("1.2", &[], &["b"])),
        touching("1.3", &[], &["a"]),
        touching("2.1", &["1.1", "1.3"], &[]),
        touching("2.2", &["1.2"], &[]),
    ];
    let structure = Structure::compute(drafts, &[]).unwrap();
    let level = &structure.levels()[0];
    assert_eq!((level.members.len(), level.max_parallelism(), level.clashes.len()), (3, 1, 0));
    let times = structure.times().unwrap();
    assert_eq!((times.sequential.high, times.parallel.high, times.critical.high), (6.0, 4.0, 4.0));
    assert_eq!(structure.critical_path().collect::<Vec<_>>(), ["1.3", "2.1"].map(id));
    let value: Value = serde_json::from_str(&write_anew(&structure, "P", NOW)).unwrap();
    assert_eq!(value["parallelization_strategy"]["left_out"], serde_json::json!(["1.1", "1.2"]));
    assert_eq!(value["levels"][0]["reason"], "Only 1.3 is left to do.");
    assert_eq!(
        value["execution_instructions"],
        serde_json::json!([
            {
                "level": 1,
                "order": ["1.3"],
                "at_the_same_time": 1,
                "waits_for": {},
                "sync_points": [{"when_complete": ["1.3"], "may_start": ["2.1"]}],
            },
            {"level": 2, "order": ["2.2", "2.1"], "at_the_same_time": 2, "waits_for": {"2.1": ["1.3"]}, "sync_points": []},
        ])
    );
}

#[test]
fn pairs_are_named_all_and_come_back_from_the_file() {
    let drafts = (1..=30).map(|n| draft(&format!("1.{n}"), &[], None)).chain([draft("2.1", &["1.30"], None)]);
    let drafts: Vec<Draft> = drafts.collect();
    let pair = |first: String, second: &str| Pair { first: id(&first), second: id(second), over: "a port".into() };
    let mut pairs: Vec<Pair> = (2..=30).map(|n| pair(format!("1.{n}"), "1.1")).collect();
    pairs.push(pair("2.1".into(), "1.1"));
    pairs.push(pair("2.1".into(), "1.30"));
    let structure = Structure::compute(drafts, &pairs).unwrap();
    assert_eq!(structure.levels()[0].clashes.len(), 29);
    // One that depends on the other waits for it in any case.
    assert_eq!(structure.levels()[1].clashes.len(), 1);
    let text = write_anew(&structure, "P", NOW);
    let apart = parsed(&text).apart();
    let mut held = crate::parallel::Held::new(&apart);
    held.take(0);
    assert_eq!((1..31).filter(|&node| held.conflict(node).is_some()).count(), 30);
}

/// The time that a schedule takes which tries all orders of what may begin.
fn least(drafts: &[Draft]) -> f64 {
    fn go(drafts: &[Draft], done: u32, running: &[(usize, f64)], now: f64, best: &mut f64) {
        if now >= *best {
            return;
        }
        let is_on = |node: usize| running.iter().any(|(other, _)| *other == node);
        let needed = |node: usize| {
            drafts[node]
                .dependencies
                .iter()
                .all(|d| drafts.iter().position(|o| o.id == d.needs).is_some_and(|at| done & (1 << at) != 0))
        };
        let files = |node: usize| &drafts[node].touches.as_ref().unwrap().files;
        let clashes =
            |node: usize| running.iter().any(|(other, _)| files(node).iter().any(|file| files(*other).contains(file)));
        for node in 0..drafts.len() {
            if done & (1 << node) == 0 && !is_on(node) && needed(node) && !clashes(node) {
                let end = now + drafts[node].hours.unwrap().high;
                go(drafts, done, &[running, &[(node, end)]].concat(), now, best);
            }
        }
        let Some(next) = running.iter().map(|(_, end)| *end).min_by(f64::total_cmp) else {
            if done.count_ones() as usize == drafts.len() {
                *best = now;
            }
            return;
        };
        let (over, on): (Vec<_>, Vec<_>) = running.iter().partition(|(_, end)| *end == next);
        go(drafts, over.iter().fold(done, |done, (node, _)| done | (1 << node)), &on, next, best);
    }
    let mut best = f64::INFINITY;
    go(drafts, 0, &[], 0.0, &mut best);
    best
}

#[test]
fn what_is_complete_keeps_its_level_and_no_number_is_left_out() {
    let settled = Draft { frozen: true, lowest_level: 7, ..draft("1.1", &[], None) };
    let structure =
        Structure::compute(vec![settled, draft("1.2", &[], None), draft("2.1", &["1.1"], None)], &[]).unwrap();
    assert_eq!(levels_of(&structure), [vec!["1.2"], vec!["1.1"], vec!["2.1"]]);
    assert_eq!(structure.levels().iter().map(|level| level.number).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(structure.times(), None);
}

#[test]
fn a_cycle_is_returned_and_what_cannot_be_a_dependency_is_left_out() {
    let cycle = vec![draft("1.1", &["1.3"], None), draft("1.2", &["1.1"], None), draft("1.3", &["1.2"], None)];
    assert_eq!(Structure::compute(cycle, &[]).unwrap_err(), [["1.1", "1.3", "1.2"].map(id)]);
    let odd = vec![draft("1.1", &["1.1", "9.9"], None), draft("1.2", &["1.1", "1.1"], None)];
    let structure = Structure::compute(odd, &[]).unwrap();
    assert_eq!(levels_of(&structure), [["1.1"], ["1.2"]]);
    assert_eq!(structure.drafts()[1].dependencies.len(), 1);
    assert_eq!(Structure::compute(vec![], &[]).unwrap().widest(), 0);
}

/// Any acyclic graph in any order, with estimates and with things that are touched.
fn any_drafts() -> impl Strategy<Value = Vec<Draft>> {
    let one = (vec(any::<Index>(), 0..4), prop::option::of((0_u32..40, 0_u32..40)), vec(0_u32..4, 0..3), any::<bool>());
    (vec(one, 1..40), any::<prop::sample::Index>()).prop_map(|(all, turn)| {
        let mut drafts: Vec<Draft> = all
            .into_iter()
            .enumerate()
            .map(|(node, (needs, hours, files, critical))| {
                let mut needs: Vec<String> =
                    needs.iter().filter(|_| node > 0).map(|index| format!("1.{}", index.index(node))).collect();
                needs.sort();
                needs.dedup();
                let needs: Vec<&str> = needs.iter().map(String::as_str).collect();
                let hours = hours.map(|(low, more)| (f64::from(low) / 4.0, f64::from(low + more) / 4.0));
                let files = files.iter().map(|file| format!("f{file}")).collect();
                Draft {
                    touches: Some(Touches { files, resources: vec![] }),
                    critical: Some(critical),
                    ..draft(&format!("1.{node}"), &needs, hours)
                }
            })
            .collect();
        let turn = turn.index(drafts.len());
        drafts.rotate_left(turn);
        drafts
    })
}

proptest! {
    #[test]
    fn no_time_is_promised_that_nobody_can_keep(
        all in vec((vec(any::<Index>(), 0..2), 1_u32..5, vec(0_u32..2, 0..2)), 1..6),
    ) {
        let drafts: Vec<Draft> = (0..).zip(&all).map(|(node, (needs, hours, files))| {
            let needs: Vec<String> =
                needs.iter().filter(|_| node > 0).map(|index| format!("1.{}", index.index(node))).collect();
            let needs: Vec<&str> = needs.iter().map(String::as_str).collect();
            let files = files.iter().map(|file| format!("f{file}")).collect();
            let hours = f64::from(*hours);
            Draft {
                touches: Some(Touches { files, resources: vec![] }),
                ..draft(&format!("1.{node}"), &needs, Some((hours, hours)))
            }
        }).collect();
        let times = Structure::compute(drafts.clone(), &[]).unwrap().times().unwrap();
        let least = least(&drafts);
        // List scheduling is no search for the best; but it does not leave hands idle for long.
        prop_assert!(least <= times.parallel.high && times.parallel.high <= 3.0 * least, "{times:?}, {least}");
    }

    #[test]
    fn what_follows_is_put_right_when_dependencies_change_and_in_any_order_is_the_same(
        drafts in any_drafts(),
        ends in any::<(Index, Index)>(),
    ) {
        let structure = Structure::compute(drafts.clone(), &[]).unwrap();
        let text = write_anew(&structure, "P", NOW);
        let tidy = |problem: &Problem| problem.rule.name == "no-plan";
        let found = lint(&parsed(&text), &Surroundings::default());
        prop_assert!(found.iter().all(tidy), "{:#?}\n{}", found, text);
        // One more dependency, from a later achievement to an earlier one, and somebody's own fields.
        let (a, b) = (ends.0.index(drafts.len()), ends.1.index(drafts.len()));
        prop_assume!(drafts[a].id != drafts[b].id);
        let (low, high) = (drafts[a].id.min(drafts[b].id), drafts[a].id.max(drafts[b].id));
        let mut changed: Value = serde_json::from_str(&text).unwrap();
        for level in changed["levels"].as_array_mut().unwrap() {
            for achievement in level["achievements"].as_array_mut().unwrap() {
                if achievement["id"] == high.to_string() && !achievement["dependencies"].to_string().contains(&format!("\"{low}\"")) {
                    achievement["dependencies"].as_array_mut().unwrap().push(low.to_string().into());
                }
            }
        }
        changed["execution_instructions"][0]["own"] = 1.into();
        changed["validation_rules"][0]["rules"].as_array_mut().unwrap().insert(0, "Ask first.".into());
        let once = repair(format!("{changed:#}").as_bytes(), &Surroundings::default(), NOW).unwrap();
        let found = lint(&parsed(&once), &Surroundings::default());
        prop_assert!(found.iter().all(|problem| !problem.fixable && problem.severity != Severity::Error), "{:#?}\n{}", found, once);
        prop_assert_eq!(&repair(once.as_bytes(), &Surroundings::default(), NOW).unwrap(), &once);
        // A level whose achievements are all kept apart is worked on one by one, so it may hold the new dependency.
        let repaired = parsed(&once);
        let level = |id: AchievementId| repaired.get(id).unwrap().level;
        if repaired.entries().iter().any(|entry| entry.dependencies.iter().any(|needs| level(*needs) == entry.level)) {
            return Ok(());
        }
        // The same as if it had been analyzed with that dependency at once, and put no achievement forward.
        let mut drafts = drafts;
        for draft in &mut drafts {
            draft.lowest_level = parsed(&text).get(draft.id).unwrap().level;
            if draft.id == high && draft.dependencies.iter().all(|dependency| dependency.needs != low) {
                let source = Origin::Manual;
                draft.dependencies.push(Dependency { needs: low, kind: Kind::Technical, reason: String::new(), source });
            }
        }
        let anew = write_anew(&Structure::compute(drafts, &[]).unwrap(), "P", NOW);
        let (mut once, anew): (Value, Value) = (serde_json::from_str(&once).unwrap(), serde_json::from_str(&anew).unwrap());
        prop_assert_eq!(once["execution_instructions"][0]["own"].take(), 1);
        once["execution_instructions"][0].as_object_mut().unwrap().shift_remove("own");
        let rules = once["validation_rules"][0]["rules"].as_array_mut().unwrap();
        prop_assert!(rules.contains(&"Ask first.".into()));
        rules.retain(|rule| rule != "Ask first.");
        for name in ["execution_instructions", "validation_rules"] {
            prop_assert_eq!(&once[name], &anew[name]);
        }
        for name in ["summary", "critical_path", "bottlenecks", "without_estimate"] {
            prop_assert_eq!(&once["parallelization_strategy"][name], &anew["parallelization_strategy"][name]);
        }
        for (level, right) in once["levels"].as_array().unwrap().iter().zip(anew["levels"].as_array().unwrap()) {
            prop_assert_eq!((&level["reason"], &level["description"]), (&right["reason"], &right["description"]));
        }
    }

    #[test]
    fn any_graph_gives_a_clean_file_with_minimal_levels_and_true_figures(drafts in any_drafts()) {
        let structure = Structure::compute(drafts.clone(), &[]).unwrap();
        let text = write_anew(&structure, "P", NOW);
        let file = parsed(&text);
        prop_assert_eq!(file.check(), Checked::default());
        prop_assert_eq!(file.entries().len(), drafts.len());
        let level = |id: AchievementId| file.get(id).unwrap().level;
        for draft in &drafts {
            let highest = draft.dependencies.iter().map(|dependency| level(dependency.needs)).max().unwrap_or(0);
            prop_assert_eq!(level(draft.id), highest + 1);
        }
        for info in file.levels() {
            prop_assert!(info.max_parallelism.unwrap() >= 1);
            prop_assert_eq!(info.can_parallelize, info.max_parallelism.unwrap() > 1);
        }
        for level in structure.levels() {
            let mut grouped: Vec<usize> = level.groups.concat();
            grouped.sort_unstable();
            let mut members = level.members.clone();
            members.sort_unstable();
            prop_assert_eq!(&grouped, &members);
            for group in &level.groups {
                let touched: Vec<&String> =
                    group.iter().flat_map(|&node| {
                        let mut files: Vec<&String> = structure.drafts()[node].touches.as_ref().unwrap().files.iter().collect();
                        files.sort();
                        files.dedup();
                        files
                    }).collect();
                let once: std::collections::HashSet<&String> = touched.iter().copied().collect();
                prop_assert_eq!(once.len(), touched.len(), "{:?} touch something together", group);
            }
        }
        let estimated = drafts.iter().any(|draft| draft.hours.is_some());
        prop_assert_eq!(structure.times().is_some(), estimated);
        if let Some(times) = structure.times() {
            for pick in [|hours: Hours| hours.low, |hours: Hours| hours.high] {
                let (critical, parallel, all) = (pick(times.critical), pick(times.parallel), pick(times.sequential));
                // Graham's anomaly can lift the high end over the sum of the low one, never over its own.
                prop_assert!(critical <= parallel && parallel <= all.max(pick(times.parallel)), "{times:?}");
            }
            prop_assert!(times.parallel.high <= times.sequential.high && times.critical.high <= times.parallel.high);
            prop_assert!(times.parallel.low <= times.sequential.low);
        }
        // Who waits for whom, directly or not, the slow way.
        for (id, bottleneck) in structure.bottlenecks() {
            let mut waiting = std::collections::HashSet::new();
            let mut new = vec![id];
            while let Some(id) = new.pop() {
                for draft in drafts.iter().filter(|draft| draft.dependencies.iter().any(|d| d.needs == id)) {
                    if waiting.insert(draft.id) {
                        new.push(draft.id);
                    }
                }
            }
            prop_assert_eq!(bottleneck.holds_up, waiting.len());
            prop_assert_eq!(structure.drafts()[bottleneck.node].id, id);
        }
    }
}

#[test]
fn ten_thousand_in_a_chain_or_side_by_side_are_no_more_work_each() {
    // Not timed: a quadratic way would take minutes, and a recursive one the stack.
    let n = 10_000;
    let chain = |node: u32| {
        let needs = node.checked_sub(1).map(|before| format!("1.{before}"));
        let needs: Vec<&str> = needs.iter().map(String::as_str).collect();
        draft(&format!("1.{node}"), &needs, Some((1.0, 1.0)))
    };
    let structure = Structure::compute((0..n).map(chain).collect(), &[]).unwrap();
    assert_eq!(structure.levels().len(), 10_000);
    let structure =
        Structure::compute((0..n).map(|node| touching(&format!("1.{node}"), &[], &["a"])).collect(), &[]).unwrap();
    assert_eq!(structure.levels()[0].groups.len(), 10_000);
    assert_eq!(structure.levels()[0].clashes.len(), 20);
}
