//! The command line: one file per command, and the mapping from errors to exit codes.
//!
//! Commands resolve what was typed, call the library, and print. They decide nothing that another front end would
//! have to decide again.

mod analyze;
mod arguments;
mod assign;
mod check;
mod claim;
mod clipboard;
mod code_base;
mod complete;
mod completions;
pub mod config_show;
mod connect;
mod cost;
mod demo;
mod doctor;
mod error_code;
mod explain_rule;
mod fail;
mod failure;
mod gc;
mod git_checkpoint;
mod global;
mod graph;
mod help;
mod history;
mod import;
mod init;
mod logging;
mod migrate;
mod model_setup;
mod next;
mod number;
mod output_files;
mod own_folder;
mod parallel_file;
mod past;
pub mod plan_show;
mod project;
mod prompt;
mod rate_limits;
mod redo;
mod refresh;
mod release;
mod replay_events;
mod reporting;
mod retry;
mod run;
mod schema;
mod show;
mod signals;
mod skip;
mod start;
mod status;
mod survey;
mod tapes;
mod terminal;
mod transition;
mod trust;
mod undo;
mod validate;

use clap::FromArgMatches as _;

pub use failure::Exit;

use arguments::{Command, CommandLine, ConfigCommand, PlanCommand};
use failure::Failure;
use global::Global;

/// Runs the command line and gives the process's exit code.
pub fn main() -> std::process::ExitCode {
    let line = help::command()
        .try_get_matches()
        .and_then(|matches| Ok((asks_for_json(&matches), CommandLine::from_arg_matches(&matches)?)));
    let (json, line) = match line {
        Ok(line) => line,
        Err(error) => {
            if error.use_stderr() && wants_json(std::env::args_os()) {
                let text = error.to_string();
                let (message, usage) = text.split_once("\n\nUsage: ").unwrap_or((&text, ""));
                let usage = usage.lines().next().filter(|line| !line.is_empty()).map(|line| format!("usage: {line}"));
                let failure = Failure::usage(message.trim_end().trim_start_matches("error: ")).hint(usage);
                let _ = terminal::out(&failure.json());
            }
            error.exit()
        }
    };
    let result = match line.command {
        Command::Run(arguments) => run::run(&arguments, &line.global),
        Command::Plan(PlanCommand::Show { plan, json }) => show_plan(&plan, json),
        Command::Analyze(arguments) => analyze::run(&arguments, &line.global),
        Command::Validate(arguments) => validate::run(&arguments, &line.global),
        Command::Migrate(arguments) => migrate::run(&arguments, &line.global),
        Command::ExplainRule(arguments) => explain_rule::run(&arguments),
        Command::Schema => schema::run(),
        Command::Status(arguments) => status::run(&arguments, &line.global),
        Command::Graph(arguments) => graph::run(&arguments, &line.global),
        Command::Refresh(arguments) => refresh::run(&arguments),
        Command::Next(arguments) => next::run(&arguments, &line.global),
        Command::Claim(arguments) => claim::run(&arguments, &line.global),
        Command::Start(arguments) => start::run(&arguments, &line.global),
        Command::Complete(arguments) => complete::run(&arguments, &line.global),
        Command::Fail(arguments) => fail::run(&arguments, &line.global),
        Command::Retry(arguments) => retry::run(&arguments, &line.global),
        Command::Skip(arguments) => skip::run(&arguments, &line.global),
        Command::Assign(arguments) => assign::run(&arguments, &line.global),
        Command::Release(arguments) => release::run(&arguments, &line.global),
        Command::Check(arguments) => check::run(&arguments),
        Command::Trust(arguments) => trust::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments, &line.global),
        Command::Config(ConfigCommand::Show { plan, json }) => show_config(plan.as_deref(), json, &line.global),
        Command::Init(arguments) => init::run(&arguments, &line.global),
        Command::Prompt(arguments) => prompt::run(&arguments, &line.global),
        Command::Import(arguments) => import::run(&arguments, &line.global),
        Command::History(arguments) => history::run(&arguments),
        Command::Undo(arguments) => undo::run(&arguments),
        Command::Redo(arguments) => redo::run(&arguments),
        Command::Show(arguments) => show::run(&arguments),
        Command::ReplayEvents(arguments) => replay_events::run(&arguments, &line.global),
        Command::Cost(arguments) => cost::run(&arguments),
        Command::Gc(arguments) => gc::run(&arguments),
        Command::Demo(arguments) => demo::run(&arguments, &line.global),
        Command::Completions(arguments) => completions::run(&arguments),
    };
    let exit = result.unwrap_or_else(|failure| {
        terminal::err(&failure.text());
        // A result that was printed is the command's one JSON value.
        if json && !terminal::has_printed() {
            let _ = terminal::out(&failure.json());
        }
        failure.exit()
    });
    exit.into()
}

/// Whether standard output is for one JSON value: `--json` was given, and events do not go there.
fn asks_for_json(matches: &clap::ArgMatches) -> bool {
    let json = matches.try_get_one::<bool>("json").ok().flatten().is_some_and(|given| *given);
    let events = matches.try_get_one::<std::path::PathBuf>("events").ok().flatten();
    json && events.is_none_or(|path| path.as_os_str() != "-")
        || matches.subcommand().is_some_and(|(_, inner)| asks_for_json(inner))
}

/// The same for a command line that was refused, by its words.
fn wants_json(words: impl Iterator<Item = std::ffi::OsString>) -> bool {
    let words: Vec<_> = words.collect();
    let events = words.iter().any(|word| word == "--events=-")
        || words.windows(2).any(|pair| pair[0] == "--events" && pair[1] == "-");
    words.iter().any(|word| word == "--json") && !events
}

fn show_plan(path: &std::path::Path, json: bool) -> Result<Exit, Failure> {
    let project = project::Project::open(path)?;
    for warning in &project.warnings {
        terminal::err(&format!("warning: {}\n", crate::report::sanitize(warning)));
    }
    if json {
        terminal::out(&pretty(&plan_show::to_json(&project.plan))?)?;
    } else {
        let sanitize = |text: &str| crate::report::sanitize(text).into_owned();
        terminal::out(&plan_show::render_text(&project.plan, terminal::width(), sanitize))?;
    }
    Ok(Exit::Done)
}

fn show_config(plan: Option<&std::path::Path>, json: bool, global: &Global) -> Result<Exit, Failure> {
    let (loaded, sources) = project::settings(plan, &global.overrides())?;
    let key = crate::settings::key_state(&loaded.settings.model, &sources.environment);
    if json {
        terminal::out(&pretty(&config_show::json(&loaded, &key))?)?;
    } else {
        terminal::out(&config_show::text(&loaded, &key))?;
    }
    Ok(Exit::Done)
}

fn pretty(value: &impl serde::Serialize) -> Result<String, Failure> {
    let text = crate::report::json_pretty(value);
    text.map_err(|error| Failure::invalid(format!("cannot write JSON: {error}")))
}
