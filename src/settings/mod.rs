//! Settings: what they are, where each value came from, and the API key.
//!
//! [`load`] is a pure function of [`Sources`] and [`Overrides`]; the layers and every key are described in
//! `config/default.toml`. Three places act: [`Sources::from_system`] reads the environment and the configuration
//! files, [`api_key`] reads a variable or runs the user's command. Nothing here prints, and nothing else in the crate
//! reads the environment.

mod api_key;
mod error;
mod file;
mod keys;
mod layers;
mod named;
mod narrow;
mod origin;
mod overrides;
mod reach;
mod redact;
mod server_url;
mod sources;
mod steering;
#[cfg(test)]
mod tests;
mod trust;
mod values;
mod variables;

pub use api_key::{KeySource, KeyState, api_key, key_state};
pub use error::{SettingsError, WrongValue};
pub use layers::{Entry, Loaded, load};
pub use named::NamedPath;
pub use origin::{FileOwner, Origin};
pub use overrides::{Overrides, flag_number};
pub use redact::{MASK, redact};
pub use server_url::{ServerUrl, needs_key};
pub use sources::{SourceFile, Sources, git_excludes_file, home_directory, state_directory};
pub use trust::{Claim, ClaimKind, GRANTS_FILE, Grants};
pub use values::{
    CodeBase, Color, Documents, KeyCommand, Limits, Log, LogLevel, Model, Order, Output, ProgressStyle, Prompts, Retry,
    Review, Run, Settings, StageChoice, Tape, Timeouts,
};
