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
    // The SUBPLANs' prompts are known; what follows from them is not, before they are there.
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
