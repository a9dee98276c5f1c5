//! `planwave prompt`: the prompts of a run for people who paste them into a chat.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::{
    analyze::{self, ToPaste},
    clipboard,
    code_base::ContextAge,
    failure::{Exit, Failure},
    global::Global,
    number::from_one,
    output_files::{self, OutputFile},
    pretty,
    project::{self, Project},
    run::{Prepared, prepare},
    terminal::{err, out, out_file},
};
use crate::{
    document::Stage,
    engine::{Paper, PaperCall, Selection, SkipReason, Wish, paper_calls},
    plan::{AchievementId, PlanName},
    prompts::Fault,
    report::{count, plural, sanitize, shell_word},
    settings::Loaded,
    store::PlanDir,
};

/// `planwave prompt`.
#[derive(Debug, Args)]
pub(super) struct PromptArguments {
    /// What to ask for.
    #[arg(value_enum)]
    kind: Kind,
    /// A plan directory, a PLAN_<NAME>.md, or a parallel.json.
    #[arg(value_name = "PLAN", default_value = ".")]
    plan: PathBuf,
    /// The level [default: the first in which something is missing].
    #[arg(long, value_name = "N", conflicts_with = "ids", allow_negative_numbers = true, value_parser = from_one)]
    level: Option<u32>,
    /// Single achievements of one level, such as 3.1,3.2.
    #[arg(long, value_name = "ID,…", value_delimiter = ',')]
    ids: Vec<AchievementId>,
    /// Ask for documents that exist, too.
    #[arg(long)]
    force: bool,
    /// Print the prompt and what it asks for as JSON.
    #[arg(long, conflicts_with_all = ["out", "clipboard"])]
    json: bool,
    #[command(flatten)]
    destination: Destination,
}

/// A prompt, for a program.
#[derive(Serialize)]
struct Asked {
    kind: Kind,
    plan: PlanName,
    /// `null` where the prompt is about the whole PLAN, or there is nothing to ask for.
    level: Option<u32>,
    /// The documents asked for, relative to the plan directory.
    documents: Vec<String>,
    /// Achievements left out, since their SUBPLAN does not exist yet.
    waiting: Vec<String>,
    /// Tokens of the prompt.
    tokens: usize,
    /// `null` where there is nothing to ask for.
    prompt: Option<String>,
    /// What takes the answer in.
    next: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
enum Kind {
    /// The dependencies of the PLAN, as if there were no parallel.json.
    Discovery,
    /// The dependencies of a PLAN in progress: what is complete and what people settled stays.
    Update,
    /// SUBPLANs of a level.
    Subplans,
    /// EXECUTION_TASKs of a level whose SUBPLANs exist.
    Executions,
}

/// Where a prompt goes.
#[derive(Debug, Args)]
pub(super) struct Destination {
    /// Put the prompt on the clipboard.
    #[arg(long, conflicts_with = "out")]
    clipboard: bool,
    /// Write the prompt to a new file.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Destination {
    /// Refuses a file that cannot be written, before anything is done.
    pub(super) fn check(&self, dir: &PlanDir) -> Result<(), Failure> {
        output_files::check(dir, self.out.as_deref().map(OutputFile::Prompt))
    }

    /// Hands a prompt over.
    pub(super) fn deliver(&self, text: &str) -> Result<(), Failure> {
        if self.clipboard {
            clipboard::copy(text).map_err(|error| {
                Failure::incomplete(error).hint(String::from("use `--out FILE`, or leave both out to print it"))
            })?;
            err("the prompt is on the clipboard\n");
            return Ok(());
        }
        let Some(path) = &self.out else { return out_file(text.as_bytes()) };
        write_new(path, text).map_err(|error| {
            let hint = (error.kind() == std::io::ErrorKind::AlreadyExists)
                .then(|| String::from("no file is overwritten: name another, or remove this one"));
            Failure::invalid(format!("cannot write {}: {error}", path.display())).hint(hint)
        })?;
        err(&format!("the prompt is in {}\n", sanitize(&path.display().to_string())));
        Ok(())
    }
}

fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = std::fs::File::create_new(path)?;
    file.write_all(text.as_bytes())
}

