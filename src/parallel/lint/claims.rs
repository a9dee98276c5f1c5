//! The files and resources that a text says will be written.
//!
//! A mention is not a claim: in "`tests/test_api.py`: tests of `src/api.py`" only the first is written. So of a deliverable
//! only what stands at its beginning counts; of prose only sentences that begin with a verb of change ("Updates …", "We then
//! create …", after a label such as "Approach:" too), and what is listed under a label such as "Files to modify".

use crate::{markdown, parallel::Touches};

/// Something that is there once, and that one achievement writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::parallel) enum Claim<'a> {
    /// A file, as the text names it, without a leading `./`.
    File(&'a str),
    /// A kind of resource and its name, such as the table `orders`.
    Resource(&'static str, &'a str),
}

impl Claim<'_> {
    /// It, as parallel.json says it of an achievement.
    pub(in crate::parallel) fn touches(self) -> Touches {
        match self {
            Self::File(path) => Touches { files: vec![path.to_owned()], resources: Vec::new() },
            Self::Resource(kind, name) => Touches { files: Vec::new(), resources: vec![format!("{kind} {name}")] },
        }
    }
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

/// Verbs of change, in lower case.
const VERBS: &[&str] = &[
    "add",
    "adjust",
    "alter",
    "append",
    "change",
    "create",
    "delete",
    "drop",
    "edit",
    "extend",
    "generate",
    "implement",
    "insert",
    "introduce",
    "migrate",
    "modify",
    "move",
    "patch",
    "refactor",
    "remove",
    "rename",
    "replace",
    "rewrite",
    "rework",
    "update",
    "write",
];

/// What may stand before the verb of a sentence.
const BEFORE_VERBS: &[&str] = &[
    "achievement",
    "also",
    "and",
    "finally",
    "first",
    "it",
    "lastly",
    "must",
    "next",
    "now",
    "or",
    "second",
    "should",
    "step",
    "subplan",
    "task",
    "then",
    "third",
    "this",
    "to",
    "we",
    "will",
    "you",
];

/// After these, "updates" and the like are nouns: "Updates to `a.py` are reviewed".
const AFTER_NOUNS: &[&str] = &["are", "for", "from", "in", "is", "made", "of", "that", "to", "were", "which"];

/// Words of a label beside "files" under which files are listed that are written.
const OF_WRITTEN_FILES: &[&str] = &[
    "add", "added", "and", "be", "change", "changed", "create", "created", "delete", "edit", "edited", "modified",
    "modify", "new", "or", "output", "remove", "removed", "the", "to", "touch", "touched", "update", "updated",
    "write", "written",
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
pub(in crate::parallel) fn of_deliverable<'a>(text: &'a str, take: &mut impl FnMut(Claim<'a>)) {
    text.lines().for_each(|line| of_line(line, take));
}

/// Hands over what the sentences of prose claim that begin with a verb of change, and the lists of files that are written.
pub(in crate::parallel) fn of_prose<'a>(text: &'a str, take: &mut impl FnMut(Claim<'a>)) {
    // How far the label of the list that is being read is indented.
    let mut list: Option<usize> = None;
    for line in markdown::lines(text).filter(|line| !line.in_fence) {
        let bare = line.text.trim_start();
        if bare.is_empty() {
            continue;
        }
        let indent = line.text.len() - bare.len();
        let item = item(bare);
        if let Some(label) = list {
            // Its items are indented as far as the label, or further where the label is an item itself.
            if item.is_some() && indent >= label && label_of(bare).is_none() {
                of_line(bare, take);
                continue;
            }
            list = None;
        }
        // Most lines need no second look: a file has to be named, or a label to stand there.
        if !bare.bytes().any(|byte| matches!(byte, b'`' | b'.' | b'/' | b':')) {
            continue;
        }
        let rest = match label_of(bare) {
            Some((label, rest)) if is_of_written_files(label) => {
                if rest.is_empty() {
                    list = Some(if item.is_some() { indent + 1 } else { indent });
                } else {
                    of_line(rest, take);
                }
                continue;
            }
            Some((_, rest)) => rest,
            None => bare,
        };
        for sentence in sentences(rest).filter(|sentence| writes(sentence)) {
            of_line(sentence, take);
        }
    }
}

/// What stands behind the marker of a list's item.
fn item(line: &str) -> Option<&str> {
    let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let rest = match number.len() < line.len() {
        true => number.strip_prefix(['.', ')']),
        false => line.strip_prefix(['-', '*', '+']),
    };
    rest.filter(|rest| rest.starts_with(' ')).map(str::trim_start)
}

/// A few words and a colon at the beginning of a line, as in `- **Files to modify**: a, b`, and what follows.
fn label_of(line: &str) -> Option<(&str, &str)> {
    let line = item(line).unwrap_or(line).trim_start_matches(['*', '_', '#', ' ']);
    let (label, rest) = line.split_once(':')?;
    let label = label.trim_end_matches(['*', '_', ' ']);
    let plain = |c: char| c.is_alphabetic() || matches!(c, ' ' | '/' | '-' | '&' | '(' | ')');
    let is_label = !label.is_empty() && label.len() <= 40 && label.chars().all(plain) && !rest.starts_with(['/', ':']);
    is_label.then(|| (label, rest.trim_start_matches(['*', '_', ' '])))
}

/// Whether what stands under a label are files that are written, and not such as are read.
fn is_of_written_files(label: &str) -> bool {
    let mut files = false;
    label.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()).all(|word| {
        let is_files = ["file", "files"].iter().any(|files| files.eq_ignore_ascii_case(word));
        files |= is_files;
        is_files || OF_WRITTEN_FILES.iter().any(|known| known.eq_ignore_ascii_case(word))
    }) && files
}

