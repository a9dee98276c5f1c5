//! The events in an event stream, and where it ends. Pure.
//!
//! The rules are those of the HTML standard ("9.2.6 Interpreting an event stream"). Only `data` is used. A body is kept
//! whole for the tape anyway, so events are found in it where they stand and nothing is copied.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::{borrow::Cow, ops::Range};

/// The `data` of the last event of a chat completion stream.
const DONE: &[u8] = b"[DONE]";

/// May stand at the beginning of a stream.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Whether `data: [DONE]` stands on a line of its own in `body`, looking no further back than `new` bytes from the end
/// (and the few before them that a line cut in two by the network can take).
pub(super) fn has_done(body: &[u8], new: usize) -> bool {
    // `data: ` and the line feed before it.
    let from = body.len().saturating_sub(new + DONE.len());
    let Some(tail) = body.get(from..) else { return false };
    memchr::memchr_iter(b'[', tail).any(|at| tail[at..].starts_with(DONE) && is_whole_line(body, from + at))
}

fn is_whole_line(body: &[u8], at: usize) -> bool {
    let (before, after) = body.split_at(at);
    let before = before.strip_suffix(b" ").unwrap_or(before);
    let Some(line_start) = before.strip_suffix(b"data:") else { return false };
    let ends = matches!(after.get(DONE.len()), None | Some(b'\n' | b'\r'));
    ends && matches!(line_start.last(), None | Some(b'\n' | b'\r'))
}

/// The first byte that is not white space: `{` begins a JSON answer of a server that ignored `stream`, `<` a web page.
/// `None` where that has not come yet: half a byte order mark may be followed by the other half.
pub(super) fn first_byte(body: &[u8]) -> Option<u8> {
    if BYTE_ORDER_MARK.starts_with(body) {
        return None;
    }
    without_mark(body).iter().copied().find(|byte| !byte.is_ascii_whitespace())
}

/// A body without the byte order mark that it may begin with.
pub(super) fn without_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body)
}

/// Finds the events in a body that is still growing. Each call has to be given the same body, with more at its end.
#[derive(Debug, Default)]
pub(super) struct Events {
    /// Where the first line that has not been read begins.
    line: usize,
    /// How far that line has been searched for its end.
    searched: usize,
    /// Whether the last line ended with a carriage return: a line feed would belong to it.
    after_return: bool,
    data: Data,
    /// Whether the event says of itself that it only keeps the connection open.
    idle: bool,
}

/// The data of an event that has not ended.
#[derive(Debug, Default)]
enum Data {
    #[default]
    None,
    /// The one line so far.
    Line(Range<usize>),
    /// Several lines, joined.
    Lines(Vec<u8>),
}

impl Events {
    /// The data of the next event that has ended; never `[DONE]`, never empty.
    pub(super) fn next<'b>(&mut self, body: &'b [u8]) -> Option<Cow<'b, [u8]>> {
        while let Some(line) = self.next_line(body) {
            if line.is_empty() {
                if let Some(data) = self.end_event(body) {
                    return Some(data);
                }
            } else {
                self.field(body, line);
            }
        }
        None
    }

    /// What stands behind the last event at the end of the body. The standard drops it; servers that end without the
    /// blank line are forgiven, since the answer was paid for.
    pub(super) fn rest<'b>(&mut self, body: &'b [u8]) -> Option<Cow<'b, [u8]>> {
        let line = std::mem::replace(&mut self.line, body.len())..body.len();
        if !line.is_empty() {
            self.field(body, line);
        }
        self.end_event(body)
    }

    fn next_line(&mut self, body: &[u8]) -> Option<Range<usize>> {
        if self.line == 0 && body.starts_with(BYTE_ORDER_MARK) {
            self.line = BYTE_ORDER_MARK.len();
        }
        if self.after_return && self.line < body.len() {
            self.line += usize::from(body[self.line] == b'\n');
            self.after_return = false;
        }
        let from = self.line.max(self.searched);
        let Some(found) = memchr::memchr2(b'\n', b'\r', body.get(from..)?) else {
            self.searched = body.len();
            return None;
        };
        let line = self.line..from + found;
        self.after_return = body[line.end] == b'\r';
        self.line = line.end + 1;
        Some(line)
    }

    fn field(&mut self, body: &[u8], line: Range<usize>) {
        let text = &body[line.clone()];
        if let Some(value) = text.strip_prefix(b"data:") {
            let value = line.end - value.strip_prefix(b" ").unwrap_or(value).len()..line.end;
            self.data = match std::mem::take(&mut self.data) {
                Data::None => Data::Line(value),
                Data::Line(first) => Data::Lines([&body[first], b"\n", &body[value]].concat()),
                Data::Lines(mut lines) => {
                    lines.push(b'\n');
                    lines.extend_from_slice(&body[value]);
                    Data::Lines(lines)
                }
            };
        } else if let Some(name) = text.strip_prefix(b"event:") {
            self.idle = matches!(name.trim_ascii(), b"keepalive" | b"ping");
        }
    }

    fn end_event<'b>(&mut self, body: &'b [u8]) -> Option<Cow<'b, [u8]>> {
        let idle = std::mem::take(&mut self.idle);
        let data = match std::mem::take(&mut self.data) {
            Data::None => return None,
            Data::Line(line) => Cow::Borrowed(&body[line]),
            Data::Lines(lines) => Cow::Owned(lines),
        };
        let said = data.trim_ascii();
        (!idle && !said.is_empty() && said != DONE).then_some(data)
    }
}

