//! The storm: many calls at once against servers that limit them and do not say how. Played in virtual time, as a
//! discrete-event simulation over the pure core, so that many seeds take no time.

use std::{collections::BinaryHeap, time::Duration};

use super::{
    breaker::Patience,
    budget::Bounds,
    core::{Admission, Core, End, Knowledge, Need, PerMinute, Policy, Wait},
    headers::{Limit, RateLimitHeaders},
};
use crate::model::Usage;

const NEED: Need = Need { prompt: 1_000, largest_answer: 4_000 };

fn policy() -> Policy {
    Policy {
        own: PerMinute::default(),
        known: PerMinute::default(),
        first_pause: Duration::from_millis(500),
        longest_pause: Duration::from_secs(8),
        patience: Patience::default(),
        bounds: Bounds::default(),
        prices: None,
    }
}

/// A server as the outside sees it.
#[derive(Clone, Copy)]
struct Server {
    burst: f64,
    per_second: f64,
    /// The most calls at once.
    parallel: usize,
    retry_after: Option<f64>,
    /// Seconds until a rejection or the head of an answer is back, least and most.
    head: (f64, f64),
    /// Seconds that an answer takes on top.
    answer: f64,
    /// Whether it says what its limits are.
    tells: bool,
}

const STORM: Server = Server {
    burst: 60.0,
    per_second: 1.0,
    parallel: usize::MAX,
    retry_after: Some(1.0),
    head: (0.005, 0.05),
    answer: 0.1,
    tells: false,
};

#[derive(Debug, PartialEq)]
struct Outcome {
    wall: f64,
    requests: usize,
    /// The most requests within a tenth of a second after a pause.
    together: usize,
    failed: usize,
}

/// What happens at a time; the earliest comes first.
struct Happening(Duration, u64, What);
enum What {
    Arrives(u64),
    Head(u64, bool, f64),
    Ends(u64),
    Wake,
}

impl PartialEq for Happening {
    fn eq(&self, other: &Self) -> bool {
        (self.0, self.1) == (other.0, other.1)
    }
}
impl Eq for Happening {}
impl PartialOrd for Happening {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Happening {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (other.0, other.1).cmp(&(self.0, self.1))
    }
}

fn play(server: Server, calls: usize, concurrency: usize, seed: u64, policy: Policy) -> (Outcome, Core) {
    let mut core = Core::new(policy, Knowledge::default(), seed);
    let outcome = play_on(&mut core, server, calls, concurrency, seed);
    (outcome, core)
}

fn play_on(core: &mut Core, server: Server, calls: usize, concurrency: usize, seed: u64) -> Outcome {
    let mut random = seed.wrapping_mul(0x2545_f491_4f6c_dd1d) | 1;
    let mut uniform = move |(least, most): (f64, f64)| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        least + (most - least) * (random >> 11) as f64 / (1_u64 << 53) as f64
    };
    let seconds = Duration::from_secs_f64;
    let (mut heap, mut order, mut now) = (BinaryHeap::new(), 0, Duration::ZERO);
    let mut at = |heap: &mut BinaryHeap<Happening>, time, what| {
        order += 1;
        heap.push(Happening(time, order, what));
    };
    // The server's bucket.
    let (mut level, mut filled, mut busy) = (server.burst, Duration::ZERO, 0);
    let (mut left, mut in_hand, mut done, mut requests, mut failed) = (calls, 0, 0, 0, 0);
    let (mut sent, mut together, mut wake) = (Vec::new(), 0, now);
    at(&mut heap, now, What::Wake);
    while let Some(Happening(time, _, what)) = heap.pop() {
        now = time;
        match what {
            What::Wake => {}
            What::Arrives(id) => {
                level = (level + (now - filled).as_secs_f64() * server.per_second).min(server.burst);
                filled = now;
                let fits = level >= 1.0 && busy < server.parallel;
                if fits {
                    level -= 1.0;
                    busy += 1;
                }
                at(&mut heap, now + seconds(uniform(server.head) / 2.0), What::Head(id, fits, level.floor()));
            }
            What::Head(id, accepted, remaining) => {
                let mut announced = RateLimitHeaders::default();
                if server.tells {
                    let limit =
                        Limit { limit: server.burst, remaining, per_second: server.per_second, renewed_in: None };
                    announced.requests = Some(limit);
                }
                core.heard(now, id, if accepted { 200 } else { 429 }, announced);
                if accepted {
                    at(&mut heap, now + seconds(server.answer), What::Ends(id));
                } else {
                    let after = server.retry_after.map(seconds);
                    core.ended(now, id, End::Rejected { after, reason: String::from("429") });
                    left += 1;
                    in_hand -= 1;
                }
            }
            What::Ends(id) => {
                busy -= 1;
                in_hand -= 1;
                done += 1;
                core.ended(
                    now,
                    id,
                    End::Answered(Some(Usage { input: 1_000, cached: 0, output: 700, reasoning: 0, at_least: false })),
                );
                if done + failed == calls {
                    break;
                }
            }
        }
        core.waiting(isize::MIN);
        core.waiting(isize::try_from(left.min(concurrency - in_hand)).unwrap());
        while left > 0 && in_hand < concurrency {
            match core.admit(now, NEED) {
                Admission::Go(id) => {
                    left -= 1;
                    in_hand += 1;
                    requests += 1;
                    if now > seconds(5.0) {
                        sent.push(now);
                        together = together.max(sent.iter().rev().take_while(|at| now - **at < seconds(0.1)).count());
                    }
                    at(&mut heap, now + seconds(uniform(server.head) / 2.0), What::Arrives(id));
                }
                Admission::Wait(Wait { until: Some(until), .. }) => {
                    if wake <= now || until < wake {
                        wake = until;
                        at(&mut heap, until, What::Wake);
                    }
                    break;
                }
                Admission::Wait(Wait { until: None, .. }) => break,
                Admission::Closed(_) => {
                    failed += left;
                    left = 0;
                }
            }
        }
    }
    Outcome { wall: now.as_secs_f64(), requests, together, failed: calls - done }
}

