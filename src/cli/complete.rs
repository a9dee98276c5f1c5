//! `planwave complete`: an achievement is reviewed and accepted.

use clap::Args;

use super::{
    failure::{Exit, Failure},
    global::Global,
    transition::{self, Output, Target, Wish},
};
use crate::progress::Action;

#[derive(Debug, Args)]
pub(super) struct CompleteArguments {
    #[command(flatten)]
    target: Target,
    /// What to remember; kept in the APPROVED file and in parallel.json.
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// The hours it took [default: since it was started].
    #[arg(long, value_name = "H", allow_negative_numbers = true)]
    hours: Option<f64>,
    #[command(flatten)]
    output: Output,
}

pub(super) fn run(arguments: &CompleteArguments, global: &Global) -> Result<Exit, Failure> {
    let CompleteArguments { target, note, hours, output } = arguments;
    let wish = Wish { text: note.clone(), hours: *hours, ..Wish::default() };
    transition::run(Action::Complete, target, wish, output, global)
}
