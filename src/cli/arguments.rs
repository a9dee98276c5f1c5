//! The command line, literally as typed; what it means is resolved by the commands.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use super::{
    analyze::AnalyzeArguments, explain_rule::ExplainRuleArguments, global::Global, migrate::MigrateArguments,
    run::RunArguments, validate::ValidateArguments,
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
    /// Draw the dependencies: as text, Mermaid, DOT or JSON.
    Graph(super::graph::GraphArguments),
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
    Check(super::check::CheckArguments),
    /// Check key, URL, model, streaming and schema support.
    Doctor(super::doctor::DoctorArguments),
    /// Trust what a project's files ask for, or take that back.
    Trust(super::trust::TrustArguments),
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
    /// Show the events of a run again, as they were shown live.
    ReplayEvents(super::replay_events::ReplayEventsArguments),
    /// Add up what runs have cost.
    Cost(super::cost::CostArguments),
    /// Free room in .planwave.
    ///
    /// Old records, earlier versions of files and answers on the tape go; never what an undo still needs.
    Gc(super::gc::GcArguments),
    /// Try it on an example plan: no key, no network.
    ///
    /// Makes a plan directory and generates its first level from a tape.
    Demo(super::demo::DemoArguments),
    /// Print completions for a shell.
    Completions(super::completions::CompletionsArguments),
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
