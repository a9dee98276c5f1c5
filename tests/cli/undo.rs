//! `planwave history`, `undo`, `redo`, `show`, `cost` and `gc` after runs against a scripted server.

use crate::support::{
    environment::TestEnv,
    server::{Reply, ScriptedServer, good},
};

type Files = std::collections::BTreeMap<String, Vec<u8>>;

/// Every file of the plan but planwave's own.
fn files(env: &TestEnv) -> Files {
    env.files("plan").into_iter().filter(|(name, _)| !name.starts_with(".planwave/")).collect()
}

/// Times and sizes differ from run to run.
fn steady(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("20") {
        let is_time = rest[at..].len() >= 16 && {
            let bytes = &rest.as_bytes()[at..];
            bytes[4] == b'-' && bytes[7] == b'-' && bytes[10] == b' ' && bytes[13] == b':'
        };
        let end = if is_time { at + 16 } else { at + 2 };
        out.push_str(&rest[..at]);
        out.push_str(if is_time { "[began]         " } else { "20" });
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

/// A plan on which nothing is on record: deleting `.planwave` costs undo and tape, nothing else.
fn unrecorded(needs: &[Vec<usize>]) -> TestEnv {
    let env = TestEnv::with_plan(needs);
    std::fs::remove_dir_all(env.path("plan/.planwave")).unwrap();
    env
}

/// Two achievements; the first answer for 1.2 is rejected.
async fn ran() -> (TestEnv, ScriptedServer, Files) {
    let server = ScriptedServer::start(|asked| match (asked.id.as_str(), asked.stage, asked.before) {
        ("1.2", "subplan", 0) => Reply::Text(String::from("## Objective\n\nToo little.")),
        _ => good(asked),
    })
    .await;
    let env = unrecorded(&[vec![], vec![]]).server(&server.base_url());
    let before = files(&env);
    let said = env.run(&["run", "plan", "--all", "--yes", "--concurrency", "1", "--progress", "none"]);
    assert!(said.ends_with("[exit 0]"), "{said}");
    (env, server, before)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_taken_back_and_brought_back_byte_for_byte() {
    let (env, _server, before) = ran().await;
    let after = files(&env);
    insta::assert_snapshot!(steady(&env.run(&["undo", "plan", "--dry-run"])), @r"
    Undo 1: run --all --concurrency 1, [began]          UTC
      remove subplans/SUBPLAN_TEST_11.md
      remove subplans/SUBPLAN_TEST_12.md
      remove execution/EXECUTION_TASK_TEST_11_01.md
      remove execution/EXECUTION_TASK_TEST_12_01.md
      restore parallel.json
    ------- stderr -------
    nothing changed
    [exit 0]
    ");
    assert_eq!(files(&env), after);
    let refused = env.run(&["undo", "plan"]);
    insta::assert_snapshot!(steady(&refused), @r"
    ------- stderr -------
    Undo 1: run --all --concurrency 1, [began]          UTC
      remove subplans/SUBPLAN_TEST_11.md
      remove subplans/SUBPLAN_TEST_12.md
      remove execution/EXECUTION_TASK_TEST_11_01.md
      remove execution/EXECUTION_TASK_TEST_12_01.md
      restore parallel.json
    error: this would change files, and there is no terminal to ask on
      hint: add `--yes` to do it, or `--dry-run` to see what it would be
    [exit 2]
    ");
    insta::assert_snapshot!(steady(&env.run(&["undo", "plan", "--yes"])), @r"
    undid 1: 5 files; `planwave redo` brings it back
    ------- stderr -------
    Undo 1: run --all --concurrency 1, [began]          UTC
      remove subplans/SUBPLAN_TEST_11.md
      remove subplans/SUBPLAN_TEST_12.md
      remove execution/EXECUTION_TASK_TEST_11_01.md
      remove execution/EXECUTION_TASK_TEST_12_01.md
      restore parallel.json
    [exit 0]
    ");
    assert_eq!(files(&env), before);
    insta::assert_snapshot!(env.run(&["undo", "plan", "--yes"]), @r"
    ------- stderr -------
    error: there is nothing to undo
      hint: `planwave history` lists what has been done here
    [exit 2]
    ");
    insta::assert_snapshot!(steady(&env.run(&["undo", "2", "plan", "--yes"])), @r"
    redid 1: 5 files
    ------- stderr -------
    Redo 2: undo 1, [began]          UTC
      bring back subplans/SUBPLAN_TEST_11.md
      bring back subplans/SUBPLAN_TEST_12.md
      bring back execution/EXECUTION_TASK_TEST_11_01.md
      bring back execution/EXECUTION_TASK_TEST_12_01.md
      restore parallel.json
    [exit 0]
    ");
    insta::assert_snapshot!(steady(&env.run(&["redo", "plan", "--yes"])), @r"
    ------- stderr -------
    error: there is nothing to redo
      hint: `planwave history` lists what has been done here
    [exit 2]
    ");
    assert_eq!(files(&env), after);
    insta::assert_snapshot!(steady(&env.run(&["history", "plan"])), @r"
    RUN  BEGAN (UTC)       ITEMS  FILES  TOKENS  COST  COMMAND
      3  [began]                      5                redo 2
      2  [began]                      5                redone: undo 1
      1  [began]             4/4      5    6.5k     ?  run --all --concurrency 1
    [exit 0]
    ");
    let json = env.run(&["history", "plan", "--json", "--limit", "4"]);
    let json = json.split("------- stderr").next().unwrap_or_default().trim_end_matches("[exit 0]");
    let history: serde_json::Value = serde_json::from_str(json).unwrap();
    assert_eq!(history[0]["kind"], "redo");
    let run = history.as_array().unwrap().iter().find(|past| past["kind"] == "run").unwrap();
    assert_eq!((run["state"].as_str(), run["items"]["done"].as_u64()), (Some("standing"), Some(4)));
    assert_eq!(run["usage"]["input"], 5_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_file_is_named_and_can_be_left() {
    let (env, _server, before) = ran().await;
    env.write("plan/subplans/SUBPLAN_TEST_11.md", "mine\n");
    let after = files(&env);
    insta::assert_snapshot!(env.run(&["undo", "plan", "--yes"]), @r"
    ------- stderr -------
    error: these files cannot be taken back, so nothing was changed:
    subplans/SUBPLAN_TEST_11.md was changed since
      hint: `--keep-edited` leaves them and takes back the rest
    [exit 2]
    ");
    assert_eq!(files(&env), after);
    let said = env.run(&["undo", "plan", "--yes", "--keep-edited"]);
    insta::assert_snapshot!(steady(&said), @r"
    undid 1: 4 files; `planwave redo` brings it back
    ------- stderr -------
    left as they are:
    subplans/SUBPLAN_TEST_11.md was changed since
    Undo 1: run --all --concurrency 1, [began]          UTC
      remove subplans/SUBPLAN_TEST_12.md
      remove execution/EXECUTION_TASK_TEST_11_01.md
      remove execution/EXECUTION_TASK_TEST_12_01.md
      restore parallel.json
    [exit 0]
    ");
    let mut expected = before;
    expected.insert(String::from("subplans/SUBPLAN_TEST_11.md"), b"mine\n".to_vec());
    assert_eq!(files(&env), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_run_wrote_or_rejected_stays_within_reach() {
    let (env, _server, _) = ran().await;
    let document = env.read("plan/subplans/SUBPLAN_TEST_11.md");
    let number = "1";
    let show = |rest: &[&str]| env.run(&[&["show", number], rest].concat());
    for _ in 0..2 {
        assert_eq!(show(&["1.1", "plan", "--stage", "subplan"]), format!("{document}[exit 0]"));
        env.run(&["undo", "plan", "--yes"]);
    }
    insta::assert_snapshot!(steady(&show(&["plan"])), @r"
    1: run --all --concurrency 1, [began]          UTC
      created subplans/SUBPLAN_TEST_11.md (undone)
      created subplans/SUBPLAN_TEST_12.md (undone)
      created execution/EXECUTION_TASK_TEST_11_01.md (undone)
      created execution/EXECUTION_TASK_TEST_12_01.md (undone)
      replaced parallel.json (undone)
    [exit 0]
    ");
    insta::assert_snapshot!(show(&["1.2", "plan", "--stage", "subplan", "--attempt", "1"]), @r"
    ## Objective

    Too little.
    [exit 0]
    ");
    let both = show(&["1.2", "plan"]);
    assert!(both.contains("==> subplans/SUBPLAN_TEST_12.md <==") && both.contains("answer 1 was rejected"), "{both}");
    insta::assert_snapshot!(show(&["3.1", "plan"]), @r"
    ------- stderr -------
    error: 1 wrote no document of 3.1, and rejected none
      hint: `planwave show 1` lists what it changed
    [exit 1]
    ");
    insta::assert_snapshot!(show(&["1.2", "plan", "--attempt", "9"]), @r"
    ------- stderr -------
    error: 1 has no answer 9 for 1.2
      hint: there are 2 answers
    [exit 2]
    ");
    insta::assert_snapshot!(env.run(&["show", "77", "1.1", "plan"]), @r"
    ------- stderr -------
    error: there is no operation 77 on record
      hint: `planwave history` lists those there are
    [exit 2]
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_of_a_replay_are_shown_from_its_tape() {
    let (env, server, _) = ran().await;
    std::fs::rename(env.path("plan/.planwave/tape.jsonl"), env.path("tape.jsonl")).unwrap();
    env.run(&["undo", "plan", "--yes"]);
    let said = env.run(&["run", "plan", "--all", "--yes", "--replay", "tape.jsonl", "--progress", "none"]);
    assert!(said.ends_with("[exit 0]"), "{said}");
    assert_eq!(server.count(), 5);
    let show = |more: &[&str]| env.run(&[&["show", "3", "1.2", "plan", "--stage", "subplan"], more].concat());
    assert!(show(&["--attempt", "1"]).contains("name its tape with `--tape FILE`\n[exit 1]"));
    let first = show(&["--attempt", "1", "--tape", "tape.jsonl"]);
    assert_eq!(first, "## Objective\n\nToo little.\n[exit 0]");
    assert!(show(&["--attempt", "2", "--tape", "tape.jsonl"]).starts_with("## Objective\n\nPart 1.2 is there"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_only_failed_shows_its_last_answer() {
    let server = ScriptedServer::start(|_| Reply::Text(String::from("## Objective\n\nToo little."))).await;
    let env = unrecorded(&[vec![]]).server(&server.base_url());
    let said = env.run(&["run", "plan", "--all", "--yes", "--max-attempts", "1", "--progress", "none"]);
    assert!(said.ends_with("[exit 1]"), "{said}");
    let shown = env.run(&["show", "1", "1.1", "plan"]);
    assert!(shown.starts_with("## Objective\n\nToo little.\n") && shown.contains("was rejected"), "{shown}");
    // The failure that it noted in parallel.json goes too.
    assert!(env.read("plan/parallel.json").contains("\"failed\""));
    assert!(env.run(&["undo", "plan", "--yes"]).ends_with("[exit 0]"));
    assert!(!env.read("plan/parallel.json").contains("\"failed\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_on_the_bill_and_stays_there() {
    let (env, _server, _) = ran().await;
    for by in ["run", "achievement", "model"] {
        let said = env.run(&["cost", "plan", "--by", by]);
        match by {
            "run" => insta::assert_snapshot!(said, @r"
            RUN                         CALLS    TOKENS IN  CACHED  TOKENS OUT         COST
            1  run --all --concurrenc…      5        5,000     20%       1,500      unknown
            Total                           5        5,000     20%       1,500      unknown

            5 calls of a model whose prices are unknown.
            [exit 0]
            "),
            "achievement" => insta::assert_snapshot!(said, @r"
            ACHIEVEMENT  CALLS    TOKENS IN  CACHED  TOKENS OUT         COST
            1.1              2        2,000     20%         600      unknown
            1.2              3        3,000     20%         900      unknown
            Total            5        5,000     20%       1,500      unknown

            5 calls of a model whose prices are unknown.
            [exit 0]
            "),
            _ => insta::assert_snapshot!(said, @r"
            MODEL       CALLS    TOKENS IN  CACHED  TOKENS OUT         COST
            gpt-5-mini      5        5,000     20%       1,500      unknown
            Total           5        5,000     20%       1,500      unknown

            5 calls of a model whose prices are unknown.
            [exit 0]
            "),
        }
    }
    let bill = env.run(&["cost", "plan", "--by", "day", "--json"]);
    // A replay costs nothing, and an undo gives nothing back.
    std::fs::copy(env.path("plan/.planwave/tape.jsonl"), env.path("tape.jsonl")).unwrap();
    env.run(&["undo", "plan", "--yes"]);
    assert!(env.run(&["run", "plan", "--all", "--replay", "tape.jsonl", "--progress", "none"]).ends_with("[exit 0]"));
    assert_eq!(env.run(&["cost", "plan", "--by", "day", "--json"]), bill);
}

/// A run that is killed has put its last answers on the tape, and not all of them among its events.
#[tokio::test(flavor = "multi_thread")]
async fn what_only_the_tape_knows_of_a_killed_run_is_on_the_bill() {
    let (env, _server, _) = ran().await;
    let bill = env.run(&["cost", "plan", "--json"]);
    let run = std::fs::read_dir(env.path("plan/.planwave/runs")).unwrap().next().unwrap().unwrap().path();
    let cut = |name: &str, word: &str| {
        let text = std::fs::read_to_string(run.join(name)).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let last = lines.iter().rposition(|line| line.contains(word)).unwrap();
        let kept: String = lines.iter().take(last).flat_map(|line| [line, "\n"]).collect();
        std::fs::write(run.join(name), kept).unwrap();
    };
    cut("undo.jsonl", "\"end\":");
    cut("events.jsonl", "\"event\":\"exchange\"");
    assert_eq!(env.run(&["cost", "plan", "--json"]), bill);
    let history = env.run(&["history", "plan"]);
    assert!(history.contains("unfinished") && history.contains("6.5k"), "{history}");
    assert!(env.run(&["gc", "plan", "--older-than", "0d"]).ends_with("[exit 0]"));
    assert_eq!(env.run(&["cost", "plan", "--json"]), bill);
}

#[tokio::test(flavor = "multi_thread")]
async fn gc_frees_what_no_undo_needs() {
    let (env, _server, before) = ran().await;
    let dry = env.run(&["gc", "plan", "--older-than", "0d", "--dry-run"]);
    assert!(dry.contains("would free") && dry.contains("5 answers on the tape"), "{dry}");
    let said = env.run(&["gc", "plan", "--older-than", "0d"]);
    assert!(said.starts_with("freed "), "{said}");
    assert_eq!(env.read("plan/.planwave/tape.jsonl").lines().count(), 1);
    assert!(env.run(&["undo", "plan", "--yes"]).ends_with("[exit 0]"));
    assert_eq!(files(&env), before);
    insta::assert_snapshot!(env.run(&["gc", "plan", "--older-than", "yesterday"]), @r"
    ------- stderr -------
    error: invalid value 'yesterday' for '--older-than <AGE>': an age is a number and a unit, such as 30d

    For more information, try '--help'.
    [exit 2]
    ");
}

#[test]
fn nothing_on_record() {
    let env = TestEnv::with_plan_text("# PLAN: Test\n\n## Desirable Achievements\n\n**Achievement 1.1**: One\n");
    for command in ["history", "cost", "undo", "redo", "gc"] {
        let said = env.run(&[command, "plan"]);
        match command {
            "history" => insta::assert_snapshot!(said, @r"
            ------- stderr -------
            nothing has been done here yet
            [exit 0]
            "),
            "cost" => insta::assert_snapshot!(said, @r"
            ------- stderr -------
            nothing has been paid for here yet
            [exit 0]
            "),
            "undo" => insta::assert_snapshot!(said, @r"
            ------- stderr -------
            error: there is nothing to undo
              hint: `planwave history` lists what has been done here
            [exit 2]
            "),
            "redo" => insta::assert_snapshot!(said, @r"
            ------- stderr -------
            error: there is nothing to redo
              hint: `planwave history` lists what has been done here
            [exit 2]
            "),
            _ => insta::assert_snapshot!(said, @r"
            nothing to remove; 0 B are in use
            [exit 0]
            "),
        }
    }
    insta::assert_snapshot!(env.run(&["undo", "12", "plan"]), @r"
    ------- stderr -------
    error: there is no operation 12 on record
      hint: `planwave history` lists those there are
    [exit 2]
    ");
    insta::assert_snapshot!(env.run(&["show", "x", "plan"]), @r"
    ------- stderr -------
    error: `x` names no operation
      hint: `planwave history` lists them; their number is enough
    [exit 2]
    ");
    assert!(!env.path("plan/.planwave/runs").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_record_is_named_and_passed_over() {
    let (env, _server, _) = ran().await;
    let runs = env.files("plan/.planwave/runs");
    let record = runs.keys().find(|name| name.ends_with("undo.jsonl")).unwrap();
    let path = format!("plan/.planwave/runs/{record}");
    let text = env.read(&path);
    let mut lines: Vec<&str> = text.lines().collect();
    lines[2] = "{\"change\":";
    env.write(&path, &(lines.join("\n") + "\n"));
    insta::assert_snapshot!(env.run(&["undo", "plan", "--yes"]), @r"
    ------- stderr -------
    warning: the record of 1 is damaged in line 3
    error: the record of 1 is damaged in line 3, so it cannot be taken back as a whole
    [exit 2]
    ");
    env.write(&path, "\u{1b}[31m\n");
    let said = env.run(&["history", "plan"]);
    assert!(said.contains("undo.jsonl: line 1 is not the header of a record") && said.ends_with("[exit 0]"), "{said}");
    // What the run paid for stays on the bill, and nobody takes a lost record for that of a run that did nothing.
    for lost in ["\u{1b}[31m\n", ""] {
        env.write(&path, lost);
        for command in [["history", "plan"], ["cost", "plan"], ["undo", "plan"]] {
            let said = env.run(&command);
            assert!(said.contains("warning: 1 is left out, and cannot be undone: plan/.planwave/runs/"), "{said}");
            let costs = said.contains("1  (its record is lost)") && said.contains("5,000");
            assert_eq!(costs, command[0] == "cost", "{said}");
        }
        let said = env.run(&["gc", "plan", "--dry-run"]);
        assert!(said.contains("warning: plan/.planwave/runs/") && said.contains("; it stays"), "{said}");
    }
    std::fs::remove_file(env.path(&path.replace("undo", "events"))).unwrap();
    assert!(!env.run(&["history", "plan"]).contains("warning"), "it was interrupted before it did anything");
}

#[tokio::test(flavor = "multi_thread")]
async fn git_is_asked_for_a_commit_only_on_request() {
    let git = |env: &TestEnv, arguments: &[&str]| {
        let mut command = std::process::Command::new("git");
        command.args(arguments).current_dir(env.path("")).env("GIT_CONFIG_GLOBAL", "/dev/null");
        command.output().map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let server = ScriptedServer::start(good).await;
    let env = unrecorded(&[vec![]]).server(&server.base_url());
    if git(&env, &["--version"]).is_err() {
        eprintln!("skipped: there is no git here");
        return;
    }
    let path = std::env::var("PATH").unwrap();
    let run = ["run", "plan", "--all", "--yes", "--progress", "none", "--git-checkpoint"];
    let with_git = |env: &TestEnv| env.run_with(&run, &[("PATH", &path)]);
    let refused = with_git(&env);
    assert!(refused.contains("git finds no repository at plan") && refused.ends_with("[exit 2]"), "{refused}");
    git(&env, &["init", "--quiet"]).unwrap();
    git(&env, &["config", "user.name", "Tester"]).unwrap();
    git(&env, &["config", "user.email", "tester@example.com"]).unwrap();
    env.write("other.txt", "not ours\n");
    git(&env, &["add", "other.txt"]).unwrap();
    let refused = with_git(&env);
    assert!(refused.contains("the index holds 1 change outside of plan") && refused.ends_with("[exit 2]"), "{refused}");
    assert_eq!(server.bodies().len(), 0);
    git(&env, &["rm", "--cached", "--quiet", "other.txt"]).unwrap();
    let said = with_git(&env);
    assert!(said.contains("git checkpoint: commit ") && said.ends_with("[exit 0]"), "{said}");
    let committed = git(&env, &["show", "--name-only", "--format=%s"]).unwrap();
    assert_eq!(committed, "Before planwave run\n\nplan/PLAN_TEST.md\nplan/parallel.json\n");
    env.run(&["undo", "plan", "--yes"]);
    assert_eq!(git(&env, &["log", "--format=%s"]).unwrap(), "Before planwave run\n");
    assert_eq!(git(&env, &["status", "--porcelain", "--untracked-files=no"]).unwrap(), "");
}

/// A run that is cut short leaves parallel.json whole; an editor or a disk may not.
#[tokio::test(flavor = "multi_thread")]
async fn a_broken_parallel_json_is_never_replaced_and_its_last_good_copy_is_named() {
    let (env, _server, _before) = ran().await;
    let whole = env.read("plan/parallel.json");
    let broken = [String::new(), whole[..whole.len() / 2].to_owned(), String::from("{}"), whole.replace(':', "")];
    for text in broken {
        env.write("plan/parallel.json", &text);
        let commands: [&[&str]; 8] = [
            &["status", "plan"],
            &["validate", "plan"],
            &["refresh", "plan"],
            &["next", "plan"],
            &["claim", "plan"],
            &["run", "plan", "--all", "--yes"],
            &["run", "plan", "--all", "--dry-run"],
            &["analyze", "plan", "--declared"],
        ];
        for command in commands {
            let said = env.run(command);
            assert!(said.ends_with("[exit 2]") || (command[0] == "validate" && said.ends_with("[exit 1]")), "{said}");
            assert!(said.contains("the last good copy, left by `run --all --concurrency 1`"), "{command:?}: {said}");
            assert_eq!(env.read("plan/parallel.json"), text, "{command:?}");
        }
        // What is said is what helps.
        let said = env.run(&["status", "plan"]);
        let copy = said.lines().find_map(|line| line.trim().strip_prefix("cp ")).unwrap();
        let (from, to) = copy.split_once(' ').unwrap();
        std::fs::copy(env.path(from), env.path(to)).unwrap();
        assert_eq!(env.read("plan/parallel.json"), whole);
    }
    std::fs::remove_dir_all(env.path("plan/.planwave")).unwrap();
    env.write("plan/parallel.json", "");
    insta::assert_snapshot!(env.run(&["next", "plan"]), @r"
    ------- stderr -------
    error: plan/parallel.json cannot be used
    plan/parallel.json:1:1: error[PW101]: the file is empty
      hint: restore it from a backup or from version control, or delete it and write one with `planwave analyze <PLAN> --declared`
      hint: mend the file; no earlier copy of it is on record. `planwave analyze plan --declared --force` writes it anew, from the PLAN and the documents
    [exit 2]
    ");
}

/// The record of the newest operation.
fn newest_record(env: &TestEnv) -> String {
    let runs = std::fs::read_dir(env.path("plan/.planwave/runs")).unwrap();
    let mut names: Vec<String> = runs.map(|run| run.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_by_key(|name| name.rsplit('-').next().unwrap().parse::<u64>().unwrap());
    format!("plan/.planwave/runs/{}/undo.jsonl", names.last().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_that_lacks_only_its_end_is_redone_at_once_and_not_undone_twice() {
    let server = ScriptedServer::start(good).await;
    let env = TestEnv::with_plan(&[vec![]]).server(&server.base_url());
    assert!(env.run(&["run", "plan", "--all", "--yes"]).ends_with("[exit 0]"));
    let kill_at_the_end = || {
        let record = newest_record(&env);
        let text = env.read(&record);
        let (rest, end) = text.trim_end().rsplit_once('\n').unwrap();
        assert!(end.contains("\"end\""), "{end}");
        env.write(&record, &format!("{rest}\n"));
    };
    assert!(env.run(&["undo", "plan", "--yes"]).ends_with("[exit 0]"));
    assert_eq!(env.documents().len(), 0);
    kill_at_the_end();
    let said = env.run(&["redo", "plan", "--yes"]);
    assert!(said.contains("redid 2: ") && said.ends_with("[exit 0]"), "{said}");
    assert_eq!(env.documents().len(), 2);

    assert!(env.run(&["undo", "plan", "--yes"]).ends_with("[exit 0]"));
    kill_at_the_end();
    let said = env.run(&["undo", "plan", "--yes"]);
    assert!(said.contains("0 files left to restore") && said.contains("finished `undo"), "{said}");
    assert!(env.run(&["redo", "plan", "--yes"]).ends_with("[exit 0]"));
    assert_eq!(env.documents().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_run_holds_the_plan_undo_says_that_and_nothing_else() {
    let server = ScriptedServer::start(good).await;
    let env = TestEnv::with_plan(&[vec![]]).server(&server.base_url());
    assert!(env.run(&["run", "plan", "--all", "--yes"]).ends_with("[exit 0]"));
    let file = std::fs::File::options().read(true).write(true).open(env.path("plan/.planwave/lock")).unwrap();
    file.lock().unwrap();
    let said = env.run(&["undo", "plan", "--yes"]);
    assert!(said.contains("another run holds plan") && said.ends_with("[exit 3]"), "{said}");
    assert!(!said.contains("Undo 1"), "{said}");
    // Looking changes nothing, so it does not wait.
    assert!(env.run(&["undo", "plan", "--dry-run"]).ends_with("[exit 0]"));
}
