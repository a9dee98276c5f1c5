//! A key that must be seen nowhere: not in a file, a log, a tape, an event, a report, a message or a panic, whichever
//! command is run and whatever the server does with the key; neither as it is nor in another spelling.

use planwave::{
    model::{ExtraHeader, ModelConfig},
    settings::{Overrides, Sources, load},
};
use secrecy::SecretString;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::any};

use crate::support::{environment::TestEnv, subplan_body};

/// With characters that JSON, URLs and base64 spell in their own ways.
const CANARY: &str = "sk-canary/01+23\"456789abcdefghij";
/// A second secret, in a header.
const GATEWAY: &str = "gateway-canary-7791";

/// The user's configuration.
const CONFIG: &str = ".config/planwave/config.toml";

/// How a server gives the key back.
#[derive(Clone, Copy, Debug)]
enum Echo {
    /// In the message of an error with this status, in headers, and in the address of a redirect.
    Status(u16),
    /// Far behind in a message, where it is cut short.
    Late,
    /// As base64, and as part of a URL.
    Encoded,
    /// In an answer.
    Answer,
    /// In an answer, cut in two by the stream.
    Halves,
    /// In a refusal.
    Refusal,
    /// In an error in the middle of an answer.
    InStream,
    /// In a body that is none.
    Nonsense,
}

const ECHOES: [Echo; 17] = [
    Echo::Status(302),
    Echo::Status(400),
    Echo::Status(401),
    Echo::Status(402),
    Echo::Status(403),
    Echo::Status(404),
    Echo::Status(407),
    Echo::Status(422),
    Echo::Status(429),
    Echo::Status(500),
    Echo::Late,
    Echo::Encoded,
    Echo::Answer,
    Echo::Halves,
    Echo::Refusal,
    Echo::InStream,
    Echo::Nonsense,
];

impl Respond for Echo {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let header = |name: &str| request.headers.get(name).unwrap().to_str().unwrap().to_owned();
        let key = header("authorization").strip_prefix("Bearer ").unwrap().to_owned();
        let both = format!("{key} and {}", header("x-gateway"));
        if request.method.as_str() == "GET" {
            return json(200, &serde_json::json!({"data": [{"id": both}]}));
        }
        let said = |message: String| serde_json::json!({"error": {"message": message, "param": key, "code": key}});
        let delta = |delta: serde_json::Value, end: Option<&str>| {
            format!("data: {}\n\n", serde_json::json!({"choices": [{"delta": delta, "finish_reason": end}]}))
        };
        let content = |text: &str| delta(serde_json::json!({"content": text}), None);
        let stop = delta(serde_json::json!({}), Some("stop")) + "data: [DONE]\n\n";
        let stream = |body: String| ResponseTemplate::new(200).set_body_raw(body, "text/event-stream");
        let document =
            subplan_body("1.1", "Executions: 1").replace("Part 1.1 is there", &format!("Part 1.1 is at {both}"));
        match self {
            Self::Status(status) => json(*status, &said(format!("bad key {both} in \"{key}\"")))
                .insert_header("x-request-id", both.as_str())
                .insert_header("location", format!("http://elsewhere.example/?key={key}&k={}", in_url(&key))),
            Self::Late => json(400, &said(format!("{}{key}", "x".repeat(285)))),
            Self::Encoded => {
                json(400, &said(format!("{} {} {}", in_url(&key), base64(&format!("Bearer {key}")), base64(&key))))
            }
            Self::Answer => stream(content(&document) + &stop),
            Self::Halves => {
                let (first, rest) = document.split_at(document.find(&key).unwrap() + 7);
                stream(content(first) + &content(rest) + &stop)
            }
            Self::Refusal => stream(delta(serde_json::json!({"refusal": format!("not with {both}")}), None) + &stop),
            Self::InStream => stream(content("x") + &format!("data: {}\n\n", said(both))),
            Self::Nonsense => {
                ResponseTemplate::new(200).set_body_raw(format!("{{\"{key}"), format!("text/x; a={key}").as_str())
            }
        }
    }
}

fn json(status: u16, body: &serde_json::Value) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(body.to_string(), "application/json")
}

