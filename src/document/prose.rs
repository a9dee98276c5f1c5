//! The words of a line of markdown: decoration off, list markers off, split into words.
//!
//! It works on single lines and knows nothing of fences; `lines` does.

/// A list item's first line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Item<'a> {
    /// Columns before the marker.
    pub(super) indent: usize,
    /// The text after the marker and a checkbox.
    pub(super) text: &'a str,
}

/// Reads `- text`, `* text`, `+ text`, `1. text`, `1) text`, each with or without a checkbox.
pub(super) fn list_item(line: &str) -> Option<Item<'_>> {
    let text = line.trim_start_matches([' ', '\t']);
    let indent = line[..line.len() - text.len()].chars().map(|c| if c == '\t' { 4 } else { 1 }).sum();
    let after_marker = match text.strip_prefix(['-', '*', '+']) {
        Some(rest) => rest,
        None => {
            let digits = text.bytes().take_while(u8::is_ascii_digit).count();
            if !(1..=9).contains(&digits) {
                return None;
            }
            text[digits..].strip_prefix(['.', ')'])?
        }
    };
    let text = match after_marker.strip_prefix([' ', '\t']) {
        Some(rest) => rest.trim(),
        None if after_marker.trim().is_empty() => "",
        None => return None,
    };
    let text = ["[ ]", "[x]", "[X]"].iter().find_map(|mark| text.strip_prefix(mark)).map_or(text, str::trim_start);
    Some(Item { indent, text })
}

/// The line without heading marks, quote marks, list markers, emphasis and code ticks.
pub(super) fn plain(line: &str) -> String {
    let mut text = line.trim().trim_start_matches(['#', '>']).trim_start();
    if let Some(item) = list_item(text) {
        text = item.text;
    }
    text.replace("**", "").replace("__", "").replace(['`', '*'], "").trim().to_owned()
}

/// The words of `text`, in lower case, without the punctuation around them.
pub(super) fn words(text: &str) -> Vec<String> {
    text.split_whitespace()
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase())
        .filter(|word| !word.is_empty())
        .collect()
}

/// About how many words `text` has. Scripts that put no spaces between words count two characters as one word.
pub(super) fn word_count(text: &str) -> usize {
    if text.is_ascii() {
        // The white space of `char::is_whitespace` below 128.
        let words = text.as_bytes().split(|byte| matches!(byte, b'\t'..=b'\r' | b' '));
        return words.filter(|word| word.iter().any(u8::is_ascii_alphanumeric)).count();
    }
    let mut count = 0;
    let mut unspaced = 0_usize;
    for word in text.split_whitespace() {
        if word.is_ascii() {
            count += usize::from(word.bytes().any(|b| b.is_ascii_alphanumeric()));
            continue;
        }
        let mut spaced = false;
        for c in word.chars() {
            // From Hiragana on: Japanese, Chinese, Korean.
            if c.is_alphabetic() && c >= '\u{3040}' {
                unspaced += 1;
            } else if c.is_alphanumeric() {
                spaced = true;
            }
        }
        count += usize::from(spaced);
    }
    count + unspaced.div_ceil(2)
}

/// The beginning of `text`, at most `most` characters and without control characters, for use in a message.
pub(super) fn excerpt(text: &str, most: usize) -> String {
    let mut rest = text.chars();
    let cut: String = rest.by_ref().map(|c| if c.is_control() { ' ' } else { c }).take(most).collect();
    if rest.next().is_some() { format!("{}…", cut.trim_end()) } else { cut.trim_end().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_says_whether_something_is_left_out() {
        for (text, expected) in [
            ("abcd", "abcd"),
            ("abcde", "abcd…"),
            ("é\u{85}ü\u{9b}", "é ü"),
            ("é\u{85}ü\u{9b}x", "é ü…"),
            ("abc ", "abc"),
            ("", ""),
        ] {
            assert_eq!(excerpt(text, 4), expected, "{text:?}");
        }
    }

    #[test]
    fn list_markers_are_told_from_text() {
        let table = [
            ("- a", Some((0, "a"))),
            ("  * [ ] a b", Some((2, "a b"))),
            ("\t+ [x] a", Some((4, "a"))),
            ("12) a", Some((0, "a"))),
            ("-", Some((0, ""))),
            ("**bold**: a", None),
            ("1.5 hours", None),
            ("-1", None),
            ("---", None),
            ("1234567890. a", None),
            ("", None),
        ];
        for (line, expected) in table {
            assert_eq!(list_item(line).map(|item| (item.indent, item.text)), expected, "{line}");
        }
    }

    #[test]
    fn decoration_comes_off() {
        assert_eq!(plain("### **Type**: `Single` *run*"), "Type: Single run");
        assert_eq!(plain("> 1. [ ] __a__"), "a");
        assert_eq!(words("(The `EXECUTION_TASKs`: 3–4, **done**!)"), ["the", "execution_tasks", "3–4", "done"]);
        assert_eq!(word_count("- **two** words — 🎯"), 2);
        assert_eq!(word_count("目標を測定する"), 4);
    }

    #[test]
    fn an_excerpt_says_that_it_is_cut() {
        for (text, expected) in
            [("feeds", "feeds"), ("the feeds", "the f…"), ("the  feeds", "the…"), ("a\nb", "a b"), ("", "")]
        {
            assert_eq!(excerpt(text, 5), expected, "{text}");
        }
    }
}
