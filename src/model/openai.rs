//! The one [`Model`] there is: any server that speaks OpenAI's chat completions.
//!
//! The retry loop is here, around the whole call including the reading of its stream, and nowhere else.

use std::{
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use async_openai::{Client, error::OpenAIError};
use futures_util::{FutureExt, future::BoxFuture};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde::de::IgnoredAny;
use serde_json::{Value, value::RawValue};
use tokio::time::Instant;

use super::{
    Completion, ConfigError, FinishReason, Model, ModelConfig, ModelError, ModelFacts, Progress, ProgressSink,
    PromptCut, Request, Scope, Usage, admission,
    answer::Answer,
    body, chat_format,
    delay::Delays,
    endpoint::{CHAT_PATH, Endpoint},
    failure::{Failure, Verdict},
    gate::{Closed, End, Gate, Held, Permit},
    outgoing::{Asked, Outgoing},
    provider::{ProviderError, clean},
    secrets::Secrets,
    service::{self, Attempt, CallService, Keys, Outcome, Shared, cause_of},
    size::Sizes,
    stream,
    usage::{self, Prompt},
};
use crate::tape::{Exchange, ReplayIndex, whole_milliseconds};

/// How long a refused connection on this machine is tried again.
const REFUSED_FOR: Duration = Duration::from_secs(3);
/// How often the cap of one request is lowered.
const MOST_LOWERED: u32 = 3;
/// How many misses of one replay are explained; each explanation reads the whole tape.
const EXPLAINED_MISSES: u32 = 20;

/// The field without which many servers count nothing, and which some refuse. It is no part of a request's key.
const STREAM_OPTIONS: &str = "stream_options";

/// Where exchanges are recorded.
pub trait Recorder: Send + Sync {
    /// Appends a line to the tape, whether or not anybody waits. Resolves when it is safe on the disk.
    fn record(&self, line: String) -> BoxFuture<'_, io::Result<()>>;

    /// Appends a further rejection by a limiter during one pause. A tape that need not be whole leaves it out.
    fn record_repeated_rejection(&self, line: String) -> BoxFuture<'_, io::Result<()>> {
        self.record(line)
    }
}

/// Answers of earlier runs. What was paid for once is not sent again.
pub trait Memory: Send + Sync {
    /// The answer to the request of this [`crate::tape::item_key`].
    fn recall(&self, key: &str) -> Option<Exchange>;
}

/// Where answers come from.
#[derive(Clone)]
pub enum Source {
    /// The server.
    Live,
    /// A tape; nothing is ever sent.
    Replay(Arc<ReplayIndex>),
}

impl Source {
    /// Whether a tape has another exchange of this key that has not been served.
    fn has_more(&self, key: &str) -> bool {
        matches!(self, Self::Replay(tape) if tape.has_more(key))
    }
}

/// A model behind OpenAI's chat completions API, or a tape of one.
pub struct OpenAi {
    config: ModelConfig,
    facts: ModelFacts,
    gate: Gate,
    endpoint: Endpoint,
    client: Client<Endpoint>,
    shared: Arc<Shared>,
    memory: Option<Arc<dyn Memory>>,
    misses: AtomicU32,
    /// What the server has said of the sizes that it takes.
    sizes: Mutex<Sizes>,
    /// The server refuses `stream_options`; found out by the first request that had it.
    plain_stream: AtomicBool,
    /// The server refused a system message.
    no_system_role: AtomicBool,
}

impl std::fmt::Debug for OpenAi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenAi")
            .field("host", &self.endpoint.server())
            .field("model", &self.config.model)
            .finish_non_exhaustive()
    }
}

