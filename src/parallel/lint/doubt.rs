//! What can still be said of a file of which some was not understood: everything but what depends on that.

use std::collections::{HashMap, HashSet};

use crate::parallel::{
    ParallelFile, Problem,
    problem::{Raised, Segment, display_path},
    rules::{
        BLOCKS_MISMATCH, CHAIN_IN_LEVEL, CYCLE, DECLARED_DEPENDENCY, DERIVED, DUPLICATE_DEPENDENCY, DUPLICATE_ID,
        DUPLICATE_LEVEL, EMPTY_LEVEL, INVALID_STATUS, INVALID_WORD, LATER_LEVEL, LEVEL_GAP, NO_ACHIEVEMENTS,
        NOT_IN_FILE, OLD_FORM, PARALLEL_ALONE, PARALLELISM_OF_ONE, PARALLELISM_TOO_HIGH, PATH_MISSING, PATH_OUTSIDE,
        PATH_UNRECORDED, Rule, SAME_LEVEL, SELF_DEPENDENCY, SHARED_DELIVERABLE, SHARED_RESOURCE, SLUG_COLLISION,
        STATUS_STALE, TIMES, TITLE_DIFFERS, UNKNOWN_DEPENDENCY, UNKNOWN_OPTIONAL_DEPENDENCY, UNSUPPORTED_VERSION,
    },
};

type Rules = &'static [&'static Rule];

/// Without an achievement, or without knowing its id.
static WITHOUT_ID: Rules = &[
    &NO_ACHIEVEMENTS,
    &UNKNOWN_DEPENDENCY,
    &UNKNOWN_OPTIONAL_DEPENDENCY,
    &EMPTY_LEVEL,
    &PARALLEL_ALONE,
    &PARALLELISM_TOO_HIGH,
    &BLOCKS_MISMATCH,
    &TIMES,
    &DERIVED,
    &NOT_IN_FILE,
];

/// Without a level, or without knowing its number.
static WITHOUT_LEVEL: Rules = &[
    &SAME_LEVEL,
    &LATER_LEVEL,
    &CHAIN_IN_LEVEL,
    &DUPLICATE_LEVEL,
    &LEVEL_GAP,
    &EMPTY_LEVEL,
    &PARALLEL_ALONE,
    &PARALLELISM_TOO_HIGH,
    &PARALLELISM_OF_ONE,
    &TIMES,
    &DERIVED,
    &SHARED_DELIVERABLE,
    &SHARED_RESOURCE,
];

/// What is certain of a file whose fields may mean something else.
static CERTAIN: [&Rule; 6] =
    [&OLD_FORM, &DUPLICATE_ID, &SELF_DEPENDENCY, &DUPLICATE_DEPENDENCY, &CYCLE, &SLUG_COLLISION];

/// Which rules say nothing that can be relied on, and where.
#[derive(Default)]
pub(super) struct Doubt {
    /// Another version: nothing but what is certain in any case.
    all: bool,
    /// Of the whole file, by code.
    everywhere: HashSet<&'static str>,
    /// Below a path, that of a level or of an achievement.
    below: HashMap<String, HashSet<&'static str>>,
    /// Lists of ids of which some could not be read.
    lists: HashSet<String>,
}

impl Doubt {
    /// What the errors of reading leave in doubt.
    pub(super) fn of(file: &ParallelFile) -> Self {
        let mut doubt = Self::default();
        for Problem { rule, path, .. } in &file.errors {
            if *rule == &UNSUPPORTED_VERSION {
                doubt.all = true;
            } else if ![&INVALID_STATUS, &INVALID_WORD].contains(rule) {
                doubt.add(path);
            }
        }
        doubt
    }

