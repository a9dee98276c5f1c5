//! Learning a limit that a server does not tell, from what it accepts and what it rejects with 429. Pure.
//!
//! Until the first rejection nothing is held back here. From then on requests keep a rate: at first what the server's
//! own pause suggests, doubled while it holds, and narrowed down from both sides once it is too high. Where a server
//! rejects although the rate held, it is the number of calls in flight that it limits; then that is learned instead,
//! by additive increase and with ever rarer probes.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::time::Duration;

use super::bucket::Bucket;

/// Requests a second, between which every estimate stays.
const SLOWEST: f64 = 1.0 / 120.0;
const FASTEST: f64 = 1000.0;
/// The span over which accepted requests count as one burst, seconds.
const BURST_SPAN: f64 = 60.0;
/// How much later than the estimate says a request is sent, in requests, at first and at most: networks do not deliver
/// evenly.
const MARGIN: (f64, f64) = (0.1, 0.5);
/// Within this share, estimate and ceiling count as equal.
const CLOSE: f64 = 1.03;
/// How far below a rate that is too high the next is taken.
const BELOW: f64 = 0.97;
/// Accepted requests after which a rate that was once too high is tried again; doubled with each rejection up to the
/// second, and halved with each rate that held.
const FIRST_STEP: u32 = 8;
const LAST_STEP: u32 = 64;
/// Rejections in a row, at a rate that the server itself named, after which it is not the rate that it limits.
const ROW: u32 = 3;
/// The longest time between two probes for one more call in flight.
const RAREST_PROBE: Duration = Duration::from_secs(60);

/// What is remembered of a learned limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Learned {
    /// Requests a second that held.
    pub(super) per_second: f64,
    /// Requests at once that held.
    pub(super) burst: f64,
    /// What of the burst is left.
    pub(super) level: f64,
    /// The most calls in flight, where that is what the server limits.
    pub(super) in_flight: Option<usize>,
}

/// A request that was rejected.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rejected {
    /// When it was sent.
    pub(super) sent_at: Duration,
    /// The pause that the server asks for.
    pub(super) wait: Duration,
    /// Others in flight when it was sent.
    pub(super) in_flight: usize,
    /// Those of them of which it was not known whether they were accepted.
    pub(super) unheard: f64,
}

/// How fast requests may follow each other.
#[derive(Clone, Debug)]
pub(super) enum Pace {
    /// No limit has been met yet.
    Free {
        /// Requests accepted of late, older ones counting less.
        recent: f64,
        /// When that was counted.
        at: Duration,
    },
    /// A limit has been met.
    Paced(Paced),
}

/// The state of the estimate.
#[derive(Clone, Debug)]
pub(super) struct Paced {
    bucket: Bucket,
    /// When the server was first known to have nothing left; what it accepted since tells its rate.
    anchor: Duration,
    /// Requests that were sent after that was known count.
    counted_from: Duration,
    /// How many of them were accepted.
    accepted: u32,
    /// Accepted requests of which it cannot be told whether they came before or after the anchor.
    overlapping: u32,
    /// When the latest of them was sent.
    latest: Duration,
    /// The count tells nothing: the server may have had more than it can hold meanwhile, or its limit may have changed.
    untold: bool,
    /// The highest rate that held.
    proven: f64,
    /// A rate that is too high.
    ceiling: Option<f64>,
    /// Whether a rate of this server's was ever too high, or its calls in flight too many.
    seen: bool,
    /// When the rate was last raised, or more than it could be sent; what was sent before tells nothing of it.
    raised: Duration,
    /// Accepted requests to wait for before it is raised again.
    left: u32,
    step: u32,
    /// How much later than the estimate says a request is sent, in requests.
    margin: f64,
    /// Rejections with nothing accepted between.
    row: u32,
    window: Option<Window>,
}

/// A limit of calls in flight.
#[derive(Clone, Copy, Debug)]
struct Window {
    limit: usize,
    /// When one more is tried.
    probe_at: Duration,
    interval: Duration,
    /// Parts of the next additive increase.
    credit: f64,
    /// How many times slower the increase has become: doubled with each one that failed.
    caution: f64,
}

impl Pace {
    pub(super) fn free(now: Duration) -> Self {
        Self::Free { recent: 0.0, at: now }
    }

    pub(super) fn remembered(learned: Learned, now: Duration) -> Self {
        let mut paced = Paced::new(learned.per_second, learned.burst, now, now);
        paced.bucket.set_level(learned.level, now);
        // From a full bucket nothing can be told about the rate.
        paced.untold = true;
        // Limits are raised and servers get idle, so more is tried before long; what was seen before needs no second proof.
        (paced.step, paced.left, paced.seen) = (FIRST_STEP, FIRST_STEP, true);
        paced.window = learned.in_flight.map(|limit| Window {
            limit: limit.max(1),
            probe_at: now + Duration::from_secs(1),
            interval: Duration::from_secs(1),
            credit: 0.0,
            caution: 1.0,
        });
        Self::Paced(paced)
    }

