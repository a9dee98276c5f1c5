//! Tells what reports work as done: a document is written before its work begins.

use crate::{
    document::{Finding, Stage, prose::excerpt, sections::same_name},
    markdown::lines,
};

use super::{
    codes::Code,
    language::wording,
    material::Material,
    placeholder::without_code,
    reading::{Kind, Paragraph, Reading, Sentence, sentences},
    words::Table,
};

/// Findings of one kind are at most this many.
const MOST: usize = 3;

/// Ticked boxes, results of tests, and words that say that it is over.
pub(super) fn reports(reading: &Reading<'_>, stage: Stage, material: &Material) -> Vec<Finding> {
    let mut findings = Vec::new();
    for paragraph in &reading.paragraphs {
        if findings.len() == MOST {
            break;
        }
        let name = paragraph.section.and_then(|index| reading.sections.get(index)).map_or("", |section| &section.name);
        let Some(what) =
            reported(reading, paragraph, name, stage).filter(|_| !material.plan_has(paragraph.text.trim()))
        else {
            continue;
        };
        let message = format!(
            "Line {} reports work as done: \"{}\". Nothing is done yet: write what is to be done and measured, and leave boxes open.",
            paragraph.line,
            excerpt(&what, 90)
        );
        findings.push(Code::DoneAlready.error(Some(paragraph.line), message));
    }
    if findings.is_empty() {
        findings.extend(iteration_heading(reading, stage));
    }
    findings
}

fn reported(reading: &Reading<'_>, paragraph: &Paragraph<'_>, section: &str, stage: Stage) -> Option<String> {
    let line = paragraph.text.lines().next().unwrap_or_default();
    match paragraph.kind {
        Kind::Item { ticked: Some(true) } => return Some(line.trim().to_owned()),
        // What is still open is to be reached.
        Kind::Item { ticked: Some(false) } => return None,
        Kind::Item { ticked: None } | Kind::Prose | Kind::Row => {}
    }
    let wording = wording();
    let in_log =
        ["Iteration Log", "Learning Summary", "Completion Checklist"].iter().any(|log| same_name(section, log));
    if in_log && ["✅", "☑", "✔"].iter().any(|mark| paragraph.text.contains(mark)) {
        return Some(line.trim().to_owned());
    }
    let words: Vec<u64> = reading.words(paragraph).iter().map(|word| word.hash).collect();
    let shouts = stage_is_over(paragraph.text);
    if !shouts
        && !wording.done.may_be_in(&words)
        && !(in_log && (wording.done_log.may_be_in(&words) || has_date(paragraph.text)))
    {
        return None;
    }
    let is_report = |sentence: &Sentence| {
        if sentence.text.ends_with(['?', '？']) {
            return false;
        }
        // "Stop when all tests passed" is no report; "all tests passed when it ran" is one.
        let hoped = |end: usize| sentence.words.iter().take(end).any(|word| wording.unless.contains(word));
        let said = |table: &Table| table.find(&sentence.words).is_some_and(|(at, _)| !hoped(at));
        // "All tests passed" is also how people write what they expect of a SUBPLAN; with a day it has happened.
        let happened = said(&wording.done) && (stage == Stage::Execution || has_date(&sentence.text) || in_log);
        let dated = has_date(&sentence.text) && !hoped(sentence.words.len());
        happened || stage_is_over(&sentence.text) || (in_log && (said(&wording.done_log) || dated))
    };
    sentences(paragraph.text).into_iter().find(is_report).map(|sentence| sentence.text)
}

/// "The achievement is COMPLETE", "Status: DONE".
fn stage_is_over(text: &str) -> bool {
    const OVER: [&str; 5] = ["COMPLETE", "COMPLETED", "DONE", "FINISHED", "PASSED"];
    if !OVER.iter().any(|word| text.contains(word)) {
        return false;
    }
    let prose = without_code(text);
    let words: Vec<&str> =
        prose.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty()).collect();
    words.iter().enumerate().any(|(at, word)| {
        let before = at.checked_sub(1).and_then(|at| words.get(at)).map(|word| word.to_lowercase());
        OVER.contains(word)
            && before.is_some_and(|before| ["is", "status", "now", "are", "result"].contains(&before.as_str()))
    })
}

/// A day such as 2026-01-14.
fn has_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.windows(10).any(|day| {
        let digits = [0, 1, 2, 3, 5, 6, 8, 9].iter().all(|at| day[*at].is_ascii_digit());
        digits && day[4] == b'-' && day[7] == b'-' && day.starts_with(b"20")
    })
}

/// An iteration whose heading says that it is over.
fn iteration_heading(reading: &Reading<'_>, stage: Stage) -> Option<Finding> {
    if stage != Stage::Execution {
        return None;
    }
    let over = |text: &str| {
        let lower = text.to_lowercase();
        lower.starts_with("iteration")
            && (["completed", "complete", "done", "passed", "success", "✅"].iter().any(|word| lower.contains(word))
                || has_date(text))
    };
    let line = lines(reading.body).find(|line| line.heading().is_some_and(|heading| over(heading.text)))?;
    let message = format!(
        "Line {} reports an iteration as done: \"{}\". Nothing is done yet: write what it will try.",
        line.number,
        excerpt(line.text.trim_start_matches(['#', ' ']), 60)
    );
    Some(Code::DoneAlready.error(Some(line.number), message))
}
