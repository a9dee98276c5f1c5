//! Reading a response's body: bounded, with timeouts, and onto the tape before its end is handed on.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;
use tokio::time::{Instant as Clock, Sleep};

use super::{
    Exchanged, Timeouts, Usage,
    failure::Failure,
    provider::{ProviderError, RetryHints},
    refused::Refused,
    service::{Attempt, Shared, cause_of},
    sse, surrogates,
    usage::{PLACES, Reported},
};
use crate::tape::{ExchangeRef, whole_milliseconds};

/// How long to wait for the end of a body after its last event, so that the connection can be used again.
const END_GRACE: Duration = Duration::from_millis(20);
/// What goes onto the tape of a body that is larger than its bound, bytes.
const KEPT_OF_TOO_LARGE: usize = 64 * 1024;
/// The most bytes of an error's body that are read.
const MAX_ERROR_BYTES: usize = 1024 * 1024;

/// A response's body, collected for the tape.
///
/// Where it is dropped half-way (the run was interrupted, the call took too long), what came is recorded as incomplete.
pub(super) struct Tee {
    response: reqwest::Response,
    shared: Arc<Shared>,
    attempt: Arc<Attempt>,
    started: Instant,
    /// When the last whole line came: what drips byte by byte is as good as silent.
    moved: Clock,
    /// Rings when the server may have been silent for too long. It is set anew only when it rings: a timer for each
    /// piece of an answer would cost more than reading it.
    patience: Pin<Box<Sleep>>,
    status: u16,
    headers: BTreeMap<String, String>,
    pub(super) body: Vec<u8>,
    /// The most bytes of `body`.
    limit: usize,
    /// Whether the stream has come to `[DONE]`.
    pub(super) done: bool,
    /// Whether it is recorded.
    finished: bool,
}

impl Tee {
    pub(super) fn new(
        response: reqwest::Response,
        shared: Arc<Shared>,
        attempt: Arc<Attempt>,
        started: Instant,
    ) -> Self {
        let first_wait = shared.timeouts.first_token;
        let most = shared.max_response_bytes.min(attempt.most_bytes);
        let limit = if response.status().is_success() { most } else { MAX_ERROR_BYTES };
        Self {
            status: response.status().as_u16(),
            headers: headers_that_matter(response.headers()),
            response,
            shared,
            attempt,
            started,
            moved: Clock::now(),
            patience: Box::pin(tokio::time::sleep(first_wait)),
            body: Vec::new(),
            limit,
            done: false,
            finished: false,
        }
    }

    /// HTTP status.
    pub(super) fn status(&self) -> u16 {
        self.status
    }

    /// Waits for the next piece and adds it to `body`; false at the end. With the piece that ends the answer, the
    /// exchange is on the tape. Once the server is `answering`, the shorter timeout holds.
    pub(super) async fn read(&mut self, answering: bool) -> Result<bool, Failure> {
        if self.finished {
            return Ok(false);
        }
        match self.receive(answering).await {
            Ok(Some(piece)) => {
                if memchr::memchr(b'\n', &piece).is_some() {
                    self.moved = Clock::now();
                }
                if self.body.len() + piece.len() > self.limit {
                    // Nobody can use it; its beginning is enough to see what it was.
                    self.body = self.body[..self.body.len().min(KEPT_OF_TOO_LARGE)].to_vec();
                    self.finish(false).await;
                    return Err(Failure::TooLarge { limit: self.limit });
                }
                self.body.extend_from_slice(&piece);
                if sse::has_done(&self.body, piece.len()) {
                    self.done = true;
                    self.finish(true).await;
                }
                Ok(true)
            }
            Ok(None) => {
                self.finish(true).await;
                Ok(false)
            }
            Err(failure) => {
                self.finish(false).await;
                Err(failure)
            }
        }
    }

    /// The next piece, if it comes in time.
    async fn receive(&mut self, answering: bool) -> Result<Option<Bytes>, Failure> {
        let Timeouts { first_token, idle, .. } = self.shared.timeouts;
        let waited = if answering { idle } else { first_token };
        let end = self.moved + waited;
        if self.patience.deadline() > end {
            self.patience.as_mut().reset(end);
        }
        loop {
            tokio::select! {
                biased;
                piece = self.response.chunk() => {
                    return piece.map_err(|error| Failure::Cut { cause: Some(cause_of(&error)) });
                }
                () = &mut self.patience => {
                    if Clock::now() >= end {
                        return Err(Failure::Silent { waited });
                    }
                    self.patience.as_mut().reset(end);
                }
            }
        }
    }

