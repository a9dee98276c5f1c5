//! How long to wait before a request is sent again: the one place that touches the backoff crate.
//!
//! The crate is no longer maintained; only its exponential policy is used, so replacing it means this file.

use std::time::Duration;

use backoff::{
    SystemClock,
    backoff::Backoff,
    exponential::{ExponentialBackoff, ExponentialBackoffBuilder},
};

use super::Retry;

/// The pauses of one call: base · 2ⁿ up to a largest, each ± 50 %.
///
/// The values are those of OpenAI's SDKs (0.5 s, 8 s).
pub(super) struct Delays(ExponentialBackoff<SystemClock>);

impl Delays {
    pub(super) fn new(retry: &Retry) -> Self {
        Self(
            ExponentialBackoffBuilder::new()
                .with_initial_interval(retry.base_delay)
                .with_multiplier(2.0)
                .with_randomization_factor(0.5)
                .with_max_interval(retry.max_delay)
                .with_max_elapsed_time(None)
                .build(),
        )
    }

    /// The next pause. What the server asked for is the least; the jittered delay comes on top, or all who were told
    /// the same would come back at the same moment.
    pub(super) fn next(&mut self, asked: Option<Duration>) -> Duration {
        // `None` only after a largest elapsed time, which is not set.
        let own = self.0.next_backoff().unwrap_or(self.0.max_interval);
        asked.map_or(own, |asked| asked.saturating_add(own))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_largest_and_are_jittered() {
        let retry =
            Retry { base_delay: Duration::from_millis(500), max_delay: Duration::from_secs(8), ..Retry::default() };
        for asked in [None, Some(Duration::from_secs(3))] {
            let mut delays = Delays::new(&retry);
            for nominal in [0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0] {
                let pause = delays.next(asked).as_secs_f64() - asked.map_or(0.0, |asked| asked.as_secs_f64());
                assert!((nominal * 0.5..=nominal * 1.5 + 1e-6).contains(&pause), "{pause} for {nominal}");
            }
        }
        let firsts: std::collections::BTreeSet<_> = (0..20).map(|_| Delays::new(&retry).next(None)).collect();
        assert!(firsts.len() > 1, "no jitter");
    }
}