pub(super) fn run(arguments: &PromptArguments, global: &Global) -> Result<Exit, Failure> {
    arguments.destination.check(&PlanDir::open(&arguments.plan)?)?;
    let (stage, word) = match arguments.kind {
        Kind::Discovery | Kind::Update => return dependencies(arguments, global),
        Kind::Subplans => (Stage::Subplan, "SUBPLAN"),
        Kind::Executions => (Stage::Execution, "EXECUTION"),
    };
    let selection = match arguments.level {
        Some(level) => Selection::Levels(vec![level]),
        None if arguments.ids.is_empty() => Selection::All,
        None => Selection::Ids(arguments.ids.clone()),
    };
    let (loaded, _) = project::settings(Some(&arguments.plan), &global.overrides())?;
    let wish = Wish { selection: selection.clone(), stages: vec![stage], force: arguments.force, strict: false };
    let prepared = prepare(Project::open(&arguments.plan)?.leveled()?, wish, &loaded, ContextAge::Today)?;
    for warning in prepared.planned.run.warnings.iter().chain(&prepared.leveled.warnings) {
        err(&format!("warning: {}\n", sanitize(warning)));
    }
    let mut calls = paper_calls(&prepared.planned.run);
    if selection == Selection::All
        && let Some(first) = calls.iter().map(|call| call.item.level).min()
    {
        calls.retain(|call| call.item.level == first);
    }
    let waiting = without_subplan(&prepared, &calls, stage);
    if !waiting.is_empty() {
        err(&format!("warning: no SUBPLAN yet, so left out: {}\n", waiting.join(", ")));
    }
    let name = prepared.leveled.project.plan.name.clone();
    let Some(first) = calls.first() else {
        if arguments.json {
            let (kind, level, documents) = (arguments.kind, None, Vec::new());
            out(&pretty(&Asked { kind, plan: name, level, documents, waiting, tokens: 0, prompt: None, next: None })?)?;
        }
        err("nothing to ask for: every document exists, or its SUBPLAN is missing\n");
        return Ok(Exit::Incomplete);
    };
    let level = first.item.level;
    if let Some(other) = calls.iter().find(|call| call.item.level != level) {
        let (id, other) = (other.item.id.achievement, other.item.level);
        return Err(Failure::invalid(format!("{id} is of level {other}, others are of level {level}"))
            .hint(String::from("a prompt serves one level, since its documents share what comes first")));
    }
    let paper = paper(&prepared, &loaded);
    let text = text(&paper, &calls, &[])?;
    let tokens = prepared.choice.facts.tokenizer.count(&text);
    let plan = shell_word(&arguments.plan.display().to_string());
    let asked = plural(calls.len(), word);
    let command = import_command(&plan, &calls);
    if arguments.json {
        let documents = calls.iter().map(|call| call.path.to_owned()).collect();
        let (kind, level) = (arguments.kind, Some(level));
        let (prompt, next) = (Some(text), Some(command));
        out(&pretty(&Asked { kind, plan: name, level, documents, waiting, tokens, prompt, next })?)?;
        return Ok(Exit::Done);
    }
    arguments.destination.deliver(&text)?;
    let tokens = count(tokens as u64);
    err(&format!("{asked} of level {level}, {tokens} tokens. Save the answer in a file, then: {command}\n"));
    Ok(Exit::Done)
}

/// The prompt for the dependencies of a PLAN.
fn dependencies(arguments: &PromptArguments, global: &Global) -> Result<Exit, Failure> {
    if arguments.level.is_some() || !arguments.ids.is_empty() || arguments.force {
        return Err(Failure::invalid("this prompt is about the whole PLAN")
            .hint(String::from("leave `--level`, `--ids` and `--force` out")));
    }
    let anew = arguments.kind == Kind::Discovery;
    let ToPaste { plan: name, text, tokens } = analyze::prompt_to_paste(&arguments.plan, anew, global)?;
    let plan = shell_word(&arguments.plan.display().to_string());
    let next = format!("planwave analyze {plan} --from-response answer.json");
    if arguments.json {
        let (kind, documents, waiting) = (arguments.kind, Vec::new(), Vec::new());
        let (prompt, next) = (Some(text), Some(next));
        out(&pretty(&Asked { kind, plan: name, level: None, documents, waiting, tokens, prompt, next })?)?;
        return Ok(Exit::Done);
    }
    arguments.destination.deliver(&text)?;
    err(&format!("Save the answer in a file, then: {next}\n"));
    Ok(Exit::Done)
}

/// What brings the answer in.
pub(super) fn import_command(plan: &str, calls: &[PaperCall<'_>]) -> String {
    match calls {
        [only] => format!("planwave import {plan} answer.md --as {}", only.path),
        _ => format!("planwave import {plan} answer.md"),
    }
}

/// The prompt that would be sent where one document is asked for, or one prompt for all of them.
pub(super) fn text(paper: &Paper<'_>, calls: &[PaperCall<'_>], faults: &[Fault]) -> Result<String, Failure> {
    match (calls, faults) {
        ([only], []) => Ok(paper.prompt(only)?),
        _ => Ok(paper.batch(calls, faults)?),
    }
}

pub(super) fn paper<'a>(prepared: &'a Prepared, loaded: &'a Loaded) -> Paper<'a> {
    Paper {
        briefing: &prepared.briefing,
        digests: &prepared.planned.digests,
        names: &prepared.leveled.names,
        executor: loaded.settings.documents.executor.as_deref(),
    }
}

/// Achievements of the calls' level that cannot be asked for before their SUBPLAN exists.
fn without_subplan(prepared: &Prepared, calls: &[PaperCall<'_>], stage: Stage) -> Vec<String> {
    let level = calls.first().map(|call| call.item.level);
    let skipped = prepared.planned.run.skipped.iter();
    let missing = skipped.filter(|item| {
        stage == Stage::Execution
            && item.reason == SkipReason::NoSubplan
            && level.is_none_or(|level| item.level == level)
    });
    missing.map(|item| item.id.achievement.to_string()).collect()
}
