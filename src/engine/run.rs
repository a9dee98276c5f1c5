//! The local engine: works a run plan with many calls in flight in one process.
//!
//! It alone changes the state of items, through [`Schedule`]. Workers report to it; it reports events. It must not
//! print, read settings, or know where documents and events go.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Instant,
};

use jiff::Timestamp;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};

use super::{
    CallId, Event, ItemId, Order, StopKind, Summary,
    briefing::Briefing,
    call::{Ended, Slot, Subplan, Waiting, one_call},
    planner::{Documents, PlannedItem, RunPlan},
    save::{SaveError, Saver},
    schedule::{Node, Schedule},
    summary::{Charged, Ledger},
    worker::Limits,
};
use crate::{
    document::{Code, Digest, ExecutionPart, Names, Stage},
    model::{Model, Recorder, Scope, gate::Bounds},
    parallel::{Failure, Status, whole_seconds},
    plan::AchievementId,
    store::{DocumentStore, WriteError},
    tape::{GivenUp, whole_milliseconds},
};

/// Documents that may be waiting for the disk besides the calls in flight.
const WRITES: usize = 16;

/// What the caller wants of a run under way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Stop {
    /// Go on.
    #[default]
    No,
    /// Start no more calls; let those in flight end. The text says why.
    Drain(String),
    /// End now.
    Now,
}

/// Everything a run needs. What it does is in `plan`; the rest says how and with what.
pub struct Engine {
    /// Answers the calls.
    pub model: Arc<dyn Model>,
    /// Takes the documents.
    pub store: Arc<dyn DocumentStore>,
    /// Writes the prompts.
    pub briefing: Arc<Briefing>,
    /// Names the documents.
    pub names: Arc<Names>,
    /// Exactly what is generated.
    pub plan: Arc<RunPlan>,
    /// What the SUBPLANs on disk say.
    pub digests: HashMap<AchievementId, Digest>,
    /// The limits of one call.
    pub limits: Limits,
    /// What the run may cost. The model keeps to it as far as the server lets it; here it is only compared.
    pub bounds: Bounds,
    /// The most calls in flight.
    pub concurrency: usize,
    /// When an item may start.
    pub order: Order,
    /// Whether documents that exist give way.
    pub force: bool,
    /// Who will work on the documents, for their headers.
    pub executor: Option<String>,
    /// The run's id.
    pub run_id: String,
    /// The model's name, for events.
    pub model_name: String,
    /// Takes notes for later runs: which answers led to nothing.
    pub notes: Option<Arc<dyn Recorder>>,
    /// Takes every event.
    pub emit: Arc<dyn Fn(Event) + Send + Sync>,
}

impl Engine {
    /// Works the plan to its end, or until `stop` says otherwise. Every item has ended or is reported as not started.
    pub async fn run(mut self, stop: watch::Receiver<Stop>) -> Summary {
        let charged = Charged::listen(&mut self.emit);
        let nodes: Vec<Node> = self
            .plan
            .items
            .iter()
            .map(|item| Node { needs: item.needs.clone(), level: item.level, rank: item.rank })
            .collect();
        let dispatcher = Dispatcher {
            schedule: Schedule::new(&nodes, self.order),
            waiting: VecDeque::new(),
            unfinished: vec![Parts::default(); nodes.len()],
            digests: std::mem::take(&mut self.digests).into_iter().map(|(id, it)| (id, Arc::new(it))).collect(),
            written: HashMap::new(),
            calling: 0,
            answered: mpsc::unbounded_channel(),
            in_flight: JoinSet::new(),
            stopping: None,
            ledger: Ledger::new(&self, charged),
            saver: Saver::new(Arc::clone(&self.store)),
            engine: Arc::new(self),
        };
        dispatcher.work(stop).await
    }

    pub(super) fn emit(&self, event: Event) {
        (self.emit)(event);
    }
}

/// How far an item's documents have come.
#[derive(Clone, Debug, Default)]
struct Parts {
    left: usize,
    /// Calls that still wait for their answer.
    unanswered: usize,
    paths: Vec<String>,
    attempts: u32,
    /// Why documents were given up, and since when.
    failure: Option<(String, Timestamp)>,
    stopped: bool,
    /// Keys of answers that led to no document.
    rejected: Vec<Arc<str>>,
}

impl Parts {
    /// A document was given up. The attempts are those of the whole item, so each reason says which part it is of.
    fn fail(&mut self, call: CallId, reason: &str, at: Timestamp) {
        let part = if call.parts > 1 { format!("part {} of {}: ", call.part, call.parts) } else { String::new() };
        let before = self.failure.take().map(|(before, _)| before + "; ").unwrap_or_default();
        self.failure = Some((format!("{before}{part}{reason}"), at));
    }
}

