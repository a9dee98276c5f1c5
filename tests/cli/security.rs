//! A key that must be seen nowhere: not in a file, a log, a tape, an event, a report, a message or a panic, whichever
//! command is run and whatever the server does with the key; neither as it is nor in another spelling.

use planwave::{
    model::{ExtraHeader, ModelConfig},
    settings::{Overrides, Sources, load},
};
use secrecy::SecretString;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::any};

use crate::support::{
    canary::{GATEWAY, KEY as CANARY, base64, in_url, seen},
    environment::TestEnv,
    subplan_body,
};

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

fn assert_unseen(env: &TestEnv, said: &[(String, String)]) {
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

/// What every test relies on: a key that gets into a file, a name or an output is found, however it is spelled there.
#[test]
fn a_planted_leak_is_found() {
    let caught = |planted: &dyn Fn(&TestEnv)| {
        let env = TestEnv::with_plan_text("# PLAN: X\n");
        planted(&env);
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(env))).is_err()
    };
    assert!(!caught(&|env| env.write(CONFIG, CANARY)), "what the test itself wrote is no leak");
    for spelled in [CANARY.to_owned(), format!("x{}", &CANARY[1..]), in_url(CANARY), base64(CANARY), GATEWAY.to_owned()]
    {
        let file = |env: &TestEnv| std::fs::write(env.path("plan/leak.txt"), &spelled).unwrap();
        assert!(caught(&file), "{spelled}");
    }
    assert!(caught(&|env| std::fs::write(env.path("gateway-canary.txt"), "").unwrap()));
    let env = TestEnv::with_plan_text(&format!("# PLAN: X\n\n## Achievements\n\n**Achievement 1.1**: {GATEWAY}\n"));
    let says = || env.run(&["plan", "show", "plan"]);
    let said = std::panic::catch_unwind(std::panic::AssertUnwindSafe(says)).unwrap_err();
    assert!(said.downcast_ref::<String>().unwrap().contains("says"), "the output holds a secret");
    let unknown = || env.run_with(&["plan", "show", "plan"], &[("OPENAI_API_KEY", "sk-another")]);
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(unknown)).is_err(), "nothing looks for this key");
}

/// What a cloned repository may hold, and what it may not do with it.
#[tokio::test(flavor = "multi_thread")]
async fn a_projects_file_alone_sends_no_secret() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(json(500, &serde_json::json!({}))).mount(&server).await;
    let uri = server.uri();
    let commands: [&[&str]; 5] = [
        &["run", "plan", "--all", "--yes"],
        &["run", "plan", "--all", "--dry-run"],
        &["doctor", "plan"],
        &["analyze", "plan", "--yes", "--force"],
        &["config", "show", "plan"],
    ];
    let files = [
        ("api_key_env", format!("base_url = '{uri}/v1'\napi_key_env = 'AWS_SECRET_ACCESS_KEY'\n")),
        ("api_key_command", format!("base_url = '{uri}/v1'\napi_key_command = ['env']\n")),
        ("proxy", format!("proxy = '{uri}'\n")),
        ("allow_insecure_http", "base_url = 'http://192.0.2.1/v1'\nallow_insecure_http = true\n".to_owned()),
        ("extra_headers.host", "extra_headers = { Host = 'elsewhere.example' }\n".to_owned()),
    ];
    let variables = [("OPENAI_API_KEY", CANARY), ("AWS_SECRET_ACCESS_KEY", "aws-canary")];
    for place in ["planwave.toml", "plan/planwave.toml"] {
        for (key, file) in &files {
            let env = TestEnv::with_plan(&[vec![]]);
            env.write(place, &format!("[model]\n{file}"));
            for command in commands {
                let said = env.run_with(command, &variables);
                assert!(said.ends_with("[exit 2]"), "{place}, {key}: {said}");
                assert!(said.contains(&format!("error: {place}:")), "{place}, {key}: {said}");
                let alone = format!("`model.{key}` cannot be set by a project's file alone, because it says ");
                assert!(
                    said.contains(&alone) && said.contains("  hint: set it in your own "),
                    "{place}, {key}: {said}"
                );
            }
        }
    }
    assert_eq!(server.received_requests().await.unwrap().len(), 0);
}

/// Templates are sent, so those of a repository must not be other files of this machine.
#[cfg(unix)]
#[test]
fn a_projects_template_is_no_link_to_another_file() {
    let env = TestEnv::with_plan(&[vec![]]).server("http://127.0.0.1:9/v1");
    env.write("secret.txt", "what nobody else should know\n");
    env.write("plan/planwave.toml", "[prompts]\ndirectory = 'prompts'\n");
    std::fs::create_dir(env.path("plan/prompts")).unwrap();
    std::os::unix::fs::symlink("../../secret.txt", env.path("plan/prompts/system.md")).unwrap();
    let said = env.run(&["run", "plan", "--all", "--dry-run"]);
    assert!(
        said.ends_with("[exit 2]") && said.contains("system.md is a link that leads out of its directory"),
        "{said}"
    );
    // Where the user names the directory, the user has said so.
    let own = env.path("plan/prompts").display().to_string();
    let said = env.run_with(&["run", "plan", "--all", "--dry-run"], &[("PLANWAVE_PROMPTS_DIRECTORY", &own)]);
    assert!(said.ends_with("[exit 0]"), "{said}");
}

