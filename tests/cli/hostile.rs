//! Text that would act on a terminal, and names that would lead out of the plan directory, from everywhere they can come:
//! the PLAN, parallel.json, documents, verdicts, a server, a pasted answer, links.

use crate::support::{
    environment::TestEnv,
    server::{Reply, ScriptedServer, good},
    subplan_body,
};

/// A title that clears the screen, sets the window's title, rings, turns the order of text around, hides and breaks.
const HOSTILE: &str =
    "a\u{1b}[2Jb\u{1b}]0;owned\u{7}c\u{9b}31md\u{202e}e\u{200b}f\u{2066}g\u{feff}h\u{8}i\u{7f}j\u{2028}k\rl\u{85}m";

/// What must not come out, whatever went in.
fn acts_on_a_terminal(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t'))
        || matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{61c}')
}

/// A plan that is full of it, with its parallel.json, a SUBPLAN, an EXECUTION_TASK and verdicts.
fn full_of_it() -> TestEnv {
    let env = TestEnv::with_plan(&[vec![], vec![], vec![0]]);
    // A carriage return in front of a line feed is a line end; elsewhere it is not.
    let plan = env.read("plan/PLAN_TEST.md");
    let plan = plan
        .replace(": Part 1.", &format!(": Part {HOSTILE} 1."))
        .replace("Have part", &format!("{HOSTILE}\n  Have part"))
        .replace("part_", &format!("{HOSTILE}part_"))
        .replace("Dependencies**: 1.1", &format!("Dependencies**: 1.1 {HOSTILE}"))
        .replace("# PLAN: Test", &format!("# PLAN: {HOSTILE}"));
    env.write("plan/PLAN_TEST.md", &format!("{plan}\n```{HOSTILE}\n"));
    let mut file: serde_json::Value = serde_json::from_str(&env.read("plan/parallel.json")).unwrap();
    for level in file["levels"].as_array_mut().unwrap() {
        level["description"] = HOSTILE.into();
        level["reason"] = HOSTILE.into();
        for achievement in level["achievements"].as_array_mut().unwrap() {
            achievement["title"] = format!("{HOSTILE}\nsecond line").into();
            achievement["executor"] = HOSTILE.into();
            achievement["started_at"] = HOSTILE.into();
            achievement["notes"] = HOSTILE.into();
            achievement["estimated_hours"] = HOSTILE.into();
            achievement["subplan_path"] = format!("subplans/{HOSTILE}.md").into();
            achievement[HOSTILE] = HOSTILE.into();
            achievement["failure"] =
                serde_json::json!({"stage": "subplan", "reason": HOSTILE, "attempts": 1, "at": HOSTILE});
        }
    }
    env.write("plan/parallel.json", &serde_json::to_string_pretty(&file).unwrap());
    let document = subplan_body("1.2", "Executions: 1").replace("## Approach", &format!("## Thoughts {HOSTILE}"));
    env.write(
        "plan/subplans/SUBPLAN_TEST_12.md",
        &format!("# SUBPLAN: {HOSTILE}\n\n{document}\n[TO BE FILLED {HOSTILE}]\n"),
    );
    env.write("plan/execution/feedbacks/FIX_12.md", &format!("# {HOSTILE}\n\n{HOSTILE}\n"));
    env
}

