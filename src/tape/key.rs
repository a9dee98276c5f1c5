//! What makes two requests the same: a hash of path and body, independent of the order of fields, of host and headers, and
//! of what servers want to be told differently though it changes no answer.

use memchr::memmem;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::escape::write_string;

/// The key of a request: SHA-256 of method, path and canonical body, as 64 lower-case hex digits.
///
/// `path` is what follows the base URL (`/chat/completions`), so the key is the same behind every base URL. The body must
/// hold no secret; headers, where secrets are, do not enter. Of the body, `stream`, `stream_options` and `prompt_cache_key` do not enter,
/// and the two names of the token cap count as one, so that a tape of one provider answers behind another's base URL.
pub fn request_key(method: &str, path: &str, body: &Value) -> String {
    hex(&[&canonical(method, path, body)])
}

/// The key of a request without the list of a level's other achievements: what stays the same where only a neighbour has
/// changed. An answer is remembered under it, so that a change of one achievement asks for that achievement only; a
/// replay goes by [`request_key`] alone.
pub fn item_key(method: &str, path: &str, body: &Value) -> String {
    item_key_of(&canonical(method, path, body))
}

/// Both keys, for the price of writing the request down once: [`request_key`], then [`item_key`].
pub fn request_and_item_key(method: &str, path: &str, body: &Value) -> (String, String) {
    let text = canonical(method, path, body);
    (hex(&[&text]), item_key_of(&text))
}

fn item_key_of(text: &[u8]) -> String {
    // The template fences the list with these tags, and data in it cannot close them. Data could open one: then the
    // last one counts, less is left out, and the key is the stricter for it.
    const OPEN: &[u8] = b"\\n<siblings>\\n";
    const CLOSE: &[u8] = b"\\n</siblings>";
    let open = memmem::rfind(text, OPEN);
    let close = open.and_then(|open| memmem::find(&text[open..], CLOSE).map(|at| open + at));
    match (open, close) {
        (Some(open), Some(close)) => hex(&[&text[..open], &text[close..]]),
        _ => hex(&[text]),
    }
}

fn canonical(method: &str, path: &str, body: &Value) -> Vec<u8> {
    let mut text = Vec::with_capacity(32 * 1024);
    text.extend_from_slice(method.as_bytes());
    text.push(b'\n');
    text.extend_from_slice(path.as_bytes());
    text.push(b'\n');
    match body {
        Value::Object(fields) => {
            let fields =
                fields.iter().filter(|(name, _)| !transport(name)).map(|(name, field)| (canonical_name(name), field));
            write_object(fields.collect(), &mut text);
        }
        other => write_canonical(other, &mut text),
    }
    text
}

/// SHA-256 of the pieces, one behind the other, as 64 lower-case hex digits.
fn hex(pieces: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for piece in pieces {
        hash.update(piece);
    }
    let mut key = String::with_capacity(64);
    for byte in hash.finalize() {
        for nibble in [byte >> 4, byte & 0xf] {
            key.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
        }
    }
    key
}

/// Whether a top-level field of a request only says how the answer is to be carried.
pub(super) fn transport(name: &str) -> bool {
    matches!(name, "stream" | "stream_options" | "prompt_cache_key")
}

/// One name for what has two.
pub(super) fn canonical_name(name: &str) -> &str {
    if name == "max_completion_tokens" { "max_tokens" } else { name }
}

/// JSON without blanks, the keys of every object sorted by their bytes.
fn write_canonical(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => out.extend_from_slice(number.to_string().as_bytes()),
        Value::String(text) => write_string(text, out),
        Value::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_canonical(item, out);
            }
            out.push(b']');
        }
        Value::Object(fields) => write_object(fields.iter().map(|(name, field)| (name.as_str(), field)).collect(), out),
    }
}

