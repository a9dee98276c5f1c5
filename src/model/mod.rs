//! Access to models: the [`Model`] trait and its OpenAI-compatible implementation.
//!
//! It retries (in one layer), classifies errors and puts every exchange on the tape. It must not know of plans,
//! documents or terminals.

mod admission;
mod answer;
mod body;
mod catalog;
mod chat_format;
mod config;
mod delay;
pub mod doctor;
mod endpoint;
mod failure;
mod finish;
mod frame;
pub mod gate;
mod openai;
mod outgoing;
mod provider;
mod read_back;
mod refused;
mod remembering;
mod secrets;
mod service;
mod size;
mod sse;
mod stream;
mod surrogates;
mod tee;
mod tokens;
mod usage;

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use jiff::Timestamp;

pub use crate::tape::{PromptCut, Usage};
pub use catalog::{Catalog, CatalogError, ModelFacts, Params, Prices, Structured, TokenCap};
pub use config::{ExtraHeader, ModelConfig, Retry, Timeouts};
pub use endpoint::ConfigError;
pub use finish::FinishReason;
pub use openai::{Memory, OpenAi, Recorder, Source};
pub use read_back::answer_text;
pub use remembering::Remembering;
pub use secrets::{is_word_of, key_finder};
pub use tokens::Tokenizer;

/// Something that answers a chat request. The engine gets it as a constructor argument.
pub trait Model: Send + Sync {
    /// Sends one request and waits for its whole answer, retrying what is worth it.
    ///
    /// `progress` is called as the answer streams in and when an attempt is repeated; it must be quick.
    fn complete<'a>(
        &'a self,
        request: &'a Request,
        progress: ProgressSink<'a>,
    ) -> BoxFuture<'a, Result<Completion, ModelError>>;

    /// Sends nothing more: calls that wait to be sent, or to be sent again, fail with [`Scope::Stopped`]; those under
    /// way go on.
    fn stop(&self) {}

    /// Whether the model can be told to think less, with [`Request::less_reasoning`] at `less` already.
    fn can_think_less(&self, less: u8) -> bool {
        let _ = less;
        false
    }
}

/// Where a call's progress goes.
pub type ProgressSink<'a> = &'a (dyn Fn(Progress) + Send + Sync);

/// One chat request, free of any provider's parameter names.
#[derive(Clone, Debug)]
pub struct Request {
    /// The messages, system first. The text is shared between requests of a level.
    pub messages: Vec<Message>,
    /// The most tokens the answer may have, reasoning included.
    pub max_output_tokens: u32,
    /// Requests with the same key share a prefix that the provider may cache.
    pub cache_key: Option<String>,
    /// What the answer has to look like; sent as far as the model takes it, so an answer is to be checked in any case.
    pub response_schema: Option<Arc<ResponseSchema>>,
    /// How many steps less the model is to think than is configured; for models that can be told.
    pub less_reasoning: u8,
}

impl Request {
    /// The first request for a document.
    pub fn opening(messages: Vec<Message>, max_output_tokens: u32, cache_key: String) -> Self {
        Self { messages, max_output_tokens, cache_key: Some(cache_key), response_schema: None, less_reasoning: 0 }
    }
}

/// A JSON Schema for an answer, within what strict Structured Outputs allow.
#[derive(Clone, Debug, PartialEq)]
pub struct ResponseSchema {
    /// Its name: letters, digits, `_` and `-`.
    pub name: String,
    /// The schema.
    pub schema: serde_json::Value,
}

/// One message of a [`Request`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said, in pieces that are concatenated; the first pieces of the items of a level are shared.
    pub content: Vec<Arc<str>>,
}

/// Who speaks in a [`Message`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The rules.
    System,
    /// The task.
    User,
    /// The model's own earlier answer.
    Assistant,
}

