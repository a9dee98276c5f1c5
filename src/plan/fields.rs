//! The labelled parts of an achievement's body: `- **Goal**: …`, `**Deliverables**:` with a list below, `- Effort: …`.
//!
//! Two habits are told apart. In the first, labels are list items and what belongs to them is indented below; in the
//! second, labels are paragraphs and what belongs to them follows at column 0, list items included. Only labels at the
//! outermost indentation count: `Purpose:` in a nested list is text.

use crate::markdown::{self, clean_heading};

use super::{Hours, estimate};

/// What a label announces, in the order in which one is preferred to another of the same kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Label {
    Goal(u8),
    Deliverables,
    Files,
    Success,
    Approach(u8),
    Effort,
    /// An effort whose label names the unit.
    Hours,
    Dependencies,
    Blocks,
}

/// A labelled part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field<'a> {
    pub(super) label: Label,
    /// What stands on the label's own line.
    pub(super) inline: &'a str,
    /// The raw lines below that belong to it.
    pub(super) below: &'a str,
}

/// The label that a name stands for. The number of a goal or approach is its rank: smaller is preferred.
fn known(name: &str) -> Option<Label> {
    Some(match name {
        "goal" | "goals" => Label::Goal(0),
        "objective" | "objectives" => Label::Goal(1),
        "purpose" => Label::Goal(2),
        "description" => Label::Goal(3),
        "issue" => Label::Goal(4),
        "deliverables" | "deliverable" | "key deliverables" | "expected deliverables" => Label::Deliverables,
        "files" | "file" | "files to create" => Label::Files,
        "success"
        | "success criteria"
        | "success criterion"
        | "acceptance criteria"
        | "acceptance"
        | "definition of done" => Label::Success,
        "approach" => Label::Approach(0),
        "implementation approach" | "technical approach" => Label::Approach(1),
        "implementation" => Label::Approach(2),
        "what" => Label::Approach(3),
        "effort" | "estimated effort" | "effort estimate" | "estimate" | "estimated time" | "time estimate"
        | "time" | "estimated duration" | "duration" => Label::Effort,
        "estimated hours" | "hours" => Label::Hours,
        "dependencies" | "dependency" | "depends on" | "requires" | "prerequisites" | "prerequisite" => {
            Label::Dependencies
        }
        "blocks" => Label::Blocks,
        _ => return None,
    })
}

/// Whether the text of a heading is one of the known labels.
pub(super) fn is_label(heading: &str) -> bool {
    let heading = clean_heading(heading);
    known(&normal_name(heading.split_once(':').map_or(heading.as_str(), |(name, _)| name))).is_some()
}

/// Whether a body says anything about its achievement: a list, prose, or a known label. Rules and bold lines of some
/// other kind (`**Priority 2** (15 hours)`, `**Progress**: 0/9`) do not.
pub(super) fn describes(body: &str) -> bool {
    markdown::lines(body).filter(|line| !line.in_comment).any(|line| {
        let text = line.text.trim();
        let empty = text.is_empty() || is_rule(text);
        let other = text.starts_with("**") && label(text).is_none_or(|label| label.known.is_none());
        !empty && (line.in_fence || !other)
    })
}

/// The labelled parts of a body, in order.
pub(super) fn read(body: &str) -> Vec<Field<'_>> {
    let mut walk = Walk { body, fields: Vec::new(), current: None, base: None, after_blank: false };
    for line in markdown::lines(body) {
        walk.line(line);
    }
    walk.end(body.len());
    walk.fields
}

/// An estimate that stands at no label of the outermost indentation: at a nested one, or behind a clock.
pub(super) fn stray_estimate(body: &str) -> Option<Hours> {
    markdown::lines(body).filter(|line| !line.in_fence).find_map(|line| {
        let text = line.text.trim_start();
        let text = behind_marker(text).unwrap_or(text);
        let effort = label(text).filter(|label| label.known == Some(Label::Effort)).map(|label| label.inline);
        let clock = text.strip_prefix(['\u{23F1}', '\u{23F0}', '\u{23F3}', '\u{231B}']);
        estimate::find(effort.or(clock)?)
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    /// The label is a list item; what belongs to it is indented.
    Item,
    /// The label is a paragraph or a heading; lists at its own indentation belong to it.
    Paragraph,
}

#[derive(Clone, Copy, Debug)]
struct Open<'a> {
    label: Label,
    inline: &'a str,
    from: usize,
    style: Style,
    /// Whether something stands below the label.
    filled: bool,
    /// Whether its content is split up by further labels (`**Success Criteria**:` above `**Scripts**:`).
    grouped: bool,
    /// The level of the heading that the label is.
    level: Option<u8>,
    /// The level of the headings that divide its list.
    parts: Option<u8>,
}

struct Walk<'a> {
    body: &'a str,
    fields: Vec<Field<'a>>,
    current: Option<Open<'a>>,
    /// Indentation of the first line; labels stand there or further left.
    base: Option<usize>,
    after_blank: bool,
}

