//! The planner: which items a run generates, in which order, and why the others are left out.
//!
//! Pure: it looks at values (the PLAN, the graph, what a scan found) and gives a [`RunPlan`]. The dry run prints that
//! plan and the executor performs it; there is no second path. It must not call models, read files, or look at a clock.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::collections::{BTreeSet, HashMap};

use super::ItemId;
use crate::{
    document::{Digest, ExecutionPart, Names, Stage},
    parallel::{Entry, Graph, ParallelFile, Status},
    plan::{Achievement, AchievementId, Hours, Plan},
    progress::{Ground, Standings},
    store::Scan,
};

/// Which achievements a run is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// All of them.
    All,
    /// Those of these levels.
    Levels(Vec<u32>),
    /// These.
    Ids(Vec<AchievementId>),
}

/// What a run is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Which achievements.
    pub selection: Selection,
    /// Which documents of them, in order.
    pub stages: Vec<Stage>,
    /// Generate documents that exist, too.
    pub force: bool,
    /// Refuse where a dependency outside the run has no SUBPLAN.
    pub strict: bool,
}

/// Everything the planner looks at.
#[derive(Clone, Copy)]
pub struct Situation<'a> {
    /// The PLAN.
    pub plan: &'a Plan,
    /// Its parallel.json, checked.
    pub file: &'a ParallelFile,
    /// The graph of that file.
    pub graph: &'a Graph,
    /// What is on disk.
    pub scan: &'a Scan,
    /// The names of documents.
    pub names: &'a Names,
    /// What the SUBPLANs on disk say, of those achievements that [`subplans_to_read`] names.
    pub digests: &'a HashMap<AchievementId, Digest>,
}

/// What a run will do: exactly this set, in this order of preference.
#[derive(Clone, Debug, PartialEq)]
pub struct RunPlan {
    /// The items to generate, by level, id and stage.
    pub items: Vec<PlannedItem>,
    /// The items left out, by level, id and stage.
    pub skipped: Vec<SkippedItem>,
    /// What the user should know before agreeing.
    pub warnings: Vec<String>,
    /// Status of every achievement of the graph when the run was planned, by graph index.
    pub statuses: Vec<Status>,
}

/// One item to generate.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedItem {
    /// Which.
    pub id: ItemId,
    /// Its achievement's index in the graph.
    pub node: usize,
    /// Its achievement's index in the PLAN.
    pub definition: usize,
    /// Its level.
    pub level: u32,
    /// Indices of the items of this run that must be done before.
    pub needs: Vec<usize>,
    /// Weight of the longest path from it to the end of the run, in expected output tokens.
    pub rank: u64,
    /// The documents to write.
    pub documents: Documents,
    /// Where its SUBPLAN is or will be, relative to the plan directory.
    pub subplan_path: String,
    /// Its EXECUTION_TASKs that are there already, relative to the plan directory.
    pub executions_on_disk: Vec<String>,
    /// Its estimate, from parallel.json or else from the PLAN.
    pub estimated_hours: Option<Hours>,
}

/// The documents of an item.
#[derive(Clone, Debug, PartialEq)]
pub enum Documents {
    /// The SUBPLAN.
    Subplan(Target),
    /// These EXECUTION_TASKs of a SUBPLAN that is on disk.
    Executions(Vec<(ExecutionPart, Target)>),
    /// As many EXECUTION_TASKs as the SUBPLAN will plan that this run generates first.
    ExecutionsToCome,
}

/// Where a document goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Path relative to the plan directory.
    pub path: String,
    /// Whether a document is there that will be replaced, because the user said `--force`.
    pub overwrites: bool,
}

/// One item left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedItem {
    /// Which.
    pub id: ItemId,
    /// Its achievement's title.
    pub title: String,
    /// Its level.
    pub level: u32,
    /// Why.
    pub reason: SkipReason,
}

