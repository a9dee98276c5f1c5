//! Where a plan stands, for a person. Pure; its length does not grow with the plan.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use super::{
    Style,
    columns::{cell, left, list, paragraph, right, usable},
    format::{count_of, hours, plural},
    sanitize, shell_word, truncate,
};
use crate::{
    plan::{AchievementId, Hours, IdMap},
    progress::{
        AchievementProgress, Blocker, Counts, HELD_UP_MOST, KeptApart, LevelProgress, Overview, Recommendation,
    },
};

/// Rows of one list.
const ROWS: usize = 10;
/// Ids of one list.
const IDS: usize = 24;
/// With more levels than these, those far from the current one are summed up.
const LEVELS: usize = 12;
/// The columns of a bar.
const BAR: usize = 20;
/// The column of what stands beside a label.
const INDENT: usize = 11;
/// The columns of an estimate.
const ESTIMATE: usize = 10;
/// The columns of what stands behind an estimate.
const BEHIND: usize = 16;

/// The whole status.
pub fn status_text(overview: &Overview, width: usize, style: Style) -> String {
    let page = Page {
        overview,
        width: usable(width),
        style,
        achievements: overview.achievements.iter().map(|achievement| (achievement.id, achievement)).collect(),
        blockers: overview.blockers.iter().map(|blocker| (blocker.id, blocker)).collect(),
    };
    let mut out = String::new();
    page.head(&mut out);
    page.levels(&mut out);
    page.work(&mut out);
    page.obstacles(&mut out);
    page.outlook(&mut out);
    if let Some(next) = &overview.next {
        next_text(&mut out, next, style);
    }
    out
}

/// A table of achievements that are ready, the most worthwhile first, and how many there are in all.
pub fn ready_text(overview: &Overview, ids: &[AchievementId], width: usize, style: Style) -> String {
    let page = Page {
        overview,
        width: usable(width),
        style,
        achievements: overview.achievements.iter().map(|achievement| (achievement.id, achievement)).collect(),
        blockers: overview.blockers.iter().map(|blocker| (blocker.id, blocker)).collect(),
    };
    let mut out = String::new();
    page.rows(&mut out, ids, 2 * ROWS);
    out
}

struct Page<'a> {
    overview: &'a Overview,
    width: usize,
    style: Style,
    achievements: IdMap<&'a AchievementProgress>,
    blockers: IdMap<&'a Blocker>,
}

