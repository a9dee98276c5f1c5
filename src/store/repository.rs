//! Reads the repository that a plan lies in: what there is, but for what git ignores, and the bytes of single files.
//!
//! Through one handle of the root (cap-std), so that nothing outside of it can be read; links are not followed. It never
//! writes. What it lists does not depend on the order in which the system lists it.

use std::{
    collections::VecDeque,
    io::{self, Read as _},
    path::{Component, Path, PathBuf},
    rc::Rc,
};

use cap_std::{ambient_authority, fs::Dir};

use crate::context::{
    Ignores, IgnoresBuilder, LARGEST_FILE, Listing, MANIFESTS, is_closed_folder, is_plan_document, is_withheld_name,
};

/// Files that a listing holds.
const MOST_FILES: usize = 200_000;
/// Folders that are looked into.
const MOST_FOLDERS: usize = 50_000;
/// Names in one folder; what has more is data.
const MOST_ENTRIES: usize = 100_000;
/// Folders in folders.
const DEEPEST: usize = 64;
/// The largest `.gitignore` that is read, bytes.
const LARGEST_IGNORE: u64 = 256 * 1024;

/// An open repository.
#[derive(Debug)]
pub struct Repository {
    dir: Dir,
    root: PathBuf,
    /// The plan directory relative to the root, with `/`; `None` where it lies elsewhere.
    plan: Option<String>,
    bounds: Bounds,
}

#[derive(Clone, Copy, Debug)]
struct Bounds {
    files: usize,
    folders: usize,
    entries: usize,
}

/// What the `.gitignore` files above a path say, the nearest first.
struct Layer {
    ignores: Ignores,
    /// What is taken off the front of a path for this file, and what is put there.
    below: String,
    above: String,
    up: Option<Rc<Layer>>,
}

impl Repository {
    /// The repository that a plan directory lies in: the nearest folder with `.git`. The root of the file system is none, and
    /// a user's whole home only where a manifest says that it is a project: dotfiles are often kept in such a repository.
    ///
    /// # Errors
    ///
    /// The system refused.
    pub fn around(plan_directory: &Path, home: Option<&Path>) -> io::Result<Option<Self>> {
        let plan = plan_directory.canonicalize()?;
        let Some(root) = git_root(&plan) else { return Ok(None) };
        let is_home = home.and_then(|home| home.canonicalize().ok()).is_some_and(|home| home == root);
        let is_project = || MANIFESTS.iter().any(|manifest| root.join(manifest).is_file());
        if (is_home && !is_project()) || root.parent().is_none() {
            return Ok(None);
        }
        Self::at(&root, plan_directory).map(Some)
    }

    /// The repository at `root`, for a plan that may lie in it.
    ///
    /// # Errors
    ///
    /// There is no such folder, or the system refused.
    pub fn at(root: &Path, plan_directory: &Path) -> io::Result<Self> {
        let root = root.canonicalize()?;
        let plan = plan_directory.canonicalize()?;
        let plan = plan.strip_prefix(&root).ok().and_then(with_slashes);
        let dir = Dir::open_ambient_dir(&root, ambient_authority())?;
        let bounds = Bounds { files: MOST_FILES, folders: MOST_FOLDERS, entries: MOST_ENTRIES };
        Ok(Self { dir, root, plan, bounds })
    }

