//! The gate for tasks: waits where the [`Core`] says wait. It decides nothing itself.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use http::HeaderMap;
use jiff::Timestamp;
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

use super::{
    core::{Admission, Closed, Core, End, Knowledge, Need, Policy, Wait, WaitReason},
    headers::RateLimitHeaders,
};

/// The one gate that all requests to a model at a provider pass through. Clones are the same gate.
#[derive(Clone)]
pub struct Gate(Arc<Shared>);

struct Shared {
    core: Mutex<Core>,
    /// Held by the one who may go next; the others queue behind it, first come, first served.
    turn: tokio::sync::Mutex<()>,
    /// Something happened that may let the next one go.
    changed: Notify,
    stop: watch::Sender<bool>,
    began: Instant,
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gate").finish_non_exhaustive()
    }
}

impl Gate {
    /// A gate that knows nothing but its policy.
    pub fn new(policy: Policy) -> Self {
        Self::with(policy, Knowledge::default())
    }

    pub(super) fn with(policy: Policy, knowledge: Knowledge) -> Self {
        let seed = RandomState::new().hash_one(std::process::id());
        Self(Arc::new(Shared {
            core: Mutex::new(Core::new(policy, knowledge, seed)),
            turn: tokio::sync::Mutex::default(),
            changed: Notify::new(),
            stop: watch::Sender::new(false),
            began: Instant::now(),
        }))
    }

    fn core(&self) -> MutexGuard<'_, Core> {
        // Nothing in the core panics; if it did, its numbers would still be numbers.
        self.0.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Duration {
        self.0.began.elapsed()
    }

    /// Waits until a request may be sent, and not before `pause` has passed. What the first in the queue waits for is
    /// told to `tell`, where it takes long.
    pub(crate) async fn enter(
        &self,
        need: Need,
        pause: Duration,
        tell: &(dyn Fn(Held) + Send + Sync),
    ) -> Result<Permit, Closed> {
        let mut stop = self.0.stop.subscribe();
        tokio::select! {
            biased;
            _ = stop.wait_for(|stopped| *stopped) => Err(Closed::Stopped),
            result = self.wait(need, pause, tell) => result,
        }
    }

    async fn wait(&self, need: Need, pause: Duration, tell: &(dyn Fn(Held) + Send + Sync)) -> Result<Permit, Closed> {
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        let _waiting = Waiting::new(self);
        let _turn = self.0.turn.lock().await;
        let mut told: Option<Wait> = None;
        loop {
            let (now, admission, behind) = {
                let (now, mut core) = (self.now(), self.core());
                (now, core.admit(now, need), core.queue().saturating_sub(1))
            };
            let wait = match admission {
                Admission::Go(id) => return Ok(Permit { pass: Pass { gate: self.clone(), id }, ended: false }),
                Admission::Closed(closed) => return Err(closed),
                Admission::Wait(wait) => wait,
            };
            if wait.is_news(told, now) {
                told = Some(wait);
                let left = wait.until.map(|until| until.saturating_sub(now));
                tell(Held { reason: wait.reason, left, behind });
            }
            match wait.until {
                Some(until) => tokio::select! {
                    () = tokio::time::sleep_until(self.0.began + until) => {}
                    () = self.0.changed.notified() => {}
                },
                None => self.0.changed.notified().await,
            }
        }
    }

    /// Counts an answer of this kind, which no repeat changes. Whether every further request is likely to get it, too.
    pub(crate) fn final_answer(&self, kind: String) -> bool {
        self.core().final_answer(kind)
    }

    /// How long nobody is let through.
    pub(crate) fn closed_for(&self) -> Duration {
        self.core().closed_for(self.now())
    }

    /// Asks for one more repeat of a request that failed; a run has a share of them.
    pub(crate) fn may_repeat(&self) -> bool {
        self.core().may_repeat()
    }

    /// Sends away everybody who waits and whoever comes.
    pub(crate) fn stop(&self) {
        self.core().stop();
        self.0.stop.send_replace(true);
    }

    /// Requests a second that the server was seen to take, where that was measured: here, or by an earlier run.
    pub fn learned_rate(&self) -> Option<f64> {
        self.knowledge().learned.map(|learned| learned.per_second)
    }

    pub(super) fn knowledge(&self) -> Knowledge {
        self.core().knowledge(self.now())
    }
}

/// What a request waits for that is not let through.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Held {
    pub(crate) reason: WaitReason,
    /// How long; `None` where that depends on other answers.
    pub(crate) left: Option<Duration>,
    /// Requests in the queue behind it.
    pub(crate) behind: usize,
}

