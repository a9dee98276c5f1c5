//! Takes an answer out of what models wrap around it: reasoning, chatter, a code fence, a title of their own.
//!
//! Unwrapping never loses content that could be the document's: what does not look like wrapping stays, and the
//! checks speak up.

use std::borrow::Cow;

use crate::document::{
    prose::{plain, word_count},
    sections::{is_known, section_name},
};

/// Lines of chatter around an answer ("Here is the document:") are at most this many, with at most so many words;
/// more than that is text which somebody meant to be read.
const CHATTER_LINES: usize = 6;
const CHATTER_WORDS: usize = 60;

/// The document in an answer, with Unix line ends.
///
/// Dropped are: a byte order mark, a `<think>` preamble, chatter and a title or header in front of the first section
/// heading, and a code fence around the whole. Unwrapping twice changes nothing.
pub fn unwrap_answer(text: &str) -> Cow<'_, str> {
    match unix_lines(text) {
        Cow::Borrowed(text) => Cow::Borrowed(unwrap(text).text),
        Cow::Owned(text) => Cow::Owned(unwrap(&text).text.to_owned()),
    }
}

/// An answer without its wrapping.
pub(super) struct Unwrapped<'a> {
    pub(super) text: &'a str,
    /// Whether a code fence was around it.
    pub(super) fenced: bool,
}

/// Unwraps a text that has Unix line ends.
pub(super) fn unwrap(text: &str) -> Unwrapped<'_> {
    let text = trim(without_reasoning(text));
    let Some(front) = front(text) else { return Unwrapped { text, fenced: false } };
    let body = without_closers(&text[front.len..], front.fences);
    Unwrapped { text: trim(body), fenced: front.fences > 0 }
}

fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}')
}

fn unix_lines(text: &str) -> Cow<'_, str> {
    if text.contains('\r') { Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n")) } else { Cow::Borrowed(text) }
}

/// Drops `<think>…</think>` from the front. Some servers swallow the opening tag, so a line `</think>` in front of
/// the first section ends reasoning too; reasoning that never ends left no answer.
fn without_reasoning(text: &str) -> &str {
    let mut text = trim(text);
    loop {
        while let Some(tag) = ["think", "thinking", "reasoning"].into_iter().find(|tag| opens_with(text, tag)) {
            let close = format!("</{tag}>");
            text = text.find(&close).map_or("", |at| trim(&text[at + close.len()..]));
        }
        let (mut start, mut answer) = (0, 0);
        // As in `front`: what looks like a section in front matter is none.
        let (mut front_matter, mut behind) = (false, false);
        for line in text.split_inclusive('\n') {
            start += line.len();
            let content = line.trim_end();
            if front_matter {
                front_matter = content != "---";
            } else if section_heading(content) {
                break;
            } else if content == "---" {
                front_matter = !behind && opens_front_matter(&text[start..]);
            } else {
                let title = heading(content).is_some_and(|(level, _)| level == 1);
                behind |= !(content.is_empty() || title || is_label(content) || fence(content).is_some());
            }
            if line.trim() == "</think>" {
                answer = start;
            }
        }
        if answer == 0 {
            return text;
        }
        text = trim(&text[answer..]);
    }
}

fn opens_with(text: &str, tag: &str) -> bool {
    text.strip_prefix('<').and_then(|rest| rest.strip_prefix(tag)).is_some_and(|rest| rest.starts_with('>'))
}

fn section_heading(line: &str) -> bool {
    heading(line).is_some_and(|(_, name)| is_known(&name))
}

fn heading(line: &str) -> Option<(usize, String)> {
    let level = line.bytes().take(7).take_while(|b| *b == b'#').count();
    let rest = line[level..].strip_prefix([' ', '\t'])?;
    (1..=6).contains(&level).then(|| (level, section_name(rest)))
}

/// What stands in front of the first section.
struct Front {
    /// Its length in bytes.
    len: usize,
    /// Code fences opened there and not closed.
    fences: usize,
}

/// Measures the wrapping in front of the first section heading; `None` where what stands there is more than wrapping.
fn front(text: &str) -> Option<Front> {
    let (mut len, mut fences, mut lines, mut words) = (0, 0, 0, 0);
    let (mut front_matter, mut behind_fence) = (false, false);
    for line in text.split_inclusive('\n') {
        let content = line.trim_end();
        if front_matter {
            front_matter = content != "---";
        } else if let Some((level, name)) = heading(content) {
            // A heading of level 1 that names no section is the title that planwave writes itself.
            if level > 1 || is_known(&name) {
                return Some(Front { len, fences });
            }
        } else if let Some(info) = fence(content) {
            if !matches!(info.to_ascii_lowercase().as_str(), "" | "markdown" | "md" | "text" | "txt" | "plaintext") {
                return None;
            }
            if behind_fence {
                // Something stood in the fence, and now it closes: a code block, not the wrapping.
                return None;
            }
            fences += 1;
        } else if content == "---" {
            // YAML front matter can only open a document; elsewhere this is a rule.
            front_matter = lines == 0 && opens_front_matter(&text[len + line.len()..]);
        } else if !content.is_empty() && !is_label(content) {
            lines += 1;
            words += word_count(content);
            if lines > CHATTER_LINES || words > CHATTER_WORDS {
                return None;
            }
        }
        behind_fence = fences > 0 && (behind_fence || !(content.is_empty() || fence(content).is_some()));
        len += line.len();
    }
    None
}

