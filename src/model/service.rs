//! The HTTP layer below async-openai: sends a request or takes its answer from a tape, and puts every exchange on the
//! tape before its end is handed on.
//!
//! async-openai's own client would retry by itself; a service of ours in its place (`with_http_service`) is the one way
//! past that. It sends each request once. It must not decide what is worth repeating: that is `failure`.

use std::{
    collections::BTreeMap,
    future::Future,
    io,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use async_openai::{error::OpenAIError, middleware::HttpRequestFactory};
use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::{
    Source, Timeouts, Usage,
    answer::usage_of,
    failure::{Failure, ProviderError, RetryHints},
    openai::Recorder,
    sse,
};
use crate::tape::{Exchange, ExchangeRef};

/// The most bytes of an error's body that are read.
const MAX_ERROR_BYTES: usize = 1024 * 1024;
/// How long to wait for the end of a body after its last event, so that the connection can be used again.
const END_GRACE: Duration = Duration::from_millis(20);

/// What all calls of one model share.
pub(super) struct Shared {
    pub(super) http: reqwest::Client,
    pub(super) source: Source,
    pub(super) recorder: Option<Arc<dyn Recorder>>,
    pub(super) timeouts: Timeouts,
    pub(super) max_response_bytes: usize,
    /// Texts that must not reach a tape or a message.
    pub(super) secrets: Vec<SecretString>,
}

impl Shared {
    /// A text without any secret.
    pub(super) fn scrub(&self, mut text: String) -> String {
        for secret in &self.secrets {
            let secret = secret.expose_secret();
            if text.contains(secret) {
                text = text.replace(secret, "***");
            }
        }
        text
    }
}

/// One request: what it is, and what became of it. Shared by the service, the body's stream and the caller.
pub(super) struct Attempt {
    pub(super) key: Arc<str>,
    pub(super) path: &'static str,
    pub(super) request: Arc<Value>,
    /// Set by the caller at the first text of the answer; from then on the shorter timeout holds.
    pub(super) answering: AtomicBool,
    outcome: Mutex<Outcome>,
}

/// What became of a request, beside the body that async-openai parses.
#[derive(Clone, Debug, Default)]
pub(super) struct Outcome {
    /// Why it failed.
    pub(super) failure: Option<Failure>,
    /// When the last byte came.
    pub(super) at: Option<Timestamp>,
    /// From request to last byte, whole milliseconds as on the tape.
    pub(super) latency: Duration,
    /// Whether the stream ended with `[DONE]`.
    pub(super) done: bool,
    /// Whether the server streamed.
    pub(super) streamed: bool,
}

impl Attempt {
    pub(super) fn new(key: Arc<str>, path: &'static str, request: Arc<Value>) -> Self {
        Self { key, path, request, answering: AtomicBool::new(false), outcome: Mutex::default() }
    }

    pub(super) fn outcome(&self) -> MutexGuard<'_, Outcome> {
        // Nothing panics while it is held; if it did, the outcome would still be whole.
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fail(&self, failure: Failure) {
        self.outcome().failure.get_or_insert(failure);
    }
}

/// The tower service that async-openai sends one request through.
#[derive(Clone)]
pub(super) struct CallService {
    pub(super) shared: Arc<Shared>,
    pub(super) attempt: Arc<Attempt>,
}

impl tower::Service<HttpRequestFactory> for CallService {
    type Response = reqwest::Response;
    type Error = OpenAIError;
    type Future = Pin<Box<dyn Future<Output = Result<reqwest::Response, OpenAIError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), OpenAIError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, factory: HttpRequestFactory) -> Self::Future {
        let Self { shared, attempt } = self.clone();
        Box::pin(async move {
            let response = match &shared.source {
                Source::Live => send(&shared, &attempt, factory).await,
                Source::Replay(tape) => match tape.answer(&attempt.key) {
                    Some(exchange) => replay(&attempt, exchange),
                    None => Err(Failure::NotOnTape { difference: None }),
                },
            };
            response.map_err(|failure| {
                attempt.fail(failure);
                // The caller reads the outcome; async-openai only has to stop.
                OpenAIError::Boxed("the request failed".into())
            })
        })
    }
}

