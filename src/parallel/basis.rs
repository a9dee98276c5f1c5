//! What holds before anybody is asked for dependencies: what the PLAN declares, what a person wrote into parallel.json,
//! and everything about achievements that are complete.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;

use super::{
    Entry, ParallelFile, Problem, Rule, Severity, Status,
    check::{Described, describe_cycle},
    graph::Adjacency,
    lint::claims::{Claim, of_deliverable, of_prose},
    rules::{CYCLE, DUPLICATE_ID, NO_ACHIEVEMENTS, SELF_DEPENDENCY, UNKNOWN_DEPENDENCY},
    structure::{Dependency, Draft, Kind, Optional, Origin, Pair, Structure, Touches},
};
use crate::plan::{Achievement, AchievementId, Plan};

/// The achievements to put in levels, with the dependencies that hold in any case.
#[derive(Clone, Debug, PartialEq)]
pub struct Basis {
    drafts: Vec<Draft>,
    index: HashMap<AchievementId, usize>,
    /// Pairs of the file that look independent and are not, beside what `touches` tells.
    pairs: Vec<Pair>,
    /// By draft: what the PLAN says that it writes, where it says so of another one that is left to do, too.
    shared: Vec<Touches>,
}

impl Basis {
    /// Takes the achievements of a PLAN, in its order, and then those that only `file` knows.
    ///
    /// Of the file, everything about complete achievements (`status` says which) and about those that the PLAN does not
    /// know holds as it is, and of the others the dependencies whose note has the source `manual`.
    ///
    /// # Errors
    ///
    /// Declared dependencies on unknown ids or on the achievement itself, ids that occur twice, a PLAN without
    /// achievements, and cycles among the dependencies that hold; with the PLAN's lines, and without JSON paths.
    pub fn new(
        plan: &Plan,
        file: Option<&ParallelFile>,
        status: &dyn Fn(AchievementId) -> Status,
    ) -> Result<Self, Vec<Problem>> {
        let mut problems = misdeclared(plan, file);
        // Where ids are not certain, neither are cycles.
        if problems.iter().any(|problem| ![&UNKNOWN_DEPENDENCY, &SELF_DEPENDENCY].contains(&problem.rule)) {
            return Err(problems);
        }
        let mut said = file.map(ParallelFile::said).unwrap_or_default();
        let mut drafts = Vec::with_capacity(plan.achievements.len());
        let mut index = HashMap::with_capacity(plan.achievements.len());
        for achievement in &plan.achievements {
            let entry = file.and_then(|file| file.get(achievement.id));
            let said = said.remove(&achievement.id).unwrap_or_default();
            index.insert(achievement.id, drafts.len());
            drafts.push(draft(achievement, entry, said, status(achievement.id)));
        }
        for entry in file.map(ParallelFile::entries).unwrap_or_default() {
            if let std::collections::hash_map::Entry::Vacant(place) = index.entry(entry.id) {
                place.insert(drafts.len());
                let said = said.remove(&entry.id).unwrap_or_default();
                drafts.push(unknown_to_the_plan(entry, said, status(entry.id)));
            }
        }
        let pairs = file.map(pairs).unwrap_or_default();
        let shared = shared(plan, &drafts, &index);
        let basis = Self { drafts, index, pairs, shared };
        let lines: HashMap<AchievementId, usize> =
            plan.achievements.iter().map(|achievement| (achievement.id, achievement.line)).collect();
        problems.extend(basis.cycles(&lines));
        problems.sort_by_key(|problem| problem.line);
        if problems.is_empty() { Ok(basis) } else { Err(problems) }
    }

    /// The achievements.
    pub fn drafts(&self) -> &[Draft] {
        &self.drafts
    }

    /// The achievement of this id.
    pub fn get(&self, id: AchievementId) -> Option<&Draft> {
        self.index.get(&id).map(|&at| &self.drafts[at])
    }

    /// The achievements whose dependencies are asked for.
    pub fn open(&self) -> impl Iterator<Item = &Draft> {
        self.drafts.iter().filter(|draft| !draft.frozen)
    }

    /// The levels that follow from what holds alone.
    pub fn structure(&self) -> Structure {
        let mut drafts = self.drafts.clone();
        drafts.iter_mut().for_each(|draft| self.add_shared(draft));
        // Its cycles were reported when it was made, so there are none.
        Structure::compute(drafts, &self.pairs).unwrap_or_default()
    }

    /// Adds to what an achievement touches what the PLAN says that it and another one write.
    pub fn add_shared(&self, draft: &mut Draft) {
        let Some(shared) = self.index.get(&draft.id).and_then(|&at| self.shared.get(at)) else { return };
        if *shared != Touches::default() {
            draft.touches.get_or_insert_default().add(shared);
        }
    }

