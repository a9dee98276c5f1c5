//! Performs a run that was agreed to, and reports it.

use std::{
    path::Path,
    sync::{Arc, atomic::Ordering},
};

use jiff::Timestamp;

use super::{
    any_out_of_reach,
    level_clashes::Levels,
    prepare::{Paid, Prepared, limits as call_limits, prepare},
    surplus,
};
use crate::{
    cli::{
        code_base::ContextAge,
        connect::{Connected, Sought, connect},
        failure::{Exit, Failure},
        git_checkpoint, model_setup, own_folder,
        project::Project,
        refresh,
        reporting::{self, Charges, Reporting},
        signals,
        tapes::Answers,
        terminal::{self, err, out},
    },
    engine::{Documents, Engine, Order, RunPlan, Selection, StopKind, Summary, Totals, Wish, spare},
    history::{Kind, Tallied},
    model::gate::Bounds,
    parallel::whole_seconds,
    plan::Plan,
    progress::Refreshed,
    report::{SummaryContext, json_pretty, sanitize, shell_word, summary_json, summary_text},
    settings::{self as config, Loaded, Sources},
    store::{Begin, DocumentWriter, Edited, Journal, Operation, PlanDir},
};

/// What a run is given besides the plan.
pub(in crate::cli) struct Surroundings<'a> {
    pub(in crate::cli) loaded: &'a Loaded,
    pub(in crate::cli) sources: &'a Sources,
    pub(in crate::cli) answers: Answers,
    pub(in crate::cli) record: Option<&'a Path>,
    /// Whether everything is asked for again.
    pub(in crate::cli) fresh: bool,
    /// Whether anything may be sent; without that, what is on the plan's own tape has to do.
    pub(in crate::cli) may_send: bool,
    pub(in crate::cli) events: Option<&'a Path>,
    /// Everything behind the plan on the command line, for the next command to type.
    pub(in crate::cli) selection: Vec<String>,
    pub(in crate::cli) json: bool,
    /// Whether git is asked for a commit before the first call.
    pub(in crate::cli) git_checkpoint: bool,
    pub(in crate::cli) plan_argument: String,
}

