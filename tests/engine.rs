//! The engine as a whole on fakes: a model that answers after random pauses of a paused clock and sometimes fails, and
//! a store in memory. What must hold for any graph, any failures, any order and any cap is checked from outside.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[expect(dead_code, reason = "no binary and no server is needed here")]
mod support;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use planwave::{
    document::{Names, Stage},
    engine::{
        Briefing, Engine, Event, ItemId, ItemOutcome, Limits, Order, RunPlan, Selection, Situation, Stop, StopKind,
        Summary, Wish, plan_run,
    },
    model::{Completion, FinishReason, Model, ModelError, ProgressSink, Request, Scope, Usage},
    parallel::{Change, ParallelFile, Status, declared},
    plan::{AchievementId, PlanName, parse},
    prompts::Templates,
    store::{DocumentStore, Scan, StoreError, WriteError},
};
use proptest::prelude::*;

/// What the fake model does with one document.
#[derive(Clone, Debug)]
enum Answer {
    /// A good document; a SUBPLAN plans so many executions.
    Good(u32),
    /// A bad document every time.
    Bad,
    /// A bad document, then a good one.
    BadOnce,
    /// The call fails.
    Failure(Scope),
}

struct FakeModel {
    answers: HashMap<ItemId, Answer>,
    pauses: HashMap<ItemId, u64>,
    in_flight: AtomicUsize,
    most_in_flight: AtomicUsize,
    requests: Mutex<Vec<(ItemId, String)>>,
}

impl Model for FakeModel {
    fn complete<'a>(
        &'a self,
        request: &'a Request,
        _: ProgressSink<'a>,
    ) -> BoxFuture<'a, Result<Completion, ModelError>> {
        Box::pin(async move {
            let text: String = request.messages[1].content.iter().map(|piece| piece.to_string()).collect();
            let task = text.rsplit("<task>\nWrite ").next().unwrap();
            let stage = if task.starts_with("the SUBPLAN") { Stage::Subplan } else { Stage::Execution };
            let id = task.split(" of achievement ").nth(1).unwrap().split(',').next().unwrap();
            let item = ItemId { achievement: AchievementId::parse(id).unwrap(), stage };
            self.requests.lock().unwrap().push((item, text.clone()));
            let now = self.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
            self.most_in_flight.fetch_max(now, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(self.pauses.get(&item).copied().unwrap_or(5))).await;
            self.in_flight.fetch_sub(1, Ordering::SeqCst);
            let repaired = request.messages.iter().map(|message| message.content.len()).sum::<usize>() > 3;
            let good = |executions: u32| match stage {
                Stage::Subplan => {
                    let purposes: String =
                        (1..=executions).map(|n| format!("\n{n}. Build slice {n} of the part")).collect();
                    let purposes = if executions > 1 { purposes } else { String::new() };
                    support::subplan_body(
                        id,
                        &format!(
                            "Executions: {executions}{}",
                            if executions > 1 { format!(" in parallel\n{purposes}") } else { String::new() }
                        ),
                    )
                }
                Stage::Execution => support::execution_body(id),
            };
            let text = match self.answers.get(&item).unwrap_or(&Answer::Good(1)) {
                Answer::Good(executions) => good(*executions),
                Answer::Bad => String::from("## Objective\n\nNothing else."),
                Answer::BadOnce if !repaired => String::from("## Objective\n\nNothing else."),
                Answer::BadOnce => good(1),
                Answer::Failure(scope) => {
                    return Err(ModelError {
                        message: String::from("the provider failed"),
                        hint: None,
                        status: Some(500),
                        scope: *scope,
                        requests: 1,
                        at: at(),
                    });
                }
            };
            Ok(Completion {
                masked: false,
                text,
                finish: FinishReason::Stop,
                refusal: None,
                usage: Some(Usage { input: 100, cached: 0, output: 50, reasoning: 0, at_least: false }),
                at: at(),
                latency: Duration::from_millis(5),
                requests: 1,
                key: Arc::from("key"),
                prompt_cut: None,
                remembered: false,
                lowered_cap: None,
                unrecorded: None,
            })
        })
    }
}

