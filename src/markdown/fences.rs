//! Where code fences begin and end, and which comments count; the rules are told at [`super::lines`].
//!
//! Each can hold the marks of the other, so they are found in one walk.

use std::ops::Range;

use super::{
    RawLines,
    comments::{Comment, Comments},
    heading,
};

/// After so many fences that are never closed no further one is searched to the end of the text: each such search
/// costs one walk, and a text with more of them is beyond repair. From then on fences end with their section.
const MAX_SEARCHES: usize = 16;

/// The fences and comments of a text.
#[derive(Clone, Debug, Default)]
pub(super) struct Fences {
    /// Byte ranges from the first character of the opening line to behind the closing one; in order, disjoint.
    pub(super) ranges: Vec<Range<usize>>,
    /// 1-based line of the first fence that is never closed.
    pub(super) first_unclosed: Option<usize>,
    /// Byte ranges of the lines that lie in comments; in order, disjoint.
    pub(super) comments: Vec<Range<usize>>,
    /// 1-based line of the first comment that is never closed.
    pub(super) first_open_comment: Option<usize>,
}

/// A line that can open or close a fence, or that begins a comment or a section.
#[derive(Clone, Debug)]
enum Event {
    Run { line: usize, start: usize, end: usize, fence: Fence, bare: bool, in_item: bool },
    Comment { line: usize, comment: Comment },
    Section { start: usize },
}