fn assert_harmless(command: &[&str], said: &str) {
    let bad = said.char_indices().find(|(_, c)| acts_on_a_terminal(*c));
    assert_eq!(bad, None, "{command:?} says\n{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_acts_on_a_terminal_comes_out_of_any_command() {
    let server = ScriptedServer::start(|asked| match (asked.id.as_str(), asked.before) {
        ("1.1", 0) => Reply::Text(format!("## {HOSTILE}\n\n{HOSTILE}")),
        ("1.1", _) => Reply::Refusal(String::from(HOSTILE)),
        ("1.2", _) => {
            Reply::Status(400, serde_json::json!({"error": {"message": HOSTILE, "param": HOSTILE}}).to_string())
        }
        _ => good(asked),
    })
    .await;
    let env = full_of_it().server(&server.base_url());
    env.write(
        "answer.md",
        &format!("=== FILE: {HOSTILE}.md ===\nx\n=== FILE: subplans/SUBPLAN_TEST_11.md ===\n## {HOSTILE}\n"),
    );
    env.write(&format!("plan/subplans/SUBPLAN_TEST_{}.md", HOSTILE.replace(['/', '\0'], "")), "x\n");
    let commands: [&[&str]; 49] = [
        &["plan", "show", "plan"],
        &["plan", "show", "plan", "--json"],
        &["status", "plan"],
        &["status", "plan", "--json"],
        &["graph", "plan"],
        &["graph", "plan", "--format", "mermaid"],
        &["graph", "plan", "--format", "dot"],
        &["graph", "plan", "--json"],
        &["prompt", "subplans", "plan", "--json"],
        &["prompt", "update", "plan", "--json"],
        &["next", "plan"],
        &["next", "plan", "--json"],
        &["validate", "plan"],
        &["validate", "plan", "--json"],
        &["check", "plan"],
        &["check", "plan", "--json"],
        &["check", "plan/subplans/SUBPLAN_TEST_12.md"],
        &["analyze", "plan", "--declared", "--dry-run", "--json"],
        &["analyze", "plan", "--declared"],
        &["run", "plan", "--all", "--dry-run"],
        &["run", "plan", "--all", "--dry-run", "--json"],
        &["run", "plan", "--all", "--yes", "--progress", "plain", "--log", "trace", "--executor", HOSTILE],
        &["run", "plan", "--all", "--yes", "--json", "--progress", "none"],
        &["run", "plan", "--all", "--yes", "--events", "-", "--progress", "none"],
        &["doctor", "plan", "--model", HOSTILE],
        &["config", "show", "plan"],
        &["import", "plan", "answer.md", "--out", "again.md"],
        &["import", "plan", "answer.md", "--as", HOSTILE],
        &["history", "plan"],
        &["history", "plan", "--json"],
        &["show", "1", "plan"],
        &["show", HOSTILE, "plan"],
        &["cost", "plan"],
        &["cost", "plan", "--by", "achievement", "--json"],
        &["claim", "plan", "--executor", HOSTILE],
        &["start", "1.1", "plan", "--executor", HOSTILE],
        &["assign", "2.1", HOSTILE, "plan"],
        &["fail", "1.1", "plan", "--reason", HOSTILE],
        &["retry", "1.1", "plan"],
        &["skip", "2.1", "plan", "--reason", HOSTILE],
        &["release", "2.1", "plan"],
        &["refresh", "plan"],
        &["validate", "plan", "--all"],
        &["validate", "plan", "--fix", "--yes"],
        &["migrate", "plan", "--yes"],
        &["explain-rule", HOSTILE],
        &["undo", "plan", "--dry-run"],
        &["undo", "plan", "--yes"],
        &["status", HOSTILE],
    ];
    for command in commands {
        assert_harmless(command, &env.run(command));
    }
    // The reports above did say something of it.
    let said = env.run(&["plan", "show", "plan"]);
    assert!(said.contains("owned c 31mdefgh"), "{said}");
}

/// Files come out byte for byte where another program reads them; on a terminal they do not.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_gets_neither_prompts_nor_documents_as_they_are() {
    let server = ScriptedServer::start(good).await;
    let env = full_of_it().server(&server.base_url());
    let planwave = env!("CARGO_BIN_EXE_planwave");
    let on_a_terminal = |command: &str| {
        let mut script = std::process::Command::new("script");
        script.args(["-qec", &format!("'{planwave}' {command}"), "/dev/null"]).current_dir(env.path("")).env_clear();
        script.env("HOME", env.path("")).env("PATH", "/usr/bin:/bin").env("TERM", "xterm").env("SHELL", "/bin/sh");
        script.env("PLANWAVE_MODEL_BASE_URL", server.base_url()).stdin(std::process::Stdio::null());
        script.output().map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let Ok(first) = on_a_terminal("plan show plan") else {
        eprintln!("skipped: there is no `script` to make a terminal with");
        return;
    };
    assert!(first.contains("owned c 31mdefgh"), "{first}");
    let run = on_a_terminal("run plan --ids 1.1 --yes");
    let rest =
        ["prompt subplans plan", "show 1 1.1 plan", "analyze plan --declared --dry-run", "run plan --all --dry-run"]
            .map(on_a_terminal);
    for said in [Ok(first), run].into_iter().chain(rest) {
        let said = said.unwrap();
        assert!(said.len() > 40, "{said}");
        // Progress bars and colours are sequences of planwave's own.
        for part in ["\u{1b}[2J", "\u{1b}]", "\u{7}", "\u{9b}", "\u{202e}", "\u{2066}", "\u{200b}", "\u{8}", "\u{7f}"] {
            assert!(!said.contains(part), "{part:?} is in\n{said:?}");
        }
    }
}

/// What lies beside the plan directory: nothing of it may be read or changed.
fn beside() -> TestEnv {
    let env = TestEnv::with_plan(&[vec![], vec![0]]);
    for name in [
        "SUBPLAN_TEST_11.md",
        "EXECUTION_TASK_TEST_11_01.md",
        "APPROVED_11.md",
        "x.md",
        "tape.jsonl",
        "lock",
        "parallel.json",
    ] {
        env.write(&format!("outside/{name}"), &format!("PRIVATE {name}\n"));
    }
    env.write("outside/feedbacks/APPROVED_11.md", "PRIVATE\n");
    env.write("outside/records/1/x", "PRIVATE\n");
    env
}

/// What reads and writes in each of its ways, one after the other.
const COMMANDS: [&[&str]; 12] = [
    RUN,
    &["status", "plan"],
    &["validate", "plan"],
    &["check", "plan"],
    &["run", "plan", "--all", "--yes", "--force", "--fresh", "--progress", "none"],
    &["refresh", "plan"],
    &["validate", "plan", "--fix", "--yes"],
    &["complete", "1.1", "plan"],
    &["show", "1", "1.1", "plan"],
    &["undo", "plan", "--yes"],
    &["redo", "plan", "--yes"],
    &["gc", "plan", "--older-than", "0d"],
];

const RUN: &[&str] = &["run", "plan", "--all", "--yes", "--progress", "none"];

/// Runs everything and looks at what lies beside the plan, what was said and what was sent.
fn assert_kept_in(name: &str, env: &TestEnv, server: &ScriptedServer) -> Vec<String> {
    let outside = env.files("outside");
    let mut all = Vec::new();
    for command in COMMANDS {
        let said = env.run(command);
        assert!(!said.contains("PRIVATE"), "{name}: {command:?} says\n{said}");
        assert!(!said.contains("panicked"), "{name}: {command:?} says\n{said}");
        assert!(env.files("outside") == outside, "{name}: {command:?} changed what lies outside");
        all.push(said);
    }
    assert!(server.bodies().iter().all(|body| !body.to_string().contains("PRIVATE")), "{name}: it was sent");
    let top: Vec<String> = env.files("").into_keys().filter(|path| !path.contains('/')).collect();
    assert_eq!(top, Vec::<String>::new(), "{name}");
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn no_name_in_a_file_leads_out_of_the_plan_directory() {
    let server = ScriptedServer::start(good).await;
    let absolute = beside().path("outside/x.md").display().to_string();
    let paths = ["../outside/x.md", "subplans/../../outside/x.md", "C:\\x.md", "..", "a\0b"];
    for path in paths.into_iter().chain([absolute.as_str()]) {
        let env = beside().server(&server.base_url());
        let mut file: serde_json::Value = serde_json::from_str(&env.read("plan/parallel.json")).unwrap();
        for level in file["levels"].as_array_mut().unwrap() {
            let achievement = &mut level["achievements"][0];
            achievement["subplan_path"] = path.into();
            achievement["execution_paths"] = serde_json::json!([path, format!("{path}/y.md")]);
            achievement["status"] = "execution_created".into();
        }
        env.write("plan/parallel.json", &file.to_string());
        assert_kept_in(path, &env, &server);
    }
    for id in ["../outside/x", "1.1/../..", "C:1.1", "1.1\u{0}"] {
        let env = beside().server(&server.base_url());
        let text = env.read("plan/parallel.json").replace("\"1.1\"", &serde_json::Value::from(id).to_string());
        env.write("plan/parallel.json", &text);
        let said = assert_kept_in(id, &env, &server);
        assert!(said[0].contains("plan/parallel.json:") && said[0].ends_with("[exit 2]"), "{id}: {}", said[0]);
        assert!(env.documents().is_empty(), "{id}");
        for command in [&["start", id, "plan"][..], &["run", "plan", "--ids", id, "--yes"], &["show", "1", id, "plan"]]
        {
            // No argument can hold a NUL.
            if !id.contains('\0') {
                assert!(env.run(command).ends_with("[exit 2]"), "{command:?}");
            }
        }
    }
    for plan in ["../X", "C:\\X", ".."] {
        let env = beside().server(&server.base_url());
        let mut file: serde_json::Value = serde_json::from_str(&env.read("plan/parallel.json")).unwrap();
        file["plan"] = plan.into();
        env.write("plan/parallel.json", &file.to_string());
        assert_kept_in(plan, &env, &server);
        let made = env.run(&["init", plan]);
        assert!(!made.ends_with("[exit 0]"), "{made}");
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn no_link_leads_out_of_the_plan_directory() {
    // What is a link, where it leads, and whether a run can do without it.
    let links = [
        ("subplans", "outside", false),
        ("execution", "outside", false),
        ("execution/feedbacks", "outside/feedbacks", false),
        ("execution/SKIPPED_11.md", "outside/x.md", true),
        ("subplans/SUBPLAN_TEST_11.md", "outside/SUBPLAN_TEST_11.md", false),
        ("execution/EXECUTION_TASK_TEST_11_01.md", "outside/EXECUTION_TASK_TEST_11_01.md", false),
        ("execution/feedbacks/APPROVED_11.md", "outside/APPROVED_11.md", true),
        ("parallel.json", "outside/parallel.json", false),
        (".planwave", "outside", false),
        (".planwave/tape.jsonl", "outside/tape.jsonl", false),
        (".planwave/lock", "outside/lock", false),
        (".planwave/tape.damaged.jsonl", "outside/x.md", true),
        (".planwave/records", "outside/records", true),
        (".planwave/runs", "outside/records", false),
        (".planwave/blobs", "outside/records", false),
    ];
    for (link, target, harmless) in links {
        // How a link says where it leads makes no difference to what opens it.
        for relative in if link == "subplans" { &[false, true][..] } else { &[false] } {
            let server = ScriptedServer::start(good).await;
            let env = beside().server(&server.base_url());
            let place = env.path("plan").join(link);
            std::fs::create_dir_all(place.parent().unwrap()).unwrap();
            if place.is_dir() {
                std::fs::remove_dir_all(&place).unwrap();
            } else if place.exists() {
                std::fs::remove_file(&place).unwrap();
            }
            let up = "../".repeat(link.matches('/').count() + 1);
            let target = if *relative { format!("{up}{target}").into() } else { env.path(target) };
            std::os::unix::fs::symlink(&target, &place).unwrap();
            let name = format!("{link} -> {}", target.display());
            let said = assert_kept_in(&name, &env, &server);
            if !harmless {
                assert!(!said[0].ends_with("[exit 0]") && said[0].contains("error: "), "{name}: {}", said[0]);
                assert!(said[0].contains("hint: "), "{name}: {}", said[0]);
                assert_eq!(server.count(), 0, "{name}: {}", said[0]);
            }
            assert!(place.is_symlink(), "{name} is gone");
            drop(server);
            tokio::task::yield_now().await;
        }
    }
}
