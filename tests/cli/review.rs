//! `model.review`: a second opinion on each document.

use crate::support::{
    environment::TestEnv,
    server::{Reply, ScriptedServer},
    subplan_body,
};

fn text(text: &str) -> Reply {
    Reply::Text(text.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_review_shows_to_be_wrong_goes_back_once_and_is_in_events_summary_and_forecast() {
    let first = subplan_body("1.1", "Executions: 1");
    let second = first.replace("within 5 ms", "within 4 ms");
    let fail = r#"{"verdict": "fail", "faults": [
        {"criterion": "consistent", "quote": "answers the layer above within 5 ms", "fault": "The PLAN allows 4 ms."},
        {"criterion": "invented", "quote": "a passage that nobody wrote", "fault": "It is invented."}]}"#;
    let server = ScriptedServer::answering(vec![text(&first), text(fail), text(&second)]).await;
    let env = TestEnv::with_plan(&[vec![]]).server(&server.base_url());
    let run = |arguments: &[&str], review: &str| {
        let output = env.command(arguments, &[("PLANWAVE_MODEL_REVIEW", review)]).output().unwrap();
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let dry = |review: &str| -> serde_json::Value {
        let (stdout, stderr) = run(&["run", "plan", "--all", "--stage", "subplan", "--dry-run", "--json"], review);
        serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}{stderr}"))
    };
    let (without, with) = (dry("off"), dry("same"));
    assert_eq!(with["totals"]["reviews"], 1);
    let tokens = |forecast: &serde_json::Value| forecast["totals"]["prompt_tokens"].as_u64().unwrap();
    assert!(tokens(&with) > 2 * tokens(&without), "{with}");

    let (stdout, stderr) =
        run(&["run", "plan", "--all", "--stage", "subplan", "--yes", "--json", "--events", "events.jsonl"], "same");
    let summary: serde_json::Value = serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stderr}"));
    assert_eq!(summary["reviews"]["failed"], 1, "{summary}");
    let events = env.read("events.jsonl");
    assert!(events.contains(r#""event":"answer_reviewed""#) && events.contains(r#""verdict":"fail""#), "{events}");
    assert!(events.contains(r#""code":"review""#), "{events}");
    assert!(env.read("plan/subplans/SUBPLAN_TEST_11.md").contains("within 4 ms"));

    let bodies = server.bodies();
    assert_eq!(bodies.len(), 3, "the second document is not judged again");
    let message = |body: usize, at: usize| bodies[body]["messages"][at]["content"].as_str().unwrap().to_owned();
    assert!(message(1, 1).starts_with(&message(0, 1)), "the review begins as the task did, for the provider's cache");
    assert!(message(1, 1).contains(first.trim_end()));
    let back = message(2, 3);
    assert!(back.contains("The PLAN allows 4 ms.") && !back.contains("invented"), "{back}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_review_that_fails_or_cannot_be_read_costs_no_document() {
    let first = subplan_body("1.1", "Executions: 1");
    let refused = Reply::Status(400, String::from(r#"{"error": {"message": "no"}}"#));
    for reply in [text("It looks fine to me."), refused] {
        let server = ScriptedServer::answering(vec![text(&first), reply]).await;
        let env = TestEnv::with_plan(&[vec![]]).server(&server.base_url());
        let arguments = ["run", "plan", "--all", "--stage", "subplan", "--yes", "--json"];
        let output = env.command(&arguments, &[("PLANWAVE_MODEL_REVIEW", "same")]).output().unwrap();
        let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&summary["reviews"]["unknown"], &summary["documents"]), (&1.into(), &1.into()), "{summary}");
        assert_eq!(server.count(), 2);
    }
}
