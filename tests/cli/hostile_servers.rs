//! Servers that break off, lie, hang or cannot be trusted, over real sockets: exit code, message, requests and what is
//! on disk afterwards; and that the next run, against a server that works, takes up where this one ended.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::support::{
    canary,
    environment::TestEnv,
    server::{ScriptedServer, good},
};

const RUN: [&str; 6] = ["run", "plan", "--all", "--stage", "subplan", "--yes"];
const QUICK: [(&str, &str); 5] = [
    ("PLANWAVE_OUTPUT_PROGRESS", "none"),
    ("PLANWAVE_RETRY_MAX_RETRIES", "1"),
    ("PLANWAVE_RETRY_BASE_DELAY_MS", "1"),
    ("PLANWAVE_RETRY_MAX_DELAY_MS", "2"),
    ("PLANWAVE_RETRY_REJECTED_SECONDS", "0.2"),
];

/// A server on loopback that does one thing to every connection. Its thread ends with the test.
struct Bad {
    port: u16,
    requests: Arc<AtomicUsize>,
}

impl Bad {
    fn new(does: impl Fn(TcpStream, &AtomicUsize) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(AtomicUsize::new(0));
        let (does, counted) = (Arc::new(does), Arc::clone(&requests));
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                let (does, counted) = (Arc::clone(&does), Arc::clone(&counted));
                std::thread::spawn(move || does(socket.unwrap(), &counted));
            }
        });
        Self { port, requests }
    }

    /// Answers every request with these bytes and closes.
    fn answering(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self::new(move |mut socket, requests| {
            read_request(&mut socket);
            requests.fetch_add(1, Ordering::SeqCst);
            let _ = socket.write_all(&bytes);
        })
    }

    /// The same, with a piece over and over.
    fn endless(head: &'static str, piece: Vec<u8>, pause: Duration) -> Self {
        Self::new(move |mut socket, requests| {
            read_request(&mut socket);
            requests.fetch_add(1, Ordering::SeqCst);
            let mut written = socket.write_all(head.as_bytes());
            while written.is_ok() {
                std::thread::sleep(pause);
                written = socket.write_all(&piece);
            }
        })
    }

    fn env(&self, scheme: &str) -> TestEnv {
        TestEnv::with_plan(&[vec![]]).server(&format!("{scheme}://127.0.0.1:{}/v1", self.port))
    }
}

fn read_request(socket: &mut impl std::io::Read) {
    let (mut request, mut buffer) = (Vec::new(), [0; 65536]);
    loop {
        let Ok(read @ 1..) = socket.read(&mut buffer) else { return };
        request.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&request);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length =
            head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
        if body.len() >= length.unwrap_or(0) {
            return;
        }
    }
}

const STREAM: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";

fn event(text: &str) -> String {
    format!("data: {}\n\n", serde_json::json!({"choices": [{"delta": {"content": text}, "finish_reason": null}]}))
}

fn status(status: u16, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}").into_bytes()
}

/// What a fault comes to: exit code, requests, a part of the message.
type End = (u8, usize, &'static str);

/// Runs against a bad server, looks at what is left, and runs again against one that works.
async fn assert_end(name: &str, bad: &Bad, (exit, requests, message): End, more: &[(&str, &str)]) {
    let env = bad.env("http");
    let parallel = env.read("plan/parallel.json");
    let said = env.run_with(&RUN, &[&QUICK[..], more].concat());
    assert!(said.ends_with(&format!("[exit {exit}]")), "{name}: {said}");
    // The summary is 80 columns wide.
    let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains(&message.replace("127.0.0.1", "127.0.0.1:[port]")), "{name}: {flat}");
    assert!(!said.contains("panicked") && !said.contains('{'), "{name}: {said}");
    assert_eq!(bad.requests.load(Ordering::SeqCst), requests, "{name}: {said}");
    assert!(env.documents().is_empty(), "{name}");
    assert_eq!(temporaries(&env), Vec::<String>::new(), "{name}");
    let after: serde_json::Value = serde_json::from_str(&env.read("plan/parallel.json")).unwrap();
    let achievement = &after["levels"][0]["achievements"][0];
    if exit == 1 {
        assert_eq!(achievement["failure"]["stage"], "subplan", "{name}: {achievement}");
        let reason = achievement["failure"]["reason"].as_str().unwrap();
        let message = message.replace("127.0.0.1", &format!("127.0.0.1:{}", bad.port));
        assert!(reason.contains(&message) || message.len() > 60, "{name}: {reason}");
    } else {
        assert_eq!(env.read("plan/parallel.json"), parallel, "{name}: a run that was stopped leaves statuses alone");
    }

    let server = ScriptedServer::start(good).await;
    let env = env.server(&server.base_url());
    let said = env.run_with(&RUN, &QUICK);
    assert!(said.ends_with("[exit 0]"), "{name}, again: {said}");
    assert_eq!((server.count(), env.documents().len()), (1, 1), "{name}, again");
    assert!(!env.read("plan/parallel.json").contains("\"failure\": {"), "{name}, again");
    drop(server);
    // A server is dropped by blocking; without a pause, tokio's budget for one task is used up after some thirty of them.
    tokio::task::yield_now().await;
}