    /// Where it is, without links.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The name of its folder.
    pub fn name(&self) -> String {
        self.root.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// Where it is as seen from the plan directory, such as `../..`; its name where the plan lies elsewhere. The same on
    /// every machine.
    pub fn shown(&self) -> String {
        match self.plan.as_deref() {
            Some("") => String::from("."),
            Some(plan) => plan.split('/').map(|_| "..").collect::<Vec<_>>().join("/"),
            None => self.name(),
        }
    }

    /// What there is. `everywhere` is the file in which the user tells git what to ignore in all repositories.
    pub fn list(&self, everywhere: Option<&Path>) -> Listing {
        let mut listing = Listing::default();
        let mut folders = 0;
        let Some(top) = self.layers_above(everywhere) else {
            listing.partial = true;
            return listing;
        };
        let mut waiting = VecDeque::from([(String::new(), 0_usize, top)]);
        while let Some((folder, depth, layers)) = waiting.pop_front() {
            folders += 1;
            let full = folders > self.bounds.folders || listing.files.len() > self.bounds.files;
            if full || depth > DEEPEST {
                listing.partial |= full;
                listing.closed.push(folder);
                continue;
            }
            match self.look_into(&folder, layers, &mut listing) {
                Some((inside, layers)) => {
                    waiting.extend(inside.into_iter().map(|path| (path, depth + 1, layers.clone())))
                }
                None => listing.closed.push(folder),
            }
        }
        listing.sorted()
    }

    /// Lists one folder; gives the folders in it that are to be looked into. `None` where it stays closed.
    fn look_into(
        &self,
        folder: &str,
        layers: Option<Rc<Layer>>,
        listing: &mut Listing,
    ) -> Option<(Vec<String>, Option<Rc<Layer>>)> {
        let place = if folder.is_empty() { Path::new(".") } else { Path::new(folder) };
        let mut entries = Vec::new();
        for entry in self.dir.read_dir(place).ok()? {
            let Ok(entry) = entry else { continue };
            // A name that cannot be shown is no part of a code base.
            let name = entry.file_name().into_string().ok().filter(|name| !name.contains(is_odd));
            if let (Some(name), Ok(kind)) = (name, entry.file_type()) {
                entries.push((name, kind));
            }
            if entries.len() > self.bounds.entries {
                return None;
            }
        }
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        let has = |wanted: &str| entries.iter().any(|(name, _)| name == wanted);
        // Another repository, or what a tool may throw away.
        if !folder.is_empty() && (has(".git") || has("CACHEDIR.TAG")) {
            return None;
        }
        let layers = if has(".gitignore") {
            let path = joined(folder, ".gitignore");
            let text = self.read_at_most(&path, LARGEST_IGNORE)?;
            let below = if folder.is_empty() { String::new() } else { format!("{folder}/") };
            stacked(&String::from_utf8_lossy(&text), below, String::new(), layers)
        } else {
            layers
        };
        let mut inside = Vec::new();
        for (name, kind) in entries {
            let path = joined(folder, &name);
            let ignored = || verdict(layers.as_ref(), &path, kind.is_dir());
            if kind.is_dir() {
                if is_closed_folder(&name) || self.is_documents(&path) || ignored() {
                    listing.closed.push(path);
                } else {
                    inside.push(path);
                }
            } else if kind.is_file() {
                if is_withheld_name(&name) || is_plan_document(&name) || ignored() {
                    listing.unnamed.push(path);
                } else {
                    listing.files.push(path);
                }
            } else {
                // A link: it is there, and whatever it leads to is not looked at.
                listing.unnamed.push(path);
            }
        }
        Some((inside, layers))
    }

    /// Whether a folder holds what planwave writes for this plan.
    fn is_documents(&self, path: &str) -> bool {
        let Some(plan) = &self.plan else { return false };
        ["subplans", "execution"].iter().any(|folder| joined(plan, folder) == path)
    }

    /// What git ignores by files outside of the root and beside it; `None` where they cannot be read.
    #[expect(clippy::option_option, reason = "no layer at all is a good answer; a file that cannot be read is none")]
    fn layers_above(&self, everywhere: Option<&Path>) -> Option<Option<Rc<Layer>>> {
        let mut layers = None;
        let mut add = |path: &Path, above: &str| {
            let Some(text) = read_outside(path)? else { return Some(()) };
            layers = stacked(&text, String::new(), above.to_owned(), layers.take());
            Some(())
        };
        let git_root = git_root(&self.root);
        let above = |folder: &Path| {
            let path = self.root.strip_prefix(folder).ok().and_then(with_slashes).unwrap_or_default();
            if path.is_empty() { path } else { path + "/" }
        };
        if let Some(everywhere) = everywhere {
            add(everywhere, &git_root.as_deref().map(above).unwrap_or_default())?;
        }
        if let Some(git_root) = &git_root {
            if let Some(git) = git_directory(git_root) {
                add(&git.join("info/exclude"), &above(git_root))?;
            }
            let between: Vec<&Path> = self.root.ancestors().skip(1).take_while(|at| at.starts_with(git_root)).collect();
            for folder in between.into_iter().rev() {
                add(&folder.join(".gitignore"), &above(folder))?;
            }
        }
        Some(layers)
    }

    /// The bytes of a regular file that is not too large for a prompt.
    pub fn read(&self, path: &str) -> Option<Vec<u8>> {
        self.read_at_most(path, LARGEST_FILE)
    }

    fn read_at_most(&self, path: &str, most: u64) -> Option<Vec<u8>> {
        // Not a link, and not a pipe, which would be waited for.
        let metadata = self.dir.symlink_metadata(path).ok()?;
        if !metadata.is_file() || metadata.len() > most {
            return None;
        }
        let mut bytes = Vec::new();
        self.dir.open(path).ok()?.take(most + 1).read_to_end(&mut bytes).ok()?;
        (bytes.len() as u64 <= most).then_some(bytes)
    }
}

/// The nearest folder with `.git`, from this one up.
fn git_root(from: &Path) -> Option<PathBuf> {
    from.ancestors().find(|folder| folder.join(".git").symlink_metadata().is_ok()).map(Path::to_path_buf)
}

/// Where git keeps what belongs to a repository; for a further worktree and a submodule, `.git` is a file that says so.
fn git_directory(root: &Path) -> Option<PathBuf> {
    let git = root.join(".git");
    if git.is_dir() {
        return Some(git);
    }
    let text = read_outside(&git)??;
    let own = root.join(text.trim().strip_prefix("gitdir:")?.trim());
    match read_outside(&own.join("commondir")) {
        Some(Some(common)) => Some(own.join(common.trim())),
        Some(None) | None => Some(own),
    }
}

/// A small text outside of the root; the outer `None` where it cannot be read, the inner where there is none.
#[expect(
    clippy::option_option,
    reason = "a file that is not there says nothing; one that cannot be read may say anything"
)]
fn read_outside(path: &Path) -> Option<Option<String>> {
    let metadata = match path.metadata() {
        Ok(metadata) => metadata,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Some(None);
        }
        Err(_) => return None,
    };
    if !metadata.is_file() {
        return Some(None);
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path).ok()?.take(LARGEST_IGNORE + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 <= LARGEST_IGNORE).then(|| Some(String::from_utf8_lossy(&bytes).into_owned()))
}

