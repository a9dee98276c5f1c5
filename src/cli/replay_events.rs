//! `planwave replay-events`: shows an event journal again, with the reporters of a live run.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use clap::Args;
use jiff::Timestamp;

use super::{
    failure::{Exit, Failure},
    global::Global,
    project, reporting,
    terminal::{self, err, out},
};
use crate::{
    event::{Event, Summary},
    report::{
        Plain, Progress, Reporter as _, Reporters, SummaryContext, json_pretty, sanitize, summary_json, summary_text,
    },
    settings::ProgressStyle,
};

/// `planwave replay-events`.
#[derive(Debug, Args)]
pub(super) struct ReplayEventsArguments {
    /// A file of events, as `run --events FILE` writes it and `.planwave/runs/…/events.jsonl` holds it; `-` reads standard
    /// input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print the run's summary as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &ReplayEventsArguments, global: &Global) -> Result<Exit, Failure> {
    let file = &arguments.file;
    let (loaded, sources) = project::settings(None, &global.overrides())?;
    let output = &loaded.settings.output;
    let no_color = sources.environment.contains_key("NO_COLOR");
    let shown = if file == Path::new("-") { String::from("standard input") } else { file.display().to_string() };
    let unreadable = |error: std::io::Error| Failure::invalid(format!("cannot read {}: {error}", sanitize(&shown)));
    let reader: Box<dyn BufRead> = if file == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(BufReader::new(File::open(file).map_err(unreadable)?))
    };
    // The clock of the replay: the latest time that an event told.
    let now = Arc::new(AtomicI64::new(0));
    let mut reporters = Reporters::new();
    match (output.progress, Progress::stderr(reporting::style(output.color, no_color))) {
        (ProgressStyle::None, _) => {}
        (ProgressStyle::Auto, Some(bars)) => reporters.push(bars),
        (ProgressStyle::Auto, None) | (ProgressStyle::Plain, _) => {
            let clock = Arc::clone(&now);
            let tell = move || Timestamp::from_millisecond(clock.load(Ordering::Relaxed)).unwrap_or_default();
            reporters.push(Plain::new(std::io::stderr(), tell));
        }
    }
    let (mut events, mut damaged) = (0_usize, Vec::new());
    let mut model = String::new();
    let mut summary = None;
    for (number, line) in reader.split(b'\n').enumerate() {
        let line = line.map_err(unreadable)?;
        if line.trim_ascii().is_empty() {
            continue;
        }
        let Ok(event) = serde_json::from_slice::<Event>(&line) else {
            damaged.push(number + 1);
            continue;
        };
        events += 1;
        if let Event::RunStarted { at, .. } | Event::Exchange { at, .. } = &event {
            now.fetch_max(at.as_millisecond(), Ordering::Relaxed);
        }
        reporters.event(&event);
        reporters.settle();
        match event {
            Event::RunStarted { model: asked, .. } => model = asked,
            Event::RunFinished { summary: sums } => summary = Some(sums),
            _ => {}
        }
    }
    reporters.finish();
    if events == 0 {
        return Err(Failure::invalid(format!("there is no event in {}", sanitize(&shown))).hint(String::from(
            "`planwave run … --events FILE` writes one, and `.planwave/runs/` keeps those of past runs",
        )));
    }
    if let Some(first) = damaged.first() {
        let more = damaged.len() - 1;
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        err(&format!("warning: line {first}{more} of {} cannot be read and is left out\n", sanitize(&shown)));
    }
    let Some(summary) = summary else {
        err("the run has not ended, or was killed: there is no summary\n");
        return Ok(Exit::Done);
    };
    if arguments.json {
        let text = json_pretty(&summary_json(&summary));
        out(&text.map_err(|error| Failure::invalid(format!("cannot write JSON: {error}")))?)?;
    } else {
        out(&text(&summary, &model, reporting::output_style(output.color, no_color)))?;
    }
    Ok(Exit::Done)
}

fn text(summary: &Summary, model: &str, style: crate::report::Style) -> String {
    let context = SummaryContext {
        plan: "PLAN",
        selection: &[],
        next_level: None,
        left: None,
        directory: "the plan directory",
        model,
        replay: false,
        width: terminal::width(),
        height: terminal::height(),
        style,
    };
    summary_text(summary, &context)
}
