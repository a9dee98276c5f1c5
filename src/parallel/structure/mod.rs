//! What follows from dependencies, and is therefore computed and never asked for: levels, who can work at the same time,
//! times, the critical path, bottlenecks, and what parallel.json says of all that.
//!
//! The same computation serves dependencies that a PLAN declares, that a model found and that a person wrote.

mod parallelism;
mod words;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
};

use serde::{Deserialize, Serialize};

use super::{
    Status,
    apart::Apart,
    graph::Adjacency,
    schedule::{Bottleneck, Bounds, Times, Workload, bottlenecks},
};
use crate::plan::{AchievementId, Hours};

pub use parallelism::Clash;

pub(super) use words::{
    FileFields, Parts, description, fields, hours, is_description, is_reason, is_rule, is_summary, parts,
};

/// Why an achievement needs another. The order is that of strength: of a cycle, the weakest is given up first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Both need the same thing or person, one after the other.
    Resource,
    /// It builds on what is learned there.
    Knowledge,
    /// It needs what the other produces.
    Technical,
}

impl Kind {
    /// The word that parallel.json uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Resource => "resource",
            Self::Knowledge => "knowledge",
            Self::Technical => "technical",
        }
    }
}

/// Where a dependency comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The PLAN names it.
    Declared,
    /// A model found it.
    Model,
    /// A person wrote it into parallel.json; it is never taken out.
    Manual,
}

impl Origin {
    /// Every origin.
    pub const ALL: [Self; 3] = [Self::Declared, Self::Model, Self::Manual];

    /// The word that parallel.json uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Declared => "declared",
            Self::Model => "model",
            Self::Manual => "manual",
        }
    }
}

/// One dependency, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// What is needed.
    pub needs: AchievementId,
    /// In which way.
    pub kind: Kind,
    /// One sentence, or a passage of the PLAN.
    pub reason: String,
    /// Who says so.
    pub source: Origin,
}

/// What would help an achievement without being waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Optional {
    /// What.
    pub id: AchievementId,
    /// Why, and who says so; `None` where nobody has said.
    pub note: Option<(String, Origin)>,
}

/// What an achievement changes or takes for itself while it is worked on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Touches {
    /// Files it creates or changes.
    pub files: Vec<String>,
    /// What else only one can use at a time.
    pub resources: Vec<String>,
}

/// Two achievements that look independent and are not: both touch `over`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// One of them.
    pub first: AchievementId,
    /// The other.
    pub second: AchievementId,
    /// What both touch.
    pub over: String,
}

/// What is known of one achievement before anything is computed.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// Its id.
    pub id: AchievementId,
    /// Its title.
    pub title: String,
    /// Its estimate.
    pub hours: Option<Hours>,
    /// What it delivers.
    pub deliverables: Vec<String>,
    /// Where it stands; written where parallel.json does not know the achievement yet.
    pub status: Status,
    /// What it needs.
    pub dependencies: Vec<Dependency>,
    /// What would help it.
    pub optional: Vec<Optional>,
    /// Whether the plan fails without it, where somebody has said.
    pub critical: Option<bool>,
    /// What it touches, where somebody has said.
    pub touches: Option<Touches>,
    /// It is not planned anew: nothing but `blocks` is written.
    pub frozen: bool,
    /// The lowest level it may stand in; what is complete does not move forward.
    pub lowest_level: u32,
}

/// Achievements in levels, with everything that follows from that.
#[derive(Clone, Debug, Default)]
pub struct Structure {
    drafts: Vec<Draft>,
    dependencies: Adjacency,
    dependents: Adjacency,
    /// What is left to do; everything that is planned is planned for that alone.
    open: Vec<bool>,
    levels: Vec<Level>,
    times: Option<Times>,
    critical_path: Vec<usize>,
    bottlenecks: Vec<Bottleneck>,
}

/// One computed level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Level {
    /// From 1, without gaps.
    pub number: u32,
    /// Indices of its achievements, in their own order.
    pub members: Vec<usize>,
    /// What is left to do of it, in the order in which it is best begun.
    pub order: Vec<usize>,
    /// Of what is left to do, sets of achievements that do not clash with each other, the largest first; one where nothing
    /// clashes.
    pub groups: Vec<Vec<usize>>,
    /// Those of its achievements that must not be worked on at the same time as each other, or as one of a lower level.
    pub clashes: Vec<Clash>,
}

impl Level {
    /// How many can be worked on at the same time, at least 1; where nothing is left to do, how many there are.
    pub fn max_parallelism(&self) -> usize {
        self.groups.iter().map(Vec::len).max().unwrap_or(self.members.len()).max(1)
    }

    /// Whether more than one can be worked on at a time.
    pub fn can_parallelize(&self) -> bool {
        self.max_parallelism() > 1
    }
}

