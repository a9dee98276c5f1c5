//! Bad input: what, where, what to do; exit 2; nothing written.

use crate::support::{canary, environment::TestEnv};

#[test]
fn broken_plans_name_file_and_line() {
    let env = TestEnv::with_plan_text("# PLAN: X\n\n## Goal\n\nNothing here.\n");
    insta::assert_snapshot!(env.run(&["plan", "show", "plan"]), @r#"
    ------- stderr -------
    error: plan/PLAN_TEST.md:5: no achievement found in 5 lines
      hint: write achievements as `**Achievement 1.1**: Title` or `**Achievement 1.1: Title**` at the start of a line, outside of code fences and comments, under a `## ` heading that contains "Achievements"
    [exit 2]
    "#);
    let twice = "# PLAN: X\n\n## Achievements\n\n**Achievement 1.1**: A\n\n- Effort: 1 hour\n\n**Achievement 1.1**: B\n\n- Effort: 1 hour\n";
    env.write("plan/PLAN_TEST.md", twice);
    insta::assert_snapshot!(env.run(&["plan", "show", "plan"]), @r"
    ------- stderr -------
    error: plan/PLAN_TEST.md:9: achievement 1.1 is defined twice: at line 5 and at line 9
      hint: give one of them an id of its own
    [exit 2]
    ");
    std::fs::write(env.path("plan/PLAN_TEST.md"), b"# PLAN\n\n## Achievements\n\xff\xfe\n").unwrap();
    insta::assert_snapshot!(env.run(&["plan", "show", "plan/PLAN_TEST.md"]), @r"
    ------- stderr -------
    error: plan/PLAN_TEST.md:4: line 4 is not UTF-8 text
      hint: save the file as UTF-8
    [exit 2]
    ");
}

#[test]
fn there_is_no_plan_where_the_user_points() {
    let env = TestEnv::with_plan_text("x");
    insta::assert_snapshot!(env.run(&["plan", "show", "nowhere"]), @r"
    ------- stderr -------
    error: there is no file or directory nowhere
      hint: name a plan directory, a PLAN_<NAME>.md or a parallel.json
    [exit 2]
    ");
    env.write("empty/readme.txt", "");
    insta::assert_snapshot!(env.run(&["plan", "show", "empty"]), @r"
    ------- stderr -------
    error: there is no PLAN_<NAME>.md in empty
      hint: create a PLAN_<NAME>.md there, or name another directory
    [exit 2]
    ");
    insta::assert_snapshot!(env.run(&["plan", "show", "empty/readme.txt"]), @r"
    ------- stderr -------
    error: empty/readme.txt is neither a PLAN_<NAME>.md nor a parallel.json
      hint: a PLAN's file name is PLAN_<NAME>.md, such as PLAN_BILLING.md
    [exit 2]
    ");
    env.write("plan/PLAN_OTHER.md", "x");
    insta::assert_snapshot!(env.run(&["plan", "show", "plan"]), @r"
    ------- stderr -------
    error: plan holds several PLANs: PLAN_OTHER.md, PLAN_TEST.md
      hint: name one of them, such as plan/PLAN_OTHER.md
    [exit 2]
    ");
}

#[test]
fn without_a_parallel_json_run_says_how_to_get_one() {
    let env = TestEnv::with_plan(&[vec![]]);
    std::fs::remove_file(env.path("plan/parallel.json")).unwrap();
    insta::assert_snapshot!(env.run(&["run", "plan", "--all", "--dry-run"]), @r"
    ------- stderr -------
    error: there is no plan/parallel.json
      hint: `planwave analyze plan --declared` writes one from the dependencies that the PLAN declares
    [exit 2]
    ");
}

#[test]
fn a_cycle_is_printed_as_a_chain_with_the_edge_to_remove() {
    let env = TestEnv::with_plan(&[vec![], vec![0], vec![1]]);
    let text = env.read("plan/parallel.json");
    let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
    value["levels"][0]["achievements"][0]["dependencies"] = serde_json::json!(["3.1"]);
    env.write("plan/parallel.json", &serde_json::to_string_pretty(&value).unwrap());
    insta::assert_snapshot!(env.run(&["run", "plan", "--all", "--yes"]), @r"
    ------- stderr -------
    error: plan/parallel.json cannot be used
    plan/parallel.json:19:13: error[PW304]: dependencies form a cycle: 1.1 → 3.1 → 2.1 → 1.1 (each depends on the next) (at levels[0].achievements[0].dependencies[0])
      hint: remove 3.1 from the dependencies of 1.1
    [exit 2]
    ");
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
fn levels_and_ids_that_do_not_exist() {
    let env = TestEnv::with_plan(&[vec![], vec![0]]);
    insta::assert_snapshot!(env.run(&["run", "plan", "--level", "7", "--dry-run"]), @r"
    ------- stderr -------
    error: there is no level 7; parallel.json has levels 1 to 2
      hint: `--all` takes every level
    [exit 2]
    ");
    insta::assert_snapshot!(env.run(&["run", "plan", "--ids", "9.9", "--dry-run"]), @r"
    ------- stderr -------
    error: there is no achievement 9.9, neither in parallel.json nor in the PLAN
      hint: `planwave plan show plan` lists the ids of the PLAN
    [exit 2]
    ");
    insta::assert_snapshot!(env.run(&["run", "plan", "--dry-run"]), @r"
    ------- stderr -------
    error: say what to generate: `--level N`, `--ids 3.1,3.2` or `--all`
      hint: this plan has the levels 1, 2
    [exit 2]
    ");
    let said = env.run(&["run", "plan", "--ids", "../etc", "--dry-run"]);
    assert!(said.contains("is not an achievement id") && said.ends_with("[exit 2]"), "{said}");
}

#[test]
fn where_plan_and_parallel_json_disagree_the_place_is_named() {
    let env = TestEnv::with_plan(&[vec![], vec![0]]);
    env.write(
        "plan/parallel.json",
        "{\n  \"version\": \"1.0.0\",\n  \"levels\": [\n    { \"level\": 1, \"achievements\": [{ \"id\": \"1.1\" }, { \"id\": \"8.1\" }] }\n  ]\n}\n",
    );
    insta::assert_snapshot!(env.run(&["run", "plan", "--level", "1", "--dry-run"]), @r"
    ------- stderr -------
    error: plan/parallel.json cannot be used
    plan/parallel.json:4:61: error[PW703]: achievement 8.1 is not in PLAN_TEST.md (at levels[0].achievements[1].id)
      hint: define 8.1 in the PLAN's achievements section, or take it out of the file
    [exit 2]
    ");
    insta::assert_snapshot!(env.run(&["run", "plan", "--ids", "1.1,2.1", "--dry-run"]), @r"
    ------- stderr -------
    error: plan/PLAN_TEST.md:19: achievement 2.1 is not in plan/parallel.json, so it has no level yet
      hint: `planwave analyze plan` takes it in, and so does `planwave analyze plan --declared` without a model
    [exit 2]
    ");
    // What is not selected does not matter.
    assert!(env.run(&["run", "plan", "--ids", "1.1", "--dry-run"]).ends_with("[exit 0]"));
}

#[test]
fn achievements_that_stand_outside_of_the_levels_are_warned_of() {
    let env = TestEnv::with_plan(&[vec![], vec![0]]);
    env.write(
        "plan/parallel.json",
        "{\n  \"levels\": [{ \"level\": 1, \"achievements\": [{ \"id\": \"1.1\" }] }],\n  \"achievements\": [{ \"achievement_id\": \"2.1\" }]\n}\n",
    );
    let said = env.run_with(&["run", "plan", "--all", "--dry-run"], &[("OPENAI_API_KEY", canary::KEY)]);
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let warning = "warning: plan/parallel.json:3:19: achievements stand at the top as well as in `levels`; those at the top are ignored";
    assert!(said.contains(warning), "{said}");
}

#[test]
fn numbers_out_of_range_are_refused_in_one_form() {
    let env = TestEnv::with_plan(&[vec![]]);
    let cases = [
        (
            ["--concurrency", "-1"],
            "invalid value '-1' for '--concurrency <N>': must be a whole number from 1 to 10,000",
        ),
        (["--concurrency", "0"], "invalid value '0' for '--concurrency <N>': must be a whole number from 1 to 10,000"),
        (["--max-attempts", "0"], "invalid value '0' for '--max-attempts <N>': must be a whole number from 1 to 100"),
        (["--max-attempts", "-3"], "invalid value '-3' for '--max-attempts <N>': must be a whole number from 1 to 100"),
        (
            ["--max-cost", "-1"],
            "invalid value '-1' for '--max-cost <USD>': must be a number of US dollars from 0 to 10,000,000",
        ),
        (
            ["--max-cost", "nan"],
            "invalid value 'nan' for '--max-cost <USD>': must be a number of US dollars from 0 to 10,000,000",
        ),
        (
            ["--max-cost", "0"],
            "invalid value '0' for '--max-cost <USD>': must be more than 0; without the option there is no bound",
        ),
        (
            ["--max-tokens", "0"],
            "invalid value '0' for '--max-tokens <N>': must be more than 0; without the option there is no bound",
        ),
        (["--grace", "-5"], "invalid value '-5' for '--grace <SECONDS>': must be a number of seconds from 0 to 86,400"),
        (["--level", "-1"], "invalid value '-1' for '--level <N>': must be a whole number from 1 to 4,294,967,295"),
    ];
    for (option, expected) in cases {
        let said = env.run(&[&["run", "plan", "--dry-run"], option.as_slice()].concat());
        assert!(said.contains(expected) && said.ends_with("[exit 2]"), "{said}");
    }
}

#[test]
fn a_models_file_that_is_wrong_is_named_with_its_line() {
    let env = TestEnv::with_plan(&[vec![]]);
    env.write("planwave.toml", "[model]\nmodels_file = \"prices.toml\"\n");
    let said = env.run(&["run", "plan", "--all", "--dry-run"]);
    assert!(said.contains("error: cannot read [root]/prices.toml: ") && said.contains("`model.models_file`"), "{said}");
    env.write("prices.toml", "[models.\"gpt-5-mini\"]\nprices = { input = 1, output = -2 }\n");
    insta::assert_snapshot!(env.run(&["run", "plan", "--all", "--dry-run"]), @r"
    ------- stderr -------
    error: [root]/prices.toml:2: a price is negative or no number
      hint: the file has the form of planwave's own config/models.toml, and needs only what differs
    [exit 2]
    ");
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
    insta::assert_snapshot!(env.run(&["run", "plan", "--all", "--yes"]), @r"
    ------- stderr -------
    error: cannot read plan/subplans: a link in this path leads out of the plan directory, [root]/plan
      hint: planwave keeps to the plan directory: put the file or folder itself there in place of the link
    [exit 2]
    ");
}

#[cfg(unix)]
#[test]
fn what_stands_in_a_documents_place_is_named_before_anything_is_sent() {
    use std::os::unix::fs::symlink;

    let env = TestEnv::with_plan(&[vec![]]).server("http://127.0.0.1:9/v1");
    env.write("plan/subplans/notes.md", "x\n");
    let document = env.path("plan/subplans/SUBPLAN_TEST_11.md");
    let run = || env.run(&["run", "plan", "--all", "--yes"]);
    symlink("gone.md", &document).unwrap();
    insta::assert_snapshot!(run(), @r"
    ------- stderr -------
    error: plan/subplans/SUBPLAN_TEST_11.md has the name of a document, but is a link to a file that does not exist
      hint: remove it, or put the document itself there
    [exit 2]
    ");
    std::fs::remove_file(&document).unwrap();
    symlink(env.path("outside.md"), &document).unwrap();
    insta::assert_snapshot!(run(), @r"
    ------- stderr -------
    error: plan/subplans/SUBPLAN_TEST_11.md has the name of a document, but is a link that leads out of the plan directory
      hint: remove it, or put the document itself there
    [exit 2]
    ");
    std::fs::remove_file(&document).unwrap();
    std::fs::create_dir(&document).unwrap();
    insta::assert_snapshot!(run(), @r"
    ------- stderr -------
    error: plan/subplans/SUBPLAN_TEST_11.md has the name of a document, but is a directory
      hint: remove it, or put the document itself there
    [exit 2]
    ");
    std::fs::remove_dir(&document).unwrap();
    // A link to a file of the plan is the document.
    symlink("notes.md", &document).unwrap();
    let said = env.run(&["run", "plan", "--all", "--stage", "subplan", "--dry-run"]);
    assert!(said.contains("exists: subplans/SUBPLAN_TEST_11.md"), "{said}");
}

#[test]
fn what_is_never_closed_is_told_with_its_line() {
    let env = TestEnv::with_plan_text(
        "# PLAN: X\n\n## Achievements\n\n**Achievement 1.1**: A\n\n```sh\nmake\n\n**Achievement 1.2**: B\n\n\
         <!-- later\n\nText.\n",
    );
    let said = env.run(&["analyze", "plan", "--declared", "--dry-run"]);
    let warnings: Vec<&str> = said.lines().filter(|line| line.contains("PLAN_TEST.md:")).collect();
    insta::assert_snapshot!(warnings.join("\n"), @r"
    warning: plan/PLAN_TEST.md:7: the code fence that begins here is never closed; what follows, up to the next achievement or section, is read as code
    warning: plan/PLAN_TEST.md:12: the comment `<!--` that begins here is never closed, so it is none: what follows is read as usual
    ");
}

#[test]
fn events_of_a_dry_run_are_refused() {
    let env = TestEnv::with_plan(&[vec![]]);
    insta::assert_snapshot!(env.run(&["run", "plan", "--all", "--dry-run", "--json", "--events", "-"]), @r"
    ------- stderr -------
    error: the argument '--dry-run' cannot be used with '--events <FILE|->'

    Usage: planwave run --all --dry-run --json <PLAN>

    For more information, try '--help'.
    [exit 2]
    ");
}

#[test]
fn events_replace_nothing_but_events() {
    let env = TestEnv::with_plan(&[vec![]]);
    env.write("notes.txt", "precious\n");
    insta::assert_snapshot!(env.run(&["run", "plan", "--all", "--yes", "--events", "notes.txt"]), @r"
    ------- stderr -------
    error: `--events`: notes.txt exists and holds no events
      hint: no file is overwritten: name another, or remove this one
    [exit 2]
    ");
    assert_eq!(env.read("notes.txt"), "precious\n");
    insta::assert_snapshot!(env.run(&["run", "plan", "--all", "--yes", "--events", "nowhere/events"]), @r"
    ------- stderr -------
    error: cannot write nowhere/events: there is no directory nowhere
    [exit 2]
    ");
    // Those of an earlier run, and an empty file, are; what is said here comes later.
    for before in ["", "{\"event\":\"run_started\"}\n"] {
        env.write("events", before);
        let said = env.run(&["run", "plan", "--all", "--yes", "--events", "events"]);
        assert!(said.contains("there is no API key"), "{said}");
    }
}

#[test]
fn ids_may_have_spaces_behind_their_commas() {
    let env = TestEnv::with_plan(&[vec![], vec![], vec![]]);
    let said = env.run(&["run", "plan", "--ids", "1.1, 1.3", "--stage", "subplan", "--dry-run"]);
    assert!(said.contains("Total   2 SUBPLANs") && said.contains("1.3 subplan"), "{said}");
    let said = env.run(&["run", "plan", "--ids", "1.1, x", "--dry-run"]);
    assert!(said.contains("`x` is not an achievement id") && said.ends_with("[exit 2]"), "{said}");
}

#[test]
fn where_there_is_no_document_nothing_is_checked() {
    let env = TestEnv::with_plan(&[vec![]]);
    insta::assert_snapshot!(env.run(&["check", "plan"]), @r"
    ------- stderr -------
    nothing to check: there is no document yet; `planwave run` generates them
    [exit 0]
    ");
    insta::assert_snapshot!(env.run(&["check", "plan", "--json"]), @r"
    []
    [exit 0]
    ");
    insta::assert_snapshot!(env.run(&["check"]), @r"
    ------- stderr -------
    error: there is no PLAN_<NAME>.md in .
      hint: create a PLAN_<NAME>.md there, or name another directory
    [exit 2]
    ");
    std::fs::rename(env.path("plan/PLAN_TEST.md"), env.path("PLAN_TEST.md")).unwrap();
    insta::assert_snapshot!(env.run(&["check"]), @r"
    ------- stderr -------
    nothing to check: there is no document yet; `planwave run` generates them
    [exit 0]
    ");
}

#[test]
fn a_definition_in_another_form_is_never_lost_without_a_word() {
    let env = TestEnv::with_plan_text(
        "## Achievements\n\n**Achievement 1.1**: First\n\n- **Goal**: g\n\n### Achievement 1.2: Second\n\n- **Goal**: h\n\n\
         **Achievement 1.3**: Third\n",
    );
    let warning = "warning: plan/PLAN_TEST.md:7: `### Achievement 1.2: Second` looks like achievement 1.2 and is not read as one, because it \
                   is a heading; write `**Achievement 1.2**: Title` at the start of a line";
    for command in [
        &["plan", "show", "plan"][..],
        &["analyze", "plan", "--declared"],
        &["validate", "plan"],
        &["run", "plan", "--all", "--dry-run"],
    ] {
        let said = env.run(command);
        // The dry run keeps to 80 columns.
        let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(warning) && said.ends_with("[exit 0]"), "{command:?}: {said}");
    }
}
