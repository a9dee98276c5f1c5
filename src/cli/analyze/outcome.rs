//! From a computed structure to parallel.json: what changes, the question whether it should, the write.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{AnalyzeArguments, subject::Subject};
use crate::{
    cli::{
        error_code::ErrorCode,
        failure::{Exit, Failure},
        own_folder,
        project::Project,
        refresh,
        terminal::{self, err, out, out_file},
    },
    discovery::{Difference, Discovered, difference},
    model::Usage,
    parallel::{Level, ParallelFile, Structure, whole_seconds, write_anew},
    report::{cost, count, difference_text, json_pretty, plural, sanitize, shell_word, structure_text},
    store::{Edited, Existing, Journal, Operation, WriteError},
};

/// Warnings about single dependencies that are printed.
const WARNINGS_SHOWN: usize = 20;

/// A structure, and what there is to say about where it came from.
pub(super) struct Outcome {
    pub(super) structure: Structure,
    pub(super) warnings: Vec<String>,
    pub(super) bill: Option<Bill>,
}

/// What the answers took.
pub(super) struct Bill {
    pub(super) attempts: u32,
    pub(super) usage: Usage,
    /// US dollars; `None` where prices are unknown.
    pub(super) cost: Option<f64>,
    /// Whether the server counted every answer.
    pub(super) metered: bool,
    pub(super) latency_ms: u64,
    pub(super) replay: bool,
}

impl Bill {
    pub(super) fn text(&self) -> String {
        let Usage { input, output, .. } = self.usage;
        let price = match (self.replay, self.metered) {
            (true, _) => String::from("nothing was spent now"),
            (false, true) if self.cost.is_some() => cost(self.cost),
            (false, true) => String::from("cost unknown (no prices for this model)"),
            (false, false) => String::from("cost unknown (the server does not count tokens)"),
        };
        let answers = plural(self.attempts as usize, "answer");
        format!("{answers}, {} tokens in, {} out; {price}\n", count(input), count(output))
    }

    fn json(&self) -> Value {
        let Self { attempts, usage, cost, metered, latency_ms, replay } = self;
        json!({ "attempts": attempts, "usage": usage, "cost": cost, "metered": metered, "latency_ms": latency_ms, "replay": replay })
    }
}

impl Outcome {
    pub(super) fn of(structure: Structure, warnings: Vec<String>) -> Self {
        Self { structure, warnings, bill: None }
    }

    pub(super) fn discovered(discovered: Discovered) -> Self {
        let Discovered { structure, unquoted, conflicts: _ } = discovered;
        let warning = |(id, needs)| {
            format!("{id} needs {needs}, says the answer, but the reason it gives is not in the PLAN: look at it")
        };
        Self::of(structure, unquoted.into_iter().map(warning).collect())
    }

    /// The parallel.json that comes of it. `now` is an RFC 3339 time in UTC.
    pub(super) fn text(&self, subject: &Subject, now: &str) -> String {
        let name = subject.project.plan.name.as_str();
        match &subject.old {
            Some(old) => old.file.relevel(&self.structure, name, now),
            None => write_anew(&self.structure, name, now),
        }
    }

