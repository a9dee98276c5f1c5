//! What a person sees of an analysis: the question before it is sent, the changes before they are written, the outcome.
//! Pure; linear in what it prints.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use super::{
    columns::{paragraph, usable},
    format::{about, cost, count_of, hours, plural},
    sanitize,
};
use crate::{
    discovery::{Difference, EdgeChange, LevelChange},
    engine::Question,
    parallel::{Structure, Times},
    plan::AchievementId,
};

/// Changes printed of a kind; `--json` has all.
const SHOWN: usize = 40;

/// Ids named of a list.
const NAMED: usize = 12;

/// Column of what stands beside a label.
const LABEL: usize = 12;

/// What asking would take, for a line of `width` columns.
pub fn question_text(question: &Question, width: usize) -> String {
    let width = usable(width);
    let mut out = String::new();
    let settled =
        if question.settled > 0 { format!(", {} of them settled", count_of(question.settled)) } else { String::new() };
    let heading = format!(
        "Dependencies of {} with {}; tokens counted with {}",
        question.plan, question.model, question.tokenizer
    );
    paragraph(&mut out, "", 0, &sanitize(&heading), width);
    out.push('\n');
    paragraph(
        &mut out,
        "Asked",
        LABEL,
        &format!("{}{settled}, in one call", plural(question.achievements, "achievement")),
        width,
    );
    paragraph(&mut out, "Prompt", LABEL, &format!("{} tokens", count_of(question.prompt_tokens)), width);
    let (expected, cap) = (question.expected_output, question.largest_output as usize);
    let answer = if expected == cap {
        format!("up to {} tokens; it may need more than that cap", count_of(cap))
    } else {
        format!("{}–{} tokens: what is expected, and the cap", count_of(expected), count_of(cap))
    };
    paragraph(&mut out, "Answer", LABEL, &answer, width);
    let price = match (question.cost_low, question.cost_high, &question.prices_taken) {
        (Some(low), Some(high), taken) => {
            let date = taken.as_ref().map(|date| format!(" (prices of {date})")).unwrap_or_default();
            format!("{}–{}{date}", cost(Some(low)), cost(Some(high)))
        }
        (_, _, _) => format!("unknown (no prices for {})", question.model),
    };
    paragraph(&mut out, "Cost", LABEL, &sanitize(&price), width);
    if !question.warnings.is_empty() {
        out.push('\n');
    }
    for warning in &question.warnings {
        paragraph(&mut out, "warning:", "warning: ".len(), &sanitize(warning), width);
    }
    out
}

/// One line that asks for consent to sending it.
pub fn ask_text(question: &Question) -> String {
    let cost = question.cost_low.map_or_else(|| "cost unknown".to_owned(), about);
    let tokens = count_of(question.prompt_tokens + question.expected_output);
    format!("Ask {} for about {tokens} tokens ({cost})? [y/N]", sanitize(&question.model))
}

/// What changes about the edges and levels of a file.
pub fn difference_text(difference: &Difference, file: &str, width: usize) -> String {
    let width = usable(width);
    let mut out = String::new();
    if difference.is_empty() {
        paragraph(
            &mut out,
            "",
            0,
            &format!("{}: no dependency and no level changes; what is computed from them may", sanitize(file)),
            width,
        );
        return out;
    }
    paragraph(&mut out, "", 0, &format!("Changes to {}:", sanitize(file)), width);
    let Difference { new, added, removed, moved, kept } = difference;
    section(&mut out, new, width, |LevelChange { id, to, .. }| ("+", format!("{id} is new, in level {to}")));
    section(&mut out, added, width, |EdgeChange { id, needs, kind, reason }| {
        let kind = kind.map(|kind| format!(" ({kind})")).unwrap_or_default();
        let reason = reason.as_deref().filter(|reason| !reason.is_empty());
        let reason = reason.map(|reason| format!(": {}", excerpt(reason))).unwrap_or_default();
        ("+", format!("{id} needs {needs}{kind}{reason}"))
    });
    section(&mut out, removed, width, |EdgeChange { id, needs, .. }| ("-", format!("{id} no longer needs {needs}")));
    section(&mut out, moved, width, |LevelChange { id, from, to }| {
        ("~", format!("{id} moves from level {} to level {to}", from.unwrap_or(0)))
    });
    if *kept > 0 {
        let stays = if *kept == 1 { "stays as it is" } else { "stay as they are" };
        let text = format!("{} {stays}: complete, or not in the PLAN", plural(*kept, "achievement"));
        paragraph(&mut out, "  =", 4, &text, width);
    }
    out
}

