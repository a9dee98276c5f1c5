//! Text laid out by display width: padding, wrapping, labelled paragraphs. Pure, linear, never panics.
//!
//! It does not measure whole tables: a column's width is known before its rows are written, so that 10,000 rows cost
//! 10,000 rows.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use console::measure_text_width;

use super::truncate;

/// The narrowest and the widest line that text is laid out for; wider lines are hard to read.
const WIDTHS: std::ops::RangeInclusive<usize> = 40..=160;

/// A terminal's width as a layout can use it.
pub(super) fn usable(width: usize) -> usize {
    width.clamp(*WIDTHS.start(), *WIDTHS.end())
}

/// The text, with spaces after it up to `width`; longer text stays whole.
pub(super) fn left(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(measure_text_width(text))))
}

/// The text, with spaces before it up to `width`; longer text stays whole.
pub(super) fn right(text: &str, width: usize) -> String {
    format!("{}{text}", " ".repeat(width.saturating_sub(measure_text_width(text))))
}

/// The text cut to `width` and padded to it.
pub(super) fn cell(text: &str, width: usize) -> String {
    left(&truncate(text, width), width)
}

/// Lines of at most `width` columns, broken at spaces. A word that is longer stands on a line of its own, whole: a
/// path has to stay one word that can be copied.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    fill(text.split_whitespace(), width)
}

fn fill<'a>(words: impl IntoIterator<Item = &'a str>, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in words {
        let columns = measure_text_width(word);
        match lines.last_mut() {
            Some(line) if used == 0 => {
                line.push_str(word);
                used = columns;
            }
            Some(line) if used + 1 + columns <= width => {
                line.push(' ');
                line.push_str(word);
                used += 1 + columns;
            }
            Some(_) | None => {
                lines.push(word.to_owned());
                used = columns;
            }
        }
    }
    lines
}

/// Writes `label` in a column of `indent` and `text` wrapped beside it.
pub(super) fn paragraph(out: &mut String, label: &str, indent: usize, text: &str, width: usize) {
    beside(out, label, indent, wrap(text, width.saturating_sub(indent)));
}

/// As [`paragraph`], for entries that are not broken, with commas between them.
pub(super) fn list(out: &mut String, label: &str, indent: usize, entries: &[String], width: usize) {
    let last = entries.len().saturating_sub(1);
    let entry = |(at, text): (usize, &String)| if at == last { text.clone() } else { format!("{text},") };
    let entries: Vec<String> = entries.iter().enumerate().map(entry).collect();
    words_beside(out, label, indent, &entries, width);
}

/// As [`paragraph`], for words that may hold spaces.
pub(super) fn words_beside(out: &mut String, label: &str, indent: usize, words: &[String], width: usize) {
    beside(out, label, indent, fill(words.iter().map(String::as_str), width.saturating_sub(indent)));
}

fn beside(out: &mut String, label: &str, indent: usize, lines: Vec<String>) {
    let mut label = left(label, indent);
    for line in lines {
        out.push_str(format!("{label}{line}").trim_end());
        out.push('\n');
        label = " ".repeat(indent);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn columns_are_counted_as_they_are_shown() {
        assert_eq!(left("世界", 6), "世界  ");
        assert_eq!(right("7,200", 7), "  7,200");
        assert_eq!(left("too long", 3), "too long");
        assert_eq!(cell("a title", 4), "a t…");
    }

    #[test]
    fn long_words_stay_whole() {
        assert_eq!(wrap("see subplans/SUBPLAN_X_31.md for it", 12), ["see", "subplans/SUBPLAN_X_31.md", "for it"]);
        assert_eq!(wrap("", 12), [""]);
        let mut out = String::new();
        paragraph(&mut out, "Label", 8, "one two three", 15);
        assert_eq!(out, "Label   one two\n        three\n");
        out.clear();
        list(&mut out, "needs", 6, &["1.1 (a b)".into(), "1.2 (a b)".into()], 17);
        assert_eq!(out, "needs 1.1 (a b),\n      1.2 (a b)\n");
    }

    proptest! {
        #[test]
        fn wrapping_keeps_every_word_and_the_width(text in "[a-z世 ]{0,120}", width in 1_usize..40) {
            let lines = wrap(&text, width);
            let words: Vec<&str> = lines.iter().flat_map(|line| line.split_whitespace()).collect();
            prop_assert_eq!(words, text.split_whitespace().collect::<Vec<_>>());
            for line in lines {
                prop_assert!(measure_text_width(&line) <= width || !line.contains(' '));
            }
        }
    }
}
