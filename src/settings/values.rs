//! The settings as types. Units and meaning of each key stand in `config/default.toml`; here stand the types.
//!
//! Every field is a key of `config/default.toml` and every key a field: both directions are tested. Values that may
//! carry secrets have types that do not print them.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::{collections::BTreeMap, fmt, path::PathBuf, time::Duration};

use secrecy::SecretString;
use serde::{Deserialize, Deserializer};

use super::{redact::MASK, server_url::ServerUrl};
use crate::context::ContextMode;

/// All settings of planwave.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The model and the server it is on.
    pub model: Model,
    /// How long to wait.
    pub timeouts: Timeouts,
    /// How often to send a request again.
    pub retry: Retry,
    /// How much may be sent in a minute.
    pub limits: Limits,
    /// How a run goes.
    pub run: Run,
    /// Templates and token budgets.
    pub prompts: Prompts,
    /// What prompts carry of the code base.
    pub context: CodeBase,
    /// What documents say.
    pub documents: Documents,
    /// New plans.
    pub init: Init,
    /// What is kept of the exchanges.
    pub tape: Tape,
    /// The terminal.
    pub output: Output,
    /// The diagnostic log.
    pub log: Log,
}

/// `[model]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// A section of `config/models.toml`; `None` for `auto`.
    #[serde(deserialize_with = "none_if_auto")]
    pub provider: Option<String>,
    /// The model's name.
    pub name: String,
    /// Where the API is.
    pub base_url: ServerUrl,
    /// The variable that holds the key.
    pub api_key_env: String,
    /// The command that prints the key.
    #[serde(deserialize_with = "none_if_empty_command")]
    pub api_key_command: Option<KeyCommand>,
    /// The organisation billed.
    #[serde(deserialize_with = "none_if_empty")]
    pub organization: Option<String>,
    /// The project billed.
    #[serde(deserialize_with = "none_if_empty")]
    pub project: Option<String>,
    /// Azure's `api-version`.
    #[serde(deserialize_with = "none_if_empty")]
    pub api_version: Option<String>,
    /// How hard a reasoning model thinks.
    #[serde(deserialize_with = "none_if_empty")]
    pub reasoning_effort: Option<String>,
    /// Whether each document is judged once more.
    pub review: Review,
    /// The most tokens of an answer; `None` for the model's own cap.
    #[serde(deserialize_with = "none_if_zero")]
    pub max_output_tokens: Option<u32>,
    /// The proxy for all calls; `None` for the system's.
    #[serde(deserialize_with = "no_url_if_empty")]
    pub proxy: Option<ServerUrl>,
    /// Whether plain HTTP may leave this machine.
    pub allow_insecure_http: bool,
    /// A file with models of the user's own.
    #[serde(deserialize_with = "no_path_if_empty")]
    pub models_file: Option<PathBuf>,
    /// Headers of every request, by lower-case name.
    pub extra_headers: BTreeMap<String, SecretString>,
    /// Fields of every request body.
    pub extra_parameters: serde_json::Map<String, serde_json::Value>,
}

/// Who judges a document that passed the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Review {
    /// Nobody.
    Off,
    /// The model that wrote it.
    Same,
}

/// `[timeouts]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timeouts {
    /// To connect.
    #[serde(rename = "connect_seconds", deserialize_with = "seconds")]
    pub connect: Duration,
    /// From the request to the first piece of the answer.
    #[serde(rename = "first_token_seconds", deserialize_with = "seconds")]
    pub first_token: Duration,
    /// Between two pieces of an answer.
    #[serde(rename = "idle_seconds", deserialize_with = "seconds")]
    pub idle: Duration,
    /// For a whole call.
    #[serde(rename = "call_seconds", deserialize_with = "seconds")]
    pub call: Duration,
}

/// `[retry]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// Repetitions, the first request not counted.
    pub max_retries: u32,
    /// The first pause.
    #[serde(rename = "base_delay_ms", deserialize_with = "milliseconds")]
    pub base_delay: Duration,
    /// The longest pause.
    #[serde(rename = "max_delay_ms", deserialize_with = "milliseconds")]
    pub max_delay: Duration,
    /// Repeats of a whole run, percent.
    pub run_percent: u32,
    /// Failures in a row after which the run stops; 0 for never.
    pub failures_in_a_row: u32,
    /// How long a server may reject everything.
    #[serde(rename = "rejected_seconds", deserialize_with = "seconds")]
    pub rejected: Duration,
}

/// `[limits]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Requests; `None` for what the provider allows.
    #[serde(deserialize_with = "none_if_zero")]
    pub requests_per_minute: Option<u32>,
    /// Tokens; `None` for what the provider allows.
    #[serde(deserialize_with = "count_if_any")]
    pub tokens_per_minute: Option<u64>,
    /// Whether they are kept for the next run.
    pub remember: bool,
}

/// `[run]`.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// The most calls in flight.
    pub concurrency: usize,
    /// When an item may start.
    pub order: Order,
    /// Which documents are generated.
    pub stage: StageChoice,
    /// Answers per item, the first one included.
    pub max_attempts: u32,
    /// The most US dollars; `None` for no bound.
    #[serde(deserialize_with = "amount_if_any")]
    pub max_cost: Option<f64>,
    /// The most tokens; `None` for no bound.
    #[serde(deserialize_with = "count_if_any")]
    pub max_tokens: Option<u64>,
    /// How long calls in flight have to end after an interrupt.
    #[serde(rename = "grace_seconds", deserialize_with = "seconds")]
    pub grace: Duration,
    /// Whether a missing SUBPLAN of a dependency outside the run is an error.
    pub strict: bool,
}

