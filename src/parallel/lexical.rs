//! Looks at the characters of a JSON text for what a parser stops at or passes over: NaN and Infinity, numbers that no float
//! holds, and members that stand twice in objects that nobody reads.
//!
//! Only a walk along the tokens: it does not check the syntax, and on text that is no JSON its answers are meaningless.

use std::{borrow::Cow, collections::HashSet, ops::Range};

use super::{
    position::string_end,
    problem::{Anchor, MOST_PROBLEMS, Path, Raised, Segment, printable},
    rules::{DUPLICATE_KEY, HUGE_NUMBER, NOT_A_NUMBER},
};

/// Keys of one object that are compared one by one; of larger ones a set is kept.
const FEW: usize = 32;

/// An object or list on the way from the root to the place that is looked at.
#[derive(Default)]
struct Frame<'a> {
    object: bool,
    /// Members or elements before the present one.
    index: usize,
    /// The key of the present member, without its quotes.
    key: &'a str,
    /// Whether a string that comes now is a key.
    key_next: bool,
    keys: Vec<&'a str>,
    many: HashSet<&'a str>,
    /// One bit for each key there was, by its length and ends: most keys need no comparison.
    marks: u64,
}

impl<'a> Frame<'a> {
    /// Takes a key; whether there was one of its name.
    fn repeats(&mut self, key: &'a str) -> bool {
        self.key = key;
        self.key_next = false;
        let bytes = key.as_bytes();
        let ends = (bytes.first().copied().unwrap_or(0), bytes.last().copied().unwrap_or(0));
        let mark = 1_u64 << ((bytes.len() + 7 * usize::from(ends.0) + 13 * usize::from(ends.1)) % 64);
        let new = self.marks & mark == 0;
        self.marks |= mark;
        let repeated = !new && (self.many.contains(key) || (self.many.is_empty() && self.keys.contains(&key)));
        self.keys.push(key);
        if self.keys.len() == FEW {
            self.many = self.keys.iter().copied().collect();
        } else if self.keys.len() > FEW {
            self.many.insert(key);
        }
        repeated
    }
}

/// What the walk stops at.
enum Token<'a> {
    /// A key that its object has already.
    Repeated(&'a str),
    /// A value without quotes or brackets.
    Bare(Range<usize>),
}

/// NaN, Infinity and numbers that no float holds, each with its place.
pub(super) fn odd_numbers(source: &str) -> Vec<(Range<usize>, Raised)> {
    let mut found = Vec::new();
    walk(source, &mut |frames, token| {
        if let Token::Bare(range) = token
            && let Some(raised) = odd(source.get(range.clone()).unwrap_or_default(), frames)
            && found.len() < MOST_PROBLEMS
        {
            found.push((range, raised));
        }
    });
    found
}

/// Members that stand twice, and numbers that no float holds, wherever they are.
pub(super) fn unread(source: &str) -> Vec<Raised> {
    let mut found = Vec::new();
    walk(source, &mut |frames, token| {
        let raised = match token {
            Token::Bare(range) => odd(source.get(range).unwrap_or_default(), frames),
            Token::Repeated(key) => {
                let message = format!("`{}` stands here a second time; only one of them can hold", printable(key, 40));
                let raised = Raised::new(&DUPLICATE_KEY, path(frames), message).hint("keep the one that is right");
                let member = frames.last().map_or(0, |frame| frame.index);
                Some(Raised { anchor: Anchor::Member(member), ..raised })
            }
        };
        if found.len() < MOST_PROBLEMS {
            found.extend(raised);
        }
    });
    found
}

