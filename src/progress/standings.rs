//! The statuses of a whole plan, and what follows from them for each achievement.

use std::{collections::HashMap, fmt};

use crate::{
    document::Stage,
    parallel::{Entry, Graph, ParallelFile, Status, derive_status},
    plan::AchievementId,
    store::{AchievementFiles, Scan},
};

/// What statuses are derived from.
#[derive(Clone, Copy)]
pub struct Ground<'a> {
    /// parallel.json.
    pub file: &'a ParallelFile,
    /// Its graph.
    pub graph: &'a Graph,
    /// What is on disk.
    pub scan: &'a Scan,
    /// How many EXECUTION_TASKs the SUBPLAN of an achievement plans. It is asked for only where generating
    /// EXECUTION_TASKs has failed; one is expected where it is not known.
    pub planned: &'a HashMap<AchievementId, usize>,
}

/// The status of every achievement and what follows from it, by graph index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standings {
    statuses: Vec<Status>,
    places: Vec<Place>,
    remarks: Vec<(usize, Remark)>,
}

/// Where an achievement stands among the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Complete or skipped.
    Done,
    /// Somebody works on it.
    InProgress,
    /// Failed; what depends on it is blocked.
    Failed,
    /// Nobody works on it, and all it depends on is done.
    Ready,
    /// Something it depends on is not done yet.
    Waiting,
    /// This achievement failed, and it depends on that, directly or not. Of several the nearest.
    Blocked {
        /// Its graph index.
        by: usize,
    },
}

/// Something about an achievement that its status does not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remark {
    /// There are verdicts that contradict each other.
    Verdicts {
        /// The one that counts.
        counts: &'static str,
        /// What stands beside it.
        beside: &'static str,
        /// What it counts as.
        status: Status,
    },
    /// parallel.json stores a verdict that no file shows.
    Unproven {
        /// What is stored.
        stored: Status,
        /// What it counts as.
        counts: Status,
    },
    /// In progress without an EXECUTION_TASK.
    WithoutExecution,
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Verdicts { counts, beside, status } => {
                write!(f, "is {}: {counts} file stands beside its {beside}", status.words())
            }
            Self::Unproven { stored, counts } => {
                let missing = match stored {
                    Status::Complete => "there is no APPROVED file",
                    Status::Skipped => "there is no SKIPPED file",
                    Status::Failed => "there is no FIX file and no document is missing",
                    Status::NotStarted | Status::SubplanCreated | Status::ExecutionCreated | Status::InProgress => {
                        "files say otherwise"
                    }
                };
                write!(f, "is stored as {stored}, but {missing}: it counts as {counts}")
            }
            Self::WithoutExecution => f.write_str("is in progress without an EXECUTION_TASK"),
        }
    }
}

/// Whether a stored failure still stands: only as long as the document that failed is missing.
fn document_missing(entry: &Entry, files: &AchievementFiles, planned: impl FnOnce() -> Option<usize>) -> bool {
    let Some(failure) = &entry.failure else { return false };
    match failure.stage {
        Stage::Subplan => files.subplan.is_none(),
        Stage::Execution => files.executions.len() < planned().unwrap_or(1).max(1),
    }
}

impl Standings {
    /// Derives everything. Linear in achievements and dependencies.
    pub fn derive(ground: &Ground<'_>) -> Self {
        let statuses: Vec<Status> = ground.file.entries().iter().map(|entry| status(entry, ground)).collect();
        let places = places(ground.graph, &statuses);
        let entries = ground.file.entries().iter().zip(&statuses).enumerate();
        let remarks =
            entries.filter_map(|(node, (entry, status))| Some((node, remark(entry, *status, ground.scan)?))).collect();
        Self { statuses, places, remarks }
    }

    /// The status of every achievement.
    pub fn statuses(&self) -> &[Status] {
        &self.statuses
    }

