//! What an analysis is about: the PLAN, the parallel.json that is there, and what of both holds in any case.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use super::AnalyzeArguments;
use crate::{
    cli::{failure::Failure, past::good_copy_hint, project::Project},
    document::Names,
    parallel::{Basis, ParallelFile, Problem, Status, derive_status, migrate, whole_seconds},
    plan::AchievementId,
};

/// Everything that is read before anything is computed.
pub(super) struct Subject {
    pub(super) project: Project,
    /// The PLAN, whole.
    pub(super) text: String,
    pub(super) old: Option<Old>,
    pub(super) basis: Basis,
    pub(super) warnings: Vec<String>,
    /// How the PLAN is called in messages.
    pub(super) plan_file: String,
    /// How parallel.json is called in messages.
    pub(super) parallel_file: String,
}

/// The parallel.json that is there.
pub(super) struct Old {
    pub(super) bytes: Vec<u8>,
    pub(super) file: ParallelFile,
}

impl Subject {
    pub(super) fn open(arguments: &AnalyzeArguments) -> Result<Self, Failure> {
        let project = Project::open(&arguments.plan)?;
        let text = String::from_utf8_lossy(&project.dir.read_plan()?).into_owned();
        let plan_file = project.dir.shown(&project.dir.located().plan_file).display().to_string();
        let parallel_file = project.parallel_path().display().to_string();
        let mut warnings = project.warnings.clone();
        let old = if arguments.force { None } else { read_old(&project, &parallel_file, &mut warnings)? };
        let file = old.as_ref().map(|old| &old.file);
        let statuses = statuses(&project, file)?;
        let status = |id: AchievementId| statuses.get(&id).copied().unwrap_or_default();
        let basis =
            Basis::new(&project.plan, file, &status).map_err(|problems| Failure::problems(&problems, &plan_file))?;
        Ok(Self { project, text, old, basis, warnings, plan_file, parallel_file })
    }
}

fn read_old(project: &Project, shown: &str, warnings: &mut Vec<String>) -> Result<Option<Old>, Failure> {
    let Some(bytes) = project.dir.read_parallel()? else { return Ok(None) };
    let again = || {
        let copy = good_copy_hint(&project.dir);
        format!("{copy}\n  `--force` begins anew: statuses and other fields of the file are then lost")
    };
    let refused = |problems: Vec<Problem>| Failure::problems(&problems, shown).hint(again());
    let mut file = ParallelFile::parse(&bytes).map_err(refused)?;
    if let Some(text) = migrate(&bytes, &whole_seconds(Timestamp::now())).map_err(refused)? {
        warnings
            .push(format!("{shown} has the older flat form: it is rewritten with levels, and its other fields stay"));
        file = ParallelFile::parse(text.as_bytes()).map_err(refused)?;
    }
    let errors = file.check().errors;
    let ambiguous: Vec<_> = errors
        .iter()
        .filter(|problem| matches!(problem.rule.name, "duplicate-id" | "duplicate-level"))
        .cloned()
        .collect();
    if !ambiguous.is_empty() {
        return Err(Failure::problems(&ambiguous, shown).hint(again()));
    }
    // What else is wrong is about dependencies and levels, which are found anew.
    warnings.extend(errors.iter().map(|problem| format!("{shown}:{problem}")));
    if let Some(other) = file.plan_name().filter(|name| *name != project.plan.name.as_str()) {
        warnings.push(format!("{shown} is of the plan {other}, not of {}", project.plan.name));
    }
    let planned: HashSet<AchievementId> = project.plan.achievements.iter().map(|achievement| achievement.id).collect();
    for entry in file.entries() {
        if !planned.contains(&entry.id) {
            warnings.push(format!("{} is in {shown} and not in the PLAN; it stays as it is", entry.id));
        }
    }
    Ok(Some(Old { bytes, file }))
}

/// Where each achievement stands, by the files of the plan directory and by what the old file says.
fn statuses(project: &Project, file: Option<&ParallelFile>) -> Result<HashMap<AchievementId, Status>, Failure> {
    let stored = file.map(ParallelFile::entries).unwrap_or_default();
    let mut ids: Vec<AchievementId> = project.plan.achievements.iter().map(|achievement| achievement.id).collect();
    ids.extend(stored.iter().map(|entry| entry.id));
    ids.sort_unstable();
    ids.dedup();
    let names = Names::new(project.plan.name.clone(), ids.iter().copied());
    let scan = project.dir.scan(&names)?;
    let of = |id: AchievementId| {
        let stored = file.and_then(|file| file.get(id)).map(|entry| entry.status).unwrap_or_default();
        derive_status(scan.of_achievement(id).evidence, stored, false)
    };
    Ok(ids.into_iter().map(|id| (id, of(id))).collect())
}