/// A SUBPLAN on the disk, and the EXECUTION_TASKs that it plans.
struct WrittenSubplan {
    path: String,
    parts: Vec<ExecutionPart>,
}

struct Dispatcher {
    engine: Arc<Engine>,
    schedule: Schedule,
    waiting: VecDeque<Waiting>,
    unfinished: Vec<Parts>,
    /// What SUBPLANs say: all of it for those that were there before, objective and deliverables (which others depend
    /// on) for those of this run.
    digests: HashMap<AchievementId, Arc<Digest>>,
    /// SUBPLANs that this run wrote, until their EXECUTION_TASKs are written. What else they say is read again when it is
    /// needed: in a run of thousands, all SUBPLANs can come long before the first EXECUTION_TASK.
    written: HashMap<AchievementId, WrittenSubplan>,
    /// Calls that wait for an answer; the concurrency bounds these.
    calling: usize,
    /// Tells which item's call has given its slot back.
    answered: (mpsc::UnboundedSender<usize>, mpsc::UnboundedReceiver<usize>),
    /// Calls that wait for an answer or for their document to be on disk.
    in_flight: JoinSet<Ended>,
    stopping: Option<(StopKind, String)>,
    ledger: Ledger,
    saver: Saver,
}

impl Dispatcher {
    async fn work(mut self, mut stop: watch::Receiver<Stop>) -> Summary {
        let began = Instant::now();
        self.engine.emit(Event::RunStarted {
            run: self.engine.run_id.clone(),
            plan: self.engine.briefing.plan().name.to_string(),
            model: self.engine.model_name.clone(),
            items: self.engine.plan.items.len(),
            concurrency: self.engine.concurrency,
            at: whole_milliseconds(Timestamp::now()),
        });
        loop {
            while let Ok(item) = self.answered.1.try_recv() {
                self.answered(item);
            }
            self.stop_for_trouble();
            self.fill_slots();
            if self.in_flight.is_empty() {
                break;
            }
            if self.disk_holds_up() {
                self.engine.store.hurry();
            }
            tokio::select! {
                biased;
                wanted = next_wish(&mut stop) => match wanted {
                    Stop::No => {}
                    // What is going to happen is said while it does; the summary says what happened.
                    Stop::Drain(reason) => self.stop_saying(reason, StopKind::Interrupted, String::from("interrupted")),
                    Stop::Now => {
                        self.stop(StopKind::Interrupted, String::from("interrupted"));
                        self.in_flight.abort_all();
                    }
                },
                // Before the joins: a free slot is worth more than a finished document.
                Some(item) = self.answered.1.recv() => self.answered(item),
                Some(ended) = self.in_flight.join_next() => match ended {
                    Ok(ended) => self.take(ended),
                    Err(error) if error.is_cancelled() => {}
                    // A panic in a worker is a defect of ours; the other paid calls go on.
                    Err(error) => self.stop(StopKind::Internal, format!("internal error: {error}")),
                },
                () = tokio::time::sleep(self.saver.due_in().unwrap_or_default()), if self.saver.due_in().is_some() => {}
            }
            let saved = self.saver.now_and_then().await;
            self.saved(saved);
        }
        let saved = self.saver.at_the_end().await;
        self.saved(saved);
        let summary = self.ledger.finish(&self.schedule, self.stopping.take(), began.elapsed());
        self.engine.emit(Event::RunFinished { summary: summary.clone() });
        summary
    }

    fn stop(&mut self, kind: StopKind, reason: String) {
        self.stop_saying(reason.clone(), kind, reason);
    }

    /// Starts no more calls; `said` is for those who watch, `reason` for the summary.
    fn stop_saying(&mut self, said: String, kind: StopKind, reason: String) {
        if self.stopping.is_none() {
            self.engine.emit(Event::Stopping { reason: said });
            self.stopping = Some((kind, reason));
            self.engine.model.stop();
            self.waiting.clear();
        }
    }

    /// What is on its way can be written, and nothing more.
    fn stop_for_trouble(&mut self) {
        if self.stopping.is_none()
            && let Some(error) = self.engine.store.trouble()
        {
            self.ledger.hint(error.hint());
            self.stop(StopKind::Storage, error.to_string());
        }
    }

    /// A call of an item has given its slot back.
    fn answered(&mut self, item: usize) {
        self.calling -= 1;
        let parts = &mut self.unfinished[item];
        if parts.unanswered == 1 {
            self.schedule.write(item);
        }
        // Those of an item that has ended are not counted any more.
        parts.unanswered = parts.unanswered.saturating_sub(1);
    }

