//! Whether a path that a text names is one of the repository's.

use std::collections::{HashMap, HashSet};

use super::{
    Listing,
    listing::{extension, file_name, folder},
    withheld::{is_closed_folder, is_plan_document, is_withheld_name},
};

/// What is known of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existence {
    /// It is there.
    Exists,
    /// Nobody can tell: it is ignored by git, vendored, planwave's own, or the listing has no room for all paths.
    Unjudged,
    /// It is not there.
    Missing,
}

/// The paths of a repository, for looking them up.
#[derive(Clone, Debug, Default)]
pub struct KnownPaths {
    files: Vec<String>,
    /// Indices into `files`, by name.
    by_name: HashMap<String, Vec<u32>>,
    folders: HashSet<String>,
    /// Whole folders by their last part.
    folders_by_name: HashMap<String, Vec<String>>,
    closed: HashSet<String>,
    /// The name of the root's own folder, with which some people begin a path.
    root_name: String,
    partial: bool,
}

/// Fewer files of source code than this are no code base that a path could be wrong in.
const FEWEST_SOURCES: usize = 3;

impl KnownPaths {
    /// Of a listing; `root_name` is the name of the folder that the root is. `None` where there is too little to judge by.
    pub fn new(listing: &Listing, root_name: &str) -> Option<Self> {
        let sources = listing.files.iter().filter(|file| super::is_source_name(file)).take(FEWEST_SOURCES);
        if sources.count() < FEWEST_SOURCES {
            return None;
        }
        let mut known = Self { root_name: root_name.to_owned(), partial: listing.partial, ..Self::default() };
        known.files = listing.files.iter().chain(&listing.unnamed).cloned().collect();
        for (index, path) in known.files.iter().enumerate() {
            let index = u32::try_from(index).unwrap_or(u32::MAX);
            known.by_name.entry(file_name(path).to_owned()).or_default().push(index);
            let mut at = folder(path);
            while !at.is_empty() && known.folders.insert(at.to_owned()) {
                at = folder(at);
            }
        }
        known.closed = listing.closed.iter().cloned().collect();
        let mut folders: Vec<&String> = known.folders.iter().collect();
        folders.sort();
        for path in folders {
            known.folders_by_name.entry(file_name(path).to_owned()).or_default().push(path.clone());
        }
        Some(known)
    }

    /// Whether a path is there: as it stands, below the root's own name, or as the end of a longer one.
    pub fn existence(&self, path: &str, is_folder: bool) -> Existence {
        let inner = path.strip_prefix(self.root_name.as_str()).and_then(|rest| rest.strip_prefix('/')).unwrap_or(path);
        if [path, inner].iter().any(|path| self.is_file(path) || self.is_folder(path)) {
            return Existence::Exists;
        }
        if self.partial || is_plan_document(path) || is_withheld_name(path) || self.is_closed(inner) {
            return Existence::Unjudged;
        }
        // `a/b` can be anything; a folder is meant where it begins with one.
        let first = inner.split('/').next().unwrap_or_default();
        if is_folder && !self.folders.contains(first) {
            return Existence::Unjudged;
        }
        Existence::Missing
    }

    /// Whether a new file or folder may be made at this path: its folder is there, or is one of `planned`, or would be the first
    /// new one below a folder that is.
    pub fn has_place(&self, path: &str, planned: &dyn Fn(&str) -> bool) -> bool {
        const USUAL: &[&str] = &[
            ".github",
            "assets",
            "benches",
            "bin",
            "ci",
            "config",
            "docs",
            "examples",
            "migrations",
            "scripts",
            "spec",
            "src",
            "test",
            "tests",
            "tools",
        ];
        let path = path.strip_prefix(self.root_name.as_str()).and_then(|rest| rest.strip_prefix('/')).unwrap_or(path);
        let is_there = |at: &str| at.is_empty() || self.is_folder(at) || planned(at);
        let parent = folder(path);
        if is_there(parent) {
            return true;
        }
        let above = folder(parent);
        if above.is_empty() { USUAL.contains(&parent) } else { is_there(above) }
    }

