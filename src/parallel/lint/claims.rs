//! The files and resources that a text says will be written.
//!
//! A mention is not a claim: in "`tests/test_api.py`: tests of `src/api.py`" only the first is written. So of a deliverable
//! only what stands at its beginning counts, and of prose only lines that begin with a verb of writing.

use crate::markdown;

/// Something that is there once, and that one achievement writes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Claim {
    /// A file, as the text names it, without a leading `./`.
    File(String),
    /// A kind of resource and its name, such as "table `orders`".
    Resource(String),
}

/// What stands between the parts of a deliverable.
const BREAKS: &[&str] = &[": ", " – ", " — ", " - ", " ("];

/// Words after which only mentions come.
const ASIDES: &[&str] = &[
    " for ",
    " of ",
    " with ",
    " following ",
    " based on ",
    " see ",
    " like ",
    " using ",
    " from ",
    " against ",
    " that ",
    " which ",
    " as in ",
];

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

/// File extensions that make a word without backticks a file.
const EXTENSIONS: &[&str] = &[
    "c", "cfg", "cpp", "cs", "css", "csv", "go", "h", "html", "ini", "java", "js", "json", "jsonl", "kt", "md",
    "proto", "py", "rb", "rs", "sh", "sql", "svg", "toml", "ts", "tsx", "txt", "xml", "yaml", "yml",
];

/// Names that every folder may have one of.
const EVERYWHERE: &[&str] = &["__init__.py", "mod.rs", "index.js", "index.ts", "index.html", "README.md"];

/// What a deliverable claims.
pub(super) fn of_deliverable(text: &str) -> Vec<Claim> {
    text.lines().flat_map(of_line).collect()
}

/// What the lines of prose claim that begin with a verb of writing.
pub(super) fn of_prose(text: &str) -> Vec<Claim> {
    let lines = markdown::lines(text).filter(|line| !line.in_fence && writes(line.text));
    lines.flat_map(|line| of_line(line.text)).collect()
}

fn writes(line: &str) -> bool {
    // A file has to be named, so most lines need no second look.
    if !line.contains(['`', '.', '/']) {
        return false;
    }
    let line = line.trim_start_matches(|c: char| !c.is_alphabetic());
    let end = line.find(|c: char| !c.is_alphabetic()).unwrap_or(line.len());
    VERBS.iter().any(|verb| verb.eq_ignore_ascii_case(&line[..end]))
}

/// What the first part of the line claims that claims anything; what follows an aside is not looked at.
fn of_line(line: &str) -> Vec<Claim> {
    let mut rest = line;
    loop {
        let (part, after) = match BREAKS.iter().filter_map(|mark| Some((rest.find(mark)?, mark.len()))).min() {
            Some((at, length)) => (&rest[..at], Some(&rest[at + length..])),
            None => (rest, None),
        };
        let aside = ASIDES.iter().filter_map(|aside| part.find(aside)).min();
        let claims = in_text(&part[..aside.unwrap_or(part.len())]);
        match after {
            Some(after) if claims.is_empty() && aside.is_none() => rest = after,
            Some(_) | None => return claims,
        }
    }
}

fn in_text(text: &str) -> Vec<Claim> {
    let mut claims = Vec::new();
    let pieces: Vec<&str> = text.split('`').collect();
    for (at, piece) in pieces.iter().enumerate() {
        if at % 2 == 1 {
            let before = pieces[at - 1].split_whitespace().next_back();
            let after = pieces.get(at + 1).and_then(|next| next.split_whitespace().next());
            if let Some(kind) = before.and_then(kind).or_else(|| after.and_then(kind)) {
                if !piece.is_empty() && !piece.contains(char::is_whitespace) {
                    claims.push(Claim::Resource(format!("{kind} `{piece}`")));
                }
            } else {
                claims.extend(file(piece, true));
            }
            continue;
        }
        let mut port = false;
        for word in piece.split_whitespace() {
            let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
            if port && (2..=5).contains(&bare.len()) && bare.bytes().all(|b| b.is_ascii_digit()) {
                claims.push(Claim::Resource(format!("port {bare}")));
            }
            port = bare.eq_ignore_ascii_case("port");
            let path = word.trim_matches(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '/' | '_')));
            claims.extend(file(path.trim_end_matches(['.', '/']), false));
        }
    }
    claims
}

fn kind(word: &str) -> Option<&'static str> {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric());
    KINDS.iter().find(|kind| kind.eq_ignore_ascii_case(word)).copied()
}

/// The file that a word names. In backticks a path needs no extension that is known.
fn file(word: &str, quoted: bool) -> Option<Claim> {
    let path = word.trim().trim_start_matches("./");
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+' | '@');
    if path.is_empty() || path.ends_with(['/', '.']) || path.starts_with('/') || !path.chars().all(plain) {
        return None;
    }
    let name = path.rsplit('/').next()?;
    let (stem, extension) = name.rsplit_once('.')?;
    let known = EXTENSIONS.contains(&extension);
    let extension_like = (1..=10).contains(&extension.len()) && extension.bytes().all(|b| b.is_ascii_lowercase());
    let titled = stem.chars().next().is_some_and(char::is_uppercase) && stem.chars().any(char::is_lowercase);
    let is_file =
        if quoted { known || (path.contains('/') && extension_like) } else { known && (path.contains('/') || !titled) };
    (is_file && !stem.is_empty() && !EVERYWHERE.contains(&path)).then(|| Claim::File(path.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(claims: Vec<Claim>) -> Vec<String> {
        let word = |claim| match claim {
            Claim::File(text) | Claim::Resource(text) => text,
        };
        claims.into_iter().map(word).collect()
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
            ("The `orders` table", &["table `orders`"]),
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
            assert_eq!(words(of_deliverable(text)), *expected, "{text}");
        }
    }

    #[test]
    fn of_prose_only_lines_that_write_count() {
        let text = "See `src/a.rs`.\n- Update `src/b.rs`\n**Create** `src/c.rs` from `src/d.rs`\n```\ncreate x.rs\n```\nUpdate things.";
        assert_eq!(words(of_prose(text)), ["src/b.rs", "src/c.rs"]);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_survived(text in "[a-z`/.:( )é-]{0,60}|\\PC{0,40}") {
            let _ = (of_deliverable(&text), of_prose(&text));
        }
    }
}
