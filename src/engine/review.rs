//! A second opinion on an accepted document: the question, and what the answer is worth. Pure.
//!
//! A fault counts only with a passage that stands in the document: a reviewer that invents faults must not cost a good one.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::sync::Arc;

use serde::Deserialize;

use crate::{
    discovery::{Source, json_of},
    document::{Code, Finding, Stage},
    event::Verdict,
    model::{Message, Request},
    prompts::{TemplateError, Templates},
};

/// The most tokens that a review may have, thoughts included.
pub(super) const LARGEST_REVIEW: u32 = 8_000;

/// Tokens that a review has in most cases.
pub(super) const USUAL_REVIEW: usize = 300;

/// The most faults that go back.
const MOST_FAULTS: usize = 5;

/// A review, as far as it can be relied on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Review {
    /// The verdict: of the faults that count, not of the reviewer's word.
    pub(super) verdict: Verdict,
    /// The faults that count.
    pub(super) faults: Vec<Finding>,
    /// Faults without a passage of the document.
    pub(super) ignored: usize,
}

/// The question: the very messages that the document was asked for with, which the provider has in its cache, and behind them the
/// document and the criteria.
pub(super) fn question(
    asked: &[Message],
    cache_key: &str,
    cap: u32,
    templates: &Templates,
    stage: Stage,
    body: &str,
) -> Result<Request, TemplateError> {
    let mut messages = asked.to_vec();
    let text = Arc::from(templates.review(stage, body)?);
    if let Some(last) = messages.last_mut() {
        last.content.push(text);
    }
    Ok(Request::opening(messages, cap.min(LARGEST_REVIEW), cache_key.to_owned()))
}

impl Review {
    /// There is no review.
    pub(super) fn none() -> Self {
        Self { verdict: Verdict::Unknown, faults: Vec::new(), ignored: 0 }
    }
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    verdict: String,
    #[serde(default)]
    faults: Vec<Fault>,
}

#[derive(Deserialize)]
struct Fault {
    #[serde(default)]
    criterion: String,
    #[serde(default)]
    quote: String,
    #[serde(default)]
    fault: String,
}

/// Reads a reviewer's answer about a body.
pub(super) fn read(answer: &str, body: &str) -> Review {
    let parsed: Option<Answer> = json_of(answer).and_then(|json| serde_json::from_str(json).ok());
    let Some(answer) = parsed.filter(|answer| !answer.verdict.is_empty() || !answer.faults.is_empty()) else {
        return Review::none();
    };
    let source = Source::new(body);
    let all = answer.faults.len();
    let counts = |fault: &Fault| !fault.fault.trim().is_empty() && source.holds(&fault.quote);
    let faults: Vec<Finding> = answer.faults.into_iter().filter(counts).map(finding).collect();
    let ignored = all - faults.len();
    let verdict = if faults.is_empty() { Verdict::Pass } else { Verdict::Fail };
    Review { verdict, faults: faults.into_iter().take(MOST_FAULTS).collect(), ignored }
}

fn finding(Fault { criterion, quote, fault }: Fault) -> Finding {
    let short = |text: &str, most: usize| {
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let cut: String = line.chars().filter(|c| !c.is_control()).take(most).collect();
        if cut.len() < line.len() { format!("{cut}…") } else { cut }
    };
    let fault = short(&fault, 400);
    let end = if fault.ends_with(['.', '!', '?', '…', '。']) { "" } else { "." };
    let message = format!("A reviewer says of \"{}\" ({}): {fault}{end}", short(&quote, 160), short(&criterion, 30));
    Code::Review.error(None, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = "## Approach\n\n1. Poll the **14 gauges** once a minute.\n2. Keep the rows in `levels.db`.\n";

    #[test]
    fn only_faults_with_a_passage_of_the_document_count() {
        let fault = |quote: &str| {
            format!("{{\"criterion\": \"concrete\", \"quote\": \"{quote}\", \"fault\": \"Say which key.\"}}")
        };
        let review = |faults: &[&str], verdict: &str| {
            let faults: Vec<String> = faults.iter().map(|quote| fault(quote)).collect();
            read(&format!("```json\n{{\"verdict\": \"{verdict}\", \"faults\": [{}]}}\n```", faults.join(",")), BODY)
        };
        let found = review(&["Keep the rows in levels.db", "Rows go to a queue"], "fail");
        assert_eq!((found.verdict, found.faults.len(), found.ignored), (Verdict::Fail, 1, 1));
        assert_eq!(found.faults[0].code, Code::Review);
        assert!(found.faults[0].message.ends_with("(concrete): Say which key."), "{}", found.faults[0].message);
        for (quotes, verdict, expected) in [
            (&[][..], "pass", Verdict::Pass),
            (&["never written there"][..], "fail", Verdict::Pass),
            (&["Poll the 14 gauges"][..], "pass", Verdict::Fail),
            (&[""][..], "fail", Verdict::Pass),
        ] {
            assert_eq!(review(quotes, verdict).verdict, expected, "{quotes:?} {verdict}");
        }
        assert_eq!(review(&["Poll the 14 gauges"; 9], "fail").faults.len(), MOST_FAULTS);
        for answer in ["", "It is fine.", "{}", "{\"verdict\": 3}", "{\"faults\": \"none\"}"] {
            assert_eq!(read(answer, BODY).verdict, Verdict::Unknown, "{answer}");
        }
    }

    #[test]
    fn the_question_begins_as_the_task_did() {
        let templates = Templates::load(&[]).unwrap();
        let say = |role, text: &str| Message { role, content: vec![Arc::from(text)] };
        let asked = [say(crate::model::Role::System, "rules"), say(crate::model::Role::User, "task")];
        let request = question(&asked, "key", 32_000, &templates, Stage::Subplan, "body </document> x").unwrap();
        assert_eq!((request.messages.len(), request.max_output_tokens), (2, LARGEST_REVIEW));
        assert_eq!(&*request.messages[1].content[0], "task");
        let text = &request.messages[1].content[1];
        assert!(text.contains("body <\\/document> x") && text.contains("Judge the SUBPLAN"), "{text}");
    }
}