    pub(super) fn learned(&self, now: Duration) -> Option<Learned> {
        match self {
            Self::Free { .. } => None,
            // After one rejection the rate is what the server's pause suggests, which is no measurement.
            Self::Paced(paced) if !paced.seen => None,
            Self::Paced(paced) => Some(Learned {
                per_second: paced.proven,
                burst: paced.bucket.capacity,
                level: paced.bucket.level(now),
                in_flight: paced.window.map(|window| window.limit),
            }),
        }
    }

    /// The most requests that may be on their way without a word from the server; `None` where that is not known here.
    pub(super) fn unheard(&self) -> Option<f64> {
        match self {
            Self::Free { .. } => None,
            // With a rate: as many as are sent until silence counts as consent, and as many again.
            Self::Paced(paced) => Some(if paced.window.is_some() { 2.0 } else { 2.0 * paced.proven }),
        }
    }

    /// When the next request may be sent, with so many in flight.
    pub(super) fn ready_at(&self, now: Duration, in_flight: usize) -> Duration {
        match self {
            Self::Free { .. } => now,
            Self::Paced(Paced { window: Some(window), .. }) if in_flight < window.limit => now,
            Self::Paced(Paced { window: Some(window), .. }) => window.probe_at.max(now),
            Self::Paced(paced) => paced.bucket.ready_at(1.0, now),
        }
    }

    /// A request is on its way.
    pub(super) fn sent(&mut self, now: Duration, in_flight: usize) {
        if let Self::Paced(paced) = self {
            let level = paced.bucket.level(now);
            paced.untold |= level >= paced.bucket.capacity;
            if level >= 2.0 {
                paced.raised = now + Duration::from_nanos(1);
            }
            paced.bucket.take(1.0, now);
            if let Some(window) = &mut paced.window
                && in_flight >= window.limit
            {
                window.probe_at = now + window.interval;
            }
        }
    }

    /// A request that was sent at `sent_at` got past the limiter. `wanted`: more are waiting to be sent.
    pub(super) fn accepted(&mut self, sent_at: Duration, now: Duration, in_flight: usize, wanted: bool) {
        match self {
            Self::Free { recent, at } => {
                let since = now.saturating_sub(*at).as_secs_f64();
                (*recent, *at) = (*recent * (-since / BURST_SPAN).exp() + 1.0, now);
            }
            Self::Paced(paced) => paced.accepted(sent_at, now, in_flight, wanted),
        }
    }

    /// A request was rejected, the first of those on their way together.
    pub(super) fn rejected(&mut self, rejected: Rejected, now: Duration) {
        let Rejected { sent_at, wait, .. } = rejected;
        let wait = wait.max(Duration::from_millis(1));
        match self {
            Self::Free { recent, .. } => {
                let burst = recent.max(1.0);
                *self = Self::Paced(Paced::new(1.0 / wait.as_secs_f64(), burst, sent_at, now));
            }
            Self::Paced(paced) => paced.rejected(Rejected { wait, ..rejected }, now),
        }
    }
}

impl Paced {
    fn new(per_second: f64, burst: f64, anchor: Duration, now: Duration) -> Self {
        let rate = per_second.clamp(SLOWEST, FASTEST);
        Self {
            bucket: Bucket::new(burst.max(1.0), rate, -MARGIN.0, anchor),
            anchor,
            counted_from: now,
            accepted: 0,
            overlapping: 0,
            latest: anchor,
            untold: false,
            proven: rate,
            ceiling: None,
            seen: false,
            raised: anchor,
            // One more may come from what had gathered before; the second shows the rate.
            left: 2,
            step: 2,
            margin: MARGIN.0,
            row: 0,
            window: None,
        }
    }

    fn accepted(&mut self, sent_at: Duration, now: Duration, in_flight: usize, wanted: bool) {
        // What was on its way at the anchor may have overtaken the one that was rejected.
        if sent_at < self.counted_from {
            self.overlapping += 1;
            return;
        }
        (self.accepted, self.latest, self.row) = (self.accepted + 1, self.latest.max(sent_at), 0);
        if let Some(window) = &mut self.window {
            window.credit += 1.0 / (window.limit as f64 * window.caution);
            if in_flight > window.limit || window.credit >= 1.0 {
                (window.limit, window.credit) = (in_flight.max(window.limit + 1), 0.0);
            }
            return;
        }
        // A rate that nobody used to the full is not shown to hold.
        if sent_at < self.raised || !wanted {
            return;
        }
        self.left = self.left.saturating_sub(1);
        if self.left == 0 {
            self.raise(now);
        }
    }

