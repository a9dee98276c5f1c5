//! Judges a file as a whole: ids, dependencies, cycles, levels. Errors here mean that a run could not be planned.

use std::{cmp::Reverse, collections::HashSet, fmt::Write as _};

use super::{
    Form, Graph, ParallelFile, Problem,
    graph::Adjacency,
    position::place,
    problem::{Collector, Path, Raised, display_path},
    rules::{
        CHAIN_IN_LEVEL, CYCLE, DUPLICATE_DEPENDENCY, DUPLICATE_ID, DUPLICATE_LEVEL, EMPTY_LEVEL, LATER_LEVEL,
        NO_ACHIEVEMENTS, SAME_LEVEL, SELF_DEPENDENCY, UNKNOWN_DEPENDENCY, UNKNOWN_OPTIONAL_DEPENDENCY,
    },
};
use crate::plan::AchievementId;

/// Ids of a cycle that are printed; the middle of a longer one is left out.
const CHAIN_SHOWN: usize = 20;

/// What the check of a whole file found, each list in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// What keeps a run from starting.
    pub errors: Vec<Problem>,
    /// What is only reported, reading's warnings included.
    pub warnings: Vec<Problem>,
}

/// Checks a file; the graph is there where there is no error.
pub(super) fn check(file: &ParallelFile) -> (Checked, Option<Graph>) {
    let Found { problems, dependencies, order, sound: _ } = find(file);
    let Collector { errors, warnings, notes: _ } = problems;
    let errors = place(&file.source, errors);
    let mut warnings = place(&file.source, warnings);
    if !file.warnings.is_empty() {
        warnings.extend_from_slice(&file.warnings);
        warnings.sort_by_key(|warning| (warning.line, warning.column));
    }
    let graph = order.filter(|_| errors.is_empty()).map(|order| {
        let nodes = file.entries.iter().map(|entry| (entry.id, entry.level)).collect();
        let dependents = dependencies.inverse();
        Graph::new(nodes, file.by_id.clone(), (dependencies, dependents), order)
    });
    (Checked { errors, warnings }, graph)
}

/// What the check of ids, dependencies and levels found, and what it found them in.
pub(super) struct Found {
    pub(super) problems: Collector,
    /// The edges between entries, without unknown ones and those of an entry to itself.
    pub(super) dependencies: Adjacency,
    /// Every entry after its dependencies, where there is no cycle.
    pub(super) order: Option<Vec<usize>>,
    pub(super) sound: Sound,
}

/// What can be relied on when a repair is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sound {
    /// No id stands twice.
    pub(super) ids: bool,
    /// No level number stands twice.
    pub(super) levels: bool,
    /// Besides, every dependency is known and there is no cycle.
    pub(super) graph: bool,
}

/// Finds what is wrong with ids, dependencies and levels.
pub(super) fn find(file: &ParallelFile) -> Found {
    let mut check = Check { file, problems: Collector::default() };
    check.ids();
    let levels = check.level_numbers();
    let before = check.problems.errors.len();
    let dependencies = check.dependencies();
    check.optional_dependencies();
    let order = dependencies.order();
    let ids = file.by_id.len() == file.entries.len();
    let graph = ids && levels && order.is_some() && check.problems.errors.len() == before;
    let on_cycle = if order.is_some() { HashSet::new() } else { check.cycles(&dependencies) };
    if file.form == Form::Leveled {
        check.level_order(&dependencies, &on_cycle, graph);
    }
    Found { problems: check.problems, dependencies, order, sound: Sound { ids, levels, graph } }
}

struct Check<'a> {
    file: &'a ParallelFile,
    problems: Collector,
}

