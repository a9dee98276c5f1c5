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
    /// Nothing is left to do about it, so that what depends on it may begin.
    pub fn is_done(self) -> bool {
        match self {
            Self::Complete | Self::Skipped => true,
            Self::NotStarted | Self::SubplanCreated | Self::ExecutionCreated | Self::InProgress | Self::Failed => false,
        }
    }

    /// Nobody has begun: it can be taken up as soon as what it depends on is done.
    pub fn is_open(self) -> bool {
        match self {
            Self::NotStarted | Self::SubplanCreated | Self::ExecutionCreated => true,
            Self::InProgress | Self::Complete | Self::Failed | Self::Skipped => false,
        }
    }

    /// The words that people read.
    pub fn words(self) -> &'static str {
        match self {
            Self::NotStarted => "not started",
            Self::SubplanCreated => "has its SUBPLAN",
            Self::ExecutionCreated => "has its EXECUTION_TASK",
            Self::InProgress => "in progress",
            Self::Complete => "complete",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }

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
/// document that failed is missing, which the caller knows as `failure_open`. A stored `in_progress` holds until there
/// is a verdict, with or without documents: no file shows that somebody has begun.
pub fn derive_status(evidence: Evidence, stored: Status, failure_open: bool) -> Status {
    if evidence.approved {
        Status::Complete
    } else if evidence.fix {
        Status::Failed
    } else if evidence.skipped {
        Status::Skipped
    } else if failure_open {
        Status::Failed
    } else if stored == Status::InProgress {
        Status::InProgress
    } else if evidence.executions > 0 {
        Status::ExecutionCreated
    } else if evidence.subplan {
        Status::SubplanCreated
    } else {
        Status::NotStarted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every evidence beside every stored status, against the rules of design.md written as a list.
    #[test]
    fn files_outrank_the_stored_status() {
        for bits in 0_u32..64 {
            let is = |bit: u32| bits & (1 << bit) != 0;
            let evidence = Evidence {
                approved: is(0),
                fix: is(1),
                skipped: is(2),
                subplan: is(3),
                executions: if is(4) { 2 } else { 0 },
            };
            for stored in Status::ALL {
                let rules = [
                    (evidence.approved, Status::Complete),
                    (evidence.fix, Status::Failed),
                    (evidence.skipped, Status::Skipped),
                    (is(5), Status::Failed),
                    (stored == Status::InProgress, Status::InProgress),
                    (evidence.executions > 0, Status::ExecutionCreated),
                    (evidence.subplan, Status::SubplanCreated),
                    (true, Status::NotStarted),
                ];
                let expected = rules.iter().find(|(holds, _)| *holds).map(|(_, status)| *status);
                assert_eq!(Some(derive_status(evidence, stored, is(5))), expected, "{evidence:?} {stored}");
            }
        }
    }

    #[test]
    fn a_stored_verdict_without_its_file_counts_for_nothing() {
        let none = Evidence::default();
        let subplan = Evidence { subplan: true, ..none };
        let execution = Evidence { executions: 1, ..none };
        let table = [
            (none, Status::Complete, Status::NotStarted),
            (subplan, Status::Skipped, Status::SubplanCreated),
            (execution, Status::Failed, Status::ExecutionCreated),
            (none, Status::InProgress, Status::InProgress),
            (Evidence { approved: true, fix: true, ..execution }, Status::Failed, Status::Complete),
        ];
        for (evidence, stored, expected) in table {
            assert_eq!(derive_status(evidence, stored, false), expected, "{evidence:?} {stored}");
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
