//! The files and resources that a text says will be written.
//!
//! A mention is not a claim: in "`tests/test_api.py`: tests of `src/api.py`" only the first is written. So of a deliverable
//! only what stands at its beginning counts, and of prose only lines that begin with a verb of writing.

use crate::markdown;

/// Something that is there once, and that one achievement writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Claim<'a> {
    /// A file, as the text names it, without a leading `./`.
    File(&'a str),
    /// A kind of resource and its name, such as the table `orders`.
    Resource(&'static str, &'a str),
}

/// Whether only mentions come after this word. (A `match` on words compares lengths first; this is asked of every word.)
fn is_aside(word: &str) -> bool {
    matches!(
        word,
        "for"
            | "of"
            | "with"
            | "following"
            | "based"
            | "see"
            | "like"
            | "using"
            | "from"
            | "against"
            | "that"
            | "which"
            | "as"
    )
}

/// Verbs of writing, in lower case.
const VERBS: &[&str] = &[
    "add",
    "alter",
    "change",
    "create",
    "delete",
    "drop",
    "edit",
    "extend",
    "implement",
    "migrate",
    "modify",
    "move",
    "refactor",
    "remove",
    "rename",
    "replace",
    "rewrite",
    "update",
    "write",
];

/// Resources that are there once.
const KINDS: &[&str] =
    &["bucket", "collection", "database", "fixture", "queue", "schema", "stream", "table", "topic", "volume"];

/// Whether a file extension makes a word without backticks a file.
fn is_extension(text: &str) -> bool {
    matches!(
        text,
        "c" | "cfg"
            | "cpp"
            | "cs"
            | "css"
            | "csv"
            | "go"
            | "h"
            | "html"
            | "ini"
            | "java"
            | "js"
            | "json"
            | "jsonl"
            | "kt"
            | "md"
            | "proto"
            | "py"
            | "rb"
            | "rs"
            | "sh"
            | "sql"
            | "svg"
            | "toml"
            | "ts"
            | "tsx"
            | "txt"
            | "xml"
            | "yaml"
            | "yml"
    )
}

/// Names that every folder may have one of.
const EVERYWHERE: &[&str] = &["__init__.py", "mod.rs", "index.js", "index.ts", "index.html", "README.md"];

/// Hands over what a deliverable claims.
pub(super) fn of_deliverable<'a>(text: &'a str, take: &mut impl FnMut(Claim<'a>)) {
    text.lines().for_each(|line| of_line(line, take));
}

/// Hands over what the lines of prose claim that begin with a verb of writing.
pub(super) fn of_prose<'a>(text: &'a str, take: &mut impl FnMut(Claim<'a>)) {
    let lines = markdown::lines(text).filter(|line| !line.in_fence && writes(line.text));
    lines.for_each(|line| of_line(line.text, take));
}

fn writes(line: &str) -> bool {
    // A file has to be named, so most lines need no second look.
    if !line.bytes().any(|byte| matches!(byte, b'`' | b'.' | b'/')) {
        return false;
    }
    let line = line.trim_start_matches(|c: char| !c.is_alphabetic());
    let end = line.find(|c: char| !c.is_alphabetic()).unwrap_or(line.len());
    VERBS.iter().any(|verb| verb.eq_ignore_ascii_case(&line[..end]))
}

/// What the first part of the line claims that claims anything. Parts end at a colon, a dash or an opening parenthesis; what
/// follows an aside is not looked at.
fn of_line<'a>(line: &'a str, take: &mut impl FnMut(Claim<'a>)) {
    let mut take = |claim| {
        take(claim);
        true
    };
    let mut any = false;
    let mut last = "";
    let mut pieces = line.split('`').peekable();
    let mut quoted = false;
    while let Some(piece) = pieces.next() {
        if quoted {
            let after = pieces.peek().and_then(|next| next.split_whitespace().next()).unwrap_or_default();
            match kind(last).or_else(|| kind(after)) {
                Some(kind) if !piece.is_empty() && !piece.contains(char::is_whitespace) => {
                    any |= take(Claim::Resource(kind, piece));
                }
                Some(_) => {}
                None => any |= file(piece, true).is_some_and(&mut take),
            }
            last = "";
        } else {
            for word in piece.split_whitespace() {
                let opens = word.starts_with('(') || matches!(word, "-" | "–" | "—");
                if (opens && any) || is_aside(word) {
                    return;
                }
                if last.eq_ignore_ascii_case("port") {
                    let number = word.trim_matches(|c: char| !c.is_alphanumeric());
                    if (2..=5).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit()) {
                        any |= take(Claim::Resource("port", number));
                    }
                }
                if word.contains('.') {
                    let path = word.trim_matches(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '/' | '_')));
                    any |= file(path.trim_end_matches(['.', '/']), false).is_some_and(&mut take);
                }
                if word.ends_with(':') && any {
                    return;
                }
                last = word;
            }
        }
        quoted = !quoted;
    }
}

