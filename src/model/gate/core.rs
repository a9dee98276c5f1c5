//! The gate as a state machine: events and times in, decisions out. Pure.
//!
//! It knows what is in flight, what the provider said and what the user allows, and answers one question: may the next
//! request go, or when? It must not sleep, send or read a clock.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use super::{
    breaker::{Breaker, Patience},
    bucket::Bucket,
    budget::{Became, Bill, Bounds, Budget, Room},
    headers::{Limit, RateLimitHeaders},
    pace::{Learned, Pace, Rejected},
};
use crate::model::{Prices, Usage};

/// Requests that may be unanswered at once while nothing is known of the limit: with a bucket that runs dry, no more
/// than these are rejected.
const UNHEARD: f64 = 8.0;
/// The same as a share of what was accepted: the more went well, the less a few rejections weigh.
const UNHEARD_SHARE: f64 = 0.1;
/// Limiters reject at once, models answer late: a request that was not rejected after this time was accepted.
const TACIT: Duration = Duration::from_secs(1);
/// How much later than asked for the gate opens again, as a share of the pause: other programs wait for the same
/// moment.
const JITTER: (f64, f64) = (0.02, 0.1);
/// Waits that are shorter need not be told: the progress display shows no more than that a call waits.
const WORTH_TELLING: Duration = Duration::from_secs(2);
/// Rejections in a row during which the pause that the server asks for is believed to be enough.
const BELIEVED: u32 = 4;
/// What an answer is expected to have before any has come, tokens.
const FIRST_ANSWER: f64 = 2_000.0;
/// The weight of the latest answer in what the next is expected to have.
const LATEST: f64 = 0.2;

/// Limits per minute; `None` where there is none or it is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PerMinute {
    /// Requests.
    pub requests: Option<f64>,
    /// Tokens of prompts and answers.
    pub tokens: Option<f64>,
}

/// What a gate is built from.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The user's own limits, which hold whatever the provider says.
    pub own: PerMinute,
    /// What is known of the model at this provider; the provider's headers correct it.
    pub known: PerMinute,
    /// The pause after a rejection that names none; doubled while rejections go on.
    pub first_pause: Duration,
    /// The longest of these.
    pub longest_pause: Duration,
    /// How much trouble a run puts up with.
    pub patience: Patience,
    /// The budget.
    pub bounds: Bounds,
    /// What tokens cost.
    pub prices: Option<Prices>,
}

/// What one request is going to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Need {
    /// Tokens of its prompt.
    pub(crate) prompt: u64,
    /// The most tokens of its answer.
    pub(crate) largest_answer: u64,
}

/// The answer to a request that wants to go.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Admission {
    /// It goes, under this number.
    Go(u64),
    /// Not yet.
    Wait(Wait),
    /// Never.
    Closed(Closed),
}

/// How long a request has to wait, and for what.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Wait {
    /// Not before this time; `None`: not before something happens.
    pub(crate) until: Option<Duration>,
    pub(crate) reason: WaitReason,
}

impl Wait {
    /// Whether it is worth telling, after what was told last: it is long, and for something else or clearly longer.
    pub(super) fn is_news(&self, told: Option<Self>, now: Duration) -> bool {
        let is_long = self.until.is_none_or(|until| until.saturating_sub(now) >= WORTH_TELLING);
        let is_new = told.is_none_or(|told| {
            told.reason != self.reason
                || self.until.zip(told.until).is_some_and(|(until, told)| until >= told + WORTH_TELLING)
        });
        is_long && is_new
    }
}

/// What a request waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WaitReason {
    /// The end of a pause after a rejection, or one that the server asked for.
    Pause,
    /// The user's own limits.
    OwnLimit,
    /// The limits that the provider announced.
    ServerLimit,
    /// The rate that the server was seen to take.
    LearnedRate,
    /// A word about requests that were sent before.
    Answers,
    /// Room in the budget, which answers in flight may leave.
    Budget,
}