/// Answers from the tape, as the server did.
fn replay(attempt: &Attempt, exchange: &Exchange) -> Result<reqwest::Response, Failure> {
    let mut outcome = attempt.outcome();
    outcome.at = Some(exchange.at);
    outcome.latency = Duration::from_millis(exchange.latency_ms);
    let body = exchange.body.as_bytes();
    if !(200..300).contains(&exchange.status) {
        let hints = RetryHints::read(&exchange.headers, exchange.at);
        return Err(Failure::Status {
            status: exchange.status,
            hints,
            error: ProviderError::from_body(&exchange.body),
        });
    }
    match sse::first_byte(body) {
        Some(b'{') if exchange.complete => {
            outcome.done = true;
            Ok(respond(sse::from_json(body)))
        }
        Some(b'<') => Err(Failure::WebPage),
        Some(_) | None => {
            outcome.done = sse::has_done(body, body.len());
            outcome.streamed = true;
            let pieces = [Ok(Bytes::copy_from_slice(body)), Err(io::Error::other("the tape ends here"))];
            let pieces = pieces.into_iter().take(if exchange.complete { 1 } else { 2 });
            Ok(respond(reqwest::Body::wrap_stream(futures_util::stream::iter(pieces))))
        }
    }
}

fn respond(body: impl Into<reqwest::Body>) -> reqwest::Response {
    http::Response::new(body).into()
}

/// Sends the request, once.
async fn send(
    shared: &Arc<Shared>,
    attempt: &Arc<Attempt>,
    factory: HttpRequestFactory,
) -> Result<reqwest::Response, Failure> {
    let started = Instant::now();
    let request = factory.build().await.map_err(|error| Failure::Request { cause: cause_of(&error) })?;
    let waited = shared.timeouts.first_token;
    let response = match tokio::time::timeout(waited, shared.http.execute(request)).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) if error.is_builder() => return Err(Failure::Request { cause: cause_of(&error) }),
        Ok(Err(error)) if error.is_connect() => {
            return Err(Failure::Unreachable { cause: connect_cause(&error, shared) });
        }
        Ok(Err(error)) => return Err(Failure::Cut { cause: Some(cause_of(&error)) }),
        Err(_) => return Err(Failure::Silent { waited }),
    };
    let status = response.status().as_u16();
    let headers = headers_that_matter(response.headers());
    let limit = if response.status().is_success() { shared.max_response_bytes } else { MAX_ERROR_BYTES };
    let mut tee = Tee {
        response,
        shared: Arc::clone(shared),
        attempt: Arc::clone(attempt),
        started,
        status,
        headers,
        body: Vec::new(),
        limit,
        finished: false,
    };
    if !(200..300).contains(&status) {
        return Err(tee.read_error().await);
    }
    // The first piece tells a stream from the single object of a server that ignored `stream`.
    let first = loop {
        match tee.read().await? {
            Some(piece) if sse::first_byte(&tee.body).is_none() => drop(piece),
            other => break other,
        }
    };
    match sse::first_byte(&tee.body) {
        Some(b'{') => {
            while tee.read().await?.is_some() {}
            tee.attempt.outcome().done = true;
            Ok(respond(sse::from_json(&tee.body)))
        }
        Some(b'<') => {
            while tee.read().await?.is_some() {}
            Err(Failure::WebPage)
        }
        Some(_) | None => {
            tee.attempt.outcome().streamed = true;
            Ok(respond(reqwest::Body::wrap_stream(tee.into_stream(first))))
        }
    }
}

/// A response's body on its way to async-openai, collected for the tape.
///
/// Where it is dropped half-way (the run was interrupted, the call took too long), what came is recorded as incomplete.
struct Tee {
    response: reqwest::Response,
    shared: Arc<Shared>,
    attempt: Arc<Attempt>,
    started: Instant,
    status: u16,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
    /// The most bytes of `body`.
    limit: usize,
    /// Whether it is recorded.
    finished: bool,
}

impl Tee {
    /// The next piece; `None` at the end. With the piece that ends the answer, the exchange is on the tape.
    async fn read(&mut self) -> Result<Option<Bytes>, Failure> {
        if self.finished {
            return Ok(None);
        }
        match self.receive().await {
            Ok(Some(piece)) => {
                if self.body.len() + piece.len() > self.limit {
                    self.finish(false).await?;
                    return Err(Failure::TooLarge { limit: self.limit });
                }
                self.body.extend_from_slice(&piece);
                if sse::has_done(&self.body, piece.len()) {
                    self.attempt.outcome().done = true;
                    self.finish(true).await?;
                }
                Ok(Some(piece))
            }
            Ok(None) => {
                self.finish(true).await?;
                Ok(None)
            }
            Err(failure) => {
                self.finish(false).await?;
                Err(failure)
            }
        }
    }

    async fn receive(&mut self) -> Result<Option<Bytes>, Failure> {
        let timeouts = &self.shared.timeouts;
        let waited = if self.attempt.answering.load(Ordering::Relaxed) { timeouts.idle } else { timeouts.first_token };
        match tokio::time::timeout(waited, self.response.chunk()).await {
            Ok(Ok(piece)) => Ok(piece),
            Ok(Err(error)) => Err(Failure::Cut { cause: Some(cause_of(&error)) }),
            Err(_) => Err(Failure::Silent { waited }),
        }
    }

