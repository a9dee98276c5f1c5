//! The paths that a plan names, whether or not they are there.

use std::collections::{BTreeSet, HashMap};

use super::{Mention, directories_of, listing::file_name, mentions};

/// The paths that some texts name.
#[derive(Clone, Debug, Default)]
pub struct NamedPaths {
    by_name: HashMap<String, Vec<String>>,
    folders: BTreeSet<String>,
}

impl NamedPaths {
    /// Those of these texts.
    pub fn of<'a>(texts: impl Iterator<Item = &'a str>) -> Self {
        let all: Vec<Mention> = texts.flat_map(mentions).collect();
        let mut named = Self { folders: directories_of(&all), ..Self::default() };
        for mention in all {
            let same = named.by_name.entry(file_name(&mention.path).to_owned()).or_default();
            if !same.contains(&mention.path) {
                same.push(mention.path);
            }
        }
        named
    }

    /// Whether a path is named: as it stands, or one as the end of the other.
    pub fn has(&self, path: &str) -> bool {
        let is_end = |long: &str, short: &str| {
            long.strip_suffix(short).is_some_and(|before| before.is_empty() || before.ends_with('/'))
        };
        let same = self.by_name.get(file_name(path)).map(Vec::as_slice).unwrap_or_default();
        same.iter().any(|named| is_end(named, path) || (named.contains('/') && is_end(path, named)))
            || self.folders.contains(path)
    }

    /// Whether a folder is named, or one of the paths lies in it.
    pub fn has_folder(&self, path: &str) -> bool {
        self.folders.contains(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_named_as_it_stands_or_as_the_end_of_another() {
        let named = NamedPaths::of(["Make `src/import/feed.rs`", "and `guide.md` in docs/"].into_iter());
        for path in
            ["src/import/feed.rs", "import/feed.rs", "feed.rs", "app/src/import/feed.rs", "guide.md", "src/import"]
        {
            assert!(named.has(path), "{path}");
        }
        for path in ["src/feed.rs", "lib/guide.md", "d.rs"] {
            assert!(!named.has(path), "{path}");
        }
        assert!(named.has_folder("docs") && named.has_folder("src") && !named.has_folder("lib"));
    }
}
