//! The strict profile: what a model's answer has to be, checked before it becomes a document.

use crate::{
    document::{
        Finding, Section, Severity, Stage,
        executions::{EXECUTION_COUNT_RULE, MAX_EXECUTIONS, execution_count},
        prose::{excerpt, plain, word_count},
        sections::{find, sections},
    },
    markdown::fences_balanced,
};

use super::{Expected, check_document, codes::Code, deliverables, placeholder, references, refusal, size, structure};

/// Findings of one kind are at most this many, so that a repair prompt stays short.
const MOST_OF_A_KIND: usize = 5;

/// Checks a model's answer: the body that [`unwrap_answer`](super::unwrap_answer) gives, without planwave's header.
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
    findings.extend(placeholders(body, expected.source));
    findings.extend(missing_deliverables(body, expected.deliverables));
    findings.extend(required_reading(body, expected));
    if expected.stage == Stage::Subplan {
        findings.extend(executions(&sections));
    }
    findings.extend(size(body, expected.stage));
    if !findings.iter().any(is_error) {
        // What `check` refuses must not be written.
        findings.extend(check_document(body, expected.stage).into_iter().filter(is_error));
    }
    findings
}

fn is_error(finding: &Finding) -> bool {
    finding.severity == Severity::Error
}

fn placeholders(body: &str, source: &str) -> Vec<Finding> {
    placeholder::in_answer(body, source, MOST_OF_A_KIND)
        .into_iter()
        .map(|found| {
            let message = format!("The placeholder `{}` (line {}) has to be replaced by real content, or put in backticks where it is only talked about.", found.text, found.line);
            Code::Placeholder.error(Some(found.line), message)
        })
        .collect()
}

fn missing_deliverables(body: &str, deliverables: &[String]) -> Option<Finding> {
    let missing = deliverables::missing(body, deliverables);
    let named: Vec<String> =
        missing.iter().map(|deliverable| format!("\"{}\"", excerpt(&plain(deliverable), 120))).collect();
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
            // A number too large to be read counts as the largest there is.
            let declared = if declared == u32::MAX { String::from("far too many") } else { declared.to_string() };
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
