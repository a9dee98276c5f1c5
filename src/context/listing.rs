//! What a repository holds, as a reader found it.

/// The files of a repository, relative to its root, with `/`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Files that may be named in prompts.
    pub files: Vec<String>,
    /// Files that exist and are never named: keys, environments, what git ignores.
    pub unnamed: Vec<String>,
    /// Folders that were not looked into: what git ignores, vendored code, other repositories, too many entries.
    pub closed: Vec<String>,
    /// Whether there was more than a listing may hold, so that a path that is not in it may exist.
    pub partial: bool,
}

impl Listing {
    /// Sorts what a reader put in; everything else relies on it.
    pub fn sorted(mut self) -> Self {
        self.files.sort();
        self.unnamed.sort();
        self.closed.sort();
        self
    }
}

/// The last part of a path.
pub(super) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The folder of a path; empty at the root.
pub(super) fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// A file's name without its ending.
pub(super) fn stem(path: &str) -> &str {
    let name = file_name(path);
    name.split_once('.').map_or(name, |(stem, _)| if stem.is_empty() { name } else { stem })
}

/// The ending of a file's name; empty where there is none.
pub(super) fn extension(path: &str) -> &str {
    let name = file_name(path);
    name.rsplit_once('.').map_or("", |(stem, extension)| if stem.is_empty() { "" } else { extension })
}
