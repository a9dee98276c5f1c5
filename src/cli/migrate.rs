//! `planwave migrate`: the older flat form of parallel.json as the leveled one.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use super::{
    failure::{Exit, Failure},
    global::Global,
    parallel_file::{Rewrite, Target},
    pretty,
    project::settings,
    reporting,
    terminal::{err, out},
};
use crate::{
    parallel::{migrate, whole_seconds},
    report::{Style, sanitize},
};

#[derive(Debug, Args)]
pub(super) struct MigrateArguments {
    /// A plan directory, a PLAN_<NAME>.md, or a parallel.json.
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,
    /// Do not ask before writing.
    #[arg(long, short = 'y')]
    yes: bool,
    /// Print what was done as JSON; needs `--yes` where something would be written.
    #[arg(long)]
    json: bool,
}

/// What was done, for a program.
#[derive(Serialize)]
struct Migrated<'a> {
    file: &'a str,
    written: bool,
    diff: &'a str,
}

pub(super) fn run(arguments: &MigrateArguments, global: &Global) -> Result<Exit, Failure> {
    let target = Target::open(&arguments.path)?;
    let (loaded, sources) = settings(Some(target.dir.path()), &global.overrides())?;
    let style = reporting::style(loaded.settings.output.color, sources.environment.contains_key("NO_COLOR"));
    let shown = target.shown();
    let again = |bytes: &[u8]| {
        let migrated = migrate(bytes, &whole_seconds(Timestamp::now()));
        migrated.map_err(|problems| Failure::problems(&problems, &shown))
    };
    let new = again(&target.bytes)?;
    if arguments.json {
        let diff = match &new {
            Some(new) => {
                target.agreed(arguments.yes)?;
                target.write(&Rewrite { new, again: &again, command: "migrate" })?;
                target.diff(new, Style::default())
            }
            None => String::new(),
        };
        out(&pretty(&Migrated { file: &shown, written: new.is_some(), diff: &diff })?)?;
        return Ok(Exit::Done);
    }
    let Some(new) = new else {
        err(&format!("{} has the leveled form already\n", sanitize(&shown)));
        return Ok(Exit::Done);
    };
    let rewrite = Rewrite { new: &new, again: &again, command: "migrate" };
    if target.rewrite(&rewrite, arguments.yes, style)? {
        err("next: `planwave validate` says whether its fields agree with each other\n");
    }
    Ok(Exit::Done)
}
