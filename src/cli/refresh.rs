//! `planwave refresh`: makes parallel.json say what is on disk.

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
};

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use super::{
    failure::{Exit, Failure},
    pretty,
    project::{Leveled, Project},
    survey::Survey,
    terminal::{err, out, say_merged},
    transition::lock,
};
use crate::{
    parallel::{Change, ParallelFile, whole_seconds},
    plan::AchievementId,
    progress::{Refreshed, refresh, times_wanted},
    report::{plural, sanitize},
    store::{Edited, Operation, WriteError},
};

/// Lines of a list that is printed.
const SHOWN: usize = 20;

#[derive(Debug, Args)]
pub(super) struct RefreshArguments {
    /// A plan directory, a PLAN_<NAME>.md, or a parallel.json.
    #[arg(value_name = "PLAN", default_value = ".")]
    plan: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What was done, for a program.
#[derive(Serialize)]
struct Report<'a> {
    changed: Vec<Changed<'a>>,
    warnings: &'a [String],
}

#[derive(Serialize)]
struct Changed<'a> {
    id: AchievementId,
    changes: &'a [String],
}

pub(super) fn run(arguments: &RefreshArguments) -> Result<Exit, Failure> {
    let project = Project::open(&arguments.plan)?;
    let began = Timestamp::now();
    let dir = std::sync::Arc::clone(&project.dir);
    let lock = lock(&dir, "refresh", began)?;
    let leveled = project.leveled()?;
    let shown = leveled.project.parallel_path().display().to_string();
    let read_warnings = leveled.warnings.clone();
    let refreshed = bring_up_to_date(leveled, began, |changes, updated| {
        let operation = Operation::begin(&dir, &lock, "refresh", began)?;
        let edited = operation.change_parallel(changes, updated)?;
        operation.finish()?;
        Ok(edited)
    })?;
    let Refreshed { changes: _, said, warnings } = &refreshed;
    if arguments.json {
        let changed = said.iter().map(|(id, changes)| Changed { id: *id, changes }).collect();
        out(&pretty(&Report { changed, warnings })?)?;
        return Ok(Exit::Done);
    }
    for warning in &read_warnings {
        err(&format!("warning: {}\n", sanitize(warning)));
    }
    warn(warnings);
    out(&changes_text(said, SHOWN, ""))?;
    err(&match said.len() {
        0 => format!("{shown} is up to date\n"),
        number => format!("{shown}: {} brought up to date\n", plural(number, "achievement")),
    });
    Ok(Exit::Done)
}

/// Prints what does not fit, as much as can be read.
pub(super) fn warn(warnings: &[String]) {
    for warning in warnings.iter().take(SHOWN) {
        err(&format!("warning: {}\n", sanitize(warning)));
    }
    if warnings.len() > SHOWN {
        err(&format!("warning: and {} more such; `planwave refresh --json` lists all\n", warnings.len() - SHOWN));
    }
}

/// What was brought up to date, a line for each achievement behind `indent`, `most` at most.
pub(super) fn changes_text(said: &[(AchievementId, Vec<String>)], most: usize, indent: &str) -> String {
    let line =
        |(id, changes): &(AchievementId, Vec<String>)| format!("{indent}{id}: {}\n", sanitize(&changes.join("; ")));
    let mut text: String = said.iter().take(most).map(line).collect();
    if said.len() > most {
        text.push_str(&format!("{indent}… and {} more\n", said.len() - most));
    }
    text
}

/// Says on standard error what another command has brought up to date, and what does not fit.
pub(super) fn say(refreshed: &Refreshed, shown: &str) {
    /// Beside what the command itself has to say.
    const FEW: usize = 5;
    let Refreshed { changes: _, said, warnings } = refreshed;
    if !said.is_empty() {
        let number = plural(said.len(), "achievement");
        err(&format!("{}: {number} brought up to date\n{}", sanitize(shown), changes_text(said, FEW, "  ")));
    }
    warn(warnings);
}

/// Compares parallel.json with what is on disk, and has it written where it differs. The caller holds the lock, and has
/// read parallel.json since.
pub(super) fn bring_up_to_date(
    leveled: Leveled,
    now: Timestamp,
    write: impl FnOnce(&BTreeMap<AchievementId, Change>, &str) -> Result<Edited, WriteError>,
) -> Result<Refreshed, Failure> {
    let shown = leveled.project.parallel_path().display().to_string();
    let (_, refreshed) = looked_at(leveled)?;
    if !refreshed.changes.is_empty() {
        let edited = write(&refreshed.changes, &whole_seconds(now))?;
        say_merged(edited, &shown);
    }
    Ok(refreshed)
}

/// parallel.json as it should be by what is on disk, and what that changes.
pub(super) fn brought_up_to_date(leveled: Leveled, now: Timestamp) -> Result<(ParallelFile, Refreshed), Failure> {
    let (mut file, refreshed) = looked_at(leveled)?;
    file.apply(&refreshed.changes, &whole_seconds(now));
    Ok((file, refreshed))
}

/// parallel.json as it is, and what has to change by what is on disk.
fn looked_at(leveled: Leveled) -> Result<(ParallelFile, Refreshed), Failure> {
    let survey = Survey::documents(leveled)?;
    let refreshed = {
        let ground = survey.ground();
        let dir = &survey.leveled.project.dir;
        let times: HashMap<AchievementId, Timestamp> = times_wanted(&ground, &survey.standings)
            .into_iter()
            .filter_map(|(id, path)| Some((id, dir.modified(path)?)))
            .collect();
        refresh(&ground, &survey.standings, &times, &|path| dir.modified(path).is_some())
    };
    Ok((survey.leveled.file, refreshed))
}