    fn cycles(&self, lines: &HashMap<AchievementId, usize>) -> Vec<Problem> {
        let known = |draft: &Draft| -> Vec<usize> {
            draft.dependencies.iter().filter_map(|dependency| self.index.get(&dependency.needs).copied()).collect()
        };
        let edges = Adjacency::new(self.drafts.len(), self.drafts.iter().map(known));
        if edges.order().is_some() {
            return Vec::new();
        }
        let mut problems: Vec<Problem> = Vec::new();
        for cycle in edges.cycles().into_iter().filter(|cycle| cycle.len() > 1) {
            let nodes: Vec<(AchievementId, u32)> = cycle.iter().map(|&node| (self.drafts[node].id, 0)).collect();
            let Described { message, hint, from, to: _ } = describe_cycle(&nodes);
            let line = lines.get(&nodes[from].0).copied().unwrap_or(1);
            problems.push(problem(&CYCLE, line, message, hint));
        }
        problems.sort_by_key(|problem| problem.line);
        problems
    }
}

/// What more than one achievement that is left to do writes, by the PLAN's own words. Linear in the PLAN.
fn shared(plan: &Plan, drafts: &[Draft], index: &HashMap<AchievementId, usize>) -> Vec<Touches> {
    let mut shared = vec![Touches::default(); drafts.len()];
    let mut first: HashMap<Claim<'_>, usize, foldhash::fast::RandomState> = HashMap::default();
    for achievement in &plan.achievements {
        let Some(&at) = index.get(&achievement.id) else { continue };
        if drafts[at].frozen || drafts[at].status.is_done() {
            continue;
        }
        let mut take = |claim| {
            let before = *first.entry(claim).or_insert(at);
            if before != at {
                let both = claim.touches();
                shared[before].add(&both);
                shared[at].add(&both);
            }
        };
        achievement.deliverables.iter().for_each(|text| of_deliverable(text, &mut take));
        of_prose(&achievement.body, &mut take);
    }
    shared
}

fn pairs(file: &ParallelFile) -> Vec<Pair> {
    let id = |node: usize| file.entries.get(node).map(|entry| entry.id);
    let pair = |(first, second, over): (usize, usize, &str)| {
        Some(Pair { first: id(first)?, second: id(second)?, over: over.to_owned() })
    };
    file.apart().pairs().into_iter().filter_map(pair).collect()
}

/// What a file says of an achievement beyond its [`Entry`].
#[derive(Clone, Debug, Default)]
struct Said {
    manual: HashSet<AchievementId>,
    /// Kind and reason of declared dependencies, where it gives both.
    declared: HashMap<AchievementId, (Kind, String)>,
    /// Reason and source of dependencies that would only help.
    noted: HashMap<AchievementId, (String, Origin)>,
    optional: Vec<AchievementId>,
    critical: Option<bool>,
    touches: Option<Touches>,
}

impl ParallelFile {
    fn said(&self) -> HashMap<AchievementId, Said> {
        #[derive(Deserialize)]
        struct File {
            #[serde(default)]
            levels: Vec<Level>,
        }
        #[derive(Deserialize)]
        struct Level {
            achievements: Vec<Achievement>,
        }
        #[derive(Deserialize)]
        struct Achievement {
            id: AchievementId,
            dependency_notes: Option<HashMap<AchievementId, Option<Note>>>,
            critical: Option<bool>,
        }
        #[derive(Deserialize)]
        struct Note {
            kind: Option<Kind>,
            reason: Option<String>,
            source: Option<String>,
        }
        // The text was read before and fits these types. Where it does not, nothing was marked as made by hand.
        let Ok(file) = serde_json::from_str::<File>(&self.source) else { return HashMap::new() };
        let mut touched = self.touches();
        let mut said: HashMap<AchievementId, Said> = HashMap::new();
        for achievement in file.levels.into_iter().flat_map(|level| level.achievements) {
            let Achievement { id, dependency_notes, critical } = achievement;
            let index = self.by_id.get(&id).copied();
            let optional = index.map(|index| self.stated[index].optional.clone()).unwrap_or_default();
            let (mut manual, mut declared, mut noted) = (HashSet::new(), HashMap::new(), HashMap::new());
            for (needs, note) in dependency_notes.unwrap_or_default() {
                let Some(Note { kind, reason, source: Some(source) }) = note else { continue };
                let Some(source) = Origin::ALL.into_iter().find(|known| known.as_str() == source) else { continue };
                if source == Origin::Manual {
                    manual.insert(needs);
                }
                match (kind, reason) {
                    (_, reason) if optional.contains(&needs) => {
                        noted.insert(needs, (reason.unwrap_or_default(), source));
                    }
                    (Some(kind), Some(reason)) if source == Origin::Declared => {
                        declared.insert(needs, (kind, reason));
                    }
                    (_, _) => {}
                }
            }
            let touches = index.and_then(|index| touched.remove(&index));
            said.entry(id).or_insert(Said { manual, declared, noted, optional, critical, touches });
        }
        said
    }
}

