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
mod outline;
mod secrets;
mod tree;
mod withheld;

pub use excerpt::{Excerpt, Form};
pub use filter::{BadGlob, Filter, Ignores, IgnoresBuilder};
pub use gather::{Achieving, Gathering, LARGEST_FILE, gather};
pub use known::{Existence, KnownPaths};
pub use languages::is_source_name;
pub use listing::Listing;
pub use mentions::{Mention, directories_of, mentions};
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
    /// What the prompts of an achievement get besides.
    pub items: BTreeMap<AchievementId, Vec<Excerpt>>,
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
    pub fn item(&self, id: AchievementId) -> &[Excerpt] {
        self.items.get(&id).map_or(&[], Vec::as_slice)
    }

    /// Whether every part keeps to the budgets that it was gathered for, as `count` counts; a kept one may have been edited.
    pub fn fits(&self, count: &dyn Fn(&str) -> usize) -> bool {
        let files = |files: &[Excerpt]| files.iter().map(|file| count(&file.text)).sum::<usize>();
        count(&self.shared.tree) + files(&self.shared.files) <= self.choice.shared_tokens
            && self.items.values().all(|item| files(item) <= self.choice.item_tokens)
    }
}
