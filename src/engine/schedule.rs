//! Which item comes next: a pure queue over the items' needs.
//!
//! No clock, no calls, no tasks: whoever drives it (the local dispatcher, a test, a workflow engine) asks for the next
//! item and reports how items ended. Every operation costs O(log n) per item or edge touched, once each.

use std::{cmp::Reverse, collections::BinaryHeap};

use super::state::{ItemState, Signal};

/// When an item may start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// A level ends before the next begins.
    #[default]
    Level,
    /// An item starts as soon as what it needs is done, longest remaining path first.
    Ready,
}

/// What the schedule has to know of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Indices of the items that must be done before.
    pub needs: Vec<usize>,
    /// Its level.
    pub level: u32,
    /// Weight of the longest path from it to the end of the run; larger goes first.
    pub rank: u64,
}

/// The state of all items of a run.
#[derive(Clone, Debug)]
pub struct Schedule {
    states: Vec<ItemState>,
    waiting_for: Vec<usize>,
    dependents: Vec<Vec<usize>>,
    rank: Vec<u64>,
    stage_of: Vec<usize>,
    /// Items of each stage of the run (levels in ascending order, or one stage for all) that have not ended.
    open: Vec<usize>,
    current: usize,
    ready: Vec<BinaryHeap<(u64, Reverse<usize>)>>,
    left: usize,
    /// Running items of which nothing is missing but the disk's word.
    being_written: Vec<bool>,
    /// For each item, those of its needs that are being written.
    needs_being_written: Vec<usize>,
    /// For each stage, its open items that are being written.
    open_being_written: Vec<usize>,
    /// For each stage, its items that need nothing but what is being written.
    held_up: Vec<usize>,
}

impl Schedule {
    /// A schedule in which nothing has started. The needs must be free of cycles; items on a cycle never start.
    pub fn new(nodes: &[Node], order: Order) -> Self {
        let mut levels: Vec<u32> = match order {
            Order::Level => nodes.iter().map(|node| node.level).collect(),
            Order::Ready => vec![0],
        };
        levels.sort_unstable();
        levels.dedup();
        let stage_of: Vec<usize> = nodes
            .iter()
            .map(|node| match order {
                Order::Level => levels.partition_point(|level| *level < node.level),
                Order::Ready => 0,
            })
            .collect();
        let mut open = vec![0; levels.len()];
        let mut dependents = vec![Vec::new(); nodes.len()];
        for (index, node) in nodes.iter().enumerate() {
            open[stage_of[index]] += 1;
            for need in &node.needs {
                dependents[*need].push(index);
            }
        }
        let mut schedule = Self {
            states: vec![ItemState::Pending; nodes.len()],
            waiting_for: nodes.iter().map(|node| node.needs.len()).collect(),
            dependents,
            rank: nodes.iter().map(|node| node.rank).collect(),
            ready: vec![BinaryHeap::new(); open.len()],
            stage_of,
            open,
            current: 0,
            left: nodes.len(),
            being_written: vec![false; nodes.len()],
            needs_being_written: vec![0; nodes.len()],
            open_being_written: vec![0; levels.len()],
            held_up: vec![0; levels.len()],
        };
        for index in 0..nodes.len() {
            if schedule.waiting_for[index] == 0 {
                schedule.make_ready(index);
            }
        }
        schedule
    }

    /// Starts the next item that may start now, if there is one.
    pub fn start_next(&mut self) -> Option<usize> {
        while self.open.get(self.current) == Some(&0) {
            self.current += 1;
        }
        let (_, Reverse(index)) = self.ready.get_mut(self.current)?.pop()?;
        self.signal(index, Signal::Start);
        Some(index)
    }

    /// Reports that all answers of a running item have come, and its documents are on their way to the disk.
    pub fn write(&mut self, index: usize) {
        if self.states[index] == ItemState::Running && !self.being_written[index] {
            self.set_being_written(index, true);
        }
    }

    /// Whether the disk alone holds up the run: something could start if what is being written were there.
    pub fn waits_for_disk(&self) -> bool {
        let at = |stages: &[usize]| stages.get(self.current).copied().unwrap_or_default();
        at(&self.held_up) > 0 || (at(&self.open) > 0 && at(&self.open) == at(&self.open_being_written))
    }

    /// Reports that a running item's documents are on disk.
    pub fn accept(&mut self, index: usize) {
        if !self.signal(index, Signal::Accept) {
            return;
        }
        for position in 0..self.dependents[index].len() {
            let dependent = self.dependents[index][position];
            self.with_held_up(dependent, |schedule| schedule.waiting_for[dependent] -= 1);
            if self.waiting_for[dependent] == 0 && self.states[dependent] == ItemState::Pending {
                self.make_ready(dependent);
            }
        }
    }

