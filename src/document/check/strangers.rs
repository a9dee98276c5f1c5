//! Tells what belongs to another document: a title, foreign sections, another achievement, ids that nobody has.

use crate::{
    document::{
        Finding, SectionSpec, Stage,
        prose::{excerpt, list_item},
        sections::{is_known, letters_of, same_name},
    },
    markdown::lines,
    plan::AchievementId,
};

use super::{
    Expected,
    codes::Code,
    deliverables,
    language::{Wording, wording},
    material::Material,
    reading::{Kind, Paragraph, Reading},
    words::{hash_of, is_unspaced},
};

/// Names of sections that a PLAN's achievement or a prompt has, and no document.
const FOREIGN: [&str; 20] = [
    "effort",
    "blocks",
    "priority",
    "status",
    "level",
    "siblings",
    "yourtask",
    "thetask",
    "task",
    "rules",
    "howtoanswer",
    "instruction",
    "response",
    "answer",
    "output",
    "conclusion",
    "theplan",
    "plan",
    "notetothereader",
    "prompt",
];

/// What the first word of such a name is, where more words follow.
const FOREIGN_BEGIN: [&str; 6] = ["level", "achievement", "subplan", "execution_task", "plan", "sections"];

/// Titles inside of the document, and sections of another one.
pub(super) fn headings(
    reading: &Reading<'_>,
    (stage, specs): (Stage, &[SectionSpec]),
    material: &Material,
) -> Vec<Finding> {
    let is_expected = |name: &str| specs.iter().any(|spec| same_name(name, &spec.name));
    let Some(first) = reading.sections.iter().position(|section| is_expected(&section.name)) else { return Vec::new() };
    let level = reading.sections[first].level;
    let mut findings = Vec::new();
    // One section of the other kind of document is an extra; several are that document.
    let others = reading.sections[first..]
        .iter()
        .filter(|section| is_known(&section.name) && !is_expected(&section.name))
        .count();
    let many = others
        >= match stage {
            Stage::Subplan => 2,
            Stage::Execution => 3,
        };
    for section in &reading.sections[first..] {
        if is_expected(&section.name) {
            continue;
        }
        let name = excerpt(&section.name, 60);
        if section.level < level || section.level == 1 {
            let message = format!(
                "The title `# {name}` (line {}) stands inside of the document. The document has no title and ends with its last section: take out the title and what belongs to it.",
                section.line
            );
            findings.push(Code::TitleInside.error(Some(section.line), message));
        } else if is_foreign(&section.name) || material.is_heading(&section.name) || (many && is_known(&section.name)) {
            let message = format!(
                "The section `{name}` (line {}) is part of another document. Take it out; the sections are: {}.",
                section.line,
                specs.iter().map(|spec| spec.name.as_str()).collect::<Vec<_>>().join(", ")
            );
            findings.push(Code::SecondDocument.error(Some(section.line), message));
        }
    }
    let pasted =
        lines(reading.body).find(|line| !line.in_fence && !line.in_comment && begins_achievement(line.text, material));
    findings.extend(pasted.map(|line| {
        let message =
            format!("Line {} begins the definition of an achievement, as the PLAN has it. Take it out.", line.number);
        Code::SecondDocument.error(Some(line.number), message)
    }));
    findings.truncate(4);
    findings
}

fn is_foreign(name: &str) -> bool {
    let letters = letters_of(name);
    let first = name.split_whitespace().next().map(str::to_lowercase).unwrap_or_default();
    let more = name.split_whitespace().nth(1).is_some_and(|second| second.contains(|c: char| c.is_ascii_digit()));
    FOREIGN.contains(&letters.as_str()) || (more && FOREIGN_BEGIN.contains(&first.trim_end_matches(':')))
}

/// `**Achievement 1.2**: Title`, with the title that the PLAN gives it.
fn begins_achievement(line: &str, material: &Material) -> bool {
    let text = line.trim_start_matches('#').trim_start();
    if text.len() == line.len() && !line.starts_with("**") {
        return false;
    }
    let Some(rest) = text.trim_start_matches('*').strip_prefix("Achievement ") else { return false };
    let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
    let Ok(id) = AchievementId::parse(&rest[..end]) else { return false };
    material.title(id).is_some_and(|title| !title.is_empty() && letters_of(&rest[end..]).starts_with(title))
}

