//! One action on one achievement: lock, read, decide, write, say. What an action means is decided in `progress`.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use super::{
    failure::{Exit, Failure},
    global::Global,
    output_files::{self, OutputFile},
    own_folder, pretty,
    project::{Project, settings},
    survey::Survey,
    terminal::{err, out, say_merged},
};
use crate::{
    parallel::{Change, ParallelFile, Status, whole_seconds},
    plan::AchievementId,
    progress::{Action, Actor, Case, Effects, FileEffect, act, set_aside_names},
    report::{json_line, sanitize},
    store::{Existing, Operation, PlanDir, RunLock, WriteError},
};

/// Which achievement of which plan.
#[derive(Debug, Args)]
pub(super) struct Target {
    /// The achievement, such as 3.1.
    #[arg(value_name = "ID")]
    pub(super) id: AchievementId,
    /// A plan directory, a PLAN_<NAME>.md, or a parallel.json.
    #[arg(value_name = "PLAN", default_value = ".")]
    pub(super) plan: PathBuf,
}

/// How to say what was done.
#[derive(Debug, Args)]
pub(super) struct Output {
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
    /// Write the event as a line of JSON to a file, or to standard output with `-`.
    #[arg(long, value_name = "FILE|-")]
    pub(super) events: Option<PathBuf>,
}

/// What somebody wants, as far as the command line tells.
#[derive(Debug, Default)]
pub(super) struct Wish {
    pub(super) executor: Option<String>,
    pub(super) text: Option<String>,
    pub(super) hours: Option<f64>,
    pub(super) force: bool,
}

/// A plan under the lock, as it stands.
pub(super) struct Desk {
    pub(super) survey: Survey,
    /// Who works where nobody is named.
    pub(super) default_executor: Option<String>,
    dir: Arc<PlanDir>,
    lock: RunLock,
    began: Timestamp,
}

/// What was done, as an event and for a program.
#[derive(Serialize)]
pub(super) struct Done {
    event: &'static str,
    achievement: AchievementId,
    title: String,
    command: &'static str,
    from: Status,
    to: Status,
    executor: Option<String>,
    actual_hours: Option<f64>,
    at: String,
    /// Its SUBPLAN, relative to the plan directory.
    subplan: Option<String>,
    /// Its EXECUTION_TASKs.
    executions: Vec<String>,
    /// Files that were written.
    written: Vec<String>,
    remarks: Vec<String>,
}

/// Takes the lock for changes, and waits a little where another command has it. A run may go on meanwhile.
pub(super) fn lock(dir: &PlanDir, command: &str, began: Timestamp) -> Result<RunLock, Failure> {
    let holder = format!("process {} ({command}) since {}", std::process::id(), whole_seconds(began));
    own_folder::lock_for_changes(dir, &holder)
}

/// Does what `action` says with one achievement.
pub(super) fn run(
    action: Action,
    target: &Target,
    wish: Wish,
    output: &Output,
    global: &Global,
) -> Result<Exit, Failure> {
    let desk = Desk::open(&target.plan, action, output, global)?;
    let node = desk.find(target.id)?;
    let done = desk.act(action, node, wish)?;
    output.say(&done)
}

impl Desk {
    /// Takes the lock and looks where the plan stands.
    pub(super) fn open(plan: &Path, action: Action, output: &Output, global: &Global) -> Result<Self, Failure> {
        let project = Project::open(plan)?;
        output.check(&project.dir)?;
        let (loaded, sources) = settings(Some(project.dir.path()), &global.overrides())?;
        let variable = |name: &&str| sources.environment.get(*name).filter(|name| !name.trim().is_empty());
        let user = ["USER", "LOGNAME", "USERNAME"].iter().find_map(variable).cloned();
        let began = Timestamp::now();
        let dir = Arc::clone(&project.dir);
        let lock = lock(&dir, action.as_str(), began)?;
        // Only now: what another command wrote while this one waited has to count.
        let survey = Survey::statuses((project.leveled()?, dir.list()?))?;
        Ok(Self { survey, default_executor: loaded.settings.documents.executor.or(user), dir, lock, began })
    }

    fn find(&self, id: AchievementId) -> Result<usize, Failure> {
        self.survey.leveled.graph.index_of(id).ok_or_else(|| {
            Failure::invalid(format!("there is no achievement {id} in parallel.json"))
                .hint(String::from("`planwave status` shows those there are"))
        })
    }

    /// Decides and writes.
    pub(super) fn act(mut self, action: Action, node: usize, wish: Wish) -> Result<Done, Failure> {
        let leveled = &self.survey.leveled;
        let entry = &leveled.file.entries()[node];
        let files = self.survey.scan.of_achievement(entry.id);
        let (id, status) = (entry.id, self.survey.standings.status(node));
        let actor = Actor {
            action,
            executor: wish.executor,
            default_executor: self.default_executor.clone(),
            at: self.began,
            text: wish.text,
            hours: wish.hours,
            force: wish.force,
        };
        let room = self.survey.room();
        let beside = room.conflict(node).map(|conflict| (leveled.graph.id(conflict.holder), conflict.over));
        let case = Case {
            entry,
            title: &self.survey.titles.titles[node],
            status,
            open: self
                .survey
                .standings
                .open_dependencies(&leveled.graph, node)
                .map(|node| leveled.graph.id(node))
                .collect(),
            beside,
            files,
            names: &leveled.names,
            approved_at: files.verdicts.approved.first().and_then(|path| self.dir.modified(path)),
        };
        let effects = act(&actor, &case)?;
        let command = format!("{action} {id}");
        let (subplan, executions) = (files.subplan.clone(), files.execution_paths());
        let written = self.write(&command, id, &effects)?;
        let entry = &self.survey.leveled.file.entries()[node];
        Ok(Done {
            event: "status_changed",
            achievement: id,
            title: self.survey.titles.titles[node].clone(),
            command: action.as_str(),
            from: status,
            to: effects.to,
            executor: entry.executor.clone(),
            actual_hours: effects.change.actual_hours,
            at: whole_seconds(self.began),
            subplan,
            executions,
            written,
            remarks: effects.remarks,
        })
    }

