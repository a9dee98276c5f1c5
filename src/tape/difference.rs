//! What differs between two requests, in a few lines for a person.

use std::collections::BTreeMap;

use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use super::key;

/// The most lines of a description.
const MAX_LINES: usize = 15;
/// The most characters shown of one line or value.
const MAX_CHARS: usize = 160;
/// Lines compared on either side after what both have in common at their ends; bounds the work of the diff.
const WINDOW: usize = 200;

/// How alike two requests are: bytes that their messages have in common at both ends. Cheap, since a replay that misses
/// once may miss a thousand times.
pub(super) fn likeness(a: &Value, b: &Value) -> usize {
    let (Some(a), Some(b)) = (messages(a), messages(b)) else { return 0 };
    a.iter().zip(b).map(|(a, b)| common_bytes(content(a), content(b))).sum()
}

fn common_bytes(a: &str, b: &str) -> usize {
    let prefix = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    let suffix = a.bytes().rev().zip(b.bytes().rev()).take_while(|(a, b)| a == b).count();
    (prefix + suffix).min(a.len().min(b.len()))
}

/// The differences, at most [`MAX_LINES`] lines.
pub(super) fn describe(tape_line: usize, tape: &Value, now: &Value) -> String {
    let mut lines = vec![format!("the nearest request is on line {tape_line} of the tape:")];
    fields(tape, now, &mut lines);
    let messages = (messages(tape), messages(now));
    if let (Some(old), Some(new)) = messages {
        if old.len() != new.len() {
            lines.push(format!("messages: {} on the tape, {} now", old.len(), new.len()));
        }
        for (index, (old, new)) in old.iter().zip(new).enumerate() {
            message(index, old, new, &mut lines);
        }
    }
    if lines.len() > MAX_LINES {
        lines.truncate(MAX_LINES - 1);
        lines.push("and more".to_owned());
    }
    lines.join("\n")
}

/// Top-level fields, except messages that can be compared line by line.
fn fields(tape: &Value, now: &Value, lines: &mut Vec<String>) {
    let (old, new) = (compared(tape), compared(now));
    let both_lists = messages(tape).is_some() && messages(now).is_some();
    let added = new.keys().filter(|name| !old.contains_key(*name));
    for name in old.keys().chain(added) {
        let (before, after) = (old.get(name).copied(), new.get(name).copied());
        if before == after || (*name == "messages" && both_lists) {
            continue;
        }
        lines.push(format!("{}: {} on the tape, {} now", clean(name), shown(before), shown(after)));
    }
}

/// The fields that make a request's key, by the names that they have there.
fn compared(request: &Value) -> BTreeMap<&str, &Value> {
    let fields = request.as_object().into_iter().flatten();
    fields.filter(|(name, _)| !key::transport(name)).map(|(name, field)| (key::canonical_name(name), field)).collect()
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "absent".to_owned(), |value| clean(&value.to_string()))
}

/// One message: the first lines that differ.
fn message(index: usize, old: &Value, new: &Value, lines: &mut Vec<String>) {
    if old == new {
        return;
    }
    let role = new.get("role").and_then(Value::as_str).unwrap_or("?");
    let (old_text, new_text) = (content(old), content(new));
    if old_text == new_text {
        lines.push(format!(
            "messages[{index}]: {} on the tape, {} now",
            clean(&old.to_string()),
            clean(&new.to_string())
        ));
        return;
    }
    let (old_lines, new_lines): (Vec<&str>, Vec<&str>) = (old_text.lines().collect(), new_text.lines().collect());
    let same = old_lines.iter().zip(&new_lines).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (window(&old_lines, same), window(&new_lines, same));
    lines.push(format!("messages[{index}] ({}), line {}:", clean(role), same + 1));
    let diff = TextDiff::from_slices(old_rest, new_rest);
    for change in diff.iter_all_changes() {
        let sign = match change.tag() {
            ChangeTag::Equal => continue,
            ChangeTag::Delete => '-',
            ChangeTag::Insert => '+',
        };
        lines.push(format!("{sign} {}", clean(change.value())));
        if lines.len() > MAX_LINES {
            return;
        }
    }
}

fn window<'a, 'b>(lines: &'b [&'a str], from: usize) -> &'b [&'a str] {
    let rest = lines.get(from..).unwrap_or_default();
    rest.get(..WINDOW).unwrap_or(rest)
}

fn messages(request: &Value) -> Option<&Vec<Value>> {
    request.get("messages")?.as_array()
}

fn content(message: &Value) -> &str {
    message.get("content").and_then(Value::as_str).unwrap_or_default()
}

/// Without control characters (prompts hold text from files), and short.
fn clean(text: &str) -> String {
    let mut chars = text.chars().filter(|c| !c.is_control());
    let mut short: String = chars.by_ref().take(MAX_CHARS).collect();
    if chars.next().is_some() {
        short.push('…');
    }
    short
}