fn stacked(text: &str, below: String, above: String, up: Option<Rc<Layer>>) -> Option<Rc<Layer>> {
    match IgnoresBuilder::default().with_lines(text).build() {
        Some(ignores) => Some(Rc::new(Layer { ignores, below, above, up })),
        None => up,
    }
}

/// Whether git ignores a path: the nearest file that speaks of it decides.
fn verdict(layers: Option<&Rc<Layer>>, path: &str, is_folder: bool) -> bool {
    let mut at = layers;
    while let Some(layer) = at {
        let path = path.strip_prefix(&layer.below).unwrap_or(path);
        let verdict = if layer.above.is_empty() {
            layer.ignores.verdict(path, is_folder)
        } else {
            layer.ignores.verdict(&format!("{}{path}", layer.above), is_folder)
        };
        if let Some(ignored) = verdict {
            return ignored;
        }
        at = layer.up.as_ref();
    }
    false
}

fn joined(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// A relative path with `/`; `None` where it is not Unicode.
fn with_slashes(path: &Path) -> Option<String> {
    let parts = path.components().map(|part| match part {
        Component::Normal(part) => part.to_str(),
        _ => None,
    });
    Some(parts.collect::<Option<Vec<_>>>()?.join("/"))
}

/// Characters that do not show, or change how others do.
fn is_odd(c: char) -> bool {
    c.is_control()
        || c == '\\'
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fffd}')
}

#[cfg(test)]
#[path = "repository_tests.rs"]
mod tests;
