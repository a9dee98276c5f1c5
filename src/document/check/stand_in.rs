//! Text that stands where something is still to be written: `TBD`, `TODO: write this`, `[Describe the approach here]`.
//!
//! It works on single lines and on the bodies of sections. What a text is held against, and what is content because the
//! PLAN says it too, is the caller's to know.

use std::ops::Range;

use crate::{
    document::prose::{list_item, words},
    markdown::lines,
};

use super::placeholder::without_code;

/// Bodies and list items that say that something is missing, in lower case.
const STAND_INS: &[&str] = &[
    "todo",
    "tba",
    "tbd",
    "to be added",
    "to be announced",
    "to be completed",
    "to be decided",
    "to be defined",
    "to be determined",
    "to be done",
    "to be filled",
    "to be filled in",
    "to be provided",
    "to be specified",
    "to be written",
];

/// What a note for later begins with. In lower case they are words like others (`a todo list`).
const NOTES: &[&str] = &["TODO", "TBD", "FIXME"];

/// What a request in brackets begins with, in lower case; `[list …]` or `[enter …]` can be a synopsis or a key.
const REQUESTS: &[&str] =
    &["describe", "explain", "specify", "provide", "summarize", "summarise", "elaborate", "outline", "insert", "fill"];

/// What nobody has decided yet ends so, in lower case.
const UNDECIDED: &[&str] =
    &["tbd", "tba", "to be determined", "to be decided", "to be defined", "to be specified", "to be announced"];

/// The most words in the brackets around a request; what is longer is text.
const MOST_WORDS: usize = 12;

/// No group in brackets is longer, in bytes.
const LONGEST_GROUP: usize = 160;

/// True where the text, without list marker and punctuation, only says that something is missing.
pub(super) fn is_stand_in(text: &str) -> bool {
    // No stand-in is longer, so there is no need to look at a long line.
    if text.len() > 60 {
        return false;
    }
    let text = list_item(text).map_or(text, |item| item.text);
    // All of them begin with a t.
    if !text.trim_start_matches(|c: char| !c.is_alphanumeric()).starts_with(['t', 'T']) {
        return false;
    }
    STAND_INS.contains(&words(text).join(" ").as_str())
}

/// The parts of a line that ask for something to be written, with code left out: notes (`TODO: …`) at the beginning of
/// the line or of a sentence, requests in brackets, and an ellipsis in brackets that stands alone.
pub(super) fn requests(line: &str) -> Vec<Range<usize>> {
    let bytes = line.as_bytes();
    let noted = memchr::memchr_iter(b':', bytes).any(|at| note_before(line, at).is_some());
    if !noted && memchr::memchr3(b'[', b'<', b'(', bytes).is_none() {
        return Vec::new();
    }
    let prose = without_code(line);
    let notes = memchr::memchr_iter(b':', prose.as_bytes()).filter_map(|colon| {
        let start = note_before(&prose, colon)?;
        (begins_sentence(&prose[..start]) && ends_word(&prose[colon + 1..])).then_some(start..colon + 1)
    });
    let mut found: Vec<Range<usize>> = notes.collect();
    found.extend(groups(&prose).into_iter().filter(|group| asks(&prose[group.clone()])));
    let bare = bare(&prose);
    if matches!(bare, "[...]" | "[…]") {
        found.extend(prose.find(bare).map(|at| at..at + bare.len()));
    }
    found.sort_by_key(|range| range.start);
    found
}

/// Where a section holds nothing but placeholders, the first of them. Headings within it are no content.
pub(super) fn only_placeholders(body: &str) -> Option<&str> {
    /// Lines of one paragraph that are looked at as one text: a request in brackets may be wrapped.
    const MOST_JOINED: usize = 6;
    let mut first = None;
    let (mut each, mut count, mut joined) = (true, 0_usize, String::new());
    for line in lines(body) {
        let text = line.text.trim();
        let rule = text.bytes().all(|b| matches!(b, b'-' | b'*' | b'_'));
        if !line.in_fence && (rule || line.in_comment || line.heading().is_some()) {
            continue;
        }
        first = first.or(Some(text));
        count += 1;
        each &= !line.in_fence && is_placeholder_alone(text);
        if line.in_fence || (!each && count > MOST_JOINED) {
            return None;
        }
        if count <= MOST_JOINED {
            joined.push_str(if joined.is_empty() { "" } else { " " });
            joined.push_str(text);
        }
    }
    first.filter(|_| each || (count <= MOST_JOINED && is_placeholder_alone(&joined)))
}

