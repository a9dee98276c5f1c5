//! `planwave analyze`: from a PLAN to a parallel.json, with a scripted model on loopback and without one.

use serde_json::{Value, json};

use crate::support::{
    environment::TestEnv,
    server::{Reply, ScriptedServer},
};

/// Three achievements of which the PLAN declares nothing, and one sentence in each that says what it needs.
const PLAN: &str = "# PLAN: Shop\n\n## Goal\n\nSell things.\n\n## Desirable Achievements\n\n\
**Achievement 1.1**: Catalogue\n\n- **Goal**: store every article in `catalogue.db`\n- **Effort**: 2-3 hours\n\n\
**Achievement 1.2**: Prices\n\n- **Goal**: add prices to the catalogue\n- **Effort**: 1 hour\n\n\
**Achievement 1.3**: Page\n\n- **Goal**: show articles with their prices\n- **Effort**: 4-6 hours\n\n\
**Achievement 1.4**: Export\n\n- **Goal**: write the catalogue as CSV\n- **Effort**: 2 hours\n";

fn entry(id: &str, needs: &[(&str, &str, &str)], files: &[&str]) -> Value {
    let needs: Vec<Value> =
        needs.iter().map(|(id, kind, reason)| json!({"id": id, "kind": kind, "reason": reason})).collect();
    json!({
        "id": id, "dependencies": needs, "optional_dependencies": [], "files": files, "resources": [], "critical": id == "1.1",
    })
}

fn answer(entries: &[Value]) -> String {
    json!({ "achievements": entries, "hidden_conflicts": [] }).to_string()
}

fn good() -> String {
    answer(&[
        entry("1.1", &[], &["src/catalogue.rs"]),
        entry("1.2", &[("1.1", "technical", "add prices to the catalogue")], &["src/catalogue.rs", "src/price.rs"]),
        entry("1.3", &[("1.2", "technical", "show articles with their prices")], &["src/routes.rs"]),
        entry("1.4", &[("1.1", "technical", "write the catalogue as CSV")], &["src/routes.rs", "src/price.rs"]),
    ])
}

fn cyclic() -> String {
    answer(&[
        entry("1.1", &[("1.3", "resource", "store every article")], &[]),
        entry("1.2", &[("1.1", "technical", "add prices to the catalogue")], &[]),
        entry("1.3", &[("1.2", "technical", "show articles with their prices")], &[]),
        entry("1.4", &[], &[]),
    ])
}

async fn shop(replies: &[String]) -> (ScriptedServer, TestEnv) {
    let replies = replies.iter().map(|text| Reply::Text(text.clone())).collect();
    let server = ScriptedServer::answering(replies).await;
    let env = TestEnv::with_plan_text(PLAN).server(&server.base_url());
    (server, env)
}

