//! `planwave next`: what is ready, the most worthwhile first. It takes no lock and writes nothing.

use std::{collections::HashSet, path::PathBuf, sync::Arc};

use clap::Args;
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
    parallel::Status,
    plan::{AchievementId, Hours},
    progress::{NothingToClaim, Place, Recommendation, choose, may_take, ranked},
    report::{next_text, ready_text, sanitize},
};

#[derive(Debug, Args)]
pub(super) struct NextArguments {
    /// A plan directory, a PLAN_<NAME>.md, or a parallel.json.
    #[arg(value_name = "PLAN", default_value = ".")]
    plan: PathBuf,
    /// Leave out what is assigned to others than this executor.
    #[arg(long, value_name = "NAME")]
    executor: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// An achievement that is ready, for a program.
#[derive(Serialize)]
struct Ready<'a> {
    id: AchievementId,
    title: &'a str,
    level: u32,
    status: Status,
    executor: Option<&'a str>,
    estimated_hours: Option<Hours>,
    /// As in `status --json`.
    holds_up: usize,
    unlocks: Vec<AchievementId>,
    /// It can be begun besides what is in progress and those above it that can: its level has room, and none of them needs the
    /// same.
    runnable_now: bool,
}

/// The command that takes the best of them.
fn claim(arguments: &NextArguments) -> Recommendation {
    let mut command = vec![String::from("planwave"), String::from("claim")];
    let plan = arguments.plan.display().to_string();
    command.extend(Some(plan).filter(|plan| plan != "."));
    if let Some(executor) = &arguments.executor {
        command.extend([String::from("--executor"), executor.clone()]);
    }
    Recommendation { command, why: String::from("takes the first of them that has its documents, and begins") }
}

pub(super) fn run(arguments: &NextArguments, global: &Global) -> Result<Exit, Failure> {
    let dir = Arc::new(own_folder::open(&arguments.plan)?);
    let (loaded, sources) = settings(Some(dir.path()), &global.overrides())?;
    let survey = Survey::statuses(Leveled::read(&dir)?)?;
    let (file, graph, standings) = (&survey.leveled.file, &*survey.leveled.graph, &survey.standings);
    let executor = arguments.executor.as_deref();
    let entries = file.entries();
    let wanted = |node: &usize| {
        standings.place(*node) == Place::Ready && (executor.is_none() || may_take(&entries[*node], executor))
    };
    let ready = ranked(graph, standings, (0..graph.len()).filter(wanted));
    let room = survey.room();
    let runnable: HashSet<usize> = room.clone().runnable_now(&ready).0.into_iter().collect();
    if arguments.json {
        let rows = ready.iter().map(|ranked| {
            let node = ranked.node;
            Ready {
                id: graph.id(node),
                title: &survey.titles.titles[node],
                level: graph.level(node),
                status: standings.status(node),
                executor: entries[node].executor.as_deref(),
                estimated_hours: survey.titles.estimates[node],
                holds_up: ranked.holds_up,
                unlocks: ranked.unlocks.iter().map(|node| graph.id(*node)).collect(),
                runnable_now: runnable.contains(&node),
            }
        });
        out(&pretty(&rows.collect::<Vec<_>>())?)?;
    } else {
        for warning in &survey.leveled.warnings {
            err(&format!("warning: {}\n", sanitize(warning)));
        }
    }
    if !arguments.json && !ready.is_empty() {
        let overview = survey.overview(&arguments.plan.display().to_string());
        let color = loaded.settings.output.color;
        let style = reporting::output_style(color, sources.environment.contains_key("NO_COLOR"));
        let ids: Vec<AchievementId> = ready.iter().map(|ranked| graph.id(ranked.node)).collect();
        let mut text = ready_text(&overview, &ids, terminal::width(), style);
        let choice = choose(file, graph, standings, &room, executor);
        if choice.is_ok() {
            next_text(&mut text, &claim(arguments), style);
        }
        out(&text)?;
        if let Err(reason) = choice {
            err(&format!("nothing to claim: {}\n", sanitize(&reason.to_string())));
        }
    }
    if !ready.is_empty() {
        return Ok(Exit::Done);
    }
    match choose(file, graph, standings, &room, executor) {
        Err(reason) => {
            err(&format!("{}\n", sanitize(&reason.to_string())));
            Ok(if reason == NothingToClaim::AllDone { Exit::Done } else { Exit::Incomplete })
        }
        Ok(_) => Ok(Exit::Done),
    }
}