/// The `data` of the events that hold a word and a value for it; most servers send `"usage":null` with every piece.
pub(super) fn events_with<'b>(body: &'b str, word: &'b str) -> impl Iterator<Item = &'b str> {
    let holds = move |data: &&str| {
        memchr::memmem::find_iter(data.as_bytes(), word).any(|at| {
            let value = data[at + word.len()..].trim_start().strip_prefix(':').map(str::trim_start);
            value.is_some_and(|value| !value.starts_with("null"))
        })
    };
    let lines = body.trim_start_matches('\u{feff}').split(['\n', '\r']);
    lines.filter_map(|line| line.strip_prefix("data:")).map(str::trim).filter(holds)
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

    /// All events of a body that comes in pieces of `cut` bytes.
    fn events(body: &[u8], cut: usize) -> Vec<String> {
        let mut events = Events::default();
        let mut all = Vec::new();
        for end in (1..=body.len()).filter(|end| end % cut == 0 || *end == body.len()) {
            while let Some(data) = events.next(&body[..end]) {
                all.push(String::from_utf8(data.into_owned()).unwrap());
            }
        }
        all.extend(events.rest(body).map(|data| String::from_utf8(data.into_owned()).unwrap()));
        all
    }

    #[test]
    fn events_are_found_however_lines_end() {
        let cases: [(&str, &[&str]); 11] = [
            ("data: a\n\ndata: b\n\n", &["a", "b"]),
            ("data: a\r\n\r\ndata: b\r\n\r\n", &["a", "b"]),
            ("data: a\r\rdata: b\r\r", &["a", "b"]),
            ("\u{feff}data:a\n\n", &["a"]),
            ("data: a\ndata: b\ndata:  c\n\n", &["a\nb\n c"]),
            (": comment\n\nid: 1\nevent: message\ndata: a\nretry: 3\n\n", &["a"]),
            ("data: a\n\ndata: [DONE]\n\n", &["a"]),
            ("data: a\n\ndata: b", &["a", "b"]),
            ("data\ndata:\n\ndata: \n\n", &[]),
            ("event: ping\ndata: x\n\nevent: keepalive\ndata: x\n\ndata: a\n\n", &["a"]),
            ("", &[]),
        ];
        for (body, expected) in cases {
            for cut in [1, 2, 3, 7, 1000] {
                assert_eq!(events(body.as_bytes(), cut), expected, "{body:?} in pieces of {cut}");
            }
        }
    }

    proptest! {
        /// However the network cuts the stream, the events are the same, and any bytes are read without a panic.
        #[test]
        fn cuts_do_not_matter(lines in prop::collection::vec("(data: ?)?[a-z\r\n:]{0,12}", 0..20), cut in 1..40_usize) {
            let body = lines.join("\n");
            prop_assert_eq!(events(body.as_bytes(), cut), events(body.as_bytes(), usize::MAX));
        }

        #[test]
        fn no_bytes_make_it_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut found = Events::default();
            while found.next(&body).is_some() {}
            found.rest(&body);
        }
    }

    #[test]
    fn what_a_body_begins_with() {
        assert_eq!(first_byte(b"\xef\xbb\xbf\n <html>"), Some(b'<'));
        // The network may cut the mark in two.
        for half in [&b""[..], b"\xef", b"\xef\xbb", b"\xef\xbb\xbf"] {
            assert_eq!(first_byte(half), None, "{half:?}");
        }
        assert_eq!(first_byte(b"\xef{"), Some(0xef));
        let body = "\u{feff}data: {\"u\" : 1}\n\ndata: {\"u\":null}\n\ndata: u\n\nx: \"u\":2\r\rdata:\"u\":2";
        assert_eq!(events_with(body, "\"u\"").collect::<Vec<_>>(), ["{\"u\" : 1}", "\"u\":2"]);
        assert_eq!(first_byte(b" \n"), None);
    }
}