impl Check<'_> {
    fn ids(&mut self) {
        let file = self.file;
        if file.entries.is_empty() {
            let none = Raised::new(&NO_ACHIEVEMENTS, vec![], "the file has no achievement");
            self.problems
                .push(none.hint("there is nothing to generate; `planwave analyze <PLAN> --declared` lists a PLAN's"));
        }
        let name = match file.form {
            Form::Leveled => "id",
            Form::Flat => "achievement_id",
        };
        for (index, entry) in file.entries.iter().enumerate() {
            let first = file.by_id.get(&entry.id).copied().unwrap_or(index);
            if first != index {
                let place = display_path(&file.places[first].path());
                let message = format!("achievement {} stands in the file twice, first as {place}", entry.id);
                let raised = Raised::new(&DUPLICATE_ID, field(file, index, name), message);
                self.problems.push(raised.hint("keep one of them, or give one another id"));
            }
        }
    }

    /// Whether each number stands once.
    fn level_numbers(&mut self) -> bool {
        // They are sorted by number. Those that were computed have no place in the file, and nothing to object to.
        let levels = &self.file.levels;
        let unique = levels.windows(2).all(|pair| pair[0].number != pair[1].number);
        let mut last = None;
        for level in levels {
            let Some(position) = level.position else { continue };
            let path = || -> Path { vec!["levels".into(), position.into()] };
            if last.replace(level.number) == Some(level.number) {
                let message = format!("level {} stands in the file twice", level.number);
                let raised = Raised::new(&DUPLICATE_LEVEL, [path(), vec!["level".into()]].concat(), message);
                self.problems.push(raised.hint("merge the two, or number them anew"));
            }
            if level.entries.is_empty() {
                let message = format!("level {} has no achievement", level.number);
                let raised = Raised::new(&EMPTY_LEVEL, path(), message).hint("put achievements in it, or remove it");
                self.problems.push(raised.fixable_if(!level.own_fields && unique));
            }
        }
        unique
    }

    /// The edges between entries; what is wrong with single dependencies is raised and left out.
    fn dependencies(&mut self) -> Adjacency {
        let file = self.file;
        let known = |entry: usize| {
            let list = file.entries[entry].dependencies.iter();
            list.filter_map(|id| file.by_id.get(id).copied()).filter(move |&dependency| dependency != entry)
        };
        let edges = Adjacency::new(file.entries.len(), (0..file.entries.len()).map(known));
        for (index, entry) in file.entries.iter().enumerate() {
            if edges.of(index).len() == entry.dependencies.len() {
                continue; // each is known, another achievement, and named once
            }
            let mut seen = HashSet::new();
            for (at, &needs) in entry.dependencies.iter().enumerate() {
                let path = || dependency(file, index, at);
                let id = entry.id;
                if needs == id {
                    let raised = Raised::new(&SELF_DEPENDENCY, path(), format!("achievement {id} depends on itself"));
                    self.problems.push(raised.hint(format!("remove {id} from its `dependencies`")));
                } else if !file.by_id.contains_key(&needs) {
                    let message = format!("achievement {id} depends on {needs}, which is not in the file");
                    let raised = Raised::new(&UNKNOWN_DEPENDENCY, path(), message);
                    self.problems.push(raised.hint(format!("add {needs}, or remove it from `dependencies`")));
                } else if !seen.insert(needs) {
                    let message = format!("achievement {id} names its dependency {needs} more than once");
                    self.problems
                        .push(Raised::new(&DUPLICATE_DEPENDENCY, path(), message).hint("naming it once is enough"));
                }
            }
        }
        edges
    }

    /// Raises one cycle per set of achievements that all depend on each other; returns the edges of those cycles.
    fn cycles(&mut self, dependencies: &Adjacency) -> HashSet<(usize, usize)> {
        let file = self.file;
        let mut on_cycle = HashSet::new();
        for cycle in dependencies.cycles() {
            let nodes: Vec<(AchievementId, u32)> =
                cycle.iter().map(|&node| (file.entries[node].id, self.level_in_file(node))).collect();
            let Described { message, hint, from, to } = describe_cycle(&nodes);
            let (from, to) = (cycle[from], file.entries[cycle[to]].id);
            let at = file.entries[from].dependencies.iter().position(|&id| id == to).unwrap_or(0);
            self.problems.push(Raised::new(&CYCLE, dependency(file, from, at), message).hint(hint));
            on_cycle.extend(cycle.iter().zip(cycle.iter().cycle().skip(1)).map(|(&node, &next)| (node, next)));
        }
        on_cycle
    }

    /// Levels that were computed say nothing about what was meant.
    fn level_in_file(&self, entry: usize) -> u32 {
        match self.file.form {
            Form::Leveled => self.file.entries[entry].level,
            Form::Flat => 0,
        }
    }

    fn level_order(&mut self, dependencies: &Adjacency, on_cycle: &HashSet<(usize, usize)>, sound: bool) {
        let file = self.file;
        let mut chained = HashSet::new();
        // Close together: every edge looks one up.
        let levels: Vec<u32> = file.entries.iter().map(|entry| entry.level).collect();
        for (index, entry) in file.entries.iter().enumerate() {
            for &other in dependencies.of(index) {
                if levels[other] < levels[index] || on_cycle.contains(&(index, other)) {
                    continue;
                }
                let needs = &file.entries[other];
                let (id, level) = (entry.id, entry.level);
                let at = entry.dependencies.iter().position(|&id| id == needs.id).unwrap_or(0);
                let path = dependency(file, index, at);
                if needs.level > level {
                    let message = format!(
                        "achievement {id} of level {level} depends on {}, which stands in level {}",
                        needs.id, needs.level
                    );
                    let hint = format!("move {id} to a level after {}, or remove the dependency", needs.level);
                    self.problems.push(Raised::new(&LATER_LEVEL, path, message).hint(hint).fixable_if(sound));
                    continue;
                }
                let info = file.levels.get(file.levels.partition_point(|info| info.number < level));
                match info.and_then(|info| info.declared_parallel) {
                    Some(true) => {
                        let message = format!(
                            "achievement {id} depends on {}, which stands in level {level} as well, and that level can be \
                             worked on in parallel",
                            needs.id
                        );
                        let hint =
                            format!("move {id} to a later level, or set `can_parallelize` of level {level} to false");
                        self.problems.push(Raised::new(&SAME_LEVEL, path, message).hint(hint).fixable_if(sound));
                    }
                    Some(false) => {}
                    None if chained.insert(level) => {
                        let message = format!(
                            "level {level} does not say whether it can be worked on in parallel; it cannot, since {id} depends \
                             on {} of the same level",
                            needs.id
                        );
                        let hint = format!("set `can_parallelize` of level {level} to false");
                        self.problems.push(Raised::new(&CHAIN_IN_LEVEL, path, message).hint(hint));
                    }
                    None => {}
                }
            }
        }
    }

    fn optional_dependencies(&mut self) {
        let file = self.file;
        for (index, stated) in file.stated.iter().enumerate() {
            for (at, needs) in stated.optional.iter().enumerate() {
                if !file.by_id.contains_key(needs) {
                    let path = [field(file, index, "optional_dependencies"), vec![at.into()]].concat();
                    let id = file.entries[index].id;
                    let message = format!("achievement {id} depends optionally on {needs}, which is not in the file");
                    let raised = Raised::new(&UNKNOWN_OPTIONAL_DEPENDENCY, path, message);
                    self.problems.push(raised.hint(format!("add {needs}, or remove it from `optional_dependencies`")));
                }
            }
        }
    }
}

