//! What can be wrong with settings and keys. No message holds a value that may be secret.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::path::PathBuf;

use super::{keys::names_a_secret, origin::Origin};

/// Why settings or a key cannot be used. All of them are the input's fault: exit code 2.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A configuration file is there but cannot be read.
    #[error("{file}: cannot be read: {reason}")]
    Unreadable {
        /// The file as shown to a person.
        file: String,
        /// What the system says.
        reason: String,
    },
    /// A configuration file is far larger than any configuration.
    #[error("{file}: larger than {limit} bytes, which is no configuration file")]
    TooLarge {
        /// The file as shown to a person.
        file: String,
        /// The largest size that is read.
        limit: u64,
    },
    /// A configuration file is not UTF-8.
    #[error("{file}:{line}: not UTF-8 text")]
    NotUtf8 {
        /// The file as shown to a person.
        file: String,
        /// 1-based line of the first bad byte.
        line: usize,
    },
    /// A configuration file is not TOML.
    #[error("{file}:{line}:{column}: not valid TOML: {reason}")]
    Syntax {
        /// The file as shown to a person.
        file: String,
        /// 1-based.
        line: usize,
        /// 1-based, in characters.
        column: usize,
        /// What the parser says; it does not quote the file.
        reason: String,
    },
    /// A key that planwave does not know.
    #[error("{origin}: unknown key `{key}`")]
    UnknownKey {
        /// Where.
        origin: Origin,
        /// The key with its table.
        key: String,
        /// The most similar key there is.
        nearest: Option<String>,
    },
    /// A `PLANWAVE_` variable that stands for no key.
    #[error("unknown environment variable `{name}`")]
    UnknownVariable {
        /// The variable.
        name: String,
        /// The most similar variable there is.
        nearest: Option<String>,
    },
    /// A value of the wrong type or out of range.
    #[error("{}: `{}` must be {}, not {}", .0.origin, .0.key, .0.expected, .0.found)]
    WrongValue(Box<WrongValue>),
    /// An API key, or what looks like one, in a file or a variable of planwave's own.
    #[error("{origin}: `{key}` looks like a place for an API key, and planwave takes none there")]
    KeyInSettings {
        /// Where.
        origin: Origin,
        /// The key with its table.
        key: String,
    },
    /// A field of requests that is not the user's to set.
    #[error("{origin}: `{key}` is a field that planwave sets itself")]
    OwnParameter {
        /// Where.
        origin: Origin,
        /// The key with its table.
        key: String,
        /// What to do instead.
        instead: &'static str,
    },
    /// A field of requests that asks for several answers, each of which is paid for.
    #[error("{origin}: `{key}` asks for several answers to each request, and planwave uses one")]
    Multiplies {
        /// Where.
        origin: Origin,
        /// The key with its table.
        key: String,
    },
    /// A key whose value is for the user to decide, set by a project's file to something else than the user says.
    #[error("{origin}: `{key}` cannot be set by a project's file alone, because it says {says}")]
    NotInProjectFile {
        /// Where.
        origin: Origin,
        /// The key with its table.
        key: String,
        /// What it decides.
        says: &'static str,
        /// The variable that sets the key.
        variable: String,
    },
    /// A file that a setting names and that cannot be read.
    #[error("cannot read {}: {reason} (`{key}` of {origin})", path.display())]
    Named {
        /// Where it is named.
        origin: Origin,
        /// The key with its table.
        key: String,
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A project's file names something outside of its own directory.
    #[error("{} {how} (`{key}` of {origin})", path.display())]
    LeadsOut {
        /// Where it is named.
        origin: Origin,
        /// The key with its table.
        key: String,
        /// What is named.
        path: PathBuf,
        /// In which way, as what follows a subject.
        how: &'static str,
    },
    /// Plain HTTP to another machine.
    #[error("{origin}: `model.base_url` sends prompts and the API key in the clear to {host}")]
    InsecureUrl {
        /// Where the URL was set.
        origin: Origin,
        /// The host.
        host: String,
    },
    /// The command that should print the key did not.
    #[error("the command `{program}` (model.api_key_command) gave no API key: {reason}")]
    KeyCommand {
        /// The program.
        program: String,
        /// What went wrong.
        reason: String,
    },
    /// The key cannot be sent in a header.
    #[error(
        "the API key from {source_name} has a character that cannot be sent in a header, such as a line break or a space"
    )]
    UnusableKey {
        /// The variable or the program.
        source_name: String,
    },
    /// The checked values do not fill the typed settings: a defect of planwave, not of the input.
    #[error("the settings could not be put together: {reason}")]
    Defect {
        /// What serde says.
        reason: String,
    },
}