impl Event {
    /// Whether it stands before the byte `end`.
    fn before(&self, end: usize) -> bool {
        match *self {
            Self::Run { start, .. } | Self::Section { start } => start < end,
            Self::Comment { comment: Comment::Closed { start, .. }, .. } => start < end,
            Self::Comment { comment: Comment::Open, .. } => false,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fence {
    character: u8,
    length: usize,
}

impl Fence {
    /// Whether a run of this shape speaks to `open`: the same character, at least as long.
    fn answers(self, open: Self) -> bool {
        self.character == open.character && self.length >= open.length
    }
}

impl Fences {
    pub(super) fn find(text: &str) -> Self {
        if !may_hold_any(text.as_bytes()) {
            return Self::default();
        }
        let events = events(text);
        let mut found = Self::default();
        let mut searches = 0;
        let mut at = 0;
        while let Some(event) = events.get(at) {
            let (line, start, fence) = match *event {
                Event::Run { line, start, fence, .. } => (line, start, fence),
                Event::Comment { line, comment } => {
                    at += found.comment(line, comment, &events[at..]);
                    continue;
                }
                Event::Section { .. } => {
                    at += 1;
                    continue;
                }
            };
            let group = if searches < MAX_SEARCHES { closed_group(&events[at..]) } else { None };
            if let Some((group, used)) = group {
                found.ranges.extend(group.ranges);
                found.comments.extend(group.comments);
                found.first_open_comment = found.first_open_comment.or(group.first_open_comment);
                at += used;
                continue;
            }
            searches += 1;
            let (end, used, closed) = forced_end(&events[at..], fence, text.len());
            found.ranges.push(start..end);
            if !closed {
                found.first_unclosed = found.first_unclosed.or(Some(line));
            }
            at += used;
        }
        found
    }

    /// Takes in a comment outside of fences, the first of `events`; gives how many events it took.
    fn comment(&mut self, line: usize, comment: Comment, events: &[Event]) -> usize {
        match comment {
            Comment::Closed { start, end } => {
                self.comments.push(start..end);
                1 + events[1..].iter().take_while(|event| event.before(end)).count()
            }
            Comment::Open => {
                self.first_open_comment = self.first_open_comment.or(Some(line));
                1
            }
        }
    }
}

/// Follows the fence that `events` begins with up to where it is closed: in its own section, or, where it reaches over
/// others, to the end of the first section behind which no fence is open. Gives what was met on the way and how many
/// events that took.
fn closed_group(events: &[Event]) -> Option<(Fences, usize)> {
    let mut open: Vec<Fence> = Vec::new();
    let mut group = Fences::default();
    let mut begin = 0;
    let mut crossed = false;
    let mut at = 0;
    while let Some(event) = events.get(at) {
        let mut used = 1;
        match *event {
            Event::Section { .. } if open.is_empty() => return Some((group, at)),
            Event::Section { .. } => crossed = true,
            Event::Comment { line, comment } if open.is_empty() => used = group.comment(line, comment, &events[at..]),
            Event::Comment { .. } => {}
            Event::Run { start, end, fence, bare, in_item, .. } => match open.last() {
                None => {
                    begin = start;
                    open.push(fence);
                }
                Some(innermost) if !fence.answers(*innermost) || in_item => {}
                Some(_) if !bare => open.push(fence),
                Some(_) => {
                    open.pop();
                    if open.is_empty() {
                        group.ranges.push(begin..end);
                        if !crossed {
                            return Some((group, at + 1));
                        }
                    }
                }
            },
        }
        at += used;
    }
    open.is_empty().then_some((group, at))
}

/// Where a fence ends that is never properly closed: its end, the events it took, and whether a bare run closed it.
fn forced_end(events: &[Event], opened: Fence, text_end: usize) -> (usize, usize, bool) {
    for (index, event) in events.iter().enumerate().skip(1) {
        match *event {
            Event::Section { start } => return (start, index, false),
            Event::Run { end, fence, bare: true, in_item: false, .. } if fence.answers(opened) => {
                return (end, index + 1, true);
            }
            Event::Run { .. } | Event::Comment { .. } => {}
        }
    }
    (text_end, events.len(), false)
}

/// Whether there is a mark that could begin a fence or a comment; most short texts hold none, and that is seen quickly.
fn may_hold_any(text: &[u8]) -> bool {
    memchr::memchr3_iter(b'`', b'~', b'<', text)
        .any(|at| [&b"```"[..], b"~~~", b"<!--"].iter().any(|mark| text[at..].starts_with(mark)))
}

fn events(text: &str) -> Vec<Event> {
    let mut events = Vec::new();
    let mut comments = Comments::new(text);
    for line in RawLines::new(text) {
        if let Some((fence, bare, in_item)) = run(line.text) {
            events.push(Event::Run { line: line.number, start: line.start, end: line.next, fence, bare, in_item });
        } else if let Some(comment) = comments.begin(&line) {
            events.push(Event::Comment { line: line.number, comment });
        } else if !matches!(events.last(), None | Some(Event::Section { .. })) && begins_section(line.text) {
            events.push(Event::Section { start: line.start });
        }
    }
    events
}

fn begins_section(text: &str) -> bool {
    heading(text).is_some_and(|heading| heading.level == 2)
        || text.get(..14).is_some_and(|begin| begin.eq_ignore_ascii_case("**Achievement "))
}

/// Reads a line as a fence: its shape, whether nothing follows it, and whether it stands behind a list marker (from
/// where it can open a fence but not close one).
fn run(text: &str) -> Option<(Fence, bool, bool)> {
    let text = text.trim_start_matches([' ', '\t']);
    let inner = behind_marker(text).unwrap_or(text);
    let character = *inner.as_bytes().first().filter(|b| matches!(b, b'`' | b'~'))?;
    let length = inner.bytes().take_while(|b| *b == character).count();
    let info = inner[length..].trim();
    // Backticks behind a run of backticks make it inline code, not a fence.
    let inline = character == b'`' && info.contains('`');
    (length >= 3 && !inline).then_some((Fence { character, length }, info.is_empty(), inner.len() != text.len()))
}

/// What follows a list marker (`- `, `* `, `+ `, `1. `, `1) `) that `text` begins with.
pub(super) fn behind_marker(text: &str) -> Option<&str> {
    let digits = text.bytes().take(10).take_while(u8::is_ascii_digit).count();
    let marks: &[char] = if digits == 0 { &['-', '*', '+'] } else { &['.', ')'] };
    let rest = text[digits..].strip_prefix(marks)?;
    rest.strip_prefix([' ', '\t']).map(|rest| rest.trim_start_matches([' ', '\t']))
}
