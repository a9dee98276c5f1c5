//! People save files while planwave works: what they save stays.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    time::Duration,
};

use crate::{
    RUN,
    aftermath::{check, documents},
    plan, script,
    support::server::ScriptedServer,
    undisturbed,
};

/// How an editor saves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Editor {
    /// A new file takes the name.
    Renames,
    /// The same file gets other bytes, in two pieces.
    Overwrites,
}

/// Sets a member of the file that planwave does not know.
fn note(path: &Path, editor: Editor, number: u32) {
    let Ok(text) = std::fs::read_to_string(path) else { return };
    let Ok(mut value) = serde_json::from_str::<serde_json::Value>(&text) else { return };
    value["by_hand"] = number.into();
    let text = serde_json::to_string_pretty(&value).unwrap();
    match editor {
        Editor::Renames => {
            let other = path.with_extension("swp");
            std::fs::write(&other, text).unwrap();
            std::fs::rename(other, path).unwrap();
        }
        Editor::Overwrites => {
            use std::io::Write as _;
            let mut file = std::fs::File::create(path).unwrap();
            let (first, second) = text.split_at(text.len() / 2);
            file.write_all(first.as_bytes()).unwrap();
            std::thread::sleep(Duration::from_millis(1));
            file.write_all(second.as_bytes()).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_json_saved_by_a_person_again_and_again_keeps_what_they_wrote() {
    let expected = undisturbed().await;
    for editor in [Editor::Renames, Editor::Overwrites] {
        for _ in 0..4 {
            let server = ScriptedServer::slow(script, Duration::from_millis(100)).await;
            let (env, _) = plan(&server);
            let path = env.path("plan/parallel.json");
            let (over, saved) = (AtomicBool::new(false), AtomicU32::new(0));
            let said = std::thread::scope(|scope| {
                scope.spawn(|| {
                    // A run that begins while the file is half written says that it cannot be read.
                    while server.count() == 0 {
                        std::thread::sleep(Duration::from_millis(1));
                    }
                    while !over.load(Ordering::Relaxed) {
                        let number = saved.load(Ordering::Relaxed) + 1;
                        note(&path, editor, number);
                        saved.store(number, Ordering::Relaxed);
                        std::thread::sleep(Duration::from_millis(60));
                    }
                });
                let said = env.run(&RUN);
                over.store(true, Ordering::Relaxed);
                said
            });
            assert!(said.ends_with("[exit 0]"), "{editor:?}: {said}");
            let value: serde_json::Value = serde_json::from_str(&env.read("plan/parallel.json")).unwrap();
            let last = saved.load(Ordering::Relaxed);
            assert!(last > 2, "{editor:?}: too fast");
            assert_eq!(value["by_hand"], last, "{editor:?}: {said}");
            check(&env, &expected);
            assert_eq!(documents(&env), expected);
            let left: Vec<String> = env.files("plan").into_keys().filter(|name| name.contains(".kept-")).collect();
            assert!(left.is_empty(), "{left:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_that_was_ignored_at_the_start_stays_ignored() {
    let server = ScriptedServer::slow(script, Duration::from_millis(200)).await;
    for (signal, trapped) in [("HUP", "HUP"), ("INT", "INT")] {
        let (env, _) = plan(&server);
        let direct = env.command(&RUN, &[]);
        let mut shell = std::process::Command::new("/bin/sh");
        shell.args(["-c", &format!("trap '' {trapped}; exec \"$0\" \"$@\"")]);
        shell.arg(direct.get_program()).args(direct.get_args()).current_dir(env.path("")).env_clear();
        shell.envs(direct.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let sent = server.count();
        let mut child = shell.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
        while server.count() == sent {
            std::thread::sleep(Duration::from_millis(1));
        }
        let kill = std::process::Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status();
        assert!(kill.unwrap().success());
        assert!(child.wait().unwrap().success(), "{signal} ended a run that was to ignore it");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn statuses_change_while_a_run_goes_on_and_none_is_lost() {
    const EACH: usize = 30;
    let expected = undisturbed().await;
    let server = ScriptedServer::slow(script, Duration::from_millis(400)).await;
    let (env, _) = plan(&server);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let said = env.run(&RUN);
            over.store(true, Ordering::Relaxed);
            assert!(said.ends_with("[exit 0]"), "{said}");
        });
        while server.count() == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        // The run is under way, and nobody waits for it.
        let said = env.run(&["start", "1.1", "plan", "--executor", "ana", "--force"]);
        assert!(said.ends_with("[exit 0]") && !over.load(Ordering::Relaxed), "{said}");
        for id in ["1.2", "2.1"] {
            let env = &env;
            scope.spawn(move || {
                for number in 1..=EACH {
                    let said = env.run(&["assign", id, &format!("{id} {number}"), "plan"]);
                    assert!(said.ends_with("[exit 0]"), "{said}");
                }
            });
        }
    });
    assert_eq!(documents(&env), expected);
    let file: serde_json::Value = serde_json::from_str(&env.read("plan/parallel.json")).unwrap();
    let all = file["levels"].as_array().unwrap().iter().flat_map(|level| level["achievements"].as_array().unwrap());
    for achievement in all {
        let id = achievement["id"].as_str().unwrap();
        let expected = if id == "1.1" { String::from("ana") } else { format!("{id} {EACH}") };
        assert_eq!(achievement["executor"], expected, "{id}");
        let status = if id == "1.1" { "in_progress" } else { "execution_created" };
        assert_eq!(achievement["status"], status, "{id}");
    }
    // Each is on record once.
    let records = std::fs::read_dir(env.path("plan/.planwave/runs")).unwrap();
    let number = |entry: std::io::Result<std::fs::DirEntry>| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        name.rsplit_once('-').unwrap().1.parse::<usize>().unwrap()
    };
    let mut numbers: Vec<usize> = records.map(number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=2 * EACH + 2).collect::<Vec<_>>());
    // The run can be taken back by itself; what was assigned stays.
    let said = env.run(&["undo", "1", "plan", "--yes"]);
    assert!(said.ends_with("[exit 0]"), "{said}");
    assert!(documents(&env).is_empty());
    let left = env.read("plan/parallel.json");
    assert!(left.contains(&format!("2.1 {EACH}")) && !left.contains("SUBPLAN_"), "{left}");
}
