//! What settings are read from, as values; and the one place that collects them from the system.

use std::{
    collections::BTreeMap,
    fmt,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use etcetera::BaseStrategy;

use super::{
    error::SettingsError,
    trust::{Claim, ClaimKind, GRANTS_FILE, Grants},
};
use crate::bounded;

/// The name of a configuration file in a project or a plan directory.
const PROJECT_FILE: &str = "planwave.toml";

/// No configuration is larger, in bytes; what is, is another file by accident.
const LARGEST: u64 = 1 << 20;

/// Everything that settings are read from, flags apart. Its `Debug` shows no values of variables.
#[derive(Clone, Default)]
pub struct Sources {
    /// The environment; on Windows with names in capitals.
    pub environment: BTreeMap<String, String>,
    /// The user's own file.
    pub user_file: Option<SourceFile>,
    /// `planwave.toml` of the project.
    pub project_file: Option<SourceFile>,
    /// `planwave.toml` of the plan directory, where it is another file than the project's.
    pub plan_file: Option<SourceFile>,
    /// What the user has agreed to of what such files say.
    pub grants: Grants,
}

/// A configuration file that was read.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SourceFile {
    /// The file as shown to a person: relative to the working directory or to `~`, where it lies below one of them.
    pub name: String,
    /// The directory that relative paths in the file start from.
    pub directory: PathBuf,
    /// The same directory without symbolic links, to know it again.
    pub place: PathBuf,
    /// The number of its owner, where that is another user than the one who runs this.
    pub stranger: Option<u32>,
    /// Its text.
    pub text: String,
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { environment, user_file, project_file, plan_file, grants } = self;
        f.debug_struct("Sources")
            .field("environment", &environment.keys())
            .field("user_file", user_file)
            .field("project_file", project_file)
            .field("plan_file", plan_file)
            .field("grants", grants)
            .finish()
    }
}

impl fmt::Debug for SourceFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl SourceFile {
    /// What the user has to agree to before anything of the file is used.
    pub(super) fn owner_claim(&self) -> Option<Claim> {
        let owner = self.stranger?;
        Some(Claim { directory: self.place.clone(), kind: ClaimKind::Owner { file: self.name.clone(), owner } })
    }
}

impl Sources {
    /// The files that may be somebody else's, the nearest to the plan last.
    pub fn project_files(&self) -> impl Iterator<Item = &SourceFile> {
        [&self.project_file, &self.plan_file].into_iter().flatten()
    }

    /// Reads the environment and the configuration files for a working directory and, where there is one, a plan
    /// directory (absolute, or relative to `working_directory`).
    ///
    /// # Errors
    ///
    /// A file that is there but cannot be read as text. Files that are not there are no error.
    pub fn from_system(plan_directory: Option<&Path>, working_directory: &Path) -> Result<Self, SettingsError> {
        // Lossy: a value that is not Unicode is no valid setting either, and the check of its key says so.
        let environment = std::env::vars_os().map(|(name, value)| {
            let name = name.to_string_lossy().into_owned();
            (if cfg!(windows) { name.to_uppercase() } else { name }, value.to_string_lossy().into_owned())
        });
        // The strategy of command-line programs: XDG everywhere but on Windows. Without a home there is no user file.
        let user = etcetera::choose_base_strategy().ok();
        let places = Places {
            home: user.as_ref().map(|user| user.home_dir().to_owned()),
            user_file: user.as_ref().map(|user| user.config_dir().join("planwave").join("config.toml")),
            grants: state_directory().map(|directory| directory.join(GRANTS_FILE)),
            working_directory: std::path::absolute(working_directory).unwrap_or_else(|_| working_directory.to_owned()),
        };
        places.read(environment.collect(), plan_directory)
    }
}

/// Where planwave keeps what it has to remember of the user's, by the system's rules: below `$XDG_STATE_HOME`, or below the
/// local application data on Windows. `None` without a home.
pub fn state_directory() -> Option<PathBuf> {
    let user = etcetera::choose_base_strategy().ok()?;
    Some(user.state_dir().unwrap_or_else(|| user.cache_dir()).join("planwave"))
}

/// The user's home.
pub fn home_directory() -> Option<PathBuf> {
    etcetera::choose_base_strategy().ok().map(|user| user.home_dir().to_owned())
}

/// The file in which the user tells git what to ignore everywhere (`core.excludesFile`).
pub fn git_excludes_file() -> Option<PathBuf> {
    ignore::gitignore::gitconfig_excludes_path()
}

