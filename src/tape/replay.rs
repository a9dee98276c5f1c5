//! Finding the answer to a request on a tape, in whatever order the requests come.

use std::{
    borrow::Cow,
    cmp::Reverse,
    collections::HashMap,
    sync::atomic::{AtomicUsize, Ordering},
};

use serde_json::Value;

use super::{Exchange, Tape, difference, request_key};

/// A tape, ready to answer.
///
/// Several exchanges of one key (an answer after a 500, say) are served in the order of the tape; the last one repeats.
#[derive(Debug)]
pub struct ReplayIndex {
    by_key: HashMap<String, Slot>,
    /// Positions of the answers that refused a request.
    refused: Vec<usize>,
    exchanges: Kept,
}

/// What an index keeps of an exchange.
#[derive(Debug)]
pub struct TapeEntry {
    line: usize,
    key: String,
    refusal: bool,
}

impl TapeEntry {
    /// Of the exchange in this 1-based line.
    pub fn of(line: usize, exchange: &Exchange) -> Self {
        let key = request_key(&exchange.method, &exchange.path, &exchange.request);
        Self { line, key, refusal: matches!(exchange.status, 400 | 413 | 422) }
    }
}

/// Where the exchanges of a tape are read from.
pub trait TapeLines: std::fmt::Debug + Send + Sync {
    /// The `position`th of the exchanges that were indexed, from 0; `None` where it cannot be read any more.
    fn exchange(&self, position: usize) -> Option<Exchange>;
}

/// The exchanges by their positions.
#[derive(Debug)]
enum Kept {
    Held(Vec<(usize, Exchange)>),
    /// The 1-based line of each, and what reads it.
    Elsewhere(Vec<usize>, Box<dyn TapeLines>),
}

#[derive(Debug)]
struct Slot {
    /// Positions of the exchanges.
    positions: Vec<usize>,
    /// How often this key was asked for.
    served: AtomicUsize,
}

impl ReplayIndex {
    /// Indexes a tape by its requests. The keys that stand on it are not used: another version may have made them.
    pub fn new(tape: Tape) -> Self {
        let entries = tape.exchanges.iter().map(|(line, exchange)| TapeEntry::of(*line, exchange));
        let (by_key, refused, _) = index(entries);
        Self { by_key, refused, exchanges: Kept::Held(tape.exchanges) }
    }

    /// Indexes exchanges that stay where they are.
    pub fn elsewhere(entries: Vec<TapeEntry>, lines: Box<dyn TapeLines>) -> Self {
        let (by_key, refused, numbers) = index(entries.into_iter());
        Self { by_key, refused, exchanges: Kept::Elsewhere(numbers, lines) }
    }

    /// The next exchange of a request; `None` where the tape has none.
    pub fn answer(&self, key: &str) -> Option<Cow<'_, Exchange>> {
        let slot = self.by_key.get(key)?;
        let turn = slot.served.fetch_add(1, Ordering::Relaxed);
        self.exchange(*slot.positions.get(turn).or(slot.positions.last())?)
    }

    fn exchange(&self, position: usize) -> Option<Cow<'_, Exchange>> {
        match &self.exchanges {
            Kept::Held(exchanges) => exchanges.get(position).map(|(_, exchange)| Cow::Borrowed(exchange)),
            Kept::Elsewhere(_, lines) => lines.exchange(position).map(Cow::Owned),
        }
    }

    fn line(&self, position: usize) -> Option<usize> {
        match &self.exchanges {
            Kept::Held(exchanges) => exchanges.get(position).map(|(line, _)| *line),
            Kept::Elsewhere(numbers, _) => numbers.get(position).copied(),
        }
    }

    /// Whether the tape has another exchange of a request that was not served yet; takes no turn.
    pub fn has_more(&self, key: &str) -> bool {
        self.by_key.get(key).is_some_and(|slot| slot.served.load(Ordering::Relaxed) < slot.positions.len())
    }

    /// Whether the tape has an answer; takes no turn.
    pub fn contains(&self, key: &str) -> bool {
        self.by_key.contains_key(key)
    }

    /// The bodies of the answers that refused a request.
    pub fn refusals(&self) -> impl Iterator<Item = String> {
        let refused = self.refused.iter().filter_map(|position| self.exchange(*position));
        refused.map(|exchange| exchange.body.clone())
    }

    /// Exchanges on the tape.
    pub fn len(&self) -> usize {
        match &self.exchanges {
            Kept::Held(exchanges) => exchanges.len(),
            Kept::Elsewhere(numbers, _) => numbers.len(),
        }
    }

    /// Whether the tape has no exchange.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What differs between a request that is not on the tape and the nearest one that is: at most 15 lines, free of
    /// control characters. `None` where the tape is empty. Reads the whole tape.
    pub fn nearest(&self, request: &Value) -> Option<String> {
        // The first of equals.
        let likeness = |position| Some(difference::likeness(&self.exchange(position)?.request, request));
        let likeness = (0..self.len()).filter_map(|position| Some((likeness(position)?, Reverse(position))));
        let (_, Reverse(position)) = likeness.max()?;
        Some(difference::describe(self.line(position)?, &self.exchange(position)?.request, request))
    }
}

