//! `planwave init`: a new PLAN and its parallel.json, from a pattern.

use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use super::{
    failure::{Exit, Failure},
    global::Global,
    pretty, project,
    terminal::{err, out},
};
use crate::{
    bounded,
    parallel::{ParallelFile, declared, whole_seconds},
    pattern::{BUILT_IN, FILL, Pattern, skeleton},
    plan::{PlanName, parse},
    report::{plural, sanitize, shell_word},
    settings::NamedPath,
    store::{WriteError, add_plan},
};

/// `planwave init`.
#[derive(Debug, Args)]
pub(super) struct InitArguments {
    /// The plan's name: PLAN_<NAME>.md.
    #[arg(value_name = "NAME", required_unless_present = "list")]
    name: Option<String>,
    /// Where the PLAN goes; made where it is missing [default: ./<NAME>].
    #[arg(value_name = "DIRECTORY")]
    directory: Option<PathBuf>,
    /// What to begin with: the name of a pattern, or a file of your own (`mine.toml`).
    #[arg(long, value_name = "PATTERN", default_value = "sequential-foundation")]
    pattern: String,
    /// Name the patterns there are.
    #[arg(long, conflicts_with_all = ["name", "directory"])]
    list: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What was made, for a program.
#[derive(Serialize)]
struct Made<'a> {
    plan: &'a str,
    directory: &'a str,
    plan_file: &'a str,
    parallel_file: &'a str,
    pattern: &'a str,
    achievements: usize,
    levels: usize,
    /// Places to fill in.
    places: usize,
}

/// No pattern is larger, in bytes.
const LARGEST: u64 = 4 << 20;

/// A pattern that can be begun with, for a program.
#[derive(Serialize)]
struct Listed {
    name: String,
    summary: String,
    when: String,
}

pub(super) fn run(arguments: &InitArguments, global: &Global) -> Result<Exit, Failure> {
    let (loaded, _) = project::settings(None, &global.overrides())?;
    let own = loaded.path("init.patterns_directory");
    let Some(name) = arguments.name.as_deref().filter(|_| !arguments.list) else {
        let listed = listing(own)?;
        out(&if arguments.json { pretty(&listed)? } else { listing_text(&listed) })?;
        return Ok(Exit::Done);
    };
    let name = PlanName::parse(name).map_err(|error| Failure::invalid(error.to_string()))?;
    let (pattern, shown) = find(&arguments.pattern, own)?;
    let now = whole_seconds(Timestamp::now());
    let text = skeleton(&name, &pattern, &now[..10]);
    let plan = parse(name.clone(), text.as_bytes()).map_err(|error| Failure::plan(&error, &shown))?;
    let parallel = declared(&plan, &now).map_err(|problems| {
        let first = problems.first().map(|problem| problem.message.clone()).unwrap_or_default();
        Failure::invalid(format!("{shown}: {first}"))
    })?;
    let directory = arguments.directory.clone().unwrap_or_else(|| PathBuf::from(name.as_str()));
    let file = format!("PLAN_{name}.md");
    add_plan(&directory, (&file, &text), ("parallel.json", &parallel)).map_err(|error| match error {
        WriteError::Exists { path } => Failure::invalid(format!("{} is there already", path.display()))
            .hint(String::from("nothing was written; name another directory: `planwave init NAME DIRECTORY`")),
        error @ (WriteError::Changed { .. } | WriteError::Invalid { .. } | WriteError::Io { .. }) => {
            Failure::invalid(error.to_string()).hint(error.hint())
        }
    })?;
    let levels = ParallelFile::parse(parallel.as_bytes()).map_or(0, |file| file.levels().len());
    let here = directory.display().to_string();
    let plan_path = directory.join(&file).display().to_string();
    let places = text.matches(FILL).count();
    if arguments.json {
        out(&pretty(&Made {
            plan: name.as_str(),
            directory: &here,
            plan_file: &plan_path,
            parallel_file: &directory.join("parallel.json").display().to_string(),
            pattern: &arguments.pattern,
            achievements: plan.achievements.len(),
            levels,
            places,
        })?)?;
        return Ok(Exit::Done);
    }
    let count = plural(plan.achievements.len(), "achievement");
    let levels = plural(levels, "level");
    let word = shell_word(&here);
    let plan_path = sanitize(&plan_path).into_owned();
    let places = plural(places, "place");
    out(&format!(
        "Made {plan_path} and parallel.json: {count} in {levels} ({}).\n\n\
         Fill in:  {places} marked `{FILL}…]` in {plan_path}\n\
         \x20         titles, estimates and dependencies are suggestions; so is the number of achievements\n\
         Then:     planwave analyze {word} --declared   (after a change of achievements or dependencies)\n\
         \x20         planwave run {word} --level 1 --dry-run\n",
        sanitize(&shown),
    ))?;
    Ok(Exit::Done)
}