impl<'a> Walk<'a> {
    fn line(&mut self, line: markdown::Line<'a>) {
        if line.is_blank() {
            self.after_blank = true;
            return;
        }
        let indent = indentation(line.text);
        let base = *self.base.get_or_insert(indent);
        let after_blank = std::mem::take(&mut self.after_blank);
        if line.in_fence || indent > base {
            self.fill();
            return;
        }
        if let Some(heading) = line.heading() {
            let (name, inline) = heading.text.split_once(':').unwrap_or((heading.text, ""));
            let label = known(&normal_name(&clean_heading(name)));
            if label.is_none() && self.is_part(heading.level) {
                return;
            }
            self.end(line.start);
            self.begin(label, inline, line.next, Style::Paragraph);
            if let Some(open) = &mut self.current {
                open.level = Some(heading.level);
            }
            return;
        }
        let text = line.text.trim_start();
        match behind_marker(text) {
            Some(item) => self.item(line, item),
            None if is_rule(text) => self.end(line.start),
            None => self.paragraph(line, text, after_blank),
        }
    }

    fn item(&mut self, line: markdown::Line<'a>, item: &'a str) {
        let read = label(item);
        let found = read.and_then(|label| label.known.map(|known| (known, label)));
        let in_paragraph = self.current.filter(|open| open.style == Style::Paragraph);
        match (found, in_paragraph) {
            (Some((Label::Files, _)), _) if self.in_part() => {}
            (Some((known, label)), Some(open)) if !ends_list(&open, known, &label) => self.fill(),
            (Some((known, label)), _) => {
                self.end(line.start);
                self.begin(Some(known), label.inline, line.next, Style::Item);
            }
            (None, Some(_)) => self.fill(),
            (None, None) => match &mut self.current {
                // `- Deliverables:` with its list beside it instead of below.
                Some(open) if is_bare_list(open) && read.is_none_or(|label| !label.bold) => {
                    open.style = Style::Paragraph;
                    self.fill();
                }
                Some(_) | None => self.end(line.start),
            },
        }
    }

    fn paragraph(&mut self, line: markdown::Line<'a>, text: &'a str, after_blank: bool) {
        match label(text) {
            // The file of a part that has a heading of its own.
            Some(label) if label.known == Some(Label::Files) && self.in_part() => {}
            Some(label) if label.known.is_some() => {
                self.end(line.start);
                self.begin(label.known, label.inline, line.next, Style::Paragraph);
            }
            Some(label) if label.bold && self.in_part() && label.known.is_none() => {}
            Some(label) if label.bold => match &mut self.current {
                Some(open) if groups(open, &label) => open.grouped = true,
                Some(_) | None => self.end(line.start),
            },
            Some(_) | None => match self.current {
                // Below a list item only a line that directly continues it belongs to it.
                Some(open) if open.style == Style::Item && after_blank => self.end(line.start),
                Some(_) | None => self.fill(),
            },
        }
    }

    /// Whether a heading of this level begins a part of the open list (`### 1. Module`): deeper than a label that is a
    /// heading itself; below another label, where nothing but such headings divides its list.
    fn is_part(&mut self, level: u8) -> bool {
        let Some(open) = &mut self.current else { return false };
        let list = matches!(open.label, Label::Deliverables | Label::Files);
        let begins = list && open.style == Style::Paragraph && open.inline.is_empty();
        let deeper = match (open.level, open.parts) {
            (_, Some(parts)) => level >= parts,
            (Some(own), None) => level > own,
            (None, None) => !open.filled,
        };
        let part = begins && deeper;
        if part {
            open.parts.get_or_insert(level);
            open.filled = true;
        }
        part
    }

