//! `validate`, `migrate`, `schema`, `explain-rule`.

use crate::support::environment::TestEnv;

/// Changes the parallel.json of the plan.
fn change(env: &TestEnv, edit: impl FnOnce(&mut serde_json::Value)) {
    let mut value: serde_json::Value = serde_json::from_str(&env.read("plan/parallel.json")).unwrap();
    edit(&mut value);
    env.write("plan/parallel.json", &(serde_json::to_string_pretty(&value).unwrap() + "\n"));
}

fn parallel(env: &TestEnv) -> serde_json::Value {
    serde_json::from_str(&env.read("plan/parallel.json")).unwrap()
}

/// What is said of a new `updated` without its time.
fn without_now(said: &str) -> String {
    match said.split_once("+  \"updated\": \"") {
        Some((before, after)) => format!("{before}+  \"updated\": \"[now]{}", &after["2026-01-01T00:00:00Z".len()..]),
        None => said.to_owned(),
    }
}

#[test]
fn what_analyze_writes_is_clean_from_any_directory() {
    let env = TestEnv::with_plan(&[vec![], vec![0], vec![0]]);
    insta::assert_snapshot!(env.run(&["validate", "plan"]), @r"
    ------- stderr -------
    plan/parallel.json: no problems
    [exit 0]
    ");
    for path in ["plan/PLAN_TEST.md", "plan/parallel.json"] {
        assert!(env.run(&["validate", path]).ends_with("no problems\n[exit 0]"), "{path}");
    }
    let here = env.command(&["validate"], &[]).current_dir(env.path("plan")).output().unwrap();
    assert_eq!(here.status.code(), Some(0));
}

#[test]
fn problems_have_their_place_and_fix_repairs_what_it_says() {
    let env = TestEnv::with_plan(&[vec![], vec![0]]);
    change(&env, |file| {
        file["levels"][0]["achievements"][0]["blocks"] = serde_json::json!([]);
        file["levels"][1]["level"] = serde_json::json!(7);
        file["levels"][1]["achievements"][0]["subplan_path"] = serde_json::json!("../secret.md");
        file["mine"] = serde_json::json!({"kept": 1.5});
        file["created"] = serde_json::json!("2026-01-01T00:00:00Z");
        file["updated"] = serde_json::json!("2026-01-01T00:00:00Z");
    });
    insta::assert_snapshot!(env.run(&["validate", "plan"]), @r#"
    error[PW601]: `../secret.md` leads out of the plan directory
      --> plan/parallel.json:73:27
       |
    73 |           "subplan_path": "../secret.md",
       |                           ^^^^^^^^^^^^^^
       |
       = at: levels[1].achievements[0].subplan_path
       = help: paths are relative to the plan directory, with forward slashes
       = --fix: puts the document there is in its place, or null

    warning[PW402]: level 7 follows level 1
      --> plan/parallel.json:40:16
       |
    40 |       "level": 7,
       |                ^
       |
       = at: levels[1].level
       = help: number the levels 1, 2, 3 …
       = --fix: numbers the levels anew in their order

    warning[PW501]: `blocks` of 1.1 is not the inverse of `dependencies`: 2.1
                    depends on it
      --> plan/parallel.json:21:21
       |
    21 |           "blocks": [],
       |                     ^^
       |
       = at: levels[0].achievements[0].blocks
       = help: `dependencies` holds, and nothing acts on `blocks`
       = --fix: lists exactly the achievements that depend on it

    ------- stderr -------
    plan/parallel.json: 1 error, 2 warnings; `--fix` repairs them
    [exit 1]
    "#);
    let before = env.read("plan/parallel.json");
    insta::assert_snapshot!(without_now(&env.run(&["validate", "plan", "--fix"])), @r#"
    --- plan/parallel.json
    +++ plan/parallel.json
    @@ -2,7 +2,7 @@
       "version": "1.0.0",
       "plan": "TEST",
       "created": "2026-01-01T00:00:00Z",
    -  "updated": "2026-01-01T00:00:00Z",
    +  "updated": "[now]",
       "levels": [
         {
           "level": 1,
    @@ -18,7 +18,9 @@
               "dependencies": [],
               "optional_dependencies": [],
               "dependency_notes": {},
    -          "blocks": [],
    +          "blocks": [
    +            "2.1"
    +          ],
               "estimated_hours": "2-3 hours",
               "actual_hours": null,
               "started_at": null,
    @@ -37,7 +39,7 @@
           ]
         },
         {
    -      "level": 7,
    +      "level": 2,
           "description": "Depends on level 1",
           "can_parallelize": false,
           "max_parallelism": 1,
    @@ -70,7 +72,7 @@
               ],
               "critical": null,
               "touches": null,
    -          "subplan_path": "../secret.md",
    +          "subplan_path": null,
               "execution_paths": [],
               "failure": null
             }
    ------- stderr -------
    error: this would change plan/parallel.json, and there is no terminal to ask on
      hint: `--yes` writes it without asking
    [exit 2]
    "#);
    assert_eq!(env.read("plan/parallel.json"), before);
    let said = env.run(&["validate", "plan", "--fix", "--yes"]);
    assert!(said.ends_with("plan/parallel.json: no problems\n[exit 0]"), "{said}");
    let file = parallel(&env);
    assert_eq!((&file["mine"]["kept"], &file["levels"][1]["level"]), (&1.5.into(), &2.into()));
    let after = env.read("plan/parallel.json");
    insta::assert_snapshot!(env.run(&["validate", "plan", "--fix", "--yes"]), @r"
    ------- stderr -------
    nothing to repair
    plan/parallel.json: no problems
    [exit 0]
    ");
    assert_eq!(env.read("plan/parallel.json"), after);
}

#[test]
fn documents_and_verdicts_decide() {
    let env = TestEnv::with_plan(&[vec![], vec![0]]);
    env.write("plan/subplans/SUBPLAN_TEST_11.md", &crate::support::subplan_body("1.1", "Executions: 1"));
    env.write("plan/execution/feedbacks/APPROVED_11.md", "");
    change(&env, |file| file["levels"][1]["achievements"][0]["subplan_path"] = serde_json::json!("subplans/gone.md"));
    let said = env.run(&["validate", "plan", "--json"]);
    let problems: serde_json::Value = serde_json::from_str(said.strip_suffix("[exit 0]").unwrap()).unwrap();
    let rules: Vec<&str> =
        problems.as_array().unwrap().iter().map(|problem| problem["rule"].as_str().unwrap()).collect();
    assert_eq!(rules, ["path-unrecorded", "status-stale", "path-missing"]);
    insta::assert_snapshot!(serde_json::to_string_pretty(&problems[1]).unwrap(), @r#"
    {
      "file": "plan/parallel.json",
      "code": "PW604",
      "rule": "status-stale",
      "severity": "warning",
      "path": "levels[0].achievements[0].status",
      "line": 17,
      "column": 21,
      "message": "1.1 is stored as not_started, and the files say complete",
      "hint": "there is an APPROVED file",
      "fixable": true
    }
    "#);
    env.run(&["validate", "plan", "--fix", "--yes"]);
    let file = parallel(&env);
    let first = &file["levels"][0]["achievements"][0];
    assert_eq!((&first["status"], &first["subplan_path"]), (&"complete".into(), &"subplans/SUBPLAN_TEST_11.md".into()));
    assert!(file["levels"][1]["achievements"][0]["subplan_path"].is_null());
}

#[test]
fn a_file_that_is_broken_or_alone_is_checked_as_far_as_possible() {
    let env = TestEnv::with_plan(&[vec![]]);
    std::fs::remove_dir_all(env.path("plan/.planwave")).unwrap();
    env.write("plan/parallel.json", "{\"levels\": [\n  {\"level\": 1, \"achievements\": [{\"id\": \"1.1\", \"status\": \"done\", \"dependencies\": [\"1.1\"]}]},\n]}");
    insta::assert_snapshot!(env.run(&["validate", "plan", "--fix"]), @r"
    error[PW103]: trailing comma
     --> plan/parallel.json:3:1
      |
    3 | ]}
      | ^
      |
      = help: remove the comma before the closing bracket

    ------- stderr -------
    nothing is repaired before the file can be read
    plan/parallel.json: 1 error
      hint: mend the file; no earlier copy of it is on record. `planwave analyze plan --declared --force` writes it anew, from the PLAN and the documents
    [exit 1]
    ");
    env.write("alone/x.json", "{\"levels\": [{\"level\": 1, \"achievements\": [{\"id\": \"1.1\", \"status\": \"done\", \"dependencies\": [\"1.1\"]}]}]}");
    insta::assert_snapshot!(env.run(&["validate", "alone/x.json"]), @r#"
    error[PW113]: `done` is not a status; the statuses are not_started,
                  subplan_created, execution_created, in_progress, complete, failed,
                  skipped
     --> alone/x.json:1:67
      |
    1 | ...ents": [{"id": "1.1", "status": "done", "dependencies": ["1.1"]}]}]}
      |                                    ^^^^^^
      |
      = at: levels[0].achievements[0].status
      = help: did you mean `complete`?

    error[PW302]: achievement 1.1 depends on itself
     --> alone/x.json:1:92
      |
    1 | ...atus": "done", "dependencies": ["1.1"]}]}]}
      |                                    ^^^^^
      |
      = at: levels[0].achievements[0].dependencies[0]
      = help: remove 1.1 from its `dependencies`

    note[PW109]: `version` is missing
     --> alone/x.json:1:1
      |
    1 | {"levels": [{"level": 1, "achievements": [{"id": "1.1", "status": "done",...
      | ^
      |
      = help: it says: Version of the format.

    note[PW109]: `plan` is missing
     --> alone/x.json:1:1
      |
    1 | {"levels": [{"level": 1, "achievements": [{"id": "1.1", "status": "done",...
      | ^
      |
      = help: it says: The <NAME> of PLAN_<NAME>.md.

    note[PW706]: there is no PLAN beside the file: PLAN, documents and verdicts were
                 not compared
     --> alone/x.json:1:1
      |
    1 | {"levels": [{"level": 1, "achievements": [{"id": "1.1", "status": "done",...
      | ^
      |
      = help: to have them compared, put the file into its plan directory

    ------- stderr -------
    alone/x.json: 2 errors, 3 notes
    [exit 1]
    "#);
    std::fs::remove_file(env.path("plan/parallel.json")).unwrap();
    insta::assert_snapshot!(env.run(&["validate", "plan"]), @r"
    ------- stderr -------
    error: there is no plan/parallel.json
      hint: `planwave analyze plan --declared` writes one from the dependencies that the PLAN declares
    [exit 2]
    ");
    insta::assert_snapshot!(env.run(&["validate", "nowhere"]), @r"
    ------- stderr -------
    error: there is no file or directory nowhere
      hint: name a plan directory, a PLAN_<NAME>.md or a parallel.json
    [exit 2]
    ");
    env.write("plan/parallel.json", "{\"levels\": []}");
    env.write("plan/PLAN_TEST.md", "nothing");
    assert!(env.run(&["validate", "plan"]).contains("PW707"));
}

#[test]
fn migrate_asks_writes_once_and_keeps_what_it_does_not_know() {
    let env = TestEnv::with_plan(&[vec![], vec![0]]);
    env.write(
        "plan/parallel.json",
        "{\n  \"plan_name\": \"TEST\",\n  \"achievements\": [\n    {\"achievement_id\": \"1.1\", \"wave\": 1.50},\n    {\"achievement_id\": \"2.1\", \
         \"dependencies\": [\"1.1\"]}\n  ]\n}\n",
    );
    let said = env.run(&["migrate", "plan"]);
    let (before, time) = said.split_once("\"updated\": \"").unwrap();
    insta::assert_snapshot!(format!("{before}\"updated\": \"[now]{}", &time["2025-01-01T00:00:00Z".len()..]), @r#"
    --- plan/parallel.json
    +++ plan/parallel.json
    @@ -1,7 +1,23 @@
     {
    -  "plan_name": "TEST",
    -  "achievements": [
    -    {"achievement_id": "1.1", "wave": 1.50},
    -    {"achievement_id": "2.1", "dependencies": ["1.1"]}
    -  ]
    +  "version": "1.0.0",
    +  "plan": "TEST",
    +  "levels": [
    +    {
    +      "level": 1,
    +      "can_parallelize": false,
    +      "max_parallelism": 1,
    +      "achievements": [
    +        {"id": "1.1", "wave": 1.50}
    +      ]
    +    },
    +    {
    +      "level": 2,
    +      "can_parallelize": false,
    +      "max_parallelism": 1,
    +      "achievements": [
    +        {"id": "2.1", "dependencies": ["1.1"]}
    +      ]
    +    }
    +  ],
    +  "updated": "[now]"
     }
    ------- stderr -------
    error: this would change plan/parallel.json, and there is no terminal to ask on
      hint: `--yes` writes it without asking
    [exit 2]
    "#);
    let said = env.run(&["migrate", "plan", "--yes"]);
    assert!(said.ends_with("[exit 0]") && said.contains("wrote plan/parallel.json"), "{said}");
    assert!(env.read("plan/parallel.json").contains("{\"id\": \"1.1\", \"wave\": 1.50}"));
    assert!(env.run(&["validate", "plan"]).ends_with("no problems\n[exit 0]"));
    insta::assert_snapshot!(env.run(&["migrate", "plan"]), @r"
    ------- stderr -------
    plan/parallel.json has the leveled form already
    [exit 0]
    ");
}

#[test]
fn rules_are_explained_and_the_schema_is_json() {
    let env = TestEnv::with_plan_text("x");
    insta::assert_snapshot!(env.run(&["explain-rule", "pw305"]), @r"
    PW305 same-level: error
    A dependency stands in the same level, which is to be worked on in parallel

    The achievements of a level with `can_parallelize: true` are worked on at the
    same time, so none of them can wait for another. Move the dependent to a later
    level, or say that the level is a chain: `can_parallelize: false`.

    Example:
        level 2, can_parallelize true: 2.1 and 2.2, and 2.2 needs 2.1

    `--fix` moves the dependent to the first level after its dependencies, unless
    the graph has errors of its own.
    [exit 0]
    ");
    insta::assert_snapshot!(env.run(&["explain-rule", "PW3O4"]), @r"
    ------- stderr -------
    error: there is no rule `PW3O4`
      hint: did you mean PW304 cycle? `planwave explain-rule` lists all
    [exit 2]
    ");
    let all = env.run(&["explain-rule"]);
    assert!(all.contains("PW101") && all.contains("PW802") && all.ends_with("[exit 0]"), "{all}");
    let schema = env.command(&["schema"], &[]).output().unwrap();
    let schema: serde_json::Value = serde_json::from_slice(&schema.stdout).unwrap();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
}

#[test]
fn a_repair_is_told_to_programs_and_puts_right_what_follows_from_the_levels() {
    let env = TestEnv::with_plan(&[vec![], vec![], vec![0]]);
    let before = parallel(&env);
    // 1.2 comes to depend on 2.1, in a level after it.
    change(&env, |file| file["levels"][0]["achievements"][1]["dependencies"] = serde_json::json!(["2.1"]));
    let refused = env.run(&["validate", "plan", "--fix", "--json"]);
    assert!(refused.contains("with `--json` nobody is asked") && refused.ends_with("[exit 2]"), "{refused}");
    let output = env.command(&["validate", "plan", "--fix", "--json", "--yes"], &[]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&said["written"], said["after"].as_array().unwrap().len()), (&true.into(), 0), "{said:#}");
    let codes: Vec<&str> = said["before"].as_array().unwrap().iter().map(|p| p["code"].as_str().unwrap()).collect();
    assert!(codes.contains(&"PW306") && codes.contains(&"PW503"), "{codes:?}");
    assert!(said["diff"].as_str().unwrap().contains("+++ plan/parallel.json"), "{said:#}");
    let after = parallel(&env);
    assert_ne!(after["execution_instructions"], before["execution_instructions"]);
    let of_level = |at: usize| after["execution_instructions"][at]["order"].to_string();
    assert_eq!([of_level(0), of_level(1), of_level(2)], [r#"["1.1"]"#, r#"["2.1"]"#, r#"["1.2"]"#]);
    assert_eq!(after["levels"][2]["reason"], "There is only one achievement.");
    assert_eq!(after["levels"][2]["description"], "Depends on levels 1 to 2");
    let again = env.command(&["validate", "plan", "--fix", "--json"], &[]).output().unwrap();
    let said: serde_json::Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!((again.status.code(), &said["written"], &said["diff"]), (Some(0), &false.into(), &"".into()));
    let migrated = env.command(&["migrate", "plan", "--json"], &[]).output().unwrap();
    let said: serde_json::Value = serde_json::from_slice(&migrated.stdout).unwrap();
    assert_eq!((migrated.status.code(), &said["written"]), (Some(0), &false.into()));
}

#[test]
fn colours_where_they_are_asked_for() {
    let env = TestEnv::with_plan(&[vec![]]);
    change(&env, |file| file["levels"][0]["max_parallelism"] = 7.into());
    let coloured = env.command(&["--color", "always", "validate", "plan"], &[]).output().unwrap();
    assert!(coloured.stdout.contains(&0x1b));
    let plain = env.command(&["validate", "plan"], &[]).output().unwrap();
    assert!(!plain.stdout.contains(&0x1b));
}