/// Why the gate lets nothing more through.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Closed {
    /// The run is ending.
    Stopped,
    /// Too much has failed; says what.
    Broken(String),
    /// The server says that it takes nothing more for so long.
    Far(Duration),
    /// The budget has no room for the request.
    Budget {
        /// The bounds.
        bounds: Bounds,
        /// What is spent.
        spent: Bill,
        /// What the request could cost.
        needed: Bill,
    },
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum End {
    /// With a whole answer.
    Answered(Option<Usage>),
    /// With a whole answer whose tokens are no fewer than these.
    Understated(Usage),
    /// Rejected by a limiter (429), which may have asked for a pause.
    Rejected {
        /// The pause.
        after: Option<Duration>,
        /// What the server said.
        reason: String,
    },
    /// Because the server has not loaded its model yet.
    Loading {
        /// The pause that the server asked for.
        after: Option<Duration>,
        /// What the server said.
        reason: String,
    },
    /// In a way that another try might cure.
    Failed {
        /// Whether an answer had begun, which is billed.
        begun: bool,
        /// The pause that the server asked for.
        after: Option<Duration>,
        /// What went wrong.
        reason: String,
    },
    /// In a way that is this request's own fault.
    Refused,
    /// Given up by the caller before its end.
    Abandoned,
}

#[derive(Clone, Debug)]
struct Flight {
    sent_at: Duration,
    /// Rejections met before it was sent: those of one moment count as one.
    epoch: u64,
    /// Others in flight when it was sent.
    beside: usize,
    tokens: f64,
    /// All that was sent before it, and what of it had not been heard of.
    sent_before: Promised,
    unheard_before: Promised,
    reserved: Bill,
    prompt: u64,
    heard: bool,
}

/// A sum of requests and of what they are expected to take.
#[derive(Clone, Copy, Debug, Default)]
struct Promised {
    requests: f64,
    tokens: f64,
}

impl Promised {
    fn add(&mut self, sign: f64, tokens: f64) {
        self.requests += sign;
        self.tokens += sign * tokens;
    }
}

/// Two buckets, where they are known.
#[derive(Clone, Copy, Debug, Default)]
struct Buckets {
    requests: Option<Bucket>,
    tokens: Option<Bucket>,
}

impl Buckets {
    fn new(limits: PerMinute, now: Duration) -> Self {
        let bucket = |limit: Option<f64>| limit.map(|limit| Bucket::per_minute(limit.max(1.0), now));
        Self { requests: bucket(limits.requests), tokens: bucket(limits.tokens) }
    }

    fn ready_at(&self, tokens: f64, now: Duration) -> Duration {
        let requests = self.requests.map_or(now, |bucket| bucket.ready_at(1.0, now));
        self.tokens.map_or(requests, |bucket| bucket.ready_at(tokens, now).max(requests))
    }

    fn take(&mut self, requests: f64, tokens: f64, now: Duration) {
        if let Some(bucket) = &mut self.requests {
            bucket.take(requests, now);
        }
        if let Some(bucket) = &mut self.tokens {
            bucket.take(tokens, now);
        }
    }
}

/// What is known of a limit at the end of a run, for the next one.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Knowledge {
    pub(super) requests: Option<Limit>,
    pub(super) tokens: Option<Limit>,
    pub(super) learned: Option<Learned>,
}

/// When what is used up is renewed, the latest of several.
fn renewed_at(now: Duration, requests: Option<Limit>, tokens: Option<Limit>) -> Option<Duration> {
    [requests, tokens].into_iter().flatten().filter_map(|limit| limit.renewed_in).map(|wait| now + wait).max()
}

/// The gate's state.
#[derive(Debug)]
pub(super) struct Core {
    policy: Policy,
    own: Buckets,
    server: Buckets,
    /// Whether the provider itself said what its limits are.
    told: bool,
    pace: Pace,
    budget: Budget,
    breaker: Breaker,
    closed_until: Duration,
    /// The end of the longest pause that the server itself asked for.
    asked_until: Duration,
    /// When a limit of which nothing is left is renewed.
    renewed_at: Option<Duration>,
    epoch: u64,
    /// The epoch of the latest rejection that was put on a tape.
    taped_epoch: Option<u64>,
    /// Rejections without anything accepted between.
    rejections: u32,
    /// Accepted since the last rejection.
    accepted: u64,
    flights: HashMap<u64, Flight>,
    next: u64,
    /// Flights in the order of sending; those that were heard of are passed over.
    fresh: VecDeque<u64>,
    sent: Promised,
    unheard_sum: Promised,
    /// The latest flight whose headers were believed.
    corrected: u64,
    typical_answer: f64,
    waiting: usize,
    stopped: bool,
    random: u64,
}

