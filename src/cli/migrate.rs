//! `planwave migrate`: the older flat form of parallel.json as the leveled one.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;

use super::{
    failure::{Exit, Failure},
    global::Global,
    parallel_file::Target,
    project::settings,
    reporting,
    terminal::err,
};
use crate::{
    parallel::{migrate, whole_seconds},
    report::sanitize,
};

#[derive(Debug, Args)]
pub(super) struct MigrateArguments {
    /// A plan directory, a PLAN_<NAME>.md, or a parallel.json.
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,
    /// Do not ask before writing.
    #[arg(long, short = 'y')]
    yes: bool,
}

pub(super) fn run(arguments: &MigrateArguments, global: &Global) -> Result<Exit, Failure> {
    let target = Target::open(&arguments.path)?;
    let (loaded, sources) = settings(Some(target.dir.path()), &global.overrides())?;
    let style = reporting::style(loaded.settings.output.color, sources.environment.contains_key("NO_COLOR"));
    let shown = target.shown();
    let new = migrate(&target.bytes, &whole_seconds(Timestamp::now()))
        .map_err(|problems| Failure::problems(&problems, &shown))?;
    let Some(new) = new else {
        err(&format!("{} has the leveled form already\n", sanitize(&shown)));
        return Ok(Exit::Done);
    };
    if target.rewrite(&new, "migrate", arguments.yes, style)? {
        err("next: `planwave validate` says whether its fields agree with each other\n");
    }
    Ok(Exit::Done)
}
