//! Answers that did not come whole: what to do about them, and joining the parts. Pure.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use crate::{
    event::Remedy,
    markdown::lines,
    model::{Completion, FinishReason},
};

/// The shortest repetition that is taken for one, in characters; a shorter one can be chance, unless it is a whole line.
const SHORTEST_OVERLAP: usize = 12;
/// How much of the parts is compared, in bytes.
const COMPARED: usize = 8_000;

/// What is known when an answer is judged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// The cap that the answer had.
    pub(super) cap: u32,
    /// What it may be raised to.
    pub(super) largest: u32,
    /// Whether it was raised before: once is enough, a model that rambles would use any.
    pub(super) raised: bool,
    /// Whether the model can be told to think less.
    pub(super) can_think_less: bool,
}

/// What to do about an answer; `None` where it came whole or nothing helps.
pub(super) fn remedy(completion: &Completion, room: Room) -> Option<Remedy> {
    let Room { cap, largest, raised, can_think_less } = room;
    let cut = completion.finish == FinishReason::Length;
    let raise = (cut && !raised && cap < largest)
        .then(|| Remedy::RaiseCap { from: cap, to: cap.saturating_mul(2).min(largest) });
    if completion.text.trim().is_empty() {
        let reasoned = completion.usage.is_some_and(|usage| usage.reasoning > 0);
        return ((cut || reasoned) && can_think_less).then_some(Remedy::ThinkLess).or(raise);
    }
    raise.or(cut.then_some(Remedy::Continue { cap }))
}

/// An answer and its continuation as one text. What the continuation repeats of the end is left out. Linear.
pub(super) fn join(mut before: String, rest: &str) -> String {
    if before.is_empty() || begins_again(&before, rest) {
        return rest.to_owned();
    }
    let start = floor(&before, before.len().saturating_sub(COMPARED));
    let tail = before.get(start..).unwrap_or_default();
    let head = rest.get(..floor(rest, COMPARED.min(rest.len()))).unwrap_or_default();
    let overlap = longest_overlap(tail.as_bytes(), head.as_bytes());
    let last_line = before.rsplit('\n').next().unwrap_or_default();
    let whole_line = last_line.trim().len() > 2 && overlap >= last_line.len();
    let enough = rest.get(..overlap).is_some_and(|text| text.chars().count() >= SHORTEST_OVERLAP);
    let skipped = if enough || whole_line { overlap } else { 0 };
    before.push_str(rest.get(skipped..).unwrap_or(rest));
    before
}

/// Whether a continuation is the whole once more: it begins with the heading that the answer began with.
fn begins_again(before: &str, rest: &str) -> bool {
    let first = |text: &str| text.lines().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned);
    first(before).is_some_and(|line| line.starts_with('#') && first(rest).is_some_and(|again| again == line))
}

/// Paragraphs and items shorter than this say nothing about how sentences end, in bytes.
const SENTENCE: usize = 40;
/// How many others have to end as sentences do before one that does not is taken for broken off.
const FEWEST_PARAGRAPHS: usize = 3;
const FEWEST_ITEMS: usize = 2;

/// Whether a document breaks off within a sentence: its last paragraph, or the last item of a list, ends with a letter where
/// the others end with a mark. Compared within the document, so it holds in any language that has such marks.
pub(super) fn breaks_off(text: &str) -> bool {
    let mut blocks: Vec<Vec<&str>> = Vec::new();
    let mut open = false;
    for line in lines(text) {
        if line.in_fence || line.in_comment || line.is_blank() || line.heading().is_some() {
            // Code and headings end as they like.
            open = false;
            if !line.is_blank() {
                blocks.push(Vec::new());
            }
            continue;
        }
        match blocks.last_mut() {
            Some(block) if open => block.push(line.text),
            _ => blocks.push(vec![line.text]),
        }
        open = true;
    }
    let Some((last, before)) = blocks.split_last() else { return false };
    if last.first().is_some_and(|line| is_item(line)) {
        let mut items: Vec<String> = Vec::new();
        for line in last {
            match items.last_mut() {
                Some(item) if !is_item(line) => item.push_str(line),
                _ => items.push((*line).to_owned()),
            }
        }
        let Some((last, others)) = items.split_last() else { return false };
        return ends_open(last) && others.len() >= FEWEST_ITEMS && !others.iter().any(|item| ends_open(item));
    }
    let is_prose = |block: &&Vec<&str>| {
        let structure = ['|', '>', '<', '*', '`'];
        block.first().is_some_and(|line| !is_item(line) && !line.trim_start().starts_with(structure))
            && block.iter().map(|line| line.len()).sum::<usize>() >= SENTENCE
    };
    let ends_open = |block: &Vec<&str>| block.last().is_some_and(|line| ends_open(line));
    let others: Vec<&Vec<&str>> = before.iter().filter(is_prose).collect();
    let closed = others.iter().filter(|block| !ends_open(block)).count();
    is_prose(&last) && ends_open(last) && others.len() >= FEWEST_PARAGRAPHS && closed * 5 >= others.len() * 4
}

