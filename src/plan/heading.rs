//! The line that defines an achievement, and what is a title in it.

use crate::markdown::is_decoration;

use super::{AchievementId, Hours, InvalidId, estimate};

/// What a line says that begins like a definition.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum DefinitionLine {
    /// `**Achievement 1.1**: Title` or `**Achievement 1.1: Title** ⏱️ 4-6 hours`.
    One(Definition),
    /// The same with several ids (`2.2/2.3`): it speaks of achievements and defines none.
    Several,
    /// The same with something that begins like an id but is none.
    BadId(InvalidId),
}

/// A definition line.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Definition {
    pub(super) id: AchievementId,
    pub(super) title: String,
    /// The estimate behind the title, if any.
    pub(super) estimate: Option<Hours>,
}

/// Words that tell how an achievement stands, not what it is. In emphasis, behind an emoji, or in capitals they are no
/// part of a title.
const STATUS_WORDS: [&str; 44] = [
    "active",
    "added",
    "approved",
    "archived",
    "blocked",
    "canceled",
    "cancelled",
    "complete",
    "completed",
    "critical",
    "deferred",
    "done",
    "failed",
    "finished",
    "high",
    "hold",
    "in",
    "low",
    "medium",
    "mostly",
    "new",
    "next",
    "not",
    "on",
    "optional",
    "partial",
    "partially",
    "pending",
    "planned",
    "postponed",
    "priority",
    "progress",
    "ready",
    "removed",
    "required",
    "revised",
    "skipped",
    "started",
    "superseded",
    "todo",
    "updated",
    "urgent",
    "verified",
    "wip",
];

/// No status is longer, in bytes.
const LONGEST_STATUS: usize = 60;

/// Reads a line as a definition; `None` where it does not have the form of one.
pub(super) fn read(line: &str) -> Option<DefinitionLine> {
    let (begin, rest) = line.split_at_checked("**Achievement ".len())?;
    if !begin.eq_ignore_ascii_case("**Achievement ") {
        return None;
    }
    let rest = rest.trim_start();
    let token_end = rest.find(|c: char| c.is_whitespace() || matches!(c, ':' | '*')).unwrap_or(rest.len());
    let (token, rest) = rest.split_at(token_end);
    if !token.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let (title, behind) = title_text(without_comment(rest))?;
    Some(match AchievementId::parse(token) {
        Ok(id) => {
            let (mut title, inside) = clean_title(title, behind);
            if title.is_empty() {
                title = format!("Achievement {id}");
            }
            DefinitionLine::One(Definition { id, title, estimate: inside })
        }
        Err(_) if token.contains(['/', ',', '&', '+', '-', '–', '—']) => DefinitionLine::Several,
        Err(invalid) => DefinitionLine::BadId(invalid),
    })
}

/// Cuts a comment from the end.
fn without_comment(text: &str) -> &str {
    let comment = text.trim_end().strip_suffix("-->").and_then(|text| text.rfind("<!--"));
    comment.map_or(text, |at| &text[..at])
}

/// Splits what follows the id into the title and what stands behind it in the bold form.
fn title_text(rest: &str) -> Option<(&str, &str)> {
    let rest = rest.trim_start();
    if let Some(rest) = rest.strip_prefix("**") {
        let rest = rest.trim_start_matches(|c: char| c.is_whitespace() || is_decoration(c));
        return Some((behind_separator(rest)?, ""));
    }
    let inside = behind_separator(rest)?;
    if let Some(title) = inside.trim_start().strip_prefix("**") {
        return Some((title, "")); // `**Achievement 1.1:** Title`
    }
    Some(inside.split_once("**").unwrap_or((inside, "")))
}

/// What follows the colon, or a dash that stands alone, between id and title.
fn behind_separator(text: &str) -> Option<&str> {
    if let Some(rest) = text.strip_prefix([':', '：']) {
        return Some(rest);
    }
    text.strip_prefix(['-', '–', '—']).filter(|rest| rest.starts_with(' '))
}

/// The words of a title, without estimate, status words and emoji around them; and the estimate.
fn clean_title(title: &str, behind: &str) -> (String, Option<Hours>) {
    let mut estimate = None;
    let mut text = title;
    for part in [behind, title] {
        if let Some(found) = behind_clock(part).and_then(|(_, after)| estimate::find(after)) {
            estimate = estimate.or(Some(found));
        }
    }
    if let Some((before, after)) = behind_clock(title)
        && estimate::find(after).is_some()
    {
        text = before;
    }
    let note = behind.trim().starts_with('(').then_some(behind);
    let joined;
    if let Some(note) = note {
        joined = format!("{text} {}", behind_clock(note).map_or(note, |(before, _)| before));
        text = &joined;
    }
    loop {
        text = text.trim_matches(is_edge);
        text = match cut_leading_status(text).or_else(|| cut_trailing(text, &mut estimate)) {
            Some(shorter) => shorter,
            None => break,
        };
    }
    if note.is_none() && estimate.is_none() {
        estimate = estimate::find(behind);
    }
    let plain = text.replace("**", "");
    let words: Vec<&str> =
        plain.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    (words.join(" "), estimate)
}

