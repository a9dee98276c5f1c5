//! How long the checks of one document take: `cargo bench --bench check`. The bound is 2 ms of CPU for a document of the
//! usual size; ends with 1 where it is passed.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints its result and may panic")]

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use planwave::{
    document::{Expected, Material, Names, Stage, judge_answer},
    plan::{AchievementId, PlanName, parse},
    prompts::Templates,
};

/// Documents judged in one measurement, and measurements of which the fastest counts: other programs only slow one down.
const DOCUMENTS: u32 = 50;
const MEASUREMENTS: usize = 7;
const BOUND: Duration = Duration::from_millis(2);

fn main() {
    let plan = include_bytes!("../examples/parcel-tracker/PLAN_PARCEL-TRACKER.md");
    let plan = parse(PlanName::parse("PARCEL-TRACKER").unwrap(), plan).unwrap();
    let begin = Instant::now();
    let material = Material::new(Templates::load(&[]).unwrap().literals(), &plan);
    println!("prepared in {:.2} ms", begin.elapsed().as_secs_f64() * 1e3);
    let names = Names::new(plan.name.clone(), plan.achievements.iter().map(|achievement| achievement.id));
    let own = plan.achievements.iter().find(|own| own.id == AchievementId::parse("1.2").unwrap()).unwrap();
    let body = document();
    let expected = Expected {
        stage: Stage::Subplan,
        sections: Stage::Subplan.sections(),
        achievement: own.id,
        deliverables: &own.deliverables,
        source: &own.text(),
        names: &names,
        title: &own.title,
        estimate: own.estimated_hours,
        material: &material,
    };
    let one = (0..MEASUREMENTS).map(|_| measure(&body, &expected)).min().unwrap();
    println!(
        "{} lines, {} bytes: {:.2} ms a document (bound {:.0} ms)",
        body.lines().count(),
        body.len(),
        one.as_secs_f64() * 1e3,
        BOUND.as_secs_f64() * 1e3
    );
    if one > BOUND {
        std::process::exit(1);
    }
}

fn measure(body: &str, expected: &Expected<'_>) -> Duration {
    let begin = Instant::now();
    for _ in 0..DOCUMENTS {
        black_box(judge_answer(black_box(body), expected));
    }
    begin.elapsed() / DOCUMENTS
}

/// A SUBPLAN of the median length of real ones, 278 lines.
fn document() -> String {
    let list = |what: &str, count: usize| -> String {
        (0..count)
            .map(|n| {
                format!(
                    "{}. Let `{what}_{n}` in `parcel_tracker/archive_{n}.py` take a message of carrier {n} and keep {} bytes of it, because \
                     number {n} of the interface manual allows {} more.\n\n   Check: a second message of {n} bytes gives row {}.\n",
                    n + 1,
                    n * 17,
                    n * 3,
                    n * 7
                )
            })
            .collect()
    };
    format!(
        "## Objective\n\nEvery message of a carrier is kept for two years.\n\n## Deliverables\n\n{}\n## Approach\n\n{}\n## Execution Strategy\n\n\
         Executions: 1\n\nOne person does it.\n\n## Testing Strategy\n\n{}\n## Expected Results\n\n{}\n\
         ## Dependencies and Coordination\n\nNeeds nothing of 1.1 and gives `append` to 2.2.\n",
        list("deliver", 8),
        list("append", 40),
        list("case", 25),
        list("measure", 10)
    )
}
