//! File systems that lack something: what is safe works, and the rest is refused in a sentence, before anything is paid for.

use std::time::Duration;

use crate::{
    CALLS, Files, RUN,
    aftermath::{documents, files_of_the_plan, on_tape},
    goes_on, plan, script,
    support::{environment::TestEnv, server::ScriptedServer},
    undisturbed,
};

/// Runs with faults, each an effect, which ones, and the number of the error; they happened.
fn run_with(env: &TestEnv, arguments: &[&str], faults: &[&str]) -> String {
    let log = env.path("fault.log");
    let _ = std::fs::remove_file(&log);
    let faults: Vec<String> = faults.iter().map(|fault| format!("{fault} {}", log.display())).collect();
    let said = env.run_with(arguments, &[("TEST_FAULT", &faults.join(";"))]);
    assert!(log.exists(), "{faults:?} did not happen\n{said}");
    said
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Every file and folder of the plan.
fn everything(env: &TestEnv) -> Vec<String> {
    let (mut all, mut folders) = (Vec::new(), vec![env.path("plan")]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            all.push(path.display().to_string());
            if path.is_dir() {
                folders.push(path);
            }
        }
    }
    all.sort();
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_needed_may_be_lacking() {
    let expected = undisturbed().await;
    let systems: [&[&str]; 7] = [
        // SMB: folders cannot be synced.
        &["SyncFolder 1+ 22"],
        // FUSE.
        &["SyncFolder 1+ 95"],
        // Permissions cannot be set.
        &["Permissions 1+ 1"],
        // No exchange of names.
        &["Exchange 1+ 22"],
        // No names that must be free, no hard links: FAT, some network shares.
        &["NewName 1+ 22", "Link 1+ 1"],
        &["NewName 1+ 22", "Link 1+ 95", "Exchange 1+ 22", "SyncFolder 1+ 22", "Permissions 1+ 1"],
        // NFS: folders cannot be locked, files can.
        &["Lock 1 9"],
    ];
    for faults in systems {
        let server = ScriptedServer::start(script).await;
        let (env, before) = plan(&server);
        let said = run_with(&env, &RUN, faults);
        assert!(said.ends_with("[exit 0]"), "{faults:?}: {said}");
        assert_eq!(documents(&env), expected, "{faults:?}");
        let said = env.run_with(
            &["undo", "plan", "--yes"],
            &[("TEST_FAULT", &faults.iter().map(|fault| format!("{fault} log")).collect::<Vec<_>>().join(";"))],
        );
        assert!(said.ends_with("[exit 0]"), "{faults:?}: {said}");
        assert!(files_of_the_plan(&env) == before, "{faults:?}");
        goes_on(&env, &server, &before, &expected, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_the_owner_could_read_stays_so() {
    use std::os::unix::fs::PermissionsExt as _;
    let server = ScriptedServer::start(script).await;
    let (env, _) = plan(&server);
    let path = env.path("plan/parallel.json");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let before = std::fs::read(&path).unwrap();
    let said = one_line(&run_with(&env, &["assign", "1.1", "ana", "plan"], &["Permissions 1+ 1"]));
    assert!(said.contains("parallel.json: the file system cannot give it the permissions"), "{said}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_locks_nothing_begins_and_nothing_is_left() {
    for number in [37, 95, 22] {
        let server = ScriptedServer::start(script).await;
        let (env, _) = plan(&server);
        let before = everything(&env);
        for arguments in [&RUN[..], &["assign", "1.1", "ana", "plan"], &["undo", "plan", "--yes"]] {
            let said = one_line(&run_with(&env, arguments, &[&format!("Lock 1+ {number}")]));
            assert!(said.contains("has no file locks") && said.contains("hint: "), "{said}");
            assert!(said.ends_with("[exit 2]"), "{said}");
            assert_eq!(everything(&env), before, "{arguments:?}");
        }
        assert_eq!(server.count(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parallel_json_that_is_mounted_by_itself_is_found_before_anything_is_sent() {
    let expected = undisturbed().await;
    let server = ScriptedServer::start(script).await;
    let (env, before) = plan(&server);
    for arguments in [&RUN[..], &["assign", "1.1", "ana", "plan"]] {
        let said = one_line(&run_with(&env, arguments, &["Link 1+ 18"]));
        assert!(said.contains("plan/parallel.json") && said.contains("mounted by itself"), "{said}");
        assert_eq!(server.count(), 0);
        assert!(files_of_the_plan(&env) == before);
        let folders =
            everything(&env).into_iter().filter(|path| path.ends_with("subplans") || path.ends_with("execution"));
        assert_eq!(folders.count(), 0);
    }
    // Where it cannot be told before, what was paid for is written.
    let said = one_line(&run_with(&env, &RUN, &["Exchange@parallel.json 1+ 16"]));
    assert!(said.contains("plan/parallel.json") && said.contains("mounted by itself"), "{said}");
    assert!(said.ends_with("[exit 1]"), "{said}");
    assert_eq!(server.count(), on_tape(&env));
    goes_on(&env, &server, &before, &expected, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fills_up_has_room_for_what_is_in_flight() {
    // As in `disk`.
    tokio::task::unconstrained(full_from_each_write_on()).await;
}

async fn full_from_each_write_on() {
    let expected = undisturbed().await;
    for effect in ["Write", "Create"] {
        let mut used = 0;
        for number in 1.. {
            let server = ScriptedServer::start(script).await;
            let (env, before) = plan(&server);
            let log = env.path("fault.log");
            let fault = format!("{effect} {number}~ 28 {}", log.display());
            let said = env.run_with(&RUN, &[("TEST_FAULT", &fault)]);
            if !log.exists() {
                break;
            }
            let what = format!("{fault}: {said}");
            if server.count() > 0 {
                // At the very end there is nothing left to stop.
                if server.count() < CALLS {
                    assert!(one_line(&said).contains("the room that was set aside"), "{what}");
                    assert!(said.contains("free some space"), "{what}");
                    used += 1;
                }
                // Nothing that was received is lost, and the run stops.
                assert_eq!(server.count(), on_tape(&env), "{what}");
                assert!(server.count() == CALLS || said.ends_with("[exit 1]"), "{what}");
            } else {
                assert!(said.ends_with("[exit 2]") || said.ends_with("[exit 1]"), "{what}");
            }
            goes_on(&env, &server, &before, &expected, 0);
        }
        assert!(used > 3, "{effect}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_planwaves_own_that_disappears_stops_the_run() {
    let expected = undisturbed().await;
    for moved in [false, true] {
        let server = ScriptedServer::slow(script, Duration::from_millis(700)).await;
        let (env, before) = plan(&server);
        let mut command = env.command(&RUN, &[]);
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let child = command.spawn().unwrap();
        while server.count() < crate::CONCURRENCY {
            std::thread::sleep(Duration::from_millis(1));
        }
        let own = env.path("plan/.planwave");
        if moved {
            std::fs::rename(&own, env.path("elsewhere")).unwrap();
        } else {
            std::fs::remove_dir_all(&own).unwrap();
        }
        // Nobody else gets in meanwhile, and nothing new is made there.
        let second = env.run(&RUN);
        assert!(second.ends_with("[exit 3]"), "{second}");
        assert!(!own.exists());
        let output = child.wait_with_output().unwrap();
        let said = one_line(&String::from_utf8_lossy(&[output.stdout, output.stderr].concat()));
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("`.planwave` was removed or replaced"), "{said}");
        assert!(!own.exists(), "{said}");
        // What was in flight was paid for: it is there, but for the answer that did not pass.
        let there: Files = files_of_the_plan(&env).into_iter().filter(|(name, _)| !before.contains_key(name)).collect();
        assert_eq!(there.len(), server.count() - 1, "{said}");
        let server = ScriptedServer::start(script).await;
        let env = env.server(&server.base_url());
        let again = env.run(&RUN);
        assert!(again.ends_with("[exit 0]"), "{again}");
        assert_eq!(documents(&env), expected);
    }
}
