//! Text as the inside of a JSON string, byte for byte as `serde_json` writes it, for a fraction of its price.
//!
//! A tape's line is mostly the event stream of an answer: hundreds of lines that differ in nothing but a few words, every
//! seventh byte of them a quotation mark. What two long lines have in common at their ends is escaped once and copied
//! from then on. Prose is looked through in blocks.

/// Lines shorter than this are escaped as they are.
const LONG: usize = 64;

/// Bytes that are looked at together.
const BLOCK: usize = 32;

/// Appends `text` in quotation marks.
pub(super) fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    escape(text.as_bytes(), out);
    out.push(b'"');
}

/// Appends a text whose lines repeat each other, in quotation marks.
pub(super) fn write_stream(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut frame = Frame::default();
    let mut last: &[u8] = b"";
    let mut rest = text.as_bytes();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1));
        rest = more;
        if line.len() < LONG {
            escape(line, out);
            continue;
        }
        if !frame.write(line, out) {
            escape(line, out);
            frame.learn(last, line);
        }
        last = line;
    }
    out.push(b'"');
}

/// What long lines begin and end with, as it is and as it is written. Escaping takes each byte for itself, so a text can
/// be cut anywhere.
#[derive(Default)]
struct Frame {
    before: Vec<u8>,
    behind: Vec<u8>,
    before_escaped: Vec<u8>,
    behind_escaped: Vec<u8>,
}

impl Frame {
    /// Appends a line of this frame; false, and nothing is appended, where it is none.
    fn write(&self, line: &[u8], out: &mut Vec<u8>) -> bool {
        if self.before.is_empty() && self.behind.is_empty() {
            return false;
        }
        let inside =
            line.strip_prefix(self.before.as_slice()).and_then(|rest| rest.strip_suffix(self.behind.as_slice()));
        let Some(inside) = inside else { return false };
        out.extend_from_slice(&self.before_escaped);
        escape(inside, out);
        out.extend_from_slice(&self.behind_escaped);
        true
    }

    /// Takes what two lines have in common.
    fn learn(&mut self, one: &[u8], other: &[u8]) {
        let before = one.iter().zip(other).take_while(|(a, b)| a == b).count();
        let rest = (&one[before..], &other[before..]);
        let behind = rest.0.iter().rev().zip(rest.1.iter().rev()).take_while(|(a, b)| a == b).count();
        for (bytes, escaped, part) in [
            (&mut self.before, &mut self.before_escaped, &other[..before]),
            (&mut self.behind, &mut self.behind_escaped, &other[other.len() - behind..]),
        ] {
            bytes.clear();
            bytes.extend_from_slice(part);
            escaped.clear();
            escape(part, escaped);
        }
    }
}

/// Appends bytes of a text.
fn escape(bytes: &[u8], out: &mut Vec<u8>) {
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    for block in blocks {
        // The whole block, without leaving early, so that it is looked at in a few instructions.
        if block.iter().fold(false, |found, byte| found | is_special(*byte)) {
            escape_block(block, out);
        } else {
            out.extend_from_slice(block);
        }
    }
    escape_block(rest, out);
}

fn is_special(byte: u8) -> bool {
    byte < b' ' || byte == b'"' || byte == b'\\'
}

fn escape_block(block: &[u8], out: &mut Vec<u8>) {
    let mut rest = block;
    while let Some(at) = rest.iter().position(|byte| is_special(*byte)) {
        out.extend_from_slice(&rest[..at]);
        let byte = rest[at];
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            control => {
                const DIGITS: &[u8; 16] = b"0123456789abcdef";
                let digit = |nibble: u8| DIGITS[usize::from(nibble & 0xf)];
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(control >> 4), digit(control)]);
            }
        }
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn string(text: &str) -> String {
        let mut out = Vec::new();
        write_string(text, &mut out);
        String::from_utf8(out).unwrap()
    }

    fn stream(text: &str) -> String {
        let mut out = Vec::new();
        write_stream(text, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_character_below_256_is_written_as_serde_json_writes_it() {
        let all: String = (0..=0xff_u8).map(char::from).collect();
        let expected = serde_json::to_string(&all).unwrap();
        assert_eq!(string(&all), expected);
        assert_eq!(stream(&all), expected);
        for one in all.chars().map(String::from) {
            assert_eq!(string(&one), serde_json::to_string(&one).unwrap());
        }
    }

    #[test]
    fn lines_that_overlap_themselves_are_written_whole() {
        // The common ends of two lines are as long as the shorter line, or overlap in it.
        let lines = [80, 64, 65, 100, 80, 79].map(|length| "ab\"".repeat(length / 3 + 1)[..length].to_owned());
        let text = lines.join("\n");
        assert_eq!(stream(&text), serde_json::to_string(&text).unwrap());
    }

    proptest! {
        #[test]
        fn any_text_is_written_as_serde_json_writes_it(text in "(\\PC|[\x00-\x7f]){0,200}") {
            let expected = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(string(&text), &*expected);
            prop_assert_eq!(stream(&text), &*expected);
        }

        #[test]
        fn a_stream_is_written_as_serde_json_writes_it(
            frames in prop::collection::vec(("[a-c\"\\\\é]{0,70}", "[a-c\"\\\\é]{0,70}"), 1..4),
            lines in prop::collection::vec((any::<prop::sample::Index>(), "[a-c\"é🚀\x01]{0,9}"), 0..30),
            end in prop::sample::select(vec!["\n", "\n\n", "\r\n\r\n", ""]),
        ) {
            let mut text = String::new();
            for (frame, words) in lines {
                let (before, behind) = &frames[frame.index(frames.len())];
                text.push_str(before);
                text.push_str(&words);
                text.push_str(behind);
                text.push_str(end);
            }
            prop_assert_eq!(stream(&text), serde_json::to_string(&text).unwrap());
        }
    }
}
