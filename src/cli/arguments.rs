//! The command line, literally as typed; what it means is resolved by the commands.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::{explain_rule::ExplainRuleArguments, migrate::MigrateArguments, validate::ValidateArguments};
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
    /// Write the parallel.json of a PLAN.
    Analyze(AnalyzeArguments),
    /// Check a parallel.json and what stands around it; repair what has one right answer.
    Validate(ValidateArguments),
    /// Rewrite a parallel.json of the older flat form as the leveled one.
    Migrate(MigrateArguments),
    /// Explain a rule of `validate`, or list them all.
    ExplainRule(ExplainRuleArguments),
    /// Print the JSON Schema of parallel.json.
    Schema,
    /// Check documents: those of a PLAN, or single files.
    Check(CheckArguments),
    /// Check key, URL, model, streaming and schema support.
    Doctor(DoctorArguments),
    /// Show settings and where each value comes from.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Write a new PLAN and its parallel.json from a pattern.
    Init(super::init::InitArguments),
    /// Print the prompts of a level, to paste them into a chat.
    Prompt(super::prompt::PromptArguments),
    /// Take in pasted answers: split them by file, check them, write what is good.
    Import(super::import::ImportArguments),
    /// Make an example plan directory and generate its first level from a tape: no key, no network.
    Demo(DemoArguments),
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
    /// Replace documents that exist.
    #[arg(long)]
    pub(super) force: bool,
    /// Refuse where a dependency outside the run has no SUBPLAN yet.
    #[arg(long)]
    pub(super) strict: bool,
    /// Print the forecast or the summary as JSON.
    #[arg(long)]
    pub(super) json: bool,
    /// Write every event as a line of JSON to a file, or to standard output with `-`.
    #[arg(long, value_name = "FILE|-")]
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
    #[arg(long, value_name = "ID,…", value_delimiter = ',')]
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
pub(super) struct AnalyzeArguments {
    /// A plan directory or a PLAN_<NAME>.md.
    #[arg(value_name = "PLAN", default_value = ".")]
    pub(super) plan: PathBuf,
    /// Take the dependencies that the PLAN declares; no model is asked.
    #[arg(long, required = true)]
    pub(super) declared: bool,
    /// Replace a parallel.json that exists. Its statuses and other fields are lost.
    #[arg(long)]
    pub(super) force: bool,
    /// Print the parallel.json instead of writing it.
    #[arg(long)]
    pub(super) dry_run: bool,
}

#[derive(Debug, Args)]
pub(super) struct CheckArguments {
    /// Plan directories, PLANs, or single documents.
    #[arg(value_name = "PLAN|FILE", required = true)]
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
            strict: self.strict.then_some(true),
            executor: self.executor.clone(),
            progress: self.progress,
            ..global.overrides()
        }
    }
}
