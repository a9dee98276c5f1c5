//! Which sections a generated document has: their headings in each language and what a prompt asks for below them.
//!
//! The data is `config/documents.toml`. It must not know how a document is checked or how a prompt is laid out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Stage;

/// The embedded sections.
const BUILT_IN: &str = include_str!("../../config/documents.toml");

/// The language whose headings are used where none is set.
pub const DEFAULT_LANGUAGE: &str = "en";

/// One section of a generated document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SectionSpec {
    /// Its name in every language, such as `testing_strategy`; empty for a section that a team added.
    pub key: String,
    /// Its heading.
    pub name: String,
    /// What it answers.
    pub content: String,
    /// Its form in a few words: what stands in the skeleton below the heading.
    pub hint: String,
    /// The fewest words of its body.
    pub least_words: usize,
    /// "None" is an answer.
    pub may_be_none: bool,
}

/// The sections of both stages' documents, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outlines {
    subplan: Vec<SectionSpec>,
    execution: Vec<SectionSpec>,
}

/// The sections cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OutlineError {
    /// The data is no TOML, or a field is missing.
    #[error("the sections of documents cannot be read: {0}")]
    Form(String),
    /// A language without headings.
    #[error("there are no headings in the language `{language}`; there are: {}", known.join(", "))]
    Language {
        /// What was asked for.
        language: String,
        /// The languages that have headings.
        known: Vec<String>,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    subplan: Vec<Entry>,
    execution: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    key: String,
    least_words: usize,
    #[serde(default)]
    none: bool,
    content: String,
    hint: String,
    names: BTreeMap<String, String>,
}

impl Entry {
    fn spec(self, language: &str) -> Result<SectionSpec, OutlineError> {
        let Self { key, least_words, none, content, hint, mut names } = self;
        let Some(name) = names.remove(language) else {
            let known = names.into_keys().collect();
            return Err(OutlineError::Language { language: language.to_owned(), known });
        };
        Ok(SectionSpec { key, name, content, hint, least_words, may_be_none: none })
    }
}

impl Outlines {
    /// The embedded sections with the headings of `language` (`en`, `de`, …).
    pub fn built_in(language: &str) -> Result<Self, OutlineError> {
        let file: File = toml::from_str(BUILT_IN).map_err(|error| OutlineError::Form(error.to_string()))?;
        let specs = |entries: Vec<Entry>| -> Result<Vec<SectionSpec>, OutlineError> {
            entries.into_iter().map(|entry| entry.spec(language)).collect()
        };
        Ok(Self { subplan: specs(file.subplan)?, execution: specs(file.execution)? })
    }

    /// The sections of one stage's documents, in order.
    pub fn of(&self, stage: Stage) -> &[SectionSpec] {
        match stage {
            Stage::Subplan => &self.subplan,
            Stage::Execution => &self.execution,
        }
    }
}

impl Stage {
    /// What its documents are called.
    pub fn document(self) -> &'static str {
        match self {
            Self::Subplan => "SUBPLAN",
            Self::Execution => "EXECUTION_TASK",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{EXECUTION_SECTIONS, SUBPLAN_SECTIONS};

    #[test]
    fn every_language_has_a_heading_for_every_section_and_no_heading_twice() {
        for language in ["en", "de", "es", "fr", "ja", "zh"] {
            let outlines = Outlines::built_in(language).unwrap();
            for stage in [Stage::Subplan, Stage::Execution] {
                let names: std::collections::BTreeSet<&str> =
                    outlines.of(stage).iter().map(|section| section.name.as_str()).collect();
                assert_eq!(names.len(), 7, "{language} {stage}: {names:?}");
            }
        }
        let error = Outlines::built_in("tlh").unwrap_err().to_string();
        assert_eq!(error, "there are no headings in the language `tlh`; there are: de, en, es, fr, ja, zh");
    }

    #[test]
    fn the_english_headings_are_those_that_the_checks_demand() {
        let outlines = Outlines::built_in(DEFAULT_LANGUAGE).unwrap();
        for (stage, expected) in [(Stage::Subplan, SUBPLAN_SECTIONS), (Stage::Execution, EXECUTION_SECTIONS)] {
            let names: Vec<&str> = outlines.of(stage).iter().map(|section| section.name.as_str()).collect();
            assert_eq!(names, expected);
        }
    }
}