/// What happens while a call is under way.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    /// Some of the answer arrived; `chars` is how many characters so far.
    Received {
        /// Characters of the answer so far.
        chars: usize,
    },
    /// The attempt failed and is repeated after a pause.
    Retrying {
        /// One sentence: what went wrong.
        reason: String,
        /// The pause.
        delay: Duration,
        /// The number of the attempt that failed, from 1.
        attempt: u32,
    },
    /// A request is about to be sent. Whoever keeps a bill notes it now: if this process is killed before the answer is there,
    /// nothing else tells of it.
    Sending {
        /// The key of the request.
        key: Arc<str>,
        /// The time.
        at: Timestamp,
    },
    /// A request that was about to be sent was not: no connection was there.
    Unsent {
        /// The key of the request.
        key: Arc<str>,
        /// The time.
        at: Timestamp,
    },
    /// The request is held back, and what for.
    Held {
        /// What it waits for, as a noun: `the rate limit of api.example`.
        reason: String,
        /// Until when; `None` where that depends on other answers.
        until: Option<Timestamp>,
        /// Requests that wait behind it.
        behind: usize,
    },
    /// The cap on output tokens is lowered, because the prompt and the whole cap do not fit the model.
    CapLowered {
        /// The cap that was configured.
        from: u64,
        /// The one that is sent.
        to: u64,
    },
    /// A request came to its end, answered or not, its answer taken or not: it may be charged for.
    Exchanged(Exchanged),
}

/// One exchange with the server, or one taken from a tape.
#[derive(Clone, Debug, PartialEq)]
pub struct Exchanged {
    /// The key of its request.
    pub key: Arc<str>,
    /// When the last byte came; on replay, the time on the tape.
    pub at: Timestamp,
    /// HTTP status; 0 where a request was under way and the server was not heard of before it was given up.
    pub status: u16,
    /// Whether the body came to its end.
    pub complete: bool,
    /// Whether a request was sent for it; what comes from a tape was paid for before.
    pub sent: bool,
    /// What the provider counted.
    pub usage: Option<Usage>,
    /// From request to last byte.
    pub latency: Duration,
}

/// A whole answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Completion {
    /// The answer's text; empty where the model gave none.
    pub text: String,
    /// Whether a secret stood in the text, where there is now a mask.
    pub masked: bool,
    /// Why the model stopped.
    pub finish: FinishReason,
    /// The model's refusal, where it gave one.
    pub refusal: Option<String>,
    /// What the provider counted; `None` where the server did not say.
    pub usage: Option<Usage>,
    /// What the provider counted of a prompt that it seems to have cut.
    pub prompt_cut: Option<PromptCut>,
    /// When the answer was complete; on replay, the time on the tape.
    pub at: Timestamp,
    /// From request to last byte; on replay, the latency on the tape.
    pub latency: Duration,
    /// HTTP requests sent for it, retries included.
    pub requests: u32,
    /// The key by which the answer is remembered ([`crate::tape::item_key`]).
    pub key: Arc<str>,
    /// It was answered from memory: nothing was sent, and it was paid for earlier.
    pub remembered: bool,
    /// The cap on output tokens that was sent, where the one that was asked for did not fit the model.
    pub lowered_cap: Option<u32>,
    /// Why it is not on the tape, where it could not be put there. It can be used, but nothing more may be asked for.
    pub unrecorded: Option<ModelError>,
}

/// A call that failed for good.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct ModelError {
    /// One sentence for a person, never raw provider JSON, never a key.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// How far the failure reaches.
    pub scope: Scope,
    /// HTTP requests sent, retries included.
    pub requests: u32,
    /// When it was given up; on replay, the time on the tape.
    pub at: Timestamp,
}

/// How far a failure reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// This call only; others may succeed.
    Call,
    /// Every call of the run would fail the same way (quota, bad key, unknown model): stop, exit 4.
    Run,
    /// The tape cannot be written or the plan directory not be read: it would go the same way with every further call.
    /// Stop.
    Storage,
    /// The request is not on the tape that is replayed: this call only, and the input is at fault.
    NotOnTape,
    /// The budget has no room for the request: stop, exit 4.
    Budget,
    /// The run was stopping before the request was sent.
    Stopped,
}
