//! A token bucket: so much at once, refilled at an even rate. Pure; times are those of the gate's clock.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::time::Duration;

/// No wait is longer: what lies further off is asked again then.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// An amount that is used up by requests and comes back with time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bucket {
    /// The most it holds.
    pub(super) capacity: f64,
    /// What comes back in a second.
    pub(super) per_second: f64,
    /// What it held at `at`; below zero where more was used than was there.
    level: f64,
    at: Duration,
}

impl Bucket {
    /// A bucket that holds `level` now.
    pub(super) fn new(capacity: f64, per_second: f64, level: f64, now: Duration) -> Self {
        Self { capacity, per_second, level: level.min(capacity), at: now }
    }

    /// A limit per minute: a minute's worth at once, and as much again in each minute.
    pub(super) fn per_minute(limit: f64, now: Duration) -> Self {
        Self::new(limit, limit / 60.0, limit, now)
    }

    /// What it holds.
    pub(super) fn level(&self, now: Duration) -> f64 {
        let since = now.saturating_sub(self.at).as_secs_f64();
        (self.level + since * self.per_second).min(self.capacity)
    }

    /// Sets what it holds.
    pub(super) fn set_level(&mut self, level: f64, now: Duration) {
        self.level = level.min(self.capacity);
        self.at = self.at.max(now);
    }

    /// Sets the rate, from now on.
    pub(super) fn set_rate(&mut self, per_second: f64, now: Duration) {
        self.set_level(self.level(now), now);
        self.per_second = per_second;
    }

    /// Uses some of it; a negative amount gives back what was not used after all.
    pub(super) fn take(&mut self, amount: f64, now: Duration) {
        self.set_level(self.level(now) - amount, now);
    }

    /// When `amount` can be taken. One larger than the bucket waits until the bucket is full.
    pub(super) fn ready_at(&self, amount: f64, now: Duration) -> Duration {
        let missing = amount.min(self.capacity) - self.level(now);
        if missing <= 1e-9 {
            return now;
        }
        let wait = Duration::try_from_secs_f64(missing / self.per_second).unwrap_or(LONGEST_WAIT);
        now + wait.min(LONGEST_WAIT)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    #[test]
    fn a_minute_at_once_and_then_evenly() {
        let mut bucket = Bucket::per_minute(60.0, at(0.0));
        for _ in 0..60 {
            assert_eq!(bucket.ready_at(1.0, at(0.0)), at(0.0));
            bucket.take(1.0, at(0.0));
        }
        assert_eq!(bucket.ready_at(1.0, at(0.0)), at(1.0));
        assert_eq!(bucket.ready_at(90.0, at(0.0)), at(60.0), "more than it can ever hold waits until it is full");
        bucket.take(-5.0, at(0.5));
        assert_eq!(bucket.level(at(0.5)), 5.5);
        assert_eq!(bucket.level(at(1e6)), 60.0);
        assert_eq!(Bucket::new(1.0, 0.0, 0.0, at(0.0)).ready_at(1.0, at(0.0)), LONGEST_WAIT);
    }

    proptest! {
        /// Whoever waits as told never uses more than capacity and rate allow, in any span of time.
        #[test]
        fn never_more_than_allowed(limit in 1.0..1000.0_f64, amounts in prop::collection::vec(0.1..50.0_f64, 1..60)) {
            let mut bucket = Bucket::per_minute(limit, at(0.0));
            let (mut now, mut used, mut largest) = (at(0.0), 0.0, 0.0_f64);
            for amount in amounts {
                now = now.max(bucket.ready_at(amount, now));
                bucket.take(amount, now);
                used += amount;
                largest = largest.max(amount);
                prop_assert!(used <= limit + now.as_secs_f64() * limit / 60.0 + largest + 1e-3);
            }
        }
    }
}
