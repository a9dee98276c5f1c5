//! Checks documents: what a model answered, strictly; what lies on disk, loosely.
//!
//! Each finding has a stable code and a sentence that a model can act on. Pure and linear in the text. It must not
//! decide what happens next; the engine does.

mod codes;
mod deliverables;
mod placeholder;
mod references;
mod refusal;
mod structure;
mod unwrap;

pub use codes::explain;
pub use placeholder::is_placeholder;
pub use unwrap::unwrap_answer;

use crate::{
    markdown::{fences_balanced, lines},
    plan::AchievementId,
};

use super::{
    Finding, Names, Section, Stage,
    executions::{EXECUTION_COUNT_RULE, MAX_EXECUTIONS, execution_count},
    prose::{plain, word_count, words},
    sections::{OBJECTIVE_NAMES, find, is_known, same_name, sections},
};
use codes::Code;

/// Findings of one kind are at most this many, so that a repair prompt stays short.
const MOST_OF_A_KIND: usize = 5;

/// What an answer is held against.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// Which document was asked for.
    pub stage: Stage,
    /// The achievement it is for.
    pub achievement: AchievementId,
    /// The deliverables that it has to mention: the PLAN's, or none where it is one of several executions.
    pub deliverables: &'a [String],
    /// The plan's names, by which a document of another achievement is known.
    pub names: &'a Names,
}

/// Checks a model's answer: the body that [`unwrap_answer`] gives, without planwave's header.
pub fn check_answer(body: &str, expected: &Expected<'_>) -> Vec<Finding> {
    if word_count(body) == 0 {
        return vec![Code::Empty.error(None, "The answer is empty. Write the whole document.")];
    }
    if refusal::is_refusal(body) {
        return vec![Code::Refusal.error(Some(1), "The answer declines the task instead of being the document.")];
    }
    let sections = sections(body);
    let mut findings = Vec::new();
    if let Err(line) = fences_balanced(body) {
        let message =
            format!("The code fence that line {line} opens is never closed. Close it with the same run of backticks.");
        findings.push(Code::FenceUnbalanced.error(Some(line), message));
    }
    findings.extend(structure::check(body, &sections, expected.stage));
    findings.extend(placeholders(body, &sections));
    findings.extend(missing_deliverables(body, expected.deliverables));
    findings.extend(required_reading(body, expected));
    if expected.stage == Stage::Subplan {
        findings.extend(executions(&sections));
    }
    findings.extend(size(body, expected.stage));
    findings
}

/// Checks a whole document on disk, whoever wrote it.
///
/// Only what makes a file no document is an error; real documents name and order their sections in many ways.
pub fn check_document(text: &str, stage: Stage) -> Vec<Finding> {
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
        findings.extend(usual_sections(&sections, stage));
    }
    if let Err(line) = fences_balanced(text) {
        findings.push(
            Code::FenceUnbalanced
                .warning(Some(line), format!("The code fence that line {line} opens is never closed.")),
        );
    }
    findings.extend(size(text, stage));
    findings
}

