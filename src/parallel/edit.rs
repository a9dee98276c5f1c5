//! Edits the members of an object in JSON text, and leaves every other byte alone.
//!
//! New members take the layout of their neighbours: indentation, line ends, the space after the colon.

use std::{borrow::Cow, ops::Range};

use serde_json::Value;

use super::position::{Child, children, is_key};

/// A piece of text to put in the place of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Splice {
    pub(super) range: Range<usize>,
    pub(super) text: String,
}

/// A member's name, and its new value or, for removal, `None`.
pub(super) type MemberChange<'a> = (&'a str, Option<Value>);

/// How a file is laid out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Style {
    newline: &'static str,
    indent: String,
}

impl Style {
    /// Takes the layout from the first lines of the file; two spaces where they do not tell.
    pub(super) fn of(source: &str) -> Self {
        let newline = if source.split_once('\n').is_some_and(|(line, _)| line.ends_with('\r')) { "\r\n" } else { "\n" };
        let indented = source.lines().skip(1).find(|line| line.starts_with([' ', '\t']) && !line.trim().is_empty());
        let indent = indented.map_or("  ", |line| &line[..line.len() - line.trim_start().len()]);
        let indent = if indent.len() > 8 { "  " } else { indent };
        Self { newline, indent: indent.to_owned() }
    }

    /// What ends a line.
    pub(super) fn newline(&self) -> &'static str {
        self.newline
    }

    /// What a line has for each object or list around it.
    pub(super) fn indent(&self) -> &str {
        &self.indent
    }
}

/// Puts the pieces, which must not overlap, into their places.
pub(super) fn apply_splices<'a>(source: &str, splices: impl IntoIterator<Item = &'a Splice>) -> String {
    let mut splices: Vec<&Splice> = splices.into_iter().collect();
    splices.sort_by_key(|splice| (splice.range.start, splice.range.end));
    let added: usize = splices.iter().map(|splice| splice.text.len()).sum();
    let mut text = String::with_capacity(source.len() + added);
    let mut from = 0;
    for splice in splices {
        text.push_str(source.get(from..splice.range.start).unwrap_or_default());
        text.push_str(&splice.text);
        from = splice.range.end;
    }
    text.push_str(source.get(from..).unwrap_or_default());
    text
}

/// The object in `text` with members set (`Some`) or removed (`None`).
pub(super) fn edit_object(text: &str, changes: &[MemberChange<'_>], style: &Style) -> String {
    let members = children(text, 0);
    apply_splices(text, &member_splices(text, 0..text.len(), &members, changes, style))
}

/// The value of a member of the object in `text`, as it is written there.
pub(super) fn member_text<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let member = children(text, 0).into_iter().find(|member| is_key(text, member, name))?;
    text.get(member.value)
}

