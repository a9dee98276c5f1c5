//! What a run under way waits for, as its own events tell. Pure.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use jiff::Timestamp;
use serde::Serialize;

use super::{clock_time, format::count_of, sanitize};
use crate::event::{CallId, Event, read_journal};

/// The latest lines of a journal that are looked at: a call that is held back says so at last.
const LATEST: usize = 2_000;

/// A call that is held back.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunWaiting {
    /// The run's id.
    pub run: String,
    /// The call.
    pub call: CallId,
    /// What it waits for.
    pub reason: String,
    /// Until when; `None` where that depends on other answers.
    pub until: Option<Timestamp>,
    /// Requests that wait behind it.
    pub behind: usize,
}

impl RunWaiting {
    /// The call that is held back by the end of a run's journal; `None` where there is none, or the run has ended.
    pub fn read(run: &str, journal: &str, now: Timestamp) -> Option<Self> {
        let start = journal.trim_end().rmatch_indices('\n').nth(LATEST).map_or(0, |(at, _)| at + 1);
        let mut held: Option<Self> = None;
        for event in read_journal(journal.get(start..)?).flatten() {
            match event {
                Event::CallHeld { call, reason, until, behind } => {
                    held = Some(Self { run: run.to_owned(), call, reason, until, behind });
                }
                Event::RunFinished { .. } => held = None,
                Event::CallFinished { call, .. }
                | Event::CallRetrying { call, .. }
                | Event::Exchange { call: Some(call), .. }
                    if held.as_ref().is_some_and(|held| held.call == call) =>
                {
                    held = None;
                }
                _ => {}
            }
        }
        held.filter(|held| held.until.is_none_or(|until| until > now))
    }

    /// One line.
    pub fn text(&self) -> String {
        let until = self.until.map(|until| format!(" until {} UTC", clock_time(until))).unwrap_or_default();
        let behind =
            if self.behind > 0 { format!("; {} more behind it", count_of(self.behind)) } else { String::new() };
        format!("Run {}: {} waits{until} for {}{behind}\n", sanitize(&self.run), self.call, sanitize(&self.reason))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        event::Summary,
        report::{events_for_tests::*, json_line},
    };

    #[test]
    fn the_last_call_that_is_held_back_until_it_goes_on() {
        let (first, second) = (subplan("1.1"), subplan("1.2"));
        let held = |call, until: &str| Event::CallHeld {
            call,
            reason: String::from("the rate limit\u{1b}[2J of s"),
            until: Some(at(until)),
            behind: 3,
        };
        let now = at("2025-02-03T12:03:00Z");
        let read = |events: &[Event]| {
            let journal: String = events.iter().map(|event| json_line(event).unwrap() + "\n").collect();
            RunWaiting::read("run-1", &journal, now)
        };
        let began = [run_started(3), started(first, 1), held(first, "2025-02-03T12:03:30Z")];
        let waiting = read(&began).unwrap();
        assert_eq!(
            waiting.text(),
            "Run run-1: 1.1 subplan waits until 12:03:30 UTC for the rate limit of s; 3 more behind it\n"
        );
        let and = |more: &[Event]| read(&[&began[..], more].concat());
        assert_eq!(and(&[held(second, "2025-02-03T12:05:00Z")]).map(|held| held.call), Some(second));
        assert_eq!(and(&[held(second, "2025-02-03T12:02:00Z")]), None, "that is over");
        assert_eq!(and(&[finished(second, 1, 1, 0, 1, None)]).map(|held| held.call), Some(first));
        assert_eq!(and(&[finished(first, 1, 1, 0, 1, None)]), None);
        assert_eq!(and(&[Event::RunFinished { summary: Summary::default() }]), None);
        assert_eq!(RunWaiting::read("run-1", "", now), None);
    }
}
