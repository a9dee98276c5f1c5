//! Patterns: what a new PLAN begins with. Data from `config/patterns/` or a user's own files, text of a PLAN out.
//!
//! Pure: it must not read files or know where they lie.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

mod skeleton;

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::plan::{AchievementId, Hours};

pub use skeleton::{FILL, skeleton};

/// Where to begin: achievements in an order that somebody has found useful.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pattern {
    /// What it is, in one line.
    pub summary: String,
    /// When it fits, in one sentence.
    pub when: String,
    /// Its parts, in order.
    #[serde(rename = "priority")]
    pub priorities: Vec<Priority>,
}

/// Achievements under one heading.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Priority {
    /// The heading.
    pub title: String,
    /// What stands below it.
    #[serde(rename = "achievement")]
    pub achievements: Vec<Entry>,
}

/// One achievement of a pattern.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its id.
    #[serde(deserialize_with = "id")]
    pub id: AchievementId,
    /// A title to write over.
    pub title: String,
    /// An estimate as a PLAN states it, such as `2-4 hours`.
    pub estimate: String,
    /// Achievements of the pattern that it needs.
    #[serde(default, deserialize_with = "ids")]
    pub depends_on: Vec<AchievementId>,
    /// A criterion that every such achievement has.
    pub success: String,
}

/// A pattern cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PatternError {
    /// It has not the form of a pattern. The message names line and column.
    #[error("{0}")]
    Form(String),
    /// A text that would not come back out of the PLAN.
    #[error("{place}: `{text}` is no single line of text")]
    Text {
        /// Whose.
        place: String,
        /// What stands there, control characters escaped.
        text: String,
    },
    /// An estimate that nobody could add up.
    #[error("achievement {id}: `{estimate}` cannot be read as hours")]
    Estimate {
        /// Whose.
        id: AchievementId,
        /// What stands there, control characters escaped.
        estimate: String,
    },
    /// Nothing is in it.
    #[error("it has no achievement")]
    Empty,
    /// The same id twice.
    #[error("achievement {0} is there twice")]
    Twice(AchievementId),
    /// A dependency on nothing.
    #[error("achievement {id} depends on {needs}, which the pattern does not have")]
    Unknown {
        /// Which depends.
        id: AchievementId,
        /// On what.
        needs: AchievementId,
    },
}

impl PatternError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Form(_) | Self::Empty => Some(String::from(
                "a pattern has `summary`, `when`, and `[[priority]]` with `title` and `[[priority.achievement]]`, each with \
                 `id`, `title`, `estimate`, `success` and perhaps `depends_on`; docs/guide.md shows one",
            )),
            Self::Text { .. } => Some(String::from("write it in one line, with at least one letter in it")),
            Self::Estimate { .. } => Some(String::from("write it such as \"2-3 hours\" or \"30 minutes\"")),
            Self::Twice(_) => Some(String::from("give one of them another id")),
            Self::Unknown { needs, .. } => Some(format!("add {needs}, or take it out of `depends_on`")),
        }
    }
}

/// The patterns that are built in, by name.
pub const BUILT_IN: [(&str, &str); 4] = [
    ("sequential-foundation", include_str!("../../config/patterns/sequential-foundation.toml")),
    ("parallel", include_str!("../../config/patterns/parallel.toml")),
    ("two-tracks", include_str!("../../config/patterns/two-tracks.toml")),
    ("three-tracks", include_str!("../../config/patterns/three-tracks.toml")),
];

impl Pattern {
    /// Reads a pattern's TOML. Cycles are found where its parallel.json is computed.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let pattern: Self =
            toml::from_str(text).map_err(|error| PatternError::Form(error.to_string().trim_end().to_owned()))?;
        let mut known = BTreeSet::new();
        for entry in pattern.entries() {
            if !known.insert(entry.id) {
                return Err(PatternError::Twice(entry.id));
            }
        }
        if known.is_empty() {
            return Err(PatternError::Empty);
        }
        pattern.check_texts()?;
        for entry in pattern.entries() {
            if let Some(&needs) = entry.depends_on.iter().find(|id| !known.contains(id)) {
                return Err(PatternError::Unknown { id: entry.id, needs });
            }
        }
        Ok(pattern)
    }

    /// Whether every text is one line that says something, and every estimate a number of hours.
    fn check_texts(&self) -> Result<(), PatternError> {
        let one_line = |place: &dyn Fn() -> String, text: &str| {
            let fits = !text.chars().any(char::is_control) && text.chars().any(char::is_alphanumeric);
            let text = || text.escape_debug().to_string();
            if fits { Ok(()) } else { Err(PatternError::Text { place: place(), text: text() }) }
        };
        one_line(&|| String::from("summary"), &self.summary)?;
        one_line(&|| String::from("when"), &self.when)?;
        for priority in &self.priorities {
            one_line(&|| String::from("title of a priority"), &priority.title)?;
        }
        for Entry { id, title, estimate, success, .. } in self.entries() {
            one_line(&|| format!("title of {id}"), title)?;
            one_line(&|| format!("success of {id}"), success)?;
            one_line(&|| format!("estimate of {id}"), estimate)?;
            if Hours::of_field(estimate).is_none() {
                return Err(PatternError::Estimate { id: *id, estimate: estimate.escape_debug().to_string() });
            }
        }
        Ok(())
    }

    /// Its achievements, in order.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.priorities.iter().flat_map(|priority| &priority.achievements)
    }
}

