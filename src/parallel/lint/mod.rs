//! Everything that `planwave validate` has to say of a file beyond what keeps a run from starting: fields that contradict
//! each other, the plan directory, the PLAN, independence.
//!
//! Pure: what stands around the file comes as values. Each module raises the problems of its rules and repairs nothing;
//! [`super::repair`] mends what they flag as fixable, by the same functions.

mod blocks;
pub(super) mod claims;
mod doubt;
mod independence;
mod levels;
mod plan;
mod stored;

use std::collections::HashSet;

use super::{
    Evidence, Form, ParallelFile, Problem,
    check::{Found, find},
    lexical::unread,
    position::place,
    problem::Raised,
    rules::{NO_PLAN, OLD_FORM, PLAN_UNREADABLE},
};
use crate::plan::{Achievement, AchievementId, IdMap, Plan};

use doubt::Doubt;

pub(super) use blocks::{blocks, times};
pub(super) use levels::parallelism;
pub(super) use stored::{right_paths, right_status};

/// What stands around a parallel.json.
#[derive(Clone, Debug, Default)]
pub struct Surroundings<'a> {
    /// The PLAN, where there is one that could be read.
    pub plan: Option<&'a Plan>,
    /// Its file name, for messages; empty where there is none.
    pub plan_file: String,
    /// Why the PLAN could not be read.
    pub plan_error: Option<String>,
    /// The documents and verdicts of each achievement that has any; `None` where nobody looked.
    pub documents: Option<IdMap<Documents>>,
    /// The paths of the file that name no file.
    pub missing: HashSet<String>,
    /// The deliverables that each SUBPLAN names.
    pub subplan_deliverables: IdMap<Vec<String>>,
    /// What each SUBPLAN says of how it is done.
    pub subplan_approaches: IdMap<String>,
}

/// The documents and verdicts of one achievement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Documents {
    /// What they are evidence of.
    pub evidence: Evidence,
    /// Path of the SUBPLAN, relative to the plan directory.
    pub subplan: Option<String>,
    /// Paths of the EXECUTION_TASKs by number.
    pub executions: Vec<String>,
    /// How many EXECUTION_TASKs the SUBPLAN plans; 1 where it does not say.
    pub planned: usize,
}

/// What the PLAN says of each entry, looked up once.
struct Planned<'a> {
    by_entry: Vec<Option<&'a Achievement>>,
    /// What is in the PLAN and not in the file.
    others: Vec<&'a Achievement>,
}

impl<'a> Planned<'a> {
    fn of(file: &ParallelFile, plan: Option<&'a Plan>) -> Self {
        let mut by_entry = vec![None; file.entries.len()];
        let mut others = Vec::new();
        for achievement in plan.iter().flat_map(|plan| &plan.achievements) {
            match file.by_id.get(&achievement.id) {
                Some(&index) => by_entry[index] = Some(achievement),
                None => others.push(achievement),
            }
        }
        if file.by_id.len() < file.entries.len() {
            // An id that stands twice is known by its first place.
            for (index, entry) in file.entries.iter().enumerate() {
                by_entry[index] = file.by_id.get(&entry.id).and_then(|&first| by_entry[first]);
            }
        }
        Self { by_entry, others }
    }
}

/// Finds everything there is to say of a file, in the order of the file.
pub fn lint(file: &ParallelFile, around: &Surroundings<'_>) -> Vec<Problem> {
    let Found { mut problems, dependencies, order, sound } = find(file);
    let usable = problems.errors.is_empty();
    let mut raise = |raised: Raised| problems.push(raised);
    if file.form == Form::Flat {
        let old = Raised::new(&OLD_FORM, vec![], "the file has the older flat form");
        raise(old.hint("`planwave migrate` rewrites it and keeps every field").fixable_if(usable));
    }
    levels::find(file, sound, &mut raise);
    blocks::find(file, &dependencies, order.as_deref(), sound, &mut raise);
    stored::find(file, around, sound, &mut raise);
    let planned = Planned::of(file, around.plan);
    match (around.plan, &around.plan_error) {
        (Some(plan), _) => plan::find(file, plan, &planned, &around.plan_file, &mut raise),
        (None, Some(error)) => {
            let hint = "mend the PLAN; until then the file is not compared with it";
            raise(Raised::new(&PLAN_UNREADABLE, vec![], error.as_str()).hint(hint));
        }
        (None, None) => {
            let message = "there is no PLAN beside the file: PLAN, documents and verdicts were not compared";
            let hint = "to have them compared, put the file into its plan directory";
            raise(Raised::new(&NO_PLAN, vec![], message).hint(hint));
        }
    }
    independence::find(file, around, &planned, &mut raise);
    let mut raised = problems.into_all();
    if !file.errors.is_empty() {
        Doubt::of(file).leave_out(&mut raised);
        // Nothing is repaired before the file can be read.
        raised.iter_mut().for_each(|raised| raised.fixable = false);
    }
    let mut all = place(&file.source, raised);
    all.extend(file.errors.iter().chain(&file.warnings).chain(&file.notes).cloned());
    // Of those in fields that nobody reads, only this walk tells.
    let known: HashSet<(&str, usize, usize)> =
        file.errors.iter().map(|problem| (problem.rule.code, problem.line, problem.column)).collect();
    let unread = place(&file.source, unread(&file.source));
    all.extend(unread.into_iter().filter(|new| !known.contains(&(new.rule.code, new.line, new.column))));
    all.sort_by_key(|problem| (problem.line, problem.column));
    all
}

/// That the PLAN in the file `plan_file` does not define these achievements of `file`.
pub fn not_in_plan(file: &ParallelFile, ids: &[AchievementId], plan_file: &str) -> Vec<Problem> {
    let indices = ids.iter().filter_map(|id| file.by_id.get(id).copied());
    place(&file.source, indices.map(|index| plan::not_in_plan(file, index, plan_file)).collect())
}