/// The pattern of this name, or in this file, and what it is called.
fn find(wanted: &str, own: Option<&NamedPath>) -> Result<(Pattern, String), Failure> {
    let path = Path::new(wanted);
    if path.extension().is_some_and(|extension| extension == "toml") {
        return read(path);
    }
    // A name is never a path: nothing outside of the directory is read by it.
    let plain = !wanted.is_empty() && wanted.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'));
    if let Some(own) = own.filter(|_| plain)
        && let file = format!("{wanted}.toml")
        && let Some(text) = own.read_in(&file)?
    {
        return parsed(&text, own.path.join(file).display().to_string());
    }
    match BUILT_IN.iter().find(|(name, _)| *name == wanted) {
        Some((name, text)) => {
            let pattern = Pattern::parse(text).map_err(|error| Failure::invalid(format!("pattern {name}: {error}")))?;
            Ok((pattern, format!("pattern {name}")))
        }
        None => {
            let names: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
            Err(Failure::invalid(format!("there is no pattern `{}`", sanitize(wanted))).hint(format!(
                "built in are {}; a pattern of your own is a file: `--pattern mine.toml`",
                names.join(", ")
            )))
        }
    }
}

fn read(path: &Path) -> Result<(Pattern, String), Failure> {
    let shown = path.display().to_string();
    let text =
        bounded::read_text(path, LARGEST).map_err(|error| Failure::invalid(format!("cannot read {shown}: {error}")))?;
    parsed(&text, shown)
}

fn parsed(text: &str, shown: String) -> Result<(Pattern, String), Failure> {
    let pattern =
        Pattern::parse(text).map_err(|error| Failure::invalid(format!("{shown}: {error}")).hint(error.hint()))?;
    Ok((pattern, shown))
}

fn listing_text(listed: &[Listed]) -> String {
    let one = |Listed { name, summary, when }: &Listed| {
        format!("{}\n  {}\n  {}\n", sanitize(name), sanitize(summary), sanitize(when))
    };
    listed.iter().map(one).collect()
}

/// Every pattern that can be used; a file of one's own that cannot is named on standard error.
fn listing(own: Option<&NamedPath>) -> Result<Vec<Listed>, Failure> {
    let mut listed = Vec::new();
    let mut push = |name: &str, Pattern { summary, when, .. }: Pattern| {
        listed.push(Listed { name: name.to_owned(), summary, when });
    };
    for (name, source) in BUILT_IN {
        if let Ok(pattern) = Pattern::parse(source) {
            push(name, pattern);
        }
    }
    if let Some(own) = own {
        for file in own.list()? {
            let Some(name) = file.strip_suffix(".toml").filter(|name| !name.is_empty()) else { continue };
            let read = own.read_in(&file).map_err(Failure::from);
            let pattern =
                read.and_then(|text| parsed(&text.unwrap_or_default(), own.path.join(&file).display().to_string()));
            match pattern {
                Ok((pattern, _)) => push(name, pattern),
                Err(failure) => err(&failure.text().replacen("error: ", "warning: left out: ", 1)),
            }
        }
    }
    Ok(listed)
}
