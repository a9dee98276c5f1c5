//! Flags of the command line as assignments: they are checked like every other layer.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::str::FromStr;

use serde_json::Value;

use super::{
    error::SettingsError,
    file::checked,
    keys::Key,
    layers::Assignment,
    origin::Origin,
    values::{Color, LogLevel, Order, ProgressStyle, StageChoice},
};
use crate::context::ContextMode;

/// What flags say; `None` leaves the setting to the layers below.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overrides {
    /// `--model`.
    pub model: Option<String>,
    /// `--concurrency`.
    pub concurrency: Option<u64>,
    /// `--order`.
    pub order: Option<Order>,
    /// `--stage`.
    pub stage: Option<StageChoice>,
    /// `--max-attempts`.
    pub max_attempts: Option<u64>,
    /// `--max-cost`.
    pub max_cost: Option<f64>,
    /// `--max-tokens`.
    pub max_tokens: Option<u64>,
    /// `--grace`.
    pub grace: Option<f64>,
    /// `--strict`.
    pub strict: Option<bool>,
    /// `--no-context`.
    pub context: Option<ContextMode>,
    /// `--executor`.
    pub executor: Option<String>,
    /// `--color`.
    pub color: Option<Color>,
    /// `--progress`.
    pub progress: Option<ProgressStyle>,
    /// `--log`.
    pub log: Option<LogLevel>,
}

impl Overrides {
    /// The assignments of the flags that were given.
    pub(super) fn assignments(&self) -> Result<Vec<Assignment>, SettingsError> {
        // Destructured, so that a new field cannot be forgotten here.
        let Self {
            model,
            concurrency,
            order,
            stage,
            max_attempts,
            max_cost,
            max_tokens,
            grace,
            strict,
            context,
            executor,
            color,
            progress,
            log,
        } = self;
        let flags: [(&'static str, &str, &str, Option<Value>); 14] = [
            ("--model", "model", "name", model.as_deref().map(Value::from)),
            ("--concurrency", "run", "concurrency", concurrency.map(Value::from)),
            ("--order", "run", "order", word(*order)),
            ("--stage", "run", "stage", word(*stage)),
            ("--max-attempts", "run", "max_attempts", max_attempts.map(Value::from)),
            ("--max-cost", "run", "max_cost", max_cost.map(Value::from)),
            ("--max-tokens", "run", "max_tokens", max_tokens.map(Value::from)),
            ("--grace", "run", "grace_seconds", grace.map(Value::from)),
            ("--strict", "run", "strict", strict.map(Value::from)),
            ("--no-context", "context", "mode", word(*context)),
            ("--executor", "documents", "executor", executor.as_deref().map(Value::from)),
            ("--color", "output", "color", word(*color)),
            ("--progress", "output", "progress", word(*progress)),
            ("--log", "log", "level", word(*log)),
        ];
        let given =
            flags.into_iter().filter_map(|(flag, table, name, value)| Some((flag, Key::find(table, name)?, value?)));
        given.map(|(flag, key, value)| checked(key, None, Some(value), Origin::Flag(flag))).collect()
    }
}

/// Reads what a flag was given as a number of the key `table.name`.
///
/// # Errors
///
/// It is none that the key accepts; a sentence without subject says which it does.
pub fn flag_number<N: FromStr + Copy + Into<Value>>(table: &str, name: &str, text: &str) -> Result<N, String> {
    let Some(key) = Key::find(table, name) else { return Err(format!("sets {table}.{name}, which is no setting")) };
    let number = text.trim().parse().ok().filter(|number: &N| key.kind.accepts(None, &(*number).into()));
    number.ok_or_else(|| format!("must be {}", key.kind.expected()))
}

fn word<T: clap::ValueEnum>(choice: Option<T>) -> Option<Value> {
    choice.and_then(|choice| choice.to_possible_value()).map(|value| Value::from(value.get_name()))
}
