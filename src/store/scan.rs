//! What documents and verdicts a plan directory holds, found in one pass however many achievements there are.

use std::{
    collections::{BTreeMap, HashMap},
    io,
};

use cap_std::fs::Metadata;

use super::{PlanDir, StoreError, plan_dir::is_outside};
use crate::{
    document::{FileRole, Folder, Names, is_placeholder},
    parallel::Evidence,
    plan::AchievementId,
};

/// A document smaller than this is read to see whether it is a placeholder: those are skeletons of a few kilobytes,
/// and reading every large document would make the scan as slow as the plan is long.
pub(super) const PLACEHOLDER_LIMIT: u64 = 16 * 1024;

/// The folders of a plan directory that hold documents and verdicts.
const FOLDERS: [(Folder, &str); 3] =
    [(Folder::Subplans, "subplans"), (Folder::Execution, "execution"), (Folder::Feedbacks, "execution/feedbacks")];

/// The files of all achievements.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scan {
    files: HashMap<AchievementId, AchievementFiles>,
}

/// The files of one achievement. Placeholders and empty files are not among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AchievementFiles {
    /// Path of the SUBPLAN.
    pub subplan: Option<String>,
    /// Paths of the EXECUTION_TASKs by number.
    pub executions: BTreeMap<u32, String>,
    /// Placeholders and empty files that stand where a document belongs.
    pub placeholders: Vec<String>,
    /// The verdicts, and what of the above counts for the status.
    pub evidence: Evidence,
}

static NOTHING: AchievementFiles = AchievementFiles {
    subplan: None,
    executions: BTreeMap::new(),
    placeholders: Vec::new(),
    evidence: Evidence { approved: false, fix: false, skipped: false, subplan: false, executions: 0 },
};

impl Scan {
    /// The files of an achievement.
    pub fn of_achievement(&self, id: AchievementId) -> &AchievementFiles {
        self.files.get(&id).unwrap_or(&NOTHING)
    }

    /// A scan that found these paths, each with something in it; what is no document or verdict does not count.
    #[cfg(test)]
    pub(crate) fn with<'a>(names: &Names, paths: impl IntoIterator<Item = &'a str>) -> Self {
        let mut scan = Self::default();
        for path in paths {
            let (folder, name) = path.rsplit_once('/').unwrap_or_default();
            if let Some((folder, _)) = FOLDERS.iter().find(|(_, known)| *known == folder)
                && let Some(role) = names.classify(*folder, name)
            {
                scan.note(role, path.to_owned(), false);
            }
        }
        scan
    }

    pub(super) fn of(plan_dir: &PlanDir, names: &Names) -> Result<Self, StoreError> {
        let mut scan = Self::default();
        for (folder, path) in FOLDERS {
            let failed = |source| StoreError::Io { path: plan_dir.shown(path), source: plan_dir.explained(source) };
            let entries = match plan_dir.dir().read_dir(path) {
                Ok(entries) => entries,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(failed(error)),
            };
            let mut found = Vec::new();
            for entry in entries {
                let entry = entry.map_err(failed)?;
                if let Ok(name) = entry.file_name().into_string()
                    && let Some(role) = names.classify(folder, &name)
                {
                    found.push((name, role, entry.metadata().map_err(failed)?));
                }
            }
            // The plain name sorts before its suffixed spellings, so it is the one that is kept.
            found.sort_by(|a, b| (a.0.len(), &a.0).cmp(&(b.0.len(), &b.0)));
            for (name, role, metadata) in found {
                let path = format!("{path}/{name}");
                let bytes = plan_dir.file_size(&path, &metadata);
                let blank = match (role, bytes) {
                    (FileRole::Subplan(_) | FileRole::Execution { .. }, Ok(bytes)) => {
                        plan_dir.is_blank(&path, bytes)?
                    }
                    // It could not be written over, which is better known before a model is asked.
                    (FileRole::Subplan(_) | FileRole::Execution { .. }, Err(what)) => {
                        return Err(StoreError::InTheWay { path: plan_dir.shown(&path), what });
                    }
                    (FileRole::Approved(_) | FileRole::Fix(_) | FileRole::Skipped(_), Ok(_)) => false,
                    (FileRole::Approved(_) | FileRole::Fix(_) | FileRole::Skipped(_), Err(_)) => continue,
                };
                scan.note(role, path, blank);
            }
        }
        Ok(scan)
    }

    fn note(&mut self, role: FileRole, path: String, blank: bool) {
        let id = match role {
            FileRole::Subplan(id) | FileRole::Approved(id) | FileRole::Fix(id) | FileRole::Skipped(id) => id,
            FileRole::Execution { id, .. } => id,
        };
        let files = self.files.entry(id).or_default();
        if blank {
            files.placeholders.push(path);
            return;
        }
        match role {
            FileRole::Subplan(_) => {
                files.subplan.get_or_insert(path);
                files.evidence.subplan = true;
            }
            FileRole::Execution { number, .. } => {
                files.executions.entry(number).or_insert(path);
                files.evidence.executions = files.executions.len();
            }
            FileRole::Approved(_) => files.evidence.approved = true,
            FileRole::Fix(_) => files.evidence.fix = true,
            FileRole::Skipped(_) => files.evidence.skipped = true,
        }
    }
}

impl PlanDir {
    /// The size of the regular file that is there, or that a link there leads to; the error says what it is instead.
    /// `metadata` is that of the entry itself.
    fn file_size(&self, path: &str, metadata: &Metadata) -> Result<u64, &'static str> {
        if metadata.is_file() {
            return Ok(metadata.len());
        }
        if !metadata.is_symlink() {
            return Err(if metadata.is_dir() { "a directory" } else { "no regular file" });
        }
        match self.dir().metadata(path) {
            Ok(target) if target.is_file() => Ok(target.len()),
            Ok(_) => Err("a link to something that is no regular file"),
            Err(error) if is_outside(&error) => Err("a link that leads out of the plan directory"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err("a link to a file that does not exist"),
            Err(_) => Err("a link that cannot be followed"),
        }
    }

    fn is_blank(&self, path: &str, bytes: u64) -> Result<bool, StoreError> {
        if bytes > PLACEHOLDER_LIMIT {
            return Ok(false);
        }
        let bytes = self.dir().read(path).map_err(|source| StoreError::Io { path: self.shown(path), source })?;
        Ok(is_placeholder(&String::from_utf8_lossy(&bytes)))
    }
}
