//! What models say behind the last section of a document: that they hope it helps, and what they could do next.
//!
//! It is no part of the document. What could be the last section's own stays.

use crate::document::prose::word_count;

/// A closing remark has at most this many lines and words; more is text that somebody meant to be read.
const MOST_LINES: usize = 6;
const MOST_WORDS: usize = 60;
/// Behind a rule, fewer words than this are a mark of the document's own, such as "End of document".
const FEWEST_WORDS: usize = 6;

/// How remarks begin that speak to whoever asked, in lower case.
const OPENERS: [&str; 18] = [
    "i hope this",
    "hope this",
    "let me know",
    "please let me know",
    "just let me know",
    "would you like",
    "do you want me",
    "shall i",
    "should i ",
    "feel free to",
    "please feel free",
    "if you need any",
    "if you'd like",
    "if you would like",
    "if you have any",
    "is there anything",
    "i'm happy to",
    "happy to ",
];

/// The text without remarks at its end: those behind a last rule, and those that begin like one.
pub(super) fn without_remarks(text: &str) -> &str {
    let mut kept = text.trim_end();
    while let Some(shorter) = without_last(kept) {
        kept = shorter;
    }
    kept
}

fn without_last(text: &str) -> Option<&str> {
    let start = last_paragraph(text);
    let (before, paragraph) = (text[..start].trim_end(), &text[start..]);
    if before.is_empty() || !is_small_prose(paragraph) {
        return None;
    }
    if is_opener(paragraph) {
        return Some(without_rule(before).unwrap_or(before));
    }
    // A rule divides it from the last section, which has a body of its own.
    let above = without_rule(before).filter(|_| word_count(paragraph) >= FEWEST_WORDS)?;
    let last_line = above.lines().next_back().unwrap_or_default();
    (!last_line.is_empty() && !last_line.starts_with('#')).then_some(above)
}

/// Where the last paragraph begins.
fn last_paragraph(text: &str) -> usize {
    let mut start = text.len();
    for line in text.split_inclusive('\n').rev() {
        if line.trim().is_empty() {
            break;
        }
        start -= line.len();
    }
    start
}

/// Prose and nothing that a document could be made of: no heading, list, table, quotation, code or label.
fn is_small_prose(paragraph: &str) -> bool {
    let is_prose = |line: &str| {
        let line = line.trim_start();
        let structure = ['#', '-', '*', '+', '|', '>', '`', '~', '<', '['];
        let behind_number = line.trim_start_matches(|c: char| c.is_ascii_digit());
        let numbered = behind_number.len() < line.len() && behind_number.starts_with(['.', ')']);
        !numbered && !line.starts_with(structure)
    };
    paragraph.lines().all(is_prose) && paragraph.lines().count() <= MOST_LINES && word_count(paragraph) <= MOST_WORDS
}

fn is_opener(paragraph: &str) -> bool {
    let start: String = paragraph.chars().take(40).flat_map(char::to_lowercase).collect();
    let start = start.replace('\u{2019}', "'");
    OPENERS.iter().any(|opener| start.starts_with(opener))
}

/// The text above a rule (`---`, `***`, `___`) that it ends with.
fn without_rule(text: &str) -> Option<&str> {
    let line = text.lines().next_back()?;
    let rule = line.len() >= 3 && ["-", "*", "_"].iter().any(|mark| line.replace(mark, "").is_empty());
    rule.then(|| text[..text.len() - line.len()].trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = "## Objective\n\nReach it.\n\n## Dependencies and Coordination\n\nTell the team of 2.1.";

    #[test]
    fn remarks_come_off() {
        for remark in [
            "\n\n---\n\nI hope this helps! Would you like me to draft the execution task next?\n",
            "\n---\n\nThis document covers all deliverables of the achievement.",
            "\n\n***\n\nViel Erfolg damit! Soll ich gleich weitermachen?",
            "\n\nLet me know if anything should be changed.",
            "\n\nI hope this helps!\n\nWould you like me to go on?",
            "\n\n---\n\nIf you\u{2019}d like, I can shorten it.\n",
        ] {
            assert_eq!(without_remarks(&format!("{BODY}{remark}")), BODY, "{remark}");
        }
    }

    #[test]
    fn what_can_be_the_documents_stays() {
        let long = format!("\n\n---\n\n{}", "word ".repeat(MOST_WORDS + 1).trim_end());
        for end in [
            "",
            "\n\nThe importer is written first.",
            "\n\n---\n\n**Status**: open",
            "\n\n---\n\nEnd of document",
            "\n\n---\n\n- [ ] Reviewed",
            "\n\n---\n\n1. Review it.",
            "\n\n---\n\n| a | b |",
            "\n\n---\n\n```sh\nmake\n```",
            "\n\n---\n\n## Notes\n\nNone yet.",
            long.as_str(),
        ] {
            let text = format!("{BODY}{end}");
            assert_eq!(without_remarks(&text), text, "{end}");
        }
        for text in ["", "Let me know.", "## Objective\n\n---\n\nReach it.", "---\n\nReach it."] {
            assert_eq!(without_remarks(text), text);
        }
    }
}
