//! Outlines: the definitions of a file, a line each, with their line numbers.
//!
//! Found in the text by a table of words. It misses what is written in an unusual way; a parser for each language would cost
//! tens of crates, and a reader of a prompt needs names and signatures only. Linear in the text.

use super::languages::{self, Language};

/// The longest signature, in characters.
const LONGEST: usize = 200;
/// The most lines of a signature.
const MOST_LINES: usize = 8;
/// Lines that are looked at; nobody writes longer files by hand.
const LINES: usize = 20_000;
/// Definitions that stand farther to the right than this are local ones.
const DEEPEST: usize = 8;

/// Words that begin a statement with parentheses and a brace.
const STATEMENTS: &[&str] = &[
    "if",
    "else",
    "for",
    "while",
    "switch",
    "match",
    "return",
    "do",
    "try",
    "catch",
    "with",
    "when",
    "foreach",
    "using",
    "lock",
    "case",
    "elif",
    "until",
    "new",
    "throw",
    "await",
    "synchronized",
    "unless",
    "assert",
];

/// The definitions of a file; `None` where its language is not in the table, or it has none.
pub(super) fn outline(path: &str, text: &str) -> Option<String> {
    let language = languages::of(path)?;
    let mut out = String::new();
    let lines: Vec<&str> = text.lines().take(LINES).collect();
    let mut skip_until = 0;
    for (index, line) in lines.iter().enumerate() {
        if index < skip_until || line.len() > 2_000 {
            continue;
        }
        // What follows are tests, in the way that Rust has them in the file itself.
        if *line == "#[cfg(test)]" && lines.get(index + 1).is_some_and(|next| next.starts_with("mod ")) {
            break;
        }
        if defines(language, line) {
            let (signature, end) = signature(&lines, index);
            skip_until = end;
            let indent = indentation(line) / 2 * 2;
            out.push_str(&format!("{}: {}{signature}\n", index + 1, " ".repeat(indent)));
        }
    }
    (!out.is_empty()).then_some(out)
}

fn indentation(line: &str) -> usize {
    line.chars().take_while(|c| c.is_whitespace()).map(|c| if c == '\t' { 4 } else { 1 }).sum()
}

fn defines(language: &Language, line: &str) -> bool {
    let indent = indentation(line);
    let text = line.trim();
    if text.is_empty() || indent > DEEPEST {
        return false;
    }
    let mut rest = text;
    let mut modified = false;
    loop {
        let word = rest.split([' ', '\t']).next().unwrap_or_default();
        let bare = word.split(['(', '<']).next().unwrap_or_default();
        if language.definers.contains(&word) || language.definers.contains(&bare) {
            return true;
        }
        if word.is_empty() || !(language.modifiers.contains(&bare) || word.starts_with('"')) {
            break;
        }
        modified = true;
        rest = rest[word.len()..].trim_start();
    }
    if language.comments.iter().any(|comment| text.starts_with(comment)) {
        return false;
    }
    let word = rest.split([' ', '\t', '(', '{', ';']).next().unwrap_or_default();
    // `const name = (…) =>`, at the left.
    if matches!(word, "const" | "let" | "var") {
        return language.bare_functions && indent == 0 && (modified || text.contains("=>"));
    }
    language.bare_functions
        && text.ends_with('{')
        && !STATEMENTS.contains(&word)
        && word.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | '~' | '#'))
        && is_bare_function(text)
}

/// `type name(parameters) {`, and not a call, an assignment or a closure.
fn is_bare_function(text: &str) -> bool {
    let Some((before, behind)) = text.split_once('(') else { return false };
    !before.contains(['=', '"', '\'', '.', '!'])
        && behind.contains(')')
        && !behind.contains("=>")
        && !behind.contains("function")
        && !text.contains(';')
}

/// A signature on one line, and the index of the line behind it.
fn signature(lines: &[&str], first: usize) -> (String, usize) {
    let mut text = String::new();
    let mut end = first;
    for line in lines.iter().skip(first).take(MOST_LINES) {
        let piece = line.trim();
        if !text.is_empty() && !text.ends_with('(') && !piece.starts_with(')') {
            text.push(' ');
        }
        text.push_str(piece);
        end += 1;
        let (open, close) = text.chars().fold((0, 0), |(open, close), c| match c {
            '(' => (open + 1, close),
            ')' => (open, close + 1),
            _ => (open, close),
        });
        if open <= close || text.len() > LONGEST {
            break;
        }
    }
    let mut text = text.trim_end_matches(['{', ' ']).trim_end_matches([':', ' ']).replace(",)", ")");
    if let Some((cut, _)) = text.char_indices().nth(LONGEST) {
        text.truncate(cut);
        text.push('…');
    }
    (text, end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_stand_with_their_lines() {
        let rust = "//! Doc.\nuse x;\n\npub(crate) struct A {\n    b: u8,\n}\n\nimpl A {\n    pub async fn long(\n        &self,\n        text: &str,\n    ) -> u8 {\n        if x(1) {\n        }\n        0\n    }\n}\n#[cfg(test)]\nmod tests {\n    fn no() {}\n}\n";
        assert_eq!(
            outline("a.rs", rust).unwrap(),
            "4: pub(crate) struct A\n8: impl A\n9:     pub async fn long(&self, text: &str) -> u8\n"
        );
        let python = "import x\n\nclass A(B):\n    def f(self, a: int) -> str:\n        return 1\n\nasync def g():\n    pass\n# def no\n";
        assert_eq!(
            outline("a.py", python).unwrap(),
            "3: class A(B)\n4:     def f(self, a: int) -> str\n7: async def g()\n"
        );
        let script = "export const a = 1;\nexport default class B extends C {\n  constructor(x) {\n    if (x) {\n      call(x, () => {\n      });\n    }\n  }\n}\nconst f = async (a, b) => {\n};\nfunction* g() {}\nlet n = 1;\n";
        assert_eq!(
            outline("a.ts", script).unwrap(),
            "1: export const a = 1;\n2: export default class B extends C\n3:   constructor(x)\n10: const f = async (a, b) =>\n12: function* g() {}\n"
        );
        let go = "package x\n\nfunc (s *S) Do(a int) error {\n}\n\ntype S struct {\n}\n";
        assert_eq!(outline("a.go", go).unwrap(), "3: func (s *S) Do(a int) error\n6: type S struct\n");
        let c = "#include <x>\nstatic int f(int a) {\n  while (a) {\n  }\n}\nstruct s {\n};\n#define X(a) a\n";
        assert_eq!(outline("a.c", c).unwrap(), "2: static int f(int a)\n6: struct s\n8: #define X(a) a\n");
        let java = "public class A {\n    private final int b = f(1);\n    public int get(int a) {\n        for (;;) {\n        }\n    }\n}\n";
        assert_eq!(outline("A.java", java).unwrap(), "1: public class A\n3:     public int get(int a)\n");
        assert_eq!(outline("a.md", "# One\ntext\n## Two\n").unwrap(), "1: # One\n3: ## Two\n");
        assert_eq!(outline("a.unknown", "fn x() {}"), None);
        assert_eq!(outline("a.rs", "no definitions"), None);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text: String, code in "(fn |class |def |\\(|\\)|\\{|é|\n| ){0,60}") {
            for path in ["a.rs", "a.py", "a.ts", "a.c", "a.md"] {
                let _ = outline(path, &text);
                let _ = outline(path, &code);
            }
        }
    }
}