fn at() -> Timestamp {
    "2026-01-02T03:04:05Z".parse().unwrap()
}

#[derive(Default)]
struct Memory {
    documents: Mutex<BTreeMap<String, String>>,
    changes: Mutex<BTreeMap<AchievementId, Change>>,
    full_after: Option<usize>,
    /// What reading a document comes to, where it fails.
    unreadable: Option<std::io::ErrorKind>,
}

impl DocumentStore for Memory {
    fn write_document(&self, path: String, text: String, _: bool) -> BoxFuture<'_, Result<(), WriteError>> {
        Box::pin(async move {
            let mut documents = self.documents.lock().unwrap();
            if self.full_after.is_some_and(|most| documents.len() >= most) {
                return Err(WriteError::Io { path: path.into(), source: std::io::ErrorKind::StorageFull.into() });
            }
            assert!(documents.insert(path, text).is_none(), "a document is written twice");
            Ok(())
        })
    }

    fn read_document(&self, path: String) -> BoxFuture<'_, Result<String, StoreError>> {
        Box::pin(async move {
            if let Some(kind) = self.unreadable {
                return Err(StoreError::Io { source: kind.into(), path: path.into() });
            }
            let found = self.documents.lock().unwrap().get(&path).cloned();
            found.ok_or_else(|| StoreError::Io { source: std::io::ErrorKind::NotFound.into(), path: path.into() })
        })
    }

    fn update_parallel(&self, changes: &BTreeMap<AchievementId, Change>, _: &str) -> Result<(), WriteError> {
        self.changes.lock().unwrap().extend(changes.iter().map(|(id, change)| (*id, change.clone())));
        Ok(())
    }
}

#[derive(Debug)]
struct Scenario {
    needs: Vec<Vec<usize>>,
    answers: HashMap<ItemId, Answer>,
    pauses: HashMap<ItemId, u64>,
    cap: usize,
    order: Order,
    full_after: Option<usize>,
    unreadable: Option<std::io::ErrorKind>,
}

impl Scenario {
    fn new(needs: Vec<Vec<usize>>) -> Self {
        Self {
            needs,
            answers: HashMap::new(),
            pauses: HashMap::new(),
            cap: 3,
            order: Order::Level,
            full_after: None,
            unreadable: None,
        }
    }

    fn answer(mut self, id: &str, stage: Stage, answer: Answer) -> Self {
        self.answers.insert(item(id, stage), answer);
        self
    }
}

struct Ran {
    summary: Summary,
    events: Vec<Event>,
    plan: Arc<RunPlan>,
    store: Arc<Memory>,
    model: Arc<FakeModel>,
}

fn item(id: &str, stage: Stage) -> ItemId {
    ItemId { achievement: AchievementId::parse(id).unwrap(), stage }
}

