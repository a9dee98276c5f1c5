//! Makes a plan directory where there was none.

use std::{io, path::Path};

use super::{
    WriteError,
    atomic::{self, Existing},
    disk::Directory,
};

/// Creates `directory`, with its parents, and writes `files` (names and texts) into it.
///
/// # Errors
///
/// [`WriteError::Exists`] where something of that name is there already, even an empty directory; it is left alone.
pub fn create_plan_dir(directory: &Path, files: &[(&str, &str)]) -> Result<(), WriteError> {
    let failed = |source| WriteError::Io { path: directory.to_owned(), source };
    if let Some(parent) = directory.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        std::fs::create_dir_all(parent).map_err(failed)?;
    }
    match std::fs::create_dir(directory) {
        Ok(()) => {}
        // Some systems refuse `.` and `/` in other words than "exists".
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists || directory.exists() => {
            return Err(WriteError::Exists { path: directory.to_owned() });
        }
        Err(error) => return Err(failed(error)),
    }
    let dir = Directory::open_ambient(directory).map_err(failed)?;
    for (name, text) in files {
        let shown = directory.join(name);
        atomic::write(&dir, Path::new(name), &shown, text.as_bytes(), Existing::Keep, |_| false)?;
    }
    Ok(())
}

/// Writes a PLAN and its parallel.json into `directory`, which is made where it is missing. Each is a name and a text.
///
/// # Errors
///
/// [`WriteError::Exists`] where the directory has a PLAN or a parallel.json already; nothing is written then.
pub fn add_plan(directory: &Path, plan: (&str, &str), parallel: (&str, &str)) -> Result<(), WriteError> {
    let failed = |source| WriteError::Io { path: directory.to_owned(), source };
    std::fs::create_dir_all(directory).map_err(failed)?;
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let name = name.to_string_lossy();
        if name == parallel.0 || (name.starts_with("PLAN_") && name.ends_with(".md")) {
            return Err(WriteError::Exists { path: directory.join(&*name) });
        }
    }
    let dir = Directory::open_ambient(directory).map_err(failed)?;
    for (name, text) in [plan, parallel] {
        let shown = directory.join(name);
        atomic::write(&dir, Path::new(name), &shown, text.as_bytes(), Existing::Keep, |_| false)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_made_once_and_never_touched_again() {
        let scratch = tempfile::tempdir().unwrap();
        let directory = scratch.path().join("a").join("b");
        create_plan_dir(&directory, &[("PLAN_X.md", "# PLAN"), ("parallel.json", "{}")]).unwrap();
        assert_eq!(std::fs::read_to_string(directory.join("PLAN_X.md")).unwrap(), "# PLAN");
        assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 2);

        let again = create_plan_dir(&directory, &[("PLAN_X.md", "other")]).unwrap_err();
        assert!(matches!(again, WriteError::Exists { .. }), "{again}");
        assert_eq!(std::fs::read_to_string(directory.join("PLAN_X.md")).unwrap(), "# PLAN");
    }

    #[test]
    fn a_file_in_the_way_stays() {
        let scratch = tempfile::tempdir().unwrap();
        let file = scratch.path().join("file");
        std::fs::write(&file, "mine").unwrap();
        let refused = create_plan_dir(&file, &[]).unwrap_err();
        assert!(matches!(refused, WriteError::Exists { .. }), "{refused}");
        let below = create_plan_dir(&file.join("plan"), &[]).unwrap_err();
        assert!(matches!(below, WriteError::Io { .. }), "{below}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
    }
}
