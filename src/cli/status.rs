//! `planwave status`: where a plan stands. It takes no lock and writes nothing.

use std::{path::PathBuf, sync::Arc};

use clap::Args;

use super::{
    failure::{Exit, Failure},
    global::Global,
    own_folder, pretty,
    project::{Leveled, settings},
    reporting,
    survey::Survey,
    terminal::{self, err, out},
};
use crate::report::{sanitize, status_text};

#[derive(Debug, Args)]
pub(super) struct StatusArguments {
    /// A plan directory, a PLAN_<NAME>.md, or a parallel.json.
    #[arg(value_name = "PLAN", default_value = ".")]
    plan: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &StatusArguments, global: &Global) -> Result<Exit, Failure> {
    let dir = Arc::new(own_folder::open(&arguments.plan)?);
    let (loaded, sources) = settings(Some(dir.path()), &global.overrides())?;
    let survey = Survey::statuses(Leveled::read(&dir)?)?;
    let overview = survey.overview(&arguments.plan.display().to_string());
    if arguments.json {
        out(&pretty(&overview)?)?;
        return Ok(Exit::Done);
    }
    for warning in &survey.leveled.warnings {
        err(&format!("warning: {}\n", sanitize(warning)));
    }
    let style = reporting::output_style(loaded.settings.output.color, sources.environment.contains_key("NO_COLOR"));
    out(&status_text(&overview, terminal::width(), style))?;
    // The program ends here. To give a large plan's small pieces of memory back one by one takes a tenth of the time.
    std::mem::forget((survey, overview));
    Ok(Exit::Done)
}
