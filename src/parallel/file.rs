//! [`ParallelFile`]: a parallel.json as values beside the text they were read from, and the changes made to it.
//!
//! A rewrite edits the text: whatever a change does not name keeps every byte, unknown fields, numbers, layout and line
//! ends included. So nothing of what people and other tools put into the file can get lost here.

use std::{borrow::Cow, collections::BTreeMap};

use serde_json::{Value, json};

use super::{
    Checked, Entry, Failure, Form, Graph, LevelInfo, Problem, Status, check,
    edit::{MemberChange, Splice, Style, apply_splices, edit_object, member_splices, member_text},
    position::Locator,
    problem::{Path, Segment},
    read, rewrite,
    structure::{self, Structure},
    times::StatedTimes,
};
use crate::plan::{AchievementId, IdMap};

/// A parallel.json that was read: its achievements and levels, and the text for writing it back.
#[derive(Clone, Debug)]
pub struct ParallelFile {
    /// Without byte order mark.
    pub(super) source: String,
    pub(super) bom: bool,
    pub(super) form: Form,
    pub(super) plan_name: Option<String>,
    pub(super) entries: Vec<Entry>,
    /// Where each entry stands in the file.
    pub(super) places: Vec<Place>,
    /// What each entry says beyond what it is.
    pub(super) stated: Vec<Stated>,
    pub(super) levels: Vec<LevelInfo>,
    pub(super) by_id: IdMap<usize>,
    /// The times of `parallelization_strategy`.
    pub(super) times: StatedTimes,
    /// What reading could not understand: without them from [`ParallelFile::parse`].
    pub(super) errors: Vec<Problem>,
    /// Warnings of reading.
    pub(super) warnings: Vec<Problem>,
    /// Notes of reading.
    pub(super) notes: Vec<Problem>,
    /// Positions in `source`, looked up as changes need them.
    pub(super) locator: Locator,
    /// The new text of each changed achievement, by the offset of the old one in `source`.
    pub(super) edited: BTreeMap<usize, Splice>,
    /// Changes to the outermost object.
    pub(super) root_edits: Vec<Splice>,
}

/// Where an entry stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Position in `levels`, from 0; `None` in the flat form.
    pub(super) level: Option<usize>,
    /// Position in `achievements`, from 0.
    pub(super) index: usize,
}

impl Place {
    pub(super) fn path(self) -> Path {
        self.steps().collect()
    }

    /// The path, step by step.
    pub(super) fn steps(self) -> impl Iterator<Item = Segment> {
        let level = self.level.map(|level| [Segment::from("levels"), level.into()]);
        level.into_iter().flatten().chain([Segment::from("achievements"), self.index.into()])
    }
}

/// What an entry says that nothing is generated from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Stated {
    /// Whether there is a `status`.
    pub(super) status: bool,
    pub(super) blocks: Option<Vec<AchievementId>>,
    pub(super) optional: Vec<AchievementId>,
    pub(super) deliverables: Vec<String>,
}

/// What is to change about one achievement. `None` leaves a field alone; `Some(None)` takes its value back.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Change {
    /// The new `status`.
    pub status: Option<Status>,
    /// The new `subplan_path`, relative to the plan directory, with forward slashes.
    pub subplan_path: Option<String>,
    /// The new `execution_paths`, all of them, relative to the plan directory, with forward slashes.
    pub execution_paths: Option<Vec<String>>,
    /// The new `failure`; `Some(None)` removes it.
    pub failure: Option<Option<Failure>>,
    /// The new `executor`.
    pub executor: Option<Option<String>>,
    /// The new `assigned_at`, RFC 3339 UTC.
    pub assigned_at: Option<Option<String>>,
    /// The new `started_at`, RFC 3339 UTC.
    pub started_at: Option<Option<String>>,
    /// The new `completed_at`, RFC 3339 UTC.
    pub completed_at: Option<Option<String>>,
    /// The new `actual_hours`; what is no finite number is passed over.
    pub actual_hours: Option<f64>,
    /// The SUBPLAN is gone: takes `subplan_path` back. `subplan_path` goes before.
    pub no_subplan: bool,
    /// A sentence to add to `notes`, which is text or a list of texts.
    pub note: Option<String>,
}

