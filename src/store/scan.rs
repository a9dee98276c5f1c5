//! What documents and verdicts a plan directory holds, found in one pass however many achievements there are.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet, btree_map::Entry},
    io::{self, Read as _},
    num::NonZero,
    thread,
};

use super::disk::Directory;

use super::{Oddity, PlanDir, StoreError, advice::is_outside, oddity};
use crate::{
    document::{FileRole, Folder, Names, is_placeholder},
    parallel::Evidence,
    plan::{AchievementId, IdMap},
};

/// A document smaller than this is read to see whether it is a placeholder: those are skeletons of a few kilobytes,
/// and reading every large document would make the scan as slow as the plan is long.
pub(super) const PLACEHOLDER_LIMIT: u64 = 16 * 1024;

/// Fewer files than these are looked at faster than a thread is started for them.
const FEW: usize = 500;

/// More threads than these only wait for the same disk.
const MOST_THREADS: usize = 8;

type Files = IdMap<AchievementFiles>;

/// The files of all achievements.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scan {
    files: Files,
    odd: Vec<Oddity>,
}

/// The files of one achievement. Placeholders and empty files are not among its documents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AchievementFiles {
    /// Path of the SUBPLAN.
    pub subplan: Option<String>,
    /// Paths of the EXECUTION_TASKs by number.
    pub executions: BTreeMap<u32, String>,
    /// Further documents of the achievement: other spellings of a name that is taken above.
    pub revisions: Vec<String>,
    /// Placeholders and empty files that stand where a document belongs.
    pub placeholders: Vec<String>,
    /// The files that say that it is complete, must be fixed, or is left out.
    pub verdicts: Verdicts,
    /// The verdicts, and what of the above counts for the status.
    pub evidence: Evidence,
}

/// Paths of the verdicts on one achievement; nearly always none or one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdicts {
    /// `APPROVED_<SLUG>.md`
    pub approved: Vec<String>,
    /// `FIX_<SLUG>.md`
    pub fix: Vec<String>,
    /// `SKIPPED_<SLUG>.md`
    pub skipped: Vec<String>,
}

static NOTHING: AchievementFiles = AchievementFiles {
    subplan: None,
    executions: BTreeMap::new(),
    revisions: Vec::new(),
    placeholders: Vec::new(),
    verdicts: Verdicts { approved: Vec::new(), fix: Vec::new(), skipped: Vec::new() },
    evidence: Evidence { approved: false, fix: false, skipped: false, subplan: false, executions: 0 },
};

/// Which documents are opened to see whether they are placeholders.
#[derive(Clone, Copy)]
pub(super) enum Depth<'a> {
    /// All of them.
    Documents,
    /// Those that a status can hang on, and all of these achievements. A verdict decides whatever the documents hold, and
    /// one EXECUTION_TASK decides whatever the SUBPLAN holds.
    Statuses(&'a HashSet<AchievementId>),
}

/// The names in the folders of documents and verdicts. To list them nothing of the plan needs to be known.
#[derive(Debug, Default)]
pub struct Listing(Vec<Listed>);

#[derive(Debug)]
struct Listed {
    folder: Folder,
    name: String,
    is_file: bool,
}

impl Listing {
    pub(super) fn of(plan_dir: &PlanDir) -> Result<Self, StoreError> {
        let mut names = Vec::new();
        for folder in Folder::ALL {
            let failed =
                |source| StoreError::Io { path: plan_dir.shown(folder.path()), source: plan_dir.explained(source) };
            let entries = match plan_dir.dir().read_dir(folder.path()) {
                Ok(entries) => entries,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(failed(error)),
            };
            for entry in entries {
                let entry = entry.map_err(failed)?;
                let Ok(name) = entry.file_name().into_string() else { continue };
                // Directory entries mostly tell their type without another call.
                let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
                names.push(Listed { folder, name, is_file });
            }
        }
        Ok(Self(names))
    }
}

/// A document by its name; whether there is something in it is not known yet.
struct Document {
    role: FileRole,
    path: String,
}

impl Scan {
    /// The files of an achievement.
    pub fn of_achievement(&self, id: AchievementId) -> &AchievementFiles {
        self.files.get(&id).unwrap_or(&NOTHING)
    }

