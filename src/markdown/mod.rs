//! A line scanner for markdown that people and models wrote: lines, headings, sections, and fences even where they
//! are nested or never closed.
//!
//! It is not a CommonMark parser and must not become one: PLANs and answers are read line by line, with line numbers,
//! and with two habits that CommonMark does not have (fences of one length nested in each other; a forgotten fence
//! that must not swallow the rest of a file). Pure: text in, values out; every function is linear in its input.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

mod comments;
mod decoration;
mod fences;

pub use decoration::{clean_heading, is_decoration};

use std::ops::Range;

use fences::Fences;

/// One line of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// 1-based number.
    pub number: usize,
    /// Byte offset of its first character.
    pub start: usize,
    /// Byte offset behind its last character, without the line end (`\n` or `\r\n`).
    pub end: usize,
    /// Byte offset of the next line.
    pub next: usize,
    /// The line without its line end.
    pub text: &'a str,
    /// Whether it lies in a code fence; the opening and the closing line of a fence count as inside.
    pub in_fence: bool,
    /// Whether it lies in an HTML comment, as those lines do that are nothing but one and those on which one begins or ends.
    pub in_comment: bool,
}

/// An ATX heading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heading<'a> {
    /// Number of `#`, 1 to 6.
    pub level: u8,
    /// Text behind the `#`s, trimmed, otherwise as written; see [`clean_heading`].
    pub text: &'a str,
}

impl<'a> Line<'a> {
    /// The heading that this line is: `#` at column 0, outside of fences and comments.
    ///
    /// CommonMark allows up to three spaces before it; here an indented `#` is text of a list item.
    pub fn heading(&self) -> Option<Heading<'a>> {
        if self.in_fence || self.in_comment { None } else { heading(self.text) }
    }

    /// Whether it holds nothing but white space.
    pub fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }
}

fn heading(text: &str) -> Option<Heading<'_>> {
    let hashes = text.bytes().take(7).take_while(|b| *b == b'#').count();
    let level = u8::try_from(hashes).ok().filter(|level| (1..=6).contains(level))?;
    let rest = &text[hashes..];
    let separated = rest.is_empty() || rest.starts_with([' ', '\t']);
    separated.then(|| Heading { level, text: rest.trim() })
}

/// The lines of `text`, each knowing whether it lies in a code fence or in an HTML comment.
///
/// Fences are found by these rules:
///
/// - A run of three or more backticks or tildes opens a fence, at any indentation, also right behind a list marker.
/// - In an open fence, a run of the same character that is at least as long closes the innermost fence where nothing
///   follows it, and opens a nested one where an info string follows it. Shorter runs are content.
/// - A fence that reaches over the next section (an H2, or a `**Achievement` line at column 0) must be closed again
///   where some later section ends; one that is not was never meant to reach that far. Such a fence ends at the first
///   bare run of its own section, or, where there is none, at the next section; at the end of the text
///   without one.
///
/// Comments are found by these:
///
/// - `<!--` outside of fences and of code in backticks begins one, and the next `-->` ends it with its line. Where other
///   text stands before it, the two have to stand in one paragraph.
/// - A comment that is never closed is none. CommonMark lets it run to the end of the text; here that would lose
///   everything below a slip of the pen.
pub fn lines(text: &str) -> Lines<'_> {
    Lines { raw: RawLines::new(text), fences: Fences::find(text), next_fence: 0, next_comment: 0 }
}

/// Tells whether every code fence is closed; the error is the 1-based line of the first that is not.
///
/// A text passes that is balanced with or without nesting: both are seen in good documents.
pub fn fences_balanced(text: &str) -> Result<(), usize> {
    Fences::find(text).first_unclosed.map_or(Ok(()), Err)
}

/// Tells whether every comment is closed; the error is the 1-based line of the first that is not.
pub fn comments_closed(text: &str) -> Result<(), usize> {
    Fences::find(text).first_open_comment.map_or(Ok(()), Err)
}

/// Iterator over the lines of a text, made by [`lines`].
#[derive(Clone, Debug)]
pub struct Lines<'a> {
    raw: RawLines<'a>,
    fences: Fences,
    next_fence: usize,
    next_comment: usize,
}

impl Lines<'_> {
    /// The 1-based line of the first code fence of the text that is never closed; see [`fences_balanced`].
    pub fn unclosed_fence(&self) -> Option<usize> {
        self.fences.first_unclosed
    }

    /// The 1-based line of the first comment of the text that is never closed; see [`comments_closed`].
    pub fn open_comment(&self) -> Option<usize> {
        self.fences.first_open_comment
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        let mut line = self.raw.next()?;
        line.in_fence = is_in(&self.fences.ranges, &mut self.next_fence, line.start);
        line.in_comment = is_in(&self.fences.comments, &mut self.next_comment, line.start);
        Some(line)
    }
}

/// Whether `at` lies in one of `ranges`, of which those before `next` have been passed.
fn is_in(ranges: &[Range<usize>], next: &mut usize, at: usize) -> bool {
    *next += ranges[*next..].iter().take_while(|range| range.end <= at).count();
    ranges.get(*next).is_some_and(|range| range.start <= at)
}

/// Lines before fences are known.
#[derive(Clone, Debug)]
struct RawLines<'a> {
    text: &'a str,
    at: usize,
    number: usize,
}

impl<'a> RawLines<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, at: 0, number: 0 }
    }
}

impl<'a> Iterator for RawLines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        let start = self.at;
        let rest = self.text.get(start..).filter(|rest| !rest.is_empty())?;
        let end = memchr::memchr(b'\n', rest.as_bytes());
        let (line, next) = end.map_or((rest, rest.len()), |end| (&rest[..end], end + 1));
        let text = line.strip_suffix('\r').unwrap_or(line);
        self.at = start + next;
        self.number += 1;
        Some(Line {
            number: self.number,
            start,
            end: start + text.len(),
            next: self.at,
            text,
            in_fence: false,
            in_comment: false,
        })
    }
}

/// A heading with everything up to the next heading of the same or a higher level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section<'a> {
    /// The heading as written; see [`clean_heading`].
    pub heading: &'a str,
    /// 1-based line of the heading.
    pub line: usize,
    /// Everything below the heading, raw and untrimmed, headings of lower levels included.
    pub body: &'a str,
    /// 1-based line at which `body` begins.
    pub body_line: usize,
}

/// The sections that begin with a heading of exactly `level`, in order. Text outside of them is left out.
pub fn sections(text: &str, level: u8) -> Vec<Section<'_>> {
    let mut found: Vec<Section<'_>> = Vec::new();
    let mut open: Option<Section<'_>> = None; // its body still reaches to the end of the text
    for line in lines(text) {
        let Some(heading) = line.heading().filter(|heading| heading.level <= level) else { continue };
        let begins =
            Section { heading: heading.text, line: line.number, body: &text[line.next..], body_line: line.number + 1 };
        let ended = if heading.level == level { open.replace(begins) } else { open.take() };
        if let Some(mut section) = ended {
            let behind = text.len() - line.start;
            section.body = &section.body[..section.body.len() - behind];
            found.push(section);
        }
    }
    found.extend(open);
    found
}

#[cfg(test)]
mod tests;
