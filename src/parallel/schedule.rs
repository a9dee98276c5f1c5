//! How long the work takes: one after the other, and in parallel by list scheduling; and what it takes longest for.
//!
//! Times are whole thousandths of an hour inside, so that sums are exact. An achievement without an estimate counts as
//! nothing; one that is done is left out. Whoever writes times and whoever shows them compute them here.

use std::cmp::{Ordering, Reverse};

use super::{Graph, LevelInfo, ParallelFile, apart::Apart, graph::Adjacency, timetable::Work};
use crate::plan::Hours;

/// Bottlenecks that are named.
const NAMED: usize = 5;

/// Parts of an hour that times are counted in.
const PER_HOUR: f64 = 1_000.0;

/// How long everything takes, hours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Times {
    /// One after the other.
    pub sequential: Hours,
    /// As many at the same time as each level allows, each as soon as what it needs is done.
    pub parallel: Hours,
    /// The critical path alone: with any number of people it cannot be faster.
    pub critical: Hours,
}

impl Times {
    /// What working in parallel saves.
    pub fn saved(&self) -> Hours {
        let (low, high) = (self.sequential.low - self.parallel.low, self.sequential.high - self.parallel.high);
        Hours { low: tidy(low.min(high).max(0.0)), high: tidy(low.max(high).max(0.0)) }
    }

    /// The same as a share of the time one after the other, in per cent, by the middle of each range.
    pub fn saved_percent(&self) -> u32 {
        let middle = |hours: Hours| hours.low + hours.high;
        let whole = middle(self.sequential);
        if whole <= 0.0 {
            return 0;
        }
        ((whole - middle(self.parallel)) / whole * 100.0).round().clamp(0.0, 100.0) as u32
    }
}

/// An achievement that others wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bottleneck {
    /// Which, as an index.
    pub node: usize,
    /// How many depend on it, through others too.
    pub holds_up: usize,
    /// How many depend on it directly.
    pub directly: usize,
}

/// What a schedule has to keep to, by node but for `limits`.
pub(super) struct Bounds<'a> {
    /// The place of its level.
    pub(super) level_of: &'a [usize],
    /// By level: how many can be worked on at the same time, at least 1.
    pub(super) limits: &'a [usize],
    /// Who must not be worked on at the same time.
    pub(super) apart: &'a Apart,
    /// What somebody works on already.
    pub(super) running: &'a [usize],
}

/// The graph with a time on each node that is left to do.
pub(super) struct Workload<'a> {
    dependencies: &'a Adjacency,
    dependents: &'a Adjacency,
    open: &'a [bool],
    /// Any estimate at all.
    estimated: bool,
    low: Vec<u64>,
    high: Vec<u64>,
    /// The longest chain from a node to the end: time at the high and the low end, achievements.
    tails: Vec<(u64, u64, u64)>,
    urgency: Vec<u64>,
}

impl<'a> Workload<'a> {
    /// `estimates` are by node, `open` says what is left to do; `order` has every node after its dependencies.
    pub(super) fn new(
        estimates: &[Option<Hours>],
        open: &'a [bool],
        dependencies: &'a Adjacency,
        dependents: &'a Adjacency,
        order: &[usize],
    ) -> Self {
        // As they are written down, so that whoever reads them there computes the same.
        let thousandths = |hours: f64| (tidy(hours) * PER_HOUR).round() as u64;
        let estimate = |node: usize| estimates[node].filter(|_| open[node]);
        let of = |end: fn(Hours) -> f64| -> Vec<u64> {
            (0..open.len()).map(|node| estimate(node).map_or(0, |hours| thousandths(end(hours)))).collect()
        };
        let (low, high) = (of(|hours| hours.low), of(|hours| hours.high));
        let mut tails = vec![(0, 0, 0); open.len()];
        for &node in order.iter().rev().filter(|node| open[**node]) {
            let longest = dependents.of(node).iter().map(|&next| tails[next]).max().unwrap_or((0, 0, 0));
            tails[node] = (longest.0 + high[node], longest.1 + low[node], longest.2 + 1);
        }
        // Without estimates, what most others come after is begun first.
        let estimated = (0..open.len()).any(|node| estimate(node).is_some());
        let urgency = tails.iter().map(|tail| if estimated { tail.0 } else { tail.2 }).collect();
        Self { dependencies, dependents, open, estimated, low, high, tails, urgency }
    }

    /// What is begun first: the largest.
    pub(super) fn urgency(&self) -> &[u64] {
        &self.urgency
    }

    /// The chain that takes longest.
    pub(super) fn critical_path(&self) -> Vec<usize> {
        let longest = |nodes: &mut dyn Iterator<Item = usize>| {
            nodes.filter(|&node| self.open[node]).max_by_key(|&node| (self.tails[node], Reverse(node)))
        };
        let mut path = Vec::new();
        let mut next = longest(&mut (0..self.tails.len()));
        while let Some(node) = next {
            path.push(node);
            next = longest(&mut self.dependents.of(node).iter().copied());
        }
        path
    }

