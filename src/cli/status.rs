//! `planwave status`: where a plan stands. It takes no lock and writes nothing.

use std::{path::PathBuf, sync::Arc};

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use super::{
    failure::{Exit, Failure},
    global::Global,
    own_folder, pretty,
    project::{Leveled, settings},
    reporting,
    survey::Survey,
    terminal::{self, err, out},
};
use crate::{
    report::{RunWaiting, sanitize, status_text},
    store::PlanDir,
};

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
        let run_waiting = run_waiting(&dir);
        out(&pretty(&Shown { overview: &overview, run_waiting })?)?;
        return Ok(Exit::Done);
    }
    for warning in &survey.leveled.warnings {
        err(&format!("warning: {}\n", sanitize(warning)));
    }
    let style = reporting::output_style(loaded.settings.output.color, sources.environment.contains_key("NO_COLOR"));
    out(&status_text(&overview, terminal::width(), style))?;
    if let Some(waiting) = run_waiting(&dir) {
        out(&format!("\n{}", waiting.text()))?;
    }
    // The program ends here. To give a large plan's small pieces of memory back one by one takes a tenth of the time.
    std::mem::forget((survey, overview));
    Ok(Exit::Done)
}

/// What `--json` prints.
#[derive(Serialize)]
struct Shown<'a, O: Serialize> {
    #[serde(flatten)]
    overview: &'a O,
    /// What a run under way waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    run_waiting: Option<RunWaiting>,
}

/// What the latest run waits for, as far as it says. A status does not depend on it, so what cannot be read is nothing.
fn run_waiting(dir: &PlanDir) -> Option<RunWaiting> {
    let latest = dir.operations().ok()?.into_iter().next()?;
    let journal = dir.events(&latest).ok()??;
    RunWaiting::read(&latest.to_string(), &journal, Timestamp::now())
}
