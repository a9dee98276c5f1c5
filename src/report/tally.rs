//! What the events so far add up to: the state behind the progress bars and the plain log.
//!
//! A pure fold: it takes events and times, and draws nothing.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::collections::HashMap;

use jiff::Timestamp;

use super::{
    format::{cost, count_of, percent, short_count},
    sanitize, truncate,
};
use crate::{
    engine::{CallId, Event, ItemId},
    model::Usage,
};

/// No terminal line is longer; what is kept of titles and reasons needs no more.
const LONGEST: usize = 200;

/// A run so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Items to generate.
    pub(super) items: usize,
    /// Items whose documents are all on disk.
    pub(super) done: usize,
    /// Items that failed.
    pub(super) failed: usize,
    /// Items that something failed blocks.
    pub(super) blocked: usize,
    /// When the run began.
    pub(super) started: Option<Timestamp>,
    /// The run is coming to an early end.
    pub(super) stopping: bool,
    /// Tokens of all answers, rejected ones included.
    usage: Usage,
    /// Dollars for them.
    cost: f64,
    /// There were answers whose cost is known.
    priced: bool,
    /// There were answers whose cost is not known.
    unpriced: bool,
    in_flight: HashMap<CallId, InFlight>,
    calls: u64,
}

/// A call under way.
#[derive(Debug)]
pub(super) struct InFlight {
    /// The achievement's title, fit to be shown.
    pub(super) title: String,
    /// From 1.
    pub(super) attempt: u32,
    /// When the attempt began.
    pub(super) since: Timestamp,
    /// What it is doing.
    pub(super) phase: Phase,
    /// Position in the order of starting.
    order: u64,
}

/// What a call is doing.
#[derive(Debug)]
pub(super) enum Phase {
    /// Nothing of the answer has come yet.
    Waiting,
    /// So many characters of the answer have come.
    Receiving(usize),
    /// The request is sent again at the given time.
    Retrying {
        /// What went wrong, fit to be shown.
        reason: String,
        /// When.
        until: Timestamp,
    },
    /// The request is held back.
    Held {
        /// What it waits for, fit to be shown.
        reason: String,
        /// Until when, where that is known.
        until: Option<Timestamp>,
    },
    /// The answer is here and being checked.
    Checking {
        /// What the provider counted.
        usage: Option<Usage>,
        /// From request to last byte, milliseconds.
        latency_ms: u64,
    },
}

/// How much [`Tally::figures`] says; what is worth least goes first where there is little room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Detail {
    /// Everything.
    All,
    /// Not which share of the prompts was cached.
    WithoutShare,
    /// Nor how many failed or are blocked.
    WithoutOutcomes,
    /// Nor tokens.
    WithoutTokens,
}

impl Tally {
    /// Takes one event that happened at `now`.
    pub(super) fn apply(&mut self, event: &Event, now: Timestamp) {
        match event {
            Event::RunStarted { items, .. } => {
                *self = Self { items: *items, started: Some(now), ..Self::default() };
            }
            Event::CallStarted { call, title, attempt } => {
                self.calls += 1;
                let title = truncate(&sanitize(title), LONGEST).into_owned();
                let order = self.calls;
                let call_state = InFlight { title, attempt: *attempt, since: now, phase: Phase::Waiting, order };
                self.in_flight.insert(*call, call_state);
            }
            Event::CallProgress { call, chars } => self.set_phase(*call, || Phase::Receiving(*chars)),
            Event::CallRetrying { call, reason, delay_ms } => self.set_phase(*call, || {
                let reason = truncate(&sanitize(reason), LONGEST).into_owned();
                Phase::Retrying { reason, until: later(now, *delay_ms) }
            }),
            Event::CallHeld { call, reason, until, behind: _ } => self.set_phase(*call, || {
                let reason = truncate(&sanitize(reason), LONGEST).into_owned();
                Phase::Held { reason, until: *until }
            }),
            Event::CapLowered { .. } => {}
            Event::CallFinished { call, usage, cost, latency_ms, .. } => {
                self.account(*usage, *cost);
                self.set_phase(*call, || Phase::Checking { usage: *usage, latency_ms: *latency_ms });
            }
            Event::CallRemembered { call, .. } => {
                self.set_phase(*call, || Phase::Checking { usage: None, latency_ms: 0 });
            }
            // A rejected call is under way again with the next `CallStarted`, if there is one.
            Event::AnswerRejected { call, .. }
            | Event::AnswerCut { call, .. }
            | Event::DocumentWritten { call, .. } => {
                self.in_flight.remove(call);
            }
            // What became of the answer is told by the events that follow.
            Event::Sending { .. } | Event::Unsent { .. } | Event::Exchange { .. } | Event::AnswerReviewed { .. } => {}
            Event::ItemDone { item } => {
                self.done += 1;
                self.forget(*item);
            }
            Event::ItemFailed { item, .. } => {
                self.failed += 1;
                self.forget(*item);
            }
            Event::ItemBlocked { .. } => self.blocked += 1,
            Event::Stopping { .. } => self.stopping = true,
            Event::RunFinished { .. } => self.in_flight.clear(),
        }
    }

    fn set_phase(&mut self, call: CallId, phase: impl FnOnce() -> Phase) {
        if let Some(call) = self.in_flight.get_mut(&call) {
            call.phase = phase();
        }
    }