/// `[prompts]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prompts {
    /// Templates of the user's own.
    #[serde(deserialize_with = "no_path_if_empty")]
    pub directory: Option<PathBuf>,
    /// Budget of the shared part, tokens.
    pub shared_tokens: usize,
    /// Budget of a quoted answer, tokens.
    pub repair_tokens: usize,
}

/// `[context]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeBase {
    /// How much.
    pub mode: ContextMode,
    /// Budget of what all prompts share, tokens.
    pub shared_tokens: usize,
    /// Budget of an achievement's own files, tokens.
    pub item_tokens: usize,
    /// Files have to match one glob of each list.
    #[serde(deserialize_with = "lists_of_globs")]
    pub include: Vec<Vec<String>>,
    /// Files that match one of these are left out.
    pub exclude: Vec<String>,
    /// The repository; `None` for the nearest folder with `.git`.
    #[serde(deserialize_with = "no_path_if_empty")]
    pub root: Option<PathBuf>,
}

/// `[documents]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Documents {
    /// Who works on the achievements.
    #[serde(deserialize_with = "none_if_empty")]
    pub executor: Option<String>,
    /// The language that they are written in: a code or a name.
    pub language: String,
    /// A file with a team's own rules for them.
    #[serde(deserialize_with = "no_path_if_empty")]
    pub instructions: Option<PathBuf>,
    /// A file with a team's own sections.
    #[serde(deserialize_with = "no_path_if_empty")]
    pub sections: Option<PathBuf>,
}

/// `[init]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Init {
    /// Patterns of the user's own.
    #[serde(deserialize_with = "no_path_if_empty")]
    pub patterns_directory: Option<PathBuf>,
}

/// `[tape]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tape {
    /// Whether responses are kept in the plan directory.
    pub local: bool,
}

/// `[output]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// When to colour.
    pub color: Color,
    /// How to show progress.
    pub progress: ProgressStyle,
}

/// `[log]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// The least important level that is written.
    pub level: LogLevel,
}

/// When an item may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// A level ends before the next begins.
    Level,
    /// As soon as its own dependencies are done.
    Ready,
}

/// Which documents are generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum StageChoice {
    /// SUBPLANs only.
    Subplan,
    /// EXECUTION_TASKs only.
    Execution,
    /// SUBPLANs, then EXECUTION_TASKs.
    Both,
}

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

/// How to show progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum ProgressStyle {
    /// Bars on a terminal, lines elsewhere.
    Auto,
    /// Lines.
    Plain,
    /// Not at all.
    None,
}

/// The least important level that is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Nothing.
    Off,
    /// What broke.
    Error,
    /// What is suspicious.
    Warn,
    /// What happens.
    Info,
    /// What a developer wants to know.
    Debug,
    /// Everything.
    Trace,
}

impl From<LogLevel> for tracing::level_filters::LevelFilter {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Off => Self::OFF,
            LogLevel::Error => Self::ERROR,
            LogLevel::Warn => Self::WARN,
            LogLevel::Info => Self::INFO,
            LogLevel::Debug => Self::DEBUG,
            LogLevel::Trace => Self::TRACE,
        }
    }
}

/// A command that prints the API key. `Debug` shows the program only: its arguments may be secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyCommand {
    /// A name looked up in `PATH`, or a path.
    pub program: String,
    /// Passed as they are; no shell sees them.
    pub arguments: Vec<String>,
}

impl fmt::Debug for KeyCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entry(&self.program).entries(self.arguments.iter().map(|_| MASK)).finish()
    }
}

/// One list, or several where a project's file narrows the user's.
fn lists_of_globs<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Vec<String>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Lists {
        One(Vec<String>),
        Several(Vec<Vec<String>>),
    }
    Ok(match Lists::deserialize(deserializer)? {
        Lists::One(list) if list.is_empty() => Vec::new(),
        Lists::One(list) => vec![list],
        Lists::Several(lists) => lists,
    })
}

fn none_if_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Some(String::deserialize(deserializer)?).filter(|text| !text.is_empty()))
}

fn none_if_auto<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Some(String::deserialize(deserializer)?).filter(|text| text != "auto"))
}

fn no_path_if_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
    Ok(none_if_empty(deserializer)?.map(PathBuf::from))
}

fn no_url_if_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ServerUrl>, D::Error> {
    let invalid = || serde::de::Error::custom("not a URL of a server");
    none_if_empty(deserializer)?.map(|text| ServerUrl::parse(&text).ok_or_else(invalid)).transpose()
}

fn none_if_zero<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    Ok(Some(u32::deserialize(deserializer)?).filter(|number| *number > 0))
}

fn count_if_any<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Ok(Some(u64::deserialize(deserializer)?).filter(|number| *number > 0))
}

fn amount_if_any<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    Ok(Some(f64::deserialize(deserializer)?).filter(|number| *number > 0.0))
}

fn none_if_empty_command<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<KeyCommand>, D::Error> {
    let mut words = Vec::<String>::deserialize(deserializer)?.into_iter();
    Ok(words.next().map(|program| KeyCommand { program, arguments: words.collect() }))
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    Duration::try_from_secs_f64(f64::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

fn milliseconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    Ok(Duration::from_millis(u64::deserialize(deserializer)?))
}
