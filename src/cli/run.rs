//! `planwave run`: plan, show, ask, perform, report.

use std::{collections::HashSet, path::Path, sync::Arc};

use jiff::Timestamp;

use super::{
    arguments::{Global, RunArguments},
    failure::{Exit, Failure},
    git_checkpoint,
    model_setup::{self, ModelChoice},
    project::{Leveled, Planned, Project, settings},
    rate_limits::KeptGate,
    reporting::{self, Reporting},
    signals,
    tapes::{self, Answers, Open, Wanted, read_tape},
    terminal::{self, err, out},
};
use crate::{
    document::Stage,
    engine::{
        self, Briefing, Engine, Forecast, Limits, ModelOutlook, Order, Remembered, Selection, SkipReason, StopKind,
        Summary, Totals, Wish,
    },
    history::{Kind, Tallied},
    model::{Model, ModelConfig, OpenAi, Request, Source, gate::Bounds},
    plan::Plan,
    progress::Refreshed,
    prompts::{TemplateName, Templates},
    report::{
        SummaryContext, confirm_text, dry_run_text, forecast_text, json_pretty, plural, sanitize, shell_word,
        summary_json, summary_text,
    },
    settings::{self as config, Loaded, Sources, StageChoice},
    store::{Begin, DocumentWriter, Existing, Journal, LocalTape, Operation, PlanDir, RunLock},
    tape::{Header, Origin},
};

/// Characters that a token stands for, about, in English markdown; only used to turn a token budget into a cut.
pub(super) const CHARACTERS_PER_TOKEN: usize = 4;

/// Everything that is settled before anything is sent.
pub(super) struct Prepared {
    pub(super) leveled: Leveled,
    pub(super) planned: Planned,
    pub(super) briefing: Arc<Briefing>,
    pub(super) choice: ModelChoice,
    wish: Wish,
    model_name: String,
    bounds: Bounds,
}

impl Prepared {
    /// Counts what the run would send beyond what is `paid` for. Most of a dry run's work, so it is done only where
    /// somebody wants to see it.
    pub(super) fn forecast(&self, paid: Option<&Paid>) -> Result<Forecast, Failure> {
        let Self { leveled, planned, briefing, choice, wish: _, model_name, bounds: _ } = self;
        let tokenizer = choice.facts.tokenizer;
        let outlook = ModelOutlook {
            name: model_name,
            tokenizer: tokenizer.name(),
            count: &|text| tokenizer.count(text),
            prices: choice.facts.prices,
            prices_taken: choice.facts.prices_taken.clone(),
            max_output_tokens: choice.output_cap,
        };
        let remembered = |request: &Request| paid.is_some_and(|paid| paid.covers(request, choice));
        let remembered: Option<Remembered<'_>> = if paid.is_some() { Some(&remembered) } else { None };
        let Leveled { graph, names, .. } = leveled;
        let mut forecast =
            engine::forecast(&planned.run, briefing, graph, names, &planned.digests, &outlook, remembered)?;
        forecast.warnings.extend(leveled.warnings.iter().cloned());
        forecast.budget = self.bounds.is_set().then_some(self.bounds);
        Ok(forecast)
    }
}

/// What the plan's own tape has answers to.
pub(super) struct Paid {
    keys: HashSet<String>,
    configuration: ModelConfig,
}

impl Paid {
    /// `None` where there is nothing, or where it is not to be used. A tape that cannot be read is the run's to report.
    fn of(dir: &PlanDir, loaded: &Loaded, answers: &Answers, fresh: bool) -> Option<Self> {
        if fresh || !loaded.settings.tape.local || !matches!(answers, Answers::Network) {
            return None;
        }
        let keys = LocalTape::keys(dir).ok().filter(|keys| !keys.is_empty())?;
        Some(Self { keys, configuration: model_setup::configuration(loaded, None) })
    }

    fn covers(&self, request: &Request, choice: &ModelChoice) -> bool {
        self.keys.contains(&OpenAi::item_key(request, &self.configuration, &choice.facts))
    }
}