/// The edits that set (`Some`) or remove (`None`) members of the object at `object`.
pub(super) fn member_splices(
    source: &str,
    object: Range<usize>,
    members: &[Child],
    changes: &[MemberChange<'_>],
    style: &Style,
) -> Vec<Splice> {
    let layout = Layout::of(source, &object, members, style);
    let mut splices = Vec::new();
    let mut added = String::new();
    for (name, new) in changes {
        let found = members.iter().position(|member| is_key(source, member, name));
        match (found, new) {
            (Some(at), Some(new)) => splices.extend(replacement(source, &members[at], new, &layout, style)),
            (Some(at), None) => splices.extend(removal(source, members, at, &object)),
            (None, Some(new)) => {
                let separator = if members.is_empty() && added.is_empty() { "" } else { layout.separator.as_ref() };
                let key = Value::from(*name);
                added.push_str(&format!("{separator}{key}{}{}", layout.colon, layout.render(new, style)));
            }
            (None, None) => {}
        }
    }
    if !added.is_empty() {
        let end = members.last().map_or(object.start + 1, |last| last.value.end);
        splices.push(Splice { range: end..end, text: added });
    }
    splices
}

fn replacement(source: &str, member: &Child, new: &Value, layout: &Layout<'_>, style: &Style) -> Option<Splice> {
    let old = source.get(member.value.clone()).unwrap_or_default();
    if let (Value::Object(fields), true) = (new, old.starts_with('{')) {
        let fields: Vec<MemberChange<'_>> =
            fields.iter().map(|(name, value)| (name.as_str(), Some(value.clone()))).collect();
        return Some(Splice { range: member.value.clone(), text: edit_object(old, &fields, style) });
    }
    let same = serde_json::from_str::<Value>(old).is_ok_and(|old| old == *new);
    (!same).then(|| Splice { range: member.value.clone(), text: layout.render(new, style) })
}

/// Removes a member with one of the commas around it. One that is `null` already says nothing, and stays.
fn removal(source: &str, members: &[Child], at: usize, object: &Range<usize>) -> Option<Splice> {
    let member = &members[at];
    if source.get(member.value.clone()) == Some("null") {
        return None;
    }
    let range = match (at.checked_sub(1).and_then(|before| members.get(before)), members.get(at + 1)) {
        (Some(before), _) => before.value.end..member.value.end,
        (None, Some(after)) => member.key.start..after.key.start,
        (None, None) => object.start + 1..object.end.saturating_sub(1),
    };
    Some(Splice { range, text: String::new() })
}

/// How the members of one object are laid out.
struct Layout<'a> {
    /// Between two members.
    separator: Cow<'a, str>,
    /// Between key and value.
    colon: &'a str,
    /// What a line in this object starts with; `None` where it stands in one line.
    indent: Option<&'a str>,
    /// Whether a list or object in it stands in one line.
    inline_values: bool,
}

impl<'a> Layout<'a> {
    fn of(source: &'a str, object: &Range<usize>, members: &[Child], style: &Style) -> Self {
        let text = |range: Range<usize>| source.get(range).unwrap_or_default();
        let colon = members.first().map_or(": ", |member| text(member.key.end..member.value.start));
        let colon = if colon.contains('\n') { ": " } else { colon };
        let before_last = match members {
            [] => "",
            [only] => text(object.start + 1..only.key.start),
            [.., before, last] => text(before.value.end..last.key.start),
        };
        let indent = before_last.rfind('\n').map(|at| &before_last[at + 1..]);
        let separator = match indent {
            // A comma at the start of the line, as some write it.
            Some(indent) if !indent.trim().is_empty() => Cow::Borrowed(before_last),
            Some(indent) => Cow::Owned(format!(",{}{indent}", style.newline)),
            None if members.len() > 1 => Cow::Borrowed(before_last),
            None => Cow::Borrowed(if colon.ends_with(' ') { ", " } else { "," }),
        };
        let mut nested = members.iter().map(|member| text(member.value.clone()));
        let filled = nested.rfind(|value| value.starts_with(['[', '{']) && value.len() > 2);
        let inline_values = indent.is_none() || filled.is_some_and(|value| !value.contains('\n'));
        let indent = indent.map(|indent| &indent[..indent.len() - indent.trim_start().len()]);
        Self { separator, colon, indent, inline_values }
    }

    fn render(&self, value: &Value, style: &Style) -> String {
        let mut out = String::new();
        let indent = if self.inline_values { None } else { self.indent };
        self.write(&mut out, value, indent, style);
        out
    }

