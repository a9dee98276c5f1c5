//! Makes text that came from a file, a model or a server safe to show on a terminal.
//!
//! Pure. What goes: control characters, whole escape sequences, and characters that change the order or the look of
//! what stands beside them without being seen ("Trojan Source", CVE-2021-42574). What stays: every visible character,
//! emoji included; an emoji that joiners build from several falls apart into these.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::borrow::Cow;

use console::measure_text_width;

const ESC: char = '\u{1b}';
const BEL: char = '\u{7}';
/// The C1 form of `ESC \`, the end of a string sequence.
const ST: char = '\u{9c}';

/// Text for one line of a terminal: line breaks and tabs become a space each, the rest as the module says.
pub fn sanitize(text: &str) -> Cow<'_, str> {
    clean(text, Breaks::Space)
}

/// Text for several lines of a terminal: as [`sanitize`], with line breaks kept as `\n`, and tabs.
pub fn sanitize_block(text: &str) -> Cow<'_, str> {
    clean(text, Breaks::Keep)
}

/// At most `width` columns of a line; what is cut is replaced by `…`.
///
/// Expects sanitised text. Never reads much further than it returns.
pub fn truncate(text: &str, width: usize) -> Cow<'_, str> {
    let mut used = 0;
    let mut last = 0; // columns of the last visible character
    let mut cut = 0; // where to cut so that the ellipsis still fits
    for (at, character) in text.char_indices() {
        let mut columns = measure_text_width(character.encode_utf8(&mut [0; 4]));
        if matches!(character, '\u{fe00}'..='\u{fe0f}') && last == 1 {
            // A variation selector can make the character before it two columns wide: the emoji selector does so with
            // emoji, another one with quotation marks.
            columns = 1;
        }
        if columns > 0 {
            last = columns;
        }
        used += columns;
        if used > width {
            return match width {
                0 => Cow::Borrowed(""),
                _ => Cow::Owned(format!("{}…", &text[..cut])),
            };
        }
        if used < width {
            cut = at + character.len_utf8();
        }
    }
    Cow::Borrowed(text)
}

/// What becomes of line breaks and tabs.
#[derive(Clone, Copy, PartialEq)]
enum Breaks {
    Space,
    Keep,
}

fn clean(text: &str, breaks: Breaks) -> Cow<'_, str> {
    let kept = |c: char| breaks == Breaks::Keep && matches!(c, '\n' | '\t');
    let Some(first) = text.find(|c| is_unsafe(c) && !kept(c)) else { return Cow::Borrowed(text) };
    let mut out = String::with_capacity(text.len());
    out.push_str(&text[..first]);
    let mut rest = &text[first..];
    while let Some(character) = rest.chars().next() {
        let next = &rest[character.len_utf8()..];
        let sequence = escape_length(rest);
        if sequence > 0 {
            rest = &rest[sequence..];
            continue;
        }
        if character == '\r' && next.starts_with('\n') {
            // The line feed that follows stands for both.
        } else if is_break(character) {
            out.push(match (breaks, character) {
                (Breaks::Space, _) => ' ',
                (Breaks::Keep, '\t') => '\t',
                (Breaks::Keep, _) => '\n',
            });
        } else if !is_hidden(character) {
            out.push(character);
        }
        rest = next;
    }
    Cow::Owned(out)
}

/// What must not reach a terminal as it is.
pub(super) fn is_unsafe(c: char) -> bool {
    is_break(c) || is_hidden(c)
}

/// Characters that end a line or move on to a tab stop.
fn is_break(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\u{b}' | '\u{c}' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Characters that are not seen and have an effect, or deceive about what is there.
///
/// C0, DEL and C1; of Unicode's default ignorables and format characters those that are not part of visible text.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' // soft hyphen, grapheme joiner
            | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' // direction
            | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' // Hangul fillers
            | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2065}' | '\u{feff}' // zero width, joiners, BOM
            | '\u{206a}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}' // deprecated format, annotations
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}') // tags, which carry hidden text
}

