//! How long the work takes: one after the other, and in parallel by list scheduling; and what it takes longest for.
//!
//! Times are whole thousandths of an hour inside, so that sums are exact. An achievement without an estimate counts as
//! nothing. Whoever writes times and whoever checks them compute them here.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
};

use super::graph::Adjacency;
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

/// The graph with a time on each node.
pub(super) struct Workload<'a> {
    dependencies: &'a Adjacency,
    dependents: &'a Adjacency,
    /// Any estimate at all.
    estimated: bool,
    low: Vec<u64>,
    high: Vec<u64>,
    /// The longest chain from a node to the end: time at the high and the low end, achievements.
    tails: Vec<(u64, u64, u64)>,
    urgency: Vec<u64>,
}

impl<'a> Workload<'a> {
    /// `estimates` are by node; `order` has every node after its dependencies.
    pub(super) fn new(
        estimates: &[Option<Hours>],
        dependencies: &'a Adjacency,
        dependents: &'a Adjacency,
        order: &[usize],
    ) -> Self {
        let thousandths = |hours: f64| (hours * PER_HOUR).round() as u64;
        let of = |end: fn(Hours) -> f64| -> Vec<u64> {
            estimates.iter().map(|hours| hours.map_or(0, |hours| thousandths(end(hours)))).collect()
        };
        let (low, high) = (of(|hours| hours.low), of(|hours| hours.high));
        let mut tails = vec![(0, 0, 0); estimates.len()];
        for &node in order.iter().rev() {
            let longest = dependents.of(node).iter().map(|&next| tails[next]).max().unwrap_or((0, 0, 0));
            tails[node] = (longest.0 + high[node], longest.1 + low[node], longest.2 + 1);
        }
        // Without estimates, what most others come after is begun first.
        let estimated = estimates.iter().any(Option::is_some);
        let urgency = tails.iter().map(|tail| if estimated { tail.0 } else { tail.2 }).collect();
        Self { dependencies, dependents, estimated, low, high, tails, urgency }
    }

    /// What is begun first: the largest.
    pub(super) fn urgency(&self) -> &[u64] {
        &self.urgency
    }

    /// The chain that takes longest.
    pub(super) fn critical_path(&self) -> Vec<usize> {
        let longest =
            |nodes: &mut dyn Iterator<Item = usize>| nodes.max_by_key(|&node| (self.tails[node], Reverse(node)));
        let mut path = Vec::new();
        let mut next = longest(&mut (0..self.tails.len()));
        while let Some(node) = next {
            path.push(node);
            next = longest(&mut self.dependents.of(node).iter().copied());
        }
        path
    }

    /// Times of the whole (`None` without any estimate), and when each node begins at the high end. `level_of` has the place of
    /// each node's level, `limits` by level how many nodes can be worked on at the same time, at least 1.
    pub(super) fn schedule(&self, limits: &[usize], level_of: &[usize]) -> (Option<Times>, Vec<u64>) {
        let (latest, starts) = self.list_schedule(&self.high, limits, level_of);
        if !self.estimated {
            return (None, starts);
        }
        let (earliest, _) = self.list_schedule(&self.low, limits, level_of);
        let sum = |times: &[u64]| times.iter().sum::<u64>();
        let path = self.critical_path();
        let along = |times: &[u64]| path.iter().map(|&node| times[node]).sum::<u64>();
        let times = Times {
            sequential: range(sum(&self.low), sum(&self.high)),
            // Shorter tasks can make a list schedule longer (Graham's anomaly); a range runs upwards all the same.
            parallel: range(earliest, latest.max(earliest)),
            critical: range(along(&self.low), along(&self.high)),
        };
        (Some(times), starts)
    }

