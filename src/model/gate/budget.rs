//! The books of a budget: what is spent, what is promised to requests in flight, what is left. Pure.
//!
//! A request's largest bill is set aside before it is sent and replaced by its real one afterwards, so that the sum
//! can never pass the bound, however many are in flight. It must not decide what happens then.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use serde::Serialize;

use crate::{
    event::Overdraft,
    model::{Prices, Usage},
};

/// The bounds of a run. Both at once are possible; without any, everything fits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Bounds {
    /// US dollars.
    pub max_cost: Option<f64>,
    /// Tokens, prompts and answers together.
    pub max_tokens: Option<u64>,
}

impl Bounds {
    /// Whether there is any bound.
    pub fn is_set(&self) -> bool {
        self.max_cost.is_some() || self.max_tokens.is_some()
    }
}

impl Bounds {
    /// By how much a bill passes the bounds: a server that does not keep to the cap it was sent, or counts more tokens
    /// than anybody could expect, can do that. `None` where it keeps to them.
    pub fn passed_by(&self, usage: &Usage, cost: Option<f64>) -> Option<Overdraft> {
        let used = usage.input.saturating_add(usage.output);
        let tokens = self.max_tokens.and_then(|most| used.checked_sub(most)).filter(|tokens| *tokens > 0);
        let cost = self.max_cost.zip(cost).map(|(most, cost)| cost - most).filter(|cost| *cost > NO_OVERDRAFT);
        (tokens.is_some() || cost.is_some()).then_some(Overdraft { tokens, cost })
    }
}

/// Sums of many small floats; a millionth of a cent is no overdraft.
const NO_OVERDRAFT: f64 = 1e-8;

/// Tokens and dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bill {
    /// Tokens, prompts and answers together.
    pub tokens: u64,
    /// US dollars; zero where prices are unknown.
    pub cost: f64,
}

impl Bill {
    fn plus(self, other: Self) -> Self {
        Self { tokens: self.tokens.saturating_add(other.tokens), cost: self.cost + other.cost }
    }

    fn or_more(self, other: Self) -> Self {
        Self { tokens: self.tokens.max(other.tokens), cost: self.cost.max(other.cost) }
    }

    fn minus(self, other: Self) -> Self {
        Self { tokens: self.tokens.saturating_sub(other.tokens), cost: (self.cost - other.cost).max(0.0) }
    }
}

/// What a budget says to one more request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Room {
    /// It fits; its largest bill is set aside.
    Reserved(Bill),
    /// It does not fit as long as others may still cost what is set aside for them.
    Perhaps,
    /// It does not fit, and nothing in flight can change that.
    None {
        /// What the request could cost.
        needed: Bill,
    },
}

/// The books.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    bounds: Bounds,
    prices: Option<Prices>,
    spent: Bill,
    reserved: Bill,
    in_flight: usize,
    /// How many tokens the provider counts for one of ours, at most, as far as its answers have shown.
    ratio: f64,
}

impl Budget {
    pub(super) fn new(bounds: Bounds, prices: Option<Prices>) -> Self {
        Self { bounds, prices, spent: Bill::default(), reserved: Bill::default(), in_flight: 0, ratio: 1.0 }
    }

    /// The bill for some tokens.
    fn bill(&self, usage: &Usage) -> Bill {
        Bill {
            tokens: usage.input.saturating_add(usage.output),
            cost: self.prices.map_or(0.0, |prices| prices.cost(usage)),
        }
    }

    fn fits(&self, sum: Bill) -> bool {
        self.bounds.max_tokens.is_none_or(|most| sum.tokens <= most)
            && self.bounds.max_cost.is_none_or(|most| sum.cost <= most + NO_OVERDRAFT)
    }

    /// Learns from an answer how many tokens the provider counted for a prompt that was taken to have so many.
    pub(super) fn counted(&mut self, prompt: u64, usage: &Usage) {
        if prompt > 0 {
            self.ratio = self.ratio.max(usage.input as f64 / prompt as f64);
        }
    }

    /// Asks for room for a prompt and the longest answer that it can get, and sets it aside.
    pub(super) fn reserve(&mut self, prompt: u64, largest_answer: u64) -> Room {
        let prompt = (prompt as f64 * self.ratio).ceil() as u64;
        let needed =
            self.bill(&Usage { input: prompt, cached: 0, output: largest_answer, reasoning: 0, at_least: false });
        if self.fits(self.spent.plus(self.reserved).plus(needed)) {
            self.reserved = self.reserved.plus(needed);
            self.in_flight += 1;
            return Room::Reserved(needed);
        }
        if self.in_flight > 0 && self.fits(self.spent.plus(needed)) { Room::Perhaps } else { Room::None { needed } }
    }

    /// Replaces what was set aside by what it became: nothing, the real bill, or, where that is unknown, all of it.
    pub(super) fn settle(&mut self, reserved: Bill, became: Became) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.reserved = if self.in_flight == 0 { Bill::default() } else { self.reserved.minus(reserved) };
        let bill = match became {
            Became::Nothing => return,
            Became::Known(usage) => self.bill(&usage),
            Became::AtLeast(usage) => self.bill(&usage).or_more(reserved),
            Became::Unknown => reserved,
        };
        self.spent = self.spent.plus(bill);
    }

    /// What was spent, as far as is known, and else what it may have been at most.
    pub(super) fn spent(&self) -> Bill {
        self.spent
    }

    /// The bounds.
    pub(super) fn bounds(&self) -> Bounds {
        self.bounds
    }
}

