//! Whether the files and folders that a document names are there, are planned, or are said to be new.
//!
//! A document that invents paths sends its reader to places that do not exist. Only where there is a code base to judge by.

use std::collections::{BTreeMap, BTreeSet};

use super::codes::Code;
use crate::{
    context::{Existence, KnownPaths, Mention, NamedPaths, directories_of, is_source_name, mentions},
    document::{Finding, prose::list_item, sections::digest},
    markdown::lines,
};

/// What the paths of a document are held against.
#[derive(Clone, Copy, Debug)]
pub struct ExpectedPaths<'a> {
    /// What is there.
    pub known: &'a KnownPaths,
    /// What the PLAN names.
    pub planned: &'a NamedPaths,
    /// What else its author was told: what dependencies deliver, what the SUBPLAN says.
    pub told: &'a NamedPaths,
}

/// So many inventions are a fault, where they are also more than one in [`FAULT_SHARE`] of all paths.
const FAULT: usize = 3;
const FAULT_SHARE: usize = 5;
/// Paths named one by one.
const MOST_NAMED: usize = 8;

/// Checks the paths of an answer.
pub fn check_paths(body: &str, expected: &ExpectedPaths<'_>) -> Vec<Finding> {
    let named: Vec<Mention> = mentions(body).into_iter().filter(is_judged).collect();
    let new = marked(body, &named, &NEW);
    let new_folders = directories_of(
        &named.iter().filter(|mention| new.contains(mention.path.as_str())).cloned().collect::<Vec<Mention>>(),
    );
    let planned_folder = |path: &str| expected.planned.has_folder(path) || expected.told.has_folder(path);
    let mut fine = BTreeSet::new();
    let mut invented: BTreeMap<&str, (usize, &'static str)> = BTreeMap::new();
    for mention in &named {
        let path = mention.path.as_str();
        if fine.contains(path) || invented.contains_key(path) {
            continue;
        }
        if expected.planned.has(path) || expected.told.has(path) {
            fine.insert(path);
            continue;
        }
        match expected.known.existence(path, mention.folder) {
            Existence::Unjudged => {}
            Existence::Exists => {
                fine.insert(path);
            }
            Existence::Missing if new.contains(path) || new_folders.contains(path) => {
                // A folder that is to be made is judged by what is to be in it.
                if expected.known.has_place(path, &planned_folder) || mention.folder {
                    fine.insert(path);
                } else {
                    invented
                        .insert(path, (mention.line, "is new, but neither the repository nor the PLAN has its folder"));
                }
            }
            Existence::Missing => {
                invented.insert(path, (mention.line, "does not exist and is not marked as new"));
            }
        }
    }
    let all = fine.len() + invented.len();
    let mut inventions: Vec<(usize, &str, &str)> =
        invented.into_iter().map(|(path, (line, why))| (line, path, why)).collect();
    inventions.sort_unstable();
    let nearest =
        |path: &str| expected.known.nearest(path).map(|nearest| format!("there is `{nearest}`")).unwrap_or_default();
    if inventions.len() >= FAULT && inventions.len() * FAULT_SHARE > all {
        return vec![fault(&inventions, all, &nearest)];
    }
    let warning = |(line, path, why): &(usize, &str, &str)| {
        let nearest = nearest(path);
        let nearest = if nearest.is_empty() { nearest } else { format!("; {nearest}") };
        Code::PathUnknown.warning(Some(*line), format!("`{path}` (line {line}) {why}{nearest}."))
    };
    inventions.iter().take(MOST_NAMED).map(warning).collect()
}

fn fault(inventions: &[(usize, &str, &str)], all: usize, nearest: &dyn Fn(&str) -> String) -> Finding {
    let named: Vec<String> = inventions
        .iter()
        .take(MOST_NAMED)
        .map(|(line, path, _)| match nearest(path) {
            none if none.is_empty() => format!("`{path}` (line {line})"),
            nearest => format!("`{path}` (line {line}; {nearest})"),
        })
        .collect();
    let more = inventions.len() - named.len();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let message = format!(
        "{} of {all} paths do not exist in the repository, are no deliverables of the PLAN, and are not marked as new in a folder \
         that exists: {}{more}. Use the paths that exist; write `(new)` behind a file that is to be created, and put it where \
         the repository has a place for it.",
        inventions.len(),
        named.join(", "),
    );
    Code::PathUnknown.error(inventions.first().map(|(line, ..)| *line), message)
}

/// Whether a mention is meant as a place in the repository. A bare name has to be that of source code, in backticks: what
/// programs write when they run has names as well.
fn is_judged(mention: &Mention) -> bool {
    !mention.in_fence
        && (mention.path.contains('/') || mention.folder || (mention.code && is_source_name(&mention.path)))
}

/// The files that a SUBPLAN creates or changes: those that its Deliverables begin with, and those that it says so of.
pub(in crate::document) fn written_paths(body: &str) -> BTreeSet<String> {
    let named: Vec<Mention> =
        mentions(body).into_iter().filter(|mention| is_judged(mention) && !mention.folder).collect();
    let mut written: BTreeSet<String> = marked(body, &named, &NEW).into_iter().map(str::to_owned).collect();
    written.extend(marked(body, &named, &CHANGED).into_iter().map(str::to_owned));
    for deliverable in &digest(body).deliverables {
        let first = mentions(deliverable.lines().next().unwrap_or_default()).into_iter().find(is_judged);
        written.extend(first.filter(|mention| !mention.folder).map(|mention| mention.path));
    }
    written
}

/// Words that say what is done with a file, in the languages of documents.
struct Marks {
    words: &'static [&'static str],
    /// The same where words have no spaces between them.
    parts: &'static [&'static str],
}

