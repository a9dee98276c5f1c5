//! What taking an operation back would do to each file, judged by hashes alone.
//!
//! A file that is as the operation left it gets its bytes from before. One that is as it was before needs nothing: its
//! change was never made, or is taken back already. Anything else has been changed since and is not ours to overwrite;
//! parallel.json alone, which everybody writes to, can be taken back in part (`parallel::take_back`).

use std::collections::HashMap;

use serde::Serialize;

use super::{Digest, FileChange, PlanPath, Record};

/// What is at a path now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A file with these bytes, or nothing.
    Bytes(Option<Digest>),
    /// Something that cannot be read; why.
    Unreadable(String),
}

/// How one file gets back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Restore {
    /// It goes.
    Remove,
    /// It gets the bytes of this blob, over what is there.
    Overwrite(Digest),
    /// It comes back with the bytes of this blob.
    Recreate(Digest),
    /// Only what the operation changed in it is changed back.
    Merge {
        /// The bytes from before the operation.
        before: Digest,
        /// The bytes that it left.
        after: Digest,
    },
}

/// One file to restore.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The file.
    pub path: PlanPath,
    /// What is there now.
    #[serde(skip)]
    pub now: Option<Digest>,
    /// What is to be done.
    pub restore: Restore,
    /// Permission bits that a file gets which comes back.
    #[serde(skip)]
    pub mode: Option<u32>,
}

/// One file that must not be restored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Untouchable {
    /// The file.
    pub path: PlanPath,
    /// Why, as a part of a sentence about the file.
    pub reason: String,
}

/// What taking back would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TakingBack {
    /// What is to be done, parallel.json last: it speaks of the documents.
    pub steps: Vec<Step>,
    /// What stands in the way.
    pub untouchable: Vec<Untouchable>,
    /// Files that are as before already.
    pub already: usize,
}

/// Judges every file of `record`. `later` are the newer records, newest first; they only serve to say who changed a file.
pub fn taking_back(record: &Record, later: &[Record], found: &dyn Fn(&PlanPath) -> Found) -> TakingBack {
    let mut changed_by: HashMap<&PlanPath, (&Record, Option<Digest>)> = HashMap::new();
    for newer in later {
        // Its last change of a file is what it left.
        for change in newer.changes.iter().rev() {
            changed_by.entry(&change.path).or_insert((newer, change.after));
        }
    }
    let left = record.end.as_ref().and_then(|end| end.parallel);
    // What others changed meanwhile is not in it, so it can be told apart.
    let own = record.end.as_ref().filter(|end| end.own).and(left);
    let mut result = TakingBack::default();
    for file in record.files() {
        let refuse = |reason: String| Untouchable { path: file.path.clone(), reason };
        if !file.path.is_written() {
            result.untouchable.push(refuse(String::from(NOT_WRITTEN)));
            continue;
        }
        let now = match found(&file.path) {
            Found::Bytes(now) => now,
            Found::Unreadable(reason) => {
                result.untouchable.push(refuse(reason));
                continue;
            }
        };
        if now == file.before {
            result.already += 1;
        } else if file.before == file.after && !file.between.contains(&now) {
            // All in all the operation left it alone.
        } else if let Some(restore) = merge(&file, own, now) {
            result.steps.push(Step { restore, path: file.path, now, mode: file.mode });
        } else if file.disturbed {
            result
                .untouchable
                .push(refuse(String::from("was changed by somebody else while the operation was under way")));
        } else if now == file.after || file.between.contains(&now) {
            result.steps.push(Step { restore: restore(file.before, now), path: file.path, now, mode: file.mode });
        } else if let Some(restore) = merge(&file, left, now) {
            result.steps.push(Step { restore, path: file.path, now, mode: file.mode });
        } else {
            // What is there is what that operation left, or somebody's own work.
            let by = changed_by.get(&file.path).filter(|(_, after)| *after == now).map(|(by, _)| *by);
            let what = if now.is_some() { "changed" } else { "removed" };
            let by = by.map_or_else(String::new, |by| format!(" by {} ({})", by.id.number(), by.header.command));
            result.untouchable.push(refuse(format!("was {what} since{by}")));
        }
    }
    result.steps.sort_by_key(|step| step.path.as_str() == PARALLEL_FILE);
    result
}

const PARALLEL_FILE: &str = "parallel.json";

/// Why a file is left alone that a record names and that is none of planwave's.
pub const NOT_WRITTEN: &str = "is not a file that planwave writes, so the record cannot be right";

fn restore(before: Option<Digest>, now: Option<Digest>) -> Restore {
    match (before, now) {
        (None, _) => Restore::Remove,
        (Some(before), Some(_)) => Restore::Overwrite(before),
        (Some(before), None) => Restore::Recreate(before),
    }
}

