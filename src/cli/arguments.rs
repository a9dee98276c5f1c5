//! The command line, literally as typed; what it means is resolved by the commands.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::{
    analyze::AnalyzeArguments, explain_rule::ExplainRuleArguments, migrate::MigrateArguments,
    validate::ValidateArguments,
};
use crate::{
    plan::AchievementId,
    settings::{Color, LogLevel, Order, Overrides, ProgressStyle, StageChoice},
};

/// Generates every SUBPLAN and EXECUTION_TASK of a PLAN, one dependency level at a time.
#[derive(Debug, Parser)]
#[command(name = "planwave", version, about, disable_help_subcommand = true)]
pub(super) struct CommandLine {
    #[command(subcommand)]
    pub(super) command: Command,
    #[command(flatten)]
    pub(super) global: Global,
}

#[derive(Debug, Args)]
pub(super) struct Global {
    /// When to colour.
    #[arg(long, global = true, value_enum, value_name = "WHEN")]
    color: Option<Color>,
    /// What goes to the diagnostic log on standard error.
    #[arg(long, global = true, value_enum, value_name = "LEVEL")]
    log: Option<LogLevel>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Generate documents: whole levels, single achievements, or all.
    Run(Box<RunArguments>),
    /// Show what was understood of a PLAN.
    #[command(subcommand)]
    Plan(PlanCommand),
    /// Find the dependencies of a PLAN and write its parallel.json.
    ///
    /// A model finds them, or `--declared` takes those that the PLAN declares.
    Analyze(Box<AnalyzeArguments>),
    /// Check a parallel.json; repair what has one right answer.
    ///
    /// What stands around it is checked as well: the PLAN, the documents, the verdicts.
    Validate(ValidateArguments),
    /// Rewrite a parallel.json of the flat form as the leveled one.
    Migrate(MigrateArguments),
    /// Explain a rule of `validate`, or list them all.
    ExplainRule(ExplainRuleArguments),
    /// Print the JSON Schema of parallel.json.
    Schema,
    /// Show progress, what is ready, what is blocked, what is left.
    Status(super::status::StatusArguments),
    /// Make parallel.json say what is on disk.
    Refresh(super::refresh::RefreshArguments),
    /// Show what is ready to be worked on, the best first.
    Next(super::next::NextArguments),
    /// Take the most worthwhile ready achievement, and begin.
    Claim(super::claim::ClaimArguments),
    /// Begin to work on an achievement.
    Start(super::start::StartArguments),
    /// Accept an achievement.
    Complete(super::complete::CompleteArguments),
    /// Send an achievement back, to be fixed.
    Fail(super::fail::FailArguments),
    /// Take up again an achievement that failed or was skipped.
    Retry(super::retry::RetryArguments),
    /// Leave out an achievement on purpose.
    Skip(super::skip::SkipArguments),
    /// Say who is to work on an achievement.
    Assign(super::assign::AssignArguments),
    /// Give back an achievement: nobody works on it.
    Release(super::release::ReleaseArguments),
    /// Check documents: those of a PLAN, or single files.
    Check(CheckArguments),
    /// Check key, URL, model, streaming and schema support.
    Doctor(DoctorArguments),
    /// Show settings and where each value comes from.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Write a new PLAN and its parallel.json from a pattern.
    Init(super::init::InitArguments),
    /// Print prompts, to paste them into a chat.
    Prompt(super::prompt::PromptArguments),
    /// Take in pasted answers: check them, write what is good.
    ///
    /// An answer may hold several files; it is split by file.
    Import(super::import::ImportArguments),
    /// List runs and other operations, with what they cost.
    History(super::history::HistoryArguments),
    /// Take back the last run or other operation, or the one named.
    Undo(super::undo::TakeBackArguments),
    /// Take back an undo.
    Redo(super::undo::TakeBackArguments),
    /// Print what a run wrote, even where undone, or was answered.
    Show(super::show::ShowArguments),
    /// Add up what runs have cost.
    Cost(super::cost::CostArguments),
    /// Free room in .planwave.
    ///
    /// Old records, earlier versions of files and answers on the tape go; never what an undo still needs.
    Gc(super::gc::GcArguments),
    /// Try it on an example plan: no key, no network.
    ///
    /// Makes a plan directory and generates its first level from a tape.
    Demo(DemoArguments),
    /// Print completions for a shell.
    Completions(super::completions::CompletionsArguments),
}

#[derive(Debug, Args)]
pub(super) struct RunArguments {
    /// A plan directory, a PLAN_<NAME>.md, or a parallel.json.
    #[arg(value_name = "PLAN", default_value = ".")]
    pub(super) plan: PathBuf,
    #[command(flatten)]
    pub(super) selection: SelectionArguments,
    /// Which documents to generate [default: both].
    #[arg(long, value_enum)]
    pub(super) stage: Option<StageChoice>,
    /// The most calls in flight at once [default: 8].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub(super) concurrency: Option<u64>,
    /// When an item may start [default: level].
    #[arg(long, value_enum)]
    pub(super) order: Option<Order>,
    /// Answers asked for per document at most, the first included [default: 3].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) max_attempts: Option<u64>,
    /// Stop before the run costs more US dollars than this [default: no bound].
    #[arg(long, value_name = "USD")]
    pub(super) max_cost: Option<f64>,
    /// Stop before the run takes more tokens than this, prompts and answers together [default: no bound].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) max_tokens: Option<u64>,
    /// Seconds that calls in flight have to end after Ctrl-C [default: 30].
    #[arg(long, value_name = "SECONDS")]
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
pub(super) struct SelectionArguments {
    /// A level to generate; can be given several times.
    #[arg(long, value_name = "N")]
    pub(super) level: Vec<u32>,
    /// Achievements to generate, such as 3.1,3.2.
    #[arg(long, value_name = "ID,…", value_delimiter = ',', value_parser = id)]
    pub(super) ids: Vec<AchievementId>,
    /// Generate every level.
    #[arg(long)]
    pub(super) all: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum PlanCommand {
    /// Print the achievements of a PLAN as they were understood.
    Show {
        /// A plan directory, a PLAN_<NAME>.md, or a parallel.json.
        #[arg(value_name = "PLAN", default_value = ".")]
        plan: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(super) struct CheckArguments {
    /// Plan directories, PLANs, or single documents.
    #[arg(value_name = "PLAN|FILE", default_value = ".")]
    pub(super) paths: Vec<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct DoctorArguments {
    /// A plan directory whose planwave.toml counts.
    #[arg(value_name = "PLAN")]
    pub(super) plan: Option<PathBuf>,
    /// The model to ask.
    #[arg(long, value_name = "NAME")]
    pub(super) model: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Print every value and where it came from; keys are masked.
    Show {
        /// A plan directory whose planwave.toml counts.
        #[arg(value_name = "PLAN")]
        plan: Option<PathBuf>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(super) struct DemoArguments {
    /// The directory to make; it must not exist.
    #[arg(value_name = "DIRECTORY", default_value = "planwave-demo")]
    pub(super) directory: PathBuf,
}

/// An id of a list that may have spaces behind its commas.
fn id(text: &str) -> Result<AchievementId, crate::plan::InvalidId> {
    AchievementId::parse(text.trim())
}

impl Global {
    /// What these flags set.
    pub(super) fn overrides(&self) -> Overrides {
        Overrides { color: self.color, log: self.log, ..Overrides::default() }
    }
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
            executor: self.executor.clone(),
            progress: self.progress,
            ..global.overrides()
        }
    }
}