/// As RFC 3986 has it: what is not reserved stays.
fn in_url(text: &str) -> String {
    let stays = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if stays(byte) { char::from(byte).into() } else { format!("%{byte:02X}") }).collect()
}

fn base64(text: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |bytes: &[u8]| {
        let bits = (0..3).fold(0, |bits, at| bits << 8 | usize::from(bytes.get(at).copied().unwrap_or_default()));
        let text: String = (0..4).map(|at| char::from(ALPHABET[bits >> (18 - 6 * at) & 63])).collect();
        text[..=bytes.len()].to_owned()
    };
    text.as_bytes().chunks(3).map(group).collect()
}

/// What gives a secret away: any six characters of its middle, as they are or encoded.
fn traces(secret: &str) -> Vec<String> {
    let mut traces = vec![secret[3..9].to_owned(), secret[secret.len() - 8..].to_owned(), in_url(&secret[9..17])];
    // From each of the three places where base64 begins a group.
    traces.extend((0..3).map(|skipped| base64(&secret[skipped + 6..skipped + 15])));
    let json = serde_json::Value::from(&secret[9..19]).to_string();
    traces.push(json.trim_matches('"').to_owned());
    traces
}

fn assert_unseen(env: &TestEnv, said: &[(String, String)]) {
    let traces = [traces(CANARY), traces(GATEWAY)].concat();
    let seen = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        traces.iter().find(|trace| text.contains(trace.as_str())).cloned()
    };
    for (what, text) in said {
        assert_eq!(seen(text.as_bytes()), None, "{what} says\n{text}");
    }
    for (name, bytes) in env.files("") {
        // Where the user wrote it.
        if name == CONFIG {
            continue;
        }
        assert_eq!(seen(name.as_bytes()), None, "{name}");
        assert_eq!(seen(&bytes), None, "{name} holds\n{}", String::from_utf8_lossy(&bytes));
    }
}

