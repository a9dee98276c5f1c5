//! Who works on what, what several share, and what waits for what: the part of a prompt that parallel.json knows. Pure.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::collections::BTreeMap;

use crate::{
    parallel::{Apart, Graph, ParallelFile},
    plan::AchievementId,
    prompts::{LevelCoordination, SharedDependency, SharedThing, SyncPoint},
};

/// Lines of one kind that a prompt has at most, and ids that a line has at most: nobody reads more.
const MOST: usize = 20;

/// What parallel.json says of how achievements are worked on, by index of the graph.
#[derive(Clone, Debug, Default)]
pub struct Coordination {
    executors: Vec<Option<String>>,
    optional: Vec<Vec<AchievementId>>,
    apart: Apart,
}

impl Coordination {
    /// Takes what the file says.
    pub fn new(file: &ParallelFile) -> Self {
        let executors = file.entries().iter().map(|entry| entry.executor.clone()).collect();
        Self { executors, optional: file.optional_dependencies(), apart: file.apart() }
    }

    /// Who is to work on an achievement.
    pub fn executor(&self, node: usize) -> Option<&str> {
        self.executors.get(node)?.as_deref()
    }

    /// What would help an achievement, without being waited for.
    pub fn optional(&self, node: usize) -> &[AchievementId] {
        self.optional.get(node).map(Vec::as_slice).unwrap_or_default()
    }

    /// What an achievement of a level shares with others of it.
    pub fn shares(&self, node: usize, level: &[usize], graph: &Graph) -> Vec<SharedThing> {
        let mut shared = self.shared(level, graph);
        let own = graph.id(node);
        shared.retain_mut(|thing| {
            let is_one = thing.by.contains(&own);
            thing.by.retain(|id| *id != own);
            thing.by.truncate(MOST);
            is_one
        });
        shared.truncate(MOST);
        shared
    }

    /// What a level's achievements have in common, and what waits for them.
    pub fn of_level(&self, level: &[usize], graph: &Graph) -> LevelCoordination {
        let mut needed: BTreeMap<AchievementId, Vec<AchievementId>> = BTreeMap::new();
        let mut waiting: BTreeMap<AchievementId, Vec<AchievementId>> = BTreeMap::new();
        for node in level {
            for dependency in graph.dependencies(*node) {
                needed.entry(graph.id(*dependency)).or_default().push(graph.id(*node));
            }
            for dependent in graph.dependents(*node) {
                waiting.entry(graph.id(*dependent)).or_default().push(graph.id(*node));
            }
        }
        let several = needed.into_iter().filter(|(_, by)| by.len() > 1);
        let needed = several.map(|(id, by)| SharedDependency { id, by: first(by) }).take(MOST).collect();
        let mut sync: BTreeMap<Vec<AchievementId>, Vec<AchievementId>> = BTreeMap::new();
        for (id, after) in waiting {
            sync.entry(after).or_default().push(id);
        }
        let sync = sync.into_iter().map(|(after, start)| SyncPoint { after: first(after), may_start: first(start) });
        let mut shared = self.shared(level, graph);
        shared.truncate(MOST);
        shared.iter_mut().for_each(|thing| thing.by.truncate(MOST));
        LevelCoordination { needed, shared, sync: sync.take(MOST).collect() }
    }

    fn shared(&self, level: &[usize], graph: &Graph) -> Vec<SharedThing> {
        let things = self.apart.shared_by(level).into_iter();
        things
            .map(|(name, by)| SharedThing {
                name: name.to_owned(),
                by: by.into_iter().map(|node| graph.id(node)).collect(),
            })
            .collect()
    }
}

fn first(mut ids: Vec<AchievementId>) -> Vec<AchievementId> {
    ids.sort_unstable();
    ids.truncate(MOST);
    ids
}