/// Where configuration files are looked for.
struct Places {
    home: Option<PathBuf>,
    user_file: Option<PathBuf>,
    grants: Option<PathBuf>,
    working_directory: PathBuf,
}

impl Places {
    fn read(
        &self,
        environment: BTreeMap<String, String>,
        plan_directory: Option<&Path>,
    ) -> Result<Sources, SettingsError> {
        let user_file = self.user_file.as_deref().map(|path| self.file(path)).transpose()?.flatten();
        let project_file = self.project_file()?;
        let mut plan_file = None;
        if let Some(directory) = plan_directory.map(|directory| self.working_directory.join(directory)) {
            let already = project_file.as_ref().is_some_and(|file| same_directory(&file.directory, &directory));
            if !already {
                plan_file = self.file(&directory.join(PROJECT_FILE))?;
            }
        }
        // Most commands have no such file to judge, so they do without the grants.
        let grants = match (&project_file, &plan_file) {
            (None, None) => Grants::default(),
            _ => self.grants()?,
        };
        Ok(Sources { environment, user_file, project_file, plan_file, grants })
    }

    fn grants(&self) -> Result<Grants, SettingsError> {
        let Some(path) = &self.grants else { return Ok(Grants::default()) };
        let failed = |reason| SettingsError::Unreadable { file: self.shown(path), reason };
        match bounded::read_text(path, LARGEST) {
            Ok(text) => Grants::parse(&text).map_err(failed),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Grants::default()),
            Err(error) => Err(failed(error.to_string())),
        }
    }

    /// The nearest `planwave.toml`, from the working directory up to the first directory that holds `.git`.
    fn project_file(&self) -> Result<Option<SourceFile>, SettingsError> {
        for directory in self.working_directory.ancestors() {
            if let Some(file) = self.file(&directory.join(PROJECT_FILE))? {
                return Ok(Some(file));
            }
            if directory.join(".git").exists() {
                break;
            }
        }
        Ok(None)
    }

    fn file(&self, path: &Path) -> Result<Option<SourceFile>, SettingsError> {
        let name = self.shown(path);
        let bytes = match bounded::read(path, LARGEST) {
            Ok(bytes) => bytes,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
            Err(error) if error.kind() == ErrorKind::FileTooLarge => {
                return Err(SettingsError::TooLarge { file: name, limit: LARGEST });
            }
            Err(error) => return Err(SettingsError::Unreadable { file: name, reason: error.to_string() }),
        };
        let text = String::from_utf8(bytes).map_err(|error| {
            let before = error.as_bytes().iter().take(error.utf8_error().valid_up_to());
            SettingsError::NotUtf8 { file: name.clone(), line: 1 + before.filter(|byte| **byte == b'\n').count() }
        })?;
        let directory = path.parent().unwrap_or(Path::new("")).to_owned();
        let place = directory.canonicalize().unwrap_or_else(|_| directory.clone());
        Ok(Some(SourceFile { name, directory, place, stranger: stranger(path), text }))
    }

    fn shown(&self, path: &Path) -> String {
        let below_home = || Some(Path::new("~").join(path.strip_prefix(self.home.as_deref()?).ok()?));
        let below_here = path.strip_prefix(&self.working_directory).map(Path::to_owned).ok();
        let name = below_here.or_else(below_home).unwrap_or_else(|| path.to_owned());
        // Names of directories can hold anything, and this one goes to a terminal.
        name.to_string_lossy().replace(char::is_control, "\u{fffd}")
    }
}

/// The owner of a file, or of the link that leads to it, where that is another user.
#[cfg(unix)]
fn stranger(path: &Path) -> Option<u32> {
    use std::os::unix::fs::MetadataExt as _;
    let me = rustix::process::geteuid().as_raw();
    let owners = [std::fs::symlink_metadata(path), std::fs::metadata(path)];
    owners.into_iter().flatten().map(|metadata| metadata.uid()).find(|owner| *owner != me)
}

#[cfg(not(unix))]
fn stranger(_: &Path) -> Option<u32> {
    None
}