/// Why an item is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SkipReason {
    /// The document is there.
    Exists(String),
    /// The achievement is complete.
    Complete,
    /// The achievement is left out on purpose.
    Skipped,
    /// This achievement failed, and this run does not try it again.
    BlockedBy(AchievementId),
    /// The SUBPLAN that the EXECUTION_TASK is written from does not exist.
    NoSubplan,
}

impl std::fmt::Display for SkipReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exists(path) => write!(f, "exists: {path}"),
            Self::Complete => f.write_str("complete"),
            Self::Skipped => f.write_str("skipped on purpose"),
            Self::BlockedBy(id) => write!(f, "blocked by {id}, which failed"),
            Self::NoSubplan => f.write_str("has no SUBPLAN yet; generate that stage first"),
        }
    }
}

/// The wish cannot be planned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanningError {
    /// No such level.
    #[error("there is no level {level}; {} has {}", "parallel.json", levels_text(.levels))]
    UnknownLevel {
        /// The level asked for.
        level: u32,
        /// The levels there are.
        levels: Vec<u32>,
    },
    /// No such achievement, neither in parallel.json nor in the PLAN.
    #[error("there is no achievement {id}, neither in parallel.json nor in the PLAN")]
    UnknownAchievement {
        /// The id asked for.
        id: AchievementId,
    },
    /// parallel.json lacks an achievement that the PLAN defines.
    #[error("achievement {id} is not in parallel.json, so it has no level yet")]
    NotInFile {
        /// The id asked for.
        id: AchievementId,
        /// Where the PLAN defines it, 1-based.
        line: usize,
    },
    /// parallel.json names achievements that the PLAN does not define.
    #[error("{}", not_in_plan_text(.0))]
    NotInPlan(Vec<AchievementId>),
    /// `--strict`, and a dependency has no SUBPLAN.
    #[error("{}", .0.join("\n"))]
    Strict(Vec<String>),
}

impl PlanningError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownLevel { .. } => Some(String::from("`--all` takes every level")),
            Self::UnknownAchievement { .. } => Some(String::from("`planwave plan show` lists the ids of the PLAN")),
            Self::NotInFile { .. } => Some(String::from("`planwave analyze` takes it in")),
            Self::NotInPlan(_) => {
                Some(String::from("define them in the PLAN's achievements section, or take them out of parallel.json"))
            }
            Self::Strict(_) => Some(String::from(
                "generate those SUBPLANs first, or leave `--strict` out to use the PLAN's text instead",
            )),
        }
    }
}

fn not_in_plan_text(ids: &[AchievementId]) -> String {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    format!("parallel.json lists {}, which the PLAN does not define", short_list(&ids))
}

fn levels_text(levels: &[u32]) -> String {
    match levels {
        [] => String::from("no levels"),
        [only] => format!("level {only} only"),
        [first, .., last] => format!("levels {first} to {last}"),
    }
}

/// Expected output of one document, in tokens: the median of the model-written documents of the corpus, which the
/// planner uses as weight and the forecast as expectation.
pub(super) fn expected_output(stage: Stage) -> u32 {
    match stage {
        Stage::Subplan => 2_000,
        Stage::Execution => 1_600,
    }
}

/// The achievements whose SUBPLANs on disk the planner and the prompts will ask about: those selected and what they
/// depend on.
pub fn subplans_to_read(wish: &Wish, situation: &Situation<'_>) -> Result<BTreeSet<AchievementId>, PlanningError> {
    let mut wanted = BTreeSet::new();
    for node in selected(wish, situation)? {
        wanted.insert(situation.graph.id(node));
        wanted.extend(situation.graph.dependencies(node).iter().map(|dependency| situation.graph.id(*dependency)));
    }
    wanted.retain(|id| situation.scan.of_achievement(*id).subplan.is_some());
    Ok(wanted)
}

