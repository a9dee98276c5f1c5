//! The bill: what every exchange with a model has cost, failed and rejected ones included, in sums.

use std::collections::{BTreeMap, HashMap};

use jiff::{Timestamp, civil::Date, tz::Offset};
use serde::{Deserialize, Serialize};

use super::{Header, RunId};
use crate::{
    plan::AchievementId,
    tape::{Usage, may_be_charged},
};

/// What calls have cost. One exchange, or the sum of several of one run, achievement, model and day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Charge {
    /// [`RunId`] of the run, as text.
    pub run: String,
    /// What people typed.
    pub command: String,
    /// The model asked.
    pub model: String,
    /// What it was asked for, where that was one achievement.
    #[serde(default)]
    pub achievement: Option<String>,
    /// The day of the answer, UTC.
    pub day: Date,
    /// Sums.
    #[serde(flatten)]
    pub sum: BillLine,
}

/// Sums over calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BillLine {
    /// Answers of the provider, errors aside, and requests of which nothing was heard.
    pub calls: u64,
    /// Those for which it gave no usage; their tokens and costs are unknown.
    pub unmetered: u64,
    /// Those of `unmetered` that were sent and of which nothing more is known: they are under way, or were when planwave was
    /// killed.
    #[serde(default)]
    pub in_flight: u64,
    /// Those with usage whose model's prices were unknown.
    pub unpriced: u64,
    /// Tokens.
    pub usage: Usage,
    /// US dollars of those that have a price.
    pub cost: f64,
}

impl BillLine {
    /// US dollars; `None` where none of the calls has a price.
    pub fn known_cost(&self) -> Option<f64> {
        (self.calls == 0 || self.calls > self.unmetered.saturating_add(self.unpriced)).then_some(self.cost)
    }

    /// Whether there are calls whose cost is unknown, or known to be at least so much.
    pub fn is_partial(&self) -> bool {
        self.unmetered > 0 || self.unpriced > 0 || self.usage.at_least
    }

    fn add(&mut self, other: &Self) {
        // Saturating: the numbers come from a file.
        self.calls = self.calls.saturating_add(other.calls);
        self.unmetered = self.unmetered.saturating_add(other.unmetered);
        self.in_flight = self.in_flight.saturating_add(other.in_flight);
        self.unpriced = self.unpriced.saturating_add(other.unpriced);
        self.usage += other.usage;
        self.cost += other.cost;
    }
}

/// What the sums are made by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BillKey {
    /// One line per run.
    Run,
    /// One line per achievement.
    Achievement,
    /// One line per model.
    Model,
    /// One line per day, UTC.
    Day,
}

/// Order first, then what is shown.
type Key = (Vec<u64>, String);

/// The bill of a plan.
#[derive(Clone, Debug, Default)]
pub struct Bill {
    charges: BTreeMap<(String, String, Option<String>, Date), Charge>,
}

/// The event of one exchange, as far as it concerns the bill.
#[derive(Deserialize)]
struct Exchange {
    #[serde(default)]
    key: String,
    #[serde(default)]
    call: Option<Call>,
    at: Timestamp,
    status: u16,
    #[serde(default)]
    sent: bool,
    #[serde(default)]
    usage: Option<Usage>,
    #[serde(default)]
    cost: Option<f64>,
}

#[derive(Deserialize)]
struct Call {
    achievement: String,
}

/// A note that a request was about to be sent, or was not sent after all.
#[derive(Deserialize)]
struct Note {
    #[serde(default)]
    call: Option<Call>,
    key: String,
    at: Timestamp,
}

/// How the lines of notes begin.
const SENDING: &str = r#"{"event":"sending","#;
const UNSENT: &str = r#"{"event":"unsent","#;

/// How the line of an exchange begins.
pub(super) const EXCHANGE: &str = r#"{"event":"exchange","#;

impl Bill {
    /// Adds what a run's events say, and gives how many lines could not be read. What came from a tape costs nothing.
    pub fn add_events(&mut self, header: &Header, events: &str) -> usize {
        let mut damaged = 0;
        // Requests that were announced and have not come to an end, by key. One that is repeated has the same key again.
        let mut open: HashMap<String, Vec<Note>> = HashMap::new();
        let notes = events.lines().filter(|line| line.starts_with(SENDING));
        for note in notes.filter_map(|line| serde_json::from_str::<Note>(line).ok()) {
            open.entry(note.key.clone()).or_default().push(note);
        }
        let mut close = |key: &str| open.get_mut(key).and_then(Vec::pop);
        for line in events.split_inclusive('\n') {
            if line.starts_with(UNSENT) {
                if let Ok(note) = serde_json::from_str::<Note>(line) {
                    close(&note.key);
                }
                continue;
            }
            if !line.starts_with(EXCHANGE) {
                continue;
            }
            match serde_json::from_str::<Exchange>(line) {
                Ok(mut exchange) => {
                    let note = if exchange.sent { close(&exchange.key) } else { None };
                    // The tape of a killed run does not say what an answer was for; the note does.
                    exchange.call = exchange.call.or(note.and_then(|note| note.call));
                    if let Some(charge) = charge(header, exchange) {
                        self.add(charge);
                    }
                }
                // A line without its end is what a crash leaves.
                Err(_) => damaged += usize::from(line.ends_with('\n')),
            }
        }
        for note in open.into_values().flatten() {
            let lost = Exchange {
                key: note.key,
                call: note.call,
                at: note.at,
                status: 0,
                sent: true,
                usage: None,
                cost: None,
            };
            if let Some(mut charge) = charge(header, lost) {
                charge.sum.in_flight = 1;
                self.add(charge);
            }
        }
        damaged
    }

