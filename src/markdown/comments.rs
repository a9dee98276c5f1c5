//! Where HTML comments begin and end; the rules are told at [`super::lines`]. Knows nothing of code fences.

use super::{Line, RawLines, fences::behind_marker};

/// A line on which a comment begins that reaches over lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comment {
    /// It covers the bytes from `start`, where a line begins, to `end`, where another one does.
    Closed { start: usize, end: usize },
    /// It is never closed.
    Open,
}

/// What the lines of one text hold of comments; asked for line by line, from the first on, so that all of it is linear.
#[derive(Debug)]
pub(super) struct Comments<'a> {
    text: &'a str,
    /// The first `-->` at or behind the last place asked for, and where its line ends.
    close: Option<(usize, usize)>,
    /// Set once a search for `-->` came to the end of the text.
    no_more: bool,
    /// Where the first blank line at or behind the last place asked for begins.
    blank: usize,
}

impl<'a> Comments<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, close: None, no_more: false, blank: 0 }
    }

    /// The comment that begins on `line`; none where what begins there ends there and other text stands beside it.
    pub(super) fn begin(&mut self, line: &Line<'_>) -> Option<Comment> {
        let (at, block) = match opening(line.text)? {
            Opening::Whole => return Some(Comment::Closed { start: line.start, end: line.next }),
            Opening::Reaching { at, block } => (at, block),
        };
        let start = if block { line.start } else { line.next };
        let close = self.close_behind(line.start + at);
        match close {
            Some((_, end)) if block => Some(Comment::Closed { start, end }),
            Some((close, end)) if close < self.blank_behind(line.next) => Some(Comment::Closed { start, end }),
            // Within a paragraph it is text, as in CommonMark.
            Some(_) | None => block.then_some(Comment::Open),
        }
    }

    /// Place of the first `-->` at or behind `from`, and where the line behind it begins.
    fn close_behind(&mut self, from: usize) -> Option<(usize, usize)> {
        if let Some((close, end)) = self.close.filter(|(close, _)| *close >= from) {
            return Some((close, end));
        }
        let found = if self.no_more { None } else { self.text[from..].find("-->") };
        self.no_more = found.is_none();
        self.close = found.map(|offset| {
            let close = from + offset;
            (close, self.text[close..].find('\n').map_or(self.text.len(), |behind| close + behind + 1))
        });
        self.close
    }

    fn blank_behind(&mut self, from: usize) -> usize {
        if self.blank < from {
            let mut rest = RawLines::new(&self.text[from..]);
            self.blank = rest.find(Line::is_blank).map_or(self.text.len(), |line| from + line.start);
        }
        self.blank
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opening {
    /// The line is one comment and nothing else.
    Whole,
    /// A comment begins at byte `at` and does not end on the line; `block` where nothing but a marker stands before it.
    Reaching { at: usize, block: bool },
}

fn opening(text: &str) -> Option<Opening> {
    memchr::memchr(b'<', text.as_bytes())?;
    let mut from = 0;
    let mut in_code = false;
    while let Some(offset) = text[from..].find("<!--") {
        let at = from + offset;
        in_code ^= text[from..at].bytes().filter(|b| *b == b'`').count() % 2 == 1;
        if in_code {
            from = at + "<!--".len();
            continue;
        }
        // `<!-->` is a comment too.
        let inner = at + "<!".len();
        let Some(length) = text[inner..].find("-->") else {
            return Some(Opening::Reaching { at, block: begins(text) });
        };
        from = inner + length + "-->".len();
        if begins(text) && text[from..].trim().is_empty() {
            return Some(Opening::Whole);
        }
    }
    None
}

/// Whether a comment is the first thing of a line, or of its list item or quote.
fn begins(text: &str) -> bool {
    let text = text.trim_start_matches([' ', '\t', '>']);
    behind_marker(text).unwrap_or(text).starts_with("<!--")
}
