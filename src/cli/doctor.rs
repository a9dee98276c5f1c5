//! `planwave doctor`: tries the configured model with a few tokens and says what works.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{
    failure::{Exit, Failure},
    global::Global,
    model_setup, pretty,
    project::settings,
    terminal::{err, out},
    trust,
};
use crate::{
    model::doctor::{ProbeOutcome, ProbeResult, probe},
    report::sanitize,
    settings::{Overrides, api_key},
};

#[derive(Debug, Args)]
pub(super) struct DoctorArguments {
    /// A plan directory whose planwave.toml counts.
    #[arg(value_name = "PLAN")]
    plan: Option<PathBuf>,
    /// The model to ask.
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &DoctorArguments, global: &Global) -> Result<Exit, Failure> {
    let overrides = Overrides { model: arguments.model.clone(), ..global.overrides() };
    let (loaded, sources) = settings(arguments.plan.as_deref(), &overrides)?;
    trust::require(&loaded, true)?;
    loaded.check_endpoint()?;
    for warning in &loaded.warnings {
        err(&format!("warning: {}\n", sanitize(warning)));
    }
    let choice = model_setup::choose(&loaded)?;
    let key = api_key(&loaded.settings.model, &sources.environment)?;
    let configuration = model_setup::configuration(&loaded, key);
    let model = &loaded.settings.model;
    if !arguments.json {
        out(&format!("{} at {} (parameters of `{}`)\n", model.name, model.base_url.name(), choice.facts.provider))?;
    }
    let say = |result: &ProbeResult| {
        if !arguments.json {
            // The tests go on for their exit code where nobody reads them.
            let _ = out(&line(result));
        }
    };
    let results = model_setup::runtime()?.block_on(probe(&configuration, &choice.facts, &say));
    let works = !results.iter().any(|result| result.outcome == ProbeOutcome::Fail);
    if arguments.json {
        let results: Vec<_> = results
            .iter()
            .map(|result| {
                json!({"name": result.name, "outcome": word(result.outcome), "detail": result.detail, "hint": result.hint})
            })
            .collect();
        out(&pretty(&json!({
            "model": model.name,
            "server": model.base_url.name(),
            "provider": choice.facts.provider,
            "works": works,
            "results": results,
        }))?)?;
    }
    Ok(if works { Exit::Done } else { Exit::Incomplete })
}

fn word(outcome: ProbeOutcome) -> &'static str {
    match outcome {
        ProbeOutcome::Pass => "ok",
        ProbeOutcome::Warn => "warning",
        ProbeOutcome::Fail => "failed",
        ProbeOutcome::Skipped => "skipped",
    }
}

fn line(result: &ProbeResult) -> String {
    let mut text = format!("  {:<10} {:<8} {}\n", result.name, word(result.outcome), sanitize(&result.detail));
    if let Some(hint) = &result.hint {
        text.push_str(&format!("  {:<10} {:<8} hint: {}\n", "", "", sanitize(hint)));
    }
    text
}
