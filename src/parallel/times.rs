//! How long a plan takes: one after another, and in parallel. Hours, as ranges.

use std::{cmp::Reverse, collections::BinaryHeap};

use super::{graph::Adjacency, node::Node};
use crate::plan::Hours;

/// Differences up to this many hours are rounding.
const ROUNDING: f64 = 0.06;

/// One achievement as a schedule sees it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Worker {
    /// How long it takes.
    pub hours: Hours,
    /// The place of its level among the levels, from 0.
    pub level: usize,
}

/// The times of a strategy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Times {
    /// The sum of all estimates.
    pub sequential: Hours,
    /// Level after level, each by list scheduling under its limit.
    pub parallel: Hours,
    /// What that saves: the difference of the lower and of the upper ends.
    pub saved: Hours,
    /// The longest chain of dependencies: no schedule is shorter.
    pub critical: Hours,
}

/// What a file says in `parallelization_strategy`, as far as it can be read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct StatedTimes {
    pub(super) sequential: Option<Hours>,
    pub(super) parallel: Option<Hours>,
    pub(super) saved: Option<Hours>,
    /// Both ends of the percentage.
    pub(super) reduction: Option<Hours>,
}

impl StatedTimes {
    pub(super) fn of(node: &Node<'_>) -> Self {
        let hours = |name| match node.get(name)? {
            Node::Number(number) => Hours::single(*number),
            Node::Text(text) => Hours::of_field(text),
            Node::Null | Node::Bool(_) | Node::List(_) | Node::Object(_) | Node::Skipped => None,
        };
        let percent = |text: &str| Hours::of_field(&text.replace('%', ""));
        Self {
            sequential: hours("total_sequential_time"),
            parallel: hours("total_parallel_time"),
            saved: hours("time_saved"),
            reduction: node.text("reduction_percentage").and_then(percent),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The fields that do not fit, with what they should say. A parallel time that a better schedule could reach is
    /// believed.
    pub(super) fn wrong(&self, times: &Times) -> Vec<(&'static str, String)> {
        let mut wrong = Vec::new();
        if self.sequential.is_some_and(|stated| !same(stated, times.sequential)) {
            wrong.push(("total_sequential_time", text(times.sequential)));
        }
        let possible = |stated: &Hours| {
            let within = |low: f64, stated: f64, high: f64| low - ROUNDING <= stated && stated <= high + ROUNDING;
            within(times.critical.low, stated.low, times.sequential.low)
                && within(times.critical.high, stated.high, times.sequential.high)
        };
        let parallel = match self.parallel {
            Some(stated) if possible(&stated) => stated,
            Some(_) => {
                wrong.push(("total_parallel_time", text(times.parallel)));
                // As it will be read back, so that the difference fits it then, too.
                Hours { low: tenth(times.parallel.low), high: tenth(times.parallel.high) }
            }
            None => times.parallel,
        };
        let saved = difference(times.sequential, parallel);
        if self.saved.is_some_and(|stated| !same(stated, saved)) {
            wrong.push(("time_saved", text(saved)));
        }
        if let Some(stated) = self.reduction {
            let share = |part: f64, whole: f64| if whole > 0.0 { 100.0 * part / whole } else { 0.0 };
            let (low, high) = (share(saved.low, times.sequential.low), share(saved.high, times.sequential.high));
            // Some put the widest range there: the least that may be saved of the most, and the reverse.
            let least = low.min(high).min(share(saved.low, times.sequential.high));
            let most = low.max(high).max(share(saved.high, times.sequential.low));
            if stated.low < least - 1.0 || stated.high > most + 1.0 {
                let (low, high) = (low.min(high).round(), low.max(high).round());
                wrong.push((
                    "reduction_percentage",
                    if low == high { format!("{low}%") } else { format!("{low}-{high}%") },
                ));
            }
        }
        wrong
    }
}

fn same(a: Hours, b: Hours) -> bool {
    (a.low - b.low).abs() <= ROUNDING && (a.high - b.high).abs() <= ROUNDING
}

/// Of lower ends and of upper ends, in ascending order.
fn difference(a: Hours, b: Hours) -> Hours {
    let (low, high) = ((a.low - b.low).max(0.0), (a.high - b.high).max(0.0));
    Hours { low: low.min(high), high: low.max(high) }
}

/// `21-31 hours`; to a tenth, without a trailing zero.
pub(super) fn text(hours: Hours) -> String {
    let number = |value: f64| tenth(value).to_string();
    let (low, high) = (number(hours.low), number(hours.high));
    if low == high { format!("{low} hours") } else { format!("{low}-{high} hours") }
}

fn tenth(hours: f64) -> f64 {
    (hours * 10.0).round() / 10.0
}

/// The times of achievements in levels: `order` is one in which each comes after what it depends on, `limits` the most
/// that may be worked on at the same time by level (at least 1).
pub(super) fn times_along(workers: &[Worker], edges: &Adjacency, order: &[usize], limits: &[usize]) -> Times {
    let (low, high): (Vec<f64>, Vec<f64>) = workers.iter().map(|worker| (worker.hours.low, worker.hours.high)).unzip();
    let mut by_level: Vec<Vec<usize>> = vec![Vec::new(); limits.len()];
    for &node in order {
        if let Some(nodes) = workers.get(node).and_then(|worker| by_level.get_mut(worker.level)) {
            nodes.push(node);
        }
    }
    let hours = |of: fn(&[f64], &Adjacency, &[usize]) -> f64| Hours {
        low: of(&low, edges, order),
        high: of(&high, edges, order),
    };
    let sequential = hours(|hours, _, _| hours.iter().sum());
    let critical = hours(longest_chain);
    let schedule = |hours: &[f64]| -> f64 {
        let in_level = |(nodes, limit): (&Vec<usize>, &usize)| list_schedule(nodes, *limit, hours, edges);
        by_level.iter().zip(limits).map(in_level).sum()
    };
    let parallel = Hours { low: schedule(&low), high: schedule(&high) };
    Times { sequential, parallel, saved: difference(sequential, parallel), critical }
}

fn longest_chain(hours: &[f64], edges: &Adjacency, order: &[usize]) -> f64 {
    let mut ends = vec![0.0_f64; hours.len()];
    for &node in order {
        let start = edges.of(node).iter().filter_map(|&other| ends.get(other).copied()).fold(0.0, f64::max);
        if let (Some(end), Some(own)) = (ends.get_mut(node), hours.get(node)) {
            *end = start + own;
        }
    }
    ends.into_iter().fold(0.0, f64::max)
}

/// When the last of `nodes`, which come in the order of dependencies, is done if whoever becomes free takes the next one.
fn list_schedule(nodes: &[usize], limit: usize, hours: &[f64], edges: &Adjacency) -> f64 {
    // Bits of times that are not negative sort as the times do.
    let mut free: BinaryHeap<Reverse<u64>> = (0..limit.clamp(1, nodes.len().max(1))).map(|_| Reverse(0)).collect();
    let mut ends: std::collections::HashMap<usize, f64> = std::collections::HashMap::with_capacity(nodes.len());
    let mut last = 0.0_f64;
    for &node in nodes {
        let ready = edges.of(node).iter().filter_map(|other| ends.get(other).copied()).fold(0.0, f64::max);
        let Reverse(bits) = free.pop().unwrap_or(Reverse(0));
        let end = f64::from_bits(bits).max(ready) + hours.get(node).copied().unwrap_or(0.0).max(0.0);
        free.push(Reverse(end.to_bits()));
        ends.insert(node, end);
        last = last.max(end);
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strategy_times(workers: &[Worker], dependencies: &[Vec<usize>], limits: &[usize]) -> Option<Times> {
        let edges = Adjacency::new(workers.len(), dependencies.iter().map(|list| list.iter().copied()));
        let order = edges.order()?;
        Some(times_along(workers, &edges, &order, limits))
    }

    fn hours(low: f64, high: f64) -> Hours {
        Hours { low, high }
    }

    fn workers(list: &[(f64, f64, usize)]) -> Vec<Worker> {
        list.iter().map(|&(low, high, level)| Worker { hours: hours(low, high), level }).collect()
    }

    #[test]
    fn levels_follow_each_other_and_share_their_hands() {
        let list = workers(&[(2.0, 3.0, 0), (2.0, 4.0, 0), (1.0, 1.0, 0), (5.0, 6.0, 1)]);
        let dependencies = [vec![], vec![], vec![], vec![0]];
        let times = strategy_times(&list, &dependencies, &[2, 1]).unwrap();
        assert_eq!((times.sequential, times.parallel), (hours(10.0, 14.0), hours(8.0, 10.0)));
        assert_eq!((times.saved, times.critical), (hours(2.0, 4.0), hours(7.0, 9.0)));
        // A chain within a level, however many hands there are.
        let chain = [vec![], vec![0], vec![1], vec![]];
        assert_eq!(strategy_times(&list, &chain, &[3, 1]).unwrap().parallel, hours(10.0, 14.0));
        assert_eq!(strategy_times(&list, &[vec![1], vec![0]], &[1, 1]), None);
        assert_eq!(strategy_times(&[], &[], &[]).unwrap().parallel, hours(0.0, 0.0));
    }

    #[test]
    fn what_does_not_add_up_is_named_with_what_it_should_be() {
        let times = Times {
            sequential: hours(20.0, 30.0),
            parallel: hours(12.0, 18.0),
            saved: hours(8.0, 12.0),
            critical: hours(10.0, 15.0),
        };
        let stated = |sequential, parallel, saved, reduction| StatedTimes { sequential, parallel, saved, reduction };
        let some = |low, high| Some(hours(low, high));
        let table: [(StatedTimes, &[(&str, &str)]); 6] = [
            (stated(some(20.0, 30.0), some(12.0, 18.0), some(8.0, 12.0), some(40.0, 40.0)), &[]),
            (stated(None, some(10.0, 16.0), some(10.0, 14.0), None), &[]),
            (stated(some(21.0, 30.0), None, None, None), &[("total_sequential_time", "20-30 hours")]),
            (
                stated(None, some(5.0, 18.0), some(8.0, 9.0), None),
                &[("total_parallel_time", "12-18 hours"), ("time_saved", "8-12 hours")],
            ),
            (stated(None, None, None, some(80.0, 90.0)), &[("reduction_percentage", "40%")]),
            (StatedTimes::default(), &[]),
        ];
        for (stated, expected) in table {
            let wrong = stated.wrong(&times);
            let wrong: Vec<(&str, &str)> = wrong.iter().map(|(name, text)| (*name, text.as_str())).collect();
            assert_eq!(wrong, expected, "{stated:?}");
        }
    }
}