impl Core {
    /// A gate at time zero. `seed` spreads waiters.
    pub(super) fn new(policy: Policy, knowledge: Knowledge, seed: u64) -> Self {
        let now = Duration::ZERO;
        let mut server = Buckets::new(policy.known, now);
        let bucket = |limit: Limit| Bucket::new(limit.limit, limit.per_second, limit.remaining, now);
        server.requests = knowledge.requests.map(bucket).or(server.requests);
        server.tokens = knowledge.tokens.map(bucket).or(server.tokens);
        let told = server.requests.is_some() || policy.own.requests.is_some();
        Self {
            own: Buckets::new(policy.own, now),
            server,
            told,
            pace: knowledge.learned.map_or_else(|| Pace::free(now), |learned| Pace::remembered(learned, now)),
            budget: Budget::new(policy.bounds, policy.prices),
            breaker: Breaker::new(policy.patience),
            closed_until: now,
            asked_until: now,
            renewed_at: renewed_at(now, knowledge.requests, knowledge.tokens),
            epoch: 0,
            taped_epoch: None,
            rejections: 0,
            accepted: 0,
            flights: HashMap::new(),
            next: 0,
            fresh: VecDeque::new(),
            sent: Promised::default(),
            unheard_sum: Promised::default(),
            corrected: 0,
            typical_answer: FIRST_ANSWER,
            waiting: 0,
            stopped: false,
            random: seed,
            policy,
        }
    }

    /// Asks whether a request may go now.
    pub(super) fn admit(&mut self, now: Duration, need: Need) -> Admission {
        if self.stopped {
            return Admission::Closed(Closed::Stopped);
        }
        if let Some(reason) = self.breaker.is_open() {
            return Admission::Closed(Closed::Broken(reason.to_owned()));
        }
        self.hear_silence(now);
        let tokens = need.prompt as f64 + self.typical_answer.min(need.largest_answer as f64);
        let in_flight = self.flights.len();
        let server = self.server.ready_at(tokens, now);
        // A limit that is used up for hours gives little before it is renewed, and no run should hang on that.
        let far = server.max(self.renewed_at.unwrap_or_default()).max(self.asked_until).saturating_sub(now);
        if far > self.policy.patience.rejected_for {
            return Admission::Closed(Closed::Far(far));
        }
        let ready = [
            (self.closed_until, WaitReason::Pause),
            (self.own.ready_at(tokens, now), WaitReason::OwnLimit),
            (server, WaitReason::ServerLimit),
            (self.pace.ready_at(now, in_flight), WaitReason::LearnedRate),
        ];
        let (until, reason) = ready
            .into_iter()
            .fold((now, WaitReason::Answers), |latest, wait| if wait.0 > latest.0 { wait } else { latest });
        if until > now {
            return Admission::Wait(Wait { until: Some(until), reason });
        }
        if self.unheard_sum.requests >= self.window() {
            let oldest = self.fresh.front().and_then(|id| self.flights.get(id));
            let until = oldest.map(|flight| flight.sent_at + TACIT);
            return Admission::Wait(Wait { until, reason: WaitReason::Answers });
        }
        let reserved = match self.budget.reserve(need.prompt, need.largest_answer) {
            Room::Reserved(bill) => bill,
            Room::Perhaps => return Admission::Wait(Wait { until: None, reason: WaitReason::Budget }),
            Room::None { needed } => {
                let (bounds, spent) = (self.budget.bounds(), self.budget.spent());
                return Admission::Closed(Closed::Budget { bounds, spent, needed });
            }
        };
        self.own.take(1.0, tokens, now);
        self.server.take(1.0, tokens, now);
        self.pace.sent(now, in_flight);
        self.breaker.sent();
        self.next += 1;
        let flight = Flight {
            sent_at: now,
            epoch: self.epoch,
            beside: in_flight,
            tokens,
            sent_before: self.sent,
            unheard_before: self.unheard_sum,
            reserved,
            prompt: need.prompt,
            heard: false,
        };
        self.flights.insert(self.next, flight);
        self.fresh.push_back(self.next);
        self.sent.add(1.0, tokens);
        self.unheard_sum.add(1.0, tokens);
        Admission::Go(self.next)
    }

    /// The most requests that may be on their way without a word from the server.
    fn window(&self) -> f64 {
        let accepted = self.accepted as f64;
        if self.told {
            // Everybody at once where all is well; after a rejection the gate opens step by step.
            return if self.epoch == 0 { f64::INFINITY } else { accepted.max(UNHEARD) };
        }
        // Where a limit was met already, a few are enough to see whether it still holds.
        let least = self.pace.unheard().map_or(UNHEARD, |unheard| unheard.max(2.0));
        (accepted * UNHEARD_SHARE).max(least)
    }

