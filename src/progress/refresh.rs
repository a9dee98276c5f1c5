//! What parallel.json has to be changed in, so that it says what is on disk; and what it cannot explain.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;

use super::{Ground, Standings};
use crate::{
    parallel::{Change, Entry, Status, whole_seconds},
    plan::AchievementId,
    store::AchievementFiles,
};

/// What a refresh does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Refreshed {
    /// What to change; empty where the file is right already.
    pub changes: BTreeMap<AchievementId, Change>,
    /// The changes in words, by achievement in the order of the file.
    pub said: Vec<(AchievementId, Vec<String>)>,
    /// What is on disk or in the file that does not fit, a sentence each.
    pub warnings: Vec<String>,
}

/// The verdict files whose time of writing is wanted: those of complete achievements without `completed_at`.
pub fn times_wanted<'a>(ground: &Ground<'a>, standings: &Standings) -> Vec<(AchievementId, &'a str)> {
    let entries = ground.file.entries().iter().zip(standings.statuses());
    entries
        .filter(|(entry, status)| **status == Status::Complete && entry.completed_at.is_none())
        .filter_map(|(entry, _)| {
            let approved = ground.scan.of_achievement(entry.id).verdicts.approved.first()?;
            Some((entry.id, approved.as_str()))
        })
        .collect()
}

/// Compares parallel.json with what is on disk. `times` has what [`times_wanted`] asked for; `exists` tells whether a path
/// that parallel.json names is there, and is asked for few.
pub fn refresh(
    ground: &Ground<'_>,
    standings: &Standings,
    times: &HashMap<AchievementId, Timestamp>,
    exists: &dyn Fn(&str) -> bool,
) -> Refreshed {
    let mut refreshed = Refreshed::default();
    for (entry, status) in ground.file.entries().iter().zip(standings.statuses()) {
        let files = ground.scan.of_achievement(entry.id);
        let mut comparison = Comparison { entry, change: Change::default(), said: Vec::new() };
        comparison.status(*status);
        comparison.documents(files, exists);
        if let (Status::Complete, None, Some(at)) = (*status, &entry.completed_at, times.get(&entry.id)) {
            let at = whole_seconds(*at);
            comparison.said.push(format!("completed_at {at}"));
            comparison.change.completed_at = Some(Some(at));
        }
        if !comparison.said.is_empty() {
            refreshed.changes.insert(entry.id, comparison.change);
            refreshed.said.push((entry.id, comparison.said));
        }
    }
    refreshed.warnings = remarks(ground, standings);
    refreshed
}

/// What does not fit, a sentence each: verdicts that contradict each other or the file, and files that do not count although
/// somebody may think so.
pub fn remarks(ground: &Ground<'_>, standings: &Standings) -> Vec<String> {
    let id = |node: usize| ground.graph.id(node);
    let mut remarks: Vec<String> =
        standings.remarks().iter().map(|(node, remark)| format!("{} {remark}", id(*node))).collect();
    for entry in ground.file.entries() {
        let placeholders = &ground.scan.of_achievement(entry.id).placeholders;
        remarks.extend(placeholders.iter().map(|path| format!("{path} does not count: it is empty or a placeholder")));
    }
    remarks.extend(ground.scan.odd().iter().map(ToString::to_string));
    remarks
}

struct Comparison<'a> {
    entry: &'a Entry,
    change: Change,
    said: Vec<String>,
}

impl Comparison<'_> {
    fn status(&mut self, status: Status) {
        if status != self.entry.status {
            self.said.push(format!("{} → {status}", self.entry.status));
            self.change.status = Some(status);
        }
        // A failure of generation is over once the achievement is more than failed.
        if status != Status::Failed && self.entry.failure.is_some() {
            self.said.push(String::from("failure is over"));
            self.change.failure = Some(None);
        }
    }

    fn documents(&mut self, files: &AchievementFiles, exists: &dyn Fn(&str) -> bool) {
        let stored = &self.entry.subplan_path;
        match (&files.subplan, stored) {
            (Some(path), stored) if stored.as_ref() != Some(path) => {
                self.said.push(format!("subplan_path {path}"));
                self.change.subplan_path = Some(path.clone());
            }
            // A SUBPLAN at another place is the author's business.
            (None, Some(stored)) if files.placeholders.contains(stored) || !exists(stored) => {
                self.said.push(format!("subplan_path {stored} is gone"));
                self.change.no_subplan = true;
            }
            (Some(_) | None, _) => {}
        }
        let mut paths = files.execution_paths();
        let elsewhere = self.entry.execution_paths.iter().filter(|path| !paths.contains(path));
        let kept: Vec<String> =
            elsewhere.filter(|path| !files.placeholders.contains(path) && exists(path)).cloned().collect();
        paths.extend(kept);
        let (found, stored): (HashSet<&String>, HashSet<&String>) =
            (paths.iter().collect(), self.entry.execution_paths.iter().collect());
        // Their order is the author's.
        if found != stored {
            self.said.push(match paths.as_slice() {
                [] => String::from("execution_paths are gone"),
                [only] => format!("execution_paths {only}"),
                [first, rest @ ..] => format!("execution_paths {first} and {} more", rest.len()),
            });
            self.change.execution_paths = Some(paths);
        }
    }
}