/// What a run is given besides the plan.
pub(super) struct Surroundings<'a> {
    pub(super) loaded: &'a Loaded,
    pub(super) sources: &'a Sources,
    pub(super) answers: Answers,
    pub(super) record: Option<&'a Path>,
    /// Whether everything is asked for again.
    pub(super) fresh: bool,
    pub(super) events: Option<&'a Path>,
    /// Everything behind the plan on the command line, for the next command to type.
    pub(super) selection: Vec<String>,
    pub(super) json: bool,
    /// Whether git is asked for a commit before the first call.
    pub(super) git_checkpoint: bool,
    pub(super) plan_argument: String,
}

pub(super) fn run(arguments: &RunArguments, global: &Global) -> Result<Exit, Failure> {
    if arguments.json && arguments.events.as_deref() == Some(Path::new("-")) {
        return Err(Failure::invalid("`--json` and `--events -` both want standard output")
            .hint(String::from("write the events to a file")));
    }
    let project = Project::open(&arguments.plan)?;
    let (loaded, sources) = settings(Some(project.dir.path()), &arguments.overrides(global))?;
    let leveled = project.leveled()?;
    let wish = wish(arguments, &loaded, &leveled)?;
    let answers = match &arguments.replay {
        Some(path) => Answers::Replay(Box::new(read_tape(path)?)),
        None => Answers::Network,
    };
    let prepared = prepare(leveled, wish, &loaded)?;
    if matches!(answers, Answers::Network) {
        model_setup::check_budget(&loaded, &prepared.choice.facts)?;
    }
    for warning in &loaded.warnings {
        err(&format!("warning: {}\n", sanitize(warning)));
    }
    let paid = Paid::of(&prepared.leveled.project.dir, &loaded, &answers, arguments.fresh);
    if arguments.dry_run {
        let forecast = prepared.forecast(paid.as_ref())?;
        let text = if arguments.json {
            json_pretty(&forecast).map_err(|error| Failure::invalid(error.to_string()))?
        } else {
            dry_run_text(&forecast, terminal::width())
        };
        out(&text)?;
        return Ok(Exit::Done);
    }
    let surroundings = Surroundings {
        loaded: &loaded,
        sources: &sources,
        answers,
        record: arguments.record.as_deref(),
        fresh: arguments.fresh,
        events: arguments.events.as_deref(),
        selection: selection_words(arguments),
        json: arguments.json,
        git_checkpoint: arguments.git_checkpoint,
        plan_argument: arguments.plan.display().to_string(),
    };
    if prepared.planned.run.items.is_empty() {
        return nothing_to_do(&prepared, &surroundings);
    }
    // A missing key is said before the user is asked anything.
    let key = match surroundings.answers {
        Answers::Network => model_setup::key(&loaded, &sources)?,
        Answers::Replay(_) => None,
    };
    if arguments.yes || matches!(surroundings.answers, Answers::Replay(_)) {
        for warning in prepared.planned.run.warnings.iter().chain(&prepared.leveled.warnings) {
            err(&format!("warning: {}\n", sanitize(warning)));
        }
    } else {
        if !terminal::is_interactive() {
            return Err(Failure::invalid("this would send requests, and there is no terminal to ask on")
                .hint(String::from("add `--yes` to send them, or `--dry-run` to see what they would be")));
        }
        let forecast = prepared.forecast(paid.as_ref())?;
        err(&forecast_text(&forecast, terminal::width()));
        if !terminal::confirm(&confirm_text(&forecast.totals, terminal::width())) {
            err("nothing sent, nothing written\n");
            return Ok(Exit::Done);
        }
    }
    perform(prepared, surroundings, key)
}

