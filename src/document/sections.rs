//! The sections of a document, found by their headings, and what a dependent's prompt takes from a SUBPLAN.
//!
//! Reading never fails: people name sections in many ways, and what is missing comes out empty.

use std::{collections::HashSet, sync::LazyLock};

use crate::{
    markdown::{clean_heading, lines},
    plan::deliverables,
};

use super::{ExecutionPart, executions::execution_count, outline::headings};

/// The sections of a generated SUBPLAN, in order.
pub const SUBPLAN_SECTIONS: [&str; 7] = [
    "Objective",
    "Deliverables",
    "Approach",
    "Execution Strategy",
    "Testing Strategy",
    "Expected Results",
    "Dependencies and Coordination",
];

/// The sections of a generated EXECUTION_TASK, in order.
pub const EXECUTION_SECTIONS: [&str; 7] = [
    "SUBPLAN Context",
    "Objective",
    "Instructions",
    "Iteration Log",
    "Learning Summary",
    "Coordination",
    "Completion Checklist",
];

/// A heading and what stands below it, up to the next heading of its level or a higher one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section<'a> {
    /// The heading without number, emoji, emphasis and trailing punctuation.
    pub name: String,
    /// 1 for `#`, 2 for `##` and so on.
    pub level: u8,
    /// 1-based line of the heading.
    pub line: usize,
    /// The raw markdown below the heading, trimmed of blank lines and of a closing rule.
    pub body: &'a str,
}

/// Splits `text` into its sections.
///
/// Sections are the headings of one level: the highest at which two known section names stand, which is level 2 in
/// nearly every document. Higher headings (the title) come out as sections of their own; deeper ones are part of the
/// body they stand in.
pub fn sections(text: &str) -> Vec<Section<'_>> {
    struct Mark {
        name: String,
        level: u8,
        line: usize,
        start: usize,
        body: usize,
    }
    let mut marks: Vec<Mark> = Vec::new();
    for line in lines(text) {
        if let Some(heading) = line.heading() {
            let name = section_name(heading.text);
            marks.push(Mark { name, level: heading.level, line: line.number, start: line.start, body: line.next });
        }
    }
    let level = section_level(marks.iter().map(|mark| (mark.level, mark.name.as_str())));
    marks.retain(|mark| mark.level <= level);
    let ends: Vec<usize> = marks.iter().skip(1).map(|mark| mark.start).chain([text.len()]).collect();
    marks
        .into_iter()
        .zip(ends)
        .map(|(mark, end)| Section {
            name: mark.name,
            level: mark.level,
            line: mark.line,
            body: trim_body(&text[mark.body..end]),
        })
        .collect()
}

fn section_level<'a>(headings: impl Iterator<Item = (u8, &'a str)>) -> u8 {
    let mut known = [0_usize; 7];
    for (level, name) in headings {
        if is_known(name) {
            known[usize::from(level.min(6))] += 1;
        }
    }
    let shallowest = |least: usize| (1_u8..=6).find(|level| known[usize::from(*level)] >= least);
    shallowest(2).or_else(|| shallowest(1)).unwrap_or(2)
}

/// The section names of both stages in every language, as [`letters`] gives them.
static KNOWN: LazyLock<HashSet<String>> = LazyLock::new(|| headings("").map(|name| key_of(name, usize::MAX)).collect());

/// True for a section name of either stage. Every heading of a text is asked, so this is one pass over the name.
pub(super) fn is_known(name: &str) -> bool {
    KNOWN.contains(&key_of(name, 60))
}

/// Compares section names by their letters and digits alone; `&` is `and`.
pub(super) fn same_name(a: &str, b: &str) -> bool {
    if [a, b].iter().all(|name| name.is_ascii() && !name.contains('&')) {
        // Nearly all; it comes to the same for them.
        return ascii_letters(a).eq(ascii_letters(b));
    }
    letters(a).eq(letters(b))
}

fn ascii_letters(name: &str) -> impl Iterator<Item = u8> {
    name.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_lowercase())
}

/// A name by its letters and digits alone, as [`same_name`] compares it.
pub(super) fn letters_of(name: &str) -> String {
    key_of(name, usize::MAX)
}