    /// What the server calls the body.
    pub(super) fn content_type(&self) -> Option<String> {
        self.headers.get("content-type").cloned()
    }

    /// The rest of the body of a response that is no success.
    pub(super) async fn read_error(&mut self) -> Failure {
        let now = Timestamp::now();
        let error = loop {
            match self.read(false).await {
                Ok(true) => {}
                // The status alone says enough, whatever happens to the body.
                Ok(false) | Err(_) => {
                    let body = String::from_utf8_lossy(&self.body);
                    self.attempt.outcome().refused = Refused::read(self.status, &body);
                    break ProviderError::from_body(&body);
                }
            }
        };
        Failure::Status { status: self.status, hints: RetryHints::read(&self.headers, now), error }
    }

    /// Puts the exchange on the tape. Where that fails, the attempt says so: whoever asked decides what becomes of an
    /// answer that is paid for.
    async fn finish(&mut self, complete: bool) {
        let line = self.close(complete);
        let Some(recorder) = self.shared.recorder.clone() else {
            self.drain().await;
            return;
        };
        let write = if self.attempt.repeats_a_rejection(self.status, &self.body) {
            recorder.record_repeated_rejection(line)
        } else {
            recorder.record(line)
        };
        let (written, ()) = tokio::join!(write, self.drain());
        if let Err(error) = written {
            self.attempt.outcome().unrecorded = Some(error.to_string());
        }
    }

    /// Reads to the end of a body whose last event has come, so that its connection is not closed but used again.
    async fn drain(&mut self) {
        if self.done {
            let end = async { while matches!(self.response.chunk().await, Ok(Some(_))) {} };
            let _ = tokio::time::timeout(END_GRACE, end).await;
        }
    }

    /// Notes time and latency, and makes the line for the tape (empty where nothing is recorded).
    fn close(&mut self, complete: bool) -> String {
        self.finished = true;
        let latency_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let at = whole_milliseconds(Timestamp::now());
        let text = std::str::from_utf8(&self.body);
        let usage = match text {
            Ok(body) => usage_in(body),
            Err(_) => usage_in(&String::from_utf8_lossy(&self.body)),
        };
        // A running total that broke off says what had been counted by then.
        let usage = usage.map(|usage| Usage { at_least: usage.at_least || !complete, ..usage });
        {
            let mut outcome = self.attempt.outcome();
            outcome.at = Some(at);
            outcome.latency = Duration::from_millis(latency_ms);
            outcome.exchanged = Some(Exchanged {
                key: Arc::clone(&self.attempt.keys.request),
                at,
                status: self.status,
                complete,
                sent: true,
                usage,
                latency: outcome.latency,
            });
        }
        if self.shared.recorder.is_none() {
            return String::new();
        }
        // A tape holds text. What follows a byte that is none must not look like an answer when it is read back.
        let (body, complete) = match text {
            Ok(body) => (body, complete),
            Err(_) => (self.body.utf8_chunks().next().map_or("", |chunk| chunk.valid()), false),
        };
        let body = self.shared.secrets.scrub_pieces(body);
        let masked = matches!(body, Cow::Owned(_)) || self.shared.secrets.are_in(&body);
        let exchange = ExchangeRef {
            key: &self.attempt.keys.request,
            item_key: &self.attempt.keys.item,
            at,
            method: "POST",
            path: self.attempt.path,
            request: &self.attempt.request,
            status: self.status,
            headers: &self.headers,
            body: &body,
            complete,
            usage,
            latency_ms,
            masked,
        };
        self.shared.secrets.scrub(exchange.to_line())
    }
}

impl Drop for Tee {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        let line = self.close(false);
        if let Some(recorder) = &self.shared.recorder {
            // Handed over by the call itself. Nobody waits for it.
            drop(recorder.record(line));
        }
    }
}

/// The usage in a body, whichever kind it is: some servers spread it over several events.
fn usage_in(body: &str) -> Option<Usage> {
    let read = |json: &str| {
        let value = surrogates::value(json)?;
        PLACES.iter().filter_map(|place| Reported::read(value.pointer(place)?)).reduce(Reported::and)
    };
    let reported = if sse::first_byte(body.as_bytes()) == Some(b'{') {
        read(body.trim_start_matches('\u{feff}'))
    } else {
        sse::events_with(body, "\"usage\"").filter_map(read).reduce(Reported::and)
    };
    reported.map(Reported::usage)
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
