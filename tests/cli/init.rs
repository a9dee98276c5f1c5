//! `planwave init`: a new PLAN from a pattern.

use crate::support::{canary, environment::TestEnv};

fn empty() -> TestEnv {
    TestEnv::with_plan_text("# PLAN: other\n")
}

/// The date in the PLAN is that of the day.
#[test]
fn a_new_plan_says_what_to_fill_in_and_can_be_planned_at_once() {
    let env = empty();
    insta::assert_snapshot!(env.run(&["init", "SHOP", "--pattern", "two-tracks"]), @r"
    Made SHOP/PLAN_SHOP.md and parallel.json: 7 achievements in 4 levels (pattern two-tracks).

    Fill in:  33 places marked `[FILL: …]` in SHOP/PLAN_SHOP.md
              titles, estimates and dependencies are suggestions; so is the number of achievements
    Then:     planwave analyze SHOP --declared   (after a change of achievements or dependencies)
              planwave run SHOP --level 1 --dry-run
    [exit 0]
    ");
    let files: Vec<String> = env.files("SHOP").into_keys().collect();
    assert_eq!(files, ["PLAN_SHOP.md", "parallel.json"]);
    let dry_run = ["run", "SHOP", "--level", "4", "--stage", "subplan", "--dry-run"];
    insta::assert_snapshot!(env.run_with(&dry_run, &[("OPENAI_API_KEY", canary::KEY)]), @r"
    SHOP with gpt-5-mini; tokens counted with o200k_base

      ITEM         TITLE              ESTIMATE   PROMPT          ANSWER
    Level 4: 1 document; 630 tokens of each prompt are shared
      3.1 subplan  Join both tracks      3–5 h    1,169    2,000–32,000
          subplans/SUBPLAN_SHOP_31.md
          needs 1.3 (not_started), 2.3 (not_started)

    PROMPT and ANSWER are tokens; ANSWER is what is expected and the cap.

    Total   1 SUBPLAN
    Tokens  3,169–33,169; prompts 1,169
    Cost    $0.0043–$0.0643, less than $0.01 (prices of 2026-10-12)

    warning: 3.1 depends on 1.3, which has no SUBPLAN yet: its PLAN text is used
    warning: 3.1 depends on 2.3, which has no SUBPLAN yet: its PLAN text is used
    warning: SHOP/PLAN_SHOP.md: places marked `[FILL: …]` are not filled in: Goal,
             Problem Statement, Scope, Constraints, 1.1, 1.2 and 5 more

    nothing sent, nothing written
    [exit 0]
    ");
}

#[test]
fn nothing_is_ever_overwritten() {
    let env = empty();
    let before = env.files("plan");
    insta::assert_snapshot!(env.run(&["init", "SHOP", "plan"]), @r"
    ------- stderr -------
    error: plan/PLAN_TEST.md is there already
      hint: nothing was written; name another directory: `planwave init NAME DIRECTORY`
    [exit 2]
    ");
    assert_eq!(env.files("plan"), before);
    env.write("half/parallel.json", "{}");
    insta::assert_snapshot!(env.run(&["init", "SHOP", "half"]), @r"
    ------- stderr -------
    error: half/parallel.json is there already
      hint: nothing was written; name another directory: `planwave init NAME DIRECTORY`
    [exit 2]
    ");
    assert_eq!(env.files("half").len(), 1);
}

#[test]
fn patterns_of_ones_own() {
    let env = empty();
    let pattern = "summary = \"One thing\"\nwhen = \"Always.\"\n[[priority]]\ntitle = \"All\"\n[[priority.achievement]]\nid = \"1.1\"\n\
                   title = \"Do it\"\nestimate = \"1 hour\"\nsuccess = \"Done.\"\n";
    env.write("patterns/one.toml", pattern);
    env.write("planwave.toml", "[init]\npatterns_directory = \"patterns\"\n");
    let listed = env.run(&["init", "--list"]);
    assert!(listed.contains("two-tracks\n") && listed.contains("one\n  One thing\n  Always.\n"), "{listed}");
    let made = env.run(&["init", "A", "--pattern", "one"]);
    assert!(made.contains("1 achievement in 1 level") && made.ends_with("[exit 0]"), "{made}");
    let made = env.run(&["init", "B", "--pattern", "patterns/one.toml"]);
    assert!(made.ends_with("[exit 0]"), "{made}");
    env.write("bad.toml", &pattern.replace("success", "sucess"));
    insta::assert_snapshot!(env.run(&["init", "C", "--pattern", "bad.toml"]), @r#"
    ------- stderr -------
    error: bad.toml: TOML parse error at line 9, column 1
      |
    9 | sucess = "Done."
      | ^^^^^^
    unknown field `sucess`, expected one of `id`, `title`, `estimate`, `depends_on`, `success`
      hint: a pattern has `summary`, `when`, and `[[priority]]` with `title` and `[[priority.achievement]]`, each with `id`, `title`, `estimate`, `success` and perhaps `depends_on`; docs/guide.md shows one
    [exit 2]
    "#);
    insta::assert_snapshot!(env.run(&["init", "C", "--pattern", "two_tracks"]), @r"
    ------- stderr -------
    error: there is no pattern `two_tracks`
      hint: built in are sequential-foundation, parallel, two-tracks, three-tracks; a pattern of your own is a file: `--pattern mine.toml`
    [exit 2]
    ");
    insta::assert_snapshot!(env.run(&["init", "../C"]), @r"
    ------- stderr -------
    error: `../C` cannot be a plan's name: use letters, digits, `-`, `_` and inner dots, at most 100 of them
    [exit 2]
    ");
    let cycle = format!("{pattern}depends_on = [\"1.1\"]\n");
    env.write("cycle.toml", &cycle);
    insta::assert_snapshot!(env.run(&["init", "C", "--pattern", "cycle.toml"]), @r"
    ------- stderr -------
    error: cycle.toml: achievement 1.1 depends on itself
    [exit 2]
    ");
    assert!(!env.path("C").exists());
    // One that is broken hides no other, and nothing comes of texts that a PLAN could not hold.
    env.write("patterns/broken.toml", &pattern.replace("1 hour", "soon"));
    let listed = env.run(&["init", "--list"]);
    assert!(listed.contains("one\n  One thing\n") && listed.ends_with("[exit 0]"), "{listed}");
    assert!(listed.contains("broken.toml: achievement 1.1: `soon` cannot be read as hours"), "{listed}");
    let made = env.command(&["init", "D", "--pattern", "one", "--json"], &[]).output().unwrap();
    let made: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
    assert_eq!((&made["plan"], &made["achievements"], &made["levels"]), (&"D".into(), &1.into(), &1.into()));
}
