//! `planwave skip`: an achievement is left out on purpose, so that it holds up nothing.

use clap::{Args, builder::NonEmptyStringValueParser};

use super::{
    failure::{Exit, Failure},
    global::Global,
    transition::{self, Output, Target, Wish},
};
use crate::progress::Action;

#[derive(Debug, Args)]
pub(super) struct SkipArguments {
    #[command(flatten)]
    target: Target,
    /// Why it is left out; written to the SKIPPED file.
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    reason: String,
    /// Skip it although it is critical.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    output: Output,
}

pub(super) fn run(arguments: &SkipArguments, global: &Global) -> Result<Exit, Failure> {
    let SkipArguments { target, reason, force, output } = arguments;
    let wish = Wish { text: Some(reason.clone()), force: *force, ..Wish::default() };
    transition::run(Action::Skip, target, wish, output, global)
}