    fn account(&mut self, usage: Option<Usage>, cost: Option<f64>) {
        if let Some(usage) = usage {
            self.usage += usage;
            self.unpriced |= cost.is_none();
        }
        if let Some(cost) = cost {
            self.cost += cost;
            self.priced = true;
        }
    }

    /// An item that ended has nothing in flight, whatever was said of its parts.
    fn forget(&mut self, item: ItemId) {
        self.in_flight.retain(|call, _| call.item != item);
    }

    /// How many calls are under way.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// A call under way.
    pub(super) fn call(&self, call: CallId) -> Option<&InFlight> {
        self.in_flight.get(&call)
    }

    /// The calls under way, the longest running first.
    pub(super) fn oldest(&self) -> Vec<(CallId, &InFlight)> {
        let mut calls: Vec<_> = self.in_flight.iter().map(|(id, call)| (*id, call)).collect();
        calls.sort_unstable_by_key(|(_, call)| call.order);
        calls
    }

    /// Items that are done, failed or blocked.
    pub(super) fn ended(&self) -> usize {
        self.done + self.failed + self.blocked
    }

    /// Milliseconds since the run began.
    pub(super) fn elapsed_ms(&self, now: Timestamp) -> u64 {
        self.started.map_or(0, |started| milliseconds_between(started, now))
    }

    /// How far the run is: `12/40 done`, `2 failed`, `38k in (60% cached) 21k out`, `$0.42`.
    pub(super) fn figures(&self, detail: Detail) -> Vec<String> {
        let mut figures = vec![format!("{}/{} done", count_of(self.done), count_of(self.items))];
        for (number, word) in [(self.failed, "failed"), (self.blocked, "blocked")] {
            if number > 0 && detail <= Detail::WithoutShare {
                figures.push(format!("{} {word}", count_of(number)));
            }
        }
        if self.usage != Usage::default() && detail <= Detail::WithoutOutcomes {
            let Usage { input, cached, output, .. } = self.usage;
            let share = match detail {
                Detail::All if cached > 0 => format!(" ({}% cached)", percent(cached, input)),
                _ => String::new(),
            };
            figures.push(format!("{} in{share} {} out", short_count(input), short_count(output)));
        }
        match (self.priced, self.unpriced) {
            (_, true) => figures.push("cost unknown".to_owned()),
            (true, false) => figures.push(cost(Some(self.cost))),
            (false, false) => {}
        }
        figures
    }
}

/// Milliseconds from one time to another; 0 where the clock was set back.
pub(super) fn milliseconds_between(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.as_millisecond().saturating_sub(from.as_millisecond())).unwrap_or(0)
}

fn later(at: Timestamp, milliseconds: u64) -> Timestamp {
    at.saturating_add(std::time::Duration::from_millis(milliseconds)).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::events_for_tests::*;

    #[test]
    fn sums_cover_rejected_answers_and_unknown_prices() {
        let mut tally = Tally::default();
        let now = at("2025-02-03T12:03:04Z");
        tally.apply(&run_started(5), now);
        assert_eq!(tally.figures(Detail::All), ["0/5 done"]);
        let call = subplan("1.1");
        tally.apply(&started(call, 1), now);
        tally.apply(&finished(call, 1, 12_000, 9_000, 3_000, Some(0.25)), now);
        tally.apply(&rejected(call, 1), now);
        assert_eq!(tally.in_flight(), 0);
        tally.apply(&started(call, 2), now);
        tally.apply(&finished(call, 2, 12_000, 9_000, 3_000, Some(0.25)), now);
        tally.apply(&written(call), now);
        tally.apply(&Event::ItemDone { item: call.item }, now);
        assert_eq!(tally.figures(Detail::All), ["1/5 done", "24k in (75% cached) 6.0k out", "$0.50"]);
        tally.apply(&finished(subplan("1.2"), 1, 1, 0, 1, None), now);
        tally.apply(&failed(subplan("1.2").item, "refused"), now);
        tally.apply(&blocked(execution("1.2", 1, 1).item, subplan("1.2").item), now);
        assert_eq!(
            tally.figures(Detail::All),
            ["1/5 done", "1 failed", "1 blocked", "24k in (74% cached) 6.0k out", "cost unknown"]
        );
        assert_eq!(tally.ended(), 3);
    }

    #[test]
    fn an_ended_item_has_nothing_in_flight() {
        let mut tally = Tally::default();
        let now = at("2025-02-03T12:03:04Z");
        for part in 1..=3 {
            tally.apply(&started(execution("1.1", part, 3), 1), now);
        }
        tally.apply(&started(subplan("1.1"), 1), now);
        tally.apply(&failed(execution("1.1", 1, 3).item, "refused"), now);
        let left: Vec<CallId> = tally.oldest().into_iter().map(|(call, _)| call).collect();
        assert_eq!(left, [subplan("1.1")]);
    }

    #[test]
    fn a_clock_that_is_set_back_does_no_harm() {
        assert_eq!(milliseconds_between(Timestamp::MAX, Timestamp::MIN), 0);
        assert_eq!(later(Timestamp::MAX, u64::MAX), Timestamp::MAX);
    }
}
