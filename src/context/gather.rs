//! Chooses what of a repository goes into prompts, and reads no more than that.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, HashMap},
    rc::Rc,
};

use super::{
    CONTEXT_VERSION, CodeContext, ContextChoice, ContextMode, Excerpt, Filter, Form, Listing, Mention, SharedContext,
    WithheldFile, directories_of,
    excerpt::{SourceText, text_of},
    find_secret, is_source_name,
    listing::{extension, file_name, folder, stem},
    mentions,
    tree::tree,
    withheld::is_unread,
};
use crate::plan::AchievementId;

/// The largest file that is read, bytes. Nobody writes a larger one by hand.
pub const LARGEST_FILE: u64 = 256 * 1024;
/// Files that are read at most, whatever names them.
const MOST_READ: usize = 2_000;
/// Tokens of a file's frame in a prompt.
const FRAME: usize = 24;

/// Files that say what a code base is made of, at its root.
pub const MANIFESTS: &[&str] = &[
    "Cargo.toml",
    "package.json",
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    "requirements.txt",
    "go.mod",
    "pom.xml",
    "build.gradle",
    "build.gradle.kts",
    "composer.json",
    "Gemfile",
    "mix.exs",
    "CMakeLists.txt",
    "Package.swift",
    "pubspec.yaml",
    "deno.json",
    "build.zig",
    "justfile",
    "Makefile",
];
/// Manifests that are shown.
const MOST_MANIFESTS: usize = 3;

/// One achievement, as far as the choice depends on it.
#[derive(Clone, Debug)]
pub struct Achieving<'a> {
    /// Its id.
    pub id: AchievementId,
    /// Its title.
    pub title: &'a str,
    /// What it delivers.
    pub deliverables: &'a [String],
    /// Everything that the PLAN says of it.
    pub text: String,
    /// Files that parallel.json says it touches.
    pub touches: &'a [String],
}

/// What a context is gathered from.
pub struct Gathering<'a> {
    /// How much, and from where.
    pub choice: &'a ContextChoice,
    /// The globs of the choice.
    pub filter: &'a Filter,
    /// The root, as it is to be shown.
    pub root: String,
    /// What there is.
    pub listing: &'a Listing,
    /// What the PLAN says outside of its achievements.
    pub plan: Vec<&'a str>,
    /// Every achievement of the PLAN.
    pub achievements: &'a [Achieving<'a>],
    /// Those whose own files are wanted.
    pub wanted: &'a BTreeSet<AchievementId>,
    /// The bytes of a file of the listing; `None` where it cannot be read, or is larger than [`LARGEST_FILE`].
    pub read: &'a dyn Fn(&str) -> Option<Vec<u8>>,
    /// Counts tokens.
    pub count: &'a dyn Fn(&str) -> usize,
}

