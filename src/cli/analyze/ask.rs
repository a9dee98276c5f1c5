//! Asks the model: shows what that takes, asks the user once, sends, and waits.

use std::{pin::pin, sync::Arc};

use jiff::Timestamp;

use super::{
    AnalyzeArguments, faults_text,
    outcome::{Bill, Outcome},
    subject::Subject,
    waiting::Waiting,
};
use crate::{
    cli::{
        connect::{Connected, Sought, connect},
        error_code::ErrorCode,
        failure::{Exit, Failure},
        model_setup::{self, ModelChoice},
        own_folder,
        reporting::Charges,
        signals,
        tapes::{Answers, open_replay},
        terminal::{self, err, out},
    },
    discovery::{Prompt, Source},
    engine::{
        Inquired, Inquiry, Limits, ModelOutlook, Question, Stop, Undiscovered, discover, event_for_the_bill, question,
        spare,
    },
    history::Kind,
    model::Scope,
    parallel::whole_seconds,
    prompts::Templates,
    report::{ask_text, json_pretty, question_text},
    settings::{Loaded, Sources},
    store::{Begin, Journal},
    tape::GivenUp,
};

pub(super) fn run(
    subject: &Subject,
    arguments: &AnalyzeArguments,
    prompt: &Prompt,
    templates: &Templates,
    (loaded, sources): (&Loaded, &Sources),
) -> Result<Exit, Failure> {
    let choice = model_setup::choose(loaded)?;
    let mut question = count(subject, prompt, loaded, &choice)?;
    if arguments.dry_run {
        if arguments.replay.is_none() {
            question.warnings.extend(model_setup::obstacle("the request", loaded, sources));
        }
        if arguments.json {
            out(&json_pretty(&question).map_err(|error| Failure::invalid(error.to_string()))?)?;
        } else {
            out(&format!("{}\nnothing sent, nothing written\n", question_text(&question, terminal::width())))?;
        }
        return Ok(Exit::Done);
    }
    let answers = match &arguments.replay {
        Some(path) => open_replay(path)?,
        None => Answers::Network,
    };
    // A missing key is said before the user is asked anything.
    let key = match answers {
        Answers::Network => model_setup::key(loaded, sources, true)?,
        Answers::Replay(_) => None,
    };
    if !arguments.yes && matches!(answers, Answers::Network) {
        if !terminal::is_interactive() {
            return Err(Failure::invalid("this would send a request, and there is no terminal to ask on")
                .code(ErrorCode::NoTerminal)
                .hint(String::from("add `--yes` to send it, or `--dry-run` to see what it would cost")));
        }
        err(&question_text(&question, terminal::width()));
        if !terminal::confirm(&ask_text(&question)) {
            err("nothing sent, nothing written\n");
            return Ok(Exit::Done);
        }
    }
    let began = Timestamp::now();
    let dir = &subject.project.dir;
    let holder = format!("process {} (analyze) since {}", std::process::id(), whole_seconds(began));
    let lock = own_folder::lock(dir, &holder)?;
    let replay = matches!(answers, Answers::Replay(_));
    let sought = Sought { answers, record: arguments.record.as_deref(), fresh: arguments.fresh, began };
    let Connected { model, tapes, limits: gate } = connect(loaded, key, sought, dir, &choice)?;
    if !replay {
        let spare = spare(1, choice.largest_cap.max(question.largest_output));
        dir.set_room_aside(spare).map_err(|error| Failure::from(error).before_sending())?;
    }
    let begin =
        Begin { command: "analyze", began, kind: Kind::Command, model: Some(&loaded.settings.model.name), replay };
    let journal = Arc::new(Journal::begin(dir, &lock, &begin)?);
    let charges = Charges::new(journal.events(dir)?);
    let limits = Limits {
        max_attempts: loaded.settings.run.max_attempts,
        max_output_tokens: question.largest_output,
        largest_output_tokens: choice.largest_cap.max(question.largest_output),
        longest_quote: model_setup::longest_quote(loaded),
        review: false,
        prices: choice.facts.prices,
    };
    let source = Source::new(&subject.text);
    let inquiry = Inquiry { basis: &subject.basis, source: &source, prompt, templates };
    let waiting = Waiting::start(&question.model, loaded.settings.output.progress);
    let runtime = model_setup::runtime()?;
    let (discovery, stopped) = runtime.block_on(async {
        let mut wish = signals::watch_signals(loaded.settings.run.grace);
        let stop = wish.clone();
        let go_on = || matches!(*stop.borrow(), Stop::No);
        let say = |event| {
            if let Inquired::Progress(progress) = &event
                && let Some(event) = event_for_the_bill(None, 1, progress, limits.prices.as_ref())
            {
                charges.note(&event);
            }
            waiting.show(event);
        };
        let mut asked = pin!(discover(&inquiry, &*model, &limits, &go_on, &say));
        let discovery = loop {
            tokio::select! {
                discovery = &mut asked => break Some(discovery),
                Ok(()) = wish.changed() => match &*wish.borrow_and_update() {
                    Stop::No => {}
                    Stop::Drain(reason) => waiting.line(reason),
                    Stop::Now => break None,
                },
            }
        };
        (discovery, !go_on())
    });
    // Ends what is left of the signal watcher and closes the tapes.
    drop(runtime);
    drop(model);
    let notes = tapes.notes.clone();
    drop(tapes);
    dir.give_room_back();
    if let Some(gate) = &gate {
        gate.keep(Timestamp::now());
    }
    drop(waiting);
    let discovery = match discovery {
        Some(discovery) if !stopped => discovery,
        Some(_) | None => {
            err("interrupted; nothing written\n");
            if loaded.settings.tape.local && !replay && discovery.is_some_and(|discovery| !discovery.keys.is_empty()) {
                err(
                    "the answer that came in is on the tape: the same command goes on from there, and pays nothing for it\n",
                );
            }
            journal.finish(dir, Timestamp::now(), None)?;
            return Ok(Exit::Interrupted);
        }
    };
    let bill = Bill {
        attempts: discovery.attempts,
        usage: discovery.usage,
        cost: choice.facts.prices.map(|prices| prices.cost(&discovery.usage)),
        metered: discovery.unmetered == 0,
        latency_ms: discovery.latency_ms,
        replay,
    };
    if let (Some(notes), true) = (notes, discovery.result.as_ref().is_err_and(is_final)) {
        let given_up = discovery.keys.iter().map(ToString::to_string).collect();
        // Not waited for: where it is lost, the next command finds these answers faulty once more, and pays nothing.
        drop(notes.record(GivenUp { given_up, item: String::from("analyze") }.to_line()));
    }
    let result = match discovery.result {
        Ok(discovered) => {
            Outcome { bill: Some(bill), ..Outcome::discovered(discovered) }.settle(subject, arguments, Some(&journal))
        }
        Err(Undiscovered::Interrupted) => Ok(Exit::Interrupted),
        Err(Undiscovered::Faulty(faults)) => {
            err(&bill.text());
            let answers = if bill.attempts == 1 {
                "the answer".to_owned()
            } else {
                format!("the last of {} answers", bill.attempts)
            };
            Err(Failure::incomplete(format!("{answers} cannot be used; nothing written\n{}", faults_text(&faults)))
                .hint(kept(subject, arguments, loaded)))
        }
        Err(Undiscovered::Rejected(rejected)) => {
            let failure = match rejected.scope {
                Scope::Run | Scope::Budget | Scope::Stopped => Failure::stopped(rejected.reason),
                Scope::NotOnTape => Failure::invalid(rejected.reason),
                Scope::Call | Scope::Storage => Failure::incomplete(rejected.reason),
            };
            Err(failure.hint(rejected.hint))
        }
    };
    journal.finish(dir, Timestamp::now(), None)?;
    result
}

