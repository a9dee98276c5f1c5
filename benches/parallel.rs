//! Seconds to load and check a parallel.json of 100,000 achievements: `cargo bench --bench parallel`.
//!
//! Three shapes: a chain with one achievement per level, a chain inside one level, and 100 levels of 1,000 with three
//! dependencies each. It exits with 1 where the fastest load of a shape takes longer than 0.5 s.
#![expect(clippy::print_stdout, reason = "figures are what a benchmark is for")]

use std::{fmt::Write as _, process::ExitCode, time::Instant};

use planwave::parallel::{Checked, ParallelFile};

const ACHIEVEMENTS: usize = 100_000;
const WIDTH: usize = 1_000;
const RUNS: usize = 7;
const TARGET_SECONDS: f64 = 0.5;

fn id(index: usize) -> String {
    format!("{}.{}", index / WIDTH + 1, index % WIDTH + 1)
}

fn achievement(text: &mut String, index: usize, dependencies: &[usize]) {
    let dependencies: Vec<String> = dependencies.iter().map(|&index| format!("\"{}\"", id(index))).collect();
    let (id, dependencies) = (id(index), dependencies.join(", "));
    let _ = write!(
        text,
        r#"        {{
          "id": "{id}",
          "title": "Achievement number {index} of a large plan",
          "status": "not_started",
          "dependencies": [{dependencies}],
          "optional_dependencies": [],
          "estimated_hours": "2-3 hours",
          "actual_hours": null,
          "deliverables": ["src/module_{index}.rs", "docs/module_{index}.md"],
          "subplan_path": "subplans/SUBPLAN_LARGE_{index}.md",
          "execution_paths": ["execution/EXECUTION_TASK_LARGE_{index}_01.md"],
          "reviewer": {{"name": "nobody", "weight": 1.50}}
        }}"#
    );
}

/// A file with the achievements in levels of `width`; `dependencies` says what each needs.
fn file(width: usize, parallel: bool, dependencies: impl Fn(usize) -> Vec<usize>) -> String {
    let mut text = String::from("{\n  \"version\": \"1.0.0\",\n  \"plan\": \"LARGE\",\n  \"levels\": [\n");
    for level in 0..ACHIEVEMENTS / width {
        let comma = if level > 0 { ",\n" } else { "" };
        let number = level + 1;
        let _ = write!(
            text,
            "{comma}    {{\n      \"level\": {number},\n      \"description\": \"Level {number}\",\n      \
             \"can_parallelize\": {parallel},\n      \"achievements\": [\n"
        );
        for index in level * width..(level + 1) * width {
            text.push_str(if index > level * width { ",\n" } else { "" });
            achievement(&mut text, index, &dependencies(index));
        }
        text.push_str("\n      ]\n    }");
    }
    text.push_str("\n  ]\n}\n");
    text
}

fn main() -> ExitCode {
    let chain = |index: usize| index.checked_sub(1).into_iter().collect::<Vec<_>>();
    let wide = |index: usize| {
        let (level, column) = (index / WIDTH, index % WIDTH);
        if level == 0 {
            Vec::new()
        } else {
            [0, 7, 31].map(|step| (level - 1) * WIDTH + (column + step) % WIDTH).to_vec()
        }
    };
    let shapes = [
        ("chain, a level each", file(1, true, chain)),
        ("chain in one level", file(ACHIEVEMENTS, false, chain)),
        ("100 levels of 1,000", file(WIDTH, true, wide)),
    ];
    let mut met = true;
    for (name, text) in shapes {
        let mut seconds: Vec<f64> = (0..RUNS).map(|_| load_and_check(&text)).collect();
        seconds.sort_by(f64::total_cmp);
        let (fastest, median) = (seconds[0], seconds[RUNS / 2]);
        // Whatever else the machine does only ever adds to it.
        met &= fastest <= TARGET_SECONDS;
        let megabytes = text.len() as f64 / 1e6;
        println!(
            "{name:<22} {megabytes:>5.1} MB  fastest {fastest:.3} s, median {median:.3} s of {RUNS} (target {TARGET_SECONDS} s)"
        );
    }
    if met { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn load_and_check(text: &str) -> f64 {
    let start = Instant::now();
    let file = ParallelFile::parse(text.as_bytes());
    let examined = file.as_ref().map(ParallelFile::examine);
    let seconds = start.elapsed().as_secs_f64();
    let (checked, graph) = examined.unwrap_or_default();
    assert_eq!(checked, Checked::default());
    assert_eq!(graph.map(|graph| graph.len()), Some(ACHIEVEMENTS));
    seconds
}