/// Gives the key back within a document, as often as it is told to; afterwards the document is as it should be.
struct Repeats(std::sync::atomic::AtomicUsize);

impl Respond for Repeats {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        use std::sync::atomic::Ordering::Relaxed;
        let key = request.headers.get("authorization").unwrap().to_str().unwrap().strip_prefix("Bearer ").unwrap();
        let once_more = self.0.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok();
        let place = if once_more { format!("Part 1.1 is at {key}") } else { String::from("Part 1.1 is at home") };
        let document = subplan_body("1.1", "Executions: 1").replace("Part 1.1 is there", &place);
        let message = serde_json::json!({"role": "assistant", "content": document});
        let choice = serde_json::json!({"index": 0, "message": message, "finish_reason": "stop"});
        let usage = serde_json::json!({"prompt_tokens": 10, "completion_tokens": 500, "total_tokens": 510});
        json(200, &serde_json::json!({"choices": [choice], "usage": usage}))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_with_the_key_in_it_is_refused() {
    let key = "k3y-12ab";
    let variables = [("PLANWAVE_MODEL_API_KEY_ENV", "TEAM_KEY"), ("TEAM_KEY", key)];
    let run: &[&str] = &["run", "plan", "--all", "--yes", "--stage", "subplan", "--max-attempts"];
    for (repeats, attempts, exit) in [(1, "2", "[exit 0]"), (9, "2", "[exit 1]"), (1, "1", "[exit 1]")] {
        let server = MockServer::start().await;
        let answer = Repeats(std::sync::atomic::AtomicUsize::new(repeats));
        Mock::given(any()).respond_with(answer).mount(&server).await;
        let env = TestEnv::with_plan(&[vec![]]).server(&format!("{}/v1", server.uri()));
        let said = env.run_with(&[run, &[attempts, "--record", "tape.jsonl"]].concat(), &variables);
        assert!(said.ends_with(exit), "{said}");
        assert_eq!(server.received_requests().await.unwrap().len().to_string(), attempts);
        assert!(said.contains("held an API key or a password"), "{said}");
        // What comes from a tape is judged in the same way.
        let replayed = env.run_with(&[run, &[attempts, "--replay", "tape.jsonl", "--force"]].concat(), &variables);
        assert!(replayed.ends_with(exit), "{replayed}");
        for (name, bytes) in env.files("") {
            assert!(!String::from_utf8_lossy(&bytes).contains(key), "{name}");
        }
        assert!(env.documents().iter().all(|name| !env.read(&format!("plan/{name}")).contains("***")));
        assert!(!said.contains(key) && env.read("tape.jsonl").contains("\"masked\":true"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_placeholder_or_a_word_of_the_plan_in_place_of_a_key_hides_nothing() {
    // The second is how the PLAN's success criterion names its part.
    for key in ["lm-studio", "deliver-parts"] {
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(Repeats(std::sync::atomic::AtomicUsize::new(9))).mount(&server).await;
        let env = TestEnv::with_plan(&[vec![]]).server(&format!("{}/v1", server.uri()));
        let plan = env.read("plan/PLAN_TEST.md").replace("Try things out.", "Try deliver-parts out.");
        env.write("plan/PLAN_TEST.md", &plan);
        let variables = [("PLANWAVE_MODEL_API_KEY_ENV", "TEAM_KEY"), ("TEAM_KEY", key)];
        let said = env.run_with(&["run", "plan", "--all", "--yes", "--stage", "subplan"], &variables);
        assert!(said.ends_with("[exit 0]"), "{said}");
        assert!(env.read(&format!("plan/{}", env.documents()[0])).contains(&format!("Part 1.1 is at {key}")));
    }
}

#[test]
fn a_pasted_document_with_the_key_in_it_is_refused() {
    let env = TestEnv::with_plan(&[vec![]]);
    let key = "k3y-12ab";
    let variables = [("PLANWAVE_MODEL_API_KEY_ENV", "TEAM_KEY"), ("TEAM_KEY", key)];
    let import: &[&str] = &["import", "plan", "answer.md", "--as", "subplans/SUBPLAN_TEST_11.md"];
    let document = subplan_body("1.1", "Executions: 1");
    env.write("answer.md", &document.replace("Part 1.1 is there", &format!("Part 1.1 is at {key}")));
    let said = env.run_with(import, &variables);
    assert!(said.ends_with("[exit 1]") && said.contains("The answer holds your API key"), "{said}");
    assert!(!said.contains(key) && env.documents().is_empty(), "{said}");
    env.write("answer.md", &document);
    let said = env.run_with(import, &variables);
    assert!(said.ends_with("[exit 0]"), "{said}");
}