    /// The head of a response came.
    pub(super) fn heard(&mut self, now: Duration, id: u64, status: u16, announced: RateLimitHeaders) {
        self.correct(now, id, announced);
        // A rejection is dealt with when the whole of it is known: until then nobody may take its place.
        if (200..300).contains(&status) {
            self.accept(now, id);
        }
    }

    /// Believes what a response says of the limits, as far as it can know: it does not know of requests that reached
    /// the server after its own, and those are between the ones sent later and all that were on their way with it.
    fn correct(&mut self, now: Duration, id: u64, announced: RateLimitHeaders) {
        let Some(flight) = self.flights.get(&id).filter(|_| id >= self.corrected) else { return };
        let own = if flight.heard { Promised::default() } else { Promised { requests: 1.0, tokens: flight.tokens } };
        let later = Promised {
            requests: self.sent.requests - flight.sent_before.requests - 1.0,
            tokens: self.sent.tokens - flight.sent_before.tokens - flight.tokens,
        };
        let least = |of: fn(&Promised) -> f64| of(&later).min((of(&self.unheard_sum) - of(&own)).max(0.0));
        let most = |of: fn(&Promised) -> f64| of(&later) + of(&flight.unheard_before);
        let correct = |known: &mut Option<Bucket>, limit: Limit, of: fn(&Promised) -> f64| {
            let range = (limit.remaining - most(of), limit.remaining - least(of));
            let tracked = known.map_or(range.0, |bucket| bucket.level(now));
            let level = tracked.min(range.1).max(range.0);
            *known = Some(Bucket::new(limit.limit, limit.per_second, level, now));
        };
        if announced != RateLimitHeaders::default() {
            self.renewed_at = renewed_at(now, announced.requests, announced.tokens);
        }
        if let Some(limit) = announced.requests {
            correct(&mut self.server.requests, limit, |promised| promised.requests);
            self.told = true;
        }
        if let Some(limit) = announced.tokens {
            correct(&mut self.server.tokens, limit, |promised| promised.tokens);
        }
        self.corrected = id;
    }

    /// A request got past the limiter.
    fn accept(&mut self, now: Duration, id: u64) {
        let Some(flight) = self.flights.get_mut(&id).filter(|flight| !flight.heard) else { return };
        flight.heard = true;
        let (sent_at, in_flight) = (flight.sent_at, flight.beside + 1);
        self.unheard_sum.add(-1.0, flight.tokens);
        self.accepted += u64::from(flight.epoch == self.epoch);
        self.rejections = 0;
        self.breaker.accepted();
        self.pace.accepted(sent_at, now, in_flight, self.waiting > 0);
    }

    /// Takes silence for consent.
    fn hear_silence(&mut self, now: Duration) {
        while let Some(id) = self.fresh.front().copied() {
            match self.flights.get(&id).filter(|flight| !flight.heard) {
                Some(flight) if now < flight.sent_at + TACIT => return,
                Some(_) => self.accept(now, id),
                None => {}
            }
            self.fresh.pop_front();
        }
    }

    /// A request has come to its end.
    pub(super) fn ended(&mut self, now: Duration, id: u64, end: End) {
        let Some(flight) = self.flights.remove(&id) else { return };
        if !flight.heard {
            self.unheard_sum.add(-1.0, flight.tokens);
        }
        let became = match end {
            End::Answered(usage) => {
                self.breaker.succeeded();
                if let Some(usage) = usage {
                    self.typical_answer += (usage.output as f64 - self.typical_answer) * LATEST;
                }
                usage.map_or(Became::Unknown, Became::Known)
            }
            End::Understated(usage) => {
                self.breaker.succeeded();
                Became::AtLeast(usage)
            }
            End::Rejected { after, reason } => {
                self.breaker.rejected(now, &reason);
                self.rejected(now, &flight, after, true);
                Became::Nothing
            }
            End::Loading { after, reason } => {
                self.breaker.rejected(now, &reason);
                self.rejected(now, &flight, after, false);
                Became::Nothing
            }
            End::Failed { begun, after, reason } => {
                self.breaker.failed(flight.sent_at, now, self.flights.len() + 1, &reason);
                if let Some(after) = after {
                    self.asked_until = self.asked_until.max(now + after);
                    self.close(now, after);
                }
                if begun { Became::Unknown } else { Became::Nothing }
            }
            End::Refused => Became::Nothing,
            End::Abandoned => Became::Unknown,
        };
        let used = match became {
            Became::Nothing => 0.0,
            Became::Known(usage) => usage.input.saturating_add(usage.output) as f64,
            Became::AtLeast(usage) => flight.tokens.max(usage.input.saturating_add(usage.output) as f64),
            Became::Unknown => flight.tokens,
        };
        self.own.take(0.0, used - flight.tokens, now);
        self.server.take(0.0, used - flight.tokens, now);
        if let Became::Known(usage) = &became {
            self.budget.counted(flight.prompt, usage);
        }
        self.budget.settle(flight.reserved, became);
    }

