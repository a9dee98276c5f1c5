//! What an analysis writes, against `validate`: both as the commands do them, on plan directories with documents.

use std::{collections::HashSet, path::Path};

use proptest::{collection::vec, prelude::*, sample::Index};
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::{
    cli::{parallel_file::Target, validate},
    parallel::{ParallelFile, Problem, Severity, repair},
};

const NOW: &str = "2025-02-03T04:05:06Z";
const LATER: &str = "2025-03-03T04:05:06Z";

/// Two of them share a slug, and one has three parts.
const IDS: [&str; 10] = ["1.1", "1.2", "1.11", "11.1", "2.1", "2.1.1", "2.10", "3.1", "3.2", "10.1"];

/// One achievement: what it needs of those before it, and what is said of it.
#[derive(Clone, Debug)]
struct One {
    declared: Vec<Index>,
    found: Vec<Index>,
    title: String,
    effort: &'static str,
    /// Which files it touches, says the answer; and which pages, says the PLAN.
    files: Vec<u8>,
    /// What stands on disk.
    documents: u8,
}

fn any_plan() -> impl Strategy<Value = (Vec<One>, Index)> {
    let efforts = vec!["", "2-3 hours", "30 minutes", "1 day", "soon", "1/3 hour", "0.25-1.75 h"];
    let one = (
        (vec(any::<Index>(), 0..3), vec(any::<Index>(), 0..3)),
        "[a-zé🚀\"\\\\|<>&*_`: -]{0,10}",
        proptest::sample::select(efforts),
        vec(0_u8..4, 0..3),
        0_u8..9,
    );
    let one = one.prop_map(|((declared, found), title, effort, files, documents)| One {
        declared,
        found,
        title,
        effort,
        files,
        documents,
    });
    (vec(one, 1..IDS.len()), any::<Index>())
}

/// The ids of those before it.
fn needs(at: usize, list: &[Index]) -> Vec<&'static str> {
    let mut needs: Vec<&str> = list.iter().filter(|_| at > 0).map(|index| IDS[index.index(at)]).collect();
    needs.sort_unstable();
    needs.dedup();
    needs
}

