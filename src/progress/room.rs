//! What can be begun beside what is in progress: levels bound how many, and nobody shares what others need for themselves.

use crate::parallel::{Apart, Conflict, Graph, Held, ParallelFile};

use super::{Place, Ranked, Standings};

/// What is free.
#[derive(Clone, Debug)]
pub struct Room<'a> {
    /// By graph index: the place of its level among `free`, where it has one.
    level_of: Vec<Option<usize>>,
    /// By level: how many more can be worked on at the same time.
    free: Vec<usize>,
    held: Held<'a>,
}

/// Why an achievement that is ready cannot be begun now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle<'a> {
    /// Its level allows no more at the same time.
    Full,
    /// Another one, which is worked on, needs the same.
    Apart(Conflict<'a>),
}

impl<'a> Room<'a> {
    /// What those in progress leave free. `apart` is that of the file.
    pub fn beside(file: &ParallelFile, graph: &Graph, standings: &Standings, apart: &'a Apart) -> Self {
        let levels = file.levels();
        let place = |node: usize| levels.binary_search_by_key(&graph.level(node), |level| level.number).ok();
        let mut room = Self {
            level_of: (0..graph.len()).map(place).collect(),
            free: levels.iter().map(crate::parallel::LevelInfo::capacity).collect(),
            held: Held::new(apart),
        };
        (0..graph.len()).filter(|node| standings.place(*node) == Place::InProgress).for_each(|node| room.take(node));
        room
    }

    /// What keeps an achievement from being begun; nothing where it is the one that has what it needs.
    pub fn obstacle(&self, node: usize) -> Option<Obstacle<'a>> {
        let level = self.level_of.get(node).copied().flatten();
        let full = level.and_then(|level| self.free.get(level)).is_none_or(|free| *free == 0);
        // Whom to wait for is better to know than how many.
        self.conflict(node).map(Obstacle::Apart).or(full.then_some(Obstacle::Full))
    }

    /// What another achievement has that this one needs.
    pub fn conflict(&self, node: usize) -> Option<Conflict<'a>> {
        self.held.conflict(node)
    }

    /// Begins an achievement.
    pub fn take(&mut self, node: usize) {
        let level = self.level_of.get(node).copied().flatten();
        if let Some(free) = level.and_then(|level| self.free.get_mut(level)) {
            *free = free.saturating_sub(1);
        }
        self.held.take(node);
    }

    /// Those of the ranked achievements that can be worked on at the same time now, the highest ranked first; and what keeps
    /// each of the others from it.
    pub fn runnable_now(mut self, ranked: &[Ranked]) -> (Vec<usize>, Vec<(usize, Obstacle<'a>)>) {
        let (mut runnable, mut others) = (Vec::new(), Vec::new());
        for &Ranked { node, .. } in ranked {
            match self.obstacle(node) {
                Some(obstacle) => others.push((node, obstacle)),
                None => {
                    self.take(node);
                    runnable.push(node);
                }
            }
        }
        (runnable, others)
    }
}