    fn write(&self, out: &mut String, value: &Value, indent: Option<&str>, style: &Style) {
        let inner = indent.map(|indent| format!("{indent}{}", style.indent));
        let line =
            |indent: Option<&str>| indent.map_or_else(String::new, |indent| format!("{}{indent}", style.newline));
        let between = if indent.is_some() || self.colon.ends_with(' ') { ", " } else { "," };
        let between = if indent.is_some() { between.trim_end() } else { between };
        match value {
            Value::Array(items) if !items.is_empty() => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    out.push_str(if at > 0 { between } else { "" });
                    out.push_str(&line(inner.as_deref()));
                    self.write(out, item, inner.as_deref(), style);
                }
                out.push_str(&line(indent));
                out.push(']');
            }
            Value::Object(fields) if !fields.is_empty() => {
                out.push('{');
                for (at, (name, item)) in fields.iter().enumerate() {
                    out.push_str(if at > 0 { between } else { "" });
                    out.push_str(&line(inner.as_deref()));
                    out.push_str(&Value::from(name.as_str()).to_string());
                    out.push_str(self.colon);
                    self.write(out, item, inner.as_deref(), style);
                }
                out.push_str(&line(indent));
                out.push('}');
            }
            Value::Array(_) | Value::Object(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                out.push_str(&value.to_string());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn edited(text: &str, changes: &[MemberChange<'_>]) -> String {
        edit_object(text, changes, &Style::of(text))
    }

    #[test]
    fn members_are_set_added_and_removed_in_the_layout_of_the_object() {
        let status = || ("status", Some(json!("failed")));
        let paths = || ("paths", Some(json!(["a", "b"])));
        let no_failure = || ("failure", None);
        let table: [(&str, Vec<MemberChange<'_>>, &str); 14] = [
            (r#"{"a":1,"status":"x"}"#, vec![status()], r#"{"a":1,"status":"failed"}"#),
            (r#"{"a":1}"#, vec![status(), paths()], r#"{"a":1,"status":"failed","paths":["a","b"]}"#),
            (r#"{ "a": 1 }"#, vec![paths()], r#"{ "a": 1, "paths": ["a", "b"] }"#),
            ("{}", vec![status(), paths()], r#"{"status": "failed", "paths": ["a", "b"]}"#),
            ("{\n    \"a\": 1\n}", vec![status()], "{\n    \"a\": 1,\n    \"status\": \"failed\"\n}"),
            ("{\r\n\t\"a\": 1\r\n}", vec![status()], "{\r\n\t\"a\": 1,\r\n\t\"status\": \"failed\"\r\n}"),
            (
                "{\n  \"a\": [\n    1\n  ]\n}",
                vec![paths()],
                "{\n  \"a\": [\n    1\n  ],\n  \"paths\": [\n    \"a\",\n    \"b\"\n  ]\n}",
            ),
            ("{\n  \"a\": [1]\n}", vec![paths()], "{\n  \"a\": [1],\n  \"paths\": [\"a\", \"b\"]\n}"),
            ("{ \"a\": 1\n, \"b\": 2\n}", vec![status()], "{ \"a\": 1\n, \"b\": 2\n, \"status\": \"failed\"\n}"),
            (r#"{"a": 1, "failure": {"x": 1}}"#, vec![status(), no_failure()], r#"{"a": 1, "status": "failed"}"#),
            (r#"{"failure": {"x": 1}, "a": 1}"#, vec![no_failure()], r#"{"a": 1}"#),
            (r#"{"failure": 1}"#, vec![no_failure()], "{}"),
            (r#"{"a": 1, "failure": null}"#, vec![no_failure()], r#"{"a": 1, "failure": null}"#),
            (r#"{"a": 1}"#, vec![no_failure()], r#"{"a": 1}"#),
        ];
        for (before, changes, after) in table {
            assert_eq!(edited(before, &changes), after, "{before}");
        }
    }

    #[test]
    fn an_object_is_changed_field_by_field() {
        let change = [("failure", Some(json!({"stage": "subplan", "attempts": 3})))];
        let before = r#"{"failure": {"note": 1.50, "attempts": 2, "x": "\u0041"}}"#;
        let after = r#"{"failure": {"note": 1.50, "attempts": 3, "x": "\u0041", "stage": "subplan"}}"#;
        assert_eq!(edited(before, &change), after);
    }

    #[test]
    fn what_is_right_already_keeps_its_spelling() {
        let before = "{ \"status\" : \"fail\\u0065d\", \"paths\": [ \"a\",\"b\" ] }";
        assert_eq!(edited(before, &[("status", Some(json!("failed"))), ("paths", Some(json!(["a", "b"])))]), before);
    }

    #[test]
    fn the_indent_is_the_files_own() {
        let table = [("{\n\t\"a\": 1}", "\t"), ("{\n\n    \"a\": 1}", "    "), ("{}", "  "), ("{\n \n}", "  ")];
        for (source, indent) in table {
            assert_eq!(Style::of(source).indent, indent, "{source:?}");
        }
    }
}
