//! `planwave undo`, and what `planwave redo` does with other words: takes an operation back.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use super::{
    error_code::ErrorCode,
    failure::{Exit, Failure},
    own_folder,
    parallel_file::open_past,
    past::{newest, run_and_plan, unknown},
    pretty,
    terminal::{confirm, err, is_interactive, name_kept, out},
};
use crate::{
    history::{Kind, PlanPath, Record, RunRef, State, TakingBack, Timeline, Verb},
    parallel::whole_seconds,
    report::{plural, sanitize, taking_back_text, untouchable_text},
    store::{Begin, Performed, PlanDir, Prepared, RunLock, Unfinished, is_unfinished},
};

/// `planwave undo` and `planwave redo`.
#[derive(Debug, Args)]
pub(super) struct TakeBackArguments {
    /// An operation by its number in `planwave history` [default: the last one that can be taken back].
    #[arg(value_name = "RUN")]
    run: Option<String>,
    /// A plan directory, a PLAN_<NAME>.md, or a parallel.json [default: here].
    #[arg(value_name = "PLAN")]
    plan: Option<PathBuf>,
    /// Leave files that were changed since, and take back the rest.
    #[arg(long)]
    keep_edited: bool,
    /// Show what would be done; change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Do not ask before changing files.
    #[arg(long, short = 'y')]
    yes: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// The result as JSON.
#[derive(Serialize)]
struct Report<'a> {
    /// The operation that is taken back.
    operation: u64,
    command: &'a str,
    /// The number of the operation that took it back; `null` for a dry run.
    by: Option<u64>,
    #[serde(flatten)]
    plan: &'a TakingBack,
    /// Files that somebody changed at that moment, and that were left as they are.
    #[serde(skip_serializing_if = "<[PlanPath]>::is_empty")]
    left: &'a [PlanPath],
}

/// An operation to take back, and the newer ones.
struct Target {
    record: Record,
    later: Vec<Record>,
    verb: Verb,
}

pub(super) fn run(arguments: &TakeBackArguments) -> Result<Exit, Failure> {
    take_back(Verb::Undo, arguments)
}

pub(super) fn take_back(verb: Verb, arguments: &TakeBackArguments) -> Result<Exit, Failure> {
    let (run, plan) = run_and_plan(arguments.run.as_deref(), arguments.plan.as_deref())?;
    let dir = open_past(&plan)?;
    own_folder::refuse_foreign(&dir)?;
    if !arguments.dry_run {
        // While somebody is at work, what the last operation is and what it changed is not settled.
        drop(lock(&dir, verb, Timestamp::now())?);
    }
    if let Some(unfinished) = unfinished(&dir, run.as_ref())? {
        let finished = finish(&dir, verb, arguments, &unfinished)?;
        // Who repeats an interrupted command wants no more than its end; who wants it taken back wants that as well.
        match finished {
            Finished::No => return Ok(Exit::Done),
            Finished::InPart => return Ok(Exit::Incomplete),
            Finished::Whole if unfinished.is_of(verb) => return Ok(Exit::Done),
            Finished::Whole => {}
        }
    }
    let target = target(&dir, verb, run.as_ref())?;
    for idle in target.later.iter().filter(|record| run.is_none() && record.changes.is_empty()) {
        let command = sanitize(&idle.header.command);
        err(&format!("{} ({command}) changed no files; the one before is meant\n", idle.id.number()));
    }
    let prepared = Prepared::new(&dir, &target.record, &target.later)?;
    refuse_edited(&target, &prepared, arguments)?;
    let number = target.record.id.number();
    let plan = prepared.plan();
    if !arguments.json {
        let shown = format!("{}\n{}", heading(&target), taking_back_text(plan));
        if arguments.dry_run { out(&shown)? } else { err(&shown) }
    }
    let report = |by, left| Report { operation: number, command: &target.record.header.command, by, plan, left };
    if arguments.dry_run {
        if arguments.json {
            out(&pretty(&report(None, &[]))?)?;
        } else {
            err("nothing changed\n");
        }
        return Ok(Exit::Done);
    }
    if !agreed(arguments, &format!("{} {} ({})? [y/N]", capital(target.verb), number, files(plan)))? {
        err("nothing changed\n");
        return Ok(Exit::Done);
    }
    let now = Timestamp::now();
    let lock = lock(&dir, target.verb, now)?;
    name_kept(&dir.remove_temporaries());
    // What was agreed to is done, and nothing else.
    let again = Prepared::new(&dir, &target.record, &target.later)?;
    if again.plan() != plan || any_newer(&dir, &target)? {
        return Err(Failure::invalid(format!("{} has changed in the meantime", dir.path().display()))
            .hint(String::from("run the same command again")));
    }
    let command = format!("{} {number}", target.verb.as_str());
    let begin = Begin { command: &command, began: now, kind: target.verb.kind(number), model: None, replay: false };
    let Performed { number: by, left } = again.perform(&dir, &lock, &begin)?;
    name_left(&dir, &left);
    if arguments.json {
        out(&pretty(&report(Some(by), &left))?)?;
    } else {
        let files = plural(plan.steps.len() - left.len(), "file");
        let back = match target.verb {
            Verb::Undo => format!("undid {number}: {files}; `planwave redo` brings it back\n"),
            Verb::Redo => format!("redid {}: {files}\n", target.record.takes_back().unwrap_or(number)),
        };
        out(&back)?;
    }
    Ok(if left.is_empty() { Exit::Done } else { Exit::Incomplete })
}

