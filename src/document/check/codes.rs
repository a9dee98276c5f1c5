//! The code of every finding, and what it means.

use crate::document::{Finding, Severity};

/// What a check can find. Users and scripts rely on the names, so none is ever renamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    Empty,
    Refusal,
    Fenced,
    FenceUnbalanced,
    SectionMissing,
    SectionOrder,
    SectionEmpty,
    SectionDuplicate,
    NoSections,
    ObjectiveMissing,
    Placeholder,
    DeliverableMissing,
    NotSelfContained,
    ExecutionCount,
    ExecutionCountMissing,
    ExecutionPurpose,
    TooShort,
    TooLong,
    PathUnknown,
}

impl Code {
    const ALL: [Self; 19] = [
        Self::Empty,
        Self::Refusal,
        Self::Fenced,
        Self::FenceUnbalanced,
        Self::SectionMissing,
        Self::SectionOrder,
        Self::SectionEmpty,
        Self::SectionDuplicate,
        Self::NoSections,
        Self::ObjectiveMissing,
        Self::Placeholder,
        Self::DeliverableMissing,
        Self::NotSelfContained,
        Self::ExecutionCount,
        Self::ExecutionCountMissing,
        Self::ExecutionPurpose,
        Self::TooShort,
        Self::TooLong,
        Self::PathUnknown,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Refusal => "refusal",
            Self::Fenced => "fenced",
            Self::FenceUnbalanced => "fence-unbalanced",
            Self::SectionMissing => "section-missing",
            Self::SectionOrder => "section-order",
            Self::SectionEmpty => "section-empty",
            Self::SectionDuplicate => "section-duplicate",
            Self::NoSections => "no-sections",
            Self::ObjectiveMissing => "objective-missing",
            Self::Placeholder => "placeholder",
            Self::DeliverableMissing => "deliverable-missing",
            Self::NotSelfContained => "not-self-contained",
            Self::ExecutionCount => "execution-count",
            Self::ExecutionCountMissing => "execution-count-missing",
            Self::ExecutionPurpose => "execution-purpose",
            Self::TooShort => "too-short",
            Self::TooLong => "too-long",
            Self::PathUnknown => "path-unknown",
        }
    }

    fn explanation(self) -> &'static str {
        match self {
            Self::Empty => "There is no text.",
            Self::Refusal => "The text declines to write the document instead of being it.",
            Self::Fenced => "The whole document stands in one code fence, so that nothing of it is read as markdown.",
            Self::FenceUnbalanced => "A code fence is opened and never closed.",
            Self::SectionMissing => "A section that every document of this kind has is not there.",
            Self::SectionOrder => "The sections are all there, but not in their fixed order.",
            Self::SectionEmpty => "A section has no real body: nothing, a few words, or a stand-in such as N/A.",
            Self::SectionDuplicate => "A section is there more than once.",
            Self::NoSections => "The document has no headings that divide it into sections.",
            Self::ObjectiveMissing => "The SUBPLAN does not say in any section what it is to reach.",
            Self::Placeholder => "Text that was to be replaced is still there, such as `[TO BE FILLED]`.",
            Self::DeliverableMissing => "A deliverable that the PLAN asks for is not mentioned.",
            Self::NotSelfContained => "The reader is sent to another achievement's document for something needed here.",
            Self::ExecutionCount => "The Execution Strategy plans no execution, or more than 9.",
            Self::ExecutionCountMissing => {
                "The Execution Strategy does not say how many executions it plans; one is assumed."
            }
            Self::ExecutionPurpose => {
                "The Execution Strategy plans several executions without saying what each is for."
            }
            Self::TooShort => "The document is far shorter than such documents are.",
            Self::TooLong => "The document is longer than nearly all such documents are.",
            Self::PathUnknown => {
                "A path is not in the repository, is no deliverable of the PLAN, and is not marked as new in a folder that exists."
            }
        }
    }

    /// A finding that rejects the document.
    pub(super) fn error(self, line: Option<usize>, message: impl Into<String>) -> Finding {
        Finding { code: self.as_str(), severity: Severity::Error, message: message.into(), line }
    }

    /// A finding that is only reported.
    pub(super) fn warning(self, line: Option<usize>, message: impl Into<String>) -> Finding {
        Finding { severity: Severity::Warning, ..self.error(line, message) }
    }
}

/// What a finding's code means, in one sentence; `None` for a code that no check gives.
pub fn explain(code: &str) -> Option<&'static str> {
    Code::ALL.into_iter().find(|known| known.as_str() == code).map(Code::explanation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_kebab_case_and_explained_once() {
        let mut seen = std::collections::HashSet::new();
        for code in Code::ALL {
            let name = code.as_str();
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{name}");
            assert!(seen.insert(name), "{name} twice");
            let sentence = explain(name).unwrap();
            assert!(sentence.ends_with('.') && sentence.len() > 15, "{name}: {sentence}");
        }
        assert_eq!(explain("no-such-code"), None);
    }
}
