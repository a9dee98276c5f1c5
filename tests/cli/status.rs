//! Where a plan stands: shown, written into parallel.json, and found where somebody else has put it.

use crate::support::{
    environment::TestEnv,
    server::{ScriptedServer, good},
};

/// 1.1, 1.2, then 2.1 after 1.1 and 2.2 after both, then 3.1 after 2.2.
fn diamond() -> TestEnv {
    TestEnv::with_plan(&[vec![], vec![], vec![0], vec![0, 1], vec![3]])
}

#[test]
fn a_plan_under_way_at_80_columns() {
    let env = diamond();
    env.write("plan/subplans/SUBPLAN_TEST_11.md", "# SUBPLAN\n\nText.\n");
    env.write("plan/execution/EXECUTION_TASK_TEST_11_01.md", "# EXECUTION_TASK\n\nText.\n");
    env.write("plan/subplans/SUBPLAN_TEST_12.md", "[TO BE FILLED]\n");
    insta::assert_snapshot!(env.run(&["status", "plan"]), @r"
    TEST  0 of 5 complete

    LEVEL
    1          ░░░░░░░░░░░░░░░░░░░░  0/2  2 ready
    2          ░░░░░░░░░░░░░░░░░░░░  0/2  2 waiting
    3          ░░░░░░░░░░░░░░░░░░░░  0/1  1 waiting
    all        ░░░░░░░░░░░░░░░░░░░░  0/5  2 ready, 3 waiting

    Ready (2)
      1.1  Part 1.1                                          2–3 h  holds up 3
      1.2  Part 1.2                                          2–3 h  holds up 2

    At once    1.1, 1.2

    Waited for 1.1 (ready) holds up 3, 1.2 (ready) holds up 2
    Then       level 1 done unlocks 2.1, 2.2
    Left       5 achievements: 10–15 h one after the other, 6–9 h in parallel
    Note       subplans/SUBPLAN_TEST_12.md does not count: it is empty or a
               placeholder

    Next       planwave start 1.1 plan
               begins 1.1, the most worthwhile of what is ready
    [exit 0]
    ");
    env.write("plan/execution/feedbacks/APPROVED_11.md", "Fine.\n");
    env.write("plan/execution/feedbacks/FIX_11.md", "Not yet.\n");
    env.write("plan/execution/feedbacks/FIX_12.md", "No tests.\n");
    insta::assert_snapshot!(env.run(&["status", "plan"]), @r"
    TEST  1 of 5 complete

    LEVEL
    1          ██████████░░░░░░░░░░  1/2  1 failed
    2          ░░░░░░░░░░░░░░░░░░░░  0/2  1 ready, 1 blocked
    3          ░░░░░░░░░░░░░░░░░░░░  0/1  1 blocked
    all        ████░░░░░░░░░░░░░░░░  1/5  1 ready, 1 failed, 2 blocked

    Ready (1)
      2.1  Part 2.1                                          2–3 h

    At once    2.1

    Blocked (2)
      2.2, 3.1 by 1.2, which failed

    Waited for 1.2 (failed) holds up 2
    Then       level 1 done unlocks 2.2
    Left       4 achievements: 8–12 h one after the other, 6–9 h in parallel
    Note       1.1 is complete: an APPROVED file stands beside its FIX

    Next       planwave run plan --level 2
               generates the documents to work by
    [exit 0]
    ");
}

#[test]
fn everything_done() {
    let env = TestEnv::with_plan(&[vec![], vec![0]]);
    env.write("plan/execution/feedbacks/APPROVED_11.md", "");
    env.write("plan/execution/SKIPPED_21.md", "");
    insta::assert_snapshot!(env.run(&["status", "plan"]), @r"
    TEST  1 of 2 complete, 1 skipped

    LEVEL
    1          ████████████████████  1/1
    2          ████████████████████  1/1
    all        ████████████████████  2/2
    [exit 0]
    ");
    insta::assert_snapshot!(env.run(&["next", "plan"]), @r"
    ------- stderr -------
    everything is complete or skipped
    [exit 0]
    ");
}

#[test]
fn a_large_plan_stays_short() {
    let needs: Vec<Vec<usize>> = (0..1_500_usize).map(|at| at.checked_sub(50).into_iter().collect()).collect();
    let env = TestEnv::with_plan(&needs);
    for place in 1..=50 {
        let slug = if place < 10 { format!("1{place}") } else { format!("1_{place}") };
        env.write(&format!("plan/execution/feedbacks/APPROVED_{slug}.md"), "");
    }
    insta::assert_snapshot!(env.run(&["status", "plan"]), @r"
    TEST  50 of 1,500 complete

    LEVEL
    1          ████████████████████  50/50
    2          ░░░░░░░░░░░░░░░░░░░░  0/50      50 ready
    3          ░░░░░░░░░░░░░░░░░░░░  0/50      50 waiting
    4          ░░░░░░░░░░░░░░░░░░░░  0/50      50 waiting
    5          ░░░░░░░░░░░░░░░░░░░░  0/50      50 waiting
    6          ░░░░░░░░░░░░░░░░░░░░  0/50      50 waiting
    7          ░░░░░░░░░░░░░░░░░░░░  0/50      50 waiting
    8          ░░░░░░░░░░░░░░░░░░░░  0/50      50 waiting
    9          ░░░░░░░░░░░░░░░░░░░░  0/50      50 waiting
    10         ░░░░░░░░░░░░░░░░░░░░  0/50      50 waiting
    11         ░░░░░░░░░░░░░░░░░░░░  0/50      50 waiting
    12–30      ░░░░░░░░░░░░░░░░░░░░  0/950     950 waiting
    all        ░░░░░░░░░░░░░░░░░░░░  50/1,500  50 ready, 1,400 waiting

    Ready (50)
      2.1   Part 2.1                                         2–3 h  holds up 28
      2.2   Part 2.2                                         2–3 h  holds up 28
      2.3   Part 2.3                                         2–3 h  holds up 28
      2.4   Part 2.4                                         2–3 h  holds up 28
      2.5   Part 2.5                                         2–3 h  holds up 28
      2.6   Part 2.6                                         2–3 h  holds up 28
      2.7   Part 2.7                                         2–3 h  holds up 28
      2.8   Part 2.8                                         2–3 h  holds up 28
      2.9   Part 2.9                                         2–3 h  holds up 28
      2.10  Part 2.10                                        2–3 h  holds up 28
      … and 40 more

    At once    2.1, 2.2, 2.3, 2.4, 2.5, 2.6, 2.7, 2.8, 2.9, 2.10, 2.11, 2.12, 2.13,
               2.14, 2.15, 2.16, 2.17, 2.18, 2.19, 2.20, 2.21, 2.22, 2.23, 2.24 and
               26 more

    Waited for 2.1 (ready) holds up 28, 2.2 (ready) holds up 28,
               2.3 (ready) holds up 28, 2.4 (ready) holds up 28,
               2.5 (ready) holds up 28, and 45 more
    Then       level 2 done unlocks 3.1, 3.2, 3.3, 3.4, 3.5, 3.6, 3.7, 3.8, 3.9,
               3.10, 3.11, 3.12, 3.13, 3.14, 3.15, 3.16, 3.17, 3.18, 3.19, 3.20,
               3.21, 3.22, 3.23, 3.24 and 26 more
    Left       1,450 achievements: 2900–4350 h one after the other, 58–87 h in
               parallel

    Next       planwave run plan --level 2
               generates the documents to work by
    [exit 0]
    ");
    assert!(env.run(&["next", "plan"]).contains("… and 30 more\n"));
}

#[test]
fn readers_write_nothing_and_take_no_lock() {
    let env = diamond();
    let _ = std::fs::remove_dir_all(env.path("plan/.planwave"));
    let before = env.files("plan");
    for command in ["status", "next"] {
        for arguments in [vec![command, "plan"], vec![command, "plan/parallel.json", "--json"]] {
            let said = env.run(&arguments);
            assert!(said.ends_with("[exit 0]"), "{said}");
        }
    }
    assert_eq!(env.files("plan"), before);
}

#[test]
fn the_status_for_programs() {
    let env = TestEnv::with_plan(&[vec![], vec![0]]);
    env.write("plan/execution/feedbacks/FIX_11.md", "No.\n");
    insta::assert_snapshot!(env.run(&["status", "plan", "--json"]), @r#"
    {
      "plan": "TEST",
      "total": {
        "achievements": 2,
        "complete": 0,
        "skipped": 0,
        "in_progress": 0,
        "ready": 0,
        "waiting": 0,
        "failed": 1,
        "blocked": 1
      },
      "levels": [
        {
          "level": 1,
          "description": "No dependencies",
          "achievements": 1,
          "complete": 0,
          "skipped": 0,
          "in_progress": 0,
          "ready": 0,
          "waiting": 0,
          "failed": 1,
          "blocked": 0
        },
        {
          "level": 2,
          "description": "Depends on level 1",
          "achievements": 1,
          "complete": 0,
          "skipped": 0,
          "in_progress": 0,
          "ready": 0,
          "waiting": 0,
          "failed": 0,
          "blocked": 1
        }
      ],
      "achievements": [
        {
          "id": "1.1",
          "title": "Part 1.1",
          "level": 1,
          "status": "failed",
          "place": "failed",
          "waits_for": [],
          "blocked_by": null,
          "executor": null,
          "started_at": null,
          "estimated_hours": {
            "low": 2.0,
            "high": 3.0
          }
        },
        {
          "id": "2.1",
          "title": "Part 2.1",
          "level": 2,
          "status": "not_started",
          "place": "blocked",
          "waits_for": [
            "1.1"
          ],
          "blocked_by": "1.1",
          "executor": null,
          "started_at": null,
          "estimated_hours": {
            "low": 2.0,
            "high": 3.0
          }
        }
      ],
      "ready": [],
      "parallel_now": [],
      "kept_apart": [],
      "in_progress": [],
      "blocked": [
        {
          "id": "2.1",
          "by": "1.1"
        }
      ],
      "blockers": [
        {
          "id": "1.1",
          "status": "failed",
          "ready": false,
          "holds_up": 1,
          "unlocks": 1
        }
      ],
      "current_level": 1,
      "next_unlocks": [
        "2.1"
      ],
      "remaining": {
        "achievements": 2,
        "without_estimate": 0,
        "sequential": {
          "low": 4.0,
          "high": 6.0
        },
        "parallel": {
          "low": 4.0,
          "high": 6.0
        }
      },
      "next": {
        "command": [
          "planwave",
          "retry",
          "1.1",
          "plan"
        ],
        "why": "takes 1.1 up again, to fix what its FIX file says"
      },
      "remarks": []
    }
    [exit 0]
    "#);
    env.write("plan/execution/feedbacks/APPROVED_11.md", "Yes.\n");
    insta::assert_snapshot!(env.run(&["next", "plan", "--json"]), @r#"
    [
      {
        "id": "2.1",
        "title": "Part 2.1",
        "level": 2,
        "status": "not_started",
        "executor": null,
        "estimated_hours": {
          "low": 2.0,
          "high": 3.0
        },
        "holds_up": 0,
        "unlocks": [],
        "runnable_now": true
      }
    ]
    [exit 0]
    "#);
}

#[test]
fn refresh_says_what_changed_and_the_second_time_leaves_every_byte() {
    let env = diamond();
    env.write("plan/subplans/SUBPLAN_TEST_11.md", "# SUBPLAN\n\nText.\n");
    env.write("plan/execution/EXECUTION_TASK_TEST_11_01_V2.md", "# EXECUTION_TASK\n\nText.\n");
    env.write("plan/execution/feedbacks/APPROVED_11.md", "Fine.\n");
    env.write("plan/execution/EXECUTION_TASK_TEST_77_01.md", "# EXECUTION_TASK\n\nText.\n");
    let text = env.read("plan/parallel.json");
    let stale = text.replacen(r#""status": "not_started""#, r#""status": "complete""#, 2);
    env.write("plan/parallel.json", &stale);
    let approved = std::fs::File::options().write(true).open(env.path("plan/execution/feedbacks/APPROVED_11.md"));
    approved.unwrap().set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000)).unwrap();
    insta::assert_snapshot!(env.run(&["refresh", "plan"]), @r"
    1.1: subplan_path subplans/SUBPLAN_TEST_11.md; execution_paths execution/EXECUTION_TASK_TEST_11_01_V2.md; completed_at 2001-09-09T01:46:40Z
    1.2: complete → not_started
    ------- stderr -------
    warning: 1.2 is stored as complete, but there is no APPROVED file: it counts as not_started
    warning: execution/EXECUTION_TASK_TEST_77_01.md belongs to no achievement of the plan
    plan/parallel.json: 2 achievements brought up to date
    [exit 0]
    ");
    let value: serde_json::Value = serde_json::from_str(&env.read("plan/parallel.json")).unwrap();
    let achievement = &value["levels"][0]["achievements"][0];
    assert_eq!(achievement["completed_at"], "2001-09-09T01:46:40Z");
    assert_eq!(achievement["execution_paths"][0], "execution/EXECUTION_TASK_TEST_11_01_V2.md");

    let before = std::fs::metadata(env.path("plan/parallel.json")).unwrap().modified().unwrap();
    let again = env.run(&["refresh", "plan", "--json"]);
    assert!(again.contains(r#""changed": []"#) && again.contains("TEST_77_01.md"), "{again}");
    assert_eq!(std::fs::metadata(env.path("plan/parallel.json")).unwrap().modified().unwrap(), before);
}

#[test]
fn a_real_plan_directory_whose_file_knows_no_status() {
    let corpus = std::env::var("PLANWAVE_CORPUS").unwrap_or_else(|_| String::from("../shared/corpus"));
    let real = std::path::Path::new(&corpus).join("plans/PARALLEL-EXECUTION-AUTOMATION");
    if !real.is_dir() {
        println!("skipped: there is no {}", real.display());
        return;
    }
    let env = TestEnv::with_plan_text("x");
    std::fs::remove_file(env.path("plan/PLAN_TEST.md")).unwrap();
    // A folder whose name is not the plan's.
    for folder in ["", "subplans", "execution", "execution/feedbacks"] {
        for entry in std::fs::read_dir(real.join(folder)).unwrap().map(Result::unwrap) {
            if entry.path().is_file() {
                let name = entry.file_name().into_string().unwrap();
                let text = std::fs::read_to_string(entry.path()).unwrap();
                env.write(&format!("plan/{folder}/{name}"), &text);
            }
        }
    }
    let value: serde_json::Value = {
        let said = env.run(&["status", "plan", "--json"]);
        let json = said.split("\n}\n").next().unwrap().to_owned() + "\n}";
        serde_json::from_str(&json).unwrap()
    };
    assert_eq!((&value["total"]["complete"], &value["total"]["ready"]), (&6.into(), &3.into()));
    let statuses = value["achievements"].as_array().unwrap().iter().map(|a| a["status"].as_str().unwrap());
    let expected = [["complete"; 6].as_slice(), &["execution_created"; 3]].concat();
    assert_eq!(statuses.collect::<Vec<_>>(), expected);
    let said = env.run(&["refresh", "plan"]);
    assert!(said.contains("9 achievements brought up to date"), "{said}");
    assert!(env.run(&["refresh", "plan"]).contains("is up to date"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_brings_parallel_json_up_to_date_before_and_after() {
    let server = ScriptedServer::start(good).await;
    let env = TestEnv::with_plan(&[vec![], vec![], vec![0]]).server(&server.base_url());
    env.write("plan/execution/feedbacks/APPROVED_11.md", "Fine.\n");
    env.write("plan/execution/feedbacks/FIX_77.md", "Whose?\n");
    let said = env.run(&["run", "plan", "--ids", "1.2", "--yes"]);
    let lines = "parallel.json: 1 achievement brought up to date\n  1.1: not_started → complete; completed_at ";
    assert!(said.contains(lines), "{said}");
    assert!(said.contains("warning: execution/feedbacks/FIX_77.md belongs to no achievement of the plan\n"), "{said}");
    let value: serde_json::Value = serde_json::from_str(&env.read("plan/parallel.json")).unwrap();
    let statuses = value["levels"][0]["achievements"].as_array().unwrap().iter().map(|a| a["status"].as_str().unwrap());
    assert_eq!(statuses.collect::<Vec<_>>(), ["complete", "execution_created"]);
    assert!(env.run(&["refresh", "plan"]).contains("is up to date"));
}

/// Everything that looks like a document or verdict of the plan, and does not count.
#[test]
fn what_does_not_count_is_named_and_changes_nothing() {
    let env = diamond();
    env.write("plan/subplans/SUBPLAN_ZEBRA_11.md", "# SUBPLAN\n\nText.\n");
    env.write("plan/execution/EXECUTION_TASK_ZEBRA_12_01.md", "# EXECUTION_TASK\n\nText.\n");
    env.write("plan/subplans/SUBPLAN_TEST_12.md", "");
    env.write("plan/SUBPLAN_TEST_21.md", "# SUBPLAN\n\nText.\n");
    env.write("plan/execution/APPROVED_21.md", "Fine.\n");
    env.write("outside.md", "# SUBPLAN\n\nText.\n");
    #[cfg(unix)]
    std::os::unix::fs::symlink(env.path("outside.md"), env.path("plan/subplans/SUBPLAN_TEST_22.md")).unwrap();
    let before = env.read("plan/parallel.json");
    if cfg!(unix) {
        insta::assert_snapshot!(env.run(&["refresh", "plan"]), @r"
        ------- stderr -------
        warning: subplans/SUBPLAN_TEST_12.md does not count: it is empty or a placeholder
        warning: SUBPLAN_TEST_21.md does not count there: it belongs in subplans/
        warning: execution/APPROVED_21.md does not count there: it belongs in execution/feedbacks/
        warning: execution/EXECUTION_TASK_ZEBRA_12_01.md does not count: it is a document of the plan ZEBRA, not of TEST
        warning: subplans/SUBPLAN_TEST_22.md does not count: it is a link that leads out of the plan directory
        warning: subplans/SUBPLAN_ZEBRA_11.md does not count: it is a document of the plan ZEBRA, not of TEST
        plan/parallel.json is up to date
        [exit 0]
        ");
    }
    assert_eq!(env.read("plan/parallel.json"), before);
    let said = env.run(&["status", "plan"]);
    assert!(said.contains("0 of 5 complete") && said.contains("the plan ZEBRA, not of TEST"), "{said}");
    // Only a run would have to write there.
    let planned = env.run(&["run", "plan", "--all", "--dry-run"]);
    assert_eq!(planned.contains("[exit 2]"), cfg!(unix), "{planned}");
}

#[test]
fn a_folder_of_the_plan_stands_for_the_plan() {
    let env = diamond();
    env.write("plan/execution/feedbacks/APPROVED_11.md", "Fine.\n");
    let first = |arguments: &[&str]| env.run(arguments).lines().next().unwrap_or_default().to_owned();
    let expected = "TEST  1 of 5 complete";
    for folder in ["plan/execution", "plan/execution/", "plan/execution/feedbacks", "plan/execution/../execution"] {
        assert_eq!(first(&["status", folder]), expected, "{folder}");
    }
    for folder in ["plan/execution", "plan/execution/feedbacks"] {
        let output = env.command(&["status"], &[]).current_dir(env.path(folder)).output().unwrap();
        assert!(String::from_utf8(output.stdout).unwrap().starts_with(expected), "{folder}");
    }
    // Another folder is none of the plan's.
    std::fs::create_dir(env.path("plan/notes")).unwrap();
    assert!(env.run(&["status", "plan/notes"]).contains("[exit 2]"));
}

#[test]
fn a_graph_shows_levels_statuses_and_dependencies() {
    let env = TestEnv::with_plan(&[vec![], vec![], vec![0, 1]]);
    env.write("plan/execution/feedbacks/APPROVED_11.md", "Good.\n");
    let before = env.files("plan");
    insta::assert_snapshot!(env.run(&["graph", "plan"]), @r"
    Level 1
      1.1  complete     Part 1.1
      1.2  not started  Part 1.2

    Level 2
      2.1  not started  Part 2.1
           needs 1.1, 1.2
    [exit 0]
    ");
    let json = env.run(&["graph", "plan", "--json"]);
    let json: serde_json::Value = serde_json::from_str(json.strip_suffix("[exit 0]").unwrap()).unwrap();
    assert_eq!(json["achievements"][0]["status"], "complete");
    assert_eq!(json["achievements"][2]["dependencies"], serde_json::json!(["1.1", "1.2"]));
    let mermaid = env.run(&["graph", "plan", "--format", "mermaid"]);
    assert!(mermaid.starts_with("flowchart LR\n") && mermaid.contains("  a1_2 --> a2_1\n"), "{mermaid}");
    let dot = env.run(&["graph", "plan", "--format", "dot"]);
    assert!(dot.starts_with("digraph \"TEST\" {\n") && dot.contains("  \"1.2\" -> \"2.1\"\n"), "{dot}");
    // It takes no lock: a run under way does not hold it up.
    let lock = std::fs::File::options().write(true).open(env.path("plan/.planwave/lock")).unwrap();
    lock.lock().unwrap();
    assert!(env.run(&["graph", "plan"]).ends_with("[exit 0]"));
    drop(lock);
    assert_eq!(env.files("plan"), before);
}

#[test]
fn what_the_plan_has_and_parallel_json_lacks_is_said_wherever_a_status_is() {
    let env = TestEnv::with_plan(&[vec![]]);
    let plan = env.read("plan/PLAN_TEST.md");
    env.write("plan/PLAN_TEST.md", &format!("{plan}\n**Achievement 2.1**: New\n\n- **Dependencies**: 1.1\n"));
    env.write("plan/execution/feedbacks/APPROVED_11.md", "Fine.\n");
    for command in
        [&["status", "plan"][..], &["next", "plan"], &["refresh", "plan"], &["run", "plan", "--all", "--dry-run"]]
    {
        let said = env.run(command).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains("parallel.json lacks 1 achievement of the PLAN: 2.1"), "{command:?}: {said}");
        assert!(said.contains("planwave analyze plan"), "{command:?}: {said}");
    }
}