/// Gathers what prompts carry of the repository. The same files give the same context.
pub fn gather(gathering: &Gathering<'_>) -> CodeContext {
    let Gathering { choice, filter, root, listing, plan, achievements, wanted, .. } = gathering;
    let visible: Vec<&str> = listing.files.iter().map(String::as_str).filter(|path| filter.takes(path)).collect();
    let index = Index::new(&visible);
    let of_plan: Vec<Mention> = plan.iter().flat_map(|text| mentions(text)).collect();
    let of_items: Vec<Vec<Mention>> = achievements.iter().map(named_by).collect();
    let reader = Reader { gathering, texts: RefCell::default(), withheld: RefCell::default() };

    let mut focus = BTreeSet::new();
    for mention in of_plan.iter().chain(of_items.iter().flatten()) {
        match index.file(mention) {
            Some(path) => {
                focus.extend(directories_of(&[Mention { path: path.to_owned(), folder: false, ..mention.clone() }]))
            }
            None => focus.extend(directories_of(std::slice::from_ref(mention))),
        }
    }
    let tree_room = match choice.mode {
        ContextMode::Auto => choice.shared_tokens / 2,
        ContextMode::Paths => choice.shared_tokens,
        ContextMode::None => 0,
    };
    let tree = tree(&visible, &focus, tree_room, gathering.count);
    let mut shared = SharedContext { paths: tree.paths, tree: tree.text, files: Vec::new() };
    let mut excerpts = Vec::new();
    let mut items = BTreeMap::new();
    let mut places: HashMap<Excerpt, usize> = HashMap::new();
    if choice.mode == ContextMode::Auto {
        let room = choice.shared_tokens.saturating_sub((gathering.count)(&shared.tree));
        shared.files = shared_files(&reader, &index, &of_plan, &of_items, room);
        for (achieving, named) in achievements.iter().zip(&of_items).filter(|(a, _)| wanted.contains(&a.id)) {
            let files = item_files(&reader, &index, achieving, named, &shared.files);
            let place = |file: Excerpt| {
                *places.entry(file).or_insert_with_key(|file| {
                    excerpts.push(file.clone());
                    excerpts.len() - 1
                })
            };
            items.insert(achieving.id, files.into_iter().map(place).collect());
        }
    }
    let mut withheld = reader.withheld.into_inner();
    withheld.sort_by(|a, b| a.path.cmp(&b.path));
    CodeContext {
        version: CONTEXT_VERSION,
        root: root.clone(),
        choice: (*choice).clone(),
        shared,
        excerpts,
        items,
        withheld,
    }
}

/// What an achievement names: its deliverables first, then what parallel.json says it touches, then all else.
fn named_by(achieving: &Achieving<'_>) -> Vec<Mention> {
    let texts = achieving.deliverables.iter().chain(achieving.touches).map(String::as_str);
    texts.chain([achieving.text.as_str()]).flat_map(mentions).collect()
}

/// Finds files by what a text calls them.
struct Index<'a> {
    by_name: HashMap<&'a str, Vec<&'a str>>,
    by_folder: HashMap<&'a str, Vec<&'a str>>,
    /// Files of source code by the bare stem of their name: `parse` for `parse.rs`, `test_parse.py`, `parse.test.ts`.
    by_stem: HashMap<String, Vec<&'a str>>,
}

impl<'a> Index<'a> {
    fn new(paths: &'a [&'a str]) -> Self {
        let mut index = Self { by_name: HashMap::new(), by_folder: HashMap::new(), by_stem: HashMap::new() };
        for path in paths {
            index.by_name.entry(file_name(path)).or_default().push(path);
            index.by_folder.entry(folder(path)).or_default().push(path);
            if is_source_name(path) {
                index.by_stem.entry(bare_stem(path)).or_default().push(path);
            }
        }
        index
    }

    /// The file that a mention means: this path, or the only one that ends with it.
    fn file(&self, mention: &Mention) -> Option<&'a str> {
        if mention.folder {
            return None;
        }
        let same = self.by_name.get(file_name(&mention.path))?;
        let ends = |path: &&&str| {
            let before = path.strip_suffix(mention.path.as_str());
            before.is_some_and(|before| before.is_empty() || before.ends_with('/'))
        };
        let mut matching = same.iter().filter(ends);
        match (same.iter().find(|path| **path == mention.path), matching.next(), matching.next()) {
            (Some(exact), ..) => Some(exact),
            (None, Some(only), None) => Some(only),
            (None, ..) => None,
        }
    }

    /// The files in a folder, not below it.
    fn in_folder(&self, of: &str) -> &[&'a str] {
        self.by_folder.get(of).map(Vec::as_slice).unwrap_or_default()
    }
}

/// The stem of a file or of its test, in lower case.
fn bare_stem(path: &str) -> String {
    let stem = stem(path).to_lowercase();
    let bare = stem.strip_prefix("test_").unwrap_or(&stem);
    for ending in ["_tests", "_test", "_spec", "tests", "test", "spec"] {
        if let Some(bare) = bare.strip_suffix(ending).filter(|bare| bare.len() > 1) {
            return bare.to_owned();
        }
    }
    bare.to_owned()
}

