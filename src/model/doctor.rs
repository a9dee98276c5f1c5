//! Trying out model access with a few tiny requests: key, server, model, streaming, usage, schema support.
//!
//! It returns what it found; `cli` prints it. Nothing of it goes onto a tape.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::{
    Completion, FinishReason, Message, ModelConfig, ModelFacts, OpenAi, Params, Request, Role, Scope, Source,
    provider::clean, service::cause_of,
};

/// The most output tokens of a test request.
const MAX_TOKENS: u32 = 16;
/// How long the list of models may take.
const LIST_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a test request may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(90);
/// How long a server may reject every request.
const PATIENCE: Duration = Duration::from_secs(15);
/// The most bytes of it that are read; routers with hundreds of models send about one million.
const LIST_BYTES: usize = 8 * 1024 * 1024;

/// What one test found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeResult {
    /// What was tested: `key`, `server`, `system`, `model`, `streaming`, `usage`, `schema` or `settings`.
    pub name: &'static str,
    /// How it went.
    pub outcome: ProbeOutcome,
    /// One sentence.
    pub detail: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// How a test went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeOutcome {
    /// Well.
    Pass,
    /// Not well, but a run works without it.
    Warn,
    /// A run cannot work.
    Fail,
    /// Not tested, because an earlier test failed.
    Skipped,
}

impl ProbeResult {
    fn new(name: &'static str, outcome: ProbeOutcome, detail: impl Into<String>) -> Self {
        Self { name, outcome, detail: detail.into(), hint: None }
    }

    fn hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }
}

/// What was found so far, told as it comes.
struct Report<'a> {
    results: Vec<ProbeResult>,
    say: &'a (dyn Fn(&ProbeResult) + Send + Sync),
}

impl Report<'_> {
    fn push(&mut self, result: ProbeResult) {
        (self.say)(&result);
        self.results.push(result);
    }

    fn skip(mut self, names: &[&'static str], why: &str) -> Vec<ProbeResult> {
        for name in names {
            self.push(ProbeResult::new(name, ProbeOutcome::Skipped, why));
        }
        self.results
    }
}

/// Tests a configuration. Sends at most three small requests, two of which cost a few tokens. `say` is told each result
/// as it is found.
pub async fn probe(
    config: &ModelConfig,
    facts: &ModelFacts,
    say: &(dyn Fn(&ProbeResult) + Send + Sync),
) -> Vec<ProbeResult> {
    use ProbeOutcome::{Fail, Pass, Warn};

    // One repeat and little patience: a doctor should answer soon, and say what is wrong now.
    let mut config = config.clone();
    config.retry.max_retries = config.retry.max_retries.min(1);
    config.patience.rejected_for = config.patience.rejected_for.min(PATIENCE);
    config.timeouts.call = config.timeouts.call.min(CALL_TIMEOUT);
    let mut results = Report { results: Vec::new(), say };
    let model = match OpenAi::new(config.clone(), facts.clone(), Source::Live, None) {
        Ok(model) => model,
        Err(error) => {
            results.push(ProbeResult::new("key", Fail, error.to_string()).hint(error.hint()));
            return results.skip(&["server", "model", "streaming", "usage", "schema"], "not tested");
        }
    };
    results.push(match &config.api_key {
        Some(_) => ProbeResult::new("key", Pass, "an API key is set"),
        None => ProbeResult::new("key", Pass, "no API key is set, and this machine needs none"),
    });
    let unsent = model.settings_not_sent();
    if !unsent.is_empty() {
        let detail = format!("{} is set, but {} does not take it", unsent.join(" and "), clean(&config.model));
        results.push(ProbeResult::new("settings", Warn, detail));
    }
    match server(&model, &config.model).await {
        Ok(found) => results.push(found),
        Err(nobody) => {
            results.push(nobody);
            let rest = ["model", "streaming", "usage", "schema"];
            return results.skip(&rest, "not tested: the server cannot be reached");
        }
    }

    let say = |role, text| Message { role, content: vec![Arc::from(text)] };
    let request = Request {
        messages: vec![say(Role::System, "You answer briefly."), say(Role::User, "Reply with the word ok.")],
        max_output_tokens: MAX_TOKENS,
        cache_key: None,
        response_schema: None,
        less_reasoning: 0,
    };
    let mut model = model;
    let mut answered = model.call(model.body(&request), &|_| {}).await;
    if answered.is_err() && model.refuses_a_system_message() {
        let detail = format!("{} takes no system message, and a run sends one", clean(&config.model));
        results.push(ProbeResult::new("system", Fail, detail).hint(Some(model.system_role_hint())));
        let params = Params { system_role: false, ..facts.params };
        let facts = ModelFacts { params, ..facts.clone() };
        if let Ok(without) = OpenAi::new(config.clone(), facts, Source::Live, None) {
            model = without;
            answered = model.call(model.body(&request), &|_| {}).await;
        }
    }
    if model.refuses_stream_options() {
        let detail = "the server refuses `stream_options`, so each run asks once with it and then without";
        let hint = format!(
            "set `params = {{ include_usage = false }}` under [models.\"{}\"] in your models.toml",
            clean(&config.model)
        );
        results.push(ProbeResult::new("settings", Warn, detail).hint(Some(hint)));
    }
    let body = model.body(&request);
    let (completion, outcome) = match answered {
        Ok(answered) => answered,
        Err(error) => {
            results.push(ProbeResult::new("model", Fail, error.message).hint(error.hint));
            return results.skip(&["streaming", "usage", "schema"], "not tested: the model did not answer");
        }
    };
    if let Some(reason) = no_text(&completion) {
        let detail = format!("{} answers without text: {reason}", clean(&config.model));
        results.push(ProbeResult::new("model", Fail, detail).hint(Some(
            "ask another model, or check that the base URL is that of an OpenAI-compatible API".to_owned(),
        )));
        return results.skip(&["streaming", "usage", "schema"], "not tested: the model gave no text");
    }
    results.push(ProbeResult::new(
        "model",
        Pass,
        format!("{} answered after {} ms", clean(&config.model), completion.latency.as_millis()),
    ));
    results.push(if outcome.streamed {
        ProbeResult::new("streaming", Pass, "answers are streamed")
    } else {
        ProbeResult::new("streaming", Warn, "the server sends its answers in one piece, so progress cannot be shown")
    });
    results.push(match completion.usage {
        Some(usage) => {
            ProbeResult::new("usage", Pass, format!("tokens are reported ({} in, {} out)", usage.input, usage.output))
        }
        None => ProbeResult::new("usage", Warn, "the server does not report tokens, so costs stay unknown"),
    });
    results.push(schema(&model, body).await);
    results.results
}