impl Page<'_> {
    fn head(&self, out: &mut String) {
        let total = &self.overview.total;
        let name = self.style.bold(sanitize(&self.overview.plan));
        let skipped = match total.skipped {
            0 => String::new(),
            skipped => format!(", {} skipped", count_of(skipped)),
        };
        let (complete, all) = (count_of(total.complete), count_of(total.achievements));
        out.push_str(&format!("{name}  {complete} of {all} complete{skipped}\n\n"));
    }

    fn levels(&self, out: &mut String) {
        let levels = &self.overview.levels;
        let current = levels.iter().position(|level| Some(level.level) == self.overview.current_level).unwrap_or(0);
        // A line for the levels before, one for those after.
        let (from, to) = if levels.len() <= LEVELS {
            (0, levels.len())
        } else {
            let from = current.min(levels.len() - (LEVELS - 2));
            (from, from + LEVELS - 2)
        };
        out.push_str(&self.style.bold("LEVEL"));
        out.push('\n');
        if from > 0 {
            self.level(out, &span(&levels[..from]), &sum(&levels[..from]));
        }
        for level in &levels[from..to] {
            self.level(out, &level.level.to_string(), &level.counts);
        }
        if to < levels.len() {
            self.level(out, &span(&levels[to..]), &sum(&levels[to..]));
        }
        if levels.len() > 1 {
            self.level(out, "all", &self.overview.total);
        }
    }

    fn level(&self, out: &mut String, name: &str, counts: &Counts) {
        let Counts { achievements, in_progress, ready, waiting, failed, blocked, .. } = *counts;
        let filled = (counts.done() * BAR).checked_div(achievements).unwrap_or(BAR);
        let bar = format!("{}{}", self.style.good("█".repeat(filled)), self.style.dim("░".repeat(BAR - filled)));
        let share = |counts: &Counts| format!("{}/{}", count_of(counts.done()), count_of(counts.achievements));
        let shares = share(&self.overview.total).len();
        let parts = [
            (in_progress, "in progress"),
            (ready, "ready"),
            (waiting, "waiting"),
            (failed, "failed"),
            (blocked, "blocked"),
        ];
        let parts = parts.iter().filter(|(number, _)| *number > 0);
        let parts: Vec<String> = parts.map(|(number, word)| format!("{} {word}", count_of(*number))).collect();
        let line = format!("{}{bar}  {}  {}", left(name, INDENT), left(&share(counts), shares), parts.join(", "));
        out.push_str(line.trim_end());
        out.push('\n');
    }

    fn work(&self, out: &mut String) {
        let Overview { in_progress, ready, parallel_now, kept_apart, .. } = self.overview;
        self.section(out, "In progress", in_progress);
        self.section(out, "Ready", ready);
        if !ready.is_empty() {
            let text = match (parallel_now.is_empty(), kept_apart.is_empty()) {
                (false, _) => ids(parallel_now),
                (true, true) => String::from("none: their levels allow no more at once than are in progress"),
                (true, false) => String::from("none beside what is in progress"),
            };
            out.push('\n');
            paragraph(out, "At once", INDENT, &text, self.width);
            let apart =
                |KeptApart { id, beside, over }: &KeptApart| format!("{id} not beside {beside} ({})", sanitize(over));
            let mut entries: Vec<String> = kept_apart.iter().take(ROWS / 2).map(apart).collect();
            if kept_apart.len() > ROWS / 2 {
                entries.push(format!("and {} more", count_of(kept_apart.len() - ROWS / 2)));
            }
            if !entries.is_empty() {
                list(out, "Apart", INDENT, &entries, self.width);
            }
        }
    }

    fn section(&self, out: &mut String, title: &str, ids: &[AchievementId]) {
        if !ids.is_empty() {
            out.push_str(&format!("\n{}\n", self.style.bold(format!("{title} ({})", count_of(ids.len())))));
            self.rows(out, ids, ROWS);
        }
    }

    fn rows(&self, out: &mut String, ids: &[AchievementId], most: usize) {
        let shown = &ids[..ids.len().min(most)];
        let column = shown.iter().map(|id| id.to_string().len()).max().unwrap_or(0);
        for id in shown {
            let Some(achievement) = self.achievements.get(id) else { continue };
            let estimate = achievement.estimated_hours.map(hours).unwrap_or_default();
            let behind = match (&achievement.executor, self.blockers.get(id)) {
                (Some(executor), _) => truncate(&sanitize(executor), BEHIND).into_owned(),
                (None, Some(blocker)) => holds_up(blocker.holds_up),
                (None, None) => String::new(),
            };
            let room = self.width.saturating_sub(2 + column + 2 + 1 + ESTIMATE + 2 + BEHIND);
            let title = cell(&sanitize(&achievement.title), room);
            let line = format!("  {}  {title} {}  {behind}", left(&id.to_string(), column), right(&estimate, ESTIMATE));
            out.push_str(line.trim_end());
            out.push('\n');
        }
        more(out, ids.len() - shown.len());
    }

    fn obstacles(&self, out: &mut String) {
        let Overview { blocked, blockers, .. } = self.overview;
        if !blocked.is_empty() {
            let title = format!("Blocked ({})", count_of(blocked.len()));
            out.push_str(&format!("\n{}\n", self.style.bold(title)));
            // By what blocks them, since one failure mostly blocks many.
            let mut by: Vec<(AchievementId, Vec<AchievementId>)> = Vec::new();
            let mut index: IdMap<usize> = IdMap::default();
            for entry in blocked {
                let at = *index.entry(entry.by).or_insert_with(|| {
                    by.push((entry.by, Vec::new()));
                    by.len() - 1
                });
                by[at].1.push(entry.id);
            }
            by.sort_by_key(|(id, held)| (usize::MAX - held.len(), *id));
            for (cause, held) in by.iter().take(ROWS) {
                let text = format!("{} by {cause}, which failed", ids(held));
                paragraph(out, " ", 2, &text, self.width);
            }
            more(out, by.len().saturating_sub(ROWS));
        }
        if !blockers.is_empty() {
            out.push('\n');
            let shown = blockers.iter().take(ROWS / 2);
            let mut entries: Vec<String> = shown
                .map(|blocker| {
                    let word = if blocker.ready { "ready" } else { blocker.status.words() };
                    format!("{} ({word}) {}", blocker.id, holds_up(blocker.holds_up))
                })
                .collect();
            if blockers.len() > ROWS / 2 {
                entries.push(format!("and {} more", count_of(blockers.len() - ROWS / 2)));
            }
            list(out, "Waited for", INDENT, &entries, self.width);
        }
    }

    fn outlook(&self, out: &mut String) {
        let Overview { current_level, next_unlocks, remaining, remarks, .. } = self.overview;
        if let Some(level) = current_level
            && !next_unlocks.is_empty()
        {
            paragraph(out, "Then", INDENT, &format!("level {level} done unlocks {}", ids(next_unlocks)), self.width);
        }
        if remaining.achievements > 0 {
            let Overview { ready, in_progress, blockers, .. } = self.overview;
            if ready.is_empty() && blockers.is_empty() && !in_progress.is_empty() {
                out.push('\n'); // behind the rows of what is in progress
            }
            let mut text = plural(remaining.achievements, "achievement");
            if let (Some(sequential), Some(parallel)) = (remaining.sequential, remaining.parallel) {
                text.push_str(&format!(
                    ": {} one after the other, {} in parallel",
                    hours(rounded(sequential)),
                    hours(rounded(parallel))
                ));
            }
            if remaining.without_estimate > 0 {
                text.push_str(&format!(" ({} without an estimate)", count_of(remaining.without_estimate)));
            }
            paragraph(out, "Left", INDENT, &text, self.width);
        }
        for remark in remarks.iter().take(ROWS) {
            paragraph(out, "Note", INDENT, &sanitize(remark), self.width);
        }
        if remarks.len() > ROWS {
            let more = format!("and {} more; `--json` lists all", count_of(remarks.len() - ROWS));
            paragraph(out, "", INDENT, &more, self.width);
        }
    }
}