impl OpenAi {
    /// Checks the configuration; opens no connection. On replay neither key nor server is needed.
    pub fn new(
        config: ModelConfig,
        facts: ModelFacts,
        source: Source,
        recorder: Option<Arc<dyn Recorder>>,
    ) -> Result<Self, ConfigError> {
        let live = matches!(source, Source::Live);
        let endpoint = Endpoint::new(&config, live)?;
        let http = http_client(&config, &endpoint, live)?;
        let shared = Arc::new(Shared {
            http: http.clone(),
            source,
            recorder,
            timeouts: config.timeouts,
            max_response_bytes: config.max_response_bytes,
            secrets: Secrets::of(&config),
        });
        let client = Client::build(http, endpoint.clone());
        let gate = Gate::new(config.policy(&facts));
        // A recorded run lowered caps as soon as the first refusal had come. Its requests are those of a run that knew.
        let sizes = match &shared.source {
            Source::Live => Sizes::default(),
            Source::Replay(tape) => tape.refusals().fold(Sizes::default(), |known, body| {
                let error = ProviderError::from_body(&body);
                if error.is_about_size() { known.and(error.sizes()) } else { known }
            }),
        };
        Ok(Self {
            config,
            facts,
            gate,
            endpoint,
            client,
            shared,
            memory: None,
            misses: AtomicU32::new(0),
            sizes: Mutex::new(sizes),
            plain_stream: AtomicBool::new(false),
            no_system_role: AtomicBool::new(false),
        })
    }

    /// Answers what `memory` holds from there instead of sending it.
    pub fn with_memory(mut self, memory: Arc<dyn Memory>) -> Self {
        self.memory = Some(memory);
        self
    }

    /// With a gate that others may pass through, too, or that knows something already. See [`ModelConfig::policy`].
    #[must_use]
    pub fn through(self, gate: Gate) -> Self {
        Self { gate, ..self }
    }

    /// What is known of the model.
    pub fn facts(&self) -> &ModelFacts {
        &self.facts
    }

    /// The server that is asked, with its port; for a tape's header.
    pub fn server(&self) -> &str {
        self.endpoint.server()
    }

    /// Settings that are not sent, because the model does not take them.
    pub fn settings_not_sent(&self) -> Vec<&'static str> {
        body::not_sent(&self.config, &self.facts.params)
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    pub(super) fn http(&self) -> &reqwest::Client {
        &self.shared.http
    }

    /// A message without any secret.
    pub(super) fn scrub_message(&self, text: String) -> String {
        self.shared.secrets.scrub_message(text)
    }

    pub(super) fn body(&self, request: &Request) -> Value {
        body::build(request, &self.config, &self.facts.params)
    }

    /// Whether the server was found to refuse `stream_options`.
    pub(super) fn refuses_stream_options(&self) -> bool {
        self.plain_stream.load(Ordering::Relaxed)
    }

    /// What to do where a system message is refused.
    pub(super) fn system_role_hint(&self) -> String {
        let model = clean(&self.config.model);
        format!(
            "the model takes no system message: set `params = {{ system_role = false }}` under [models.\"{model}\"] in your \
             models.toml (`model.models_file` names it), and the rules are sent in the user's message"
        )
    }

    /// Whether the server was found to refuse a system message.
    pub(super) fn refuses_a_system_message(&self) -> bool {
        self.no_system_role.load(Ordering::Relaxed)
    }