/// Whether a text is one placeholder and nothing else. Here, where nothing stands beside it, words in brackets need not
/// ask for anything: `[Objective]`.
fn is_placeholder_alone(text: &str) -> bool {
    let text = bare(text);
    if text.len() > 4 * LONGEST_GROUP {
        return false;
    }
    let has_letters = |inner: &str| inner.chars().filter(|c| c.is_alphabetic()).count() > 1;
    let inside = |open: &str, close: &str| {
        let inner = text.strip_prefix(open)?.strip_suffix(close)?;
        (!inner.contains([open.chars().next()?, close.chars().next()?])).then_some(inner)
    };
    let lower = text.to_lowercase();
    is_stand_in(text)
        || lower.starts_with("lorem ipsum")
        || matches!(text, "..." | "…" | "[...]" | "[…]")
        || requests(text)
            .first()
            .is_some_and(|first| first.start == 0 && NOTES.iter().any(|note| text.starts_with(note)))
        || inside("{{", "}}").or_else(|| inside("{", "}")).is_some_and(has_letters)
        || inside("[", "]")
            .is_some_and(|inner| has_letters(inner) && !inner.starts_with('^') && !lower.starts_with("[see "))
        || inside("<", ">").is_some_and(|inner| has_letters(inner) && !inner.contains([':', '/', '@', '=', '!']))
        || inside("(", ")").is_some_and(|inner| has_letters(inner) && asks(text))
}

/// Without what may stand around the text of a line: quote marks, a list marker, emphasis.
fn bare(text: &str) -> &str {
    let text = text.trim_start_matches(['>', ' ', '\t']);
    let text = list_item(text).map_or(text, |item| item.text);
    let text = text.trim_matches(['*', '_', ' ', '\t']);
    let shorter = text.strip_suffix('.').filter(|text| text.ends_with([']', ')', '}', '>']));
    shorter.unwrap_or(text)
}

/// Where the note begins that ends right before the colon at `colon`: `TODO:`, `**TODO**:`, `TODO(ana):`.
fn note_before(text: &str, colon: usize) -> Option<usize> {
    let mut before = text[..colon].trim_end_matches(['*', '_']);
    if let Some(inside) = before.strip_suffix(')') {
        // Whose note it is; a name is short.
        let length = inside.bytes().rev().take(40).position(|b| b == b'(')?;
        before = &inside[..inside.len() - length - 1];
    }
    let note = NOTES.iter().find(|note| before.ends_with(*note))?;
    let start = before.len() - note.len();
    // `_TODO_:` and `**TODO:**` are emphasised, `_TODO:` and `MY_TODO_:` are names.
    let marks = text[..start].len() - text[..start].trim_end_matches('_').len();
    let closed =
        text[start + note.len()..].trim_start_matches('*').starts_with('_') || text[colon + 1..].starts_with('_');
    let word = text[..start - marks].ends_with(char::is_alphanumeric);
    (!word && (marks == 0 || closed)).then_some(start)
}

/// Whether a sentence begins behind this text: nothing but a list marker stands there, or a sentence ends.
fn begins_sentence(before: &str) -> bool {
    let before = before.trim_end_matches([' ', '\t', '*', '_']);
    // What is longer is no marker.
    let marker = if before.len() > 60 { before } else { before.trim_start_matches([' ', '\t', '>']) };
    let is_marker = || marker.len() < 20 && list_item(&format!("{marker} x")).is_some_and(|item| item.text == "x");
    marker.is_empty() || is_marker() || before.ends_with(['.', '!', '?', ':', ';', '—', '–', '|', '('])
}

/// Whether a colon before this text ends a word, as it does not in `TODO::new`.
fn ends_word(behind: &str) -> bool {
    behind.trim_start_matches(['*', '_']).chars().next().is_none_or(char::is_whitespace)
}