    /// What has the name of a document or a verdict and does not count, sorted by path.
    pub fn odd(&self) -> &[Oddity] {
        &self.odd
    }

    /// Whether each document that would be written finds its place free, or taken by a file.
    ///
    /// # Errors
    ///
    /// The first thing in the way; this is better known before a model is asked.
    pub fn writable(&self, plan_dir: &PlanDir) -> Result<(), StoreError> {
        let in_the_way = self.odd.iter().find_map(|oddity| match oddity {
            Oddity::NoFile { path, what, is_document: true } => {
                Some(StoreError::InTheWay { path: plan_dir.shown(path), what })
            }
            Oddity::NoFile { .. } | Oddity::OfOtherPlan { .. } | Oddity::Misplaced { .. } | Oddity::Nobodys { .. } => {
                None
            }
        });
        in_the_way.map_or(Ok(()), Err)
    }

    /// A scan that found these paths, each with something in it; what is no document or verdict does not count.
    #[cfg(test)]
    pub(crate) fn with<'a>(names: &Names, paths: impl IntoIterator<Item = &'a str>) -> Self {
        let mut scan = Self::default();
        for path in paths {
            let (folder, name) = path.rsplit_once('/').unwrap_or_default();
            if let Some(folder) = Folder::ALL.into_iter().find(|known| known.path() == folder) {
                match names.classify(folder, name) {
                    Some(role) => scan.note(role, path.to_owned(), false),
                    None => scan.odd.extend(Oddity::of(names, Some(folder), path)),
                }
            }
        }
        scan
    }

    pub(super) fn of(
        plan_dir: &PlanDir,
        Listing(listed): Listing,
        names: &Names,
        depth: Depth<'_>,
    ) -> Result<Self, StoreError> {
        let mut odd = oddity::misplaced(plan_dir, names);
        let mut documents = Vec::new();
        for Listed { folder, name, is_file } in listed {
            let path = || format!("{}/{name}", folder.path());
            let Some(role) = names.classify(folder, &name) else {
                odd.extend(Oddity::of(names, Some(folder), &path()));
                continue;
            };
            let path = path();
            let failed = |source| StoreError::Io { path: plan_dir.shown(&path), source: plan_dir.explained(source) };
            match if is_file { None } else { plan_dir.in_the_way(&path).map_err(failed)? } {
                None => documents.push(Document { role, path }),
                Some(what) => odd.push(Oddity::NoFile { path, what, is_document: is_document(role) }),
            }
        }
        odd.sort_unstable_by(|a, b| a.path().cmp(b.path()));
        // The plain name sorts before its suffixed spellings, so it is the one that is kept. Verdicts come first and
        // EXECUTION_TASKs before SUBPLANs, because they tell which documents need not be opened.
        let order = |role: FileRole| match role {
            FileRole::Approved(_) | FileRole::Fix(_) | FileRole::Skipped(_) => 0,
            FileRole::Execution { .. } => 1,
            FileRole::Subplan(_) => 2,
        };
        documents.sort_unstable_by(|a, b| {
            (order(a.role), a.path.len(), &a.path).cmp(&(order(b.role), b.path.len(), &b.path))
        });
        let threads = match documents.len() {
            0..FEW => 1,
            _ => thread::available_parallelism().map_or(1, NonZero::get).min(MOST_THREADS),
        };
        let files = if threads == 1 {
            Self::look(documents, plan_dir.dir(), depth)
        } else {
            Self::look_at_once(documents, plan_dir.dir(), depth, threads)
        };
        let files = files.map_err(|(path, source)| StoreError::Io { path: plan_dir.shown(&path), source })?;
        Ok(Self { files, odd })
    }

    /// Shares the achievements among threads: opening a file mostly is waiting for the system.
    fn look_at_once(
        documents: Vec<Document>,
        root: &Directory,
        depth: Depth<'_>,
        threads: usize,
    ) -> Result<Files, (String, io::Error)> {
        let mut shares: Vec<Vec<Document>> = Vec::new();
        shares.resize_with(threads, Vec::new);
        for document in documents {
            let share = achievement_of(document.role).parts().iter().fold(0, |sum, part| sum ^ part) as usize % threads;
            if let Some(share) = shares.get_mut(share) {
                share.push(document);
            }
        }
        thread::scope(|scope| {
            let look = |share| scope.spawn(move || Self::look(share, root, depth));
            let running: Vec<_> = shares.into_iter().map(look).collect();
            let mut all = Files::default();
            for thread in running {
                let files = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
                if all.is_empty() {
                    all = files;
                } else {
                    all.extend(files);
                }
            }
            Ok(all)
        })
    }

    /// Takes in documents and verdicts, in their order.
    fn look(documents: Vec<Document>, root: &Directory, depth: Depth<'_>) -> Result<Files, (String, io::Error)> {
        let mut scan = Self::default();
        let mut buffer = Vec::with_capacity(8 * 1024);
        for Document { role, path } in documents {
            let blank = if scan.must_open(role, depth) { is_blank(root, &path, &mut buffer) } else { Ok(false) };
            match blank {
                Ok(blank) => scan.note(role, path, blank),
                // Gone since the folder was listed: readers hold no lock.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err((path, error)),
            }
        }
        Ok(scan.files)
    }

    /// Whether what is in the file matters, given the files noted so far.
    fn must_open(&self, role: FileRole, depth: Depth<'_>) -> bool {
        let id = match role {
            FileRole::Approved(_) | FileRole::Fix(_) | FileRole::Skipped(_) => return false,
            FileRole::Execution { id, .. } | FileRole::Subplan(id) => id,
        };
        match depth {
            Depth::Documents => true,
            Depth::Statuses(in_full) => {
                let Evidence { approved, fix, skipped, subplan: _, executions } = self.of_achievement(id).evidence;
                in_full.contains(&id) || !(approved || fix || skipped || executions > 0)
            }
        }
    }

    fn note(&mut self, role: FileRole, path: String, blank: bool) {
        let files = self.files.entry(achievement_of(role)).or_default();
        if blank {
            files.placeholders.push(path);
            return;
        }
        match role {
            FileRole::Subplan(_) => {
                files.evidence.subplan = true;
                if files.subplan.is_none() {
                    files.subplan = Some(path);
                } else {
                    files.revisions.push(path);
                }
            }
            FileRole::Execution { number, .. } => {
                match files.executions.entry(number) {
                    Entry::Vacant(free) => drop(free.insert(path)),
                    Entry::Occupied(_) => files.revisions.push(path),
                }
                files.evidence.executions = files.executions.len();
            }
            FileRole::Approved(_) => {
                files.verdicts.approved.push(path);
                files.evidence.approved = true;
            }
            FileRole::Fix(_) => {
                files.verdicts.fix.push(path);
                files.evidence.fix = true;
            }
            FileRole::Skipped(_) => {
                files.verdicts.skipped.push(path);
                files.evidence.skipped = true;
            }
        }
    }
}