/// Takes the lock, makes sure that the set is still the one agreed to, and runs it.
pub(in crate::cli) fn perform(
    prepared: Prepared,
    surroundings: Surroundings<'_>,
    key: Option<secrecy::SecretString>,
) -> Result<Exit, Failure> {
    let out_of_reach = any_out_of_reach(&prepared);
    let Surroundings {
        loaded,
        sources,
        answers,
        record,
        fresh,
        may_send,
        events,
        selection,
        json,
        git_checkpoint,
        plan_argument,
    } = surroundings;
    let Prepared { leveled, planned, briefing, choice, wish, model_name, .. } = prepared;
    let began = Timestamp::now();
    let dir = Arc::clone(&leveled.project.dir);
    let holder = format!("process {} since {}", std::process::id(), whole_seconds(began));
    let lock = own_folder::lock(&dir, &holder)?;
    if leveled.plan(&wish)? != planned {
        return Err(Failure::invalid(format!("{} has changed since the run was planned", dir.path().display()))
            .hint(String::from("run the same command again to see what is left to do")));
    }
    // What cannot be written must not be paid for.
    dir.check_replaceable("parallel.json").map_err(|error| Failure::from(error).before_sending())?;
    for folder in wish.stages.iter().map(|stage| stage.folder()).chain([PlanDir::BLOBS]) {
        dir.check_writable(folder).map_err(|error| Failure::invalid(error.to_string()).hint(error.hint()))?;
    }
    let replay = matches!(answers, Answers::Replay(_));
    let settings = &loaded.settings;
    if git_checkpoint {
        git_checkpoint::commit(dir.path())?;
    }
    let command = [String::from("run")].into_iter().chain(selection.iter().map(|word| shell_word(word)));
    let command = command.collect::<Vec<_>>().join(" ");
    let sought = Sought { answers, record, fresh, began };
    let Connected { model, tapes, limits } = connect(loaded, key, sought, &dir, &choice)?;
    if may_send && !replay {
        let spare = spare(most_at_once(&planned.run, settings.run.concurrency), choice.largest_cap);
        dir.set_room_aside(spare).map_err(|error| Failure::from(error).before_sending())?;
    }
    if !may_send {
        // Nobody was asked, so nothing goes out even where the tape has changed in the meantime.
        model.stop();
    }
    let begin = Begin { command: &command, began, kind: Kind::Run, model: Some(&model_name), replay };
    let journal = Journal::begin(&dir, &lock, &begin).map_err(|error| Failure::from(error).before_sending())?;
    let journal = Arc::new(journal);
    if let Some(code) = briefing.code() {
        journal.keep_context(&dir, &code.context).map_err(|error| Failure::from(error).before_sending())?;
    }
    let read_plan = Arc::clone(&leveled.project.plan);
    let refreshed = bring_up_to_date(&dir, &read_plan, &journal, began)?;
    refresh::say(&refreshed, "parallel.json");
    // Statuses can be changed while the run goes on.
    lock.release_changes();
    let names = Arc::clone(&leveled.names);
    let run = Arc::new(planned.run);
    let levels: Vec<u32> = leveled.file.levels().iter().map(|level| level.number).collect();
    // The text of a long parallel.json need not stay through the run; each save reads it again.
    let level_documents = Levels::of(&leveled);
    drop(leveled);
    let style = reporting::style(settings.output.color, sources.environment.contains_key("NO_COLOR"));
    let charges = Charges::new(journal.events(&dir)?);
    let reporting = Reporting::start(settings.output.progress, style, events, journal.events(&dir)?, charges)?;
    let store = DocumentWriter::start(Arc::clone(&dir), Arc::clone(&journal))
        .map_err(|error| Failure::incomplete(format!("cannot start a thread: {error}")))?;
    let merged = store.merged();
    let engine = Engine {
        model,
        store: Arc::new(store),
        briefing,
        names: Arc::clone(&names),
        plan: Arc::clone(&run),
        digests: planned.digests,
        limits: call_limits(loaded, &choice),
        // A replay spends nothing.
        bounds: if replay { Bounds::default() } else { model_setup::bounds(loaded) },
        concurrency: settings.run.concurrency,
        order: match settings.run.order {
            config::Order::Level => Order::Level,
            config::Order::Ready => Order::Ready,
        },
        force: wish.force,
        executor: settings.documents.executor.clone(),
        run_id: journal.id().to_string(),
        model_name,
        notes: tapes.notes.clone(),
        emit: reporting.sink(),
    };
    let runtime = model_setup::runtime()?;
    let grace = settings.run.grace;
    let mut summary = runtime.block_on(async move { engine.run(signals::watch_signals(grace)).await });
    // Ends what is left of the signal watcher and closes the tapes before the summary says that all is saved.
    drop(runtime);
    drop(tapes);
    dir.give_room_back();
    if let Some(error) = reporting.close() {
        let shown = dir.shown(&journal.events_path()).display().to_string();
        let shown = sanitize(&shown);
        err(&format!("warning: {shown}: {error}; events are missing there, so the run's bill is incomplete\n"));
    }
    let merged = if merged.load(Ordering::Relaxed) { Edited::Merged } else { Edited::Written };
    terminal::say_merged(merged, &dir.shown("parallel.json").display().to_string());
    if wish.force
        && let Err(failure) = surplus::take_away(&dir, &names, &run, &mut summary, &journal)
    {
        err(&failure.text().replacen("error: ", "warning: ", 1));
    }
    if let Err(failure) = level_documents.compare(&dir, &plan_argument, &mut summary) {
        err(&failure.text().replacen("error: ", "warning: ", 1));
    }
    // What people did in the meantime counts as well. The documents are on disk whatever comes of it.
    let again = if journal.is_there(&dir) { lock.hold_changes(&dir, &holder).map_err(Failure::from) } else { Ok(()) };
    if let Err(failure) = again.and_then(|()| bring_up_to_date(&dir, &read_plan, &journal, Timestamp::now())) {
        err(&failure.text().replacen("error: ", "warning: ", 1));
    }
    if let Err(error) = journal.finish(&dir, Timestamp::now(), Some(tallied(&summary))) {
        err(&format!("warning: the run's record has no end: {error}\n"));
    }
    if let Some(limits) = &limits {
        limits.keep(Timestamp::now());
    }
    let mut printed = Ok(());
    if json {
        let text = json_pretty(&summary_json(&summary)).map_err(|error| Failure::incomplete(error.to_string()))?;
        printed = out(&text);
    } else {
        let left = match summary.stop_kind {
            Some(StopKind::Budget) => what_is_left(&dir, &wish, loaded),
            _ => None,
        };
        let next_level = next_level(&levels, &wish, &summary);
        let directory = dir.path().display().to_string();
        let model = &settings.model;
        let priced = match choice.facts.prices {
            Some(_) => model.name.clone(),
            None => format!("{} at {}", model.name, model.base_url.name()),
        };
        let context = SummaryContext {
            plan: &plan_argument,
            selection: &selection,
            next_level,
            left,
            directory: &directory,
            model: &priced,
            replay,
            width: terminal::width(),
            height: terminal::height(),
            style,
        };
        let text = summary_text(&summary, &context);
        if events == Some(Path::new("-")) { err(&text) } else { printed = out(&text) }
    }
    // What was done is done, and its exit code says so, even where nobody could be told.
    if let Err(failure) = printed {
        err(&failure.text().replacen("error: ", "warning: ", 1));
    }
    Ok(exit_of(&summary, out_of_reach))
}

