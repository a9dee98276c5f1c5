//! Files that look like documents or verdicts of the plan and do not count: named, so that nobody wonders why.

use std::fmt;

use super::PlanDir;
use crate::document::{Folder, Names, Stranger};

/// Where people put documents that belong in one of the folders of [`Folder`].
const NEARBY: [&str; 2] = [".", "feedbacks"];

/// Something with the name of a document or a verdict that does not count; paths are relative to the plan directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Oddity {
    /// A document of another plan.
    OfOtherPlan {
        /// The file.
        path: String,
        /// The name of that plan, as the file's name has it.
        other: String,
        /// The name of this one.
        own: String,
    },
    /// It would count in another folder.
    Misplaced {
        /// The file.
        path: String,
        /// The folder.
        belongs: &'static str,
    },
    /// It belongs to no achievement of the plan.
    Nobodys {
        /// The file.
        path: String,
    },
    /// It is no regular file in the plan directory.
    NoFile {
        /// Where it stands.
        path: String,
        /// What it is.
        what: &'static str,
        /// Whether a document would stand there; else a verdict.
        is_document: bool,
    },
}

impl Oddity {
    /// What a file that does not count is, where it looks as if it might; `folder` is the one that it stands in.
    pub(super) fn of(names: &Names, folder: Option<Folder>, path: &str) -> Option<Self> {
        let name = path.rsplit('/').next().unwrap_or(path);
        let path = || path.to_owned();
        Some(match names.stranger(folder, name)? {
            Stranger::Elsewhere(home) => Self::Misplaced { path: path(), belongs: home.path() },
            Stranger::OfPlan(other) => Self::OfOtherPlan { path: path(), other, own: names.plan().to_string() },
            Stranger::Nobodys => Self::Nobodys { path: path() },
        })
    }

    /// Where it stands.
    pub fn path(&self) -> &str {
        match self {
            Self::OfOtherPlan { path, .. }
            | Self::Misplaced { path, .. }
            | Self::Nobodys { path }
            | Self::NoFile { path, .. } => path,
        }
    }
}

impl fmt::Display for Oddity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OfOtherPlan { path, other, own } => {
                write!(f, "{path} does not count: it is a document of the plan {other}, not of {own}")
            }
            Self::Misplaced { path, belongs } => write!(f, "{path} does not count there: it belongs in {belongs}/"),
            Self::Nobodys { path } => write!(f, "{path} belongs to no achievement of the plan"),
            Self::NoFile { path, what, is_document: _ } => write!(f, "{path} does not count: it is {what}"),
        }
    }
}

/// The documents and verdicts of the plan that stand beside the folders where they would count. A folder that cannot be
/// read has nothing to tell.
pub(super) fn misplaced(plan_dir: &PlanDir, names: &Names) -> Vec<Oddity> {
    let mut odd = Vec::new();
    for folder in NEARBY {
        let Ok(entries) = plan_dir.dir().read_dir(folder) else { continue };
        for entry in entries.flatten() {
            let Ok(name) = entry.file_name().into_string() else { continue };
            let path = if folder == "." { name } else { format!("{folder}/{name}") };
            odd.extend(Oddity::of(names, None, &path));
        }
    }
    odd
}
