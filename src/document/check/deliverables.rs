//! Tells which deliverables of the PLAN a document never mentions.
//!
//! Wording differs between a PLAN and a good document, so the comparison is by file name where the deliverable has
//! one, and otherwise by most of its words.

use std::collections::HashSet;

use crate::document::prose::plain;

/// The deliverables that `text` does not mention.
pub(in crate::document) fn missing<'a>(text: &str, deliverables: &'a [String]) -> Vec<&'a String> {
    let wanted: Vec<Wanted> = deliverables.iter().map(|deliverable| Wanted::of(deliverable)).collect();
    let mut open = Open::new(wanted.iter());
    open.tick_off(text);
    let open = open.tokens;
    let is_missing = |wanted: &Wanted| match wanted {
        Wanted::Names(names) => names.iter().any(|name| open.contains(name.as_str())),
        Wanted::Stems(stems) => {
            let found = stems.iter().filter(|stem| !open.contains(stem.as_str())).count();
            found * 2 <= stems.len() && !stems.is_empty()
        }
    };
    deliverables
        .iter()
        .zip(&wanted)
        .filter(|(_, wanted)| is_missing(wanted))
        .map(|(deliverable, _)| deliverable)
        .collect()
}

/// The words and names that are looked for and have not been found.
struct Open<'a> {
    tokens: HashSet<&'a str>,
    /// Whether any of them is a stem.
    stems: bool,
    /// The first bytes that the tokens begin with, a bit each; most words of a text begin otherwise.
    initials: [u64; 4],
}

impl<'a> Open<'a> {
    fn new(wanted: impl Iterator<Item = &'a Wanted>) -> Self {
        let mut open = Self { tokens: HashSet::new(), stems: false, initials: [0; 4] };
        for wanted in wanted {
            open.stems |= matches!(wanted, Wanted::Stems(_));
            open.tokens.extend(wanted.tokens());
        }
        for token in &open.tokens {
            if let Some(first) = token.bytes().next() {
                open.initials[usize::from(first >> 6)] |= 1 << (first & 63);
            }
        }
        open
    }

    /// Walks once over the text, which can be long, and allocates nothing for words that cannot be among the tokens.
    fn tick_off(&mut self, text: &str) {
        for piece in text.split(|c: char| !is_name_char(c)) {
            if self.tokens.is_empty() {
                return;
            }
            let name = piece.trim_matches(['-', '.']);
            if self.may_begin(name) {
                self.tokens.remove(name.to_lowercase().as_str());
            }
            if self.stems {
                for word in piece.split(|c: char| !c.is_alphanumeric()) {
                    let stem = if self.may_begin(word) { stems_of(word).next() } else { None };
                    if let Some(stem) = stem {
                        self.tokens.remove(stem.as_str());
                    }
                }
            }
        }
    }

    /// Whether a token can begin like this word, in lower case. Letters beyond ASCII are not judged.
    fn may_begin(&self, word: &str) -> bool {
        word.bytes().next().is_some_and(|first| {
            let first = first.to_ascii_lowercase();
            !first.is_ascii() || self.initials[usize::from(first >> 6)] & (1 << (first & 63)) != 0
        })
    }
}

/// What a text has to hold to mention a deliverable.
enum Wanted {
    /// Every one of these names.
    Names(Vec<String>),
    /// Most of these stems.
    Stems(Vec<String>),
}

impl Wanted {
    fn of(deliverable: &str) -> Self {
        let names = wanted_names(deliverable);
        if !names.is_empty() {
            return Self::Names(names);
        }
        let stems: Vec<String> = stems_of(&outside_parentheses(&plain(deliverable))).collect();
        // Where nothing stands outside of parentheses, what stands in them has to do.
        Self::Stems(if stems.is_empty() { stems_of(deliverable).collect() } else { stems })
    }

    fn tokens(&self) -> impl Iterator<Item = &str> {
        let (Self::Names(tokens) | Self::Stems(tokens)) = self;
        tokens.iter().map(String::as_str)
    }
}

