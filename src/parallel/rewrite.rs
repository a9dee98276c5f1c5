//! Writes the leveled form: anew, or over a file that is there, whose other fields all stay.
//!
//! An achievement that moves to another level takes its text along, byte for byte but for what changes; so does a level
//! that keeps its number. Nothing that people or other tools have put there goes through a JSON value and back.

use std::{collections::HashMap, ops::Range};

use serde_json::{Map, Value};

use super::{
    ParallelFile,
    edit::{MemberChange, Splice, Style, apply_splices, edit_object, member_splices},
    position::{Child, children, is_key},
    structure::FileFields,
};
use crate::plan::AchievementId;

const STRATEGY: &str = "parallelization_strategy";

/// The member of the strategy that is there only where something is done.
const LEFT_OUT: &str = "left_out";

/// A member's name, its value, and what becomes of one that is there.
pub(super) type Field = (&'static str, Value, Takeover);

/// What becomes of a member that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takeover {
    /// It gets the new value; unknown members inside an object stay.
    Replace,
    /// The same, and members of the object that the new one has not are removed.
    Exactly,
    /// It stays, unless it is missing or `null` and the new value says something.
    IfAbsent,
    /// It is written with a new object and never into an old one.
    NewOnly,
}

/// A level to write.
pub(super) struct NewLevel {
    /// From 1; the level of this number in the old file lends its other fields.
    pub(super) number: u32,
    /// Its fields but `achievements`.
    pub(super) fields: Vec<Field>,
    /// Its achievements, in order.
    pub(super) achievements: Vec<NewAchievement>,
}

/// An achievement to write.
pub(super) struct NewAchievement {
    /// Which; the one of this id in the old file lends its other fields.
    pub(super) id: AchievementId,
    /// Its fields, in order.
    pub(super) fields: Vec<Field>,
}

/// A new file, indented by two spaces, with a line feed at its end.
pub(super) fn anew(file: FileFields) -> String {
    let FileFields { head, levels, tail } = file;
    let plain = |fields: Vec<Field>| fields.into_iter().map(|(name, value, _)| (name.to_owned(), value));
    let levels = levels.into_iter().map(|level| {
        let achievements = level.achievements.into_iter().map(|new| Value::Object(plain(new.fields).collect()));
        let achievements: Value = achievements.collect();
        Value::Object(plain(level.fields).chain([("achievements".to_owned(), achievements)]).collect())
    });
    let levels: Value = levels.collect();
    let root: Map<String, Value> = plain(head).chain([("levels".to_owned(), levels)]).chain(plain(tail)).collect();
    format!("{:#}\n", Value::Object(root))
}

/// The text of `old`, a file of the leveled form, with other levels.
pub(super) fn over(old: &ParallelFile, file: FileFields) -> String {
    let source = old.source.as_str();
    let style = Style::of(source);
    let parts = Parts::of(old, &style);
    let texts: HashMap<AchievementId, &str> = old
        .entries
        .iter()
        .zip(&old.places)
        .filter_map(|(entry, place)| {
            let range = parts.achievements.get(place.level?)?.get(place.index)?.clone();
            Some((entry.id, source.get(range)?))
        })
        .collect();
    let positions: HashMap<u32, usize> =
        old.levels.iter().filter_map(|info| Some((info.number, info.position?))).collect();
    let FileFields { head, levels, tail } = file;
    let levels: Vec<String> = levels
        .into_iter()
        .map(|level| {
            let achievements: Vec<String> = level
                .achievements
                .into_iter()
                .map(|new| match texts.get(&new.id) {
                    Some(text) => take_over(text, &new.fields, &style),
                    None => parts.achievement.render(new.fields, &style),
                })
                .collect();
            let achievements = parts.achievement.list(&achievements);
            let position = positions.get(&level.number);
            let text = match position.and_then(|&at| source.get(parts.levels.get(at)?.clone())) {
                Some(text) => take_over(text, &level.fields, &style),
                None => {
                    let mut fields = level.fields;
                    fields.push(("achievements", Value::Array(Vec::new()), Takeover::Replace));
                    parts.level.render(fields, &style)
                }
            };
            with_member(&text, "achievements", &achievements)
        })
        .collect();
    let fields: Vec<Field> = head.into_iter().chain(tail).collect();
    // What was left out of the times before is in them now.
    let stale = fields.iter().any(|(name, value, _)| *name == STRATEGY && value.get(LEFT_OUT).is_none());
    let strategy = member(source, object_start(source), STRATEGY).and_then(|range| source.get(range));
    let without = strategy.filter(|strategy| stale && strategy.starts_with('{'));
    let without = without.map(|strategy| edit_object(strategy, &[(LEFT_OUT, None)], &style));
    let changed = without.map(|strategy| with_member(source, STRATEGY, &strategy));
    let source = changed.as_deref().unwrap_or(source);
    let text = take_over(&with_member(source, "levels", &parts.level.list(&levels)), &fields, &style);
    if old.bom { format!("\u{feff}{text}") } else { text }
}