/// The first `most` of [`letters`].
fn key_of(name: &str, most: usize) -> String {
    if !name.is_ascii() {
        return letters(name).take(most).collect();
    }
    let mut key = String::with_capacity(name.len().min(most) + "and".len());
    for byte in name.bytes().filter(|byte| byte.is_ascii_alphanumeric() || *byte == b'&') {
        if key.len() >= most {
            break;
        }
        match byte {
            b'&' => key.push_str("and"),
            letter => key.push(char::from(letter.to_ascii_lowercase())),
        }
    }
    key.truncate(most);
    key
}

fn letters(name: &str) -> impl Iterator<Item = char> {
    name.chars().filter(|c| c.is_alphanumeric() || *c == '&').flat_map(|c| {
        let (spelled, itself) = if c == '&' { ("and", None) } else { ("", Some(c)) };
        spelled.chars().chain(itself.into_iter().flat_map(char::to_lowercase))
    })
}

/// `🎯 1. **Objective**:` → `Objective`.
pub(super) fn section_name(heading: &str) -> String {
    let name = clean_heading(heading);
    let digits = name.bytes().take_while(u8::is_ascii_digit).count();
    match name[digits..].strip_prefix(['.', ')', ':']) {
        Some(rest) if digits > 0 && rest.starts_with(' ') => clean_heading(rest),
        Some(_) | None => name,
    }
}

/// Without blank lines at both ends and without the rule (`---`) that people put between sections.
fn trim_body(body: &str) -> &str {
    let indentation = body.len() - body.trim_start().len();
    let first_line = body[..indentation].rfind('\n').map_or(0, |at| at + 1);
    let mut body = body[first_line..].trim_end();
    while let Some(rest) = body.strip_suffix("---") {
        if !(rest.is_empty() || rest.ends_with('\n')) {
            break;
        }
        body = rest.trim_end();
    }
    body
}

/// What a dependent's prompt and the execution prompt take from a SUBPLAN.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Digest {
    /// The objective, raw markdown.
    pub objective: String,
    /// One entry per deliverable, markdown kept, list markers removed. Its first line is what it is called; what stands
    /// below it follows as indented lines.
    pub deliverables: Vec<String>,
    /// The approach, raw markdown.
    pub approach: String,
    /// The execution strategy, raw markdown.
    pub execution_strategy: String,
    /// The executions that the strategy plans, at least one.
    pub parts: Vec<ExecutionPart>,
    /// The executions follow one another.
    pub in_sequence: bool,
}

/// Names under which people write the objective, best first.
pub(super) const OBJECTIVE_NAMES: &[&str] =
    &["Objective", "Objectives", "Goal", "Goals", "Purpose", "Mission", "What We're Building", "Overview"];
const DELIVERABLE_NAMES: &[&str] = &[
    "Deliverables",
    "Deliverable",
    "Key Deliverables",
    "What Needs to Be Created",
    "Files to Create",
    "Outputs",
    "Scope",
];
const APPROACH_NAMES: &[&str] =
    &["Approach", "Implementation Approach", "Implementation Plan", "Implementation Strategy", "Design", "Strategy"];
const STRATEGY_NAMES: &[&str] = &["Execution Strategy", "Execution Plan", "Executions", "Execution Approach"];

/// Reads a SUBPLAN, whoever wrote it.
pub fn digest(subplan_text: &str) -> Digest {
    let sections = sections(subplan_text);
    let body = |names: &[&str], key: &str| find(&sections, &all(names, key)).map_or("", |section| section.body);
    let execution_strategy = body(STRATEGY_NAMES, "execution_strategy");
    let count = execution_count(execution_strategy);
    Digest {
        objective: body(OBJECTIVE_NAMES, "objective").to_owned(),
        deliverables: deliverables(body(DELIVERABLE_NAMES, "deliverables")),
        approach: body(APPROACH_NAMES, "approach").to_owned(),
        execution_strategy: execution_strategy.to_owned(),
        parts: count.parts,
        in_sequence: count.in_sequence,
    }
}

