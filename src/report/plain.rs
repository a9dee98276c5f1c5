//! Progress where there is no terminal: a timestamped line for each thing that a person would want to find in a log.
//!
//! Times are UTC, as in the other outputs; the first line says so. A line that cannot be written is dropped.

use std::io::Write;

use jiff::Timestamp;

use super::{
    Clock, Reporter,
    format::{clock_time, count, count_of, duration, plural},
    sanitize,
    tally::{Detail, InFlight, Phase, Tally, milliseconds_between},
    truncate,
};
use crate::{
    document::{Finding, Severity},
    engine::{CallId, Event, Verdict},
};

/// Milliseconds between two lines that only say that the run goes on.
const HEARTBEAT: u64 = 30_000;
/// The longest line, columns: a server's or a model's words can be of any length.
const LONGEST: usize = 500;

/// The reporter for pipes, files and CI logs.
pub struct Plain<W> {
    out: W,
    clock: Clock,
    tally: Tally,
    heartbeat: Option<Timestamp>,
}

impl<W: Write + Send> Plain<W> {
    /// Writes lines to `out`, with the times that `clock` tells.
    pub fn new(out: W, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self { out, clock: Box::new(clock), tally: Tally::default(), heartbeat: None }
    }

    fn line(&mut self, now: Timestamp, text: &str) {
        let text = sanitize(text);
        // In one piece, so that lines of several writers do not mix. A log that is gone is no reason to end the run.
        let line = format!("{} {}\n", clock_time(now), truncate(&text, LONGEST));
        let _ = self.out.write_all(line.as_bytes());
    }

    fn beat(&mut self, now: Timestamp) {
        let last = *self.heartbeat.get_or_insert(now);
        if milliseconds_between(last, now) >= HEARTBEAT {
            self.heartbeat = Some(now);
            let text = format!(
                "{} in flight, {}",
                count_of(self.tally.in_flight()),
                self.tally.figures(Detail::All).join(", ")
            );
            self.line(now, &text);
        }
    }
}

impl<W: Write + Send> Reporter for Plain<W> {
    fn event(&mut self, event: &Event) {
        let now = (self.clock)();
        // The call's own state is gone from the tally once its document is written.
        let text = sentence(event, &self.tally, now);
        self.tally.apply(event, now);
        if let Some(text) = text {
            self.line(now, &text);
        }
        match event {
            Event::RunFinished { .. } => {}
            _ => self.beat(now),
        }
    }

    fn finish(&mut self) {
        let _ = self.out.flush();
    }
}

/// The line for an event; `tally` is as it was before it. `None` for what is too frequent or said by another event.
fn sentence(event: &Event, tally: &Tally, now: Timestamp) -> Option<String> {
    Some(match event {
        Event::RunStarted { run, plan, model, items, concurrency, at: _ } => format!(
            "run {run}: {} of {plan} with {model}, at most {} in flight; times are UTC",
            plural(*items, "item"),
            plural(*concurrency, "call"),
        ),
        Event::CallStarted { call, attempt: 1, .. } => format!("{call} started"),
        Event::CallStarted { call, attempt, .. } => format!("{call} asked again (attempt {attempt})"),
        Event::CallRemembered { call, .. } => format!("{call} answered from the tape; paid for earlier"),
        Event::CallProgress { .. }
        | Event::Sending { .. }
        | Event::Unsent { .. }
        | Event::Exchange { .. }
        | Event::CallFinished { .. }
        | Event::ItemDone { .. } => return None,
        Event::CallRetrying { call, reason, delay_ms } => {
            format!("{call} retrying in {}: {reason}", duration(*delay_ms))
        }
        Event::CallHeld { call, reason, until, behind } => {
            let until = until
                .map(|until| format!(" until {} ({})", clock_time(until), duration(milliseconds_between(now, until))));
            let behind = if *behind > 0 { format!("; {} more behind it", count_of(*behind)) } else { String::new() };
            format!("{call} waits{} for {reason}{behind}", until.unwrap_or_default())
        }
        Event::CapLowered { call, from, to } => {
            format!("{call} asks for at most {to} output tokens instead of {from}, to fit the model")
        }
        Event::AnswerRejected { call, attempt, findings } => {
            format!("{call} rejected (attempt {attempt}): {}", shortcomings(findings))
        }
        Event::AnswerReviewed { call, attempt, verdict, ignored } => {
            let said = match verdict {
                Verdict::Pass => "passed its review",
                Verdict::Fail => "failed its review",
                Verdict::Unknown => "has no verdict: the review did not come, or cannot be read",
            };
            let ignored = match *ignored {
                0 => String::new(),
                count => format!(" ({} left out that no passage of the document shows)", plural(count, "fault")),
            };
            format!("{call} (attempt {attempt}) {said}{ignored}")
        }
        Event::AnswerCut { call, attempt, remedy } => format!("{call} (attempt {attempt}) {remedy}"),
        Event::DocumentWritten { call, path, warnings } => done(*call, tally.call(*call), path, warnings),
        Event::ItemFailed { item, reason, .. } => format!("{item} failed: {reason}"),
        Event::ItemBlocked { item, by } => format!("{item} blocked by {by}"),
        Event::Stopping { reason } => format!("stopping: {reason}"),
        Event::RunFinished { summary } => {
            let mut text = format!("run ended after {}: {} done", duration(summary.wall_ms), count_of(summary.done));
            let others = [
                (summary.failed, "failed"),
                (summary.blocked, "blocked"),
                (summary.not_started, "not started"),
                (summary.skipped, "skipped"),
            ];
            for (number, word) in others.into_iter().filter(|(number, _)| *number > 0) {
                text.push_str(&format!(", {} {word}", count_of(number)));
            }
            text
        }
    })
}

