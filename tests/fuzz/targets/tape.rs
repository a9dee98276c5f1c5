//! The reader of tapes that the user names (`--replay`), and of single lines.

use std::hint::black_box;

use planwave::tape::{Exchange, ReplayIndex, Skimmed, Tape, TapeError, request_key, skim};

use super::{about, kind, line_count};
use crate::drive::Target;

pub(super) const TOKENS: &[&str] = &[
    "{\"tape\":1,\"origin\":\"recorded\",\"server\":null,\"created\":\"2026-11-01T00:00:00Z\",\"planwave\":\"0.1.0\"}\n",
    "\"key\":\"k\"",
    "\"item_key\":\"i\"",
    "\"request\":{\"messages\":[]}",
    "\"status\":200",
    "\"complete\":false",
    "\"given_up\":[\"k\"]",
    "\"at\":\"2026-11-01T00:00:00Z\"",
    "\"headers\":{}",
    "\"usage\":null",
    "\"latency_ms\":1",
    "\"body\":\"data: {}\\n\\n\"",
    "{",
    "}",
    "[",
    "]",
    ",",
    "\\ud800",
    "\\n",
    "\\u001b",
    "null",
    "\"tape\":2",
];

pub(super) const TARGET: Target = Target {
    name: "tape",
    more: &[],
    tokens: TOKENS,
    cases: 2_000,
    check,
    read,
    frame: ("{\"tape\":1,\"origin\":\"recorded\",\"created\":\"2026-11-01T00:00:00Z\",\"planwave\":\"0\"}\n", "\n"),
};

#[test]
fn tapes() {
    TARGET.run();
}

fn read(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    for line in text.lines() {
        let _ = black_box(skim(line));
    }
    if let Ok(tape) = Tape::parse(&text) {
        black_box(ReplayIndex::new(tape).nearest(&serde_json::Value::Null));
    }
}

fn check(input: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(input);
    let lines = line_count(text.as_bytes());
    let mut usable = 0;
    for line in text.lines() {
        single(line);
        usable += usize::from(matches!(skim(line), Ok(Skimmed::Exchange { usable: true, .. })));
    }
    match Tape::parse(&text) {
        Ok(tape) => {
            let numbers: Vec<usize> = tape.exchanges.iter().map(|(number, _)| *number).collect();
            assert!(numbers.is_sorted_by(|a, b| a < b));
            assert!(numbers.iter().chain(&tape.torn).all(|number| (2..=lines).contains(number)));
            let (count, torn) = (tape.exchanges.len(), tape.torn.is_some());
            let requests: Vec<_> = tape.exchanges.iter().map(|(_, exchange)| exchange.clone()).collect();
            let index = ReplayIndex::new(tape);
            for Exchange { method, path, request, .. } in &requests {
                assert!(index.answer(&request_key(method, path, request)).is_some());
                assert!(index.nearest(request).is_some());
            }
            kind((about(count), torn, about(usable)))
        }
        Err(error) => {
            if let TapeError::Line { line, .. } = &error {
                assert!((1..=lines).contains(line), "{error}");
            }
            assert!(error.hint().is_some());
            kind((error.to_string().trim_matches(|c: char| c.is_ascii_digit()), about(usable)))
        }
    }
}

/// What is read can be written, and reads as the same again.
fn single(line: &str) {
    let Ok(exchange) = Exchange::parse_line(line) else { return };
    let skimmed = skim(line).unwrap();
    let Skimmed::Exchange { key, usable } = skimmed else { panic!("{skimmed:?}") };
    assert_eq!(&*key, exchange.item_key.as_ref().unwrap_or(&exchange.key));
    assert_eq!(usable, exchange.complete && (200..300).contains(&exchange.status));
    let written = exchange.to_line();
    assert!(!written.contains('\n'));
    let mut again = Exchange::parse_line(&written).unwrap();
    // Numbers with more digits than a double holds may come back as their neighbours.
    again.request = exchange.request.clone();
    assert_eq!(again, exchange);
}
