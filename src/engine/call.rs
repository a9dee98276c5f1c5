//! One call as a task of the local engine: the worker, then its document on disk.

use std::{collections::HashMap, sync::Arc};

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::{
    CallId, Engine,
    briefing::Briefing,
    planner::PlannedItem,
    worker::{self, Call, Outcome, Rejected},
};
use crate::{
    document::{Digest, ExecutionPart, Finding, Header, Names, Stage, digest, render_document},
    model::Scope,
    plan::AchievementId,
    store::WriteError,
};

/// One call that waits for a free slot.
pub(super) struct Waiting {
    pub(super) item: usize,
    pub(super) part: Option<ExecutionPart>,
    pub(super) of: u32,
    pub(super) path: String,
}

/// The SUBPLAN that an EXECUTION_TASK belongs to.
pub(super) enum Subplan {
    /// What it says.
    Known(Arc<Digest>),
    /// This run wrote it, with these parts.
    Written { path: String, parts: Vec<ExecutionPart> },
}

impl Subplan {
    /// What it says, from the disk where this run wrote it.
    async fn digest(self, engine: &Engine) -> Result<Arc<Digest>, Rejected> {
        match self {
            Self::Known(digest) => Ok(digest),
            Self::Written { path, parts } => match engine.store.read_document(path).await {
                // The parts stay those that the calls were made from, whatever has become of the file.
                Ok(text) => Ok(Arc::new(Digest { parts, ..digest(&text) })),
                Err(error) => {
                    // That no file can be read is not this item's fault.
                    let scope = if error.is_fatal() { Scope::Storage } else { Scope::Call };
                    Err(Rejected { reason: error.to_string(), hint: error.hint(), scope })
                }
            },
        }
    }
}

/// A call's place among those in flight; given back when it is dropped, even by a panic.
pub(super) struct Slot {
    /// The item that the call belongs to.
    pub(super) item: usize,
    pub(super) answered: mpsc::UnboundedSender<usize>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        // The dispatcher outlives its calls, unless it was itself dropped; then nobody counts.
        let _ = self.answered.send(self.item);
    }
}

/// What a call's task brings back.
pub(super) struct Ended {
    pub(super) item: usize,
    pub(super) call: CallId,
    pub(super) path: String,
    pub(super) outcome: Outcome,
    pub(super) written: Option<Result<Written, WriteError>>,
    /// The slot of a call without a document, or without a place on the tape: it is not free before the dispatcher has seen why, since the reason may
    /// be one to stop for.
    pub(super) slot: Option<Slot>,
}

/// A document that is on disk.
pub(super) struct Written {
    pub(super) warnings: Vec<Finding>,
    /// What it says, where it is a SUBPLAN.
    pub(super) subplan: Option<Digest>,
}

/// The call `id` of an item, whose prompt ends with `own`.
pub(super) fn call_for(briefing: &Briefing, names: &Arc<Names>, item: &PlannedItem, id: CallId, own: String) -> Call {
    let achievement = briefing.achievement(item);
    Call {
        id,
        title: achievement.title.clone(),
        names: Arc::clone(names),
        messages: briefing.messages(item, own),
        cache_key: briefing.cache_key(item),
        // What stands below a deliverable's first line explains it.
        deliverables: achievement.deliverables.iter().map(|text| first_line(text).to_owned()).collect(),
        source: achievement.text(),
        estimate: achievement.estimated_hours,
        material: Arc::clone(briefing.material()),
        paths: briefing.paths().cloned(),
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// The document made of an accepted answer: when that came, and who will work on it.
pub(super) fn document_text(
    briefing: &Briefing,
    item: &PlannedItem,
    part: Option<&ExecutionPart>,
    (created, executor): (Timestamp, Option<&str>),
    body: &str,
) -> String {
    let header = Header {
        plan: briefing.plan().name.as_str(),
        achievement: item.id.achievement,
        title: &briefing.achievement(item).title,
        stage: item.id.stage,
        level: Some(item.level),
        subplan: (item.id.stage == Stage::Execution).then_some(item.subplan_path.as_str()),
        part,
        estimate: item.estimated_hours,
        created: &created.to_string(),
        executor,
    };
    render_document(&header, body)
}

/// Renders the prompt, works the call, and writes its document.
pub(super) async fn one_call(
    engine: &Arc<Engine>,
    waiting: Waiting,
    known: &HashMap<AchievementId, Arc<Digest>>,
    subplan: Subplan,
    slot: Slot,
) -> Ended {
    let item = &engine.plan.items[waiting.item];
    let part_number = waiting.part.as_ref().map_or(1, |part| part.number);
    let call_id = CallId { item: item.id, part: part_number, parts: waiting.of };
    let briefing = &engine.briefing;
    let digests = |id: AchievementId| known.get(&id).cloned();
    let own = match &waiting.part {
        None => briefing.subplan(item, &digests, false).map_err(|error| Rejected::template(&error)),
        Some(part) => subplan.digest(engine).await.and_then(|subplan| {
            let own = briefing.execution(item, &item.subplan_path, &subplan, part, &digests, false);
            own.map_err(|error| Rejected::template(&error))
        }),
    };
    let outcome = match own {
        Ok(own) => {
            let call = call_for(briefing, &engine.names, item, call_id, own);
            worker::work(&call, &*engine.model, briefing.templates(), &engine.limits, &|event| engine.emit(event)).await
        }
        Err(why) => Outcome::unsent(why, Timestamp::now()),
    };
    // While the document is written, the next call can wait for its answer.
    let slot = (outcome.result.is_err() || outcome.unrecorded.is_some()).then_some(slot);
    let written = match &outcome.result {
        Ok(accepted) => {
            let author = (outcome.at, engine.executor.as_deref());
            let text = document_text(briefing, item, waiting.part.as_ref(), author, &accepted.body);
            let subplan = (item.id.stage == Stage::Subplan).then(|| digest(&text));
            let result = engine.store.write_document(waiting.path.clone(), text, engine.force).await;
            let warnings = accepted.warnings.clone();
            Some(result.map(|()| Written { warnings, subplan }))
        }
        Err(_) => None,
    };
    Ended { item: waiting.item, call: call_id, path: waiting.path, outcome, written, slot }
}