    /// Whether the open list is divided by headings.
    fn in_part(&self) -> bool {
        self.current.is_some_and(|open| open.parts.is_some())
    }

    fn fill(&mut self) {
        if let Some(open) = &mut self.current {
            open.filled = true;
        }
    }

    fn begin(&mut self, label: Option<Label>, inline: &'a str, from: usize, style: Style) {
        self.current = label.map(|label| Open {
            label,
            inline: inline.trim(),
            from,
            style,
            filled: false,
            grouped: false,
            level: None,
            parts: None,
        });
    }

    fn end(&mut self, at: usize) {
        if let Some(open) = self.current.take() {
            let below = self.body.get(open.from..at).unwrap_or_default();
            self.fields.push(Field { label: open.label, inline: open.inline, below });
        }
    }
}

/// Whether nothing belongs yet to a label that announces a list.
fn is_bare_list(open: &Open<'_>) -> bool {
    let list = matches!(open.label, Label::Deliverables | Label::Files | Label::Success);
    list && open.inline.is_empty() && !open.filled
}

/// Whether a labelled list item below a paragraph label is a label of its own rather than an item of that label's list.
fn ends_list(open: &Open<'_>, known: Label, label: &LabelText<'_>) -> bool {
    let in_list = match open.label {
        Label::Deliverables | Label::Files | Label::Success | Label::Approach(_) => true,
        Label::Goal(_) | Label::Effort | Label::Hours | Label::Dependencies | Label::Blocks => false,
    };
    let is_estimate = known == Label::Effort && estimate::find(label.inline).is_some();
    !in_list || label.bold || label.inline.trim().is_empty() || is_estimate
}

/// Whether an unknown label below an empty list label begins a group of that list.
fn groups(open: &Open<'_>, label: &LabelText<'_>) -> bool {
    open.style == Style::Paragraph && label.inline.trim().is_empty() && (is_bare_list(open) || open.grouped)
}

/// A label as it stands in a line.
#[derive(Clone, Copy, Debug)]
struct LabelText<'a> {
    known: Option<Label>,
    bold: bool,
    inline: &'a str,
}

/// Longest label in bytes, emphasis and note included.
const LONGEST_LABEL: usize = 100;

/// Reads a line (or what follows its list marker) as a label: `**Goal**: x`, `**Goal:** x`, `**Effort: 2 h**`,
/// `Goal: x`, `*Goal*: x`, each also with a note in parentheses before the colon.
fn label(text: &str) -> Option<LabelText<'_>> {
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || markdown::is_decoration(c));
    let Some(inner) = text.strip_prefix("**") else {
        let colon = head(text).find(':')?;
        let name = text[..colon].trim_matches(['*', '_', '`']);
        let inline = text[colon + 1..].trim_start_matches(['*', '_']);
        return Some(LabelText { known: known(&normal_name(name)), bold: false, inline });
    };
    let close = head(inner).find("**")?;
    let (name, behind) = (&inner[..close], &inner[close + 2..]);
    if let Some((name, inline)) = name.split_once(':') {
        let inline = if inline.trim().is_empty() { behind } else { inline };
        return Some(LabelText { known: known(&normal_name(name)), bold: true, inline });
    }
    let name = known(&normal_name(name));
    let behind = behind.trim_start();
    let noted = behind.strip_prefix('(').and_then(|note| head(note).find(')').map(|end| note[end + 1..].trim_start()));
    let colon = behind.strip_prefix(':').or_else(|| noted?.strip_prefix(':'));
    if let Some(inline) = colon {
        return Some(LabelText { known: name, bold: true, inline });
    }
    let dash = behind.strip_prefix(['-', '–', '—']).filter(|rest| rest.starts_with(' '));
    let alone = noted.unwrap_or(behind);
    let inline = dash.or_else(|| alone.is_empty().then_some(alone));
    // Without a colon, only a known name makes a label.
    inline.filter(|_| name.is_some()).map(|inline| LabelText { known: name, bold: true, inline })
}

