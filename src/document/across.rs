//! Documents of one level held against each other, without a model: two that write the same file, one symbol with two
//! signatures, a deliverable that nobody delivers.
//!
//! Each document is good by itself; what is found here shows only where they are laid side by side. Nothing is rejected for
//! it. Pure; linear in the texts but for the pairs that share a name.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    Stage,
    check::{missing_deliverables, written_paths},
    signature::{Signature, signatures},
};
use crate::plan::AchievementId;

/// A document of a level.
#[derive(Clone, Copy, Debug)]
pub struct LevelDocument<'a> {
    /// Its achievement.
    pub id: AchievementId,
    /// SUBPLAN or EXECUTION_TASK.
    pub stage: Stage,
    /// Its text.
    pub text: &'a str,
}

/// What does not fit between documents of a level.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clash {
    /// What it is.
    pub kind: ClashKind,
    /// The achievements whose documents it is between, in order.
    pub achievements: Vec<AchievementId>,
    /// One sentence.
    pub message: String,
    /// What mends it; empty where nobody has said how the plan is called.
    #[serde(default)]
    pub command: String,
}

/// What kind of [`Clash`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClashKind {
    /// Several create or change one file.
    SameFile,
    /// One symbol has several signatures.
    Signatures,
    /// A deliverable of the PLAN is in no document of its achievement.
    Deliverable,
}

/// Clashes named of one kind; with more, the level has to be read anyway.
const MOST: usize = 20;

/// What does not fit between the documents of one level. `known` tells whether two achievements are known to write a file
/// one after the other; `deliverables` are the PLAN's, by achievement.
pub fn clashes(
    documents: &[LevelDocument<'_>],
    deliverables: &dyn Fn(AchievementId) -> Vec<String>,
    known: &dyn Fn(AchievementId, AchievementId, &str) -> bool,
) -> Vec<Clash> {
    let subplans: Vec<&LevelDocument<'_>> =
        documents.iter().filter(|document| document.stage == Stage::Subplan).collect();
    let mut all = same_files(&subplans, known);
    all.extend(two_signatures(&subplans));
    all.extend(left_to_nobody(documents, deliverables));
    all
}

fn clash(kind: ClashKind, achievements: Vec<AchievementId>, message: String) -> Clash {
    Clash { kind, achievements, message, command: String::new() }
}

fn listed(ids: &[AchievementId]) -> String {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    match ids.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => ids.concat(),
    }
}

