//! Tells an answer that declines the task from a document that happens to contain such words.

use crate::document::{
    prose::word_count,
    sections::{is_known, sections},
};

/// A refusal is short; what is longer is a document, whatever its first words are.
const MOST_WORDS: usize = 200;

/// Openings that decline by themselves.
const DECLINES: &[&str] = &[
    "i can't",
    "i cannot",
    "i can not",
    "i won't",
    "i will not",
    "i'm unable",
    "i am unable",
    "i'm not able",
    "i am not able",
    "i must decline",
    "i have to decline",
    "i'm not comfortable",
    "as an ai",
    "as a language model",
    "as a large language model",
];

/// Openings that decline only together with one of [`INABILITY`].
const REGRETS: &[&str] =
    &["i'm sorry", "i am sorry", "sorry", "i apologize", "i apologise", "my apologies", "unfortunately", "regrettably"];

const INABILITY: &[&str] =
    &["can't", "cannot", "can not", "unable", "not able", "won't", "will not", "decline", "not comfortable"];

/// True where `text` (without a document's header) is a refusal.
pub(super) fn is_refusal(text: &str) -> bool {
    let opening: String = text.chars().skip_while(|c| !c.is_alphanumeric()).take(400).collect();
    let opening = opening.replace(['\u{2019}', '\u{02bc}'], "'").to_lowercase();
    let begins = |phrases: &[&str]| {
        phrases
            .iter()
            .any(|phrase| opening.strip_prefix(phrase).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric)))
    };
    let declines = begins(DECLINES) || (begins(REGRETS) && INABILITY.iter().any(|words| opening.contains(words)));
    declines && word_count(text) <= MOST_WORDS && !sections(text).iter().any(|section| is_known(&section.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_from_documents() {
        for refusal in [
            "I'm sorry, but I can't help with that.",
            "I\u{2019}m sorry, but I can\u{2019}t assist with this request.",
            "**Sorry** - I am unable to do this.",
            "I cannot assist with creating this document.",
            "As an AI language model, I do not write plans.",
            "Unfortunately, I won't be able to continue.",
        ] {
            assert!(is_refusal(refusal), "{refusal}");
        }
        for document in [
            "",
            "Sorry for the delay; here is the plan.",
            "As an aid to reviewers, list the files.",
            "I can test this.",
            "The client answers: I cannot assist with that.",
            "I cannot assist without knowing more, so first:\n\n## Objective\n\nFind out.",
        ] {
            assert!(!is_refusal(document), "{document}");
        }
        assert!(!is_refusal(&format!("I cannot assist. {}", "word ".repeat(200))), "too long for a refusal");
    }
}
