//! `parallel.json`: the leveled DAG of a PLAN, loaded, checked and edited as values.
//!
//! Pure: text in, values out, text out. It must not read files, print, or call models.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

mod status;

pub use status::{Evidence, Status, derive_status};

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