fn lock(dir: &PlanDir, verb: Verb, now: Timestamp) -> Result<RunLock, Failure> {
    let holder = format!("process {} ({}) since {}", std::process::id(), verb.as_str(), whole_seconds(now));
    own_folder::lock(dir, &holder)
}

/// Whether somebody has done something since the target was chosen.
fn any_newer(dir: &PlanDir, target: &Target) -> Result<bool, Failure> {
    let newest = target.later.first().unwrap_or(&target.record).id.number();
    Ok(dir.operations()?.iter().any(|id| id.number() > newest && dir.record(id).is_ok()))
}

/// A taking back that was interrupted, where it is the last thing that happened and nothing else was asked for.
fn unfinished(dir: &PlanDir, run: Option<&RunRef>) -> Result<Option<Unfinished>, Failure> {
    // Records that cannot be read are named later, when one is chosen.
    let Some(record) = dir.operations()?.iter().find_map(|id| dir.record(id).ok()) else { return Ok(None) };
    let meant = run.is_none_or(|run| {
        let target = record.takes_back().and_then(|number| RunRef::parse(&number.to_string()));
        run.means(&record.id) || Some(run) == target.as_ref()
    });
    if !meant || !is_unfinished(&record) {
        return Ok(None);
    }
    Ok(Unfinished::of(dir, record))
}

/// Whether something that was interrupted is finished now.
enum Finished {
    /// It was not asked for.
    No,
    /// But for files that somebody changed at that moment.
    InPart,
    Whole,
}

/// Names files that somebody changed while they were to be taken back.
fn name_left(dir: &PlanDir, left: &[PlanPath]) {
    for path in left {
        let shown = dir.shown(path.as_str()).display().to_string();
        err(&format!("warning: {} was changed at the same moment; it is left as it is\n", sanitize(&shown)));
    }
}

/// Finishes what was interrupted, where the user agrees.
fn finish(
    dir: &PlanDir,
    verb: Verb,
    arguments: &TakeBackArguments,
    unfinished: &Unfinished,
) -> Result<Finished, Failure> {
    let record = unfinished.record();
    if unfinished.is_complete() && !unfinished.is_of(verb) && !arguments.dry_run {
        // Only its last line is missing, which is nothing that anybody has to agree to.
        unfinished.finish(dir, &lock(dir, verb, Timestamp::now())?)?;
        return Ok(Finished::Whole);
    }
    let command = sanitize(&record.header.command).into_owned();
    let left = plural(unfinished.left(), "file");
    err(&format!("`{command}` was interrupted; {left} left to restore\n"));
    if !unfinished.untouchable.is_empty() && !arguments.keep_edited {
        let plan = TakingBack { untouchable: unfinished.untouchable.clone(), ..TakingBack::default() };
        return Err(edited(&untouchable_text(&plan)));
    }
    if arguments.dry_run {
        err("nothing changed\n");
        return Ok(Finished::No);
    }
    if !agreed(arguments, &format!("Finish `{command}`? [y/N]"))? {
        err("nothing changed\n");
        return Ok(Finished::No);
    }
    let lock = lock(dir, verb, Timestamp::now())?;
    name_kept(&dir.remove_temporaries());
    let Some(again) = Unfinished::of(dir, dir.record(&record.id).map_err(|error| Failure::invalid(error.to_string()))?)
    else {
        return Err(Failure::invalid("it has been finished in the meantime"));
    };
    let left = again.finish(dir, &lock)?;
    name_left(dir, &left);
    out(&format!("finished `{command}`: {}\n", plural(again.left() - left.len(), "file")))?;
    Ok(if left.is_empty() { Finished::Whole } else { Finished::InPart })
}

