//! A `.planwave` that came with somebody else's repository: it is named, not believed, moved aside by what writes, and adopted
//! on request; and what it says is followed nowhere once it is.

use std::{collections::BTreeMap, path::Path};

use crate::support::{
    environment::TestEnv,
    server::{ScriptedServer, good},
};

const RUN: [&str; 6] = ["run", "plan", "--all", "--yes", "--progress", "none"];

/// A plan that was run, by another user of the machine: nothing of the state directory is the same.
async fn of_another() -> (TestEnv, ScriptedServer) {
    let server = ScriptedServer::start(good).await;
    let env = TestEnv::with_plan(&[vec![]]).server(&server.base_url());
    let said = env.run(&RUN);
    assert!(said.ends_with("[exit 0]"), "{said}");
    std::fs::rename(env.path(".local"), env.path("another")).unwrap();
    (env, server)
}

fn folder(env: &TestEnv, folder: &str) -> BTreeMap<String, Vec<u8>> {
    let mut files = env.files(folder);
    files.remove("lock");
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_made_is_named_and_not_used_until_it_is_adopted() {
    let (env, server) = of_another().await;
    let (before, asked) = (folder(&env, "plan/.planwave"), server.bodies().len());
    assert_eq!(env.read("plan/.planwave/.gitignore"), "*\n");
    const NAMED: &str = "plan/.planwave was not made by your planwave, so its answers and undo records are not used";
    for command in [&["status", "plan"][..], &["history", "plan"], &["cost", "plan"], &["next", "plan"]] {
        let said = env.run(command);
        assert!(said.contains(NAMED) && said.contains("`planwave trust plan` adopts it"), "{command:?}: {said}");
        assert!(said.ends_with("[exit 0]"), "{command:?}: {said}");
    }
    assert!(env.run(&["cost", "plan"]).contains("nothing has been paid for here yet"));
    for command in [&["undo", "plan", "--yes"][..], &["redo", "plan", "--yes"], &["gc", "plan"], &["show", "1", "plan"]]
    {
        let said = env.run(command);
        assert!(said.contains("plan/.planwave was not made by your planwave") && said.ends_with("[exit 2]"), "{said}");
    }
    let dry = env.run(&["run", "plan", "--all", "--dry-run", "--force"]);
    assert!(
        dry.contains(NAMED) && dry.contains("Total   1 SUBPLAN and 1 EXECUTION"),
        "nothing comes from the tape: {dry}"
    );
    assert_eq!(folder(&env, "plan/.planwave"), before, "nobody wrote in it");

    insta::assert_snapshot!(env.run(&["trust", "plan"]), @r"
    trusted: plan/.planwave, with 2 answers and 2 undo records
    [exit 0]
    ");
    let said = env.run(&["history", "plan"]);
    assert!(said.contains("run --all") && !said.contains("warning"), "{said}");
    assert!(env.run(&["trust", "plan"]).contains("nothing in plan asks for trust"));
    // Whoever had it before has it still.
    std::fs::rename(env.path(".local"), env.path("own")).unwrap();
    std::fs::rename(env.path("another"), env.path(".local")).unwrap();
    assert!(!env.run(&["history", "plan"]).contains("warning"));
    // What is on the tape is not asked again.
    let said = env.run(&["undo", "plan", "--yes"]);
    assert!(said.ends_with("[exit 0]"), "{said}");
    let said = env.run(&RUN);
    assert!(said.ends_with("[exit 0]"), "{said}");
    assert_eq!(server.bodies().len(), asked);
    assert!(env.run(&["trust", "plan", "--revoke"]).contains("no longer trusted: plan/.planwave"));
    assert!(env.run(&["history", "plan"]).contains(NAMED));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_writes_moves_it_aside_and_begins_another() {
    let (env, server) = of_another().await;
    let (before, asked) = (folder(&env, "plan/.planwave"), server.bodies().len());
    let said = env.run(&[&RUN[..], &["--force"]].concat());
    assert!(said.contains("plan/.planwave was moved to plan/.planwave.aside-1, and a new one begun"), "{said}");
    assert!(said.ends_with("[exit 0]"), "{said}");
    assert_eq!(server.bodies().len(), 2 * asked);
    assert_eq!(folder(&env, "plan/.planwave.aside-1"), before, "it is whole");
    let said = env.run(&["history", "plan"]);
    assert!(said.contains("run --all") && !said.contains("warning"), "{said}");
    assert!(env.run(&["status", "plan"]).ends_with("[exit 0]"));
    // Again, by a command.
    std::fs::remove_dir_all(env.path(".local")).unwrap();
    let said = env.run(&["complete", "1.1", "plan"]);
    assert!(said.contains("moved to plan/.planwave.aside-2") && said.ends_with("[exit 0]"), "{said}");
    assert!(env.run(&["undo", "plan", "--yes"]).ends_with("[exit 0]"));
}

#[test]
fn without_a_state_directory_nothing_is_known_again_and_that_is_said() {
    let env = TestEnv::with_plan(&[vec![]]);
    std::fs::remove_dir_all(env.path(".local")).unwrap();
    std::fs::remove_dir_all(env.path("plan/.planwave")).unwrap();
    env.write("file", "");
    let state = env.path("file/state");
    let nowhere = [("XDG_STATE_HOME", state.to_str().unwrap())];
    let said = env.run_with(&["skip", "1.1", "plan", "--reason", "bought"], &nowhere);
    assert!(said.contains("plan/.planwave cannot be marked as yours"), "{said}");
    assert!(said.contains("set HOME or XDG_STATE_HOME") && said.ends_with("[exit 0]"), "{said}");
    let said = env.run_with(&["history", "plan"], &nowhere);
    assert!(said.contains("warning: plan/.planwave was not made by your planwave"), "{said}");
    let said = env.run_with(&["trust", "plan"], &nowhere);
    assert!(said.contains("file/state") && said.ends_with("[exit 2]"), "{said}");
    assert!(env.run(&["trust", "plan"]).contains("trusted: plan/.planwave, with 0 answers and 1 undo record"));
}

#[cfg(unix)]
#[test]
fn the_secret_is_the_users_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let env = TestEnv::with_plan(&[vec![]]);
    let secret = env.path(".local/state/planwave/secret");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&secret), 0o600);
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(!env.run(&["history", "plan"]).contains("warning"));
    assert_eq!(mode(&secret), 0o600);
    // One that is broken vouches for nothing, and is not replaced.
    std::fs::write(&secret, "zz\n").unwrap();
    let said = env.run(&["history", "plan"]);
    assert!(said.contains("may not be yours") && said.contains("planwave/secret: this is not the secret"), "{said}");
    assert_eq!(std::fs::read(&secret).unwrap(), b"zz\n");
}