fn kind(word: &str) -> Option<&'static str> {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric());
    KINDS.iter().find(|kind| kind.eq_ignore_ascii_case(word)).copied()
}

/// The file that a word names. In backticks a path needs no extension that is known.
fn file(word: &str, quoted: bool) -> Option<Claim<'_>> {
    let mut path = word.trim();
    while let Some(rest) = path.strip_prefix("./") {
        path = rest;
    }
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+' | '@');
    if path.is_empty() || path.ends_with(['/', '.']) || path.starts_with('/') || !path.chars().all(plain) {
        return None;
    }
    let name = path.rsplit('/').next()?;
    let (stem, extension) = name.rsplit_once('.')?;
    let known = is_extension(extension);
    let extension_like = (1..=10).contains(&extension.len()) && extension.bytes().all(|b| b.is_ascii_lowercase());
    let titled = stem.chars().next().is_some_and(char::is_uppercase) && stem.chars().any(char::is_lowercase);
    let is_file =
        if quoted { known || (path.contains('/') && extension_like) } else { known && (path.contains('/') || !titled) };
    (is_file && !stem.is_empty() && !EVERYWHERE.contains(&path)).then_some(Claim::File(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words<'a>(text: &'a str, of: fn(&'a str, &mut dyn FnMut(Claim<'a>))) -> Vec<String> {
        let mut words = Vec::new();
        of(text, &mut |claim| {
            words.push(match claim {
                Claim::File(path) => path.to_owned(),
                Claim::Resource(kind, name) => format!("{kind} {name}"),
            });
        });
        words
    }

    #[test]
    fn a_deliverable_is_what_stands_at_its_beginning() {
        let table: &[(&str, &[&str])] = &[
            ("`src/api.rs`: the API of `src/core.rs`", &["src/api.rs"]),
            ("`a.py` and `b.py`", &["a.py", "b.py"]),
            ("Guide (docs/guide.md)", &["docs/guide.md"]),
            ("Module: ./src/x.rs", &["src/x.rs"]),
            ("Tests of `src/api.rs`", &[]),
            ("tests/test_x.py following tests/test_y.py", &["tests/test_x.py"]),
            ("A page in Node.js, e.g. 3.5.1", &[]),
            ("`MessageArchive` with `append`", &[]),
            ("The `orders` table", &["table orders"]),
            ("Report of table `orders`", &[]),
            ("A server on port 8080.", &["port 8080"]),
            ("`src/`", &[]),
            ("`README.md` and `__init__.py`", &[]),
            ("`docs/README.md`", &["docs/README.md"]),
            ("`SUBPLAN_<NAME>.md`, `*.rs`", &[]),
            ("Files:\n- `a.rs`\n- `b.rs`", &["a.rs", "b.rs"]),
            ("", &[]),
        ];
        for (text, expected) in table {
            assert_eq!(words(text, |text, mut take| of_deliverable(text, &mut take)), *expected, "{text}");
        }
    }

    #[test]
    fn of_prose_only_lines_that_write_count() {
        let text = "See `src/a.rs`.\n- Update `src/b.rs`\n**Create** `src/c.rs` from `src/d.rs`\n```\ncreate x.rs\n```\nUpdate things.";
        assert_eq!(words(text, |text, mut take| of_prose(text, &mut take)), ["src/b.rs", "src/c.rs"]);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_survived(text in "[a-z`/.:( )é-]{0,60}|\\PC{0,40}") {
            of_deliverable(&text, &mut |_| {});
            of_prose(&text, &mut |_| {});
        }
    }
}
