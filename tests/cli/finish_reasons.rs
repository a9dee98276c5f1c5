//! How an answer ended, in the words of many servers: what is whole, what is asked for again, what is only said.

use crate::support::{
    environment::TestEnv,
    server::{Reply, ScriptedServer},
    subplan_body,
};

const RUN: [&str; 6] = ["run", "plan", "--all", "--stage", "subplan", "--yes"];

fn ended(finish: Option<&'static str>) -> Reply {
    Reply::Ended(subplan_body("1.1", "Executions: 1"), finish)
}

/// The document written before the summary's wrapping.
fn flat(said: &str) -> String {
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_clean_end_is_a_whole_answer() {
    // What the answer ends with, the exit code, how many requests are sent, and what is said.
    let cases = [
        ("stop", 0, 1, "Items 1 done"),
        ("end_turn", 0, 1, "Items 1 done"),
        ("EOS", 0, 1, "Items 1 done"),
        // As `length`: the cap is raised, or the rest is asked for.
        ("max_tokens", 0, 2, "Cut 1.1 subplan: "),
        ("model_length", 0, 2, "Cut 1.1 subplan: "),
        // As `content_filter`: final for the item.
        ("SAFETY", 1, 1, "the provider's content filter stopped the answer"),
        // Anything else is a shortcoming like others.
        ("error", 0, 2, "finish-reason: The answer ended with the finish_reason `error`, so it may not be whole."),
        ("tool_calls", 0, 2, "the finish_reason `tool_calls`"),
        ("weird\u{1b}[31m", 0, 2, "the finish_reason `weird[31m`"),
    ];
    for (finish, exit, requests, message) in cases {
        let server = ScriptedServer::answering(vec![ended(Some(finish)), ended(Some("stop"))]).await;
        let env = TestEnv::with_plan(&[vec![]]).server(&server.base_url());
        let said = env.run(&RUN);
        assert!(said.ends_with(&format!("[exit {exit}]")), "{finish}: {said}");
        assert!(flat(&said).contains(message), "{finish}: {said}");
        assert!(!said.contains("Warning"), "{finish}: {said}");
        assert_eq!((server.count(), env.documents().len()), (requests, 1 - exit), "{finish}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_never_ends_cleanly_fails_the_item() {
    let server = ScriptedServer::answering(vec![ended(Some("error"))]).await;
    let env = TestEnv::with_plan(&[vec![]]).server(&server.base_url());
    let said = env.run(&RUN);
    assert!(said.ends_with("[exit 1]") && flat(&said).contains("3 answers were rejected: The answer ended"), "{said}");
    assert_eq!((server.count(), env.documents().len()), (3, 0));
    // The model is told.
    let told = server.bodies()[1]["messages"].to_string();
    assert!(told.contains("the finish_reason `error`"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_without_a_word_is_accepted_and_seen() {
    for finish in [None, Some(""), Some("null")] {
        let server = ScriptedServer::answering(vec![ended(finish)]).await;
        let env = TestEnv::with_plan(&[vec![]]).server(&server.base_url());
        let said = env.run(&RUN);
        assert!(said.ends_with("[exit 0]"), "{finish:?}: {said}");
        assert!(said.contains("(1 warning: finish-unclear)"), "{finish:?}: {said}");
        let warning = "Warning the server did not say that this document is whole (no finish_reason); look at how it \
                       ends: subplans/SUBPLAN_TEST_11.md";
        assert!(flat(&said).contains(warning), "{finish:?}: {said}");
        let said = env.run(&[&RUN[..], &["--force", "--fresh", "--json"]].concat());
        let json: serde_json::Value = serde_json::from_str(said.split("------- stderr").next().unwrap()).unwrap();
        assert_eq!(json["unclear"], serde_json::json!(["subplans/SUBPLAN_TEST_11.md"]), "{finish:?}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_of_several_parts_says_which_part_had_how_many_answers() {
    let server = ScriptedServer::start(|asked| match (asked.stage, asked.before) {
        ("subplan", _) => {
            Reply::Text(subplan_body("1.1", "Executions: 2 in sequence\n\n1. The first half\n2. The second half"))
        }
        _ => Reply::Text(String::from("no document")),
    })
    .await;
    let env = TestEnv::with_plan(&[vec![]]).server(&server.base_url());
    let said = env.run(&["run", "plan", "--all", "--yes", "--max-attempts", "2", "--concurrency", "1", "--json"]);
    let json: serde_json::Value = serde_json::from_str(said.split("------- stderr").next().unwrap()).unwrap();
    let row = &json["rows"][1];
    let reason = row["reason"].as_str().unwrap();
    assert!(reason.starts_with("part 1 of 2: 2 answers were rejected: "), "{reason}");
    assert!(reason.contains("; part 2 of 2: 2 answers were rejected: "), "{reason}");
    assert_eq!((&row["attempts"], server.count()), (&serde_json::json!(4), 5), "{said}");
}
