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
    PromptTag,
    PromptEcho,
    Copied,
    SectionRepeated,
    Loop,
    SaysNothing,
    Thin,
    TitleInside,
    SecondDocument,
    OtherAchievement,
    ChatMarker,
    Asks,
    Postamble,
    SectionHidden,
    HeadingLevel,
    DoneAlready,
    UnknownAchievement,
    Cut,
}

impl Code {
    const ALL: [Self; 36] = [
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
        Self::PromptTag,
        Self::PromptEcho,
        Self::Copied,
        Self::SectionRepeated,
        Self::Loop,
        Self::SaysNothing,
        Self::Thin,
        Self::TitleInside,
        Self::SecondDocument,
        Self::OtherAchievement,
        Self::ChatMarker,
        Self::Asks,
        Self::Postamble,
        Self::SectionHidden,
        Self::HeadingLevel,
        Self::DoneAlready,
        Self::UnknownAchievement,
        Self::Cut,
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
            Self::PromptTag => "prompt-tag",
            Self::PromptEcho => "prompt-echo",
            Self::Copied => "copied",
            Self::SectionRepeated => "section-repeated",
            Self::Loop => "loop",
            Self::SaysNothing => "says-nothing",
            Self::Thin => "thin",
            Self::TitleInside => "title-inside",
            Self::SecondDocument => "second-document",
            Self::OtherAchievement => "other-achievement",
            Self::ChatMarker => "chat-marker",
            Self::Asks => "asks",
            Self::Postamble => "postamble",
            Self::SectionHidden => "section-hidden",
            Self::HeadingLevel => "heading-level",
            Self::DoneAlready => "done-already",
            Self::UnknownAchievement => "unknown-achievement",
            Self::Cut => "cut",
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
            Self::ExecutionCount => "The Execution Strategy contradicts itself, plans no execution, too many, or two with one purpose.",
            Self::ExecutionCountMissing => {
                "The Execution Strategy does not say how many executions it plans; one is assumed."
            }
            Self::ExecutionPurpose => {
                "The Execution Strategy plans several executions without saying what each is for."
            }
            Self::TooShort => "The document is far shorter than such documents are.",
            Self::TooLong => "The document is longer than nearly all such documents are.",
            Self::PromptTag => "A line is only a tag of the prompt.",
            Self::PromptEcho => "Eight words or more in a row are the prompt's own.",
            Self::Copied => "Most of the text is copied from the PLAN.",
            Self::SectionRepeated => "Sections say the same as others.",
            Self::Loop => "A section says the same thing over and over.",
            Self::SaysNothing => "A section has next to no words of its own: it would fit any achievement.",
            Self::Thin => "A short SUBPLAN that names hardly any files, functions or numbers.",
            Self::TitleInside => "A title stands inside of the document.",
            Self::SecondDocument => "A section is part of another document, such as the PLAN or the prompt.",
            Self::OtherAchievement => "The deliverables listed are those of another achievement.",
            Self::ChatMarker => "A control token or a turn of a conversation stands in the text.",
            Self::Asks => "The text asks the reader for something instead of deciding it.",
            Self::Postamble => "A remark to the reader stands behind the end.",
            Self::SectionHidden => "The body of a section is only a comment or only a code fence.",
            Self::HeadingLevel => "Headings of sections stood at another level, and were mended.",
            Self::DoneAlready => "Work is reported as done before it has begun.",
            Self::UnknownAchievement => "An id is taken for an achievement that the PLAN does not have.",
            Self::Cut => "The text ends in the middle of a sentence.",
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

/// Every code with what it means.
pub fn codes() -> impl Iterator<Item = (&'static str, &'static str)> {
    Code::ALL.into_iter().map(|code| (code.as_str(), code.explanation()))
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