fn placeholders(body: &str, sections: &[Section<'_>]) -> Vec<Finding> {
    // Lines of the sections that are filled in during the work.
    let open: Vec<(usize, usize)> = sections
        .iter()
        .enumerate()
        .filter(|(_, section)| structure::may_be_open(&section.name))
        .map(|(index, section)| (section.line, sections.get(index + 1).map_or(usize::MAX, |next| next.line)))
        .collect();
    let is_open = |line: usize| {
        let behind = open.partition_point(|(start, _)| *start <= line);
        behind > 0 && line < open[behind - 1].1
    };
    placeholder::in_answer(body, MOST_OF_A_KIND, is_open)
        .into_iter()
        .map(|found| {
            let message = format!("The placeholder `{}` (line {}) has to be replaced by real content, or put in backticks where it is only talked about.", found.text, found.line);
            Code::Placeholder.error(Some(found.line), message)
        })
        .collect()
}

fn missing_deliverables(body: &str, deliverables: &[String]) -> Option<Finding> {
    let missing = deliverables::missing(body, deliverables);
    let named: Vec<String> = missing.iter().map(|deliverable| format!("\"{}\"", plain(deliverable))).collect();
    let message = match named.as_slice() {
        [] => return None,
        [one] => format!("The PLAN's deliverable {one} is not mentioned. Cover it, and call it by the PLAN's name."),
        _ => format!(
            "These deliverables of the PLAN are not mentioned: {}. Cover each, and call it by the PLAN's name.",
            named.join("; ")
        ),
    };
    Some(Code::DeliverableMissing.error(None, message))
}

fn required_reading(body: &str, expected: &Expected<'_>) -> Vec<Finding> {
    references::to_others(body, expected.achievement, expected.names, MOST_OF_A_KIND)
        .into_iter()
        .map(|reference| {
            let message = format!(
                "Line {} sends the reader to {}. State here what is needed from it; naming it as a dependency is fine.",
                reference.line, reference.document
            );
            Code::NotSelfContained.error(Some(reference.line), message)
        })
        .collect()
}

fn executions(sections: &[Section<'_>]) -> Option<Finding> {
    let section = find(sections, &["Execution Strategy"])?;
    let count = execution_count(section.body);
    let line = Some(section.line);
    match count.declared {
        None => Some(Code::ExecutionCountMissing.warning(line, format!("The Execution Strategy does not say how many executions it plans; one is assumed. {EXECUTION_COUNT_RULE}"))),
        Some(0) => Some(Code::ExecutionCount.error(line, format!("The Execution Strategy plans no execution. {EXECUTION_COUNT_RULE}"))),
        Some(declared) if declared > MAX_EXECUTIONS => {
            let message = format!("The Execution Strategy plans {declared} executions; at most {MAX_EXECUTIONS} are possible. {EXECUTION_COUNT_RULE}");
            Some(Code::ExecutionCount.error(line, message))
        }
        Some(_) => {
            let silent = count.parts.iter().find(|part| part.of > 1 && part.purpose.is_empty())?;
            let message = format!("The Execution Strategy plans {} executions and gives no purpose for number {}. {EXECUTION_COUNT_RULE}", silent.of, silent.number);
            Some(Code::ExecutionPurpose.error(line, message))
        }
    }
}

/// Lines of the median and of the longest of 156 real SUBPLANs and 145 real EXECUTION_TASKs.
fn size(text: &str, stage: Stage) -> Option<Finding> {
    let (median, longest) = match stage {
        Stage::Subplan => (278, 968),
        Stage::Execution => (165, 1442),
    };
    let count = text.lines().count();
    let shortest = median / 10;
    if count < shortest {
        Some(Code::TooShort.warning(None, format!("The document has {count} lines; most have around {median}.")))
    } else if count > longest {
        Some(Code::TooLong.warning(
            None,
            format!("The document has {count} lines; most have around {median}, the longest {longest}."),
        ))
    } else {
        None
    }
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
        let announces = |name: &str| words(name).iter().any(|word| WORDS.contains(&word.as_str()));
        match line.heading() {
            Some(heading) => heading.level > 1 && announces(heading.text),
            None => {
                !line.in_fence
                    && line.text.starts_with("**")
                    && line.text.split_once(':').is_some_and(|(label, _)| label.len() < 80 && announces(label))
            }
        }
    })
}

/// Warns of sections that nearly all real documents have and this one does not, and of empty ones.
fn usual_sections(sections: &[Section<'_>], stage: Stage) -> Vec<Finding> {
    let usual: &[(&str, &[&str])] = match stage {
        Stage::Subplan => &[
            ("Objective", OBJECTIVE_NAMES),
            ("Approach", &["Approach", "Implementation Approach", "Implementation Strategy", "Implementation Plan"]),
            ("Expected Results", &["Expected Results", "Expected Outcomes", "Success Criteria"]),
        ],
        Stage::Execution => &[
            ("Iteration Log", &["Iteration Log", "Iterations", "Work Log"]),
            ("Learning Summary", &["Learning Summary", "Learnings", "Key Learnings"]),
        ],
    };
    let absent = usual.iter().filter(|(_, names)| find(sections, names).is_none()).map(|(name, _)| {
        Code::SectionMissing.warning(None, format!("There is no section `{name}`; nearly all such documents have one."))
    });
    let empty = stage.sections().iter().filter_map(|name| {
        let section = sections.iter().find(|section| same_name(&section.name, name))?;
        let why = structure::emptiness(section, 0)?;
        Some(Code::SectionEmpty.warning(Some(section.line), format!("The section `{name}` {why}.")))
    });
    absent.chain(empty).collect()
}