/// A file is to be made.
const NEW: Marks = Marks { words: NEW_WORDS, parts: &["新規", "新しい", "作成", "新建", "新增", "创建"] };

/// A file is to be changed.
const CHANGED: Marks = Marks { words: CHANGED_WORDS, parts: &["変更", "更新", "修正", "修改"] };

const CHANGED_WORDS: &[&str] = &[
    "modify",
    "modifies",
    "modified",
    "modifying",
    "change",
    "changes",
    "changed",
    "changing",
    "update",
    "updates",
    "updated",
    "edit",
    "edits",
    "edited",
    "extend",
    "extends",
    "extended",
    "rewrite",
    "rewrites",
    "delete",
    "deletes",
    "deleted",
    "remove",
    "removes",
    "removed",
    "ändern",
    "geändert",
    "anpassen",
    "angepasst",
    "erweitern",
    "erweitert",
    "löschen",
    "gelöscht",
    "modificar",
    "modificado",
    "cambiar",
    "actualizar",
    "modifier",
    "modifié",
    "modifiés",
];

const NEW_WORDS: &[&str] = &[
    "new",
    "create",
    "creates",
    "created",
    "creating",
    "neu",
    "neue",
    "neuer",
    "neues",
    "anlegen",
    "angelegt",
    "erstellen",
    "erstellt",
    "nuevo",
    "nueva",
    "nuevos",
    "nuevas",
    "crear",
    "creado",
    "creada",
    "nouveau",
    "nouvelle",
    "nouveaux",
    "nouvelles",
    "créer",
    "créé",
    "créés",
];
/// Words that join paths to one list.
const AND: &[&str] = &["and", "und", "y", "e", "et"];

impl Marks {
    fn has(&self, word: &str) -> bool {
        self.words.contains(&word)
    }

    fn stand_in(&self, text: &str) -> bool {
        self.parts.iter().any(|part| text.contains(part)) || words(text).any(|word| self.has(&word))
    }

    /// "Create `x`", "a new file, `x`".
    fn stand_before(&self, text: &str) -> bool {
        // A closed parenthesis spoke of what stands before it.
        let text = text.rsplit([')', '.', ';', '|']).next().unwrap_or_default();
        let all: Vec<String> = words(text).collect();
        let close = &all[all.len().saturating_sub(3)..];
        close.iter().any(|word| self.has(word)) || self.parts.iter().any(|part| text.contains(part))
    }

