//! Takes back what one operation changed in a parallel.json that others have changed since.
//!
//! Three texts: before the operation, after it, and now. Every field of an achievement, and every other member of the
//! file, that the operation changed and that still is as it left it gets its text from before. Where somebody has
//! changed the same field since, that is a conflict, and nothing is taken back. `updated` belongs to whoever wrote last.

use std::{collections::BTreeMap, ops::Range};

use serde_json::{Map, Value};

use super::{
    ParallelFile,
    edit::{MemberChange, Splice, Style, apply_splices, member_splices},
    position::{Child, is_key},
};
use crate::plan::AchievementId;

/// Members that hold achievements; they are compared achievement by achievement.
const HOLDERS: [&str; 2] = ["levels", "achievements"];
const NO_LEVEL: &Value = &Value::Null;

/// Why an operation cannot be taken back in part.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TakeBackError {
    /// One of the texts is no parallel.json that can be read.
    #[error("{0} cannot be read as a parallel.json")]
    Unreadable(&'static str),
    /// The operation added or removed achievements or changed levels, which fields of achievements cannot express.
    #[error("the operation changed the levels themselves, and the file was changed since")]
    Structure,
    /// The same fields were changed again.
    #[error("changed again since: {}", .0.join(", "))]
    Conflict(Vec<String>),
}

/// The text now, with what the operation changed changed back. Every other byte stays.
///
/// # Errors
///
/// Nothing can be taken back without loss; see [`TakeBackError`].
pub fn take_back(before: &[u8], after: &[u8], now: &[u8]) -> Result<String, TakeBackError> {
    let mut before = Side::read(before, "the file from before")?;
    let after = Side::read(after, "the file as the operation left it")?;
    let mut now = Side::read(now, "the file as it is now")?;
    if before.outline() != after.outline() {
        return Err(TakeBackError::Structure);
    }
    let mut conflicts = Vec::new();
    // Each holder whose members change back, with their names and texts from before.
    let mut restored: Vec<(Holder, Vec<Member>)> = Vec::new();
    for holder in after.holders() {
        let (Some(old), Some(made)) = (before.members(holder), after.members(holder)) else { continue };
        let names = changed(old, made);
        if names.is_empty() {
            continue;
        }
        let Some(current) = now.members(holder) else {
            conflicts.push(format!("{} (removed)", holder.name()));
            continue;
        };
        let mut members = Vec::new();
        for name in names {
            if current.get(&name) == made.get(&name) {
                let text = before.text(holder, &name);
                members.push((name, text));
            } else if name != "updated" && current.get(&name) != before.members(holder).and_then(|old| old.get(&name)) {
                conflicts.push(holder.field(&name));
            }
        }
        restored.push((holder, members));
    }
    if !conflicts.is_empty() {
        return Err(TakeBackError::Conflict(conflicts));
    }
    let mut splices = Vec::new();
    for (holder, members) in restored {
        splices.extend(now.splices(holder, &members));
    }
    let text = apply_splices(&now.file.source, &splices);
    if ParallelFile::parse(text.as_bytes()).is_err() {
        return Err(TakeBackError::Structure);
    }
    Ok(if now.file.bom { format!("\u{feff}{text}") } else { text })
}

/// The names of members that are not the same in both, each once.
fn changed(before: &Map<String, Value>, after: &Map<String, Value>) -> Vec<String> {
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    let other = after.iter().filter(|(name, value)| before.get(*name) != Some(value)).map(|(name, _)| name);
    other.chain(gone).filter(|name| !HOLDERS.contains(&name.as_str())).cloned().collect()
}

/// A member's name and its text; `None` where it is not to be there.
type Member = (String, Option<String>);

/// What makes up a level: its members besides its achievements, and their ids.
#[derive(Default, PartialEq)]
struct Outline<'a> {
    members: Vec<(&'a str, &'a Value)>,
    ids: Vec<AchievementId>,
}

/// Whose members are compared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holder {
    Achievement(AchievementId),
    File,
}

impl Holder {
    fn name(self) -> String {
        match self {
            Self::Achievement(id) => id.to_string(),
            Self::File => String::from("the file"),
        }
    }