fn is_item(line: &str) -> bool {
    let line = line.trim_start();
    let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
    ["- ", "* ", "+ "].iter().any(|marker| line.starts_with(marker))
        || (number.len() < line.len() && (number.starts_with(". ") || number.starts_with(") ")))
}

fn ends_open(line: &str) -> bool {
    let end = line.trim_end().trim_end_matches(['*', '_']).chars().next_back();
    end.is_some_and(|c| c.is_alphanumeric() || c == ',')
}

/// The largest boundary of a character that is no larger than `at`.
fn floor(text: &str, at: usize) -> usize {
    (0..=at).rev().find(|index| text.is_char_boundary(*index)).unwrap_or(0)
}

/// The length of the longest text that `tail` ends with and `head` begins with (Knuth, Morris, Pratt).
fn longest_overlap(tail: &[u8], head: &[u8]) -> usize {
    let mut borders = vec![0_usize; head.len()];
    let mut length = 0;
    let step = |borders: &[usize], mut length: usize, byte: u8| {
        while length > 0 && head.get(length) != Some(&byte) {
            length = borders.get(length - 1).copied().unwrap_or(0);
        }
        if head.get(length) == Some(&byte) { length + 1 } else { length }
    };
    for (index, byte) in head.iter().enumerate().skip(1) {
        length = step(&borders, length, *byte);
        if let Some(border) = borders.get_mut(index) {
            *border = length;
        }
    }
    tail.iter().fold(0, |length, byte| step(&borders, length, *byte))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::model::Usage;

    fn completion(text: &str, finish: FinishReason, reasoning: u64) -> Completion {
        Completion {
            masked: false,
            text: text.to_owned(),
            finish,
            refusal: None,
            usage: Some(Usage { input: 1, cached: 0, output: 10, reasoning, at_least: false }),
            at: "2026-11-01T00:00:00Z".parse().unwrap(),
            latency: Duration::ZERO,
            requests: 1,
            key: "".into(),
            prompt_cut: None,
            remembered: false,
            lowered_cap: None,
            unrecorded: None,
        }
    }

    #[test]
    fn each_cut_has_its_remedy() {
        use FinishReason::{Length, Stop};
        let room = |cap, raised, can_think_less| Room { cap, largest: 300, raised, can_think_less };
        let raise = |from, to| Some(Remedy::RaiseCap { from, to });
        let cases = [
            ("whole", "text", Stop, 0, room(100, false, true), None),
            ("cut below the limit", "text", Length, 0, room(100, false, true), raise(100, 200)),
            ("cut just below the limit", "text", Length, 0, room(200, false, true), raise(200, 300)),
            ("cut again", "text", Length, 0, room(200, true, true), Some(Remedy::Continue { cap: 200 })),
            ("cut at the limit", "text", Length, 0, room(300, false, true), Some(Remedy::Continue { cap: 300 })),
            ("thought too long", " \n", Length, 90, room(300, false, true), Some(Remedy::ThinkLess)),
            ("thought and said nothing", "", Stop, 90, room(300, false, true), Some(Remedy::ThinkLess)),
            ("cut, empty, nothing said of thoughts", "", Length, 0, room(300, false, true), Some(Remedy::ThinkLess)),
            ("cannot think less", "", Length, 90, room(100, false, false), raise(100, 200)),
            ("cannot think less at the limit", "", Length, 90, room(300, false, false), None),
            ("said nothing", "", Stop, 0, room(100, false, true), None),
        ];
        for (name, text, finish, reasoning, room, expected) in cases {
            assert_eq!(remedy(&completion(text, finish, reasoning), room), expected, "{name}");
        }
    }

    #[test]
    fn a_document_that_breaks_off_within_a_sentence_is_seen() {
        let prose = "This part says what is done, in which order, and how one sees that it holds.";
        let sections = |end: &str| {
            let before: String = ["A", "B", "C", "D"].map(|name| format!("## {name}\n\n{prose}\n\n")).concat();
            format!("{before}## Last\n\n{end}")
        };
        for (end, expected) in [
            (prose, false),
            ("This part says what is done, and that the other team has to be told abou", true),
            ("This part says what is done, and that the other team has to be told about,", true),
            ("This part says what is done,\nand that the other team\nhas to be told abou\n", true),
            ("This part says what is done (as the PLAN has it, in 3.1 and 3.2)", false),
            ("Owner: the team of 2.1", false),
            ("None", false),
            ("- [ ] Tests pass\n- [ ] README is up to date\n- [ ] Reviewed", false),
            ("- Tests pass on each system.\n- README is up to date.\n- The other team was to", true),
            ("- Tests pass on each system.\n- README is up to date.\n- The other team\n  was told.", false),
            ("1. Write it.\n2. Try it.\n3. Tell the oth", true),
            ("| a | b |\n|---|---|\n| one cell of the table | another cell of it", false),
            ("```sh\nmake all the targets that there are in this place\n```", false),
            ("", false),
        ] {
            assert_eq!(breaks_off(&sections(end)), expected, "{end}");
        }
        // Nothing to compare with, and a text that never ends its sentences.
        assert!(!breaks_off("## A\n\nThis part says what is done, and that the other team has to be told abou"));
        let unmarked = "ส่วนนี้บอกว่าต้องทำอะไรและใครต้องรู้เรื่องนี้\n\n".repeat(5);
        assert!(!breaks_off(&unmarked));
    }

    #[test]
    fn parts_are_joined_where_they_meet() {
        let cases = [
            ("one two", " three", "one two three"),
            ("## Goal\n\nThe first par", "t of it.", "## Goal\n\nThe first part of it."),
            ("## Goal\n\nThe first par", "The first part of it.", "## Goal\n\nThe first part of it."),
            ("a\n- the whole last line\n", "- the whole last line\n- next", "a\n- the whole last line\n- next"),
            ("ends with a\n", "a begins", "ends with a\na begins"),
            ("Größe ✅ und so weiter", "✅ und so weiter und fort", "Größe ✅ und so weiter und fort"),
            ("", "all of it", "all of it"),
            ("## Goal\n\nThe first par", "\n## Goal\n\nThe first part of it.", "\n## Goal\n\nThe first part of it."),
            ("all of it", "", "all of it"),
        ];
        for (before, rest, joined) in cases {
            assert_eq!(join(before.to_owned(), rest), joined);
        }
    }

    proptest! {
        /// However much the continuation repeats, the whole is what it would have been without the cut.
        #[test]
        fn any_repetition_is_left_out(text in "([a-z]{1,9} |[A-ZÄ✅]{1,5}\n){20,60}", cut in any::<prop::sample::Index>(), back in 0..300_usize) {
            let cut = floor(&text, cut.index(text.len()));
            let from = floor(&text, cut.saturating_sub(back));
            let (before, rest) = (&text[..cut], &text[from..]);
            let joined = join(before.to_owned(), rest);
            if text[from..cut].chars().count() >= SHORTEST_OVERLAP || from == cut {
                // A text that repeats itself may meet earlier, and then something is there twice, never missing.
                prop_assert!(joined.len() <= before.len() + rest.len());
                prop_assert!(joined.starts_with(before) && joined.ends_with(&text[cut..]));
            } else {
                prop_assert!(joined.ends_with(rest) || joined == text);
            }
        }

        #[test]
        fn the_overlap_is_the_longest(tail in "[ab]{0,30}", head in "[ab]{0,30}") {
            let naive = (0..=tail.len().min(head.len())).rev().find(|length| tail.ends_with(&head[..*length]));
            prop_assert_eq!(Some(longest_overlap(tail.as_bytes(), head.as_bytes())), naive);
        }
    }
}