/// A document whose Deliverables are those of another achievement.
pub(super) fn other_achievement(reading: &Reading<'_>, expected: &Expected<'_>) -> Option<Finding> {
    let index = reading.sections.iter().position(|section| same_name(&section.name, "Deliverables"))?;
    let mut listed: Vec<String> = Vec::new();
    for paragraph in reading.of_section(index).filter(|paragraph| paragraph.kind != Kind::Prose) {
        let item = list_item(paragraph.text.lines().next().unwrap_or_default());
        let begin = item.map_or(paragraph.text.trim_start_matches(['|', ' ']), |item| item.text);
        // What the item begins with is what it delivers; what follows explains it.
        let head = begin.split([':', '|', '(', '—', '–']).next().unwrap_or_default();
        let begins_with_file = head
            .trim_start_matches('*')
            .split_whitespace()
            .next()
            .is_some_and(|word| word.starts_with('`') || word.contains(['/', '.']));
        if begins_with_file {
            listed.extend(deliverables::wanted_names(head));
        }
    }
    let achievements = &expected.material.achievements;
    let own = achievements.iter().find(|other| other.id == expected.achievement);
    let is_own = |file: &String| own.is_some_and(|own| own.files.contains(file));
    let other = achievements.iter().find(|other| {
        other.id != expected.achievement
            && other.files.len() > 1
            && other.files.iter().all(|file| listed.contains(file) && !is_own(file))
    })?;
    let other = other.id;
    let line = Some(reading.sections[index].line);
    let message = format!(
        "The Deliverables are those of achievement {other}, which others work on. Write the document of achievement {}, and name files of {other} only where it uses them.",
        expected.achievement
    );
    Some(Code::OtherAchievement.error(line, message))
}

/// How far in front of an id the word may stand that makes it an achievement.
const REACH: usize = 9;

/// Ids that the text takes for achievements and the PLAN does not have.
pub(super) fn unknown_achievements(reading: &Reading<'_>, expected: &Expected<'_>) -> Vec<Finding> {
    let mut unknown: Vec<(AchievementId, usize)> = Vec::new();
    for paragraph in &reading.paragraphs {
        let name = paragraph.section.and_then(|index| reading.sections.get(index)).map_or("", |section| &section.name);
        if !["Dependencies and Coordination", "Coordination", "Dependencies"].iter().any(|about| same_name(name, about))
        {
            continue;
        }
        for id in named(paragraph, wording()) {
            let known = expected.names.has(id) || expected.material.plan_has(&format!(" {id}"));
            if !known && !unknown.iter().any(|(other, _)| *other == id) {
                unknown.push((id, paragraph.line));
            }
        }
    }
    unknown.truncate(3);
    unknown
        .into_iter()
        .map(|(id, line)| {
            let message = format!("Line {line} speaks of achievement {id}, which the PLAN does not have. Name achievements of the PLAN only.");
            Code::UnknownAchievement.error(Some(line), message)
        })
        .collect()
}

/// The ids that a paragraph takes for achievements: behind that word, or behind one such as "needs" with nothing but joining
/// words and other ids in between.
fn named(paragraph: &Paragraph<'_>, wording: &Wording) -> Vec<AchievementId> {
    if !paragraph.text.contains('.') {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut need: Option<usize> = None;
    let mut joined = false; // nothing but joining words since the word, or since the last id
    let tokens = tokens(paragraph.text);
    for (at, token) in tokens.iter().enumerate() {
        let bare = token.trim_matches(|c: char| !c.is_alphanumeric());
        let lower = bare.to_lowercase();
        let bare_id = bare.strip_suffix("'s").or_else(|| bare.strip_suffix("\u{2019}s")).unwrap_or(bare);
        if let Some(id) = id_of(bare_id) {
            let behind =
                tokens.get(at + 1).map(|next| next.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase());
            let amount = token.ends_with('%')
                || behind.is_some_and(|next| {
                    wording.units.contains(&hash_of(&next)) && !token.ends_with([',', '.', ';', ')'])
                });
            let stated = tokens.get(at.wrapping_sub(1)).is_some_and(|before| is_achievement(before));
            let reached = joined && need.is_some_and(|need| at - need <= REACH);
            if !amount && !token.starts_with('`') && (stated || reached) {
                found.push(id);
                need = Some(at);
            }
        } else if wording.needs.contains(&hash_of(&lower)) {
            (need, joined) = (Some(at), true);
        } else if !(bare.is_empty()
            || wording.joins.contains(&hash_of(&lower))
            || token.starts_with('(')
            || token.ends_with(')'))
        {
            // A title in parentheses may stand behind an id; any other word says that the next number is something else.
            joined = joined && in_parentheses(&tokens[..=at]);
        }
    }
    found
}

/// What stands between spaces and commas; what is written without spaces comes out sign by sign.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let pieces = text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '/' | '、' | '，'));
    for piece in pieces.filter(|piece| !piece.is_empty()) {
        let mut start = 0;
        for (at, c) in piece.char_indices().filter(|(_, c)| is_unspaced(*c)) {
            tokens.extend(
                [&piece[start..at], &piece[at..at + c.len_utf8()]].into_iter().filter(|token| !token.is_empty()),
            );
            start = at + c.len_utf8();
        }
        tokens.extend(Some(&piece[start..]).filter(|rest| !rest.is_empty()));
    }
    tokens
}

fn in_parentheses(tokens: &[&str]) -> bool {
    let text = tokens.iter().rev().take(12);
    for token in text {
        if token.contains(')') {
            return false;
        }
        if token.contains('(') {
            return true;
        }
    }
    false
}

fn is_achievement(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric());
    word.eq_ignore_ascii_case("achievement") || word.eq_ignore_ascii_case("achievements")
}

/// An id as PLANs have them; larger numbers are something else.
fn id_of(word: &str) -> Option<AchievementId> {
    let id = AchievementId::parse(word).ok()?;
    id.parts().iter().all(|part| *part < 100).then_some(id)
}
