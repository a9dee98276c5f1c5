//! Where a value came from.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::fmt;

/// Where a value came from, in the words that a person would use for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// `config/default.toml`.
    Default,
    /// A configuration file.
    File {
        /// The file as shown to a person.
        name: String,
        /// 1-based.
        line: usize,
        /// Whose file it is.
        owner: FileOwner,
    },
    /// An environment variable.
    Variable(String),
    /// A flag of the command line.
    Flag(&'static str),
}

/// Whose a configuration file is; it decides how far the file is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileOwner {
    /// The user's own.
    User,
    /// Part of a project or a plan directory, perhaps written by somebody else.
    Project,
}

impl Origin {
    /// Whether the value stands in a file that may be somebody else's.
    pub fn is_project_file(&self) -> bool {
        match self {
            Self::File { owner, .. } => *owner == FileOwner::Project,
            Self::Default | Self::Variable(_) | Self::Flag(_) => false,
        }
    }
}

impl Origin {
    /// File and line, where it is in a file.
    pub(super) fn place(&self) -> Option<(&str, Option<usize>)> {
        match self {
            Self::File { name, line, .. } => Some((name, Some(*line))),
            Self::Default | Self::Variable(_) | Self::Flag(_) => None,
        }
    }

    /// Whether the value stands in the file that is shown by this name.
    pub(super) fn is_of(&self, file: &str) -> bool {
        matches!(self, Self::File { name, .. } if name == file)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.pad("default"),
            Self::File { name, line, .. } => f.pad(&format!("{name}:{line}")),
            Self::Variable(name) => f.pad(name),
            Self::Flag(name) => f.pad(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_reads_like_a_place() {
        let file = Origin::File { name: "~/.config/planwave/config.toml".into(), line: 3, owner: FileOwner::User };
        assert_eq!(Origin::Default.to_string(), "default");
        assert_eq!(file.to_string(), "~/.config/planwave/config.toml:3");
        assert_eq!(Origin::Variable("PLANWAVE_RUN_CONCURRENCY".into()).to_string(), "PLANWAVE_RUN_CONCURRENCY");
        assert_eq!(Origin::Flag("--concurrency").to_string(), "--concurrency");
    }
}