/// The names of the files and identifiers that the deliverable itself is.
///
/// That is the first one, and more that are joined to it (`a.rs` and `b.rs`); what follows otherwise says where or how
/// (`a.rs` in `src/`). A name inside of parentheses counts only where they begin with it: `Guide (docs/guide.md)` is the
/// guide's file, `(following a.py)` an aside.
pub(super) fn wanted_names(deliverable: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut depth = 0_usize;
    let mut opening = false; // the last thing was an opening parenthesis
    let mut joined = true; // nothing but conjunctions since the last name
    for (index, piece) in deliverable.split('`').enumerate() {
        if index % 2 == 1 {
            let name = piece.split('(').next().map(str::trim).unwrap_or_default();
            if name.ends_with('/') || name.contains(char::is_whitespace) {
                joined = false;
            } else if let Some(name) = last_component(name).filter(|_| joined && (depth == 0 || opening)) {
                names.push(name);
            }
            opening = false;
            continue;
        }
        for word in piece.split_whitespace() {
            let outside = depth == 0;
            for c in word.chars() {
                opening = c == '(';
                match c {
                    '(' => depth += 1,
                    ')' => depth = depth.saturating_sub(1),
                    _ => {}
                }
            }
            let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
            match last_component(bare).filter(|name| is_file_name(name)) {
                Some(name) if joined && (outside || word.starts_with('(')) => names.push(name),
                Some(_) => joined = false,
                None => {
                    let joins = bare.is_empty() || matches!(bare, "and" | "or" | "plus");
                    joined = names.is_empty() || (joined && joins);
                }
            }
        }
    }
    names
}

/// The file or identifier at the end of a path, in lower case.
fn last_component(path: &str) -> Option<String> {
    let end = path.find(|c: char| !(is_name_char(c) || matches!(c, '/' | '\\'))).unwrap_or(path.len());
    let name = path[..end].rsplit(['/', '\\']).next()?.trim_matches(['-', '.']);
    (name.len() > 1).then(|| name.to_lowercase())
}

fn is_name_char(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.')
}

fn outside_parentheses(text: &str) -> String {
    let mut depth = 0_usize;
    text.chars()
        .filter(|c| {
            match c {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => return depth == 0,
            }
            false
        })
        .collect()
}

/// `main.rs`, `notes.tar.gz`; not `1.2`, `e.g`, `3.5.1`.
fn is_file_name(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(stem, extension)| {
        let extension_like =
            (1..=10).contains(&extension.len()) && extension.bytes().all(|b| b.is_ascii_alphanumeric());
        stem.len() > 1 && extension_like && extension.bytes().any(|b| b.is_ascii_alphabetic())
    })
}

/// The stems of the words that carry meaning.
fn stems_of(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric())
        .map(str::to_lowercase)
        .filter(|word| is_significant(word))
        .map(|word| stem(&word))
}

fn is_significant(word: &str) -> bool {
    const STOP_WORDS: &[&str] = &[
        "the", "and", "for", "with", "from", "into", "that", "this", "all", "any", "are", "its", "per", "via", "each",
        "new", "one", "two", "three", "more", "other", "than", "least", "used", "using", "use", "lines", "line", "not",
        "can", "will", "has", "have",
    ];
    word.chars().count() > 2 && !word.bytes().all(|b| b.is_ascii_digit()) && !STOP_WORDS.contains(&word)
}

