//! `planwave trust`: what files of a project may decide only after the user has agreed, and what the user has agreed to.
//!
//! A grant holds for the files of one directory. It is kept in the user's own state directory, so no repository can bring one
//! along. Every command that sends something passes [`require`].

use std::path::{Path, PathBuf};

use clap::Args;

use super::{
    error_code::ErrorCode,
    failure::{Exit, Failure},
    own_folder,
    terminal::{self, err, out},
};
use crate::{
    report::{plural, sanitize, shell_word},
    settings::{Claim, ClaimKind, GRANTS_FILE, Grants, Loaded, Overrides, Sources, load, state_directory},
    store::{Adopted, LocalTape, PlanDir, RunLock, StateFile, StoreError},
};

#[derive(Debug, Args)]
pub(super) struct TrustArguments {
    /// A plan directory, a PLAN_<NAME>.md, or a directory with a planwave.toml.
    #[arg(value_name = "PLAN", default_value = ".")]
    plan: PathBuf,
    /// List what is trusted; change nothing.
    #[arg(long, conflicts_with = "revoke")]
    list: bool,
    /// Trust it no longer.
    #[arg(long)]
    revoke: bool,
    /// Print the list as JSON.
    #[arg(long, requires = "list")]
    json: bool,
}

pub(super) fn run(arguments: &TrustArguments) -> Result<Exit, Failure> {
    let file = grants_file()?;
    let mut grants = read(&file)?;
    if arguments.list {
        list(&grants, arguments.json)?;
        return Ok(Exit::Done);
    }
    let place = Place::of(&arguments.plan)?;
    let here = working_directory()?;
    let mut sources = Sources::from_system(Some(&place.directory), &here)?;
    let lines = if arguments.revoke {
        let project = sources.project_files().map(|file| file.place.clone());
        let mut directories: Vec<PathBuf> = project.chain([place.canonical()]).collect();
        directories.dedup();
        directories.iter().flat_map(|directory| grants.revoke(directory)).collect::<Vec<_>>()
    } else {
        sources.grants = grants;
        let lines = grant_all(&mut sources)?;
        grants = sources.grants;
        lines
    };
    if !lines.is_empty() {
        write(&file, &grants)?;
    }
    let lines = lines.into_iter().chain(own_folder(&place, arguments.revoke)?);
    let done = if arguments.revoke { "no longer trusted" } else { "trusted" };
    let mut text: String = lines.map(|line| format!("{done}: {}\n", sanitize(&line))).collect();
    if text.is_empty() {
        let directory = place.directory.display().to_string();
        let directory = sanitize(&directory);
        text = if arguments.revoke {
            format!("nothing was trusted in {directory}\n")
        } else {
            format!("nothing in {directory} asks for trust that it does not have\n")
        };
    }
    out(&text)?;
    Ok(Exit::Done)
}

/// Adopts the place's `.planwave`, or gives it up; a line about it where that changes anything.
fn own_folder(place: &Place, revoke: bool) -> Result<Option<String>, Failure> {
    let dir = match PlanDir::open_as(&place.directory, own_folder::key()) {
        Ok(dir) => dir,
        // The past of a directory without a PLAN, or with several, is on record there all the same.
        Err(StoreError::Locate(_)) => own_folder::without_plan(&place.directory)?,
        Err(error) => return Err(error.into()),
    };
    let Some(lock) = RunLock::of_any(&dir, &format!("process {} (trust)", std::process::id()))? else {
        return Ok(None);
    };
    let folder = dir.shown(".planwave").display().to_string();
    if revoke {
        return Ok(dir.disown(&lock)?.then_some(folder));
    }
    Ok(match dir.adopt(&lock)? {
        Adopted::Nothing | Adopted::Already => None,
        Adopted::Now => {
            let answers = LocalTape::answers(&dir).map_or(0, |answers| answers.len());
            let operations = dir.operations()?.len();
            let (answers, records) = (plural(answers, "answer"), plural(operations, "undo record"));
            Some(format!("{folder}, with {answers} and {records}"))
        }
    })
}

/// Agrees to all that the files ask for; a line about each.
fn grant_all(sources: &mut Sources) -> Result<Vec<String>, Failure> {
    let mut lines = Vec::new();
    // What a file of another user says is known only after the file itself is trusted.
    loop {
        let loaded = load(sources, &Overrides::default())?;
        let fresh: Vec<Claim> = loaded.all_claims.into_iter().filter(|claim| !sources.grants.cover(claim)).collect();
        if fresh.is_empty() {
            return Ok(lines);
        }
        for claim in fresh {
            let directory = claim.directory.display();
            lines.push(match &claim.kind {
                ClaimKind::Server { server, sends, .. } => {
                    format!("{server}, for planwave.toml in {directory}: {sends} may go there")
                }
                ClaimKind::Owner { owner, .. } => format!("planwave.toml of user {owner} in {directory}"),
            });
            sources.grants.add(&claim);
        }
    }
}

