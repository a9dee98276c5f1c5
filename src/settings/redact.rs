//! Takes known secrets out of text that is about to be printed, logged or stored.
//!
//! The last line of defence, not the first: secrets are kept in types that do not print them.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::ops::Range;

use secrecy::{ExposeSecret, SecretString};

/// What stands where a secret was.
pub const MASK: &str = "***";

/// Shorter texts are not taken for secrets: masking every `a` of a text would hide the text and protect nothing.
const SHORTEST: usize = 4;

/// `text` with every occurrence of a secret of at least 4 bytes replaced by [`MASK`].
///
/// Secrets that overlap in the text become one mask, so that no tail of one is left over.
pub fn redact(text: &str, secrets: &[SecretString]) -> String {
    let mut hits: Vec<Range<usize>> = Vec::new();
    for secret in secrets.iter().map(ExposeSecret::expose_secret).filter(|secret| secret.len() >= SHORTEST) {
        let step = secret.chars().next().map_or(1, char::len_utf8);
        let mut from = 0;
        while let Some(start) = text.get(from..).and_then(|rest| rest.find(secret)).map(|offset| from + offset) {
            hits.push(start..start + secret.len());
            from = start + step;
        }
    }
    hits.sort_by_key(|hit| hit.start);

    let mut clean = String::with_capacity(text.len());
    let mut done = 0;
    for hit in hits {
        if hit.start >= done && (hit.start > done || !clean.ends_with(MASK)) {
            clean.push_str(&text[done..hit.start]);
            clean.push_str(MASK);
        }
        done = done.max(hit.end);
    }
    clean.push_str(&text[done..]);
    clean
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn secrets(list: &[&str]) -> Vec<SecretString> {
        list.iter().map(|text| SecretString::from(*text)).collect()
    }

    #[test]
    fn secrets_leave_a_mask() {
        let cases: &[(&str, &[&str], &str)] = &[
            ("nothing here", &["sk-123456"], "nothing here"),
            ("Bearer sk-123456, again sk-123456.", &["sk-123456"], "Bearer ***, again ***."),
            // The longer secret begins with the shorter one.
            ("sk-123456-tail", &["sk-123456", "sk-123456-tail"], "***"),
            // Two occurrences that overlap.
            ("xabababax", &["ababa"], "x***x"),
            ("key:päss→", &["päss"], "key:***→"),
            // Too short to be secrets.
            ("a b c", &["", "a", " b "], "a b c"),
            ("", &["sk-123456"], ""),
        ];
        for (text, list, expected) in cases {
            assert_eq!(redact(text, &secrets(list)), *expected, "{text} {list:?}");
        }
    }

    proptest! {
        #[test]
        fn no_secret_is_left_and_nothing_else_is_lost(
            list in proptest::collection::vec("[ab]{4,6}", 1..4),
            pieces in proptest::collection::vec(("[abc ]{0,12}", 0_usize..4), 0..8),
        ) {
            let text: String = pieces
                .iter()
                .flat_map(|(between, index)| [between.as_str(), list.get(*index).map_or("", String::as_str)])
                .collect();
            let refs: Vec<&str> = list.iter().map(String::as_str).collect();
            let clean = redact(&text, &secrets(&refs));
            for secret in &refs {
                prop_assert!(!clean.contains(secret));
            }
            // What is between the masks stood in the text, in this order.
            let mut rest = text.as_str();
            for piece in clean.split(MASK) {
                let at = rest.find(piece);
                prop_assert!(at.is_some(), "{piece:?} is not in {rest:?}");
                rest = &rest[at.unwrap_or(0) + piece.len()..];
            }
            // Characters that no secret holds are never masked.
            let kept = |text: &str| text.chars().filter(|c| matches!(c, 'c' | ' ')).count();
            prop_assert_eq!(kept(&clean), kept(&text));
        }
    }
}
