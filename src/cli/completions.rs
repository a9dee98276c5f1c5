//! `planwave completions`: what a shell needs to complete commands and options.

use clap::Args;
use clap_complete::Shell;

use super::{
    failure::{Exit, Failure},
    help,
    terminal::out,
};

#[derive(Debug, Args)]
pub(super) struct CompletionsArguments {
    /// The shell.
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

pub(super) fn run(arguments: &CompletionsArguments) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut help::command(), "planwave", &mut script);
    out(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}
