//! The loose profile: what makes a file on disk a document, whoever wrote it.
//!
//! It follows what was counted over real documents: people name, order and leave out sections in many ways, so little
//! is an error here.

use crate::{
    document::{
        Finding, Section, SectionSpec, Severity, Stage,
        outline::headings,
        prose::{excerpt, word_count, words},
        sections::{OBJECTIVE_NAMES, all, find, is_known, same_name, section_name, sections},
    },
    markdown::{fences_balanced, lines},
};

use super::{codes::Code, placeholder, refusal, size, stand_in, structure, unwrap};

/// Checks a whole document on disk, whoever wrote it.
///
/// Only what makes a file no document is an error; real documents name and order their sections in many ways. `specs` are
/// the sections that such documents are generated with.
pub fn check_document(text: &str, stage: Stage, specs: &[SectionSpec]) -> Vec<Finding> {
    let text = text.trim_start_matches('\u{feff}');
    if word_count(text) == 0 {
        return vec![Code::Empty.error(None, "The file is empty.")];
    }
    if refusal::is_refusal(behind_header(text)) {
        return vec![Code::Refusal.error(None, "The text declines to write the document instead of being it.")];
    }
    let mut findings = Vec::new();
    if let Some(found) = placeholder::template_marker(text) {
        let message = format!(
            "The placeholder `{}` is still there. Replace it, or put it in backticks where it is talked about.",
            found.text
        );
        findings.push(Code::Placeholder.error(Some(found.line), message));
    }
    if unwrap::unwrap(text).fenced {
        findings.push(Code::Fenced.error(None, "The whole document stands in one code fence. Remove the fence."));
        return findings;
    }
    let sections = sections(text);
    let has_sections = sections.iter().any(|section| section.level > 1 || is_known(&section.name));
    if !has_sections {
        findings
            .push(Code::NoSections.error(None, "No heading divides the document into sections. Add `##` headings."));
    } else if stage == Stage::Subplan && !states_objective(text) {
        findings.push(
            Code::ObjectiveMissing
                .error(None, "No section says what the SUBPLAN is to reach. Add a section `## Objective`."),
        );
    } else {
        findings.extend(usual_sections(&sections, stage, specs));
    }
    add_unwritten(&mut findings, &sections);
    if let Err(line) = fences_balanced(text) {
        findings.push(
            Code::FenceUnbalanced
                .warning(Some(line), format!("The code fence that line {line} opens is never closed.")),
        );
    }
    findings.extend(size(text, stage));
    findings
}

/// The text without title, `**Label**: value` lines and rules at its beginning.
fn behind_header(text: &str) -> &str {
    let is_header = |line: &&str| {
        let line = line.trim();
        line.is_empty() || line.starts_with("# ") || line == "---" || (line.starts_with("**") && line.contains("**:"))
    };
    let header: usize = text.split_inclusive('\n').take_while(is_header).map(str::len).sum();
    &text[header..]
}

/// True where a heading, or a label in bold, announces an objective by one of the words people use for it.
fn states_objective(text: &str) -> bool {
    const WORDS: &[&str] = &[
        "objective",
        "objectives",
        "goal",
        "goals",
        "purpose",
        "mission",
        "overview",
        "problem",
        "summary",
        "what",
        "why",
        "scope",
        "context",
    ];
    lines(text).any(|line| {
        let announces = |name: &str| {
            words(name).iter().any(|word| WORDS.contains(&word.as_str()))
                || headings("objective").any(|other| same_name(other, &section_name(name)))
        };
        match line.heading() {
            Some(heading) if heading.level == 1 => is_known(&section_name(heading.text)) && announces(heading.text),
            Some(heading) => announces(heading.text),
            None => {
                !line.in_fence
                    && line.text.starts_with("**")
                    && line.text.split_once(':').is_some_and(|(label, _)| label.len() < 80 && announces(label))
            }
        }
    })
}

