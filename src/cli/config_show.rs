//! `planwave config show`: every setting and where it came from, as text or JSON.
//!
//! Pure: it takes loaded settings and gives text; it must not read anything or print. Values that may be secret arrive
//! masked, and of the API key only its length is known here.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use serde_json::{Map, Value, json};

use crate::settings::{Entry, KeyState, Loaded};

/// Origins are aligned up to this column; longer lines push theirs to the right.
const WIDEST: usize = 56;

/// The settings as TOML with the origin of each value as a comment, then what is known of the API key.
pub fn text(loaded: &Loaded, key: &KeyState) -> String {
    let lines: Vec<(&Entry, String)> =
        loaded.entries.iter().map(|entry| (entry, format!("{} = {}", entry.name, toml(&entry.shown)))).collect();
    let widths = lines.iter().map(|(_, line)| console::measure_text_width(line));
    let column = widths.filter(|width| *width <= WIDEST).max().unwrap_or(0);

    let mut text = String::new();
    let mut table = "";
    for (entry, line) in &lines {
        if entry.table != table {
            let gap = if table.is_empty() { "" } else { "\n" };
            table = entry.table;
            text.push_str(&format!("{gap}[{table}]\n"));
        }
        let padding = column.saturating_sub(console::measure_text_width(line)) + 2;
        text.push_str(&format!("{line}{:padding$}# {}\n", "", entry.origin));
    }
    text.push_str(&format!("\n# API key: {}\n", key_in_words(key)));
    for warning in &loaded.warnings {
        text.push_str(&format!("# warning: {warning}\n"));
    }
    text
}

/// The settings as `{"<table>.<key>": {"value", "origin"}}`, in the same order, with `api_key` and `warnings` at the end.
pub fn json(loaded: &Loaded, key: &KeyState) -> Value {
    let entries = loaded.entries.iter();
    let mut all: Map<String, Value> = entries
        .map(|entry| (entry.key(), json!({ "value": entry.shown, "origin": entry.origin.to_string() })))
        .collect();
    let (characters, error) = match &key.characters {
        Ok(characters) => (*characters, None),
        Err(error) => (None, Some(error.to_string())),
    };
    all.insert(
        "api_key".to_owned(),
        json!({
            "set": characters.is_some(),
            "characters": characters,
            "origin": key.source.to_string(),
            "needed": key.needed,
            "error": error,
        }),
    );
    all.insert("warnings".to_owned(), json!(loaded.warnings));
    Value::Object(all)
}

fn key_in_words(key: &KeyState) -> String {
    let source = &key.source;
    match (&key.characters, key.needed) {
        (Ok(Some(characters)), _) => format!("set ({characters} characters), from {source}"),
        (Ok(None), true) => format!("not set; {source} is empty, and the server needs one"),
        (Ok(None), false) => format!("not set; {source} is empty, and a server on this machine needs none"),
        (Err(error), _) => format!("not available: {error}"),
    }
}

/// A value as TOML writes it on one line. `null`, which only a variable can bring in, has no TOML and stays as it is.
fn toml(value: &Value) -> String {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => quote(text),
        Value::Array(items) => format!("[{}]", items.iter().map(toml).collect::<Vec<_>>().join(", ")),
        Value::Object(entries) if entries.is_empty() => "{}".to_owned(),
        Value::Object(entries) => {
            let pairs: Vec<String> = entries.iter().map(|(key, value)| format!("{} = {}", quote(key), toml(value))).collect();
            format!("{{ {} }}", pairs.join(", "))
        }
    }
}

/// A text in quotes, without any character that could act on a terminal.
fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            // Controls, and the marks that reverse the direction of a line (Unicode Bidi_Control).
            c if c.is_control() || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') => {
                quoted.push_str(&format!("\\u{:04X}", u32::from(c)));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