    /// Shows what comes of it and, if that is wanted, writes it. `journal` is there where the operation is under way.
    pub(super) fn settle(
        self,
        subject: &Subject,
        arguments: &AnalyzeArguments,
        journal: Option<&Arc<Journal>>,
    ) -> Result<Exit, Failure> {
        for warning in self.warnings.iter().take(WARNINGS_SHOWN) {
            err(&format!("warning: {}\n", sanitize(warning)));
        }
        if self.warnings.len() > WARNINGS_SHOWN {
            err(&format!("warning: … and {} more\n", self.warnings.len() - WARNINGS_SHOWN));
        }
        let began = Timestamp::now();
        let now = whole_seconds(began);
        let text = self.text(subject, &now);
        proof(&text, &subject.parallel_file)?;
        // What is on disk counts at once, by the rules of `refresh`.
        let leveled = Project { warnings: Vec::new(), ..subject.project.clone() }.with_text(&text)?;
        let (file, refreshed) = refresh::brought_up_to_date(leveled, began)?;
        let text = file.to_text();
        let difference = subject.old.as_ref().map(|old| difference(&old.file, &self.structure));
        if let Some(difference) = &difference
            && !arguments.json
        {
            err(&difference_text(difference, &subject.parallel_file, terminal::width()));
        }
        match &subject.old {
            Some(_) => refresh::say(&refreshed, &subject.parallel_file),
            None => refresh::warn(&refreshed.warnings),
        }
        if arguments.dry_run {
            if arguments.json {
                out(&self.json(subject, difference.as_ref(), None)?)?;
            } else {
                out_file(text.as_bytes())?;
            }
            return Ok(Exit::Done);
        }
        if subject.old.as_ref().is_some_and(|old| same_but_for_the_time(&old.bytes, &text)) {
            err(&format!("{} is up to date; nothing written\n", sanitize(&subject.parallel_file)));
            if arguments.json {
                out(&self.json(subject, difference.as_ref(), None)?)?;
            }
            return Ok(Exit::Done);
        }
        if subject.old.is_some() && !arguments.yes {
            if !terminal::is_interactive() {
                return Err(Failure::invalid(format!(
                    "this would change {}, and there is no terminal to ask on",
                    subject.parallel_file
                ))
                .code(ErrorCode::NoTerminal)
                .hint(String::from("add `--yes` to change it; statuses, executors, times and other fields stay")));
            }
            if !terminal::confirm(&format!("Change {}? [y/N]", sanitize(&subject.parallel_file))) {
                err("nothing written\n");
                return Ok(Exit::Done);
            }
        }
        self.write(subject, arguments, &text, began, journal)?;
        if arguments.json {
            out(&self.json(subject, difference.as_ref(), Some(&subject.parallel_file))?)?;
            return Ok(Exit::Done);
        }
        let mut said = format!("wrote {}\n", sanitize(&subject.parallel_file));
        said.push_str(&structure_text(&self.structure, terminal::width()));
        if let Some(bill) = &self.bill {
            said.push_str(&format!("Model       {}", bill.text()));
        }
        let plan = shell_word(&arguments.plan.display().to_string());
        let drafts = self.structure.drafts();
        let is_open = |level: &&Level| level.members.iter().any(|&node| !drafts[node].status.is_done());
        if let Some(level) = self.structure.levels().iter().find(is_open) {
            said.push_str(&format!("next: planwave run {plan} --level {} --dry-run\n", level.number));
        }
        out(&said)?;
        Ok(Exit::Done)
    }

    /// Writes `text`; where somebody has changed the file since it was read, the structure goes into what is there now.
    fn write(
        &self,
        subject: &Subject,
        arguments: &AnalyzeArguments,
        text: &str,
        began: Timestamp,
        journal: Option<&Arc<Journal>>,
    ) -> Result<(), Failure> {
        let dir = &subject.project.dir;
        let lock;
        let operation = match journal {
            // Whoever began it holds the lock.
            Some(journal) => Operation::within(dir, Arc::clone(journal), began),
            None => {
                let holder = format!("process {} (analyze) since {}", std::process::id(), whole_seconds(began));
                lock = own_folder::lock(dir, &holder)?;
                Operation::begin(dir, &lock, "analyze", began)?
            }
        };
        let shown = &subject.parallel_file;
        match &subject.old {
            None => {
                let existing = if arguments.force { Existing::Replace } else { Existing::Keep };
                match operation.write("parallel.json", text.as_bytes(), existing) {
                    Err(WriteError::Exists { .. }) => return Err(came_meanwhile(shown)),
                    written => written?,
                }
            }
            Some(old) => {
                let mut anew = false;
                operation.edit("parallel.json", |now| {
                    anew = now != old.bytes;
                    if anew { self.over(subject, now, began).map(Some) } else { Ok(Some(text.to_owned())) }
                })?;
                terminal::say_merged(if anew { Edited::Merged } else { Edited::Written }, shown);
            }
        }
        Ok(operation.finish()?)
    }