fn done(id: CallId, call: Option<&InFlight>, path: &str, warnings: &[Finding]) -> String {
    let mut text = format!("{id} done");
    if let Some(InFlight { phase: Phase::Checking { usage, latency_ms }, .. }) = call {
        text.push_str(&format!(" in {}", duration(*latency_ms)));
        if let Some(usage) = usage {
            text.push_str(&format!(", {} tokens out", count(usage.output)));
        }
    }
    text.push_str(&format!(": {path}"));
    if !warnings.is_empty() {
        let codes: Vec<&str> = warnings.iter().map(|warning| warning.code.as_str()).collect();
        text.push_str(&format!(" ({}: {})", plural(warnings.len(), "warning"), codes.join(", ")));
    }
    text
}

/// The first error in full, and how many more there are.
fn shortcomings(findings: &[Finding]) -> String {
    let mut errors = findings.iter().filter(|finding| finding.severity == Severity::Error);
    let Some(first) = errors.next() else { return "no reason given".to_owned() };
    let more = match errors.count() {
        0 => String::new(),
        more => format!(" (and {} more)", count_of(more)),
    };
    format!("{}: {}{more}", first.code, first.message)
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    };

    use super::*;
    use crate::document::Code;
    use crate::{engine::Summary, report::events_for_tests::*};

    /// A reporter whose clock moves on by `step` seconds with each event.
    fn log(events: &[Event], step: i64) -> String {
        let mut out = Vec::new();
        let seconds = Arc::new(AtomicI64::new(0));
        let start = at("2025-02-03T12:03:04Z").as_second();
        let clock = move || Timestamp::from_second(start + seconds.fetch_add(step, Ordering::Relaxed)).unwrap();
        let mut plain = Plain::new(&mut out, clock);
        for event in events {
            plain.event(event);
        }
        plain.finish();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_event_has_its_line() {
        let (first, second) = (subplan("1.1"), execution("1.2", 2, 3));
        let summary = Summary { done: 1, failed: 1, blocked: 1_200, wall_ms: 64_000, ..Summary::default() };
        let warnings = vec![finding(Code::TooLong, Severity::Warning, "900 lines")];
        let path = "execution/EXECUTION_TASK_DEMO_12_02.md".to_owned();
        let events = [
            run_started(3),
            started(first, 1),
            Event::CallProgress { call: first, chars: 10 },
            finished(first, 1, 7_000, 0, 1_834, None),
            rejected(first, 1),
            started(first, 2),
            finished(first, 2, 7_000, 0, 1_834, None),
            written(first),
            Event::ItemDone { item: first.item },
            started(second, 1),
            Event::CallRetrying { call: second, reason: "429 \u{1b}[31mslow\ndown".into(), delay_ms: 2_000 },
            Event::CallFinished { call: second, attempt: 1, usage: None, cost: None, latency_ms: 400, requests: 2 },
            Event::DocumentWritten { call: second, path, warnings },
            failed(second.item, "the model refused"),
            blocked(execution("2.1", 1, 1).item, second.item),
            Event::Stopping { reason: "quota".into() },
            Event::RunFinished { summary },
        ];
        insta::assert_snapshot!(log(&events, 1), @r"
        12:03:04 run 20250203-120304: 3 items of DEMO with gpt-5, at most 8 calls in flight; times are UTC
        12:03:05 1.1 subplan started
        12:03:08 1.1 subplan rejected (attempt 1): section-missing: the section Objective is missing (and 1 more)
        12:03:09 1.1 subplan asked again (attempt 2)
        12:03:11 1.1 subplan done in 12.3s, 1,834 tokens out: subplans/SUBPLAN_DEMO_11.md
        12:03:13 1.2 execution 2/3 started
        12:03:14 1.2 execution 2/3 retrying in 2.0s: 429 slow down
        12:03:16 1.2 execution 2/3 done in 0.4s: execution/EXECUTION_TASK_DEMO_12_02.md (1 warning: too-long)
        12:03:17 1.2 execution failed: the model refused
        12:03:18 2.1 execution blocked by 1.2 execution
        12:03:19 stopping: quota
        12:03:20 run ended after 1m 04s: 1 done, 1 failed, 1,200 blocked
        ");
    }

    #[test]
    fn a_heartbeat_at_most_every_30_seconds() {
        let call = subplan("1.1");
        let mut events = vec![run_started(40), started(call, 1)];
        events.extend((0..8).map(|chars| Event::CallProgress { call, chars }));
        insta::assert_snapshot!(log(&events, 10), @r"
        12:03:04 run 20250203-120304: 40 items of DEMO with gpt-5, at most 8 calls in flight; times are UTC
        12:03:14 1.1 subplan started
        12:03:34 1 in flight, 0/40 done
        12:04:04 1 in flight, 0/40 done
        12:04:34 1 in flight, 0/40 done
        ");
        assert_eq!(log(&events, 3).lines().count(), 2);
    }

    #[test]
    fn a_log_that_is_gone_is_no_reason_to_stop() {
        let mut nowhere: &mut [u8] = &mut [];
        let mut plain = Plain::new(&mut nowhere, || at("2025-02-03T12:03:04Z"));
        plain.event(&run_started(1));
        plain.finish();
    }
}
