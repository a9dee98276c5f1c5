//! List scheduling: whoever becomes free takes the most urgent achievement that may be begun. The one place where parallel
//! time comes from, for what is written, checked and shown.

use std::{cmp::Reverse, collections::BinaryHeap};

use super::{
    apart::{Apart, Held},
    graph::Adjacency,
};

/// What is to be done, and what bounds it. Everything is by node but `room`.
pub(super) struct Work<'a> {
    pub(super) dependencies: &'a Adjacency,
    pub(super) dependents: &'a Adjacency,
    /// What is left to do; the rest is done.
    pub(super) open: &'a [bool],
    /// The place of its level.
    pub(super) level_of: &'a [usize],
    /// By level: how many can be worked on at the same time, at least 1.
    pub(super) room: &'a [usize],
    pub(super) apart: &'a Apart,
    /// The largest begins first.
    pub(super) urgency: &'a [u64],
    /// Begun already, whatever they wait for.
    pub(super) running: &'a [usize],
}

/// Who begins when.
pub(super) struct Timetable {
    /// When everything is done.
    pub(super) end: u64,
    /// When each node begins; 0 for what is done.
    pub(super) starts: Vec<u64>,
}

/// By urgency, then by index.
type Queue = BinaryHeap<(u64, Reverse<usize>)>;

impl Work<'_> {
    /// Begins each node as soon as its dependencies are done, its level has room, and nobody has what it needs.
    ///
    /// Almost linear, unless many nodes wait for several things that others take in turns.
    pub(super) fn list_schedule(&self, durations: &[u64]) -> Timetable {
        let nodes = durations.len();
        let is_left = |node: &&usize| self.open.get(**node) == Some(&true);
        let missing = (0..nodes).map(|node| self.dependencies.of(node).iter().filter(is_left).count()).collect();
        let mut clock = Clock {
            work: self,
            durations,
            missing,
            begun: self.open.iter().map(|open| !open).collect(),
            room: self
                .room
                .iter()
                .map(|&room| i64::try_from(room.clamp(1, nodes.max(1))).unwrap_or(i64::MAX))
                .collect(),
            ready: vec![Queue::new(); self.room.len()],
            waiting: vec![Queue::new(); self.apart.len()],
            held: Held::new(self.apart),
            running: BinaryHeap::new(),
            changed: Vec::new(),
            now: 0,
            starts: vec![0; nodes],
        };
        clock.run();
        Timetable { end: clock.now, starts: clock.starts }
    }
}

struct Clock<'a> {
    work: &'a Work<'a>,
    durations: &'a [u64],
    /// By node: dependencies that are not done.
    missing: Vec<usize>,
    /// By node: nothing is to be begun any more.
    begun: Vec<bool>,
    /// By level; below 0 where more have begun than there should be.
    room: Vec<i64>,
    /// By level: what could begin, as far as dependencies go.
    ready: Vec<Queue>,
    /// By thing: what could begin if nobody had the thing. Where it is free, one of those that wait is among the ready.
    waiting: Vec<Queue>,
    held: Held<'a>,
    running: BinaryHeap<Reverse<(u64, usize)>>,
    /// Levels in which something may begin now.
    changed: Vec<usize>,
    now: u64,
    starts: Vec<u64>,
}

impl Clock<'_> {
    fn run(&mut self) {
        for &node in self.work.running {
            if !self.begun[node] {
                self.begin(node);
            }
        }
        for node in 0..self.missing.len() {
            if self.missing[node] == 0 {
                self.make_ready(node);
            }
        }
        loop {
            while let Some(level) = self.changed.pop() {
                self.fill(level);
            }
            let Some(Reverse((end, _))) = self.running.peek() else { return };
            self.now = *end;
            while let Some(&Reverse((end, node))) = self.running.peek() {
                if end > self.now {
                    break;
                }
                self.running.pop();
                self.end(node);
            }
        }
    }

    fn make_ready(&mut self, node: usize) {
        if !self.begun[node] {
            let level = self.work.level_of[node];
            self.ready[level].push((self.work.urgency[node], Reverse(node)));
            self.changed.push(level);
        }
    }

    /// Begins what can begin in a level.
    fn fill(&mut self, level: usize) {
        while self.room[level] > 0
            && let Some((urgency, Reverse(node))) = self.ready[level].pop()
        {
            let Some(thing) = self.held.taken(node) else {
                self.begin(node);
                continue;
            };
            self.waiting[thing].push((urgency, Reverse(node)));
            // Others may have waited for this one to take what is free.
            for &other in self.work.apart.things(node) {
                self.wake(other);
            }
        }
    }

    fn begin(&mut self, node: usize) {
        self.begun[node] = true;
        self.room[self.work.level_of[node]] -= 1;
        self.held.take(node);
        self.starts[node] = self.now;
        self.running.push(Reverse((self.now + self.durations[node], node)));
    }

    fn end(&mut self, node: usize) {
        let level = self.work.level_of[node];
        self.room[level] += 1;
        self.changed.push(level);
        self.held.release(node);
        for &thing in self.work.apart.things(node) {
            self.wake(thing);
        }
        for &next in self.work.dependents.of(node) {
            self.missing[next] -= 1;
            if self.missing[next] == 0 {
                self.make_ready(next);
            }
        }
    }

    /// Lets the most urgent that waits for a free thing try again, and the next where its level has no room.
    fn wake(&mut self, thing: usize) {
        while self.held.is_free(thing)
            && let Some((_, Reverse(node))) = self.waiting[thing].pop()
        {
            self.make_ready(node);
            if self.room[self.work.level_of[node]] > 0 {
                return;
            }
        }
    }
}