/// What the arguments ask for.
fn wish(arguments: &RunArguments, loaded: &Loaded, leveled: &Leveled) -> Result<Wish, Failure> {
    let selection = &arguments.selection;
    let selection = if selection.all {
        Selection::All
    } else if !selection.level.is_empty() {
        Selection::Levels(selection.level.clone())
    } else if !selection.ids.is_empty() {
        Selection::Ids(selection.ids.clone())
    } else {
        let levels: Vec<String> = leveled.file.levels().iter().map(|level| level.number.to_string()).collect();
        let levels = if levels.len() > 8 { format!("1 to {}", levels.len()) } else { levels.join(", ") };
        return Err(Failure::invalid("say what to generate: `--level N`, `--ids 3.1,3.2` or `--all`")
            .hint(format!("this plan has the levels {levels}")));
    };
    let stages = match loaded.settings.run.stage {
        StageChoice::Subplan => vec![Stage::Subplan],
        StageChoice::Execution => vec![Stage::Execution],
        StageChoice::Both => vec![Stage::Subplan, Stage::Execution],
    };
    Ok(Wish { selection, stages, force: arguments.force, strict: loaded.settings.run.strict })
}

/// The words of the command line that select, for the next command.
fn selection_words(arguments: &RunArguments) -> Vec<String> {
    let selection = &arguments.selection;
    let mut words = Vec::new();
    if selection.all {
        words.push(String::from("--all"));
    }
    for level in &selection.level {
        words.extend([String::from("--level"), level.to_string()]);
    }
    if !selection.ids.is_empty() {
        let ids: Vec<String> = selection.ids.iter().map(ToString::to_string).collect();
        words.extend([String::from("--ids"), ids.join(",")]);
    }
    if let Some(model) = &arguments.model {
        words.extend([String::from("--model"), model.clone()]);
    }
    match arguments.order {
        Some(config::Order::Ready) => words.extend(["--order", "ready"].map(String::from)),
        Some(config::Order::Level) | None => {}
    }
    // A bound is not repeated: it holds for one run, and what is left may need another.
    for (flag, number) in [("--concurrency", arguments.concurrency), ("--max-attempts", arguments.max_attempts)] {
        if let Some(number) = number {
            words.extend([flag.to_owned(), number.to_string()]);
        }
    }
    match arguments.stage {
        Some(StageChoice::Subplan) => words.extend(["--stage", "subplan"].map(String::from)),
        Some(StageChoice::Execution) => words.extend(["--stage", "execution"].map(String::from)),
        Some(StageChoice::Both) | None => {}
    }
    if let Some(tape) = &arguments.replay {
        words.extend([String::from("--replay"), tape.display().to_string()]);
    }
    words
}

/// Plans the run and counts what it will cost.
pub(super) fn prepare(leveled: Leveled, wish: Wish, loaded: &Loaded) -> Result<Prepared, Failure> {
    let choice = model_setup::choose(loaded)?;
    let templates = Templates::load(&template_overrides(loaded)?)?;
    let planned = leveled.plan(&wish)?;
    let tokenizer = choice.facts.tokenizer;
    let count = |text: &str| tokenizer.count(text);
    let briefing = Briefing::new(
        Arc::clone(&leveled.project.plan),
        Arc::clone(&leveled.graph),
        templates,
        &planned.run,
        loaded.settings.prompts.shared_tokens,
        &count,
    )?;
    let model_name = loaded.settings.model.name.clone();
    let bounds = model_setup::bounds(loaded);
    Ok(Prepared { leveled, planned, briefing: Arc::new(briefing), choice, wish, model_name, bounds })
}