/// Takes the commonest English endings off, so that `validated` and `validation` meet.
fn stem(word: &str) -> String {
    for ending in [
        "ations", "ation", "ating", "ions", "ion", "ings", "ing", "ated", "ates", "ate", "ies", "ed", "es", "s", "y",
        "e",
    ] {
        if let Some(stem) = word.strip_suffix(ending).filter(|stem| stem.chars().count() >= 4) {
            return stem.to_owned();
        }
    }
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_missing(text: &str, deliverable: &str) -> bool {
        !missing(text, &[deliverable.to_owned()]).is_empty()
    }

    #[test]
    fn a_file_is_mentioned_by_its_name() {
        let text =
            "It writes `src/import/feeds.rs`, tests/feeds_test.rs and the guide.md's index. Call `load_feed(path)`.";
        for present in [
            "`src/import/feeds.rs`",
            "`feeds.rs` in `src/other/`",
            "Feeds (`lib/feeds.rs`, ~200 lines)",
            "FEEDS.RS",
            "`feeds.rs` and `feeds_test.rs`",
            "guide.md",
            "`load_feed(path, name)` that works",
            "Index of feeds (following `absent.py`)",
            "Guide for `writing feeds`, with an index",
            "`feeds.rs` as described by `absent.rs`",
        ] {
            assert!(!is_missing(text, present), "{present}");
        }
        for absent in [
            "`src/import/feed.rs`",
            "`feeds.rs` and `store.rs`",
            "Guide (`docs/other.md`)",
            "`save_feed(path)` working",
        ] {
            assert!(is_missing(text, absent), "{absent}");
        }
    }

    #[test]
    fn other_deliverables_are_mentioned_by_most_of_their_words() {
        let text = "We validate the schema, document every error message and draw a diagram.";
        for present in [
            "Schema validation",
            "Error messages documentation",
            "**Diagram** (with 3 examples)",
            "Schema diagram, error budget, migration",
            "10+",
            "",
        ] {
            assert!(!is_missing(text, present), "{present}");
        }
        for absent in
            ["Migration guide", "Benchmark report of the importer", "Schema migration tooling", "Schema migration"]
        {
            assert!(is_missing(text, absent), "{absent}");
        }
        // The Kelvin sign is no ASCII, its lower case is.
        assert!(!is_missing("\u{212a}elvin scale", "Kelvin scale"));
    }

    #[test]
    fn a_deliverable_is_the_names_that_it_begins_with() {
        let table: [(&str, &[&str]); 14] = [
            ("feeds.rs and src/store.rs, plus `load_feed()`", &["feeds.rs", "store.rs", "load_feed"]),
            ("`a1.rs` or `b1.rs`", &["a1.rs", "b1.rs"]),
            ("feeds.rs in store.rs", &["feeds.rs"]),
            ("`feeds.rs` in `src/` and `b1.rs`", &["feeds.rs"]),
            ("`src/` with `b1.rs`", &["b1.rs"]),
            ("Guide (docs/guide.md)", &["guide.md"]),
            ("Guide (`docs/guide.md`)", &["guide.md"]),
            ("Guide (see `docs/guide.md`)", &[]),
            ("Guide (following other.md)", &[]),
            ("Guide (short) guide.md", &["guide.md"]),
            ("Guide (short) `guide.md`", &["guide.md"]),
            ("Guide (`guide.md` `other.md`)", &["guide.md"]),
            ("`a`", &[]),
            ("`two words`", &[]),
        ];
        for (deliverable, names) in table {
            assert_eq!(wanted_names(deliverable), names, "{deliverable}");
        }
        assert_eq!(outside_parentheses("Diagram (old (and) new) of tables"), "Diagram  of tables");
    }

    #[test]
    fn file_names_and_words_with_meaning() {
        for name in ["main.rs", "ab.c", "notes.tar.gz", "ab.h5", "ab.abcdefghij"] {
            assert!(is_file_name(name), "{name}");
        }
        for name in ["e.g", "1.2", "3.5.1", "10.20", "ab.", "ab.c-d", "ab.abcdefghijk", "main"] {
            assert!(!is_file_name(name), "{name}");
        }
        for (word, significant) in [("map", true), ("of", false), ("100", false), ("h26", true), ("with", false)] {
            assert_eq!(is_significant(word), significant, "{word}");
        }
    }

    #[test]
    fn all_missing_ones_are_named() {
        let deliverables = ["`a1.rs`", "`b1.rs`", "`c1.rs`"].map(str::to_owned);
        assert_eq!(missing("only b1.rs", &deliverables), ["`a1.rs`", "`c1.rs`"]);
        assert_eq!(missing("", &[]), Vec::<&String>::new());
    }
}