/// Names that people use, and the headings of that section in every language.
pub(super) fn all<'a>(names: &[&'a str], key: &str) -> Vec<&'a str> {
    names.iter().copied().chain(headings(key).map(|name| -> &'a str { name })).collect()
}

/// The first section of the best name there is; failing that, one whose name begins with it ("Approach and Design").
pub(super) fn find<'s, 'a>(sections: &'s [Section<'a>], names: &[&str]) -> Option<&'s Section<'a>> {
    let wanted: Vec<String> = names.iter().map(|name| key_of(name, usize::MAX)).collect();
    let mut best: Option<(usize, &Section<'_>)> = None;
    for section in sections {
        let key = key_of(&section.name, 60);
        // A name that only begins so ranks behind all exact ones.
        let exact = wanted.iter().position(|name| *name == key);
        let rank = exact.or_else(|| {
            let begins = |name: &String| key.starts_with(name.as_str()) && begins_with_word(&section.name, name);
            wanted.iter().position(begins).map(|rank| rank + names.len())
        });
        if let Some(rank) = rank.filter(|rank| best.is_none_or(|(least, _)| *rank < least)) {
            best = Some((rank, section));
        }
    }
    best.map(|(_, section)| section)
}

/// True where whole words at the beginning of `name` have the letters `key`: "Approaches" does not begin with "Approach".
fn begins_with_word(name: &str, key: &str) -> bool {
    let ends = name.match_indices(' ').map(|(at, _)| at).take(8);
    ends.into_iter().any(|end| letters(&name[..end]).eq(key.chars()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outline(text: &str) -> Vec<(String, u8, usize, &str)> {
        sections(text).into_iter().map(|section| (section.name, section.level, section.line, section.body)).collect()
    }

    #[test]
    fn sub_headings_and_fences_belong_to_the_body() {
        let text = "# SUBPLAN: x\n\n## 🎯 Objective\r\n\r\nA.\r\n\n---\n\n## 2. Approach\n### Objective\n```\n## Deliverables\n```\n";
        let expected: Vec<(String, u8, usize, &str)> = vec![
            ("SUBPLAN: x".to_owned(), 1, 1, ""),
            ("Objective".to_owned(), 2, 3, "A."),
            ("Approach".to_owned(), 2, 9, "### Objective\n```\n## Deliverables\n```"),
        ];
        assert_eq!(outline(text), expected);
    }

    #[test]
    fn sections_may_stand_at_another_level() {
        let names = |text| outline(text).into_iter().map(|(name, ..)| name).collect::<Vec<_>>();
        assert_eq!(names("# Objective\na\n## Detail\n# Approach\nb"), ["Objective", "Approach"]);
        assert_eq!(names("### Objective\na\n#### Detail\n### Approach\nb"), ["Objective", "Approach"]);
        assert_eq!(names("# T\n## Plan\n### Objective\n## Other"), ["T", "Plan", "Objective", "Other"]);
        assert_eq!(names("# T\n## One\n### Sub\n## Two"), ["T", "One", "Two"]);
        assert_eq!(names("no heading"), [""; 0]);
    }

    #[test]
    fn the_known_names_are_those_of_both_stages() {
        let names = SUBPLAN_SECTIONS.iter().chain(&EXECUTION_SECTIONS);
        assert!(names.clone().all(|name| is_known(name)));
        assert!(is_known("Abhängigkeiten & Abstimmung") || is_known("Abhängigkeiten und Abstimmung"));
        assert!(is_known("目标") && is_known("Stratégie d'exécution"));
        assert!(!is_known("Objectives") && !is_known(""));
    }

    #[test]
    fn a_key_is_the_letters() {
        for name in ["Dependencies & Coordination", "&&", "2. Größe & mehr", "a-b_c", ""] {
            for most in [0, 2, 14, 100] {
                assert_eq!(key_of(name, most), letters(name).take(most).collect::<String>(), "{name} {most}");
            }
        }
    }

    #[test]
    fn names_are_compared_by_their_letters() {
        for (a, b, same) in [
            ("Dependencies and Coordination", "Dependencies & Coordination", true),
            ("SUBPLAN Context", "Subplan context", true),
            ("Objective", "Objectives", false),
            ("Objective", "", false),
            ("Questions & Answers", "questions & answers", true),
            ("Q & A", "QA &", false),
        ] {
            assert_eq!(same_name(a, b), same, "{a} / {b}");
        }
        for (heading, name) in [
            ("1. Objective", "Objective"),
            ("🎯 **2) Approach**: ##", "Approach"),
            ("3.1 Release", "3.1 Release"),
            (") Objective", ") Objective"),
        ] {
            assert_eq!(section_name(heading), name);
        }
    }

    #[test]
    fn a_digest_takes_what_people_wrote() {
        let text = "## 🎯 Goal\n\nReach it.\n\n## 📦 Deliverables\n\nThese:\n\n1. **Parser** (`a.rs`)\n   - detail\n2. Tests\n\n\
                    ## Approach and Design\nStep by step.\n\n## Execution Strategy\nExecutions: 2 in sequence\n1. a\n2. b\n";
        let digest = digest(text);
        assert_eq!(digest.objective, "Reach it.");
        assert_eq!(digest.deliverables, ["**Parser** (`a.rs`)\n  - detail", "Tests"]);
        assert_eq!(digest.approach, "Step by step.");
        assert!(digest.execution_strategy.starts_with("Executions: 2"));
        assert!(digest.in_sequence);
        let parts: Vec<(u32, u32, &str)> =
            digest.parts.iter().map(|part| (part.number, part.of, part.purpose.as_str())).collect();
        assert_eq!(parts, [(1, 2, "a"), (2, 2, "b")]);
    }

    #[test]
    fn deliverables_are_read_from_headings_lists_or_paragraphs() {
        let table: &[(&str, &[&str])] = &[
            (
                "### 1. Parser\n\n**File**: `src/a.rs`\n- detail\n\n### 2. `b.rs`\n**File**: `b.rs`\n\n### 3. Notes",
                &["Parser (`src/a.rs`)\n  **File**: `src/a.rs`\n  - detail", "`b.rs`\n  **File**: `b.rs`", "Notes"],
            ),
            ("### Primary Deliverables\n- a\n- b\n### Other Deliverables\n- c", &["a", "b", "c"]),
            ("### All of it\n- a\n- b", &["a", "b"]),
            ("One parser.\n\nOne printer.", &["One parser.", "One printer."]),
            ("One parser.\n  It reads.\n\tIt checks.", &["One parser. It reads. It checks."]),
            ("- a\n  - detail\n- b", &["a\n  - detail", "b"]),
            ("- `a.rs`: the parser,\n  with its tables\n- b", &["`a.rs`: the parser, with its tables", "b"]),
            ("- a\n\n  More of a.\n- b", &["a\n  More of a.", "b"]),
            ("| File | For |\n|---|---|\n| `a` | x |\n| b | y |", &["`a` | x", "b | y"]),
            (
                "### 1. Module\n\nIt reads\n\n- a\n\n### 2. Tests\n\nTwo.",
                &["Module\n  It reads\n  - a", "Tests\n  Two."],
            ),
            ("```\n- not one\n```\n- a", &["a"]),
            ("", &[]),
        ];
        for (body, expected) in table {
            assert_eq!(deliverables(body), *expected, "{body}");
        }
    }

    #[test]
    fn the_best_name_is_found_first() {
        let text = "## Goals\na\n## Approaches\nb\n## Objective of it\nc\n## Approach & more\nd\n## Approach\ne\n## Approach\nf";
        let sections = sections(text);
        let body = |names: &[&str]| find(&sections, names).map(|section| section.body);
        assert_eq!(body(&["Objective", "Goals"]), Some("a"), "exact before a beginning");
        assert_eq!(body(&["Approach"]), Some("e"), "the first of two");
        assert_eq!(body(&["Objective"]), Some("c"));
        assert_eq!(body(&["Approach and"]), Some("d"));
        assert_eq!(body(&["App"]), None);
    }

    #[test]
    fn an_empty_text_has_an_empty_digest_and_one_execution() {
        let digest = digest("");
        assert_eq!((digest.objective.as_str(), digest.deliverables.len(), digest.parts.len()), ("", 0, 1));
    }
}