/// Adds the sections that nobody has written: an error, but where a section is only written while the work is done. Real
/// EXECUTION_TASKs keep the prompts of their template there until then.
fn add_unwritten(findings: &mut Vec<Finding>, sections: &[Section<'_>]) {
    const MOST: usize = 5;
    let mut found = 0;
    for section in sections.iter().filter(|section| section.level > 1 || is_known(&section.name)) {
        // What holds a marker of the templates is told already.
        let marked = placeholder::TEMPLATE_MARKERS.iter().any(|marker| section.body.contains(marker));
        let Some(text) = stand_in::only_placeholders(section.body).filter(|_| !marked && found < MOST) else {
            continue;
        };
        found += 1;
        let line = Some(section.line);
        let name = excerpt(&section.name, 60);
        let message =
            format!("The section `{name}` holds only the placeholder `{}`. Write its content.", excerpt(text, 50));
        let is_told = |finding: &Finding| finding.line == line && finding.severity == Severity::Warning;
        if !is_written_later(&section.name) {
            findings.retain(|finding| !is_told(finding));
            findings.push(Code::Placeholder.error(line, message));
        } else if !findings.iter().any(is_told) {
            findings.push(Code::Placeholder.warning(line, message));
        }
    }
}

/// Logs, learnings, and how it ended.
fn is_written_later(name: &str) -> bool {
    const WORDS: &[&str] =
        &["log", "iteration", "iterations", "learning", "learnings", "lessons", "completion", "actual"];
    words(name).iter().any(|word| WORDS.contains(&word.as_str()))
}

/// Warns of sections that nearly all real documents have and this one does not, and of empty ones.
fn usual_sections(sections: &[Section<'_>], stage: Stage, specs: &[SectionSpec]) -> Vec<Finding> {
    let usual: &[(&str, &str, &[&str])] = match stage {
        Stage::Subplan => &[
            ("objective", "Objective", OBJECTIVE_NAMES),
            (
                "approach",
                "Approach",
                &["Approach", "Implementation Approach", "Implementation Strategy", "Implementation Plan"],
            ),
            ("expected_results", "Expected Results", &["Expected Results", "Expected Outcomes", "Success Criteria"]),
        ],
        Stage::Execution => &[
            ("iteration_log", "Iteration Log", &["Iteration Log", "Iterations", "Work Log"]),
            ("learning_summary", "Learning Summary", &["Learning Summary", "Learnings", "Key Learnings"]),
        ],
    };
    // A team that replaced the sections does without these.
    let wanted = usual.iter().filter(|(key, ..)| specs.iter().any(|spec| spec.key == *key));
    let absent = wanted.filter(|(key, _, names)| find(sections, &all(names, key)).is_none()).map(|(_, name, _)| {
        Code::SectionMissing.warning(None, format!("There is no section `{name}`; nearly all such documents have one."))
    });
    let here = |spec: &SectionSpec| sections.iter().find(|section| same_name(&section.name, &spec.name));
    let teams = specs.iter().filter(|spec| spec.key.is_empty() && here(spec).is_none()).map(|spec| {
        let message = format!("There is no section `{}`, which `documents.sections` asks for.", spec.name);
        Code::SectionMissing.warning(None, message)
    });
    let empty = specs.iter().filter_map(|spec| {
        let section = here(spec)?;
        let why = structure::emptiness(section, 0, spec.may_be_none)?;
        Some(Code::SectionEmpty.warning(Some(section.line), format!("The section `{}` {why}.", spec.name)))
    });
    absent.chain(teams).chain(empty).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_title_labels_and_rules() {
        for body in ["Sorry, **no**: not today.\n**Status**: new\n", "**Bold** words.\n", "## Objective\n", "--\n", ""]
        {
            assert_eq!(behind_header(&format!("# SUBPLAN: x\n\n**Status**: new\n---\n{body}")), body);
        }
    }

    /// The codes of the errors, and of the warnings.
    fn told(text: &str, stage: Stage) -> [Vec<&'static str>; 2] {
        let findings = check_document(text, stage, stage.sections());
        [Severity::Error, Severity::Warning].map(|severity| {
            findings
                .iter()
                .filter(|finding| finding.severity == severity)
                .map(|finding| finding.code.as_str())
                .collect()
        })
    }

    #[test]
    fn what_stands_below_the_title_is_no_section() {
        let [errors, _] = told("# SUBPLAN: x\n\nTBD\n\n## Objective\n\nImport.\n", Stage::Subplan);
        assert_eq!(errors, [""; 0]);
    }

    #[test]
    fn five_sections_that_nobody_has_written_are_told() {
        for sections in [4, 5, 6, 9] {
            let text = format!("## Objective\n\nImport.\n\n{}", "## Notes\n\nTBD\n\n".repeat(sections));
            let [errors, _] = told(&text, Stage::Subplan);
            assert_eq!(errors.len(), sections.min(5), "{sections}");
        }
    }

    #[test]
    fn an_unwritten_section_hides_no_other_finding() {
        let [errors, warnings] = told("## Objective\n\nTBD\n", Stage::Subplan);
        assert_eq!(errors, ["placeholder"]);
        assert_eq!(warnings, ["section-missing", "section-missing", "too-short"]);
        let open = "## Objective\n\nImport.\n\n## Iterations\n\n[Fill in during execution]\n";
        let [errors, warnings] = told(open, Stage::Execution);
        assert_eq!(errors, [""; 0]);
        assert_eq!(warnings, ["section-missing", "placeholder", "too-short"]);
    }

    #[test]
    fn an_objective_is_announced_by_a_heading_or_a_label() {
        for text in ["## The Goal", "### Scope and limits", "**Why**: x", "**Purpose:** x"] {
            assert!(states_objective(text), "{text}");
        }
        let label = |length: usize| format!("**Goal{}**: x", "-".repeat(length - 8));
        assert!(states_objective(&label(79)) && !states_objective(&label(80)), "a sentence is no label");
        for text in
            ["# Goal", "Goal: x", "The **goal**: x", "**Goal** x", "**Files**: x", "```\n**Goal**: x\n## Goal\n```"]
        {
            assert!(!states_objective(text), "{text}");
        }
    }
}
