//! The table of transitions: what people may do with an achievement, given its status, and what comes of it.

use std::fmt;

use crate::parallel::{Evidence, Status, derive_status};

/// Something that people do with an achievement. Each is a command of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Begin to work on it.
    Start,
    /// Accept it.
    Complete,
    /// Send it back, to be fixed.
    Fail,
    /// Take it up again after a failure, or after it was skipped.
    Retry,
    /// Leave it out on purpose.
    Skip,
    /// Say who is to work on it.
    Assign,
    /// Take it and begin to work on it.
    Claim,
    /// Give it back: nobody works on it.
    Release,
}

impl Action {
    /// Every action, in the order of the life of an achievement.
    pub const ALL: [Self; 8] =
        [Self::Assign, Self::Claim, Self::Start, Self::Release, Self::Complete, Self::Fail, Self::Retry, Self::Skip];

    /// The command's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Complete => "complete",
            Self::Fail => "fail",
            Self::Retry => "retry",
            Self::Skip => "skip",
            Self::Assign => "assign",
            Self::Claim => "claim",
            Self::Release => "release",
        }
    }

    /// What can be done with an achievement of this status.
    pub fn legal(status: Status) -> Vec<Self> {
        Self::ALL.into_iter().filter(|action| next(status, *action, Evidence::default()).is_some()).collect()
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The status that comes of an action; `None`: illegal here. `evidence` is what is on disk; where an action gives an
/// achievement back, its documents say what it is.
pub fn next(status: Status, action: Action, evidence: Evidence) -> Option<Status> {
    use Action::{Assign, Claim, Complete, Fail, Release, Retry, Skip, Start};
    let given_back = || {
        let documents = Evidence { approved: false, fix: false, skipped: false, ..evidence };
        derive_status(documents, Status::NotStarted, false)
    };
    match (status, action) {
        (Status::NotStarted | Status::SubplanCreated | Status::ExecutionCreated, Start | Claim) => {
            Some(Status::InProgress)
        }
        (Status::NotStarted | Status::SubplanCreated | Status::ExecutionCreated, Assign | Release) => Some(status),
        (Status::NotStarted | Status::SubplanCreated | Status::ExecutionCreated, Retry) => None,
        (Status::InProgress, Start | Claim | Retry) => None,
        (Status::InProgress, Assign) => Some(Status::InProgress),
        (Status::InProgress, Release) => Some(given_back()),
        (Status::NotStarted | Status::SubplanCreated | Status::ExecutionCreated | Status::InProgress, Fail) => {
            Some(Status::Failed)
        }
        (Status::Failed, Start | Claim | Fail) => None,
        (Status::Failed, Assign | Release) => Some(Status::Failed),
        (
            Status::NotStarted
            | Status::SubplanCreated
            | Status::ExecutionCreated
            | Status::InProgress
            | Status::Failed,
            Skip,
        ) => Some(Status::Skipped),
        // A verdict written by hand is completed with times and executor.
        (
            Status::NotStarted
            | Status::SubplanCreated
            | Status::ExecutionCreated
            | Status::InProgress
            | Status::Failed
            | Status::Complete,
            Complete,
        ) => Some(Status::Complete),
        (Status::Complete, Start | Claim | Fail | Retry | Skip | Assign | Release) => None,
        (Status::Failed | Status::Skipped, Retry) => Some(given_back()),
        (Status::Skipped, Start | Claim | Complete | Fail | Skip | Assign | Release) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_as_people_read_it() {
        let mut table = String::new();
        for status in Status::ALL {
            let legal: Vec<&str> = Action::legal(status).into_iter().map(Action::as_str).collect();
            table.push_str(&format!("{status:<18}{}\n", legal.join(" ")));
        }
        insta::assert_snapshot!(table, @r"
        not_started       assign claim start release complete fail skip
        subplan_created   assign claim start release complete fail skip
        execution_created assign claim start release complete fail skip
        in_progress       assign release complete fail skip
        complete          complete
        failed            assign release complete retry skip
        skipped           retry
        ");
    }

    #[test]
    fn what_is_given_back_is_what_its_documents_say() {
        let subplan = Evidence { subplan: true, fix: true, skipped: true, ..Evidence::default() };
        let execution = Evidence { executions: 1, ..subplan };
        let table = [
            (Status::InProgress, Action::Release, execution, Status::ExecutionCreated),
            (Status::InProgress, Action::Release, Evidence::default(), Status::NotStarted),
            (Status::Failed, Action::Retry, execution, Status::ExecutionCreated),
            (Status::Failed, Action::Retry, subplan, Status::SubplanCreated),
            (Status::Skipped, Action::Retry, subplan, Status::SubplanCreated),
        ];
        for (status, action, evidence, after) in table {
            assert_eq!(next(status, action, evidence), Some(after), "{status} {action}");
        }
    }
}
