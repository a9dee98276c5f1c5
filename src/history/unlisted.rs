//! Exchanges that stand on the plan's own tape and not among the events of their run: it was killed between the two.
//!
//! The tape is written before an answer is used, the events after, so what was paid for can always be told.

use std::collections::HashSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Header, bill::EXCHANGE};
use crate::tape::Usage;

/// An exchange on the tape, as far as it concerns the bill.
#[derive(Clone, Debug, PartialEq)]
pub struct Taped {
    /// The key of its request.
    pub key: String,
    /// When its last byte came.
    pub at: Timestamp,
    /// The model asked.
    pub model: String,
    /// HTTP status.
    pub status: u16,
    /// Whether its body came to its end.
    pub complete: bool,
    /// What the provider counted.
    pub usage: Option<Usage>,
    /// From request to last byte, milliseconds.
    pub latency_ms: u64,
}

impl Taped {
    /// Reads a line of a tape; `None` where it is no exchange.
    pub fn parse(line: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Line {
            key: String,
            at: Timestamp,
            request: Request,
            status: u16,
            #[serde(default = "yes")]
            complete: bool,
            #[serde(default)]
            usage: Option<Usage>,
            #[serde(default)]
            latency_ms: u64,
        }
        #[derive(Deserialize)]
        struct Request {
            #[serde(default)]
            model: String,
        }
        fn yes() -> bool {
            true
        }
        let Line { key, at, request: Request { model }, status, complete, usage, latency_ms } =
            serde_json::from_slice(line).ok()?;
        Some(Self { key, at, model, status, complete, usage, latency_ms })
    }
}

/// The events that a run would have written, had it not been killed: a line for each exchange on the tape from between
/// its beginning and `until`, when the next operation began, that is not among its `events`.
///
/// Which document an exchange was for, the tape does not say. `price` gives the cost of a model's tokens in US dollars.
pub fn unlisted(
    header: &Header,
    until: Option<Timestamp>,
    events: &str,
    tape: &[Taped],
    price: &dyn Fn(&str, &Usage) -> Option<f64>,
) -> String {
    #[derive(Deserialize)]
    struct Listed {
        key: String,
        at: Timestamp,
    }
    #[derive(Serialize)]
    struct Line<'a> {
        event: &'static str,
        call: (),
        attempt: u32,
        key: &'a str,
        at: Timestamp,
        status: u16,
        complete: bool,
        sent: bool,
        usage: Option<Usage>,
        cost: Option<f64>,
        latency_ms: u64,
    }
    if header.replay {
        return String::new();
    }
    let lines = events.lines().filter(|line| line.starts_with(EXCHANGE));
    let listed: HashSet<(String, Timestamp)> =
        lines.filter_map(|line| serde_json::from_str(line).ok()).map(|Listed { key, at }| (key, at)).collect();
    let in_time = |at: Timestamp| at >= header.began && until.is_none_or(|until| at < until);
    let missing = tape.iter().filter(|taped| in_time(taped.at) && !listed.contains(&(taped.key.clone(), taped.at)));
    let mut lines = String::new();
    for Taped { key, at, model, status, complete, usage, latency_ms } in missing {
        let line = Line {
            event: "exchange",
            call: (),
            attempt: 1,
            key,
            at: *at,
            status: *status,
            complete: *complete,
            sent: true,
            usage: *usage,
            cost: usage.as_ref().and_then(|usage| price(model, usage)),
            latency_ms: *latency_ms,
        };
        // Text keys and finite numbers: this cannot fail.
        lines.push_str(&serde_json::to_string(&line).unwrap_or_default());
        lines.push('\n');
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Bill, Kind, VERSION};

    fn at(second: u32) -> Timestamp {
        format!("2026-01-01T00:00:{second:02}Z").parse().unwrap()
    }

    fn header(replay: bool) -> Header {
        Header {
            record: VERSION,
            id: String::from("20260101T000010Z-1"),
            command: String::from("run --all"),
            began: at(10),
            kind: Kind::Run,
            model: Some(String::from("m")),
            replay,
        }
    }

    fn tape() -> Vec<Taped> {
        let line = |key: &str, second: u32, status: u16| {
            format!(
                r#"{{"key":"{key}","at":"{}","method":"POST","path":"/p","request":{{"model":"m","messages":[]}},"status":{status},"body":"x","usage":{{"input":100,"cached":0,"output":10,"reasoning":0}},"latency_ms":7}}"#,
                at(second)
            )
        };
        let lines = [line("before", 9, 200), line("a", 11, 200), line("b", 12, 200), line("later", 20, 200)];
        lines.iter().map(|line| Taped::parse(line.as_bytes()).unwrap()).collect()
    }

    #[test]
    fn what_only_the_tape_has_comes_onto_the_bill_once() {
        let price = |model: &str, usage: &Usage| (model == "m").then(|| usage.input as f64 / 100.0);
        let events = r#"{"event":"exchange","call":null,"attempt":1,"key":"a","at":"2026-01-01T00:00:11Z","status":200,"complete":true,"sent":true,"usage":{"input":100,"cached":0,"output":10,"reasoning":0},"cost":1.0,"latency_ms":7}
"#;
        let more = unlisted(&header(false), Some(at(20)), events, &tape(), &price);
        assert_eq!(more.lines().count(), 1, "{more}");
        let whole = format!("{events}{more}");
        let mut bill = Bill::default();
        assert_eq!(bill.add_events(&header(false), &whole), 0);
        assert_eq!((bill.total().calls, bill.total().usage.input, bill.total().known_cost()), (2, 200, Some(2.0)));
        // Told once, it is listed.
        assert_eq!(unlisted(&header(false), Some(at(20)), &whole, &tape(), &price), "");
    }

    #[test]
    fn a_replay_has_paid_for_nothing_and_the_last_operation_has_no_end() {
        let none = |_: &str, _: &Usage| None;
        assert_eq!(unlisted(&header(true), None, "", &tape(), &none), "");
        assert_eq!(unlisted(&header(false), None, "", &tape(), &none).lines().count(), 3);
    }

    #[test]
    fn other_lines_of_a_tape_are_no_exchanges() {
        for line in ["", "{", r#"{"tape":1}"#, r#"{"given_up":["a"]}"#, "\u{0}"] {
            assert_eq!(Taped::parse(line.as_bytes()), None, "{line}");
        }
    }
}
