//! What an earlier run paid for is not bought again: the plan's own tape.

use crate::support::{
    environment::TestEnv,
    server::{Asked, Reply, ScriptedServer, good},
    subplan_body,
};

const RUN: [&str; 5] = ["run", "plan", "--level", "1", "--yes"];

/// Two achievements of one level, and one that needs both.
fn shape() -> Vec<Vec<usize>> {
    vec![vec![], vec![], vec![0, 1]]
}

fn remove_documents(env: &TestEnv) {
    std::fs::remove_dir_all(env.path("plan/subplans")).unwrap();
    std::fs::remove_dir_all(env.path("plan/execution")).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_that_are_gone_come_back_for_nothing_unless_fresh_ones_are_asked_for() {
    let server = ScriptedServer::start(good).await;
    let env = TestEnv::with_plan(&shape()).server(&server.base_url());
    assert!(env.run(&RUN).ends_with("[exit 0]"));
    let before: Vec<String> = env.documents().iter().map(|name| env.read(&format!("plan/{name}"))).collect();
    assert_eq!(server.count(), 4);

    remove_documents(&env);
    let said = env.run(&RUN);
    assert!(said.contains("4 answers from the tape, paid for earlier; `--fresh` asks again"), "{said}");
    assert!(said.contains("found: 4 answers on the tape; what they answer is not asked again"), "{said}");
    assert_eq!(server.count(), 4);
    let after: Vec<String> = env.documents().iter().map(|name| env.read(&format!("plan/{name}"))).collect();
    assert_eq!(after, before);

    let said = env.run(&[&RUN[..], &["--fresh", "--force"]].concat());
    assert!(said.ends_with("[exit 0]"), "{said}");
    assert_eq!(server.count(), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_one_achievement_asks_for_that_one_again() {
    let server = ScriptedServer::start(good).await;
    let env = TestEnv::with_plan(&shape()).server(&server.base_url());
    assert!(env.run(&RUN).ends_with("[exit 0]"));
    remove_documents(&env);
    let plan = env.read("plan/PLAN_TEST.md");
    // Its title and its deliverables stand in its neighbour's prompt, too.
    env.write(
        "plan/PLAN_TEST.md",
        &plan.replace("**Achievement 1.1**: Part 1.1", "**Achievement 1.1**: The first part"),
    );
    let said = env.run(&RUN);
    assert!(said.ends_with("[exit 0]"), "{said}");
    let sent: Vec<String> =
        server.bodies()[4..].iter().map(|body| body["messages"][1]["content"].to_string()).collect();
    assert_eq!(sent.len(), 2);
    assert!(sent.iter().all(|text| text.contains("of achievement 1.1")), "{sent:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_that_was_given_up_is_tried_afresh() {
    let script = |asked: &Asked| {
        if asked.id == "1.1" && asked.before < 2 {
            return Reply::Text(subplan_body("1.1", "Executions: 1").replace("## Approach", "## Thoughts"));
        }
        good(asked)
    };
    let server = ScriptedServer::start(script).await;
    let env = TestEnv::with_plan(&shape()).server(&server.base_url());
    let said = env.run(&[&RUN[..], &["--max-attempts", "2", "--stage", "subplan"]].concat());
    assert!(said.contains("1 failed") && said.ends_with("[exit 1]"), "{said}");
    assert_eq!(server.count(), 3);
    let said = env.run(&[&RUN[..], &["--max-attempts", "2", "--stage", "subplan"]].concat());
    assert!(said.ends_with("[exit 0]"), "{said}");
    // Not the rejected answer once more: the request was sent again.
    assert_eq!(server.count(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_to_the_tape_is_told_and_costs_only_what_is_damaged() {
    let server = ScriptedServer::start(good).await;
    let env = TestEnv::with_plan(&shape()).server(&server.base_url());
    assert!(env.run(&[&RUN[..], &["--concurrency", "1"]].concat()).ends_with("[exit 0]"));
    remove_documents(&env);
    let tape = env.read("plan/.planwave/tape.jsonl");
    let lines: Vec<&str> = tape.lines().collect();
    let (second, last) = (&lines[1][..100], &lines[4][..100]);
    env.write("plan/.planwave/tape.jsonl", &[lines[0], second, lines[2], lines[3], last].join("\n"));
    env.write("plan/subplans/.planwave-1-2.tmp", "half a docu");
    let said = env.run(&RUN);
    insta::assert_snapshot!(said.lines().find(|line| line.starts_with("found")).unwrap(), @"found: the tape's last line was cut short and is gone; line 2 of the tape cannot be read and moved to .planwave/tape.damaged.jsonl; 1 unfinished file removed; 2 answers on the tape; what they answer is not asked again");
    assert_eq!(server.count(), 4 + 2);
    assert_eq!(env.read("plan/.planwave/tape.damaged.jsonl"), format!("{second}\n"));
    assert_eq!(env.documents().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_on_the_tape_is_no_cost_of_a_dry_run() {
    let server = ScriptedServer::start(good).await;
    let env = TestEnv::with_plan(&shape()).server(&server.base_url());
    assert!(env.run(&RUN).ends_with("[exit 0]"));
    std::fs::remove_file(env.path(&format!("plan/{}", env.documents()[0]))).unwrap();
    std::fs::remove_dir_all(env.path("plan/subplans")).unwrap();
    let said = env.run(&["run", "plan", "--level", "1", "--stage", "subplan", "--dry-run"]);
    assert!(said.contains("Total   2 SUBPLANs; 2 of them from the tape, paid for earlier"), "{said}");
    assert!(said.contains("subplans/SUBPLAN_TEST_11.md  (answered from the tape)"), "{said}");
    assert!(said.contains("Tokens  0; prompts 0\n"), "{said}");

    let said = env.run(&["run", "plan", "--level", "1", "--stage", "subplan", "--dry-run", "--fresh"]);
    assert!(!said.contains("tape"), "{said}");

    let plan = env.read("plan/PLAN_TEST.md");
    env.write("plan/PLAN_TEST.md", &plan.replace("Part 1.1", "The first part"));
    let said = env.run(&["run", "plan", "--level", "1", "--stage", "subplan", "--dry-run"]);
    assert!(said.contains("Total   2 SUBPLANs; 1 of them from the tape"), "{said}");
    assert_eq!(server.count(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_undo_everything_comes_from_the_tape_and_nobody_has_to_agree_to_pay() {
    let server = ScriptedServer::start(|asked: &Asked| match asked.stage {
        "subplan" if asked.id == "1.2" => {
            Reply::Text(subplan_body("1.2", "Executions: 2 in parallel\n\n1. The parser\n2. The printer"))
        }
        _ => good(asked),
    })
    .await;
    let env = TestEnv::with_plan(&shape()).server(&server.base_url());
    let all = ["run", "plan", "--all"];
    assert!(env.run(&[&all[..], &["--yes"]].concat()).ends_with("[exit 0]"));
    let before: Vec<String> = env.documents().iter().map(|name| env.read(&format!("plan/{name}"))).collect();
    let sent = server.count();
    assert!(env.run(&["undo", "plan", "--yes"]).ends_with("[exit 0]"));

    // Each SUBPLAN is known by its answer, and so are its EXECUTIONs and what depends on it.
    let said = env.run(&[&all[..], &["--dry-run"]].concat());
    let total = format!("Total   3 SUBPLANs and 4 EXECUTIONs; {sent} of them from the tape, paid for earlier");
    assert!(said.contains(&total) && said.contains("Tokens  0; prompts 0\n"), "{said}");
    assert!(said.contains("Cost    nothing") && !said.contains("estimate:"), "{said}");
    assert_eq!(said.matches("(answered from the tape)").count(), sent);

    let said = env.run(&all);
    assert!(said.ends_with("[exit 0]") && said.contains("Cost    nothing"), "{said}");
    let after: Vec<String> = env.documents().iter().map(|name| env.read(&format!("plan/{name}"))).collect();
    assert_eq!(after, before);
    assert_eq!(server.count(), sent);

    // One answer is missing: what it costs has to be agreed to.
    assert!(env.run(&["undo", "plan", "--yes"]).ends_with("[exit 0]"));
    let tape = env.read("plan/.planwave/tape.jsonl");
    let (rest, _) = tape.trim_end().rsplit_once('\n').unwrap();
    env.write("plan/.planwave/tape.jsonl", &format!("{rest}\n"));
    let said = env.run(&all);
    assert!(said.ends_with("[exit 2]") && said.contains("add `--yes`"), "{said}");
    assert_eq!(server.count(), sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_answer_on_the_tape_is_no_document_and_the_next_request_is_counted() {
    let script = |asked: &Asked| {
        if asked.id == "1.1" && asked.stage == "subplan" && asked.before == 0 {
            return Reply::Text(subplan_body("1.1", "Executions: 1").replace("## Approach", "## Thoughts"));
        }
        good(asked)
    };
    let server = ScriptedServer::start(script).await;
    let env = TestEnv::with_plan(&shape()).server(&server.base_url());
    let run = ["run", "plan", "--ids", "1.1", "--stage", "subplan"];
    assert!(env.run(&[&run[..], &["--yes"]].concat()).ends_with("[exit 0]"));
    assert_eq!(server.count(), 2);
    let whole = env.read("plan/.planwave/tape.jsonl");
    let input = |body: &serde_json::Value| body["messages"].as_array().unwrap().len();
    assert_eq!(server.bodies().iter().map(input).collect::<Vec<_>>(), [2, 4]);
    std::fs::remove_dir_all(env.path("plan/subplans")).unwrap();

    let dry = [&run[..], &["--dry-run", "--json"]].concat();
    let forecast = |env: &TestEnv| -> serde_json::Value {
        let said = env.run(&dry);
        serde_json::from_str(&said[..said.find("------- stderr").unwrap_or_else(|| said.rfind("[exit").unwrap())])
            .unwrap()
    };
    // Both answers: the rejected one, and the one that mended it.
    assert_eq!(forecast(&env)["totals"]["remembered"], 1);

    // As after a kill while it was mended.
    let lines: Vec<&str> = whole.lines().collect();
    env.write("plan/.planwave/tape.jsonl", &format!("{}\n{}\n", lines[0], lines[1]));
    let counted = forecast(&env);
    let document = &counted["levels"][0]["documents"][0];
    assert_eq!((&counted["totals"]["remembered"], &document["answers_before"]), (&0.into(), &1.into()));
    std::fs::remove_file(env.path("plan/.planwave/tape.jsonl")).unwrap();
    let first = forecast(&env)["levels"][0]["documents"][0]["prompt_tokens"].as_u64().unwrap();
    // The rejected answer goes back with what is wrong with it.
    assert!(document["prompt_tokens"].as_u64().unwrap() > first + 50, "{document}");

    env.write("plan/.planwave/tape.jsonl", &format!("{}\n{}\n", lines[0], lines[1]));
    let said = env.run(&[&run[..], &["--dry-run"]].concat());
    assert!(said.contains("subplans/SUBPLAN_TEST_11.md  (goes on behind 1 answer on the tape)"), "{said}");
    assert!(env.run(&run).ends_with("[exit 2]"));
    assert!(env.run(&[&run[..], &["--yes"]].concat()).ends_with("[exit 0]"));
    assert_eq!(server.count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tape_without_its_header_or_its_last_line_end_costs_nothing() {
    let server = ScriptedServer::start(good).await;
    let env = TestEnv::with_plan(&shape()).server(&server.base_url());
    assert!(env.run(&RUN).ends_with("[exit 0]"));
    remove_documents(&env);
    let tape = env.read("plan/.planwave/tape.jsonl");
    env.write("plan/.planwave/tape.jsonl", &tape.trim_end().replacen("{\"tape\"", "{\"ta", 1));
    let said = env.run(&RUN);
    insta::assert_snapshot!(said.lines().find(|line| line.starts_with("found")).unwrap(), @"found: line 1 of the tape cannot be read and moved to .planwave/tape.damaged.jsonl; 4 answers on the tape; what they answer is not asked again");
    assert!(said.ends_with("[exit 0]"), "{said}");
    assert_eq!(server.count(), 4);

    env.write("plan/.planwave/tape.jsonl", &tape.replacen("{\"tape\":1", "{\"tape\":2", 1));
    remove_documents(&env);
    let said = env.run(&RUN);
    assert!(said.contains("format version 2") && said.ends_with("[exit 2]"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn executions_that_a_new_subplan_does_not_plan_go_unless_somebody_worked_on_them() {
    let server = ScriptedServer::start(|asked: &Asked| match (asked.stage, asked.before) {
        ("subplan", 0) => Reply::Text(subplan_body(
            &asked.id,
            "Executions: 3 in parallel\n\n1. The parser\n2. The printer\n3. The rest",
        )),
        _ => good(asked),
    })
    .await;
    let env = TestEnv::with_plan(&shape()).server(&server.base_url());
    let run = ["run", "plan", "--ids", "1.1", "--yes"];
    assert!(env.run(&run).ends_with("[exit 0]"));
    assert_eq!(env.documents().len(), 4);
    let before = env.files("plan");
    let before: Vec<_> = before.iter().filter(|(path, _)| !path.contains(".planwave")).collect();

    let said = env.run(&[&run[..], &["--force", "--fresh"]].concat());
    let also: Vec<&str> = said.lines().filter(|line| line.starts_with("Also")).collect();
    assert_eq!(also.len(), 2, "{said}");
    assert!(said.contains("EXECUTION_TASK_TEST_11_03.md was removed"), "{said}");
    assert_eq!(env.documents().len(), 2);
    assert!(!env.read("plan/parallel.json").contains("_11_02.md"));
    assert!(env.run(&["undo", "plan", "--yes"]).ends_with("[exit 0]"));
    let after = env.files("plan");
    let after: Vec<_> = after.iter().filter(|(path, _)| !path.contains(".planwave")).collect();
    assert_eq!(after, before);

    // What a person wrote there stays, is named, and is counted as any file is.
    let edited = "plan/execution/EXECUTION_TASK_TEST_11_03.md";
    env.write(edited, &format!("{}\nTried it.\n", env.read(edited)));
    let said = env.run(&[&run[..], &["--force", "--fresh"]].concat());
    assert!(said.contains("EXECUTION_TASK_TEST_11_02.md was removed"), "{said}");
    assert!(said.contains("EXECUTION_TASK_TEST_11_03.md stays and is counted"), "{said}");
    assert!(env.read(edited).ends_with("Tried it.\n"));
    assert!(env.read("plan/parallel.json").contains("_11_03.md"));
}
