//! Progress on a terminal: one overall bar and, below it, a line for each call in flight as far as they fit.
//!
//! Events only change a [`Tally`]; the frame is worked out from it when it is drawn, at most ten times a second,
//! and with the size that the terminal has at that moment. So a run with thousands of chunks a second costs no drawing,
//! and a resized terminal is filled and not overrun.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use jiff::Timestamp;

use super::{Clock, Reporter, Style, frame, sanitize, tally::Tally, truncate};
use crate::engine::Event;

/// Frames a second, at most.
const FRAMES: u8 = 10;

/// Tells the rows and columns that a terminal has at the moment.
pub type Size = Box<dyn Fn() -> (u16, u16) + Send + Sync>;

/// How [`Progress`] draws.
pub struct ProgressOptions {
    /// Tells the time.
    pub clock: Clock,
    /// Tells the terminal's size.
    pub size: Size,
    /// Colours or not.
    pub style: Style,
    /// Draw by itself in this interval, so that times go on where nothing happens; `None` draws on events only.
    pub tick: Option<Duration>,
}

/// The reporter for a terminal.
pub struct Progress {
    bar: ProgressBar,
    tally: Arc<Mutex<Tally>>,
    options: Arc<ProgressOptions>,
}

impl Progress {
    /// Draws on standard error; `None` where that is no terminal that a bar can be drawn on.
    pub fn stderr(style: Style) -> Option<Self> {
        let term = Term::buffered_stderr();
        let target = ProgressDrawTarget::term(term.clone(), FRAMES);
        if target.is_hidden() {
            return None;
        }
        let options = ProgressOptions {
            clock: Box::new(Timestamp::now),
            size: Box::new(move || term.size()),
            style,
            tick: Some(Duration::from_secs(1) / u32::from(FRAMES)),
        };
        Some(Self::new(target, options))
    }

    /// Draws where it is told.
    pub fn new(target: ProgressDrawTarget, options: ProgressOptions) -> Self {
        let (tally, options) = (Arc::new(Mutex::new(Tally::default())), Arc::new(options));
        let bar = ProgressBar::with_draw_target(Some(0), target);
        bar.set_style(bar_style(&tally, &options));
        Self { bar, tally, options }
    }

    /// For what else has to write to the same terminal meanwhile, such as a log: its `suspend` takes the bars away and
    /// puts them back.
    pub fn bar(&self) -> ProgressBar {
        self.bar.clone()
    }

    /// Prints what has to stay on the screen. Two lines say enough; the summary has the whole.
    fn print_above(&self, text: &str) {
        let (_, columns) = (self.options.size)();
        let text = sanitize(text);
        let text = truncate(&text, frame::columns(columns) * 2 - 1);
        self.bar.println(self.options.style.bad(text));
    }
}

impl Reporter for Progress {
    fn event(&mut self, event: &Event) {
        let now = (self.options.clock)();
        let (ended, items) = {
            // Let go before the bar is touched: drawing locks the tally while it holds the bar.
            let mut tally = lock(&self.tally);
            tally.apply(event, now);
            (as_length(tally.ended()), as_length(tally.items))
        };
        match event {
            Event::RunStarted { .. } => {
                self.bar.set_length(items);
                if let Some(interval) = self.options.tick {
                    self.bar.enable_steady_tick(interval);
                }
            }
            Event::ItemDone { .. } | Event::ItemBlocked { .. } => self.bar.set_position(ended),
            Event::ItemFailed { item, reason, .. } => {
                self.bar.set_position(ended);
                self.print_above(&format!("{item} failed: {reason}"));
            }
            Event::Stopping { reason } => self.print_above(&format!("stopping: {reason}")),
            Event::RunFinished { .. } => self.bar.finish_and_clear(),
            Event::CallStarted { .. }
            | Event::CallProgress { .. }
            | Event::Sending { .. }
            | Event::Unsent { .. }
            | Event::Exchange { .. }
            | Event::CallRetrying { .. }
            | Event::CallHeld { .. }
            | Event::CapLowered { .. }
            | Event::CallFinished { .. }
            | Event::CallRemembered { .. }
            | Event::AnswerRejected { .. }
            | Event::AnswerReviewed { .. }
            | Event::AnswerCut { .. }
            | Event::DocumentWritten { .. } => self.bar.tick(),
        }
    }

