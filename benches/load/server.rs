//! A fake OpenAI server on loopback: streams the generated answers in chunks of a few words, spread over the latency.
//!
//! Written on bare sockets so that it takes as little as possible of the two cores that the client is measured on.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::{Instant, sleep_until},
};

use super::workload::{answer, latency};

/// Characters in a chunk: about four tokens, as providers send under load.
const CHUNK: usize = 18;

/// Pieces of the answer that are sent at different times; each holds several chunks.
const WRITES: usize = 30;

/// What begins the comment in which an answer says how many microseconds it took; clients pass over comments.
pub(crate) const TOOK: &str = ": took ";

/// Serves until the process is killed. Prints the port first.
pub(crate) async fn serve(mean: f64) -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?.port());
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(async move {
            // A client that goes away ends its connection's task.
            let _ = connection(stream, mean).await;
        });
    }
}

async fn connection(mut stream: TcpStream, mean: f64) -> std::io::Result<()> {
    let mut buffer = Vec::with_capacity(64 * 1024);
    loop {
        let Some(body) = read_request(&mut stream, &mut buffer).await? else { return Ok(()) };
        let began = Instant::now();
        let Some((id, execution)) = wanted(&buffer[body.clone()]) else {
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await?;
            buffer.drain(..body.end);
            continue;
        };
        buffer.drain(..body.end);
        let total = Duration::from_secs_f64(latency(id, execution, mean));
        let events = events(&answer(id, execution));
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
            .await?;
        let share = events.len().div_ceil(WRITES).max(1);
        let writes = events.chunks(share).count();
        for (index, piece) in events.chunks(share).enumerate() {
            sleep_until(began + total.mul_f64((index + 1) as f64 / writes as f64)).await;
            let mut text = String::new();
            for event in piece {
                text.push_str(&format!("{:x}\r\n{event}\r\n", event.len()));
            }
            if index + 1 == writes {
                let comment = format!("{TOOK}{}\n\n", began.elapsed().as_micros());
                text.insert_str(0, &format!("{:x}\r\n{comment}\r\n", comment.len()));
                text.push_str("0\r\n\r\n");
            }
            stream.write_all(text.as_bytes()).await?;
        }
    }
}

/// Reads one request; the range of its body in the buffer.
async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> std::io::Result<Option<std::ops::Range<usize>>> {
    let mut searched = 0;
    loop {
        if let Some(end) = find(&buffer[searched..], b"\r\n\r\n").map(|at| searched + at + 4) {
            let head = String::from_utf8_lossy(&buffer[..end]).to_lowercase();
            let length = head.split("content-length:").nth(1).and_then(|rest| rest.lines().next());
            let length: usize = length.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
            while buffer.len() < end + length {
                if stream.read_buf(buffer).await? == 0 {
                    return Ok(None);
                }
            }
            return Ok(Some(end..end + length));
        }
        searched = buffer.len().saturating_sub(3);
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// Which document a request asks for, told from the end of its prompt.
pub(crate) fn wanted(body: &[u8]) -> Option<((u32, u32), bool)> {
    let text = std::str::from_utf8(body).ok()?;
    let task = &text[text.rfind("<task>\\nWrite ")?..];
    let execution = task.starts_with("<task>\\nWrite EXECUTION_TASK");
    let id = task.split(" of achievement ").nth(1)?;
    let id = &id[..id.find(|c: char| !c.is_ascii_digit() && c != '.')?];
    let (level, place) = id.split_once('.')?;
    Some(((level.parse().ok()?, place.parse().ok()?), execution))
}

fn events(answer: &str) -> Vec<String> {
    let event = |delta: serde_json::Value, finish: Option<&str>| {
        let chunk = serde_json::json!({
            "id": "chatcmpl-load", "object": "chat.completion.chunk", "created": 1, "model": "load", "system_fingerprint": null,
            "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}],
        });
        format!("data: {chunk}\n\n")
    };
    let mut events = vec![event(serde_json::json!({"role": "assistant", "content": ""}), None)];
    let mut rest = answer;
    while !rest.is_empty() {
        let cut = rest.char_indices().nth(CHUNK).map_or(rest.len(), |(index, _)| index);
        events.push(event(serde_json::json!({"content": &rest[..cut]}), None));
        rest = &rest[cut..];
    }
    events.push(event(serde_json::json!({}), Some("stop")));
    events.push(String::from(
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3000,\"completion_tokens\":700,\"total_tokens\":3700}}\n\n",
    ));
    events.push(String::from("data: [DONE]\n\n"));
    events
}
