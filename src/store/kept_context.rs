//! The context of the code base that a run began with, kept beside its record.

use super::{Existing, Journal, PlanDir, WriteError, records};
use crate::{
    context::{CONTEXT_VERSION, CodeContext},
    history::{Kind, RunId},
};

const CONTEXT: &str = "context.json";

/// The largest kept context that is read, bytes.
const LARGEST: usize = 64 << 20;

fn path_of(id: &RunId) -> String {
    format!("{}/{CONTEXT}", records::folder_of(id))
}

impl Journal {
    /// Keeps what the prompts of this run carry of the code base.
    pub fn keep_context(&self, dir: &PlanDir, context: &CodeContext) -> Result<(), WriteError> {
        // Its keys are text and it holds nothing that JSON has not.
        let text = serde_json::to_string(context).unwrap_or_default();
        dir.write(&path_of(self.id()), text.as_bytes(), Existing::Replace)
    }
}

impl PlanDir {
    /// The context that a run began with; `None` where it had none, or it cannot be used.
    pub fn context_of(&self, id: &RunId) -> Option<CodeContext> {
        let bytes = self.read(&path_of(id)).ok().filter(|bytes| bytes.len() <= LARGEST)?;
        let context: CodeContext = serde_json::from_slice(&bytes).ok()?;
        (context.version == CONTEXT_VERSION).then_some(context)
    }

    /// Number and context of the newest run, where it was interrupted or left something undone.
    pub fn kept_context(&self) -> Option<(u64, CodeContext)> {
        for id in self.operations().ok()? {
            let Ok(record) = self.record(&id) else { continue };
            if record.header.kind != Kind::Run {
                continue;
            }
            let undone = record
                .end
                .as_ref()
                .is_none_or(|end| end.run.as_ref().is_none_or(|run| run.failed + run.blocked + run.not_started > 0));
            return undone.then(|| self.context_of(&id)).flatten().map(|context| (id.number(), context));
        }
        None
    }
}