    fn finish(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// The bar is indicatif's; the figures beside it and the lines below come from [`frame`] when it draws.
fn bar_style(tally: &Arc<Mutex<Tally>>, options: &Arc<ProgressOptions>) -> ProgressStyle {
    let template = match options.style == Style::default() {
        true => "{wide_bar} {figures}\n{in_flight}",
        false => "{wide_bar:.green/dim} {figures}\n{in_flight}",
    };
    let draw = |part: fn(&Tally, Timestamp, (u16, u16), Style) -> String| {
        let (tally, options) = (Arc::clone(tally), Arc::clone(options));
        move |_: &ProgressState, out: &mut dyn std::fmt::Write| {
            let (now, size) = ((options.clock)(), (options.size)());
            // A frame that cannot be written is followed by the next one.
            let _ = out.write_str(&part(&lock(&tally), now, size, options.style));
        }
    };
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸─")
        .with_key("figures", draw(frame::figures))
        .with_key("in_flight", draw(frame::in_flight))
}

/// A panic elsewhere must not take the display with it.
fn lock(tally: &Mutex<Tally>) -> MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}

fn as_length(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use indicatif::{InMemoryTerm, TermLike};

    use super::*;
    use crate::report::events_for_tests::*;

    fn progress(rows: u16, columns: u16) -> (InMemoryTerm, Progress) {
        let term = InMemoryTerm::new(rows, columns);
        let size = term.clone();
        let options = ProgressOptions {
            clock: Box::new(|| at("2025-02-03T12:03:04Z")),
            size: Box::new(move || (size.height(), size.width())),
            style: Style::default(),
            tick: None,
        };
        // No frame rate: each event is drawn.
        (term.clone(), Progress::new(ProgressDrawTarget::term_like(Box::new(term)), options))
    }

    #[test]
    fn a_run_from_beginning_to_end() {
        let (term, mut progress) = progress(24, 80);
        progress.event(&run_started(3));
        progress.event(&started(subplan("1.1"), 1));
        progress.event(&started(subplan("1.2"), 2));
        progress.event(&Event::CallProgress { call: subplan("1.1"), chars: 4_120 });
        let retrying =
            Event::CallRetrying { call: subplan("1.2"), reason: "429 too many\nrequests".into(), delay_ms: 2_000 };
        progress.event(&retrying);
        insta::assert_snapshot!(term.contents(), @r"
        ──────────────────────────────────────────────────────────────── 0/3 done  00:00
        ⠋ 1.1 subplan  Write the 1.1 that eve…  4,120 chars, 00:00
        ⠋ 1.2 subplan  Write the 1.2 that eve…  attempt 2, retrying in 2s: 429 too many…
        ");
        progress.event(&finished(subplan("1.1"), 1, 12_000, 9_000, 3_000, Some(0.25)));
        progress.event(&written(subplan("1.1")));
        progress.event(&Event::ItemDone { item: subplan("1.1").item });
        progress.event(&failed(subplan("1.2").item, "the model \u{1b}[31mrefused\u{202e}"));
        progress.event(&blocked(execution("1.2", 1, 1).item, subplan("1.2").item));
        progress.bar.force_draw();
        insta::assert_snapshot!(term.contents(), @r"
        1.2 subplan failed: the model refused
        ━━━━━━━━━━━━━━━━━━━ 1/3 done  1 failed  1 blocked  12k in 3.0k out  $0.25  00:00
        ");
        progress.finish();
        insta::assert_snapshot!(term.contents(), @"1.2 subplan failed: the model refused");
    }

    #[test]
    fn never_more_lines_than_the_terminal_has() {
        for (rows, columns) in [(24, 80), (10, 40), (3, 80), (2, 20), (1, 10)] {
            let (term, mut progress) = progress(rows, columns);
            progress.event(&run_started(60));
            for number in 1..=60 {
                progress.event(&started(subplan(&format!("1.{number}")), 1));
                let lines = progress.bar_lines(rows, columns);
                assert!(lines <= usize::from(rows), "{lines} lines in {rows}x{columns}");
            }
            // Had a frame been longer than the screen, its head would have scrolled away.
            let contents = term.contents();
            let first = contents.lines().next().unwrap();
            assert!(rows < 2 || first.contains("0/60") || columns < 40, "{contents}");
        }
        let (term, mut progress) = progress(24, 80);
        progress.event(&run_started(60));
        for number in 1..=60 {
            progress.event(&started(subplan(&format!("1.{number}")), 1));
        }
        assert_eq!(term.contents().lines().count(), 23);
        insta::assert_snapshot!(term.contents(), @r"
        ─────────────────────────────────────────────────────────────── 0/60 done  00:00
        ⠋ 1.1 subplan   Write the 1.1 that everything else of t…  waiting, 00:00
        ⠋ 1.2 subplan   Write the 1.2 that everything else of t…  waiting, 00:00
        ⠋ 1.3 subplan   Write the 1.3 that everything else of t…  waiting, 00:00
        ⠋ 1.4 subplan   Write the 1.4 that everything else of t…  waiting, 00:00
        ⠋ 1.5 subplan   Write the 1.5 that everything else of t…  waiting, 00:00
        ⠋ 1.6 subplan   Write the 1.6 that everything else of t…  waiting, 00:00
        ⠋ 1.7 subplan   Write the 1.7 that everything else of t…  waiting, 00:00
        ⠋ 1.8 subplan   Write the 1.8 that everything else of t…  waiting, 00:00
        ⠋ 1.9 subplan   Write the 1.9 that everything else of t…  waiting, 00:00
        ⠋ 1.10 subplan  Write the 1.10 that everything else of …  waiting, 00:00
        ⠋ 1.11 subplan  Write the 1.11 that everything else of …  waiting, 00:00
        ⠋ 1.12 subplan  Write the 1.12 that everything else of …  waiting, 00:00
        ⠋ 1.13 subplan  Write the 1.13 that everything else of …  waiting, 00:00
        ⠋ 1.14 subplan  Write the 1.14 that everything else of …  waiting, 00:00
        ⠋ 1.15 subplan  Write the 1.15 that everything else of …  waiting, 00:00
        ⠋ 1.16 subplan  Write the 1.16 that everything else of …  waiting, 00:00
        ⠋ 1.17 subplan  Write the 1.17 that everything else of …  waiting, 00:00
        ⠋ 1.18 subplan  Write the 1.18 that everything else of …  waiting, 00:00
        ⠋ 1.19 subplan  Write the 1.19 that everything else of …  waiting, 00:00
        ⠋ 1.20 subplan  Write the 1.20 that everything else of …  waiting, 00:00
        ⠋ 1.21 subplan  Write the 1.21 that everything else of …  waiting, 00:00
          … and 39 more in flight
        ");
    }

    impl Progress {
        fn bar_lines(&self, rows: u16, columns: u16) -> usize {
            let tally = lock(&self.tally);
            let below = frame::in_flight(&tally, at("2025-02-03T12:03:04Z"), (rows, columns), Style::default());
            1 + below.lines().count()
        }
    }
}
