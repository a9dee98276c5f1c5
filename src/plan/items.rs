//! The values of a labelled part: one text, raw markdown, or one entry per list item.

use crate::markdown::{self, clean_heading};

use super::fields::{Field, behind_marker, indentation, is_rule};

/// How a part without a list becomes entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inline {
    /// One entry.
    Whole,
    /// Split at semicolons, or at commas outside of brackets and code; not where it is prose of several sentences.
    Split,
}

/// One entry per list item or row of a table; nested items follow their parent as indented lines of its entry.
pub(super) fn entries(field: Field<'_>, inline: Inline) -> Vec<String> {
    let lead = field.inline.trim().to_owned();
    if lead.is_empty() && markdown::lines(field.below).any(|line| line.heading().is_some()) {
        return deliverables(field.below);
    }
    let mut list = List { lead, ..List::default() };
    for line in markdown::lines(field.below) {
        list.line(line);
    }
    let List { mut entries, lead, rows, .. } = list;
    let lead = without_box(lead.trim());
    if entries.is_empty() && rows.len() > 2 {
        entries.extend(rows.into_iter().skip(2)); // the first two are the table's head
    }
    if entries.is_empty() {
        entries = match inline {
            Inline::Whole => vec![lead.to_owned()],
            Inline::Split => split(lead),
        };
    } else if !lead.is_empty() && !lead.ends_with(':') {
        entries.insert(0, lead.to_owned());
    }
    entries.retain(|entry| !is_nothing(entry));
    entries
}

/// One entry per deliverable of a text, each with all that belongs to it: what stands below sub-headings where there are
/// several, else the items of the outermost list, the rows of a table, or the paragraphs.
pub(crate) fn deliverables(text: &str) -> Vec<String> {
    let chunks = chunks(text);
    // A heading that says "Primary Deliverables" only introduces a list.
    let introduces = |chunk: &Chunk<'_>| chunk.heading.to_lowercase().contains("deliverable");
    let headed = chunks.iter().filter(|chunk| !chunk.heading.is_empty());
    if headed.clone().count() > 1 && !headed.clone().any(introduces) {
        return headed.map(|chunk| chunk.entry()).collect();
    }
    let lists: Vec<String> = chunks.iter().flat_map(|chunk| list(chunk.text)).collect();
    if !lists.is_empty() {
        return lists;
    }
    chunks.iter().flat_map(|chunk| paragraphs(chunk.text)).collect()
}

/// A heading and what stands below it.
struct Chunk<'a> {
    /// Without its number; empty for what stands before the first heading.
    heading: String,
    text: &'a str,
}

impl Chunk<'_> {
    /// The heading with the file that the text names, and the text as indented lines below it.
    fn entry(&self) -> String {
        let file = markdown::lines(self.text).filter(|line| !line.in_fence).find_map(|line| labelled_file(line.text));
        let mut entry = match file {
            Some(file) if !self.heading.contains(file) => format!("{} ({file})", self.heading),
            Some(_) | None => self.heading.clone(),
        };
        for line in self.text.lines().filter(|line| !line.trim().is_empty() && !is_rule(line)) {
            entry.push_str("\n  ");
            entry.push_str(line.trim_end());
        }
        entry
    }
}

/// Splits a text at its highest headings.
fn chunks(text: &str) -> Vec<Chunk<'_>> {
    let shallowest = markdown::lines(text).filter_map(|line| line.heading()).map(|heading| heading.level).min();
    let mut marks: Vec<(String, usize, usize)> = vec![(String::new(), 0, 0)];
    for line in markdown::lines(text) {
        if let Some(heading) = line.heading().filter(|heading| Some(heading.level) == shallowest) {
            marks.push((without_number(&clean_heading(heading.text)), line.start, line.next));
        }
    }
    let ends: Vec<usize> = marks.iter().skip(1).map(|(_, start, _)| *start).chain([text.len()]).collect();
    let chunks = marks.into_iter().zip(ends);
    chunks.map(|((heading, _, from), end)| Chunk { heading, text: &text[from..end] }).collect()
}