/// Stems that say nothing of what a file is about.
const GENERAL: &[&str] =
    &["mod", "index", "main", "lib", "__init__", "app", "types", "utils", "error", "errors", "config", "readme"];

struct Reader<'a> {
    gathering: &'a Gathering<'a>,
    texts: RefCell<HashMap<String, Option<Rc<SourceText>>>>,
    withheld: RefCell<Vec<WithheldFile>>,
}

impl Reader<'_> {
    fn count(&self, text: &str) -> usize {
        (self.gathering.count)(text)
    }

    /// A file's text; `None` where it is none, too large, generated, or holds a secret.
    fn text(&self, path: &str) -> Option<Rc<SourceText>> {
        if let Some(known) = self.texts.borrow().get(path) {
            return known.clone();
        }
        if self.texts.borrow().len() >= MOST_READ {
            return None;
        }
        let text = self.read(path).map(|text| Rc::new(SourceText::new(path, &text)));
        self.texts.borrow_mut().insert(path.to_owned(), text.clone());
        text
    }

    fn read(&self, path: &str) -> Option<String> {
        if is_unread(path) {
            return None;
        }
        let text = text_of(&(self.gathering.read)(path)?)?;
        if let Some(secret) = find_secret(&text) {
            let why = format!("{} (line {})", secret.kind, secret.line);
            self.withheld.borrow_mut().push(WithheldFile { path: path.to_owned(), why });
            return None;
        }
        let generated = |line: &str| line.contains("@generated") || line.contains("DO NOT EDIT");
        (!text.lines().take(5).any(generated)).then_some(text)
    }
}

/// Excerpts within a budget.
struct Basket<'a> {
    reader: &'a Reader<'a>,
    left: usize,
    files: Vec<Excerpt>,
}

impl Basket<'_> {
    fn has(&self, path: &str) -> bool {
        self.files.iter().any(|file| file.path == path)
    }

    /// Takes a file in with at most `room` tokens; whole where it has at most `whole`.
    fn add(&mut self, path: &str, room: usize, whole: usize) -> bool {
        let taken = |room| self.reader.text(path)?.excerpt(room, whole, &|text| self.reader.count(text));
        self.put(path, room, &taken)
    }

    fn add_head(&mut self, path: &str, room: usize) -> bool {
        let taken = |room| self.reader.text(path)?.head(room, &|text| self.reader.count(text));
        self.put(path, room, &taken)
    }

    fn put(&mut self, path: &str, room: usize, take: &dyn Fn(usize) -> Option<Excerpt>) -> bool {
        let frame = FRAME + self.reader.count(path);
        let room = room.min(self.left.saturating_sub(frame));
        if room == 0 || self.has(path) {
            return false;
        }
        let Some(excerpt) = take(room) else { return false };
        self.left = self.left.saturating_sub(frame + self.reader.count(&excerpt.text));
        self.files.push(excerpt);
        true
    }
}

/// Manifests and README at the root, then what the PLAN names, then what several achievements name.
fn shared_files(
    reader: &Reader<'_>,
    index: &Index<'_>,
    of_plan: &[Mention],
    of_items: &[Vec<Mention>],
    room: usize,
) -> Vec<Excerpt> {
    let mut basket = Basket { reader, left: room, files: Vec::new() };
    let at_root = index.in_folder("");
    let manifests = MANIFESTS.iter().filter(|name| at_root.contains(name));
    let share = room / 5;
    let mut shown = 0;
    for manifest in manifests {
        if shown < MOST_MANIFESTS && basket.add_head(manifest, share) {
            shown += 1;
        }
    }
    let readme = at_root.iter().find(|path| stem(path).eq_ignore_ascii_case("readme"));
    if let Some(readme) = readme {
        basket.add_head(readme, share);
    }
    let named = of_plan.iter().filter_map(|mention| index.file(mention));
    let mut by_items: BTreeMap<&str, usize> = BTreeMap::new();
    for item in of_items {
        let named: BTreeSet<&str> = item.iter().filter_map(|mention| index.file(mention)).collect();
        named.into_iter().for_each(|path| *by_items.entry(path).or_default() += 1);
    }
    let mut several: Vec<(usize, &str)> =
        by_items.into_iter().filter(|(_, items)| *items > 1).map(|(path, items)| (items, path)).collect();
    several.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    for path in named.chain(several.into_iter().map(|(_, path)| path)) {
        basket.add(path, room / 3, room / 5);
    }
    basket.files
}