    fn field(self, name: &str) -> String {
        match self {
            Self::Achievement(id) => format!("`{name}` of {id}"),
            Self::File => format!("`{name}`"),
        }
    }
}

/// One of the three texts.
struct Side {
    file: ParallelFile,
    value: Value,
}

impl Side {
    fn read(bytes: &[u8], which: &'static str) -> Result<Self, TakeBackError> {
        let file = ParallelFile::parse(bytes).map_err(|_| TakeBackError::Unreadable(which))?;
        let value = serde_json::from_str(&file.source).map_err(|_| TakeBackError::Unreadable(which))?;
        Ok(Self { file, value })
    }

    /// The achievements of each level, and what the level says beside them.
    fn outline(&self) -> BTreeMap<usize, Outline<'_>> {
        let mut levels: BTreeMap<usize, Outline<'_>> = BTreeMap::new();
        for (index, level) in self.value.get("levels").and_then(Value::as_array).into_iter().flatten().enumerate() {
            let members = level.as_object().into_iter().flatten().filter(|(name, _)| *name != "achievements");
            levels.entry(index).or_default().members = match level {
                Value::Object(_) => members.map(|(name, value)| (name.as_str(), value)).collect(),
                _ => vec![("", NO_LEVEL)],
            };
        }
        for (entry, place) in self.file.entries.iter().zip(&self.file.places) {
            levels.entry(place.level.unwrap_or(usize::MAX)).or_default().ids.push(entry.id);
        }
        levels
    }

    fn holders(&self) -> Vec<Holder> {
        self.file.entries.iter().map(|entry| Holder::Achievement(entry.id)).chain([Holder::File]).collect()
    }

    fn members(&self, holder: Holder) -> Option<&Map<String, Value>> {
        let value = match holder {
            Holder::File => Some(&self.value),
            Holder::Achievement(id) => {
                let place = self.file.places[*self.file.by_id.get(&id)?];
                let list = match place.level {
                    Some(level) => self.value.get("levels")?.get(level)?.get("achievements")?,
                    None => self.value.get("achievements")?,
                };
                list.get(place.index)
            }
        };
        value?.as_object()
    }

    /// The text of a member's value.
    fn text(&mut self, holder: Holder, name: &str) -> Option<String> {
        let (source, _, children) = children(&mut self.file, holder)?;
        let child = children.iter().find(|child| is_key(source, child, name))?;
        source.get(child.value.clone()).map(str::to_owned)
    }

    /// The edits that give members these texts, or remove them.
    fn splices(&mut self, holder: Holder, members: &[Member]) -> Vec<Splice> {
        let style = Style::of(&self.file.source);
        let Some((source, range, children)) = children(&mut self.file, holder) else { return Vec::new() };
        let mut splices = Vec::new();
        let mut others: Vec<MemberChange<'_>> = Vec::new();
        for (name, text) in members {
            match (children.iter().find(|child| is_key(source, child, name)), text) {
                // The text itself, not its value: what comes back is spelled as it was.
                (Some(child), Some(text)) => splices.push(Splice { range: child.value.clone(), text: text.clone() }),
                (_, text) => {
                    others.push((name, text.as_deref().and_then(|text| serde_json::from_str(text).ok())));
                }
            }
        }
        splices.extend(member_splices(source, range, children, &others, &style));
        splices
    }
}

