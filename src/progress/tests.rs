//! Statuses, ranks, estimates and actions, against rules written down a second time.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use proptest::{collection::vec, prelude::*, sample::Index};

use super::*;
use crate::{
    document::{Names, Stage},
    parallel::{Apart, Change, Failure, Graph, ParallelFile, Status},
    plan::{AchievementId, Hours, PlanName},
    store::Scan,
};

fn id(text: &str) -> AchievementId {
    AchievementId::parse(text).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A plan directory as values: achievements as members of parallel.json, and paths on disk.
struct Ordered {
    file: ParallelFile,
    graph: Graph,
    names: Names,
    scan: Scan,
}

impl Ordered {
    /// Levels of achievements, each as text of JSON members.
    fn new(levels: &[&[&str]], files: &[&str]) -> Self {
        let achievements = |list: &[&str]| list.iter().map(|text| format!("{{{text}}}")).collect::<Vec<_>>().join(",");
        let levels: Vec<String> = (1..)
            .zip(levels)
            .map(|(number, list)| format!(r#"{{"level": {number}, "achievements": [{}]}}"#, achievements(list)))
            .collect();
        Self::of(&format!(r#"{{"levels": [{}]}}"#, levels.join(",")), files)
    }

    fn of(json: &str, files: &[&str]) -> Self {
        let file = ParallelFile::parse(json.as_bytes()).unwrap();
        let graph = file.graph().unwrap();
        let names = Names::new(PlanName::parse("DEMO").unwrap(), file.entries().iter().map(|entry| entry.id));
        let scan = Scan::with(&names, files.iter().copied());
        Self { file, graph, names, scan }
    }

    fn standings(&self) -> Standings {
        Standings::derive(&self.ground(&HashMap::new()))
    }

    fn ground<'a>(&'a self, planned: &'a HashMap<AchievementId, usize>) -> Ground<'a> {
        Ground { file: &self.file, graph: &self.graph, scan: &self.scan, planned }
    }

    fn choose(&self, executor: Option<&str>) -> Result<String, NothingToClaim> {
        let (standings, apart) = (self.standings(), self.file.apart());
        let room = Room::beside(&self.file, &self.graph, &standings, &apart);
        choose(&self.file, &self.graph, &standings, &room, executor).map(|node| self.graph.id(node).to_string())
    }

    /// What can be begun now, and what each of the others has to wait for.
    fn runnable(&self) -> (Vec<String>, Vec<String>) {
        let (standings, apart) = (self.standings(), self.file.apart());
        let ready = (0..self.graph.len()).filter(|node| standings.place(*node) == Place::Ready);
        let ready = ranked(&self.graph, &standings, ready);
        let (now, others) = Room::beside(&self.file, &self.graph, &standings, &apart).runnable_now(&ready);
        let name = |node: usize| self.graph.id(node).to_string();
        let why = |(node, obstacle): (usize, Obstacle<'_>)| match obstacle {
            Obstacle::Full => format!("{} full", name(node)),
            Obstacle::Apart(conflict) => format!("{} {} {}", name(node), name(conflict.holder), conflict.over),
        };
        (now.into_iter().map(name).collect(), others.into_iter().map(why).collect())
    }

    fn refresh(&self) -> Refreshed {
        let planned = HashMap::new();
        let ground = self.ground(&planned);
        let standings = Standings::derive(&ground);
        let times = times_wanted(&ground, &standings);
        let times = times.into_iter().map(|(id, _)| (id, at("2025-03-04T05:06:07Z"))).collect();
        refresh(&ground, &standings, &times, &|path| path.starts_with("elsewhere/"))
    }

    fn act(&self, achievement: &str, actor: &Actor) -> Result<Effects, ActionError> {
        let standings = self.standings();
        let node = self.graph.index_of(id(achievement)).unwrap();
        let apart = self.file.apart();
        let room = Room::beside(&self.file, &self.graph, &standings, &apart);
        let case = Case {
            entry: &self.file.entries()[node],
            title: "A\ntitle",
            status: standings.status(node),
            open: standings.open_dependencies(&self.graph, node).map(|node| self.graph.id(node)).collect(),
            beside: room.conflict(node).map(|conflict| (self.graph.id(conflict.holder), conflict.over)),
            files: self.scan.of_achievement(id(achievement)),
            names: &self.names,
            approved_at: Some(at("2025-01-01T02:00:00Z")),
        };
        act(actor, &case)
    }
}

fn actor(action: Action) -> Actor {
    Actor {
        action,
        executor: None,
        default_executor: Some(String::from("me")),
        at: at("2025-01-01T03:30:00Z"),
        text: None,
        hours: None,
        force: false,
    }
}

#[test]
fn what_is_stored_beside_what_is_on_disk() {
    let plan = Ordered::new(
        &[&[
            r#""id": "1.1", "status": "not_started""#,
            r#""id": "1.2", "status": "complete""#,
            r#""id": "1.3", "status": "skipped""#,
            r#""id": "1.4", "status": "in_progress""#,
            r#""id": "1.5", "status": "failed""#,
            r#""id": "1.6", "status": "failed", "failure": {"stage": "subplan"}"#,
            r#""id": "1.7", "status": "failed", "failure": {"stage": "subplan"}"#,
        ]],
        &[
            "execution/feedbacks/APPROVED_11.md",
            "execution/feedbacks/FIX_11.md",
            "execution/EXECUTION_TASK_DEMO_12_01_V2.md",
            "execution/feedbacks/FIX_13_RESOLUTION.md",
            "subplans/SUBPLAN_Demo_15.md",
            "subplans/SUBPLAN_DEMO_16_ARCHIVED.md",
            "subplans/SUBPLAN_DEMO_17_RECOVERY.md",
        ],
    );
    let standings = plan.standings();
    let lines = plan.file.entries().iter().zip(standings.statuses());
    let mut text: String = lines.map(|(entry, status)| format!("{} {status}\n", entry.id)).collect();
    for (node, remark) in standings.remarks() {
        text.push_str(&format!("{} {remark}\n", plan.graph.id(*node)));
    }
    insta::assert_snapshot!(text, @r"
    1.1 complete
    1.2 execution_created
    1.3 not_started
    1.4 in_progress
    1.5 subplan_created
    1.6 failed
    1.7 subplan_created
    1.1 is complete: an APPROVED file stands beside its FIX
    1.2 is stored as complete, but there is no APPROVED file: it counts as execution_created
    1.3 is stored as skipped, but there is no SKIPPED file: it counts as not_started
    1.4 is in progress without an EXECUTION_TASK
    1.5 is stored as failed, but there is no FIX file and no document is missing: it counts as subplan_created
    ");
}

#[test]
fn both_forms_of_a_slug_that_collides_are_told_apart() {
    let plan = Ordered::new(
        &[&[r#""id": "1.11""#, r#""id": "11.1""#]],
        &["execution/feedbacks/APPROVED_1_11.md", "execution/feedbacks/FIX_11_1.md", "execution/feedbacks/FIX_111.md"],
    );
    assert_eq!(plan.standings().statuses(), [Status::Complete, Status::Failed]);
    let odd: Vec<String> = plan.scan.odd().iter().map(ToString::to_string).collect();
    assert_eq!(odd, ["execution/feedbacks/FIX_111.md belongs to no achievement of the plan"]);
}

#[test]
fn a_failure_blocks_what_comes_after_it_and_what_is_done_blocks_nothing() {
    let plan = Ordered::new(
        &[
            &[r#""id": "1.1""#, r#""id": "1.2""#],
            &[r#""id": "2.1", "dependencies": ["1.1"]"#, r#""id": "2.2", "dependencies": ["1.1", "1.2"]"#],
            &[r#""id": "3.1", "dependencies": ["2.1"]"#, r#""id": "3.2", "dependencies": ["2.2"]"#],
            &[r#""id": "4.1", "dependencies": ["3.2", "1.2"]"#],
        ],
        &["execution/feedbacks/FIX_11.md", "execution/feedbacks/APPROVED_21.md"],
    );
    let standings = plan.standings();
    let places: Vec<Place> = (0..plan.graph.len()).map(|node| standings.place(node)).collect();
    let blocked = Place::Blocked { by: 0 };
    assert_eq!(places, [Place::Failed, Place::Ready, Place::Done, blocked, Place::Ready, blocked, blocked]);
    let ranks = ranked(&plan.graph, &standings, [0, 1, 4]);
    let ranks: Vec<_> = ranks.into_iter().map(|rank| (rank.node, rank.holds_up, rank.unlocks)).collect();
    assert_eq!(ranks, [(0, 3, vec![]), (1, 3, vec![]), (4, 0, vec![])]);
}

#[test]
fn levels_bound_what_runs_at_once() {
    let json = r#"{"levels": [
        {"level": 1, "can_parallelize": true, "max_parallelism": 2, "achievements": [
            {"id": "1.1", "status": "in_progress", "estimated_hours": 2}, {"id": "1.2", "estimated_hours": 2},
            {"id": "1.3", "estimated_hours": "2-4 hours"}]},
        {"level": 2, "can_parallelize": false, "achievements": [
            {"id": "2.1", "estimated_hours": 1}, {"id": "2.2", "estimated_hours": 1}, {"id": "2.3"}]}]}"#;
    let plan = Ordered::of(json, &[]);
    let standings = plan.standings();
    assert_eq!(plan.runnable().0, ["1.2", "2.1"]);
    let estimates: Vec<Option<Hours>> = plan.file.entries().iter().map(|entry| entry.estimated_hours).collect();
    let left = remaining(&plan.file, &plan.graph, &standings, &estimates, &Apart::default());
    assert_eq!((left.achievements, left.without_estimate), (6, 1));
    assert_eq!(left.sequential, Some(Hours { low: 8.0, high: 10.0 }));
    // Two at once in level 1: 2 and 2 (or 4), then 2; level 2 goes beside it, one after the other.
    assert_eq!(left.parallel, Some(Hours { low: 4.0, high: 4.0 }));
    let none = remaining(&plan.file, &plan.graph, &standings, &[None; 6], &Apart::default());
    assert_eq!((none.sequential, none.without_estimate), (None, 6));
}

#[test]
fn a_claim_prefers_what_is_theirs_then_what_has_its_documents() {
    let levels: &[&[&str]] = &[
        &[r#""id": "1.1", "executor": "bob""#, r#""id": "1.2""#, r#""id": "1.3""#],
        &[r#""id": "2.1", "dependencies": ["1.1"]"#, r#""id": "2.2", "dependencies": ["1.2"]"#],
    ];
    let choice = |files: &[&str], executor: Option<&str>| {
        let plan = Ordered::new(levels, files);
        plan.choose(executor).map_err(|reason| reason.to_string())
    };
    let task = "execution/EXECUTION_TASK_DEMO_13_01.md";
    assert_eq!(choice(&[], Some("bob")), Ok("1.1".into()));
    assert_eq!(choice(&[], None), Ok("1.2".into()), "more wait for it");
    assert_eq!(choice(&[task], Some("ana")), Ok("1.3".into()), "there is something to work by");
    let approved = ["execution/feedbacks/APPROVED_12.md", "execution/feedbacks/APPROVED_13.md"];
    let all = [approved[0], approved[1], "execution/feedbacks/APPROVED_22.md"];
    assert_eq!(choice(&all, Some("ana")), Err("1 ready, all assigned to others".into()));
    let failed = [all[0], all[1], all[2], "execution/feedbacks/FIX_11.md"];
    let said = "nothing is ready: 0 in progress, 1 failed; the rest waits for them";
    assert_eq!(choice(&failed, Some("ana")), Err(said.into()));
    let rest = ["execution/feedbacks/APPROVED_11.md", "execution/SKIPPED_21.md"];
    assert_eq!(choice(&[&all[..], &rest[..]].concat(), None), Err("everything is complete or skipped".into()));
}

#[test]
fn a_chain_level_gives_out_one_at_a_time() {
    let json = r#"{"levels": [{"level": 1, "can_parallelize": false, "achievements": [
        {"id": "1.1", "status": "in_progress"}, {"id": "1.2"}]}]}"#;
    let plan = Ordered::of(json, &[]);
    assert_eq!(plan.choose(None), Err(NothingToClaim::NoRoom { ready: 1 }));
}

#[test]
fn what_needs_the_same_is_not_begun_at_once_nor_handed_out() {
    let plan = |first: &str, second: &str| {
        Ordered::of(
            &format!(
                r#"{{"levels": [
                {{"level": 1, "can_parallelize": true, "achievements": [
                    {{"id": "1.1", "status": "{first}", "estimated_hours": 2, "touches": {{"resources": ["the db"]}}}},
                    {{"id": "1.2", "estimated_hours": 3, "touches": {{"resources": ["the DB"]}}}},
                    {{"id": "1.3", "status": "{second}", "estimated_hours": 4}}]}},
                {{"level": 2, "achievements": [{{"id": "2.1", "dependencies": ["1.3"]}}]}}],
                "execution_instructions": [{{"level": 1, "apart": [{{"achievements": ["1.2", "1.3"], "over": "port 80"}}]}}]}}"#
            ),
            &[],
        )
    };
    let fresh = plan("not_started", "not_started");
    let both = |now: &[&str], others: &[&str]| {
        (
            now.iter().map(ToString::to_string).collect::<Vec<_>>(),
            others.iter().map(ToString::to_string).collect::<Vec<_>>(),
        )
    };
    assert_eq!(fresh.runnable(), both(&["1.3", "1.1"], &["1.2 1.1 the db"]));
    let estimates: Vec<Option<Hours>> = fresh.file.entries().iter().map(|entry| entry.estimated_hours).collect();
    let left = |plan: &Ordered| {
        remaining(&plan.file, &plan.graph, &plan.standings(), &estimates, &plan.file.apart()).parallel.unwrap().high
    };
    // 1.2 has to wait for both of the others.
    assert_eq!(left(&fresh), 7.0);
    let working = plan("in_progress", "not_started");
    assert_eq!((working.runnable(), working.choose(None)), (both(&["1.3"], &["1.2 1.1 the db"]), Ok("1.3".into())));
    let all = plan("in_progress", "in_progress");
    assert_eq!((all.runnable(), left(&all)), (both(&[], &["1.2 1.1 the db"]), 7.0));
    let refused = all.choose(None).unwrap_err();
    assert_eq!(
        (refused.to_string(), refused.hint()),
        (
            "1 ready, but not beside what is in progress: 1.2 and 1.1 both need the db".into(),
            Some("`planwave start 1.2 --force` begins it all the same".into())
        )
    );
    let start = all.act("1.2", &actor(Action::Start)).unwrap_err();
    assert_eq!(start.to_string(), "1.2 is not to be worked on beside 1.1, which is in progress: both need the db");
    let forced = all.act("1.2", &Actor { force: true, ..actor(Action::Start) }).unwrap();
    assert!(forced.remarks.contains(&"1.1, which is in progress, needs the db too".into()), "{:?}", forced.remarks);
}

#[test]
fn verdicts_that_contradict_each_other_and_files_that_do_not_count_are_named() {
    let plan = Ordered::new(
        &[&[r#""id": "1.1""#, r#""id": "1.2""#, r#""id": "1.3""#]],
        &[
            "execution/feedbacks/APPROVED_11.md",
            "execution/SKIPPED_11.md",
            "execution/feedbacks/FIX_12.md",
            "execution/SKIPPED_12.md",
            "execution/APPROVED_13.md",
            "subplans/SUBPLAN_ZEBRA_13.md",
        ],
    );
    let Refreshed { changes, warnings, .. } = plan.refresh();
    assert_eq!(changes.get(&id("1.3")), None);
    insta::assert_snapshot!(warnings.join("\n"), @r"
    1.1 is complete: an APPROVED file stands beside its SKIPPED
    1.2 is failed: a FIX file stands beside its SKIPPED
    execution/APPROVED_13.md does not count there: it belongs in execution/feedbacks/
    subplans/SUBPLAN_ZEBRA_13.md does not count: it is a document of the plan ZEBRA, not of DEMO
    ");
}

#[test]
fn refresh_says_what_is_on_disk_and_finds_nothing_the_second_time() {
    let plan = Ordered::new(
        &[&[
            r#""id": "1.1", "status": "complete""#,
            r#""id": "1.2", "subplan_path": "subplans/GONE.md", "execution_paths": ["elsewhere/a.md", "execution/gone.md"]"#,
            r#""id": "1.3", "subplan_path": "elsewhere/b.md""#,
            r#""id": "1.4", "status": "failed", "failure": {"stage": "subplan", "reason": "x"}"#,
            r#""id": "1.5", "status": "complete", "completed_at": "2024-01-01T00:00:00Z""#,
        ]],
        &[
            "subplans/SUBPLAN_DEMO_11.md",
            "execution/EXECUTION_TASK_DEMO_11_02.md",
            "execution/EXECUTION_TASK_DEMO_11_01.md",
            "execution/EXECUTION_TASK_DEMO_11_01_V2.md",
            "execution/feedbacks/APPROVED_11.md",
            "subplans/SUBPLAN_DEMO_14.md",
            "subplans/SUBPLAN_DEMO_99.md",
        ],
    );
    let Refreshed { changes, said, warnings } = plan.refresh();
    let mut text = String::new();
    for (id, said) in &said {
        text.push_str(&format!("{id}: {}\n", said.join("; ")));
    }
    for warning in &warnings {
        text.push_str(&format!("warning: {warning}\n"));
    }
    insta::assert_snapshot!(text, @r"
    1.1: subplan_path subplans/SUBPLAN_DEMO_11.md; execution_paths execution/EXECUTION_TASK_DEMO_11_01.md and 2 more; completed_at 2025-03-04T05:06:07Z
    1.2: subplan_path subplans/GONE.md is gone; execution_paths elsewhere/a.md
    1.4: failed → subplan_created; failure is over; subplan_path subplans/SUBPLAN_DEMO_14.md
    1.5: complete → not_started
    warning: 1.5 is stored as complete, but there is no APPROVED file: it counts as not_started
    warning: subplans/SUBPLAN_DEMO_99.md belongs to no achievement of the plan
    ");
    let mut file = plan.file.clone();
    file.apply(&changes, "2025-01-01T00:00:00Z");
    let again = Ordered { file: ParallelFile::parse(file.to_text().as_bytes()).unwrap(), ..plan };
    assert_eq!(again.refresh().changes, [].into());
}

#[test]
fn starting_keeps_who_and_when() {
    let plan =
        Ordered::new(&[&[r#""id": "1.1""#], &[r#""id": "2.1", "dependencies": ["1.1"], "executor": "bob""#]], &[]);
    let effects = plan.act("1.1", &actor(Action::Start)).unwrap();
    let time = Some(Some(String::from("2025-01-01T03:30:00Z")));
    assert_eq!(
        effects.change,
        Change {
            status: Some(Status::InProgress),
            executor: Some(Some("me".into())),
            assigned_at: time.clone(),
            started_at: time,
            ..Change::default()
        }
    );
    let waiting = plan.act("2.1", &actor(Action::Start)).unwrap_err();
    assert_eq!(waiting.to_string(), "2.1 waits for 1.1");
    let forced = plan.act("2.1", &Actor { force: true, ..actor(Action::Start) }).unwrap();
    assert_eq!(forced.change.executor, None, "whom it is assigned to does it");
    let named = Actor { force: true, executor: Some("ana".into()), ..actor(Action::Start) };
    let taken = plan.act("2.1", &named).unwrap();
    assert_eq!(taken.change.executor, Some(Some("ana".into())));
    assert!(taken.remarks.contains(&String::from("2.1 was assigned to bob")), "{:?}", taken.remarks);
}

#[test]
fn hours_are_those_said_else_those_of_the_clock() {
    let hours = |started: &str, files: &[&str], actor: &Actor| {
        let entry = format!(r#""id": "1.1", "status": "in_progress", "started_at": "{started}""#);
        plan_of(&entry, files).act("1.1", actor).unwrap().change.actual_hours
    };
    let complete = actor(Action::Complete);
    let said = Actor { hours: Some(7.5), ..actor(Action::Complete) };
    let approved = ["execution/feedbacks/APPROVED_11.md"];
    let table = [
        ("2025-01-01T02:00:00Z", &[][..], &complete, Some(1.5)),
        ("2025-01-01T02:00:00Z", &[], &said, Some(7.5)),
        ("2025-01-01T03:29:50Z", &[], &complete, None),
        ("2024-12-01T00:00:00Z", &[], &complete, None),
        ("2026-01-01T00:00:00Z", &[], &complete, None),
        ("yesterday", &[], &complete, None),
        ("2025-01-01T02:00:00Z", &approved, &complete, None),
        ("2025-01-01T02:00:00Z", &approved, &said, Some(7.5)),
    ];
    for (started, files, actor, expected) in table {
        assert_eq!(hours(started, files, actor), expected, "{started} {files:?}");
    }
    for hours in [f64::NAN, f64::INFINITY, -1.0] {
        let refused = plan_of(r#""id": "1.1""#, &[]).act("1.1", &Actor { hours: Some(hours), ..complete.clone() });
        assert!(matches!(refused, Err(ActionError::Hours(_))), "{hours}");
    }
}

fn plan_of(entry: &str, files: &[&str]) -> Ordered {
    Ordered::new(&[&[entry]], files)
}

#[test]
fn a_verdict_that_is_there_is_not_written_again() {
    let plan =
        plan_of(r#""id": "1.1", "started_at": "2025-01-01T00:00:00Z""#, &["execution/feedbacks/APPROVED_11_V2.md"]);
    let effects = plan.act("1.1", &actor(Action::Complete)).unwrap();
    assert_eq!(effects.files, []);
    assert_eq!(effects.change.completed_at, Some(Some("2025-01-01T02:00:00Z".into())), "when it was written");
}

#[test]
fn verdicts_are_written_and_set_aside() {
    let failed = ["execution/feedbacks/FIX_11.md", "execution/feedbacks/FIX_11_V2.md"];
    let reason = Some(String::from("  because  \n"));
    let told = |action| Actor { text: reason.clone(), ..actor(action) };
    let path = |effect: &FileEffect| match effect {
        FileEffect::Write { path, .. } => format!("write {path}"),
        FileEffect::SetAside { path } => format!("set aside {path}"),
    };
    let table: [(Action, &[&str], &[&str]); 6] = [
        (Action::Complete, &failed, &["write execution/feedbacks/APPROVED_11.md"]),
        (Action::Fail, &[], &["write execution/feedbacks/FIX_11.md"]),
        (
            Action::Retry,
            &failed,
            &["set aside execution/feedbacks/FIX_11.md", "set aside execution/feedbacks/FIX_11_V2.md"],
        ),
        (Action::Retry, &["execution/SKIPPED_11.md"], &["set aside execution/SKIPPED_11.md"]),
        (Action::Skip, &[], &["write execution/SKIPPED_11.md"]),
        (Action::Skip, &failed[..1], &["set aside execution/feedbacks/FIX_11.md", "write execution/SKIPPED_11.md"]),
    ];
    for (action, files, expected) in table {
        let effects = plan_of(r#""id": "1.1", "executor": "bob""#, files).act("1.1", &told(action)).unwrap();
        let paths: Vec<String> = effects.files.iter().map(path).collect();
        assert_eq!(paths, expected, "{action}");
    }
    let effects = plan_of(r#""id": "1.1", "executor": "bob""#, &[]).act("1.1", &told(Action::Fail)).unwrap();
    let FileEffect::Write { text, .. } = &effects.files[0] else { unreachable!() };
    insta::assert_snapshot!(text, @r"
    # FIX: Achievement 1.1: A title

    - **Date**: 2025-01-01T03:30:00Z
    - **Executor**: bob

    ## What to fix

    because
    ");
    let names: Vec<String> = set_aside_names("execution/feedbacks/FIX_11.md").take(2).collect();
    assert_eq!(names, ["execution/feedbacks/FIX_11_ARCHIVED.md", "execution/feedbacks/FIX_11_V2_ARCHIVED.md"]);
    assert_eq!(Scan::with(&plan_of(r#""id": "1.1""#, &[]).names, names.iter().map(String::as_str)), Scan::default());
}

#[test]
fn what_is_critical_is_not_skipped_unless_forced() {
    let plan = plan_of(r#""id": "1.1", "critical": true"#, &[]);
    let refused = plan.act("1.1", &actor(Action::Skip)).unwrap_err();
    assert_eq!(refused, ActionError::Critical { id: id("1.1") });
    assert!(plan.act("1.1", &Actor { force: true, ..actor(Action::Skip) }).is_ok());
}

#[test]
fn a_failure_of_generation_ends_with_the_action_that_settles_it() {
    let plan = plan_of(r#""id": "1.1", "status": "failed", "failure": {"stage": "subplan"}"#, &[]);
    for action in [Action::Retry, Action::Skip, Action::Complete] {
        assert_eq!(plan.act("1.1", &actor(action)).unwrap().change.failure, Some(None), "{action}");
    }
}

#[test]
fn a_failure_of_executions_stands_until_as_many_are_there_as_are_planned() {
    let failure = Failure { stage: Stage::Execution, reason: "x".into(), attempts: 1, at: "now".into() };
    let mut plan = plan_of(r#""id": "1.1""#, &["execution/EXECUTION_TASK_DEMO_11_01.md"]);
    let change = Change { status: Some(Status::Failed), failure: Some(Some(failure)), ..Change::default() };
    plan.file.apply(&[(id("1.1"), change)].into(), "now");
    for (planned, expected) in [(1, Status::ExecutionCreated), (2, Status::Failed)] {
        let planned = HashMap::from([(id("1.1"), planned)]);
        assert_eq!(Standings::derive(&plan.ground(&planned)).statuses(), [expected]);
    }
}

/// Random plans: `dependencies[i]` below `i`, and what is on disk of each.
fn any_plan() -> impl Strategy<Value = (Vec<Vec<usize>>, Vec<u8>)> {
    vec((vec(any::<Index>(), 0..4), 0_u8..6), 1..25).prop_map(|achievements| {
        let below = |(node, (list, _)): (usize, &(Vec<Index>, u8))| {
            let set: BTreeSet<usize> = list.iter().filter(|_| node > 0).map(|index| index.index(node)).collect();
            set.into_iter().collect()
        };
        let dependencies = achievements.iter().enumerate().map(below).collect();
        (dependencies, achievements.into_iter().map(|(_, kind)| kind).collect())
    })
}

fn random(dependencies: &[Vec<usize>], kinds: &[u8]) -> Ordered {
    let name = |node: usize| format!("1.{}", node + 1);
    let mut achievements = Vec::new();
    let mut files = Vec::new();
    for (node, (list, kind)) in dependencies.iter().zip(kinds).enumerate() {
        let needs: Vec<String> = list.iter().map(|node| format!("\"{}\"", name(*node))).collect();
        let status = if *kind == 1 { "in_progress" } else { "not_started" };
        achievements.push(format!(
            r#"{{"achievement_id": "{}", "status": "{status}", "dependencies": [{}]}}"#,
            name(node),
            needs.join(",")
        ));
        let slug = format!("1{}", node + 1);
        match kind {
            2 => files.push(format!("execution/feedbacks/APPROVED_{slug}.md")),
            3 => files.push(format!("execution/feedbacks/FIX_{slug}.md")),
            4 => files.push(format!("execution/SKIPPED_{slug}.md")),
            5 => files.push(format!("subplans/SUBPLAN_DEMO_{slug}.md")),
            _ => {}
        }
    }
    let json = format!(r#"{{"plan_name": "DEMO", "achievements": [{}]}}"#, achievements.join(","));
    Ordered::of(&json, &files.iter().map(String::as_str).collect::<Vec<_>>())
}

proptest! {
    /// The rules of design.md, by recursion.
    #[test]
    fn ready_and_blocked_agree_with_the_rules((dependencies, kinds) in any_plan()) {
        let plan = random(&dependencies, &kinds);
        let standings = plan.standings();
        let done = |node: usize| matches!(kinds[node], 2 | 4);
        fn blocked(node: usize, dependencies: &[Vec<usize>], kinds: &[u8]) -> bool {
            let held = |d: &usize| kinds[*d] == 3 || blocked(*d, dependencies, kinds);
            !matches!(kinds[node], 2 | 4) && dependencies[node].iter().any(held)
        }
        fn reaches(node: usize, target: usize, dependencies: &[Vec<usize>]) -> bool {
            dependencies[node].iter().any(|d| *d == target || reaches(*d, target, dependencies))
        }
        for node in 0..dependencies.len() {
            let place = standings.place(node);
            let open = !matches!(kinds[node], 1..=4);
            let all_done = dependencies[node].iter().all(|d| done(*d));
            prop_assert_eq!(matches!(place, Place::Done), done(node));
            prop_assert_eq!(matches!(place, Place::InProgress), kinds[node] == 1);
            prop_assert_eq!(matches!(place, Place::Failed), kinds[node] == 3);
            prop_assert_eq!(matches!(place, Place::Ready), open && all_done);
            prop_assert_eq!(matches!(place, Place::Blocked { .. }), open && blocked(node, &dependencies, &kinds));
            if let Place::Blocked { by } = place {
                prop_assert_eq!(kinds[by], 3);
                prop_assert!(reaches(node, by, &dependencies));
            }
        }
    }

    /// What completing it would make ready, and what lies behind it, counted one by one.
    #[test]
    fn ranks_agree_with_trying_it_out((dependencies, kinds) in any_plan()) {
        let plan = random(&dependencies, &kinds);
        let standings = plan.standings();
        let ready = |standings: &Standings| -> BTreeSet<usize> {
            (0..dependencies.len()).filter(|node| standings.place(*node) == Place::Ready).collect()
        };
        let now = ready(&standings);
        for Ranked { node, holds_up, unlocks } in ranked(&plan.graph, &standings, now.iter().copied()) {
            let mut after = kinds.clone();
            after[node] = 2;
            let then = ready(&random(&dependencies, &after).standings());
            prop_assert_eq!(unlocks.into_iter().collect::<BTreeSet<_>>(), then.difference(&now).copied().collect());
            let mut behind = BTreeSet::from([node]);
            for other in node + 1..dependencies.len() {
                if !matches!(kinds[other], 2 | 4) && dependencies[other].iter().any(|d| behind.contains(d)) {
                    behind.insert(other);
                }
            }
            prop_assert_eq!(holds_up, behind.len() - 1);
        }
    }

    /// Never longer than one after the other, never shorter than the longest path, and exactly that without limits.
    #[test]
    fn parallel_time_lies_between_its_bounds((dependencies, kinds) in any_plan(), hours in vec(1_u8..9, 25)) {
        let plan = random(&dependencies, &kinds);
        let standings = plan.standings();
        let estimates: Vec<Option<Hours>> = (0..dependencies.len())
            .map(|node| Some(Hours { low: f64::from(hours[node]), high: f64::from(hours[node]) }))
            .collect();
        let left = remaining(&plan.file, &plan.graph, &standings, &estimates, &Apart::default());
        let mut ends = vec![0_u32; dependencies.len()];
        for node in 0..dependencies.len() {
            // What is in progress has begun, whatever it should have waited for.
            let waits_for = if kinds[node] == 1 { &[] } else { dependencies[node].as_slice() };
            let before = waits_for.iter().map(|d| ends[*d]).max().unwrap_or(0);
            let done = matches!(kinds[node], 2 | 4);
            // What is done is no obstacle, whatever it depended on.
            ends[node] = if done { 0 } else { before + u32::from(hours[node]) };
        }
        let longest = ends.iter().max().copied().map(f64::from).filter(|_| left.achievements > 0);
        prop_assert_eq!(left.parallel.map(|hours| hours.high), longest);
        prop_assert!(left.parallel.map(|hours| hours.high) <= left.sequential.map(|hours| hours.high));
    }
}
