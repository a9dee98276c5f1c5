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

/// What settings name is read as a regular file of bounded size, from a project's file only below its own directory.
#[cfg(unix)]
#[test]
fn what_settings_name_is_read_with_a_bound() {
    use std::os::unix::fs::symlink;
    let env = TestEnv::with_plan(&[vec![]]);
    env.write("outside/system.md", "secret\n");
    env.write("outside/one.toml", "secret\n");
    env.write("plan/prompts/notes.txt", "x");
    symlink("/dev/zero", env.path("plan/prompts/system.md")).unwrap();
    symlink("/dev/zero", env.path("plan/zero")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(env.path("plan/pipe")).status().unwrap();
    assert!(made.success());
    std::fs::File::create(env.path("plan/sparse")).unwrap().set_len(1 << 40).unwrap();
    let dry: &[&str] = &["run", "plan", "--all", "--dry-run"];
    // The text of plan/planwave.toml, and how the error ends and where.
    let model = |file: &str| format!("[model]\nmodels_file = '{file}'\n");
    let prompts = |directory: &str| format!("[prompts]\ndirectory = '{directory}'\n");
    let of = |key: &str| format!("(`{key}` of plan/planwave.toml:2)");
    let outside = "is not in the directory of the planwave.toml that names it ";
    for (text, reason, key) in [
        (model("/dev/zero"), outside, "model.models_file"),
        (model("../outside/one.toml"), outside, "model.models_file"),
        (model("zero"), outside, "model.models_file"),
        (model("pipe"), "it is not a regular file ", "model.models_file"),
        (model("sparse"), "it is larger than ", "model.models_file"),
        (model("prompts"), "it is a directory ", "model.models_file"),
        (prompts("../outside"), outside, "prompts.directory"),
        (prompts("prompts"), "is a link that leads out of its directory ", "prompts.directory"),
    ] {
        env.write("plan/planwave.toml", &text);
        let said = env.run(dry);
        assert!(said.ends_with("[exit 2]") && said.contains(reason) && said.contains(&of(key)), "{text}: {said}");
    }
    // The same files, named by the user.
    env.write("plan/planwave.toml", "");
    for (name, path) in [
        ("PLANWAVE_MODEL_MODELS_FILE", "/dev/zero"),
        ("PLANWAVE_MODEL_MODELS_FILE", "plan/pipe"),
        ("PLANWAVE_PROMPTS_DIRECTORY", "plan/prompts"),
    ] {
        let said = env.run_with(dry, &[(name, path)]);
        assert!(
            said.ends_with("[exit 2]") && said.contains("it is not a regular file (`") && said.contains(name),
            "{said}"
        );
    }
    for text in ["[init]\npatterns_directory = 'outside/..'\n", "[init]\npatterns_directory = '../..'\n"] {
        env.write("inner/planwave.toml", text);
        let mut command = env.command(&["init", "--list"], &[]);
        let output = command.current_dir(env.path("inner")).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{text}: {output:?}");
    }
    // A configuration file that is a device or a pipe.
    for target in ["/dev/zero", "pipe"] {
        std::fs::remove_file(env.path("plan/planwave.toml")).unwrap();
        symlink(target, env.path("plan/planwave.toml")).unwrap();
        let said = env.run(dry);
        assert!(said.contains("error: plan/planwave.toml: cannot be read: it is not a regular file"), "{said}");
    }
}

#[test]
fn a_projects_file_lifts_no_bound_of_the_users() {
    let env = TestEnv::with_plan(&[vec![]]).server("http://127.0.0.1:9/v1");
    env.write(".config/planwave/config.toml", "[run]\nmax_tokens = 1000\n");
    env.write("plan/planwave.toml", "[run]\nmax_tokens = 0\nconcurrency = 64\n[tape]\nlocal = false\n");
    let shown = env.run(&["config", "show", "plan"]);
    for line in [
        "# .config/planwave/config.toml:2; plan/planwave.toml:2 says 0, but a project's file may only lower it",
        "# default; plan/planwave.toml:3 says 64, but a project's file may only lower it",
        "# default; plan/planwave.toml:5 says false, but a project's file may only turn it on",
        "# warning: plan/planwave.toml:2 sets run.max_tokens to 0, but a project's file may only lower it: 1000 \
         (.config/planwave/config.toml:2) stays; your own configuration file or PLANWAVE_RUN_MAX_TOKENS can set it",
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    let said = env.run(&["run", "plan", "--all", "--dry-run", "--json"]);
    assert!(
        said.contains("\"max_tokens\": 1000") && said.contains("warning: plan/planwave.toml:5 sets tape.local"),
        "{said}"
    );
    // Prices of a project do not make known ones smaller, so a bound in dollars holds.
    let free = "[models.\"gpt-5-mini\"]\nprices = { input = 0, output = 0 }\n";
    env.write("plan/free.toml", free);
    let cost = |settings: &str| {
        env.write("plan/planwave.toml", settings);
        let said = env.run_with(
            &["run", "plan", "--all", "--dry-run"],
            &[("PLANWAVE_MODEL_BASE_URL", "https://api.openai.com/v1")],
        );
        said.lines().find(|line| line.starts_with("Cost")).unwrap_or_else(|| panic!("{said}")).to_owned()
    };
    let known = cost("");
    assert!(!known.contains("unknown") && known.contains('$'), "{known}");
    assert_eq!(cost("[model]\nmodels_file = 'free.toml'\n"), known);
    env.write("plan/free.toml", &format!("{free}[providers.free]\nhosts = ['api.openai.com*']\n"));
    assert_eq!(cost("[model]\nmodels_file = 'free.toml'\nprovider = 'free'\n"), known);
}
