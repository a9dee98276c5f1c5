//! Where an event stream ends. The events themselves are parsed by async-openai. Pure.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use bytes::Bytes;

/// The `data` of the last event of a chat completion stream.
const DONE: &[u8] = b"[DONE]";

/// Whether `data: [DONE]` stands on a line of its own in `body`, looking no further back than `new` bytes from the end
/// (and the few before them that a line cut in two by the network can take).
pub(super) fn has_done(body: &[u8], new: usize) -> bool {
    // `data: ` and the line feed before it.
    let from = body.len().saturating_sub(new + DONE.len());
    let Some(tail) = body.get(from..) else { return false };
    tail.windows(DONE.len()).enumerate().rev().any(|(at, window)| window == DONE && is_whole_line(body, from + at))
}

fn is_whole_line(body: &[u8], at: usize) -> bool {
    let (before, after) = body.split_at(at);
    let before = before.strip_suffix(b" ").unwrap_or(before);
    let Some(line_start) = before.strip_suffix(b"data:") else { return false };
    let ends = matches!(after.get(DONE.len()), None | Some(b'\n' | b'\r'));
    ends && matches!(line_start.last(), None | Some(b'\n' | b'\r'))
}

/// The first byte that is not white space: `{` begins a JSON answer of a server that ignored `stream`, `<` a web page.
pub(super) fn first_byte(body: &[u8]) -> Option<u8> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    body.iter().copied().find(|byte| !byte.is_ascii_whitespace())
}

/// One JSON object as an event stream of one event, so that both kinds of answers take the same way.
pub(super) fn from_json(body: &[u8]) -> Vec<u8> {
    let mut stream = Vec::with_capacity(body.len() + 32);
    stream.extend_from_slice(b"data: ");
    // In JSON a raw line break can only stand between tokens, where a blank means the same.
    stream.extend(body.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }));
    stream.extend_from_slice(b"\n\ndata: [DONE]\n\n");
    stream
}

/// Cuts a stream into pieces that the parser of events can take in linear time.
///
/// eventsource-stream reads an unfinished line again with every piece, and moves the rest of a piece with every line; so a
/// piece must hold whole lines, and few of them.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    /// Whole lines to be handed on.
    ready: Bytes,
    /// The beginning of a line.
    unfinished: Vec<u8>,
}

/// The most bytes of a piece that holds more than one line.
const PIECE: usize = 4096;

impl Pieces {
    /// Adds what came. `next` has to be empty before.
    pub(super) fn push(&mut self, mut bytes: Bytes) {
        let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n') else {
            self.unfinished.extend_from_slice(&bytes);
            return;
        };
        let rest = bytes.split_off(end + 1);
        if !self.unfinished.is_empty() {
            self.unfinished.extend_from_slice(&bytes);
            bytes = Bytes::from(std::mem::take(&mut self.unfinished));
        }
        self.unfinished.extend_from_slice(&rest);
        self.ready = bytes;
    }

    /// The next piece.
    pub(super) fn next(&mut self) -> Option<Bytes> {
        if self.ready.is_empty() {
            return None;
        }
        if self.ready.len() <= PIECE {
            return Some(std::mem::take(&mut self.ready));
        }
        let (head, tail) = self.ready.split_at(PIECE);
        let newline = |byte: &u8| *byte == b'\n';
        let end = head.iter().rposition(newline).or_else(|| Some(PIECE + tail.iter().position(newline)?));
        Some(self.ready.split_to(end.map_or(self.ready.len(), |end| end + 1)))
    }

    /// What is left at the end of the stream.
    pub(super) fn rest(&mut self) -> Option<Bytes> {
        Some(Bytes::from(std::mem::take(&mut self.unfinished))).filter(|rest| !rest.is_empty())
    }

    /// All pieces of a whole body.
    pub(super) fn of(body: Bytes) -> impl Iterator<Item = Bytes> {
        let mut pieces = Self::default();
        pieces.push(body);
        std::iter::from_fn(move || pieces.next().or_else(|| pieces.rest()))
    }
}

/// The `data` of the last few events, newest first, for what only comes at the end (usage).
pub(super) fn last_events(body: &str) -> impl Iterator<Item = &str> {
    body.rsplit(['\n', '\r'])
        .filter_map(|line| line.strip_prefix("data:"))
        .map(str::trim)
        .filter(|data| data.as_bytes() != DONE)
        .take(3)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn done_is_a_line_and_not_a_text() {
        let cases = [
            ("data: {}\n\ndata: [DONE]\n\n", true),
            ("data: {}\r\n\r\ndata: [DONE]\r\n\r\n", true),
            ("data:[DONE]", true),
            ("data: [DONE]\n\n: trailing comment\n", true),
            ("data: {\"content\":\"say data: [DONE]\"}\n\n", false),
            ("data: [DONE] not quite\n", false),
            ("event: x\ndata: [DON", false),
            ("[DONE]", false),
            ("", false),
        ];
        for (body, done) in cases {
            assert_eq!(has_done(body.as_bytes(), body.len()), done, "{body:?}");
        }
    }

    proptest! {
        /// However the network cuts the stream, the end is seen with the piece that completes the line.
        #[test]
        fn done_is_seen_across_pieces(cuts in prop::collection::vec(1..9_usize, 1..40), text in "[a-z\n]{0,30}") {
            let whole = format!("data: {{\"c\":{text:?}}}\n\ndata: [DONE]\n\n");
            let end = whole.find("[DONE]").unwrap() + 6;
            let mut body = Vec::new();
            let mut seen = false;
            let mut cuts = cuts.into_iter().cycle();
            let mut rest = whole.as_bytes();
            while !rest.is_empty() {
                let (piece, left) = rest.split_at(cuts.next().unwrap().min(rest.len()));
                rest = left;
                body.extend_from_slice(piece);
                seen |= has_done(&body, piece.len());
                prop_assert_eq!(seen, body.len() >= end, "after {} bytes", body.len());
            }
        }
    }

    proptest! {
        /// Nothing is lost or reordered, and a piece is whole lines: one, or few.
        #[test]
        fn pieces_are_whole_lines(lines in prop::collection::vec((0..3000_usize, any::<bool>()), 0..30), cut in 1..5000_usize) {
            let body: Vec<u8> = lines
                .iter()
                .flat_map(|(length, blank)| [vec![b'x'; *length], if *blank { b"\r\n\r\n".to_vec() } else { b"\n".to_vec() }].concat())
                .chain(*b"unfinished")
                .collect();
            let mut pieces = Pieces::default();
            let mut given = Vec::new();
            for bytes in body.chunks(cut) {
                pieces.push(Bytes::copy_from_slice(bytes));
                while let Some(piece) = pieces.next() {
                    prop_assert!(piece.ends_with(b"\n"));
                    prop_assert!(piece.len() <= PIECE || !piece[..piece.len() - 1].contains(&b'\n'));
                    given.extend_from_slice(&piece);
                }
            }
            given.extend(pieces.rest().into_iter().flatten());
            prop_assert_eq!(&given, &body);
            prop_assert_eq!(Pieces::of(Bytes::from(body.clone())).flatten().collect::<Vec<_>>(), body);
        }
    }

    #[test]
    fn pretty_json_becomes_one_event() {
        let stream = String::from_utf8(from_json(b"{\n  \"a\": \"x\\ny\"\r\n}\n")).unwrap();
        assert_eq!(stream, "data: {   \"a\": \"x\\ny\"  } \n\ndata: [DONE]\n\n");
        assert_eq!(first_byte(b"\xef\xbb\xbf\n <html>"), Some(b'<'));
    }
}
