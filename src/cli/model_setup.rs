//! From settings to a model: facts from the catalogue, the key, the tape.

use std::{cell::OnceCell, path::Path};

use secrecy::SecretString;

use super::{error_code::ErrorCode, failure::Failure, trust};
use crate::{
    model::{
        Catalog, CatalogError, ExtraHeader, ModelConfig, ModelFacts, Retry, Timeouts, Usage,
        gate::{Bounds, Patience, PerMinute},
    },
    settings::{self, Loaded, Origin, Overrides, Sources},
    store::{PlanDir, disk_advice},
};

/// Output tokens allowed where neither the settings nor the catalogue say.
const DEFAULT_OUTPUT_CAP: u32 = 16_000;

/// The most that is allowed without being asked for by name.
const LARGEST_DEFAULT_CAP: u32 = 32_000;

/// Threads that save parallel.json and look up host names: one can save while the other looks up. Each
/// more costs memory that the allocator does not give back.
const BLOCKING_THREADS: usize = 2;

/// What is known of the model that the settings name.
pub(super) struct ModelChoice {
    pub(super) facts: ModelFacts,
    /// The cap on an answer's tokens.
    pub(super) output_cap: u32,
    /// What the cap may be raised to after an answer was cut.
    pub(super) largest_cap: u32,
}

/// Looks the model up.
pub(super) fn choose(loaded: &Loaded) -> Result<ModelChoice, Failure> {
    let model = &loaded.settings.model;
    let catalog = catalog(loaded)?;
    let facts = facts(&catalog, loaded, &model.name).ok_or_else(|| {
        let known: Vec<&str> = catalog.provider_names().collect();
        let provider = model.provider.as_deref().unwrap_or("auto");
        Failure::invalid(format!("`model.provider` is {provider}, which no models.toml describes"))
            .hint(format!("use \"auto\" or one of: {}", known.join(", ")))
    })?;
    let allowed = facts.max_output;
    let default_cap = allowed.unwrap_or(DEFAULT_OUTPUT_CAP).min(LARGEST_DEFAULT_CAP);
    let asked = model.max_output_tokens;
    // What holds where nobody says anything is a bound, too, and a project's file lifts none.
    let asked =
        if is_projects(loaded, "model.max_output_tokens") { asked.map(|cap| cap.min(default_cap)) } else { asked };
    let output_cap = asked.unwrap_or(default_cap);
    let largest_cap = match asked {
        // The user's own number is a bound on the bill, not a first guess.
        Some(cap) => cap,
        None => allowed.unwrap_or(output_cap).max(output_cap),
    };
    Ok(ModelChoice { facts, output_cap, largest_cap })
}

/// Whether a project's file decided the value of a key.
fn is_projects(loaded: &Loaded, key: &str) -> bool {
    loaded.origin(key).is_some_and(Origin::is_project_file)
}

/// What is known of a model by the settings; `None` where their provider is unknown.
fn facts(catalog: &Catalog, loaded: &Loaded, name: &str) -> Option<ModelFacts> {
    let model = &loaded.settings.model;
    let of_server = catalog.facts(name, model.base_url.expose());
    let Some(provider) = &model.provider else { return Some(of_server) };
    let mut facts = catalog.facts_at(name, provider)?;
    // Which prices and limits hold is decided by the server. A project's word for it must not make a bill look smaller.
    if is_projects(loaded, "model.provider") {
        if of_server.prices.is_some() {
            (facts.prices, facts.prices_taken) = (of_server.prices, of_server.prices_taken);
        }
        facts.limits.requests = of_server.limits.requests.or(facts.limits.requests);
        facts.limits.tokens = of_server.limits.tokens.or(facts.limits.tokens);
    }
    Some(facts)
}

/// planwave's own list of models, with the user's over it and a project's below it.
fn catalog(loaded: &Loaded) -> Result<Catalog, Failure> {
    let built_in = Catalog::built_in().map_err(|error| wrong_models(Path::new("models.toml"), &error))?;
    let with_own = match loaded.path("model.models_file") {
        Some(own) => built_in.over(&own.read()?).map_err(|error| wrong_models(&own.path, &error))?,
        None => built_in,
    };
    match &loaded.project_models_file {
        Some(theirs) => with_own.under(&theirs.read()?).map_err(|error| wrong_models(&theirs.path, &error)),
        None => Ok(with_own),
    }
}

fn wrong_models(path: &Path, error: &CatalogError) -> Failure {
    Failure::invalid(format!("{}:{}: {}", path.display(), error.line, error.reason)).hint(error.hint())
}

/// What models cost by the settings of today; for looking back, so nothing is wrong where they cannot be read.
/// Read when they are first asked for.
pub(super) struct Prices<'a> {
    dir: &'a PlanDir,
    read: OnceCell<Option<(Loaded, Catalog)>>,
}

impl<'a> Prices<'a> {
    pub(super) fn of(dir: &'a PlanDir) -> Self {
        Self { dir, read: OnceCell::new() }
    }

