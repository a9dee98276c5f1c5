//! `planwave claim`: takes the most worthwhile achievement that is ready. The choice is made under the lock, so that two
//! claims at once never get the same.

use std::path::PathBuf;

use clap::Args;

use super::{
    failure::{Exit, Failure},
    global::Global,
    terminal::{err, out},
    transition::{Desk, Output, Wish},
};
use crate::{
    progress::{Action, choose},
    report::sanitize,
};

#[derive(Debug, Args)]
pub(super) struct ClaimArguments {
    /// A plan directory, a PLAN_<NAME>.md, or a parallel.json.
    #[arg(value_name = "PLAN", default_value = ".")]
    plan: PathBuf,
    /// Who takes it [default: `documents.executor`, or the user's name].
    #[arg(long, value_name = "NAME")]
    executor: Option<String>,
    #[command(flatten)]
    output: Output,
}

pub(super) fn run(arguments: &ClaimArguments, global: &Global) -> Result<Exit, Failure> {
    let ClaimArguments { plan, executor, output } = arguments;
    let desk = Desk::open(plan, Action::Claim, output, global)?;
    let executor = executor.clone().or_else(|| desk.default_executor.clone());
    let survey = &desk.survey;
    let leveled = &survey.leveled;
    let chosen = choose(&leveled.file, &leveled.graph, &survey.standings, &survey.room(), executor.as_deref());
    match chosen {
        Ok(node) => {
            let done = desk.act(Action::Claim, node, Wish { executor, ..Wish::default() })?;
            output.say(&done)
        }
        Err(reason) => {
            if output.json {
                out("null\n")?;
            }
            err(&format!("nothing to claim: {}\n", sanitize(&reason.to_string())));
            if let Some(hint) = reason.hint() {
                err(&format!("  hint: {hint}\n"));
            }
            Ok(Exit::Incomplete)
        }
    }
}