/// One who waits at the gate.
struct Waiting<'a>(&'a Gate);

impl<'a> Waiting<'a> {
    fn new(gate: &'a Gate) -> Self {
        gate.core().waiting(1);
        Self(gate)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.core().waiting(-1);
    }
}

/// The right to send one request. Dropped without an end, the request counts as given up, its bill as unknown.
#[derive(Debug)]
pub(crate) struct Permit {
    pass: Pass,
    ended: bool,
}

/// What a request tells the gate on its way.
#[derive(Clone, Debug)]
pub(crate) struct Pass {
    gate: Gate,
    id: u64,
}

impl Permit {
    pub(crate) fn pass(&self) -> Pass {
        self.pass.clone()
    }

    pub(crate) fn end(mut self, end: End) {
        self.ended = true;
        self.pass.end(end);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if !self.ended {
            self.pass.end(End::Abandoned);
        }
    }
}

impl Pass {
    /// The head of the response is here.
    pub(crate) fn heard(&self, status: u16, headers: &HeaderMap) {
        let announced = RateLimitHeaders::read(|name| headers.get(name)?.to_str().ok(), Timestamp::now());
        self.gate.core().heard(self.gate.now(), self.id, status, announced);
        self.gate.0.changed.notify_one();
    }

    /// Whether a rejection of this request is the first of a pause.
    pub(crate) fn begins_a_pause(&self) -> bool {
        self.gate.core().begins_a_pause(self.id)
    }

    fn end(&self, end: End) {
        self.gate.core().ended(self.gate.now(), self.id, end);
        self.gate.0.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ModelConfig, ModelFacts};

    const NEED: Need = Need { prompt: 10, largest_answer: 10 };

    fn limits(headers: &[(&'static str, &str)]) -> HeaderMap {
        headers.iter().map(|(name, value)| ((*name).parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_wait_is_told_once_and_ends_in_time() {
        let gate = Gate::new(ModelConfig::default().policy(&ModelFacts::default()));
        let told = Mutex::new(Vec::new());
        let tell = |held: Held| told.lock().unwrap().push(held);
        let first = gate.enter(NEED, Duration::ZERO, &tell).await.unwrap();
        let headers = limits(&[
            ("x-ratelimit-limit-requests", "3"),
            ("x-ratelimit-remaining-requests", "0"),
            ("x-ratelimit-reset-requests", "60s"),
        ]);
        first.pass().heard(200, &headers);
        first.end(End::Answered(None));
        let began = Instant::now();
        gate.enter(NEED, Duration::ZERO, &tell).await.unwrap().end(End::Answered(None));
        assert!(began.elapsed() >= Duration::from_secs(19));
        let told = told.into_inner().unwrap();
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!((told[0].reason, told[0].behind), (WaitReason::ServerLimit, 0));
        assert!(told[0].left.is_some_and(|left| left >= Duration::from_secs(19)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_used_up_for_hours_is_not_waited_for() {
        let gate = Gate::new(ModelConfig::default().policy(&ModelFacts::default()));
        let first = gate.enter(NEED, Duration::ZERO, &|_| {}).await.unwrap();
        // At an even rate one request would come back every 5 s.
        let headers = limits(&[
            ("x-ratelimit-limit-requests", "5000"),
            ("x-ratelimit-remaining-requests", "0"),
            ("x-ratelimit-reset-requests", "7h12m0s"),
        ]);
        first.pass().heard(200, &headers);
        first.end(End::Answered(None));
        let closed = gate.enter(NEED, Duration::ZERO, &|_| {}).await.err();
        assert!(matches!(closed, Some(Closed::Far(wait)) if wait > Duration::from_secs(7 * 3_600)), "{closed:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_first_rejection_of_a_pause_is_news_to_a_tape() {
        let gate = Gate::new(ModelConfig::default().policy(&ModelFacts::default()));
        for round in 0..2 {
            let first = gate.enter(NEED, Duration::ZERO, &|_| {}).await.unwrap();
            let passes = [first.pass(), first.pass()];
            let second = if round == 0 { Some(gate.enter(NEED, Duration::ZERO, &|_| {}).await.unwrap()) } else { None };
            assert!(passes[0].begins_a_pause() && !passes[1].begins_a_pause());
            first.end(End::Rejected { after: None, reason: String::from("429") });
            if let Some(second) = second {
                assert!(!second.pass().begins_a_pause(), "it was on its way with the first");
                second.end(End::Rejected { after: None, reason: String::from("429") });
            }
        }
    }
}