    /// The status of an achievement.
    ///
    /// # Panics
    ///
    /// As with any index: where `node` is none of the graph.
    pub fn status(&self, node: usize) -> Status {
        self.statuses[node]
    }

    /// Where an achievement stands.
    ///
    /// # Panics
    ///
    /// As with any index: where `node` is none of the graph.
    pub fn place(&self, node: usize) -> Place {
        self.places[node]
    }

    /// What should be said of single achievements, in the order of the file.
    pub fn remarks(&self) -> &[(usize, Remark)] {
        &self.remarks
    }

    /// What an achievement waits for: its own dependencies that are not done.
    pub fn open_dependencies<'a>(&'a self, graph: &'a Graph, node: usize) -> impl Iterator<Item = usize> + 'a {
        graph.dependencies(node).iter().copied().filter(|dependency| !self.statuses[*dependency].is_done())
    }
}

fn status(entry: &Entry, ground: &Ground<'_>) -> Status {
    let files = ground.scan.of_achievement(entry.id);
    let missing = document_missing(entry, files, || ground.planned.get(&entry.id).copied());
    derive_status(files.evidence, entry.status, missing)
}

fn places(graph: &Graph, statuses: &[Status]) -> Vec<Place> {
    // By graph index: the failure that holds it up, for whatever is not done.
    let mut held_by: Vec<Option<usize>> = vec![None; statuses.len()];
    let mut places = vec![Place::Done; statuses.len()];
    for &node in graph.topological() {
        let status = statuses[node];
        if status.is_done() {
            // Done is done: nothing that failed before it holds up what comes after.
            continue;
        }
        let mut waits = false;
        for &dependency in graph.dependencies(node) {
            waits |= !statuses[dependency].is_done();
            let cause = if statuses[dependency] == Status::Failed { Some(dependency) } else { held_by[dependency] };
            held_by[node] = held_by[node].or(cause);
        }
        places[node] = match (status, held_by[node]) {
            (Status::Complete | Status::Skipped, _) => Place::Done,
            (Status::Failed, _) => Place::Failed,
            (Status::InProgress, _) => Place::InProgress,
            (Status::NotStarted | Status::SubplanCreated | Status::ExecutionCreated, Some(by)) => Place::Blocked { by },
            (Status::NotStarted | Status::SubplanCreated | Status::ExecutionCreated, None) if waits => Place::Waiting,
            (Status::NotStarted | Status::SubplanCreated | Status::ExecutionCreated, None) => Place::Ready,
        };
    }
    places
}

fn remark(entry: &Entry, status: Status, scan: &Scan) -> Option<Remark> {
    let evidence = scan.of_achievement(entry.id).evidence;
    let unproven = match entry.status {
        // A SKIPPED file beside it may outrank a stored `failed`; then the file speaks for itself.
        Status::Complete => !evidence.approved && !evidence.fix && !evidence.skipped,
        Status::Skipped => !evidence.skipped && !evidence.approved && !evidence.fix,
        // A failure of generation ends by itself once the document is there.
        Status::Failed => status.is_open() && entry.failure.is_none(),
        Status::NotStarted | Status::SubplanCreated | Status::ExecutionCreated | Status::InProgress => false,
    };
    let verdicts = match (evidence.approved, evidence.fix, evidence.skipped) {
        (true, true, false) => Some(("an APPROVED", "FIX")),
        (true, false, true) => Some(("an APPROVED", "SKIPPED")),
        (true, true, true) => Some(("an APPROVED", "FIX and its SKIPPED")),
        (false, true, true) => Some(("a FIX", "SKIPPED")),
        (true, false, false) | (false, _, false) | (false, false, true) => None,
    };
    if unproven {
        Some(Remark::Unproven { stored: entry.status, counts: status })
    } else if let Some((counts, beside)) = verdicts {
        Some(Remark::Verdicts { counts, beside, status })
    } else if status == Status::InProgress && evidence.executions == 0 {
        Some(Remark::WithoutExecution)
    } else {
        None
    }
}