fn merge(file: &FileChange, left: Option<Digest>, now: Option<Digest>) -> Option<Restore> {
    let (before, after) = (file.before?, left?);
    (file.path.as_str() == PARALLEL_FILE && now.is_some()).then_some(Restore::Merge { before, after })
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "subplans/SUBPLAN_X_11.md";

    fn digest(text: &str) -> Option<Digest> {
        (!text.is_empty()).then(|| Digest::of(text.as_bytes()))
    }

    /// A record of changes `path: before → after`, empty for no file.
    fn record(number: u64, changes: &[(&str, &str, &str)], parallel: &str) -> Record {
        let mut text = format!(
            "{{\"record\":1,\"id\":\"20260101T000000Z-{number}\",\"command\":\"c{number}\",\
             \"began\":\"2026-01-01T00:00:00Z\",\"kind\":\"command\"}}\n"
        );
        for (path, before, after) in changes {
            let kind = match (*before, *after) {
                ("", _) => super::super::ChangeKind::Created,
                (_, "") => super::super::ChangeKind::Removed,
                _ => super::super::ChangeKind::Replaced,
            };
            let path = PlanPath::parse(path).unwrap();
            let change =
                super::super::Change { change: kind, path, before: digest(before), after: digest(after), mode: None };
            text.push_str(&change.to_line());
        }
        let end = super::super::End {
            end: "2026-01-01T00:00:09Z".parse().unwrap(),
            run: None,
            parallel: digest(parallel),
            own: false,
        };
        Record::parse(&(text + &end.to_line())).unwrap()
    }

    #[test]
    fn each_file_is_judged_by_what_is_there() {
        // Before and after, what is there now, what is done.
        let table = [
            ("", "new", "new", "remove"),
            ("", "new", "", "already"),
            ("", "new", "mine", "was changed since by 3 (c3)"),
            ("old", "new", "new", "overwrite"),
            ("old", "new", "old", "already"),
            ("old", "new", "", "was removed since by 3 (c3)"),
            ("old", "", "", "recreate"),
            ("old", "", "mine", "was changed since by 3 (c3)"),
        ];
        for (before, after, now, expected) in table {
            let made = record(2, &[(A, before, after)], "");
            let later = [record(3, &[(A, after, now)], "")];
            let result = taking_back(&made, &later, &|_| Found::Bytes(digest(now)));
            let said = match (result.steps.as_slice(), result.untouchable.as_slice()) {
                ([step], []) => match step.restore {
                    Restore::Remove => "remove",
                    Restore::Overwrite(blob) if Some(blob) == digest(before) => "overwrite",
                    Restore::Recreate(blob) if Some(blob) == digest(before) => "recreate",
                    Restore::Overwrite(_) | Restore::Recreate(_) | Restore::Merge { .. } => "wrong",
                },
                ([], [refused]) => &refused.reason,
                _ if result.already == 1 => "already",
                _ => "nothing",
            };
            assert_eq!(said, expected, "{before:?} → {after:?}, now {now:?}");
        }
    }

    #[test]
    fn an_edit_by_hand_is_not_blamed_on_an_operation() {
        let made = record(2, &[(A, "", "new")], "");
        let later = [record(4, &[(A, "", "new")], ""), record(3, &[(A, "new", "")], "")];
        for (now, reason) in [("mine", "was changed since"), ("", "")] {
            let result = taking_back(&made, &later, &|_| Found::Bytes(digest(now)));
            assert_eq!(result.untouchable.first().map_or("", |refused| &refused.reason), reason);
        }
    }

    #[test]
    fn states_in_between_are_the_operations_own() {
        let made = record(1, &[("parallel.json", "b", "1"), (A, "", "y"), ("parallel.json", "1", "2")], "2");
        for now in ["1", "2"] {
            let result = taking_back(&made, &[], &|path| match path.as_str() {
                A => Found::Bytes(digest("y")),
                _ => Found::Bytes(digest(now)),
            });
            let paths: Vec<&str> = result.steps.iter().map(|step| step.path.as_str()).collect();
            assert_eq!(paths, [A, "parallel.json"]);
            assert_eq!(result.steps[1].restore, Restore::Overwrite(digest("b").unwrap()));
        }
        let merged = taking_back(&made, &[], &|_| Found::Bytes(digest("mine")));
        assert!(matches!(merged.steps[..], [Step { restore: Restore::Merge { .. }, .. }]), "{merged:?}");
        let disturbed = record(1, &[("parallel.json", "b", "1"), ("parallel.json", "mine", "2")], "2");
        let result = taking_back(&disturbed, &[], &|_| Found::Bytes(digest("2")));
        assert_eq!((result.steps.len(), result.untouchable.len()), (0, 1));
        // Announced, not made, announced again: that is nobody else's doing.
        let repeated = record(1, &[(A, "b", "1"), (A, "b", "2")], "");
        let result = taking_back(&repeated, &[], &|_| Found::Bytes(digest("2")));
        assert_eq!((result.steps.len(), result.untouchable.len()), (1, 0));
    }

    #[test]
    fn what_cannot_be_read_is_left_alone() {
        let made = record(1, &[(A, "", "x")], "");
        let result = taking_back(&made, &[], &|_| Found::Unreadable(String::from("is no regular file")));
        assert_eq!(result.untouchable[0].reason, "is no regular file");
    }

    #[test]
    fn what_planwave_does_not_write_is_left_alone() {
        let made = record(1, &[(".git/hooks/pre-commit", "", "x"), ("PLAN_X.md", "old", "x"), (A, "", "x")], "");
        let result = taking_back(&made, &[], &|_| Found::Bytes(digest("x")));
        assert_eq!(result.steps.iter().map(|step| step.path.as_str()).collect::<Vec<_>>(), [A]);
        assert_eq!(result.untouchable.len(), 2);
        assert!(result.untouchable.iter().all(|refused| refused.reason == NOT_WRITTEN));
    }
}