/// What was asked for, or the last operation that the verb fits.
fn target(dir: &PlanDir, verb: Verb, run: Option<&RunRef>) -> Result<Target, Failure> {
    let mut past = newest(dir, |record, state| match run {
        Some(run) => run.means(&record.id),
        None => Timeline::offers(verb, record, state),
    })?;
    let Some((record, state)) = past.pop() else { return Err(nothing(verb, run)) };
    let fits = match run {
        Some(run) => run.means(&record.id),
        None => Timeline::offers(verb, &record, state),
    };
    if !fits {
        return Err(nothing(verb, run));
    }
    let later = past.into_iter().map(|(record, _)| record);
    let number = record.id.number();
    let elsewhere = |number: u64| target(dir, verb, RunRef::parse(&number.to_string()).as_ref());
    match (verb, record.header.kind, state) {
        // A redo is undone by undoing what it redid; that is what it brought back.
        (_, Kind::Redo(undo), State::Standing | State::Unfinished) => {
            let original = dir.operations()?.into_iter().find(|id| id.number() == undo);
            let original = original.and_then(|id| dir.record(&id).ok()).and_then(|record| record.takes_back());
            elsewhere(original.ok_or_else(|| nothing(verb, run))?)
        }
        (Verb::Redo, Kind::Run | Kind::Command, State::TakenBack(by)) => elsewhere(by),
        (_, _, State::TakenBack(by)) => Err(Failure::invalid(format!("{number} has been taken back already, by {by}"))
            .hint(format!("`planwave redo {by}` brings it back"))),
        (Verb::Redo, Kind::Run | Kind::Command, State::Standing | State::Unfinished) => {
            Err(Failure::invalid(format!("{number} has not been undone, so there is nothing to redo")))
        }
        (_, kind, State::Standing | State::Unfinished) => {
            if let Some(line) = record.damaged.first() {
                return Err(Failure::invalid(format!(
                    "the record of {number} is damaged in line {line}, so it cannot be taken back as a whole"
                )));
            }
            let verb = if matches!(kind, Kind::Undo(_)) { Verb::Redo } else { Verb::Undo };
            Ok(Target { later: later.collect(), record, verb })
        }
    }
}

fn nothing(verb: Verb, run: Option<&RunRef>) -> Failure {
    match run {
        Some(run) => unknown(run),
        None => Failure::invalid(format!("there is nothing to {}", verb.as_str()))
            .hint(String::from("`planwave history` lists what has been done here")),
    }
}

fn refuse_edited(target: &Target, prepared: &Prepared, arguments: &TakeBackArguments) -> Result<(), Failure> {
    let plan = prepared.plan();
    if plan.untouchable.is_empty() {
        return Ok(());
    }
    let text = untouchable_text(plan);
    if !arguments.keep_edited {
        return Err(edited(&text));
    }
    if plan.steps.is_empty() {
        let number = target.record.id.number();
        return Err(Failure::invalid(format!("nothing of {number} is left to take back:\n{text}")));
    }
    err(&format!("left as they are:\n{text}\n"));
    Ok(())
}

fn edited(text: &str) -> Failure {
    Failure::invalid(format!("these files cannot be taken back, so nothing was changed:\n{text}"))
        .hint(String::from("`--keep-edited` leaves them and takes back the rest"))
}

fn heading(target: &Target) -> String {
    let Target { record, verb, .. } = target;
    let began = record.header.began.strftime("%Y-%m-%d %H:%M");
    let (number, command) = (record.id.number(), sanitize(&record.header.command));
    format!("{} {number}: {command}, {began} UTC", capital(*verb))
}

fn capital(verb: Verb) -> &'static str {
    match verb {
        Verb::Undo => "Undo",
        Verb::Redo => "Redo",
    }
}

fn files(plan: &TakingBack) -> String {
    plural(plan.steps.len(), "file")
}

fn agreed(arguments: &TakeBackArguments, question: &str) -> Result<bool, Failure> {
    if arguments.yes {
        return Ok(true);
    }
    if !is_interactive() {
        return Err(Failure::invalid("this would change files, and there is no terminal to ask on")
            .code(ErrorCode::NoTerminal)
            .hint(String::from("add `--yes` to do it, or `--dry-run` to see what it would be")));
    }
    Ok(confirm(question))
}
