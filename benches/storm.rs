//! The storm, in real time (about 42 s): `cargo bench --bench storm`.
//!
//! 100 calls at once against a server on loopback with an unannounced bucket of 60 requests, refilled at 1 a second,
//! that answers 429 with `Retry-After: 1`. The floor is 40 s. Prints failures, wall time and requests sent.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a program that prints a few figures and stops at the first surprise"
)]

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use planwave::model::{Catalog, Message, Model as _, ModelConfig, OpenAi, Request, Role, Source};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

const CALLS: usize = 100;
const BURST: f64 = 60.0;
const PER_SECOND: f64 = 1.0;
const ANSWER: Duration = Duration::from_millis(100);

/// The server's books.
struct Bucket {
    level: f64,
    filled: Instant,
    requests: usize,
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(storm());
}

async fn storm() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let base_url = format!("http://{}/v1", listener.local_addr().expect("its address"));
    let bucket = Arc::new(Mutex::new(Bucket { level: BURST, filled: Instant::now(), requests: 0 }));
    tokio::spawn(serve(listener, Arc::clone(&bucket)));

    let config = ModelConfig { base_url, model: "storm".to_owned(), concurrency: CALLS, ..ModelConfig::default() };
    let facts = Catalog::built_in().expect("the catalogue").facts(&config.model, &config.base_url);
    let model = Arc::new(OpenAi::new(config, facts, Source::Live, None).expect("a model"));
    let began = Instant::now();
    let mut calls = JoinSet::new();
    for number in 0..CALLS {
        let model = Arc::clone(&model);
        calls.spawn(async move {
            let content = vec![Arc::from(format!("Call {number}"))];
            let request = Request {
                messages: vec![Message { role: Role::User, content }],
                max_output_tokens: 1_000,
                cache_key: None,
                response_schema: None,
                less_reasoning: 0,
            };
            model.complete(&request, &|_| {}).await.is_err()
        });
    }
    let failed = calls.join_all().await.into_iter().filter(|failed| *failed).count();
    let wall = began.elapsed().as_secs_f64();
    let floor = (CALLS as f64 - BURST) / PER_SECOND;
    let requests = bucket.lock().expect("nothing panicked").requests;
    println!("calls {CALLS}  failed {failed}");
    println!("wall {wall:.2} s  floor {floor:.0} s  ratio {:.3}", wall / floor);
    println!("requests {requests}  {:.0} % more than calls", (requests as f64 / CALLS as f64 - 1.0) * 100.0);
}

async fn serve(listener: TcpListener, bucket: Arc<Mutex<Bucket>>) {
    loop {
        let (stream, _) = listener.accept().await.expect("a connection");
        let bucket = Arc::clone(&bucket);
        // A client that goes away ends its connection's task.
        tokio::spawn(async move { drop(connection(stream, &bucket).await) });
    }
}

async fn connection(mut stream: TcpStream, bucket: &Mutex<Bucket>) -> std::io::Result<()> {
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        while !is_whole(&buffer) {
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        }
        let accepted = {
            let mut bucket = bucket.lock().expect("nothing panicked");
            let now = Instant::now();
            let refilled = (now - bucket.filled).as_secs_f64() * PER_SECOND;
            bucket.level = (bucket.level + refilled).min(BURST);
            bucket.filled = now;
            bucket.requests += 1;
            let accepted = bucket.level >= 1.0;
            bucket.level -= f64::from(u8::from(accepted));
            accepted
        };
        if accepted {
            tokio::time::sleep(ANSWER).await;
            let body = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"ok\"},\"finish_reason\":\"stop\"}]}\n\n\
                        data: {\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":1}}\n\ndata: [DONE]\n\n";
            respond(&mut stream, "200 OK\r\ncontent-type: text/event-stream", body).await?;
        } else {
            let body = "{\"error\":{\"message\":\"Rate limit reached\",\"code\":\"rate_limit_exceeded\"}}";
            respond(&mut stream, "429 Too Many Requests\r\ncontent-type: application/json\r\nretry-after: 1", body)
                .await?;
        }
    }
}

async fn respond(stream: &mut TcpStream, head: &str, body: &str) -> std::io::Result<()> {
    let text = format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    stream.write_all(text.as_bytes()).await
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    body.len() >= length.unwrap_or(0)
}