impl Change {
    /// Puts what changed later over what changed earlier.
    pub fn overlay(&mut self, later: Self) {
        let Self {
            status,
            subplan_path,
            execution_paths,
            failure,
            executor,
            assigned_at,
            started_at,
            completed_at,
            actual_hours,
            no_subplan,
            note,
        } = later;
        self.no_subplan = no_subplan || (self.no_subplan && subplan_path.is_none());
        if no_subplan {
            self.subplan_path = None;
        }
        self.status = status.or(self.status);
        self.subplan_path = subplan_path.or(self.subplan_path.take());
        self.execution_paths = execution_paths.or(self.execution_paths.take());
        self.failure = failure.or(self.failure.take());
        self.executor = executor.or(self.executor.take());
        self.assigned_at = assigned_at.or(self.assigned_at.take());
        self.started_at = started_at.or(self.started_at.take());
        self.completed_at = completed_at.or(self.completed_at.take());
        self.actual_hours = actual_hours.or(self.actual_hours);
        self.note = match (self.note.take(), note) {
            (Some(earlier), Some(later)) => Some(format!("{earlier}\n{later}")),
            (earlier, later) => earlier.or(later),
        };
    }
}

impl ParallelFile {
    /// Reads a parallel.json of either form. A byte order mark is accepted and kept. Of bytes that it may have, the text is not
    /// copied.
    ///
    /// # Errors
    ///
    /// Text that is not UTF-8 or not JSON has one problem; otherwise every value that does not fit is reported (up to
    /// 100,000), among them two members of one name in any object that planwave reads. An empty file is an error.
    /// [`ParallelFile::check`] judges what needs more than one value to see.
    pub fn parse<'a>(text: impl Into<Cow<'a, [u8]>>) -> Result<Self, Vec<Problem>> {
        read::parse(text.into())
    }

    /// Reads what can be understood of a file that may have errors, for [`super::lint`] alone: what was not understood is
    /// missing from its achievements and levels.
    ///
    /// # Errors
    ///
    /// As [`ParallelFile::parse`], where nothing can be understood.
    pub fn salvage<'a>(text: impl Into<Cow<'a, [u8]>>) -> Result<Self, Vec<Problem>> {
        read::salvage(text.into())
    }

    /// Which form the file has.
    pub fn form(&self) -> Form {
        self.form
    }

    /// The plan's name as the file has it, unchecked.
    pub fn plan_name(&self) -> Option<&str> {
        self.plan_name.as_deref()
    }

    /// The achievements in the order of the file.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The achievement with this id; the first where the file has several.
    pub fn get(&self, id: AchievementId) -> Option<&Entry> {
        self.by_id.get(&id).map(|&index| &self.entries[index])
    }

    /// The levels by ascending number; computed for the flat form.
    pub fn levels(&self) -> &[LevelInfo] {
        &self.levels
    }

    /// Judges the file as a whole: ids, dependencies, cycles, levels.
    pub fn check(&self) -> Checked {
        self.examine().0
    }

    /// The check and the graph in one go; the graph is there where there is no error.
    pub fn examine(&self) -> (Checked, Option<Graph>) {
        check::check(self)
    }

    /// The dependency graph.
    ///
    /// # Errors
    ///
    /// The errors of [`ParallelFile::check`], where there are any.
    pub fn graph(&self) -> Result<Graph, Vec<Problem>> {
        match self.examine() {
            (_, Some(graph)) => Ok(graph),
            (checked, None) => Err(checked.errors),
        }
    }

    /// Changes achievements, and sets the file's `updated` to the given RFC 3339 time.
    ///
    /// Present fields are changed where they stand, absent ones appended to their object in the order of design.md.
    /// A new `failure` keeps unknown fields of the old one. A value that is already right keeps its spelling.
    /// Ids that are not in the file are passed over; without changes, nothing is touched.
    pub fn apply(&mut self, changes: &BTreeMap<AchievementId, Change>, updated: &str) {
        let style = Style::of(&self.source);
        for (id, change) in changes {
            let Some(&index) = self.by_id.get(id) else { continue };
            self.change(index, change, &style);
        }
        if !changes.is_empty() {
            let Some(root) = self.locator.value(&self.source, &[]) else { return };
            let members = self.locator.children(&self.source, root.start);
            let members_to_set = [("updated", Some(Value::from(updated)))];
            self.root_edits = member_splices(&self.source, root, members, &members_to_set, &style);
        }
    }

    fn change(&mut self, index: usize, change: &Change, style: &Style) {
        let Some(range) = self.locator.value(&self.source, &self.places[index].path()) else { return };
        let splice = self.edited.entry(range.start).or_insert_with(|| {
            let text = self.source.get(range.clone()).unwrap_or_default().to_owned();
            Splice { range, text }
        });
        let fields = fields(change, &splice.text);
        splice.text = edit_object(&splice.text, &fields, style);
        self.entries[index].take(change);
    }

    /// The text of this file with its achievements in other levels, and everything that follows from that. Statuses,
    /// executors, times and unknown fields of every achievement stay, byte for byte, wherever it goes; so do those of a
    /// level that keeps its number. Changes that were applied before are not in it.
    ///
    /// For files of the leveled form; a flat one comes back as it is. `now` is an RFC 3339 time in UTC.
    pub fn relevel(&self, structure: &Structure, plan: &str, now: &str) -> String {
        match self.form {
            Form::Leveled => rewrite::over(self, structure::fields(structure, plan, now)),
            Form::Flat => self.to_text(),
        }
    }

    /// The file's text with all changes: everything else is as it was read, byte for byte.
    pub fn to_text(&self) -> String {
        let splices = self.edited.values().chain(&self.root_edits);
        let text = apply_splices(&self.source, splices);
        if self.bom { format!("\u{feff}{text}") } else { text }
    }
}