    /// The calls in flight at most, documents on their way to the disk included: a disk that cannot keep up holds back new
    /// calls, so that what is in memory stays bounded.
    fn most_in_flight(&self) -> usize {
        self.engine.concurrency.max(1).saturating_mul(2) + WRITES
    }

    /// Whether documents have to be on disk before anything else can be done, though a slot is free.
    fn disk_holds_up(&self) -> bool {
        let writing = self.in_flight.len() > self.calling;
        writing
            && self.calling < self.engine.concurrency
            && (self.calling == 0
                || self.stopping.is_some()
                || self.in_flight.len() >= self.most_in_flight()
                || self.schedule.waits_for_disk())
    }

    /// Starts calls while there are free slots and items that may start.
    fn fill_slots(&mut self) {
        let cap = self.engine.concurrency.max(1);
        while self.stopping.is_none() && self.calling < cap && self.in_flight.len() < self.most_in_flight() {
            if let Some(waiting) = self.waiting.pop_front() {
                self.start(waiting);
            } else if let Some(item) = self.schedule.start_next() {
                self.expand(item);
            } else {
                break;
            }
        }
    }

    /// Turns an item into its calls.
    fn expand(&mut self, index: usize) {
        let item = &self.engine.plan.items[index];
        let id = item.id.achievement;
        let calls: Vec<(Option<ExecutionPart>, String)> = match &item.documents {
            Documents::Subplan(target) => vec![(None, target.path.clone())],
            Documents::Executions(parts) => {
                parts.iter().map(|(part, target)| (Some(part.clone()), target.path.clone())).collect()
            }
            Documents::ExecutionsToCome => {
                let parts = self.written.get(&id).map(|subplan| subplan.parts.as_slice()).unwrap_or_default();
                parts.iter().map(|part| (Some(part.clone()), self.engine.names.execution(id, part.number))).collect()
            }
        };
        (self.unfinished[index].left, self.unfinished[index].unanswered) = (calls.len(), calls.len());
        for (part, path) in calls {
            let of = part.as_ref().map_or(1, |part| part.of);
            self.waiting.push_back(Waiting { item: index, part, of, path });
        }
    }

    fn start(&mut self, waiting: Waiting) {
        let engine = Arc::clone(&self.engine);
        let item = &engine.plan.items[waiting.item];
        let mut known: HashMap<AchievementId, Arc<Digest>> = HashMap::new();
        for id in engine.briefing.dependencies(item) {
            if let Some(digest) = self.digests.get(&id) {
                known.insert(id, Arc::clone(digest));
            }
        }
        let id = item.id.achievement;
        let subplan = match self.written.get(&id) {
            Some(written) => Subplan::Written { path: written.path.clone(), parts: written.parts.clone() },
            None => Subplan::Known(self.digests.get(&id).cloned().unwrap_or_default()),
        };
        let slot = Slot { item: waiting.item, answered: self.answered.0.clone() };
        self.calling += 1;
        self.in_flight.spawn(async move { one_call(&engine, waiting, &known, subplan, slot).await });
    }

    /// Takes in what a call's task brought back.
    fn take(&mut self, ended: Ended) {
        let Ended { item: index, call, path, outcome, written, slot: _slot } = ended;
        let engine = Arc::clone(&self.engine);
        let item = &engine.plan.items[index];
        self.ledger.add(index, &outcome);
        if let Some(unrecorded) = outcome.unrecorded {
            self.ledger.hint(unrecorded.hint);
            self.stop(StopKind::Storage, unrecorded.reason);
        }
        self.saver.happened(outcome.at);
        let parts = &mut self.unfinished[index];
        parts.attempts += outcome.attempts;
        parts.left -= 1;
        match (outcome.result, written) {
            (Ok(_), Some(Ok(written))) => {
                let unclear = written.warnings.iter().any(|warning| warning.code == Code::FinishUnclear);
                engine.emit(Event::DocumentWritten { call, path: path.clone(), warnings: written.warnings });
                parts.paths.push(path.clone());
                self.ledger.document(index, path.clone(), unclear);
                if let Some(digest) = written.subplan {
                    self.keep_subplan(item, path, digest);
                }
            }
            (Ok(_), written) => {
                let error = written.and_then(Result::err);
                let fatal = error.as_ref().is_some_and(WriteError::is_fatal);
                self.ledger.hint(error.as_ref().and_then(WriteError::hint));
                let reason =
                    error.map_or_else(|| String::from("the document was not written"), |error| error.to_string());
                if fatal {
                    // Not this item's fault either.
                    parts.stopped = true;
                    self.stop(StopKind::Storage, reason);
                } else {
                    parts.fail(call, &reason, outcome.at);
                }
            }
            (Err(rejected), _) => match rejected.scope {
                Scope::Run => {
                    // Not this item's fault: it stays as it is, to be taken up by the next run.
                    parts.stopped = true;
                    self.ledger.hint(rejected.hint);
                    self.stop(StopKind::Provider, rejected.reason);
                }
                Scope::Budget => {
                    parts.stopped = true;
                    self.ledger.hint(rejected.hint);
                    self.stop(StopKind::Budget, rejected.reason);
                }
                // Something else stopped the run, and said why.
                Scope::Stopped => parts.stopped = true,
                Scope::Storage => {
                    parts.stopped = true;
                    self.ledger.hint(rejected.hint);
                    self.stop(StopKind::Storage, rejected.reason);
                }
                Scope::Call | Scope::NotOnTape => {
                    self.ledger.hint(rejected.hint);
                    parts.rejected.extend(outcome.keys);
                    parts.fail(call, &rejected.reason, outcome.at);
                }
            },
        }
        if self.unfinished[index].left == 0 {
            self.end_item(index);
        }
    }

