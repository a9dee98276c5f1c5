//! `planwave fail`: an achievement is reviewed and has to be fixed. What depends on it is blocked until then.

use clap::{Args, builder::NonEmptyStringValueParser};

use super::{
    failure::{Exit, Failure},
    global::Global,
    transition::{self, Output, Target, Wish},
};
use crate::progress::Action;

#[derive(Debug, Args)]
pub(super) struct FailArguments {
    #[command(flatten)]
    target: Target,
    /// What has to be fixed; written to the FIX file.
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    reason: String,
    #[command(flatten)]
    output: Output,
}

pub(super) fn run(arguments: &FailArguments, global: &Global) -> Result<Exit, Failure> {
    let FailArguments { target, reason, output } = arguments;
    let wish = Wish { text: Some(reason.clone()), ..Wish::default() };
    transition::run(Action::Fail, target, wish, output, global)
}
