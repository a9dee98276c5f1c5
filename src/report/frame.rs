//! What the progress display says at one moment, as text that fits the terminal. Pure.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use console::measure_text_width;
use jiff::Timestamp;

use super::{
    Style,
    columns::{cell, left},
    format::{clock_time, count_of, elapsed},
    tally::{Detail, InFlight, Phase, Tally, milliseconds_between},
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
    let room = columns(width).saturating_sub(BAR + 1);
    let time = elapsed(tally.elapsed_ms(now));
    let mut text = String::new();
    for detail in [Detail::All, Detail::WithoutShare, Detail::WithoutOutcomes, Detail::WithoutTokens] {
        let mut figures = tally.figures(detail);
        figures.push(time.clone());
        if tally.stopping {
            figures.insert(0, "stopping".to_owned());
        }
        text = figures.join("  ");
        if measure_text_width(&text) <= room {
            break;
        }
    }
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
    let state =
        rows.iter().map(|row| measure_text_width(&row.state)).max().unwrap_or(0).clamp(STATE, (width / 2).max(STATE));
    let spinner = SPINNER[usize::try_from(tally.elapsed_ms(now) / 100 % 10).unwrap_or(0)];
    let mut lines: Vec<String> = rows.iter().map(|row| row.line(spinner, label, state, width, style)).collect();
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
            Phase::Waiting => format!("waiting, {time}"),
            Phase::Receiving(chars) => format!("{} chars, {time}", count_of(*chars)),
            Phase::Retrying { reason, until } => match milliseconds_between(now, *until).div_ceil(1_000) {
                0 => format!("retrying: {reason}"),
                seconds => format!("retrying in {seconds}s: {reason}"),
            },
            Phase::Held { until: Some(until), .. } if *until <= now => format!("waiting, {time}"),
            Phase::Held { reason, until } => {
                let until = until.map(|until| format!(" until {} UTC", clock_time(until))).unwrap_or_default();
                format!("held{until} for {reason}")
            }
            Phase::Checking { .. } => "checking".to_owned(),
        };
        let state = if call.attempt > 1 { format!("attempt {}, {state}", call.attempt) } else { state };
        let retrying = matches!(call.phase, Phase::Retrying { .. } | Phase::Held { .. });
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::Event,
        report::{events_for_tests::*, sanitize::is_unsafe},
    };

    const SIZE: (u16, u16) = (24, 80);

    /// A run of 40 items after the given events, each a second after the one before.
    fn tally(events: &[Event]) -> (Tally, Timestamp) {
        let mut tally = Tally::default();
        let mut now = at("2025-02-03T12:03:04Z");
        tally.apply(&run_started(40), now);
        for event in events {
            now += jiff::SignedDuration::from_secs(1);
            tally.apply(event, now);
        }
        (tally, now)
    }

    #[test]
    fn figures_give_way_where_there_is_no_room() {
        let call = subplan("1.1");
        let (mut tally, now) = tally(&[
            finished(call, 1, 38_000, 22_800, 21_000, Some(0.42)),
            failed(call.item, "refused"),
            blocked(execution("1.1", 1, 1).item, call.item),
        ]);
        let at_width = |tally: &Tally, width| figures(tally, now, (24, width), Style::default());
        let table = [
            (120, "0/40 done  1 failed  1 blocked  38k in (60% cached) 21k out  $0.42  00:03"),
            (80, "0/40 done  1 failed  1 blocked  38k in 21k out  $0.42  00:03"),
            (60, "0/40 done  38k in 21k out  $0.42  00:03"),
            (40, "0/40 done  $0.42  00:03"),
            (20, "0/40 don…"),
            (5, ""),
            (0, "0/40 done  1 failed  1 blocked  38k in 21k out  $0.42  00:03"),
        ];
        for (width, text) in table {
            assert_eq!(at_width(&tally, width), text, "{width}");
        }
        tally.apply(&Event::Stopping { reason: "quota".into() }, now);
        assert_eq!(at_width(&tally, 60), "stopping  0/40 done  38k in 21k out  $0.42  00:03");
    }

    #[test]
    fn each_phase_has_its_words() {
        let retrying = |call, delay_ms| Event::CallRetrying { call, reason: "429 slow\ndown".into(), delay_ms };
        let (tally, now) = tally(&[
            started(subplan("1.1"), 1),
            started(subplan("1.2"), 1),
            Event::CallProgress { call: subplan("1.2"), chars: 4_120 },
            started(subplan("1.10"), 3),
            retrying(subplan("1.10"), 9_500),
            started(subplan("2.1"), 1),
            retrying(subplan("2.1"), 10),
            started(execution("3.1", 2, 3), 2),
            finished(execution("3.1", 2, 3), 2, 1, 0, 1, None),
        ]);
        insta::assert_snapshot!(in_flight(&tally, now, SIZE, Style::default()), @r"
        ⠋ 1.1 subplan        Write the 1.1 th…  waiting, 00:08
        ⠋ 1.2 subplan        Write the 1.2 th…  4,120 chars, 00:07
        ⠋ 1.10 subplan       Write the 1.10 t…  attempt 3, retrying in 6s: 429 slow down
        ⠋ 2.1 subplan        Write the 2.1 th…  retrying: 429 slow down
        ⠋ 3.1 execution 2/3  Write the 3.1 th…  attempt 2, checking
        ");
    }

    #[test]
    fn lines_fit_and_are_harmless_on_every_size() {
        let hostile = "\u{1b}[2J\u{202e}a\u{7}\nb\u{9b}31m 世界".repeat(20);
        let mut events = Vec::new();
        for number in 1..=30 {
            let call = execution(&format!("1.{number}"), 1, 9);
            events.push(Event::CallStarted { call, title: hostile.clone(), attempt: 2 });
            events.push(Event::CallRetrying { call, reason: hostile.clone(), delay_ms: u64::MAX });
        }
        let (tally, now) = tally(&events);
        for rows in [0, 1, 2, 3, 10, 24, 33, 100] {
            for width in [0, 1, 2, 5, 20, 40, 79, 80, 200] {
                let text = in_flight(&tally, now, (rows, width), Style::default());
                let lines: Vec<&str> = text.lines().collect();
                assert!(lines.len() <= usize::from(if rows == 0 { 24 } else { rows }).saturating_sub(2));
                for line in lines {
                    assert!(measure_text_width(line) <= columns(width), "{rows}x{width}: {line:?}");
                    assert!(!line.contains(is_unsafe), "{line:?}");
                }
                let coloured = in_flight(&tally, now, (rows, width), Style::new(true));
                assert_eq!(console::strip_ansi_codes(&coloured), text);
            }
        }
    }
}
