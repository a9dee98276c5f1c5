//! What prompts carry of the code base around a plan: its tree, the files that matter, outlines of others.
//!
//! Pure: a listing of the repository and a way to read its files in, a [`CodeContext`] out, the same for the same files.
//! It must not touch the disk itself; `store::Repository` does.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

mod excerpt;
mod filter;
mod gather;
mod known;
mod languages;
mod listing;
mod mentions;
mod named;
mod outline;
mod secrets;
mod tree;
mod withheld;

pub use excerpt::{Excerpt, Form};
pub use filter::{BadGlob, Filter, Ignores, IgnoresBuilder};
pub use gather::{Achieving, Gathering, LARGEST_FILE, MANIFESTS, gather};
pub use known::{Existence, KnownPaths};
pub use languages::is_source_name;
pub use listing::Listing;
pub use mentions::{Mention, directories_of, mentions};
pub use named::NamedPaths;
pub use secrets::{Secret, find_secret};
pub(crate) use withheld::is_plan_document;
pub use withheld::{is_closed_folder, is_withheld_name};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::plan::AchievementId;

/// How much of the repository goes into prompts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum ContextMode {
    /// Paths and the content of files.
    #[default]
    Auto,
    /// Paths only.
    Paths,
    /// Nothing.
    None,
}

/// What of the repository may go into prompts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContextChoice {
    /// How much.
    pub mode: ContextMode,
    /// Budget of what all prompts share, tokens.
    pub shared_tokens: usize,
    /// Budget of what one achievement's prompts get besides, tokens.
    pub item_tokens: usize,
    /// Files have to match one glob of each of these lists.
    pub include: Vec<Vec<String>>,
    /// Files that match one of these globs are left out.
    pub exclude: Vec<String>,
}

/// What prompts carry of the repository. Kept with a run, so that a run that goes on sends the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeContext {
    /// Version of this form.
    pub version: u32,
    /// The repository, relative to the plan directory where that is possible.
    pub root: String,
    /// What it was gathered for. Another choice needs another context.
    pub choice: ContextChoice,
    /// What all prompts share.
    pub shared: SharedContext,
    /// Files, whole or in part, that achievements get; several may get the same.
    pub excerpts: Vec<Excerpt>,
    /// What the prompts of an achievement get besides, as places in `excerpts`.
    pub items: BTreeMap<AchievementId, Vec<usize>>,
    /// Files that would have been sent and were not, since they hold a secret.
    pub withheld: Vec<WithheldFile>,
}

/// The version of [`CodeContext`] that this planwave writes and reads.
pub const CONTEXT_VERSION: u32 = 1;

/// What all prompts share of the repository.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedContext {
    /// Paths named in the tree.
    pub paths: usize,
    /// The tree, a line per folder or file.
    pub tree: String,
    /// Files, whole or in part.
    pub files: Vec<Excerpt>,
}

/// A file that was left out because of what it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WithheldFile {
    /// Its path.
    pub path: String,
    /// What it holds, such as "an AWS access key (line 3)".
    pub why: String,
}

impl CodeContext {
    /// The excerpts of an achievement.
    pub fn item(&self, id: AchievementId) -> impl Iterator<Item = &Excerpt> {
        self.items.get(&id).into_iter().flatten().filter_map(|place| self.excerpts.get(*place))
    }

    /// What all prompts share, as it stands in them; empty where that is nothing.
    pub fn shared_text(&self) -> String {
        let SharedContext { paths: _, tree, files } = &self.shared;
        let mut text = String::new();
        if !tree.is_empty() {
            text.push_str(&format!("Files that exist:\n{tree}\n"));
        }
        for file in files {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&file.to_text());
        }
        text.trim_end().to_owned()
    }

    /// What the prompts of an achievement get besides, as it stands in them; empty where that is nothing.
    pub fn item_text(&self, id: AchievementId) -> String {
        let files: Vec<String> = self.item(id).map(Excerpt::to_text).collect();
        files.join("\n").trim_end().to_owned()
    }

    /// This, where `kept` knows neither what all share nor an achievement; else what `kept` says of them.
    pub fn continuing(mut self, kept: &Self) -> Self {
        self.shared = kept.shared.clone();
        let ids: Vec<AchievementId> = self.items.keys().copied().collect();
        for id in ids {
            if kept.items.contains_key(&id) {
                let from = self.excerpts.len();
                self.excerpts.extend(kept.item(id).cloned());
                self.items.insert(id, (from..self.excerpts.len()).collect());
            }
        }
        self
    }

    /// Whether every part keeps to the budgets that it was gathered for, as `count` counts; a kept one may have been edited.
    pub fn fits(&self, count: &dyn Fn(&str) -> usize) -> bool {
        let sizes: Vec<usize> = self.excerpts.iter().map(|file| count(&file.text)).collect();
        let shared = self.shared.files.iter().map(|file| count(&file.text)).sum::<usize>();
        let item = |places: &Vec<usize>| places.iter().filter_map(|place| sizes.get(*place)).sum::<usize>();
        count(&self.shared.tree) + shared <= self.choice.shared_tokens
            && self.items.values().all(|places| item(places) <= self.choice.item_tokens)
    }
}
