//! Seconds of `planwave status` for a plan of 10,000 achievements with all files present: `cargo bench --bench status`.
//!
//! Runs the program on two plan directories, from process start to its end: one in which every achievement is approved,
//! and one in which none is, so that every EXECUTION_TASK has to be opened. Prints the fastest and the median of 7 runs
//! with files in the system's cache; 0.3 s is what is aimed at.

#![expect(clippy::print_stdout, reason = "a program that prints a table")]
#![expect(clippy::expect_used, reason = "a benchmark that cannot go on stops")]

use std::{fmt::Write as _, fs, path::Path, process::Command, time::Instant};

const ACHIEVEMENTS: usize = 10_000;
const WIDTH: usize = 100;
const RUNS: usize = 7;

/// Bytes of the documents: what the median of real ones has.
const SUBPLAN: usize = 11_000;
const EXECUTION: usize = 6_000;

fn id(index: usize) -> (usize, usize) {
    (index / WIDTH + 1, index % WIDTH + 1)
}

fn plan_text() -> String {
    let mut text = String::from("# PLAN: Large\n\n## Goal\n\nMeasure.\n\n## Desirable Achievements\n\n");
    for index in 0..ACHIEVEMENTS {
        let (level, place) = id(index);
        let needs = match level {
            1 => String::from("None"),
            _ => format!("{}.{place}, {}.{}", level - 1, level - 1, place % WIDTH + 1),
        };
        let _ = write!(
            text,
            "**Achievement {level}.{place}**: Part {index} of a large plan\n\n- **Goal**: Have part {index}\n- **Deliverables**:\n  \
             - `part_{index}.rs`\n- **Effort**: 2-3 hours\n- **Dependencies**: {needs}\n\n"
        );
    }
    text
}

/// Slugs as the contract has them: ids whose short forms collide take the long one.
fn slugs() -> Vec<String> {
    let short = |index: usize| {
        let (level, place) = id(index);
        format!("{level}{place}")
    };
    let mut count = std::collections::HashMap::new();
    for index in 0..ACHIEVEMENTS {
        *count.entry(short(index)).or_insert(0) += 1;
    }
    let slug = |index| {
        let (level, place) = id(index);
        if count[&short(index)] > 1 { format!("{level}_{place}") } else { short(index) }
    };
    (0..ACHIEVEMENTS).map(slug).collect()
}

fn document(bytes: usize) -> String {
    let line = "- [ ] A line of a document that says what has to be done and how it is known to be done\n";
    line.repeat(bytes / line.len() + 1)
}

fn fill(plan: &Path, approved: bool) {
    fs::create_dir_all(plan.join("subplans")).expect("a folder");
    fs::create_dir_all(plan.join("execution/feedbacks")).expect("a folder");
    fs::write(plan.join("PLAN_LARGE.md"), plan_text()).expect("a PLAN");
    let (subplan, execution) = (document(SUBPLAN), document(EXECUTION));
    for slug in slugs() {
        fs::write(plan.join(format!("subplans/SUBPLAN_LARGE_{slug}.md")), &subplan).expect("a SUBPLAN");
        fs::write(plan.join(format!("execution/EXECUTION_TASK_LARGE_{slug}_01.md")), &execution).expect("a task");
        if approved {
            fs::write(plan.join(format!("execution/feedbacks/APPROVED_{slug}.md")), "fine\n").expect("a verdict");
        }
    }
    run(plan, &["analyze", "--declared"]);
}

fn run(plan: &Path, arguments: &[&str]) -> String {
    let command = Command::new(env!("CARGO_BIN_EXE_planwave")).args(arguments).current_dir(plan).output();
    let output = command.expect("the program runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn main() {
    for (name, approved) in [("every one approved", true), ("none approved", false)] {
        let plan = tempfile::tempdir().expect("a temporary directory");
        fill(plan.path(), approved);
        let mut seconds: Vec<f64> = (0..RUNS)
            .map(|_| {
                let start = Instant::now();
                let text = run(plan.path(), &["status"]);
                let seconds = start.elapsed().as_secs_f64();
                let complete = if approved { "10,000 of 10,000 complete" } else { "0 of 10,000 complete" };
                assert!(text.contains(complete), "{text}");
                seconds
            })
            .collect();
        seconds.sort_by(f64::total_cmp);
        println!("{name:<20} {:.3} s fastest, {:.3} s median of {RUNS}", seconds[0], seconds[RUNS / 2]);
    }
}
