//! `planwave start`: somebody begins to work on an achievement.

use clap::Args;

use super::{
    failure::{Exit, Failure},
    global::Global,
    transition::{self, Output, Target, Wish},
};
use crate::progress::Action;

#[derive(Debug, Args)]
pub(super) struct StartArguments {
    #[command(flatten)]
    target: Target,
    /// Who works on it [default: who it is assigned to, `documents.executor`, or the user's name].
    #[arg(long, value_name = "NAME")]
    executor: Option<String>,
    /// Begin although something it depends on is not done, or something in progress needs the same.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    output: Output,
}

pub(super) fn run(arguments: &StartArguments, global: &Global) -> Result<Exit, Failure> {
    let StartArguments { target, executor, force, output } = arguments;
    let wish = Wish { executor: executor.clone(), force: *force, ..Wish::default() };
    transition::run(Action::Start, target, wish, output, global)
}