fn write(directory: &TempDir, plan: &[One], turn: Index) {
    let mut parts: Vec<String> = Vec::new();
    for (at, one) in plan.iter().enumerate() {
        let One { declared, title, effort, documents, files, .. } = one;
        let shared: String = files.iter().map(|file| format!("  - `docs/page_{file}.md`\n")).collect();
        let (id, needs) = (IDS[at], needs(at, declared).join(", "));
        let effort = if effort.is_empty() { String::new() } else { format!("- **Effort**: {effort}\n") };
        let needs = if needs.is_empty() { String::new() } else { format!("- **Dependencies**: {needs}\n") };
        parts.push(format!(
            "**Achievement {id}**: Part {at} {title}\n\n- **Deliverables**:\n  - `src/part_{at}.rs`\n{shared}{effort}{needs}\n"
        ));
        let slug = if matches!(id, "1.11" | "11.1") { id.replace('.', "_") } else { id.replace('.', "") };
        let place = |path: String, text: &str| {
            let path = directory.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        if *documents > 1 {
            place(format!("subplans/SUBPLAN_TEST_{slug}.md"), "# SUBPLAN\n\nText.\n");
        }
        if *documents > 2 {
            place(format!("execution/EXECUTION_TASK_TEST_{slug}_01.md"), "# EXECUTION_TASK\n\nText.\n");
        }
        match documents {
            5 => place(format!("execution/feedbacks/FIX_{slug}.md"), "Not yet."),
            6 | 7 => place(format!("execution/feedbacks/APPROVED_{slug}.md"), "Fine."),
            8 => place(format!("execution/SKIPPED_{slug}.md"), "Not now."),
            _ => {}
        }
    }
    let turn = turn.index(parts.len());
    parts.rotate_left(turn);
    let text = format!("# PLAN: Test\n\n## Desirable Achievements\n\n{}", parts.concat());
    std::fs::write(directory.path().join("PLAN_TEST.md"), text).unwrap();
}

/// What a model says of those that are still open.
fn answer(plan: &[One], subject: &Subject) -> String {
    let entry = |(at, one): (usize, &One)| {
        let dependency = |id: &&str| json!({"id": id, "kind": "knowledge", "reason": "Text."});
        json!({
            "id": IDS[at],
            "dependencies": needs(at, &one.found).iter().map(dependency).collect::<Vec<_>>(),
            "optional_dependencies": [],
            "files": one.files.iter().map(|file| format!("lib/{file}.rs")).collect::<Vec<_>>(),
            "resources": [],
            "critical": at == 0,
        })
    };
    let open: HashSet<String> = subject.basis.open().map(|draft| draft.id.to_string()).collect();
    let entries = plan.iter().enumerate().filter(|(at, _)| open.contains(IDS[*at])).map(entry);
    json!({ "achievements": entries.collect::<Vec<_>>(), "hidden_conflicts": [] }).to_string()
}

fn subject(directory: &Path) -> Subject {
    Subject::open(&AnalyzeArguments { plan: directory.to_path_buf(), ..AnalyzeArguments::default() })
        .unwrap_or_else(|failure| panic!("{failure:?}"))
}

/// What `validate` says of the directory, notes aside, and what the PLAN alone is to blame for.
fn complaints(directory: &Path) -> Vec<Problem> {
    let target = Target::open(directory).unwrap_or_else(|failure| panic!("{failure:?}"));
    let problems = validate::find(&target, &target.plan()).unwrap_or_else(|failure| panic!("{failure:?}"));
    let of_the_plan = |problem: &Problem| problem.rule.name == "slug-collision";
    problems.into_iter().filter(|problem| problem.severity != Severity::Note && !of_the_plan(problem)).collect()
}

/// Whether each level is one more than the highest below it, those aside that were settled before.
fn assert_minimal(file: &ParallelFile, settled: &HashSet<String>) {
    for entry in file.entries() {
        let highest = entry.dependencies.iter().filter_map(|id| file.get(*id)).map(|other| other.level).max();
        let least = highest.unwrap_or(0) + 1;
        let minimal = if settled.is_empty() { entry.level == least } else { entry.level >= least };
        assert!(minimal, "{} stands in level {}, not {least}", entry.id, entry.level);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn what_is_written_is_clean_whoever_found_the_dependencies((plan, turn) in any_plan()) {
        let directory = tempfile::tempdir().unwrap();
        write(&directory, &plan, turn);
        let path = directory.path().join("parallel.json");
        let discovered = |subject: &Subject| {
            let examined = parse_answer(&answer(&plan, subject))
                .and_then(|answer| examine(answer, &subject.basis, &Source::new(&subject.text)));
            Outcome::discovered(examined.unwrap_or_else(|faults| panic!("{faults:?}")))
        };
        // What is found anew, what is declared, and what is found where the declared is there already.
        for step in 0..3 {
            let subject = subject(directory.path());
            let outcome = match step {
                1 => Outcome::of(subject.basis.structure(), Vec::new()),
                _ => discovered(&subject),
            };
            let text = outcome.text(&subject, NOW);
            std::fs::write(&path, &text).unwrap();
            let found = complaints(directory.path());
            prop_assert!(found.is_empty(), "step {}: {:#?}\n{}", step, found, text);
            let settled = subject.basis.drafts().iter().filter(|draft| draft.frozen).map(|draft| draft.id.to_string());
            let (settled, file) = (settled.collect(), ParallelFile::parse(text.as_bytes()).unwrap());
            assert_minimal(&file, &settled);
            prop_assert_eq!(file.entries().len(), plan.len());
            for (at, one) in plan.iter().enumerate().filter(|(at, _)| !settled.contains(IDS[*at])) {
                let needed = if step == 1 { needs(at, &one.declared) } else { [needs(at, &one.declared), needs(at, &one.found)].concat() };
                let stored = &file.get(IDS[at].parse().unwrap()).unwrap().dependencies;
                prop_assert!(needed.iter().all(|id| stored.contains(&id.parse().unwrap())), "{}: {:?}", IDS[at], needed);
            }
            if step == 0 {
                std::fs::remove_file(&path).unwrap();
            }
        }
        // What is left are notes; to mend them is done once.
        let target = Target::open(directory.path()).unwrap_or_else(|failure| panic!("{failure:?}"));
        let file = ParallelFile::parse(&target.bytes).unwrap();
        let read = target.plan();
        let around = target.surroundings(&file, &read).unwrap_or_else(|failure| panic!("{failure:?}"));
        let once = repair(&target.bytes, &around, LATER).unwrap();
        std::fs::write(&path, &once).unwrap();
        let target = Target::open(directory.path()).unwrap_or_else(|failure| panic!("{failure:?}"));
        let problems = validate::find(&target, &read).unwrap_or_else(|failure| panic!("{failure:?}"));
        prop_assert!(problems.iter().all(|problem| !problem.fixable), "{:#?}\n{}", problems, once);
        let file = ParallelFile::parse(once.as_bytes()).unwrap();
        let around = target.surroundings(&file, &read).unwrap_or_else(|failure| panic!("{failure:?}"));
        prop_assert_eq!(repair(once.as_bytes(), &around, LATER).unwrap(), once);
    }
}