impl Structure {
    /// Computes everything. Dependencies on the achievement itself, on ids that are not among the drafts, and repeated
    /// ones are left out. Almost linear in achievements and dependencies.
    ///
    /// The drafts are taken in the order of their ids, so that what follows from them is the same in whichever order they
    /// come; only the members of a level keep the order in which they came.
    ///
    /// # Errors
    ///
    /// One cycle per set of achievements that depend on each other: each depends on the next, the last on the first.
    pub fn compute(mut drafts: Vec<Draft>, pairs: &[Pair]) -> Result<Self, Vec<Vec<AchievementId>>> {
        let came: HashMap<AchievementId, usize> = drafts.iter().enumerate().map(|(at, draft)| (draft.id, at)).collect();
        drafts.sort_by_key(|draft| draft.id);
        let index: HashMap<AchievementId, usize> =
            drafts.iter().enumerate().map(|(at, draft)| (draft.id, at)).collect();
        for (at, draft) in drafts.iter_mut().enumerate() {
            let mut seen = HashSet::new();
            draft.dependencies.retain(|dependency| {
                index.get(&dependency.needs).is_some_and(|&needs| needs != at) && seen.insert(dependency.needs)
            });
            draft
                .optional
                .retain(|Optional { id, .. }| index.get(id).is_some_and(|&other| other != at) && seen.insert(*id));
        }
        let lists = drafts.iter().map(|draft| draft.dependencies.iter().map(|dependency| index[&dependency.needs]));
        let dependencies = Adjacency::new(drafts.len(), lists);
        let Some(order) = dependencies.order() else {
            let named = |cycle: Vec<usize>| cycle.into_iter().map(|node| drafts[node].id).collect();
            return Err(dependencies.cycles().into_iter().map(named).collect());
        };
        let dependents = dependencies.inverse();
        let level_of = level_numbers(&drafts, &dependencies, &order);
        let open: Vec<bool> = drafts.iter().map(|draft| !draft.status.is_done()).collect();
        let estimates: Vec<Option<Hours>> = drafts.iter().map(|draft| draft.hours).collect();
        let plan = Workload::new(&estimates, &open, &dependencies, &dependents, &order);
        let mut levels = group_by_level(&level_of);
        let pairs: Vec<(usize, usize, &str)> = pairs
            .iter()
            .filter_map(|pair| Some((*index.get(&pair.first)?, *index.get(&pair.second)?, pair.over.as_str())))
            // One after the other in any case.
            .filter(|&(a, b, _)| !dependencies.of(a).contains(&b) && !dependencies.of(b).contains(&a))
            .collect();
        let apart = Apart::new(drafts.iter().map(|draft| draft.touches.as_ref()), &pairs);
        parallelism::group(&mut levels, &level_of, &drafts, &open, &apart, plan.urgency());
        let limits: Vec<usize> = levels.iter().map(Level::max_parallelism).collect();
        let bounds = Bounds { level_of: &level_of, limits: &limits, apart: &apart, running: &[] };
        let (times, starts) = plan.schedule(&bounds);
        for level in &mut levels {
            level.members.sort_by_key(|&node| came.get(&drafts[node].id));
            level.order = level.members.iter().copied().filter(|&node| open[node]).collect();
            level.order.sort_by_key(|&node| (starts[node], Reverse(plan.urgency()[node]), drafts[node].id));
        }
        let critical_path = plan.critical_path();
        let bottlenecks = bottlenecks(&dependencies, &dependents, &order, &open);
        Ok(Self { drafts, dependencies, dependents, open, levels, times, critical_path, bottlenecks })
    }

    /// The achievements, by id.
    pub fn drafts(&self) -> &[Draft] {
        &self.drafts
    }

    /// The levels, from 1.
    pub fn levels(&self) -> &[Level] {
        &self.levels
    }

    /// How long what is left to do takes; `None` where nothing of it has an estimate.
    pub fn times(&self) -> Option<Times> {
        self.times
    }

    /// The chain of achievements that takes longest, first to last.
    pub fn critical_path(&self) -> impl Iterator<Item = AchievementId> + '_ {
        self.critical_path.iter().map(|&node| self.drafts[node].id)
    }

    /// The achievements that most others wait for, most first.
    pub fn bottlenecks(&self) -> impl Iterator<Item = (AchievementId, Bottleneck)> + '_ {
        self.bottlenecks.iter().map(|bottleneck| (self.drafts[bottleneck.node].id, *bottleneck))
    }

    /// The most achievements that can be worked on at the same time in any level.
    pub fn widest(&self) -> usize {
        self.levels.iter().map(Level::max_parallelism).max().unwrap_or(0)
    }

    /// The achievements that are left to do.
    pub fn open(&self) -> impl Iterator<Item = &Draft> {
        self.drafts.iter().zip(&self.open).filter(|(_, open)| **open).map(|(draft, _)| draft)
    }

    fn ids(&self, nodes: &[usize]) -> Vec<AchievementId> {
        nodes.iter().map(|&node| self.drafts[node].id).collect()
    }
}

/// The level of each draft: one more than the highest of its dependencies, but not below its lowest; then numbered
/// without gaps.
fn level_numbers(drafts: &[Draft], dependencies: &Adjacency, order: &[usize]) -> Vec<usize> {
    let mut levels = vec![0_u32; drafts.len()];
    for &node in order {
        let highest = dependencies.of(node).iter().map(|&other| levels[other]).max().unwrap_or(0);
        levels[node] = highest.saturating_add(1).max(drafts[node].lowest_level);
    }
    let used: BTreeSet<u32> = levels.iter().copied().collect();
    let place: BTreeMap<u32, usize> = used.into_iter().enumerate().map(|(at, level)| (level, at)).collect();
    levels.into_iter().map(|level| place[&level]).collect()
}

fn group_by_level(level_of: &[usize]) -> Vec<Level> {
    let count = level_of.iter().max().map_or(0, |highest| highest + 1);
    let mut levels: Vec<Level> = (1..)
        .take(count)
        .map(|number| Level { number, members: vec![], order: vec![], groups: vec![], clashes: vec![] })
        .collect();
    for (node, &level) in level_of.iter().enumerate() {
        levels[level].members.push(node);
    }
    levels
}
