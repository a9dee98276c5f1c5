//! The one rule by which an achievement's status follows from files and from parallel.json.

use serde::{Deserialize, Serialize};

/// Where an achievement stands. `blocked` is not among them: it is derived from the dependencies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nothing exists yet.
    #[default]
    NotStarted,
    /// Its SUBPLAN exists.
    SubplanCreated,
    /// At least one EXECUTION_TASK exists.
    ExecutionCreated,
    /// Somebody works on it.
    InProgress,
    /// Reviewed and accepted.
    Complete,
    /// Reviewed and to be fixed, or its generation failed.
    Failed,
    /// Left out on purpose.
    Skipped,
}

impl Status {
    /// Every status, in the order of the life of an achievement.
    pub const ALL: [Self; 7] = [
        Self::NotStarted,
        Self::SubplanCreated,
        Self::ExecutionCreated,
        Self::InProgress,
        Self::Complete,
        Self::Failed,
        Self::Skipped,
    ];

    /// The word that parallel.json uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotStarted => "not_started",
            Self::SubplanCreated => "subplan_created",
            Self::ExecutionCreated => "execution_created",
            Self::InProgress => "in_progress",
            Self::Complete => "complete",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }

    /// The status that parallel.json's word names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// What the plan directory holds for one achievement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// `APPROVED_<SLUG>.md` is there.
    pub approved: bool,
    /// `FIX_<SLUG>.md` is there.
    pub fix: bool,
    /// `SKIPPED_<SLUG>.md` is there.
    pub skipped: bool,
    /// A SUBPLAN that is neither empty nor a placeholder is there.
    pub subplan: bool,
    /// The number of EXECUTION_TASKs that are neither empty nor placeholders.
    pub executions: usize,
}

/// Derives the status: files say what exists and how it was judged, `stored` only what files cannot show.
///
/// APPROVED beside FIX counts as complete: the fix was made, then approved. A stored `failed` holds only while the
/// document that failed is missing, which the caller knows as `failure_open`.
pub fn derive_status(evidence: Evidence, stored: Status, failure_open: bool) -> Status {
    if evidence.approved {
        Status::Complete
    } else if evidence.fix {
        Status::Failed
    } else if evidence.skipped {
        Status::Skipped
    } else if failure_open {
        Status::Failed
    } else if evidence.executions > 0 {
        if stored == Status::InProgress { Status::InProgress } else { Status::ExecutionCreated }
    } else if evidence.subplan {
        Status::SubplanCreated
    } else {
        Status::NotStarted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_outrank_the_stored_status() {
        let none = Evidence::default();
        let subplan = Evidence { subplan: true, ..none };
        let execution = Evidence { executions: 2, ..subplan };
        let table = [
            (none, Status::Complete, false, Status::NotStarted),
            (none, Status::Failed, true, Status::Failed),
            (subplan, Status::NotStarted, false, Status::SubplanCreated),
            (subplan, Status::SubplanCreated, true, Status::Failed),
            (execution, Status::SubplanCreated, false, Status::ExecutionCreated),
            (execution, Status::InProgress, false, Status::InProgress),
            (Evidence { approved: true, fix: true, ..execution }, Status::Failed, true, Status::Complete),
            (Evidence { fix: true, ..execution }, Status::Complete, false, Status::Failed),
            (Evidence { skipped: true, ..subplan }, Status::SubplanCreated, false, Status::Skipped),
        ];
        for (evidence, stored, open, expected) in table {
            assert_eq!(derive_status(evidence, stored, open), expected, "{evidence:?} {stored} {open}");
        }
    }

    #[test]
    fn words_round_trip() {
        for status in Status::ALL {
            assert_eq!(Status::parse(status.as_str()), Some(status));
        }
        assert_eq!(Status::parse("blocked"), None);
    }
}
