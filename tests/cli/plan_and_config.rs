//! `plan show`, `config show`, and the help.

use crate::support::{canary, environment::TestEnv};

#[test]
fn plan_show_prints_what_was_understood() {
    let env = TestEnv::with_plan(&[vec![], vec![0]]);
    insta::assert_snapshot!(env.run(&["plan", "show", "plan"]), @r"
    PLAN TEST: Test
    2 achievements, 4-6 h

    1.1 Part 1.1
        2-3 h · line 9
        goal: Have part 1.1
        deliverables (1):
          - `part_1.1.rs`
        success criteria: 1

    2.1 Part 2.1
        2-3 h · line 19
        goal: Have part 2.1
        needs: 1.1
        deliverables (1):
          - `part_2.1.rs`
        success criteria: 1
    [exit 0]
    ");
    let json = env.run(&["plan", "show", "plan/parallel.json", "--json"]);
    let json: serde_json::Value = serde_json::from_str(json.strip_suffix("[exit 0]").unwrap()).unwrap();
    assert_eq!(json["plan"], "TEST");
    assert_eq!(json["achievements"][1]["dependencies"], serde_json::json!(["1.1"]));
    assert_eq!(json["achievements"][1]["estimated_hours"], serde_json::json!({"low": 2.0, "high": 3.0}));
}

#[test]
fn titles_cannot_drive_the_terminal() {
    let env = TestEnv::with_plan(&[vec![]]);
    let plan = env.read("plan/PLAN_TEST.md").replace(": Part 1.1", ": Part \u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}1.1");
    env.write("plan/PLAN_TEST.md", &plan);
    for arguments in [&["plan", "show", "plan"][..], &["run", "plan", "--all", "--dry-run"]] {
        let said = env.run(arguments);
        assert!(said.contains("Part"), "{said}");
        assert!(!said.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{said:?}");
    }
}

#[test]
fn config_show_names_the_origin_of_each_value() {
    let env = TestEnv::with_plan(&[vec![]]);
    env.write("plan/planwave.toml", "[run]\nconcurrency = 3\n");
    let said =
        env.run_with(&["config", "show", "plan"], &[("PLANWAVE_RUN_ORDER", "ready"), ("OPENAI_API_KEY", canary::KEY)]);
    let line = |key: &str| said.lines().find(|line| line.starts_with(key)).unwrap_or_default().to_owned();
    assert!(line("concurrency").contains("= 3") && line("concurrency").contains("planwave.toml:2"), "{said}");
    assert!(line("order").contains("PLANWAVE_RUN_ORDER"), "{said}");
    assert!(line("max_attempts").ends_with("# default"), "{said}");
    assert!(said.contains("set (32 characters), from OPENAI_API_KEY"), "{said}");
}

#[test]
fn an_unknown_key_suggests_the_nearest() {
    let env = TestEnv::with_plan(&[vec![]]);
    env.write("plan/planwave.toml", "[run]\nconcurency = 3\n");
    insta::assert_snapshot!(env.run(&["config", "show", "plan"]), @r"
    ------- stderr -------
    error: plan/planwave.toml:2: unknown key `run.concurency`
      hint: did you mean `run.concurrency`?
    [exit 2]
    ");
}