/// The members that a change sets or removes in the object `text`, in the order of design.md.
fn fields(change: &Change, text: &str) -> Vec<MemberChange<'static>> {
    let Change {
        status,
        subplan_path,
        execution_paths,
        failure,
        executor,
        assigned_at,
        started_at,
        completed_at,
        actual_hours,
        no_subplan,
        note,
    } = change;
    let mut fields: Vec<MemberChange<'static>> = Vec::new();
    let mut set = |name: &'static str, value: Value| fields.push((name, Some(value)));
    // A value that is taken back becomes null where there is one, so that the layout of the object stays.
    let taken_back = |name: &str| member_text(text, name).is_some_and(|value| value != "null");
    let times = [
        ("started_at", started_at),
        ("completed_at", completed_at),
        ("executor", executor),
        ("assigned_at", assigned_at),
    ];
    if let Some(status) = status {
        set("status", status.as_str().into());
    }
    if let Some(number) = actual_hours.and_then(serde_json::Number::from_f64) {
        set("actual_hours", Value::Number(number));
    }
    for (name, value) in times {
        match value {
            Some(Some(value)) => set(name, value.as_str().into()),
            Some(None) if taken_back(name) => set(name, Value::Null),
            Some(None) | None => {}
        }
    }
    match subplan_path {
        Some(path) => set("subplan_path", path.as_str().into()),
        None if *no_subplan && taken_back("subplan_path") => set("subplan_path", Value::Null),
        None => {}
    }
    if let Some(paths) = execution_paths {
        set("execution_paths", paths.as_slice().into());
    }
    if let Some(note) = note {
        let old = member_text(text, "notes").and_then(|text| serde_json::from_str(text).ok());
        set("notes", with_note(old.unwrap_or_default(), note));
    }
    if let Some(failure) = failure {
        fields.push(("failure", failure.as_ref().map(failure_value)));
    }
    fields
}

/// `notes` with one more: text becomes a list, and whatever else stands there stays.
fn with_note(old: Value, note: &str) -> Value {
    match old {
        Value::Null => note.into(),
        Value::Array(mut notes) => {
            notes.push(note.into());
            Value::Array(notes)
        }
        old @ (Value::String(_) | Value::Bool(_) | Value::Number(_) | Value::Object(_)) => json!([old, note]),
    }
}

fn failure_value(failure: &Failure) -> Value {
    let Failure { stage, reason, attempts, at } = failure;
    json!({ "stage": stage.as_str(), "reason": reason, "attempts": attempts, "at": at })
}
