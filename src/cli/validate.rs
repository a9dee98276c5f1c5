//! `planwave validate`: everything that is wrong with a parallel.json, and `--fix` for what has one right answer.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use super::{
    failure::{Exit, Failure},
    global::Global,
    parallel_file::{PlanRead, Rewrite, Target, exit},
    past::good_copy_hint,
    pretty,
    project::settings,
    reporting,
    terminal::{err, out, width},
};
use crate::{
    parallel::{ParallelFile, Problem, Severity, lint, repair, whole_seconds},
    report::{ProblemsView, Style, problems_summary, problems_text, sanitize, sanitize_block},
};

#[derive(Debug, Args)]
pub(super) struct ValidateArguments {
    /// A plan directory, a PLAN_<NAME>.md, or a parallel.json.
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,
    /// Repair what has one right answer: show what would change, ask, write.
    #[arg(long)]
    fix: bool,
    /// Do not ask before writing.
    #[arg(long, short = 'y', requires = "fix")]
    yes: bool,
    /// List every problem, also where a rule is broken more than 50 times.
    #[arg(long)]
    all: bool,
    /// Print the problems as JSON; with `--fix`, those before and after, and what was changed.
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

/// What a repair has done, for a program.
#[derive(Serialize)]
struct Repaired<'a> {
    file: &'a str,
    written: bool,
    before: Vec<Located<'a>>,
    after: Vec<Located<'a>>,
    diff: &'a str,
}

fn located<'a>(problems: &'a [Problem], file: &'a str) -> Vec<Located<'a>> {
    problems.iter().map(|problem| Located { file, problem }).collect()
}

pub(super) fn run(arguments: &ValidateArguments, global: &Global) -> Result<Exit, Failure> {
    let target = Target::open(&arguments.path)?;
    let (loaded, sources) = settings(Some(target.dir.path()), &global.overrides())?;
    let (color, no_color) = (loaded.settings.output.color, sources.environment.contains_key("NO_COLOR"));
    let style = reporting::style(color, no_color);
    let view = ProblemsView {
        width: width(),
        coloured: reporting::output_style(color, no_color).is_enabled(),
        all: arguments.all,
    };
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
        let mended = |bytes: &[u8]| {
            let mended = repair(bytes, &around, &whole_seconds(Timestamp::now()));
            mended.map_err(|problems| Failure::problems(&problems, &shown))
        };
        let new = mended(&target.bytes)?;
        let again = |now: &[u8]| mended(now).map(Some);
        let rewrite = Rewrite { new: &new, again: &again, command: "validate --fix" };
        if arguments.json {
            target.agreed(arguments.yes)?;
            target.write(&rewrite)?;
            let repaired = Target::open(&arguments.path)?;
            let left = find(&repaired, &repaired.plan())?;
            return report_repair(&target, &problems, &left, &target.diff(&new, Style::default()));
        }
        if target.rewrite(&rewrite, arguments.yes, style)? {
            let target = Target::open(&arguments.path)?;
            let left = find(&target, &target.plan())?;
            return report(&target, &left, arguments, view);
        }
        return Ok(exit(has_errors(&problems)));
    }
    if arguments.fix && arguments.json {
        return report_repair(&target, &problems, &problems, "");
    }
    if arguments.fix {
        let readable = ParallelFile::parse(&target.bytes).is_ok();
        err(if readable { "nothing to repair\n" } else { "nothing is repaired before the file can be read\n" });
    }
    let exit = report(&target, &problems, arguments, view)?;
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

fn report(
    target: &Target,
    problems: &[Problem],
    arguments: &ValidateArguments,
    view: ProblemsView,
) -> Result<Exit, Failure> {
    let shown = target.shown();
    if arguments.json {
        out(&pretty(&located(problems, &shown))?)?;
    } else {
        out(&problems_text(problems, &target.text(), &shown, view))?;
        err(&format!("{}: {}\n", sanitize(&shown), problems_summary(problems)));
    }
    Ok(exit(has_errors(problems)))
}

fn report_repair(target: &Target, before: &[Problem], after: &[Problem], diff: &str) -> Result<Exit, Failure> {
    let file = target.shown();
    let (written, before, left) = (!diff.is_empty(), located(before, &file), located(after, &file));
    out(&pretty(&Repaired { file: &file, written, before, after: left, diff })?)?;
    Ok(exit(has_errors(after)))
}