/// Where levels and achievements stand in a text, and how they are laid out.
struct Parts {
    levels: Vec<Range<usize>>,
    /// By the position of their level.
    achievements: Vec<Vec<Range<usize>>>,
    level: Listing,
    achievement: Listing,
}

impl Parts {
    fn of(old: &ParallelFile, style: &Style) -> Self {
        let source = old.source.as_str();
        let levels_at = member(source, object_start(source), "levels");
        let values = |list: &Range<usize>| -> Vec<Range<usize>> {
            children(source, list.start).into_iter().map(|child| child.value).collect()
        };
        let levels = levels_at.as_ref().map(values).unwrap_or_default();
        let lists: Vec<Option<Range<usize>>> =
            levels.iter().map(|level| member(source, level.start, "achievements")).collect();
        let achievements: Vec<Vec<Range<usize>>> =
            lists.iter().map(|list| list.as_ref().map(values).unwrap_or_default()).collect();
        let filled = lists.iter().zip(&achievements).find(|(_, items)| !items.is_empty());
        let level = Listing::of(source, levels_at.as_ref(), &levels, style, 2);
        let achievement = match filled {
            Some((list, items)) => Listing::of(source, list.as_ref(), items, style, 4),
            None => Listing::of(source, None, &[], style, 4),
        };
        Self { levels, achievements, level, achievement }
    }
}

/// How the elements of a list are laid out.
pub(super) struct Listing {
    /// Between the bracket and the first element, and after each comma.
    lead: String,
    /// Between the last element and the bracket.
    end: String,
}

impl Listing {
    /// That of a list that may be missing, or have no element to tell; `depth` is that of its elements.
    pub(super) fn of(
        source: &str,
        list: Option<&Range<usize>>,
        items: &[Range<usize>],
        style: &Style,
        depth: usize,
    ) -> Self {
        if let (Some(list), Some(first), Some(last)) = (list, items.first(), items.last()) {
            let between = |range: Range<usize>| source.get(range).unwrap_or_default().to_owned();
            return Self {
                lead: between(list.start + 1..first.start),
                end: between(last.end..list.end.saturating_sub(1)),
            };
        }
        if !source.trim().contains('\n') {
            return Self { lead: String::new(), end: String::new() };
        }
        let line = |depth: usize| format!("{}{}", style.newline(), style.indent().repeat(depth));
        Self { lead: line(depth), end: line(depth - 1) }
    }

    /// A list of these elements.
    pub(super) fn list(&self, items: &[String]) -> String {
        if items.is_empty() {
            return "[]".to_owned();
        }
        let Self { lead, end } = self;
        format!("[{lead}{}{end}]", items.join(&format!(",{lead}")))
    }