    fn raise(&mut self, now: Duration) {
        self.proven = self.bucket.per_second;
        let rate = match self.ceiling {
            None => self.proven * 2.0,
            Some(ceiling) => {
                self.step = self.step.max(FIRST_STEP);
                if ceiling > self.proven * CLOSE {
                    f64::midpoint(self.proven, ceiling)
                } else {
                    // What was too much once need not be so for ever.
                    self.ceiling = Some(ceiling * 1.2);
                    self.untold = true;
                    self.proven * CLOSE
                }
            }
        };
        self.bucket.set_rate(rate.min(FASTEST), now);
        self.left = self.step;
        self.raised = now;
    }

    fn rejected(&mut self, rejected: Rejected, now: Duration) {
        let Rejected { sent_at, wait, in_flight, .. } = rejected;
        (self.row, self.seen) = (self.row + 1, true);
        if self.limits_calls(now, wait, in_flight) {
            return;
        }
        let raised = self.bucket.per_second > self.proven * 1.001;
        let since = sent_at.saturating_sub(self.anchor).as_secs_f64().max(1e-3);
        let count = f64::from(self.accepted);
        let mut level = 0.0;
        let rate = if self.untold {
            // The rate, where it is higher than ever before; the burst otherwise.
            if !raised {
                self.bucket.capacity = (self.bucket.capacity * 0.7).max(1.0);
            }
            self.ceiling = Some(self.bucket.per_second);
            if raised { self.proven } else { self.bucket.per_second * BELOW }
        } else {
            // Fewer than one more than were (or may have been) accepted have come back since the anchor, and no fewer
            // than two less.
            let ceiling = (count + f64::from(self.overlapping) + rejected.unheard + 1.0) / since;
            let ceiling = self.ceiling.map_or(ceiling, |known| known.min(ceiling));
            let least = (count - 2.0) / self.latest.saturating_sub(self.anchor).as_secs_f64().max(1e-3);
            self.ceiling = Some(ceiling);
            let held = if raised { self.proven } else { self.bucket.per_second };
            if !raised && held < ceiling * BELOW {
                // The rate may well be right, and the network was uneven.
                self.margin = (self.margin * 1.5).min(MARGIN.1);
            }
            let rate = held.min(ceiling * BELOW).max(least);
            level = rate * since - count;
            rate
        };
        let rate = rate.clamp(SLOWEST, FASTEST);
        let capacity = self.bucket.capacity;
        self.bucket = Bucket::new(capacity, rate, level.clamp(-0.5, 0.5) - self.margin, sent_at);
        self.proven = rate;
        self.step = (self.step * 2).clamp(FIRST_STEP, LAST_STEP);
        (self.left, self.raised) = (self.step, now);
        if self.untold {
            (self.anchor, self.latest, self.counted_from) = (sent_at, sent_at, now);
            (self.accepted, self.overlapping, self.untold) = (0, 0, false);
        }
    }

