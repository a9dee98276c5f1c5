//! A body as the checks of its wording see it: paragraphs with their words, each in its section.
//!
//! What stands in fences and comments is no paragraph, and neither are headings.

use std::ops::Range;

use crate::{
    document::{Section, prose::list_item, sections::sections},
    markdown::lines,
};

use super::{
    language::{Language, language_of},
    placeholder::without_code,
    words::{Word, words},
};

/// A body, read once for all checks.
pub(super) struct Reading<'a> {
    pub(super) body: &'a str,
    pub(super) sections: Vec<Section<'a>>,
    pub(super) paragraphs: Vec<Paragraph<'a>>,
    pub(super) language: &'static Language,
    words: Vec<Word>,
}

/// Lines that belong together: of prose, of one list item, or one row of a table.
pub(super) struct Paragraph<'a> {
    /// Its lines as they stand there.
    pub(super) text: &'a str,
    /// 1-based line at which it begins.
    pub(super) line: usize,
    /// The index of its section; `None` in front of the first.
    pub(super) section: Option<usize>,
    pub(super) kind: Kind,
    words: Range<usize>,
}

/// What a paragraph is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Prose,
    /// An item of a list; whether its box is ticked, where it has one.
    Item {
        ticked: Option<bool>,
    },
    /// A row of a table.
    Row,
}

impl<'a> Reading<'a> {
    /// Reads a body.
    pub(super) fn new(body: &'a str) -> Self {
        let sections = sections(body);
        let mut paragraphs: Vec<Paragraph<'a>> = Vec::new();
        let (mut section, mut next, mut open) = (None, 0, false);
        for line in lines(body) {
            while sections.get(next).is_some_and(|section| section.line <= line.number) {
                section = Some(next);
                next += 1;
            }
            if line.in_fence || line.in_comment || line.is_blank() || line.heading().is_some() {
                open = false;
                continue;
            }
            let kind = kind_of(line.text);
            match paragraphs.last_mut().filter(|_| open && kind == Kind::Prose) {
                Some(last) if last.kind != Kind::Row => {
                    let start = last.text.as_ptr() as usize - body.as_ptr() as usize;
                    last.text = &body[start..line.end];
                }
                _ => paragraphs.push(Paragraph { text: line.text, line: line.number, section, kind, words: 0..0 }),
            }
            open = true;
        }
        let mut all: Vec<Word> = Vec::with_capacity(body.len() / 6);
        for paragraph in &mut paragraphs {
            let begin = all.len();
            all.extend(words(paragraph.text));
            paragraph.words = begin..all.len();
        }
        Self { body, sections, paragraphs, language: language_of(&all), words: all }
    }

    /// The words of a paragraph.
    pub(super) fn words(&self, paragraph: &Paragraph<'_>) -> &[Word] {
        &self.words[paragraph.words.clone()]
    }

    /// The paragraphs of one section.
    pub(super) fn of_section(&self, section: usize) -> impl Iterator<Item = &Paragraph<'a>> {
        self.paragraphs.iter().filter(move |paragraph| paragraph.section == Some(section))
    }

    /// All words of one section, headings and fences aside.
    pub(super) fn section_words(&self, section: usize) -> Vec<Word> {
        self.of_section(section).flat_map(|paragraph| self.words(paragraph)).copied().collect()
    }
}

fn kind_of(line: &str) -> Kind {
    let text = line.trim_start();
    if text.starts_with('|') {
        return Kind::Row;
    }
    if list_item(line).is_none() {
        return Kind::Prose;
    }
    let behind =
        text.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '-' | '*' | '+' | '.' | ')')).trim_start();
    let ticked = match behind.get(..3) {
        Some("[ ]") => Some(false),
        Some("[x]" | "[X]") => Some(true),
        Some(_) | None => None,
    };
    Kind::Item { ticked }
}

/// A sentence without what is code in it.
pub(super) struct Sentence {
    pub(super) text: String,
    pub(super) words: Vec<u64>,
}

/// The sentences of a paragraph. Code is left out, and so is what stands in quotation marks.
pub(super) fn sentences(text: &str) -> Vec<Sentence> {
    let item = list_item(text.lines().next().unwrap_or_default());
    let begin = item.map_or(0, |item| text.find(item.text).unwrap_or(0));
    let prose = without_quotations(&without_code(&text[begin..]).replace('\n', " "));
    let mut found = Vec::new();
    let mut start = 0;
    let mut chars = prose.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, next)| *next);
        let ends = match c {
            '。' | '！' | '？' => true,
            '.' | '!' | '?' => next.is_none_or(char::is_whitespace),
            _ => next.is_none(),
        };
        if ends {
            let end = at + c.len_utf8();
            let text = prose[start..end].trim();
            let words: Vec<u64> = words(text).map(|word| word.hash).collect();
            if !words.is_empty() {
                found.push(Sentence { text: text.to_owned(), words });
            }
            start = end;
        }
    }
    found
}

/// The text without what is said in quotation marks: a dialogue that a program shows is no address to the reader.
fn without_quotations(text: &str) -> String {
    const PAIRS: [(char, char); 5] = [('"', '"'), ('“', '”'), ('„', '“'), ('«', '»'), ('「', '」')];
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(|c| PAIRS.iter().any(|(open, _)| *open == c)) {
        let open = rest[at..].chars().next().unwrap_or('"');
        let close = PAIRS.iter().find(|(begin, _)| *begin == open).map_or('"', |(_, close)| *close);
        let behind = at + open.len_utf8();
        out.push_str(&rest[..at]);
        match rest[behind..].find(close) {
            Some(end) => {
                out.push('"');
                rest = &rest[behind + end + close.len_utf8()..];
            }
            None => rest = &rest[behind..],
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_are_prose_items_and_rows() {
        let body = "## Objective\n\nOne line\nand its next.\n\n- [ ] an item\n  goes on\n- [x] another\n1. a step\n\n```\ncode\n```\n\n\
                    <!-- hidden -->\n\n## Approach\n| a | b |\n| c | d |\nText.\n";
        let reading = Reading::new(body);
        let seen: Vec<_> = reading.paragraphs.iter().map(|p| (p.text, p.line, p.section, p.kind)).collect();
        let item = |ticked| Kind::Item { ticked };
        assert_eq!(
            seen,
            [
                ("One line\nand its next.", 3, Some(0), Kind::Prose),
                ("- [ ] an item\n  goes on", 6, Some(0), item(Some(false))),
                ("- [x] another", 8, Some(0), item(Some(true))),
                ("1. a step", 9, Some(0), item(None)),
                ("| a | b |", 18, Some(1), Kind::Row),
                ("| c | d |", 19, Some(1), Kind::Row),
                ("Text.", 20, Some(1), Kind::Prose),
            ]
        );
        assert_eq!(reading.section_words(1).len(), 5);
    }

    #[test]
    fn sentences_are_read_without_code_and_quotations() {
        let texts = |text: &str| -> Vec<String> { sentences(text).into_iter().map(|s| s.text).collect() };
        assert_eq!(
            texts("Runs `a.b?`. Asks \"Shall I?\" on\n1.5 rows! 完成。次は？"),
            ["Runs ``````.", "Asks \"\" on 1.5 rows!", "完成。", "次は？"].map(|s| s.replace("\"\"", "\""))
        );
        assert_eq!(texts("- [ ] One thing"), ["One thing"]);
        assert_eq!(texts(""), [""; 0]);
    }
}