    /// The rest of the body of a response that is no success.
    async fn read_error(&mut self) -> Failure {
        let now = Timestamp::now();
        let error = loop {
            match self.read().await {
                Ok(Some(_)) => {}
                Err(failure @ Failure::Tape { .. }) => return failure,
                // The status alone says enough, whatever happens to the body.
                Ok(None) | Err(_) => break ProviderError::from_body(&String::from_utf8_lossy(&self.body)),
            }
        };
        Failure::Status { status: self.status, hints: RetryHints::read(&self.headers, now), error }
    }

    /// Puts the exchange on the tape.
    async fn finish(&mut self, complete: bool) -> Result<(), Failure> {
        let line = self.close(complete);
        let Some(recorder) = self.shared.recorder.clone() else {
            self.drain().await;
            return Ok(());
        };
        let (written, ()) = tokio::join!(recorder.record(line), self.drain());
        written.map_err(|error| Failure::Tape { cause: error.to_string() })
    }

    /// Reads to the end of a body whose last event has come, so that its connection is not closed but used again.
    async fn drain(&mut self) {
        if self.attempt.outcome().done {
            let end = async { while matches!(self.response.chunk().await, Ok(Some(_))) {} };
            let _ = tokio::time::timeout(END_GRACE, end).await;
        }
    }

    /// Notes time and latency, and makes the line for the tape (empty where nothing is recorded).
    fn close(&mut self, complete: bool) -> String {
        self.finished = true;
        let latency_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let now = Timestamp::now();
        // Milliseconds, as read back from a tape.
        let at = Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now);
        {
            let mut outcome = self.attempt.outcome();
            outcome.at = Some(at);
            outcome.latency = Duration::from_millis(latency_ms);
        }
        if self.shared.recorder.is_none() {
            return String::new();
        }
        let body = String::from_utf8_lossy(&self.body);
        let exchange = ExchangeRef {
            key: &self.attempt.key,
            at,
            method: "POST",
            path: self.attempt.path,
            request: &self.attempt.request,
            status: self.status,
            headers: &self.headers,
            body: &body,
            complete,
            usage: usage_in(&body),
            latency_ms,
        };
        self.shared.scrub(exchange.to_line())
    }

    fn into_stream(self, first: Option<Bytes>) -> impl futures_util::Stream<Item = io::Result<Bytes>> + Send + 'static {
        futures_util::stream::unfold((self, first), async |(mut tee, first)| {
            if let Some(piece) = first {
                return Some((Ok(piece), (tee, None)));
            }
            match tee.read().await {
                Ok(piece) => piece.map(|piece| (Ok(piece), (tee, None))),
                Err(failure) => {
                    tee.attempt.fail(failure);
                    Some((Err(io::Error::other("the answer broke off")), (tee, None)))
                }
            }
        })
    }
}

impl Drop for Tee {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        let line = self.close(false);
        if let (Some(recorder), Ok(runtime)) = (self.shared.recorder.clone(), tokio::runtime::Handle::try_current()) {
            // Nobody waits for it: where the process ends first, only an answer that nobody used is lost.
            runtime.spawn(async move {
                let _ = recorder.record(line).await;
            });
        }
    }
}

/// The usage at the end of a body, whichever kind it is.
fn usage_in(body: &str) -> Option<Usage> {
    let usage = |json: &str| usage_of(serde_json::from_str::<Value>(json).ok()?.get("usage")?);
    if sse::first_byte(body.as_bytes()) == Some(b'{') { usage(body) } else { sse::last_events(body).find_map(usage) }
}

/// The headers that say something about the answer, without cookies and the like.
fn headers_that_matter(headers: &HeaderMap) -> BTreeMap<String, String> {
    const NAMES: [&str; 7] = [
        "content-type",
        "retry-after",
        "retry-after-ms",
        "x-should-retry",
        "x-request-id",
        "openai-processing-ms",
        "location",
    ];
    const PREFIXES: [&str; 2] = ["x-ratelimit-", "anthropic-ratelimit-"];
    headers
        .iter()
        .filter(|(name, _)| {
            NAMES.contains(&name.as_str()) || PREFIXES.iter().any(|prefix| name.as_str().starts_with(prefix))
        })
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
        .collect()
}

/// The innermost cause of an error: the outer ones only say that a request failed, with its URL.
pub(super) fn cause_of(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

fn connect_cause(error: &reqwest::Error, shared: &Shared) -> String {
    if error.is_timeout() {
        format!("no connection within {} s", shared.timeouts.connect.as_secs_f64())
    } else {
        cause_of(error)
    }
}
