//! Files that a command is told to write besides those of the plan: events, a tape, a prompt. None of them may take the
//! place of what belongs to the plan or of another of them, and that is found out before anything is sent or written.

use std::{
    ffi::OsString,
    io::Read as _,
    path::{Component, Path, PathBuf},
};

use super::failure::Failure;
use crate::store::PlanDir;

/// What is in the plan directory by these names is planwave's, whether it is there already or not.
const OWN_FOLDERS: [&str; 3] = [".planwave", "subplans", "execution"];

/// Links followed at most, as on Linux. What is behind more of them cannot be opened either.
const MOST_LINKS: usize = 40;

/// How a line of events begins.
const EVENT: &[u8] = br#"{"event":"#;

/// A file that the user names.
#[derive(Clone, Copy, Debug)]
pub(super) enum OutputFile<'a> {
    /// `--events`: made anew, or in place of the events of an earlier command; `-` is standard output.
    Events(&'a Path),
    /// `--record`: made anew.
    Tape(&'a Path),
    /// `--out`: made anew.
    Prompt(&'a Path),
}

impl<'a> OutputFile<'a> {
    /// The path, unless it stands for standard output.
    fn path(self) -> Option<&'a Path> {
        match self {
            Self::Events(path) if path == Path::new("-") => None,
            Self::Events(path) | Self::Tape(path) | Self::Prompt(path) => Some(path),
        }
    }

    fn flag(self) -> &'static str {
        match self {
            Self::Events(_) => "--events",
            Self::Tape(_) => "--record",
            Self::Prompt(_) => "--out",
        }
    }
}