fn is_edge(c: char) -> bool {
    c.is_whitespace() || c.is_control() || is_decoration(c) || matches!(c, '-' | '–' | '—' | ':' | '|')
}

/// Splits at the last clock emoji.
fn behind_clock(text: &str) -> Option<(&str, &str)> {
    text.rsplit_once(['\u{23F1}', '\u{23F0}', '\u{23F3}', '\u{231B}', '\u{1F550}'])
}

/// Cuts `**DONE** …` and `DONE - …` from the start, where a title follows.
fn cut_leading_status(text: &str) -> Option<&str> {
    let (text, marks): (&str, &[&str]) = match text.strip_prefix("**") {
        Some(bold) => (bold, &["**"]),
        None => (text, &[":", "-", "–", "—"]),
    };
    // Only the begin is searched: this is called for each thing that is cut, and a line can be long.
    let begin: usize = text.chars().take(LONGEST_STATUS).map(char::len_utf8).sum();
    let (at, mark) = marks.iter().filter_map(|mark| text[..begin].find(mark).map(|at| (at, mark))).min()?;
    let (status, rest) = (&text[..at], &text[at + mark.len()..]);
    let emphasised = *mark == "**" || is_capitals(status);
    (emphasised && is_status(status) && rest.chars().any(|c| !is_edge(c))).then_some(rest)
}

/// Cuts one thing from the end that is no part of the title: `(4-6h)`, `(DONE)`, a note behind a status, or a status.
fn cut_trailing<'a>(text: &'a str, estimate: &mut Option<Hours>) -> Option<&'a str> {
    let Some((before, inner)) = text.strip_suffix(')').and_then(|text| text.rsplit_once('(')) else {
        return cut_status(text);
    };
    if let Some(hours) = estimate::whole(inner) {
        *estimate = estimate.or(Some(hours));
        return Some(before);
    }
    let notes_status = cut_status(before.trim_end()).is_some();
    (notes_status || (is_status(inner) && is_capitals(inner))).then_some(before)
}

/// Cuts `**CRITICAL**`, `✅ Complete`, or `- DONE` from the end.
fn cut_status(text: &str) -> Option<&str> {
    if let Some(before) = text.strip_suffix("**") {
        let (before, inner) = before.rsplit_once("**")?;
        return is_status(inner).then_some(before);
    }
    // Without emphasis: behind the last emoji, or, in capitals, behind the last dash. Status words are short.
    let from = text.char_indices().rev().take(40).last().map_or(0, |(at, _)| at);
    if let Some(at) = text[from..].rfind(is_decoration) {
        let (before, after) = text.split_at(from + at);
        if is_status(after) {
            return Some(before);
        }
    }
    let dash = [" - ", " – ", " — "].iter().filter_map(|dash| text[from..].rfind(dash)).max()?;
    let (before, after) = text.split_at(from + dash);
    (is_status(after) && is_capitals(after)).then_some(before)
}

fn is_status(text: &str) -> bool {
    if text.len() > LONGEST_STATUS {
        return false;
    }
    let lower = text.to_ascii_lowercase();
    let mut words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).peekable();
    words.peek().is_some() && words.all(|word| STATUS_WORDS.binary_search(&word).is_ok() || word == "100")
}

