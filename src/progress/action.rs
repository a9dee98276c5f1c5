//! What an action changes, in parallel.json and in files.

use jiff::{Timestamp, Unit};

use super::{Action, next, verdict::Verdict};
use crate::{
    document::Names,
    parallel::{Change, Entry, Status, whole_seconds},
    plan::{AchievementId, Hours},
    store::AchievementFiles,
};

/// The longest work that a clock tells, hours: who starts on Monday and completes a month later has not worked day and
/// night.
const LONGEST_BY_CLOCK: f64 = 24.0;

/// What somebody wants to do.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The action.
    pub action: Action,
    /// The executor that was named.
    pub executor: Option<String>,
    /// The executor where none is named and none is stored.
    pub default_executor: Option<String>,
    /// When.
    pub at: Timestamp,
    /// The reason or the note.
    pub text: Option<String>,
    /// The hours it took, where somebody says.
    pub hours: Option<f64>,
    /// Do it although dependencies are not done, or although the achievement is critical.
    pub force: bool,
}

/// The achievement it is about.
#[derive(Clone, Debug)]
pub struct Case<'a> {
    /// Its entry in parallel.json.
    pub entry: &'a Entry,
    /// Its title.
    pub title: &'a str,
    /// Its status.
    pub status: Status,
    /// Its dependencies that are not done.
    pub open: Vec<AchievementId>,
    /// What is in progress and must not be worked on at the same time, and what both need.
    pub beside: Option<(AchievementId, &'a str)>,
    /// Its files.
    pub files: &'a AchievementFiles,
    /// The names of files.
    pub names: &'a Names,
    /// When its APPROVED file was written, where there is one.
    pub approved_at: Option<Timestamp>,
}

/// What an action changes. Files come before parallel.json, which speaks of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Effects {
    /// The new status.
    pub to: Status,
    /// What to do with files, in order.
    pub files: Vec<FileEffect>,
    /// What to change in parallel.json.
    pub change: Change,
    /// What the person should know.
    pub remarks: Vec<String>,
}

/// What to do with one file; paths are relative to the plan directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileEffect {
    /// Write a new file.
    Write {
        /// Where.
        path: String,
        /// Its text.
        text: String,
    },
    /// Give the file the first free one of [`set_aside_names`], so that it counts no more and nothing is lost.
    SetAside {
        /// Which.
        path: String,
    },
}

/// The action is not possible.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ActionError {
    /// The table of transitions has no such line.
    #[error("{id} {}: `{action}` does not apply to that", is(*.status))]
    Illegal {
        /// The achievement.
        id: AchievementId,
        /// Its status.
        status: Status,
        /// What was to be done.
        action: Action,
    },
    /// Something it depends on is not done.
    #[error("{id} waits for {}", list(.open))]
    Waiting {
        /// The achievement.
        id: AchievementId,
        /// What it waits for.
        open: Vec<AchievementId>,
    },
    /// Something in progress needs the same.
    #[error("{id} is not to be worked on beside {beside}, which is in progress: both need {over}")]
    Apart {
        /// The achievement.
        id: AchievementId,
        /// What is in progress.
        beside: AchievementId,
        /// What both need.
        over: String,
    },
    /// A critical achievement is not skipped unless forced.
    #[error("{id} is critical: the plan does not reach its goal without it")]
    Critical {
        /// The achievement.
        id: AchievementId,
    },
    /// No number of hours.
    #[error("{0} is no number of hours that somebody works")]
    Hours(f64),
}

impl ActionError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Illegal { status, .. } => {
                let legal: Vec<String> = Action::legal(*status).iter().map(|action| format!("`{action}`")).collect();
                Some(format!("what can be done with it now: {}", legal.join(", ")))
            }
            Self::Waiting { .. } | Self::Apart { .. } => Some(String::from("`--force` begins all the same")),
            Self::Critical { .. } => Some(String::from("`--force` skips it all the same")),
            Self::Hours(_) => Some(String::from("write the hours that somebody worked as a number, such as 1.5")),
        }
    }
}

fn is(status: Status) -> String {
    match status {
        Status::SubplanCreated | Status::ExecutionCreated => format!("is {status}"),
        Status::NotStarted | Status::InProgress | Status::Complete | Status::Failed | Status::Skipped => {
            format!("is {}", status.words())
        }
    }
}