    /// Times of the whole (`None` without any estimate), and when each node begins at the high end.
    pub(super) fn schedule(&self, bounds: &Bounds<'_>) -> (Option<Times>, Vec<u64>) {
        let Bounds { level_of, limits, apart, running } = *bounds;
        let work = Work {
            dependencies: self.dependencies,
            dependents: self.dependents,
            open: self.open,
            level_of,
            room: limits,
            apart,
            urgency: &self.urgency,
            running,
        };
        let latest = work.list_schedule(&self.high);
        if !self.estimated {
            return (None, latest.starts);
        }
        let earliest = work.list_schedule(&self.low).end;
        let sum = |times: &[u64]| times.iter().sum::<u64>();
        let path = self.critical_path();
        let along = |times: &[u64]| path.iter().map(|&node| times[node]).sum::<u64>();
        let times = Times {
            sequential: range(sum(&self.low), sum(&self.high)),
            // Shorter tasks can make a list schedule longer (Graham's anomaly); a range runs upwards all the same.
            parallel: range(earliest, latest.end.max(earliest)),
            critical: range(along(&self.low), along(&self.high)),
        };
        (Some(times), latest.starts)
    }
}

impl ParallelFile {
    /// How long what is left to do takes; `None` where nothing of it has an estimate. `estimates`, what is `left` and what is
    /// `running` already are by the index of entries, `graph` and `apart` are those of the file.
    pub fn times_left(
        &self,
        graph: &Graph,
        estimates: &[Option<Hours>],
        left: &[bool],
        running: &[usize],
        apart: &Apart,
    ) -> Option<Times> {
        let (dependencies, dependents) = graph.edges();
        let limits: Vec<usize> = self.levels.iter().map(LevelInfo::capacity).collect();
        let place = |node: usize| self.levels.binary_search_by_key(&graph.level(node), |level| level.number);
        let level_of: Vec<usize> = (0..graph.len()).map(|node| place(node).unwrap_or(0)).collect();
        let workload = Workload::new(estimates, left, dependencies, dependents, graph.topological());
        workload.schedule(&Bounds { level_of: &level_of, limits: &limits, apart, running }).0
    }
}

/// Thousandths of an hour as hours.
fn range(low: u64, high: u64) -> Hours {
    Hours { low: tidy(low as f64 / PER_HOUR), high: tidy(high as f64 / PER_HOUR) }
}

/// To two digits: 20 minutes are 0.33 hours, not 0.3333333333333333.
pub(super) fn tidy(hours: f64) -> f64 {
    (hours * 100.0).round() / 100.0
}

/// The nodes left to do that two or more others wait for, the worst first.
///
/// Dependents are counted 64 at a time, as the bits of one number per node that are passed on from dependents to
/// dependencies: exact, and without a set per node.
pub(super) fn bottlenecks(
    dependencies: &Adjacency,
    dependents: &Adjacency,
    order: &[usize],
    open: &[bool],
) -> Vec<Bottleneck> {
    let order: Vec<usize> = order.iter().copied().filter(|&node| open[node]).collect();
    let mut counts = vec![0_usize; open.len()];
    let mut above = vec![0_u64; open.len()];
    for (number, block) in order.chunks(64).enumerate() {
        // Only what comes before the end of the block can be a dependency of something in it.
        let end = number * 64 + block.len();
        for (bit, &node) in block.iter().enumerate() {
            above[node] = 1 << bit;
        }
        for (place, &node) in order[..end].iter().enumerate().rev() {
            let mask = std::mem::take(&mut above[node]);
            let own = if place >= number * 64 { 1 << (place - number * 64) } else { 0 };
            counts[node] += (mask & !own).count_ones() as usize;
            if mask != 0 {
                for &needs in dependencies.of(node).iter().filter(|&&needs| open[needs]) {
                    above[needs] |= mask;
                }
            }
        }
    }
    let directly = |node: usize| dependents.of(node).iter().filter(|&&other| open[other]).count();
    let found = counts.iter().enumerate().filter(|(_, count)| **count >= 2);
    let mut found: Vec<Bottleneck> =
        found.map(|(node, &holds_up)| Bottleneck { node, holds_up, directly: directly(node) }).collect();
    let worst = |a: &Bottleneck, b: &Bottleneck| -> Ordering {
        (Reverse(a.holds_up), Reverse(a.directly), a.node).cmp(&(Reverse(b.holds_up), Reverse(b.directly), b.node))
    };
    found.sort_by(worst);
    found.truncate(NAMED);
    found
}