    fn keep_subplan(&mut self, item: &PlannedItem, path: String, digest: Digest) {
        let id = item.id.achievement;
        let Digest { objective, deliverables, parts, .. } = digest;
        let gist = Digest { objective, deliverables, ..Digest::default() };
        self.digests.insert(id, Arc::new(gist));
        self.written.insert(id, WrittenSubplan { path: path.clone(), parts });
        let change = self.saver.change(id);
        change.subplan_path = Some(path);
    }

    /// All documents of an item have been written or given up.
    fn end_item(&mut self, index: usize) {
        let engine = Arc::clone(&self.engine);
        let item = &engine.plan.items[index];
        let Parts { left: _, unanswered: _, mut paths, attempts, failure, stopped, rejected } =
            std::mem::take(&mut self.unfinished[index]);
        let id = item.id.achievement;
        if item.id.stage == Stage::Execution {
            self.written.remove(&id);
            if !paths.is_empty() {
                paths.extend(item.executions_on_disk.iter().cloned());
                paths.sort();
                paths.dedup();
                let change = self.saver.change(id);
                change.execution_paths = Some(paths);
                change.subplan_path = Some(item.subplan_path.clone());
            }
        }
        if let Some(notes) = engine.notes.as_ref().filter(|_| !rejected.is_empty()) {
            let given_up = rejected.iter().map(ToString::to_string).collect();
            // Not waited for: where it is lost, a later run finds these answers rejected once more, and pays nothing.
            drop(notes.record(GivenUp { given_up, item: item.id.to_string() }.to_line()));
        }
        if let Some((reason, at)) = failure {
            let change = self.saver.change(id);
            change.status = Some(Status::Failed);
            change.failure =
                Some(Some(Failure { stage: item.id.stage, reason: reason.clone(), attempts, at: whole_seconds(at) }));
            engine.emit(Event::ItemFailed { item: item.id, reason: reason.clone(), attempts });
            self.ledger.failed(index, reason);
            for blocked in self.schedule.give_up(index) {
                let blocked_id = engine.plan.items[blocked].id;
                engine.emit(Event::ItemBlocked { item: blocked_id, by: item.id });
                self.ledger.blocked(blocked, item.id);
            }
        } else if !stopped {
            let change = self.saver.change(id);
            change.status = status_after(engine.plan.statuses[item.node], item.id);
            change.failure = Some(None);
            engine.emit(Event::ItemDone { item: item.id });
            self.schedule.accept(index);
        }
    }

    /// parallel.json cannot be saved: going on would only widen the gap between it and the documents.
    fn saved(&mut self, result: Result<(), SaveError>) {
        match result {
            Ok(()) => {}
            Err(SaveError::Write(error)) => {
                self.ledger.hint(error.hint());
                self.stop(StopKind::Storage, error.to_string());
            }
            Err(SaveError::Internal(error)) => self.stop(StopKind::Internal, format!("internal error: {error}")),
        }
    }
}

/// The next thing the caller wants; never, once the caller is gone.
async fn next_wish(stop: &mut watch::Receiver<Stop>) -> Stop {
    if stop.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
    stop.borrow_and_update().clone()
}

/// A stage's success never takes an achievement back to an earlier status.
fn status_after(before: Status, item: ItemId) -> Option<Status> {
    match (before, item.stage) {
        (Status::InProgress | Status::Complete | Status::Skipped, _) => None,
        (Status::ExecutionCreated, Stage::Subplan) => None,
        (Status::NotStarted | Status::SubplanCreated | Status::Failed, Stage::Subplan) => Some(Status::SubplanCreated),
        (Status::NotStarted | Status::SubplanCreated | Status::ExecutionCreated | Status::Failed, Stage::Execution) => {
            Some(Status::ExecutionCreated)
        }
    }
}