fn is_capitals(text: &str) -> bool {
    !text.contains(char::is_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(line: &str) -> Option<Definition> {
        match read(line) {
            Some(DefinitionLine::One(definition)) => Some(definition),
            Some(DefinitionLine::Several | DefinitionLine::BadId(_)) | None => None,
        }
    }

    #[test]
    fn status_words_are_sorted() {
        assert!(STATUS_WORDS.is_sorted());
    }

    #[test]
    fn both_forms_give_a_clean_title() {
        for (line, id, text, hours) in [
            ("**Achievement 1.1**: Parser Written", "1.1", "Parser Written", None),
            ("**Achievement 1.1:** Parser Written", "1.1", "Parser Written", None),
            ("**Achievement 3.5.1: Parser** ⏱️ 4-6 hours", "3.5.1", "Parser", Some((4.0, 6.0))),
            ("**Achievement 1.1: Parser (4-6h)**", "1.1", "Parser", Some((4.0, 6.0))),
            ("**Achievement 1.1: Parser** (30 min)", "1.1", "Parser", Some((0.5, 0.5))),
            ("**Achievement 1.1: Parser** (Optional) ⏱️ 1 h", "1.1", "Parser (Optional)", Some((1.0, 1.0))),
            ("**Achievement 1.1: Parser ⏱️ 1 day** ✅", "1.1", "Parser", Some((8.0, 8.0))),
            ("**Achievement 1.1**: Parser ⏱️ 1-2 hours", "1.1", "Parser", Some((1.0, 2.0))),
            ("**ACHIEVEMENT 1.1**: Parser", "1.1", "Parser", None),
            ("**Achievement 1.1** - Parser", "1.1", "Parser", None),
            ("**Achievement 1.1 — Parser**", "1.1", "Parser", None),
            ("**Achievement 1.1** ✅: Parser", "1.1", "Parser", None),
            ("**Achievement 1.1**: ✅ Parser ⚠️ **CRITICAL**", "1.1", "Parser", None),
            ("**Achievement 1.1**: Parser ✅ **COMPLETE** (4h)", "1.1", "Parser", Some((4.0, 4.0))),
            ("**Achievement 1.1**: **COMPLETE** Parser", "1.1", "Parser", None),
            ("**Achievement 1.1**: Parser ✅ Complete", "1.1", "Parser", None),
            ("**Achievement 1.1**: Parser - IN PROGRESS", "1.1", "Parser", None),
            ("**Achievement 1.1**: ✅ COMPLETE - Parser", "1.1", "Parser", None),
            ("**Achievement 1.1**: Parser ✅ COMPLETE (2025-11-07)", "1.1", "Parser", None),
            ("**Achievement 1.1**: Parser **DONE** (all of it)", "1.1", "Parser", None),
            ("**Achievement 1.1**: API - Parser", "1.1", "API - Parser", None),
            ("**Achievement 1.1**: Parser (DONE)", "1.1", "Parser", None),
            ("**Achievement 1.1**: Parser Ready", "1.1", "Parser Ready", None),
            ("**Achievement 1.1**: Parser (Optional)", "1.1", "Parser (Optional)", None),
            ("**Achievement 1.1**: Parser - The Second Part", "1.1", "Parser - The Second Part", None),
            ("**Achievement 1.1**: Use **API** and `x_y`", "1.1", "Use API and `x_y`", None),
            ("**Achievement 1.1**: ≥ 90 % (Phase 2)", "1.1", "≥ 90 % (Phase 2)", None),
            ("**Achievement 1.1**: a\u{1b}[31m\tb", "1.1", "a [31m b", None),
            ("**Achievement 1.1**:", "1.1", "Achievement 1.1", None),
            ("**Achievement 1.1**: Use ** API **.", "1.1", "Use API .", None),
            ("**Achievement 1.1: Not closed", "1.1", "Not closed", None),
            ("**Achievement 1.1**: Parser <!-- or (4h) a lexer --> ", "1.1", "Parser", None),
            ("**Achievement 1.1**: Done: Parser", "1.1", "Done: Parser", None),
            ("**Achievement 1.1**: **Done**Parser", "1.1", "Parser", None),
            ("**Achievement 1.1**: Parser - HTTP", "1.1", "Parser - HTTP", None),
            ("**Achievement 1.1**: Parser - done", "1.1", "Parser - done", None),
            ("**Achievement 1.1**: Arrow -->", "1.1", "Arrow -->", None),
        ] {
            let estimate = hours.map(|(low, high)| Hours { low, high });
            let expected = Definition { id: id.parse().unwrap(), title: text.to_owned(), estimate };
            assert_eq!(one(line), Some(expected), "{line}");
        }
    }

    #[test]
    fn a_status_is_short() {
        for (words, is_cut) in [(12, true), (13, false)] {
            let status = format!("DONE,{}", " DONE".repeat(words - 1));
            let title = one(&format!("**Achievement 1.1**: Parser ({status})")).unwrap().title;
            assert_eq!(title == "Parser", is_cut, "{} bytes", status.len());
        }
    }

    #[test]
    fn other_lines_define_nothing() {
        for line in [
            "**Achievement 1.1** is done",
            "**Achievement 1.1**",
            "**Achievement 1.1 is done**: yes",
            "**Achievements**: 3",
            "**Achievement Index**: x",
            "**Achievement 1 of 3**",
            " **Achievement 1.1**: x",
            "Achievement 1.1: x",
            "### Achievement 1.1: x",
            "**Achievement é",
        ] {
            assert_eq!(read(line), None, "{line}");
        }
        assert_eq!(read("**Achievement 2.2/2.3**: x"), Some(DefinitionLine::Several));
        for (line, token) in [("**Achievement 2**: x", "2"), ("**Achievement 2.1b: x**", "2.1b")] {
            let invalid = AchievementId::parse(token).unwrap_err();
            assert_eq!(read(line), Some(DefinitionLine::BadId(invalid)), "{line}");
        }
    }
}