    /// US dollars; `None` where they are unknown.
    pub(super) fn cost(&self, model: &str, usage: &Usage) -> Option<f64> {
        let read = || -> Result<(Loaded, Catalog), Failure> {
            let (loaded, _) = super::project::settings(Some(self.dir.path()), &Overrides::default())?;
            let catalog = catalog(&loaded)?;
            Ok((loaded, catalog))
        };
        let (loaded, catalog) = self.read.get_or_init(|| read().ok()).as_ref()?;
        Some(facts(catalog, loaded, model)?.prices?.cost(usage))
    }
}

/// The key, or an error where one is needed and missing. Runs the user's key command.
///
/// Every command that sends something gets its key here, so here it is settled that the server may be asked at all. A
/// person can be asked for trust where `may_ask`.
pub(super) fn key(loaded: &Loaded, sources: &Sources, may_ask: bool) -> Result<Option<SecretString>, Failure> {
    trust::require(loaded, may_ask)?;
    loaded.check_endpoint()?;
    let model = &loaded.settings.model;
    let key = settings::api_key(model, &sources.environment)?;
    if key.is_none() && settings::needs_key(model.base_url.expose()) {
        let failure = Failure::invalid(format!("there is no API key for {}", model.base_url.name()));
        return Err(failure.code(ErrorCode::NoKey).hint(format!(
            "set the environment variable {}, or `model.api_key_command` in your configuration; \
             to try planwave without a key, run `planwave demo`",
            model.api_key_env
        )));
    }
    Ok(key)
}

/// What will keep a command from its first call, where that can be told without running the user's key command.
pub(super) fn obstacle(command: &str, loaded: &Loaded, sources: &Sources) -> Option<String> {
    let found = match &loaded.settings.model.api_key_command {
        Some(_) => trust::require(loaded, false).and_then(|()| Ok(loaded.check_endpoint()?)),
        None => key(loaded, sources, false).map(|_| ()),
    };
    found.err().map(|failure| format!("{command} would be refused as things are: {}", failure.sentence()))
}

/// The budget that the settings give a run.
pub(super) fn bounds(loaded: &Loaded) -> Bounds {
    Bounds { max_cost: loaded.settings.run.max_cost, max_tokens: loaded.settings.run.max_tokens }
}

/// A bound in dollars can only be kept where prices are known.
pub(super) fn check_budget(loaded: &Loaded, facts: &ModelFacts) -> Result<(), Failure> {
    let model = &loaded.settings.model;
    if loaded.settings.run.max_cost.is_none() || facts.prices.is_some() {
        return Ok(());
    }
    Err(Failure::invalid(format!(
        "no prices are known for {} at {}, so its cost cannot be bounded",
        model.name,
        model.base_url.name()
    ))
    .hint(String::from("bound the tokens with `--max-tokens`, or give the prices in a `model.models_file`")))
}

/// Characters that a token stands for, about, in English markdown; only used to turn a token budget into a cut.
const CHARACTERS_PER_TOKEN: usize = 4;

/// The longest part of a rejected answer that is sent back, in characters.
pub(super) fn longest_quote(loaded: &Loaded) -> usize {
    loaded.settings.prompts.repair_tokens.saturating_mul(CHARACTERS_PER_TOKEN)
}

/// The configuration of the OpenAI-compatible model.
pub(super) fn configuration(loaded: &Loaded, key: Option<SecretString>) -> ModelConfig {
    let settings = &loaded.settings;
    let model = &settings.model;
    let headers = model.extra_headers.iter();
    ModelConfig {
        base_url: model.base_url.expose().to_owned(),
        api_key: key,
        organization: model.organization.clone(),
        project: model.project.clone(),
        model: model.name.clone(),
        reasoning_effort: model.reasoning_effort.clone(),
        timeouts: Timeouts {
            connect: settings.timeouts.connect,
            first_token: settings.timeouts.first_token,
            idle: settings.timeouts.idle,
            call: settings.timeouts.call,
        },
        retry: Retry {
            max_retries: settings.retry.max_retries,
            base_delay: settings.retry.base_delay,
            max_delay: settings.retry.max_delay,
            ..Retry::default()
        },
        limits: PerMinute {
            requests: settings.limits.requests_per_minute.map(f64::from),
            tokens: settings.limits.tokens_per_minute.map(|tokens| tokens as f64),
        },
        patience: Patience {
            repeat_percent: settings.retry.run_percent,
            failures_in_a_row: settings.retry.failures_in_a_row,
            rejected_for: settings.retry.rejected,
        },
        bounds: bounds(loaded),
        headers: headers.map(|(name, value)| ExtraHeader { name: name.clone(), value: value.clone() }).collect(),
        extra_body: model.extra_parameters.clone(),
        proxy: model.proxy.as_ref().map(|proxy| SecretString::from(proxy.expose().to_owned())),
        api_version: model.api_version.clone(),
        allow_insecure_http: model.allow_insecure_http,
        concurrency: settings.run.concurrency,
        ..ModelConfig::default()
    }
}

/// Runs a command's asynchronous part.
///
/// One thread: calls spend their time waiting, and a call that is handed between threads for every chunk of its answer
/// costs twice the CPU. Writing documents and tapes has threads of its own.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.max_blocking_threads(BLOCKING_THREADS).enable_all();
    let built = super::signals::can_be_watched().and_then(|()| builder.build());
    built.map_err(|error| {
        let hint = disk_advice(&error).map(str::to_owned);
        Failure::invalid(format!("cannot start the runtime: {error}")).hint(hint)
    })
}
