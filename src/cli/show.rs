//! `planwave show`: what a run wrote, wherever it is now, and the answers that it rejected.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{
    failure::{Exit, Failure},
    number::from_one,
    past::{run_ref, unknown},
    project::Project,
    tapes::unreadable,
    terminal::{err, out, out_file},
};
use crate::{
    document::{FileRole, Folder, Names, Stage},
    event::CallId,
    history::{CallLog, Digest, FileChange, Record},
    model::answer_text,
    plan::AchievementId,
    report::sanitize,
    settings::StageChoice,
    store::{PlanDir, StoreError, find_on_tape},
};

/// `planwave show`.
#[derive(Debug, Args)]
pub(super) struct ShowArguments {
    /// An operation by its number in `planwave history`.
    #[arg(value_name = "RUN")]
    run: String,
    /// An achievement such as 3.1 [default: a list of what the operation changed].
    #[arg(value_name = "ID")]
    id: Option<String>,
    /// A plan directory, a PLAN_<NAME>.md, or a parallel.json [default: here].
    #[arg(value_name = "PLAN")]
    plan: Option<PathBuf>,
    /// Only documents of this stage.
    #[arg(long, value_enum)]
    stage: Option<StageChoice>,
    /// Print the model's answer number N as it came, rejected or not.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = from_one)]
    attempt: Option<u32>,
    /// Print what prompts carried of the code base: what all shared, or what those of an achievement got besides.
    #[arg(long, conflicts_with_all = ["attempt", "tape", "stage"])]
    context: bool,
    /// The tape that has the answers, where a replay was the run [default: the plan's own].
    #[arg(long, value_name = "FILE")]
    tape: Option<PathBuf>,
}

/// A run, and what is to be shown of it.
struct Shown<'a> {
    dir: &'a PlanDir,
    record: Record,
    log: CallLog,
    /// Where answers are looked for instead of on the plan's own tape.
    tape: Option<PathBuf>,
    stage: Option<Stage>,
}

pub(super) fn run(arguments: &ShowArguments) -> Result<Exit, Failure> {
    let run = run_ref(&arguments.run)?;
    let (id, plan) = match (&arguments.id, &arguments.plan) {
        (None, _) => (None, PathBuf::from(".")),
        // A single word that is no id names the plan.
        (Some(word), None) => match AchievementId::parse(word) {
            Ok(id) => (Some(id), PathBuf::from(".")),
            Err(_) => (None, PathBuf::from(word)),
        },
        (Some(id), Some(plan)) => {
            let id = AchievementId::parse(id).map_err(|error| Failure::invalid(error.to_string()))?;
            (Some(id), plan.clone())
        }
    };
    let project = Project::open(&plan)?;
    let dir = &*project.dir;
    let found = dir.operations()?.into_iter().find(|id| run.means(id)).ok_or_else(|| unknown(&run))?;
    if arguments.context {
        let Some(context) = dir.context_of(&found) else {
            return Err(Failure::invalid(format!("operation {} sent nothing of a code base", found.number())));
        };
        let text = id.map_or_else(|| context.shared_text(), |id| context.item_text(id));
        if text.is_empty() {
            err("nothing of the code base\n");
            return Ok(Exit::Done);
        }
        out_file(format!("{text}\n").as_bytes())?;
        return Ok(Exit::Done);
    }
    let record = dir.record(&found).map_err(|error| Failure::invalid(error.to_string()).hint(error.hint()))?;
    let log = CallLog::parse(dir.events(&found)?.as_deref().unwrap_or_default());
    let stage = match arguments.stage {
        Some(StageChoice::Subplan) => Some(Stage::Subplan),
        Some(StageChoice::Execution) => Some(Stage::Execution),
        Some(StageChoice::Both) | None => None,
    };
    let tape = arguments.tape.clone();
    let shown = Shown { dir, record, log, tape, stage };
    match (id, arguments.attempt) {
        (Some(id), Some(attempt)) => shown.attempt(id, attempt),
        (Some(id), None) => {
            let ids = project.plan.achievements.iter().map(|achievement| achievement.id).chain([id]);
            shown.documents(id, &Names::new(project.plan.name.clone(), ids))
        }
        (None, Some(_)) => Err(Failure::invalid("`--attempt` needs an achievement")
            .hint(String::from("such as `planwave show 12 3.1 --attempt 1`"))),
        (None, None) => shown.list(),
    }
}

