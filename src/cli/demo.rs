//! `planwave demo`: an example plan on disk, its first level generated from a tape. No key, no network.
//!
//! It goes through the same steps as `planwave run … --replay`, with the default settings only: the tape answers the
//! requests that these give, and what a user has configured must not change them.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;

use super::{
    code_base::ContextAge,
    failure::{Exit, Failure},
    global::Global,
    project::Project,
    run::{Prepared, Surroundings, perform, prepare},
    tapes::Answers,
    terminal::{out, width},
};
use crate::{
    context::ContextMode,
    document::Stage,
    engine::{Selection, Wish},
    report::{dry_run_text, sanitize, shell_word},
    settings::{Loaded, Overrides, Sources, load},
    store::{WriteError, create_plan_dir},
    tape::{ReplayIndex, Tape},
};

const PLAN: (&str, &str) =
    ("PLAN_PARCEL-TRACKER.md", include_str!("../../examples/parcel-tracker/PLAN_PARCEL-TRACKER.md"));
const PARALLEL: (&str, &str) = ("parallel.json", include_str!("../../examples/parcel-tracker/parallel.json"));
/// Written by `cargo run --example write_tape`.
const TAPE: &str = include_str!("../../recordings/parcel-tracker.jsonl");
const LEVEL: u32 = 1;
#[derive(Debug, Args)]
pub(super) struct DemoArguments {
    /// The directory to make; it must not exist.
    #[arg(value_name = "DIRECTORY", default_value = "planwave-demo")]
    directory: PathBuf,
}

pub(super) fn run(arguments: &DemoArguments, global: &Global) -> Result<Exit, Failure> {
    let directory = arguments.directory.as_path();
    let sources = Sources::default();
    // The tape was recorded without a code base, whatever this one is made in.
    let overrides = Overrides { context: Some(ContextMode::None), ..global.overrides() };
    let loaded = load(&sources, &overrides)?;
    let tape = Tape::parse(TAPE).map_err(|error| Failure::invalid(format!("the built-in tape: {error}")))?;
    create_plan_dir(directory, &[PLAN, PARALLEL]).map_err(|error| cannot_create(directory, &error))?;
    let plan = sanitize(&directory.display().to_string()).into_owned();
    out(&format!("Made {plan} with {} and {}. Its level {LEVEL} as a dry run shows it:\n\n", PLAN.0, PARALLEL.0))?;
    let prepared = prepared(directory, &loaded)?;
    out(&dry_run_text(&prepared.forecast(None)?, width()))?;
    out("\nNow the run itself, without a network. The answers come from a tape: people wrote them, no model did.\n\
         One is faulty on purpose; it is sent back and comes again mended.\n\n")?;
    let surroundings = Surroundings {
        loaded: &loaded,
        sources: &sources,
        answers: Answers::Replay(Arc::new(ReplayIndex::new(tape))),
        record: None,
        fresh: false,
        may_send: false,
        events: None,
        selection: vec![String::from("--level"), LEVEL.to_string()],
        json: false,
        git_checkpoint: false,
        plan_argument: directory.display().to_string(),
    };
    let exit = perform(prepared, surroundings, None)?;
    if exit == Exit::Done {
        out(&farewell(directory))?;
    }
    Ok(exit)
}

/// Plans level 1 of the directory.
fn prepared(directory: &Path, loaded: &Loaded) -> Result<Prepared, Failure> {
    let leveled = Project::open(directory)?.leveled()?;
    let wish = Wish {
        selection: Selection::Levels(vec![LEVEL]),
        stages: vec![Stage::Subplan, Stage::Execution],
        force: false,
        strict: false,
    };
    prepare(leveled, wish, loaded, ContextAge::Today)
}

fn cannot_create(directory: &Path, error: &WriteError) -> Failure {
    match error {
        WriteError::Exists { .. } => Failure::invalid(format!("{} exists already", directory.display()))
            .hint(String::from("name another directory (`planwave demo DIRECTORY`), or remove this one first")),
        WriteError::Changed { .. } | WriteError::Invalid { .. } | WriteError::Io { .. } => {
            Failure::invalid(error.to_string()).hint(error.hint())
        }
    }
}

/// What to type next. The commands are never wrapped: they are there to be copied.
fn farewell(directory: &Path) -> String {
    let plan = shell_word(&directory.display().to_string());
    let subplan = directory.join("subplans").join("SUBPLAN_PARCEL-TRACKER_12.md");
    let subplan = sanitize(&subplan.display().to_string()).into_owned();
    format!(
        "\nLook at a document:            {subplan}\n\
         See what level 2 would cost:   planwave run {plan} --level 2 --dry-run\n\
         Check your own key:            planwave doctor   (it is read from OPENAI_API_KEY)\n\
         Generate level 2 with it:      planwave run {plan} --level 2\n\n\
         In a checkout that is not installed, type `cargo run --release --` in place of `planwave`.\n"
    )
}
