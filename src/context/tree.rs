//! The tree of a repository as a list of names, opened as far as a budget goes.
//!
//! Folders are opened from the root down; those that lead to what the PLAN names come first. A folder that stays shut is one
//! line with the number of its files. Linear in the files, but for sorting.

use std::collections::{BTreeSet, HashMap};

use super::listing::folder;

/// Files and folders listed of one folder.
const MOST_LISTED: usize = 40;
/// The same, where there is little room.
const FEW_LISTED: usize = 8;
/// Folders that are opened at most.
const MOST_OPENED: usize = 2_000;

/// A tree as text, and how many paths it names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tree {
    pub(super) text: String,
    pub(super) paths: usize,
}

#[derive(Default)]
struct Folder<'a> {
    path: &'a str,
    folders: Vec<usize>,
    files: Vec<&'a str>,
    /// Files in it and below.
    total: usize,
    /// How many names are listed, where it is open.
    open: Option<usize>,
}

/// The tree of these paths, which are sorted, within `room` tokens. `focus` are folders that are opened first.
pub(super) fn tree(paths: &[&str], focus: &BTreeSet<String>, room: usize, count: &dyn Fn(&str) -> usize) -> Tree {
    let mut folders = folders(paths);
    let mut left = room;
    let mut waiting = BTreeSet::from([(false, 0, "", 0)]);
    for _ in 0..MOST_OPENED {
        let Some((_, depth, _, index)) = waiting.pop_first() else { break };
        let mut fits =
            [MOST_LISTED, FEW_LISTED].into_iter().map(|most| (most, cost(&folders, index, depth, most, count)));
        let Some((most, cost)) = fits.find(|(_, cost)| *cost <= left) else { continue };
        left -= cost;
        folders[index].open = Some(most);
        for child in folders[index].folders.iter().take(most) {
            let path = folders[*child].path;
            waiting.insert((!focus.contains(path), depth + 1, path, *child));
        }
    }
    let mut tree = Tree::default();
    write(&folders, 0, 0, &mut tree);
    tree.text.truncate(tree.text.trim_end().len());
    tree
}

fn folders<'a>(paths: &[&'a str]) -> Vec<Folder<'a>> {
    let mut folders: Vec<Folder<'a>> = vec![Folder::default()];
    let mut places: HashMap<&str, usize> = HashMap::from([("", 0)]);
    for path in paths {
        // The folders above it that are not there yet, the deepest first.
        let mut missing = Vec::new();
        let mut at = folder(path);
        while !places.contains_key(at) {
            missing.push(at);
            at = folder(at);
        }
        let mut parent = places[at];
        for new in missing.into_iter().rev() {
            folders.push(Folder { path: new, ..Folder::default() });
            let index = folders.len() - 1;
            folders[parent].folders.push(index);
            places.insert(new, index);
            parent = index;
        }
        folders[parent].files.push(path);
        let mut at = folder(path);
        loop {
            folders[places[at]].total += 1;
            if at.is_empty() {
                break;
            }
            at = folder(at);
        }
    }
    folders
}

/// The last part of a path.
fn name(path: &str) -> &str {
    super::listing::file_name(path)
}

fn shut(folder: &Folder<'_>) -> String {
    format!("{}/ ({} file{})", name(folder.path), folder.total, if folder.total == 1 { "" } else { "s" })
}

/// Tokens of the lines that opening a folder adds.
fn cost(folders: &[Folder<'_>], index: usize, depth: usize, most: usize, count: &dyn Fn(&str) -> usize) -> usize {
    let folder = &folders[index];
    let indent = "  ".repeat(depth);
    let below = folder.folders.iter().take(most).map(|child| count(&format!("{indent}{}\n", shut(&folders[*child]))));
    let files = folder.files.iter().take(most).map(|file| count(&format!("{indent}{}\n", name(file))));
    let more = usize::from(folder.folders.len() > most || folder.files.len() > most) * 20;
    below.sum::<usize>() + files.sum::<usize>() + more
}

fn write(folders: &[Folder<'_>], index: usize, depth: usize, out: &mut Tree) {
    let folder = &folders[index];
    let Some(most) = folder.open else { return };
    let indent = "  ".repeat(depth);
    let line = |text: &str, paths: usize, out: &mut Tree| {
        out.text.push_str(&indent);
        out.text.push_str(text);
        out.text.push('\n');
        out.paths += paths;
    };
    for child in folder.folders.iter().take(most) {
        let inner = &folders[*child];
        if inner.open.is_some() {
            line(&format!("{}/", name(inner.path)), 1, out);
            write(folders, *child, depth + 1, out);
        } else {
            line(&shut(inner), 1, out);
        }
    }
    if folder.folders.len() > most {
        line(&format!("… {} more folders", folder.folders.len() - most), 0, out);
    }
    for file in folder.files.iter().take(most) {
        line(name(file), 1, out);
    }
    if folder.files.len() > most {
        line(&format!("… {} more files", folder.files.len() - most), 0, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> usize {
        text.split_whitespace().count()
    }

    fn of(paths: &[&str], focus: &[&str], room: usize) -> Tree {
        let mut paths = paths.to_vec();
        paths.sort_unstable();
        tree(&paths, &focus.iter().map(|path| (*path).to_owned()).collect(), room, &words)
    }

    #[test]
    fn folders_are_opened_from_the_root_as_far_as_there_is_room() {
        let paths = ["a.rs", "src/main.rs", "src/cli/run.rs", "src/cli/show.rs", "web/x/y.ts"];
        let whole = of(&paths, &[], 100);
        assert_eq!(whole.text, "src/\n  cli/\n    run.rs\n    show.rs\n  main.rs\nweb/\n  x/\n    y.ts\na.rs");
        assert_eq!(whole.paths, 9);
        assert_eq!(of(&paths, &[], 8).text, "src/ (3 files)\nweb/ (1 file)\na.rs");
        assert_eq!(of(&paths, &["web", "web/x"], 12).text, "src/ (3 files)\nweb/\n  x/\n    y.ts\na.rs");
        assert_eq!(of(&paths, &[], 2), Tree::default());
        assert_eq!(of(&[], &[], 100), Tree::default());
    }

    #[test]
    fn a_folder_of_many_is_listed_in_part() {
        let paths: Vec<String> = (0..50).map(|n| format!("f{n:02}.rs")).collect();
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        let tree = of(&paths, &[], 1_000);
        assert_eq!((tree.paths, tree.text.lines().last()), (40, Some("… 10 more files")));
        assert_eq!(of(&paths, &[], 30).paths, 8);
    }
}