/// Whether a `---` opens YAML front matter, by what follows it.
fn opens_front_matter(rest: &str) -> bool {
    rest.lines().take(30).any(|line| line == "---") && rest.lines().next().is_some_and(is_field)
}

/// `title: x`, as in YAML.
fn is_field(line: &str) -> bool {
    line.split_once(':').is_some_and(|(key, _)| {
        !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
    })
}

/// `**Label**: value`, as in a document's header.
fn is_label(line: &str) -> bool {
    line.starts_with("**") && plain(line).split_once(':').is_some_and(|(label, _)| word_count(label) <= 4)
}

/// The info string of a line that is a code fence.
fn fence(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let character = line.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let info = line.trim_start_matches(character);
    (line.len() - info.len() >= 3 && !info.contains('`')).then(|| info.trim())
}

/// Drops the closing fences that belong to the `opened` ones in front, with chatter behind them.
///
/// Fences of the body come in pairs, so an odd number of fence lines means that a last one closes the wrapping.
fn without_closers(body: &str, opened: usize) -> &str {
    if opened == 0 {
        return body;
    }
    let total = body.lines().filter(|line| fence(line).is_some()).count();
    let mut kept = body;
    let mut closers = 0;
    let (mut lines, mut words) = (0, 0);
    let mut end = body.len();
    for line in body.split_inclusive('\n').rev() {
        end -= line.len();
        let content = line.trim();
        if fence(content) == Some("") && closers < opened {
            closers += 1;
            if (total - closers).is_multiple_of(2) {
                kept = &body[..end];
            }
        } else if !content.is_empty() {
            lines += 1;
            words += word_count(content);
            let chatter =
                closers == 0 && heading(content).is_none() && lines <= CHATTER_LINES && words <= CHATTER_WORDS;
            if !chatter {
                break;
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BODY: &str = "## Objective\n\nReach it.\n\n```sh\nmake\n```\n\n## Approach\n\nStep by step.";

    #[test]
    fn wrapping_comes_off() {
        let long = "word ".repeat(70);
        let code_first = format!("```sh\n# not a title\n```\n\n{BODY}");
        let own_section = format!("## Goal\n\nA.\n\n{BODY}");
        let explained = format!("{long}\n\n{BODY}");
        let reasoned = |before: &str| format!("{before}---\ntitle: x\n# Objective\n---\n## Mine\n</think>\n{BODY}");
        let bare_code_first = format!("# T\n\n```\na\n```\n\n{BODY}");
        let table = [
            (bare_code_first.clone(), bare_code_first.as_str()),
            (BODY.to_owned(), BODY),
            (format!("\u{feff}{BODY}\n\n"), BODY),
            (BODY.replace('\n', "\r\n"), BODY),
            (format!("```markdown\n{BODY}\n```"), BODY),
            (format!("```\n{BODY}\n```\n"), BODY),
            (format!("~~~md\n{BODY}\n~~~"), BODY),
            (format!("````markdown\n{BODY}\n````"), BODY),
            (format!("Here is the document:\n\n```markdown\n{BODY}\n```\n\nLet me know what to change."), BODY),
            (format!("```markdown\n```\n{BODY}\n```\n```"), BODY),
            (format!("```markdown\n{BODY}"), BODY),
            (format!("# SUBPLAN: Import\n\n**PLAN**: X\n**Status**: new\n\n---\n\n{BODY}"), BODY),
            (format!("---\ntitle: x\nid: 3.1\n---\n{BODY}"), BODY),
            (format!("---\n{}---\n{BODY}", "title: x\n".repeat(9)), BODY),
            (format!("---\ntitle: x\n\n{BODY}"), BODY),
            (format!("---\n\n{BODY}"), BODY),
            (format!("Sure!\n\n---\nnote: x\n\n{BODY}\n\n---\n\nEnd."), &format!("{BODY}\n\n---\n\nEnd.")),
            (format!("{}\n\n\n\n\n\n\n{BODY}", "**A**: x\n".repeat(9)), BODY),
            (format!("```markdown\n# SUBPLAN: Import\n\n{BODY}\n```"), BODY),
            (format!("<think>\n## Objective\nhm\n</think>\n\n{BODY}"), BODY),
            (format!("<think>a</think><think>b</think>\n```markdown\n{BODY}\n```"), BODY),
            (format!("First I look.\n</think>\n\n{BODY}"), BODY),
            (format!("{long}\n</think>\n\n{BODY}"), BODY),
            (reasoned(""), BODY),
            (reasoned("\n\n"), BODY),
            (reasoned("# T\n\n"), BODY),
            (reasoned("**PLAN**: X\n"), BODY),
            (reasoned("Sure!\n"), &format!("# Objective\n---\n## Mine\n</think>\n{BODY}")),
            (
                "---\n\n## Objective\n\nThe tag\n</think>\nends it.".to_owned(),
                "## Objective\n\nThe tag\n</think>\nends it.",
            ),
            (format!("Sure!\n\n{BODY}"), BODY),
            (code_first.clone(), code_first.as_str()),
            (own_section.clone(), own_section.as_str()),
            (explained.clone(), explained.as_str()),
            (format!("{BODY}\n\nThe tag\n</think>\nends it."), &format!("{BODY}\n\nThe tag\n</think>\nends it.")),
            ("<think>never ends\n## Objective\n".to_owned(), ""),
            ("I'm sorry.".to_owned(), "I'm sorry."),
            ("```\n".to_owned(), "```"),
            (String::new(), ""),
        ]
        .map(|(answer, body)| (answer, body.to_owned()));
        for (answer, body) in table {
            assert_eq!(unwrap_answer(&answer), body, "{answer}");
        }
    }

    #[test]
    fn more_than_a_few_lines_or_words_are_no_chatter() {
        for (chatter, dropped) in
            [("Hm.\n".repeat(6), true), ("Hm.\n".repeat(7), false), ("so ".repeat(60), true), ("so ".repeat(61), false)]
        {
            let chatter = chatter.trim_end();
            let (before, behind) = (format!("{chatter}\n\n{BODY}"), format!("{BODY}\n```\n{chatter}"));
            assert_eq!(unwrap_answer(&before), if dropped { BODY } else { &before }, "{chatter}");
            assert_eq!(unwrap_answer(&format!("```\n{behind}")), if dropped { BODY } else { &behind }, "{chatter}");
        }
    }

    #[test]
    fn lines_of_wrapping_are_told_from_text() {
        for (line, level) in [
            ("# a", Some(1)),
            ("###### a", Some(6)),
            ("####### a", None),
            ("#a", None),
            ("##\ta", Some(2)),
            ("a", None),
        ] {
            assert_eq!(heading(line), level.map(|level| (level, "a".to_owned())), "{line}");
        }
        for (line, info) in [
            ("```", Some("")),
            ("  ~~~~ md ", Some("md")),
            ("``", None),
            ("~~ a", None),
            ("```a`b", None),
            ("`~~", None),
        ] {
            assert_eq!(fence(line), info, "{line}");
        }
        for (line, label) in
            [("**A b c d**: x", true), ("**A b c d e**: x", false), ("A: x", false), ("**A** x", false)]
        {
            assert_eq!(is_label(line), label, "{line}");
        }
        for (line, field) in [
            ("title: x", true),
            ("a_b-1:", true),
            (": x", false),
            ("a b: x", false),
            ("a.b: x", false),
            ("title", false),
        ] {
            assert_eq!(is_field(line), field, "{line}");
        }
    }

    #[test]
    fn a_last_code_block_is_not_taken_for_the_wrapping() {
        let body = "## Objective\n\nReach it.\n\n```sh\nmake\n```";
        for wrapped in [format!("```markdown\n{body}\n```"), format!("```markdown\n{body}"), body.to_owned()] {
            assert_eq!(unwrap_answer(&wrapped), body, "{wrapped}");
        }
        // An empty code block, text between two closing fences, and a heading behind one.
        for (opening, behind) in
            [("```md", "```\n```"), ("```\n```md", "```\nDone.\n```"), ("```md", "```\n# Note\nDone.")]
        {
            let body = format!("## Objective\n\nReach it.\n{behind}");
            assert_eq!(unwrap_answer(&format!("{opening}\n{body}")), body, "{opening}\n{body}");
        }
    }

    #[test]
    fn an_answer_that_needs_nothing_is_not_copied() {
        assert!(matches!(unwrap_answer(BODY), Cow::Borrowed(_)));
        assert!(matches!(unwrap_answer(&format!("\n{BODY}\n")), Cow::Borrowed(_)));
    }

    proptest! {
        #[test]
        fn unwrapping_twice_changes_nothing(
            text in proptest::collection::vec(
                prop_oneof![
                    Just("```".to_owned()), Just("```markdown".to_owned()), Just("~~~".to_owned()), Just("---".to_owned()),
                    Just("## Objective".to_owned()), Just("# Title".to_owned()), Just("# Approach".to_owned()),
                    Just("<think>".to_owned()), Just("</think>".to_owned()), Just("**A**: b".to_owned()), Just("a: b".to_owned()),
                    Just("\u{feff}".to_owned()), Just("\r".to_owned()), Just(String::new()), "[a-z ]{0,40}", ".{0,20}",
                ],
                0..14,
            )
        ) {
            let once = unwrap_answer(&text.join("\n")).into_owned();
            let twice = unwrap_answer(&once);
            prop_assert_eq!(twice.as_ref(), once.as_str());
        }
    }
}
