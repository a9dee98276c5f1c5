//! Files that a command is told to write besides the plan's own: events, tapes, prompts. And where the plan's own file is
//! a link.

use crate::support::{
    environment::TestEnv,
    server::{ScriptedServer, good},
};

#[tokio::test(flavor = "multi_thread")]
async fn no_output_takes_the_place_of_what_belongs_to_the_plan() {
    let server = ScriptedServer::start(good).await;
    let env = TestEnv::with_plan(&[vec![], vec![0]]).server(&server.base_url());
    let before = env.files("plan");
    let all: &[&[&str]] = &[
        &["run", "plan", "--all", "--yes", "--record"],
        &["run", "plan", "--all", "--yes", "--events"],
        &["analyze", "plan", "--yes", "--record"],
        &["prompt", "subplans", "plan", "--out"],
        &["prompt", "discovery", "plan", "--out"],
        &["start", "1.1", "plan", "--force", "--events"],
        &["claim", "plan", "--events"],
    ];
    for command in all {
        for path in [
            "plan/.planwave/tape.jsonl",
            "plan/.planwave/lock",
            "plan/.planwave/runs/x/events.jsonl",
            "./plan/../plan/subplans/SUBPLAN_TEST_11.md",
            "plan/execution/feedbacks/APPROVED_11.md",
            "plan/parallel.json",
            "plan/PLAN_TEST.md",
        ] {
            let said = env.run(&[*command, &[path]].concat());
            assert!(said.contains("that belongs to the plan") && said.ends_with("[exit 2]"), "{path}: {said}");
        }
    }
    insta::assert_snapshot!(env.run(&["run", "plan", "--all", "--yes", "--events", "plan/PLAN_TEST.md"]), @r"
    ------- stderr -------
    error: `--events` cannot be plan/PLAN_TEST.md: that belongs to the plan
      hint: name a file that is no PLAN, parallel.json or planwave.toml, outside of .planwave, subplans and execution
    [exit 2]
    ");
    insta::assert_snapshot!(env.run(&["run", "plan", "--all", "--yes", "--events", "x", "--record", "./x"]), @r"
    ------- stderr -------
    error: `--record` and `--events` are both x
      hint: name two files
    [exit 2]
    ");
    env.write("mine.txt", "mine");
    insta::assert_snapshot!(env.run(&["start", "1.1", "plan", "--events", "mine.txt"]), @r"
    ------- stderr -------
    error: `--events`: mine.txt exists and holds no events
      hint: no file is overwritten: name another, or remove this one
    [exit 2]
    ");
    insta::assert_snapshot!(env.run(&["run", "plan", "--all", "--yes", "--record", "mine.txt"]), @r"
    ------- stderr -------
    error: `--record`: mine.txt exists already
      hint: no file is overwritten: name another, or remove this one
    [exit 2]
    ");
    assert_eq!(env.read("mine.txt"), "mine");
    assert!(!env.path("x").exists());
    assert_eq!(server.count(), 0);
    assert_eq!(env.files("plan").into_iter().filter(|(path, _)| !path.ends_with("lock")).collect::<Vec<_>>(), {
        before.into_iter().filter(|(path, _)| !path.ends_with("lock")).collect::<Vec<_>>()
    });
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_parallel_json_behind_a_link_is_written_through_it() {
    let server = ScriptedServer::start(good).await;
    let env = TestEnv::with_plan(&[vec![], vec![0]]).server(&server.base_url());
    let link = env.path("plan/parallel.json");
    std::fs::create_dir(env.path("plan/data")).unwrap();
    std::fs::rename(&link, env.path("plan/data/levels.json")).unwrap();
    std::os::unix::fs::symlink("data/levels.json", &link).unwrap();
    let before = env.read("plan/data/levels.json");
    for command in
        [&["start", "1.1", "plan", "--force"][..], &["run", "plan", "--level", "1", "--yes"], &["refresh", "plan"]]
    {
        let said = env.run(command);
        assert!(said.ends_with("[exit 0]"), "{said}");
        assert!(link.is_symlink(), "{command:?}");
    }
    assert!(env.read("plan/data/levels.json").contains("EXECUTION_TASK_TEST_11_01.md"));
    for _ in 0..2 {
        let said = env.run(&["undo", "plan", "--yes"]);
        assert!(said.ends_with("[exit 0]"), "{said}");
    }
    assert!(link.is_symlink());
    assert_eq!(env.read("plan/data/levels.json"), before);

    // A link that leads out is refused, before anything is sent.
    std::fs::rename(env.path("plan/data/levels.json"), env.path("levels.json")).unwrap();
    std::fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink("../levels.json", &link).unwrap();
    let sent = server.count();
    insta::assert_snapshot!(env.run(&["run", "plan", "--level", "1", "--yes"]), @r"
    ------- stderr -------
    error: cannot read plan/parallel.json: a link in this path leads out of the plan directory, [root]/plan
      hint: planwave keeps to the plan directory: put the file or folder itself there in place of the link
    [exit 2]
    ");
    assert_eq!((server.count(), env.read("levels.json")), (sent, before));
}

/// What a live run showed and what its event file shows are the same lines, but for the time of day.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_shown_again_from_its_events() {
    let server = ScriptedServer::start(good).await;
    let env = TestEnv::with_plan(&[vec![], vec![0]]).server(&server.base_url());
    let live = env.run(&["run", "plan", "--all", "--yes", "--events", "events.jsonl", "--concurrency", "1"]);
    let again = env.run(&["replay-events", "events.jsonl"]);
    let steps = |said: &str| -> Vec<String> {
        let words = ["started", "written", "done", "finished", "answered", "run "];
        let lines =
            said.lines().filter_map(|line| line.split_once(' ')).filter(|(time, _)| time.matches(':').count() == 2);
        lines.map(|(_, rest)| rest.to_owned()).filter(|rest| words.iter().any(|word| rest.contains(word))).collect()
    };
    assert!(steps(&live).len() > 8, "{live}");
    assert_eq!(steps(&again), steps(&live));
    assert!(again.contains("4 done") && again.ends_with("[exit 0]"), "{again}");

    let mut torn = env.read("events.jsonl");
    torn.truncate(torn.len() - 40);
    env.write("torn.jsonl", &torn.replacen("{\"event\":\"call_started\"", "{\"event\":\"call_st", 1));
    let said = env.run(&["replay-events", "torn.jsonl"]);
    assert!(
        said.contains("the run has not ended") && said.contains("cannot be read") && said.ends_with("[exit 0]"),
        "{said}"
    );

    env.write("empty.jsonl", "");
    insta::assert_snapshot!(env.run(&["replay-events", "empty.jsonl"]), @r"
    ------- stderr -------
    error: there is no event in empty.jsonl
      hint: `planwave run … --events FILE` writes one, and `.planwave/runs/` keeps those of past runs
    [exit 2]
    ");
}

/// With `--json`, an error is one JSON value on standard output; exit codes and standard error are as without it.
#[test]
fn errors_are_json_where_results_are() {
    let env = TestEnv::with_plan(&[vec![]]);
    env.write("broken/PLAN_TEST.md", &env.read("plan/PLAN_TEST.md"));
    env.write("broken/parallel.json", "{\n");
    env.write("odd/PLAN_TEST.md", &env.read("plan/PLAN_TEST.md"));
    env.write("odd/parallel.json", &env.read("plan/parallel.json"));
    env.write("odd/planwave.toml", "[run]\nconcurency = 3\n");
    env.write("far/PLAN_TEST.md", &env.read("plan/PLAN_TEST.md"));
    env.write("far/parallel.json", &env.read("plan/parallel.json"));
    env.write("far/planwave.toml", "[model]\nbase_url = 'http://127.0.0.1:9/v1'\n");
    type Case<'a> = (&'a [&'a str], i32, &'a str, Option<(&'a str, Option<u64>)>);
    let cases: [Case<'_>; 9] = [
        (&["status", "nowhere", "--json"], 2, "no-plan", None),
        (&["status", "broken", "--json"], 2, "parallel-json", Some(("broken/parallel.json", Some(2)))),
        (&["run", "odd", "--all", "--dry-run", "--json"], 2, "settings", Some(("odd/planwave.toml", Some(2)))),
        (&["run", "far", "--all", "--yes", "--json"], 2, "untrusted", None),
        (&["run", "plan", "--all", "--yes", "--json"], 2, "no-key", None),
        (&["run", "plan", "--level", "9", "--json"], 2, "planning", None),
        (&["run", "plan", "--levle", "1", "--json"], 2, "usage", None),
        (&["show", "7", "plan", "--json"], 2, "usage", None),
        (&["doctor", "far", "--json"], 2, "untrusted", None),
    ];
    for (arguments, exit, code, place) in cases {
        let output = env.command(arguments, &[]).output().unwrap();
        assert_eq!(output.status.code(), Some(exit), "{arguments:?}");
        let stdout = String::from_utf8(output.stdout).unwrap();
        let value: serde_json::Value =
            serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {stdout}"));
        let error = &value["error"];
        assert_eq!(error["code"], code, "{arguments:?}: {stdout}");
        let stderr = String::from_utf8(output.stderr).unwrap();
        let first = error["message"].as_str().unwrap().lines().next().unwrap();
        assert!(stderr.contains(&format!("error: {first}")), "{stderr}");
        let found = error["where"]["file"].as_str().map(|file| (file, error["where"]["line"].as_u64()));
        assert_eq!(found, place, "{arguments:?}");
        let plain: Vec<&str> = arguments.iter().copied().filter(|argument| *argument != "--json").collect();
        let without = env.command(&plain, &[]).output().unwrap();
        assert_eq!((without.status.code(), without.stdout.len()), (Some(exit), 0), "{plain:?}");
    }
}
