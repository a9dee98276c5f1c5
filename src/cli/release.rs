//! `planwave release`: an achievement is given back, and nobody works on it.

use clap::Args;

use super::{
    failure::{Exit, Failure},
    global::Global,
    transition::{self, Output, Target, Wish},
};
use crate::progress::Action;

#[derive(Debug, Args)]
pub(super) struct ReleaseArguments {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    output: Output,
}

pub(super) fn run(arguments: &ReleaseArguments, global: &Global) -> Result<Exit, Failure> {
    transition::run(Action::Release, &arguments.target, Wish::default(), &arguments.output, global)
}
