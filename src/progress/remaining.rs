//! The work that is left, in hours: one achievement after the other, and as parallel as the plan allows.

use serde::Serialize;

use crate::{
    parallel::{Apart, Graph, ParallelFile},
    plan::Hours,
};

use super::{Place, Standings};

/// The work that is left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Remaining {
    /// Achievements that are neither complete nor skipped. Those in progress count in full.
    pub achievements: usize,
    /// Those of them without an estimate; they count as no time.
    pub without_estimate: usize,
    /// One achievement after the other; `None` where there is no estimate at all.
    pub sequential: Option<Hours>,
    /// As many at once as dependencies, `can_parallelize` and `max_parallelism` allow, and nobody beside somebody who needs
    /// the same.
    pub parallel: Option<Hours>,
}

/// Adds up what is left. `estimates` are by graph index, `apart` is that of the file.
pub fn remaining(
    file: &ParallelFile,
    graph: &Graph,
    standings: &Standings,
    estimates: &[Option<Hours>],
    apart: &Apart,
) -> Remaining {
    let left: Vec<bool> = standings.statuses().iter().map(|status| !status.is_done()).collect();
    let running: Vec<usize> = (0..graph.len()).filter(|node| standings.place(*node) == Place::InProgress).collect();
    let achievements = left.iter().filter(|left| **left).count();
    let known = left.iter().zip(estimates).filter(|(left, hours)| **left && hours.is_some()).count();
    let times = file.times_left(graph, estimates, &left, &running, apart);
    Remaining {
        achievements,
        without_estimate: achievements - known,
        sequential: times.map(|times| times.sequential),
        parallel: times.map(|times| times.parallel),
    }
}