/// The groups in brackets, parentheses and angle brackets, the marks included; links and footnotes are none.
fn groups(prose: &str) -> Vec<Range<usize>> {
    let bytes = prose.as_bytes();
    memchr::memchr3_iter(b'[', b'<', b'(', bytes)
        .filter_map(|start| {
            let close = match bytes[start] {
                b'[' => b']',
                b'<' => b'>',
                _ => b')',
            };
            let length =
                bytes[start + 1..].iter().take(LONGEST_GROUP).position(|b| *b == close || *b == bytes[start])?;
            let end = start + 1 + length + 1;
            let linked = close == b']'
                && (prose[..start].ends_with(|c: char| c.is_alphanumeric() || matches!(c, ']' | '!'))
                    || prose[end..].starts_with(['(', '[', ':']));
            (bytes[end - 1] == close && !linked).then_some(start..end)
        })
        .collect()
}

/// Whether a group asks for something to be written, or says that it is not decided.
fn asks(group: &str) -> bool {
    let words = words(group);
    if words.len() > MOST_WORDS {
        return false;
    }
    let text = words.join(" ");
    let ends = |with: &str| text.strip_suffix(with).is_some_and(|before| before.is_empty() || before.ends_with(' '));
    if UNDECIDED.iter().any(|undecided| ends(undecided)) {
        return true;
    }
    let is_request = words.len() > 1 && words.first().is_some_and(|first| REQUESTS.contains(&first.as_str()));
    !group.starts_with('(') && (is_request || text.starts_with("to be ") || (words.len() > 1 && ends("here")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requested(line: &str) -> Vec<&str> {
        requests(line).into_iter().map(|range| &line[range]).collect()
    }

    #[test]
    fn a_long_line_is_no_stand_in() {
        assert!(is_stand_in(&format!("TBD{}", ".".repeat(57))));
        assert!(!is_stand_in(&format!("TBD{}", ".".repeat(58))));
    }

    #[test]
    fn what_is_still_to_be_written_is_found_in_text() {
        for (line, expected) in [
            ("TODO: write this.", "TODO:"),
            ("So that work can begin. TODO: write this.", "TODO:"),
            ("- [ ] TODO: write this", "TODO:"),
            ("1. **TODO**: write this", "TODO**:"),
            ("> FIXME: it is wrong", "FIXME:"),
            ("**Owner**: TBD: decide later.", "TBD:"),
            ("TBD: decide later.", "TBD:"),
            ("TODO(ana): more", "TODO(ana):"),
            ("_TODO_: write this", "TODO_:"),
            ("- __TODO__: write this", "TODO__:"),
            ("It begins. _TODO:_ write this", "TODO:"),
            ("***TODO***: write this", "TODO***:"),
            ("**_TODO_**: write this", "TODO_**:"),
            ("It ends (TODO: how?).", "TODO:"),
            ("TODO:", "TODO:"),
            ("| Step | TODO: name it |", "TODO:"),
            ("[Describe the approach here]", "[Describe the approach here]"),
            ("The steps are [describe the steps] in order.", "[describe the steps]"),
            ("[Your text here]", "[Your text here]"),
            ("[Details go here].", "[Details go here]"),
            ("[TO BE COMPLETED]", "[TO BE COMPLETED]"),
            ("<describe the steps>", "<describe the steps>"),
            ("- [...]", "[...]"),
            ("  […]", "[…]"),
            ("(details to be determined)", "(details to be determined)"),
            ("Run it (schedule TBD).", "(schedule TBD)"),
        ] {
            assert_eq!(requested(line), [expected], "{line}");
        }
    }

    #[test]
    fn requests_and_markers_of_lists_are_short() {
        let request = |words: usize| format!("[describe{}]", " it".repeat(words - 1));
        let quoted = |marks: usize| format!("{} TODO: x", ">".repeat(marks));
        let item = |length: usize| format!("-{}[ ] TODO: x", " ".repeat(length - 4));
        for (shortest, longer) in [(request(12), request(13)), (quoted(60), quoted(61)), (item(19), item(20))] {
            assert_eq!((requested(&shortest).len(), requested(&longer)), (1, vec![]), "{shortest}");
        }
        let alone = |length: usize| format!("[{}]", "a".repeat(length - 2));
        assert!(only_placeholders(&alone(640)).is_some() && only_placeholders(&alone(641)).is_none());
    }

    #[test]
    fn text_about_notes_and_text_in_brackets_is_text() {
        for line in [
            "The linter lists TODO comments and FIXME: lines with their place.",
            "It shows lines such as TODO: x, and `TODO: y`.",
            "`TODO: write this` is what it looks for.",
            "\"TODO: x\" is a note.",
            "The todo list has a title: groceries.",
            "Todo: the list of the user.",
            "TODOs are counted: all of them.",
            "A TODO is a note.",
            "TODO::parse is a function.",
            "METODO: a word of another language.",
            "_TODO: the name of a constant.",
            "MY_TODO_: the name of a constant.",
            "a_TODO_: another.",
            "Press [Fill] and then [Describe].",
            "It is [here] that a feed is read.",
            "- [x] Describe the API here",
            "- [ ] Provide the fixture here",
            "[Describe the API](docs/api.md) says how.",
            "See [describe the API][api] and [^1].",
            "[describe the api]: docs/api.md",
            "list[describe here]",
            "Press [Add feed] or [Enter].",
            "usage: tool [list options] <file>",
            "He wrote that [...] it is done.",
            "files (to be created by the importer)",
            "(as described here)",
            "(`TBD` is what stands there)",
            "a < b and c > here",
            "an open [ bracket",
            "",
        ] {
            assert_eq!(requested(line), [""; 0], "{line}");
        }
        for piece in ["[", "(", "<", "TODO: ", "TODO(", "a:", "[a] ", "((TODO):"] {
            requests(&piece.repeat(20_000 / piece.len()));
        }
    }

    #[test]
    fn a_section_can_hold_nothing_but_placeholders() {
        for body in [
            "TBD",
            "\n- TODO.\n- TBD\n",
            "[TODO]",
            "[placeholder]",
            "**[TO BE COMPLETED]**",
            "[Your text here].",
            "{{objective}}",
            "{objective}",
            "<insert here>",
            "<objective>",
            "[Describe the objective here]",
            "[Describe the\nobjective here, and\nwhy]",
            "[Describe\nthe\nobjective\nhere\nand\nwhy]",
            "Lorem ipsum dolor sit amet, consectetur.",
            "[Fill in during execution]",
            "_[Objective]_",
            "### Phase 1\n\nTBD\n\n### Phase 2\n\n[Steps]\n\n---",
            "(details to be determined)",
            "TODO: write this.",
            "...",
            "- [a thing]\n- [b thing]\n- [c thing]\n- [d thing]\n- [e thing]\n- [f thing]\n- [g thing]\n- [h thing]",
        ] {
            assert!(only_placeholders(body).is_some(), "{body}");
        }
        for body in [
            "",
            "### Phase 1",
            "None yet",
            "Reach it.",
            "TBD\n\nBut the reader is written.",
            "[x]",
            "- [ ] Tests pass\n- [x] Reader written",
            "- [ ]",
            "[The objective](plan.md)",
            "[a] and [b]",
            "[Describe the errors here], as the PLAN has it.",
            "[Describe\nthe\nobjective\nhere\nand\nalso\nwhy]",
            "[^1]",
            "[See the PLAN]",
            "<https://example.org>",
            "<!-- comment -->",
            "(none yet)",
            "TODO comments are listed.",
            "**Phase**: [Phase Number]\n\n- [List what was done]",
            "```\nTBD\n```",
            "- [a thing]\n- [b thing]\n- [c thing]\n- [d thing]\n- [e thing]\n- [f thing]\n- [g thing]\n- done",
            "- done\n- [b thing]\n- [c thing]\n- [d thing]\n- [e thing]\n- [f thing]\n- [g thing]\n- [h thing]",
        ] {
            assert_eq!(only_placeholders(body), None, "{body}");
        }
    }
}
