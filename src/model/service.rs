//! The HTTP layer below async-openai: sends a request or takes its answer from a tape.
//!
//! async-openai's own client would retry by itself; a service of ours in its place (`with_http_service`) is the one way
//! past that. It sends each request once. It must not decide what is worth repeating: that is `failure`.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use async_openai::{error::OpenAIError, middleware::HttpRequestFactory};
use jiff::Timestamp;
use serde_json::value::RawValue;

use super::{
    Exchanged, Source, Timeouts,
    failure::Failure,
    gate::Pass,
    openai::Recorder,
    provider::{ProviderError, RetryHints},
    refused::Refused,
    secrets::Secrets,
    stream::Body,
    tee::Tee,
};
use crate::tape::{Exchange, whole_milliseconds};

/// What all calls of one model share.
pub(super) struct Shared {
    pub(super) http: reqwest::Client,
    pub(super) source: Source,
    pub(super) recorder: Option<Arc<dyn Recorder>>,
    pub(super) timeouts: Timeouts,
    pub(super) max_response_bytes: usize,
    /// Texts that must not reach a tape, a message or a document.
    pub(super) secrets: Secrets,
}

/// What a request is known by.
#[derive(Debug)]
pub(super) struct Keys {
    /// [`crate::tape::request_key`].
    pub(super) request: Arc<str>,
    /// [`crate::tape::item_key`].
    pub(super) item: Arc<str>,
}

/// What a token of an answer takes in a response at most, bytes: servers send an event of about 300 for each.
const BYTES_PER_TOKEN: usize = 1024;
/// No response is bounded to less, bytes: reasoning and comments come beside the answer.
const LEAST_LIMIT: usize = 1 << 20;

/// One request: what it is, and what became of it. Shared by the service, the tee and the caller.
pub(super) struct Attempt {
    pub(super) keys: Arc<Keys>,
    pub(super) path: &'static str,
    /// The body, as it is sent and recorded.
    pub(super) request: Arc<RawValue>,
    /// The most bytes that its response may have.
    pub(super) most_bytes: usize,
    /// Tells the gate when the server answers; on replay there is none.
    pass: Option<Pass>,
    outcome: Mutex<Outcome>,
}

/// What became of a request, beside its answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Outcome {
    /// Why it failed.
    pub(super) failure: Option<Failure>,
    /// When the last byte came.
    pub(super) at: Option<Timestamp>,
    /// From request to last byte, whole milliseconds as on the tape.
    pub(super) latency: Duration,
    /// Whether the server streamed.
    pub(super) streamed: bool,
    /// The exchange, once it has ended, for the bill.
    pub(super) exchanged: Option<Exchanged>,
    /// When a request was sent of which nothing has been heard.
    pub(super) waiting_since: Option<Instant>,
    /// Why the exchange is not on the tape.
    pub(super) unrecorded: Option<String>,
    /// Which fields of the request the server refuses, by the body of its error.
    pub(super) refused: Refused,
    /// Whether a secret stood in the answer when it was recorded.
    pub(super) masked: bool,
}

impl Attempt {
    pub(super) fn new(keys: Arc<Keys>, path: &'static str, request: Arc<RawValue>, pass: Option<Pass>) -> Self {
        Self { keys, path, request, pass, most_bytes: usize::MAX, outcome: Mutex::default() }
    }

    /// With a bound on the body, for an answer of at most so many tokens.
    pub(super) fn bounded(self, tokens: u64) -> Self {
        let bytes = usize::try_from(tokens).unwrap_or(usize::MAX).saturating_mul(BYTES_PER_TOKEN);
        Self { most_bytes: bytes.max(LEAST_LIMIT), ..self }
    }

    pub(super) fn outcome(&self) -> MutexGuard<'_, Outcome> {
        // Nothing panics while it is held; if it did, the outcome would still be whole.
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The exchange for the bill; that of a request of which nothing was heard, too. Only once.
    pub(super) fn take_exchanged(&self) -> Option<Exchanged> {
        let mut outcome = self.outcome();
        let waiting_since = outcome.waiting_since.take();
        let exchanged = outcome.exchanged.take();
        exchanged.or_else(|| {
            Some(Exchanged {
                key: Arc::clone(&self.keys.request),
                at: whole_milliseconds(Timestamp::now()),
                status: 0,
                complete: false,
                sent: true,
                usage: None,
                latency: waiting_since?.elapsed(),
            })
        })
    }

    /// Whether the answer says nothing but what another one said at the beginning of the same pause.
    pub(super) fn repeats_a_rejection(&self, status: u16, body: &[u8]) -> bool {
        let Some(pass) = self.pass.as_ref().filter(|_| status == 429) else { return false };
        let error = ProviderError::from_body(&String::from_utf8_lossy(body));
        !error.is_about_money() && !error.is_about_size() && !pass.begins_a_pause()
    }

