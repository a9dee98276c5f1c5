//! `planwave validate`: everything that is wrong with a parallel.json, and `--fix` for what has one right answer.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use super::{
    failure::{Exit, Failure},
    global::Global,
    parallel_file::{PlanRead, Target, exit},
    past::good_copy_hint,
    pretty,
    project::settings,
    reporting,
    terminal::{err, out, width},
};
use crate::{
    parallel::{ParallelFile, Problem, Severity, lint, repair, whole_seconds},
    report::{ProblemsView, problems_summary, problems_text, sanitize, sanitize_block},
};

#[derive(Debug, Args)]
pub(super) struct ValidateArguments {
    /// A plan directory, a PLAN_<NAME>.md, or a parallel.json.
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,
    /// Repair what has one right answer: show what would change, ask, write.
    #[arg(long, conflicts_with = "json")]
    fix: bool,
    /// Do not ask before writing.
    #[arg(long, short = 'y', requires = "fix")]
    yes: bool,
    /// List every problem, not only the first of each rule.
    #[arg(long)]
    all: bool,
    /// Print the problems as JSON.
    #[arg(long)]
    json: bool,
}

/// A problem and the file that has it.
#[derive(Serialize)]
struct Located<'a> {
    file: &'a str,
    #[serde(flatten)]
    problem: &'a Problem,
}

pub(super) fn run(arguments: &ValidateArguments, global: &Global) -> Result<Exit, Failure> {
    let target = Target::open(&arguments.path)?;
    let (loaded, sources) = settings(Some(target.dir.path()), &global.overrides())?;
    let style = reporting::style(loaded.settings.output.color, sources.environment.contains_key("NO_COLOR"));
    let plan = target.plan();
    for warning in &plan.warnings {
        err(&format!("warning: {}\n", sanitize(warning)));
    }
    let problems = find(&target, &plan)?;
    let unreadable = ParallelFile::salvage(&target.bytes).is_err();
    if arguments.fix && problems.iter().any(|problem| problem.fixable) {
        let file = ParallelFile::parse(&target.bytes);
        let shown = target.shown();
        let file = file.map_err(|problems| Failure::problems(&problems, &shown))?;
        let around = target.surroundings(&file, &plan)?;
        let new = repair(&target.bytes, &around, &whole_seconds(Timestamp::now()))
            .map_err(|problems| Failure::problems(&problems, &shown))?;
        if target.rewrite(&new, "validate --fix", arguments.yes, style)? {
            let target = Target::open(&arguments.path)?;
            let left = find(&target, &target.plan())?;
            return report(&target, &left, arguments);
        }
        return Ok(exit(has_errors(&problems)));
    }
    if arguments.fix {
        let readable = ParallelFile::parse(&target.bytes).is_ok();
        err(if readable { "nothing to repair\n" } else { "nothing is repaired before the file can be read\n" });
    }
    let exit = report(&target, &problems, arguments)?;
    if unreadable && target.is_the_plans() {
        err(&format!("  hint: {}\n", sanitize_block(&good_copy_hint(&target.dir))));
    }
    Ok(exit)
}

/// Everything that is wrong, of a file that can be read or not.
pub(super) fn find(target: &Target, plan: &PlanRead) -> Result<Vec<Problem>, Failure> {
    match ParallelFile::salvage(&target.bytes) {
        Ok(file) => Ok(lint(&file, &target.surroundings(&file, plan)?)),
        Err(problems) => Ok(problems),
    }
}

fn has_errors(problems: &[Problem]) -> bool {
    problems.iter().any(|problem| problem.severity == Severity::Error)
}

fn report(target: &Target, problems: &[Problem], arguments: &ValidateArguments) -> Result<Exit, Failure> {
    let shown = target.shown();
    if arguments.json {
        let list: Vec<Located<'_>> = problems.iter().map(|problem| Located { file: &shown, problem }).collect();
        out(&pretty(&list)?)?;
    } else {
        let coloured = console::colors_enabled() && console::Term::stdout().is_term();
        let view = ProblemsView { width: width(), coloured, all: arguments.all };
        out(&problems_text(problems, &target.text(), &shown, view))?;
        err(&format!("{}: {}\n", sanitize(&shown), problems_summary(problems)));
    }
    Ok(exit(has_errors(problems)))
}