    /// Reports that a running item failed for good. Returns every item that is blocked by it now, directly or not.
    pub fn give_up(&mut self, index: usize) -> Vec<usize> {
        let mut blocked = Vec::new();
        if !self.signal(index, Signal::GiveUp) {
            return blocked;
        }
        let mut reached = vec![index];
        while let Some(item) = reached.pop() {
            for position in 0..self.dependents[item].len() {
                let dependent = self.dependents[item][position];
                if self.signal(dependent, Signal::UpstreamFailed) {
                    blocked.push(dependent);
                    reached.push(dependent);
                }
            }
        }
        blocked.sort_unstable();
        blocked
    }

    /// The state of an item.
    pub fn state(&self, index: usize) -> ItemState {
        self.states[index]
    }

    /// Items that have not ended.
    pub fn left(&self) -> usize {
        self.left
    }

    fn make_ready(&mut self, index: usize) {
        self.ready[self.stage_of[index]].push((self.rank[index], Reverse(index)));
    }

    /// Whether an item needs nothing but what is being written.
    fn is_held_up(&self, index: usize) -> bool {
        let needs = self.needs_being_written[index];
        self.states[index] == ItemState::Pending && needs > 0 && needs == self.waiting_for[index]
    }

    /// Changes an item, and keeps the number of those held up.
    fn with_held_up(&mut self, index: usize, change: impl FnOnce(&mut Self)) {
        let before = self.is_held_up(index);
        change(self);
        let after = self.is_held_up(index);
        if before != after {
            count(&mut self.held_up[self.stage_of[index]], after);
        }
    }

    fn set_being_written(&mut self, index: usize, written: bool) {
        self.being_written[index] = written;
        count(&mut self.open_being_written[self.stage_of[index]], written);
        for position in 0..self.dependents[index].len() {
            let dependent = self.dependents[index][position];
            self.with_held_up(dependent, |schedule| count(&mut schedule.needs_being_written[dependent], written));
        }
    }

    /// Applies a signal; `false` where the item's state does not allow it.
    fn signal(&mut self, index: usize, signal: Signal) -> bool {
        let Some(next) = self.states[index].next(signal) else {
            return false;
        };
        if self.being_written[index] {
            self.set_being_written(index, false);
        }
        self.with_held_up(index, |schedule| schedule.states[index] = next);
        if next.has_ended() {
            self.left -= 1;
            self.open[self.stage_of[index]] -= 1;
        }
        true
    }
}