fn temporaries(env: &TestEnv) -> Vec<String> {
    env.files("plan").into_keys().filter(|name| name.ends_with(".tmp")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_break() {
    let refused =
        Bad { port: TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port(), requests: Arc::default() };
    assert_end("refused", &refused, (4, 0, "127.0.0.1 cannot be reached: Connection refused"), &[]).await;

    // A socket that is closed with bytes unread is reset.
    let reset = Bad::new(|mut socket, requests| {
        requests.fetch_add(1, Ordering::SeqCst);
        let _ = socket.read(&mut [0; 10]);
    });
    assert_end("reset", &reset, (1, 2, "the connection to 127.0.0.1 broke"), &[]).await;

    let closed = Bad::new(|mut socket, requests| {
        read_request(&mut socket);
        requests.fetch_add(1, Ordering::SeqCst);
    });
    assert_end("closed before an answer", &closed, (1, 2, "the connection to 127.0.0.1 broke"), &[]).await;

    let reset = Bad::new(|mut socket, requests| {
        requests.fetch_add(1, Ordering::SeqCst);
        let _ = socket.read(&mut [0; 10]);
        let _ = socket.write_all(format!("{STREAM}{}", event("half")).as_bytes());
        let _ = socket.flush();
        std::thread::sleep(Duration::from_millis(20));
    });
    assert_end("reset in the body", &reset, (1, 2, "the connection to 127.0.0.1 broke"), &[]).await;

    let part = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9000\r\n\r\n{\"choices\":[";
    let cut = "the connection to 127.0.0.1 broke before the answer had ended";
    assert_end("short of its length", &Bad::answering(part), (1, 2, cut), &[]).await;
    let chunked =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\nff\r\ndata: {";
    assert_end("in a chunk", &Bad::answering(chunked), (1, 2, cut), &[]).await;
    let event = &event("half")[..20];
    assert_end("in an event", &Bad::answering(format!("{STREAM}{event}")), (1, 2, cut), &[]).await;
    assert_end("no HTTP", &Bad::answering("220 mail.example ESMTP\r\n"), (1, 2, "broke off: invalid HTTP"), &[]).await;
    let endless = Bad::endless("HTTP/1.1 200 OK\r\n", b"x-header: 1\r\n".repeat(1_000), Duration::ZERO);
    assert_end("endless headers", &endless, (1, 2, "broke off: message head is too large"), &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_without_end_or_sense() {
    let slow = [("PLANWAVE_TIMEOUTS_CALL_SECONDS", "0.4")];
    let late = "127.0.0.1 had not answered after 1 s";
    let pause = Duration::from_millis(20);
    let silent = Bad::new(|mut socket, requests| {
        read_request(&mut socket);
        requests.fetch_add(1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_secs(5));
    });
    assert_end("silence", &silent, (1, 1, late), &slow).await;
    let drip = Bad::endless(STREAM, b"d".to_vec(), pause);
    assert_end("byte by byte", &drip, (1, 1, late), &slow).await;
    let idle = Bad::endless(STREAM, b": still there\n\n".to_vec(), pause);
    assert_end("keep-alives without end", &idle, (1, 1, late), &slow).await;
    let endless = Bad::endless(STREAM, event("more ").into_bytes(), pause);
    assert_end("text without end", &endless, (1, 1, late), &slow).await;
    let large = Bad::endless(STREAM, event(&"x".repeat(1_000_000)).into_bytes(), Duration::ZERO);
    assert_end("100 MB", &large, (1, 1, "the answer of 127.0.0.1 is larger than 32768000 bytes"), &[]).await;

    let json = "the answer of 127.0.0.1 is not the JSON that it should be";
    let ok = |kind: &str, body: &[u8]| {
        let head = format!(
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        Bad::answering([head.as_bytes(), body].concat())
    };
    for (name, bad, end) in [
        (
            "not UTF-8",
            ok(
                "text/event-stream",
                b"data: {\"choices\":[{\"delta\":{\"content\":\"\xff\xfe\"}}]}\n\ndata: [DONE]\n\n",
            ),
            (1, 2, json),
        ),
        ("not JSON", ok("text/event-stream", b"data: {choices}\n\n"), (1, 2, json)),
        ("half JSON", ok("application/json", b"{\"choices\":[{\"message\""), (1, 2, json)),
        ("deep JSON", ok("application/json", "{\"a\":[".repeat(100_000).as_bytes()), (1, 2, json)),
        ("a picture", ok("image/png", b"\x89PNG"), (1, 2, "something else than an answer (image/png)")),
        ("a web page", ok("text/html", b"<!doctype html>"), (4, 1, "answered with a web page, not as a model API")),
        ("an empty body", ok("text/event-stream", b""), (1, 2, "127.0.0.1 answered 200 with nothing in it")),
        (
            "no content",
            Bad::answering("HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n"),
            (1, 1, "127.0.0.1 answered 204 with nothing in it"),
        ),
        (
            "a gzip bomb",
            Bad::answering(
                b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\nconnection: close\r\n\r\n\x1f\x8b\x08\x00".to_vec(),
            ),
            (1, 2, "sent a compressed answer (gzip), which was not asked for"),
        ),
    ] {
        assert_end(name, &bad, end, &[]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_status_and_header() {
    let money = r#"{"error":{"message":"You exceeded your current quota","code":"insufficient_quota"}}"#;
    let wrong_model = r#"{"error":{"message":"The model does not exist","code":"model_not_found"}}"#;
    let long = r#"{"error":{"message":"too long","code":"context_length_exceeded"}}"#;
    let cases: [(u16, &str, &str, End); 31] = [
        (301, "location: http://elsewhere.example/\r\n", "", (4, 1, "redirects are not followed")),
        (308, "", "", (4, 1, "redirects are not followed")),
        (400, "", "{}", (1, 1, "answered 400 (Bad Request)")),
        (400, "", long, (1, 1, "answered 400 (Bad Request): too long")),
        (400, "x-should-retry: true\r\n", "{}", (1, 2, "answered 400")),
        (401, "", "", (4, 1, "check the key: set OPENAI_API_KEY")),
        (402, "", "", (4, 1, "add credit or raise the limit with the provider")),
        (403, "", "", (4, 1, "the key may not use this model or this server")),
        (404, "", "", (4, 1, "check the base URL; it usually ends in /v1")),
        (404, "", wrong_model, (4, 1, "check the model's name")),
        (405, "", "", (4, 1, "answered 405")),
        (407, "", "", (4, 1, "answered 407")),
        (408, "", "", (1, 2, "answered 408")),
        (409, "", "", (1, 2, "answered 409")),
        (413, "", "", (1, 1, "answered 413")),
        (418, "", "", (1, 1, "answered 418")),
        (422, "", "", (1, 1, "answered 422")),
        (429, "", money, (4, 1, "You exceeded your current quota")),
        (429, "retry-after: 3600\r\n", "", (4, 1, "the provider asks to wait 60 min")),
        (429, "retry-after: 99999999999999999999\r\n", "", (4, 1, "answered 429")),
        (429, "retry-after: 18000000000000000000\r\n", "", (4, 1, "answered 429")),
        (429, "retry-after-ms: 7200000\r\nretry-after: 1\r\n", "", (4, 1, "the provider asks to wait 2 h")),
        (500, "", "{}", (1, 2, "answered 500 (Internal Server Error)")),
        (500, "x-should-retry: false\r\n", "", (1, 1, "answered 500")),
        (502, "", "<html>", (1, 2, "answered 502 (Bad Gateway)")),
        (503, "retry-after: 0.01\r\n", "", (1, 2, "answered 503")),
        (503, "retry-after: Thu, 01 Jan 2099 00:00:00 GMT\r\n", "", (4, 1, "answered 503")),
        (503, "retry-after: Thu, 01 Jan 1970 00:00:00 GMT\r\n", "", (1, 2, "answered 503")),
        (503, "retry-after: soon\r\nretry-after-ms: -5\r\n", "", (1, 2, "answered 503")),
        (504, "", "upstream\u{1b}[31m", (1, 2, "answered 504 (Gateway Timeout): upstream")),
        (
            529,
            "",
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
            (1, 2, "answered 529: Overloaded"),
        ),
    ];
    for (code, headers, body, end) in cases {
        let name = format!("{code} {headers:?} {body:?}");
        assert_end(&name, &Bad::answering(status(code, headers, body)), end, &[]).await;
    }
    // One that rejects for ever is given up after a while, however often it was asked.
    let env = Bad::answering(status(429, "retry-after-ms: 20\r\n", "{}")).env("http");
    let said = env.run_with(&RUN, &QUICK);
    assert!(said.ends_with("[exit 4]") && said.contains("429"), "{said}");
}

/// The proxies of the environment and of the settings; never for this machine itself.
#[tokio::test(flavor = "multi_thread")]
async fn proxies_are_honoured() {
    let server = ScriptedServer::start(good).await;
    let proxy = server.base_url().replace("/v1", "");
    let insecure = ("PLANWAVE_MODEL_ALLOW_INSECURE_HTTP", "true");
    let key = ("OPENAI_API_KEY", canary::KEY);
    let names = ["http_proxy", "HTTP_PROXY", "all_proxy", "PLANWAVE_MODEL_PROXY"];
    for (number, name) in names.into_iter().enumerate() {
        let env = TestEnv::with_plan(&[vec![]]).server("http://model.invalid/v1");
        let said = env.run_with(&RUN, &[&QUICK[..], &[insecure, key, (name, proxy.as_str())]].concat());
        assert!(said.ends_with("[exit 0]"), "{name}: {said}");
        assert_eq!(server.count(), number + 1, "{name}");
    }
    let nowhere = Bad::answering("");
    let dead = format!("http://127.0.0.1:{}", nowhere.port);
    let env = TestEnv::with_plan(&[vec![]]).server(&server.base_url());
    let said =
        env.run_with(&RUN, &[&QUICK[..], &[("http_proxy", dead.as_str()), ("HTTP_PROXY", dead.as_str())]].concat());
    assert!(said.ends_with("[exit 0]"), "{said}");
    assert_eq!(nowhere.requests.load(Ordering::SeqCst), 0);
    // Hosts that are to be reached without one are.
    let env = TestEnv::with_plan(&[vec![]]).server("http://model.invalid/v1");
    let variables = [insecure, key, ("http_proxy", proxy.as_str()), ("no_proxy", "model.invalid")];
    let said = env.run_with(&RUN, &[&QUICK[..], &variables].concat());
    assert!(said.ends_with("[exit 4]") && said.contains("model.invalid cannot be reached"), "{said}");
}

/// Where the system's certificates are a file that a test can name.
#[cfg(target_os = "linux")]
mod certificates {
    use rustls::{
        ServerConfig, ServerConnection, Stream,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    };

    use super::*;
    use crate::support::subplan_body;

    fn trusted_server(requests: &AtomicUsize, mut socket: TcpStream) {
        let pem =
            |name: &str| std::fs::read(format!("{}/tests/support/tls/{name}.pem", env!("CARGO_MANIFEST_DIR"))).unwrap();
        let chain = vec![CertificateDer::from_pem_slice(&pem("server")).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(&pem("server-key")).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_no_client_auth().with_single_cert(chain, key).unwrap();
        let mut connection = ServerConnection::new(Arc::new(config)).unwrap();
        let mut stream = Stream::new(&mut connection, &mut socket);
        let mut first = [0; 1];
        if stream.read(&mut first).is_err() {
            return;
        }
        requests.fetch_add(1, Ordering::SeqCst);
        read_request(&mut stream);
        let body = event(&subplan_body("1.1", "Executions: 1"))
            + "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
        let _ = stream.write_all(format!("{STREAM}{body}").as_bytes());
        stream.conn.send_close_notify();
        let _ = stream.flush();
    }

    /// A certificate that nobody vouches for ends the run at once; where its authority is known, all is well.
    #[test]
    fn a_certificate_has_to_be_vouched_for() {
        let server = Bad::new(|socket, requests| trusted_server(requests, socket));
        let env = server.env("https");
        let said = env.run_with(&RUN, &QUICK);
        let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.ends_with("[exit 4]"), "{said}");
        assert!(flat.contains("127.0.0.1:[port] cannot be reached: invalid peer certificate: UnknownIssuer"), "{flat}");
        assert!(
            flat.contains("add the authority that issued it to the system's certificates (SSL_CERT_FILE"),
            "{flat}"
        );
        assert_eq!(server.requests.load(Ordering::SeqCst), 0, "nothing was sent");

        let authority = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/tls/authority.pem");
        let said = env.run_with(&RUN, &[&QUICK[..], &[("SSL_CERT_FILE", authority)]].concat());
        assert!(said.ends_with("[exit 0]"), "{said}");
        assert_eq!((server.requests.load(Ordering::SeqCst), env.documents().len()), (1, 1));
    }
}