    /// A new element.
    pub(super) fn render(&self, fields: Vec<Field>, style: &Style) -> String {
        let object = fields.into_iter().map(|(name, value, _)| (name.to_owned(), value));
        let object = Value::Object(object.collect());
        let Some(at) = self.lead.rfind('\n') else { return object.to_string() };
        let indent = &self.lead[at + 1..];
        let unit = style.indent();
        let mut text = String::new();
        for (number, line) in format!("{object:#}").lines().enumerate() {
            // serde_json indents by two spaces.
            let bare = line.trim_start_matches(' ');
            let depth = (line.len() - bare.len()) / 2;
            if number > 0 {
                text.push_str(style.newline());
                text.push_str(indent);
            }
            text.push_str(&unit.repeat(depth));
            text.push_str(bare);
        }
        text
    }
}

/// An object with some members taken over.
pub(super) fn take_over(text: &str, fields: &[Field], style: &Style) -> String {
    let start = object_start(text);
    let members = children(text, start);
    let end = start + text[start..].trim_end().len();
    let mut changes: Vec<MemberChange<'_>> = Vec::new();
    let mut splices: Vec<Splice> = Vec::new();
    for (name, value, takeover) in fields {
        let found = members.iter().find(|member| is_key(text, member, name));
        let old = found.and_then(|member| text.get(member.value.clone()));
        match takeover {
            Takeover::NewOnly => {}
            Takeover::IfAbsent => {
                if old.is_none_or(|old| old == "null") && says_something(value) {
                    changes.push((name, Some(value.clone())));
                }
            }
            Takeover::Replace => changes.push((name, Some(value.clone()))),
            Takeover::Exactly => match (found, old, value) {
                (Some(member), Some(old), Value::Object(new)) if old.starts_with('{') => {
                    let kept = only(old, |key| new.contains_key(key));
                    let new: Vec<MemberChange<'_>> =
                        new.iter().map(|(name, value)| (name.as_str(), Some(value.clone()))).collect();
                    let text = edit_object(&kept, &new, style);
                    splices.push(Splice { range: member.value.clone(), text });
                }
                (_, _, _) => changes.push((name, Some(value.clone()))),
            },
        }
    }
    splices.extend(member_splices(text, start..end, &members, &changes, style));
    apply_splices(text, &splices)
}

/// An object with those of its members only that `keep` wants.
fn only(text: &str, keep: impl Fn(&str) -> bool) -> String {
    let members = children(text, 0);
    let is_kept = |member: &&Child| {
        let key = text.get(member.key.clone()).unwrap_or_default();
        serde_json::from_str::<String>(key).is_ok_and(|key| keep(&key))
    };
    let kept: Vec<&str> =
        members.iter().filter(is_kept).filter_map(|member| text.get(member.key.start..member.value.end)).collect();
    let (Some(first), Some(last), false) = (members.first(), members.last(), kept.is_empty()) else {
        return "{}".to_owned();
    };
    if kept.len() == members.len() {
        return text.to_owned();
    }
    let lead = text.get(1..first.key.start).unwrap_or_default();
    let end = text.get(last.value.end..).unwrap_or("}");
    // A comma, and what stands before the first member, between any two.
    format!("{{{lead}{}{end}", kept.join(&format!(",{}", if lead.is_empty() { " " } else { lead })))
}

fn says_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::String(text) => !text.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

/// An object with the text of one of its members replaced.
fn with_member(text: &str, name: &str, value: &str) -> String {
    match member(text, object_start(text), name) {
        Some(range) => apply_splices(text, &[Splice { range, text: value.to_owned() }]),
        None => text.to_owned(),
    }
}

fn member(text: &str, object: usize, name: &str) -> Option<Range<usize>> {
    children(text, object).into_iter().find(|child| is_key(text, child, name)).map(|child| child.value)
}

fn object_start(text: &str) -> usize {
    text.len() - text.trim_start().len()
}
