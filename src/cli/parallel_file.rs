//! A parallel.json that a user names, with what stands around it; unlike a run, its commands must cope with a file that is
//! broken, or that has no PLAN.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::{
    error_code::ErrorCode,
    failure::{Exit, Failure},
    own_folder,
    project::doubts,
    terminal::{self, err, out},
};
use crate::{
    document::{Names, digest},
    parallel::{Documents, ParallelFile, Surroundings, whole_seconds},
    plan::{AchievementId, IdMap, Plan, parse},
    report::{Style, diff_text, sanitize, shell_word},
    store::{Edited, LocateError, Operation, PlanDir, StoreError},
};

/// The file and its directory.
pub(super) struct Target {
    pub(super) dir: PlanDir,
    /// The file's name in the directory.
    file: String,
    /// Whether there is a PLAN in the directory.
    has_plan: bool,
    /// Its bytes.
    pub(super) bytes: Vec<u8>,
}

/// Makes a text anew of other bytes.
type Again<'a> = dyn Fn(&[u8]) -> Result<Option<String>, Failure> + 'a;

/// A new text for the file.
pub(super) struct Rewrite<'a> {
    pub(super) new: &'a str,
    /// Makes it anew of what somebody else has written in the meantime; `None` where nothing is left to do.
    pub(super) again: &'a Again<'a>,
    /// What people typed.
    pub(super) command: &'a str,
}

/// A PLAN, or why there is none.
pub(super) struct PlanRead {
    plan: Option<Plan>,
    error: Option<String>,
    file: String,
    /// What in it may not be as its author meant it; each a line that begins with file and line.
    pub(super) warnings: Vec<String>,
}

impl Target {
    /// Opens a plan directory, a `PLAN_*.md`, or any `.json`; without a PLAN beside it, the file alone.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let (dir, file, has_plan) = if path.is_file() && has_extension(name, ".json") {
            let (dir, has_plan) = around_file(path, name)?;
            (dir, name.to_owned(), has_plan)
        } else {
            let file = String::from("parallel.json");
            match own_folder::open(path) {
                Ok(dir) => (dir, file, true),
                Err(StoreError::Locate(LocateError::NoPlan(directory))) if directory.join(&file).exists() => {
                    (without_plan(&directory)?, file, false)
                }
                Err(error) => return Err(error.into()),
            }
        };
        let bytes = match dir.read(&file) {
            Ok(bytes) => bytes,
            Err(StoreError::Io { path, source }) if source.kind() == std::io::ErrorKind::NotFound => {
                let plan = shell_word(&dir.path().display().to_string());
                return Err(Failure::invalid(format!("there is no {}", path.display())).hint(format!(
                    "`planwave analyze {plan} --declared` writes one from the dependencies that the PLAN declares"
                )));
            }
            Err(error) => return Err(error.into()),
        };
        Ok(Self { dir, file, has_plan, bytes })
    }

    /// Whether it is the file that the other commands use.
    pub(super) fn is_the_plans(&self) -> bool {
        self.file == "parallel.json"
    }

    /// The file as the user would name it.
    pub(super) fn shown(&self) -> String {
        self.dir.shown(&self.file).display().to_string()
    }

    /// The file's text; what is not UTF-8 in it is for showing only.
    pub(super) fn text(&self) -> String {
        let text = String::from_utf8_lossy(&self.bytes);
        text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned()
    }

    /// Reads the PLAN.
    pub(super) fn plan(&self) -> PlanRead {
        let located = self.dir.located();
        let file = located.plan_file.clone();
        if !self.has_plan {
            return PlanRead { plan: None, error: None, file: String::new(), warnings: Vec::new() };
        }
        let read = self.dir.read_plan().map_err(|error| error.to_string()).and_then(|bytes| {
            let plan = parse(located.name.clone(), &bytes).map_err(|error| match error.line() {
                Some(line) => format!("{file}, line {line}: {error}"),
                None => format!("{file}: {error}"),
            })?;
            let shown = self.dir.shown(&file).display().to_string();
            let warnings = doubts(&plan, &bytes, &shown);
            Ok((plan, warnings))
        });
        match read {
            Ok((plan, warnings)) => PlanRead { plan: Some(plan), error: None, file, warnings },
            Err(error) => PlanRead { plan: None, error: Some(error), file, warnings: Vec::new() },
        }
    }

    /// Looks at what stands around the file.
    pub(super) fn surroundings<'a>(
        &self,
        file: &ParallelFile,
        plan: &'a PlanRead,
    ) -> Result<Surroundings<'a>, Failure> {
        let mut around = Surroundings {
            plan: plan.plan.as_ref(),
            plan_file: plan.file.clone(),
            plan_error: plan.error.clone(),
            ..Surroundings::default()
        };
        if !self.has_plan {
            return Ok(around);
        }
        let planned = plan.plan.iter().flat_map(|plan| plan.achievements.iter().map(|achievement| achievement.id));
        let mut ids: Vec<AchievementId> = file.entries().iter().map(|entry| entry.id).chain(planned).collect();
        ids.sort_unstable();
        ids.dedup();
        let names = Names::new(self.dir.located().name.clone(), ids.iter().copied());
        let scan = self.dir.scan(&names)?;
        let mut all = IdMap::default();
        for id in ids {
            let files = scan.of_achievement(id);
            let mut documents = Documents {
                evidence: files.evidence,
                subplan: files.subplan.clone(),
                executions: files.executions.values().cloned().collect(),
                planned: 1,
            };
            if documents == (Documents { planned: 1, ..Documents::default() }) {
                continue;
            }
            if let Some(path) = &files.subplan {
                let subplan = digest(&String::from_utf8_lossy(&self.dir.read(path)?));
                documents.planned = subplan.parts.len().max(1);
                around.subplan_deliverables.insert(id, subplan.deliverables);
                around.subplan_approaches.insert(id, subplan.approach);
            }
            all.insert(id, documents);
        }
        for entry in file.entries() {
            let found = all.get(&entry.id);
            for path in entry.subplan_path.iter().chain(&entry.execution_paths) {
                let known =
                    found.is_some_and(|found| found.subplan.as_ref() == Some(path) || found.executions.contains(path));
                if !known && !self.dir.is_file(path) {
                    around.missing.insert(path.clone());
                }
            }
        }
        around.documents = Some(all);
        Ok(around)
    }

    /// What would change, for people.
    pub(super) fn diff(&self, new: &str, style: Style) -> String {
        diff_text(&String::from_utf8_lossy(&self.bytes), new, &self.shown(), style)
    }

    /// Shows what would change, asks, and writes. Gives whether it was written.
    pub(super) fn rewrite(&self, rewrite: &Rewrite<'_>, yes: bool, style: Style) -> Result<bool, Failure> {
        let shown = self.shown();
        out(&self.diff(rewrite.new, style))?;
        if !yes {
            if !terminal::is_interactive() {
                return Err(Failure::invalid(format!("this would change {shown}, and there is no terminal to ask on"))
                    .code(ErrorCode::NoTerminal)
                    .hint(String::from("`--yes` writes it without asking")));
            }
            if !terminal::confirm(&format!("Write {}? [y/N]", sanitize(&shown))) {
                err("nothing written\n");
                return Ok(false);
            }
        }
        self.write(rewrite)?;
        Ok(true)
    }

    /// Refuses to write where nobody can be asked: a program reads JSON.
    pub(super) fn agreed(&self, yes: bool) -> Result<(), Failure> {
        if yes {
            return Ok(());
        }
        Err(Failure::invalid(format!("this would change {}, and with `--json` nobody is asked", self.shown()))
            .hint(String::from("`--yes` writes it without asking")))
    }

    /// Writes, as an operation that can be undone.
    pub(super) fn write(&self, rewrite: &Rewrite<'_>) -> Result<(), Failure> {
        let shown = self.shown();
        let command = rewrite.command;
        let began = Timestamp::now();
        let holder = format!("process {} ({command}) since {}", std::process::id(), whole_seconds(began));
        let lock = own_folder::lock(&self.dir, &holder)?;
        let operation = Operation::begin(&self.dir, &lock, command, began)?;
        let mut anew = false;
        operation.edit(&self.file, |now| {
            anew = now != self.bytes;
            if anew { (rewrite.again)(now) } else { Ok(Some(rewrite.new.to_owned())) }
        })?;
        operation.finish()?;
        terminal::say_merged(if anew { Edited::Merged } else { Edited::Written }, &shown);
        err(&format!("wrote {}\n", sanitize(&shown)));
        Ok(())
    }
}