fn same_directory(left: &Path, right: &Path) -> bool {
    match (left.canonicalize(), right.canonicalize()) {
        (Ok(left), Ok(right)) => left == right,
        _ => left == right,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Makes the files and directories (those that end in `/`) below a temporary directory.
    fn tree(paths: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in paths {
            let path = root.path().join(path);
            if text.is_empty() {
                fs::create_dir_all(path).unwrap();
            } else {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
        }
        root
    }

    fn read(root: &Path, working_directory: &str, plan: Option<&str>) -> Result<Sources, SettingsError> {
        let places = Places {
            home: Some(root.join("home")),
            user_file: Some(root.join("home/.config/planwave/config.toml")),
            grants: Some(root.join("home/.local/state/planwave/trust.json")),
            working_directory: root.join(working_directory),
        };
        places.read(BTreeMap::new(), plan.map(Path::new))
    }

    /// Text and name of the user's, the project's and the plan's file.
    fn found(sources: &Sources) -> [Option<(&str, String)>; 3] {
        let Sources { environment: _, user_file, project_file, plan_file, grants: _ } = sources;
        [user_file, project_file, plan_file]
            .map(|file| file.as_ref().map(|file| (file.text.as_str(), file.name.replace('\\', "/"))))
    }

    #[test]
    fn files_are_found_where_the_documentation_says() {
        let root = tree(&[
            ("home/.config/planwave/config.toml", "user"),
            ("home/repo/.git", ""),
            ("home/repo/planwave.toml", "project"),
            ("home/repo/a/b", ""),
            ("home/repo/plans/x/planwave.toml", "plan"),
            ("home/repo/inner/.git", ""),
            ("home/planwave.toml", "beyond"),
            ("home/loose/deep", ""),
        ]);
        let user = Some(("user", "~/.config/planwave/config.toml".to_owned()));
        let project = |name: &str| Some(("project", name.to_owned()));
        let plan = |name: &str| Some(("plan", name.to_owned()));
        let beyond = Some(("beyond", "~/planwave.toml".to_owned()));
        let cases = [
            ("home/repo", None, [user.clone(), project("planwave.toml"), None]),
            ("home/repo/a/b", None, [user.clone(), project("~/repo/planwave.toml"), None]),
            ("home/repo", Some("plans/x"), [user.clone(), project("planwave.toml"), plan("plans/x/planwave.toml")]),
            ("home/repo/plans/x", Some("."), [user.clone(), Some(("plan", "planwave.toml".to_owned())), None]),
            ("home/repo", Some("../repo"), [user.clone(), project("planwave.toml"), None]),
            ("home/repo", Some("no/such/plan"), [user.clone(), project("planwave.toml"), None]),
            ("home/repo", Some("planwave.toml"), [user.clone(), project("planwave.toml"), None]),
            // A directory with .git ends the search, with or without a file in it.
            ("home/repo/inner", None, [user.clone(), None, None]),
            ("home/loose/deep", None, [user, beyond, None]),
        ];
        for (working_directory, plan, expected) in cases {
            assert_eq!(
                found(&read(root.path(), working_directory, plan).unwrap()),
                expected,
                "{working_directory} {plan:?}"
            );
        }
    }

    #[test]
    fn files_that_cannot_be_read_are_errors() {
        let root = tree(&[("a/.git", ""), ("a/planwave.toml", ""), ("b/.git", ""), ("c/.git", "")]);
        fs::write(root.path().join("b/planwave.toml"), b"# one\n# two \xff\n").unwrap();
        fs::write(root.path().join("c/planwave.toml"), vec![b'#'; LARGEST as usize + 1]).unwrap();

        let error = read(root.path(), "a", None).unwrap_err();
        assert!(matches!(&error, SettingsError::Unreadable { file, .. } if file == "planwave.toml"), "{error}");
        let error = read(root.path(), "b", None).unwrap_err();
        assert_eq!(error.to_string(), "planwave.toml:2: not UTF-8 text");
        let error = read(root.path(), "c", None).unwrap_err();
        assert_eq!(error.to_string(), "planwave.toml: larger than 1048576 bytes, which is no configuration file");

        fs::write(root.path().join("c/planwave.toml"), vec![b'#'; LARGEST as usize]).unwrap();
        assert!(read(root.path(), "c", None).unwrap().project_file.is_some());
    }

    #[test]
    fn the_system_is_read() {
        let root = tree(&[(".git", ""), ("planwave.toml", "project")]);
        let sources = Sources::from_system(None, root.path()).unwrap();
        assert!(sources.environment.contains_key("PATH"));
        assert_eq!(found(&sources)[1], Some(("project", "planwave.toml".to_owned())));
    }
}
