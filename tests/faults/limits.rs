//! Limits of the system itself: a file that may not grow, too few open files, a folder that cannot be written.

use std::{os::unix::fs::PermissionsExt as _, process::Command};

use std::time::Duration;

use crate::{
    CALLS, CONCURRENCY, RUN,
    aftermath::{documents, on_tape},
    goes_on, plan, script,
    support::{environment::TestEnv, server::ScriptedServer},
    undisturbed,
};

/// Runs the binary under a limit that a shell sets.
fn limited(env: &TestEnv, arguments: &[&str], limit: &str) -> (String, Option<i32>) {
    let direct = env.command(arguments, &[]);
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", &format!("{limit}; exec \"$0\" \"$@\"")]).arg(direct.get_program()).args(direct.get_args());
    shell.current_dir(env.path("")).env_clear();
    shell.envs(direct.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = shell.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (String::from_utf8_lossy(&said).into_owned(), output.status.code())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tape_that_may_not_grow() {
    let expected = undisturbed().await;
    let server = ScriptedServer::start(script).await;
    let (env, before) = plan(&server);
    // Blocks of 512 or 1,024 bytes, as the shell likes: room for some answers and not for all.
    let (said, code) = limited(&env, &RUN, "trap '' XFSZ; ulimit -f 48");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("plan/.planwave/tape.jsonl") && said.contains("free some space"), "{said}");
    // What could not be put on the tape was paid for: its document is there all the same.
    let lost = server.count() - on_tape(&env);
    assert!((1..=CONCURRENCY).contains(&lost), "{lost} of {CALLS}: {said}");
    assert_eq!(documents(&env).len(), server.count() - 1, "{said}");
    goes_on(&env, &server, &before, &expected, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_few_open_files() {
    // As in `disk`.
    tokio::task::unconstrained(async {
        for concurrency in [2, 8] {
            fewer_and_fewer_files(concurrency).await;
        }
    })
    .await;
}

/// From so few that nothing can be done to so many that nothing is in the way.
async fn fewer_and_fewer_files(concurrency: usize) {
    let expected = undisturbed().await;
    let number = concurrency.to_string();
    let arguments = [&RUN[..4], &["--concurrency", &number, "--progress", "plain"]].concat();
    let mut stopped = 0;
    for files in 5.. {
        assert!(files < 64, "nothing gets this far");
        // Answers take their time, so that all calls in flight have a connection.
        let server = ScriptedServer::slow(script, Duration::from_millis(50)).await;
        let (env, before) = plan(&server);
        let (said, code) = limited(&env, &arguments, &format!("ulimit -n {files}"));
        let what = format!("{files} files, {concurrency} calls: {code:?} {said}");
        assert!(!said.contains("panicked"), "{what}");
        if code == Some(0) {
            break;
        }
        // Below some number the system cannot even load the program.
        if code != Some(127) {
            assert!(matches!(code, Some(1 | 2 | 4)), "{what}");
            assert!(said.contains("Too many open files") && said.contains("limit of open files"), "{what}");
            // It is no item's fault, and none is given up.
            assert!(!said.contains(" failed"), "{what}");
            stopped += usize::from(server.count() > 0);
        }
        assert_eq!(server.count(), on_tape(&env), "{what}");
        goes_on(&env, &server, &before, &expected, 0);
    }
    assert!(stopped > 0, "no limit stopped a run on its way");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_cannot_be_written() {
    let expected = undisturbed().await;
    for folder in ["plan", "plan/subplans", "plan/execution", "plan/.planwave"] {
        let server = ScriptedServer::start(script).await;
        let (env, before) = plan(&server);
        let path = env.path(folder);
        std::fs::create_dir_all(&path).unwrap();
        let allow = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        allow(0o555);
        if std::fs::write(path.join("probe"), "").is_ok() {
            std::fs::remove_file(path.join("probe")).unwrap();
            eprintln!("skipped: nothing is forbidden to root");
            return;
        }
        let said = env.run(&RUN);
        allow(0o755);
        assert!(said.contains(folder) && said.contains("writable") && said.ends_with("[exit 2]"), "{said}");
        assert_eq!(server.count(), 0);
        goes_on(&env, &server, &before, &expected, 0);
    }
}