/// How many calls can be in flight.
fn most_at_once(run: &RunPlan, concurrency: usize) -> usize {
    let documents = run.items.iter().map(|item| match &item.documents {
        Documents::Subplan(_) => Some(1),
        Documents::Executions(parts) => Some(parts.len()),
        Documents::ExecutionsToCome => None,
    });
    documents.sum::<Option<usize>>().map_or(concurrency, |documents| documents.min(concurrency))
}

/// What the run's record keeps of its sums.
fn tallied(summary: &Summary) -> Tallied {
    Tallied {
        done: summary.done,
        failed: summary.failed,
        blocked: summary.blocked,
        not_started: summary.not_started,
        usage: summary.usage,
        unmetered: summary.unmetered,
        cost: summary.cost,
    }
}

/// Makes parallel.json say what is on disk, as a part of the run. The caller holds the lock.
fn bring_up_to_date(
    dir: &Arc<PlanDir>,
    plan: &Arc<Plan>,
    journal: &Arc<Journal>,
    now: Timestamp,
) -> Result<Refreshed, Failure> {
    let project = Project { dir: Arc::clone(dir), plan: Arc::clone(plan), warnings: Vec::new() };
    refresh::bring_up_to_date(project.leveled()?, now, |changes, updated| {
        Operation::within(dir, Arc::clone(journal), now).change_parallel(changes, updated)
    })
}

fn exit_of(summary: &Summary, out_of_reach: bool) -> Exit {
    match summary.stop_kind {
        Some(StopKind::Interrupted) => Exit::Interrupted,
        Some(StopKind::Provider | StopKind::Budget) => Exit::Stopped,
        Some(StopKind::Storage | StopKind::Internal) => Exit::Incomplete,
        None if summary.failed + summary.blocked + summary.not_started > 0 || out_of_reach => Exit::Incomplete,
        None => Exit::Done,
    }
}

/// What the next run would do and cost. Nothing depends on it, so what cannot be worked out is not said.
fn what_is_left(dir: &Arc<PlanDir>, wish: &Wish, loaded: &Loaded) -> Option<Totals> {
    let again = Project::read(Arc::clone(dir)).ok()?.leveled().ok()?;
    // What was replaced is done, though it exists.
    let wish = Wish { force: false, ..wish.clone() };
    let prepared = prepare(again, wish, loaded, ContextAge::Kept).ok()?;
    let paid = Paid::of(&prepared, loaded, &Answers::Network, false);
    Some(prepared.forecast(paid.as_ref()).ok()?.totals)
}

/// The level to generate next, where this run did whole levels and all of them.
fn next_level(all: &[u32], wish: &Wish, summary: &Summary) -> Option<u32> {
    let Selection::Levels(levels) = &wish.selection else { return None };
    if summary.failed + summary.blocked + summary.not_started > 0 {
        return None;
    }
    let last = levels.iter().max()?;
    all.iter().copied().find(|level| level > last)
}
