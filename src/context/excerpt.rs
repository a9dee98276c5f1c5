//! What a prompt carries of one file.

use std::cell::OnceCell;

use serde::{Deserialize, Serialize};

use super::outline::outline;

/// How much of a file an excerpt has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// All of it.
    Whole,
    /// Its definitions, with their line numbers.
    Outline,
    /// Its beginning.
    Head,
}

/// What a prompt carries of one file.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Excerpt {
    /// Relative to the repository's root.
    pub path: String,
    /// How much of it this is.
    pub form: Form,
    /// Lines of the whole file.
    pub lines: usize,
    /// The text, without line feeds at its end.
    pub text: String,
}

impl Excerpt {
    /// As it stands in a prompt: a line that says what it is, then its text.
    pub fn to_text(&self) -> String {
        let Self { path, form, lines, text } = self;
        let part = match form {
            Form::Whole => "the whole file",
            Form::Outline => "outline with line numbers",
            Form::Head => "its beginning",
        };
        let unit = if *lines == 1 { "line" } else { "lines" };
        format!("=== {path} ({lines} {unit}; {part})\n{text}\n")
    }
}

/// A file as text: without a byte order mark, with `\n` alone. `None` where it is no text.
pub(super) fn text_of(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let binary = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{c}' | '\u{1b}');
    (!text.contains(binary)).then(|| text.replace("\r\n", "\n").replace(['\r', '\u{c}', '\u{1b}'], "\n"))
}

/// A file's text, with what is worked out of it once.
#[derive(Debug)]
pub(super) struct SourceText {
    path: String,
    text: String,
    tokens: OnceCell<usize>,
    outline: OnceCell<Option<String>>,
}

impl SourceText {
    pub(super) fn new(path: &str, text: &str) -> Self {
        let text = text.trim_end().to_owned();
        Self { path: path.to_owned(), text, tokens: OnceCell::new(), outline: OnceCell::new() }
    }

    /// As much of it as fits `room` tokens: all of it where it has at most `whole`, else its outline, else its beginning.
    pub(super) fn excerpt(&self, room: usize, whole: usize, count: &dyn Fn(&str) -> usize) -> Option<Excerpt> {
        let whole = whole.min(room);
        if self.text.is_empty() {
            return None;
        }
        // Counting a large text only to find it too large is not worth it.
        let may_fit = self.text.len() <= whole.saturating_mul(12);
        if may_fit && *self.tokens.get_or_init(|| count(&self.text)) <= whole {
            return Some(self.of(Form::Whole, self.text.clone()));
        }
        match self.outline.get_or_init(|| outline(&self.path, &self.text)) {
            Some(outline) => Some(self.of(Form::Outline, cut(outline, room, count)?)),
            None => Some(self.of(Form::Head, cut(&self.text, room, count)?)),
        }
    }

    /// Its beginning.
    pub(super) fn head(&self, room: usize, count: &dyn Fn(&str) -> usize) -> Option<Excerpt> {
        let kept = cut(&self.text, room, count)?;
        let form = if kept.len() == self.text.len() { Form::Whole } else { Form::Head };
        Some(self.of(form, kept))
    }

    fn of(&self, form: Form, text: String) -> Excerpt {
        Excerpt { path: self.path.clone(), form, lines: self.text.lines().count(), text }
    }
}

/// The longest line of an excerpt, characters; longer ones are data.
const LONGEST_LINE: usize = 400;

fn cut(text: &str, room: usize, count: &dyn Fn(&str) -> usize) -> Option<String> {
    const LEFT_OUT: &str = "[the rest is left out]";
    let text = text.trim_end();
    let mut kept = String::new();
    let mut used = count(LEFT_OUT) + 1;
    let mut whole = true;
    for line in text.lines() {
        let line = match line.char_indices().nth(LONGEST_LINE) {
            Some((at, _)) => {
                whole = false;
                &line[..at]
            }
            None => line,
        };
        used += count(line) + 1;
        if used > room {
            whole = false;
            break;
        }
        kept.push_str(line);
        kept.push('\n');
    }
    if kept.trim().is_empty() {
        return None;
    }
    if whole {
        return Some(text.to_owned());
    }
    kept.push_str(LEFT_OUT);
    Some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> usize {
        text.split_whitespace().count()
    }

    #[test]
    fn what_fits_is_whole_and_the_rest_an_outline_or_a_head() {
        let code = "fn one() {\n    a b c d e f g h i j\n}\nfn two() {\n}\n";
        let of = |path, room, whole| {
            SourceText::new(path, code).excerpt(room, whole, &words).map(|e| (e.form, e.text, e.lines))
        };
        assert_eq!(of("a.rs", 100, 100), Some((Form::Whole, code.trim_end().to_owned(), 5)));
        assert_eq!(
            of("a.rs", 100, 5),
            Some((Form::Outline, String::from("1: fn one()\n4: fn two() {\n}").replace(" {\n}", ""), 5))
        );
        let (form, text, _) = of("a.txt", 14, 5).unwrap();
        assert_eq!((form, text.as_str()), (Form::Head, "fn one() {\n[the rest is left out]"));
        assert_eq!(of("a.rs", 3, 3), None, "there is no room for anything");
        assert_eq!(SourceText::new("a.rs", "\n\n").excerpt(10, 10, &words), None);
    }

    #[test]
    fn only_text_is_text() {
        assert_eq!(text_of(b"\xef\xbb\xbfa\r\nb").as_deref(), Some("a\nb"));
        assert_eq!(text_of(b"a\0b"), None);
        assert_eq!(text_of(b"\xff\xfe"), None);
    }
}