    /// The path that was probably meant: one of the same name in the most similar folder, or one of a similar name there.
    pub fn nearest(&self, path: &str) -> Option<&str> {
        const COMPARED: usize = 200;
        let name = file_name(path);
        let best = |candidates: &mut dyn Iterator<Item = &str>| {
            let scored = candidates
                .take(COMPARED)
                .map(|other| (strsim::normalized_damerau_levenshtein(path, other), other.to_owned()));
            // The first of equals, in the order of the paths.
            scored.fold(None::<(f64, String)>, |best, (score, other)| match best {
                Some((most, _)) if most >= score => best,
                _ => Some((score, other)),
            })
        };
        if path.len() > 200 {
            return None;
        }
        let same = self.by_name.get(name).map(Vec::as_slice).unwrap_or_default();
        let found = best(&mut same.iter().filter_map(|index| self.files.get(*index as usize)).map(String::as_str))
            .or_else(|| {
                let inside = format!("{}/", folder(path));
                let from = self.files.partition_point(|file| file.as_str() < inside.as_str());
                let like = |file: &&String| file.starts_with(&inside) && extension(file) == extension(path);
                let siblings = self.files[from..].iter().take(COMPARED).filter(like).map(String::as_str);
                best(&mut { siblings }).filter(|(score, _)| *score >= 0.7)
            })?
            .1;
        self.files.iter().find(|file| **file == found).map(String::as_str)
    }

    fn is_file(&self, path: &str) -> bool {
        let Some(same) = self.by_name.get(file_name(path)) else { return false };
        same.iter().filter_map(|index| self.files.get(*index as usize)).any(|file| ends_with(file, path))
    }

    fn is_folder(&self, path: &str) -> bool {
        self.folders.contains(path)
            || self.folders_by_name.get(file_name(path)).is_some_and(|all| all.iter().any(|file| ends_with(file, path)))
    }

    /// Whether a path lies in a folder that was not looked into.
    fn is_closed(&self, path: &str) -> bool {
        if path.split('/').any(is_closed_folder) || self.closed.contains(path) {
            return true;
        }
        let mut at = folder(path);
        while !at.is_empty() {
            if self.closed.contains(at) {
                return true;
            }
            at = folder(at);
        }
        // Folders that builds make, whether or not one has been made here.
        matches!(
            path.split('/').next(),
            Some("target" | "dist" | "build" | "out" | "tmp" | "coverage" | "node_modules")
        ) && !self.folders.contains(path.split('/').next().unwrap_or_default())
    }
}

/// Whether `end` is the whole path or its last parts.
fn ends_with(path: &str, end: &str) -> bool {
    path.strip_suffix(end).is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> KnownPaths {
        let files = ["src/main.rs", "src/cli/run.rs", "src/cli/show.rs", "crates/core/src/lib.rs", "README.md"];
        let listing = Listing {
            files: files.map(str::to_owned).into(),
            unnamed: vec![String::from(".env"), String::from("debug.log")],
            closed: vec![String::from("generated")],
            partial: false,
        };
        KnownPaths::new(&listing.sorted(), "app").unwrap()
    }

    #[test]
    fn a_path_exists_as_it_stands_or_as_the_end_of_another() {
        let known = known();
        for path in
            ["src/main.rs", "cli/run.rs", "run.rs", "app/src/main.rs", "core/src/lib.rs", "debug.log", "src/cli"]
        {
            assert_eq!(known.existence(path, false), Existence::Exists, "{path}");
        }
        for path in ["src/run.rs", "lib/main.rs", "src/cli/run.py", "new.rs", "in.rs"] {
            assert_eq!(known.existence(path, false), Existence::Missing, "{path}");
        }
        for path in [".env.test", "generated/a.rs", "node_modules/x/a.js", "subplans/SUBPLAN_X_11.md", "target/a.rs"] {
            assert_eq!(known.existence(path, false), Existence::Unjudged, "{path}");
        }
        assert_eq!(known.existence("src/cli", true), Existence::Exists);
        assert_eq!(known.existence("src/report", true), Existence::Missing);
        assert_eq!(known.existence("and/or", true), Existence::Unjudged);
    }

    #[test]
    fn a_new_file_needs_a_place() {
        let known = known();
        let planned = |at: &str| at == "web/pages";
        for path in ["src/new.rs", "src/report/html.rs", "new.rs", "tests/a.rs", "web/pages/x.ts", "app/src/x.rs"] {
            assert!(known.has_place(path, &planned), "{path}");
        }
        for path in ["lib/a.rs", "lib/deep/a.rs", "src/a/b/c.rs", "web/other/deep/a.ts"] {
            assert!(!known.has_place(path, &planned), "{path}");
        }
    }

    #[test]
    fn the_nearest_is_of_the_same_name_or_beside() {
        let known = known();
        for (path, nearest) in [
            ("src/run.rs", Some("src/cli/run.rs")),
            ("src/cli/shows.rs", Some("src/cli/show.rs")),
            ("src/cli/zzzzzz.rs", None),
            ("x/y.zig", None),
        ] {
            assert_eq!(known.nearest(path), nearest, "{path}");
        }
    }

    #[test]
    fn without_code_nothing_is_judged() {
        let listing = Listing { files: vec![String::from("README.md")], ..Listing::default() };
        assert!(KnownPaths::new(&listing, "x").is_none());
    }
}