/// The sentences of a line, and the parts of one that semicolons, "then" and "and" separate.
fn sentences(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let text = rest?;
        let cut = [". ", "; ", ", then ", " and then ", ", and "].iter().filter_map(|mark| {
            let at = text.find(mark)?;
            Some((at, at + mark.len()))
        });
        let (end, next) = cut.min().map_or((text.len(), None), |(end, next)| (end, Some(next)));
        rest = next.and_then(|next| text.get(next..));
        text.get(..end)
    })
}

/// Whether a sentence begins with a verb of change.
fn writes(sentence: &str) -> bool {
    // A file has to be named.
    if !sentence.bytes().any(|byte| matches!(byte, b'`' | b'.' | b'/')) {
        return false;
    }
    let word = |text: &'_ str| text.find(|c: char| !c.is_alphabetic()).unwrap_or(text.len());
    let mut rest = sentence;
    for _ in 0..6 {
        rest = rest.trim_start_matches(|c: char| !c.is_alphabetic() && c != '`');
        let (first, after) = rest.split_at(word(rest));
        if first.is_empty() {
            return false;
        }
        if is_verb(first) {
            return true;
        }
        if is_third_person(first) {
            let next = after.trim_start();
            let (next, _) = next.split_at(word(next));
            return !AFTER_NOUNS.iter().any(|noun| noun.eq_ignore_ascii_case(next));
        }
        if !BEFORE_VERBS.iter().any(|before| before.eq_ignore_ascii_case(first)) {
            return false;
        }
        rest = after;
    }
    false
}

fn is_verb(word: &str) -> bool {
    VERBS.iter().any(|verb| verb.eq_ignore_ascii_case(word))
}

/// "adds", "modifies", "patches".
fn is_third_person(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    let Some(stem) = word.strip_suffix('s') else { return false };
    is_verb(stem)
        || stem.strip_suffix('e').is_some_and(is_verb)
        || stem.strip_suffix("ie").is_some_and(|stem| is_verb(&format!("{stem}y")))
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

    #[test]
    fn of_prose_what_is_changed_counts_however_it_is_said() {
        let table: &[(&str, &[&str])] = &[
            ("- **Goal**: Update `src/c.py`.", &["src/c.py"]),
            ("- **Approach**: Modify `src/c.py`.", &["src/c.py"]),
            ("- **Approach:** we first read `a.py`, then modify `src/c.py`", &["src/c.py"]),
            ("- **Files**: `src/c.py`, `d.py`", &["src/c.py", "d.py"]),
            ("Files to modify: `src/c.py`", &["src/c.py"]),
            ("**New files**:\n- `a.py`\n- `b.py` (see `c.py`)\n\nSee:\n- `x.py`", &["a.py", "b.py"]),
            ("- **Files to create**:\n  - `a.py`\n- Notes: `b.py`\n  - `c.py`", &["a.py"]),
            ("- **Files to modify**:\n- `b.py` is read", &[]),
            ("Files to read: `src/c.py`", &[]),
            ("Reference files:\n- `a.py`", &[]),
            ("Adds routes to `src/c.py`.", &["src/c.py"]),
            ("Extends `src/c.py`.", &["src/c.py"]),
            ("It modifies `src/c.py`", &["src/c.py"]),
            ("We update `src/c.py`.", &["src/c.py"]),
            ("This achievement will rewrite `src/c.py`.", &["src/c.py"]),
            ("Then create `src/c.py`.", &["src/c.py"]),
            ("1. Create `src/c.py`", &["src/c.py"]),
            ("Read `a.py`. Update `b.py`; create `c.py`.", &["b.py", "c.py"]),
            ("Read `src/c.py` and compare.", &[]),
            ("Updates to `src/c.py` are reviewed.", &[]),
            ("Changes in `src/c.py` are listed.", &[]),
            ("Goal: understand `src/c.py`", &[]),
            ("We use `src/c.py` to write reports", &[]),
            ("Add tests for `src/c.py`", &[]),
            ("Uses https://x.org/a.html: update later", &[]),
            ("- **Success Criteria**: `src/c.py` passes", &[]),
            ("`add.py` is read", &[]),
        ];
        for (text, expected) in table {
            assert_eq!(words(text, |text, mut take| of_prose(text, &mut take)), *expected, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_survived(text in "[a-z`/.:( )é-]{0,60}|\\PC{0,40}") {
            of_deliverable(&text, &mut |_| {});
            of_prose(&text, &mut |_| {});
        }
    }
}