/// A value of the wrong type or out of range. Boxed in [`SettingsError`], of which it is the largest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongValue {
    /// Where.
    pub origin: Origin,
    /// The key with its table.
    pub key: String,
    /// What would be right.
    pub expected: String,
    /// What stands there; described only, where it may be secret.
    pub found: String,
    /// What to do about it, where it can be told.
    pub hint: Option<String>,
}

impl From<WrongValue> for SettingsError {
    fn from(wrong: WrongValue) -> Self {
        Self::WrongValue(Box::new(wrong))
    }
}

impl SettingsError {
    /// The file as shown to a person, and the line, where it is about a file.
    pub fn place(&self) -> Option<(&str, Option<usize>)> {
        match self {
            Self::Unreadable { file, .. } | Self::TooLarge { file, .. } => Some((file, None)),
            Self::NotUtf8 { file, line } | Self::Syntax { file, line, .. } => Some((file, Some(*line))),
            Self::UnknownKey { origin, .. }
            | Self::KeyInSettings { origin, .. }
            | Self::OwnParameter { origin, .. }
            | Self::Multiplies { origin, .. }
            | Self::NotInProjectFile { origin, .. }
            | Self::Named { origin, .. }
            | Self::LeadsOut { origin, .. }
            | Self::InsecureUrl { origin, .. } => origin.place(),
            Self::WrongValue(wrong) => wrong.origin.place(),
            Self::UnknownVariable { .. } | Self::KeyCommand { .. } | Self::UnusableKey { .. } | Self::Defect { .. } => {
                None
            }
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unreadable { .. } => Some("make the file readable, or remove it".to_owned()),
            Self::TooLarge { .. } => Some("remove the file, or put the right one in its place".to_owned()),
            Self::NotUtf8 { .. } => Some("save the file as UTF-8".to_owned()),
            Self::Syntax { .. } => Some("see https://toml.io for the notation; texts need quotes".to_owned()),
            Self::UnknownKey { nearest, .. } => Some(match nearest {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => "`planwave config show` lists every key".to_owned(),
            }),
            Self::UnknownVariable { nearest, name } => Some(match nearest {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None if names_a_secret(name.trim_start_matches("PLANWAVE_")) => KEY_PLACES.to_owned(),
                None => "PLANWAVE_<TABLE>_<KEY> sets a key; `planwave config show` lists every key".to_owned(),
            }),
            Self::WrongValue(wrong) => wrong.hint.clone(),
            Self::KeyInSettings { .. } => Some(KEY_PLACES.to_owned()),
            Self::OwnParameter { instead, .. } => Some((*instead).to_owned()),
            Self::Multiplies { .. } => Some(String::from("remove it: the other answers would be paid for and thrown away")),
            Self::NotInProjectFile { variable, .. } => {
                Some(format!("set it in your own configuration file or in {variable}, or remove it here"))
            }
            Self::Named { .. } => Some(String::from("name another file, or leave the setting empty")),
            Self::LeadsOut { key, .. } => Some(format!(
                "a project's file may name only what lies below its own directory: put it there, or set `{key}` in your own configuration"
            )),
            Self::InsecureUrl { .. } => {
                Some("use https://, or, if you trust the network, set model.allow_insecure_http = true in your own configuration file".to_owned())
            }
            Self::KeyCommand { .. } => Some(
                "run the command yourself: it has to print the key, and nothing else, on standard output".to_owned(),
            ),
            Self::UnusableKey { .. } => Some("set the key again, without quotes or line breaks".to_owned()),
            Self::Defect { .. } => Some("please report this as a defect of planwave".to_owned()),
        }
    }
}

const KEY_PLACES: &str = "put the key in the environment variable OPENAI_API_KEY (or name another one in \
                          model.api_key_env), or let model.api_key_command print it";