    fn fail(&self, failure: Failure) {
        self.outcome().failure.get_or_insert(failure);
    }
}

/// The tower service that async-openai sends one request through.
///
/// To async-openai it answers `null`: the real body is left in `body`, for the caller to read as it comes.
#[derive(Clone)]
pub(super) struct CallService {
    pub(super) shared: Arc<Shared>,
    pub(super) attempt: Arc<Attempt>,
    pub(super) body: Arc<Mutex<Option<Body>>>,
}

impl tower::Service<HttpRequestFactory> for CallService {
    type Response = reqwest::Response;
    type Error = OpenAIError;
    type Future = Pin<Box<dyn Future<Output = Result<reqwest::Response, OpenAIError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), OpenAIError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, factory: HttpRequestFactory) -> Self::Future {
        let Self { shared, attempt, body } = self.clone();
        Box::pin(async move {
            let opened = match &shared.source {
                Source::Live => send(&shared, &attempt, factory).await,
                Source::Replay(tape) => match tape.answer(&attempt.keys.request) {
                    Some(exchange) => replay(&attempt, &exchange),
                    None => Err(Failure::NotOnTape { difference: None }),
                },
            };
            match opened {
                Ok(opened) => {
                    *body.lock().unwrap_or_else(PoisonError::into_inner) = Some(opened);
                    Ok(http::Response::new(reqwest::Body::from("null")).into())
                }
                Err(failure) => {
                    attempt.fail(failure);
                    // The caller reads the outcome; async-openai only has to stop.
                    Err(OpenAIError::Boxed("the request failed".into()))
                }
            }
        })
    }
}

/// Answers from the tape, as the server did.
#[expect(clippy::result_large_err, reason = "a failure is rare, and is moved once")]
pub(super) fn replay(attempt: &Attempt, exchange: &Exchange) -> Result<Body, Failure> {
    let mut outcome = attempt.outcome();
    outcome.at = Some(exchange.at);
    outcome.masked = exchange.masked;
    outcome.latency = Duration::from_millis(exchange.latency_ms);
    outcome.exchanged = Some(Exchanged {
        key: exchange.key.as_str().into(),
        at: exchange.at,
        status: exchange.status,
        complete: exchange.complete,
        sent: false,
        usage: exchange.usage,
        latency: outcome.latency,
    });
    if !(200..300).contains(&exchange.status) {
        outcome.refused = Refused::read(exchange.status, &exchange.body);
        let hints = RetryHints::read(&exchange.headers, exchange.at);
        return Err(Failure::Status {
            status: exchange.status,
            hints,
            error: ProviderError::from_body(&exchange.body),
        });
    }
    Ok(Body::Recorded {
        bytes: exchange.body.clone().into_bytes(),
        complete: exchange.complete,
        content_type: exchange.headers.get("content-type").cloned(),
        status: exchange.status,
    })
}

/// Sends the request, once.
async fn send(shared: &Arc<Shared>, attempt: &Arc<Attempt>, factory: HttpRequestFactory) -> Result<Body, Failure> {
    let started = Instant::now();
    let request = factory.build().await.map_err(|error| Failure::Request { cause: cause_of(&error) })?;
    let waited = shared.timeouts.first_token;
    attempt.outcome().waiting_since = Some(started);
    let response = match tokio::time::timeout(waited, shared.http.execute(request)).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) if error.is_builder() => {
            attempt.outcome().waiting_since = None;
            return Err(Failure::Request { cause: cause_of(&error) });
        }
        Ok(Err(error)) if error.is_connect() => {
            // It was never sent.
            attempt.outcome().waiting_since = None;
            return Err(Failure::Unreachable { cause: connect_cause(&error, shared) });
        }
        Ok(Err(error)) => return Err(Failure::Cut { cause: Some(cause_of(&error)) }),
        Err(_) => return Err(Failure::Silent { waited }),
    };
    let status = response.status();
    if let Some(pass) = &attempt.pass {
        pass.heard(status.as_u16(), response.headers());
    }
    if let Some(encoding) = compression(response.headers()) {
        return Err(Failure::Encoded { encoding });
    }
    let mut tee = Tee::new(response, Arc::clone(shared), Arc::clone(attempt), started);
    if !status.is_success() {
        return Err(tee.read_error().await);
    }
    Ok(Body::Live(Box::new(tee)))
}

/// How a body is compressed; nothing here asks for that.
fn compression(headers: &http::HeaderMap) -> Option<String> {
    let encoding = headers.get(http::header::CONTENT_ENCODING)?;
    let encoding = String::from_utf8_lossy(encoding.as_bytes()).trim().to_lowercase();
    (!matches!(encoding.as_str(), "" | "identity")).then_some(encoding)
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
