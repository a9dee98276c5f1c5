//! The parser of PLANs.

use std::{collections::BTreeSet, hint::black_box};

use planwave::{
    parallel::{ParallelFile, declared},
    plan::{self, Hours, Plan, PlanError, PlanName},
};

use super::{about, kind, line_count};
use crate::drive::Target;

pub(super) const TARGET: Target = Target {
    name: "plan",
    more: &["examples/parcel-tracker/PLAN_PARCEL-TRACKER.md"],
    tokens: &[
        "# PLAN: X\n",
        "## Achievements\n",
        "## ",
        "### Priority 1\n",
        "**Achievement 1.1**: ",
        "**Achievement 1.2: T** ",
        "**Achievement",
        "1.1",
        "3.5.1",
        "10.2",
        "- **Goal**: ",
        "**Deliverables**:\n",
        "- **Dependencies**: ",
        "None",
        "- Effort: 2-3 hours\n",
        "⏱️ 4-6 hours",
        "30 minutes",
        "- **Blocks**: ",
        "Achievement 2.7 should be complete",
        "```\n",
        "```sh\n",
        "~~~",
        "````",
        "<!--",
        "-->",
        "---\n",
        "- ",
        "  - ",
        "1. ",
        "> ",
        "| a | b |\n",
        "✅",
        "[FILL:",
        "**",
        "Files:",
        "Priority 3.5",
        "\n\n",
        "`",
    ],
    cases: 2_000,
    check,
    read,
    frame: (
        "# PLAN: X\n\n## Achievements\n\n**Achievement 1.1**: T\n\n- **Deliverables**:\n",
        "\n- **Dependencies**: None\n",
    ),
};

#[test]
fn plans() {
    TARGET.run();
}

fn name() -> PlanName {
    PlanName::parse("FUZZ").unwrap()
}

fn read(input: &[u8]) {
    if let Ok(plan) = black_box(plan::parse(name(), input)) {
        black_box((plan::overlooked(&plan, input), plan::unfilled(&plan), declared(&plan, "2026-11-01T00:00:00Z")).0);
    }
}

fn check(input: &[u8]) -> u64 {
    let read = plan::parse(name(), input);
    spelled_otherwise(input, &read);
    let text = with_line_feeds(input);
    let lines = line_count(&text);
    match read {
        Ok(plan) => good(&plan, input, text, lines),
        Err(error) => {
            let line = error.line().unwrap();
            assert!((1..=lines).contains(&line), "line {line} of {lines}: {error}");
            assert!(error.hint().is_some());
            kind((std::mem::discriminant(&error), error.to_string().len()))
        }
    }
}

/// A file without any `\n` has `\r` at the ends of its lines, as on old systems.
fn with_line_feeds(input: &[u8]) -> Vec<u8> {
    if input.contains(&b'\n') {
        return input.to_vec();
    }
    input.iter().map(|byte| if *byte == b'\r' { b'\n' } else { *byte }).collect()
}

fn good(plan: &Plan, input: &[u8], text: Vec<u8>, lines: usize) -> u64 {
    let text = String::from_utf8(text).unwrap().replace("\r\n", "\n");
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let text_lines: Vec<&str> = text.split('\n').collect();
    assert!(!plan.achievements.is_empty());
    let mut ids = BTreeSet::new();
    let mut above = 0;
    for achievement in &plan.achievements {
        assert!(ids.insert(achievement.id), "{} comes twice", achievement.id);
        assert!(achievement.line > above && achievement.line <= lines, "line {}", achievement.line);
        above = achievement.line;
        let defined = text_lines[achievement.line - 1];
        assert!(defined.contains(&achievement.id.to_string()) || defined.contains("chievement"), "{defined}");
        assert!(achievement.body.is_empty() || text.contains(&achievement.body), "{:?}", achievement.body);
        assert!(!achievement.title.contains('\n') && achievement.title.trim() == achievement.title);
        if let Some(Hours { low, high }) = achievement.estimated_hours {
            assert!(low >= 0.0 && low <= high && high.is_finite(), "{low} to {high}");
        }
        assert!(achievement.deliverables.iter().all(|text| !text.trim().is_empty()));
        assert!(achievement.success_criteria.iter().all(|text| !text.trim().is_empty()));
    }
    for section in &plan.sections {
        assert!((1..=lines).contains(&section.line));
        assert!(section.body.is_empty() || text.contains(&section.body));
    }
    for overlooked in plan::overlooked(plan, input) {
        assert!((1..=lines).contains(&overlooked.line), "{overlooked:?}");
    }
    let unfilled = plan::unfilled(plan);
    // What is written from it can be read.
    let declared = declared(plan, "2026-11-01T00:00:00Z");
    if let Ok(text) = &declared {
        let file = ParallelFile::parse(text.as_bytes()).unwrap();
        assert_eq!(file.entries().len(), plan.achievements.len());
        assert_eq!(file.check().errors, []);
    }
    let first = &plan.achievements[0];
    kind((
        (about(plan.achievements.len()), about(plan.sections.len()), plan.title.is_empty(), declared.is_ok()),
        (first.goal.is_some(), about(first.deliverables.len()), about(first.success_criteria.len())),
        (first.approach.is_some(), about(first.dependencies.len()), first.dependencies_text.is_some()),
        (first.estimated_hours.is_some(), &first.priority, about(first.body.len())),
        (about(unfilled.achievements.len()), plan::overlooked(plan, input).len().min(4)),
    ))
}

/// The line ends of another system and a byte order mark change nothing but the bytes that are counted.
fn spelled_otherwise(input: &[u8], read: &Result<Plan, PlanError>) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    if text.contains('\r') || text.starts_with('\u{feff}') {
        return;
    }
    let crlf = text.replace('\n', "\r\n");
    assert_eq!(&plan::parse(name(), crlf.as_bytes()), read);
    assert_eq!(&plan::parse(name(), format!("\u{feff}{text}").as_bytes()), read);
}