/// Slots by key, the positions of refusals, and the line of each exchange.
fn index(entries: impl Iterator<Item = TapeEntry>) -> (HashMap<String, Slot>, Vec<usize>, Vec<usize>) {
    let (mut by_key, mut refused, mut numbers): (HashMap<String, Slot>, _, _) =
        (HashMap::new(), Vec::new(), Vec::new());
    for (position, TapeEntry { line, key, refusal }) in entries.enumerate() {
        by_key
            .entry(key)
            .or_insert_with(|| Slot { positions: Vec::with_capacity(1), served: AtomicUsize::new(0) })
            .positions
            .push(position);
        refused.extend(refusal.then_some(position));
        numbers.push(line);
    }
    (by_key, refused, numbers)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::tape::{Header, Origin};

    fn index(entries: &[(&str, Value, u16)]) -> ReplayIndex {
        let at = "2026-11-01T00:00:00Z".parse().unwrap();
        let exchanges = entries
            .iter()
            .enumerate()
            .map(|(position, (key, request, status))| {
                let exchange = Exchange {
                    key: (*key).to_owned(),
                    item_key: None,
                    at,
                    method: "POST".to_owned(),
                    path: "/chat/completions".to_owned(),
                    request: request.clone(),
                    status: *status,
                    headers: BTreeMap::new(),
                    body: String::new(),
                    complete: true,
                    usage: None,
                    latency_ms: 0,
                    masked: false,
                };
                (position + 2, exchange)
            })
            .collect();
        ReplayIndex::new(Tape { header: Header::new(Origin::Handwritten, None, at), exchanges, torn: None })
    }

    fn request(model: &str, user: &str) -> Value {
        json!({"model": model, "messages": [{"role": "system", "content": "rules"}, {"role": "user", "content": user}]})
    }

    #[test]
    fn one_request_is_served_in_order_and_its_last_exchange_repeats() {
        let (a, b) = (request("m", "a"), request("m", "b"));
        // The keys on the tape are of another version; what counts is the request.
        let index =
            index(&[("1", a.clone(), 500), ("1", b.clone(), 200), ("2", a.clone(), 429), ("3", a.clone(), 200)]);
        let key = |request: &Value| request_key("POST", "/chat/completions", request);
        let served: Vec<_> =
            [&b, &a, &a, &b, &a, &a].iter().map(|request| index.answer(&key(request)).unwrap().status).collect();
        assert_eq!(served, [200, 500, 429, 200, 200, 200]);
        assert!(index.answer(&key(&request("m", "c"))).is_none());
    }

    #[test]
    fn a_miss_shows_fields_and_lines_that_differ_from_the_nearest() {
        let index = index(&[
            ("a", request("gpt-x", "achievement 1.1\nestimate 2 h\nwrite it"), 200),
            ("b", request("gpt-x", "achievement 1.2\nestimate 3 h\nwrite it"), 200),
        ]);
        let text = index.nearest(&request("gpt-y", "achievement 1.2\nestimate 9\u{1b}[31m h\nwrite it")).unwrap();
        assert_eq!(
            text,
            "the nearest request is on line 3 of the tape:\n\
             model: \"gpt-x\" on the tape, \"gpt-y\" now\n\
             messages[1] (user), line 2:\n\
             - estimate 3 h\n\
             + estimate 9[31m h"
        );
    }

    #[test]
    fn a_difference_never_has_more_than_fifteen_lines() {
        let long = |word: &str| (0..500).map(|n| format!("{word} {n}\n")).collect::<String>();
        let index = index(&[("a", request("m", &long("old")), 200)]);
        let text = index.nearest(&request("m", &long("new"))).unwrap();
        assert_eq!(text.lines().count(), 15);
        assert!(text.ends_with("and more"));
    }

    #[test]
    fn odd_requests_are_compared_too() {
        let index = index(&[("a", json!({"messages": "text", "x": [1]}), 200)]);
        let text = index.nearest(&json!({"messages": [{"content": 3}]})).unwrap();
        assert!(text.contains("messages: "), "{text}");
        assert!(text.contains("x: [1] on the tape, absent now"), "{text}");
        assert!(
            super::ReplayIndex::new(
                Tape::parse(&Header::new(Origin::Recorded, None, "2026-11-01T00:00:00Z".parse().unwrap()).to_line())
                    .unwrap()
            )
            .nearest(&Value::Null)
            .is_none()
        );
    }
}