    /// Sends a body until it is answered or given up. Its time is that of a whole call; waiting at the gate is not part
    /// of it, and what a limiter rejects does not count as one of its repeats.
    pub(super) async fn call(
        &self,
        body: Value,
        progress: ProgressSink<'_>,
    ) -> Result<(Completion, Outcome), ModelError> {
        let exact = self.config.bounds.is_set();
        let mut outgoing = Outgoing::new(&body, &self.facts, exact);
        drop(body);
        if let Some(remembered) = self.recall(&outgoing, progress).await {
            return Ok(remembered);
        }
        let wanted = outgoing.cap();
        let lower = |outgoing: &Outgoing, sizes: &Sizes| {
            let fitted = outgoing.fitted(sizes, &self.facts, exact)?;
            let (from, to) = (wanted?, fitted.cap()?);
            progress(Progress::CapLowered { from, to });
            Some(fitted)
        };
        let known = *self.sizes();
        if known != Sizes::default()
            && let Some(fitted) = lower(&outgoing, &known)
        {
            outgoing = fitted;
            if let Some(remembered) = self.recall(&outgoing, progress).await {
                return Ok(remembered);
            }
        }
        let live = matches!(self.shared.source, Source::Live);
        let mut delays = Delays::new(&self.config.retry);
        let (mut sent, mut repeats, mut lowered) = (0, 0, 0);
        let (mut pause, mut spent) = (Duration::ZERO, Duration::ZERO);
        let mut refused_since: Option<Instant> = None;
        loop {
            if self.refuses_stream_options() {
                outgoing = outgoing.without(STREAM_OPTIONS).unwrap_or(outgoing);
            }
            let Outgoing { keys, need, request, asked, .. } = &outgoing;
            let permit = if live {
                let tell = |held: Held| progress(admission::held(held, self.endpoint.server(), Timestamp::now()));
                let entered = self.gate.enter(*need, pause, &tell).await;
                Some(entered.map_err(|closed| self.turned_away(closed, sent))?)
            } else {
                None
            };
            let pass = permit.as_ref().map(Permit::pass);
            let attempt = Attempt::new(Arc::clone(keys), CHAT_PATH, Arc::clone(request), pass);
            let attempt = Arc::new(attempt.bounded(need.largest_answer));
            sent += 1;
            if live {
                let at = whole_milliseconds(Timestamp::now());
                progress(Progress::Sending { key: Arc::clone(&keys.request), at });
            }
            let began = Instant::now();
            let left = self.config.timeouts.call.saturating_sub(spent);
            let billed = Billed { attempt: &attempt, progress, live };
            let result = tokio::time::timeout(left, self.send(&attempt, progress)).await;
            let measured = match &result {
                Ok(Ok(answer)) => Some(self.measure(answer, &attempt, *asked)),
                Ok(Err(_)) | Err(_) => None,
            };
            drop(billed);
            spent += began.elapsed();
            let unrecorded = attempt.outcome().unrecorded.take().map(|cause| Failure::Tape { cause });
            let failure = match result {
                Ok(Ok(answer)) => {
                    let measured = measured.unwrap_or_default();
                    if let Some(permit) = permit {
                        permit.end(measured.end());
                    }
                    let outcome = attempt.outcome().clone();
                    let unrecorded =
                        unrecorded.map(|failure| self.error(failure, Scope::Storage, sent, outcome.at, request));
                    let lowered_cap = outgoing.cap().filter(|cap| Some(*cap) != wanted);
                    let lowered_cap = lowered_cap.and_then(|cap| u32::try_from(cap).ok());
                    let completion = self.completion(answer, measured, keys, &outcome, sent);
                    let completion = Completion { unrecorded, lowered_cap, ..completion };
                    return Ok((completion, outcome));
                }
                // What cannot be recorded must not be asked for again.
                Ok(Err(failure)) => unrecorded.unwrap_or(failure),
                Err(_) => return Err(self.too_slow(sent)),
            };
            let at = attempt.outcome().at;
            let verdict = failure.judge(&self.config.retry);
            let reason = self.scrub_message(failure.message(self.endpoint.server()));
            if let Some(permit) = permit {
                permit.end(admission::end(&failure, verdict, &reason));
            }
            let refused = attempt.outcome().refused;
            if refused.stream_options
                && let Some(plain) = outgoing.without(STREAM_OPTIONS)
            {
                self.plain_stream.store(true, Ordering::Relaxed);
                (outgoing, pause) = (plain, Duration::ZERO);
                let reason = format!("{reason}; asked again without `stream_options`");
                progress(Progress::Retrying { reason, delay: pause, attempt: sent });
                continue;
            }
            let waits = failure.is_rejection() || failure.is_loading();
            let refused_for = refused_since.map_or(Duration::ZERO, |since| since.elapsed());
            match verdict {
                // On replay the tape knows how often; where it has no more, that was the end.
                Verdict::Repeat { .. } if waits && (live || self.shared.source.has_more(&keys.request)) => {
                    pause = Duration::ZERO;
                    progress(Progress::Retrying { reason, delay: self.gate.closed_for(), attempt: sent });
                }
                Verdict::Repeat { after, scope }
                    if !waits && repeats < self.config.retry.max_retries && refused_for < REFUSED_FOR =>
                {
                    if live && !self.gate.may_repeat() {
                        let mut error = self.error(failure, scope, sent, at, request);
                        error.message.push_str("; not sent again, for the repeats of this run are used up");
                        error.hint = Some(String::from(
                            "run again later: only what is missing is asked for; or raise `retry.run_percent`",
                        ));
                        return Err(error);
                    }
                    repeats += 1;
                    pause = delays.next(after);
                    if self.endpoint.is_loopback() && failure.is_refused_connection() {
                        // A server on this machine is either about to listen or does not run.
                        refused_since.get_or_insert(began);
                        pause = pause.min(REFUSED_FOR - refused_for);
                    }
                    progress(Progress::Retrying { reason, delay: pause, attempt: sent });
                }
                Verdict::Final(Scope::Call) if failure.is_about_size() && lowered < MOST_LOWERED => {
                    let sizes = failure.provider().map(ProviderError::sizes).unwrap_or_default();
                    // A limit per minute is not the model's, and others may fit it.
                    let fitted = (!failure.is_rejection()).then(|| lower(&outgoing, &sizes)).flatten();
                    let Some(fitted) = fitted else {
                        return Err(self.error(failure, Scope::Call, sent, at, request));
                    };
                    let known = self.sizes().and(sizes);
                    *self.sizes() = known;
                    (outgoing, pause, lowered) = (fitted, Duration::ZERO, lowered + 1);
                    if let Some((completion, outcome)) = self.recall(&outgoing, progress).await {
                        return Ok((Completion { requests: sent, ..completion }, outcome));
                    }
                }
                Verdict::Final(Scope::Call) if self.answers_everybody_so(&failure) => {
                    let mut error = self.error(failure, Scope::Run, sent, at, request);
                    error.message.push_str("; the first calls all got this answer");
                    return Err(error);
                }
                Verdict::Repeat { scope, .. } | Verdict::Final(scope) => {
                    let mut error = self.error(failure, scope, sent, at, request);
                    if refused.system_role && self.facts.params.system_role {
                        self.no_system_role.store(true, Ordering::Relaxed);
                        error.hint = Some(self.system_role_hint());
                    }
                    return Err(error);
                }
            }
        }
    }

