//! What a model would answer if nothing could be sent: only what was paid for before.
//!
//! It asks the same questions of the same tape as a run, so what it finds is what the run will find. It needs no key, no
//! runtime and no time: every call ends at once.

use std::sync::Arc;

use futures_util::{FutureExt as _, future::BoxFuture};
use jiff::Timestamp;

use super::{
    Completion, ConfigError, Memory, Model, ModelConfig, ModelError, ModelFacts, OpenAi, ProgressSink, Request, Scope,
    Source,
};
use crate::tape::{Header, Origin, ReplayIndex, Tape};

/// A model that answers from its memory alone. What is not there fails with [`Scope::NotOnTape`].
#[derive(Debug)]
pub struct Remembering(OpenAi);

impl Remembering {
    /// The model of this configuration, as far as `memory` holds its answers.
    ///
    /// # Errors
    ///
    /// Where no client can be made of the configuration.
    pub fn new(config: ModelConfig, facts: ModelFacts, memory: Arc<dyn Memory>) -> Result<Self, ConfigError> {
        let header = Header::new(Origin::Handwritten, None, Timestamp::UNIX_EPOCH);
        let nothing = ReplayIndex::new(Tape { header, exchanges: Vec::new(), torn: None });
        let model = OpenAi::new(config, facts, Source::Replay(Arc::new(nothing)), None)?;
        Ok(Self(model.with_memory(memory)))
    }
}

impl Model for Remembering {
    fn complete<'a>(
        &'a self,
        request: &'a Request,
        progress: ProgressSink<'a>,
    ) -> BoxFuture<'a, Result<Completion, ModelError>> {
        let remembered = async move { self.0.remembered(self.0.body(request), progress).await };
        let missing = ModelError {
            message: String::from("the request is not on the tape"),
            hint: None,
            status: None,
            scope: Scope::NotOnTape,
            requests: 0,
            at: Timestamp::UNIX_EPOCH,
        };
        remembered.map(|found| found.ok_or(missing)).boxed()
    }

    fn can_think_less(&self, less: u8) -> bool {
        self.0.can_think_less(less)
    }
}
