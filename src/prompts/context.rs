//! The values that the item templates see.

use serde::Serialize;

use crate::plan::{Achievement, AchievementId, Hours};

/// An achievement at the moment it is asked for. Serialized as `item`.
#[derive(Clone, Debug, Serialize)]
pub struct ItemContext<'a> {
    /// Its id.
    pub id: AchievementId,
    /// Its title.
    pub title: &'a str,
    /// The X of its priority heading.
    pub priority: Option<&'a str>,
    /// Its estimate as text ("2–3 hours").
    pub estimate: Option<String>,
    /// Its labelled goal.
    pub goal: Option<&'a str>,
    /// The raw markdown of its definition.
    pub body: &'a str,
    /// Its success criteria.
    pub success_criteria: &'a [String],
    /// Its deliverables.
    pub deliverables: &'a [String],
    /// Its labelled approach.
    pub approach: Option<&'a str>,
    /// Its dependencies as the PLAN words them, where that is prose.
    pub dependencies_text: Option<&'a str>,
    /// What it depends on.
    pub dependencies: Vec<DependencyContext<'a>>,
    /// What waits for it.
    pub blocks: Vec<Reference<'a>>,
    /// Files of the code base that it has to do with, as text; empty where there are none.
    pub files: String,
    /// Its neighbours in the level, where the level's own list had to be cut.
    pub near: Vec<Reference<'a>>,
}

impl<'a> ItemContext<'a> {
    /// The part that follows from the PLAN alone; relations are filled in by the caller.
    pub fn new(achievement: &'a Achievement) -> Self {
        Self {
            id: achievement.id,
            title: &achievement.title,
            priority: achievement.priority.as_deref(),
            estimate: achievement.estimated_hours.map(hours_text),
            goal: achievement.goal.as_deref(),
            body: &achievement.body,
            success_criteria: &achievement.success_criteria,
            deliverables: &achievement.deliverables,
            approach: achievement.approach.as_deref(),
            dependencies_text: achievement.dependencies_text.as_deref(),
            dependencies: Vec::new(),
            blocks: Vec::new(),
            near: Vec::new(),
            files: String::new(),
        }
    }
}

/// Another achievement, by id and title.
#[derive(Clone, Debug, Serialize)]
pub struct Reference<'a> {
    /// Its id.
    pub id: AchievementId,
    /// Its title.
    pub title: &'a str,
}

/// What an item is told of one of its dependencies.
#[derive(Clone, Debug, Serialize)]
pub struct DependencyContext<'a> {
    /// Its id.
    pub id: AchievementId,
    /// Its title.
    pub title: &'a str,
    /// Its status when the run began, or what the run has made of it since.
    pub status: &'static str,
    /// Its goal in the PLAN.
    pub goal: Option<&'a str>,
    /// The objective of its SUBPLAN; empty where there is none.
    pub objective: String,
    /// The deliverables of its SUBPLAN, or of the PLAN where there is no SUBPLAN.
    pub deliverables: Vec<String>,
}

/// What an EXECUTION_TASK is told of its SUBPLAN. Serialized as `subplan`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SubplanContext {
    /// Path relative to the plan directory.
    pub path: String,
    /// Its objective.
    pub objective: String,
    /// Its approach.
    pub approach: String,
    /// Its deliverables.
    pub deliverables: Vec<String>,
    /// Its execution strategy.
    pub execution_strategy: String,
}

/// Which EXECUTION_TASK is asked for. Serialized as `part`.
#[derive(Clone, Debug, Serialize)]
pub struct PartContext {
    /// From 1.
    pub number: u32,
    /// How many there are.
    pub of: u32,
    /// The number as it stands in the file name ("01").
    pub label: String,
    /// What it is for.
    pub purpose: String,
    /// The other parts.
    pub others: Vec<OtherPart>,
}

/// Another EXECUTION_TASK of the same SUBPLAN.
#[derive(Clone, Debug, Serialize)]
pub struct OtherPart {
    /// Its number.
    pub number: u32,
    /// What it is for.
    pub purpose: String,
}

/// An estimate as a person would write it.
pub(crate) fn hours_text(hours: Hours) -> String {
    let unit = if hours.high <= 1.0 && hours.low == hours.high { "hour" } else { "hours" };
    if hours.low == hours.high {
        format!("{} {unit}", hours.low)
    } else {
        format!("{}–{} {unit}", hours.low, hours.high)
    }
}

/// One document of a prompt for several.
#[derive(Clone, Debug, Serialize)]
pub struct BatchDocument {
    /// Where it goes, relative to the plan directory.
    pub path: String,
    /// What it is about, such as "achievement 1.1".
    pub subject: String,
    /// The own part of its prompt.
    pub own: String,
}

/// What was wrong with an earlier answer.
#[derive(Clone, Debug, Serialize)]
pub struct Fault {
    /// The document.
    pub path: String,
    /// One sentence.
    pub message: String,
}
