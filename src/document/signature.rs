//! Signatures of functions in code spans, as documents write them in any language.

use crate::markdown::lines;

/// A function with its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Signature {
    /// With what it belongs to (`Type::name`).
    pub(super) name: String,
    /// As it was written.
    pub(super) text: String,
    /// Each as it was written, without spaces and default values; without `self`.
    parameters: Vec<String>,
    /// What it gives back; empty where that is not said.
    gives: String,
}

/// Names that many things have.
const GENERAL: &[&str] = &[
    "__init__", "assert", "build", "close", "create", "default", "drop", "execute", "expect", "from", "get", "handle",
    "init", "into", "load", "main", "new", "open", "parse", "print", "println", "process", "read", "render", "run",
    "save", "send", "set", "setup", "start", "stop", "teardown", "test", "update", "write",
];
/// Words that stand before a name.
const KEYWORDS: &[&str] = &[
    "pub",
    "pub(crate)",
    "pub(super)",
    "async",
    "unsafe",
    "const",
    "fn",
    "def",
    "function",
    "func",
    "fun",
    "static",
    "public",
    "private",
    "protected",
    "export",
    "default",
    "virtual",
    "override",
    "final",
];

/// Every signature in the code spans of a text.
pub(super) fn signatures(text: &str) -> Vec<Signature> {
    let mut found = Vec::new();
    for line in lines(text).filter(|line| !line.in_fence && !line.in_comment && line.text.contains('(')) {
        let spans = line.text.split('`').enumerate().filter(|(index, _)| index % 2 == 1);
        found.extend(spans.filter_map(|(_, span)| Signature::parse(span)));
    }
    found
}

impl Signature {
    fn parse(span: &str) -> Option<Self> {
        const LONGEST: usize = 300;
        let text = span.trim().trim_end_matches(['{', ';', ':', ' ']);
        if text.len() > LONGEST {
            return None;
        }
        let mut rest = text;
        let mut declared = false;
        while let Some((_, behind)) = rest.split_once(' ').filter(|(word, _)| KEYWORDS.contains(word)) {
            (rest, declared) = (behind.trim_start(), true);
        }
        let open = rest.find('(')?;
        let close = closing(rest, open)?;
        let before = rest[..open].trim_end();
        // `int name`: the last word is the name. What stands in `<…>` is a type parameter.
        let (kind, name) = before.rsplit_once(' ').unwrap_or(("", before));
        let name = name.split('<').next().unwrap_or_default().trim_start_matches(['*', '&']);
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':' | '.');
        if name.is_empty() || !name.chars().all(is_name) || name.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let behind = rest[close + 1..].trim();
        let gives = match behind.strip_prefix("->").or_else(|| behind.strip_prefix(':')) {
            Some(gives) => gives,
            None if behind.is_empty() => kind,
            None => return None,
        };
        let mut parameters = Vec::new();
        for parameter in pieces(&rest[open + 1..close]) {
            let parameter = parameter.split('=').next().unwrap_or_default().trim();
            let is_self = ["self", "&self", "&mut self", "mut self", "cls", "this"].contains(&parameter);
            if parameter.is_empty() || is_self || parameter.starts_with("self:") {
                continue;
            }
            // A call with values.
            let literal = parameter.contains(['"', '\'', '(', '…', '+']) || parameter.contains("..");
            if literal || parameter.starts_with(|c: char| c.is_ascii_digit()) {
                return None;
            }
            parameters.push(parameter.chars().filter(|c| !c.is_whitespace()).collect());
        }
        let short = name.rsplit(['.', ':']).next().unwrap_or(name);
        let says_something = !parameters.is_empty() || !gives.trim().is_empty() || declared;
        let general = short == name && (GENERAL.contains(&name) || name.len() < 4);
        (says_something && !general).then(|| Self {
            name: name.to_owned(),
            text: text.to_owned(),
            parameters,
            gives: gives.chars().filter(|c| !c.is_whitespace()).collect(),
        })
    }

    /// Whether both can be the same function. What one leaves unsaid contradicts nothing.
    pub(super) fn fits(&self, other: &Self) -> bool {
        let typed = |parameter: &str| parameter.contains(':');
        let name_of = |parameter: &str| parameter.split(':').next().unwrap_or_default().to_owned();
        let pairs = self.parameters.iter().zip(&other.parameters);
        self.parameters.len() == other.parameters.len()
            && pairs.clone().all(|(a, b)| match (typed(a), typed(b)) {
                (true, true) => a == b,
                _ => name_of(a) == name_of(b),
            })
            && (self.gives.is_empty() || other.gives.is_empty() || self.gives == other.gives)
    }
}

/// The place of the parenthesis that closes the one at `open`.
fn closing(text: &str, open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in text[open..].char_indices() {
        match c {
            '(' => depth += 1,
            ')' if depth == 1 => return Some(open + at),
            ')' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// What stands between commas, those in brackets aside.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut depth, mut from) = (0_i32, 0);
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' | '{' | '<' => depth += 1,
            ')' | ']' | '}' | '>' => depth -= 1,
            ',' if depth <= 0 => {
                pieces.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    pieces.push(&text[from..]);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(span: &str) -> Option<Signature> {
        signatures(&format!("It has `{span}`.")).pop()
    }

    #[test]
    fn signatures_are_read_in_any_language() {
        for (span, name, parameters, gives) in [
            ("load_feed(path, limit)", "load_feed", vec!["path", "limit"], ""),
            (
                "pub async fn load_feed(&self, path: &Path) -> Result<Feed, Error>",
                "load_feed",
                vec!["path:&Path"],
                "Result<Feed,Error>",
            ),
            ("def load_feed(self, path: str = 'a') -> list[str]:", "load_feed", vec!["path:str"], "list[str]"),
            ("Feed::load(path: &Path)", "Feed::load", vec!["path:&Path"], ""),
            ("int load_feed(char *path, int n)", "load_feed", vec!["char*path", "intn"], "int"),
            (
                "loadFeed(path: Map<string, number>): Promise<void>",
                "loadFeed",
                vec!["path:Map<string,number>"],
                "Promise<void>",
            ),
        ] {
            let signature = one(span).unwrap();
            assert_eq!(
                (signature.name.as_str(), signature.parameters, signature.gives.as_str()),
                (name, parameters.into_iter().map(str::to_owned).collect(), gives),
                "{span}"
            );
        }
        for span in [
            "load_feed()",
            "load_feed(\"a.csv\")",
            "load_feed(3)",
            "new(a)",
            "f(x)",
            "a.b(c).d()",
            "(a, b)",
            "if (x)",
            "cargo test",
        ] {
            assert_eq!(one(span).filter(|s| s.name != "if"), None, "{span}");
        }
        assert_eq!(signatures("```\n`load_feed(path)`\n```"), []);
    }

    #[test]
    fn what_is_left_unsaid_contradicts_nothing() {
        let fits = |a: &str, b: &str| one(a).unwrap().fits(&one(b).unwrap());
        assert!(fits("load_feed(path)", "fn load_feed(path: &Path) -> Feed"));
        assert!(fits("load_feed(path) -> Feed", "load_feed( path )"));
        assert!(!fits("load_feed(path)", "load_feed(path, limit)"));
        assert!(!fits("load_feed(path: &Path)", "load_feed(path: &str)"));
        assert!(!fits("load_feed(path) -> Feed", "load_feed(path) -> Vec<Feed>"));
        assert!(!fits("load_feed(path)", "load_feed(url)"));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[a-z`(),:<>é \\n=-]{0,80}") {
            let _ = signatures(&text);
        }
    }
}
