//! The strict profile: what a model's answer has to be, checked before it becomes a document.

use crate::{
    document::{
        Finding, Severity, Stage,
        prose::{excerpt, plain, word_count},
    },
    markdown::fences_balanced,
};

use super::{
    Expected, chat, check_document, codes::Code, counts, cut, deliverables, done, mend, placeholder, reading::Reading,
    references, refusal, repeats, size, strangers, structure, substance, unwrap_answer,
};

/// Findings of one kind are at most this many, so that a repair prompt stays short.
const MOST_OF_A_KIND: usize = 5;

/// An answer, taken out of its wrapping, mended where that needs no model, and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The document's body.
    pub body: String,
    /// What is wrong with it, and as warnings what was mended.
    pub findings: Vec<Finding>,
}

impl Judged {
    /// Whether the answer can be quoted when it is asked for again. A model repeats what it is shown, so that an answer
    /// which repeats its prompt, or has few of its sections, is better forgotten.
    pub fn is_quotable(&self) -> bool {
        const MOST_MISSING: usize = 3;
        const ECHOES: [Code; 4] = [Code::PromptEcho, Code::PromptTag, Code::Empty, Code::Refusal];
        let errors = || self.findings.iter().filter(|finding| finding.severity == Severity::Error);
        let missing = errors().filter(|finding| finding.code == Code::SectionMissing).count();
        missing <= MOST_MISSING && !errors().any(|finding| ECHOES.contains(&finding.code))
    }
}

/// Makes a body of a model's whole answer and checks it.
pub fn judge_answer(answer: &str, expected: &Expected<'_>) -> Judged {
    let mended = mend::mend(&unwrap_answer(answer), expected.stage, expected.sections);
    let mut findings = check_answer(&mended.body, expected);
    findings.extend(mended.said);
    Judged { body: mended.body, findings }
}

/// Checks the body of an answer, without planwave's header.
pub fn check_answer(body: &str, expected: &Expected<'_>) -> Vec<Finding> {
    if word_count(body) == 0 {
        return vec![Code::Empty.error(None, "The answer is empty. Write the whole document.")];
    }
    if refusal::is_refusal(body) {
        return vec![Code::Refusal.error(Some(1), "The answer declines the task instead of being the document.")];
    }
    let reading = Reading::new(body);
    let Expected { stage, material, sections, .. } = *expected;
    let mut findings = Vec::new();
    if let Err(line) = fences_balanced(body) {
        let message =
            format!("The code fence that line {line} opens is never closed. Close it with the same run of backticks.");
        findings.push(Code::FenceUnbalanced.error(Some(line), message));
    }
    findings.extend(structure::check(body, &reading.sections, sections));
    findings.extend(strangers::headings(&reading, (stage, sections), material));
    findings.extend(substance::hidden(&reading.sections, sections));
    findings.extend(repeats::tags(body, material));
    findings.extend(repeats::echoes(&reading, material));
    findings.extend(placeholders(body, expected.source));
    findings.extend(chat::markers(body, material));
    findings.extend(chat::asks(&reading));
    findings.extend(chat::postamble(body));
    findings.extend(strangers::other_achievement(&reading, expected));
    findings.extend(missing_deliverables(body, expected.deliverables));
    findings.extend(required_reading(body, expected));
    findings.extend(strangers::unknown_achievements(&reading, expected));
    findings.extend(repeats::copied(&reading, material));
    findings.extend(repeats::repeated_sections(&reading));
    findings.extend(repeats::loops(&reading));
    // Of an empty section it is said already, and what lacks one is short for that.
    let lacks = findings.iter().any(|finding| [Code::SectionMissing, Code::SectionEmpty].contains(&finding.code));
    let empty: Vec<Option<usize>> =
        findings.iter().filter(|finding| finding.code == Code::SectionEmpty).map(|finding| finding.line).collect();
    let empty_talk = substance::says_nothing(&reading, (stage, sections), expected.title);
    findings.extend(empty_talk.into_iter().filter(|finding| !empty.contains(&finding.line)));
    findings.extend(substance::thin(&reading, (stage, sections)).filter(|_| !lacks));
    if stage == Stage::Subplan {
        findings.extend(counts::check(&reading.sections, expected.estimate));
    }
    findings.extend(done::reports(&reading, stage, material));
    findings.extend(cut::cut(body));
    findings.extend(size(body, stage));
    if !findings.iter().any(is_error) {
        // What `check` refuses must not be written.
        findings.extend(check_document(body, stage, sections).into_iter().filter(is_error));
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