    /// Starts each node as soon as its dependencies are done and its level has a free place, the most urgent first.
    fn list_schedule(&self, duration: &[u64], limits: &[usize], level_of: &[usize]) -> (u64, Vec<u64>) {
        let nodes = duration.len();
        let mut missing: Vec<usize> = (0..nodes).map(|node| self.dependencies.of(node).len()).collect();
        let mut places: Vec<usize> = limits.iter().map(|&limit| limit.clamp(1, nodes.max(1))).collect();
        let mut ready: Vec<BinaryHeap<(u64, Reverse<usize>)>> = vec![BinaryHeap::new(); limits.len()];
        let mut running: BinaryHeap<Reverse<(u64, usize)>> = BinaryHeap::new();
        let mut starts = vec![0; nodes];
        let mut now = 0;
        let mut waiting: Vec<usize> = (0..nodes).filter(|&node| missing[node] == 0).collect();
        loop {
            // Only levels in which something has changed can start anything.
            let mut changed: Vec<usize> = Vec::new();
            for node in waiting.drain(..) {
                ready[level_of[node]].push((self.urgency[node], Reverse(node)));
                changed.push(level_of[node]);
            }
            while let Some(&Reverse((end, node))) = running.peek() {
                if end > now {
                    break;
                }
                running.pop();
                places[level_of[node]] += 1;
                changed.push(level_of[node]);
                for &next in self.dependents.of(node) {
                    missing[next] -= 1;
                    if missing[next] == 0 {
                        ready[level_of[next]].push((self.urgency[next], Reverse(next)));
                        changed.push(level_of[next]);
                    }
                }
            }
            for level in changed {
                while places[level] > 0
                    && let Some((_, Reverse(node))) = ready[level].pop()
                {
                    places[level] -= 1;
                    starts[node] = now;
                    running.push(Reverse((now + duration[node], node)));
                }
            }
            match running.peek() {
                Some(&Reverse((end, _))) => now = end,
                None => return (now, starts),
            }
        }
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

/// The nodes that two or more others wait for, the worst first.
///
/// Dependents are counted 64 at a time, as the bits of one number per node that are passed on from dependents to
/// dependencies: exact, and without a set per node.
pub(super) fn bottlenecks(dependencies: &Adjacency, dependents: &Adjacency, order: &[usize]) -> Vec<Bottleneck> {
    let mut counts = vec![0_usize; order.len()];
    let mut above = vec![0_u64; order.len()];
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
                for &needs in dependencies.of(node) {
                    above[needs] |= mask;
                }
            }
        }
    }
    let found = counts.iter().enumerate().filter(|(_, count)| **count >= 2);
    let mut found: Vec<Bottleneck> =
        found.map(|(node, &holds_up)| Bottleneck { node, holds_up, directly: dependents.of(node).len() }).collect();
    let worst = |a: &Bottleneck, b: &Bottleneck| -> Ordering {
        (Reverse(a.holds_up), Reverse(a.directly), a.node).cmp(&(Reverse(b.holds_up), Reverse(b.directly), b.node))
    };
    found.sort_by(worst);
    found.truncate(NAMED);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(estimates: &[(f64, f64)], dependencies: &[Vec<usize>], limits: &[usize], level_of: &[usize]) -> Times {
        let estimates: Vec<Option<Hours>> = estimates.iter().map(|&(low, high)| Some(Hours { low, high })).collect();
        let dependencies = Adjacency::new(estimates.len(), dependencies.iter().cloned());
        let (dependents, order) = (dependencies.inverse(), dependencies.order().unwrap());
        Workload::new(&estimates, &dependencies, &dependents, &order).schedule(limits, level_of).0.unwrap()
    }

    #[test]
    fn who_is_free_takes_the_most_urgent_that_its_level_has_room_for() {
        let hours = |low, high| Hours { low, high };
        let estimates = [(2.0, 3.0), (2.0, 4.0), (1.0, 1.0), (5.0, 6.0)];
        let one_needs_another = [vec![], vec![], vec![], vec![0]];
        let two = times(&estimates, &one_needs_another, &[2, 1], &[0, 0, 0, 1]);
        assert_eq!((two.sequential, two.parallel, two.critical), (hours(10.0, 14.0), hours(7.0, 9.0), hours(7.0, 9.0)));
        assert_eq!((two.saved(), two.saved_percent()), (hours(3.0, 5.0), 33));
        let one = times(&estimates, &one_needs_another, &[1, 1], &[0, 0, 0, 1]);
        assert_eq!((one.parallel, one.saved()), (hours(7.0, 9.0), hours(3.0, 5.0)));
        // A chain within a level, however many hands there are; and no limit of none.
        let chain = [vec![], vec![0], vec![1], vec![2]];
        assert_eq!(times(&estimates, &chain, &[3], &[0; 4]).parallel, hours(10.0, 14.0));
        assert_eq!(times(&estimates, &[vec![], vec![], vec![], vec![]], &[0], &[0; 4]).parallel, hours(10.0, 14.0));
    }
}
