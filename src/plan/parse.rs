//! From bytes to a [`Plan`]: decoding, then the outline, then what each achievement's body says.

use std::{borrow::Cow, collections::BTreeSet};

use crate::markdown::{self, clean_heading};

use super::{
    Achievement, AchievementId, Hours, MAX_PLAN_BYTES, Plan, PlanError, PlanName, PlanSection, estimate,
    fields::{self, Field, Label},
    items::{self, Inline},
    outline::{self, Defined},
    references,
};

/// Reads a PLAN. A byte order mark is accepted, and line ends of any system (also the bare `\r` of old ones): values
/// hold `\n` only.
pub fn parse(name: PlanName, source: &[u8]) -> Result<Plan, PlanError> {
    let text = decode(source)?;
    let outline = outline::read(&text)?;
    let known: BTreeSet<AchievementId> = outline.definitions.iter().map(|defined| defined.definition.id).collect();
    let sections = outline.other_sections.into_iter().map(|section| PlanSection {
        heading: clean_heading(section.heading),
        body: trim_blank_lines(section.body).to_owned(),
        line: section.line,
    });
    Ok(Plan {
        name,
        title: title(outline.title),
        sections: sections.collect(),
        achievements: outline.definitions.into_iter().map(|defined| achievement(defined, &known)).collect(),
    })
}

/// The text of a PLAN, with `\n` at the ends of its lines and no byte order mark.
pub(super) fn decode(source: &[u8]) -> Result<Cow<'_, str>, PlanError> {
    // A file with bare `\r`s at its line ends has no `\n` at all; elsewhere a `\r` that stands alone is text.
    let line_end = if source.contains(&b'\n') { b'\n' } else { b'\r' };
    let line_at = |at: usize| source[..at].iter().filter(|byte| **byte == line_end).count() + 1;
    if source.len() > MAX_PLAN_BYTES {
        return Err(PlanError::TooLarge { size: source.len(), line: line_at(MAX_PLAN_BYTES) });
    }
    let text = std::str::from_utf8(source).map_err(|error| PlanError::NotUtf8 {
        line: line_at(error.valid_up_to()),
        utf16: source.starts_with(&[0xFF, 0xFE]) || source.starts_with(&[0xFE, 0xFF]),
    })?;
    if let Some(at) = text.find('\0') {
        return Err(PlanError::Binary { line: line_at(at) });
    }
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let other = if line_end == b'\n' { "\r\n" } else { "\r" };
    Ok(if text.contains(other) { Cow::Owned(text.replace(other, "\n")) } else { Cow::Borrowed(text) })
}

/// The first H1 without `PLAN:`.
fn title(heading: &str) -> String {
    let heading = clean_heading(heading);
    let behind_plan = heading.split_at_checked("plan".len()).and_then(|(word, rest)| {
        let rest = rest.trim_start().strip_prefix([':', '-', '–', '—'])?;
        word.eq_ignore_ascii_case("plan").then(|| rest.trim_start().to_owned())
    });
    behind_plan.unwrap_or(heading)
}

fn achievement(defined: Defined<'_>, known: &BTreeSet<AchievementId>) -> Achievement {
    let Defined { definition, line, priority, body } = defined;
    let body = trim_body(body);
    let said = without_comments(body);
    let fields = Fields(fields::read(&said));
    let dependencies = fields.references(Label::Dependencies, definition.id, known);
    let deliverables = fields.entries(Label::Deliverables, Inline::Split);
    Achievement {
        id: definition.id,
        title: definition.title,
        priority,
        estimated_hours: definition.estimate.or_else(|| fields.estimate()).or_else(|| fields::stray_estimate(&said)),
        goal: fields.ranked(|label| if let Label::Goal(rank) = label { Some(rank) } else { None }, items::paragraph),
        deliverables: if deliverables.is_empty() { fields.entries(Label::Files, Inline::Split) } else { deliverables },
        success_criteria: fields.entries(Label::Success, Inline::Whole),
        approach: fields.ranked(|label| if let Label::Approach(rank) = label { Some(rank) } else { None }, items::raw),
        dependencies: dependencies.ids,
        dependencies_text: dependencies.prose,
        blocks: fields.references(Label::Blocks, definition.id, known).ids,
        line,
        body: body.to_owned(),
    }
}

/// The labelled parts of one achievement. Where a label comes twice, the first that says something counts.
struct Fields<'a>(Vec<Field<'a>>);

impl<'a> Fields<'a> {
    fn labelled(&self, label: Label) -> impl Iterator<Item = Field<'a>> {
        self.0.iter().filter(move |field| field.label == label).copied()
    }

    fn entries(&self, label: Label, inline: Inline) -> Vec<String> {
        let mut entries = self.labelled(label).map(|field| items::entries(field, inline));
        entries.find(|entries| !entries.is_empty()).unwrap_or_default()
    }

    /// The value of the label that `rank` prefers.
    fn ranked(&self, rank: fn(Label) -> Option<u8>, value: fn(Field<'_>) -> Option<String>) -> Option<String> {
        let mut ranked: Vec<(u8, Field<'a>)> =
            self.0.iter().filter_map(|field| rank(field.label).map(|rank| (rank, *field))).collect();
        ranked.sort_by_key(|(rank, _)| *rank);
        ranked.into_iter().find_map(|(_, field)| value(field))
    }

    fn estimate(&self) -> Option<Hours> {
        let labelled = self.labelled(Label::Effort).find_map(|field| {
            let below = || markdown::lines(field.below).find(|line| !line.is_blank());
            if field.inline.is_empty() { estimate::find(below()?.text) } else { estimate::find(field.inline) }
        });
        let in_hours = |field: Field<'_>| estimate::find(field.inline).or_else(|| estimate::in_hours(field.inline));
        labelled.or_else(|| self.labelled(Label::Hours).find_map(in_hours))
    }

    fn references(&self, label: Label, own: AchievementId, known: &BTreeSet<AchievementId>) -> references::References {
        let field = self.labelled(label).next();
        field.map(|field| references::read(&items::flat(field), own, known)).unwrap_or_default()
    }
}

/// Without blank lines at both ends and without the rules (`---`) that close an achievement.
fn trim_body(body: &str) -> &str {
    let mut body = trim_blank_lines(body);
    while let Some((before, last)) = body.rsplit_once('\n').or_else(|| (!body.is_empty()).then_some(("", body))) {
        if !fields::is_rule(last) {
            break;
        }
        body = before.trim_end();
    }
    body
}

/// Without the lines that are comments: the author took back what they say.
fn without_comments(text: &str) -> Cow<'_, str> {
    if !text.contains("<!--") {
        return Cow::Borrowed(text);
    }
    let lines = markdown::lines(text).filter(|line| !line.in_comment);
    Cow::Owned(lines.map(|line| &text[line.start..line.next]).collect())
}

fn trim_blank_lines(text: &str) -> &str {
    let first = text.len() - text.trim_start().len();
    let begin = text[..first].rfind('\n').map_or(0, |at| at + 1);
    text.get(begin..text.trim_end().len()).unwrap_or_default()
}
