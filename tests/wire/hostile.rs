//! Servers that lie: whatever comes back, memory is bounded, the error is clear, and the request is repeated or given up.

use std::{sync::Arc, time::Duration};

use planwave::model::{ModelConfig, Scope, Source};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use wiremock::ResponseTemplate;

use crate::support::{CANARY, Memory, Then, ask, config, good, model, raw, server, sse, stream, without_port};

/// Without repeats, to see what one answer comes to.
fn once(base_url: &str) -> ModelConfig {
    let mut config = config(base_url);
    config.retry.max_retries = 0;
    config
}

/// A server that answers each connection with a head and then the same piece, over and over.
async fn endless(head: &'static str, piece: Vec<u8>, times: usize, pause: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let piece = piece.clone();
            tokio::spawn(async move {
                let mut buffer = [0; 65536];
                let _ = socket.read(&mut buffer).await;
                let _ = socket.write_all(head.as_bytes()).await;
                for _ in 0..times {
                    if socket.write_all(&piece).await.is_err() {
                        return;
                    }
                    if !pause.is_zero() {
                        let _ = socket.flush().await;
                        tokio::time::sleep(pause).await;
                    }
                }
            });
        }
    });
    address
}

const STREAM: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";

#[tokio::test]
async fn a_body_of_100_megabytes_is_not_kept() {
    let event = format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{}\"}}}}]}}\n\n", "x".repeat(100_000));
    let address = endless(STREAM, event.into_bytes(), 1_000, Duration::ZERO).await;
    let failure = ask(&model(once(&address), Source::Live, None)).await.unwrap_err();
    assert_eq!(without_port(&failure.message), "the answer of 127.0.0.1 is larger than 1048576 bytes");
    assert_eq!(failure.scope, Scope::Call);
}

#[tokio::test]
async fn an_endless_stream_of_nothing_ends_with_the_time_of_a_call() {
    let address = endless(STREAM, b": keep-alive\n\n".to_vec(), usize::MAX, Duration::from_millis(5)).await;
    let mut config = once(&address);
    config.timeouts.call = Duration::from_millis(150);
    let failure = ask(&model(config, Source::Live, None)).await.unwrap_err();
    assert!(without_port(&failure.message).starts_with("127.0.0.1 had not answered after"), "{failure}");
}

/// One byte a minute, sped up: bytes that never make a line are as good as silence.
#[tokio::test]
async fn an_answer_that_drips_is_given_up() {
    let address = endless(STREAM, b"d".to_vec(), usize::MAX, Duration::from_millis(10)).await;
    let mut config = once(&address);
    config.timeouts.first_token = Duration::from_millis(150);
    let failure = ask(&model(config, Source::Live, None)).await.unwrap_err();
    assert_eq!(without_port(&failure.message), "127.0.0.1 sent nothing for 1 s");
}

#[tokio::test]
async fn nonsense_is_told_from_an_answer() {
    let bytes = |body: Vec<u8>, kind: &str| ResponseTemplate::new(200).set_body_raw(body, kind);
    let mut torn = good().into_bytes();
    let at = good().find("Gr").unwrap() + 2;
    torn[at] = 0xff;
    let first = good().find("finish_reason\":null}],").unwrap();
    let cases = [
        ("not UTF-8", bytes(torn, "text/event-stream"), "the answer of 127.0.0.1 is not the JSON that it should be"),
        ("not JSON", sse(stream(&["{\"choices\":["])), "the answer of 127.0.0.1 is not the JSON that it should be"),
        ("cut within an event", sse(&good()[..first]), "the connection to 127.0.0.1 broke before the answer had ended"),
        (
            "a picture",
            bytes(b"\x89PNG\r\n\x1a\n".to_vec(), "image/png"),
            "127.0.0.1 sent something else than an answer (image/png)",
        ),
        (
            "words",
            bytes(b"no\x1b[31m answer".to_vec(), "text/plain"),
            "127.0.0.1 sent something else than an answer (text/plain)",
        ),
        (
            "half an object",
            bytes(b"{\"choices\":[".to_vec(), "application/json"),
            "the answer of 127.0.0.1 is not the JSON that it should be",
        ),
        ("an empty page", bytes(Vec::new(), "text/html"), "127.0.0.1 answered 200 with nothing in it"),
    ];
    for (name, answer, message) in cases {
        let server = server(vec![answer, sse(good())]).await;
        let tape = Arc::new(Memory::default());
        let failure = ask(&model(once(&server.uri()), Source::Live, Some(Arc::clone(&tape)))).await.unwrap_err();
        assert_eq!((without_port(&failure.message).as_str(), failure.scope), (message, Scope::Call), "{name}");
        let again = ask(&model(once(&server.uri()), tape.replay(), None)).await.unwrap_err();
        // A tape holds text: of what is none, it holds the beginning.
        if !matches!(name, "not UTF-8" | "a picture") {
            assert_eq!(again, failure, "{name}, from its tape");
        }
        // With a repeat, the second answer is what counts.
        let completion = ask(&model(config(&server.uri()), Source::Live, None)).await.unwrap();
        assert_eq!(completion.requests, 1, "{name}");
    }
}

