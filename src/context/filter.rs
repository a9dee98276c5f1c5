//! Patterns of paths: what `.gitignore` files say, and the globs of the settings. Matching is git's.

use std::path::Path;

use ignore::{
    Match,
    gitignore::{Gitignore, GitignoreBuilder},
};

/// What one `.gitignore` says of the paths below its folder.
#[derive(Clone, Debug)]
pub struct Ignores(Gitignore);

/// Collects the texts that make up one [`Ignores`].
pub struct IgnoresBuilder(GitignoreBuilder);

impl Default for IgnoresBuilder {
    fn default() -> Self {
        Self(GitignoreBuilder::new(""))
    }
}

impl IgnoresBuilder {
    /// Adds the lines of a file. One that git would not understand either says nothing.
    pub fn with_lines(mut self, text: &str) -> Self {
        for line in text.strip_prefix('\u{feff}').unwrap_or(text).lines() {
            let _ = self.0.add_line(None, line);
        }
        self
    }

    /// What the lines say; `None` where that is nothing.
    pub fn build(self) -> Option<Ignores> {
        self.0.build().ok().filter(|ignores| !ignores.is_empty()).map(Ignores)
    }
}

impl Ignores {
    /// Whether a path relative to its folder is ignored (`true`), kept (`false`), or not spoken of.
    pub fn verdict(&self, path: &str, is_folder: bool) -> Option<bool> {
        match self.0.matched(Path::new(path), is_folder) {
            Match::None => None,
            Match::Ignore(_) => Some(true),
            Match::Whitelist(_) => Some(false),
        }
    }
}

/// The globs of the settings.
#[derive(Clone, Debug)]
pub struct Filter {
    include: Vec<Gitignore>,
    exclude: Gitignore,
}

/// A glob that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{glob}` is no glob: {reason}")]
pub struct BadGlob {
    /// As it was written.
    pub glob: String,
    /// What is wrong with it.
    pub reason: String,
}

impl Filter {
    /// Files have to match one glob of each list in `include`, and none of `exclude`. A list that is empty says nothing.
    pub fn new(include: &[Vec<String>], exclude: &[String]) -> Result<Self, BadGlob> {
        let include =
            include.iter().filter(|globs| !globs.is_empty()).map(|globs| matcher(globs)).collect::<Result<_, _>>()?;
        Ok(Self { include, exclude: matcher(exclude)? })
    }

    /// Whether a file may be looked at.
    pub fn takes(&self, path: &str) -> bool {
        // A path that begins with `/` is none of ours, and the matcher would panic.
        if path.starts_with('/') {
            return false;
        }
        let matches = |globs: &Gitignore| globs.matched_path_or_any_parents(Path::new(path), false).is_ignore();
        !matches(&self.exclude) && self.include.iter().all(matches)
    }
}

fn matcher(globs: &[String]) -> Result<Gitignore, BadGlob> {
    let mut builder = GitignoreBuilder::new("");
    for glob in globs {
        let bad = |error: ignore::Error| BadGlob { glob: glob.clone(), reason: error.to_string() };
        builder.add_line(None, glob).map_err(bad)?;
    }
    builder.build().map_err(|error| BadGlob { glob: globs.join(", "), reason: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_gitignore_say_what_git_does() {
        let ignores = IgnoresBuilder::default().with_lines("# c\n*.log\n!keep.log\n/out\nbuild/\n[").build().unwrap();
        for (path, folder, verdict) in [
            ("a/b.log", false, Some(true)),
            ("keep.log", false, Some(false)),
            ("out", true, Some(true)),
            ("a/out", true, None),
            ("build", true, Some(true)),
            ("build", false, None),
            ("a.rs", false, None),
        ] {
            assert_eq!(ignores.verdict(path, folder), verdict, "{path}");
        }
        assert!(IgnoresBuilder::default().with_lines("# nothing\n").build().is_none());
    }

    #[test]
    fn globs_narrow() {
        let list = |globs: &[&str]| globs.iter().map(|glob| (*glob).to_owned()).collect::<Vec<_>>();
        let filter = Filter::new(&[list(&["src/**"]), list(&["*.rs"])], &list(&["src/gen/"])).unwrap();
        assert!(filter.takes("src/a/b.rs"));
        for path in ["src/a.py", "lib/a.rs", "src/gen/a.rs", "/src/a.rs"] {
            assert!(!filter.takes(path), "{path}");
        }
        assert!(Filter::new(&[], &[]).unwrap().takes("any/thing"));
        let error = Filter::new(&[], &list(&["a{"])).unwrap_err();
        assert!(error.to_string().starts_with("`a{` is no glob: "), "{error}");
    }
}
