//! What a user can set about model access, as plain values. Where they come from is the business of `settings`.

use std::time::Duration;

use secrecy::SecretString;
use serde_json::{Map, Value};

use super::{
    ModelFacts,
    gate::{Bounds, Patience, PerMinute, Policy},
};

/// Everything needed to reach one model.
#[derive(Clone, Debug)]
pub struct ModelConfig {
    /// Base URL, with the version segment (`https://api.openai.com/v1`).
    pub base_url: String,
    /// The key; not needed on loopback and on replay.
    pub api_key: Option<SecretString>,
    /// Whether the key is a word of the PLAN ([`super::is_word_of`]), which texts are then not cleaned of.
    pub key_is_a_word: bool,
    /// Sent as `OpenAI-Organization`.
    pub organization: Option<String>,
    /// Sent as `OpenAI-Project`.
    pub project: Option<String>,
    /// The model's name as the provider spells it; with Azure the deployment.
    pub model: String,
    /// `low`, `medium`, `high` and so on, for models that take it; `None` leaves it to the provider.
    pub reasoning_effort: Option<String>,
    /// Sampling temperature, for models that take it; `None` leaves it to the provider.
    pub temperature: Option<f64>,
    /// How long to wait for what.
    pub timeouts: Timeouts,
    /// What is sent again, and when.
    pub retry: Retry,
    /// The user's own rate limits.
    pub limits: PerMinute,
    /// How much trouble a run puts up with.
    pub patience: Patience,
    /// The run's budget.
    pub bounds: Bounds,
    /// Headers sent with every request. They never reach a tape.
    pub headers: Vec<ExtraHeader>,
    /// Merged into every request body last, so it can replace anything there; null removes a field. It is on the tape.
    pub extra_body: Map<String, Value>,
    /// Proxy URL in place of `HTTP_PROXY` and `HTTPS_PROXY`; it may hold a password.
    pub proxy: Option<SecretString>,
    /// Azure's `api-version`; makes every server an Azure one.
    pub api_version: Option<String>,
    /// Allows plain `http` to other machines, where a key can be read on the way.
    pub allow_insecure_http: bool,
    /// The most calls at once; connections kept open for reuse.
    pub concurrency: usize,
    /// The most bytes of one response.
    pub max_response_bytes: usize,
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self {
            base_url: "https://api.openai.com/v1".to_owned(),
            api_key: None,
            key_is_a_word: false,
            organization: None,
            project: None,
            model: String::new(),
            reasoning_effort: None,
            temperature: None,
            timeouts: Timeouts::default(),
            retry: Retry::default(),
            limits: PerMinute::default(),
            patience: Patience::default(),
            bounds: Bounds::default(),
            headers: Vec::new(),
            extra_body: Map::new(),
            proxy: None,
            api_version: None,
            allow_insecure_http: false,
            concurrency: 8,
            max_response_bytes: 32 * 1024 * 1024,
        }
    }
}

impl ModelConfig {
    /// What a gate for this model follows.
    pub fn policy(&self, facts: &ModelFacts) -> Policy {
        Policy {
            own: self.limits,
            known: facts.limits,
            first_pause: self.retry.base_delay,
            longest_pause: self.retry.max_delay,
            patience: self.patience,
            bounds: self.bounds,
            prices: facts.prices,
        }
    }
}

/// A header of the user's own.
#[derive(Clone, Debug)]
pub struct ExtraHeader {
    /// Its name.
    pub name: String,
    /// Its value, which may be a secret (gateways take keys in headers of their own).
    pub value: SecretString,
}

/// How long to wait for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection.
    pub connect: Duration,
    /// From the request to the first text of the answer: a reasoning model is silent while it thinks.
    pub first_token: Duration,
    /// Between two pieces of the answer, once it has begun.
    pub idle: Duration,
    /// For a whole call, repeats included; waiting to be sent is not.
    pub call: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            first_token: Duration::from_secs(600),
            idle: Duration::from_secs(120),
            call: Duration::from_secs(30 * 60),
        }
    }
}

/// What is sent again, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// The most repeats of one call.
    pub max_retries: u32,
    /// The first pause; each further one is twice as long.
    pub base_delay: Duration,
    /// The longest pause that is ours.
    pub max_delay: Duration,
    /// The longest pause that a server may ask for; one that asks for more is taken as unavailable for this run.
    pub longest_wait: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            max_retries: 5,
            base_delay: Duration::from_millis(500),
            max_delay: Duration::from_secs(8),
            longest_wait: Duration::from_secs(120),
        }
    }
}
