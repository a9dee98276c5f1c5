//! A model server on loopback, and a tape in memory.

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::future::{BoxFuture, FutureExt};
use planwave::{
    model::{
        Catalog, Completion, ExtraHeader, Message, Model, ModelConfig, ModelError, OpenAi, Recorder, Request, Retry,
        Role, Source,
    },
    tape::{Exchange, Header, Origin, ReplayIndex, Tape},
};
use secrecy::SecretString;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

/// A key that must never be seen again.
pub(crate) const CANARY: &str = "sk-canary-6f1a2b3c4d5e";

/// A tape in memory.
#[derive(Default)]
pub(crate) struct Memory {
    lines: Mutex<Vec<String>>,
    /// Whether writing fails.
    full: bool,
}

impl Memory {
    /// A tape whose disk is full.
    pub(crate) fn full() -> Self {
        Self { full: true, ..Self::default() }
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    pub(crate) fn exchanges(&self) -> Vec<Exchange> {
        self.lines().iter().map(|line| Exchange::parse_line(line).unwrap()).collect()
    }

    /// What `--replay` would make of it.
    pub(crate) fn replay(&self) -> Source {
        let header =
            Header::new(Origin::Recorded, Some("127.0.0.1".to_owned()), "2026-11-01T00:00:00Z".parse().unwrap());
        let text = std::iter::once(header.to_line()).chain(self.lines()).map(|line| line + "\n").collect::<String>();
        Source::Replay(Arc::new(ReplayIndex::new(Tape::parse(&text).unwrap())))
    }
}

impl Recorder for Memory {
    fn record(&self, line: String) -> BoxFuture<'_, io::Result<()>> {
        if !self.full {
            self.lines.lock().unwrap().push(line);
        }
        async move {
            // Long enough for an answer to be used before it is recorded, if anything let it.
            tokio::task::yield_now().await;
            if self.full { Err(io::Error::other("no space left on device")) } else { Ok(()) }
        }
        .boxed()
    }
}

pub(crate) fn config(base_url: &str) -> ModelConfig {
    ModelConfig {
        base_url: format!("{base_url}/v1"),
        api_key: Some(SecretString::from(CANARY)),
        model: "gpt-5-mini".to_owned(),
        retry: Retry { base_delay: Duration::from_millis(1), max_delay: Duration::from_millis(2), ..Retry::default() },
        headers: vec![ExtraHeader { name: "x-gateway".to_owned(), value: SecretString::from("gateway-canary-77") }],
        ..ModelConfig::default()
    }
}

pub(crate) fn model(config: ModelConfig, source: Source, recorder: Option<Arc<Memory>>) -> OpenAi {
    let facts = Catalog::built_in().unwrap().facts(&config.model, &config.base_url);
    OpenAi::new(config, facts, source, recorder.map(|recorder| recorder as Arc<dyn Recorder>)).unwrap()
}

pub(crate) fn request(task: &str) -> Request {
    Request {
        messages: vec![
            Message { role: Role::System, content: vec![Arc::from("You write documents.")] },
            Message { role: Role::User, content: vec![Arc::from("Shared part.\n"), Arc::from(task)] },
        ],
        max_output_tokens: 500,
        cache_key: Some("plan-level-1".to_owned()),
        response_schema: None,
        less_reasoning: 0,
    }
}

pub(crate) async fn ask(model: &OpenAi) -> Result<Completion, ModelError> {
    model.complete(&request("Task 1"), &|_| {}).await
}

/// An event stream of some chunks and its end.
pub(crate) fn stream(chunks: &[&str]) -> String {
    chunks.iter().chain(&["[DONE]"]).map(|chunk| format!("data: {chunk}\n\n")).collect()
}

/// A good answer.
pub(crate) fn good() -> String {
    stream(&[
        r#"{"id":"c1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],"usage":null}"#,
        r##"{"id":"c1","choices":[{"index":0,"delta":{"content":"# Objective\n"},"finish_reason":null}],"usage":null}"##,
        r#"{"id":"c1","choices":[{"index":0,"delta":{"content":"Größe ✅"},"finish_reason":null}],"usage":null}"#,
        r#"{"id":"c1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}"#,
        r#"{"id":"c1","choices":[],"usage":{"prompt_tokens":2100,"completion_tokens":30,"total_tokens":2130,"prompt_tokens_details":{"cached_tokens":2048},"completion_tokens_details":{"reasoning_tokens":12}}}"#,
    ])
}

pub(crate) const GOOD_TEXT: &str = "# Objective\nGröße ✅";

pub(crate) fn sse(body: impl Into<String>) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(body.into(), "text/event-stream")
}

pub(crate) fn error(status: u16, body: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(body, "application/json")
}

/// A server that answers with these in order; the last one repeats.
pub(crate) async fn server(answers: Vec<ResponseTemplate>) -> MockServer {
    let server = MockServer::start().await;
    let last = answers.len() - 1;
    for (index, answer) in answers.into_iter().enumerate() {
        let mock = Mock::given(any()).respond_with(answer);
        // Of the mocks that still answer, wiremock takes the first.
        if index < last { mock.up_to_n_times(1).mount(&server).await } else { mock.mount(&server).await }
    }
    server
}

/// The bodies that a server received.
pub(crate) async fn bodies(server: &MockServer) -> Vec<Value> {
    server.received_requests().await.unwrap().iter().map(|request| request.body_json().unwrap()).collect()
}

/// In place of a piece: the server thinks for a moment.
pub(crate) const PAUSE: &str = "";

/// What a [`raw`] server does after it has sent its bytes.
#[derive(Clone, Copy)]
pub(crate) enum Then {
    /// Closes the connection, in the middle of a chunked body.
    Close,
    /// Says nothing more.
    Hang,
}

/// A server that sends exactly these pieces of a chunked body to each connection in turn, for what wiremock cannot do.
pub(crate) async fn raw(connections: Vec<(Vec<String>, Then)>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut open = Vec::new();
        for (pieces, then) in connections {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !is_whole(&request) {
                let mut buffer = [0; 4096];
                let read = socket.read(&mut buffer).await.unwrap();
                request.extend_from_slice(&buffer[..read]);
            }
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
            socket.write_all(head.as_bytes()).await.unwrap();
            for piece in pieces {
                if piece == PAUSE {
                    tokio::time::sleep(Duration::from_millis(60)).await;
                    continue;
                }
                socket.write_all(format!("{:x}\r\n{piece}\r\n", piece.len()).as_bytes()).await.unwrap();
                socket.flush().await.unwrap();
                tokio::task::yield_now().await;
            }
            if matches!(then, Then::Hang) {
                open.push(socket);
            }
        }
        std::future::pending::<()>().await;
    });
    address
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    body.len() >= length.unwrap_or(0)
}

/// A message with the port of a server on loopback taken out, which is another each time; it must be there.
pub(crate) fn without_port(message: &str) -> String {
    let (before, behind) = message.split_once("127.0.0.1:").unwrap_or_else(|| panic!("no address in: {message}"));
    format!("{before}127.0.0.1{}", behind.trim_start_matches(|c: char| c.is_ascii_digit()))
}