    /// Counts an answer that no repeat changes. Whether it has come to the first calls alike, so that it is no fault of a
    /// single one. A refusal of size is.
    fn answers_everybody_so(&self, failure: &Failure) -> bool {
        let Some(error) = failure.provider().filter(|_| !failure.is_about_size()) else { return false };
        self.gate.final_answer(format!("{} {}", failure.status().unwrap_or_default(), error.kind()))
    }

    /// What is known of the sizes that the model takes.
    fn sizes(&self) -> MutexGuard<'_, Sizes> {
        // Numbers are numbers, whatever panicked.
        self.sizes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer to a body that was paid for earlier; sends nothing.
    pub(super) async fn remembered(&self, body: Value, progress: ProgressSink<'_>) -> Option<Completion> {
        let outgoing = Outgoing::new(&body, &self.facts, false);
        self.recall(&outgoing, progress).await.map(|(completion, _)| completion)
    }

    /// The answer that was paid for earlier; `None` where there is none, or none that can be used.
    async fn recall(&self, outgoing: &Outgoing, progress: ProgressSink<'_>) -> Option<(Completion, Outcome)> {
        let Outgoing { keys, request, asked, .. } = outgoing;
        let exchange = self.memory.as_ref()?.recall(&keys.item)?;
        let attempt = Arc::new(Attempt::new(Arc::clone(keys), CHAT_PATH, Arc::clone(request), None));
        let body = service::replay(&attempt, &exchange).ok()?;
        let answer = stream::read(body, &attempt, progress).await.ok()?;
        let measured = self.measure(&answer, &attempt, *asked);
        if let Some(exchanged) = attempt.take_exchanged() {
            progress(Progress::Exchanged(exchanged));
        }
        let outcome = attempt.outcome().clone();
        let completion = Completion { remembered: true, ..self.completion(answer, measured, keys, &outcome, 0) };
        Some((completion, outcome))
    }