fn odd(text: &str, frames: &[Frame<'_>]) -> Option<Raised> {
    // What is short and begins as a plain number is the rule.
    let first = text.bytes().next()?;
    if first.is_ascii_digit() && text.len() < 5 {
        return None;
    }
    let bare = text.trim_start_matches(['-', '+']);
    if ["nan", "inf", "infinity"].iter().any(|word| word.eq_ignore_ascii_case(bare)) {
        let message = format!("{} is not JSON", printable(text, 40));
        let raised = Raised::new(&NOT_A_NUMBER, path(frames), message);
        return Some(raised.hint("JSON has no NaN and no Infinity: write the number that is meant, or null"));
    }
    if !(first == b'-' || first.is_ascii_digit()) || !text.parse::<f64>().is_ok_and(f64::is_infinite) {
        return None;
    }
    let message = format!("`{}` is more than a number can be", printable(text, 40));
    Some(Raised::new(&HUGE_NUMBER, path(frames), message).hint("write the number that is meant, or null"))
}

fn path(frames: &[Frame<'_>]) -> Path {
    let step = |frame: &Frame<'_>| match frame.object {
        true => Segment::Key(Cow::Owned(unescaped(frame.key))),
        false => Segment::Index(frame.index),
    };
    frames.iter().map(step).collect()
}

fn unescaped(key: &str) -> String {
    match key.contains('\\') {
        true => serde_json::from_str(&format!("\"{key}\"")).unwrap_or_else(|_| key.to_owned()),
        false => key.to_owned(),
    }
}

/// Iterative, since a file may be nested deeper than any stack.
fn walk<'a>(source: &'a str, see: &mut dyn FnMut(&[Frame<'a>], Token<'a>)) {
    let bytes = source.as_bytes();
    let mut frames: Vec<Frame<'a>> = Vec::new();
    // Kept for their memory.
    let mut spare: Vec<Vec<&'a str>> = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                let end = string_end(bytes, at);
                if let Some(frame) = frames.last_mut().filter(|frame| frame.key_next) {
                    let key = source.get(at + 1..end.saturating_sub(1)).unwrap_or_default();
                    if frame.repeats(key) {
                        see(&frames, Token::Repeated(key));
                    }
                }
                at = end;
            }
            b'{' | b'[' => {
                let object = *byte == b'{';
                let keys = if object { spare.pop().unwrap_or_default() } else { Vec::new() };
                frames.push(Frame { object, key_next: object, keys, ..Frame::default() });
                at += 1;
            }
            b'}' | b']' => {
                if let Some(Frame { object: true, mut keys, .. }) = frames.pop() {
                    keys.clear();
                    spare.push(keys);
                }
                at += 1;
            }
            b',' => {
                if let Some(frame) = frames.last_mut() {
                    frame.index += 1;
                    frame.key_next = frame.object;
                }
                at += 1;
            }
            b' ' | b'\t' | b'\n' | b'\r' | b':' => at += 1,
            _ => {
                let rest = bytes.get(at..).unwrap_or_default();
                let ends = |byte: &u8| matches!(byte, b',' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r' | b'"' | b':');
                let end = at + rest.iter().position(ends).unwrap_or(rest.len()).max(1);
                see(&frames, Token::Bare(at..end));
                at = end;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::parallel::problem::display_path;

    fn paths(raised: &[Raised]) -> Vec<(&'static str, String)> {
        raised.iter().map(|raised| (raised.rule.code, display_path(&raised.path))).collect()
    }

    #[test]
    fn what_stands_twice_or_is_no_number_is_found_at_any_depth() {
        let source = r#"{"a": {"x": [1, {"k": 1, "k": 2}]}, "b": [1e999, -1e999, 1e300, 12345], "a": 0, "c\u0062": NaN, "s": "{\"a\": NaN, \"a"}"#;
        let expected = [("PW105", "a.x[1].k"), ("PW111", "b[0]"), ("PW111", "b[1]"), ("PW105", "a"), ("PW104", "cb")];
        assert_eq!(paths(&unread(source)), expected.map(|(code, path)| (code, path.to_owned())));
        let numbers: Vec<&str> = odd_numbers(source).iter().map(|(range, _)| &source[range.clone()]).collect();
        assert_eq!(numbers, ["1e999", "-1e999", "NaN"]);
    }

    #[test]
    fn objects_of_many_members_are_no_more_work_each() {
        let members: Vec<String> = (0..50_000).map(|at| format!("\"k{at}\": {at}")).collect();
        let source = format!("{{{}, \"k77\": 1}}", members.join(", "));
        assert_eq!(paths(&unread(&source)), [("PW105", "k77".to_owned())]);
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in "[\\[\\]{}:,\"\\\\ aN1e\n]{0,60}|\\PC{0,30}") {
            let _ = unread(&text);
            for (range, _) in odd_numbers(&text) {
                prop_assert!(text.get(range).is_some());
            }
        }
    }
}
