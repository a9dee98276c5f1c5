//! Which achievement somebody who asks for work gets.

use super::{Place, Ranked, Standings, ranked, runnable_now};
use crate::parallel::{Entry, Graph, ParallelFile, Status};

/// Why there is nothing to claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NothingToClaim {
    /// Everything is complete or skipped.
    AllDone,
    /// What is left waits for what others work on, or for what failed.
    NothingReady {
        /// Achievements in progress.
        in_progress: usize,
        /// Achievements that failed.
        failed: usize,
    },
    /// What is ready is assigned to others.
    Assigned {
        /// How many achievements that are.
        ready: usize,
    },
    /// What is ready stands in levels that allow no more at the same time.
    NoRoom {
        /// How many achievements that are.
        ready: usize,
    },
}

impl std::fmt::Display for NothingToClaim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AllDone => f.write_str("everything is complete or skipped"),
            Self::NothingReady { in_progress, failed } => {
                write!(f, "nothing is ready: {in_progress} in progress, {failed} failed; the rest waits for them")
            }
            Self::Assigned { ready } => write!(f, "{ready} ready, all assigned to others"),
            Self::NoRoom { ready } => {
                write!(f, "{ready} ready, but their levels allow no more at the same time than are in progress")
            }
        }
    }
}

/// Whether somebody may take what this entry is about: it is nobody's, or theirs.
pub fn may_take(entry: &Entry, executor: Option<&str>) -> bool {
    entry.executor.as_deref().is_none_or(|assigned| Some(assigned) == executor)
}

/// The best achievement for `executor`: one assigned to them before one that is nobody's, and one that has its
/// EXECUTION_TASK before one that has nothing to work by; of these the highest ranked.
pub fn choose(
    file: &ParallelFile,
    graph: &Graph,
    standings: &Standings,
    executor: Option<&str>,
) -> Result<usize, NothingToClaim> {
    let entries = file.entries();
    let all: Vec<usize> = (0..graph.len()).filter(|node| standings.place(*node) == Place::Ready).collect();
    let mine: Vec<Ranked> =
        ranked(graph, standings, all.iter().copied().filter(|node| may_take(&entries[*node], executor)));
    let can = runnable_now(file, graph, standings, &mine);
    let worse =
        |node: &&usize| (entries[**node].executor.is_none(), standings.status(**node) != Status::ExecutionCreated);
    // The first of the best, since `min_by_key` keeps the order of equals.
    if let Some(node) = can.iter().min_by_key(worse) {
        return Ok(*node);
    }
    let count = |place: Place| (0..graph.len()).filter(|node| standings.place(*node) == place).count();
    Err(if !mine.is_empty() {
        NothingToClaim::NoRoom { ready: mine.len() }
    } else if !all.is_empty() {
        NothingToClaim::Assigned { ready: all.len() }
    } else if count(Place::Done) == graph.len() {
        NothingToClaim::AllDone
    } else {
        NothingToClaim::NothingReady { in_progress: count(Place::InProgress), failed: count(Place::Failed) }
    })
}
