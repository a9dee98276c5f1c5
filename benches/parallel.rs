//! Seconds to load and check, and to validate, a parallel.json of 100,000 achievements: `cargo bench --bench parallel`.
//!
//! Four shapes: a chain with one achievement per level, a chain inside one level, 100 levels of 1,000 with three
//! dependencies each, and the same with levels and achievements in random order. "load" is what a run does with the file, and
//! 0.5 s is what is aimed at; "validate" is everything of `planwave validate` but reading the disk, with a PLAN, documents
//! of every achievement and SUBPLANs as values, and 1 s is what is aimed at. Prints the fastest and the median of 7 runs. A last
//! table halves the size twice: the time has to fall with it. `cargo bench --bench parallel -- shuffled` runs the rows whose
//! name has the word in it.

#![expect(clippy::print_stdout, reason = "a program that prints a table")]

use std::{fmt::Write as _, time::Instant};

use planwave::{
    parallel::{Checked, Documents, Evidence, ParallelFile, Surroundings, lint},
    plan::{Achievement, AchievementId, Plan, PlanName},
};

const ACHIEVEMENTS: usize = 100_000;
const WIDTH: usize = 1_000;
const RUNS: usize = 7;

/// Ids whose short forms differ: 1.1, 1.2, 1.3 …
fn id(index: usize) -> String {
    format!("1.{}", index + 1)
}

fn achievement(text: &mut String, index: usize, dependencies: &[usize]) {
    let dependencies: Vec<String> = dependencies.iter().map(|&index| format!("\"{}\"", id(index))).collect();
    let (id, dependencies) = (id(index), dependencies.join(", "));
    let _ = write!(
        text,
        r#"        {{
          "id": "{id}",
          "title": "Achievement number {index} of a large plan",
          "status": "subplan_created",
          "dependencies": [{dependencies}],
          "optional_dependencies": [],
          "estimated_hours": "2-3 hours",
          "actual_hours": null,
          "deliverables": ["src/module_{index}.rs", "docs/module_{index}.md"],
          "subplan_path": "subplans/SUBPLAN_LARGE_{index}.md",
          "execution_paths": [],
          "reviewer": {{"name": "nobody", "weight": 1.50}}
        }}"#
    );
}

/// A file with `count` achievements in levels of `width`; `order` gives the order of levels and of the achievements in one.
fn file(
    count: usize,
    width: usize,
    parallel: bool,
    order: impl Fn(usize) -> Vec<usize>,
    dependencies: impl Fn(usize) -> Vec<usize>,
) -> String {
    let mut text = String::from("{\n  \"version\": \"1.0.0\",\n  \"plan\": \"LARGE\",\n  \"levels\": [\n");
    for (place, level) in order(count / width).into_iter().enumerate() {
        let comma = if place > 0 { ",\n" } else { "" };
        let number = level + 1;
        let _ = write!(
            text,
            "{comma}    {{\n      \"level\": {number},\n      \"description\": \"Level {number}\",\n      \
             \"can_parallelize\": {parallel},\n      \"achievements\": [\n"
        );
        for (place, column) in order(width).into_iter().enumerate() {
            text.push_str(if place > 0 { ",\n" } else { "" });
            let index = level * width + column;
            achievement(&mut text, index, &dependencies(index));
        }
        text.push_str("\n      ]\n    }");
    }
    text.push_str("\n  ]\n}\n");
    text
}

fn in_order(count: usize) -> Vec<usize> {
    (0..count).collect()
}

/// The numbers below `count` in an order that is random and always the same (Fisher and Yates, with a linear congruence).
fn shuffled(count: usize) -> Vec<usize> {
    let mut numbers = in_order(count);
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    for at in (1..count).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        numbers.swap(at, usize::try_from(state >> 33).unwrap_or(0) % (at + 1));
    }
    numbers
}

fn chain(index: usize) -> Vec<usize> {
    index.checked_sub(1).into_iter().collect()
}

fn wide(index: usize) -> Vec<usize> {
    let (level, column) = (index / WIDTH, index % WIDTH);
    if level == 0 { Vec::new() } else { [0, 7, 31].map(|step| (level - 1) * WIDTH + (column + step) % WIDTH).to_vec() }
}