    /// "`x` (new)", "`x` | new", "`x`: new", "`x` — a new module".
    fn stand_behind(&self, text: &str) -> bool {
        let text = text.trim_start_matches(['`', '*', '_', ' ', '/']);
        let text =
            text.trim_start_matches(|c: char| c.is_ascii_digit() || c == ':').trim_start_matches(['`', '*', '_', ' ']);
        let Some(mark) = text.chars().next() else { return false };
        let most = match mark {
            '(' | '[' | '|' | '（' => 4,
            '-' | '–' | '—' | '，' | ',' => 2,
            _ => 1,
        };
        let inside = text[mark.len_utf8()..].split([')', ']', '|', '）', '.', ';']).next().unwrap_or_default();
        let punctuation = !mark.is_alphanumeric();
        let near = if punctuation { inside } else { text };
        let begin: String = inside.chars().take(12).collect();
        words(near).take(most).any(|word| self.has(&word))
            || (punctuation && self.parts.iter().any(|part| begin.contains(part)))
    }
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

/// The paths that the document marks so: behind or before the path, or by the heading or the label of the list that it
/// stands in.
fn marked<'a>(body: &str, named: &'a [Mention], marks: &Marks) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut rest = named.iter().peekable();
    let (mut heading, mut label) = (false, false);
    for line in lines(body) {
        let mut on_line = Vec::new();
        while let Some(mention) = rest.next_if(|mention| mention.line <= line.number) {
            if mention.line == line.number {
                on_line.push(mention);
            }
        }
        if line.in_fence || line.is_blank() {
            continue;
        }
        if let Some(text) = line.heading() {
            (heading, label) = (marks.stand_in(text.text), false);
        } else if on_line.is_empty() && line.text.trim_end_matches(['*', '_', ' ']).ends_with([':', '：']) {
            label = marks.stand_in(line.text);
        } else if list_item(line.text).is_none() && !line.text.starts_with([' ', '\t', '|']) {
            label = false;
        }
        let mut before_is_marked = false;
        let mut from = 0;
        for (index, mention) in on_line.iter().enumerate() {
            let end = (mention.column + mention.path.len()).min(line.text.len());
            let next = on_line.get(index + 1).map_or(line.text.len(), |next| next.column);
            let before = line.text.get(from..mention.column).unwrap_or_default();
            let behind = line.text.get(end..next.max(end)).unwrap_or_default();
            // `a`, `b` and `c` are marked together.
            let joined = index > 0
                && !before.contains([')', '.', ';', '|'])
                && words(before).all(|word| AND.contains(&word.as_str()));
            let is_marked = heading
                || label
                || marks.stand_before(before)
                || marks.stand_behind(behind)
                || (joined && before_is_marked);
            if is_marked {
                found.insert(mention.path.as_str());
            }
            before_is_marked = is_marked;
            from = end;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{context::Listing, document::Severity};

    fn known() -> KnownPaths {
        let files =
            ["Cargo.toml", "src/main.rs", "src/cli/run.rs", "src/cli/show.rs", "src/store/disk.rs", "tests/cli.rs"];
        let listing = Listing { files: files.map(str::to_owned).into(), ..Listing::default() };
        KnownPaths::new(&listing.sorted(), "app").unwrap()
    }

    fn findings(body: &str) -> Vec<(Severity, String)> {
        let planned = NamedPaths::of(["`src/report/html.rs` and `web/ui/app.ts`"].into_iter());
        let told = NamedPaths::of(["`src/feed.rs`"].into_iter());
        let found = check_paths(body, &ExpectedPaths { known: &known(), planned: &planned, told: &told });
        found.into_iter().map(|finding| (finding.severity, finding.message)).collect()
    }

    #[test]
    fn paths_that_exist_or_are_planned_or_new_are_fine() {
        for body in [
            "Change `src/main.rs`, `cli/run.rs` and src/store/.",
            "`src/report/html.rs`, `html.rs`, `src/feed.rs`, src/report/",
            "- `src/cli/new_one.rs` (new): lists",
            "- `src/cli/a.rs` — new module",
            "- **`src/cli/a.rs`** (a new file)",
            "| `src/cli/a.rs` | new |",
            "Create `src/cli/a.rs`, `src/cli/b.rs` and `src/cli/c.rs`.",
            "### Files to create\n\n- `src/cli/a.rs`\n- `src/cli/b.rs`\n- `src/cli/c.rs`",
            "**New files:**\n- `src/cli/a.rs`\n  - with `src/cli/b.rs`\n\n- `tests/a.rs`",
            "- `src/cli/a.rs` (new)\n\nLater, `src/cli/a.rs` is used.",
            "- `src/cli/a.rs` (neu)\n- `src/cli/b.rs`（新規）\n- `src/cli/c.rs` (à créer)",
            "- `web/ui/list.ts` (new)\n- `web/ui/deep/x.ts` (new)",
            "- `src/fresh/` (new)\n- `src/fresh/a.rs` (new)",
            "```\ncat src/none.rs src/nothing.rs src/no.rs\n```",
            "It writes `out.json`, `report.csv` and `results.html`; see and/or, TCP/IP, application/json.",
            "`subplans/SUBPLAN_X_11.md`, `.env`, `node_modules/a/index.js`",
        ] {
            assert_eq!(findings(body), [], "{body}");
        }
    }

    #[test]
    fn what_a_document_writes_is_what_it_delivers_or_says_so_of() {
        let body = "## Objective\n\nReads `src/read.rs`.\n\n## Deliverables\n\n- `src/a.rs`: like `src/b.rs`\n- Guide in `docs/g.md`\n\n\
                    ## Approach\n\nExtend `src/c.rs`; call `src/d.rs`.\n\n**Files to modify**:\n- `src/e.rs`\n- `src/f.rs`\n\nSee `src/g.rs`.\n";
        let written: Vec<String> = written_paths(body).into_iter().collect();
        assert_eq!(written, ["docs/g.md", "src/a.rs", "src/c.rs", "src/e.rs", "src/f.rs"]);
    }

    #[test]
    fn few_inventions_are_warnings_with_the_nearest_path() {
        let (severity, message) = findings("Change `src/run.rs` and `src/main.rs`.").remove(0);
        assert_eq!(severity, Severity::Warning);
        assert_eq!(
            message,
            "`src/run.rs` (line 1) does not exist and is not marked as new; there is `src/cli/run.rs`."
        );
        assert_eq!(
            findings("- `lib/core/a.rs` (new)")[0].1,
            "`lib/core/a.rs` (line 1) is new, but neither the repository nor the PLAN has its folder."
        );
        for body in [
            "`helper.rs`",
            "src/nothing/",
            "a function in `src/cli/other.rs` is new",
            "`src/cli/other.rs` gets a new function",
        ] {
            assert_eq!(findings(body).len(), 1, "{body}");
        }
    }

    #[test]
    fn many_inventions_are_a_fault() {
        let body = "`src/main.rs` `src/a.rs` `src/b.rs`";
        assert!(findings(body).iter().all(|(severity, _)| *severity == Severity::Warning), "two are few");
        let body = "`src/main.rs` `src/a.rs` `src/b.rs` `lib/run.rs`";
        let found = findings(body);
        assert_eq!((found.len(), found[0].0), (1, Severity::Error));
        assert!(found[0].1.starts_with("3 of 4 paths do not exist"), "{}", found[0].1);
        assert!(found[0].1.contains("`lib/run.rs` (line 1; there is `src/cli/run.rs`)"), "{}", found[0].1);
        // Three of fifteen are no more than a fifth.
        let many: String = (0..10).map(|n| format!("`src/cli/n{n}.rs` (new) ")).collect();
        let found = findings(&format!("{many} `src/main.rs` `src/cli/run.rs` `src/a.rs` `src/b.rs` `src/c.rs`"));
        assert!(found.len() == 3 && found.iter().all(|(severity, _)| *severity == Severity::Warning), "{found:?}");
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(body in "[a-z`/.é:(|)新規# \\n-]{0,120}") {
            let _ = findings(&body);
        }
    }
}