impl Shown<'_> {
    /// The documents of an achievement; where there is none, its last rejected answers.
    fn documents(&self, id: AchievementId, names: &Names) -> Result<Exit, Failure> {
        let files: Vec<FileChange> = self
            .record
            .files()
            .into_iter()
            .filter(|file| file.after.is_some() && self.is_of(file, id, names))
            .collect();
        let mut missing = Vec::new();
        for file in &files {
            let Some(bytes) = file.after.map(|after| self.bytes(file, after)).transpose()?.flatten() else {
                missing.push(file.path.as_str());
                continue;
            };
            if files.len() > 1 {
                out(&format!("==> {} <==\n", sanitize(file.path.as_str())))?;
            }
            out_file(&bytes)?;
        }
        let rejected = self.say_rejections(id);
        if !missing.is_empty() {
            return Err(Failure::incomplete(format!(
                "{} changed since, and what this operation wrote was not kept: {}",
                if missing.len() == 1 { "this file was" } else { "these files were" },
                missing.join(", ")
            ))
            .hint(String::from("the model's answer may still be on the tape: `--attempt 1`")));
        }
        if !files.is_empty() {
            return Ok(Exit::Done);
        }
        let number = self.record.id.number();
        match rejected {
            Some(call) => {
                err(&format!("{number} wrote no document of {id}; this is the last answer that was rejected\n"));
                self.answer(call.0, call.1)
            }
            None => Err(Failure::incomplete(format!("{number} wrote no document of {id}, and rejected none"))
                .hint(format!("`planwave show {number}` lists what it changed"))),
        }
    }

    /// Whether a file is a document or verdict of an achievement, at the stage asked for.
    fn is_of(&self, file: &FileChange, id: AchievementId, names: &Names) -> bool {
        let path = Path::new(file.path.as_str());
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let folders = [Folder::Subplans, Folder::Execution, Folder::Feedbacks];
        let folder = folders.into_iter().find(|folder| path.parent() == Some(Path::new(folder.path())));
        let Some(role) = folder.and_then(|folder| names.classify(folder, name)) else { return false };
        let (of, stage) = match role {
            FileRole::Subplan(of) => (of, Some(Stage::Subplan)),
            FileRole::Execution { id: of, .. } => (of, Some(Stage::Execution)),
            FileRole::Approved(of) | FileRole::Fix(of) | FileRole::Skipped(of) => (of, None),
        };
        of == id && (self.stage.is_none() || self.stage == stage)
    }

    /// The bytes that the operation left, from the file or from where they are kept.
    fn bytes(&self, file: &FileChange, after: Digest) -> Result<Option<Vec<u8>>, StoreError> {
        match self.dir.read(file.path.as_str()) {
            Ok(bytes) if Digest::of(&bytes) == after => Ok(Some(bytes)),
            Ok(_) | Err(StoreError::Io { .. }) => self.dir.blob(after),
            Err(error) => Err(error),
        }
    }

    /// Names the rejected answers of an achievement, and gives the last.
    fn say_rejections(&self, id: AchievementId) -> Option<(CallId, u32)> {
        let rejected = self.log.rejections(id, self.stage);
        for rejection in &rejected {
            let why: Vec<&str> = rejection.findings.iter().map(String::as_str).take(3).collect();
            let (stage, attempt) = (rejection.call.item.stage, rejection.attempt);
            err(&format!("{id} {stage}: answer {attempt} was rejected: {}\n", sanitize(&why.join(" "))));
        }
        rejected.last().map(|rejection| (rejection.call, rejection.attempt))
    }

    fn attempt(&self, id: AchievementId, attempt: u32) -> Result<Exit, Failure> {
        let attempts = self.log.attempts(id, self.stage);
        let mut calls: Vec<CallId> = attempts.iter().filter(|(_, n)| *n == attempt).map(|(call, _)| *call).collect();
        calls.dedup();
        match calls.as_slice() {
            [] => {
                let known = attempts.iter().map(|(_, n)| *n).max().unwrap_or(0);
                Err(Failure::invalid(format!("{} has no answer {attempt} for {id}", self.record.id.number()))
                    .hint(answers_there_are(known)))
            }
            [call] => self.answer(*call, attempt),
            several => {
                for call in several {
                    err(&format!("==> {id} {}, part {} of {} <==\n", call.item.stage, call.part, call.parts));
                    self.answer(*call, attempt)?;
                }
                Ok(Exit::Done)
            }
        }
    }

    /// The model's answer as it is on the tape.
    fn answer(&self, call: CallId, attempt: u32) -> Result<Exit, Failure> {
        let exchange = match self.log.exchange(call, attempt) {
            Some((key, at)) => match &self.tape {
                Some(tape) => find_on_tape(tape, &key, at).map_err(|error| unreadable(tape, &error))?,
                None => self.dir.exchange(&key, at)?,
            },
            None => None,
        };
        match exchange.and_then(|exchange| answer_text(&exchange.body)) {
            Some(text) => {
                let end = if text.ends_with('\n') { "" } else { "\n" };
                out_file(format!("{text}{end}").as_bytes())?;
                Ok(Exit::Done)
            }
            None if self.tape.is_some() => Err(Failure::incomplete("the answer is not on that tape")),
            None if self.record.header.replay => Err(Failure::incomplete("the answer is not on this plan's tape")
                .hint(String::from("the run was a replay: name its tape with `--tape FILE`"))),
            None => Err(Failure::incomplete("the answer is not on this plan's tape")
                .hint(String::from("`tape.local` is off, or `planwave gc` has removed it"))),
        }
    }

    /// What the operation changed.
    fn list(&self) -> Result<Exit, Failure> {
        let Self { record, .. } = self;
        let began = record.header.began.strftime("%Y-%m-%d %H:%M");
        let mut text = format!("{}: {}, {began} UTC\n", record.id.number(), sanitize(&record.header.command));
        for file in record.files() {
            let verb = match (file.before, file.after) {
                (None, _) => "created",
                (Some(_), Some(_)) => "replaced",
                (Some(_), None) => "removed",
            };
            let now = match self.dir.read(file.path.as_str()) {
                Ok(bytes) => Some(Digest::of(&bytes)),
                Err(_) => None,
            };
            let note = match now {
                now if now == file.after => "",
                now if now == file.before => " (undone)",
                Some(_) => " (changed since)",
                None => " (removed since)",
            };
            text.push_str(&format!("  {verb} {}{note}\n", sanitize(file.path.as_str())));
        }
        out(&text)?;
        Ok(Exit::Done)
    }
}

/// What there is in place of an answer that was asked for.
fn answers_there_are(known: u32) -> String {
    match known {
        0 => String::from("there is none"),
        1 => String::from("there is 1 answer"),
        several => format!("there are {several} answers"),
    }
}
