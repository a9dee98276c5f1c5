//! `--git-checkpoint`: asks git for a commit of the plan directory before a run. Nothing else ever touches git.

use std::{
    path::Path,
    process::{Command, Output, Stdio},
};

use super::{failure::Failure, terminal::err};
use crate::report::{plural, sanitize};

/// Commits what is in the directory, `.planwave` aside. Where nothing has changed there, there is nothing to commit.
///
/// # Errors
///
/// The directory is in no repository, something else is staged, or git refuses (a hook, no identity, a merge under way).
/// Nothing has been sent then.
pub(super) fn commit(directory: &Path) -> Result<(), Failure> {
    let top = git(directory, &["rev-parse", "--show-toplevel"])?;
    if !top.status.success() {
        let said = String::from_utf8_lossy(&top.stderr);
        let place = directory.display();
        return Err(Failure::invalid(format!("git finds no repository at {place}: {}", said.trim()))
            .hint(String::from("`git init` makes one; without `--git-checkpoint`, git is not needed")));
    }
    // Both relative to the directory; what is above it begins with `../`.
    let staged = run(directory, &["diff", "--cached", "--name-only", "--relative", "-z"])?;
    let all = run(directory, &["diff", "--cached", "--name-only", "-z"])?;
    let (here, everywhere) = (staged.split_terminator('\0').count(), all.split_terminator('\0').count());
    if everywhere > here {
        return Err(Failure::invalid(format!(
            "the index holds {} outside of {}, which a checkpoint must not commit",
            plural(everywhere - here, "change"),
            directory.display()
        ))
        .hint(String::from("commit them, or take them out of the index with `git restore --staged`")));
    }
    run(directory, &["add", "--all", "--", ".", ":(exclude).planwave", ":(exclude).planwave.aside-*"])?;
    if git(directory, &["diff", "--cached", "--quiet", "--", "."])?.status.success() {
        err("git checkpoint: nothing has changed since the last commit\n");
        return Ok(());
    }
    run(directory, &["commit", "--quiet", "--message", "Before planwave run"])?;
    let commit = run(directory, &["rev-parse", "--short", "HEAD"])?;
    err(&format!("git checkpoint: commit {}\n", sanitize(commit.trim())));
    Ok(())
}

/// Variables that lead git to another repository, index or configuration than those of the directory, as a hook of another
/// repository passes them on (`git rev-parse --local-env-vars`), and those that give the paths on its command line another meaning.
/// Who commits, and where the user's own configuration is, stays the environment's to say.
const STEERING: [&str; 22] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_ATTR_SOURCE",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_PARAMETERS",
    "GIT_DIR",
    "GIT_GLOB_PATHSPECS",
    "GIT_GRAFT_FILE",
    "GIT_ICASE_PATHSPECS",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_LITERAL_PATHSPECS",
    "GIT_NAMESPACE",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

/// Settings that no repository decides. One that lies inside another's files (a bare one, which a clone can bring along) does not
/// count, and no program of its choice is asked for what has changed. Hooks are a part of the commit that the user asked for.
const SETTINGS: [&str; 4] = ["-c", "safe.bareRepository=explicit", "-c", "core.fsmonitor=false"];

fn git(directory: &Path, arguments: &[&str]) -> Result<Output, Failure> {
    let mut command = Command::new("git");
    for variable in STEERING {
        command.env_remove(variable);
    }
    let output = command.args(SETTINGS).arg("-C").arg(directory).args(arguments).stdin(Stdio::null()).output();
    output.map_err(|error| {
        Failure::invalid(format!("cannot start git: {error}"))
            .hint(String::from("install git, or leave out `--git-checkpoint`"))
    })
}

/// What git printed; an error where it refused.
fn run(directory: &Path, arguments: &[&str]) -> Result<String, Failure> {
    let output = git(directory, arguments)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(if output.stderr.is_empty() { &output.stdout } else { &output.stderr });
    let verb = arguments.first().copied().unwrap_or_default();
    Err(Failure::invalid(format!("git {verb} refused: {}", said.trim()))
        .hint(String::from("nothing was sent; mend this, or leave out `--git-checkpoint`")))
}
