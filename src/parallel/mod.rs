//! `parallel.json`: the leveled DAG of a PLAN, loaded, checked and edited as values.
//!
//! Pure: text in, values out, text out. It must not read files, print, or call models.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

mod apart;
mod basis;
mod check;
mod computed;
mod declared;
mod derived;
mod edit;
mod file;
mod graph;
mod lexical;
mod lint;
mod list;
mod migrate;
mod node;
mod position;
mod problem;
mod read;
mod repair;
mod rewrite;
mod rules;
mod schedule;
mod schema;
mod shape;
mod status;
mod structure;
mod take_back;
mod time;
mod times;
mod timetable;
mod validate;

pub use apart::{Apart, Conflict, Held};
pub use basis::Basis;
pub use check::Checked;
pub use computed::{blocks_of, inverse, levels_after, parallelism_of};
pub use declared::{declared, declares_nothing};
pub use file::{Change, ParallelFile};
pub use graph::{Graph, compute_levels};
pub use lint::{Documents, Surroundings, lint, not_in_plan};
pub use migrate::migrate;
pub use problem::{MOST_PROBLEMS, Problem, render};
pub use repair::repair;
pub use rules::{RULES, Rule, Severity, explain_rule, nearest_rule, rule, rules_page, rules_table};
pub use schedule::{Bottleneck, Times};
pub use schema::schema;
pub use status::{Evidence, Status, derive_status};
pub use structure::{Clash, Dependency, Draft, Kind, Level, Optional, Origin, Pair, Structure, Touches};
pub use take_back::{TakeBackError, take_back};
pub use time::whole_seconds;

use serde::{Deserialize, Serialize};

use crate::plan::{AchievementId, Hours};

/// One achievement as parallel.json knows it, whichever form the file has.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its id, unique in the file.
    pub id: AchievementId,
    /// Its title; empty where the file has none.
    pub title: String,
    /// The level it stands in (leveled form) or was computed to be in (flat form), from 1.
    pub level: u32,
    /// The stored status; stale where files say otherwise, see [`derive_status`].
    pub status: Status,
    /// What must exist before it.
    pub dependencies: Vec<AchievementId>,
    /// `estimated_hours`, number or text, where it could be read.
    pub estimated_hours: Option<Hours>,
    /// Path of its SUBPLAN relative to the plan directory, as stored.
    pub subplan_path: Option<String>,
    /// Paths of its EXECUTION_TASKs relative to the plan directory, as stored.
    pub execution_paths: Vec<String>,
    /// The last failure of generation, where there was one.
    pub failure: Option<Failure>,
    /// Who works on it, or is to.
    pub executor: Option<String>,
    /// When it was given to the executor, as stored; RFC 3339 UTC where planwave wrote it.
    pub assigned_at: Option<String>,
    /// When work began, as stored.
    pub started_at: Option<String>,
    /// When it was accepted, as stored.
    pub completed_at: Option<String>,
    /// The plan fails without it: it is not skipped without a second thought.
    pub critical: bool,
}

impl Entry {
    /// Takes over what a change sets.
    fn take(&mut self, change: &Change) {
        if let Some(status) = change.status {
            self.status = status;
        }
        if change.no_subplan || change.subplan_path.is_some() {
            self.subplan_path.clone_from(&change.subplan_path);
        }
        if let Some(paths) = &change.execution_paths {
            self.execution_paths.clone_from(paths);
        }
        if let Some(failure) = &change.failure {
            self.failure.clone_from(failure);
        }
        let texts = [
            (&mut self.executor, &change.executor),
            (&mut self.assigned_at, &change.assigned_at),
            (&mut self.started_at, &change.started_at),
            (&mut self.completed_at, &change.completed_at),
        ];
        for (field, new) in texts {
            if let Some(new) = new {
                field.clone_from(new);
            }
        }
    }
}

/// The form of a parallel.json.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// Version 1.0.0: achievements stand in levels.
    Leveled,
    /// The older form: one list of achievements, and levels are computed.
    Flat,
}

/// One level of a file, or of the levels computed for a flat file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LevelInfo {
    /// Its number, from 1.
    pub number: u32,
    /// What the file says of it.
    pub description: Option<String>,
    /// Whether its achievements can be worked on at the same time. Where the file does not say, `false` if one of them
    /// depends on another of the level.
    pub can_parallelize: bool,
    /// How many can be worked on at the same time, where the file says.
    pub max_parallelism: Option<u32>,
    /// The indices of its achievements in [`ParallelFile::entries`], ascending.
    pub entries: Vec<usize>,
    /// `can_parallelize` as the file has it.
    declared_parallel: Option<bool>,
    /// Whether the file has fields in it that planwave does not know.
    own_fields: bool,
    /// Its position in the file's `levels`, from 0; `None` where it was computed.
    position: Option<usize>,
}

impl LevelInfo {
    /// How many of its achievements can be worked on at the same time, as far as the file says.
    pub fn capacity(&self) -> usize {
        match (self.can_parallelize, self.max_parallelism) {
            (false, _) => 1,
            (true, Some(most)) => usize::try_from(most).unwrap_or(usize::MAX),
            (true, None) => usize::MAX,
        }
    }
}

/// Why generating a document failed for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The stage that failed.
    pub stage: crate::document::Stage,
    /// One sentence for a person.
    pub reason: String,
    /// Answers asked for, rejected ones included.
    pub attempts: u32,
    /// When, RFC 3339 UTC.
    pub at: String,
}

/// The text of a new file of the leveled form 1.0.0. `now` is an RFC 3339 time in UTC.
///
/// It is indented by two spaces and ends with a line feed.
pub fn write_anew(structure: &Structure, plan: &str, now: &str) -> String {
    rewrite::anew(structure::fields(structure, plan, now))
}

#[cfg(test)]
mod tests;
