//! What a run may cost, answers that do not come whole, servers that fail or lie: what a user sees of them.

use crate::support::{
    canary,
    environment::TestEnv,
    server::{Reply, ScriptedServer, good},
    subplan_body,
};

const QUIET: [(&str, &str); 3] =
    [("PLANWAVE_OUTPUT_PROGRESS", "none"), ("PLANWAVE_RETRY_BASE_DELAY_MS", "1"), ("PLANWAVE_RETRY_MAX_DELAY_MS", "2")];

/// Three achievements of one level.
fn three() -> Vec<Vec<usize>> {
    vec![vec![], vec![], vec![]]
}

/// A text whose paragraphs are one line each.
fn unwrapped(text: &str) -> String {
    text.replace("\n           ", " ")
}

/// What it says, without times.
fn run(env: &TestEnv, more: &[&str], variables: &[(&str, &str)]) -> String {
    let arguments = [&["run", "plan", "--level", "1", "--yes", "--concurrency", "1"], more].concat();
    let said = env.run_with(&arguments, &[&QUIET, variables].concat());
    let lines: Vec<&str> = said.lines().filter(|line| !line.starts_with("Time ")).collect();
    lines.join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_of_tokens_stops_the_run_and_says_what_is_left() {
    let server = ScriptedServer::start(good).await;
    let env = TestEnv::with_plan(&three()).server(&server.base_url());
    let small = [("PLANWAVE_MODEL_MAX_OUTPUT_TOKENS", "500")];
    let said = run(&env, &["--max-tokens", "6000"], &small);
    insta::assert_snapshot!(said, @r"
    ITEM           OUTCOME         TOKENS
    1.1 subplan    done             1,300  Part 1.1
    1.1 execution  done             1,300  Part 1.1
    1.2 subplan    done             1,300  Part 1.2
    1.2 execution  not started             Part 1.2
    1.3 subplan    done             1,300  Part 1.3
    1.3 execution  not started             Part 1.3

    Items      4 done, 2 not started
    Documents  4 written, in subplans/ and execution/ of plan
    Stopped    the budget of 6000 tokens has no room for another request: 5200 are
               spent or may be, and the next could take up to 1642
    Left       2 EXECUTIONs for 3,146 tokens (cost unknown)
    Hint       raise the bound and run the same command again: only what is missing
               is asked for
    Tokens     4,000 in (800 cached, 20%), 1,200 out
    Cost       unknown (no prices for gpt-5-mini at 127.0.0.1:[port])

    Next       planwave run plan --level 1 --concurrency 1
               takes up what is not done, and only that
    [exit 4]
    ");
    assert!(server.bodies().len() * 1_300 <= 6_000);
    let rest = run(&env, &[], &small);
    assert!(rest.ends_with("[exit 0]"), "{rest}");
    assert_eq!((env.documents().len(), server.bodies().len()), (6, 6));
}

/// A server that counts far more than it was allowed to is the one thing that can pass a bound.
#[tokio::test(flavor = "multi_thread")]
async fn a_bound_that_the_server_passes_is_said_to_be() {
    let small = [("PLANWAVE_MODEL_MAX_OUTPUT_TOKENS", "100")];
    let server = ScriptedServer::start(|asked| match good(asked) {
        Reply::Text(text) => Reply::Charged(text, 9_000),
        other => other,
    })
    .await;
    let env = TestEnv::with_plan(&three()).server(&server.base_url());
    let said = run(&env, &["--max-tokens", "6000"], &small);
    let said: Vec<&str> = said.lines().filter(|line| line.starts_with("Budget") || line.starts_with("[exit")).collect();
    assert_eq!(said, ["Budget     passed by 4,000 tokens: the server counted more than was set aside", "[exit 4]"]);
    // With nothing left to do, nothing is stopped; the bound was passed all the same.
    let last = ["--ids", "1.1", "--stage", "execution", "--max-tokens", "6000", "--json"];
    let said = env.run_with(&[&["run", "plan", "--yes"], &last[..]].concat(), &[&QUIET[..], &small].concat());
    assert!(said.ends_with("[exit 0]"), "{said}");
    let summary: serde_json::Value = serde_json::from_str(&said[..said.rfind('}').unwrap() + 1]).unwrap();
    assert_eq!(summary["over_budget"], serde_json::json!({"tokens": 4_000, "cost": null}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_in_dollars_needs_prices() {
    let server = ScriptedServer::start(good).await;
    let env = TestEnv::with_plan(&three()).server(&server.base_url());
    insta::assert_snapshot!(run(&env, &["--max-cost", "0.50"], &[]), @r"
    ------- stderr -------
    error: no prices are known for gpt-5-mini at 127.0.0.1:[port], so its cost cannot be bounded
      hint: bound the tokens with `--max-tokens`, or give the prices in a `model.models_file`
    [exit 2]
    ");
    assert!(server.bodies().is_empty());
    env.write("models.toml", "[models.gpt-5-mini.prices]\ninput = 1.0\noutput = 10.0\n");
    let priced = [("PLANWAVE_MODEL_MODELS_FILE", "models.toml"), ("PLANWAVE_MODEL_MAX_OUTPUT_TOKENS", "500")];
    let said = run(&env, &["--max-cost", "0.02"], &priced);
    assert!(
        unwrapped(&said).contains("Stopped    the budget of $0.02 has no room for another request: $0.0"),
        "{said}"
    );
    assert!(said.contains("[exit 4]"), "{said}");
    // 1,000 tokens in and 300 out are $0.004.
    assert!((1..=4).contains(&server.bodies().len()), "{said}");
    for bad in ["-1", "NaN", "much"] {
        let said = run(&env, &["--max-cost", bad], &[]);
        assert!(said.ends_with("[exit 2]"), "{said}");
    }
}

#[test]
fn a_dry_run_shows_the_budget() {
    let env = TestEnv::with_plan(&three());
    let bounds = ["run", "plan", "--level", "1", "--dry-run", "--max-cost", "0.05", "--max-tokens", "10000000"];
    let said = env.run_with(&bounds, &[("OPENAI_API_KEY", canary::KEY)]);
    let from = said.find("Total ").unwrap();
    insta::assert_snapshot!(&said[from..], @r"
    Total   3 SUBPLANs and 3 EXECUTIONs (3 estimated)
    Tokens  21,651–202,851; prompts 10,851
    Cost    $0.0243–$0.39, about $0.02 (prices of 2026-10-12)
    Budget  $0.0500: likely enough; 10,000,000 tokens: enough in any case

    warning: a SUBPLAN that does not exist yet may plan up to 9 EXECUTIONs; one each
             is counted here

    nothing sent, nothing written
    [exit 0]
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_cut_is_continued() {
    let server = ScriptedServer::start(|asked| {
        let whole = subplan_body(&asked.id, "Executions: 1");
        let (first, rest) = whole.split_at(whole.find("Strategy").unwrap() + 3);
        match (asked.stage, asked.id.as_str(), asked.before) {
            ("subplan", "1.1", 0) => Reply::Cut(first.to_owned()),
            // It says again what it had said last.
            ("subplan", "1.1", 1) => Reply::Text(format!("{}{rest}", &first[first.len() - 40..])),
            _ => good(asked),
        }
    })
    .await;
    let env = TestEnv::with_plan(&[vec![]]).server(&server.base_url());
    let said = run(&env, &["--stage", "subplan"], &[("PLANWAVE_MODEL_MAX_OUTPUT_TOKENS", "700")]);
    insta::assert_snapshot!(said, @r"
    ITEM         OUTCOME         TOKENS
    1.1 subplan  done             2,600  Part 1.1

    Items      1 done
    Documents  1 written, in subplans/ and execution/ of plan
    Cut        1.1 subplan: cut at the cap of 700 output tokens; the rest was asked
               for
    Tokens     2,000 in (400 cached, 20%), 600 out
    Cost       unknown (no prices for gpt-5-mini at 127.0.0.1:[port])

    Next       planwave next plan
               shows what can be worked on now
    [exit 0]
    ");
    let document = env.read("plan/subplans/SUBPLAN_TEST_11.md");
    assert!(document.trim_end().ends_with(subplan_body("1.1", "Executions: 1").trim_end()), "{document}");
    let bodies = server.bodies();
    let roles: Vec<&str> =
        bodies[1]["messages"].as_array().unwrap().iter().map(|message| message["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["system", "user", "assistant", "user"]);
    assert_eq!((&bodies[0]["max_completion_tokens"], &bodies[1]["max_completion_tokens"]), (&700.into(), &700.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn below_the_limit_of_the_model_the_cap_is_raised_once() {
    let server = ScriptedServer::start(|asked| match asked.before {
        0 => Reply::Cut(String::from("## Objective\n\nHalf")),
        _ => good(asked),
    })
    .await;
    let env = TestEnv::with_plan(&[vec![]]).server(&server.base_url());
    let said = run(&env, &["--stage", "subplan"], &[]);
    let cut = "Cut        1.1 subplan: cut at the cap of 32000 output tokens; asked for again with 64000\n";
    assert!(unwrapped(&said).contains(cut), "{said}");
    let caps: Vec<u64> = server.bodies().iter().map(|body| body["max_completion_tokens"].as_u64().unwrap()).collect();
    assert_eq!(caps, [32_000, 64_000]);
    assert_eq!(server.bodies()[1]["messages"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_went_into_reasoning_are_not_spent_so_again() {
    let server = ScriptedServer::start(|asked| if asked.before < 2 { Reply::Thought } else { good(asked) }).await;
    let env = TestEnv::with_plan(&[vec![]]).server(&server.base_url());
    let said = run(&env, &["--stage", "subplan"], &[]);
    let cut = "1.1 subplan: empty, its tokens went into reasoning; asked for again with less of it";
    assert_eq!(unwrapped(&said).matches(cut).count(), 2, "{said}");
    assert!(said.ends_with("[exit 0]"), "{said}");
    let efforts: Vec<_> = server.bodies().iter().map(|body| body["reasoning_effort"].clone()).collect();
    assert_eq!(efforts, [serde_json::Value::Null, "low".into(), "minimal".into()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_only_fails_stops_the_run() {
    let down = || Reply::Status(503, String::from(r#"{"error":{"message":"down \u001b[31mfor\u202e good"}}"#));
    let server = ScriptedServer::start(move |_| down()).await;
    let env = TestEnv::with_plan(&vec![vec![]; 30]).server(&server.base_url());
    let said = run(&env, &["--stage", "subplan"], &[("PLANWAVE_RETRY_FAILURES_IN_A_ROW", "10")]);
    assert!(
        unwrapped(&said)
            .contains("Stopped    10 requests in a row failed and none succeeded; the last: 127.0.0.1:[port]"),
        "{said}"
    );
    assert!(said.contains("1 failed, 29 not started") && said.contains("[exit 4]"), "{said}");
    // The advice of the request that failed and that of the run are one.
    assert_eq!(said.matches("run again later").count(), 1, "{said}");
    assert!(!said.contains(['\u{1b}', '\u{202e}']), "{said:?}");
    assert_eq!(server.bodies().len(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_limiter_rejects_costs_the_item_nothing() {
    let busy = || Reply::Status(429, String::from(r#"{"error":{"message":"slow down"}}"#));
    let server = ScriptedServer::start(move |asked| if asked.before < 12 { busy() } else { good(asked) }).await;
    let env = TestEnv::with_plan(&[vec![]]).server(&server.base_url());
    let once = [("PLANWAVE_RETRY_MAX_RETRIES", "0"), ("PLANWAVE_RUN_MAX_ATTEMPTS", "1")];
    let said = run(&env, &["--stage", "subplan"], &once);
    assert!(said.ends_with("[exit 0]"), "{said}");
    assert_eq!(server.bodies().len(), 13);

    let limits = env.read(".local/state/planwave/limits.json");
    assert!(limits.contains("\"learned\"") && limits.contains("\"server\": \"http://127.0.0.1:"), "{limits}");
    env.write(".local/state/planwave/limits.json", "{torn");
    let said = run(&env, &["--stage", "subplan", "--force"], &once);
    assert!(said.contains("warning: [root]/.local/state/planwave/limits.json is left out"), "{said}");
    assert!(said.ends_with("[exit 0]"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_stops_the_run_and_leaves_the_rest_as_it_was() {
    let server = ScriptedServer::start(|asked| match (asked.id.as_str(), asked.stage) {
        ("1.1", "subplan") => good(asked),
        _ => Reply::Status(401, String::from(r#"{"error":{"message":"Incorrect API key provided"}}"#)),
    })
    .await;
    let env = TestEnv::with_plan(&three()).server(&server.base_url());
    let said = run(&env, &[], &[]);
    assert!(said.contains("1 done, 5 not started") && said.contains("[exit 4]"), "{said}");
    assert_eq!((server.bodies().len(), env.documents().len()), (2, 1));
    assert!(!env.read("plan/parallel.json").contains("\"failed\""));
}

#[test]
fn plain_http_goes_to_this_machine_only() {
    let env = TestEnv::with_plan(&three()).server("http://192.0.2.1/v1");
    let said = run(&env, &[], &[]);
    assert!(said.contains("192.0.2.1") && said.contains("allow_insecure_http") && said.ends_with("[exit 2]"), "{said}");
}
