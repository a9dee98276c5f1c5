//! The options that every command takes.

use clap::Args;

use crate::settings::{Color, LogLevel, Overrides};

#[derive(Debug, Args)]
pub(super) struct Global {
    /// When to colour.
    #[arg(long, global = true, value_enum, value_name = "WHEN")]
    color: Option<Color>,
    /// What goes to the diagnostic log on standard error.
    #[arg(long, global = true, value_enum, value_name = "LEVEL")]
    log: Option<LogLevel>,
}

impl Global {
    /// What these flags set.
    pub(super) fn overrides(&self) -> Overrides {
        Overrides { color: self.color, log: self.log, ..Overrides::default() }
    }
}
