//! The code base around a plan, as a run uses it: what prompts carry of it, and what paths of documents are held against.
//!
//! Pure; who reads it from the disk hands it over.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::Serialize;

use super::planner::RunPlan;
use crate::{
    context::{CodeContext, ContextMode, Form, KnownPaths, NamedPaths, WithheldFile},
    document::{ExpectedPaths, Finding, check_paths},
    model::{Message, Role},
    plan::{AchievementId, Plan},
};

/// The code base around a plan.
#[derive(Clone, Debug)]
pub struct CodeBase {
    /// What prompts carry of it.
    pub context: CodeContext,
    /// Its paths; `None` where there are too few to judge a document by.
    pub known: Option<Arc<KnownPaths>>,
    /// The number of the run that it was gathered for, where that is an earlier one that goes on.
    pub kept_from: Option<u64>,
}

/// What the paths of answers are held against.
#[derive(Clone, Debug)]
pub struct PathRules {
    known: Arc<KnownPaths>,
    planned: Arc<NamedPaths>,
}

impl PathRules {
    /// For the documents of a plan.
    pub(super) fn new(known: Arc<KnownPaths>, plan: &Plan) -> Self {
        let sections = plan.sections.iter().map(|section| section.body.as_str());
        let achievements = plan.achievements.iter().flat_map(|achievement| {
            let deliverables = achievement.deliverables.iter().map(String::as_str);
            [achievement.title.as_str(), achievement.body.as_str()].into_iter().chain(deliverables)
        });
        Self { known, planned: Arc::new(NamedPaths::of(sections.chain(achievements))) }
    }

    /// Checks the paths of a body whose author was told `own`.
    pub fn check<'a>(&self, body: &str, own: impl Iterator<Item = &'a str>) -> Vec<Finding> {
        let told = NamedPaths::of(own);
        check_paths(body, &ExpectedPaths { known: &self.known, planned: &self.planned, told: &told })
    }
}

/// The own part of a prompt: everything that the user is made to say behind what a level shares.
pub(super) fn own_parts(messages: &[Message]) -> impl Iterator<Item = &str> {
    let users = messages.iter().filter(|message| message.role == Role::User);
    users.take(1).flat_map(|message| message.content.iter().skip(1)).map(|text| &**text)
}

/// What of the code base goes out, for a forecast.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RepositoryForecast {
    /// The root, as seen from the plan directory.
    pub root: String,
    /// How much goes out.
    pub mode: ContextMode,
    /// Paths that the tree names.
    pub paths: usize,
    /// The files that go out, whole or in part, by path.
    pub files: Vec<FileForecast>,
    /// Tokens of what all prompts share.
    pub shared_tokens: usize,
    /// The most tokens that an achievement's prompts get besides.
    pub item_tokens: usize,
    /// Tokens of all of it, each part once.
    pub tokens: usize,
    /// The number of the run whose context this is, where that run is gone on with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept_from: Option<u64>,
    /// Files that stay here, since they hold a secret.
    pub withheld: Vec<WithheldFile>,
}

/// One file that goes out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileForecast {
    /// Relative to the root.
    pub path: String,
    /// How much of it.
    pub form: Form,
    /// Tokens of that.
    pub tokens: usize,
    /// The achievements whose prompts carry it; empty for all.
    pub achievements: Vec<AchievementId>,
}

impl RepositoryForecast {
    /// Of what a run's prompts carry; `count` counts as the model does.
    pub fn of(code: &CodeBase, run: &RunPlan, count: &dyn Fn(&str) -> usize) -> Self {
        let CodeBase { context, known: _, kept_from } = code;
        let ids: BTreeSet<AchievementId> = run.items.iter().map(|item| item.id.achievement).collect();
        let mut all: Vec<FileForecast> = Vec::new();
        let mut seen: BTreeMap<(String, usize), usize> = BTreeMap::new();
        for file in &context.shared.files {
            let tokens = count(&file.to_text());
            all.push(FileForecast { path: file.path.clone(), form: file.form, tokens, achievements: Vec::new() });
        }
        for id in &ids {
            for file in context.item(*id) {
                let place = *seen.entry((file.path.clone(), file.text.len())).or_insert_with(|| {
                    let tokens = count(&file.to_text());
                    all.push(FileForecast {
                        path: file.path.clone(),
                        form: file.form,
                        tokens,
                        achievements: Vec::new(),
                    });
                    all.len() - 1
                });
                all[place].achievements.push(*id);
            }
        }
        let mut by_item: BTreeMap<AchievementId, usize> = BTreeMap::new();
        for file in &all {
            file.achievements.iter().for_each(|id| *by_item.entry(*id).or_default() += file.tokens);
        }
        let item_tokens = by_item.into_values().max().unwrap_or_default();
        let shared_tokens = count(&context.shared_text());
        let in_items: usize = all.iter().filter(|file| !file.achievements.is_empty()).map(|file| file.tokens).sum();
        all.sort_by(|a, b| (&a.path, &a.achievements).cmp(&(&b.path, &b.achievements)));
        Self {
            root: context.root.clone(),
            mode: context.choice.mode,
            paths: context.shared.paths,
            files: all,
            shared_tokens,
            item_tokens,
            tokens: shared_tokens + in_items,
            kept_from: *kept_from,
            withheld: context.withheld.clone(),
        }
    }

    /// How many files go out.
    pub fn file_count(&self) -> usize {
        self.files.iter().map(|file| file.path.as_str()).collect::<BTreeSet<_>>().len()
    }
}
