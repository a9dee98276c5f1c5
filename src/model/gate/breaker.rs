//! When repeating is no use any more: the run's own share of repeats, and a row of failures with nothing between. Pure.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::{collections::HashMap, time::Duration};

/// Repeats that every run has, however few its calls.
const FEWEST_REPEATS: u64 = 20;
/// Failures of each call in flight, before the row counts as long: a hiccup hits all of them at once.
const ROUNDS: usize = 3;
/// Final answers of one kind, with nothing succeeding, after which the next call would get it, too.
const SAME_FINAL_ANSWERS: u32 = 3;

/// How much trouble a run puts up with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Repeats of a whole run, in percent of its requests.
    pub repeat_percent: u32,
    /// Failures in a row, with nothing succeeding, after which nothing more is sent; 0 for never.
    pub failures_in_a_row: u32,
    /// How long a server may reject everything with 429 before nothing more is sent.
    pub rejected_for: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { repeat_percent: 20, failures_in_a_row: 20, rejected_for: Duration::from_secs(600) }
    }
}

/// The counts.
#[derive(Clone, Debug)]
pub(super) struct Breaker {
    patience: Patience,
    requests: u64,
    repeats: u64,
    /// Failures since the last success. Those of requests sent before the row began count once.
    row: usize,
    row_began: Duration,
    /// Calls in flight when the row began.
    row_width: usize,
    rejected_since: Option<Duration>,
    /// Kinds of final answers and how often they came; `None` once a request succeeded.
    final_answers: Option<HashMap<String, u32>>,
    /// Why nothing more is sent.
    open: Option<String>,
}

impl Breaker {
    pub(super) fn new(patience: Patience) -> Self {
        Self {
            patience,
            requests: 0,
            repeats: 0,
            row: 0,
            row_began: Duration::ZERO,
            row_width: 0,
            rejected_since: None,
            final_answers: Some(HashMap::new()),
            open: None,
        }
    }

    pub(super) fn sent(&mut self) {
        self.requests += 1;
    }

    /// Asks for one more repeat; none is left once they are too large a part of the run.
    pub(super) fn may_repeat(&mut self) -> bool {
        let most = FEWEST_REPEATS.max(self.requests.saturating_mul(u64::from(self.patience.repeat_percent)) / 100);
        let may = self.repeats < most;
        self.repeats += u64::from(may);
        may
    }

    pub(super) fn succeeded(&mut self) {
        (self.row, self.rejected_since, self.final_answers) = (0, None, None);
    }

    /// A request got an answer of this kind, which no repeat changes. Whether it is no fault of the single request: it
    /// was the answer to the first calls, and nothing has succeeded.
    pub(super) fn final_answer(&mut self, kind: String) -> bool {
        let Some(answers) = &mut self.final_answers else { return false };
        let times = answers.entry(kind).or_default();
        *times += 1;
        *times >= SAME_FINAL_ANSWERS
    }

    /// A request got past the limiter.
    pub(super) fn accepted(&mut self) {
        self.rejected_since = None;
    }

    /// A request failed in a way that another try might cure. `reason` says how.
    pub(super) fn failed(&mut self, sent_at: Duration, now: Duration, in_flight: usize, reason: &str) {
        if self.row == 0 {
            (self.row, self.row_began, self.row_width) = (1, now, in_flight);
        } else if sent_at >= self.row_began {
            self.row += 1;
        }
        let limit = (self.patience.failures_in_a_row as usize).max(ROUNDS.saturating_mul(self.row_width));
        if self.patience.failures_in_a_row > 0 && self.row >= limit {
            self.open(format!("{} requests in a row failed and none succeeded; the last: {reason}", self.row));
        }
    }

    /// A request was rejected with 429.
    pub(super) fn rejected(&mut self, now: Duration, reason: &str) {
        let since = *self.rejected_since.get_or_insert(now);
        let waited = now.saturating_sub(since);
        if waited >= self.patience.rejected_for {
            self.open(format!("every request was rejected for {} s; the last: {reason}", waited.as_secs()));
        }
    }

    fn open(&mut self, reason: String) {
        self.open.get_or_insert(reason);
    }

    /// Why nothing more is to be sent.
    pub(super) fn is_open(&self) -> Option<&str> {
        self.open.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_row_of_failures_opens_and_a_success_ends_the_row() {
        let mut breaker = Breaker::new(Patience { failures_in_a_row: 5, ..Patience::default() });
        for second in 1..5 {
            breaker.failed(at(second), at(second), 1, "503");
        }
        breaker.succeeded();
        for second in 11..15 {
            breaker.failed(at(second), at(second), 1, "503");
        }
        assert_eq!(breaker.is_open(), None);
        breaker.failed(at(15), at(15), 1, "answered 503");
        let why = "5 requests in a row failed and none succeeded; the last: answered 503";
        assert_eq!(breaker.is_open(), Some(why));
    }

    #[test]
    fn a_hiccup_that_cuts_all_calls_counts_once() {
        let mut breaker = Breaker::new(Patience::default());
        for _ in 0..256 {
            breaker.failed(at(1), at(60), 256, "broke off");
        }
        assert_eq!(breaker.is_open(), None);
        let mut never = Breaker::new(Patience { failures_in_a_row: 0, ..Patience::default() });
        for second in 0..1000 {
            never.failed(at(second), at(second), 1, "503");
        }
        assert_eq!(never.is_open(), None);
    }

    #[test]
    fn repeats_are_a_share_of_the_run() {
        let mut breaker = Breaker::new(Patience { repeat_percent: 10, ..Patience::default() });
        assert_eq!((0..100).filter(|_| breaker.may_repeat()).count(), 20);
        (0..1000).for_each(|_| breaker.sent());
        assert_eq!((0..1000).filter(|_| breaker.may_repeat()).count(), 80);
    }

    #[test]
    fn the_same_answer_to_the_first_calls_is_nobodys_own() {
        let mut breaker = Breaker::new(Patience::default());
        let answers = ["400 a", "400 b", "400 a", "400 b", "400 a"];
        assert_eq!(answers.map(|kind| breaker.final_answer(kind.to_owned())), [false, false, false, false, true]);
        breaker.succeeded();
        assert!((0..10).all(|_| !breaker.final_answer("400 a".to_owned())), "others succeeded");
    }

    #[test]
    fn rejections_without_end_have_one() {
        let mut breaker = Breaker::new(Patience::default());
        breaker.rejected(at(0), "429");
        breaker.rejected(at(500), "429");
        breaker.accepted();
        breaker.rejected(at(700), "429");
        breaker.rejected(at(1299), "429");
        assert_eq!(breaker.is_open(), None);
        breaker.rejected(at(1300), "429");
        assert_eq!(breaker.is_open(), Some("every request was rejected for 600 s; the last: 429"));
    }
}