    /// Sends one request and reads its answer.
    async fn send(&self, attempt: &Arc<Attempt>, progress: ProgressSink<'_>) -> Result<Answer, Failure> {
        let body = Arc::new(Mutex::new(None));
        let service =
            CallService { shared: Arc::clone(&self.shared), attempt: Arc::clone(attempt), body: Arc::clone(&body) };
        let client = self.client.clone().with_http_service(service);
        // async-openai makes the request; the service leaves the answer here.
        let sent: Result<IgnoredAny, _> = client.chat().create_byot(attempt.request.as_ref()).await;
        sent.map_err(|error| failure_of(attempt, &error))?;
        let body = body.lock().unwrap_or_else(PoisonError::into_inner).take();
        match body {
            Some(body) => stream::read(body, attempt, progress).await,
            None => Err(Failure::Cut { cause: None }),
        }
    }

    /// Holds what the server counted against what was sent and received, and corrects the exchange by it.
    fn measure(&self, answer: &Answer, attempt: &Attempt, asked: Asked) -> Measured {
        let Some(reported) = answer.reported else { return Measured::default() };
        let Asked { prompt_bytes, has_answer, cap } = asked;
        let prompt = Prompt::new(prompt_bytes, has_answer, &attempt.request, self.facts.tokenizer);
        let (usage, explained) = usage::credible(reported, &prompt, &answer.text);
        if let Some(exchanged) = &mut attempt.outcome().exchanged {
            exchanged.usage = Some(usage);
        }
        let caps = [cap, self.facts.max_output.map(u64::from)];
        Measured {
            usage: Some(usage),
            explained,
            prompt_cut: usage::prompt_cut(reported, &prompt),
            at_a_limit: usage::reached_a_limit(reported, caps, self.facts.context_window.map(u64::from)),
        }
    }

    /// What becomes of an answer. A server that repeats a secret must not get it into a document.
    fn completion(
        &self,
        answer: Answer,
        measured: Measured,
        keys: &Keys,
        outcome: &Outcome,
        requests: u32,
    ) -> Completion {
        let masked = outcome.masked || self.shared.secrets.are_in(&answer.text);
        let finish = match answer.finish.unwrap_or(FinishReason::Unsaid) {
            FinishReason::Stop | FinishReason::Unsaid if measured.at_a_limit => FinishReason::Length,
            finish => finish,
        };
        Completion {
            key: Arc::clone(&keys.item),
            remembered: false,
            text: self.shared.secrets.scrub(chat_format::content(answer.text)),
            masked,
            finish,
            prompt_cut: measured.prompt_cut,
            refusal: Some(answer.refusal)
                .filter(|refusal| !refusal.is_empty())
                .map(|refusal| self.shared.secrets.scrub(refusal)),
            usage: measured.usage,
            at: outcome.at.unwrap_or_else(Timestamp::now),
            latency: outcome.latency,
            requests,
            lowered_cap: None,
            unrecorded: None,
        }
    }

    fn too_slow(&self, requests: u32) -> ModelError {
        let limit = self.config.timeouts.call.as_secs_f64().ceil();
        ModelError {
            message: format!("{} had not answered after {limit} s", self.endpoint.server()),
            hint: Some("raise `timeouts.call_seconds`, or lower the cap on output tokens".to_owned()),
            status: None,
            scope: Scope::Call,
            requests,
            at: Timestamp::now(),
        }
    }

    /// The gate lets nothing more through.
    fn turned_away(&self, closed: Closed, requests: u32) -> ModelError {
        let (message, hint, scope) = admission::refusal(closed);
        ModelError { message, hint, status: None, scope, requests, at: Timestamp::now() }
    }