/// Why there is no text, where there should be some. A reasoning model may well spend so few tokens on thinking.
fn no_text(completion: &Completion) -> Option<&'static str> {
    if completion.refusal.is_some() {
        return Some("it declines even to say ok");
    }
    match completion.finish {
        FinishReason::ContentFilter => Some("the provider's filter stopped it"),
        FinishReason::Length => None,
        FinishReason::Other(_) => Some("it did not end cleanly"),
        FinishReason::Stop | FinishReason::Unsaid => completion.text.trim().is_empty().then_some("it is empty"),
    }
}

/// Whether the server is there, accepts the key and offers the model. The list of models costs nothing.
///
/// # Errors
///
/// There is no connection, so nothing else need be tried.
async fn server(model: &OpenAi, name: &str) -> Result<ProbeResult, ProbeResult> {
    use ProbeOutcome::{Fail, Pass, Warn};

    let endpoint = model.endpoint();
    let host = endpoint.server();
    let url = endpoint.url("/models");
    let response = model.http().get(&url).headers(endpoint.headers().clone()).timeout(LIST_TIMEOUT).send().await;
    let response = match response {
        Ok(response) => response,
        Err(error) => {
            let detail = format!("{host} cannot be reached: {}", clean(&cause_of(&error)));
            let failed = ProbeResult::new("server", Fail, model.scrub_message(detail))
                .hint(Some("check the base URL, the proxy and the network".to_owned()));
            return if error.is_connect() { Err(failed) } else { Ok(failed) };
        }
    };
    let status = response.status();
    if status.as_u16() == 401 {
        return Ok(ProbeResult::new("server", Fail, format!("{host} refuses the key"))
            .hint(Some("set another key".to_owned())));
    }
    if !status.is_success() {
        // Azure's deployments and some gateways have no list; the model's own test says more.
        return Ok(ProbeResult::new("server", Pass, format!("{host} is there (it lists no models)")));
    }
    let list: Option<Value> = list_of(response).await.and_then(|body| serde_json::from_slice(&body).ok());
    let ids: Vec<&str> = list
        .as_ref()
        .and_then(|list| list.get("data")?.as_array())
        .map(|data| data.iter().filter_map(|entry| entry.get("id")?.as_str()).collect())
        .unwrap_or_default();
    if ids.is_empty() || ids.contains(&name) {
        return Ok(ProbeResult::new("server", Pass, format!("{host} is there")));
    }
    let some = ids.iter().take(10).map(|id| clean(id)).collect::<Vec<_>>().join(", ");
    let more = if ids.len() > 10 { format!(" and {} more", ids.len() - 10) } else { String::new() };
    Ok(ProbeResult::new("server", Warn, format!("{host} is there, but does not list {}", clean(name)))
        .hint(Some(model.scrub_message(format!("it offers {some}{more}")))))
}

/// The body of a list, where it comes whole and is no larger than a list can be.
async fn list_of(mut response: reqwest::Response) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.ok()? {
        if body.len() + piece.len() > LIST_BYTES {
            return None;
        }
        body.extend_from_slice(&piece);
    }
    Some(body)
}

/// Whether a schema for the answer is accepted and followed.
async fn schema(model: &OpenAi, mut body: Value) -> ProbeResult {
    use ProbeOutcome::{Fail, Pass, Warn};

    body["response_format"] = json!({
        "type": "json_schema",
        "json_schema": {
            "name": "reply",
            "strict": true,
            "schema": {
                "type": "object",
                "properties": {"ok": {"type": "boolean"}},
                "required": ["ok"],
                "additionalProperties": false,
            },
        },
    });
    match model.call(body, &|_| {}).await {
        Ok((completion, _)) => {
            let answer: Option<Value> = serde_json::from_str(&completion.text).ok();
            if answer.is_some_and(|answer| answer.get("ok").is_some_and(Value::is_boolean)) {
                ProbeResult::new("schema", Pass, "answers follow a JSON schema")
            } else if completion.text.trim().is_empty() || completion.finish == FinishReason::Length {
                ProbeResult::new(
                    "schema",
                    Pass,
                    "a JSON schema is accepted (the test answer was too short to see it followed)",
                )
            } else {
                ProbeResult::new(
                    "schema",
                    Warn,
                    "a JSON schema is accepted and ignored; answers are checked in any case",
                )
            }
        }
        Err(error) if error.scope == Scope::Call => {
            ProbeResult::new("schema", Warn, format!("no JSON schema for answers: {}", error.message))
        }
        Err(error) => ProbeResult::new("schema", Fail, error.message).hint(error.hint),
    }
}