fn section<T>(out: &mut String, changes: &[T], width: usize, line: impl Fn(&T) -> (&'static str, String)) {
    for change in changes.iter().take(SHOWN) {
        let (mark, text) = line(change);
        paragraph(out, &format!("  {mark}"), 4, &sanitize(&text), width);
    }
    if changes.len() > SHOWN {
        out.push_str(&format!("    … and {} more (use --json for all)\n", count_of(changes.len() - SHOWN)));
    }
}

/// Levels, times, the critical path and bottlenecks of a structure.
pub fn structure_text(structure: &Structure, width: usize) -> String {
    let width = usable(width);
    let mut out = String::new();
    let levels = structure.levels().len();
    let summary = format!(
        "{} in {}, at most {} at the same time",
        plural(structure.drafts().len(), "achievement"),
        plural(levels, "level"),
        count_of(structure.widest())
    );
    paragraph(&mut out, "Levels", LABEL, &summary, width);
    let (all, left) = (structure.drafts().len(), structure.open().count());
    if left < all {
        let text = format!("{} to do, and what follows is about these alone", count_of(left));
        paragraph(&mut out, "Left", LABEL, &text, width);
    }
    if let Some(times) = structure.times() {
        paragraph(&mut out, "Time", LABEL, &times_text(&times), width);
    }
    let path: Vec<AchievementId> = structure.critical_path().collect();
    if path.len() > 1 {
        paragraph(&mut out, "Longest", LABEL, &chain(&path), width);
    }
    let bottlenecks: Vec<String> =
        structure.bottlenecks().map(|(id, bottleneck)| format!("{id} ({})", count_of(bottleneck.holds_up))).collect();
    if !bottlenecks.is_empty() {
        paragraph(&mut out, "Waited for", LABEL, &bottlenecks.join(", "), width);
    }
    let clashing = structure.levels().iter().filter(|level| level.groups.len() > 1);
    for level in clashing.take(SHOWN) {
        let drafts = structure.drafts();
        let Some(clash) = level.clashes.first() else { continue };
        let more = level.clashes.len() - 1;
        let more = if more > 0 { format!(" (and {more} more)") } else { String::new() };
        let text = format!(
            "level {}: {} and {} both touch {}{more}",
            level.number,
            drafts[clash.first].id,
            drafts[clash.second].id,
            excerpt(&clash.over)
        );
        paragraph(&mut out, "Apart", LABEL, &sanitize(&text), width);
    }
    out
}

fn times_text(times: &Times) -> String {
    let (sequential, parallel) = (hours(times.sequential), hours(times.parallel));
    match times.saved_percent() {
        0 => format!("{sequential} one after the other, no less in parallel"),
        percent => format!("{sequential} one after the other, {parallel} in parallel ({percent}% less)"),
    }
}

fn chain(path: &[AchievementId]) -> String {
    let ids: Vec<String> = path.iter().map(ToString::to_string).collect();
    if ids.len() <= NAMED {
        return ids.join(" → ");
    }
    let (first, last) = (&ids[..NAMED / 2], &ids[ids.len() - NAMED / 2..]);
    format!("{} → … {} more … → {}", first.join(" → "), ids.len() - NAMED, last.join(" → "))
}

/// The beginning of a text, in one line.
fn excerpt(text: &str) -> String {
    const LONGEST: usize = 90;
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((cut, _)) => format!("{}…", &line[..cut]),
        None => line,
    }
}