    /// Adds a charge.
    pub fn add(&mut self, charge: Charge) {
        let key = (charge.run.clone(), charge.model.clone(), charge.achievement.clone(), charge.day);
        match self.charges.get_mut(&key) {
            Some(known) => known.sum.add(&charge.sum),
            None => {
                self.charges.insert(key, charge);
            }
        }
    }

    /// All charges: one for each run, model, achievement and day.
    pub fn charges(&self) -> impl Iterator<Item = &Charge> {
        self.charges.values()
    }

    /// The sum of everything.
    pub fn total(&self) -> BillLine {
        let mut total = BillLine::default();
        self.charges().for_each(|charge| total.add(&charge.sum));
        total
    }

    /// Sums in the order of runs, ids, names or days.
    pub fn by(&self, key: BillKey) -> Vec<(String, BillLine)> {
        let mut lines: BTreeMap<Key, BillLine> = BTreeMap::new();
        for charge in self.charges() {
            lines.entry(key_of(charge, key)).or_default().add(&charge.sum);
        }
        lines.into_iter().map(|((_, name), line)| (name, line)).collect()
    }
}

fn charge(header: &Header, exchange: Exchange) -> Option<Charge> {
    let Exchange { key: _, call, at, status, sent, usage, cost } = exchange;
    if !sent || !may_be_charged(status, usage.as_ref()) {
        return None;
    }
    let cost = cost.filter(|cost| cost.is_finite() && *cost >= 0.0);
    Some(Charge {
        run: header.id.clone(),
        command: header.command.clone(),
        model: header.model.clone().unwrap_or_else(|| String::from("unknown")),
        achievement: call.map(|call| call.achievement),
        day: Offset::UTC.to_datetime(at).date(),
        sum: BillLine {
            calls: 1,
            unmetered: usage.is_none().into(),
            in_flight: 0,
            unpriced: (usage.is_some() && cost.is_none()).into(),
            usage: usage.unwrap_or_default(),
            cost: if usage.is_some() { cost.unwrap_or_default() } else { 0.0 },
        },
    })
}