/// The PLAN of a file: the same titles and deliverables.
fn plan(count: usize) -> Option<Plan> {
    let achievement = |index: usize| {
        Some(Achievement {
            id: AchievementId::parse(&id(index)).ok()?,
            title: format!("Achievement number {index} of a large plan"),
            priority: None,
            estimated_hours: None,
            goal: None,
            deliverables: vec![format!("`src/module_{index}.rs`"), format!("`docs/module_{index}.md`: how to use it")],
            success_criteria: Vec::new(),
            approach: None,
            dependencies: Vec::new(),
            dependencies_text: None,
            blocks: Vec::new(),
            line: index + 1,
            body: format!("- **Goal**: Have module {index}\n- Update `src/list_{index}.rs`\n"),
        })
    };
    let achievements = (0..count).map(achievement).collect::<Option<_>>()?;
    Some(Plan { name: PlanName::parse("LARGE").ok()?, title: String::new(), sections: Vec::new(), achievements })
}

/// Every SUBPLAN is there, nothing else.
fn surroundings(plan: &Plan) -> Surroundings<'_> {
    let documents = |achievement: &Achievement| {
        let evidence = Evidence { subplan: true, ..Evidence::default() };
        let subplan = Some(format!("subplans/SUBPLAN_LARGE_{}.md", achievement.line - 1));
        (achievement.id, Documents { evidence, subplan, executions: Vec::new(), planned: 1 })
    };
    Surroundings {
        plan: Some(plan),
        plan_file: String::from("PLAN_LARGE.md"),
        documents: Some(plan.achievements.iter().map(documents).collect()),
        subplan_deliverables: plan.achievements.iter().map(|each| (each.id, each.deliverables.clone())).collect(),
        ..Surroundings::default()
    }
}

fn main() {
    let Some(plan) = plan(ACHIEVEMENTS) else { return };
    let around = surroundings(&plan);
    let shapes = [
        ("chain, a level each", file(ACHIEVEMENTS, 1, false, in_order, chain)),
        ("chain in one level", file(ACHIEVEMENTS, ACHIEVEMENTS, false, in_order, chain)),
        ("100 levels of 1,000", file(ACHIEVEMENTS, WIDTH, true, in_order, wide)),
        ("the same, shuffled", file(ACHIEVEMENTS, WIDTH, true, shuffled, wide)),
    ];
    for (name, text) in &shapes {
        show(name, "load", text, || load(text));
        show(name, "validate", text, || validate(text, &around));
    }
    for count in [ACHIEVEMENTS / 2, ACHIEVEMENTS / 4] {
        let text = file(count, WIDTH, true, shuffled, wide);
        let part = Plan { achievements: plan.achievements[..count].to_vec(), ..plan.clone() };
        let around = surroundings(&part);
        show(&format!("shuffled, {count}"), "validate", &text, || validate(&text, &around));
    }
}

fn show(name: &str, what: &str, text: &str, run: impl Fn() -> f64) {
    let title = format!("{name} {what}");
    if std::env::args().skip(1).any(|word| !word.starts_with("--") && !title.contains(&word)) {
        return;
    }
    let mut seconds: Vec<f64> = (0..RUNS).map(|_| run()).collect();
    seconds.sort_by(f64::total_cmp);
    let (fastest, median) = (seconds[0], seconds[RUNS / 2]);
    let megabytes = text.len() as f64 / 1e6;
    println!("{name:<20} {what:<8} {megabytes:>5.1} MB  {fastest:.3} s fastest, {median:.3} s median of {RUNS}");
}

fn load(text: &str) -> f64 {
    let bytes = text.as_bytes().to_vec();
    let start = Instant::now();
    let file = ParallelFile::parse(bytes);
    let examined = file.as_ref().map(ParallelFile::examine);
    let seconds = start.elapsed().as_secs_f64();
    let (checked, graph) = examined.unwrap_or_default();
    assert_eq!(checked, Checked::default());
    assert_eq!(graph.map(|graph| graph.len()), Some(ACHIEVEMENTS));
    seconds
}

fn validate(text: &str, around: &Surroundings<'_>) -> f64 {
    let bytes = text.as_bytes().to_vec();
    let start = Instant::now();
    let problems = ParallelFile::parse(bytes).map(|file| lint(&file, around));
    let seconds = start.elapsed().as_secs_f64();
    assert!(problems.is_ok_and(|problems| problems.is_empty()));
    seconds
}