    /// Files first, then parallel.json, which speaks of them. Gives the paths of what was written.
    fn write(&mut self, command: &str, id: AchievementId, effects: &Effects) -> Result<Vec<String>, Failure> {
        if effects.change != Change::default() {
            // Before files are written that it is to speak of.
            self.dir.check_replaceable("parallel.json")?;
        }
        let operation = Operation::begin(&self.dir, &self.lock, command, self.began)?;
        let mut written = Vec::new();
        for file in &effects.files {
            match file {
                FileEffect::Write { path, text } => {
                    operation.write(path, text.as_bytes(), Existing::Keep)?;
                    written.push(path.clone());
                }
                FileEffect::SetAside { path } => {
                    let bytes = self.dir.read(path)?;
                    for name in set_aside_names(path) {
                        match operation.write(&name, &bytes, Existing::Keep) {
                            Ok(()) => {
                                written.push(name);
                                break;
                            }
                            Err(WriteError::Exists { .. }) => {}
                            Err(error) => return Err(error.into()),
                        }
                    }
                    operation.remove(path)?;
                }
            }
        }
        if effects.change != Change::default() {
            let (changes, updated) = ([(id, effects.change.clone())].into(), whole_seconds(self.began));
            let file = &mut self.survey.leveled.file;
            let shown = self.dir.shown("parallel.json").display().to_string();
            let as_read = file.to_text();
            let edited = operation.edit("parallel.json", |now| {
                if now == as_read.as_bytes() {
                    let mut file = file.clone();
                    file.apply(&changes, &updated);
                    return Ok(Some(file.to_text()));
                }
                let mut now = ParallelFile::parse(now).map_err(|problems| Failure::problems(&problems, &shown))?;
                // What was decided was decided of what this achievement was. Where its files are written, it is done.
                if now.get(id) != file.get(id) && written.is_empty() {
                    return Err(changed_meanwhile(id, &shown));
                }
                now.apply(&changes, &updated);
                Ok(Some(now.to_text()))
            })?;
            say_merged(edited, &shown);
            file.apply(&changes, &updated);
        }
        operation.finish()?;
        Ok(written)
    }
}

fn changed_meanwhile(id: AchievementId, shown: &str) -> Failure {
    Failure::invalid(format!("{id} was changed in {shown} at the same moment; nothing was written"))
        .hint(String::from("run the same command again"))
}

impl Output {
    /// Refuses what cannot be said in one place, or where it would cost a file.
    fn check(&self, dir: &PlanDir) -> Result<(), Failure> {
        if self.json && self.events.as_deref() == Some(Path::new("-")) {
            return Err(Failure::invalid("`--json` and `--events -` both want standard output")
                .hint(String::from("write the events to a file")));
        }
        output_files::check(dir, self.events.as_deref().map(OutputFile::Events))
    }

    /// Says what was done.
    pub(super) fn say(&self, done: &Done) -> Result<Exit, Failure> {
        let line = json_line(done).map_err(|error| Failure::incomplete(format!("cannot write JSON: {error}")))?;
        match &self.events {
            Some(path) if path == Path::new("-") => {
                out(&format!("{line}\n")).map_err(|failure| done.untold(failure))?;
                err(&done.text());
            }
            Some(path) => {
                std::fs::write(path, format!("{line}\n")).map_err(|error| {
                    done.untold(Failure::incomplete(format!("cannot write {}: {error}", path.display())))
                })?;
                self.result(done)?;
            }
            None => self.result(done)?,
        }
        for remark in &done.remarks {
            err(&format!("note: {}\n", sanitize(remark)));
        }
        Ok(Exit::Done)
    }

    fn result(&self, done: &Done) -> Result<(), Failure> {
        let said = if self.json { out(&pretty(done)?) } else { out(&done.text()) };
        said.map_err(|failure| done.untold(failure))
    }
}

impl Done {
    /// What was done is not undone by a full disk; a script must not take it for undone.
    fn untold(&self, failure: Failure) -> Failure {
        let line = self.text();
        let hint = "it is done and stays so; `planwave undo` takes it back".to_owned();
        failure.although(line.lines().next().unwrap_or_default()).hint(hint)
    }

    fn text(&self) -> String {
        let change = if self.from == self.to {
            format!("{} is {}", self.achievement, self.to)
        } else {
            format!("{}: {} → {}", self.achievement, self.from, self.to)
        };
        let executor = self.executor.as_ref().map(|name| format!(", executor {name}")).unwrap_or_default();
        let hours = self.actual_hours.map(|hours| format!(", {hours} h")).unwrap_or_default();
        let title = if self.title.is_empty() { String::new() } else { format!("  {}", self.title) };
        let mut text = format!("{}\n", sanitize(&format!("{change}{executor}{hours}{title}")));
        for path in &self.written {
            text.push_str(&format!("  wrote {}\n", sanitize(path)));
        }
        if self.to == Status::InProgress && self.from != Status::InProgress {
            for path in self.subplan.iter().chain(&self.executions) {
                text.push_str(&format!("  read {}\n", sanitize(path)));
            }
        }
        text
    }
}