fn id<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<AchievementId, D::Error> {
    let text = String::deserialize(deserializer)?;
    AchievementId::parse(&text).map_err(serde::de::Error::custom)
}

fn ids<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<AchievementId>, D::Error> {
    let texts: Vec<String> = Vec::deserialize(deserializer)?;
    texts.iter().map(|text| AchievementId::parse(text).map_err(serde::de::Error::custom)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        parallel::{ParallelFile, declared},
        plan::{PlanName, parse},
    };

    /// What the pattern declares is what planwave reads back out of the PLAN made from it.
    #[test]
    fn built_in_patterns_come_back_out_of_their_plans() {
        for (name, text) in BUILT_IN {
            let pattern = Pattern::parse(text).unwrap();
            let plan_name = PlanName::parse("NEW").unwrap();
            let markdown = skeleton(&plan_name, &pattern, "2026-01-02");
            let plan = parse(plan_name, markdown.as_bytes()).unwrap();
            let read: Vec<_> =
                plan.achievements.iter().map(|a| (a.id, a.title.as_str(), &a.dependencies[..])).collect();
            let meant: Vec<_> = pattern.entries().map(|e| (e.id, e.title.as_str(), &e.depends_on[..])).collect();
            assert_eq!(read, meant, "{name}");
            assert!(plan.achievements.iter().all(|a| a.estimated_hours.is_some()), "{name}");
            assert!(plan.achievements.iter().all(|a| !a.deliverables.is_empty()), "{name}");
            let file = ParallelFile::parse(declared(&plan, "2026-01-02T00:00:00Z").unwrap().as_bytes()).unwrap();
            assert_eq!(file.check().errors.len(), 0, "{name}");
        }
    }

    #[test]
    fn levels_are_those_that_the_names_promise() {
        let widths = |name: &str| {
            let (_, text) = BUILT_IN.iter().find(|(known, _)| *known == name).unwrap();
            let plan_name = PlanName::parse("NEW").unwrap();
            let markdown = skeleton(&plan_name, &Pattern::parse(text).unwrap(), "2026-01-02");
            let plan = parse(plan_name, markdown.as_bytes()).unwrap();
            let file = ParallelFile::parse(declared(&plan, "2026-01-02T00:00:00Z").unwrap().as_bytes()).unwrap();
            let count = |number| file.entries().iter().filter(|entry| entry.level == number).count();
            file.levels().iter().map(|level| count(level.number)).collect::<Vec<_>>()
        };
        assert_eq!(widths("sequential-foundation"), [1, 1, 1, 3]);
        assert_eq!(widths("parallel"), [4]);
        assert_eq!(widths("two-tracks"), [2, 2, 2, 1]);
        assert_eq!(widths("three-tracks"), [1, 3, 3, 1]);
    }

    #[test]
    fn faults_are_named() {
        let of = |achievements: &str| {
            let text = format!("summary = \"s\"\nwhen = \"w\"\n[[priority]]\ntitle = \"t\"\n{achievements}");
            Pattern::parse(&text).unwrap_err().to_string()
        };
        let one = |id: &str, needs: &str| {
            format!(
                "[[priority.achievement]]\nid = \"{id}\"\ntitle = \"t\"\nestimate = \"1 hour\"\nsuccess = \"s\"\n\
                 depends_on = [{needs}]\n"
            )
        };
        assert_eq!(of("achievement = []\n"), "it has no achievement");
        assert_eq!(of(&(one("1.1", "") + &one("1.1", ""))), "achievement 1.1 is there twice");
        assert_eq!(of(&one("1.1", "\"2.1\"")), "achievement 1.1 depends on 2.1, which the pattern does not have");
        assert!(of(&one("../1", "")).contains("../1"), "{}", of(&one("../1", "")));
        let soon = one("1.1", "").replace("1 hour", "soon");
        assert_eq!(of(&soon), "achievement 1.1: `soon` cannot be read as hours");
        let broken = one("1.1", "").replace("title = \"t\"", "title = \"Al`**\\npha\"");
        assert_eq!(of(&broken), "title of 1.1: `Al`**\\npha` is no single line of text");
        assert!(of("colour = 1\nachievement = []\n").contains("unknown field `colour`"));
    }
}
