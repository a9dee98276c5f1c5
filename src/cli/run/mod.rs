//! `planwave run`: plan, show, ask, perform, report.

mod arguments;
mod level_clashes;
mod perform;
mod prepare;
mod surplus;

use std::path::Path;

use super::{
    code_base::ContextAge,
    error_code::ErrorCode,
    failure::{Exit, Failure},
    global::Global,
    model_setup, output_files,
    project::{Project, settings},
    tapes::{Answers, open_replay},
    terminal::{self, err, out},
};
use crate::{
    engine::SkipReason,
    report::{confirm_text, dry_run_text, forecast_text, json_pretty, repository_line, repository_list, sanitize},
    store::RunLock,
};
use prepare::Paid;

pub(super) use arguments::RunArguments;
pub(super) use perform::{Surroundings, perform};
pub(super) use prepare::{Prepared, outlines, prepare, template_overrides};

pub(super) fn run(arguments: &RunArguments, global: &Global) -> Result<Exit, Failure> {
    if arguments.json && arguments.events.as_deref() == Some(Path::new("-")) {
        return Err(Failure::invalid("`--json` and `--events -` both want standard output")
            .hint(String::from("write the events to a file")));
    }
    let project = Project::open(&arguments.plan)?;
    output_files::check(&project.dir, arguments.output_files())?;
    let (loaded, sources) = settings(Some(project.dir.path()), &arguments.overrides(global))?;
    let leveled = project.leveled()?;
    let wish = arguments.wish(&loaded, &leveled)?;
    let answers = match &arguments.replay {
        Some(path) => open_replay(path)?,
        None => Answers::Network,
    };
    let age = if arguments.fresh_context { ContextAge::Today } else { ContextAge::Kept };
    let prepared = prepare(leveled, wish, &loaded, age)?;
    if matches!(answers, Answers::Network) {
        model_setup::check_budget(&loaded, &prepared.choice.facts)?;
    }
    for warning in &loaded.warnings {
        err(&format!("warning: {}\n", sanitize(warning)));
    }
    let paid = |answers: &Answers| Paid::of(&prepared, &loaded, answers, arguments.fresh);
    let recorded = loaded.settings.tape.local && matches!(answers, Answers::Network);
    if arguments.dry_run {
        let mut forecast = prepared.forecast(paid(&answers).as_ref())?;
        forecast.warnings.extend(prepared.shortage(recorded));
        if matches!(answers, Answers::Network) && !prepared.planned.run.items.is_empty() {
            forecast.warnings.extend(model_setup::obstacle("a run", &loaded, &sources));
        }
        let text = if arguments.json {
            forecast.warnings.extend(loaded.warnings.iter().cloned());
            json_pretty(&forecast).map_err(|error| Failure::invalid(error.to_string()))?
        } else {
            let list = forecast.repository.as_ref().filter(|_| arguments.verbose).map(repository_list);
            dry_run_text(&forecast, terminal::width()) + &list.map(|list| format!("\n{list}")).unwrap_or_default()
        };
        out(&text)?;
        return Ok(Exit::Done);
    }
    let mut surroundings = Surroundings {
        loaded: &loaded,
        sources: &sources,
        answers,
        record: arguments.record.as_deref(),
        fresh: arguments.fresh,
        may_send: arguments.yes,
        events: arguments.events.as_deref(),
        selection: arguments.selection_words(),
        json: arguments.json,
        git_checkpoint: arguments.git_checkpoint,
        plan_argument: arguments.plan.display().to_string(),
    };
    if prepared.planned.run.items.is_empty() {
        return nothing_to_do(&prepared, &surroundings);
    }
    // A disk that is too full and a missing key are said before the user is asked anything.
    if let Some(shortage) = prepared.shortage(recorded) {
        return Err(Failure::invalid(shortage).hint(String::from(
            "free some space, or generate fewer documents at a time (`--level`, `--ids`); `planwave gc` removes what no undo needs",
        )));
    }
    let key = match surroundings.answers {
        Answers::Network => model_setup::key(&loaded, &sources, true)?,
        Answers::Replay(_) => None,
    };
    if arguments.yes || matches!(surroundings.answers, Answers::Replay(_)) {
        for warning in prepared.planned.run.warnings.iter().chain(&prepared.leveled.warnings) {
            err(&format!("warning: {}\n", sanitize(warning)));
        }
        if let (Some(repository), Answers::Network) = (prepared.repository(), &surroundings.answers) {
            err(&format!("{}\n", sanitize(&repository_line(&repository))));
            if arguments.verbose {
                err(&repository_list(&repository));
            }
        }
    } else {
        let no_terminal = || {
            Failure::invalid("this would send requests, and there is no terminal to ask on")
                .code(ErrorCode::NoTerminal)
                .hint(String::from("add `--yes` to send them, or `--dry-run` to see what they would be"))
        };
        let paid = paid(&surroundings.answers);
        if paid.is_none() && !terminal::is_interactive() {
            return Err(no_terminal());
        }
        let forecast = prepared.forecast(paid.as_ref())?;
        // What is sent costs money, so it is asked for. A run that sends nothing only writes, and can be undone.
        surroundings.may_send = forecast.totals.sends();
        if surroundings.may_send && !terminal::is_interactive() {
            return Err(no_terminal());
        }
        err(&forecast_text(&forecast, terminal::width()));
        if let Some(repository) = forecast.repository.as_ref().filter(|_| arguments.verbose) {
            err(&repository_list(repository));
        }
        if surroundings.may_send && !terminal::confirm(&confirm_text(&forecast.totals, terminal::width())) {
            err("nothing sent, nothing written\n");
            return Ok(Exit::Done);
        }
    }
    perform(prepared, surroundings, key)
}

/// Everything exists, or all that is left is blocked.
fn nothing_to_do(prepared: &Prepared, surroundings: &Surroundings<'_>) -> Result<Exit, Failure> {
    let blocked = any_out_of_reach(prepared);
    // What an interrupted write left behind is nobody's, unless somebody is at work.
    let dir = &prepared.leveled.project.dir;
    if dir.foreign().is_none()
        && let Ok(_lock) = RunLock::take(dir, &format!("process {}", std::process::id()))
    {
        terminal::name_kept(&dir.remove_temporaries());
    }
    let mut forecast = prepared.forecast(None)?;
    if surroundings.json {
        forecast.warnings.push(String::from("nothing to do"));
        out(&json_pretty(&forecast).unwrap_or_default())?;
    } else {
        err(&forecast_text(&forecast, terminal::width()));
        err("nothing to do: nothing sent, nothing written\n");
    }
    Ok(if blocked { Exit::Incomplete } else { Exit::Done })
}

/// Whether something that was asked for cannot be had now.
fn any_out_of_reach(prepared: &Prepared) -> bool {
    prepared
        .planned
        .run
        .skipped
        .iter()
        .any(|item| matches!(item.reason, SkipReason::BlockedBy(_) | SkipReason::NoSubplan))
}