fn same_files(
    subplans: &[&LevelDocument<'_>],
    known: &dyn Fn(AchievementId, AchievementId, &str) -> bool,
) -> Vec<Clash> {
    let mut writers: BTreeMap<String, BTreeSet<AchievementId>> = BTreeMap::new();
    for document in subplans {
        for path in written_paths(document.text) {
            writers.entry(path).or_default().insert(document.id);
        }
    }
    let mut found = Vec::new();
    for (path, ids) in writers {
        let ids: Vec<AchievementId> = ids.into_iter().collect();
        let strangers = |id: &AchievementId| ids.iter().any(|other| other != id && !known(*id, *other, &path));
        let apart: Vec<AchievementId> = ids.iter().copied().filter(strangers).collect();
        if apart.len() > 1 && found.len() < MOST {
            let message = format!("the SUBPLANs of {} create or change the same file, {path}", listed(&apart));
            found.push(clash(ClashKind::SameFile, apart, message));
        }
    }
    found
}

fn two_signatures(subplans: &[&LevelDocument<'_>]) -> Vec<Clash> {
    let mut by_name: BTreeMap<String, Vec<(AchievementId, Signature)>> = BTreeMap::new();
    for document in subplans {
        for signature in signatures(document.text) {
            by_name.entry(signature.name.clone()).or_default().push((document.id, signature));
        }
    }
    let mut found = Vec::new();
    for (name, uses) in by_name {
        // The first of each document; a document that gives several may speak of several overloads.
        let mut first: Vec<&(AchievementId, Signature)> = Vec::new();
        for each in &uses {
            if first.iter().all(|(id, _)| *id != each.0) {
                first.push(each);
            }
        }
        let fits = |id: AchievementId, signature: &Signature| {
            uses.iter().any(|(other, theirs)| *other == id && theirs.fits(signature))
        };
        let clashing = first.iter().enumerate().find_map(|(at, (id, signature))| {
            first[at + 1..]
                .iter()
                .find(|(other, _)| !fits(*other, signature))
                .map(|(other, theirs)| (id, signature, other, theirs))
        });
        if let Some((id, signature, other, theirs)) = clashing
            && found.len() < MOST
        {
            let message =
                format!("`{name}` has two signatures: `{}` in {id}, `{}` in {other}", signature.text, theirs.text);
            found.push(clash(ClashKind::Signatures, vec![*id, *other], message));
        }
    }
    found
}

fn left_to_nobody(documents: &[LevelDocument<'_>], deliverables: &dyn Fn(AchievementId) -> Vec<String>) -> Vec<Clash> {
    let mut texts: BTreeMap<(AchievementId, Stage), String> = BTreeMap::new();
    for document in documents {
        let text = texts.entry((document.id, document.stage)).or_default();
        text.push_str(document.text);
        text.push('\n');
    }
    let mut found: Vec<Clash> = Vec::new();
    for ((id, stage), text) in texts {
        let wanted = deliverables(id);
        for missing in missing_deliverables(&text, &wanted) {
            let by = match stage {
                Stage::Subplan => "its SUBPLAN does not name it",
                Stage::Execution => "none of its EXECUTION_TASKs names it",
            };
            let message = format!("the PLAN's deliverable \"{}\" of {id} is left to nobody: {by}", short(missing));
            if found.len() < MOST && !found.iter().any(|clash| clash.message == message) {
                found.push(clash(ClashKind::Deliverable, vec![id], message));
            }
        }
    }
    found
}

/// The first line of a deliverable, without decoration, as much as a person needs to know it.
fn short(deliverable: &str) -> String {
    let line = super::prose::plain(deliverable.lines().next().unwrap_or_default());
    super::prose::excerpt(&line, 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> AchievementId {
        AchievementId::parse(text).unwrap()
    }

    fn found(documents: &[(&str, Stage, &str)]) -> Vec<(ClashKind, String)> {
        let documents: Vec<LevelDocument<'_>> =
            documents.iter().map(|(of, stage, text)| LevelDocument { id: id(of), stage: *stage, text }).collect();
        let known = |a: AchievementId, b: AchievementId, path: &str| path == "README.md" && a != b;
        let deliverables = |of| {
            if of == id("1.1") { vec![String::from("`src/a.rs`"), String::from("`src/b.rs`")] } else { Vec::new() }
        };
        clashes(&documents, &deliverables, &known).into_iter().map(|clash| (clash.kind, clash.message)).collect()
    }

    #[test]
    fn documents_of_a_level_are_held_against_each_other() {
        let one = "## Deliverables\n\n- `src/a.rs` and `src/b.rs`\n- `README.md`\n\n## Approach\n\n`load_feed(path)` reads.\n";
        let fits = "## Deliverables\n\n- `src/c.rs`\n- `README.md`\n\n## Approach\n\nUses `src/a.rs` and `fn load_feed(path: &Path) -> Feed`.\n";
        assert_eq!(found(&[("1.1", Stage::Subplan, one), ("1.2", Stage::Subplan, fits)]), []);
        let clashes =
            "## Deliverables\n\n- `src/c.rs`\n\n## Approach\n\nChange `src/a.rs`: `load_feed(path, limit)`.\n";
        assert_eq!(
            found(&[("1.1", Stage::Subplan, one), ("1.2", Stage::Subplan, clashes), ("1.3", Stage::Subplan, clashes)]),
            [
                (
                    ClashKind::SameFile,
                    String::from("the SUBPLANs of 1.1, 1.2 and 1.3 create or change the same file, src/a.rs")
                ),
                (
                    ClashKind::SameFile,
                    String::from("the SUBPLANs of 1.2 and 1.3 create or change the same file, src/c.rs")
                ),
                (
                    ClashKind::Signatures,
                    String::from(
                        "`load_feed` has two signatures: `load_feed(path)` in 1.1, `load_feed(path, limit)` in 1.2"
                    )
                ),
            ]
        );
    }

    #[test]
    fn a_deliverable_left_to_nobody_is_said() {
        let half = "Only `a.rs`.";
        let other = "Only `b.rs`.";
        assert_eq!(
            found(&[("1.1", Stage::Subplan, half), ("1.2", Stage::Subplan, other)]),
            [(
                ClashKind::Deliverable,
                String::from(
                    "the PLAN's deliverable \"src/b.rs\" of 1.1 is left to nobody: its SUBPLAN does not name it"
                )
            )]
        );
        assert_eq!(
            found(&[("1.1", Stage::Execution, half), ("1.1", Stage::Execution, other)]),
            [],
            "each does its part"
        );
        assert_eq!(found(&[("1.1", Stage::Execution, half)]).len(), 1);
    }
}
