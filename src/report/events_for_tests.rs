//! Short ways to write events down in the tests of this module.

use jiff::Timestamp;

use crate::{
    document::{Code, Finding, Severity, Stage},
    engine::{CallId, Event, ItemId},
    model::Usage,
};

pub(super) fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

pub(super) fn item(id: &str, stage: Stage) -> ItemId {
    ItemId { achievement: id.parse().unwrap(), stage }
}

pub(super) fn subplan(id: &str) -> CallId {
    CallId { item: item(id, Stage::Subplan), part: 1, parts: 1 }
}

pub(super) fn execution(id: &str, part: u32, parts: u32) -> CallId {
    CallId { item: item(id, Stage::Execution), part, parts }
}

pub(super) fn run_started(items: usize) -> Event {
    Event::RunStarted {
        run: "20250203-120304".into(),
        plan: "DEMO".into(),
        model: "gpt-5".into(),
        items,
        concurrency: 8,
        at: at("2025-02-03T12:03:04Z"),
    }
}

pub(super) fn started(call: CallId, attempt: u32) -> Event {
    let title = format!("Write the {} that everything else of this plan is going to need", call.item.achievement);
    Event::CallStarted { call, title, attempt }
}

pub(super) fn finished(call: CallId, attempt: u32, input: u64, cached: u64, output: u64, cost: Option<f64>) -> Event {
    let usage = Some(Usage { input, cached, output, reasoning: 0, at_least: false });
    Event::CallFinished { call, attempt, usage, cost, latency_ms: 12_345, requests: 1 }
}

pub(super) fn finding(code: Code, severity: Severity, message: &str) -> Finding {
    Finding { code, severity, message: message.into(), line: None }
}

pub(super) fn rejected(call: CallId, attempt: u32) -> Event {
    let findings = vec![
        finding(Code::TooLong, Severity::Warning, "the document has 900 lines"),
        finding(Code::SectionMissing, Severity::Error, "the section Objective is missing"),
        finding(Code::Placeholder, Severity::Error, "line 12 holds a placeholder"),
    ];
    Event::AnswerRejected { call, attempt, findings }
}

pub(super) fn written(call: CallId) -> Event {
    Event::DocumentWritten { call, path: "subplans/SUBPLAN_DEMO_11.md".into(), warnings: Vec::new() }
}

pub(super) fn failed(item: ItemId, reason: &str) -> Event {
    Event::ItemFailed { item, reason: reason.into(), attempts: 3 }
}

pub(super) fn blocked(item: ItemId, by: ItemId) -> Event {
    Event::ItemBlocked { item, by }
}