impl PlanDir {
    /// What stands there instead of a regular file, or of a link to one, if something does.
    fn in_the_way(&self, path: &str) -> io::Result<Option<&'static str>> {
        let metadata = match self.dir().symlink_metadata(path) {
            Ok(metadata) => metadata,
            // Gone since the folder was listed: readers hold no lock.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        if !metadata.is_symlink() {
            let what = if metadata.is_dir() { "a directory" } else { "no regular file" };
            return Ok(Some(what).filter(|_| !metadata.is_file()));
        }
        Ok(match self.dir().metadata(path) {
            Ok(target) if target.is_file() => None,
            Ok(_) => Some("a link to something that is no regular file"),
            Err(error) if is_outside(&error) => Some("a link that leads out of the plan directory"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Some("a link to a file that does not exist"),
            Err(_) => Some("a link that cannot be followed"),
        })
    }
}

impl AchievementFiles {
    /// Paths of all EXECUTION_TASKs, other spellings included, in the order of their names.
    pub fn execution_paths(&self) -> Vec<String> {
        let revisions = self.revisions.iter().filter(|path| path.starts_with("execution/"));
        let paths: BTreeSet<&String> = self.executions.values().chain(revisions).collect();
        paths.into_iter().cloned().collect()
    }
}

fn is_document(role: FileRole) -> bool {
    match role {
        FileRole::Subplan(_) | FileRole::Execution { .. } => true,
        FileRole::Approved(_) | FileRole::Fix(_) | FileRole::Skipped(_) => false,
    }
}

