//! The code of every finding, and what it means.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::document::{Finding, Severity};

/// Makes [`Code`] from one row per code: variant, name, explanation.
macro_rules! codes {
    ($($variant:ident $name:literal $explanation:literal)*) => {
        /// What a check can find. Users and scripts rely on the names, so none is ever renamed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $(#[doc = $explanation] $variant,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name by which users and scripts know it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it means, in one sentence.
            pub fn explanation(self) -> &'static str {
                match self { $(Self::$variant => $explanation,)* }
            }
        }
    };
}

codes! {
    Empty "empty" "There is no text."
    Refusal "refusal" "The text declines to write the document instead of being it."
    Fenced "fenced" "The whole document stands in one code fence, so that nothing of it is read as markdown."
    FenceUnbalanced "fence-unbalanced" "A code fence is opened and never closed."
    SectionMissing "section-missing" "A section that every document of this kind has is not there."
    SectionOrder "section-order" "The sections are all there, but not in their fixed order."
    SectionEmpty "section-empty" "A section has no real body: nothing, a few words, or a stand-in such as N/A."
    SectionDuplicate "section-duplicate" "A section is there more than once."
    NoSections "no-sections" "The document has no headings that divide it into sections."
    ObjectiveMissing "objective-missing" "The SUBPLAN does not say in any section what it is to reach."
    Placeholder "placeholder" "Text that was to be replaced is still there, such as `[TO BE FILLED]`."
    DeliverableMissing "deliverable-missing" "A deliverable that the PLAN asks for is not mentioned."
    NotSelfContained "not-self-contained"
        "The reader is sent to another achievement's document for something needed here."
    ExecutionCount "execution-count" "The Execution Strategy contradicts itself, plans no execution, too many, or two with one purpose."
    ExecutionCountMissing "execution-count-missing"
        "The Execution Strategy does not say how many executions it plans; one is assumed."
    ExecutionPurpose "execution-purpose"
        "The Execution Strategy plans several executions without saying what each is for."
    TooShort "too-short" "The document is far shorter than such documents are."
    TooLong "too-long" "The document is longer than nearly all such documents are."
    PromptTag "prompt-tag" "A line is only a tag of the prompt."
    PromptEcho "prompt-echo" "Eight words or more in a row are the prompt's own."
    Copied "copied" "Most of the text is copied from the PLAN."
    SectionRepeated "section-repeated" "Sections say the same as others."
    Loop "loop" "A section says the same thing over and over."
    SaysNothing "says-nothing" "A section has next to no words of its own: it would fit any achievement."
    Thin "thin" "A short SUBPLAN that names hardly any files, functions or numbers."
    TitleInside "title-inside" "A title stands inside of the document."
    SecondDocument "second-document" "A section is part of another document, such as the PLAN or the prompt."
    OtherAchievement "other-achievement" "The deliverables listed are those of another achievement."
    ChatMarker "chat-marker" "A control token or a turn of a conversation stands in the text."
    Asks "asks" "The text asks the reader for something instead of deciding it."
    Postamble "postamble" "A remark to the reader stands behind the end."
    SectionHidden "section-hidden" "The body of a section is only a comment or only a code fence."
    HeadingLevel "heading-level" "Headings of sections stood at another level, and were mended."
    DoneAlready "done-already" "Work is reported as done before it has begun."
    UnknownAchievement "unknown-achievement" "An id is taken for an achievement that the PLAN does not have."
    Cut "cut" "The text ends in the middle of a sentence."
    PathUnknown "path-unknown" "A path is not in the repository, is no deliverable of the PLAN, and is not marked as new in a folder that exists."
    Review "review" "A second opinion (`model.review`) found a fault and quoted the passage that shows it."
    FinishUnclear "finish-unclear" "The server did not say whether the answer is whole."
    FinishReason "finish-reason" "The server gave a reason for ending that is not known to mean a whole answer."
    PromptCut "prompt-cut" "The server counted far fewer tokens of the prompt than it was sent, so it cut it."
    CutOff "cut-off" "The answer was cut off before its end, at a token limit or by the server."
    SecretInDocument "secret-in-document" "The text holds an API key or a password."
    NotUtf8 "not-utf8" "The file is not text in UTF-8."
    Unknown "unknown" "A code of another version of planwave."
}

impl Code {
    /// A finding that rejects the document.
    pub(crate) fn error(self, line: Option<usize>, message: impl Into<String>) -> Finding {
        Finding { code: self, severity: Severity::Error, message: message.into(), line }
    }

    /// A finding that is only reported.
    pub(crate) fn warning(self, line: Option<usize>, message: impl Into<String>) -> Finding {
        Finding { severity: Severity::Warning, ..self.error(line, message) }
    }

    /// The code with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == name)
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Ok(Self::parse(&name).unwrap_or(Self::Unknown))
    }
}

/// What a finding's code means, in one sentence; `None` for a code that no check gives.
pub fn explain(code: &str) -> Option<&'static str> {
    Code::parse(code).map(Code::explanation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_kebab_case_and_explained_once() {
        let mut seen = std::collections::HashSet::new();
        for code in Code::ALL {
            let name = code.as_str();
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'), "{name}");
            assert!(seen.insert(name), "{name} twice");
            let sentence = explain(name).unwrap();
            assert!(sentence.ends_with('.') && sentence.len() > 15, "{name}: {sentence}");
            assert_eq!(serde_json::from_str::<Code>(&serde_json::to_string(code).unwrap()).unwrap(), *code);
        }
        assert_eq!(explain("no-such-code"), None);
        assert_eq!(serde_json::from_str::<Code>("\"of-tomorrow\"").unwrap(), Code::Unknown);
    }
}
