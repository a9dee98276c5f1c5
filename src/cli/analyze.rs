//! `planwave analyze --declared`: a parallel.json from what the PLAN itself says.

use jiff::Timestamp;

use super::{
    arguments::AnalyzeArguments,
    failure::{Exit, Failure},
    project::Project,
    terminal::{err, out},
};
use crate::{
    parallel::{ParallelFile, declared, declares_nothing},
    store::{Existing, WriteError},
};

pub(super) fn run(arguments: &AnalyzeArguments) -> Result<Exit, Failure> {
    let project = Project::open(&arguments.plan)?;
    let plan_file = project.dir.shown(&project.dir.located().plan_file).display().to_string();
    let created = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let text = declared(&project.plan, &created).map_err(|problems| Failure::problems(&problems, &plan_file))?;
    if declares_nothing(&project.plan) {
        err("warning: the PLAN declares no dependencies, so all achievements are put in one level\n");
        err("  hint: add `- **Dependencies**: 1.1` lines to the PLAN, or edit the file\n");
    }
    if arguments.dry_run {
        out(&text);
        return Ok(Exit::Done);
    }
    let existing = if arguments.force { Existing::Replace } else { Existing::Keep };
    match project.dir.write("parallel.json", text.as_bytes(), existing) {
        Ok(()) => {}
        Err(error @ WriteError::Exists { .. }) => {
            return Err(Failure::invalid(error.to_string()).hint(String::from(
                "`--dry-run` prints what would be written; `--force` replaces the file, and its statuses are lost",
            )));
        }
        Err(error) => return Err(error.into()),
    }
    let levels = ParallelFile::parse(text.as_bytes()).map_or(0, |file| file.levels().len());
    let path = project.parallel_path();
    let count = project.plan.achievements.len();
    out(&format!("wrote {}: {count} achievements in {levels} levels\n", path.display()));
    out(&format!("next: planwave run {} --level 1 --dry-run\n", arguments.plan.display()));
    Ok(Exit::Done)
}