/// What became of a reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Became {
    /// Nothing is billed: the request was refused or never sent.
    Nothing,
    /// The provider said what it counted.
    Known(Usage),
    /// The provider's counts cannot be true; it were no fewer than these.
    AtLeast(Usage),
    /// The answer broke off, or came without counts.
    Unknown,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PRICES: Prices = Prices { input: 1.0, cached: Some(0.1), cache_write: None, output: 10.0 };

    #[test]
    fn room_as_long_as_the_largest_bill_fits() {
        let bounds = Bounds { max_cost: None, max_tokens: Some(1_000) };
        let mut budget = Budget::new(bounds, None);
        let Room::Reserved(first) = budget.reserve(100, 400) else { panic!("there is room") };
        assert!(matches!(budget.reserve(100, 400), Room::Reserved(_)));
        assert_eq!(budget.reserve(1, 0), Room::Perhaps, "both in flight may still end short");
        budget.settle(first, Became::Known(Usage { input: 100, cached: 0, output: 50, reasoning: 0, at_least: false }));
        assert!(matches!(budget.reserve(100, 250), Room::Reserved(_)));
        assert_eq!(budget.spent().tokens, 150);
        assert!(matches!(budget.reserve(800, 400), Room::None { .. }), "too large whatever the others cost");
    }

    #[test]
    fn how_far_a_bound_was_passed_is_known() {
        let used = Usage { input: 900, cached: 0, output: 101, reasoning: 50, at_least: false };
        for (max_tokens, max_cost, cost, passed) in [
            (None, None, Some(9.0), None),
            (Some(1_001), Some(0.5), Some(0.5), None),
            (Some(1_000), Some(0.5), Some(0.5), Some((Some(1), None))),
            (Some(2_000), Some(0.5), Some(0.75), Some((None, Some(0.25)))),
            (Some(1), Some(0.5), None, Some((Some(1_000), None))),
        ] {
            let passed = passed.map(|(tokens, cost)| Overdraft { tokens, cost });
            assert_eq!(Bounds { max_cost, max_tokens }.passed_by(&used, cost), passed, "{max_tokens:?} {max_cost:?}");
        }
    }

    #[test]
    fn an_unknown_bill_is_the_largest() {
        let mut budget = Budget::new(Bounds { max_cost: Some(1.0), max_tokens: None }, Some(PRICES));
        let usage = |output| Usage { input: 10_000, output, ..Usage::default() };
        for (became, spent) in [
            (Became::Nothing, 0.0),
            (Became::Unknown, 0.02),
            (Became::AtLeast(usage(1)), 0.04),
            // More came than the cap allows.
            (Became::AtLeast(usage(2_000)), 0.07),
        ] {
            let Room::Reserved(reserved) = budget.reserve(10_000, 1_000) else { panic!("there is room") };
            budget.settle(reserved, became);
            assert!((budget.spent().cost - spent).abs() < 1e-12);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        /// With any number in flight and answers in any order, the bill stays within the bound, and so does the
        /// bill together with the worst that is still in flight; and what fits is not refused for ever.
        #[test]
        fn the_bound_holds(
            max_cost in prop::option::of(0.0..2.0_f64),
            max_tokens in prop::option::of(0_u64..200_000),
            steps in prop::collection::vec((any::<prop::sample::Index>(), 1_u64..20_000, 1_u64..20_000, 0_u8..4, 0.0..1.0_f64), 1..200),
        ) {
            let mut budget = Budget::new(Bounds { max_cost, max_tokens }, Some(PRICES));
            let mut flying: Vec<(Bill, u64, u64)> = Vec::new();
            let (mut cost, mut tokens) = (0.0, 0);
            for (which, prompt, longest, kind, share) in steps {
                if kind == 0 || flying.is_empty() {
                    match budget.reserve(prompt, longest) {
                        Room::Reserved(bill) => flying.push((bill, prompt, longest)),
                        Room::Perhaps => prop_assert!(!flying.is_empty()),
                        Room::None { needed } => prop_assert!(
                            max_tokens.is_some_and(|most| tokens + needed.tokens > most)
                                || max_cost.is_some_and(|most| cost + needed.cost > most)
                        ),
                    }
                } else {
                    let (bill, prompt, longest) = flying.swap_remove(which.index(flying.len()));
                    let usage = Usage { input: prompt, cached: prompt / 2, output: (longest as f64 * share) as u64, reasoning: 0, at_least: false };
                    let (became, real) = match kind {
                        1 => (Became::Known(usage), Bill { tokens: usage.input + usage.output, cost: PRICES.cost(&usage) }),
                        2 => (Became::Nothing, Bill::default()),
                        _ => (Became::Unknown, bill),
                    };
                    budget.settle(bill, became);
                    cost += real.cost;
                    tokens += real.tokens;
                }
                let worst_cost: f64 = flying.iter().map(|(bill, ..)| bill.cost).sum();
                let worst_tokens: u64 = flying.iter().map(|(bill, ..)| bill.tokens).sum();
                prop_assert!(max_cost.is_none_or(|most| cost + worst_cost <= most + 1e-6));
                prop_assert!(max_tokens.is_none_or(|most| tokens + worst_tokens <= most));
            }
        }
    }
}