    /// The structure over a file that somebody has changed since it was read.
    fn over(&self, subject: &Subject, now: &[u8], began: Timestamp) -> Result<String, Failure> {
        let shown = &subject.parallel_file;
        let file = ParallelFile::parse(now).map_err(|problems| Failure::problems(&problems, shown))?;
        let text = file.relevel(&self.structure, subject.project.plan.name.as_str(), &whole_seconds(began));
        proof(&text, shown)?;
        let leveled = Project { warnings: Vec::new(), ..subject.project.clone() }.with_text(&text)?;
        Ok(refresh::brought_up_to_date(leveled, began)?.0.to_text())
    }

    fn json(
        &self,
        subject: &Subject,
        difference: Option<&Difference>,
        written: Option<&str>,
    ) -> Result<String, Failure> {
        let structure = &self.structure;
        let ids = |nodes: &[usize]| nodes.iter().map(|&node| structure.drafts()[node].id).collect::<Vec<_>>();
        let levels: Vec<Value> = structure
            .levels()
            .iter()
            .map(|level| {
                json!({
                    "level": level.number,
                    "achievements": ids(&level.members),
                    "max_parallelism": level.max_parallelism(),
                })
            })
            .collect();
        let times = structure.times().map(|times| {
            json!({
                "sequential": times.sequential,
                "parallel": times.parallel,
                "critical": times.critical,
                "saved": times.saved(),
            })
        });
        let value = json!({
            "plan": subject.project.plan.name,
            "written": written,
            "levels": levels,
            "hours": times,
            "left": structure.open().count(),
            "critical_path": structure.critical_path().collect::<Vec<_>>(),
            "bottlenecks": structure.bottlenecks()
                .map(|(id, bottleneck)| json!({ "id": id, "holds_up": bottleneck.holds_up, "directly": bottleneck.directly }))
                .collect::<Vec<_>>(),
            "changes": difference,
            "warnings": subject.warnings.iter().chain(&self.warnings).collect::<Vec<_>>(),
            "answers": self.bill.as_ref().map(Bill::json),
        });
        json_pretty(&value).map_err(|error| Failure::incomplete(error.to_string()))
    }
}

/// What is written has to be a file that every other command takes. It can only fail for what a person has put into the
/// achievements that stay as they are.
fn proof(text: &str, shown: &str) -> Result<(), Failure> {
    let problems = match ParallelFile::parse(text.as_bytes()) {
        Ok(file) => file.check().errors,
        Err(problems) => problems,
    };
    if problems.is_empty() {
        return Ok(());
    }
    let messages: Vec<String> = problems.iter().take(5).map(|problem| format!("  {}", problem.message)).collect();
    Err(Failure::invalid(format!("{shown} would still not be usable; nothing written\n{}", messages.join("\n"))).hint(
        String::from("mend these by hand: complete achievements, and those that are not in the PLAN, stay as they are"),
    ))
}

/// Whether a new text says what the old one says.
fn same_but_for_the_time(old: &[u8], new: &str) -> bool {
    let read = |bytes: &[u8]| {
        let text = std::str::from_utf8(bytes).ok()?;
        let mut value: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()?;
        value.as_object_mut()?.shift_remove("updated");
        Some(value)
    };
    read(old).is_some_and(|old| Some(old) == read(new.as_bytes()))
}

fn came_meanwhile(shown: &str) -> Failure {
    let hint = "run the same command again; an answer that was paid for is on the tape (`--replay`)";
    Failure::invalid(format!("{shown} has come into being in the meantime; nothing written")).hint(String::from(hint))
}
