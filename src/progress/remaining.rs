//! The work that is left, in hours: one achievement after the other, and as parallel as the plan allows.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
};

use serde::Serialize;

use crate::{
    parallel::{Graph, ParallelFile},
    plan::Hours,
};

use super::{Standings, rank::capacity};

/// The work that is left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Remaining {
    /// Achievements that are neither complete nor skipped. Those in progress count in full.
    pub achievements: usize,
    /// Those of them without an estimate; they count as no time.
    pub without_estimate: usize,
    /// One achievement after the other; `None` where there is no estimate at all.
    pub sequential: Option<Hours>,
    /// As many at once as dependencies, `can_parallelize` and `max_parallelism` allow.
    pub parallel: Option<Hours>,
}

/// Adds up what is left. `estimates` are by graph index.
pub fn remaining(file: &ParallelFile, graph: &Graph, standings: &Standings, estimates: &[Option<Hours>]) -> Remaining {
    let left: Vec<bool> = standings.statuses().iter().map(|status| !status.is_done()).collect();
    let achievements = left.iter().filter(|left| **left).count();
    let known: Vec<Hours> = left.iter().zip(estimates).filter_map(|(left, hours)| hours.filter(|_| *left)).collect();
    let (sequential, parallel) = if known.is_empty() {
        (None, None)
    } else {
        let end = |bound: fn(&Hours) -> f64| {
            let hours = |node: usize| estimates.get(node).copied().flatten().as_ref().map_or(0.0, bound);
            Simulation::new(file, graph, &left, hours).run()
        };
        let sum = Hours { low: known.iter().map(|h| h.low).sum(), high: known.iter().map(|h| h.high).sum() };
        // Longer estimates can happen to fit better, so that the ends of the range need not be in order.
        let (a, b) = (end(|hours| hours.low), end(|hours| hours.high));
        (Some(sum), Some(Hours { low: a.min(b), high: a.max(b) }))
    };
    Remaining { achievements, without_estimate: achievements - known.len(), sequential, parallel }
}

/// List scheduling: whenever there is room in its level, the achievement with the longest path behind it begins.
struct Simulation<'a, F> {
    graph: &'a Graph,
    left: &'a [bool],
    hours: F,
    /// Hours from the beginning of an achievement to the end of the longest path through it.
    path: Vec<f64>,
    /// By graph index: dependencies that are left.
    waits: Vec<usize>,
    level_of: Vec<usize>,
    room: Vec<usize>,
    /// By level: what may begin as soon as there is room.
    ready: Vec<BinaryHeap<(Time, Reverse<usize>)>>,
    running: BinaryHeap<Reverse<(Time, usize)>>,
}

impl<'a, F: Fn(usize) -> f64> Simulation<'a, F> {
    fn new(file: &ParallelFile, graph: &'a Graph, left: &'a [bool], hours: F) -> Self {
        let levels = file.levels();
        let level_of = (0..graph.len())
            .map(|node| levels.binary_search_by_key(&graph.level(node), |level| level.number).unwrap_or(0))
            .collect();
        let mut path = vec![0.0_f64; graph.len()];
        for &node in graph.topological().iter().rev() {
            if left[node] {
                let behind = graph.dependents(node).iter().map(|&dependent| path[dependent]).fold(0.0, f64::max);
                path[node] = hours(node) + behind;
            }
        }
        let waits = (0..graph.len())
            .map(|node| graph.dependencies(node).iter().filter(|dependency| left[**dependency]).count())
            .collect();
        let room = levels.iter().map(capacity).collect();
        let ready = vec![BinaryHeap::new(); levels.len()];
        Self { graph, left, hours, path, waits, level_of, room, ready, running: BinaryHeap::new() }
    }

    /// The time at which everything is done.
    fn run(mut self) -> f64 {
        for node in 0..self.graph.len() {
            if self.left[node] && self.waits[node] == 0 {
                self.free(node);
            }
        }
        for level in 0..self.room.len() {
            self.begin(level, 0.0);
        }
        let mut end = 0.0_f64;
        while let Some(Reverse((Time(now), node))) = self.running.pop() {
            end = end.max(now);
            let level = self.level_of[node];
            self.room[level] = self.room[level].saturating_add(1);
            let graph = self.graph;
            for &dependent in graph.dependents(node) {
                self.waits[dependent] -= 1;
                if self.waits[dependent] == 0 && self.left[dependent] {
                    self.free(dependent);
                    self.begin(self.level_of[dependent], now);
                }
            }
            self.begin(level, now);
        }
        end
    }

    fn free(&mut self, node: usize) {
        if let Some(ready) = self.ready.get_mut(self.level_of[node]) {
            ready.push((Time(self.path[node]), Reverse(node)));
        }
    }

    fn begin(&mut self, level: usize, now: f64) {
        while self.room[level] > 0
            && let Some((_, Reverse(node))) = self.ready[level].pop()
        {
            self.room[level] -= 1;
            self.running.push(Reverse((Time(now + (self.hours)(node)), node)));
        }
    }
}

/// Hours, in order.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Time(f64);

impl Eq for Time {}

impl Ord for Time {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Time {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
