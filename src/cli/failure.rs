//! What a command says when it cannot go on, and the one place where errors become exit codes.

use crate::{
    engine::{PlanningError, QuestionError},
    parallel::Problem,
    plan::PlanError,
    progress::ActionError,
    prompts::TemplateError,
    report::sanitize_block,
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
}

impl Failure {
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, exit: Exit::Invalid }
    }

    pub(super) fn incomplete(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, exit: Exit::Incomplete }
    }

    /// The provider keeps the command from going on.
    pub(super) fn stopped(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, exit: Exit::Stopped }
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

    /// An error in a PLAN, with its file and line.
    pub(super) fn plan(error: &PlanError, file: &str) -> Self {
        let place = error.line().map_or_else(|| file.to_owned(), |line| format!("{file}:{line}"));
        Self::invalid(format!("{place}: {error}")).hint(error.hint())
    }

    /// All problems of a parallel.json (or of the declarations in a PLAN).
    pub(super) fn problems(problems: &[Problem], file: &str) -> Self {
        Self::invalid(format!("{file} cannot be used\n{}", crate::parallel::render(problems, file).trim_end()))
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::invalid(error.to_string()).hint(error.hint())
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        Self::invalid(error.to_string()).hint(error.hint())
    }
}

impl From<PlanningError> for Failure {
    fn from(error: PlanningError) -> Self {
        Self::invalid(error.to_string()).hint(error.hint())
    }
}

impl From<QuestionError> for Failure {
    fn from(error: QuestionError) -> Self {
        Self::invalid(error.to_string()).hint(error.hint())
    }
}

impl From<ActionError> for Failure {
    fn from(error: ActionError) -> Self {
        Self::invalid(error.to_string()).hint(error.hint())
    }
}

impl From<TemplateError> for Failure {
    fn from(error: TemplateError) -> Self {
        let hint = "mend the template, or leave `prompts.directory` empty to use the built-in ones";
        Self::invalid(error.to_string()).hint(hint.to_owned())
    }
}

impl From<LockError> for Failure {
    fn from(error: LockError) -> Self {
        let exit = match &error {
            LockError::Held { .. } => Exit::Held,
            LockError::NoLocks { .. } | LockError::Io { .. } => Exit::Invalid,
        };
        Self { message: error.to_string(), hint: error.hint(), exit }
    }
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        let exit = match &error {
            WriteError::Exists { .. } => Exit::Invalid,
            WriteError::Changed { .. } | WriteError::Invalid { .. } | WriteError::Io { .. } => Exit::Incomplete,
        };
        Self { message: error.to_string(), hint: error.hint(), exit }
    }
}
