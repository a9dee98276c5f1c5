//! The parser over real PLANs, against values that were checked by hand.
//!
//! The documents are no part of this repository. They are looked for in `$PLANWAVE_CORPUS`, then in `../shared/corpus`;
//! where there is neither, the tests say so and pass.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests, outside of test functions")]

use std::path::{Path, PathBuf};

use planwave::plan::{self, AchievementId, Plan, PlanName};
use serde::Deserialize;

#[derive(Deserialize)]
struct ExpectedPlan {
    plan: String,
    achievements: Vec<Expected>,
}

#[derive(Deserialize)]
struct Expected {
    id: AchievementId,
    title: String,
    estimate_hours: Option<[f64; 2]>,
    /// `None` where the PLAN has only prose.
    dependencies: Option<Vec<AchievementId>>,
    priority: Option<String>,
    /// How many; `None` where the PLAN leaves it open.
    deliverables: Option<usize>,
}

fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("PLANWAVE_CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"), PathBuf::from);
    if folder.join("truth.json").is_file() {
        return Some(folder);
    }
    println!("skipped: no corpus of real documents in {}", folder.display());
    None
}

fn read(corpus: &Path, name: &str) -> Plan {
    let path = corpus.join("plans").join(name).join(format!("PLAN_{name}.md"));
    let source = std::fs::read(&path).unwrap();
    plan::parse(PlanName::parse(name).unwrap(), &source).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn truth(corpus: &Path) -> Vec<ExpectedPlan> {
    serde_json::from_slice(&std::fs::read(corpus.join("truth.json")).unwrap()).unwrap()
}

#[test]
fn every_achievement_comes_out_as_checked_by_hand() {
    let Some(corpus) = corpus() else { return };
    let mut differences = Vec::new();
    let mut count = 0;
    for expected_plan in truth(&corpus) {
        let plan = read(&corpus, &expected_plan.plan);
        let ids: Vec<AchievementId> = plan.achievements.iter().map(|achievement| achievement.id).collect();
        let expected_ids: Vec<AchievementId> = expected_plan.achievements.iter().map(|expected| expected.id).collect();
        assert_eq!(ids, expected_ids, "{}", expected_plan.plan);
        for (got, expected) in plan.achievements.iter().zip(&expected_plan.achievements) {
            count += 1;
            let id = expected.id;
            let mut check = |field: &str, got: &dyn std::fmt::Debug, expected: &dyn std::fmt::Debug| {
                let (got, expected) = (format!("{got:?}"), format!("{expected:?}"));
                if got != expected {
                    differences.push(format!("{} {} {field}: {got}, not {expected}", expected_plan.plan, id));
                }
            };
            check("title", &got.title, &expected.title);
            check("estimate", &got.estimated_hours.map(|hours| [hours.low, hours.high]), &expected.estimate_hours);
            check("priority", &got.priority, &expected.priority);
            if let Some(dependencies) = &expected.dependencies {
                check("dependencies", &got.dependencies, dependencies);
            }
            if let Some(deliverables) = expected.deliverables {
                check("deliverables", &got.deliverables.len(), &deliverables);
            }
        }
    }
    assert_eq!(differences, Vec::<String>::new());
    assert_eq!(count, 70);
}

/// What is not in the hand-checked values but holds for these PLANs.
#[test]
fn every_achievement_says_what_to_do() {
    let Some(corpus) = corpus() else { return };
    for expected in truth(&corpus) {
        let plan = read(&corpus, &expected.plan);
        assert!(!plan.title.is_empty() && !plan.title.starts_with("PLAN"), "{}", plan.title);
        assert!(plan.sections.iter().any(|section| section.heading == "Goal"), "{}", plan.name);
        assert!(
            !plan.sections.iter().any(|section| section.heading.contains("Desirable Achievements")),
            "{}",
            plan.name
        );
        for achievement in &plan.achievements {
            let name = format!("{} {}", plan.name, achievement.id);
            assert!(!achievement.body.is_empty(), "{name}: body");
            assert!(!achievement.success_criteria.is_empty(), "{name}: success criteria");
            assert!(!achievement.body.contains("**Achievement "), "{name}: reaches into the next one");
            assert!(!achievement.body.ends_with("---"), "{name}: ends with a rule");
        }
    }
}

#[test]
fn line_ends_and_a_byte_order_mark_change_nothing() {
    let Some(corpus) = corpus() else { return };
    for expected in truth(&corpus) {
        let plan = read(&corpus, &expected.plan);
        let path = corpus.join("plans").join(&expected.plan).join(format!("PLAN_{}.md", expected.plan));
        let windows = format!("\u{FEFF}{}", std::fs::read_to_string(path).unwrap().replace('\n', "\r\n"));
        assert_eq!(plan::parse(plan.name.clone(), windows.as_bytes()).unwrap(), plan);
    }
}
