//! The event stream for programs: a JSON object on a line per event, flushed, so that a reader sees it at once.
//!
//! A reader that has gone away silences the stream and never disturbs the run.

use std::io::{self, Write};

use super::{Reporter, json_line};
use crate::engine::Event;

/// The reporter for `--events`.
pub struct Ndjson<W> {
    out: W,
    error: Option<io::Error>,
}

impl<W: Write + Send> Ndjson<W> {
    /// Writes to `out`, which needs no buffer of its own.
    pub fn new(out: W) -> Self {
        Self { out, error: None }
    }

    /// Why nothing is written any more, where that is so.
    pub fn error(&self) -> Option<&io::Error> {
        self.error.as_ref()
    }

    fn write(&mut self, event: &Event) -> io::Result<()> {
        let mut line = json_line(event)?;
        line.push('\n');
        self.out.write_all(line.as_bytes())?;
        self.out.flush()
    }
}

impl<W: Write + Send> Reporter for Ndjson<W> {
    fn event(&mut self, event: &Event) {
        // Chunks are for the eye; there can be thousands a second.
        if self.error.is_some() || matches!(event, Event::CallProgress { .. }) {
            return;
        }
        self.error = self.write(event).err();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{engine::Summary, report::events_for_tests::*};

    #[test]
    fn a_line_per_event() {
        let mut out = Vec::new();
        let mut ndjson = Ndjson::new(&mut out);
        let call = execution("1.2", 2, 3);
        let events = [
            run_started(3),
            started(subplan("1.1"), 1),
            Event::CallProgress { call, chars: 10 },
            Event::CallRetrying { call, reason: "429 \u{1b}[31m\u{202e}slow\ndown".into(), delay_ms: 2_000 },
            finished(call, 1, 7_000, 0, 1_834, Some(0.25)),
            Event::CallFinished { call, attempt: 1, usage: None, cost: None, latency_ms: 400, requests: 2 },
            rejected(call, 1),
            written(call),
            Event::ItemDone { item: call.item },
            failed(call.item, "the model refused"),
            blocked(execution("2.1", 1, 1).item, call.item),
            Event::Stopping { reason: "quota".into() },
            Event::RunFinished { summary: Summary::default() },
        ];
        for event in &events {
            ndjson.event(event);
        }
        assert!(ndjson.error().is_none());
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @"");
    }

    #[test]
    fn a_reader_that_is_gone_silences_the_stream() {
        let mut room = [0_u8; 40];
        let mut ndjson = Ndjson::new(&mut room[..]);
        ndjson.event(&run_started(3));
        assert!(ndjson.error().is_some());
        ndjson.event(&Event::Stopping { reason: "x".into() });
        drop(ndjson);
        assert!(!String::from_utf8_lossy(&room).contains("stopping"));
    }
}