/// The part of a text in which a label has to end.
fn head(text: &str) -> &str {
    let end = (0..=LONGEST_LABEL.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}

/// A label's name in lower case, without note, emphasis and emoji.
fn normal_name(name: &str) -> String {
    let name = name.split_once('(').map_or(name, |(name, _)| name);
    let edge = |c: char| c.is_whitespace() || matches!(c, '*' | '_' | '`' | ':') || markdown::is_decoration(c);
    name.trim_matches(edge).to_lowercase()
}

/// Columns of white space before the text; a tab counts four.
pub(super) fn indentation(text: &str) -> usize {
    text.chars().take_while(|c| c.is_whitespace()).map(|c| if c == '\t' { 4 } else { 1 }).sum()
}

/// A thematic break (`---`).
pub(super) fn is_rule(text: &str) -> bool {
    let text = text.trim();
    text.len() >= 3 && ['-', '*', '_'].iter().any(|mark| text.chars().all(|c| c == *mark || c == ' '))
}

/// What follows the list marker and the check box that `text` begins with.
pub(super) fn behind_marker(text: &str) -> Option<&str> {
    let digits = text.bytes().take(10).take_while(u8::is_ascii_digit).count();
    let marks: &[char] = if digits == 0 { &['-', '*', '+', '•'] } else { &['.', ')'] };
    let rest = text[digits..].strip_prefix(marks)?;
    if is_rule(text) || !(rest.is_empty() || rest.starts_with([' ', '\t'])) {
        return None;
    }
    let rest = rest.trim_start();
    let unchecked = ["[ ]", "[x]", "[X]", "[✓]", "[-]"].iter().find_map(|mark| rest.strip_prefix(mark));
    Some(unchecked.filter(|rest| rest.is_empty() || rest.starts_with(' ')).map_or(rest, str::trim_start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_a_label_ends_where_another_begins() {
        use Label::{Approach, Deliverables, Effort, Goal, Success};
        type Part<'a> = (Label, &'a str, &'a str);
        let table: &[(&str, &[Part<'_>])] = &[
            (
                "- Goal: a\n- Objective: b\n- Approach: c\n- Implementation: d",
                &[(Goal(0), "a", ""), (Goal(1), "b", ""), (Approach(0), "c", ""), (Approach(2), "d", "")],
            ),
            ("**Deliverables**:\n- a\n\n---\n\nb", &[(Deliverables, "", "- a")]),
            // Items of a list that look like labels.
            ("**Deliverables**:\n- Success: it works", &[(Deliverables, "", "- Success: it works")]),
            ("**Deliverables**:\n- Success: in 2 hours", &[(Deliverables, "", "- Success: in 2 hours")]),
            ("**Deliverables**:\n- Effort: none", &[(Deliverables, "", "- Effort: none")]),
            ("**Deliverables**:\n- a\n- **Success**: b", &[(Deliverables, "", "- a"), (Success, "b", "")]),
            ("**Deliverables**:\n- a\n- Success:\n  - b", &[(Deliverables, "", "- a"), (Success, "", "- b")]),
            ("**Deliverables**:\n- a\n- Effort: 2 hours", &[(Deliverables, "", "- a"), (Effort, "2 hours", "")]),
            ("**Goal**: a\n- Deliverables: b", &[(Goal(0), "a", ""), (Deliverables, "b", "")]),
            // A list beside its label.
            ("- Deliverables:\n- a\n- b", &[(Deliverables, "", "- a\n- b")]),
            ("- Deliverables:\n- **Tests**: t", &[(Deliverables, "", "")]),
            ("- Deliverables:\n  - a\n- b", &[(Deliverables, "", "- a")]),
            ("- Deliverables: a\n- b", &[(Deliverables, "a", "")]),
            ("- Goal:\n- b", &[(Goal(0), "", "")]),
            ("- Goal: a\n- b", &[(Goal(0), "a", "")]),
            // As people adorn them.
            ("Goal : a", &[(Goal(0), "a", "")]),
            ("**Goal 🎯**: a", &[(Goal(0), "a", "")]),
            ("### 🎯 **Goal**: a", &[(Goal(0), "a", "")]),
            ("**Goal**: a\n🎯 **Note**: b", &[(Goal(0), "a", "")]),
            // Prose below.
            ("**Goal**: a\nNote: b", &[(Goal(0), "a", "Note: b")]),
            ("- Goal: a\nb", &[(Goal(0), "a", "b")]),
            ("- Goal: a\n\nb", &[(Goal(0), "a", "")]),
        ];
        for (body, expected) in table {
            let found: Vec<Part<'_>> =
                read(body).into_iter().map(|field| (field.label, field.inline, field.below.trim())).collect();
            assert_eq!(found, *expected, "{body}");
        }
    }
}