/// Refuses to send anything as long as the user has not agreed to what a project's file says; asks on a terminal, where
/// `may_ask`, and remembers the answer.
pub(super) fn require(loaded: &Loaded, may_ask: bool) -> Result<(), Failure> {
    let Some(last) = loaded.claims.last() else { return Ok(()) };
    if !may_ask || !terminal::is_interactive() {
        let said: Vec<String> = loaded.claims.iter().map(Claim::to_string).collect();
        return Err(Failure::invalid(said.join("\n")).code(ErrorCode::Untrusted).hint(format!(
            "nothing is sent before you agree: `planwave trust {}` does that for this directory and remembers it",
            shell_word(&shown(&last.directory)?)
        )));
    }
    let file = grants_file()?;
    let mut grants = read(&file)?;
    let mut reload = false;
    for claim in &loaded.claims {
        let (question, again) = match claim.kind {
            ClaimKind::Server { .. } => ("Trust this server, now and from now on, for this directory?", false),
            ClaimKind::Owner { .. } => ("Trust this file, now and from now on?", true),
        };
        reload |= again;
        err(&format!("{}\n", sanitize(&claim.to_string())));
        if !terminal::confirm(&format!("{question} [y/N]")) {
            return Err(Failure::invalid("not trusted: nothing sent, nothing written").code(ErrorCode::Untrusted));
        }
        grants.add(claim);
    }
    write(&file, &grants)?;
    if reload {
        return Err(Failure::invalid("the file is trusted now, and was not used yet: nothing sent, nothing written")
            .hint(String::from("give the same command again")));
    }
    Ok(())
}

/// What the user named: a plan, or a directory that holds none.
struct Place {
    directory: PathBuf,
}

impl Place {
    fn of(path: &Path) -> Result<Self, Failure> {
        match PlanDir::open(path) {
            Ok(plan) => Ok(Self { directory: plan.path().to_path_buf() }),
            Err(_) if path.is_dir() => Ok(Self { directory: path.to_path_buf() }),
            Err(error) => Err(error.into()),
        }
    }

    fn canonical(&self) -> PathBuf {
        self.directory.canonicalize().unwrap_or_else(|_| self.directory.clone())
    }
}

fn list(grants: &Grants, json: bool) -> Result<(), Failure> {
    if json {
        return out(&super::pretty(grants)?);
    }
    let text: String = grants.lines().map(|(_, line)| format!("{}\n", sanitize(&line))).collect();
    out(if text.is_empty() { "nothing is trusted\n" } else { &text })
}

fn working_directory() -> Result<PathBuf, Failure> {
    std::env::current_dir().map_err(|error| Failure::invalid(format!("cannot tell the working directory: {error}")))
}

/// A directory as it can be typed: relative where it lies below the working directory.
fn shown(directory: &Path) -> Result<String, Failure> {
    let here = working_directory()?;
    let here = here.canonicalize().unwrap_or(here);
    let relative = directory.strip_prefix(here).map(Path::to_path_buf).ok();
    Ok(match relative {
        Some(relative) if relative.as_os_str().is_empty() => String::from("."),
        Some(relative) => relative.display().to_string(),
        None => directory.display().to_string(),
    })
}

fn grants_file() -> Result<StateFile, Failure> {
    let directory = state_directory().ok_or_else(|| {
        Failure::invalid("there is no place to remember what you trust: no home directory is known")
            .hint(String::from("set HOME or XDG_STATE_HOME"))
    })?;
    Ok(StateFile::new(directory, GRANTS_FILE))
}

fn read(file: &StateFile) -> Result<Grants, Failure> {
    let failed = |reason: String| {
        Failure::invalid(format!("cannot read {}: {reason}", file.path().display()))
            .hint(String::from("mend or remove that file; it holds what you trust"))
    };
    let text = file.read().map_err(|error| failed(error.to_string()))?;
    text.map_or_else(|| Ok(Grants::default()), |text| Grants::parse(&text).map_err(failed))
}

fn write(file: &StateFile, grants: &Grants) -> Result<(), Failure> {
    let written = grants.to_text().and_then(|text| file.write(&text).map_err(|error| error.to_string()));
    written.map_err(|reason| Failure::invalid(format!("cannot write {}: {reason}", file.path().display())))
}
