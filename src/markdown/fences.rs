//! Where code fences begin and end; the rules are told at [`super::lines`].

use std::ops::Range;

use super::{RawLines, heading};

/// After so many fences that are never closed no further one is searched to the end of the text: each such search
/// costs one walk, and a text with more of them is beyond repair. From then on fences end with their section.
const MAX_SEARCHES: usize = 16;

/// The fences of a text.
#[derive(Clone, Debug, Default)]
pub(super) struct Fences {
    /// Byte ranges from the first character of the opening line to behind the closing one; in order, disjoint.
    pub(super) ranges: Vec<Range<usize>>,
    /// 1-based line of the first fence that is never closed.
    pub(super) first_unclosed: Option<usize>,
}

/// A line that can open or close a fence, or that begins a section.
#[derive(Clone, Debug)]
enum Event {
    Run { line: usize, start: usize, end: usize, fence: Fence, bare: bool, in_item: bool },
    Section { start: usize },
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
        let events = events(text);
        let mut found = Self::default();
        let mut searches = 0;
        let mut at = 0;
        while let Some(event) = events.get(at) {
            let Event::Run { line, start, fence, .. } = *event else {
                at += 1;
                continue;
            };
            let group = if searches < MAX_SEARCHES { closed_group(&events[at..]) } else { None };
            if let Some((ranges, used)) = group {
                found.ranges.extend(ranges);
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
}

/// Follows the fence that `events` begins with up to where it is closed: in its own section, or, where it reaches over
/// others, to the end of the first section behind which no fence is open. Gives the fences met on the way and how many
/// events they took.
fn closed_group(events: &[Event]) -> Option<(Vec<Range<usize>>, usize)> {
    let mut open: Vec<Fence> = Vec::new();
    let mut ranges = Vec::new();
    let mut begin = 0;
    let mut crossed = false;
    for (index, event) in events.iter().enumerate() {
        match *event {
            Event::Section { .. } if open.is_empty() => return Some((ranges, index)),
            Event::Section { .. } => crossed = true,
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
                        ranges.push(begin..end);
                        if !crossed {
                            return Some((ranges, index + 1));
                        }
                    }
                }
            },
        }
    }
    open.is_empty().then_some((ranges, events.len()))
}

/// Where a fence ends that is never properly closed: its end, the events it took, and whether a bare run closed it.
fn forced_end(events: &[Event], opened: Fence, text_end: usize) -> (usize, usize, bool) {
    for (index, event) in events.iter().enumerate().skip(1) {
        match *event {
            Event::Section { start } => return (start, index, false),
            Event::Run { end, fence, bare: true, in_item: false, .. } if fence.answers(opened) => {
                return (end, index + 1, true);
            }
            Event::Run { .. } => {}
        }
    }
    (text_end, events.len(), false)
}

fn events(text: &str) -> Vec<Event> {
    let mut events = Vec::new();
    for line in RawLines::new(text) {
        if let Some((fence, bare, in_item)) = run(line.text) {
            events.push(Event::Run { line: line.number, start: line.start, end: line.next, fence, bare, in_item });
        } else if matches!(events.last(), Some(Event::Run { .. })) && begins_section(line.text) {
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
fn behind_marker(text: &str) -> Option<&str> {
    let digits = text.bytes().take(10).take_while(u8::is_ascii_digit).count();
    let marks: &[char] = if digits == 0 { &['-', '*', '+'] } else { &['.', ')'] };
    let rest = text[digits..].strip_prefix(marks)?;
    rest.strip_prefix([' ', '\t']).map(|rest| rest.trim_start_matches([' ', '\t']))
}