/// A small compressed body can hold a huge one; nothing here asks for compression, and nothing is unpacked.
#[tokio::test]
async fn a_compressed_body_is_not_unpacked() {
    for encoding in ["gzip", "br", "deflate", "GZIP"] {
        let bomb = sse(good()).insert_header("content-encoding", encoding);
        let server = server(vec![bomb]).await;
        let failure = ask(&model(once(&server.uri()), Source::Live, None)).await.unwrap_err();
        let message =
            format!("127.0.0.1 sent a compressed answer ({}), which was not asked for", encoding.to_lowercase());
        assert_eq!((without_port(&failure.message), failure.scope), (message, Scope::Call));
        assert!(server.received_requests().await.unwrap()[0].headers.get("accept-encoding").is_none());
    }
    let plain = server(vec![sse(good()).insert_header("content-encoding", "identity")]).await;
    assert_eq!(ask(&model(once(&plain.uri()), Source::Live, None)).await.unwrap().requests, 1);
}

#[tokio::test]
async fn the_key_does_not_follow_a_redirect() {
    for status in [301, 302, 303, 307, 308] {
        let elsewhere = server(vec![sse(good())]).await;
        let there = format!("{}/v1/chat/completions", elsewhere.uri());
        let here = server(vec![ResponseTemplate::new(status).insert_header("location", there.as_str())]).await;
        let failure = ask(&model(config(&here.uri()), Source::Live, None)).await.unwrap_err();
        assert_eq!((failure.status, failure.scope), (Some(status), Scope::Run));
        assert!(failure.hint.unwrap().starts_with("redirects are not followed"));
        assert!(elsewhere.received_requests().await.unwrap().is_empty(), "{status}");
    }
}

/// Whoever answers an https address without TLS, or with a certificate that nobody vouches for, gets no request.
#[tokio::test]
async fn https_never_falls_back_to_plain_text() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("https://{}", listener.local_addr().unwrap());
    let heard = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut bytes = vec![0; 4096];
        let read = socket.read(&mut bytes).await.unwrap();
        bytes.truncate(read);
        let _ = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
        bytes
    });
    let failure = ask(&model(once(&address), Source::Live, None)).await.unwrap_err();
    assert!(without_port(&failure.message).starts_with("127.0.0.1 cannot be reached: "), "{failure}");
    let heard = heard.await.unwrap();
    assert_eq!(heard[..2], [0x16, 0x03], "a TLS handshake");
    assert!(!String::from_utf8_lossy(&heard).contains(CANARY));
}

#[tokio::test]
async fn a_stream_that_ends_within_an_event_is_repeated() {
    let first = good().find("Größe").unwrap() + 2;
    let address = raw(vec![(vec![good()[..first].to_owned()], Then::Close), (vec![good()], Then::Hang)]).await;
    assert_eq!(ask(&model(config(&address), Source::Live, None)).await.unwrap().requests, 2);
}