/// A crash may have left the folder before it had its mark.
#[test]
fn a_folder_with_nothing_in_it_gets_its_mark_from_whatever_writes_first() {
    for command in [&["claim", "plan"][..], &["skip", "1.1", "plan", "--reason", "bought"], &["refresh", "plan"]] {
        let env = TestEnv::with_plan(&[vec![]]);
        std::fs::remove_dir_all(env.path("plan/.planwave")).unwrap();
        env.write("plan/.planwave/lock", "");
        env.write("plan/.planwave/changes.lock", "");
        let said = env.run(command);
        assert!(said.ends_with("[exit 0]") && !said.contains("warning"), "{command:?}: {said}");
        let said = env.run(&["history", "plan"]);
        assert!(!said.contains("warning"), "{command:?}: {said}");
    }
}

/// A mark says whose folder it is; whoever copies its lines has not got the secret.
#[test]
fn a_mark_that_was_made_up_counts_for_nothing() {
    let env = TestEnv::with_plan(&[vec![]]);
    let mark = env.read("plan/.planwave/owner");
    let digits = mark.trim_end().rsplit_once(' ').unwrap().1.to_owned();
    for made_up in [
        String::new(),
        mark.replace("planwave-1", "planwave-2"),
        mark.replacen("planwave-1 ", "planwave-1 0", 1),
        mark.replace(&digits, &"0".repeat(64)),
        mark.replace(&digits, ""),
        "x".repeat(100_000),
    ] {
        env.write("plan/.planwave/owner", &made_up);
        assert!(env.run(&["history", "plan"]).contains("was not made by your planwave"), "{made_up}");
    }
    env.write("plan/.planwave/owner", &format!("planwave-1 other mark\n{mark}"));
    assert!(!env.run(&["history", "plan"]).contains("warning"));
    // A copy of the plan is the user's, too.
    std::fs::create_dir_all(env.path("copy/.planwave/runs")).unwrap();
    for (name, bytes) in env.files("plan") {
        let path = env.path("copy").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    assert!(!env.run(&["history", "copy"]).contains("warning"));
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn links_in_the_folder_lead_nowhere() {
    use std::os::unix::fs::symlink;
    for (link, target) in [
        (".planwave", "theirs"),
        (".planwave/lock", "../PLAN_TEST.md"),
        (".planwave/tape.jsonl", "../PLAN_TEST.md"),
        (".planwave/owner", "../PLAN_TEST.md"),
        (".planwave/runs", "../theirs"),
        (".planwave/blobs", "../theirs"),
        (".planwave/.gitignore", "../PLAN_TEST.md"),
    ] {
        for adopted in [false, true] {
            let server = ScriptedServer::start(good).await;
            let env = TestEnv::with_plan(&[vec![]]).server(&server.base_url());
            env.write("plan/theirs/file", "theirs");
            let at = env.path("plan").join(link);
            if adopted && (link == ".planwave" || link == ".planwave/owner") {
                continue;
            }
            if !adopted {
                std::fs::remove_dir_all(env.path(".local")).unwrap();
            }
            let _ = std::fs::remove_file(&at).or_else(|_| std::fs::remove_dir_all(&at));
            symlink(target, &at).unwrap();
            let plan = env.read("plan/PLAN_TEST.md");
            let commands = [&["history", "plan"][..], &RUN, &["undo", "plan", "--yes"], &["gc", "plan"], &RUN];
            for (number, command) in commands.into_iter().enumerate() {
                let said = env.run(command);
                assert!(!said.contains("panicked"), "{said}");
                let fine = said.ends_with("[exit 0]");
                // Another's is moved aside with its links; a link in its place stays, and is named.
                let refused = adopted || link == ".planwave";
                assert!(fine || refused || number != 1, "{link}, {command:?}: {said}");
                let named = said.contains("is a link, and no link is followed in .planwave") && said.contains("hint: ");
                assert!(fine || named || number != 1, "{link}, {command:?}: {said}");
            }
            assert_eq!(env.read("plan/PLAN_TEST.md"), plan, "{link}");
            assert_eq!(env.files("plan/theirs").len(), 1, "{link}");
        }
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn git_is_led_to_no_other_repository() {
    let path = std::env::var("PATH").unwrap();
    let server = ScriptedServer::start(good).await;
    let env = TestEnv::with_plan(&[vec![]]).server(&server.base_url());
    let git = |folder: &str, arguments: &[&str]| {
        let mut command = std::process::Command::new("git");
        command.args(arguments).current_dir(env.path(folder)).env("GIT_CONFIG_GLOBAL", "/dev/null");
        command.output().map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    if git("", &["--version"]).is_err() {
        eprintln!("skipped: there is no git here");
        return;
    }
    env.write("other/file", "theirs\n");
    for folder in ["", "other"] {
        git(folder, &["init", "--quiet"]).unwrap();
        git(folder, &["config", "user.name", "Tester"]).unwrap();
        git(folder, &["config", "user.email", "tester@example.com"]).unwrap();
    }
    git("other", &["add", "file"]).unwrap();
    git("other", &["commit", "--quiet", "--message", "theirs"]).unwrap();
    let other = env.path("other");
    let at = |name: &str| other.join(name).to_str().unwrap().to_owned();
    let (directory, index, objects) = (at(".git"), at(".git/index"), at(".git/objects"));
    let steered = [
        ("PATH", path.as_str()),
        ("GIT_DIR", &directory),
        ("GIT_WORK_TREE", other.to_str().unwrap()),
        ("GIT_INDEX_FILE", &index),
        ("GIT_OBJECT_DIRECTORY", &objects),
        ("GIT_COMMON_DIR", &directory),
        ("GIT_PREFIX", "other/"),
        ("GIT_LITERAL_PATHSPECS", "1"),
        ("GIT_CONFIG_COUNT", "1"),
        ("GIT_CONFIG_KEY_0", "user.name"),
        ("GIT_CONFIG_VALUE_0", "Somebody"),
    ];
    std::fs::create_dir_all(env.path("plan/.planwave.aside-1")).unwrap();
    env.write("plan/.planwave.aside-1/tape.jsonl", "{}");
    let said = env.run_with(&[&RUN[..], &["--git-checkpoint"]].concat(), &steered);
    assert!(said.contains("git checkpoint: commit ") && said.ends_with("[exit 0]"), "{said}");
    assert_eq!(git("other", &["log", "--format=%s"]).unwrap(), "theirs\n");
    assert_eq!(git("other", &["status", "--porcelain"]).unwrap(), "");
    let committed = git("", &["show", "--name-only", "--format=%s %an"]).unwrap();
    assert_eq!(committed, "Before planwave run Tester\n\nplan/PLAN_TEST.md\nplan/parallel.json\n");
}

/// A clone can bring a bare repository along, whose configuration names programs.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_repository_among_the_files_of_another_is_not_asked() {
    let path = std::env::var("PATH").unwrap();
    let server = ScriptedServer::start(good).await;
    let env = TestEnv::with_plan(&[vec![]]).server(&server.base_url());
    let mut init = std::process::Command::new("git");
    init.args(["init", "--quiet", "--bare", "plan"]).current_dir(env.path("")).env("GIT_CONFIG_GLOBAL", "/dev/null");
    if init.output().is_err() {
        eprintln!("skipped: there is no git here");
        return;
    }
    let ran = env.path("ran");
    env.write(
        "plan/config",
        &format!(
            "[core]\n\tbare = false\n\tworktree = {}\n\tfsmonitor = \"touch {}; false\"\n",
            env.path("plan").display(),
            ran.display()
        ),
    );
    let said = env.run_with(&[&RUN[..], &["--git-checkpoint"]].concat(), &[("PATH", &path)]);
    assert!(said.contains("git finds no repository at plan") && said.ends_with("[exit 2]"), "{said}");
    assert!(!ran.exists());
}

/// Gigabytes of nothing in a tape take no memory, on the plan's own as on one that is replayed.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_sparse_tape_fills_no_memory() {
    use std::io::Write as _;
    let server = ScriptedServer::start(good).await;
    let env = TestEnv::with_plan(&[vec![]]).server(&server.base_url());
    assert!(env.run(&RUN).ends_with("[exit 0]"));
    std::fs::copy(env.path("plan/.planwave/tape.jsonl"), env.path("copy.jsonl")).unwrap();
    for tape in ["plan/.planwave/tape.jsonl", "copy.jsonl"] {
        let mut file = std::fs::File::options().append(true).open(env.path(tape)).unwrap();
        file.set_len(file.metadata().unwrap().len() + 200 * 1024 * 1024).unwrap();
        file.write_all(b"\n").unwrap();
    }
    std::fs::remove_dir_all(env.path("plan/subplans")).unwrap();
    std::fs::remove_dir_all(env.path("plan/execution")).unwrap();
    let limited = |arguments: &[&str]| {
        let command = env.command(arguments, &[]);
        let mut shell = std::process::Command::new("/bin/sh");
        shell.args(["-c", "ulimit -v 300000; exec \"$0\" \"$@\""]).arg(command.get_program()).args(arguments);
        shell.current_dir(env.path("")).env_clear();
        shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = shell.output().unwrap();
        format!("{}{}", String::from_utf8_lossy(&output.stderr), output.status.code().unwrap_or_default())
    };
    let asked = server.count();
    let said = limited(&RUN);
    assert!(said.contains("1 line of the tape longer than any answer, passed over; 2 answers on the tape"), "{said}");
    assert!(said.ends_with('0') && server.count() == asked, "{said}");
    let said = limited(&["run", "plan", "--all", "--yes", "--force", "--replay", "copy.jsonl"]);
    assert!(said.contains("copy.jsonl: line ") && said.contains(" is longer than any answer"), "{said}");
}
