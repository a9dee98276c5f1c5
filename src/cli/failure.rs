//! What a command says when it cannot go on, and the one place where errors become exit codes.

use serde::Serialize;

use super::error_code::ErrorCode;
use crate::{
    engine::{PlanningError, QuestionError},
    parallel::Problem,
    plan::PlanError,
    progress::ActionError,
    prompts::TemplateError,
    report::{json_pretty, sanitize_block},
    settings::SettingsError,
    store::{LockError, StoreError, WriteError},
};

/// How the process ends. The numbers are a contract with scripts; README lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All done.
    Done = 0,
    /// Some items failed or are blocked.
    Incomplete = 1,
    /// Bad usage or invalid input; nothing sent, nothing written.
    Invalid = 2,
    /// Another run holds the plan.
    Held = 3,
    /// Stopped by the provider.
    Stopped = 4,
    /// Interrupted; what was received is saved.
    Interrupted = 130,
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A message, a hint, and how the process ends.
#[derive(Debug)]
pub(super) struct Failure {
    message: String,
    hint: Option<String>,
    exit: Exit,
    code: ErrorCode,
    place: Option<Place>,
}

/// Where an error is.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Place {
    /// The file or directory as the user would name it.
    file: String,
    /// 1-based.
    line: Option<usize>,
}

/// An error as programs read it.
#[derive(Serialize)]
struct ErrorReport<'a> {
    error: ErrorFields<'a>,
}

#[derive(Serialize)]
struct ErrorFields<'a> {
    code: &'static str,
    message: &'a str,
    hint: Option<&'a str>,
    #[serde(rename = "where")]
    place: Option<&'a Place>,
}

impl Failure {
    fn new(message: impl Into<String>, exit: Exit, code: ErrorCode) -> Self {
        Self { message: message.into(), hint: None, exit, code, place: None }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(message, Exit::Invalid, ErrorCode::Invalid)
    }

    pub(super) fn incomplete(message: impl Into<String>) -> Self {
        Self::new(message, Exit::Incomplete, ErrorCode::Incomplete)
    }

    /// The provider keeps the command from going on.
    pub(super) fn stopped(message: impl Into<String>) -> Self {
        Self::new(message, Exit::Stopped, ErrorCode::Stopped)
    }

    /// A command line that was refused.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::new(message, Exit::Invalid, ErrorCode::Usage)
    }

    pub(super) fn code(self, code: ErrorCode) -> Self {
        Self { code, ..self }
    }

    /// The same, about a file.
    pub(super) fn at(self, file: impl std::fmt::Display, line: Option<usize>) -> Self {
        Self { place: Some(Place { file: file.to_string(), line }), ..self }
    }

    /// The same, after something was done that a script has to know of: not the exit code of what was left undone.
    pub(super) fn although(self, done: &str) -> Self {
        Self { message: format!("{done}; but {}", self.message), exit: Exit::Invalid, ..self }
    }

    pub(super) fn hint(mut self, hint: impl Into<Option<String>>) -> Self {
        self.hint = hint.into();
        self
    }

    /// The same, where nothing has been sent or written yet.
    pub(super) fn before_sending(self) -> Self {
        Self { exit: Exit::Invalid, ..self }
    }

    pub(super) fn exit(&self) -> Exit {
        self.exit
    }

    /// The message and the hint as one sentence, for a warning.
    pub(super) fn sentence(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{}; {hint}", self.message),
            None => self.message.clone(),
        }
    }

    /// The lines for standard error.
    pub(super) fn text(&self) -> String {
        let mut text = format!("error: {}\n", sanitize_block(&self.message));
        if let Some(hint) = &self.hint {
            text.push_str(&format!("  hint: {}\n", sanitize_block(hint)));
        }
        text
    }

    /// The same for programs.
    pub(super) fn json(&self) -> String {
        let Self { message, hint, exit: _, code, place } = self;
        let error = ErrorFields { code: code.as_str(), message, hint: hint.as_deref(), place: place.as_ref() };
        json_pretty(&ErrorReport { error }).unwrap_or_default()
    }

    /// An error in a PLAN, with its file and line.
    pub(super) fn plan(error: &PlanError, file: &str) -> Self {
        let place = error.line().map_or_else(|| file.to_owned(), |line| format!("{file}:{line}"));
        let failure = Self::invalid(format!("{place}: {error}")).hint(error.hint());
        failure.code(ErrorCode::Plan).at(file, error.line())
    }

    /// All problems of a parallel.json (or of the declarations in a PLAN).
    pub(super) fn problems(problems: &[Problem], file: &str) -> Self {
        let text = format!("{file} cannot be used\n{}", crate::parallel::render(problems, file).trim_end());
        let line = problems.first().map(|problem| problem.line);
        Self::invalid(text).code(ErrorCode::ParallelJson).at(file, line)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let failure = Self::invalid(error.to_string()).hint(error.hint());
        match &error {
            StoreError::Locate(_) => failure.code(ErrorCode::NoPlan),
            StoreError::Io { path, .. } | StoreError::TooLarge { path, .. } | StoreError::InTheWay { path, .. } => {
                failure.code(ErrorCode::Unreadable).at(path.display(), None)
            }
        }
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        let failure = Self::invalid(error.to_string()).hint(error.hint()).code(ErrorCode::Settings);
        match error.place() {
            Some((file, line)) => failure.at(file, line),
            None => failure,
        }
    }
}