/// The file's text, where the holder stands in it, and the holder's members.
fn children(file: &mut ParallelFile, holder: Holder) -> Option<(&str, Range<usize>, &[Child])> {
    let path = match holder {
        Holder::File => Vec::new(),
        Holder::Achievement(id) => file.places[*file.by_id.get(&id)?].path(),
    };
    let ParallelFile { source, locator, .. } = file;
    let range = locator.value(source, &path)?;
    let start = range.start;
    Some((source, range, locator.children(source, start)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A file of these achievements: id, members besides the id.
    fn file(updated: &str, achievements: &[(&str, &str)]) -> String {
        let lines: Vec<String> = achievements
            .iter()
            .map(|(id, rest)| format!("        {{ \"id\": \"{id}\", \"title\": \"T\", {rest} }}"))
            .collect();
        format!(
            "{{\n  \"version\": \"1.0.0\",\n  \"updated\": \"{updated}\",\n  \"levels\": [\n    {{\n      \"level\": 1,\n      \
             \"achievements\": [\n{}\n      ]\n    }}\n  ]\n}}\n",
            lines.join(",\n")
        )
    }

    fn back(before: &str, after: &str, now: &str) -> Result<String, TakeBackError> {
        take_back(before.as_bytes(), after.as_bytes(), now.as_bytes())
    }

    #[test]
    fn only_what_the_operation_changed_changes_back() {
        let started = r#""status": "not_started""#;
        let before = file("1", &[("1.1", started), ("1.2", started)]);
        let created = r#""status": "subplan_created", "subplan_path": "s.md""#;
        let after = file("2", &[("1.1", created), ("1.2", started)]);
        let table = [
            // Another achievement went on, and the layout is somebody's own.
            (
                file("3", &[("1.1", created), ("1.2", r#""status":   "complete", "x": 1.50"#)]),
                Ok(file("3", &[("1.1", started), ("1.2", r#""status":   "complete", "x": 1.50"#)])),
            ),
            // A field of the same achievement that the operation had left alone.
            (
                file("2", &[("1.1", &format!("{created}, \"notes\": \"mine\"")), ("1.2", started)]),
                Ok(file("1", &[("1.1", &format!("{started}, \"notes\": \"mine\"")), ("1.2", started)])),
            ),
            // The same field.
            (
                file("3", &[("1.1", r#""status": "complete", "subplan_path": "s.md""#), ("1.2", started)]),
                Err(TakeBackError::Conflict(vec![String::from("`status` of 1.1")])),
            ),
            (file("3", &[("1.2", started)]), Err(TakeBackError::Conflict(vec![String::from("1.1 (removed)")]))),
            // Somebody has taken it back by hand.
            (before.clone(), Ok(before.clone())),
        ];
        for (now, expected) in table {
            assert_eq!(back(&before, &after, &now), expected, "{now}");
        }
        assert_eq!(back(&before, &file("2", &[("1.1", created)]), &before), Err(TakeBackError::Structure));
        let level = |text: &str| text.replace("\"level\": 1,", "\"level\": 1, \"description\": \"new\",");
        assert_eq!(back(&before, &level(&before), &after), Err(TakeBackError::Structure));
        assert_eq!(back(&before, &after, "{"), Err(TakeBackError::Unreadable("the file as it is now")));
    }

    #[test]
    fn values_come_back_as_they_were_spelled() {
        let before = file("1", &[("1.1", r#""status": "not_started", "x": {"reason":"a" , "n": 1.0}"#)]);
        let after = file("2", &[("1.1", r#""status": "not_started", "x": {"reason": "b", "n": 1.0, "y": 2}"#)]);
        assert_eq!(back(&before, &after, &after).unwrap(), before);
        let bom = format!("\u{feff}{after}");
        assert_eq!(back(&before, &after, &bom).unwrap(), format!("\u{feff}{before}"));
    }

    proptest! {
        /// Two operations on different fields can be taken back in any order.
        #[test]
        fn operations_on_different_fields_do_not_meet(
            ours in prop::collection::vec(any::<bool>(), 6),
            theirs in prop::collection::vec(any::<bool>(), 6),
        ) {
            let text = |ours: &[bool], theirs: &[bool]| {
                let members: Vec<(String, String)> = ours.iter().zip(theirs).enumerate().map(|(index, (ours, theirs))| {
                    let status = if *ours { "complete" } else { "not_started" };
                    let notes = if *theirs { "new" } else { "old" };
                    (format!("1.{}", index + 1), format!("\"status\": \"{status}\", \"notes\": \"{notes}\""))
                }).collect();
                file("1", &members.iter().map(|(id, rest)| (id.as_str(), rest.as_str())).collect::<Vec<_>>())
            };
            let none = [false; 6];
            let result = back(&text(&none, &none), &text(&ours, &none), &text(&ours, &theirs));
            prop_assert_eq!(result.unwrap(), text(&none, &theirs));
        }

        #[test]
        fn no_text_makes_it_panic(text: String) {
            let good = file("1", &[("1.1", r#""status": "not_started""#)]);
            let _ = back(&text, &good, &good);
            let _ = back(&good, &good, &text);
        }
    }
}
