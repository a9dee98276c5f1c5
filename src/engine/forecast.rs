//! What a run would do and cost, as values: the planner's output that `--dry-run` shows.
//!
//! Only data. How it is worked out is the planner's, how it looks is `report`'s.

use serde::Serialize;

use super::{CallId, ItemId, RepositoryForecast};
use crate::{
    model::gate::Bounds,
    plan::{AchievementId, Hours},
};

/// Everything that a run would do, before anything is sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Forecast {
    /// The plan's name.
    pub plan: String,
    /// The model that would be asked.
    pub model: String,
    /// The tokenizer that the prompts were counted with.
    pub tokenizer: String,
    /// The date on which the model's prices were taken; `None` where they are unknown.
    pub prices_taken: Option<String>,
    /// What would be created, level by level.
    pub levels: Vec<LevelForecast>,
    /// What would not be created, and why.
    pub skipped: Vec<SkippedForecast>,
    /// What the user should know before agreeing; whole sentences.
    pub warnings: Vec<String>,
    /// Everything in sums.
    pub totals: Totals,
    /// What of the code base goes out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository: Option<RepositoryForecast>,
    /// The run's budget, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<Bounds>,
}

/// One level of a [`Forecast`].
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LevelForecast {
    /// Its number, from 1.
    pub level: u32,
    /// Tokens of the part of the prompt that all items of the level share.
    pub shared_tokens: usize,
    /// What was dropped from the shared part to fit its budget.
    pub shared_dropped: Vec<String>,
    /// The documents of the level, in the order in which they would be started.
    pub documents: Vec<DocumentForecast>,
}

/// One document that would be created.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DocumentForecast {
    /// The call that would bring it.
    #[serde(flatten)]
    pub call: CallId,
    /// The achievement's title.
    pub title: String,
    /// Where it would be written, relative to the plan directory.
    pub path: String,
    /// What it depends on.
    pub dependencies: Vec<DependencyForecast>,
    /// The PLAN's estimate for the achievement, hours.
    pub estimated_hours: Option<Hours>,
    /// An EXECUTION whose SUBPLAN does not exist yet: its prompt, and how many of them there will be, are estimates.
    pub estimated: bool,
    /// A document is there already and would be replaced.
    pub overwrites: bool,
    /// The answers on the plan's own tape are all it takes: nothing is sent.
    pub remembered: bool,
    /// Answers on the plan's own tape that were rejected or cut short, where more has to be asked. The tokens are then those
    /// of the request that comes next.
    pub answers_before: u32,
    /// Tokens of the prompt, the shared part included.
    pub prompt_tokens: usize,
    /// Tokens that the answer is expected to have.
    pub expected_output: usize,
    /// The most tokens that the answer can have.
    pub largest_output: usize,
}

/// A dependency of a [`DocumentForecast`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DependencyForecast {
    /// The achievement depended on.
    pub id: AchievementId,
    /// Its status, as parallel.json and the files on disk say.
    pub status: String,
    /// It is generated in the same run.
    pub in_run: bool,
}

/// One item that would not be generated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SkippedForecast {
    /// The item.
    #[serde(flatten)]
    pub item: ItemId,
    /// The achievement's title.
    pub title: String,
    /// Why: exists, complete, skipped, blocked by something.
    pub reason: String,
}

/// A [`Forecast`] in sums. Costs are US dollars, and `None` where the model's prices are unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Totals {
    /// SUBPLANs to create.
    pub subplans: usize,
    /// EXECUTION_TASKs to create, estimated ones included.
    pub executions: usize,
    /// Those of `executions` whose SUBPLAN does not exist yet.
    pub estimated_executions: usize,
    /// Documents for which nothing is sent, for the plan's own tape has the answers. They are in none of the sums below.
    pub remembered: usize,
    /// Documents that a second call judges.
    #[serde(skip_serializing_if = "is_zero")]
    pub reviews: usize,
    /// Tokens of all prompts.
    pub prompt_tokens: usize,
    /// Those of `prompt_tokens` that the provider can serve from its prefix cache.
    pub cached_tokens: usize,
    /// Prompt and answer tokens, low end.
    pub low_tokens: usize,
    /// Prompt and answer tokens, high end.
    pub high_tokens: usize,
    /// Cost at the low end.
    pub cost_low: Option<f64>,
    /// The likely cost.
    pub cost_expected: Option<f64>,
    /// Cost at the high end.
    pub cost_high: Option<f64>,
}

impl Totals {
    /// Whether the run sends anything.
    pub fn sends(&self) -> bool {
        self.remembered < self.subplans + self.executions
    }
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}
