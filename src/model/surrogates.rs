//! Halves of characters: some servers cut an emoji into two JSON escapes and send each in an event of its own. Pure.
//!
//! JSON text with half a surrogate pair is refused by every strict reader. Each half is read as a placeholder character
//! instead, two placeholders that meet become the character, and one that stays alone becomes U+FFFD.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use serde_json::Value;

/// The placeholder of U+D800; those of the other halves follow. Plane 16 is for private use.
const FIRST: u32 = 0x10_0000;

const HIGH: std::ops::Range<u16> = 0xd800..0xdc00;
const LOW: std::ops::Range<u16> = 0xdc00..0xe000;

/// The JSON text with a placeholder for each escape that is half a pair; `None` where there is none.
pub(super) fn mend(json: &str) -> Option<String> {
    let mut mended = String::with_capacity(json.len());
    let (mut copied, mut at) = (0, 0);
    while let Some(found) = json.get(at..)?.find('\\') {
        let start = at + found;
        let Some(unit) = escaped_unit(json, start) else {
            // Another escape: the character behind the backslash belongs to it.
            at = start + 1 + json[start + 1..].chars().next().map_or(0, char::len_utf8);
            continue;
        };
        at = start + ESCAPE;
        if HIGH.contains(&unit) && escaped_unit(json, at).is_some_and(|low| LOW.contains(&low)) {
            at += ESCAPE;
        } else if let Some(placeholder) = placeholder(unit) {
            mended.push_str(&json[copied..start]);
            mended.push(placeholder);
            copied = at;
        }
    }
    mended.push_str(&json[copied..]);
    (copied > 0).then_some(mended)
}

/// Appends text in which placeholders may stand; the halves of a character that meet become that character.
pub(super) fn append(text: &mut String, more: &str) {
    if let Some(high) = text.chars().next_back().and_then(unit).filter(|unit| HIGH.contains(unit))
        && let Some(low) = more.chars().next().and_then(unit).filter(|unit| LOW.contains(unit))
        && let Some(Ok(whole)) = char::decode_utf16([high, low]).next()
    {
        text.pop();
        text.push(whole);
        text.extend(more.chars().skip(1));
    } else {
        text.push_str(more);
    }
}

/// The text with U+FFFD for each half that stayed alone.
pub(super) fn settle(text: &str) -> String {
    text.chars().map(|c| if unit(c).is_some() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// A value of JSON text, with placeholders where it needs them.
pub(super) fn value(json: &str) -> Option<Value> {
    serde_json::from_str(json).ok().or_else(|| serde_json::from_str(&mend(json)?).ok())
}

/// The length of `\ud83d`.
const ESCAPE: usize = 6;

fn escaped_unit(json: &str, at: usize) -> Option<u16> {
    let digits = json.get(at..at + ESCAPE)?.strip_prefix("\\u")?;
    digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok()).flatten()
}

fn placeholder(unit: u16) -> Option<char> {
    let half = HIGH.contains(&unit) || LOW.contains(&unit);
    half.then(|| char::from_u32(FIRST + u32::from(unit - HIGH.start))).flatten()
}

fn unit(c: char) -> Option<u16> {
    let offset = u16::try_from(u32::from(c).checked_sub(FIRST)?).ok()?;
    HIGH.start.checked_add(offset).filter(|unit| *unit < LOW.end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_halves_are_replaced() {
        for whole in [
            r#""""#,
            r#""plain""#,
            r#""\ud83d\ude80""#,
            r#""\\ud83d""#,
            r#""\"\\\n\u00e9""#,
            r#""\ud83""#,
            r#""\uzzzz""#,
            "\"🚀\"",
            "\\",
        ] {
            assert_eq!(mend(whole), None, "{whole}");
        }
        for (json, text) in [
            (r#""a\ud83d""#, "a\u{fffd}"),
            (r#""\ude80b""#, "\u{fffd}b"),
            (r#""\ud83d\ud83d\ude80\\\ude80""#, "\u{fffd}🚀\\\u{fffd}"),
            (r#""\ude80\ud83d""#, "\u{fffd}\u{fffd}"),
            (r#""\ud83d\u0041""#, "\u{fffd}A"),
        ] {
            let mended: String = serde_json::from_str(&mend(json).unwrap()).unwrap();
            assert_eq!(settle(&mended), text, "{json}");
        }
        assert_eq!(value(r#"{"a":"\ud83d","b":1}"#).unwrap()["b"], 1);
        assert_eq!(value("{"), None);
    }

    proptest! {
        /// However an escaped text is cut between its escapes, its pieces make the text again.
        #[test]
        fn pieces_make_the_whole(text in "[a-c🚀😀é\\\\\"]{0,20}", cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
            let units: Vec<String> = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(units.len() + 1)).chain([0, units.len()]).collect();
            cuts.sort_unstable();
            let mut joined = String::new();
            for piece in cuts.windows(2) {
                let json = format!("\"{}\"", units[piece[0]..piece[1]].concat());
                let piece: String = serde_json::from_str(&mend(&json).unwrap_or(json)).unwrap();
                append(&mut joined, &piece);
            }
            prop_assert_eq!(settle(&joined), text);
        }

        #[test]
        fn nothing_makes_it_panic(json in "(\\\\u?[dD][89a-f][0-9a-f]{0,2}|\\PC){0,12}") {
            let _ = mend(&json);
            let _ = settle(&json);
        }
    }
}
