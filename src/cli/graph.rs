//! `planwave graph`: the dependencies of a plan as a picture. It takes no lock and writes nothing.

use std::{path::PathBuf, sync::Arc};

use clap::{Args, ValueEnum};

use super::{
    failure::{Exit, Failure},
    global::Global,
    own_folder, pretty,
    project::{Leveled, settings},
    reporting,
    survey::Survey,
    terminal::{self, err, out},
};
use crate::report::{Dag, DagNode, dag_dot, dag_mermaid, dag_text, sanitize};

/// `planwave graph`.
#[derive(Debug, Args)]
pub(super) struct GraphArguments {
    /// A plan directory, a PLAN_<NAME>.md, or a parallel.json.
    #[arg(value_name = "PLAN", default_value = ".")]
    plan: PathBuf,
    /// In which form.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Print JSON.
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// Lines, level by level.
    Text,
    /// A Mermaid flowchart, for markdown.
    Mermaid,
    /// A digraph for Graphviz.
    Dot,
}

pub(super) fn run(arguments: &GraphArguments, global: &Global) -> Result<Exit, Failure> {
    let dir = Arc::new(own_folder::open(&arguments.plan)?);
    let (loaded, sources) = settings(Some(dir.path()), &global.overrides())?;
    let survey = Survey::statuses(Leveled::read(&dir)?)?;
    for warning in &survey.leveled.warnings {
        err(&format!("warning: {}\n", sanitize(warning)));
    }
    let dag = dag(&survey);
    if arguments.json {
        out(&pretty(&dag)?)?;
        return Ok(Exit::Done);
    }
    let style = reporting::output_style(loaded.settings.output.color, sources.environment.contains_key("NO_COLOR"));
    out(&match arguments.format {
        Format::Text => dag_text(&dag, terminal::width(), style),
        Format::Mermaid => dag_mermaid(&dag),
        Format::Dot => dag_dot(&dag),
    })?;
    Ok(Exit::Done)
}

fn dag(survey: &Survey) -> Dag {
    let graph = &survey.leveled.graph;
    let mut achievements: Vec<DagNode> = (0..graph.len())
        .map(|node| {
            let mut dependencies: Vec<_> = graph.dependencies(node).iter().map(|needed| graph.id(*needed)).collect();
            dependencies.sort_unstable();
            DagNode {
                id: graph.id(node),
                title: survey.titles.titles[node].clone(),
                level: graph.level(node),
                status: survey.standings.status(node),
                dependencies,
            }
        })
        .collect();
    achievements.sort_by_key(|node| (node.level, node.id));
    Dag { plan: survey.leveled.project.plan.name.clone(), achievements }
}