/// Whether these files can be written by a command about the plan in `dir`.
///
/// # Errors
///
/// One of them belongs to the plan, is another of them, or holds what must not be lost.
pub(super) fn check<'a>(dir: &PlanDir, files: impl IntoIterator<Item = OutputFile<'a>>) -> Result<(), Failure> {
    let mut seen: Vec<(PathBuf, OutputFile<'_>)> = Vec::new();
    for file in files {
        let Some(path) = file.path() else { continue };
        let real = resolved(path);
        let shown = path.display();
        if belongs_to_plan(dir, &real) {
            return Err(Failure::invalid(format!("`{}` cannot be {shown}: that belongs to the plan", file.flag()))
                .hint(format!(
                    "name a file that is no PLAN, parallel.json or planwave.toml, outside of {}",
                    folders()
                )));
        }
        if let Some((_, other)) = seen.iter().find(|(other, _)| *other == real) {
            return Err(Failure::invalid(format!("`{}` and `{}` are both {shown}", other.flag(), file.flag()))
                .hint(String::from("name two files")));
        }
        check_place(file, path)?;
        seen.push((real, file));
    }
    Ok(())
}

fn folders() -> String {
    let [first, second, third] = OWN_FOLDERS;
    format!("{first}, {second} and {third}")
}

/// Whether a file, by its real path, is one of the plan's or would be taken for one.
fn belongs_to_plan(dir: &PlanDir, real: &Path) -> bool {
    let name = real.file_name().unwrap_or_default().to_string_lossy();
    let like_a_plan = name.starts_with("PLAN_") && name.ends_with(".md");
    let like_the_plans = like_a_plan || name.ends_with("parallel.json") || name == "planwave.toml";
    if like_the_plans && real.parent() == Some(&resolved(dir.path())) {
        return true;
    }
    // Each of them may be a link to elsewhere.
    let files = [dir.located().plan_file.as_str(), "parallel.json"];
    let own = |name: &str| resolved(&dir.path().join(name));
    OWN_FOLDERS.into_iter().chain(files).any(|name| real.starts_with(own(name)))
}

/// Where a file is, or would be made, behind all links. What of the path does not exist cannot be a link.
fn resolved(path: &Path) -> PathBuf {
    let mut at = path.to_path_buf();
    // Last first.
    let mut missing: Vec<OsString> = Vec::new();
    let mut links = 0;
    let mut real = loop {
        let here = if at.as_os_str().is_empty() { Path::new(".") } else { &at };
        if let Ok(real) = here.canonicalize() {
            break real;
        }
        if links < MOST_LINKS
            && let Ok(target) = here.read_link()
        {
            links += 1;
            at = at.parent().unwrap_or(Path::new("")).join(target);
            continue;
        }
        let Some(last) = at.components().next_back() else { break at };
        missing.push(last.as_os_str().to_owned());
        if !at.pop() {
            break at;
        }
    };
    for name in missing.iter().rev() {
        if Path::new(name).components().eq([Component::ParentDir]) {
            real.pop();
        } else {
            real.push(name);
        }
    }
    real
}

/// Whether a file can be made at `path`. Only the events of an earlier command give way: a slip of the fingers must not
/// cost anybody a file.
fn check_place(file: OutputFile<'_>, path: &Path) -> Result<(), Failure> {
    let shown = path.display();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        return Err(Failure::invalid(format!("cannot write {shown}: there is no directory {}", folder.display())));
    }
    let there = match file {
        OutputFile::Tape(_) | OutputFile::Prompt(_) if path.symlink_metadata().is_ok() => "exists already",
        OutputFile::Events(_) if path.is_dir() => "is a directory",
        OutputFile::Events(_) if path.is_file() => {
            let mut start = Vec::new();
            std::fs::File::open(path)
                .and_then(|file| file.take(EVENT.len() as u64).read_to_end(&mut start))
                .map_err(|error| Failure::invalid(format!("cannot write {shown}: {error}")))?;
            if start.is_empty() || start == EVENT {
                return Ok(());
            }
            "exists and holds no events"
        }
        OutputFile::Events(_) | OutputFile::Tape(_) | OutputFile::Prompt(_) => return Ok(()),
    };
    Err(Failure::invalid(format!("`{}`: {shown} {there}", file.flag()))
        .hint(String::from("no file is overwritten: name another, or remove this one")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> (tempfile::TempDir, PlanDir) {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("plan/notes")).unwrap();
        std::fs::write(root.path().join("plan/PLAN_X.md"), "# PLAN").unwrap();
        let dir = PlanDir::open(&root.path().join("plan")).unwrap();
        (root, dir)
    }

    #[test]
    fn what_belongs_to_the_plan_is_known_by_any_path() {
        let (root, dir) = plan();
        let table = [
            ("plan/PLAN_X.md", false),
            ("plan/PLAN_OTHER.md", false),
            ("plan/parallel.json", false),
            ("plan/X.parallel.json", false),
            ("plan/planwave.toml", false),
            ("plan/notes/../parallel.json", false),
            ("plan/missing/../parallel.json", false),
            ("plan/./notes/.././subplans/SUBPLAN_X_11.md", false),
            ("plan/execution/feedbacks/APPROVED_11.md", false),
            ("plan/.planwave", false),
            ("plan/.planwave/tape.jsonl", false),
            ("plan/.planwave/runs/1/events.jsonl", false),
            ("plan/events.jsonl", true),
            ("plan/notes/parallel.json", true),
            ("plan/subplans.jsonl", true),
            ("parallel.json", true),
            (".planwave/tape.jsonl", true),
            ("events.jsonl", true),
        ];
        for (path, good) in table {
            assert_eq!(belongs_to_plan(&dir, &resolved(&root.path().join(path))), !good, "{path}");
        }
        assert!(check(&dir, [OutputFile::Events(Path::new("-")), OutputFile::Tape(Path::new("-"))]).is_ok());
    }

    #[test]
    fn two_outputs_are_two_files() {
        let (root, dir) = plan();
        let at = |path: &str| root.path().join(path);
        let (one, same, other) = (at("plan/x.jsonl"), at("plan/notes/../x.jsonl"), at("plan/y.jsonl"));
        let refused = check(&dir, [OutputFile::Tape(&one), OutputFile::Events(&same)]).unwrap_err();
        assert!(refused.text().contains("`--record` and `--events` are both"), "{}", refused.text());
        assert!(check(&dir, [OutputFile::Tape(&one), OutputFile::Events(&other)]).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_even_where_they_lead_to_nothing_yet() {
        use std::os::unix::fs::symlink;
        let (root, dir) = plan();
        let at = |path: &str| root.path().join(path);
        symlink("plan/.planwave/tape.jsonl", at("tape")).unwrap();
        symlink("tape", at("again")).unwrap();
        symlink("plan", at("beside")).unwrap();
        symlink(at("plan/notes"), at("away")).unwrap();
        symlink("circle", at("circle")).unwrap();
        // The plan's own file is a link.
        std::fs::write(at("plan/notes/kept.json"), "{}").unwrap();
        symlink("notes/kept.json", at("plan/parallel.json")).unwrap();
        for (path, good) in [
            ("tape", false),
            ("again", false),
            ("beside/subplans/x", false),
            ("away/../.planwave/lock", false),
            ("plan/notes/kept.json", false),
            ("beside/x", true),
            ("circle", true),
        ] {
            assert_eq!(belongs_to_plan(&dir, &resolved(&at(path))), !good, "{path}");
        }
    }
}