    fn error(
        &self,
        mut failure: Failure,
        scope: Scope,
        requests: u32,
        at: Option<Timestamp>,
        request: &RawValue,
    ) -> ModelError {
        let mut requests = requests;
        if let (Failure::NotOnTape { difference }, Source::Replay(tape)) = (&mut failure, &self.shared.source) {
            requests -= 1;
            if self.misses.fetch_add(1, Ordering::Relaxed) < EXPLAINED_MISSES {
                let request: Value = serde_json::from_str(request.get()).unwrap_or_default();
                *difference = Some(tape.nearest(&request).unwrap_or_else(|| "the tape has no exchange".to_owned()));
            }
        }
        ModelError {
            message: self.scrub_message(failure.message(self.endpoint.server())),
            hint: failure.hint(&self.config.model).map(|hint| self.scrub_message(hint)),
            status: failure.status(),
            scope,
            requests,
            at: at.unwrap_or_else(Timestamp::now),
        }
    }
}

impl Model for OpenAi {
    fn complete<'a>(
        &'a self,
        request: &'a Request,
        progress: ProgressSink<'a>,
    ) -> BoxFuture<'a, Result<Completion, ModelError>> {
        async move { self.call(self.body(request), progress).await.map(|(completion, _)| completion) }.boxed()
    }

    fn stop(&self) {
        self.gate.stop();
    }

    fn can_think_less(&self, less: u8) -> bool {
        body::can_think_less(&self.config, &self.facts.params, less)
    }
}

/// What the server's counts say of an answer.
#[derive(Clone, Copy, Debug, Default)]
struct Measured {
    usage: Option<Usage>,
    /// Whether the counts are the server's own.
    explained: bool,
    prompt_cut: Option<PromptCut>,
    /// Whether the answer went up to a limit of tokens.
    at_a_limit: bool,
}

impl Measured {
    /// How the request ended, for the gate: what a budget cannot be sure of has to count as all that it allowed.
    fn end(self) -> End {
        match self.usage {
            Some(usage) if !self.explained => End::Understated(usage),
            usage => End::Answered(usage),
        }
    }
}

/// Tells of an attempt's exchange when the attempt ends, also where it ends because nobody waits for it any more: the
/// provider may charge for it all the same.
struct Billed<'a> {
    attempt: &'a Attempt,
    progress: ProgressSink<'a>,
    /// Whether it was announced as sent.
    live: bool,
}

impl Drop for Billed<'_> {
    fn drop(&mut self) {
        if let Some(exchanged) = self.attempt.take_exchanged() {
            (self.progress)(Progress::Exchanged(exchanged));
        } else if self.live {
            let at = whole_milliseconds(Timestamp::now());
            (self.progress)(Progress::Unsent { key: Arc::clone(&self.attempt.keys.request), at });
        }
    }
}

/// What our service found, or else what async-openai says.
fn failure_of(attempt: &Attempt, error: &OpenAIError) -> Failure {
    if let Some(failure) = &attempt.outcome().failure {
        return failure.clone();
    }
    match error {
        OpenAIError::InvalidArgument(cause) => Failure::Request { cause: cause.clone() },
        other => Failure::Cut { cause: Some(cause_of(other)) },
    }
}

/// The HTTP client. Where nothing will be encrypted, the system's certificates are not read, which takes longest.
fn http_client(config: &ModelConfig, endpoint: &Endpoint, live: bool) -> Result<reqwest::Client, ConfigError> {
    // Fails where another part of the process has set one; any will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("planwave/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(config.timeouts.connect)
        // Redirects would take the key, and what is paid for, to another place.
        .redirect(reqwest::redirect::Policy::none())
        // One connection per call: with HTTP/2 all calls would share one, whose limit of streams is the server's, and whose
        // end would be the end of all of them.
        .http1_only()
        .tcp_nodelay(true)
        .pool_max_idle_per_host(config.concurrency.max(1));
    if let Some(proxy) = &config.proxy {
        let proxy = reqwest::Proxy::all(proxy.expose_secret()).map_err(|_| ConfigError::Proxy)?;
        builder = builder.proxy(proxy.no_proxy(reqwest::NoProxy::from_env()));
    } else if endpoint.is_loopback() {
        builder = builder.no_proxy();
    }
    if !live || (endpoint.is_loopback() && endpoint.url("").starts_with("http://") && config.proxy.is_none()) {
        builder = builder.tls_certs_only([]);
    }
    builder.build().map_err(|error| ConfigError::Http { cause: cause_of(&error) })
}
