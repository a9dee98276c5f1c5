//! `planwave analyze`: finds the dependencies of a PLAN, computes what follows, and writes parallel.json.
//!
//! Where dependencies come from is one question (the PLAN, a model, an answer that was pasted elsewhere), what becomes of
//! them another: every way ends in [`outcome`].

mod ask;
mod outcome;
mod subject;
mod waiting;

use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

use clap::Args;

use super::{
    failure::{Exit, Failure},
    global::Global,
    model_setup,
    number::setting,
    output_files::{self, OutputFile},
    project,
    run::template_overrides,
    terminal::{err, out_file},
};
use crate::{
    discovery::{Fault, Prompt, Source, examine, parse_answer, prompt},
    parallel::declares_nothing,
    plan::PlanName,
    prompts::Templates,
    report::sanitize,
    settings::{Loaded, Overrides, Sources},
};
use outcome::Outcome;
use subject::Subject;

#[cfg(test)]
mod tests;

/// Faults of an answer that are printed.
const FAULTS_SHOWN: usize = 20;

#[derive(Debug, Default, Args)]
pub(super) struct AnalyzeArguments {
    /// A plan directory or a PLAN_<NAME>.md.
    #[arg(value_name = "PLAN", default_value = ".")]
    plan: PathBuf,
    /// Take the dependencies that the PLAN declares; no model is asked.
    #[arg(long, conflicts_with_all = ["prompt", "from_response", "model", "max_attempts", "replay", "record"])]
    declared: bool,
    /// Print the prompt, for pasting elsewhere; send nothing, write nothing.
    #[arg(long, conflicts_with_all = ["from_response", "replay", "record", "json"])]
    prompt: bool,
    /// Take an answer to that prompt from a file, or from standard input with `-`.
    #[arg(long, value_name = "FILE|-", conflicts_with_all = ["model", "max_attempts", "replay", "record"])]
    from_response: Option<PathBuf>,
    /// The model to ask.
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Answers asked for at most, the first included [default: 3].
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = setting::<u64>("run", "max_attempts"))]
    max_attempts: Option<u64>,
    /// Seconds that a call in flight has to end after Ctrl-C [default: 30].
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, value_parser = setting::<f64>("run", "grace_seconds"), conflicts_with_all = ["declared", "prompt", "from_response"])]
    grace: Option<f64>,
    /// Show tokens and cost, send nothing; without a model, print the parallel.json. Nothing is written.
    #[arg(long)]
    dry_run: bool,
    /// Do not ask before sending, nor before changing a parallel.json that exists.
    #[arg(long, short = 'y')]
    yes: bool,
    /// Take the answer from a tape instead of the network.
    #[arg(long, value_name = "TAPE", conflicts_with = "record")]
    replay: Option<PathBuf>,
    /// Write every exchange to a new tape.
    #[arg(long, value_name = "TAPE")]
    record: Option<PathBuf>,
    /// Ask again, even where the answer is on the plan's own tape and was paid for.
    #[arg(long, conflicts_with_all = ["declared", "from_response", "replay"])]
    fresh: bool,
    /// Begin anew: a parallel.json that exists is replaced, and its statuses and other fields are lost.
    #[arg(long)]
    force: bool,
    /// Print the forecast or the outcome as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &AnalyzeArguments, global: &Global) -> Result<Exit, Failure> {
    let subject = Subject::open(arguments)?;
    output_files::check(&subject.project.dir, arguments.record.as_deref().map(OutputFile::Tape))?;
    if arguments.declared {
        for warning in warnings_of_declarations(&subject) {
            err(&warning);
        }
        let outcome = Outcome::of(subject.basis.structure(), Vec::new());
        return outcome.settle(&subject, arguments, None);
    }
    for warning in &subject.warnings {
        err(&format!("warning: {}\n", sanitize(warning)));
    }
    if let Some(path) = &arguments.from_response {
        return take_in(&read_answer(path)?, &subject, arguments);
    }
    if subject.basis.open().next().is_none() {
        err("every achievement is settled, so there is nothing to ask\n");
        return Outcome::of(subject.basis.structure(), Vec::new()).settle(&subject, arguments, None);
    }
    let (loaded, sources) = settings(&subject, arguments, global)?;
    let templates = Templates::load(&template_overrides(&loaded)?)?;
    let prompt = prompt(&templates, &subject.project.plan, &subject.text, &subject.basis)?;
    if arguments.prompt {
        out_file(pasted(prompt).as_bytes())?;
        return Ok(Exit::Done);
    }
    ask::run(&subject, arguments, &prompt, &templates, (&loaded, &sources))
}

