//! `planwave retry`: an achievement that failed or was skipped is taken up again.

use clap::Args;

use super::{
    failure::{Exit, Failure},
    global::Global,
    transition::{self, Output, Target, Wish},
};
use crate::progress::Action;

#[derive(Debug, Args)]
pub(super) struct RetryArguments {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    output: Output,
}

pub(super) fn run(arguments: &RetryArguments, global: &Global) -> Result<Exit, Failure> {
    transition::run(Action::Retry, &arguments.target, Wish::default(), &arguments.output, global)
}
