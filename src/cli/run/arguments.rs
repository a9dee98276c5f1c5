//! The command line of `run`.

use std::path::PathBuf;

use clap::Args;

use crate::{
    cli::{
        failure::Failure,
        global::Global,
        number::{bound, from_one, setting},
        output_files::OutputFile,
        project::Leveled,
    },
    context::ContextMode,
    document::Stage,
    engine::{Selection, Wish},
    plan::AchievementId,
    settings::{Loaded, Order, Overrides, ProgressStyle, StageChoice},
};

#[derive(Debug, Args)]
pub(in crate::cli) struct RunArguments {
    /// A plan directory, a PLAN_<NAME>.md, or a parallel.json.
    #[arg(value_name = "PLAN", default_value = ".")]
    pub(super) plan: PathBuf,
    #[command(flatten)]
    pub(super) selection: SelectionArguments,
    /// Which documents to generate [default: both].
    #[arg(long, value_enum)]
    pub(super) stage: Option<StageChoice>,
    /// The most calls in flight at once [default: 8].
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = setting::<u64>("run", "concurrency"))]
    pub(super) concurrency: Option<u64>,
    /// When an item may start [default: level].
    #[arg(long, value_enum)]
    pub(super) order: Option<Order>,
    /// Answers asked for per document at most, the first included [default: 3].
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = setting::<u64>("run", "max_attempts"))]
    pub(super) max_attempts: Option<u64>,
    /// Stop before the run costs more US dollars than this [default: no bound].
    #[arg(long, value_name = "USD", allow_negative_numbers = true, value_parser = bound::<f64>("run", "max_cost"))]
    pub(super) max_cost: Option<f64>,
    /// Stop before the run takes more tokens than this, prompts and answers together [default: no bound].
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = bound::<u64>("run", "max_tokens"))]
    pub(super) max_tokens: Option<u64>,
    /// Seconds that calls in flight have to end after Ctrl-C [default: 30].
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, value_parser = setting::<f64>("run", "grace_seconds"))]
    pub(super) grace: Option<f64>,
    /// The model to ask.
    #[arg(long, value_name = "NAME")]
    pub(super) model: Option<String>,
    /// Who will work on the documents; written in their headers.
    #[arg(long, value_name = "NAME")]
    pub(super) executor: Option<String>,
    /// Show what would be created and what it would cost; send nothing, write nothing.
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Do not ask before sending.
    #[arg(long, short = 'y')]
    pub(super) yes: bool,
    /// Answer every request from a tape instead of the network.
    #[arg(long, value_name = "TAPE", conflicts_with = "record")]
    pub(super) replay: Option<PathBuf>,
    /// Write every exchange to a new tape.
    #[arg(long, value_name = "TAPE")]
    pub(super) record: Option<PathBuf>,
    /// Replace documents that exist. What was asked before in the same words is answered from the plan's own tape.
    #[arg(long)]
    pub(super) force: bool,
    /// Ask for everything again, even for what is on the plan's own tape and was paid for.
    #[arg(long, conflicts_with = "replay")]
    pub(super) fresh: bool,
    /// Send nothing of the code base that the plan lies in.
    #[arg(long)]
    pub(super) no_context: bool,
    /// Take the code base as it is now, where an interrupted run would go on with what it was.
    #[arg(long, conflicts_with = "no_context")]
    pub(super) fresh_context: bool,
    /// List every file of the code base that goes out.
    #[arg(long, short = 'v')]
    pub(super) verbose: bool,
    /// Have git commit the plan directory before the first call. Without this, git is never touched.
    #[arg(long)]
    pub(super) git_checkpoint: bool,
    /// Refuse where a dependency outside the run has no SUBPLAN yet.
    #[arg(long)]
    pub(super) strict: bool,
    /// Print the forecast or the summary as JSON.
    #[arg(long)]
    pub(super) json: bool,
    /// Write every event as a line of JSON to a file, or to standard output with `-`.
    #[arg(long, value_name = "FILE|-", conflicts_with = "dry_run")]
    pub(super) events: Option<PathBuf>,
    /// How to show progress [default: auto].
    #[arg(long, value_enum, value_name = "STYLE")]
    pub(super) progress: Option<ProgressStyle>,
}

#[derive(Debug, Args)]
#[group(multiple = false)]
pub(in crate::cli) struct SelectionArguments {
    /// A level to generate; can be given several times.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = from_one)]
    pub(super) level: Vec<u32>,
    /// Achievements to generate, such as 3.1,3.2.
    #[arg(long, value_name = "ID,…", value_delimiter = ',', value_parser = id)]
    pub(super) ids: Vec<AchievementId>,
    /// Generate every level.
    #[arg(long)]
    pub(super) all: bool,
}

/// An id of a list that may have spaces behind its commas.
fn id(text: &str) -> Result<AchievementId, crate::plan::InvalidId> {
    AchievementId::parse(text.trim())
}

impl RunArguments {
    /// What these flags set.
    pub(super) fn overrides(&self, global: &Global) -> Overrides {
        Overrides {
            model: self.model.clone(),
            concurrency: self.concurrency,
            order: self.order,
            stage: self.stage,
            max_attempts: self.max_attempts,
            max_cost: self.max_cost,
            max_tokens: self.max_tokens,
            grace: self.grace,
            strict: self.strict.then_some(true),
            context: self.no_context.then_some(ContextMode::None),
            executor: self.executor.clone(),
            progress: self.progress,
            ..global.overrides()
        }
    }

    /// The files besides those of the plan that a run is told to write.
    pub(super) fn output_files(&self) -> impl Iterator<Item = OutputFile<'_>> {
        let tape = self.record.as_deref().map(OutputFile::Tape);
        tape.into_iter().chain(self.events.as_deref().map(OutputFile::Events))
    }

    /// What the arguments ask for.
    pub(super) fn wish(&self, loaded: &Loaded, leveled: &Leveled) -> Result<Wish, Failure> {
        let selection = &self.selection;
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
        Ok(Wish { selection, stages, force: self.force, strict: loaded.settings.run.strict })
    }

    /// The words of the command line that select, for the next command.
    pub(super) fn selection_words(&self) -> Vec<String> {
        let selection = &self.selection;
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
        if let Some(model) = &self.model {
            words.extend([String::from("--model"), model.clone()]);
        }
        match self.order {
            Some(Order::Ready) => words.extend(["--order", "ready"].map(String::from)),
            Some(Order::Level) | None => {}
        }
        // A bound is not repeated: it holds for one run, and what is left may need another.
        for (flag, number) in [("--concurrency", self.concurrency), ("--max-attempts", self.max_attempts)] {
            if let Some(number) = number {
                words.extend([flag.to_owned(), number.to_string()]);
            }
        }
        match self.stage {
            Some(StageChoice::Subplan) => words.extend(["--stage", "subplan"].map(String::from)),
            Some(StageChoice::Execution) => words.extend(["--stage", "execution"].map(String::from)),
            Some(StageChoice::Both) | None => {}
        }
        if let Some(tape) = &self.replay {
            words.extend([String::from("--replay"), tape.display().to_string()]);
        }
        words
    }
}
