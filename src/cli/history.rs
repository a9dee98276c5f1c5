//! `planwave history`: runs and other operations, newest first.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use super::{
    failure::{Exit, Failure},
    model_setup::Prices,
    number::from_one,
    parallel_file::open_past,
    past::newest,
    pretty,
    terminal::{err, out, width},
};
use crate::{
    history::{Bill, BillLine, CallLog, Kind, Record, State},
    report::{PastRow, past_text},
    store::Events,
    tape::Usage,
};

/// `planwave history`.
#[derive(Debug, Args)]
pub(super) struct HistoryArguments {
    /// A plan directory, a PLAN_<NAME>.md, or a parallel.json.
    #[arg(value_name = "PLAN", default_value = ".")]
    plan: PathBuf,
    /// The most operations to list.
    #[arg(long, value_name = "N", default_value_t = 20, allow_negative_numbers = true, value_parser = from_one)]
    limit: u32,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// One operation as JSON.
#[derive(Serialize)]
struct Past<'a> {
    id: String,
    number: u64,
    command: &'a str,
    kind: &'static str,
    /// The operation that it takes back.
    takes_back: Option<u64>,
    began: Timestamp,
    ended: Option<Timestamp>,
    /// `standing`, `unfinished` or `taken_back`.
    state: &'static str,
    taken_back_by: Option<u64>,
    model: Option<&'a str>,
    replay: bool,
    items: Option<Items>,
    documents: usize,
    files: usize,
    usage: Option<Usage>,
    /// US dollars; `null` where they are unknown.
    cost: Option<f64>,
    /// Whether some calls have no known cost.
    cost_is_partial: bool,
}

#[derive(Clone, Copy, Serialize)]
struct Items {
    done: usize,
    failed: usize,
    blocked: usize,
    not_started: usize,
}

pub(super) fn run(arguments: &HistoryArguments) -> Result<Exit, Failure> {
    let dir = open_past(&arguments.plan)?;
    let limit = usize::try_from(arguments.limit).unwrap_or(usize::MAX);
    let mut read = 0;
    let past = newest(&dir, |_, _| {
        read += 1;
        read >= limit
    })?;
    let mut rows = Vec::new();
    let mut json = Vec::new();
    let prices = Prices::of(&dir);
    let price = |model: &str, usage: &Usage| prices.cost(model, usage);
    let all = Events::new(&dir, &price);
    let mut until = None;
    for (record, state) in &past {
        let (items, bill) = of_run(&all, record, until)?;
        until = record.asked_since(until);
        if arguments.json {
            json.push(as_json(record, *state, items, bill));
        } else {
            rows.push(as_row(record, *state, items, bill));
        }
    }
    if arguments.json {
        out(&pretty(&json)?)?;
    } else if rows.is_empty() {
        err("nothing has been done here yet\n");
    } else {
        out(&past_text(&rows, width()))?;
        let all = dir.operations()?.len();
        if all > limit {
            err(&format!("the newest {limit} of {all}; `--limit {all}` lists all\n"));
        }
    }
    Ok(Exit::Done)
}

/// A run's items and bill. A run that was interrupted is known by its events.
fn of_run(
    all: &Events<'_>,
    record: &Record,
    until: Option<Timestamp>,
) -> Result<(Option<Items>, Option<BillLine>), Failure> {
    if record.header.kind != Kind::Run {
        return Ok((None, None));
    }
    let events = all.of(record, until)?;
    let mut bill = Bill::default();
    bill.add_events(&record.header, events.as_deref().unwrap_or_default());
    let items = match record.end.as_ref().and_then(|end| end.run.as_ref()) {
        Some(run) => Items { done: run.done, failed: run.failed, blocked: run.blocked, not_started: run.not_started },
        None => {
            let log = CallLog::parse(events.as_deref().unwrap_or_default());
            Items { done: log.done, failed: log.failed, blocked: 0, not_started: 0 }
        }
    };
    Ok((Some(items), Some(bill.total())))
}

fn as_row(record: &Record, state: State, items: Option<Items>, bill: Option<BillLine>) -> PastRow {
    let note = match (state, record.header.kind) {
        (State::Standing, _) => None,
        (State::Unfinished, _) => Some(String::from("unfinished")),
        (State::TakenBack(_), Kind::Undo(_)) => Some(String::from("redone")),
        (State::TakenBack(_), Kind::Run | Kind::Command | Kind::Redo(_)) => Some(String::from("undone")),
    };
    PastRow {
        number: record.id.number(),
        began: record.header.began,
        items: items.map(|items| (items.done, items.done + items.failed + items.blocked + items.not_started)),
        files: record.files().len(),
        // A replay has nothing to pay for.
        bill: bill.filter(|_| !record.header.replay),
        command: record.header.command.clone(),
        note,
    }
}

fn as_json(record: &Record, state: State, items: Option<Items>, bill: Option<BillLine>) -> Past<'_> {
    let header = &record.header;
    let (state, taken_back_by) = match state {
        State::Standing => ("standing", None),
        State::Unfinished => ("unfinished", None),
        State::TakenBack(by) => ("taken_back", Some(by)),
    };
    Past {
        id: record.id.to_string(),
        number: record.id.number(),
        command: &header.command,
        kind: match header.kind {
            Kind::Run => "run",
            Kind::Command => "command",
            Kind::Undo(_) => "undo",
            Kind::Redo(_) => "redo",
        },
        takes_back: record.takes_back(),
        began: header.began,
        ended: record.end.as_ref().map(|end| end.end),
        state,
        taken_back_by,
        model: header.model.as_deref(),
        replay: header.replay,
        items,
        documents: record.documents(),
        files: record.files().len(),
        usage: bill.map(|bill| bill.usage),
        cost: bill.and_then(|bill| bill.known_cost()),
        cost_is_partial: bill.is_some_and(|bill| bill.is_partial()),
    }
}