/// Whether the file is empty or a placeholder. No more of it is read than a placeholder can have.
fn is_blank(root: &Directory, path: &str, buffer: &mut Vec<u8>) -> io::Result<bool> {
    buffer.clear();
    root.open(path)?.take(PLACEHOLDER_LIMIT + 1).read_to_end(buffer)?;
    let small = buffer.len() as u64 <= PLACEHOLDER_LIMIT;
    Ok(small
        && match std::str::from_utf8(buffer) {
            Ok(text) => is_placeholder(text),
            Err(_) => is_placeholder(&String::from_utf8_lossy(buffer)),
        })
}

fn achievement_of(role: FileRole) -> AchievementId {
    match role {
        FileRole::Subplan(id) | FileRole::Approved(id) | FileRole::Fix(id) | FileRole::Skipped(id) => id,
        FileRole::Execution { id, .. } => id,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{
        parallel::{Status, derive_status},
        plan::PlanName,
    };

    /// Every mix of files, over enough achievements that threads share them.
    #[test]
    fn a_survey_gives_the_statuses_of_a_scan() {
        let directory = tempfile::tempdir().unwrap();
        let write = |path: String, text: &str| {
            let path = directory.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("PLAN_X.md".into(), "# PLAN");
        let text = |kind: u32| [None, Some("text"), Some(""), Some("[TO BE FILLED]")][(kind % 4) as usize];
        let ids: Vec<AchievementId> =
            (0..256).map(|n| AchievementId::parse(&format!("1.{}", n + 100)).unwrap()).collect();
        for (number, id) in (0_u32..).zip(&ids) {
            let slug = id.short_slug();
            let files = [
                (number, format!("subplans/SUBPLAN_X_{slug}.md")),
                (number / 4, format!("execution/EXECUTION_TASK_X_{slug}_01.md")),
                (number / 16, format!("execution/EXECUTION_TASK_X_{slug}_02.md")),
            ];
            for (kind, path) in files {
                if let Some(text) = text(kind) {
                    write(path, text);
                }
            }
            match number / 64 {
                1 => write(format!("execution/feedbacks/APPROVED_{slug}.md"), ""),
                2 => write(format!("execution/feedbacks/FIX_{slug}.md"), "x"),
                3 => write(format!("execution/SKIPPED_{slug}.md"), "x"),
                _ => {}
            }
        }
        let dir = PlanDir::open(directory.path()).unwrap();
        let names = Names::new(PlanName::parse("X").unwrap(), ids.iter().copied());
        let scan = dir.scan(&names).unwrap();
        let survey = dir.survey(dir.list().unwrap(), &names, &HashSet::new()).unwrap();
        let in_full = dir.survey(dir.list().unwrap(), &names, &ids.iter().copied().collect()).unwrap();
        assert_eq!(in_full, scan);
        for id in ids {
            let status = |scan: &Scan| derive_status(scan.of_achievement(id).evidence, Status::NotStarted, false);
            assert_eq!(status(&survey), status(&scan), "{id}");
        }
    }

    #[test]
    fn other_spellings_are_kept_and_empty_ones_give_way() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir_all(directory.path().join("execution")).unwrap();
        let names = ["_01.md", "_01_V2.md", "_01_RECOVERY.md", "_01_ARCHIVED.md", "_02.md", "_02_V2.md"];
        for (name, text) in names.iter().zip(["x", "x", "x", "x", "", "x"]) {
            fs::write(directory.path().join(format!("execution/EXECUTION_TASK_X_11{name}")), text).unwrap();
        }
        fs::write(directory.path().join("PLAN_X.md"), "").unwrap();
        let id = AchievementId::parse("1.1").unwrap();
        let scan = PlanDir::open(directory.path()).unwrap();
        let scan = scan.scan(&Names::new(PlanName::parse("X").unwrap(), [id])).unwrap();
        let files = scan.of_achievement(id);
        let path = |name: &str| format!("execution/EXECUTION_TASK_X_11{name}");
        assert_eq!(files.executions, [(1, path("_01.md")), (2, path("_02_V2.md"))].into());
        assert_eq!(files.revisions, [path("_01_V2.md"), path("_01_RECOVERY.md")]);
        assert_eq!((&files.placeholders, files.evidence.executions), (&vec![path("_02.md")], 2));
        assert_eq!(scan.odd(), []);
    }
}