/// Whether the answers led to nothing, so that another command should not be given them again.
fn is_final(reason: &Undiscovered) -> bool {
    match reason {
        Undiscovered::Faulty(_) => true,
        Undiscovered::Rejected(rejected) => rejected.scope == Scope::Call,
        Undiscovered::Interrupted => false,
    }
}

/// What to do with an answer that was paid for and cannot be used.
fn kept(subject: &Subject, arguments: &AnalyzeArguments, loaded: &Loaded) -> String {
    let tape = match &arguments.record {
        Some(path) => Some(path.clone()),
        None => loaded.settings.tape.local.then(|| subject.project.dir.shown(".planwave/tape.jsonl")),
    };
    let tape = match (tape, &arguments.replay) {
        (Some(path), None) => format!("; the answers are on {}", path.display()),
        (_, _) => String::new(),
    };
    format!(
        "run it again, raise `--max-attempts`, take another model, or mend an answer and use `--from-response`{tape}"
    )
}

fn count(subject: &Subject, prompt: &Prompt, loaded: &Loaded, choice: &ModelChoice) -> Result<Question, Failure> {
    let tokenizer = choice.facts.tokenizer;
    let outlook = ModelOutlook {
        name: &loaded.settings.model.name,
        tokenizer: tokenizer.name(),
        count: &|text| tokenizer.count(text),
        prices: choice.facts.prices,
        prices_taken: choice.facts.prices_taken.clone(),
        max_output_tokens: choice.output_cap,
        review: false,
    };
    let achievements = (subject.basis.drafts().len(), subject.basis.open().count());
    let plan = subject.project.plan.name.as_str();
    Ok(question(plan, prompt, achievements, &outlook, choice.largest_cap, choice.facts.context_window)?)
}