    /// A request was turned away. `limited`: by a limiter, so that it tells something of the limit.
    fn rejected(&mut self, now: Duration, flight: &Flight, after: Option<Duration>, limited: bool) {
        let doubled =
            |times: u32| self.policy.first_pause.saturating_mul(1 << times.min(16)).min(self.policy.longest_pause);
        let pause = match after {
            // Servers also ask for no pause, or for one that has passed, and reject the next request just the same.
            Some(after) if after >= self.policy.first_pause => {
                after.max(doubled(self.rejections.saturating_sub(BELIEVED)))
            }
            Some(_) | None => doubled(self.rejections),
        };
        self.asked_until = self.asked_until.max(now + after.unwrap_or_default());
        if flight.epoch < self.epoch {
            // One of those that were on their way together with the one that was rejected first.
            self.closed_until = self.closed_until.max(now + pause);
            return;
        }
        self.epoch += 1;
        self.accepted = 0;
        self.rejections += 1;
        let empty = |bucket: Option<Bucket>, least: f64| bucket.is_some_and(|bucket| bucket.level(now) < least);
        let explained = empty(self.server.requests, 1.0) || empty(self.server.tokens, flight.tokens);
        if limited && !explained {
            let Flight { sent_at, beside, unheard_before, .. } = *flight;
            let rejected = Rejected { sent_at, wait: pause, in_flight: beside, unheard: unheard_before.requests };
            self.pace.rejected(rejected, now);
        }
        self.close(now, pause);
    }

    /// Whether a rejection of this request is the first of a pause; asked once for each, for the tape.
    pub(super) fn begins_a_pause(&mut self, id: u64) -> bool {
        let Some(flight) = self.flights.get(&id) else { return true };
        let first = self.taped_epoch.is_none_or(|taped| flight.epoch > taped);
        if first {
            self.taped_epoch = Some(flight.epoch);
        }
        first
    }

    /// A request got an answer that no repeat changes; of the given kind and not about its size. Whether every further
    /// request is likely to get it, too.
    pub(super) fn final_answer(&mut self, kind: String) -> bool {
        self.breaker.final_answer(kind)
    }

    /// Lets nobody through for a while, and a little longer.
    fn close(&mut self, now: Duration, pause: Duration) {
        let jitter = JITTER.0 + (JITTER.1 - JITTER.0) * self.random();
        self.closed_until = self.closed_until.max(now + pause.mul_f64(1.0 + jitter));
    }

    /// A number from 0 to 1 (SplitMix64).
    fn random(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Until when nobody is let through.
    pub(super) fn closed_for(&self, now: Duration) -> Duration {
        self.closed_until.saturating_sub(now)
    }

    /// Asks for one more repeat of a request that failed.
    pub(super) fn may_repeat(&mut self) -> bool {
        self.breaker.may_repeat()
    }

    /// One more or one fewer waits to be let through.
    pub(super) fn waiting(&mut self, change: isize) {
        self.waiting = self.waiting.saturating_add_signed(change);
    }

    /// How many wait to be let through.
    pub(super) fn queue(&self) -> usize {
        self.waiting
    }

    /// Lets nobody through any more.
    pub(super) fn stop(&mut self) {
        self.stopped = true;
    }

    /// What is known of the provider's limits.
    pub(super) fn knowledge(&self, now: Duration) -> Knowledge {
        let limit = |bucket: Bucket| Limit {
            limit: bucket.capacity,
            remaining: bucket.level(now).max(0.0),
            per_second: bucket.per_second,
            renewed_in: self.renewed_at.and_then(|at| at.checked_sub(now)).filter(|wait| !wait.is_zero()),
        };
        Knowledge {
            requests: self.server.requests.map(limit),
            tokens: self.server.tokens.map(limit),
            learned: self.pace.learned(now),
        }
    }
}