fn write_object(mut fields: Vec<(&str, &Value)>, out: &mut Vec<u8>) {
    fields.sort_by(|a, b| a.0.cmp(b.0));
    out.push(b'{');
    for (index, (name, field)) in fields.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_string(name, out);
        out.push(b':');
        write_canonical(field, out);
    }
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, json};

    use super::*;

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(".{0,4}", inner, 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    /// The same value with the fields of every object in reverse order.
    fn reversed(value: &Value) -> Value {
        match value {
            Value::Array(items) => items.iter().map(reversed).collect(),
            Value::Object(fields) => Value::Object(
                fields.iter().rev().map(|(name, field)| (name.clone(), reversed(field))).collect::<Map<_, _>>(),
            ),
            other => other.clone(),
        }
    }

    #[test]
    fn a_key_is_64_hex_digits_and_does_not_change_between_versions() {
        // A tape in `recordings/` is found again only while this stays the same.
        let key = request_key("POST", "/chat/completions", &json!({"model": "m", "n": [1, true, null]}));
        // printf 'POST\n/chat/completions\n{"model":"m","n":[1,true,null]}' | sha256sum
        assert_eq!(key, "a6015a13b05820f7577c842063f2ea6941b86f38794a839327a16c708c244d7a");
        assert_eq!(key, request_key("POST", "/chat/completions", &json!({"n": [1, true, null], "model": "m"})));
        assert_ne!(key, request_key("POST", "/models", &json!({"model": "m", "n": [1, true, null]})));
    }

    #[test]
    fn how_an_answer_is_carried_does_not_matter() {
        let key = |body| request_key("POST", "/p", &body);
        let openai = json!({"model": "m", "max_completion_tokens": 9, "prompt_cache_key": "k", "stream": true, "stream_options": {"include_usage": true}});
        assert_eq!(key(openai), key(json!({"model": "m", "max_tokens": 9})));
        assert_ne!(key(json!({"model": "m", "max_tokens": 9})), key(json!({"model": "m", "max_tokens": 8})));
        assert_ne!(key(json!({"n": {"stream": true}})), key(json!({"n": {}})));
    }

    #[test]
    fn only_the_list_of_neighbours_may_change_under_an_item_key() {
        let body = |plan: &str, siblings: &str, own: &str| {
            let text = format!("# The PLAN\n{plan}\n<siblings>\n{siblings}\n</siblings>\n\n# Your task\n{own}");
            json!({"model": "m", "messages": [{"role": "user", "content": text}]})
        };
        let key = |body: &Value| request_and_item_key("POST", "/p", body);
        let (strict, loose) = key(&body("goal", "- 1.1 A\n- 1.2 B", "1.2 B"));
        assert_eq!(strict, request_key("POST", "/p", &body("goal", "- 1.1 A\n- 1.2 B", "1.2 B")));
        let (renamed_strict, renamed) = key(&body("goal", "- 1.1 Z\n- 1.2 B", "1.2 B"));
        assert_eq!(renamed, loose);
        assert_ne!(renamed_strict, strict);
        assert_ne!(key(&body("goal", "- 1.1 A\n- 1.2 B", "1.2 other")).1, loose);
        assert_ne!(key(&body("another goal", "- 1.1 A\n- 1.2 B", "1.2 B")).1, loose);
        // Text of a PLAN that looks like the list's beginning hides nothing that comes after it.
        let forged = |goal: &str| key(&body(&format!("x\n<siblings>\n{goal}"), "- 1.1 A", "1.2 B")).1;
        assert_ne!(forged("one"), forged("two"));
        let plain = json!({"model": "m"});
        assert_eq!(key(&plain).0, key(&plain).1);
    }

    proptest! {
        #[test]
        fn the_order_of_fields_does_not_matter(value in any_json()) {
            prop_assert_eq!(request_key("POST", "/p", &value), request_key("POST", "/p", &reversed(&value)));
        }

        #[test]
        fn different_requests_have_different_keys(a in any_json(), b in any_json()) {
            prop_assert_eq!(a == b, request_key("POST", "/p", &a) == request_key("POST", "/p", &b));
        }
    }
}