/// `1. Module` → `Module`.
fn without_number(heading: &str) -> String {
    let digits = heading.bytes().take_while(u8::is_ascii_digit).count();
    match heading[digits..].strip_prefix(['.', ')', ':']) {
        Some(rest) if digits > 0 && rest.starts_with(' ') => clean_heading(rest),
        Some(_) | None => heading.to_owned(),
    }
}

/// The code span of a line such as "**File**: `a/b.rs`".
fn labelled_file(line: &str) -> Option<&str> {
    let line = line.trim();
    let (label, value) = behind_marker(line).unwrap_or(line).split_once(':')?;
    let label = label.replace(['*', '_'], "").trim().to_lowercase();
    let is_file = ["file", "files", "path", "location", "module", "script"].contains(&label.as_str());
    let start = value.find('`').filter(|_| is_file)?;
    let end = value[start + 1..].find('`')? + start + 2;
    Some(&value[start..end])
}

/// The items of a text's outermost list, or the rows of its table.
fn list(text: &str) -> Vec<String> {
    let mut list = List::default();
    for line in markdown::lines(text) {
        list.line(line);
    }
    let List { mut entries, rows, .. } = list;
    if entries.is_empty() {
        entries.extend(rows.into_iter().skip(2));
    }
    entries.retain(|entry| !is_nothing(entry));
    entries
}

/// The paragraphs outside of fences, each on one line.
fn paragraphs(text: &str) -> Vec<String> {
    let mut paragraphs = vec![String::new()];
    for line in markdown::lines(text).filter(|line| !line.in_fence && line.heading().is_none()) {
        let last = paragraphs.last_mut().filter(|_| !line.is_blank());
        match last {
            Some(paragraph) => join(paragraph, line.text.trim()),
            None => paragraphs.push(String::new()),
        }
    }
    paragraphs.retain(|paragraph| !paragraph.is_empty() && !is_rule(paragraph));
    paragraphs
}

/// A check box that stands without a list marker.
fn without_box(text: &str) -> &str {
    ["[ ] ", "[x] ", "[X] "].iter().find_map(|mark| text.strip_prefix(mark)).unwrap_or(text)
}

#[derive(Default)]
struct List {
    /// Indentation of the list's own items.
    top: Option<usize>,
    /// Indentation of the first line nested in the last item; 0 before there is one.
    nested: usize,
    entries: Vec<String>,
    /// Text before the first item.
    lead: String,
    /// Rows of a table that stands instead of a list, without the outer bars.
    rows: Vec<String>,
    after_blank: bool,
    /// Whether the lines that are passed belong to a paragraph, a table or a fence beside the list.
    passing: bool,
    /// Whether the line before lies in a fence below the list's first item.
    in_fence: bool,
}

impl List {
    fn line(&mut self, line: markdown::Line<'_>) {
        if line.is_blank() {
            self.after_blank = true;
            return;
        }
        let after_blank = std::mem::take(&mut self.after_blank);
        let indent = indentation(line.text);
        let text = line.text.trim();
        let marked = if line.in_fence { None } else { behind_marker(text) };
        match (self.top, marked) {
            (None, Some(item)) => {
                self.top = Some(indent);
                self.entries.push(item.to_owned());
            }
            (Some(top), Some(item)) if indent <= top + 1 => {
                (self.nested, self.passing, self.in_fence) = (0, false, false);
                self.entries.push(item.to_owned());
            }
            (None, None) if line.in_fence => {}
            (None, None) if text.starts_with('|') => self.rows.push(text.trim_matches(['|', ' ']).to_owned()),
            (None, None) if after_blank && !self.lead.is_empty() => {}
            (None, None) => join(&mut self.lead, text),
            (Some(top), marked) => self.below_item(line, indent > top, marked.is_some(), after_blank),
        }
    }