fn draft(achievement: &Achievement, entry: Option<&Entry>, mut said: Said, status: Status) -> Draft {
    let by_hand = |needs: AchievementId| Dependency {
        needs,
        kind: Kind::Technical,
        reason: String::new(),
        source: Origin::Manual,
    };
    let frozen = entry.is_some() && status == Status::Complete;
    let stored = entry.map(|entry| entry.dependencies.as_slice()).unwrap_or_default();
    let mut dependencies: Vec<Dependency> =
        stored.iter().filter(|&needs| frozen || said.manual.contains(needs)).map(|&needs| by_hand(needs)).collect();
    if !frozen {
        let reason = achievement.dependencies_text.as_deref().unwrap_or("Declared in the PLAN.");
        let written: HashSet<AchievementId> = dependencies.iter().map(|dependency| dependency.needs).collect();
        let declared = achievement.dependencies.iter().filter(|needs| !written.contains(needs));
        let said_before = &mut said.declared;
        dependencies.extend(declared.map(|&needs| {
            // What was found out about a declared dependency before is not forgotten.
            let known = said_before.remove(&needs);
            let (kind, reason) = known.unwrap_or_else(|| (Kind::Technical, reason.to_owned()));
            Dependency { needs, kind, reason, source: Origin::Declared }
        }));
    }
    let optional = said.optional.into_iter().filter(|needs| frozen || said.manual.contains(needs));
    let optional = optional.map(|id| Optional { id, note: said.noted.get(&id).cloned() }).collect();
    Draft {
        id: achievement.id,
        title: achievement.title.clone(),
        hours: entry.and_then(|entry| entry.estimated_hours).or(achievement.estimated_hours),
        deliverables: achievement.deliverables.clone(),
        status,
        dependencies,
        optional,
        critical: said.critical,
        touches: said.touches,
        frozen,
        lowest_level: if frozen { entry.map_or(1, |entry| entry.level) } else { 1 },
    }
}

/// Somebody put it into the file, or took it out of the PLAN; either way its fields are theirs.
fn unknown_to_the_plan(entry: &Entry, said: Said, status: Status) -> Draft {
    let by_hand = |&needs: &AchievementId| Dependency {
        needs,
        kind: Kind::Technical,
        reason: String::new(),
        source: Origin::Manual,
    };
    Draft {
        id: entry.id,
        title: entry.title.clone(),
        hours: entry.estimated_hours,
        deliverables: Vec::new(),
        status,
        dependencies: entry.dependencies.iter().map(by_hand).collect(),
        optional: Vec::new(),
        critical: said.critical,
        touches: said.touches,
        frozen: true,
        lowest_level: 1,
    }
}

/// What a PLAN declares and cannot mean.
fn misdeclared(plan: &Plan, file: Option<&ParallelFile>) -> Vec<Problem> {
    let achievements = &plan.achievements;
    let mut problems = Vec::new();
    if achievements.is_empty() {
        let hint = "achievements stand under a heading that contains \"Achievements\"".to_owned();
        problems.push(problem(&NO_ACHIEVEMENTS, 1, "the PLAN has no achievement".to_owned(), hint));
    }
    let mut first_line: HashMap<AchievementId, usize> = HashMap::with_capacity(achievements.len());
    for Achievement { id, line, .. } in achievements {
        if let Some(first) = first_line.insert(*id, *line) {
            let message = format!("achievement {id} is defined twice, first on line {first}");
            problems.push(problem(&DUPLICATE_ID, *line, message, "give one of them another id".to_owned()));
        }
    }
    for Achievement { id, dependencies, line, .. } in achievements {
        for needs in dependencies {
            if needs == id {
                let hint = format!("remove {id} from its dependencies");
                problems.push(problem(&SELF_DEPENDENCY, *line, format!("achievement {id} depends on itself"), hint));
            } else if !first_line.contains_key(needs) && file.is_none_or(|file| file.get(*needs).is_none()) {
                let message = format!("achievement {id} depends on {needs}, which is not in the PLAN");
                let hint = format!("define {needs}, or remove the dependency");
                problems.push(problem(&UNKNOWN_DEPENDENCY, *line, message, hint));
            }
        }
    }
    problems.sort_by_key(|problem| problem.line);
    problems
}

fn problem(rule: &'static Rule, line: usize, message: String, hint: String) -> Problem {
    Problem {
        rule,
        severity: Severity::Error,
        path: String::new(),
        line,
        column: 1,
        width: 1,
        message,
        hint: Some(hint),
        fixable: false,
    }
}