/// Plans a run. Linear in the number of achievements and dependencies, but for sorting.
pub fn plan_run(wish: &Wish, situation: &Situation<'_>) -> Result<RunPlan, PlanningError> {
    let definitions: HashMap<AchievementId, usize> =
        situation.plan.achievements.iter().enumerate().map(|(index, achievement)| (achievement.id, index)).collect();
    let statuses = statuses(situation);
    let selected = selected(wish, situation)?;
    let ids = selected.iter().map(|node| situation.graph.id(*node));
    let undefined: Vec<AchievementId> = ids.filter(|id| !definitions.contains_key(id)).collect();
    if !undefined.is_empty() {
        return Err(PlanningError::NotInPlan(undefined));
    }
    let mut planner = Planner {
        wish,
        situation,
        definitions: &definitions,
        statuses: &statuses,
        blocked_by: blocked_by(wish, situation, &statuses, &selected),
        items: Vec::new(),
        skipped: Vec::new(),
        index: HashMap::new(),
    };
    for node in &selected {
        for stage in &wish.stages {
            planner.consider(*node, *stage);
        }
    }
    planner.connect();
    let mut warnings = planner.missing_subplans();
    if wish.strict && !warnings.is_empty() {
        return Err(PlanningError::Strict(warnings));
    }
    let Planner { items, skipped, .. } = planner;
    let unplanned = situation.plan.achievements.iter().filter(|a| situation.graph.index_of(a.id).is_none());
    let unplanned: Vec<String> = unplanned.map(|a| a.id.to_string()).collect();
    if !unplanned.is_empty() {
        warnings.push(format!("the PLAN defines {}, which parallel.json does not list", short_list(&unplanned)));
    }
    Ok(RunPlan { items, skipped, warnings, statuses })
}

/// The status of every achievement, by graph index.
fn statuses(situation: &Situation<'_>) -> Vec<Status> {
    let planned = situation.digests.iter().map(|(id, digest)| (*id, digest.parts.len())).collect();
    let Situation { file, graph, scan, .. } = *situation;
    Standings::derive(&Ground { file, graph, scan, planned: &planned }).statuses().to_vec()
}

fn selected(wish: &Wish, situation: &Situation<'_>) -> Result<Vec<usize>, PlanningError> {
    let graph = situation.graph;
    let mut nodes: Vec<usize> = match &wish.selection {
        Selection::All => (0..graph.len()).collect(),
        Selection::Levels(levels) => {
            let known: BTreeSet<u32> = (0..graph.len()).map(|node| graph.level(node)).collect();
            if let Some(level) = levels.iter().find(|level| !known.contains(level)) {
                return Err(PlanningError::UnknownLevel { level: *level, levels: known.into_iter().collect() });
            }
            let wanted: BTreeSet<u32> = levels.iter().copied().collect();
            (0..graph.len()).filter(|node| wanted.contains(&graph.level(*node))).collect()
        }
        Selection::Ids(ids) => {
            let unique: BTreeSet<AchievementId> = ids.iter().copied().collect();
            let find = |id| graph.index_of(id).ok_or_else(|| not_found(id, situation));
            unique.into_iter().map(find).collect::<Result<_, _>>()?
        }
    };
    nodes.sort_by_key(|node| (graph.level(*node), graph.id(*node)));
    Ok(nodes)
}

fn not_found(id: AchievementId, situation: &Situation<'_>) -> PlanningError {
    match situation.plan.achievements.iter().find(|achievement| achievement.id == id) {
        Some(achievement) => PlanningError::NotInFile { id, line: achievement.line },
        None => PlanningError::UnknownAchievement { id },
    }
}

/// By graph index: the failed achievement that blocks this one, directly or not.
///
/// A failure of generation that this run takes up again blocks nothing yet; a verdict (FIX) is a person's matter. What is
/// complete or skipped passes no block on, whatever became of what it needed.
fn blocked_by(
    wish: &Wish,
    situation: &Situation<'_>,
    statuses: &[Status],
    selected: &[usize],
) -> Vec<Option<AchievementId>> {
    let graph = situation.graph;
    let entries = situation.file.entries();
    let mut in_run = vec![false; graph.len()];
    for node in selected {
        in_run[*node] = true;
    }
    let mut blocked = vec![None; graph.len()];
    for node in graph.topological().iter().copied() {
        blocked[node] = graph.dependencies(node).iter().copied().find_map(|dependency| {
            let retried = in_run[dependency] && takes_up_again(&entries[dependency], wish, situation);
            match statuses[dependency] {
                Status::Complete | Status::Skipped => None,
                Status::Failed if !retried => Some(graph.id(dependency)),
                Status::Failed
                | Status::NotStarted
                | Status::SubplanCreated
                | Status::ExecutionCreated
                | Status::InProgress => blocked[dependency],
            }
        });
    }
    blocked
}