const VARIABLES: [(&str, &str); 5] = [
    ("OPENAI_API_KEY", CANARY),
    ("PLANWAVE_RETRY_MAX_RETRIES", "1"),
    ("PLANWAVE_RETRY_BASE_DELAY_MS", "1"),
    ("PLANWAVE_RETRY_MAX_DELAY_MS", "2"),
    ("PLANWAVE_RETRY_REJECTED_SECONDS", "1"),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_repeats_the_key_gets_it_nowhere() {
    for echo in ECHOES {
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(echo).mount(&server).await;
        let env = TestEnv::with_plan(&[vec![]]).server(&format!("{}/v1", server.uri()));
        let headers = format!(r#"{{"x-gateway": "{GATEWAY}"}}"#);
        let more = [("PLANWAVE_MODEL_EXTRA_HEADERS", headers.as_str()), ("RUST_LOG", "trace")];
        let variables = [&VARIABLES[..], &more].concat();
        let mut commands: Vec<&[&str]> = vec![
            &["run", "plan", "--all", "--yes", "--record", "tape.jsonl", "--events", "events.jsonl", "--log", "trace"],
            &["doctor", "plan", "--log", "trace"],
            &["history", "plan"],
            &["show", "1", "1.1", "plan", "--attempt", "1"],
        ];
        // With each way of answering once, what does not depend on how the server fails.
        if let Echo::Answer | Echo::Halves | Echo::Status(400) = echo {
            commands.extend::<[&[&str]; 9]>([
                &["run", "plan", "--all", "--yes", "--fresh", "--force", "--json", "--progress", "plain"],
                &["analyze", "plan", "--yes", "--force", "--log", "trace"],
                &["doctor", "plan", "--json"],
                &["config", "show", "plan"],
                &["config", "show", "plan", "--json"],
                &["status", "plan"],
                &["show", "1", "1.1", "plan"],
                &["cost", "plan"],
                &["undo", "plan", "--yes"],
            ]);
        }
        let said: Vec<(String, String)> = commands
            .iter()
            .map(|command| (format!("{echo:?}: {}", command.join(" ")), env.run_with(command, &variables)))
            .collect();
        assert!(server.received_requests().await.unwrap().len() >= 3, "{echo:?}: {said:?}");
        let tape = env.read("tape.jsonl");
        assert!(tape.lines().count() > 1 && tape.contains("***"), "{echo:?}: {tape}");
        if let Echo::Status(_) | Echo::Encoded | Echo::InStream = echo {
            assert!(said[0].1.contains("***"), "{echo:?}: {}", said[0].1);
        }
        assert_unseen(&env, &said);
        drop(server);
        tokio::task::yield_now().await;
    }
}

// Where the file lies is the same on Unix systems only.
#[cfg(unix)]
#[test]
fn a_key_in_the_wrong_place_is_not_repeated() {
    let commands: [&[&str]; 4] = [
        &["config", "show", "plan"],
        &["config", "show", "plan", "--json"],
        &["doctor", "plan"],
        &["run", "plan", "--all", "--yes"],
    ];
    let files = [
        format!("[model]\napi_key = '{CANARY}'\n"),
        format!("[model]\nextra_headers = {{ Authorization = 'Bearer {CANARY}'\n"),
        format!("[model]\nextra_headers = 'Bearer {CANARY}'\n"),
        format!("[model]\nextra_headers = {{ 'X Key' = '{CANARY}' }}\n"),
        format!("[model]\nextra_headers = {{ x-key = ['{CANARY}'] }}\n"),
        format!("[model]\napi_key_env = '{CANARY}'\n"),
        format!("[model]\nbase_url = 'https://me:{}@192.0.2.1/v1'\n", in_url(CANARY)),
        format!("[model]\nbase_url = 'https://192.0.2.1/v1?key={}'\n", in_url(CANARY)),
        format!("[model]\nbase_url = 'me:{CANARY}@192.0.2.1/v1'\n"),
        format!("[model]\nproxy = 'http://me:{}@127.0.0.1:9'\nbase_url = 'https://192.0.2.1/v1'\n", in_url(CANARY)),
        format!("[model]\nextra_parameters = {{ api_key = '{CANARY}' }}\nbase_url = 'http://127.0.0.1:9/v1'\n"),
        format!("[model]\napi_key_command = ['sh', '-c', \"echo '{CANARY}'; echo '{CANARY}' >&2; exit 3\"]\n"),
        format!("[model\nname = '{CANARY}'\n"),
        format!("{CANARY}\n"),
    ];
    for file in files {
        let env = TestEnv::with_plan(&[vec![]]);
        env.write(CONFIG, &file);
        let more = [("PLANWAVE_TIMEOUTS_CONNECT_SECONDS", "1")];
        let variables = [if file.contains("https://192") { &VARIABLES[..] } else { &VARIABLES[1..] }, &more].concat();
        let said: Vec<(String, String)> = commands
            .iter()
            .map(|command| (format!("{file}: {}", command.join(" ")), env.run_with(command, &variables)))
            .collect();
        assert_unseen(&env, &said);
    }
}

#[test]
fn a_key_that_cannot_be_sent_is_not_repeated() {
    let env = TestEnv::with_plan(&[vec![]]);
    for bad in [format!("{CANARY}\u{1b}[31m"), format!("{CANARY} {CANARY}"), format!("{CANARY}\n{CANARY}")] {
        for command in [&["run", "plan", "--all", "--yes"][..], &["doctor", "plan"], &["config", "show", "plan"]] {
            let text = env.run_with(command, &[("OPENAI_API_KEY", &bad)]);
            assert!(text.contains("OPENAI_API_KEY"), "{text}");
            assert_unseen(&env, &[(command.join(" "), text)]);
        }
    }
}

#[test]
fn a_panic_does_not_print_the_key() {
    let sources =
        Sources { environment: [(String::from("OPENAI_API_KEY"), String::from(CANARY))].into(), ..Sources::default() };
    let loaded = load(&sources, &Overrides::default()).unwrap();
    let header = ExtraHeader { name: String::from("x-gateway"), value: SecretString::from(GATEWAY) };
    let config =
        ModelConfig { api_key: Some(SecretString::from(CANARY)), headers: vec![header], ..ModelConfig::default() };
    let panic = std::panic::catch_unwind(|| panic!("{config:?} {loaded:?}")).unwrap_err();
    let env = TestEnv::with_plan_text("");
    assert_unseen(&env, &[(String::from("a panic"), panic.downcast_ref::<String>().unwrap().clone())]);
}
