//! Tells sections that say nothing about their achievement from such that do.

use std::collections::HashSet as StdSet;

use crate::{
    document::{Finding, Section, SectionSpec, Stage, sections::same_name},
    markdown::lines,
};

use super::{
    codes::Code,
    reading::Reading,
    words::{HashSet, words},
};

/// Keys of sections that are about the achievement; in the others, names of files and people can be all there is.
const SPEAKING: [&str; 5] = ["objective", "approach", "instructions", "testing_strategy", "expected_results"];

/// Sections with next to no words of their own.
pub(super) fn says_nothing(
    reading: &Reading<'_>,
    (stage, specs): (Stage, &[SectionSpec]),
    title: &str,
) -> Vec<Finding> {
    let mut known: HashSet = words(title).filter(|word| !word.named).map(|word| word.hash).collect();
    for section in &reading.sections {
        known.extend(words(&section.name).map(|word| word.hash));
    }
    let mut findings = Vec::new();
    for (index, section) in reading.sections.iter().enumerate() {
        let spec = specs.iter().find(|spec| same_name(&section.name, &spec.name));
        let Some(spec) = spec.filter(|spec| SPEAKING.contains(&spec.key.as_str())) else { continue };
        let words = reading.section_words(index);
        let own: HashSet = words
            .iter()
            .filter(|word| !known.contains(&word.hash) && reading.language.is_significant(**word))
            .map(|word| word.hash)
            .collect();
        // An EXECUTION_TASK's objective may be one sentence that names the part of the work.
        let brief = stage == Stage::Execution && spec.key == "objective";
        let least = if brief { reading.language.own / 2 } else { reading.language.own };
        // An empty body has a finding of its own.
        if !words.is_empty() && own.len() < least {
            let message = format!(
                "The section `{}` says nothing about this achievement: it would fit any other. Name files, functions, data, cases and decisions.",
                section.name
            );
            findings.push(Code::SaysNothing.error(Some(section.line), message));
        }
    }
    findings
}

/// The fewest facts of a short SUBPLAN: paths, code spans, numbers.
const FACTS: usize = 8;

/// SUBPLANs with few words and few facts. What the PLAN lists as deliverables is no fact of theirs.
pub(super) fn thin(reading: &Reading<'_>, (stage, specs): (Stage, &[SectionSpec])) -> Option<Finding> {
    if stage != Stage::Subplan {
        return None;
    }
    let deliverables = reading.sections.iter().position(|section| is_called(&section.name, specs, "deliverables"));
    let outside = || reading.paragraphs.iter().filter(|paragraph| paragraph.section != deliverables);
    let count: usize = outside().map(|paragraph| reading.words(paragraph).len()).sum();
    if count >= reading.language.thin {
        return None;
    }
    let mut facts: StdSet<&str> = StdSet::new();
    for paragraph in outside() {
        for (index, piece) in paragraph.text.split('`').enumerate() {
            if index % 2 == 1 {
                facts.insert(piece);
            } else {
                facts.extend(
                    piece
                        .split_whitespace()
                        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
                        .filter(|word| is_fact(word)),
                );
            }
        }
    }
    // The numbers of a list and of the executions are none.
    facts.retain(|fact| fact.len() > 1 || !fact.bytes().all(|b| b.is_ascii_digit()));
    if facts.len() >= FACTS {
        return None;
    }
    let message = format!(
        "The SUBPLAN has {count} words outside of Deliverables and names {} files, functions or numbers there. Say for each step which file and function it changes, with which values, and how it is checked.",
        facts.len()
    );
    Some(Code::Thin.error(None, message))
}

/// Whether a heading is that of the section with this key.
fn is_called(name: &str, specs: &[SectionSpec], key: &str) -> bool {
    specs.iter().any(|spec| spec.key == key && same_name(&spec.name, name))
}

/// A path, a file name or a number.
fn is_fact(word: &str) -> bool {
    word.contains(|c: char| c.is_numeric())
        || word.contains('/')
        || word.contains('_')
        || word.split_once('.').is_some_and(|(stem, rest)| {
            stem.len() > 1 && rest.len() > 1 && rest.bytes().all(|b| b.is_ascii_alphanumeric())
        })
}

/// Sections whose body nobody sees as text: only comments, or only fences.
pub(super) fn hidden(sections: &[Section<'_>], specs: &[SectionSpec]) -> Vec<Finding> {
    let is_expected = |section: &&Section<'_>| specs.iter().any(|spec| same_name(&spec.name, &section.name));
    let is_hidden = |section: &&Section<'_>| {
        let (mut hidden, mut comment, mut seen) = (false, false, false);
        for line in lines(section.body).filter(|line| !line.is_blank() && line.heading().is_none()) {
            hidden |= line.in_fence;
            comment |= line.in_comment;
            seen |= !line.in_fence && !line.in_comment;
        }
        (hidden || comment) && !seen
    };
    let hidden = sections.iter().filter(is_expected).filter(is_hidden);
    hidden
        .map(|section| {
            let message = format!(
                "The body of the section `{}` stands in a code fence or a comment as a whole. Write it as text; fences are for code only.",
                section.name
            );
            Code::SectionHidden.error(Some(section.line), message)
        })
        .collect()
}
