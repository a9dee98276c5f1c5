//! Files and directories that settings name: read as regular files of bounded size, and for the file of a project only from
//! below its own directory. What is read there is sent, or decides what is.

use std::{
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use super::{error::SettingsError, origin::Origin};
use crate::bounded;

/// No template, pattern or list of models is larger, in bytes.
const LARGEST: u64 = 4 << 20;

/// No directory of templates or patterns holds more entries.
const MOST_ENTRIES: usize = 10_000;

/// A path that a setting names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedPath {
    /// The key with its table.
    pub key: String,
    /// The path.
    pub path: PathBuf,
    /// Where it is set.
    pub origin: Origin,
    /// What it has to lie below: the directory of a project's file.
    pub(super) within: Option<PathBuf>,
}

impl NamedPath {
    /// The text of the file that is named.
    ///
    /// # Errors
    ///
    /// It cannot be read, is not regular, too large or not UTF-8, or lies outside of the project that names it.
    pub fn read(&self) -> Result<String, SettingsError> {
        self.text(&self.path, self.within.as_deref())
    }

    /// The text of a file in the directory that is named; `None` where there is none.
    ///
    /// # Errors
    ///
    /// Those of [`NamedPath::read`]; for a project's directory also a link that leads out of it.
    pub fn read_in(&self, name: &str) -> Result<Option<String>, SettingsError> {
        let path = self.path.join(name);
        // What is no directory holds no file.
        match std::fs::symlink_metadata(&path) {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
            Ok(_) | Err(_) => {}
        }
        if let Some(within) = &self.within {
            self.check_within(&self.path, within)?;
        }
        self.text(&path, self.within.as_ref().map(|_| self.path.as_path())).map(Some)
    }

    /// The names of the files in the directory that is named, in order.
    ///
    /// # Errors
    ///
    /// It cannot be read, or holds far too much.
    pub fn list(&self) -> Result<Vec<String>, SettingsError> {
        if let Some(within) = &self.within {
            self.check_within(&self.path, within)?;
        }
        let failed = |error: io::Error| self.unusable(&self.path, error.to_string());
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.path).map_err(failed)? {
            names.push(entry.map_err(failed)?.file_name().to_string_lossy().into_owned());
            if names.len() > MOST_ENTRIES {
                return Err(self.unusable(&self.path, format!("it holds more than {MOST_ENTRIES} entries")));
            }
        }
        names.sort();
        Ok(names)
    }

    fn text(&self, path: &Path, within: Option<&Path>) -> Result<String, SettingsError> {
        if let Some(within) = within {
            self.check_within(path, within)?;
        }
        bounded::read_text(path, LARGEST).map_err(|error| self.unusable(path, error.to_string()))
    }

    fn check_within(&self, path: &Path, within: &Path) -> Result<(), SettingsError> {
        let real = path.canonicalize().map_err(|error| self.unusable(path, error.to_string()))?;
        if within.canonicalize().is_ok_and(|within| real.starts_with(within)) {
            return Ok(());
        }
        Err(SettingsError::LeadsOut {
            origin: self.origin.clone(),
            key: self.key.clone(),
            path: path.to_path_buf(),
            how: if within == self.path {
                "is a link that leads out of its directory"
            } else {
                "is not in the directory of the planwave.toml that names it"
            },
        })
    }

    fn unusable(&self, path: &Path, reason: String) -> SettingsError {
        SettingsError::Named { origin: self.origin.clone(), key: self.key.clone(), path: path.to_path_buf(), reason }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::settings::FileOwner;

    fn named(path: PathBuf, within: Option<&Path>) -> NamedPath {
        let origin = Origin::File { name: "planwave.toml".into(), line: 2, owner: FileOwner::Project };
        NamedPath { key: "prompts.directory".into(), path, origin, within: within.map(Path::to_path_buf) }
    }

    #[test]
    fn a_project_reaches_nothing_outside_of_its_directory() {
        let root = tempfile::tempdir().unwrap();
        let (project, outside) = (root.path().join("project"), root.path().join("outside"));
        for directory in [&project.join("prompts"), &outside] {
            fs::create_dir_all(directory).unwrap();
            fs::write(directory.join("system.md"), "text").unwrap();
        }
        for (path, good) in [
            (project.join("prompts"), true),
            (project.join("../project/prompts"), true),
            (project.join("../outside"), false),
            (outside.clone(), false),
        ] {
            let theirs = named(path.clone(), Some(&project));
            let all = [
                theirs.read_in("system.md").is_ok_and(|text| text.as_deref() == Some("text")),
                theirs.list().is_ok_and(|names| names == ["system.md"]),
                named(path.join("system.md"), Some(&project)).read().is_ok(),
            ];
            assert_eq!(all, [good; 3], "{}", path.display());
            // The user may name any.
            assert_eq!(named(path, None).read_in("system.md").unwrap().as_deref(), Some("text"));
        }
        assert_eq!(named(project.join("none"), Some(&project)).read_in("system.md"), Ok(None));
        assert_eq!(named(project.join("prompts"), Some(&project)).read_in("level.md"), Ok(None));
        let error = named(outside, Some(&project)).read_in("system.md").unwrap_err();
        let end =
            " is not in the directory of the planwave.toml that names it (`prompts.directory` of planwave.toml:2)";
        assert!(error.to_string().ends_with(end), "{error}");
        assert!(error.hint().is_some());
    }

    #[cfg(unix)]
    #[test]
    fn links_out_of_a_projects_directory_and_devices_are_refused() {
        use std::os::unix::fs::symlink;
        let root = tempfile::tempdir().unwrap();
        let project = root.path().join("project");
        fs::create_dir_all(project.join("prompts")).unwrap();
        fs::write(root.path().join("secret"), "secret").unwrap();
        fs::write(project.join("other.md"), "of the project").unwrap();
        symlink("../../secret", project.join("prompts/system.md")).unwrap();
        symlink("../other.md", project.join("prompts/level.md")).unwrap();
        symlink("/dev/zero", project.join("prompts/repair.md")).unwrap();
        symlink("/", project.join("all")).unwrap();
        let theirs = named(project.join("prompts"), Some(&project));
        for name in ["system.md", "level.md", "repair.md"] {
            let error = theirs.read_in(name).unwrap_err();
            assert!(matches!(error, SettingsError::LeadsOut { .. }), "{name}: {error}");
        }
        assert!(named(project.join("all"), Some(&project)).list().is_err());
        // The user's own links are followed, but not to a device.
        let mine = named(project.join("prompts"), None);
        assert_eq!(mine.read_in("system.md").unwrap().as_deref(), Some("secret"));
        let error = mine.read_in("repair.md").unwrap_err().to_string();
        let expected = format!(
            "cannot read {}: it is not a regular file (`prompts.directory` of planwave.toml:2)",
            project.join("prompts/repair.md").display()
        );
        assert_eq!(error, expected);
        assert!(named(PathBuf::from("/dev/zero"), None).read().is_err());
    }
}
