//! Servers that only a repository names, files of other users, and what `planwave trust` remembers of them.

use serde_json::{Value, json};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

use crate::support::{canary::KEY, environment::TestEnv};

const SENDS: [&[&str]; 5] = [
    &["doctor", "plan"],
    &["doctor", "plan", "--json"],
    &["run", "plan", "--all", "--yes"],
    &["run", "plan", "--all", "--yes", "--fresh", "--force"],
    &["analyze", "plan", "--yes", "--force"],
];

/// A server that refuses everything, and its base URL.
async fn server() -> (MockServer, String) {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(401).set_body_json(json!({}))).mount(&server).await;
    let url = format!("{}/v1", server.uri());
    (server, url)
}

async fn requests(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

/// The command that a hint gives in backticks, as words.
fn command_of_hint(said: &str) -> Vec<String> {
    let (_, rest) = said.split_once("`planwave ").unwrap_or_else(|| panic!("no command in {said}"));
    rest.split('`').next().unwrap().split(' ').map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_goes_to_a_server_that_only_a_repository_names() {
    let (server, url) = server().await;
    // Without a key, too: a prompt is something to protect, and so is a server on this machine.
    for key in [&[("OPENAI_API_KEY", KEY)][..], &[]] {
        for place in ["planwave.toml", "plan/planwave.toml"] {
            let env = TestEnv::with_plan(&[vec![]]);
            env.write(place, &format!("[model]\nbase_url = '{url}'\n"));
            let claim = format!("{place}:2 sets model.base_url to {url}, which your own settings do not name: prompts");
            for command in SENDS {
                let said = env.run_with(command, key);
                assert!(said.ends_with("[exit 2]") && said.contains(&format!("error: {claim}")), "{command:?}: {said}");
                assert!(!said.contains("[Y/n]") && said.contains("  hint: nothing is sent before you agree"), "{said}");
            }
            for command in [&["run", "plan", "--all", "--dry-run", "--json"][..], &["config", "show", "plan"]] {
                let said = env.run_with(command, key);
                assert!(said.ends_with("[exit 0]") && said.contains(&claim), "{command:?}: {said}");
            }
            assert_eq!(requests(&server).await, 0, "{place}");

            // The user's own word for the same server is enough, for that command.
            let before = requests(&server).await;
            let own: Vec<(&str, &str)> = key.iter().copied().chain([("OPENAI_BASE_URL", url.as_str())]).collect();
            env.run_with(&["doctor", "plan"], &own);
            assert!(requests(&server).await > before);
            server.reset().await;

            let refused = env.run_with(&["run", "plan", "--all", "--yes"], key);
            let command = command_of_hint(&refused);
            let command: Vec<&str> = command.iter().map(String::as_str).collect();
            let trusted = env.run(&command);
            assert!(trusted.ends_with("[exit 0]") && trusted.contains(&format!("trusted: {url}")), "{trusted}");
            for command in SENDS {
                let before = requests(&server).await;
                env.run_with(command, key);
                assert!(requests(&server).await > before, "{command:?} sends after {place} is trusted");
            }
            let revoked = env.run(&["trust", "plan", "--revoke"]);
            assert!(revoked.contains(&format!("no longer trusted: {url}")), "{revoked}");
            server.reset().await;
            env.run_with(&["doctor", "plan"], key);
            assert_eq!(requests(&server).await, 0);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_is_for_one_directory_and_one_server_and_lies_with_the_user() {
    let (server, url) = server().await;
    let env = TestEnv::with_plan(&[vec![]]);
    env.write("plan/planwave.toml", &format!("[model]\nbase_url = '{url}'\n"));
    let plan = env.read("plan/PLAN_TEST.md");
    env.write("other/PLAN_TEST.md", &plan);
    env.write("other/planwave.toml", &env.read("plan/planwave.toml"));
    assert!(env.run(&["trust", "plan/PLAN_TEST.md"]).ends_with("[exit 0]"));
    let kept = env.read(".local/state/planwave/trust.json");
    assert_eq!(serde_json::from_str::<Value>(&kept).unwrap()["servers"][0]["server"], json!(url));
    assert!(env.run(&["doctor", "other"]).ends_with("[exit 2]"));
    // A repository cannot bring its own grants along.
    env.write("other/.local/state/planwave/trust.json", &kept.replace("/plan\"", "/other\""));
    env.write("other/trust.json", &kept.replace("/plan\"", "/other\""));
    assert!(env.run(&["doctor", "other"]).ends_with("[exit 2]"));
    assert_eq!(requests(&server).await, 0);
    // Another port, another path, another name for the same machine.
    let port = server.address().port();
    for other in [format!("{}/v2", server.uri()), format!("http://localhost:{port}/v1"), "http://127.0.0.1:1/v1".into()]
    {
        env.write("plan/planwave.toml", &format!("[model]\nbase_url = '{other}'\n"));
        assert!(env.run(&["doctor", "plan"]).ends_with("[exit 2]"), "{other}");
    }
    assert_eq!(requests(&server).await, 0);

    let listed = env.run(&["trust", "--list"]);
    assert!(listed.starts_with(&url) && listed.ends_with("[exit 0]"), "{listed}");
    let listed: Value =
        serde_json::from_str(env.run(&["trust", "--list", "--json"]).trim_end_matches("[exit 0]")).unwrap();
    assert_eq!(listed["servers"][0]["server"], json!(url));
    env.write("plan/planwave.toml", "");
    assert!(env.run(&["trust", "plan"]).contains("asks for trust that it does not have"));
    assert!(env.run(&["trust", "nowhere"]).ends_with("[exit 2]"));
    // Grants that cannot be read are neither believed nor overwritten.
    env.write("plan/planwave.toml", &format!("[model]\nbase_url = '{url}'\n"));
    env.write(".local/state/planwave/trust.json", "{");
    for command in [&["trust", "plan"][..], &["trust", "plan", "--revoke"], &["trust", "--list"], &["doctor", "plan"]] {
        let said = env.run(command);
        assert!(said.ends_with("[exit 2]") && said.contains("trust.json"), "{said}");
    }
    assert_eq!(env.read(".local/state/planwave/trust.json"), "{");
}

/// Only root can give a file to somebody else, so elsewhere there is nothing to try.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_another_user_counts_only_when_it_is_trusted() {
    let (server, url) = server().await;
    let env = TestEnv::with_plan(&[vec![]]);
    env.write("plan/planwave.toml", &format!("[run]\nconcurrency = 2\n[model]\nbase_url = '{url}'\n"));
    if std::os::unix::fs::chown(env.path("plan/planwave.toml"), Some(12345), None).is_err() {
        return;
    }
    let said = env.run(&["config", "show", "plan"]);
    assert!(said.contains("belongs to another user (number 12345)") && said.contains("concurrency = 8"), "{said}");
    let said = env.run(&["run", "plan", "--all", "--yes"]);
    assert!(said.ends_with("[exit 2]") && said.contains("`planwave trust plan`"), "{said}");
    // A status needs nothing of it.
    assert!(env.run(&["status", "plan"]).ends_with("[exit 0]"));
    assert_eq!(requests(&server).await, 0);
    let trusted = env.run(&["trust", "plan"]);
    assert!(trusted.contains("planwave.toml of user 12345") && trusted.contains(&url), "{trusted}");
    assert!(env.run(&["config", "show", "plan"]).contains("concurrency = 2"));
    env.run(&["doctor", "plan"]);
    assert!(requests(&server).await > 0);
}