/// The exit code of a file with, or without, errors.
pub(super) fn exit(errors: bool) -> Exit {
    if errors { Exit::Incomplete } else { Exit::Done }
}

fn has_extension(name: &str, extension: &str) -> bool {
    let at = name.len().saturating_sub(extension.len());
    name.get(at..).is_some_and(|end| end.eq_ignore_ascii_case(extension))
}

/// The directory of a file, and whether it has the file's PLAN: `X.parallel.json` belongs to `PLAN_X.md`, `parallel.json`
/// to the only PLAN there is.
fn around_file(path: &Path, name: &str) -> Result<(PlanDir, bool), Failure> {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    };
    let opened = match name.strip_suffix(".parallel.json") {
        Some(stem) => own_folder::open(&parent.join(format!("PLAN_{stem}.md"))),
        None => own_folder::open(&parent),
    };
    match opened {
        Ok(dir) => Ok((dir, true)),
        Err(StoreError::Locate(
            LocateError::NoPlan(_) | LocateError::Missing(_) | LocateError::Several { .. } | LocateError::Name { .. },
        )) => Ok((without_plan(&parent)?, false)),
        Err(error) => Err(error.into()),
    }
}

/// A plan directory to look back in; without a PLAN, the directory of a parallel.json whose past is on record there.
pub(super) fn open_past(path: &Path) -> Result<PlanDir, Failure> {
    let directory = if path.is_file() { path.parent().unwrap_or(path) } else { path };
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    match own_folder::open(path) {
        Err(StoreError::Locate(LocateError::NoPlan(_))) if directory.join(".planwave").is_dir() => {
            without_plan(directory)
        }
        dir => Ok(dir?),
    }
}

fn without_plan(directory: &Path) -> Result<PlanDir, Failure> {
    let dir = own_folder::without_plan(directory)?;
    own_folder::say_foreign(&dir);
    Ok(dir)
}
