//! Bad input: what, where, what to do; exit 2; nothing written.

use crate::support::environment::TestEnv;

#[test]
fn broken_plans_name_file_and_line() {
    let env = TestEnv::with_plan_text("# PLAN: X\n\n## Goal\n\nNothing here.\n");
    insta::assert_snapshot!(env.run(&["plan", "show", "plan"]), @"");
    let twice = "# PLAN: X\n\n## Achievements\n\n**Achievement 1.1**: A\n\n- Effort: 1 hour\n\n**Achievement 1.1**: B\n\n- Effort: 1 hour\n";
    env.write("plan/PLAN_TEST.md", twice);
    insta::assert_snapshot!(env.run(&["plan", "show", "plan"]), @"");
    std::fs::write(env.path("plan/PLAN_TEST.md"), b"# PLAN\n\n## Achievements\n\xff\xfe\n").unwrap();
    insta::assert_snapshot!(env.run(&["plan", "show", "plan/PLAN_TEST.md"]), @"");
}

#[test]
fn there_is_no_plan_where_the_user_points() {
    let env = TestEnv::with_plan_text("x");
    insta::assert_snapshot!(env.run(&["plan", "show", "nowhere"]), @"");
    env.write("empty/readme.txt", "");
    insta::assert_snapshot!(env.run(&["plan", "show", "empty"]), @"");
    insta::assert_snapshot!(env.run(&["plan", "show", "empty/readme.txt"]), @"");
    env.write("plan/PLAN_OTHER.md", "x");
    insta::assert_snapshot!(env.run(&["plan", "show", "plan"]), @"");
}

#[test]
fn without_a_parallel_json_run_says_how_to_get_one() {
    let env = TestEnv::with_plan(&[vec![]]);
    std::fs::remove_file(env.path("plan/parallel.json")).unwrap();
    insta::assert_snapshot!(env.run(&["run", "plan", "--all", "--dry-run"]), @"");
}

#[test]
fn a_cycle_is_printed_as_a_chain_with_the_edge_to_remove() {
    let env = TestEnv::with_plan(&[vec![], vec![0], vec![1]]);
    let text = env.read("plan/parallel.json");
    let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
    value["levels"][0]["achievements"][0]["dependencies"] = serde_json::json!(["3.1"]);
    env.write("plan/parallel.json", &serde_json::to_string_pretty(&value).unwrap());
    insta::assert_snapshot!(env.run(&["run", "plan", "--all", "--yes"]), @"");
}

#[test]
fn a_truncated_parallel_json_is_an_error_and_stays_as_it_is() {
    let env = TestEnv::with_plan(&[vec![]]);
    let text = env.read("plan/parallel.json");
    for broken in ["", &text[..text.len() / 2]] {
        env.write("plan/parallel.json", broken);
        let said = env.run(&["run", "plan", "--all", "--yes"]);
        assert!(said.contains("parallel.json") && said.ends_with("[exit 2]"), "{said}");
        assert_eq!(env.read("plan/parallel.json"), broken);
    }
}

#[test]
fn an_existing_parallel_json_is_not_overwritten_unasked() {
    let env = TestEnv::with_plan(&[vec![]]);
    insta::assert_snapshot!(env.run(&["analyze", "plan", "--declared"]), @"");
    let said = env.run(&["analyze", "plan", "--declared", "--force"]);
    assert!(said.ends_with("[exit 0]"), "{said}");
}

#[test]
fn levels_and_ids_that_do_not_exist() {
    let env = TestEnv::with_plan(&[vec![], vec![0]]);
    insta::assert_snapshot!(env.run(&["run", "plan", "--level", "7", "--dry-run"]), @"");
    insta::assert_snapshot!(env.run(&["run", "plan", "--ids", "9.9", "--dry-run"]), @"");
    insta::assert_snapshot!(env.run(&["run", "plan", "--dry-run"]), @"");
    let said = env.run(&["run", "plan", "--ids", "../etc", "--dry-run"]);
    assert!(said.contains("is not an achievement id") && said.ends_with("[exit 2]"), "{said}");
}

#[test]
fn broken_templates_are_refused_before_anything_is_sent() {
    let env = TestEnv::with_plan(&[vec![]]);
    env.write("plan/planwave.toml", "[prompts]\ndirectory = \"my-prompts\"\n");
    env.write("plan/my-prompts/repair.md", "{{ nothing.of.the.kind }}");
    let said = env.run(&["run", "plan", "--all", "--dry-run"]);
    assert!(said.contains("prompt template repair.md") && said.ends_with("[exit 2]"), "{said}");
}

#[cfg(unix)]
#[test]
fn a_link_out_of_the_plan_directory_is_not_followed() {
    let env = TestEnv::with_plan(&[vec![]]).server("http://127.0.0.1:9/v1");
    env.write("outside/SUBPLAN_TEST_11.md", "secret\n");
    std::os::unix::fs::symlink(env.path("outside"), env.path("plan/subplans")).unwrap();
    let said = env.run(&["run", "plan", "--all", "--yes"]);
    assert!(said.contains("plan/subplans") && said.ends_with("[exit 2]"), "{said}");
}