fn list(ids: &[AchievementId]) -> String {
    const SHOWN: usize = 6;
    let shown: Vec<String> = ids.iter().take(SHOWN).map(ToString::to_string).collect();
    match ids.len().checked_sub(SHOWN) {
        None | Some(0) => shown.join(", "),
        Some(more) => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Decides what an action changes.
pub fn act(actor: &Actor, case: &Case<'_>) -> Result<Effects, ActionError> {
    let id = case.entry.id;
    let Some(to) = next(case.status, actor.action, case.files.evidence) else {
        return Err(ActionError::Illegal { id, status: case.status, action: actor.action });
    };
    if let Some(hours) = actor.hours.filter(|hours| Hours::single(*hours).is_none()) {
        return Err(ActionError::Hours(hours));
    }
    let mut effects = Effects { to, files: Vec::new(), change: Change::default(), remarks: Vec::new() };
    if to != case.entry.status {
        effects.change.status = Some(to);
    }
    match actor.action {
        Action::Start | Action::Claim => start(&mut effects, actor, case)?,
        Action::Complete => complete(&mut effects, actor, case),
        Action::Fail => {
            effects.write(case.names.fix(id), actor, case, "FIX", "What to fix");
        }
        Action::Retry => {
            effects.set_aside(&case.files.verdicts.fix);
            effects.set_aside(&case.files.verdicts.skipped);
            effects.no_failure(case.entry);
            effects.change.started_at = Some(None);
        }
        Action::Skip => {
            if case.entry.critical && !actor.force {
                return Err(ActionError::Critical { id });
            }
            effects.set_aside(&case.files.verdicts.fix);
            effects.no_failure(case.entry);
            if !case.files.evidence.skipped {
                effects.write(case.names.skipped(id), actor, case, "SKIPPED", "Reason");
            }
        }
        Action::Assign => effects.assign(actor.executor.clone(), actor.at, case.entry),
        Action::Release => {
            if case.entry.executor.is_none() && case.status != Status::InProgress {
                effects.remarks.push(format!("nobody had {id}"));
            }
            effects.change.executor = Some(None);
            effects.change.assigned_at = Some(None);
            if case.status == Status::InProgress {
                effects.change.started_at = Some(None);
            }
        }
    }
    Ok(effects)
}

fn start(effects: &mut Effects, actor: &Actor, case: &Case<'_>) -> Result<(), ActionError> {
    let id = case.entry.id;
    if !case.open.is_empty() {
        if !actor.force {
            return Err(ActionError::Waiting { id, open: case.open.clone() });
        }
        effects.remarks.push(format!("{id} depends on {}, which is not done", list(&case.open)));
    }
    if let Some((beside, over)) = case.beside {
        if !actor.force {
            return Err(ActionError::Apart { id, beside, over: over.to_owned() });
        }
        effects.remarks.push(format!("{beside}, which is in progress, needs {over} too"));
    }
    if case.files.evidence.executions == 0 {
        effects.remarks.push(format!("{id} has no EXECUTION_TASK to work by"));
    }
    if let (Some(named), Some(before)) = (&actor.executor, &case.entry.executor)
        && named != before
    {
        effects.remarks.push(format!("{id} was assigned to {before}"));
    }
    effects.change.started_at = Some(Some(whole_seconds(actor.at)));
    let default = actor.default_executor.as_ref().filter(|_| case.entry.executor.is_none());
    effects.assign(actor.executor.as_ref().or(default).cloned(), actor.at, case.entry);
    Ok(())
}

fn complete(effects: &mut Effects, actor: &Actor, case: &Case<'_>) {
    let approved = case.files.evidence.approved;
    if !approved {
        effects.write(case.names.approved(case.entry.id), actor, case, "APPROVED", "Note");
    }
    let at = if approved { case.approved_at.unwrap_or(actor.at) } else { actor.at };
    if !approved || case.entry.completed_at.is_none() {
        effects.change.completed_at = Some(Some(whole_seconds(at)));
    }
    let began = case.entry.started_at.as_ref().and_then(|text| text.parse::<Timestamp>().ok());
    let by_clock = || at.since(began?).ok()?.total(Unit::Hour).ok();
    // What somebody has recorded is not replaced by what a clock says later.
    effects.change.actual_hours = match (actor.hours, case.status) {
        // Not the zero with a sign.
        (Some(hours), _) => Some(hours + 0.0),
        (None, Status::Complete) => None,
        (None, _) => match by_clock() {
            Some(hours) if hours > LONGEST_BY_CLOCK => {
                effects.remarks.push(format!(
                    "it was started {hours:.0} hours ago, which is no working time: say `--hours` to record one"
                ));
                None
            }
            Some(hours) if hours < 0.0 => {
                effects.remarks.push(String::from(
                    "it was started later than it was completed, so its hours stay open: say `--hours` to record them",
                ));
                None
            }
            // Less than half a minute is no work that somebody would write down.
            Some(hours) if hundredths(hours) <= 0.0 => {
                effects.remarks.push(String::from(
                    "it was started less than half a minute ago, so its hours stay open: say `--hours` to record them",
                ));
                None
            }
            hours => hours.map(hundredths),
        },
    };
    effects.no_failure(case.entry);
    effects.change.note.clone_from(&actor.text);
}

fn hundredths(hours: f64) -> f64 {
    (hours * 100.0).round() / 100.0
}

impl Effects {
    fn write(&mut self, path: String, actor: &Actor, case: &Case<'_>, word: &'static str, heading: &'static str) {
        let verdict = Verdict {
            word,
            id: case.entry.id,
            title: case.title,
            executor: case.entry.executor.as_deref(),
            at: actor.at,
            heading,
            text: actor.text.as_deref(),
        };
        self.files.push(FileEffect::Write { path, text: verdict.render() });
    }

    fn set_aside(&mut self, paths: &[String]) {
        self.files.extend(paths.iter().map(|path| FileEffect::SetAside { path: path.clone() }));
    }

    fn no_failure(&mut self, entry: &Entry) {
        if entry.failure.is_some() {
            self.change.failure = Some(None);
        }
    }

    fn assign(&mut self, executor: Option<String>, at: Timestamp, entry: &Entry) {
        if executor.is_some() && executor != entry.executor {
            self.change.executor = Some(executor);
            self.change.assigned_at = Some(Some(whole_seconds(at)));
        }
    }
}

/// Names for a file that is set aside: `FIX_31_ARCHIVED.md`, then `FIX_31_V2_ARCHIVED.md` and so on, which no reader of a
/// plan directory takes for a verdict.
pub fn set_aside_names(path: &str) -> impl Iterator<Item = String> + '_ {
    let stem = path.strip_suffix(".md").unwrap_or(path);
    (1_u32..).map(move |number| match number {
        1 => format!("{stem}_ARCHIVED.md"),
        _ => format!("{stem}_V{number}_ARCHIVED.md"),
    })
}
