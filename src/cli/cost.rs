//! `planwave cost`: what all runs of a plan have cost, failed and rejected answers included.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    failure::{Exit, Failure},
    model_setup::Prices,
    own_folder,
    past::newest,
    pretty,
    terminal::{err, out, width},
};
use crate::{
    history::{Bill, BillKey, BillLine, Header, Kind, RunId, VERSION},
    report::bill_text,
    store::{Events, PlanDir},
    tape::Usage,
};

/// `planwave cost`.
#[derive(Debug, Args)]
pub(super) struct CostArguments {
    /// A plan directory, a PLAN_<NAME>.md, or a parallel.json.
    #[arg(value_name = "PLAN", default_value = ".")]
    plan: PathBuf,
    /// What to add up by.
    #[arg(long, value_enum, default_value_t = By::Run)]
    by: By,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum By {
    Run,
    Achievement,
    Model,
    Day,
}

#[derive(Serialize)]
struct Report {
    by: &'static str,
    lines: Vec<Line>,
    total: Line,
}

#[derive(Serialize)]
struct Line {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    calls: u64,
    unmetered: u64,
    #[serde(skip_serializing_if = "is_zero")]
    in_flight: u64,
    unpriced: u64,
    usage: Usage,
    /// Whether it may have been more.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    at_least: bool,
    /// US dollars; `null` where none of the calls has a known price.
    cost: Option<f64>,
}

pub(super) fn run(arguments: &CostArguments) -> Result<Exit, Failure> {
    let dir = own_folder::open(&arguments.plan)?;
    let bill = bill(&dir)?;
    let (key, by) = match arguments.by {
        By::Run => (BillKey::Run, "run"),
        By::Achievement => (BillKey::Achievement, "achievement"),
        By::Model => (BillKey::Model, "model"),
        By::Day => (BillKey::Day, "day"),
    };
    let (lines, total) = (bill.by(key), bill.total());
    if arguments.json {
        let lines = lines.into_iter().map(|(name, sum)| line(Some(name), &sum)).collect();
        out(&pretty(&Report { by, lines, total: line(None, &total) })?)?;
    } else if lines.is_empty() {
        err("nothing has been paid for here yet\n");
    } else {
        out(&bill_text(&by.to_uppercase(), &lines, &total, width()))?;
    }
    Ok(Exit::Done)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The bill of everything that is on record.
fn bill(dir: &PlanDir) -> Result<Bill, Failure> {
    let mut bill = Bill::default();
    let mut damaged = 0;
    let mut known = std::collections::HashSet::new();
    let prices = Prices::of(dir);
    let price = |model: &str, usage: &Usage| prices.cost(model, usage);
    let all = Events::new(dir, &price);
    let mut until = None;
    for (record, _) in newest(dir, |_, _| false)? {
        if let Some(events) = all.of(&record, until)? {
            damaged += bill.add_events(&record.header, &events);
            known.insert(record.id.to_string());
        }
        until = record.asked_since(until);
    }
    // A run whose record is lost has paid all the same.
    for id in dir.operations()? {
        if dir.record(&id).is_err()
            && let Some(events) = dir.events(&id)?
        {
            damaged += bill.add_events(&lost(&id, &events), &events);
            known.insert(id.to_string());
        }
    }
    let (old, unreadable) = dir.old_charges()?;
    old.into_iter().filter(|charge| !known.contains(&charge.run)).for_each(|charge| bill.add(charge));
    if damaged + unreadable > 0 {
        err(&format!("warning: {} lines of the bill cannot be read and are left out\n", damaged + unreadable));
    }
    Ok(bill)
}

/// What stands in for the header of a record that cannot be read. The bill needs no more than who asked what.
fn lost(id: &RunId, events: &str) -> Header {
    #[derive(Deserialize)]
    struct Started {
        model: String,
    }
    let started = events.lines().find_map(|line| serde_json::from_str::<Started>(line).ok());
    Header {
        record: VERSION,
        id: id.to_string(),
        command: String::from("(its record is lost)"),
        began: Timestamp::UNIX_EPOCH,
        kind: Kind::Run,
        model: started.map(|started| started.model),
        replay: false,
    }
}

fn line(name: Option<String>, sum: &BillLine) -> Line {
    let BillLine { calls, unmetered, in_flight, unpriced, usage, .. } = *sum;
    let at_least = usage.at_least || in_flight > 0;
    Line { name, calls, unmetered, in_flight, unpriced, usage, at_least, cost: sum.known_cost() }
}
