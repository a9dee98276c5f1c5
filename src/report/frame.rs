//! What the progress display says at one moment, as text that fits the terminal. Pure.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use console::measure_text_width;
use jiff::Timestamp;

use super::{
    Style,
    columns::{cell, left},
    format::{count_of, elapsed},
    tally::{InFlight, Phase, Tally, milliseconds_between},
    truncate,
};
use crate::engine::CallId;

/// The columns that the bar has at least.
const BAR: usize = 10;
/// The columns that the state of a call has at least, so that lines do not jump as numbers grow.
const STATE: usize = 22;
/// A title cut shorter says nothing.
const SHORTEST_TITLE: usize = 8;
const SPINNER: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/// The columns that a terminal has, as a layout can use them; a terminal that does not say has 80.
pub(super) fn columns(columns: u16) -> usize {
    match columns {
        0 => 80,
        columns => usize::from(columns),
    }
}

/// What stands beside the bar: how far, tokens, cost, time.
pub(super) fn figures(tally: &Tally, now: Timestamp, (_, width): (u16, u16), style: Style) -> String {
    let mut figures = tally.figures();
    figures.push(elapsed(tally.elapsed_ms(now)));
    if tally.stopping {
        figures.insert(0, "stopping".to_owned());
    }
    let room = columns(width).saturating_sub(BAR + 1);
    // What does not fit goes from the middle: how far it is and the time are worth more than the rest.
    while figures.len() > 2 && measure_text_width(&figures.join(" · ")) > room {
        figures.remove(figures.len() - 2);
    }
    let text = figures.join(" · ");
    let text = truncate(&text, room);
    if tally.failed > 0 || tally.stopping { style.warning(text) } else { text.into_owned() }
}

/// A line for each call in flight, the longest running first, joined by line feeds; as many as fit below the bar.
pub(super) fn in_flight(tally: &Tally, now: Timestamp, (rows, width): (u16, u16), style: Style) -> String {
    let width = columns(width);
    let rows = if rows == 0 { 24 } else { usize::from(rows) };
    // One row for the bar, one for the cursor and for what is printed above.
    let room = rows.saturating_sub(2);
    let calls = tally.oldest();
    let shown = if calls.len() <= room { calls.len() } else { room.saturating_sub(1) };
    let rest = calls.len() - shown;
    let rows: Vec<Row> = calls.into_iter().take(shown).map(|(id, call)| Row::new(id, call, now)).collect();
    let label = rows.iter().map(|row| measure_text_width(&row.label)).max().unwrap_or(0);
    let state = rows.iter().map(|row| measure_text_width(&row.state)).max().unwrap_or(0).clamp(STATE, (width / 2).max(STATE));
    let spinner = SPINNER[usize::try_from(tally.elapsed_ms(now) / 100 % 10).unwrap_or(0)];
    let mut lines: Vec<String> =
        rows.iter().map(|row| row.line(spinner, label, state, width, style)).collect();
    if rest > 0 && room > 0 {
        let text = format!("  … and {} more in flight", count_of(rest));
        lines.push(style.dim(truncate(&text, width)));
    }
    lines.join("\n")
}

/// A call in flight in words.
struct Row<'a> {
    label: String,
    title: &'a str,
    state: String,
    retrying: bool,
}

impl<'a> Row<'a> {
    fn new(id: CallId, call: &'a InFlight, now: Timestamp) -> Self {
        let time = elapsed(milliseconds_between(call.since, now));
        let state = match &call.phase {
            Phase::Waiting => format!("waiting · {time}"),
            Phase::Receiving(chars) => format!("{} chars · {time}", count_of(*chars)),
            Phase::Retrying { reason, until } => match milliseconds_between(now, *until).div_ceil(1_000) {
                0 => format!("retrying: {reason}"),
                seconds => format!("retrying in {seconds}s: {reason}"),
            },
            Phase::Checking { .. } => "checking".to_owned(),
        };
        let state = if call.attempt > 1 { format!("attempt {} · {state}", call.attempt) } else { state };
        let retrying = matches!(call.phase, Phase::Retrying { .. });
        Self { label: id.to_string(), title: &call.title, state, retrying }
    }

    fn line(&self, spinner: &str, label: usize, state: usize, width: usize, style: Style) -> String {
        let head = format!("{spinner} {}", left(&self.label, label));
        let head = truncate(&head, width);
        let room = width.saturating_sub(measure_text_width(&head) + 2);
        if room == 0 {
            return head.into_owned();
        }
        let title = room.saturating_sub(state + 2);
        let title = if title < SHORTEST_TITLE { String::new() } else { format!("{}  ", cell(self.title, title)) };
        let state = truncate(&self.state, room - measure_text_width(&title));
        let state = if self.retrying { style.warning(state) } else { style.dim(state) };
        format!("{head}  {title}{state}")
    }
}
