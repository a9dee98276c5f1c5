//! The event stream for programs: a JSON object on a line per event, written and flushed when a burst of them is over.
//!
//! A reader that has gone away silences the stream and never disturbs the run.

use std::io::{self, Write};

use super::{Reporter, json_line};
use crate::engine::Event;

/// The reporter for `--events`.
pub struct Ndjson<W> {
    out: W,
    /// Whole lines that have not been written.
    waiting: String,
    error: Option<io::Error>,
}

impl<W: Write + Send> Ndjson<W> {
    /// Writes to `out`, which needs no buffer of its own.
    pub fn new(out: W) -> Self {
        Self { out, waiting: String::new(), error: None }
    }

    /// Why nothing is written any more, where that is so.
    pub fn error(&self) -> Option<&io::Error> {
        self.error.as_ref()
    }

    fn write(&mut self) -> io::Result<()> {
        self.out.write_all(self.waiting.as_bytes())?;
        self.waiting.clear();
        self.out.flush()
    }
}

impl<W: Write + Send> Reporter for Ndjson<W> {
    fn event(&mut self, event: &Event) {
        // Chunks are for the eye; there can be thousands a second.
        if self.error.is_some() || matches!(event, Event::CallProgress { .. }) || event.is_a_note() {
            return;
        }
        match json_line(event) {
            Ok(line) => {
                self.waiting.push_str(&line);
                self.waiting.push('\n');
            }
            Err(error) => self.error = Some(error.into()),
        }
    }

    fn settle(&mut self) {
        if self.error.is_none() && !self.waiting.is_empty() {
            self.error = self.write().err();
        }
    }

    fn finish(&mut self) {
        self.settle();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{engine::Summary, event::read_journal, report::events_for_tests::*};

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
        ndjson.finish();
        assert!(ndjson.error().is_none());
        let read: Vec<Event> = read_journal(std::str::from_utf8(&out).unwrap()).map(Result::unwrap).collect();
        let written = events.iter().filter(|event| !matches!(event, Event::CallProgress { .. }));
        assert!(read.iter().eq(written), "every event is read back as it was written: {read:#?}");
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r#"
        {"event":"run_started","run":"20250203-120304","plan":"DEMO","model":"gpt-5","items":3,"concurrency":8,"at":"2025-02-03T12:03:04Z"}
        {"event":"call_started","call":{"achievement":"1.1","stage":"subplan","part":1,"parts":1},"title":"Write the 1.1 that everything else of this plan is going to need","attempt":1}
        {"event":"call_retrying","call":{"achievement":"1.2","stage":"execution","part":2,"parts":3},"reason":"429 \u001b[31m\u202eslow\ndown","delay_ms":2000}
        {"event":"call_finished","call":{"achievement":"1.2","stage":"execution","part":2,"parts":3},"attempt":1,"usage":{"input":7000,"cached":0,"output":1834,"reasoning":0},"cost":0.25,"latency_ms":12345,"requests":1}
        {"event":"call_finished","call":{"achievement":"1.2","stage":"execution","part":2,"parts":3},"attempt":1,"usage":null,"cost":null,"latency_ms":400,"requests":2}
        {"event":"answer_rejected","call":{"achievement":"1.2","stage":"execution","part":2,"parts":3},"attempt":1,"findings":[{"code":"too-long","severity":"warning","message":"the document has 900 lines","line":null},{"code":"section-missing","severity":"error","message":"the section Objective is missing","line":null},{"code":"placeholder","severity":"error","message":"line 12 holds a placeholder","line":null}]}
        {"event":"document_written","call":{"achievement":"1.2","stage":"execution","part":2,"parts":3},"path":"subplans/SUBPLAN_DEMO_11.md","warnings":[]}
        {"event":"item_done","item":{"achievement":"1.2","stage":"execution"}}
        {"event":"item_failed","item":{"achievement":"1.2","stage":"execution"},"reason":"the model refused","attempts":3}
        {"event":"item_blocked","item":{"achievement":"2.1","stage":"execution"},"by":{"achievement":"1.2","stage":"execution"}}
        {"event":"stopping","reason":"quota"}
        {"event":"run_finished","summary":{"rows":[],"documents":0,"done":0,"failed":0,"blocked":0,"not_started":0,"skipped":0,"usage":{"input":0,"cached":0,"output":0,"reasoning":0},"unmetered":0,"cost":null,"over_budget":null,"remembered":0,"requests":0,"wall_ms":0,"sequential_ms":0,"stopped":null,"stop_kind":null,"cuts":[],"unclear":[],"hints":[]}}
        "#);
    }

    #[test]
    fn a_reader_that_is_gone_silences_the_stream() {
        let mut room = [0_u8; 40];
        let mut ndjson = Ndjson::new(&mut room[..]);
        ndjson.event(&run_started(3));
        ndjson.settle();
        assert!(ndjson.error().is_some());
        ndjson.event(&Event::Stopping { reason: "x".into() });
        ndjson.finish();
        drop(ndjson);
        assert!(!String::from_utf8_lossy(&room).contains("stopping"));
    }
    /// Counts what is written at once.
    #[derive(Default)]
    struct Writes(Vec<String>);

    impl Write for Writes {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.push(String::from_utf8_lossy(bytes).into_owned());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_burst_is_one_write_of_whole_lines() {
        let mut ndjson = Ndjson::new(Writes::default());
        for burst in [2, 0, 1] {
            for _ in 0..burst {
                ndjson.event(&Event::Stopping { reason: "x".into() });
            }
            ndjson.settle();
        }
        let line = "{\"event\":\"stopping\",\"reason\":\"x\"}\n";
        assert_eq!(ndjson.out.0, [line.repeat(2), line.to_owned()]);
    }
}