/// Bytes of the escape sequence that `text` begins with (ECMA-48 and what xterm adds); 0 where there is none.
///
/// Of a sequence that does not end properly only the opening is counted, so that no text is lost to it.
fn escape_length(text: &str) -> usize {
    let mut characters = text.chars();
    let (opening, kind) = match characters.next() {
        Some(ESC) => match characters.next() {
            Some('[') => (2, '['),
            Some(']' | 'P' | 'X' | '^' | '_') => (2, ']'),
            Some(' '..='~') => (1, ' '),
            Some(_) | None => return 1,
        },
        Some('\u{9b}') => (2, '['),
        Some('\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}') => (2, ']'),
        Some(_) | None => return 0,
    };
    let body = &text[opening..];
    let ending = match kind {
        '[' => {
            let parameters = body.bytes().take_while(|b| (0x20..=0x3f).contains(b)).count();
            parameters + usize::from(body[parameters..].starts_with(|c| matches!(c, '@'..='~')))
        }
        ' ' => {
            let intermediates = body.bytes().take_while(|b| (0x20..=0x2f).contains(b)).count();
            intermediates + usize::from(body[intermediates..].starts_with(|c| matches!(c, '0'..='~')))
        }
        _ => string_length(body),
    };
    opening + ending
}

/// Bytes of an operating system command or another string up to its terminator, included; 0 where it has none.
///
/// The search ends at the next line or escape, which keeps the whole linear.
fn string_length(body: &str) -> usize {
    match body.find([BEL, ST, ESC, '\n', '\r', '\u{18}', '\u{1a}']) {
        Some(at) if body[at..].starts_with("\u{1b}\\") => at + 2,
        Some(at) if body[at..].starts_with(BEL) => at + 1,
        Some(at) if body[at..].starts_with(ST) => at + ST.len_utf8(),
        Some(_) | None => 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sequences_and_hidden_characters_go_and_the_rest_stays() {
        let table = [
            ("plain text", "plain text"),
            ("", ""),
            ("Grüße, 世界 🚀 ⚠\u{fe0f} e\u{301}", "Grüße, 世界 🚀 ⚠\u{fe0f} e\u{301}"),
            ("a\tb\nc\r\nd\re", "a b c d e"),
            ("a\u{b}b\u{c}c\u{85}d\u{2028}e\u{2029}f", "a b c d e f"),
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("\u{1b}[2J\u{1b}[1;1Hgone", "gone"),
            ("\u{1b}[?25lhidden cursor", "hidden cursor"),
            ("\u{1b}[38:2::1:2:3mcolour", "colour"),
            ("\u{1b}]0;window title\u{7}text", "text"),
            ("\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link"),
            ("\u{1b}]52;c;AAAA\u{9c}after", "after"),
            ("\u{1b}Pq#0\u{1b}\\sixel", "sixel"),
            ("\u{9b}31mc1\u{9b}0m", "c1"),
            ("\u{9d}0;title\u{7}c1", "c1"),
            ("\u{1b}(Bcharset", "charset"),
            ("\u{1b}creset \u{1b}7saved", "reset saved"),
            ("unterminated \u{1b}]0;title", "unterminated 0;title"),
            ("\u{1b}]0;a\nb\u{7}", "0;a b"),
            ("\u{1b}]0;a\u{1b}[31mb", "0;ab"),
            ("cut \u{1b}[31", "cut "),
            ("cut \u{1b}[31é", "cut é"),
            ("end \u{1b}", "end "),
            ("\u{1b}\u{1b}[31mtwice", "twice"),
            ("\u{1b}é", "é"),
            ("a\0b\u{8}c\u{7f}d\u{80}e", "abcde"),
            ("user\u{202e}cod.exe\u{202c}", "usercod.exe"),
            ("\u{2066}isolate\u{2069} \u{200f}mark", "isolate mark"),
            ("pass\u{200b}word z\u{200d}z \u{feff}bom so\u{ad}ft", "password zz bom soft"),
            ("tag\u{e0041}\u{e007f}", "tag"),
        ];
        for (text, expected) in table {
            assert_eq!(sanitize(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_block_keeps_its_lines() {
        let table = [
            ("a\n\tb\n", "a\n\tb\n"),
            ("a\r\nb\rc", "a\nb\nc"),
            ("\u{1b}[1ma\u{1b}[0m\nb", "a\nb"),
            ("a\u{2028}b\u{202e}c", "a\nbc"),
        ];
        for (text, expected) in table {
            assert_eq!(sanitize_block(text), expected, "{text:?}");
        }
        assert!(matches!(sanitize_block("a\nb\tc"), Cow::Borrowed(_)));
    }

    #[test]
    fn many_openings_without_an_end_take_linear_time() {
        let text = "\u{1b}]x".repeat(200_000);
        assert_eq!(sanitize(&text).len(), 200_000);
    }

    #[test]
    fn text_is_cut_by_columns() {
        let table = [
            ("abc", 3, "abc"),
            ("abcd", 3, "ab…"),
            ("abc", 1, "…"),
            ("abc", 0, ""),
            ("", 0, ""),
            ("世界世界", 8, "世界世界"),
            ("世界世界", 7, "世界世…"),
            ("世界世界", 6, "世界…"),
            ("e\u{301}e\u{301}e\u{301}", 2, "e\u{301}…"),
            ("🚀🚀🚀", 5, "🚀🚀…"),
            ("⚠\u{fe0f}⚠\u{fe0f}", 3, "⚠\u{fe0f}…"),
        ];
        for (text, width, expected) in table {
            assert_eq!(truncate(text, width), expected, "{text:?} {width}");
        }
    }

    /// Text with a good share of what an attacker would put into it.
    fn hostile() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            "\\PC{0,6}",
            any::<char>().prop_map(String::from),
            prop::sample::select(vec![
                "\u{1b}",
                "[",
                "]",
                "\u{1b}[31",
                "m",
                "\u{1b}]0;",
                "\u{7}",
                "\u{1b}\\",
                "\u{9b}",
                "\u{9c}",
                "\u{9d}",
                "\r",
                "\n",
                "\t",
                "\u{202e}",
                "\u{200d}",
                "\u{fe0f}",
                "⚠",
                "🏽",
                "1\u{20e3}",
                "‘\u{fe01}",
                "☁\u{fe0f}",
                "\u{fe0e}",
                "\u{e0061}",
                "ا",
                "ل",
            ])
            .prop_map(String::from),
        ];
        prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn nothing_hidden_gets_through(text in hostile()) {
            let line = sanitize(&text);
            prop_assert!(!line.chars().any(|c| c.is_control() || is_hidden(c) || is_break(c)), "{line:?}");
            let block = sanitize_block(&text);
            prop_assert!(!block.chars().any(|c| (c.is_control() || is_hidden(c)) && c != '\n' && c != '\t'), "{block:?}");
            prop_assert_eq!(sanitize(&line), line.as_ref());
            prop_assert_eq!(sanitize_block(&block), block.as_ref());
        }

        #[test]
        fn visible_text_is_left_alone(text in "[ -~äöüß世界🚀✅é]{0,40}") {
            prop_assert_eq!(sanitize(&text), text.as_str());
        }

        #[test]
        fn a_cut_text_fits_and_is_a_beginning(text in hostile(), width in 0_usize..30) {
            let line = sanitize(&text);
            let cut = truncate(&line, width);
            prop_assert!(measure_text_width(&cut) <= width, "{cut:?}");
            match cut.strip_suffix('…') {
                Some(beginning) if cut != line => prop_assert!(line.starts_with(beginning)),
                Some(_) | None => prop_assert!(cut == line || width == 0),
            }
        }
    }
}
