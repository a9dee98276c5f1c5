//! SUBPLAN and EXECUTION_TASK documents: their names, headers, sections, and the checks an answer has to pass.
//!
//! Pure: text in, values out. It must not read files, print, or call models.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

mod across;
mod check;
mod executions;
mod header;
mod names;
mod outline;
mod prose;
mod sections;
mod signature;

pub use across::{Clash, ClashKind, LevelDocument, clashes};
pub use check::{
    Code, Expected, ExpectedPaths, Judged, Material, check_answer, check_document, check_paths, explain,
    is_placeholder, judge_answer, unwrap_answer,
};
pub use executions::{EXECUTION_COUNT_RULE, ExecutionCount, MAX_EXECUTIONS, execution_count, planned_executions};
pub use header::{Header, render_document};
pub use names::{FileRole, Folder, Names, Slugs, Stranger, stage_of_file_name};
pub use outline::{DEFAULT_LANGUAGE, OutlineError, Outlines, SectionSpec};
pub use sections::{Digest, EXECUTION_SECTIONS, SUBPLAN_SECTIONS, Section, digest, sections};

use serde::{Deserialize, Serialize};

/// Which document of an achievement is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The SUBPLAN.
    Subplan,
    /// The EXECUTION_TASK or EXECUTION_TASKs.
    Execution,
}

impl Stage {
    /// The folder of its documents, relative to the plan directory.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Subplan => "subplans",
            Self::Execution => "execution",
        }
    }

    /// The word used in parallel.json, events and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Subplan => "subplan",
            Self::Execution => "execution",
        }
    }
}

impl std::fmt::Display for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// One shortcoming that a check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Stable code such as `section-missing`.
    pub code: Code,
    /// Errors reject a document; warnings are only reported.
    pub severity: Severity,
    /// One sentence that a model or a person can act on.
    pub message: String,
    /// 1-based line in the checked text, where one can be named.
    pub line: Option<usize>,
}

/// How much a [`Finding`] weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The document is not accepted.
    Error,
    /// The document is accepted and the finding reported.
    Warning,
}

/// One EXECUTION_TASK that a SUBPLAN plans.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExecutionPart {
    /// Its number, from 1 (`01` in the file name).
    pub number: u32,
    /// How many there are in all, at most 9.
    pub of: u32,
    /// What this one is for; empty where there is only one.
    pub purpose: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_has_its_folder_and_its_word() {
        for (stage, folder, word) in
            [(Stage::Subplan, "subplans", "subplan"), (Stage::Execution, "execution", "execution")]
        {
            assert_eq!((stage.folder(), stage.as_str()), (folder, word));
            assert_eq!(format!("{stage:>10}"), format!("{word:>10}"), "it is written in columns");
        }
    }
}
