//! The PLAN: what a markdown file of achievements says, as values.
//!
//! Pure: text in, [`Plan`] out. It must not read files, print, or know of statuses; those belong to
//! `store`, `report` and `parallel`.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

mod error;
mod estimate;
mod fields;
mod heading;
mod id;
mod items;
mod outline;
mod overlooked;
mod parse;
mod place;
mod references;
mod seeming;
mod unfilled;

use serde::Serialize;

pub use error::{NearMiss, PlanError};
pub use id::{AchievementId, IdFault, IdMap, InvalidId, InvalidPlanName, PlanName};
pub(crate) use items::deliverables;
pub use overlooked::{Doubt, Overlooked, overlooked};
pub use parse::parse;
pub use seeming::Cause;
pub use unfilled::{Unfilled, unfilled};

/// The largest PLAN that is read: 16 MiB. Real ones have up to 150 kB; what is larger is some other file.
pub const MAX_PLAN_BYTES: usize = 16 * 1024 * 1024;

/// Everything that was understood of one PLAN file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    /// The plan's name: the `<NAME>` of `PLAN_<NAME>.md`.
    pub name: PlanName,
    /// Text of the first H1, without the leading `PLAN:`; empty where there is none.
    pub title: String,
    /// The PLAN's H2 sections except the one(s) that define achievements, in order, raw.
    pub sections: Vec<PlanSection>,
    /// The achievements in the order of the file.
    pub achievements: Vec<Achievement>,
}

/// One H2 section of a PLAN that defines no achievement; material for prompts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PlanSection {
    /// Heading text without `##`, emoji and trailing decoration ("Goal", "Problem Statement").
    pub heading: String,
    /// Raw markdown below the heading, trimmed of blank lines at both ends.
    pub body: String,
    /// 1-based line of the heading.
    pub line: usize,
}

/// An estimate in hours. A single value has `low == high`; minutes are converted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Hours {
    /// Lower bound, hours.
    pub low: f64,
    /// Upper bound, hours.
    pub high: f64,
}

/// One achievement as its PLAN defines it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Achievement {
    /// Its id, unique in the PLAN.
    pub id: AchievementId,
    /// Title without id, estimate, status words and emoji decoration.
    pub title: String,
    /// The X of the `### Priority X` heading above it, such as "0" or "3.5"; `None` where there is no such heading.
    pub priority: Option<String>,
    /// Estimate, where one could be read.
    pub estimated_hours: Option<Hours>,
    /// Labelled Goal, Purpose, Description or Issue.
    pub goal: Option<String>,
    /// One entry per deliverable, markdown kept, list markers removed. Nested items are further lines of their parent's
    /// entry, so its first line is the deliverable itself. Files (`Files:`) where no deliverables are labelled.
    pub deliverables: Vec<String>,
    /// One entry per success criterion.
    pub success_criteria: Vec<String>,
    /// Labelled Approach, Implementation Approach, or What; raw markdown.
    pub approach: Option<String>,
    /// Ids named by the Dependencies label.
    pub dependencies: Vec<AchievementId>,
    /// The text of the Dependencies label where it is prose and not just ids or "None".
    pub dependencies_text: Option<String>,
    /// Ids named by the Blocks label; not always the inverse of `dependencies`.
    pub blocks: Vec<AchievementId>,
    /// 1-based line of the definition.
    pub line: usize,
    /// The raw markdown below the definition line, up to the next definition or section, without blank lines and rules
    /// at its ends; always kept for the prompt.
    #[serde(skip)]
    pub body: String,
}

impl Achievement {
    /// Everything that the PLAN says of it: its title, then its body.
    pub fn text(&self) -> String {
        format!("{}\n{}", self.title, self.body)
    }
}

#[cfg(test)]
mod tests;
