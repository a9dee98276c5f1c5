//! Paths that a text names.
//!
//! A word is a path where it has the form of one: parts joined by `/`, or the name of a text file. URLs, routes, patterns,
//! packages, MIME types and versions are none. Linear in the text.

use std::collections::BTreeSet;

use super::languages::is_file_name;
use super::listing::{file_name, folder};
use crate::markdown::lines;

/// A path in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// With `/`, without `./`, line numbers and a closing `/`.
    pub path: String,
    /// Whether it can only be a folder.
    pub folder: bool,
    /// 1-based line.
    pub line: usize,
    /// Where it begins on its line, bytes.
    pub column: usize,
    /// Whether it stands in backticks.
    pub code: bool,
    /// Whether it stands in a code fence.
    pub in_fence: bool,
}

/// The longest path that is looked at.
const LONGEST: usize = 300;

/// Every path that a text names, in order, repeats included.
pub fn mentions(text: &str) -> Vec<Mention> {
    let mut found = Vec::new();
    for line in lines(text).filter(|line| !line.in_comment) {
        let mut column = 0;
        for (index, piece) in line.text.split('`').enumerate() {
            for (at, word) in words(piece) {
                if let Some((path, folder)) = path_of(word) {
                    let (code, column) = (index % 2 == 1, column + at);
                    found.push(Mention { path, folder, line: line.number, column, code, in_fence: line.in_fence });
                }
            }
            column += piece.len() + 1;
        }
    }
    found
}

/// The folders that a text names, and those of the files that it names.
pub fn directories_of(mentions: &[Mention]) -> BTreeSet<String> {
    let mut directories = BTreeSet::new();
    for mention in mentions {
        let mut at = if mention.folder { mention.path.as_str() } else { folder(&mention.path) };
        while !at.is_empty() && directories.insert(at.to_owned()) {
            at = folder(at);
        }
    }
    directories
}

/// The words of a piece of a line, with their places.
fn words(piece: &str) -> impl Iterator<Item = (usize, &str)> {
    const EDGES: &[char] = &[
        '"', '\'', '(', ')', '[', ']', '<', '>', ',', ';', '|', '“', '”', '‘', '’', '→', '（', '）', '、', '，', '。',
    ];
    let start = piece.as_ptr() as usize;
    piece
        .split(|c: char| c.is_whitespace() || EDGES.contains(&c))
        .filter(|word| !word.is_empty())
        .map(move |word| (word.as_ptr() as usize - start, word))
}

/// The path that a word is, and whether that is a folder.
fn path_of(word: &str) -> Option<(String, bool)> {
    // Most words end here.
    if word.len() > LONGEST || !word.contains(['.', '/']) && !is_file_name(word) {
        return None;
    }
    let mut word = word.trim_matches(['*', '!', '?', '…', '`']).trim_end_matches(['.', ':', ',']);
    word = word.trim_start_matches("__").trim_end_matches("__");
    for cut in ["::", "#"] {
        word = word.split(cut).next()?;
    }
    // `file.rs:12`, `file.rs:12-20`, `file.rs:12:5`; what else has a colon is no path.
    if let Some((path, rest)) = word.split_once(':') {
        if !rest.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b':')) {
            return None;
        }
        word = path;
    }
    word = word.strip_prefix("./").unwrap_or(word);
    let (word, folder) = match word.trim_end_matches('/') {
        shorter if shorter.len() < word.len() => (shorter, true),
        same => (same, false),
    };
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '+');
    if word.is_empty() || !word.chars().all(allowed) || word.starts_with(['/', '-', '+']) {
        return None;
    }
    let mut parts = word.split('/');
    if parts.clone().any(|part| part.is_empty() || part.chars().all(|c| c == '.' || c == '-')) {
        return None;
    }
    let first = parts.next().unwrap_or_default();
    let has_more = parts.next().is_some();
    // A host, such as `example.com/index.html`; `.github/…` is none.
    if has_more && first.char_indices().any(|(at, c)| c == '.' && at > 0) {
        return None;
    }
    if !folder && is_file_name(file_name(word)) {
        return Some((word.to_owned(), false));
    }
    let last = file_name(word);
    let plain = !last.contains('.') || last.starts_with('.');
    ((folder || has_more) && plain && word.chars().any(char::is_alphabetic)).then(|| (word.to_owned(), true))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str) -> Vec<String> {
        mentions(text).into_iter().map(|m| if m.folder { m.path + "/" } else { m.path }).collect()
    }

    #[test]
    fn paths_are_found_as_people_write_them() {
        for (text, expected) in [
            ("Change `src/main.rs` and tests/a_test.py.", vec!["src/main.rs", "tests/a_test.py"]),
            ("- **`src/a.rs`**: new (see ./src/b.rs:12-20, src/c.rs#L3)", vec!["src/a.rs", "src/b.rs", "src/c.rs"]),
            ("`main.rs`, Makefile and `.gitignore`", vec!["main.rs", "Makefile", ".gitignore"]),
            ("the folder `src/report/` or src/cli", vec!["src/report/", "src/cli/"]),
            ("`src/a.rs::name` in .github/workflows/ci.yml", vec!["src/a.rs", ".github/workflows/ci.yml"]),
            ("| src/a.rs | new |", vec!["src/a.rs"]),
            ("`cargo test --test cli` and `pytest tests/x.py -k a`", vec!["tests/x.py"]),
            ("```\nsrc/a.rs\n```", vec!["src/a.rs"]),
            ("`src/über/größe.py`", vec!["src/über/größe.py"]),
        ] {
            assert_eq!(paths(text), expected, "{text}");
        }
        let found = &mentions("x\nsee `a/b.rs` (new)")[0];
        assert_eq!((found.line, found.column, found.code, found.in_fence), (2, 5, true, false));
    }

    #[test]
    fn other_words_are_no_paths() {
        for text in [
            "https://example.com/a/index.html and example.com/a.html",
            "`/api/users/list` `/etc/hosts`",
            "`src/**/*.rs` `src/{a,b}.rs` `$HOME/x.sh` `@types/node` `~/x.md`",
            "Node.js e.g. 1.2 v1.2.3 etc. 3.5/4.5",
            "`config.get()` `self.name` `a::b::c`",
            "../outside.rs",
            "-",
            "...",
            "<!-- src/hidden.rs -->",
        ] {
            assert_eq!(paths(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn folders_of_what_is_named() {
        let found = directories_of(&mentions("`a/b/c.rs` and `d/e/`"));
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["a", "a/b", "d", "d/e"]);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[a-z./:#`*é\\n _-]{0,80}") {
            for mention in mentions(&text) {
                proptest::prop_assert!(!mention.path.is_empty() && !mention.path.contains(".."));
            }
        }
    }
}