    /// A line below the first item that begins no item of the list.
    fn below_item(&mut self, line: markdown::Line<'_>, nested: bool, marked: bool, after_blank: bool) {
        let Some(entry) = self.entries.last_mut() else { return };
        let text = line.text.trim();
        let row = text.starts_with('|');
        if line.in_fence && self.in_fence {
            // A fence belongs where it begins, however far to the left its content stands.
        } else if nested {
            self.passing = false;
        } else if after_blank || row || line.in_fence {
            self.passing = true;
        }
        self.in_fence = line.in_fence;
        if self.passing {
            return;
        }
        if marked || line.in_fence || row || after_blank {
            let indent = indentation(line.text);
            if self.nested == 0 {
                self.nested = indent;
            }
            entry.push('\n');
            entry.extend(std::iter::repeat_n(' ', 2 + indent.saturating_sub(self.nested).min(40)));
            entry.push_str(text);
        } else {
            join(entry, text);
        }
    }
}

fn join(text: &mut String, more: &str) {
    if !text.is_empty() {
        text.push(' ');
    }
    text.push_str(more);
}

fn split(text: &str) -> Vec<String> {
    let mark = if text.contains(". ") {
        return vec![text.to_owned()];
    } else if text.contains(';') {
        ';'
    } else {
        ','
    };
    let mut entries = vec![String::new()];
    let mut depth = 0_usize;
    let mut in_code = false;
    for (at, c) in text.char_indices() {
        match c {
            '`' => in_code = !in_code,
            '(' | '[' | '{' if !in_code => depth += 1,
            ')' | ']' | '}' if !in_code => depth = depth.saturating_sub(1),
            _ => {}
        }
        // A comma within a number (10,000) separates nothing.
        if c == mark && depth == 0 && !in_code && !text[at + 1..].starts_with(|c: char| c.is_ascii_digit()) {
            entries.push(String::new());
        } else if let Some(entry) = entries.last_mut() {
            entry.push(c);
        }
    }
    let trimmed = |entry: String| {
        let entry = entry.trim();
        entry.strip_prefix("and ").unwrap_or(entry).trim().to_owned()
    };
    entries.into_iter().map(trimmed).collect()
}

/// Whether a text says that there is nothing.
pub(super) fn is_nothing(text: &str) -> bool {
    let text = text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '.' | '*' | '_' | '`'));
    let words = ["none", "n/a", "na", "nil", "nothing", "-", "--", "—", "–"];
    text.is_empty() || words.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// The first paragraph, its lines joined; a list keeps its lines.
pub(super) fn paragraph(field: Field<'_>) -> Option<String> {
    let mut text = field.inline.trim().to_owned();
    for line in markdown::lines(field.below) {
        if line.is_blank() {
            if text.is_empty() { continue } else { break }
        }
        if !text.is_empty() && (line.in_fence || behind_marker(line.text.trim_start()).is_some()) {
            text.push('\n');
            text.push_str(line.text.trim());
        } else {
            join(&mut text, line.text.trim());
        }
    }
    (!is_nothing(&text)).then_some(text)
}

/// All of it, raw, without the indentation that its lines share.
pub(super) fn raw(field: Field<'_>) -> Option<String> {
    let lines = || markdown::lines(field.below);
    let shared = lines().filter(|line| !line.is_blank()).map(|line| blank_bytes(line.text)).min().unwrap_or(0);
    let mut text = field.inline.trim().to_owned();
    for line in lines() {
        text.push('\n');
        // Blank lines may be shorter than the indentation.
        text.push_str(line.text.get(shared..).unwrap_or_default().trim_end());
    }
    let text = text.trim_matches('\n').trim_end();
    (!is_nothing(text)).then(|| text.to_owned())
}

fn blank_bytes(text: &str) -> usize {
    text.bytes().take_while(|b| matches!(b, b' ' | b'\t')).count()
}