fn run(scenario: Scenario) -> Ran {
    let text = support::plan_text(&scenario.needs);
    let plan = Arc::new(parse(PlanName::parse("TEST").unwrap(), text.as_bytes()).unwrap());
    let file = ParallelFile::parse(declared(&plan, "2026-01-01T00:00:00Z").unwrap().as_bytes()).unwrap();
    let graph = Arc::new(file.graph().unwrap());
    let names = Arc::new(Names::new(plan.name.clone(), plan.achievements.iter().map(|a| a.id)));
    let digests = HashMap::new();
    let scan = Scan::default();
    let situation =
        Situation { plan: &plan, file: &file, graph: &graph, scan: &scan, names: &names, digests: &digests };
    let stages = vec![Stage::Subplan, Stage::Execution];
    let wish = Wish { selection: Selection::All, stages, force: false, strict: false };
    let run_plan = Arc::new(plan_run(&wish, &situation).unwrap());
    let templates = Templates::load(&[]).unwrap();
    let briefing =
        Briefing::new(plan, graph, templates, &run_plan, 8_000, None, planwave::engine::Coordination::new(&file))
            .unwrap();
    let model = Arc::new(FakeModel {
        answers: scenario.answers,
        pauses: scenario.pauses,
        in_flight: AtomicUsize::new(0),
        most_in_flight: AtomicUsize::new(0),
        requests: Mutex::default(),
    });
    let store =
        Arc::new(Memory { full_after: scenario.full_after, unreadable: scenario.unreadable, ..Memory::default() });
    let events: Arc<Mutex<Vec<Event>>> = Arc::default();
    let sink = Arc::clone(&events);
    let engine = Engine {
        model: model.clone(),
        store: store.clone(),
        briefing: Arc::new(briefing),
        names,
        plan: Arc::clone(&run_plan),
        digests: HashMap::new(),
        limits: Limits {
            max_attempts: 2,
            max_output_tokens: 1_000,
            largest_output_tokens: 1_000,
            longest_quote: 10_000,
            review: false,
            prices: None,
        },
        bounds: planwave::model::gate::Bounds::default(),
        concurrency: scenario.cap,
        order: scenario.order,
        force: false,
        executor: None,
        run_id: String::from("test"),
        model_name: String::from("fake"),
        notes: None,
        emit: Arc::new(move |event| sink.lock().unwrap().push(event)),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let (_wish, stop) = tokio::sync::watch::channel(Stop::No);
    let summary = runtime.block_on(engine.run(stop));
    let events = events.lock().unwrap().clone();
    Ran { summary, events, plan: run_plan, store, model }
}

fn outcome<'a>(ran: &'a Ran, id: &str, stage: Stage) -> (ItemOutcome, Option<&'a str>) {
    let row = ran.summary.rows.iter().find(|row| row.item == item(id, stage)).unwrap();
    (row.outcome, row.reason.as_deref())
}

