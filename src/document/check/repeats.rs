//! Tells what an answer only repeats: the prompt, the PLAN, or itself.

use crate::{
    document::{Finding, prose::excerpt, sections::same_name},
    markdown::lines,
};

use super::{
    codes::Code,
    material::{Material, without_numbers},
    placeholder::without_code,
    reading::{Kind, Reading},
    words::{HashSet, phrase},
};

/// Findings of one kind are at most this many.
const MOST: usize = 3;

/// Lines outside of fences that are nothing but a tag of the prompt.
pub(super) fn tags(body: &str, material: &Material) -> Vec<Finding> {
    let is_tag = |line: &crate::markdown::Line<'_>| {
        !line.in_fence && line.text.trim_start().starts_with('<') && material.is_tag(line.text)
    };
    let tags = lines(body).filter(is_tag).take(MOST);
    tags.map(|line| {
        let tag = excerpt(line.text.trim(), 60);
        let message = format!("Line {} (`{tag}`) is a tag of the prompt and no part of the document. Take it out, with what was copied inside of it.", line.number);
        Code::PromptTag.error(Some(line.number), message)
    })
    .collect()
}

/// Paragraphs that hold words of the prompt or of a message about an earlier answer.
pub(super) fn echoes(reading: &Reading<'_>, material: &Material) -> Vec<Finding> {
    let mut findings = Vec::new();
    for paragraph in &reading.paragraphs {
        let words = without_numbers(reading.words(paragraph));
        let echoed = material.prompt.iter().any(|phrases| phrases.places(&words).next().is_some());
        if echoed || names_a_finding(paragraph.text) {
            let text = excerpt(&paragraph.text.replace('\n', " "), 90);
            let message = format!(
                "Line {} repeats the prompt instead of following it: \"{text}\". Write what this achievement needs there, in your own words.",
                paragraph.line
            );
            findings.push(Code::PromptEcho.error(Some(paragraph.line), message));
            if findings.len() == MOST {
                break;
            }
        }
    }
    findings
}

/// Whether a text has the code of a finding in brackets, as the message about a rejected answer has it.
fn names_a_finding(text: &str) -> bool {
    text.contains('[')
        && without_code(text)
            .split('[')
            .skip(1)
            .filter_map(|rest| rest.split_once(']'))
            .any(|(inside, behind)| inside.contains('-') && !behind.starts_with('(') && Code::parse(inside).is_some())
}

/// The share of the words of an answer outside of Deliverables that are the PLAN's.
const COPIED_PERCENT: usize = 50;

/// The same of one section that has to be the answer's own.
const COPIED_SECTION_PERCENT: usize = 80;

/// A text of fewer words is not judged: too much of it can be names.
const COPIED_WORDS: usize = 40;

/// Answers of which most is the PLAN's text.
pub(super) fn copied(reading: &Reading<'_>, material: &Material) -> Option<Finding> {
    let (mut all, mut taken) = (0, 0);
    let mut worst = None;
    for (index, section) in reading.sections.iter().enumerate() {
        if same_name(&section.name, "Deliverables") {
            continue;
        }
        let (mut words_here, mut taken_here) = (0, 0);
        for paragraph in reading.of_section(index) {
            let words: Vec<u64> = reading.words(paragraph).iter().map(|word| word.hash).collect();
            words_here += words.len();
            let mut end = 0;
            for at in material.plan.places(&words) {
                taken_here += at + material.plan.length() - end.max(at);
                end = at + material.plan.length();
            }
        }
        all += words_here;
        taken += taken_here;
        let own = ["Objective", "Approach", "Instructions", "Testing Strategy"]
            .iter()
            .any(|name| same_name(&section.name, name));
        if own && words_here >= COPIED_WORDS && taken_here * 100 >= words_here * COPIED_SECTION_PERCENT {
            worst = worst.or(Some((section.name.as_str(), section.line, taken_here * 100 / words_here)));
        }
    }
    if all >= COPIED_WORDS && taken * 100 >= all * COPIED_PERCENT {
        let percent = taken * 100 / all;
        let message = format!(
            "{percent} % of the document is copied from the PLAN. Use the PLAN's facts and write what it does not say: steps, functions, cases, commands, decisions."
        );
        return Some(Code::Copied.error(None, message));
    }
    let (name, line, percent) = worst?;
    let message = format!(
        "{percent} % of the section `{name}` is copied from the PLAN. Write there what the PLAN does not say: steps, functions, cases, commands, decisions."
    );
    Some(Code::Copied.error(Some(line), message))
}

/// Sections that say the same.
pub(super) fn repeated_sections(reading: &Reading<'_>) -> Option<Finding> {
    let trigrams: Vec<Vec<u64>> = (0..reading.sections.len())
        .map(|index| {
            let words: Vec<u64> = reading.section_words(index).iter().map(|word| word.hash).collect();
            if words.len() < reading.language.repeated {
                return Vec::new();
            }
            let mut found: Vec<u64> = words.windows(3).map(phrase).collect();
            found.sort_unstable();
            found.dedup();
            found
        })
        .collect();
    for (index, section) in reading.sections.iter().enumerate() {
        let alike = |other: usize, percent: usize| is_alike(&trigrams[index], &trigrams[other], percent);
        // Two sections of one name have a finding of their own.
        let named_else = |other: &usize| !same_name(&section.name, &reading.sections[*other].name);
        let others: Vec<usize> =
            (index + 1..trigrams.len()).filter(named_else).filter(|other| alike(*other, 70)).collect();
        let same = others.iter().copied().find(|other| alike(*other, 90));
        let other = match (same, others.len()) {
            (Some(same), _) => same,
            (None, 2..) => others[0],
            (None, _) => continue,
        };
        let other = &reading.sections[other];
        let message = format!(
            "The sections `{}` (line {}) and `{}` (line {}) say the same. Write in each what its heading asks for.",
            section.name, section.line, other.name, other.line
        );
        return Some(Code::SectionRepeated.error(Some(other.line), message));
    }
    None
}

/// Whether two sorted sets have so much in common (Dice's coefficient, in percent).
fn is_alike(a: &[u64], b: &[u64], percent: usize) -> bool {
    if a.is_empty() || b.is_empty() {
        return false;
    }
    let (mut i, mut j, mut common) = (0, 0, 0);
    while let (Some(first), Some(second)) = (a.get(i), b.get(j)) {
        common += usize::from(first == second);
        (i, j) = (i + usize::from(first <= second), j + usize::from(second <= first));
    }
    2 * common * 100 >= percent * (a.len() + b.len())
}

/// The share of different phrases among all, in percent, below which a section runs in circles.
const LOOP_PERCENT: usize = 15;

/// Sections that say one thing over and over.
pub(super) fn loops(reading: &Reading<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, section) in reading.sections.iter().enumerate() {
        let mut words: Vec<u64> = Vec::new();
        for paragraph in reading.of_section(index).filter(|paragraph| paragraph.kind != Kind::Row) {
            words.extend(reading.words(paragraph).iter().filter(|word| !word.digit).map(|word| word.hash));
        }
        if words.len() < reading.language.looped {
            continue;
        }
        let all = words.len() - 3;
        let distinct = words.windows(4).map(phrase).collect::<HashSet>().len();
        if distinct * 100 < all * LOOP_PERCENT {
            let message = format!("The section `{}` says the same over and over. Say each thing once.", section.name);
            findings.push(Code::Loop.error(Some(section.line), message));
        }
    }
    findings
}
