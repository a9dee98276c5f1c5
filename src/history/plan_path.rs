//! Paths in records. Records are files, and anybody may have written them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::document::Folder;

/// A file of the plan directory, by its path from there with forward slashes. It never leads out of the directory, nor
/// to planwave's own state: records are files, and anybody may have written them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct PlanPath(String);

impl PlanPath {
    /// Reads a path; `None` where it is absolute, has a part that is `.`, `..` or empty, or lies in `.planwave`.
    pub fn parse(path: &str) -> Option<Self> {
        let mut parts = path.split('/');
        let sound = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['\\', '\0', ':']);
        let own = path.split('/').next().is_some_and(|first| first.eq_ignore_ascii_case(".planwave"));
        (!own && parts.all(sound)).then(|| Self(path.to_owned()))
    }

    /// Whether planwave writes files of this name: documents, verdicts and notes by their folder and the beginning of their name,
    /// whatever the plan; parallel.json, and other JSON beside it, for `migrate` and `validate --fix` take any. Nothing else is ever
    /// taken back, whatever a record says.
    pub fn is_written(&self) -> bool {
        let (folder, name) = self.0.rsplit_once('/').unwrap_or(("", &self.0));
        let ends_in = |extension: &str| {
            let at = name.len().saturating_sub(extension.len());
            name.get(at..).is_some_and(|end| end.eq_ignore_ascii_case(extension))
        };
        match Folder::ALL.into_iter().find(|known| known.path() == folder) {
            Some(known) => ends_in(".md") && known.prefixes().iter().any(|prefix| name.starts_with(prefix)),
            None => folder.is_empty() && !name.starts_with('.') && ends_in(".json"),
        }
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PlanPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl<'de> Deserialize<'de> for PlanPath {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("no path inside the plan directory"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside_and_out_of_our_own_state() {
        for good in ["parallel.json", "subplans/SUBPLAN_X_11.md", "execution/feedbacks/APPROVED_11.md", ".planwave.md"]
        {
            assert!(PlanPath::parse(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "/etc/passwd",
            "../x",
            "a/../../x",
            "a//b",
            "./a",
            ".planwave/lock",
            ".PlanWave/x",
            "c:\\x",
            "a\\..\\b",
        ] {
            assert!(PlanPath::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn only_what_planwave_writes_is_written() {
        for good in [
            "parallel.json",
            "LEDGER.parallel.json",
            "old.JSON",
            "subplans/SUBPLAN_X_11.md",
            "execution/EXECUTION_TASK_X_11_01.md",
            "execution/EXECUTION_TASK_11_01.MD",
            "execution/SKIPPED_11.md",
            "execution/feedbacks/APPROVED_11.md",
            "execution/feedbacks/FIX_1_11_ARCHIVED_2.md",
            "execution/feedbacks/SKIPPED_11.md",
        ] {
            assert!(PlanPath::parse(good).unwrap().is_written(), "{good}");
        }
        for bad in [
            "PLAN_X.md",
            "README.md",
            "Makefile",
            ".json",
            ".vscode/tasks.json",
            ".git/hooks/pre-commit",
            ".git/parallel.json",
            "src/parallel.json",
            "subplans/notes.md",
            "subplans/SUBPLAN_X_11.sh",
            "subplans/APPROVED_11.md",
            "subplans/deep/SUBPLAN_X_11.md",
            "Subplans/SUBPLAN_X_11.md",
            "execution/feedbacks/EXECUTION_TASK_X_11_01.md",
            "execution/feedbacks",
            "subplans",
        ] {
            assert!(!PlanPath::parse(bad).unwrap().is_written(), "{bad}");
        }
    }
}