pub(super) fn template_overrides(loaded: &Loaded) -> Result<Vec<(TemplateName, String)>, Failure> {
    let Some(directory) = &loaded.settings.prompts.directory else {
        return Ok(Vec::new());
    };
    let mut overrides = Vec::new();
    for name in TemplateName::ALL {
        let path = directory.join(name.file_name());
        match std::fs::read_to_string(&path) {
            Ok(text) => overrides.push((name, text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(Failure::invalid(format!("cannot read {}: {error}", path.display()))),
        }
    }
    if overrides.is_empty() {
        let names: Vec<&str> = TemplateName::ALL.iter().map(|name| name.file_name()).collect();
        return Err(Failure::invalid(format!(
            "`prompts.directory` is {}, which holds no template",
            directory.display()
        ))
        .hint(format!("a template there has one of these names: {}", names.join(", "))));
    }
    Ok(overrides)
}

/// Everything exists, or all that is left is blocked.
fn nothing_to_do(prepared: &Prepared, surroundings: &Surroundings<'_>) -> Result<Exit, Failure> {
    let blocked = any_out_of_reach(prepared);
    // What an interrupted write left behind is nobody's, unless somebody is at work.
    let dir = &prepared.leveled.project.dir;
    if let Ok(_lock) = RunLock::take(dir, &format!("process {}", std::process::id())) {
        dir.remove_temporaries();
    }
    let mut forecast = prepared.forecast(None)?;
    if surroundings.json {
        forecast.warnings.push(String::from("nothing to do"));
        out(&json_pretty(&forecast).unwrap_or_default())?;
    } else {
        err(&forecast_text(&forecast, terminal::width()));
        err("nothing to do: nothing sent, nothing written\n");
    }
    Ok(if blocked { Exit::Incomplete } else { Exit::Done })
}

/// Whether something that was asked for cannot be had now.
fn any_out_of_reach(prepared: &Prepared) -> bool {
    prepared
        .planned
        .run
        .skipped
        .iter()
        .any(|item| matches!(item.reason, SkipReason::BlockedBy(_) | SkipReason::NoSubplan))
}

/// Takes the lock, makes sure that the set is still the one agreed to, and runs it.
pub(super) fn perform(
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
        events,
        selection,
        json,
        git_checkpoint,
        plan_argument,
    } = surroundings;
    let Prepared { leveled, planned, briefing, choice, wish, model_name, bounds: _ } = prepared;
    let began = Timestamp::now();
    let dir = Arc::clone(&leveled.project.dir);
    let lock = RunLock::take(&dir, &format!("process {} since {}", std::process::id(), whole_seconds(began)))?;
    if leveled.plan(&wish)? != planned {
        return Err(Failure::invalid(format!("{} has changed since the run was planned", dir.path().display()))
            .hint(String::from("run the same command again to see what is left to do")));
    }
    // What cannot be written must not be paid for.
    for folder in wish.stages.iter().map(|stage| stage.folder()) {
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
    let begin = Begin { command: &command, began, kind: Kind::Run, model: Some(&model_name), replay };
    let journal = Arc::new(Journal::begin(&dir, &lock, &begin)?);
    let read_plan = Arc::clone(&leveled.project.plan);
    let refreshed = bring_up_to_date(&dir, &read_plan, &journal, began)?;
    if !refreshed.changes.is_empty() {
        err(&format!("parallel.json: {} brought up to date\n", plural(refreshed.changes.len(), "achievement")));
    }
    super::refresh::warn(&refreshed.warnings);
    let names = Arc::clone(&leveled.names);
    let levels: Vec<u32> = leveled.file.levels().iter().map(|level| level.number).collect();
    // The text of a long parallel.json need not stay through the run; each save reads it again.
    drop(leveled);
    let style = reporting::style(settings.output.color, sources.environment.contains_key("NO_COLOR"));
    let reporting = Reporting::start(settings.output.progress, style, events, journal.events(&dir)?)?;
    let store = DocumentWriter::start(Arc::clone(&dir), Arc::clone(&journal))
        .map_err(|error| Failure::incomplete(format!("cannot start a thread: {error}")))?;
    let engine = Engine {
        model,
        store: Arc::new(store),
        briefing,
        names,
        plan: Arc::new(planned.run),
        digests: planned.digests,
        limits: Limits {
            max_attempts: settings.run.max_attempts,
            max_output_tokens: choice.output_cap,
            largest_output_tokens: choice.largest_cap,
            longest_quote: settings.prompts.repair_tokens.saturating_mul(CHARACTERS_PER_TOKEN),
            prices: choice.facts.prices,
        },
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
    let summary = runtime.block_on(async move { engine.run(signals::watch_signals(grace)).await });
    // Ends what is left of the signal watcher and closes the tapes before the summary says that all is saved.
    drop(runtime);
    drop(tapes);
    if let Some(error) = reporting.close() {
        err(&format!("warning: the run's events are not all on the disk, so its bill is incomplete: {error}\n"));
    }
    // What people did in the meantime counts as well. The documents are on disk whatever comes of it.
    if let Err(failure) = bring_up_to_date(&dir, &read_plan, &journal, Timestamp::now()) {
        err(&failure.text().replacen("error: ", "warning: ", 1));
    }
    if let Err(error) = journal.finish(&dir, Timestamp::now(), Some(tallied(&summary))) {
        err(&format!("warning: the run's record has no end: {error}\n"));
    }
    if let Some(limits) = &limits {
        limits.keep(Timestamp::now());
    }
    if json {
        let text = json_pretty(&summary_json(&summary)).map_err(|error| Failure::incomplete(error.to_string()))?;
        out(&text)?;
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
            None => format!("{} at {}", model.name, model.base_url.host()),
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
            style,
        };
        let text = summary_text(&summary, &context);
        if events == Some(Path::new("-")) { err(&text) } else { out(&text)? }
    }
    Ok(exit_of(&summary, out_of_reach))
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
    super::refresh::bring_up_to_date(project.leveled()?, now, |text| {
        let operation = Operation::within(dir, Arc::clone(journal), now);
        operation.write("parallel.json", text, Existing::Replace)?;
        operation.finish()
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

/// What a command wants to be answered by.
pub(super) struct Sought<'a> {
    pub(super) answers: Answers,
    /// A new tape beside the plan's own.
    pub(super) record: Option<&'a Path>,
    /// Whether everything is asked for again.
    pub(super) fresh: bool,
    /// When the command began.
    pub(super) began: Timestamp,
}

/// What answers a command, and what has to be kept of it.
pub(super) struct Connected {
    pub(super) model: Arc<dyn Model>,
    pub(super) tapes: Open,
    /// What has been learned of the server's limits, to be kept at the end.
    pub(super) limits: Option<KeptGate>,
}

/// The model that answers from tapes, or from the network where they do not; and the tapes. Says what an earlier run left
/// behind. The caller holds the run lock.
pub(super) fn connect(
    loaded: &Loaded,
    key: Option<secrecy::SecretString>,
    sought: Sought<'_>,
    dir: &PlanDir,
    choice: &ModelChoice,
) -> Result<Connected, Failure> {
    let Sought { answers, record, fresh, began } = sought;
    let server = Some(loaded.settings.model.base_url.host().to_owned());
    let header = Header::new(Origin::Recorded, server, began).to_line();
    let temporaries = dir.remove_temporaries();
    let tapes = tapes::open(answers, dir, Wanted { record, local: loaded.settings.tape.local, fresh, header })?;
    if let Some(line) = tapes::recovery(&tapes.found, temporaries, fresh) {
        err(&format!("{line}\n"));
    }
    let configuration = model_setup::configuration(loaded, key);
    let live = matches!(tapes.source, Source::Live);
    if live {
        model_setup::check_budget(loaded, &choice.facts)?;
    }
    let limits = live.then(|| KeptGate::open(loaded, &configuration, &choice.facts, began));
    let gate = limits.as_ref().map(|limits| limits.gate.clone());
    let built = OpenAi::new(configuration, choice.facts.clone(), tapes.source.clone(), tapes.recorder.clone());
    let mut model = built.map_err(|error| Failure::invalid(error.to_string()).hint(error.hint()))?;
    if let Some(memory) = &tapes.memory {
        model = model.with_memory(Arc::clone(memory));
    }
    if let Some(gate) = gate {
        model = model.through(gate);
    }
    for setting in model.settings_not_sent() {
        err(&format!("warning: {} does not take `{setting}`; it is not sent\n", loaded.settings.model.name));
    }
    Ok(Connected { model: Arc::new(model), tapes, limits })
}

/// What the next run would do and cost. Nothing depends on it, so what cannot be worked out is not said.
fn what_is_left(dir: &PlanDir, wish: &Wish, loaded: &Loaded) -> Option<Totals> {
    let again = Project::open(dir.path()).ok()?.leveled().ok()?;
    // What was replaced is done, though it exists.
    let wish = Wish { force: false, ..wish.clone() };
    let paid = Paid::of(dir, loaded, &Answers::Network, false);
    Some(prepare(again, wish, loaded).ok()?.forecast(paid.as_ref()).ok()?.totals)
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

/// A time as file fields and messages show it.
pub(super) fn whole_seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
