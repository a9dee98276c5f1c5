//! A scripted OpenAI-compatible server for the tests of the binary: answers by document, counts what was sent.

use std::sync::{Arc, Mutex};

use wiremock::{
    Mock, MockServer, Request, Respond, ResponseTemplate,
    matchers::{method, path},
};

/// What a script says to one request.
pub(crate) enum Reply {
    /// A streamed answer that ends cleanly.
    Text(String),
    /// The same, with this `finish_reason` in its last piece, or with null.
    Ended(String, Option<&'static str>),
    /// The same, for which so many output tokens are charged.
    Charged(String, u32),
    /// An answer that was cut at its token cap.
    Cut(String),
    /// An empty answer whose tokens all went into reasoning.
    Thought,
    /// A refusal by the model.
    Refusal(String),
    /// An HTTP error with this body.
    Status(u16, String),
}

/// A request as a script sees it.
pub(crate) struct Asked {
    /// `subplan` or `execution`.
    pub(crate) stage: &'static str,
    /// The achievement's id.
    pub(crate) id: String,
    /// How often this document has been asked for before.
    pub(crate) before: usize,
}

/// The server, and the bodies it was sent.
pub(crate) struct ScriptedServer {
    server: MockServer,
    bodies: Arc<Mutex<Vec<serde_json::Value>>>,
}

type Script = dyn Fn(&Asked) -> Reply + Send + Sync;

struct Responder {
    script: Box<Script>,
    delay: std::time::Duration,
    bodies: Arc<Mutex<Vec<serde_json::Value>>>,
    asked: Mutex<Vec<(String, String, u32)>>,
}

impl ScriptedServer {
    /// Starts on a free port of loopback.
    pub(crate) async fn start(script: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        Self::slow(script, std::time::Duration::ZERO).await
    }

    /// The same, answering after a while.
    pub(crate) async fn slow(
        script: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
        delay: std::time::Duration,
    ) -> Self {
        let server = MockServer::start().await;
        let bodies: Arc<Mutex<Vec<serde_json::Value>>> = Arc::default();
        let responder =
            Responder { script: Box::new(script), delay, bodies: Arc::clone(&bodies), asked: Mutex::default() };
        Mock::given(method("POST")).and(path("/v1/chat/completions")).respond_with(responder).mount(&server).await;
        Self { server, bodies }
    }

    /// Starts a server that gives these answers one after the other, whatever is asked; the last one again and again.
    pub(crate) async fn answering(replies: Vec<Reply>) -> Self {
        Self::answering_slowly(replies, std::time::Duration::ZERO).await
    }

    /// The same, each after a while.
    pub(crate) async fn answering_slowly(replies: Vec<Reply>, delay: std::time::Duration) -> Self {
        let server = MockServer::start().await;
        let bodies: Arc<Mutex<Vec<serde_json::Value>>> = Arc::default();
        let responder = InTurn { replies, delay, bodies: Arc::clone(&bodies) };
        Mock::given(method("POST")).and(path("/v1/chat/completions")).respond_with(responder).mount(&server).await;
        Self { server, bodies }
    }

    /// The base URL to configure.
    pub(crate) fn base_url(&self) -> String {
        format!("{}/v1", self.server.uri())
    }

    /// How many requests there were so far.
    pub(crate) fn count(&self) -> usize {
        self.bodies.lock().unwrap().len()
    }

    /// The bodies of all requests so far.
    pub(crate) fn bodies(&self) -> Vec<serde_json::Value> {
        self.bodies.lock().unwrap().clone()
    }
}

struct InTurn {
    replies: Vec<Reply>,
    delay: std::time::Duration,
    bodies: Arc<Mutex<Vec<serde_json::Value>>>,
}

impl Respond for InTurn {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut bodies = self.bodies.lock().unwrap();
        let reply = &self.replies[bodies.len().min(self.replies.len() - 1)];
        bodies.push(serde_json::from_slice(&request.body).unwrap());
        reply.response().set_delay(self.delay)
    }
}

/// Good answers to everything.
pub(crate) fn good(asked: &Asked) -> Reply {
    Reply::Text(match asked.stage {
        "subplan" => super::subplan_body(&asked.id, "Executions: 1"),
        _ => super::execution_body(&asked.id),
    })
}

impl Respond for Responder {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
        self.bodies.lock().unwrap().push(body.clone());
        let messages = body["messages"].as_array().unwrap();
        let task = messages[1]["content"].as_str().unwrap().rsplit("<task>\nWrite ").next().unwrap().to_owned();
        let stage = if task.starts_with("the SUBPLAN") { "subplan" } else { "execution" };
        let id = task.split(" of achievement ").nth(1).unwrap().split(',').next().unwrap().to_owned();
        let part = task.strip_prefix("EXECUTION_TASK ").map_or(1, |rest| rest[..2].parse().unwrap());
        let key = (stage.to_owned(), id.clone(), part);
        let mut asked = self.asked.lock().unwrap();
        let before = asked.iter().filter(|other| **other == key).count();
        asked.push(key);
        let asked = Asked { stage, id, before };
        (self.script)(&asked).response().set_delay(self.delay)
    }
}

impl Reply {
    fn response(&self) -> ResponseTemplate {
        match self {
            Self::Text(text) => sse(text, None, Some("stop"), (300, 0)),
            Self::Ended(text, finish) => sse(text, None, *finish, (300, 0)),
            Self::Charged(text, tokens) => sse(text, None, Some("stop"), (*tokens, 0)),
            Self::Cut(text) => sse(text, None, Some("length"), (300, 0)),
            Self::Thought => sse("", None, Some("length"), (300, 300)),
            Self::Refusal(text) => sse("", Some(text), Some("stop"), (300, 0)),
            Self::Status(status, body) => ResponseTemplate::new(*status).set_body_raw(body.clone(), "application/json"),
        }
    }
}

fn sse(text: &str, refusal: Option<&str>, finish: Option<&str>, (output, reasoning): (u32, u32)) -> ResponseTemplate {
    let mut stream = String::new();
    let mut event = |value: serde_json::Value| stream.push_str(&format!("data: {value}\n\n"));
    let mut rest = text;
    while !rest.is_empty() {
        let cut = rest.char_indices().nth(200).map_or(rest.len(), |(index, _)| index);
        event(
            serde_json::json!({"choices": [{"index": 0, "delta": {"content": &rest[..cut]}, "finish_reason": null}]}),
        );
        rest = &rest[cut..];
    }
    if let Some(refusal) = refusal {
        event(serde_json::json!({"choices": [{"index": 0, "delta": {"refusal": refusal}, "finish_reason": null}]}));
    }
    event(serde_json::json!({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]}));
    event(serde_json::json!({
        "choices": [],
        "usage": {"prompt_tokens": 1000, "completion_tokens": output, "total_tokens": 1000 + output,
                  "prompt_tokens_details": {"cached_tokens": 200},
                  "completion_tokens_details": {"reasoning_tokens": reasoning}},
    }));
    stream.push_str("data: [DONE]\n\n");
    ResponseTemplate::new(200).set_body_raw(stream, "text/event-stream")
}