/// A prompt for people who paste it.
pub(super) struct ToPaste {
    pub(super) plan: PlanName,
    pub(super) text: String,
    pub(super) tokens: usize,
}

/// The prompt of [`run`] for people who paste it. `anew` leaves an existing parallel.json out of account.
pub(super) fn prompt_to_paste(plan: &Path, anew: bool, global: &Global) -> Result<ToPaste, Failure> {
    let arguments = AnalyzeArguments { plan: plan.to_path_buf(), prompt: true, force: anew, ..Default::default() };
    let subject = Subject::open(&arguments)?;
    for warning in &subject.warnings {
        err(&format!("warning: {}\n", sanitize(warning)));
    }
    let (loaded, _) = settings(&subject, &arguments, global)?;
    let templates = Templates::load(&template_overrides(&loaded)?)?;
    let text = pasted(prompt(&templates, &subject.project.plan, &subject.text, &subject.basis)?);
    let tokens = model_setup::choose(&loaded)?.facts.tokenizer.count(&text);
    Ok(ToPaste { plan: subject.project.plan.name.clone(), text, tokens })
}

fn pasted(prompt: Prompt) -> String {
    let Prompt { system, user } = prompt;
    format!("{}\n\n{}\n", system.trim_end(), user.trim_end())
}

fn settings(subject: &Subject, arguments: &AnalyzeArguments, global: &Global) -> Result<(Loaded, Sources), Failure> {
    let overrides = Overrides {
        model: arguments.model.clone(),
        max_attempts: arguments.max_attempts,
        grace: arguments.grace,
        ..global.overrides()
    };
    let (loaded, sources) = project::settings(Some(subject.project.dir.path()), &overrides)?;
    for warning in &loaded.warnings {
        err(&format!("warning: {}\n", sanitize(warning)));
    }
    Ok((loaded, sources))
}

/// What may not be meant where dependencies are only those that the PLAN names.
fn warnings_of_declarations(subject: &Subject) -> Vec<String> {
    let plan = &subject.project.plan;
    let mut warnings = Vec::new();
    if declares_nothing(plan) {
        warnings.push(String::from(
            "warning: the PLAN declares no dependencies, so all achievements are put in one level\n  hint: let a model find \
             them (leave `--declared` out), or add `- **Dependencies**: 1.1` lines to the PLAN\n",
        ));
    }
    warnings.extend(subject.warnings.iter().map(|warning| format!("warning: {}\n", sanitize(warning))));
    for achievement in &plan.achievements {
        if let (true, Some(text)) = (achievement.dependencies.is_empty(), &achievement.dependencies_text) {
            let (id, line, file) = (achievement.id, achievement.line, &subject.plan_file);
            let text = sanitize(text);
            warnings.push(format!("warning: {file}:{line}: {id} names no achievement it depends on: {text}\n"));
        }
    }
    warnings
}

/// An answer that somebody got elsewhere.
fn take_in(text: &str, subject: &Subject, arguments: &AnalyzeArguments) -> Result<Exit, Failure> {
    let source = Source::new(&subject.text);
    let examined = parse_answer(text).and_then(|answer| examine(answer, &subject.basis, &source));
    let discovered = examined.map_err(|faults| {
        Failure::invalid(format!("the answer cannot be used; nothing written\n{}", faults_text(&faults)))
            .hint(String::from("give these points back to the model, or mend the answer, and take it in again"))
    })?;
    Outcome::discovered(discovered).settle(subject, arguments, None)
}

fn read_answer(path: &Path) -> Result<String, Failure> {
    let failed = |error: std::io::Error| Failure::invalid(format!("cannot read {}: {error}", path.display()));
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().lock().read_to_end(&mut bytes).map_err(failed)?;
    } else {
        bytes = std::fs::read(path).map_err(failed)?;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// One fault a line, with what to do about it.
fn faults_text(faults: &[Fault]) -> String {
    let mut lines: Vec<String> = Vec::new();
    for fault in faults.iter().take(FAULTS_SHOWN) {
        lines.push(format!("  {fault}"));
        lines.extend(fault.hint().map(|hint| format!("    hint: {hint}")));
    }
    if faults.len() > FAULTS_SHOWN {
        lines.push(format!("  … and {} more", faults.len() - FAULTS_SHOWN));
    }
    lines.join("\n")
}