/// What the label names, on one line: list items without their markers, joined by semicolons. Ends where the paragraph
/// or the list ends; code is left out.
pub(super) fn flat(field: Field<'_>) -> String {
    let mut text = field.inline.trim().to_owned();
    let (mut listed, mut after_blank) = (false, false);
    for line in markdown::lines(field.below).filter(|line| !line.in_fence) {
        let trimmed = line.text.trim();
        let item = behind_marker(trimmed);
        let ended = after_blank && !text.is_empty() && (!listed || (item.is_none() && indentation(line.text) == 0));
        if ended && !trimmed.is_empty() {
            break;
        }
        after_blank = trimmed.is_empty();
        listed |= item.is_some();
        match item {
            Some(item) if !text.is_empty() => {
                text.push_str(if text.ends_with([':', ';', ',']) { " " } else { "; " });
                text.push_str(item);
            }
            Some(item) => text.push_str(item),
            None if after_blank => {}
            None => join(&mut text, trimmed),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::fields::Label;

    fn field<'a>(inline: &'a str, below: &'a str) -> Field<'a> {
        Field { label: Label::Deliverables, inline, below }
    }

    #[test]
    fn lists_tables_and_lines_become_entries() {
        for (inline, below, expected) in [
            ("", "- a\n- b", vec!["a", "b"]),
            ("", "- a\n - b", vec!["a", "b"]),
            ("", "| What | Where |\n|---|---|\n| a | x |\n| b | y |", vec!["a | x", "b | y"]),
            ("", "| What | Where |\n|---|---|\n| a | x |\n- b", vec!["b"]),
            ("", "alpha,\nbeta", vec!["alpha", "beta"]),
            ("", "\nalpha", vec!["alpha"]),
            ("alpha", "beta", vec!["alpha beta"]),
            ("alpha", "\nbeside it", vec!["alpha"]),
            ("alpha", "\n- b", vec!["alpha", "b"]),
            ("none", "", vec![]),
        ] {
            assert_eq!(entries(field(inline, below), Inline::Split), expected, "{inline:?} {below:?}");
        }
    }

    #[test]
    fn a_line_is_split_where_its_list_is() {
        for (text, expected) in [
            ("a, b and c, and d", vec!["a", "b and c", "d"]),
            ("a; b, c", vec!["a", "b, c"]),
            ("part 1, part 2", vec!["part 1", "part 2"]),
            ("a file of 10,000 rows, a test", vec!["a file of 10,000 rows", "a test"]),
            ("`a, b`, c", vec!["`a, b`", "c"]),
            ("`f(`, g", vec!["`f(`", "g"]),
            ("f (a `)`, b), g", vec!["f (a `)`, b)", "g"]),
            ("`f)`, (g, h), [i, j]", vec!["`f)`", "(g, h)", "[i, j]"]),
            ("It has a list, b. And more, too.", vec!["It has a list, b. And more, too."]),
        ] {
            assert_eq!(split(text), expected, "{text}");
        }
    }

    #[test]
    fn nothing_has_many_words() {
        for text in ["", " ", "None", " none. ", "*None*", "_n/a_", "`nil`", "–"] {
            assert!(is_nothing(text), "{text:?}");
        }
        for text in ["one", "none of these", "0"] {
            assert!(!is_nothing(text), "{text:?}");
        }
    }

    #[test]
    fn a_paragraph_is_one_line_and_its_lists_and_code_are_not() {
        for (inline, below, expected) in [
            ("a", "b\nc\n\nd", "a b c"),
            ("", "\na", "a"),
            ("", "- a\n- b", "- a\n- b"),
            ("a:", "- b\n- c", "a:\n- b\n- c"),
            ("a:", "```\nb\n```", "a:\n```\nb\n```"),
        ] {
            assert_eq!(paragraph(field(inline, below)).as_deref(), Some(expected), "{inline:?} {below:?}");
        }
        assert_eq!(paragraph(field("None.", "")), None);
    }

    #[test]
    fn what_a_label_names_ends_with_its_paragraph_or_list() {
        for (inline, below, expected) in [
            ("a", "b\n\nc", "a b"),
            ("", "\na", "a"),
            ("", "- a\n- b\n\n- c", "a; b; c"),
            ("", "- a\n\n  more of it\n- b", "a more of it; b"),
            ("", "- a\n\nbeside it", "a"),
            ("needs:", "- a", "needs: a"),
            ("a", "```\n1.1\n```\nb", "a b"),
        ] {
            assert_eq!(flat(field(inline, below)), expected, "{inline:?} {below:?}");
        }
    }
}
