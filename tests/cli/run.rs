//! `planwave run` against a scripted server.

use crate::support::{
    canary,
    environment::TestEnv,
    server::{Reply, ScriptedServer, good},
};

/// Two achievements, a third that needs the first, a fourth that needs the third.
fn four() -> Vec<Vec<usize>> {
    vec![vec![], vec![], vec![0], vec![2]]
}

/// Times and figures that differ from run to run.
fn steady(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let line = match line.split_once(' ') {
            Some((clock, rest)) if clock.len() == 8 && clock.matches(':').count() == 2 => format!("[time] {rest}"),
            _ => line.to_owned(),
        };
        let line = if line.starts_with("Time") { String::from("Time [..]") } else { line };
        let line = match line.find(" done in ") {
            Some(at) => {
                let rest = line[at + 9..].find(',').map_or("", |comma| &line[at + 9 + comma..]);
                format!("{} done in [..]{rest}", &line[..at])
            }
            None => line,
        };
        let line = match (line.find("] run 2"), line.find(": ")) {
            (Some(at), Some(colon)) => format!("{}] run [id]{}", &line[..at], &line[colon..]),
            _ => line,
        };
        let line = match line.find("run ended after ") {
            Some(at) => format!("{}run ended after [..]{}", &line[..at], &line[line.rfind(": ").unwrap_or(at)..]),
            None => line,
        };
        out.push_str(&line);
        out.push('\n');
    }
    // A document is written while the next call begins: which line comes first is up to the disk.
    let (mut timed, others): (Vec<&str>, Vec<&str>) = out.lines().partition(|line| line.starts_with("[time]"));
    timed.sort_unstable();
    let code = others.len() - 1;
    [&others[..code], &timed, &others[code..]].concat().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn one_command_generates_a_whole_level() {
    let server = ScriptedServer::start(good).await;
    let env = TestEnv::with_plan(&four()).server(&server.base_url());
    let said = env.run(&["run", "plan", "--level", "1", "--yes", "--concurrency", "1"]);
    insta::assert_snapshot!(steady(&said), @r"
    ITEM           OUTCOME         TOKENS
    1.1 subplan    done             1,300  Part 1.1
    1.1 execution  done             1,300  Part 1.1
    1.2 subplan    done             1,300  Part 1.2
    1.2 execution  done             1,300  Part 1.2

    Items      4 done
    Documents  4 written, in subplans/ and execution/ of plan
    Tokens     4,000 in (800 cached, 20%), 1,200 out
    Cost       unknown (no prices for gpt-5-mini at 127.0.0.1:[port])
    Time [..]

    Next       planwave run plan --level 2
               generates the next level
    ------- stderr -------
    [time] 1.1 execution done in [..], 300 tokens out: execution/EXECUTION_TASK_TEST_11_01.md
    [time] 1.1 execution started
    [time] 1.1 subplan done in [..], 300 tokens out: subplans/SUBPLAN_TEST_11.md
    [time] 1.1 subplan started
    [time] 1.2 execution done in [..], 300 tokens out: execution/EXECUTION_TASK_TEST_12_01.md
    [time] 1.2 execution started
    [time] 1.2 subplan done in [..], 300 tokens out: subplans/SUBPLAN_TEST_12.md
    [time] 1.2 subplan started
    [time] run [id]: 4 items of TEST with gpt-5-mini, at most 1 call in flight; times are UTC
    [time] run ended after [..]: 4 done
    [exit 0]
    ");
    assert_eq!(
        env.documents(),
        [
            "execution/EXECUTION_TASK_TEST_11_01.md",
            "execution/EXECUTION_TASK_TEST_12_01.md",
            "subplans/SUBPLAN_TEST_11.md",
            "subplans/SUBPLAN_TEST_12.md"
        ]
    );
    assert_eq!(server.bodies().len(), 4);
    let parallel: serde_json::Value = serde_json::from_str(&env.read("plan/parallel.json")).unwrap();
    let first = &parallel["levels"][0]["achievements"][0];
    assert_eq!(first["status"], "execution_created");
    assert_eq!(first["subplan_path"], "subplans/SUBPLAN_TEST_11.md");
    assert_eq!(first["execution_paths"], serde_json::json!(["execution/EXECUTION_TASK_TEST_11_01.md"]));
    assert_eq!(parallel["levels"][1]["achievements"][0]["status"], "not_started");
    let checked = env.run(&["check", "plan"]);
    assert!(checked.ends_with("4 documents checked, all pass\n[exit 0]"), "{checked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_level_of_three_with_one_500_one_bad_document_and_one_refusal() {
    let server = ScriptedServer::start(|asked| match (asked.id.as_str(), asked.stage, asked.before) {
        ("1.1", "subplan", 0) => Reply::Status(500, String::from(r#"{"error":{"message":"down for a moment"}}"#)),
        ("1.2", "subplan", 0) => Reply::Text(String::from("## Objective\n\nToo little.")),
        ("1.3", "subplan", _) => Reply::Refusal(String::from("I cannot help with that.")),
        _ => good(asked),
    })
    .await;
    let env = TestEnv::with_plan(&[vec![], vec![], vec![], vec![2]]).server(&server.base_url());
    let arguments = ["run", "plan", "--all", "--stage", "subplan", "--yes", "--progress", "none"];
    let said = env.run_with(&arguments, &[("PLANWAVE_RETRY_BASE_DELAY_MS", "1")]);
    insta::assert_snapshot!(steady(&said), @r"
    ITEM         OUTCOME         TOKENS
    1.1 subplan  done             1,300  Part 1.1
    1.2 subplan  done             2,600  Part 1.2
    1.3 subplan  failed           1,300  the model refused: I cannot help with that.
    2.1 subplan  blocked                 by 1.3 subplan

    Items      2 done, 1 failed, 1 blocked
    Documents  2 written, in subplans/ and execution/ of plan
    Hint       reword the achievement in the PLAN, or try another model
    Tokens     4,000 in (800 cached, 20%), 1,200 out
    Cost       unknown (no prices for gpt-5-mini at 127.0.0.1:[port])
    Time [..]

    Next       planwave run plan --all --stage subplan
               takes up what is not done, and only that
    [exit 1]
    ");
    assert_eq!(env.documents(), ["subplans/SUBPLAN_TEST_11.md", "subplans/SUBPLAN_TEST_12.md"]);

    // What was sent: the 500 again, the bad document again with its failures listed, the refusal once.
    let bodies = server.bodies();
    assert_eq!(bodies.len(), 5);
    let asked_for = |id: &str| -> Vec<&serde_json::Value> {
        let task = format!("the SUBPLAN of achievement {id}");
        let first = |body: &&serde_json::Value| body["messages"][1]["content"].as_str().unwrap().contains(&task);
        bodies.iter().filter(first).collect()
    };
    assert_eq!(asked_for("1.1").len(), 2);
    assert_eq!(asked_for("1.1")[0], asked_for("1.1")[1]);
    assert_eq!(asked_for("1.3").len(), 1);
    let repair = asked_for("1.2")[1]["messages"].as_array().unwrap();
    // It lacks six sections, so it is not quoted: what is wrong with it goes behind the first request.
    assert_eq!(repair.len(), 2);
    let asked = repair[1]["content"].as_str().unwrap();
    assert!(asked.contains("An earlier answer was not accepted.") && !asked.contains("Too little."), "{asked}");

    let parallel: serde_json::Value = serde_json::from_str(&env.read("plan/parallel.json")).unwrap();
    let refused = &parallel["levels"][0]["achievements"][2];
    assert_eq!(refused["status"], "failed");
    assert_eq!(refused["failure"]["stage"], "subplan");
    assert_eq!(refused["failure"]["reason"], "the model refused: I cannot help with that.");
    assert_eq!(parallel["levels"][1]["achievements"][0]["status"], "not_started");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_takes_up_only_what_failed_is_missing_or_was_blocked() {
    let server = ScriptedServer::start(|asked| match (asked.id.as_str(), asked.stage, asked.before) {
        ("1.1", "execution", 0..3) => Reply::Text(String::from("no")),
        _ => good(asked),
    })
    .await;
    let env = TestEnv::with_plan(&four()).server(&server.base_url());
    let run = ["run", "plan", "--all", "--yes", "--progress", "none", "--json"];
    let first = env.run(&run);
    assert!(first.ends_with("[exit 1]"), "{first}");
    // 1.1 execution failed, so 2.1 execution and 3.1 execution are blocked; everything else is there.
    assert_eq!(env.documents().len(), 5);
    let before = env.files("plan");
    let sent = server.bodies().len();
    let second = env.run(&run);
    assert!(second.ends_with("[exit 0]"), "{second}");
    assert_eq!(server.bodies().len() - sent, 3);
    assert_eq!(env.documents().len(), 8);
    for (name, bytes) in env.files("plan") {
        if name.ends_with(".md") && before.contains_key(&name) {
            assert!(before[&name] == bytes, "{name} was touched");
        }
    }
    let third = env.run(&run);
    assert!(third.contains("nothing to do") && third.ends_with("[exit 0]"), "{third}");
    assert_eq!(server.bodies().len() - sent, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_makes_no_connection_and_writes_no_file() {
    let server = ScriptedServer::start(good).await;
    let env = TestEnv::with_plan(&four()).server(&server.base_url());
    let before = env.files("");
    let said = env.run(&["run", "plan", "--level", "1", "--level", "2", "--dry-run"]);
    insta::assert_snapshot!(said, @r"
    TEST with gpt-5-mini; tokens counted with o200k_base

      ITEM           TITLE      ESTIMATE   PROMPT          ANSWER
    Level 1: 4 documents; 576 tokens of each prompt are shared
      1.1 subplan    Part 1.1      2–3 h      986    2,000–32,000
          subplans/SUBPLAN_TEST_11.md
      1.1 execution  Part 1.1      2–3 h   ~2,624    1,600–32,000
          execution/EXECUTION_TASK_TEST_11_01.md
      1.2 subplan    Part 1.2      2–3 h      963    2,000–32,000
          subplans/SUBPLAN_TEST_12.md
      1.2 execution  Part 1.2      2–3 h   ~2,624    1,600–32,000
          execution/EXECUTION_TASK_TEST_12_01.md

    Level 2: 2 documents; 555 tokens of each prompt are shared
      2.1 subplan    Part 2.1      2–3 h    1,209    2,000–32,000
          subplans/SUBPLAN_TEST_21.md
          needs 1.1 (not_started, in this run)
      2.1 execution  Part 2.1      2–3 h   ~2,837    1,600–32,000
          execution/EXECUTION_TASK_TEST_21_01.md
          needs 1.1 (not_started, in this run)

    PROMPT and ANSWER are tokens; ANSWER is what is expected and the cap.
    ~ an estimate: the SUBPLAN that the prompt will quote, and that says how many
      EXECUTIONs there are, does not exist yet.

    Total   3 SUBPLANs and 3 EXECUTIONs (3 estimated)
    Tokens  22,043–203,243; prompts 11,243
    Cost    unknown (no prices for gpt-5-mini)

    warning: a SUBPLAN that does not exist yet may plan up to 9 EXECUTIONs; one each
             is counted here

    nothing sent, nothing written
    [exit 0]
    ");
    let json = env.run(&["run", "plan", "--all", "--dry-run", "--json"]);
    let forecast: serde_json::Value = serde_json::from_str(json.strip_suffix("[exit 0]").unwrap()).unwrap();
    assert_eq!(forecast["totals"]["subplans"], 4);
    assert_eq!(server.bodies().len(), 0);
    assert!(env.files("") == before, "a dry run wrote a file");
}

#[tokio::test(flavor = "multi_thread")]
async fn existing_documents_are_overwritten_only_when_told() {
    let server = ScriptedServer::start(good).await;
    let env = TestEnv::with_plan(&[vec![]]).server(&server.base_url());
    env.write("plan/subplans/SUBPLAN_TEST_11.md", "# SUBPLAN\n\n## Objective\n\nWritten by a person.\n");
    let run = ["run", "plan", "--all", "--yes", "--progress", "none"];
    let said = env.run(&run);
    assert!(said.ends_with("[exit 0]"), "{said}");
    assert!(env.read("plan/subplans/SUBPLAN_TEST_11.md").contains("Written by a person."));
    assert_eq!(env.documents().len(), 2);
    let said = env.run(&[&run[..], &["--force"]].concat());
    assert!(said.ends_with("[exit 0]"), "{said}");
    assert!(!env.read("plan/subplans/SUBPLAN_TEST_11.md").contains("Written by a person."));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_placeholder_is_no_document() {
    let server = ScriptedServer::start(good).await;
    let env = TestEnv::with_plan(&[vec![], vec![]]).server(&server.base_url());
    env.write("plan/subplans/SUBPLAN_TEST_11.md", "# SUBPLAN\n\n## Objective\n\n[FILL: objective]\n");
    env.write("plan/subplans/SUBPLAN_TEST_12.md", "");
    let said = env.run(&["run", "plan", "--all", "--stage", "subplan", "--yes", "--progress", "none"]);
    assert!(said.ends_with("[exit 0]"), "{said}");
    assert_eq!(server.bodies().len(), 2);
    for slug in ["11", "12"] {
        assert!(env.read(&format!("plan/subplans/SUBPLAN_TEST_{slug}.md")).contains("## Testing Strategy"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_has_run_out_stops_the_run() {
    let server = ScriptedServer::start(|asked| match asked.id.as_str() {
        "1.1" => good(asked),
        _ => Reply::Status(
            429,
            String::from(r#"{"error":{"message":"You exceeded your current quota.","type":"insufficient_quota","code":"insufficient_quota"}}"#),
        ),
    })
    .await;
    let env = TestEnv::with_plan(&[vec![], vec![], vec![], vec![]]).server(&server.base_url());
    let said = env.run(&["run", "plan", "--all", "--yes", "--concurrency", "1", "--progress", "none"]);
    insta::assert_snapshot!(steady(&said), @r"
    ITEM           OUTCOME         TOKENS
    1.1 subplan    done             1,300  Part 1.1
    1.1 execution  not started             Part 1.1
    1.2 subplan    not started             Part 1.2
    1.2 execution  not started             Part 1.2
    1.3 subplan    not started             Part 1.3
    1.3 execution  not started             Part 1.3
    1.4 subplan    not started             Part 1.4
    1.4 execution  not started             Part 1.4

    Items      1 done, 7 not started
    Documents  1 written, in subplans/ and execution/ of plan
    Stopped    127.0.0.1:[port] answered 429 (Too Many Requests): You exceeded your
               current quota.
    Hint       add credit or raise the limit with the provider; what is done stays
               done, and a later run goes on from there
    Tokens     1,000 in (200 cached, 20%), 300 out
    Cost       unknown (no prices for gpt-5-mini at 127.0.0.1:[port])
    Time [..]

    Next       planwave run plan --all --concurrency 1
               takes up what is not done, and only that
    [exit 4]
    ");
    // 1.1 by rank: both its documents or one; then one request that says no, and none after it.
    let refused = server
        .bodies()
        .iter()
        .filter(|body| !body["messages"][1]["content"].as_str().unwrap().contains("achievement 1.1"))
        .count();
    assert_eq!(refused, 1);
    let parallel = env.read("plan/parallel.json");
    assert!(!parallel.contains("\"failed\""), "{parallel}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_is_in_no_file_and_no_output() {
    let echo = serde_json::json!({"error": {"message": format!("bad key {} for this", canary::KEY)}}).to_string();
    let server = ScriptedServer::start(move |asked| match asked.id.as_str() {
        "1.1" => good(asked),
        // A server that gives the key back in its error.
        _ => Reply::Status(400, echo.clone()),
    })
    .await;
    let env = TestEnv::with_plan(&[vec![], vec![]]).server(&server.base_url());
    let arguments =
        ["run", "plan", "--all", "--yes", "--record", "tape.jsonl", "--events", "events.jsonl", "--log", "trace"];
    // The environment itself looks for the key in what is printed and, at the end, in every file.
    let said = env.run(&arguments);
    assert!(said.ends_with("[exit 1]") && said.contains("bad key *** for this"), "{said}");
    let shown = env.run(&["config", "show", "plan"]);
    assert!(shown.contains("set (32 characters), from OPENAI_API_KEY"), "{shown}");
    let files = env.files("");
    assert!(files.contains_key("tape.jsonl") && files.contains_key("plan/.planwave/tape.jsonl"), "{:?}", files.keys());
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_one_json_object_a_line_and_json_is_the_summary() {
    let server = ScriptedServer::start(good).await;
    let env = TestEnv::with_plan(&[vec![]]).server(&server.base_url());
    let said = env.run(&["run", "plan", "--all", "--yes", "--events", "events.jsonl", "--json", "--progress", "none"]);
    let summary: serde_json::Value = serde_json::from_str(said.strip_suffix("[exit 0]").unwrap()).unwrap();
    assert_eq!(summary["done"], 2);
    assert_eq!(summary["usage"]["cached"], 400);
    // Times are whole milliseconds.
    let finest = |text: &str| {
        let fractions = text.split('"').filter(|word| word.ends_with('Z') && word.contains('T') && word.contains('.'));
        fractions.filter_map(|time| Some(time.rsplit_once('.')?.1.len() - 1)).max().unwrap_or(0)
    };
    for (path, text) in
        env.files("plan/.planwave").into_iter().chain([("events".into(), env.read("events.jsonl").into())])
    {
        let finest = finest(&String::from_utf8_lossy(&text));
        assert!(finest <= 3, "{path} has times of {finest} digits");
    }
    let names: Vec<String> = env
        .read("events.jsonl")
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["event"].as_str().unwrap().to_owned())
        .collect();
    let item = ["call_started", "exchange", "call_finished", "document_written", "item_done"];
    assert_eq!(names, [&["run_started"], &item[..], &item[..], &["run_finished"]].concat());
}

#[test]
fn without_a_terminal_and_without_yes_nothing_is_sent() {
    let env = TestEnv::with_plan(&[vec![]]).server("http://127.0.0.1:9/v1");
    insta::assert_snapshot!(env.run(&["run", "plan", "--all"]), @r"
    ------- stderr -------
    error: this would send requests, and there is no terminal to ask on
      hint: add `--yes` to send them, or `--dry-run` to see what they would be
    [exit 2]
    ");
    assert_eq!(env.documents(), Vec::<String>::new());
}

#[test]
fn a_missing_key_is_said_before_the_first_call() {
    let env = TestEnv::with_plan(&[vec![]]);
    insta::assert_snapshot!(env.run(&["run", "plan", "--all", "--yes"]), @r"
    ------- stderr -------
    error: there is no API key for api.openai.com
      hint: set the environment variable OPENAI_API_KEY, or `model.api_key_command` in your configuration; to try planwave without a key, run `planwave demo`
    [exit 2]
    ");
}

#[test]
fn a_dry_run_says_what_the_run_would_be_refused_for() {
    let env = TestEnv::with_plan(&[vec![]]);
    let warning = |variables: &[(&str, &str)]| {
        let said = env.run_with(&["run", "plan", "--all", "--dry-run"], variables);
        assert!(said.ends_with("[exit 0]"), "{said}");
        let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
        words.split_once("a run would be refused as things are: ").map(|(_, rest)| {
            rest.split_once(" warning: ").or_else(|| rest.split_once(" nothing sent")).unwrap().0.to_owned()
        })
    };
    let (key, url) = (("OPENAI_API_KEY", canary::KEY), ("PLANWAVE_MODEL_BASE_URL", "http://example.com/v1"));
    insta::assert_snapshot!(warning(&[]).unwrap(), @"there is no API key for api.openai.com; set the environment variable OPENAI_API_KEY, or `model.api_key_command` in your configuration; to try planwave without a key, run `planwave demo`");
    insta::assert_snapshot!(warning(&[key, url]).unwrap(), @"PLANWAVE_MODEL_BASE_URL: `model.base_url` sends prompts and the API key in the clear to example.com; use https://, or, if you trust the network, set model.allow_insecure_http = true in your own configuration file");
    assert_eq!(warning(&[key]), None);
    assert_eq!(warning(&[key, url, ("PLANWAVE_MODEL_ALLOW_INSECURE_HTTP", "true")]), None);
    assert_eq!(warning(&[("PLANWAVE_MODEL_BASE_URL", "http://localhost:1/v1")]), None);
    // A dry run runs no program, so it cannot tell.
    assert_eq!(warning(&[("PLANWAVE_MODEL_API_KEY_COMMAND", "[\"touch\", \"ran\"]")]), None);
    assert!(!env.path("ran").exists());
}

#[test]
fn a_second_run_waits_its_turn() {
    let env = TestEnv::with_plan(&[vec![]]).server("http://127.0.0.1:9/v1");
    std::fs::create_dir_all(env.path("plan/.planwave")).unwrap();
    let lock = std::fs::File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(env.path("plan/.planwave/lock"))
        .unwrap();
    lock.lock().unwrap();
    let said = env.run(&["run", "plan", "--all", "--yes"]);
    assert!(said.contains("another run holds plan") && said.ends_with("[exit 3]"), "{said}");
    lock.unlock().unwrap();
}

#[test]
fn strict_refuses_what_is_otherwise_a_warning() {
    let env = TestEnv::with_plan(&four());
    let said = env.run(&["run", "plan", "--level", "2", "--strict", "--dry-run"]);
    insta::assert_snapshot!(said, @r"
    ------- stderr -------
    error: 2.1 depends on 1.1, which has no SUBPLAN yet
      hint: generate those SUBPLANs first, or leave `--strict` out to use the PLAN's text instead
    [exit 2]
    ");
    let said = env.run(&["run", "plan", "--level", "2", "--dry-run"]);
    assert!(said.contains("2.1 depends on 1.1, which has no SUBPLAN yet"), "{said}");
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn events_that_cannot_be_written_are_missed_once() {
    let server = ScriptedServer::start(good).await;
    let env = TestEnv::with_plan(&four()).server(&server.base_url());
    let arguments = ["run", "plan", "--ids", "1.1", "--yes", "--progress", "none", "--events", "/dev/full"];
    let said = env.run(&arguments);
    assert!(said.ends_with("[exit 0]"), "{said}");
    let warnings: Vec<&str> = said.lines().filter(|line| line.contains("/dev/full")).collect();
    insta::assert_snapshot!(warnings.join("\n"), @"warning: events are missing in /dev/full: No space left on device (os error 28); the documents are not affected");
}
