//! Which achievement somebody who asks for work gets.

use super::{Obstacle, Place, Ranked, Room, Standings, ranked};
use crate::{
    parallel::{Entry, Graph, ParallelFile, Status},
    plan::AchievementId,
};

/// Why there is nothing to claim.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// What is ready, and has room in its level, must not be worked on beside what is in progress.
    Apart {
        /// How many achievements that are.
        ready: usize,
        /// The highest ranked of them.
        id: AchievementId,
        /// What is in progress.
        beside: AchievementId,
        /// What both need.
        over: String,
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
            Self::Apart { ready, id, beside, over } => {
                write!(f, "{ready} ready, but not beside what is in progress: {id} and {beside} both need {over}")
            }
        }
    }
}

/// Whether somebody may take what this entry is about: it is nobody's, or theirs.
pub fn may_take(entry: &Entry, executor: Option<&str>) -> bool {
    entry.executor.as_deref().is_none_or(|assigned| Some(assigned) == executor)
}

impl NothingToClaim {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Apart { id, .. } => Some(format!("`planwave start {id} --force` begins it all the same")),
            Self::AllDone | Self::NothingReady { .. } | Self::Assigned { .. } | Self::NoRoom { .. } => None,
        }
    }
}

/// The best achievement for `executor` that can be begun beside what is in progress: one assigned to them before one that
/// is nobody's, and one that has its EXECUTION_TASK before one that has nothing to work by; of these the highest ranked.
pub fn choose(
    file: &ParallelFile,
    graph: &Graph,
    standings: &Standings,
    room: &Room<'_>,
    executor: Option<&str>,
) -> Result<usize, NothingToClaim> {
    let entries = file.entries();
    let all: Vec<usize> = (0..graph.len()).filter(|node| standings.place(*node) == Place::Ready).collect();
    let mine: Vec<Ranked> =
        ranked(graph, standings, all.iter().copied().filter(|node| may_take(&entries[*node], executor)));
    let can = mine.iter().map(|ranked| ranked.node).filter(|node| room.obstacle(*node).is_none());
    let worse = |node: &usize| (entries[*node].executor.is_none(), standings.status(*node) != Status::ExecutionCreated);
    // The first of the best, since `min_by_key` keeps the order of equals.
    if let Some(node) = can.min_by_key(worse) {
        return Ok(node);
    }
    let count = |place: Place| (0..graph.len()).filter(|node| standings.place(*node) == place).count();
    let apart = mine.iter().find_map(|ranked| match room.obstacle(ranked.node)? {
        Obstacle::Apart(conflict) => Some(NothingToClaim::Apart {
            ready: mine.len(),
            id: graph.id(ranked.node),
            beside: graph.id(conflict.holder),
            over: conflict.over.to_owned(),
        }),
        Obstacle::Full => None,
    });
    Err(if let Some(apart) = apart {
        apart
    } else if !mine.is_empty() {
        NothingToClaim::NoRoom { ready: mine.len() }
    } else if !all.is_empty() {
        NothingToClaim::Assigned { ready: all.len() }
    } else if count(Place::Done) == graph.len() {
        NothingToClaim::AllDone
    } else {
        NothingToClaim::NothingReady { in_progress: count(Place::InProgress), failed: count(Place::Failed) }
    })
}