/// Whether a run of this wish that takes in an achievement whose status is failed generates the document that failed.
fn takes_up_again(entry: &Entry, wish: &Wish, situation: &Situation<'_>) -> bool {
    let files = situation.scan.of_achievement(entry.id);
    let Some(failure) = entry.failure.as_ref().filter(|_| !files.evidence.fix) else { return false };
    let has_source = match failure.stage {
        Stage::Subplan => true,
        Stage::Execution => files.subplan.is_some() || wish.stages.contains(&Stage::Subplan),
    };
    has_source && wish.stages.contains(&failure.stage)
}

struct Planner<'a> {
    wish: &'a Wish,
    situation: &'a Situation<'a>,
    definitions: &'a HashMap<AchievementId, usize>,
    statuses: &'a [Status],
    blocked_by: Vec<Option<AchievementId>>,
    items: Vec<PlannedItem>,
    skipped: Vec<SkippedItem>,
    index: HashMap<ItemId, usize>,
}

impl Planner<'_> {
    fn consider(&mut self, node: usize, stage: Stage) {
        let graph = self.situation.graph;
        let achievement = graph.id(node);
        let id = ItemId { achievement, stage };
        let definition = self.definitions[&achievement];
        let named = self.wish.force && matches!(self.wish.selection, Selection::Ids(_));
        let documents = match self.statuses[node] {
            Status::Complete if !named => Err(SkipReason::Complete),
            Status::Skipped if !named => Err(SkipReason::Skipped),
            Status::NotStarted
            | Status::SubplanCreated
            | Status::ExecutionCreated
            | Status::InProgress
            | Status::Complete
            | Status::Failed
            | Status::Skipped => self.documents(node, stage),
        };
        match documents {
            Ok(documents) => {
                let entry = &self.situation.file.entries()[node];
                let files = self.situation.scan.of_achievement(achievement);
                self.index.insert(id, self.items.len());
                self.items.push(PlannedItem {
                    id,
                    node,
                    definition,
                    level: graph.level(node),
                    needs: Vec::new(),
                    rank: 0,
                    documents,
                    subplan_path: files.subplan.clone().unwrap_or_else(|| self.situation.names.subplan(achievement)),
                    executions_on_disk: files.executions.values().cloned().collect(),
                    estimated_hours: entry.estimated_hours.or(self.definition(definition).estimated_hours),
                });
            }
            Err(reason) => self.skipped.push(SkippedItem {
                id,
                title: self.definition(definition).title.clone(),
                level: graph.level(node),
                reason,
            }),
        }
    }

    fn definition(&self, index: usize) -> &Achievement {
        &self.situation.plan.achievements[index]
    }

    fn documents(&self, node: usize, stage: Stage) -> Result<Documents, SkipReason> {
        let id = self.situation.graph.id(node);
        let files = self.situation.scan.of_achievement(id);
        let names = self.situation.names;
        let documents = match stage {
            Stage::Subplan => match &files.subplan {
                Some(path) if !self.wish.force => return Err(SkipReason::Exists(path.clone())),
                // Another spelling of the name is a document all the same: the new one takes its place, not a second.
                Some(path) => Documents::Subplan(Target { path: path.clone(), overwrites: true }),
                None => Documents::Subplan(Target { path: names.subplan(id), overwrites: false }),
            },
            Stage::Execution => {
                let generated = self.index.contains_key(&ItemId { achievement: id, stage: Stage::Subplan });
                if generated {
                    match files.executions.values().next() {
                        Some(path) if !self.wish.force => return Err(SkipReason::Exists(path.clone())),
                        _ => Documents::ExecutionsToCome,
                    }
                } else if let Some(digest) = self.situation.digests.get(&id) {
                    let missing: Vec<(ExecutionPart, Target)> = digest
                        .parts
                        .iter()
                        .filter(|part| self.wish.force || !files.executions.contains_key(&part.number))
                        .map(|part| {
                            let present = files.executions.get(&part.number).cloned();
                            let overwrites = present.is_some();
                            let path = present.unwrap_or_else(|| names.execution(id, part.number));
                            (part.clone(), Target { path, overwrites })
                        })
                        .collect();
                    if missing.is_empty() {
                        let path = files.executions.values().next().cloned().unwrap_or_default();
                        return Err(SkipReason::Exists(path));
                    }
                    Documents::Executions(missing)
                } else if let Some(path) = files.executions.values().next() {
                    return Err(SkipReason::Exists(path.clone()));
                } else {
                    return Err(self.blocked_by[node].map_or(SkipReason::NoSubplan, SkipReason::BlockedBy));
                }
            }
        };
        match self.blocked_by[node] {
            Some(by) => Err(SkipReason::BlockedBy(by)),
            None => Ok(documents),
        }
    }

    /// Fills in what each item waits for, and how long the path behind it is.
    fn connect(&mut self) {
        let graph = self.situation.graph;
        for index in 0..self.items.len() {
            let ItemId { achievement, stage } = self.items[index].id;
            let mut needs: Vec<usize> = match stage {
                Stage::Subplan => Vec::new(),
                Stage::Execution => {
                    self.index.get(&ItemId { achievement, stage: Stage::Subplan }).copied().into_iter().collect()
                }
            };
            for dependency in graph.dependencies(self.items[index].node) {
                needs.extend(self.index.get(&ItemId { achievement: graph.id(*dependency), stage }));
            }
            needs.sort_unstable();
            needs.dedup();
            self.items[index].needs = needs;
        }
        let mut behind = vec![0_u64; self.items.len()];
        for node in graph.topological().iter().rev() {
            for stage in [Stage::Execution, Stage::Subplan] {
                let Some(index) = self.index.get(&ItemId { achievement: graph.id(*node), stage }).copied() else {
                    continue;
                };
                let rank = behind[index] + u64::from(expected_output(stage));
                self.items[index].rank = rank;
                for need in &self.items[index].needs {
                    behind[*need] = behind[*need].max(rank);
                }
            }
        }
    }

    /// A sentence for each dependency outside the run that has no SUBPLAN to agree with.
    fn missing_subplans(&self) -> Vec<String> {
        let graph = self.situation.graph;
        let mut missing: std::collections::BTreeMap<AchievementId, Vec<String>> = std::collections::BTreeMap::new();
        for item in self.items.iter().filter(|item| item.id.stage == Stage::Subplan) {
            for dependency in graph.dependencies(item.node) {
                let id = graph.id(*dependency);
                let in_run = self.index.contains_key(&ItemId { achievement: id, stage: Stage::Subplan });
                if !in_run && self.situation.scan.of_achievement(id).subplan.is_none() {
                    missing.entry(id).or_default().push(item.id.achievement.to_string());
                }
            }
        }
        let sentence = |(id, needed_by): (AchievementId, Vec<String>)| {
            let verb = if needed_by.len() == 1 { "depends" } else { "depend" };
            let used = if self.wish.strict { "" } else { ": its PLAN text is used" };
            format!("{} {verb} on {id}, which has no SUBPLAN yet{used}", short_list(&needed_by))
        };
        missing.into_iter().map(sentence).collect()
    }
}

fn short_list(items: &[String]) -> String {
    const SHOWN: usize = 6;
    match items.len().checked_sub(SHOWN) {
        None | Some(0) => items.join(", "),
        Some(more) => format!("{} and {more} more", items[..SHOWN].join(", ")),
    }
}

#[cfg(test)]
#[path = "planner_tests.rs"]
mod tests;
