//! What answers a command that asks a model: the network or a tape, behind one gate and with what has to be kept.

use std::{path::Path, sync::Arc};

use jiff::Timestamp;

use super::{
    failure::Failure,
    model_setup::{self, ModelChoice},
    rate_limits::KeptGate,
    tapes::{self, Answers, Open, Wanted},
    terminal::{self, err},
};
use crate::{
    model::{Model, OpenAi, Source, is_word_of},
    settings::Loaded,
    store::PlanDir,
    tape::{Header, Origin},
};

/// What a command wants to be answered by.
pub(super) struct Sought<'a> {
    pub(super) answers: Answers,
    /// A new tape beside the plan's own.
    pub(super) record: Option<&'a Path>,
    /// Whether everything is asked for again.
    pub(super) fresh: bool,
    /// When the command began.
    pub(super) began: Timestamp,
}

/// What answers a command, and what has to be kept of it.
pub(super) struct Connected {
    pub(super) model: Arc<dyn Model>,
    pub(super) tapes: Open,
    /// What has been learned of the server's limits, to be kept at the end.
    pub(super) limits: Option<KeptGate>,
}

/// The model that answers from tapes, or from the network where they do not; and the tapes. Says what an earlier run left
/// behind. The caller holds the run lock.
pub(super) fn connect(
    loaded: &Loaded,
    key: Option<secrecy::SecretString>,
    sought: Sought<'_>,
    dir: &PlanDir,
    choice: &ModelChoice,
) -> Result<Connected, Failure> {
    let Sought { answers, record, fresh, began } = sought;
    let server = Some(loaded.settings.model.base_url.host().to_owned());
    let header = Header::new(Origin::Recorded, server, began).to_line();
    let left = dir.remove_temporaries();
    terminal::name_kept(&left);
    let tapes = tapes::open(answers, dir, Wanted { record, local: loaded.settings.tape.local, fresh, header })?;
    if let Some(line) = tapes::recovery(&tapes.found, left.removed, fresh) {
        err(&format!("{line}\n"));
    }
    let mut configuration = model_setup::configuration(loaded, key);
    if let Some(key) = &configuration.api_key {
        configuration.key_is_a_word = is_word_of(key, &String::from_utf8_lossy(&dir.read_plan()?));
    }
    let live = matches!(tapes.source, Source::Live);
    if live {
        model_setup::check_budget(loaded, &choice.facts)?;
    }
    let limits = live.then(|| KeptGate::open(loaded, &configuration, &choice.facts, began));
    let gate = limits.as_ref().map(|limits| limits.gate.clone());
    let built = OpenAi::new(configuration, choice.facts.clone(), tapes.source.clone(), tapes.recorder.clone());
    let mut model = built.map_err(|error| Failure::invalid(error.to_string()).hint(error.hint()))?;
    if let Some(memory) = &tapes.memory {
        model = model.with_memory(Arc::clone(memory));
    }
    if let Some(gate) = gate {
        model = model.through(gate);
    }
    for setting in model.settings_not_sent() {
        err(&format!("warning: {} does not take `{setting}`; it is not sent\n", loaded.settings.model.name));
    }
    Ok(Connected { model: Arc::new(model), tapes, limits })
}