fn parallel(env: &TestEnv) -> Value {
    serde_json::from_str(&env.read("plan/parallel.json")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_answer_becomes_a_parallel_json_that_runs() {
    let (server, env) = shop(&[good()]).await;
    let said = env.run(&["analyze", "plan", "--yes"]);
    insta::assert_snapshot!(said, @r"
    wrote plan/parallel.json
    Levels      4 achievements in 3 levels, at most 1 at the same time
    Time        9–12 h one after the other, no less in parallel
    Longest     1.1 → 1.2 → 1.3
    Waited for  1.1 (3)
    Apart       level 2: 1.2 and 1.4 both touch src/price.rs
    Model       1 answer, 1,000 tokens in, 300 out; cost unknown (no prices for this model)
    next: planwave run plan --level 1 --dry-run
    ------- stderr -------
    asking gpt-5-mini
    [exit 0]
    ");
    let file = parallel(&env);
    assert_eq!(
        file["levels"][1]["reason"],
        "Their dependencies all lie in earlier levels. But 1.2 and 1.4 both touch src/price.rs: one at a time."
    );
    let page = &file["levels"][2]["achievements"][0];
    assert_eq!(page["dependencies"], json!(["1.2"]));
    assert_eq!(
        page["dependency_notes"]["1.2"],
        json!({"kind": "technical", "reason": "show articles with their prices", "source": "model"})
    );
    assert_eq!(file["levels"][0]["achievements"][0]["critical"], true);
    assert_eq!(server.bodies().len(), 1);
    assert!(env.read("plan/.planwave/tape.jsonl").contains("hidden_conflicts"));
    let dry = env.run(&["run", "plan", "--level", "1", "--dry-run"]);
    assert!(dry.ends_with("[exit 0]"), "{dry}");
    // It is on the bill, and one operation with what it wrote.
    let bill = env.run(&["cost", "plan", "--by", "achievement"]);
    assert!(bill.contains("the plan as a whole      1        1,000"), "{bill}");
    assert!(env.run(&["undo", "plan", "--yes"]).ends_with("[exit 0]"));
    assert!(!env.path("plan/parallel.json").exists());
    assert!(env.run(&["undo", "plan", "--yes"]).contains("nothing to undo"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strict_schema_is_sent_where_the_model_takes_one() {
    let (server, env) = shop(&[good()]).await;
    env.write("models.toml", "[models.\"json-*\"]\nparams = { structured = \"json_object\" }\n");
    let models = env.path("models.toml").display().to_string();
    let variables = [("PLANWAVE_MODEL_MODELS_FILE", models.as_str())];
    for model in ["gpt-5-mini", "json-1", "a-model-of-this-machine"] {
        let said = env.run_with(&["analyze", "plan", "--yes", "--model", model], &variables);
        assert!(said.ends_with("[exit 0]"), "{said}");
    }
    let formats: Vec<Value> = server.bodies().iter().map(|body| body["response_format"].clone()).collect();
    assert_eq!(formats[1..], [json!({"type": "json_object"}), Value::Null]);
    let format = &formats[0];
    assert_eq!((format["type"].clone(), format["json_schema"]["strict"].clone()), (json!("json_schema"), json!(true)));
    assert_eq!(format["json_schema"]["schema"]["required"], json!(["achievements", "hidden_conflicts"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_go_back_by_name_until_the_answer_can_be_used() {
    let unknown =
        answer(&[entry("1.1", &[("7.7", "technical", "")], &[]), entry("1.2", &[], &[]), entry("1.3", &[], &[])]);
    let (server, env) = shop(&[cyclic(), unknown, format!("Sure!\n```json\n{}\n```\n", good())]).await;
    let said = env.run(&["analyze", "plan", "--yes"]);
    insta::assert_snapshot!(said, @r"
    wrote plan/parallel.json
    Levels      4 achievements in 3 levels, at most 1 at the same time
    Time        9–12 h one after the other, no less in parallel
    Longest     1.1 → 1.2 → 1.3
    Waited for  1.1 (3)
    Apart       level 2: 1.2 and 1.4 both touch src/price.rs
    Model       3 answers, 3,000 tokens in, 900 out; cost unknown (no prices for this model)
    next: planwave run plan --level 1 --dry-run
    ------- stderr -------
    asking gpt-5-mini
    answer 1 has 1 fault: the dependencies form a cycle: 1.1 -[resource]→ 1.3 -[technical]→ 1.2 -[technical]→ 1.1 (each needs the next)
    asking gpt-5-mini again (attempt 2)
    answer 2 has 2 faults: 1.1 names 7.7, which is not in the inventory (and 1 more)
    asking gpt-5-mini again (attempt 3)
    [exit 0]
    ");
    let bodies = server.bodies();
    let last =
        |at: usize| bodies[at]["messages"].as_array().unwrap().last().unwrap()["content"].as_str().unwrap().to_owned();
    insta::assert_snapshot!(last(1), @r"
    planwave checked that answer and cannot use it:

    1. the dependencies form a cycle: 1.1 -[resource]→ 1.3 -[technical]→ 1.2 -[technical]→ 1.1 (each needs the next). Give up the one that the PLAN supports least.

    Give the whole JSON object again with every point mended. What was right stays. The rules and the form are the same.
    ");
    insta::assert_snapshot!(last(2), @r"
    planwave checked that answer and cannot use it:

    1. 1.1 names 7.7, which is not in the inventory.
    2. there is no entry for 1.4.

    Give the whole JSON object again with every point mended. What was right stays. The rules and the form are the same.
    ");
    // Rules, question, the rejected answer, what is wrong with it; only the last answer is quoted.
    assert_eq!(bodies[2]["messages"].as_array().unwrap().len(), 4);
    assert!(bodies[2]["messages"][2]["content"].as_str().unwrap().contains("7.7"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_never_can_be_used_writes_nothing_and_shows_the_cycle() {
    let (server, env) = shop(&[cyclic()]).await;
    let said = env.run(&["analyze", "plan", "--yes", "--max-attempts", "2"]);
    insta::assert_snapshot!(said, @r"
    ------- stderr -------
    asking gpt-5-mini
    answer 1 has 1 fault: the dependencies form a cycle: 1.1 -[resource]→ 1.3 -[technical]→ 1.2 -[technical]→ 1.1 (each needs the next)
    asking gpt-5-mini again (attempt 2)
    2 answers, 2,000 tokens in, 600 out; cost unknown (no prices for this model)
    error: the last of 2 answers cannot be used; nothing written
      the dependencies form a cycle: 1.1 -[resource]→ 1.3 -[technical]→ 1.2 -[technical]→ 1.1 (each needs the next)
        hint: remove 1.3 from the dependencies of 1.1: it is resource, the weakest kind in the cycle
      hint: run it again, raise `--max-attempts`, take another model, or mend an answer and use `--from-response`; the answers are on plan/.planwave/tape.jsonl
    [exit 1]
    ");
    assert_eq!(server.bodies().len(), 2);
    assert!(!env.path("plan/parallel.json").exists());
    // What was paid for is on the tape: its header, two answers, and that they were given up.
    assert_eq!(env.read("plan/.planwave/tape.jsonl").lines().count(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stops_the_provider_stops_the_command() {
    let body = r#"{"error":{"message":"You exceeded your current quota.","type":"insufficient_quota","code":"insufficient_quota"}}"#;
    let server = ScriptedServer::answering(vec![Reply::Status(429, String::from(body))]).await;
    let env = TestEnv::with_plan_text(PLAN).server(&server.base_url());
    let said = env.run(&["analyze", "plan", "--yes"]);
    assert!(said.contains("You exceeded your current quota") && said.ends_with("[exit 4]"), "{said}");
    let server = ScriptedServer::answering(vec![Reply::Refusal(String::from("I would rather not"))]).await;
    let env = env.server(&server.base_url());
    let said = env.run(&["analyze", "plan", "--yes"]);
    assert!(said.contains("the model refused: I would rather not") && said.ends_with("[exit 1]"), "{said}");
    assert!(!env.path("plan/parallel.json").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_stays_and_the_change_is_shown() {
    let (server, env) = shop(&[good()]).await;
    assert!(env.run(&["analyze", "plan", "--declared"]).ends_with("[exit 0]"));
    let mut file = parallel(&env);
    file["team"] = json!("blue");
    let achievements = &mut file["levels"][0]["achievements"];
    achievements[2]["executor"] = json!("Bo");
    achievements[2]["ticket"] = json!(17);
    // By hand: 1.4 waits for 1.3.
    achievements[3]["dependencies"] = json!(["1.2"]);
    achievements[3]["dependency_notes"] = json!({"1.2": {"source": "manual", "reason": "Bo said so"}});
    env.write("plan/parallel.json", &file.to_string());
    env.write("plan/execution/feedbacks/APPROVED_11.md", "# Approved\n\nGood work.\n");

    let before = env.read("plan/parallel.json");
    let said = env.run(&["analyze", "plan", "--declared"]);
    assert!(said.ends_with("[exit 2]"), "{said}");
    assert_eq!(env.read("plan/parallel.json"), before);

    let said = env.run(&["analyze", "plan", "--yes"]);
    let completed = parallel(&env)["levels"][0]["achievements"][0]["completed_at"].as_str().unwrap().to_owned();
    let said = said.replace(&completed, "<when APPROVED was written>");
    insta::assert_snapshot!(said, @r"
    wrote plan/parallel.json
    Levels      4 achievements in 3 levels, at most 1 at the same time
    Left        3 to do, and what follows is about these alone
    Time        7–9 h one after the other, no less in parallel
    Longest     1.2 → 1.3
    Waited for  1.2 (2)
    Apart       level 3: 1.3 and 1.4 both touch src/routes.rs
    Model       1 answer, 1,000 tokens in, 300 out; cost unknown (no prices for this model)
    next: planwave run plan --level 2 --dry-run
    ------- stderr -------
    warning: plan/parallel.json:1:1421: achievement 1.4 depends on 1.2, which stands in level 1 as well, and that level can be worked on in parallel
    asking gpt-5-mini
    Changes to plan/parallel.json:
      + 1.2 needs 1.1 (technical): add prices to the catalogue
      + 1.3 needs 1.2 (technical): show articles with their prices
      + 1.4 needs 1.1 (technical): write the catalogue as CSV
      ~ 1.2 moves from level 1 to level 2
      ~ 1.3 moves from level 1 to level 3
      ~ 1.4 moves from level 1 to level 3
      = 1 achievement stays as it is: complete, or not in the PLAN
    plan/parallel.json: 1 achievement brought up to date
      1.1: not_started → complete; completed_at <when APPROVED was written>
    [exit 0]
    ");
    let text = server.bodies()[0]["messages"][1]["content"].as_str().unwrap().to_owned();
    assert!(text.contains("- 1.1 Catalogue (2–3 hours) [settled: no entry]"), "{text}");
    assert!(text.contains("- 1.4 needs 1.2 (set by hand)"), "{text}");
    let file = parallel(&env);
    assert_eq!(file["team"], "blue");
    let page = &file["levels"][2]["achievements"][0];
    assert_eq!((&page["id"], &page["executor"], &page["ticket"]), (&json!("1.3"), &json!("Bo"), &json!(17)));
    let export = &file["levels"][2]["achievements"][1];
    assert_eq!(export["dependencies"], json!(["1.2", "1.1"]));
    assert_eq!(export["dependency_notes"]["1.2"], json!({"source": "manual", "reason": "Bo said so"}));

    // The same answer again changes nothing, and says so.
    let tape = env.read("plan/.planwave/tape.jsonl");
    env.write("tape.jsonl", &tape);
    let said = env.run(&["analyze", "plan", "--replay", "tape.jsonl"]);
    assert!(said.contains("plan/parallel.json is up to date; nothing written") && said.ends_with("[exit 0]"), "{said}");
}

#[test]
fn an_existing_parallel_json_is_not_changed_unasked() {
    let env = TestEnv::with_plan(&[vec![], vec![0]]);
    let plan = env.read("plan/PLAN_TEST.md").replace("**Dependencies**: 1.1", "**Dependencies**: None");
    env.write("plan/PLAN_TEST.md", &plan);
    let before = env.read("plan/parallel.json");
    insta::assert_snapshot!(env.run(&["analyze", "plan", "--declared"]), @r"
    ------- stderr -------
    warning: the PLAN declares no dependencies, so all achievements are put in one level
      hint: let a model find them (leave `--declared` out), or add `- **Dependencies**: 1.1` lines to the PLAN
    Changes to plan/parallel.json:
      - 2.1 no longer needs 1.1
      ~ 2.1 moves from level 2 to level 1
    error: this would change plan/parallel.json, and there is no terminal to ask on
      hint: add `--yes` to change it; statuses, executors, times and other fields stay
    [exit 2]
    ");
    assert_eq!(env.read("plan/parallel.json"), before);
    let said = env.run(&["analyze", "plan", "--declared", "--yes"]);
    insta::assert_snapshot!(said, @r"
    wrote plan/parallel.json
    Levels      2 achievements in 1 level, at most 2 at the same time
    Time        4–6 h one after the other, 2–3 h in parallel (50% less)
    next: planwave run plan --level 1 --dry-run
    ------- stderr -------
    warning: the PLAN declares no dependencies, so all achievements are put in one level
      hint: let a model find them (leave `--declared` out), or add `- **Dependencies**: 1.1` lines to the PLAN
    Changes to plan/parallel.json:
      - 2.1 no longer needs 1.1
      ~ 2.1 moves from level 2 to level 1
    [exit 0]
    ");
    assert_eq!(parallel(&env)["levels"].as_array().unwrap().len(), 1);
}

#[test]
fn the_cost_is_known_before_anything_is_sent() {
    let env = TestEnv::with_plan_text(PLAN);
    insta::assert_snapshot!(env.run(&["analyze", "plan", "--dry-run"]), @r"
    Dependencies of TEST with gpt-5-mini; tokens counted with o200k_base

    Asked       4 achievements, in one call
    Prompt      1,272 tokens
    Answer      920–32,000 tokens: what is expected, and the cap
    Cost        $0.0022–$0.0643 (prices of 2026-10-12)

    warning: the request would be refused as things are: there is no API key for
             api.openai.com; set the environment variable OPENAI_API_KEY, or
             `model.api_key_command` in your configuration; to try planwave without
             a key, run `planwave demo`

    nothing sent, nothing written
    [exit 0]
    ");
    let said = env.run(&["analyze", "plan", "--dry-run", "--json"]);
    let question: Value = serde_json::from_str(said.strip_suffix("[exit 0]").unwrap()).unwrap();
    assert_eq!((&question["achievements"], &question["settled"]), (&json!(4), &json!(0)));
    assert_eq!(question["warnings"].as_array().unwrap().len(), 1);
    let local = env
        .run_with(&["analyze", "plan", "--dry-run", "--json"], &[("PLANWAVE_MODEL_BASE_URL", "http://localhost:1/v1")]);
    assert!(local.contains("\"warnings\": []"), "{local}");
    insta::assert_snapshot!(env.run(&["analyze", "plan"]), @r"
    ------- stderr -------
    error: there is no API key for api.openai.com
      hint: set the environment variable OPENAI_API_KEY, or `model.api_key_command` in your configuration; to try planwave without a key, run `planwave demo`
    [exit 2]
    ");
    assert_eq!(env.files("plan").into_keys().collect::<Vec<_>>(), ["PLAN_TEST.md"]);
}

#[test]
fn a_plan_that_does_not_fit_is_refused_with_the_numbers() {
    let env = TestEnv::with_plan_text(PLAN);
    env.write("models.toml", "[models.tiny]\ncontext_window = 1300\nmax_output = 500\n");
    let models = env.path("models.toml").display().to_string();
    let variables = [("PLANWAVE_MODEL_MODELS_FILE", models.as_str())];
    let said = env.run_with(&["analyze", "plan", "--dry-run", "--model", "tiny"], &variables);
    assert!(said.contains("tiny takes 1300 in all") && said.ends_with("[exit 2]"), "{said}");
}

#[test]
fn without_a_key_the_prompt_is_pasted_and_the_answer_taken_in() {
    let env = TestEnv::with_plan_text(PLAN);
    let prompt = env.run(&["analyze", "plan", "--prompt"]);
    assert!(prompt.starts_with("You find out in which order") && prompt.ends_with("[exit 0]"), "{prompt}");
    assert!(prompt.contains("<plan>\n# PLAN: Shop") && prompt.contains("- 1.4 Export (2 hours)"), "{prompt}");

    env.write("answer.txt", &cyclic());
    insta::assert_snapshot!(env.run(&["analyze", "plan", "--from-response", "answer.txt"]), @r"
    ------- stderr -------
    error: the answer cannot be used; nothing written
      the dependencies form a cycle: 1.1 -[resource]→ 1.3 -[technical]→ 1.2 -[technical]→ 1.1 (each needs the next)
        hint: remove 1.3 from the dependencies of 1.1: it is resource, the weakest kind in the cycle
      hint: give these points back to the model, or mend the answer, and take it in again
    [exit 2]
    ");
    env.write("answer.txt", &format!("```json\n{}\n```", good()));
    let dry = env.run(&["analyze", "plan", "--from-response", "answer.txt", "--dry-run"]);
    assert!(dry.starts_with("{\n  \"version\": \"1.0.0\"") && dry.ends_with("[exit 0]"), "{dry}");
    assert!(!env.path("plan/parallel.json").exists());
    let said = env.run(&["analyze", "plan", "--from-response", "answer.txt", "--json"]);
    let outcome: Value = serde_json::from_str(said.strip_suffix("[exit 0]").unwrap()).unwrap();
    assert_eq!(outcome["written"], "plan/parallel.json");
    assert_eq!(outcome["hours"]["parallel"], json!({"low": 9.0, "high": 12.0}));
    assert_eq!(parallel(&env)["levels"].as_array().unwrap().len(), 3);
}

#[test]
fn a_reason_that_is_not_in_the_plan_is_a_warning() {
    let env = TestEnv::with_plan_text(PLAN);
    let made_up = good().replace("write the catalogue as CSV", "because the export is important");
    env.write("answer.txt", &made_up);
    let said = env.run(&["analyze", "plan", "--from-response", "answer.txt"]);
    assert!(
        said.contains(
            "warning: 1.4 needs 1.1, says the answer, but the reason it gives is not in the PLAN: look at it"
        ),
        "{said}"
    );
    assert!(said.ends_with("[exit 0]"), "{said}");
}

#[test]
fn the_older_form_is_rewritten_and_keeps_what_it_has() {
    let env = TestEnv::with_plan_text(PLAN);
    let flat = r#"{"plan_name": "TEST", "waves": 3, "achievements": [{"achievement_id": "1.1", "executor": "ana", "mine": [1.50]}]}"#;
    env.write("plan/parallel.json", flat);
    let said = env.run(&["analyze", "plan", "--declared", "--yes"]);
    assert!(said.contains("plan/parallel.json has the older flat form: it is rewritten with levels"), "{said}");
    assert!(said.ends_with("[exit 0]"), "{said}");
    let text = env.read("plan/parallel.json");
    assert!(text.contains(r#""mine": [1.50]"#) && text.contains(r#""waves": 3"#), "{text}");
    let value = parallel(&env);
    let first = &value["levels"][0]["achievements"][0];
    assert_eq!((&first["id"], &first["executor"], &value["plan"]), (&"1.1".into(), &"ana".into(), &"TEST".into()));
    assert!(env.run(&["validate", "plan"]).ends_with("[exit 0]"));
    assert!(env.run(&["undo", "plan", "--yes"]).ends_with("[exit 0]"));
    assert_eq!(env.read("plan/parallel.json"), flat);
}

/// Complete in the files before parallel.json knows, and a PLAN that has changed since.
#[test]
fn a_plan_under_way_is_planned_from_where_it_stands() {
    let achievement = |id: &str, hours: u32, needs: &str| {
        format!(
            "**Achievement {id}**: T{id}\n\n- **Goal**: Do {id}.\n- **Effort**: {hours} hours\n- **Dependencies**: {needs}\n\n"
        )
    };
    let plan = |last: &str| {
        let achievements = [achievement("1.1", 8, "None"), achievement("1.2", 4, "None"), achievement("2.1", 1, "1.1")];
        format!("# PLAN: T\n\n## Achievements\n\n{}{}", achievements.concat(), achievement("2.2", 1, last))
    };
    let env = TestEnv::with_plan_text(&plan("1.2"));
    env.run(&["analyze", "plan", "--declared", "--yes", "--force"]);
    env.write("plan/subplans/SUBPLAN_TEST_11.md", "# SUBPLAN\n\nText.\n");
    for slug in ["11", "12"] {
        env.write(&format!("plan/execution/feedbacks/APPROVED_{slug}.md"), "Fine.\n");
    }
    env.write("plan/PLAN_TEST.md", &plan("1.1, 1.2"));
    let said = env.run(&["analyze", "plan", "--declared", "--yes"]);
    assert!(said.contains("2 achievements brought up to date\n  1.1: not_started → complete; subplan_path"), "{said}");
    assert!(
        said.contains("Left        2 to do") && said.contains("2 h one after the other, 1 h in parallel"),
        "{said}"
    );
    let value = parallel(&env);
    assert_eq!(value["parallelization_strategy"]["left_out"], serde_json::json!(["1.1", "1.2"]));
    let first = &value["levels"][0]["achievements"][0];
    assert_eq!((&first["status"], first["completed_at"].is_string()), (&"complete".into(), true));
    let validated = env.run(&["validate", "plan"]);
    assert!(!validated.contains("PW6"), "{validated}");
    let again = env.run(&["analyze", "plan", "--declared", "--yes"]);
    assert!(again.contains("is up to date; nothing written"), "{again}");
    // Nor is there anything to add where there was no file before.
    env.run(&["analyze", "plan", "--declared", "--force"]);
    assert!(!env.run(&["validate", "plan"]).contains("PW6"));
    assert!(env.run(&["refresh", "plan"]).contains("is up to date"));
}

#[test]
fn two_at_once_wait_for_each_other() {
    let env = TestEnv::with_plan_text(PLAN);
    std::fs::create_dir_all(env.path("plan/.planwave")).unwrap();
    let lock = std::fs::File::create(env.path("plan/.planwave/lock")).unwrap();
    lock.lock().unwrap();
    let said = env.run(&["analyze", "plan", "--declared"]);
    assert!(said.contains("another run holds plan") && said.ends_with("[exit 3]"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_takes_no_schema_is_asked_without_one() {
    let refusal = r#"{"error":{"message":"'response_format' of type 'json_schema' is not supported"}}"#;
    let server = ScriptedServer::answering(vec![Reply::Status(400, refusal.to_owned()), Reply::Text(good())]).await;
    let env = TestEnv::with_plan_text(PLAN).server(&server.base_url());
    let said = env.run(&["analyze", "plan", "--yes", "--max-attempts", "1"]);
    assert!(said.contains("the server takes no schema for the answer; asking without one"), "{said}");
    assert!(said.ends_with("[exit 0]"), "{said}");
    let schemas: Vec<bool> = server.bodies().iter().map(|body| body.get("response_format").is_some()).collect();
    assert_eq!(schemas, [true, false]);
}

/// Starts an analysis with one slow answer, and sends it these signals while it waits; gives its standard error and exit code.
#[cfg(unix)]
fn interrupted(env: &TestEnv, server: &ScriptedServer, grace: &str, signals: &[&str]) -> (String, Option<i32>) {
    let arguments = ["analyze", "plan", "--yes", "--grace", grace];
    let mut command = env.command(&arguments, &[]);
    let mut child = command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    // A child that ends by itself has something to say.
    while server.count() == 0 && child.try_wait().unwrap().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let signals = if server.count() == 0 { &[] } else { signals };
    for signal in signals {
        let id = child.id().to_string();
        assert!(std::process::Command::new("kill").args([signal, id.as_str()]).status().unwrap().success());
    }
    let output = child.wait_with_output().unwrap();
    (String::from_utf8(output.stderr).unwrap(), output.status.code())
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn after_an_interrupt_the_call_in_flight_ends_and_its_answer_is_kept() {
    let slow = std::time::Duration::from_millis(700);
    for (signal, first) in [("-INT", good()), ("-TERM", String::from("no JSON"))] {
        let replies = vec![Reply::Text(first.clone()), Reply::Text(good())];
        let server = ScriptedServer::answering_slowly(replies, slow).await;
        let env = TestEnv::with_plan_text(PLAN).server(&server.base_url());
        env.run(&["analyze", "plan", "--declared"]);
        let before = env.read("plan/parallel.json");
        let (said, code) = interrupted(&env, &server, "60", &[signal]);
        assert_eq!((code, server.count()), (Some(130), 1), "{said}");
        assert!(said.contains("calls in flight have 60 s to end"), "{said}");
        assert!(said.contains("interrupted; nothing written\nthe answer that came in is on the tape"), "{said}");
        assert_eq!(env.read("plan/parallel.json"), before);
        assert!(!env.read("plan/.planwave/tape.jsonl").is_empty());
        // The same command takes the answer from the tape, and asks again only where it cannot be used.
        let again = env.run(&["analyze", "plan", "--yes"]);
        assert!(again.ends_with("[exit 0]"), "{again}");
        assert_eq!(server.count(), if first == good() { 1 } else { 2 });
        assert_ne!(env.read("plan/parallel.json"), before);
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn without_grace_an_interrupt_ends_the_call() {
    let server =
        ScriptedServer::answering_slowly(vec![Reply::Text(good())], std::time::Duration::from_secs(3600)).await;
    let env = TestEnv::with_plan_text(PLAN).server(&server.base_url());
    let (said, code) = interrupted(&env, &server, "0", &["-INT"]);
    assert_eq!((code, said.lines().last()), (Some(130), Some("interrupted; nothing written")), "{said}");
    assert!(!env.path("plan/parallel.json").exists());
    // Nothing is left half done: the next command may begin.
    let declared = env.run(&["analyze", "plan", "--declared"]);
    assert!(declared.ends_with("[exit 0]"), "{declared}");
}
