//! How a computed structure differs from the parallel.json that is there.

use std::collections::{BTreeSet, HashMap};

use serde::Serialize;

use crate::{
    parallel::{ParallelFile, Structure},
    plan::AchievementId,
};

/// Everything that changes about edges and levels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Achievements that the file does not know yet, with their level.
    pub new: Vec<LevelChange>,
    /// Dependencies that come.
    pub added: Vec<EdgeChange>,
    /// Dependencies that go.
    pub removed: Vec<EdgeChange>,
    /// Achievements that move to another level.
    pub moved: Vec<LevelChange>,
    /// Achievements that stay as they are: complete, or not in the PLAN.
    pub kept: usize,
}

/// One dependency that comes or goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EdgeChange {
    /// Who needs.
    pub id: AchievementId,
    /// What is needed.
    pub needs: AchievementId,
    /// In which way, and why; only of what comes.
    pub kind: Option<&'static str>,
    /// Why; only of what comes.
    pub reason: Option<String>,
}

/// The level of one achievement, before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LevelChange {
    /// Which.
    pub id: AchievementId,
    /// `None` where it is new.
    pub from: Option<u32>,
    /// From 1.
    pub to: u32,
}

impl Difference {
    /// Whether neither an edge nor a level changes.
    pub fn is_empty(&self) -> bool {
        self.new.is_empty() && self.added.is_empty() && self.removed.is_empty() && self.moved.is_empty()
    }
}

/// Compares; in the order of the achievements.
pub fn difference(old: &ParallelFile, new: &Structure) -> Difference {
    let drafts = new.drafts();
    let mut levels: HashMap<AchievementId, u32> = HashMap::with_capacity(drafts.len());
    for level in new.levels() {
        levels.extend(level.members.iter().map(|&node| (drafts[node].id, level.number)));
    }
    let mut difference = Difference::default();
    for draft in drafts {
        let id = draft.id;
        let to = levels.get(&id).copied().unwrap_or(1);
        let entry = old.get(id);
        difference.kept += usize::from(draft.frozen);
        let before: BTreeSet<AchievementId> =
            entry.map(|entry| entry.dependencies.iter().copied().collect()).unwrap_or_default();
        for dependency in draft.dependencies.iter().filter(|dependency| !before.contains(&dependency.needs)) {
            difference.added.push(EdgeChange {
                id,
                needs: dependency.needs,
                kind: Some(dependency.kind.as_str()),
                reason: Some(dependency.reason.clone()),
            });
        }
        let after: BTreeSet<AchievementId> = draft.dependencies.iter().map(|dependency| dependency.needs).collect();
        let gone = before.difference(&after);
        difference.removed.extend(gone.map(|&needs| EdgeChange { id, needs, kind: None, reason: None }));
        match entry.map(|entry| entry.level) {
            None => difference.new.push(LevelChange { id, from: None, to }),
            Some(from) if from != to => difference.moved.push(LevelChange { id, from: Some(from), to }),
            Some(_) => {}
        }
    }
    difference
}
