//! The books of a run: what each item cost and how it ended.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use super::{
    Engine, Event, ItemId, ItemOutcome, StopKind, Summary, SummaryRow,
    schedule::Schedule,
    state::ItemState,
    worker::{Limits, Outcome, PROMPT_CUT_HINT},
};
use crate::{
    model::{Prices, Usage, gate::Bounds},
    tape::may_be_charged,
};

/// What the provider may charge for, as the exchanges tell: more than the answers that calls came back with, since a call
/// that was repeated, given up or stopped had requests as well.
#[derive(Clone, Debug, Default)]
pub(super) struct Charged(Arc<Mutex<Charges>>);

#[derive(Clone, Copy, Debug, Default)]
struct Charges {
    exchanges: u64,
    unmetered: usize,
    usage: Usage,
}

impl Charged {
    /// Listens to the events that go to a sink from now on.
    pub(super) fn listen(sink: &mut Arc<dyn Fn(Event) + Send + Sync>) -> Self {
        let charged = Self::default();
        let (inner, listening) = (Arc::clone(sink), charged.clone());
        *sink = Arc::new(move |event| {
            if let Event::Exchange { sent: true, status, usage, .. } = &event {
                listening.add(*status, usage.as_ref());
            }
            inner(event);
        });
        charged
    }

    fn add(&self, status: u16, usage: Option<&Usage>) {
        let mut charges = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        charges.exchanges += 1;
        match usage {
            Some(usage) => charges.usage += *usage,
            None => charges.unmetered += usize::from(may_be_charged(status, usage)),
        }
    }

    /// A model that tells of no exchange is believed what its answers say.
    fn correct(&self, sums: &mut Summary) {
        let charges = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if charges.exchanges > 0 {
            sums.usage = charges.usage;
            sums.unmetered = charges.unmetered;
            sums.requests = sums.requests.max(charges.exchanges);
        }
    }
}

/// Adds up a run as it goes.
pub(super) struct Ledger {
    charged: Charged,
    rows: Vec<SummaryRow>,
    skipped: Vec<SummaryRow>,
    prices: Option<Prices>,
    bounds: Bounds,
    sums: Summary,
}

impl Ledger {
    pub(super) fn new(engine: &Engine, charged: Charged) -> Self {
        let Engine { plan, briefing, bounds, limits: Limits { prices, .. }, .. } = engine;
        let row = |item, title, level, outcome, reason| SummaryRow {
            item,
            title,
            level,
            outcome,
            reason,
            paths: Vec::new(),
            usage: Usage::default(),
            attempts: 0,
        };
        let rows = plan
            .items
            .iter()
            .map(|item| {
                row(item.id, briefing.achievement(item).title.clone(), item.level, ItemOutcome::NotStarted, None)
            })
            .collect();
        let skipped = plan
            .skipped
            .iter()
            .map(|item| {
                row(item.id, item.title.clone(), item.level, ItemOutcome::Skipped, Some(item.reason.to_string()))
            })
            .collect();
        Self { charged, rows, skipped, prices: *prices, bounds: *bounds, sums: Summary::default() }
    }

    pub(super) fn add(&mut self, index: usize, outcome: &Outcome) {
        let row = &mut self.rows[index];
        row.usage += outcome.usage;
        row.attempts += outcome.attempts;
        self.sums.usage += outcome.usage;
        let item = row.item;
        self.sums.cuts.extend(outcome.remedies.iter().map(|remedy| format!("{item}: {remedy}")));
        self.sums.unmetered += outcome.unmetered as usize;
        if self.sums.prompt_cut.is_none() && outcome.prompt_cut.is_some() {
            self.sums.prompt_cut = outcome.prompt_cut;
            self.hint(Some(PROMPT_CUT_HINT.to_owned()));
        }
        self.sums.remembered += outcome.remembered as usize;
        outcome.verdict.into_iter().for_each(|verdict| self.sums.reviews.add(verdict));
        self.sums.requests += u64::from(outcome.requests);
        self.sums.sequential_ms += outcome.latency_ms;
    }

    pub(super) fn document(&mut self, index: usize, path: String, unclear: bool) {
        if unclear {
            self.sums.unclear.push(path.clone());
        }
        self.rows[index].paths.push(path);
        self.sums.documents += 1;
    }

    pub(super) fn failed(&mut self, index: usize, reason: String) {
        self.rows[index].reason = Some(reason);
    }

    pub(super) fn blocked(&mut self, index: usize, by: ItemId) {
        self.rows[index].reason = Some(by.to_string());
    }

    /// Notes what the user can do; each advice once.
    pub(super) fn hint(&mut self, hint: Option<String>) {
        if let Some(hint) = hint
            && !self.sums.hints.contains(&hint)
        {
            self.sums.hints.push(hint);
        }
    }

    pub(super) fn finish(
        &mut self,
        schedule: &Schedule,
        stopped: Option<(StopKind, String)>,
        wall: Duration,
    ) -> Summary {
        let mut sums = std::mem::take(&mut self.sums);
        for (index, row) in self.rows.iter_mut().enumerate() {
            let (outcome, count) = match schedule.state(index) {
                ItemState::Done => (ItemOutcome::Done, &mut sums.done),
                ItemState::Failed => (ItemOutcome::Failed, &mut sums.failed),
                ItemState::Blocked => (ItemOutcome::Blocked, &mut sums.blocked),
                ItemState::Pending | ItemState::Running => (ItemOutcome::NotStarted, &mut sums.not_started),
            };
            row.outcome = outcome;
            row.paths.sort();
            *count += 1;
        }
        self.charged.correct(&mut sums);
        sums.unclear.sort();
        sums.skipped = self.skipped.len();
        sums.cost = self.prices.map(|prices| prices.cost(&sums.usage));
        sums.over_budget = self.bounds.passed_by(&sums.usage, sums.cost);
        sums.wall_ms = u64::try_from(wall.as_millis()).unwrap_or(u64::MAX);
        if let Some((kind, reason)) = stopped {
            sums.stop_kind = Some(kind);
            sums.stopped = Some(reason);
        }
        sums.rows = std::mem::take(&mut self.rows);
        sums.rows.append(&mut self.skipped);
        sums.rows.sort_by_key(|row| (row.level, row.item));
        sums
    }
}