/// A command to type next; never wrapped, since it is there to be copied.
pub fn next_text(out: &mut String, next: &Recommendation, style: Style) {
    let words: Vec<String> = next.command.iter().map(|word| shell_word(word)).collect();
    out.push_str(&format!("\n{}{}\n", left("Next", INDENT), style.bold(words.join(" "))));
    out.push_str(&format!("{}{}\n", " ".repeat(INDENT), style.dim(&next.why)));
}

fn holds_up(number: usize) -> String {
    let or_more = if number == HELD_UP_MOST { "+" } else { "" };
    format!("holds up {}{or_more}", count_of(number))
}

/// The tenth of an hour is as exact as a sum of estimates can be.
fn rounded(estimate: Hours) -> Hours {
    let round = |hours: f64| (hours * 10.0).round() / 10.0;
    Hours { low: round(estimate.low), high: round(estimate.high) }
}

fn ids(ids: &[AchievementId]) -> String {
    let shown: Vec<String> = ids.iter().take(IDS).map(ToString::to_string).collect();
    match ids.len().checked_sub(IDS) {
        None | Some(0) => shown.join(", "),
        Some(more) => format!("{} and {} more", shown.join(", "), count_of(more)),
    }
}

fn more(out: &mut String, number: usize) {
    if number > 0 {
        out.push_str(&format!("  … and {} more\n", count_of(number)));
    }
}

fn span(levels: &[LevelProgress]) -> String {
    match levels {
        [] => String::new(),
        [only] => only.level.to_string(),
        [first, .., last] => format!("{}–{}", first.level, last.level),
    }
}

fn sum(levels: &[LevelProgress]) -> Counts {
    levels.iter().fold(Counts::default(), |sum, level| sum.plus(&level.counts))
}
