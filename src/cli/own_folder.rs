//! Opens plan directories and takes their locks as this user, and says where a `.planwave` is not this user's.

use std::path::Path;

use super::{failure::Failure, terminal::err};
use crate::{
    plan::PlanName,
    report::{sanitize, shell_word},
    settings::state_directory,
    store::{Foreign, OwnershipKey, PlanDir, RunLock, StoreError},
};

/// The key by which this user's folders are known.
pub(super) fn key() -> OwnershipKey {
    OwnershipKey::new(state_directory())
}

/// Opens a plan directory. Where its `.planwave` is not used, that is said.
pub(super) fn open(path: &Path) -> Result<PlanDir, StoreError> {
    let dir = PlanDir::open_as(path, key())?;
    say_foreign(&dir);
    Ok(dir)
}

/// Opens a directory that has no PLAN.
pub(super) fn without_plan(directory: &Path) -> Result<PlanDir, Failure> {
    let name = PlanName::parse("UNNAMED").map_err(|error| Failure::invalid(error.to_string()))?;
    let dir = PlanDir::without_plan(directory, name, key())?;
    Ok(dir)
}

/// Says that the directory's `.planwave` is not used, and what to do about it.
pub(super) fn say_foreign(dir: &PlanDir) {
    if let Some(foreign) = dir.foreign() {
        err(&format!("warning: {}\n  hint: {}\n", sentence(dir, &foreign), hint(dir, &foreign)));
    }
}

/// Refuses a command that is about what a `.planwave` holds where that is not used.
pub(super) fn refuse_foreign(dir: &PlanDir) -> Result<(), Failure> {
    match dir.foreign() {
        Some(foreign) => Err(Failure::invalid(sentence(dir, &foreign)).hint(hint(dir, &foreign))),
        None => Ok(()),
    }
}

/// Takes the lock, or says who has it. A `.planwave` that is not this user's is moved aside.
pub(super) fn lock(dir: &PlanDir, holder: &str) -> Result<RunLock, Failure> {
    Ok(said(dir, RunLock::take(dir, holder)?))
}

/// Takes the lock for changes alone, which a run does not hold all the time; waits a little where somebody else has it.
pub(super) fn lock_for_changes(dir: &PlanDir, holder: &str) -> Result<RunLock, Failure> {
    Ok(said(dir, RunLock::for_changes(dir, holder)?))
}

fn said(dir: &PlanDir, lock: RunLock) -> RunLock {
    let own = dir.shown(".planwave").display().to_string();
    for aside in lock.moved_aside() {
        let text = format!("{own} was moved to {}, and a new one begun", aside.display());
        err(&format!("{}\n", sanitize(&text)));
    }
    if let Some(reason) = lock.unmarked() {
        let text = format!(
            "{own} cannot be marked as yours ({reason}): later commands will not use its answers and undo records"
        );
        err(&format!("warning: {}\n  hint: {NO_SECRET}\n", sanitize(&text)));
    }
    lock
}

const NO_SECRET: &str = "set HOME or XDG_STATE_HOME to a directory that can be written";

fn sentence(dir: &PlanDir, foreign: &Foreign) -> String {
    sanitize(&format!("{} {foreign}", dir.shown(".planwave").display())).into_owned()
}

fn hint(dir: &PlanDir, foreign: &Foreign) -> String {
    let plan = shell_word(&dir.path().display().to_string());
    match foreign {
        Foreign::Unmarked => format!(
            "if it is yours, from another machine or an earlier version, or if you trust who made it, `planwave trust {plan}` \
             adopts it; a command that writes moves it aside and begins another"
        ),
        Foreign::NoFolder => {
            String::from("remove it, or put the folder itself there: no command that writes works before")
        }
        Foreign::NoSecret(_) => {
            format!(
                "{NO_SECRET}, then `planwave trust {plan}`; a command that writes moves it aside and begins another"
            )
        }
    }
}
