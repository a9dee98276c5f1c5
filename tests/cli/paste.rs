//! `planwave prompt` and `planwave import`: a run by hand.

use crate::support::{environment::TestEnv, execution_body, subplan_body};

/// Two achievements of one level, and one that needs the first.
fn three() -> TestEnv {
    TestEnv::with_plan(&[vec![], vec![], vec![0]])
}

/// An answer as a chat gives it.
fn answer(files: &[(&str, String)]) -> String {
    let mut text = String::from("Here you are:\n\n");
    for (path, body) in files {
        text.push_str(&format!("=== FILE: {path} ===\n{body}\n=== END OF FILE ===\n\n"));
    }
    text
}

/// What a command prints for a program, byte for byte.
fn json(env: &TestEnv, arguments: &[&str]) -> serde_json::Value {
    let output = env.command(arguments, &[]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_level_is_asked_for_in_one_prompt_and_taken_in_file_by_file() {
    let env = three();
    let prompt = env.run(&["prompt", "subplans", "plan"]);
    for wanted in [
        "=== FILE: subplans/SUBPLAN_TEST_11.md ===",
        "- subplans/SUBPLAN_TEST_11.md: achievement 1.1\n- subplans/SUBPLAN_TEST_12.md: achievement 1.2\n",
        "<achievement id=\"1.1\" ",
        "<achievement id=\"1.2\" ",
        "2 SUBPLANs of level 1, ",
        "planwave import plan answer.md\n",
    ] {
        assert!(prompt.contains(wanted), "{wanted} is not in\n{prompt}");
    }
    assert_eq!(prompt.matches("What each section answers:").count(), 1, "{prompt}");
    assert!(!prompt.contains("<achievement id=\"2.1\" "), "{prompt}");

    let good = subplan_body("1.1", "Executions: 1");
    let bad = subplan_body("1.2", "Executions: 1").replace("## Approach", "## Thoughts");
    env.write(
        "answer.md",
        &answer(&[
            ("subplans/SUBPLAN_TEST_11.md", good),
            ("SUBPLAN_TEST_12.md", bad),
            ("../../etc/SUBPLAN_TEST_99.md", String::from("x")),
        ]),
    );
    insta::assert_snapshot!(env.run(&["import", "plan", "answer.md", "--out", "again.md"]), @r"
    ------- stderr -------
    answer.md:89: ../../etc/SUBPLAN_TEST_99.md is no document of this plan; not written
    wrote plan/subplans/SUBPLAN_TEST_11.md
    answer.md:46: subplans/SUBPLAN_TEST_12.md is not accepted
      section-missing: The section `## Approach` is missing. Add it after the section `Deliverables`.
    missing subplans/SUBPLAN_TEST_12.md
    level 1: here is the prompt for these only; then: planwave import plan answer.md
    1 document written
    the prompt is in again.md
    [exit 1]
    ");
    let document = env.read("plan/subplans/SUBPLAN_TEST_11.md");
    assert!(document.starts_with("# SUBPLAN") && document.contains("## Approach"), "{document}");
    let again = env.read("again.md");
    assert!(
        again.contains("- subplans/SUBPLAN_TEST_12.md: achievement 1.2\n\nAn earlier answer was not accepted."),
        "{again}"
    );
    assert!(!again.contains("<achievement id=\"1.1\" "), "{again}");
    let parallel = env.read("plan/parallel.json");
    assert!(parallel.contains("\"subplan_path\": \"subplans/SUBPLAN_TEST_11.md\""), "{parallel}");

    env.write("mended.md", &subplan_body("1.2", "Executions: 2\n- first half\n- second half"));
    insta::assert_snapshot!(env.run(&["import", "plan", "mended.md", "--as", "subplans/SUBPLAN_TEST_12.md"]), @r"
    ------- stderr -------
    wrote plan/subplans/SUBPLAN_TEST_12.md
    1 document written, 0 missing
    [exit 0]
    ");
    insta::assert_snapshot!(env.run(&["import", "plan", "answer.md"]), @r"
    ------- stderr -------
    answer.md:89: ../../etc/SUBPLAN_TEST_99.md is no document of this plan; not written
    answer.md:3: subplans/SUBPLAN_TEST_11.md exists and is kept (`--force` replaces it)
    answer.md:46: subplans/SUBPLAN_TEST_12.md exists and is kept (`--force` replaces it)
    0 documents written, 0 missing
    [exit 1]
    ");
    assert_eq!(env.documents(), ["subplans/SUBPLAN_TEST_11.md", "subplans/SUBPLAN_TEST_12.md"]);
}

#[test]
fn the_one_document_that_was_asked_for_is_all() {
    let env = three();
    env.write("one.md", &subplan_body("1.1", "Executions: 1"));
    env.write("bad.md", "## Objective\n\nNo more than that.\n");
    let import = |file: &str, name: &str| env.run(&["import", "plan", file, "--as", &format!("subplans/{name}")]);
    // Others of the level are missing, and nobody asked for them.
    let said = import("one.md", "SUBPLAN_TEST_11.md");
    assert!(said.contains("1 document written") && said.ends_with("[exit 0]"), "{said}");
    let said = import("bad.md", "SUBPLAN_TEST_12.md");
    assert!(said.contains("is not accepted") && said.ends_with("[exit 1]"), "{said}");
}

#[test]
fn executions_need_their_subplan_and_one_document_is_asked_for_as_a_run_would() {
    let env = three();
    insta::assert_snapshot!(env.run(&["prompt", "executions", "plan", "--level", "1"]), @r"
    ------- stderr -------
    warning: no SUBPLAN yet, so left out: 1.1, 1.2
    nothing to ask for: every document exists, or its SUBPLAN is missing
    [exit 1]
    ");
    let subplan = subplan_body("1.1", "Executions: 1");
    let execution = execution_body("1.1");
    let both = [
        ("execution/EXECUTION_TASK_TEST_11_01.md", execution.clone()),
        ("subplans/SUBPLAN_TEST_11.md", subplan),
        ("execution/EXECUTION_TASK_TEST_11_02.md", execution),
    ];
    env.write("answer.md", &answer(&both));
    let said = env.run(&["import", "plan", "answer.md"]);
    assert!(said.contains("plans no such EXECUTION_TASK") && said.ends_with("[exit 1]"), "{said}");
    assert_eq!(env.documents(), ["execution/EXECUTION_TASK_TEST_11_01.md", "subplans/SUBPLAN_TEST_11.md"]);
    assert!(env.read("plan/parallel.json").contains("\"status\": \"execution_created\""));

    let mut json = json(&env, &["prompt", "subplans", "plan", "--ids", "1.2", "--json"]);
    let text = json["prompt"].take();
    assert!(text.as_str().unwrap().starts_with("You are a senior engineer. You write one SUBPLAN"), "{text}");
    assert!(json["tokens"].take().as_u64().unwrap() > 500);
    insta::assert_snapshot!(json.to_string(), @r#"
    {"kind":"subplans","plan":"TEST","level":1,"documents":["subplans/SUBPLAN_TEST_12.md"],"waiting":[],"tokens":null,"prompt":null,"next":"planwave import plan answer.md --as subplans/SUBPLAN_TEST_12.md"}
    "#);
    let nothing = env.run(&["prompt", "executions", "plan", "--ids", "1.2", "--json"]);
    insta::assert_snapshot!(nothing, @r#"
    {
      "kind": "executions",
      "plan": "TEST",
      "level": null,
      "documents": [],
      "waiting": [
        "1.2"
      ],
      "tokens": 0,
      "prompt": null,
      "next": null
    }
    ------- stderr -------
    warning: no SUBPLAN yet, so left out: 1.2
    nothing to ask for: every document exists, or its SUBPLAN is missing
    [exit 1]
    "#);
    assert!(env.run(&["prompt", "subplans", "plan", "--json", "--out", "x"]).ends_with("[exit 2]"));

    // The prompt for one document is the text of the request that a run sends.
    let prompt = env.run(&["prompt", "subplans", "plan", "--ids", "1.2"]);
    assert!(
        prompt.starts_with("You are a senior engineer. You write one SUBPLAN") && !prompt.contains("=== FILE"),
        "{prompt}"
    );
    assert!(prompt.contains("planwave import plan answer.md --as subplans/SUBPLAN_TEST_12.md"), "{prompt}");
}

#[test]
fn dependencies_are_asked_for_by_hand_too() {
    let env = three();
    let anew = env.run(&["prompt", "discovery", "plan"]);
    assert!(anew.contains("1.1") && anew.contains("2.1") && anew.ends_with("[exit 0]"), "{anew}");
    assert!(anew.contains("planwave analyze plan --from-response answer.json"), "{anew}");
    // The same prompt that `analyze` would send.
    let sent = env.run(&["analyze", "plan", "--prompt"]);
    let update = env.run(&["prompt", "update", "plan"]);
    assert!(update.starts_with(sent.split("------- stderr").next().unwrap().trim_end_matches("[exit 0]")), "{update}");
    assert!(env.run(&["prompt", "update", "plan", "--level", "1"]).contains("about the whole PLAN"));
    let json = json(&env, &["prompt", "update", "plan", "--json"]);
    assert_eq!(json["next"], "planwave analyze plan --from-response answer.json");
    assert!(update.starts_with(json["prompt"].as_str().unwrap().replace('\\', "/").trim_end()));
    env.write("answer.json", "{\"achievements\": []}");
    assert!(env.run(&["import", "plan", "answer.json"]).contains("--from-response answer.json` takes them in"));
}

#[test]
fn what_cannot_be_taken_in_is_said_and_nothing_is_overwritten() {
    let env = three();
    env.write("prose.md", "I would rather not.\n");
    insta::assert_snapshot!(env.run(&["import", "plan", "prose.md"]), @r"
    ------- stderr -------
    error: prose.md holds no document: there is no line `=== FILE: … ===`
      hint: where the whole answer is one document, name it: `--as subplans/SUBPLAN_X_31.md`
    [exit 2]
    ");
    insta::assert_snapshot!(env.run(&["import", "plan", "prose.md", "--as", "PLAN_TEST.md"]), @r"
    ------- stderr -------
    error: PLAN_TEST.md is no document of this plan
      hint: a document is named such as subplans/SUBPLAN_X_31.md
    [exit 2]
    ");
    insta::assert_snapshot!(env.run(&["import", "plan", "none.md"]), @r"
    ------- stderr -------
    error: cannot read none.md: No such file or directory (os error 2)
    [exit 2]
    ");
    insta::assert_snapshot!(env.run(&["prompt", "subplans", "plan", "--ids", "1.1,2.1"]), @r"
    ------- stderr -------
    error: 2.1 is of level 2, others are of level 1
      hint: a prompt serves one level, since its documents share what comes first
    [exit 2]
    ");
    env.write("taken.md", "mine");
    insta::assert_snapshot!(env.run(&["prompt", "subplans", "plan", "--out", "taken.md"]), @r"
    ------- stderr -------
    error: `--out`: taken.md exists already
      hint: no file is overwritten: name another, or remove this one
    [exit 2]
    ");
    assert_eq!(env.read("taken.md"), "mine");
    assert!(env.documents().is_empty());

    env.write("plan/subplans/SUBPLAN_TEST_11.md", &subplan_body("1.1", "Executions: 1"));
    let before = env.read("plan/subplans/SUBPLAN_TEST_11.md");
    env.write("answer.md", &answer(&[("subplans/SUBPLAN_TEST_11.md", subplan_body("1.1", "Executions: 1 in all"))]));
    let said = env.run(&["import", "plan", "answer.md"]);
    assert!(said.contains("exists and is kept (`--force` replaces it)"), "{said}");
    assert_eq!(env.read("plan/subplans/SUBPLAN_TEST_11.md"), before);
    let said = env.run(&["import", "plan", "answer.md", "--force"]);
    assert!(said.contains("wrote plan/subplans/SUBPLAN_TEST_11.md"), "{said}");
    assert_ne!(env.read("plan/subplans/SUBPLAN_TEST_11.md"), before);
}
