//! What stands around the text in the pieces of a stream. Pure.
//!
//! Many servers send hundreds of pieces that differ in nothing but their text. The first is read as JSON; the text of
//! one with the same frame is then taken as it stands, at a tenth of the price. It must not guess: where anything else
//! differs, the piece is read as JSON again.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::borrow::Cow;

/// What stood before and behind the text of a piece that brought nothing but text.
#[derive(Debug, Default)]
pub(super) struct Frame {
    before: Vec<u8>,
    behind: Vec<u8>,
}

impl Frame {
    /// The text of a piece in this frame. Without quotation marks, backslashes and control characters it is the whole of
    /// one JSON string and means itself, and everything around it means what it meant before. With them it has to be one
    /// JSON string together with the marks at the inner ends of the frame.
    pub(super) fn text<'d>(&self, piece: &'d [u8]) -> Option<Cow<'d, str>> {
        if self.before.is_empty() {
            return None;
        }
        let text = piece.strip_prefix(self.before.as_slice())?.strip_suffix(self.behind.as_slice())?;
        // All of it, without leaving early: it is short.
        let plain = !text.iter().fold(false, |found, byte| found | matches!(byte, b'"' | b'\\' | 0..=0x1f));
        if plain {
            return std::str::from_utf8(text).ok().map(Cow::Borrowed);
        }
        let string = piece.get(self.before.len() - 1..=self.before.len() + text.len())?;
        serde_json::from_slice(string).ok().map(Cow::Owned)
    }

    /// Takes the frame from a piece of which `text` is all that matters. A text that is not a part of the piece, as it
    /// stands there between quotation marks, is passed over.
    pub(super) fn learn(&mut self, piece: &str, text: &str) {
        let Some(start) = text.as_ptr().addr().checked_sub(piece.as_ptr().addr()) else { return };
        let end = start.saturating_add(text.len());
        let (Some(before), Some(behind)) = (piece.get(..start), piece.get(end..)) else { return };
        if before.ends_with('"') && behind.starts_with('"') && piece.get(start..end) == Some(text) {
            self.before.clear();
            self.before.extend_from_slice(before.as_bytes());
            self.behind.clear();
            self.behind.extend_from_slice(behind.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_text_may_differ() {
        let piece = r#"{"a":"text","b":1}"#;
        let mut frame = Frame::default();
        assert_eq!(frame.text(piece.as_bytes()), None);
        frame.learn(piece, &piece[6..10]);
        for (piece, text) in [
            (piece, Some("text")),
            (r#"{"a":"","b":1}"#, Some("")),
            (r#"{"a":"Größe 🚀","b":1}"#, Some("Größe 🚀")),
            (r#"{"a":"text","b":2}"#, None),
            (r#"{"a":"x","a":"y","b":1}"#, None),
            (r#"{"a":"x\ny","b":1}"#, Some("x\ny")),
            (r#"{"a":"\"\\\u00e9\ud83d\ude80","b":1}"#, Some("\"\\é🚀")),
            (r#"{"a":"\ud83d","b":1}"#, None),
            (r#"{"a":"\x","b":1}"#, None),
            (r#"{"a":"x\\","a":"y\n","b":1}"#, None),
            (r#"{"a":"x\","b":1}"#, None),
            ("{\"a\":\"x\ny\",\"b\":1}", None),
            (r#"{"a":","b":1}"#, None),
            (r#"{"a":"#, None),
        ] {
            assert_eq!(frame.text(piece.as_bytes()).as_deref(), text, "{piece}");
        }
        assert_eq!(frame.text(b"{\"a\":\"\xff\",\"b\":1}"), None);
    }

    #[test]
    fn a_text_from_elsewhere_is_not_learned() {
        let piece = r#"{"a":"text"}"#;
        let mut frame = Frame::default();
        frame.learn(piece, "text");
        frame.learn(piece, "");
        frame.learn(&piece[5..], &piece[..4]);
        frame.learn(piece, &piece[7..9]);
        assert_eq!(frame.text(piece.as_bytes()), None);
    }
}