    /// Takes the path of a value that was not understood.
    fn add(&mut self, path: &str) {
        let mut steps = path.split('.');
        let first = steps.next().unwrap_or_default();
        let (level, achievement) = match first.split_once('[').map_or(first, |(name, _)| name) {
            "levels" => (Some(first), steps.next()),
            "achievements" => (None, Some(first)),
            "parallelization_strategy" => return self.everywhere(&[&TIMES, &DERIVED]),
            "execution_instructions" | "validation_rules" => return self.everywhere(&[&DERIVED]),
            // The file as a whole lacks something, or what nothing is concluded from.
            _ => return,
        };
        let Some(achievement) = achievement else {
            self.everywhere(WITHOUT_ID);
            return self.everywhere(WITHOUT_LEVEL);
        };
        let level = level.unwrap_or_default();
        match achievement {
            "level" => return self.everywhere(WITHOUT_LEVEL),
            "can_parallelize" => {
                self.everywhere(&[&TIMES, &DERIVED, &SHARED_DELIVERABLE, &SHARED_RESOURCE]);
                let here = [&SAME_LEVEL, &CHAIN_IN_LEVEL, &PARALLEL_ALONE, &PARALLELISM_TOO_HIGH, &PARALLELISM_OF_ONE];
                return self.below(level.to_owned(), &here);
            }
            "max_parallelism" => {
                self.everywhere(&[&TIMES]);
                return self.below(level.to_owned(), &[&PARALLELISM_TOO_HIGH, &PARALLELISM_OF_ONE]);
            }
            "achievements" => return self.everywhere(WITHOUT_ID),
            other if !other.starts_with("achievements[") => return,
            _ => {}
        }
        let entry = if level.is_empty() { achievement.to_owned() } else { format!("{level}.{achievement}") };
        let field = steps.next().map_or("", |field| field.split_once('[').map_or(field, |(name, _)| name));
        match field {
            "" | "id" | "achievement_id" => self.everywhere(WITHOUT_ID),
            "dependencies" => {
                self.everywhere(&[&BLOCKS_MISMATCH, &CHAIN_IN_LEVEL, &TIMES, &DERIVED]);
                self.lists.insert(format!("{entry}.{field}"));
                self.below(entry, &[&DECLARED_DEPENDENCY]);
            }
            "optional_dependencies" => {
                self.lists.insert(format!("{entry}.{field}"));
                self.below(entry, &[&DECLARED_DEPENDENCY]);
            }
            "estimated_hours" | "touches" | "critical" => self.everywhere(&[&TIMES, &DERIVED]),
            "status" | "failure" => self.below(entry, &[&STATUS_STALE]),
            "subplan_path" | "execution_paths" => {
                self.below(entry, &[&PATH_OUTSIDE, &PATH_MISSING, &PATH_UNRECORDED]);
            }
            "blocks" => self.below(entry, &[&BLOCKS_MISMATCH]),
            "title" => self.below(entry, &[&TITLE_DIFFERS]),
            _ => {}
        }
    }

    fn everywhere(&mut self, rules: &[&'static Rule]) {
        self.everywhere.extend(rules.iter().map(|rule| rule.code));
    }

    fn below(&mut self, path: String, rules: &[&'static Rule]) {
        self.below.entry(path).or_default().extend(rules.iter().map(|rule| rule.code));
    }

    /// Leaves out what is in doubt.
    pub(super) fn leave_out(&self, raised: &mut Vec<Raised>) {
        raised.retain(|raised| self.allows(raised));
        if self.lists.is_empty() {
            return;
        }
        for raised in raised {
            // Where some of a list could not be read, nobody knows which of the rest stands where.
            if let Some((Segment::Index(_), list)) = raised.path.split_last()
                && self.lists.contains(&display_path(list))
            {
                raised.path.pop();
            }
        }
    }

    fn allows(&self, raised: &Raised) -> bool {
        let code = raised.rule.code;
        if self.all {
            return CERTAIN.contains(&raised.rule);
        }
        if self.everywhere.contains(code) {
            return false;
        }
        // A level, an achievement of it, or one of the flat form.
        let doubted = |steps: usize| {
            let holder = raised.path.get(..steps).map(display_path);
            holder.and_then(|holder| self.below.get(&holder)).is_some_and(|rules| rules.contains(code))
        };
        self.below.is_empty() || !(doubted(2) || doubted(4))
    }
}