fn scenarios() -> impl Strategy<Value = Scenario> {
    let node = (prop::collection::vec(any::<prop::sample::Index>(), 0..3), 0_u8..24, 0_u8..24, 1_u64..50, 1_u64..50);
    (prop::collection::vec(node, 1..14), 1_usize..6, any::<bool>()).prop_map(|(nodes, cap, ready)| {
        let mut needs: Vec<Vec<usize>> = Vec::new();
        for (index, node) in nodes.iter().enumerate() {
            let mut wanted: Vec<usize> =
                if index == 0 { Vec::new() } else { node.0.iter().map(|pick| pick.index(index)).collect() };
            wanted.sort_unstable();
            wanted.dedup();
            needs.push(wanted);
        }
        let ids = support::ids(&needs);
        let mut scenario = Scenario::new(needs);
        scenario.cap = cap;
        scenario.order = if ready { Order::Ready } else { Order::Level };
        for (id, (_, subplan, execution, pause_subplan, pause_execution)) in ids.iter().zip(&nodes) {
            for (stage, dice, pause) in
                [(Stage::Subplan, *subplan, *pause_subplan), (Stage::Execution, *execution, *pause_execution)]
            {
                let answer = match dice {
                    0 => Answer::Bad,
                    1 => Answer::Failure(Scope::Call),
                    2..=4 => Answer::BadOnce,
                    5..=6 => Answer::Good(3),
                    _ => Answer::Good(1),
                };
                scenario.answers.insert(item(id, stage), answer);
                scenario.pauses.insert(item(id, stage), pause);
            }
        }
        scenario
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_run_keeps_its_promises(scenario in scenarios()) {
        let (cap, answers) = (scenario.cap, scenario.answers.clone());
        let ran = run(scenario);
        prop_assert!(ran.model.most_in_flight.load(Ordering::SeqCst) <= cap);

        // Expected outcomes, worked out from the plan alone.
        let mut expected: Vec<ItemOutcome> = Vec::new();
        for planned in &ran.plan.items {
            let upstream_failed = planned.needs.iter().any(|need| expected[*need] != ItemOutcome::Done);
            let fails = matches!(answers[&planned.id], Answer::Bad | Answer::Failure(_));
            expected.push(if upstream_failed {
                ItemOutcome::Blocked
            } else if fails {
                ItemOutcome::Failed
            } else {
                ItemOutcome::Done
            });
        }
        for (planned, expected) in ran.plan.items.iter().zip(&expected) {
            let row = ran.summary.rows.iter().find(|row| row.item == planned.id).unwrap();
            prop_assert_eq!(row.outcome, *expected, "{}", planned.id);
        }
        let sums = [ran.summary.done, ran.summary.failed, ran.summary.blocked, ran.summary.not_started];
        prop_assert_eq!(sums.iter().sum::<usize>(), ran.plan.items.len());

        // Order: no call starts before everything its item needs is done.
        let mut done: BTreeSet<ItemId> = BTreeSet::new();
        for event in &ran.events {
            match event {
                Event::CallStarted { call, .. } => {
                    let planned = ran.plan.items.iter().find(|planned| planned.id == call.item).unwrap();
                    for need in &planned.needs {
                        prop_assert!(done.contains(&ran.plan.items[*need].id), "{} began too early", call.item);
                    }
                }
                Event::ItemDone { item } => { done.insert(*item); }
                _ => {}
            }
        }

        // Documents: one per done SUBPLAN, as many EXECUTION_TASKs as the SUBPLAN plans, none of anything else.
        let documents = ran.store.documents.lock().unwrap();
        let wanted: usize = ran.plan.items.iter().zip(&expected).filter(|(_, e)| **e == ItemOutcome::Done).map(|(planned, _)| {
            let subplan = ItemId { stage: Stage::Subplan, ..planned.id };
            match (planned.id.stage, &answers[&subplan]) {
                (Stage::Execution, Answer::Good(executions)) => *executions as usize,
                _ => 1,
            }
        }).sum();
        prop_assert_eq!(documents.len(), wanted);
        prop_assert_eq!(ran.summary.documents, wanted);

        // The bill: every answer that came back, rejected ones too.
        let finished = ran.events.iter().filter(|event| matches!(event, Event::CallFinished { .. })).count() as u64;
        prop_assert_eq!(ran.summary.usage.output, finished * 50);

        // parallel.json: failures where something failed, statuses by stage.
        let changes = ran.store.changes.lock().unwrap();
        for (planned, expected) in ran.plan.items.iter().zip(&expected) {
            let change = changes.get(&planned.id.achievement);
            match *expected {
                ItemOutcome::Failed => {
                    let change = change.unwrap();
                    prop_assert_eq!(change.status, Some(Status::Failed));
                    prop_assert_eq!(change.failure.clone().unwrap().unwrap().stage, planned.id.stage);
                }
                ItemOutcome::Done => prop_assert!(change.unwrap().subplan_path.is_some()),
                _ => {}
            }
        }
    }
}

#[test]
fn a_rejected_answer_goes_back_with_its_failures_and_the_bill_counts_both() {
    let ran = run(Scenario::new(vec![vec![]]).answer("1.1", Stage::Subplan, Answer::BadOnce));
    assert_eq!(outcome(&ran, "1.1", Stage::Subplan), (ItemOutcome::Done, None));
    assert_eq!(outcome(&ran, "1.1", Stage::Execution), (ItemOutcome::Done, None));
    let rejected = ran.events.iter().find_map(|event| match event {
        Event::AnswerRejected { findings, .. } => {
            Some(findings.iter().map(|finding| finding.code.as_str()).collect::<Vec<_>>())
        }
        _ => None,
    });
    assert!(rejected.unwrap().contains(&"section-missing"));
    assert_eq!(ran.summary.usage.output, 150);
}

#[test]
fn an_execution_is_told_its_part_and_written_for_each() {
    let ran = run(Scenario::new(vec![vec![]]).answer("1.1", Stage::Subplan, Answer::Good(3)));
    let paths: Vec<String> = ran.store.documents.lock().unwrap().keys().cloned().collect();
    assert_eq!(
        paths,
        [
            "execution/EXECUTION_TASK_TEST_11_01.md",
            "execution/EXECUTION_TASK_TEST_11_02.md",
            "execution/EXECUTION_TASK_TEST_11_03.md",
            "subplans/SUBPLAN_TEST_11.md"
        ]
    );
    let requests = ran.model.requests.lock().unwrap();
    let second = requests.iter().find(|(_, text)| text.contains("EXECUTION_TASK 02 of achievement 1.1")).unwrap();
    assert!(second.1.contains("Purpose: Build slice 2 of the part"), "{}", second.1);
}

#[test]
fn dependents_are_told_what_the_subplan_says_and_all_prompts_of_a_level_begin_alike() {
    let ran = run(Scenario::new(vec![vec![], vec![], vec![0]]));
    let requests = ran.model.requests.lock().unwrap();
    let of = |id: &str| &requests.iter().find(|(other, _)| *other == item(id, Stage::Subplan)).unwrap().1;
    let dependent = of("2.1");
    assert!(dependent.contains("<dependency id=\"1.1\" title=\"Part 1.1\" status=\"subplan_created\">"), "{dependent}");
    assert!(dependent.contains("Part 1.1 is there and answers the layer above"), "{dependent}");
    let shared = |text: &str| text[..text.find("<achievement ").unwrap()].to_owned();
    assert_eq!(shared(of("1.1")), shared(of("1.2")));
    assert!(shared(of("1.1")).contains("- 1.2 Part 1.2\n  - `part_1.2.rs`"));
}

#[test]
fn a_failure_that_concerns_the_run_stops_it_and_marks_nothing_as_failed() {
    let scenario = Scenario { cap: 1, ..Scenario::new(vec![vec![], vec![], vec![0]]) };
    let ran = run(scenario.answer("1.2", Stage::Subplan, Answer::Failure(Scope::Run)));
    assert_eq!(ran.summary.stop_kind, Some(StopKind::Provider));
    assert_eq!((ran.summary.failed, ran.summary.blocked), (0, 0));
    assert_eq!(outcome(&ran, "1.2", Stage::Subplan), (ItemOutcome::NotStarted, None));
    assert!(ran.store.changes.lock().unwrap().values().all(|change| change.status != Some(Status::Failed)));
}

#[test]
fn a_full_disk_stops_the_run_instead_of_paying_for_documents_that_cannot_be_kept() {
    let needs: Vec<Vec<usize>> = (0..20).map(|_| vec![]).collect();
    let ran = run(Scenario { cap: 2, full_after: Some(3), ..Scenario::new(needs) });
    assert_eq!(ran.summary.stop_kind, Some(StopKind::Storage));
    assert_eq!(ran.summary.documents, 3);
    assert!(ran.model.requests.lock().unwrap().len() <= 3 + 2 + 1);
    assert!(ran.summary.hints.iter().any(|hint| hint.contains("free some space")), "{:?}", ran.summary.hints);
}

#[test]
fn a_subplan_that_cannot_be_read_again_stops_the_run_and_one_that_is_gone_fails_alone() {
    let one = || Scenario { cap: 1, ..Scenario::new(vec![vec![], vec![]]) };
    // As EMFILE: no number of attempts would help, and it is no achievement's fault.
    let ran = run(Scenario { unreadable: Some(std::io::ErrorKind::Other), ..one() });
    assert_eq!(ran.summary.stop_kind, Some(StopKind::Storage));
    assert_eq!((ran.summary.failed, ran.summary.blocked), (0, 0));
    assert!(ran.store.changes.lock().unwrap().values().all(|change| change.status != Some(Status::Failed)));

    let ran = run(Scenario { unreadable: Some(std::io::ErrorKind::NotFound), ..one() });
    assert_eq!(ran.summary.stop_kind, None);
    assert_eq!(outcome(&ran, "1.1", Stage::Execution).0, ItemOutcome::Failed);
}
