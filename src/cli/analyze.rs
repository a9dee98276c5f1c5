//! `planwave analyze --declared`: a parallel.json from what the PLAN itself says.

use jiff::Timestamp;

use super::{
    arguments::AnalyzeArguments,
    failure::{Exit, Failure},
    project::Project,
    run::whole_seconds,
    terminal::{err, out},
};
use crate::{
    parallel::{ParallelFile, declared, declares_nothing},
    report::{plural, sanitize},
    store::{Existing, RunLock, WriteError},
};

pub(super) fn run(arguments: &AnalyzeArguments) -> Result<Exit, Failure> {
    let project = Project::open(&arguments.plan)?;
    let plan_file = project.dir.shown(&project.dir.located().plan_file).display().to_string();
    let created = whole_seconds(Timestamp::now());
    let text = declared(&project.plan, &created).map_err(|problems| Failure::problems(&problems, &plan_file))?;
    if declares_nothing(&project.plan) {
        err("warning: the PLAN declares no dependencies, so all achievements are put in one level\n");
        err("  hint: add `- **Dependencies**: 1.1` lines to the PLAN, or edit the file\n");
    }
    for warning in &project.warnings {
        err(&format!("warning: {}\n", sanitize(warning)));
    }
    for achievement in &project.plan.achievements {
        if let (true, Some(text)) = (achievement.dependencies.is_empty(), &achievement.dependencies_text) {
            let (id, line) = (achievement.id, achievement.line);
            let text = sanitize(text);
            err(&format!("warning: {plan_file}:{line}: {id} names no achievement it depends on: {text}\n"));
        }
    }
    if arguments.dry_run {
        out(&text)?;
        return Ok(Exit::Done);
    }
    let _lock = RunLock::take(&project.dir, &format!("process {} (analyze) since {created}", std::process::id()))?;
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
    out(&format!("wrote {}: {} in {}\n", path.display(), plural(count, "achievement"), plural(levels, "level")))?;
    out(&format!("next: planwave run {} --level 1 --dry-run\n", arguments.plan.display()))?;
    Ok(Exit::Done)
}