/// The figures of the field notes: the floor is 40 s.
#[test]
fn the_storm_costs_few_requests_and_no_time() {
    let floor = 40.0;
    for head in [(0.001, 0.002), (0.005, 0.05), (0.05, 0.3)] {
        for answer in [0.05, 0.3, 30.0] {
            let server = Server { head, answer, ..STORM };
            let mut worst = (0.0_f64, 0);
            for seed in 0..100 {
                let (outcome, _) = play(server, 100, 100, seed, policy());
                assert_eq!(outcome.failed, 0);
                worst = (worst.0.max(outcome.wall - answer), worst.1.max(outcome.requests));
                assert!(outcome.together <= 4, "{head:?}: {} came back together", outcome.together);
            }
            assert!(worst.0 <= floor * 1.05, "head {head:?}, answer {answer}: {} s", worst.0);
            assert!(worst.1 <= 115, "head {head:?}, answer {answer}: {} requests", worst.1);
        }
    }
}

/// Other servers than that of the notes: nothing fails, and the limit is found.
#[test]
fn servers_that_lie_or_say_nothing() {
    let cases = [
        ("refills faster than it says", Server { per_second: 5.0, ..STORM }, 300, 48.0, 1.4),
        ("refills slower than it says", Server { per_second: 0.5, ..STORM }, 100, 80.0, 1.3),
        ("says nothing", Server { retry_after: None, ..STORM }, 100, 40.0, 1.3),
        ("asks for nothing", Server { retry_after: Some(0.0), ..STORM }, 100, 40.0, 1.3),
        (
            "asks for nothing and has a small burst",
            Server { retry_after: Some(0.0), burst: 10.0, per_second: 2.0, ..STORM },
            40,
            15.0,
            1.4,
        ),
        ("asks for much", Server { retry_after: Some(20.0), ..STORM }, 100, 40.0, 2.2),
        ("has a small burst", Server { burst: 5.0, ..STORM }, 60, 55.0, 1.2),
        (
            "limits calls in flight",
            Server { burst: 1e9, per_second: 1e9, parallel: 5, answer: 10.0, ..STORM },
            50,
            100.0,
            1.1,
        ),
        ("is far away", Server { head: (0.2, 0.8), ..STORM }, 100, 40.0, 1.15),
    ];
    for (name, server, calls, floor, factor) in cases {
        for seed in 0..50 {
            let (outcome, _) = play(server, calls, 100, seed, policy());
            assert_eq!(outcome.failed, 0, "{name}");
            assert!(outcome.wall <= floor * factor, "{name}: {} s of {floor}", outcome.wall);
            assert!(outcome.requests as f64 <= calls as f64 * 1.6, "{name}: {} requests", outcome.requests);
        }
    }
}

/// Whatever pause it asks for, a server that takes nothing gets a handful of requests.
#[test]
fn a_server_that_rejects_everything_is_asked_ever_more_rarely() {
    for retry_after in [None, Some(0.0), Some(1e-6), Some(0.01), Some(1.0)] {
        for concurrency in [1, 8, 100] {
            let server = Server { burst: 0.0, per_second: 0.0, retry_after, ..STORM };
            let (outcome, _) = play(server, 200, concurrency, 3, policy());
            assert_eq!(outcome.failed, 200);
            assert!((600.0..720.0).contains(&outcome.wall), "{retry_after:?}: {outcome:?}");
            // A pause of 8 s, after some that grow to it, and what is on its way together at first.
            assert!(outcome.requests <= 110, "{retry_after:?}, {concurrency} at once: {outcome:?}");
        }
    }
}

#[test]
fn a_server_that_tells_its_limits_rejects_nothing() {
    for seed in 0..50 {
        let server = Server { tells: true, ..STORM };
        let (outcome, _) = play(server, 100, 100, seed, policy());
        assert!(outcome.requests == 100 && outcome.wall <= 42.0, "{outcome:?}");
    }
}

#[test]
fn what_the_user_allows_is_never_passed() {
    let own = PerMinute { requests: Some(30.0), tokens: None };
    let (outcome, _) = play(STORM, 60, 100, 1, Policy { own, ..policy() });
    assert_eq!((outcome.requests, outcome.failed), (60, 0));
    assert!((60.0..62.0).contains(&outcome.wall), "{outcome:?}");
    let own = PerMinute { requests: None, tokens: Some(30_000.0) };
    let (outcome, _) = play(STORM, 40, 100, 1, Policy { own, ..policy() });
    // 1,700 tokens each, a minute's worth at once.
    assert!((72.0..80.0).contains(&outcome.wall), "{outcome:?}");
}

#[test]
fn the_second_run_knows_what_the_first_learned() {
    let (_, core) = play(STORM, 100, 100, 7, policy());
    let mut learned = core.knowledge(Duration::from_secs(41));
    // A minute later the server's bucket is full again.
    if let Some(learned) = &mut learned.learned {
        learned.level = learned.burst;
    }
    let mut second = Core::new(policy(), learned, 8);
    let outcome = play_on(&mut second, STORM, 100, 100, 8);
    assert!(outcome.requests <= 107 && outcome.wall <= 43.0, "{outcome:?}");
}