fn count(number: &mut usize, more: bool) {
    if more {
        *number += 1;
    } else {
        *number -= 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Random DAGs: every item needs some earlier ones, and its level is one more than the highest of theirs.
    fn dags() -> impl Strategy<Value = Vec<Node>> {
        prop::collection::vec((prop::collection::vec(any::<prop::sample::Index>(), 0..4), 0_u64..9), 1..60).prop_map(
            |raw| {
                let mut nodes: Vec<Node> = Vec::new();
                for (index, (picks, rank)) in raw.into_iter().enumerate() {
                    let mut needs: Vec<usize> =
                        if index == 0 { Vec::new() } else { picks.iter().map(|pick| pick.index(index)).collect() };
                    needs.sort_unstable();
                    needs.dedup();
                    let level = needs.iter().map(|need| nodes[*need].level + 1).max().unwrap_or(1);
                    nodes.push(Node { needs, level, rank });
                }
                nodes
            },
        )
    }

    /// What a failure must block: everything that needs it, directly or not. Written without the schedule.
    fn descendants_of_failures(nodes: &[Node], failed: &[bool]) -> Vec<bool> {
        let mut blocked = vec![false; nodes.len()];
        for (index, node) in nodes.iter().enumerate() {
            blocked[index] = node.needs.iter().any(|need| blocked[*need] || failed[*need]);
        }
        blocked
    }

    proptest! {
        #[test]
        fn every_item_ends_once_in_a_legal_order(
            nodes in dags(),
            fails in prop::collection::vec(prop::bool::weighted(0.15), 60),
            endings in prop::collection::vec(any::<prop::sample::Index>(), 60),
            cap in 1_usize..7,
            ready in any::<bool>(),
        ) {
            let order = if ready { Order::Ready } else { Order::Level };
            let mut schedule = Schedule::new(&nodes, order);
            let mut running: Vec<usize> = Vec::new();
            let mut started = vec![false; nodes.len()];
            let mut ended = vec![false; nodes.len()];
            let mut blocked = vec![false; nodes.len()];
            let mut step = 0;
            loop {
                while running.len() < cap {
                    let Some(index) = schedule.start_next() else { break };
                    prop_assert!(!started[index], "{index} started twice");
                    started[index] = true;
                    for need in &nodes[index].needs {
                        prop_assert!(ended[*need] && !fails[*need], "{index} started before {need} was done");
                    }
                    if order == Order::Level {
                        for (other, node) in nodes.iter().enumerate() {
                            prop_assert!(
                                node.level >= nodes[index].level || ended[other] || blocked[other],
                                "level {} began before {other} of level {} had ended", nodes[index].level, node.level
                            );
                        }
                    }
                    running.push(index);
                }
                prop_assert!(running.len() <= cap);
                if running.is_empty() {
                    break;
                }
                let index = running.swap_remove(endings[step % endings.len()].index(running.len()));
                step += 1;
                ended[index] = true;
                if fails[index] {
                    for other in schedule.give_up(index) {
                        prop_assert!(!blocked[other] && !started[other]);
                        blocked[other] = true;
                    }
                } else {
                    schedule.accept(index);
                }
            }
            prop_assert_eq!(schedule.left(), 0);
            prop_assert!(!schedule.waits_for_disk(), "nothing is left to wait for");
            let expected = descendants_of_failures(&nodes, &fails[..nodes.len()]);
            for index in 0..nodes.len() {
                prop_assert_eq!(blocked[index], expected[index], "item {}", index);
                prop_assert_eq!(started[index], !expected[index], "item {}", index);
                let state = if expected[index] { ItemState::Blocked } else if fails[index] { ItemState::Failed } else { ItemState::Done };
                prop_assert_eq!(schedule.state(index), state);
            }
        }
    }

    /// Whether something could start if everything that is being written were on disk, found by trying it out.
    fn could_start_if_written(schedule: &Schedule, writing: &[usize]) -> bool {
        let mut trial = schedule.clone();
        if trial.start_next().is_some() {
            // Something may start all the same.
            return false;
        }
        writing.iter().for_each(|index| trial.accept(*index));
        trial.start_next().is_some() || trial.left() == 0
    }

    proptest! {
        #[test]
        fn it_waits_for_the_disk_exactly_when_writing_would_let_something_start(
            nodes in dags(),
            steps in prop::collection::vec((any::<prop::sample::Index>(), 0..10_u8), 300),
            cap in 1_usize..7,
            ready in any::<bool>(),
        ) {
            let mut schedule = Schedule::new(&nodes, if ready { Order::Ready } else { Order::Level });
            let (mut calling, mut writing): (Vec<usize>, Vec<usize>) = (Vec::new(), Vec::new());
            for (pick, what) in steps {
                while calling.len() < cap && let Some(index) = schedule.start_next() {
                    calling.push(index);
                }
                if calling.len() < cap && schedule.left() > 0 {
                    prop_assert_eq!(schedule.waits_for_disk(), could_start_if_written(&schedule, &writing));
                }
                match what {
                    0..5 if !calling.is_empty() => {
                        let index = calling.swap_remove(pick.index(calling.len()));
                        writing.push(index);
                        schedule.write(index);
                        schedule.write(index);
                    }
                    5..8 if !writing.is_empty() => schedule.accept(writing.swap_remove(pick.index(writing.len()))),
                    // Its document could not be written, or an answer was rejected.
                    8 if !writing.is_empty() => {
                        schedule.give_up(writing.swap_remove(pick.index(writing.len())));
                    }
                    9 if !calling.is_empty() => {
                        let index = calling.swap_remove(pick.index(calling.len()));
                        schedule.give_up(index);
                        schedule.write(index);
                    }
                    _ => {}
                }
            }
        }
    }

    #[test]
    fn longest_remaining_path_goes_first_then_the_earlier_item() {
        let node = |level, rank| Node { needs: vec![], level, rank };
        let nodes = [node(1, 1), node(1, 5), node(2, 9), node(1, 5)];
        let drain = |order| {
            let mut schedule = Schedule::new(&nodes, order);
            let mut started = Vec::new();
            while let Some(index) = schedule.start_next() {
                started.push(index);
                schedule.accept(index);
            }
            started
        };
        assert_eq!(drain(Order::Ready), [2, 1, 3, 0]);
        assert_eq!(drain(Order::Level), [1, 3, 0, 2]);
    }

    #[test]
    fn a_signal_that_cannot_happen_changes_nothing() {
        let mut schedule = Schedule::new(&[Node { needs: vec![], level: 1, rank: 0 }], Order::Level);
        schedule.accept(0);
        assert_eq!(schedule.give_up(0), Vec::<usize>::new());
        assert_eq!((schedule.state(0), schedule.left()), (ItemState::Pending, 1));
        assert_eq!(schedule.start_next(), Some(0));
        schedule.accept(0);
        schedule.accept(0);
        assert_eq!((schedule.state(0), schedule.left()), (ItemState::Done, 0));
    }
}