impl From<PlanningError> for Failure {
    fn from(error: PlanningError) -> Self {
        Self::invalid(error.to_string()).hint(error.hint()).code(ErrorCode::Planning)
    }
}

impl From<QuestionError> for Failure {
    fn from(error: QuestionError) -> Self {
        Self::invalid(error.to_string()).hint(error.hint()).code(ErrorCode::Planning)
    }
}

impl From<ActionError> for Failure {
    fn from(error: ActionError) -> Self {
        Self::invalid(error.to_string()).hint(error.hint()).code(ErrorCode::Action)
    }
}

impl From<TemplateError> for Failure {
    fn from(error: TemplateError) -> Self {
        let hint = "mend the template, or leave `prompts.directory` empty to use the built-in ones";
        Self::invalid(error.to_string()).hint(hint.to_owned()).code(ErrorCode::Template)
    }
}

impl From<LockError> for Failure {
    fn from(error: LockError) -> Self {
        let (exit, code) = match &error {
            LockError::Held { .. } => (Exit::Held, ErrorCode::Held),
            LockError::NoLocks { .. } | LockError::Io { .. } => (Exit::Invalid, ErrorCode::NoLock),
        };
        Self::new(error.to_string(), exit, code).hint(error.hint())
    }
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        let (exit, code, path) = match &error {
            WriteError::Exists { path } => (Exit::Invalid, ErrorCode::Exists, path),
            WriteError::Changed { path } => (Exit::Incomplete, ErrorCode::Changed, path),
            WriteError::Invalid { path, .. } => (Exit::Incomplete, ErrorCode::ParallelJson, path),
            WriteError::Io { path, .. } => (Exit::Incomplete, ErrorCode::NotWritten, path),
        };
        Self::new(error.to_string(), exit, code).hint(error.hint()).at(path.display(), None)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn an_error_for_programs_has_code_message_hint_and_place() {
        let failure =
            Failure::invalid("wrong").hint(String::from("mend it")).code(ErrorCode::Plan).at("PLAN_X.md", Some(3));
        let value: Value = serde_json::from_str(&failure.json()).unwrap();
        let place = json!({"file": "PLAN_X.md", "line": 3});
        let expected = json!({"code": "plan", "message": "wrong", "hint": "mend it", "where": place});
        assert_eq!(value, json!({ "error": expected }));
        let value: Value = serde_json::from_str(&Failure::stopped("no money").json()).unwrap();
        let expected = json!({"code": "stopped", "message": "no money", "hint": null, "where": null});
        assert_eq!(value, json!({ "error": expected }));
    }
}