fn key_of(charge: &Charge, key: BillKey) -> Key {
    match key {
        BillKey::Run => {
            let number = RunId::parse(&charge.run).map_or(u64::MAX, |id| id.number());
            (vec![number], format!("{number}  {}", charge.command))
        }
        BillKey::Achievement => match &charge.achievement {
            Some(id) => {
                let parts = AchievementId::parse(id).map(|id| id.parts().iter().map(|part| u64::from(*part)).collect());
                (parts.unwrap_or_default(), id.clone())
            }
            None => (vec![u64::MAX], String::from("the plan as a whole")),
        },
        BillKey::Model => (Vec::new(), charge.model.clone()),
        BillKey::Day => (Vec::new(), charge.day.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Kind, VERSION};

    fn header(number: u64) -> Header {
        Header {
            record: VERSION,
            id: format!("20260101T000000Z-{number}"),
            command: format!("run --level {number}"),
            began: "2026-01-01T00:00:00Z".parse().unwrap(),
            kind: Kind::Run,
            model: Some(String::from("gpt-5")),
            replay: false,
        }
    }

    fn line(id: &str, at: &str, rest: &str) -> String {
        format!(
            "{EXCHANGE}\"call\":{{\"achievement\":\"{id}\",\"stage\":\"subplan\",\"part\":1,\"parts\":1}},\"attempt\":1,\
             \"key\":\"k\",\"at\":\"{at}\",{rest}}}\n"
        )
    }

    const USED: &str = r#""usage":{"input":100,"cached":40,"output":10,"reasoning":0}"#;

    #[test]
    fn every_exchange_is_on_the_bill_once() {
        let mut bill = Bill::default();
        let priced = format!("\"status\":200,\"sent\":true,{USED},\"cost\":0.5");
        let events = [
            line("1.10", "2026-01-01T23:59:59Z", &priced),
            // Rejected and asked again: the same item, charged again.
            line("1.10", "2026-01-02T00:00:00Z", &priced),
            line("1.2", "2026-01-02T00:00:01Z", &format!("\"status\":200,\"sent\":true,{USED},\"cost\":null")),
            line("1.2", "2026-01-02T00:00:01Z", "\"status\":200,\"sent\":true,\"complete\":false"),
            line("1.2", "2026-01-02T00:00:01Z", "\"status\":429,\"sent\":true"),
            // Given up before the server said anything.
            line("1.2", "2026-01-02T00:00:01Z", "\"status\":0,\"sent\":true,\"complete\":false"),
            line("1.2", "2026-01-02T00:00:01Z", &priced.replace("true", "false")),
            String::from("{\"event\":\"item_done\"}\nnonsense\n"),
            format!("{EXCHANGE} damaged\n{EXCHANGE}\"torn"),
        ];
        assert_eq!(bill.add_events(&header(1), &events.concat()), 1);
        assert_eq!(bill.add_events(&header(2), &line("1.10", "2026-01-03T00:00:00Z", &priced)), 0);
        let total = bill.total();
        assert_eq!((total.calls, total.unmetered, total.unpriced), (6, 2, 1));
        assert_eq!((total.usage.input, total.usage.cached, total.usage.output), (400, 160, 40));
        assert_eq!((total.known_cost(), total.is_partial()), (Some(1.5), true));
        let shown = |key| -> Vec<(String, u64, Option<f64>)> {
            bill.by(key).into_iter().map(|(name, line)| (name, line.calls, line.known_cost())).collect()
        };
        let row = |name: &str, calls, cost| (name.to_owned(), calls, cost);
        assert_eq!(shown(BillKey::Run), [row("1  run --level 1", 5, Some(1.0)), row("2  run --level 2", 1, Some(0.5))]);
        assert_eq!(shown(BillKey::Achievement), [row("1.2", 3, None), row("1.10", 3, Some(1.5))]);
        assert_eq!(shown(BillKey::Model), [row("gpt-5", 6, Some(1.5))]);
        let days = [row("2026-01-01", 1, Some(0.5)), row("2026-01-02", 4, Some(0.5)), row("2026-01-03", 1, Some(0.5))];
        assert_eq!(shown(BillKey::Day), days);
    }

    #[test]
    fn what_was_sent_and_never_heard_of_is_on_the_bill() {
        let note = |event: &str, key: &str| {
            format!(
                "{{\"event\":\"{event}\",\"call\":{{\"achievement\":\"1.1\"}},\"key\":\"{key}\",\"at\":\"2026-01-01T00:00:00Z\"}}\n"
            )
        };
        let priced = format!("\"status\":200,\"sent\":true,{USED},\"cost\":0.5");
        let answered = line("1.1", "2026-01-01T00:00:01Z", &priced);
        let tape_only =
            answered.replace(r#""call":{"achievement":"1.1","stage":"subplan","part":1,"parts":1}"#, r#""call":null"#);
        for (name, events, (calls, in_flight)) in [
            ("answered", note("sending", "k") + &answered, (1, 0)),
            ("the answer is on the tape alone", note("sending", "k") + &tape_only, (1, 0)),
            ("in flight", note("sending", "k"), (1, 1)),
            ("another answered", note("sending", "k") + &note("sending", "other") + &answered, (2, 1)),
            ("sent again", note("sending", "k") + &note("sending", "k") + &answered, (2, 1)),
            ("no connection", note("sending", "k") + &note("unsent", "k"), (0, 0)),
            // Events come after a short rest, notes at once.
            ("out of order", answered.clone() + &note("sending", "k"), (1, 0)),
            ("of an earlier planwave", answered.clone(), (1, 0)),
        ] {
            let mut bill = Bill::default();
            assert_eq!(bill.add_events(&header(1), &events), 0);
            let total = bill.total();
            assert_eq!((total.calls, total.in_flight, total.unmetered), (calls, in_flight, in_flight), "{name}");
            assert_eq!(total.is_partial(), in_flight > 0, "{name}");
            assert!(bill.by(BillKey::Achievement).iter().all(|(id, _)| id == "1.1"), "{name}");
        }
    }

    #[test]
    fn sums_that_are_kept_give_the_same_bill() {
        let mut bill = Bill::default();
        bill.add_events(
            &header(1),
            &line("1.1", "2026-01-01T00:00:00Z", &format!("\"status\":200,\"sent\":true,{USED},\"cost\":0.5")),
        );
        let mut again = Bill::default();
        for charge in bill.charges() {
            again.add(serde_json::from_str(&serde_json::to_string(charge).unwrap()).unwrap());
        }
        assert_eq!(again.total(), bill.total());
        assert_eq!(again.by(BillKey::Day), bill.by(BillKey::Day));
    }
}
