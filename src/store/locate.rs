//! From what a user typed to a plan directory and its PLAN.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::{
    document::Folder,
    plan::{InvalidPlanName, PlanName},
};

/// A plan directory and the PLAN in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// The plan directory as the user would name it.
    pub directory: PathBuf,
    /// The plan's name.
    pub name: PlanName,
    /// File name of the PLAN in the directory.
    pub plan_file: String,
}

/// There is no PLAN where the user pointed.
#[derive(Debug, thiserror::Error)]
pub enum LocateError {
    /// Nothing is there.
    #[error("there is no file or directory {}", .0.display())]
    Missing(PathBuf),
    /// The system refused.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// What was read.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A directory without a `PLAN_*.md`.
    #[error("there is no PLAN_<NAME>.md in {}", .0.display())]
    NoPlan(PathBuf),
    /// A directory with several.
    #[error("{} holds several PLANs: {}", directory.display(), names.join(", "))]
    Several {
        /// The directory.
        directory: PathBuf,
        /// Their file names.
        names: Vec<String>,
    },
    /// A file that is neither a PLAN nor a parallel.json.
    #[error("{} is neither a PLAN_<NAME>.md nor a parallel.json", .0.display())]
    NotAPlan(PathBuf),
    /// The `<NAME>` cannot stand in file names.
    #[error("{}: {source}", path.display())]
    Name {
        /// The PLAN.
        path: PathBuf,
        /// Why not.
        source: InvalidPlanName,
    },
}

impl LocateError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Missing(_) => Some(String::from("name a plan directory, a PLAN_<NAME>.md or a parallel.json")),
            Self::NoPlan(_) => Some(String::from("create a PLAN_<NAME>.md there, or name another directory")),
            Self::Several { directory, names } => {
                let first = names.first()?;
                Some(format!("name one of them, such as {}", directory.join(first).display()))
            }
            Self::NotAPlan(_) => Some(String::from("a PLAN's file name is PLAN_<NAME>.md, such as PLAN_BILLING.md")),
            Self::Name { .. } => Some(String::from("rename the file")),
            Self::Io { .. } => None,
        }
    }
}

/// Finds the PLAN that `path` means: a plan directory, a `PLAN_*.md`, or a parallel.json.
///
/// A directory with several PLANs is refused, unless one of them is named like the directory. One of the folders of a plan
/// directory stands for it.
pub fn locate(path: &Path) -> Result<Located, LocateError> {
    let metadata = std::fs::metadata(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => LocateError::Missing(path.to_path_buf()),
        _ => LocateError::Io { path: path.to_path_buf(), source },
    })?;
    if metadata.is_dir() {
        return in_directory(path).or_else(|error| match error {
            LocateError::NoPlan(_) => around(path).unwrap_or(Err(error)),
            error => Err(error),
        });
    }
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let file_name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if file_name.eq_ignore_ascii_case("parallel.json") || file_name.ends_with(".parallel.json") {
        return in_directory(parent);
    }
    match plan_name(file_name) {
        Some(name) => {
            let name =
                PlanName::parse(name).map_err(|source| LocateError::Name { path: path.to_path_buf(), source })?;
            Ok(Located { directory: parent.to_path_buf(), name, plan_file: file_name.to_owned() })
        }
        None => Err(LocateError::NotAPlan(path.to_path_buf())),
    }
}

/// The PLAN of the plan directory that a folder of documents belongs to; `None` where it is no such folder.
fn around(folder: &Path) -> Option<Result<Located, LocateError>> {
    if folder.join("parallel.json").exists() {
        return None;
    }
    let real = std::fs::canonicalize(folder).ok()?;
    let steps = Folder::ALL.iter().find(|known| real.ends_with(known.path()))?.path().split('/').count();
    let mut directory = folder.to_path_buf();
    for _ in 0..steps {
        directory = match (directory.file_name(), directory.parent()) {
            (Some(_), Some(parent)) if parent.as_os_str().is_empty() => PathBuf::from("."),
            (Some(_), Some(parent)) => parent.to_path_buf(),
            (_, _) if directory == Path::new(".") => PathBuf::from(".."),
            (_, _) => directory.join(".."),
        };
    }
    match in_directory(&directory) {
        Err(LocateError::NoPlan(_)) => None,
        found => Some(found),
    }
}

fn in_directory(directory: &Path) -> Result<Located, LocateError> {
    let failed = |source| LocateError::Io { path: directory.to_path_buf(), source };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if let Ok(name) = entry.file_name().into_string()
            && plan_name(&name).is_some()
        {
            names.push(name);
        }
    }
    names.sort();
    let own = std::fs::canonicalize(directory).ok().and_then(|path| Some(path.file_name()?.to_str()?.to_owned()));
    let chosen = match names.as_slice() {
        [] => return Err(LocateError::NoPlan(directory.to_path_buf())),
        [only] => only.clone(),
        several => match several.iter().find(|name| plan_name(name) == own.as_deref()) {
            Some(name) => name.clone(),
            None => return Err(LocateError::Several { directory: directory.to_path_buf(), names }),
        },
    };
    let name = PlanName::parse(plan_name(&chosen).unwrap_or_default())
        .map_err(|source| LocateError::Name { path: directory.join(&chosen), source })?;
    Ok(Located { directory: directory.to_path_buf(), name, plan_file: chosen })
}

fn plan_name(file_name: &str) -> Option<&str> {
    file_name.strip_prefix("PLAN_")?.strip_suffix(".md").filter(|name| !name.is_empty())
}
