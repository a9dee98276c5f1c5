//! What a prompt carries of one file.

use serde::{Deserialize, Serialize};

use super::outline::outline;

/// How much of a file an excerpt has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

/// A file as text: without a byte order mark, with `\n` alone. `None` where it is no text.
pub(super) fn text_of(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let binary = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{c}' | '\u{1b}');
    (!text.contains(binary)).then(|| text.replace("\r\n", "\n").replace(['\r', '\u{c}', '\u{1b}'], "\n"))
}

/// As much of a text as fits `room` tokens: all of it, its outline, or its beginning. Below `whole` tokens all of it is
/// taken, above that the outline is enough.
pub(super) fn excerpt(
    path: &str,
    text: &str,
    (room, whole): (usize, usize),
    count: &dyn Fn(&str) -> usize,
) -> Option<Excerpt> {
    let text = text.trim_end();
    if text.is_empty() {
        return None;
    }
    let lines = text.lines().count();
    let of = |form, text: String| Some(Excerpt { path: path.to_owned(), form, lines, text });
    // A token has two bytes or more in nearly every text, and counting a large file is not for nothing.
    let small = text.len() <= whole.min(room).saturating_mul(12);
    if small && count(text) <= whole.min(room) {
        return of(Form::Whole, text.to_owned());
    }
    if let Some(outline) = outline(path, text) {
        let outline = cut(&outline, room, count)?;
        return of(Form::Outline, outline);
    }
    of(Form::Head, cut(text, room, count)?)
}

/// The first lines of a text that fit `room` tokens.
pub(super) fn head(path: &str, text: &str, room: usize, count: &dyn Fn(&str) -> usize) -> Option<Excerpt> {
    let text = text.trim_end();
    let kept = cut(text, room, count)?;
    let form = if kept.len() == text.len() { Form::Whole } else { Form::Head };
    Some(Excerpt { path: path.to_owned(), form, lines: text.lines().count(), text: kept })
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
        let of = |path, room, whole| excerpt(path, code, (room, whole), &words).map(|e| (e.form, e.text, e.lines));
        assert_eq!(of("a.rs", 100, 100), Some((Form::Whole, code.trim_end().to_owned(), 5)));
        assert_eq!(
            of("a.rs", 100, 5),
            Some((Form::Outline, String::from("1: fn one()\n4: fn two() {\n}").replace(" {\n}", ""), 5))
        );
        let (form, text, _) = of("a.txt", 14, 5).unwrap();
        assert_eq!((form, text.as_str()), (Form::Head, "fn one() {\n[the rest is left out]"));
        assert_eq!(of("a.rs", 3, 3), None, "there is no room for anything");
        assert_eq!(excerpt("a.rs", "\n\n", (10, 10), &words), None);
    }

    #[test]
    fn only_text_is_text() {
        assert_eq!(text_of(b"\xef\xbb\xbfa\r\nb").as_deref(), Some("a\nb"));
        assert_eq!(text_of(b"a\0b"), None);
        assert_eq!(text_of(b"\xff\xfe"), None);
    }
}