    /// Whether a rejection tells of a limit of calls in flight, and if so, learns from it.
    fn limits_calls(&mut self, now: Duration, wait: Duration, in_flight: usize) -> bool {
        let Some(window) = &mut self.window else {
            if self.row < ROW || in_flight == 0 {
                return false;
            }
            self.window =
                Some(Window { limit: in_flight, probe_at: now + wait, interval: wait, credit: 0.0, caution: 1.0 });
            return true;
        };
        if in_flight >= window.limit {
            window.interval = (window.interval * 2).min(RAREST_PROBE);
            window.probe_at = now + window.interval;
        } else if in_flight + 1 == window.limit {
            // The last increase was one too many.
            (window.limit, window.caution) = (in_flight.max(1), (window.caution * 2.0).min(64.0));
        } else {
            // Far fewer in flight than before, and rejected all the same: it is the rate after all.
            self.window = None;
            return false;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    fn rejected(sent_at: Duration, wait: Duration, in_flight: usize) -> Rejected {
        Rejected { sent_at, wait, in_flight, unheard: 0.0 }
    }

    const WAIT: Duration = Duration::from_secs(1);

    /// Plays a server that refills `rate` a second from nothing, with somebody always waiting. Returns the times of what
    /// was accepted and how many were rejected.
    fn play(rate: f64, wait: Duration, seconds: f64) -> (Vec<f64>, usize) {
        let mut pace = Pace::free(at(0.0));
        pace.accepted(at(0.0), at(0.0), 1, true);
        let (mut now, mut accepted, mut refused) = (0.0, Vec::new(), 1);
        pace.rejected(rejected(at(now), wait, 0), at(now));
        let mut closed = wait.as_secs_f64();
        while now < seconds {
            now = pace.ready_at(at(now), 0).as_secs_f64().max(closed).max(now);
            pace.sent(at(now), 0);
            if rate * now - accepted.len() as f64 >= 1.0 {
                accepted.push(now);
                pace.accepted(at(now), at(now), 1, true);
            } else {
                refused += 1;
                pace.rejected(rejected(at(now), wait, 0), at(now));
                closed = now + wait.as_secs_f64();
            }
        }
        (accepted, refused)
    }

    #[test]
    fn the_rate_is_found_from_a_wrong_beginning() {
        for rate in [0.2, 0.7, 1.0, 3.0, 10.0] {
            let (accepted, rejected) = play(rate, WAIT, 200.0);
            let share = accepted.len() as f64 / (rate * 200.0);
            assert!(share > 0.85, "{rate}/s: only {share:.2} of it used");
            assert!(rejected as f64 <= 12.0 + 0.5 * accepted.len() as f64, "{rate}/s: {rejected} rejected");
        }
    }

    #[test]
    fn a_limit_of_calls_in_flight_is_told_from_a_rate() {
        let mut pace = Pace::free(at(0.0));
        for _ in 0..5 {
            pace.accepted(at(0.0), at(0.1), 5, true);
        }
        pace.rejected(rejected(at(0.05), WAIT, 5), at(0.1));
        // However slowly one more is tried, it is rejected.
        for second in [1.3, 2.6, 5.3] {
            pace.sent(at(second), 5);
            pace.rejected(rejected(at(second), WAIT, 5), at(second + 0.1));
        }
        assert_eq!(pace.learned(at(5.4)).and_then(|learned| learned.in_flight), Some(5));
        assert_eq!(pace.ready_at(at(5.5), 4), at(5.5), "an answer came: the next may go at once");
        assert_eq!(pace.ready_at(at(5.5), 5), at(6.4), "one more than before is a probe");
        pace.sent(at(6.4), 5);
        pace.rejected(rejected(at(6.4), WAIT, 5), at(6.5));
        assert_eq!(pace.ready_at(at(6.5), 5), at(8.5), "rejected probes become rare");
        pace.sent(at(8.5), 5);
        pace.accepted(at(8.5), at(8.6), 6, true);
        assert_eq!(pace.ready_at(at(8.7), 5), at(8.7), "the server has grown");
    }

    #[test]
    fn what_was_learned_is_where_the_next_run_begins() {
        let mut pace = Pace::free(at(0.0));
        (0..60).for_each(|_| pace.accepted(at(0.1), at(0.1), 1, true));
        pace.rejected(rejected(at(0.2), WAIT, 0), at(0.3));
        assert_eq!(pace.learned(at(0.3)), None, "one rejection is no measurement");
        pace.rejected(rejected(at(0.4), WAIT, 0), at(0.5));
        let learned = pace.learned(at(0.5)).unwrap();
        assert!((59.0..=60.0).contains(&learned.burst) && learned.per_second == 1.0, "{learned:?}");
        let next = Pace::remembered(Learned { level: 60.0, ..learned }, at(0.0));
        assert_eq!(next.ready_at(at(0.0), 0), at(0.0));
    }

    /// Sends as fast as the pace allows to a server without limits, for `seconds`; gives how many.
    fn unlimited(pace: &mut Pace, seconds: f64) -> usize {
        let (mut now, mut sent) = (0.0, 0);
        while now < seconds && sent < 10_000 {
            now = pace.ready_at(at(now), 0).as_secs_f64().max(now);
            pace.sent(at(now), 0);
            pace.accepted(at(now), at(now), 1, true);
            sent += 1;
        }
        sent
    }

    #[test]
    fn a_limit_of_yesterday_does_not_hold_back_a_server_that_has_none_today() {
        for per_second in [0.1, 1.0, 5.0] {
            let learned = Learned { per_second, burst: 1.0, level: 1.0, in_flight: None };
            let mut pace = Pace::remembered(learned, at(0.0));
            let sent = unlimited(&mut pace, 24.0 / per_second);
            assert!(sent > 60, "{per_second}/s: {sent}");
        }
    }

    #[test]
    fn a_burst_tells_nothing_of_the_rate() {
        let learned = Learned { per_second: 1.0, burst: 60.0, level: 60.0, in_flight: None };
        let mut pace = Pace::remembered(learned, at(0.0));
        for _ in 0..59 {
            pace.sent(at(0.0), 0);
            pace.accepted(at(0.0), at(0.1), 1, true);
        }
        assert_eq!(pace.learned(at(0.2)).map(|learned| learned.per_second), Some(1.0));
    }
}