/// A cycle in words.
pub(super) struct Described {
    pub(super) message: String,
    pub(super) hint: String,
    /// Position in the cycle of the achievement that should lose a dependency.
    pub(super) from: usize,
    /// Position in the cycle of the dependency it should lose.
    pub(super) to: usize,
}

/// Describes a cycle, given as id and level of each achievement, each of which depends on the next and the last on the
/// first. The edge to remove is the one that goes furthest against the order of levels, else one from a lower id to a higher:
/// later achievements are written to depend on earlier ones, so that one is the least likely to be meant.
pub(super) fn describe_cycle(nodes: &[(AchievementId, u32)]) -> Described {
    let count = nodes.len();
    let edges = (0..count).map(|at| (at, (at + 1) % count.max(1)));
    let unlikely = |&(from, to): &(usize, usize)| {
        let ((id, level), (needs, needs_level)) = (nodes[from], nodes[to]);
        (Reverse(needs_level.saturating_sub(level)), needs < id, id, needs)
    };
    let (from, to) = edges.min_by_key(unlikely).unwrap_or((0, 0));
    let mut chain = String::new();
    for (at, (id, _)) in nodes.iter().enumerate() {
        if count <= CHAIN_SHOWN || at < CHAIN_SHOWN / 2 || at >= count - CHAIN_SHOWN / 2 {
            let _ = write!(chain, "{id} → ");
        } else if at == CHAIN_SHOWN / 2 {
            let _ = write!(chain, "… {} more … → ", count - CHAIN_SHOWN);
        }
    }
    let first = nodes.first().map(|(id, _)| id.to_string()).unwrap_or_default();
    let message = format!("dependencies form a cycle: {chain}{first} (each depends on the next)");
    let hint = match (nodes.get(from), nodes.get(to)) {
        (Some((id, _)), Some((needs, _))) => format!("remove {needs} from the dependencies of {id}"),
        (_, _) => String::new(),
    };
    Described { message, hint, from, to }
}

pub(super) fn field(file: &ParallelFile, entry: usize, name: &'static str) -> Path {
    let mut path = file.places[entry].path();
    path.push(name.into());
    path
}

fn dependency(file: &ParallelFile, entry: usize, at: usize) -> Path {
    let mut path = field(file, entry, "dependencies");
    path.push(at.into());
    path
}