/// What an achievement names, then tests and neighbours of that, then what is called like it.
fn item_files(
    reader: &Reader<'_>,
    index: &Index<'_>,
    achieving: &Achieving<'_>,
    named: &[Mention],
    shared: &[Excerpt],
) -> Vec<Excerpt> {
    const NEIGHBOURS: usize = 6;
    const NAMESAKES: usize = 3;
    /// What is named so late has little to do with it.
    const MENTIONS: usize = 10;
    let budget = reader.gathering.choice.item_tokens;
    let mut basket = Basket { reader, left: budget, files: Vec::new() };
    let in_shared = |path: &str| shared.iter().find(|file| file.path == path).map(|file| file.form);
    for mention in named {
        if let Some(path) = index.file(mention).filter(|path| in_shared(path) != Some(Form::Whole)) {
            basket.add(path, budget / 3, budget * 2 / 5);
        }
    }
    let mut neighbours = Vec::new();
    for mention in named.iter().take(MENTIONS) {
        // A file that is there means itself; one that is to be made, the place where it is to be.
        let path = index.file(mention).unwrap_or(&mention.path);
        neighbours.extend(tests_and_subjects(index, path));
        let around = if mention.folder { path } else { folder(path) };
        neighbours.extend(beside(index, path, around));
    }
    let mut left = NEIGHBOURS;
    for path in neighbours {
        if left > 0 && in_shared(path).is_none() && basket.add(path, budget / 8, budget / 16) {
            left -= 1;
        }
    }
    let mut left = NAMESAKES;
    for word in words(achieving.title) {
        for path in index.by_stem.get(&word).into_iter().flatten() {
            if left > 0 && in_shared(path).is_none() && basket.add(path, budget / 8, budget / 16) {
                left -= 1;
            }
        }
    }
    basket.files
}

/// The tests of a file, or the file of a test: those with the same bare stem.
fn tests_and_subjects<'a>(index: &'a Index<'_>, path: &str) -> Vec<&'a str> {
    const MOST: usize = 4;
    let stem = bare_stem(path);
    if GENERAL.contains(&stem.as_str()) || !is_source_name(path) {
        return Vec::new();
    }
    let same = index.by_stem.get(&stem).map(Vec::as_slice).unwrap_or_default();
    same.iter().copied().filter(|other| *other != path && extension(other) == extension(path)).take(MOST).collect()
}

/// Files of a folder that a file in it has to do with: the one that declares the folder, and those of similar names.
fn beside<'a>(index: &'a Index<'_>, path: &str, around: &str) -> Vec<&'a str> {
    const MOST: usize = 3;
    const COMPARED: usize = 60;
    let own = stem(path);
    let mut others: Vec<(bool, u64, &str)> = index
        .in_folder(around)
        .iter()
        .take(COMPARED)
        .copied()
        .filter(|other| *other != path && is_source_name(other))
        .map(|other| {
            let declares = matches!(stem(other), "mod" | "index" | "__init__" | "lib");
            // As whole numbers, since they are sorted.
            let unlike = 1.0 - strsim::jaro_winkler(own, stem(other));
            (!declares, (unlike * 1_000.0) as u64, other)
        })
        .collect();
    others.sort_unstable();
    others.into_iter().map(|(_, _, other)| other).take(MOST).collect()
}

/// The words of a title that may name a file.
fn words(title: &str) -> Vec<String> {
    let words = title.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase);
    words.filter(|word| word.chars().count() >= 4 && !GENERAL.contains(&word.as_str())).collect()
}

#[cfg(test)]
mod tests;
