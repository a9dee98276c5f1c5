use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::{
    document::digest,
    parallel::{Change, Failure, declared},
    plan::{PlanName, parse},
};

/// A plan directory as the planner sees it.
struct Project {
    plan: Plan,
    file: ParallelFile,
    /// What lies on disk.
    files: Vec<String>,
    /// How many executions a SUBPLAN on disk plans, where that is not one.
    planned: HashMap<AchievementId, u32>,
}

impl Project {
    /// Achievements, each with the ids it depends on, in a PLAN and a parallel.json.
    fn new(achievements: &[(&str, &str)]) -> Self {
        let plan = plan_of(achievements);
        let file = ParallelFile::parse(declared(&plan, "2026-01-01T00:00:00Z").unwrap().as_bytes()).unwrap();
        Self { plan, file, files: Vec::new(), planned: HashMap::new() }
    }

    /// 1.1 ← 1.2 ← 1.3, each on a level of its own.
    fn chain() -> Self {
        Self::new(&[("1.1", ""), ("1.2", "1.1"), ("1.3", "1.2")])
    }

    fn files(mut self, files: &[&str]) -> Self {
        self.files.extend(files.iter().map(|file| (*file).to_owned()));
        self
    }

    fn planning(mut self, achievement: &str, executions: u32) -> Self {
        self.planned.insert(id(achievement), executions);
        self
    }

    /// A failure of generation, stored in parallel.json.
    fn failure(mut self, achievement: &str, stage: Stage) -> Self {
        let failure = Failure { stage, reason: "no".into(), attempts: 3, at: "2026-01-01T00:00:00Z".into() };
        let change = Change { status: Some(Status::Failed), failure: Some(Some(failure)), ..Change::default() };
        self.file.apply(&BTreeMap::from([(id(achievement), change)]), "2026-01-01T00:00:00Z");
        self
    }

    fn graph(&self) -> Graph {
        self.file.graph().unwrap()
    }

    /// Plans as the program does: scan, read the SUBPLANs that are asked for, plan.
    fn plan(&self, wish: &Wish) -> Result<RunPlan, PlanningError> {
        let graph = self.graph();
        let ids = self.file.entries().iter().map(|entry| entry.id).chain(self.plan.achievements.iter().map(|a| a.id));
        let names = Names::new(self.plan.name.clone(), ids);
        let scan = Scan::with(&names, self.files.iter().map(String::as_str));
        let unread = HashMap::new();
        let situation = |digests| Situation {
            plan: &self.plan,
            file: &self.file,
            graph: &graph,
            scan: &scan,
            names: &names,
            digests,
        };
        let read = |achievement| {
            let executions = self.planned.get(&achievement).copied().unwrap_or(1);
            (achievement, digest(&format!("## Execution Strategy\n\nExecutions: {executions} in parallel\n")))
        };
        let digests = subplans_to_read(wish, &situation(&unread))?.into_iter().map(read).collect();
        plan_run(wish, &situation(&digests))
    }

    fn shown(&self, wish: &Wish) -> Vec<String> {
        shown(&self.plan(wish).unwrap())
    }
}

fn plan_of(achievements: &[(&str, &str)]) -> Plan {
    let mut text = String::from("## Achievements\n");
    for (id, needs) in achievements {
        text += &format!("\n**Achievement {id}**: Part {id} (3h)\n\n- Dependencies: {}\n\n---\n", or_none(needs));
    }
    parse(PlanName::parse("T").unwrap(), text.as_bytes()).unwrap()
}

fn or_none(needs: &str) -> &str {
    if needs.is_empty() { "None" } else { needs }
}

fn id(text: &str) -> AchievementId {
    AchievementId::parse(text).unwrap()
}

/// Everything, both stages.
fn all() -> Wish {
    let stages = vec![Stage::Subplan, Stage::Execution];
    Wish { selection: Selection::All, stages, force: false, strict: false }
}

fn ids(text: &str) -> Selection {
    Selection::Ids(text.split(' ').map(id).collect())
}

/// Items, then what is left out, one line each.
fn shown(run: &RunPlan) -> Vec<String> {
    let target = |Target { path, overwrites }: &Target| format!("{}{path}", if *overwrites { "again " } else { "" });
    let named = |ItemId { achievement, stage }: &ItemId| format!("{achievement} {stage}");
    let item = |item: &PlannedItem| {
        let documents = match &item.documents {
            Documents::Subplan(document) => target(document),
            Documents::Executions(parts) => {
                let parts: Vec<String> = parts
                    .iter()
                    .map(|(part, document)| format!("{}/{} {}", part.number, part.of, target(document)))
                    .collect();
                parts.join(", ")
            }
            Documents::ExecutionsToCome => String::from("to come"),
        };
        let needs: Vec<String> = item.needs.iter().map(|need| named(&run.items[*need].id)).collect();
        let after = if needs.is_empty() { String::new() } else { format!(" after {}", needs.join(", ")) };
        format!("{}: {documents}{after}", named(&item.id))
    };
    let skipped = |skipped: &SkippedItem| format!("no {}: {}", named(&skipped.id), skipped.reason);
    run.items.iter().map(item).chain(run.skipped.iter().map(skipped)).collect()
}

#[test]
fn where_nothing_exists_everything_is_planned_after_what_it_needs() {
    let project = Project::new(&[("1.1", ""), ("1.2", "1.1"), ("1.3", "1.1, 1.2")]);
    assert_eq!(
        project.shown(&all()),
        [
            "1.1 subplan: subplans/SUBPLAN_T_11.md",
            "1.1 execution: to come after 1.1 subplan",
            "1.2 subplan: subplans/SUBPLAN_T_12.md after 1.1 subplan",
            "1.2 execution: to come after 1.1 execution, 1.2 subplan",
            "1.3 subplan: subplans/SUBPLAN_T_13.md after 1.1 subplan, 1.2 subplan",
            "1.3 execution: to come after 1.1 execution, 1.2 execution, 1.3 subplan",
        ]
    );
    let run = project.plan(&all()).unwrap();
    assert_eq!(run.warnings, [""; 0]);
    assert_eq!(run.statuses, [Status::NotStarted; 3]);
}

#[test]
fn a_rank_is_the_weight_of_the_longest_path_to_the_end() {
    // A diamond with a longer left side, and an achievement on its own:
    //   1.1 ← 1.2 ← 1.4 ← 1.5      1.6
    //   1.1 ← 1.3 ←─────── 1.5
    let edges = [("1.1", ""), ("1.2", "1.1"), ("1.3", "1.1"), ("1.4", "1.2"), ("1.5", "1.3, 1.4"), ("1.6", "")];
    let ranks = |wish: &Wish| -> Vec<(String, u64)> {
        let run = Project::new(&edges).plan(wish).unwrap();
        run.items.iter().map(|item| (format!("{} {}", item.id.achievement, item.id.stage), item.rank)).collect()
    };
    let expected =
        |list: &[(&str, u64)]| list.iter().map(|(name, rank)| ((*name).to_owned(), *rank)).collect::<Vec<_>>();
    // SUBPLANs weigh 2,000, EXECUTION_TASKs 1,600; the heaviest way goes over SUBPLANs and ends with one EXECUTION_TASK.
    assert_eq!(
        ranks(&all()),
        expected(&[
            ("1.1 subplan", 9_600),
            ("1.1 execution", 6_400),
            ("1.6 subplan", 3_600),
            ("1.6 execution", 1_600),
            ("1.2 subplan", 7_600),
            ("1.2 execution", 4_800),
            ("1.3 subplan", 5_600),
            ("1.3 execution", 3_200),
            ("1.4 subplan", 5_600),
            ("1.4 execution", 3_200),
            ("1.5 subplan", 3_600),
            ("1.5 execution", 1_600),
        ])
    );
    // Paths through achievements outside the run do not count.
    let wish = Wish { selection: ids("1.1 1.2 1.5"), stages: vec![Stage::Subplan], ..all() };
    assert_eq!(ranks(&wish), expected(&[("1.1 subplan", 4_000), ("1.2 subplan", 2_000), ("1.5 subplan", 2_000)]));
}

#[test]
fn items_come_by_level_then_by_id_as_numbers() {
    let project = Project::new(&[("1.10", ""), ("1.3", "2.1"), ("2.1", ""), ("1.2", "")]);
    let order = |selection| -> Vec<String> {
        let run = project.plan(&Wish { selection, stages: vec![Stage::Subplan], ..all() }).unwrap();
        run.items.iter().map(|item| format!("{} at {}", item.id.achievement, item.level)).collect()
    };
    let table = [
        (Selection::All, vec!["1.2 at 1", "1.10 at 1", "2.1 at 1", "1.3 at 2"]),
        (Selection::Levels(vec![2, 1, 2]), vec!["1.2 at 1", "1.10 at 1", "2.1 at 1", "1.3 at 2"]),
        (Selection::Levels(vec![2]), vec!["1.3 at 2"]),
        (Selection::Levels(vec![]), vec![]),
        (ids("1.3 2.1 1.10 1.3"), vec!["1.10 at 1", "2.1 at 1", "1.3 at 2"]),
    ];
    for (selection, expected) in table {
        assert_eq!(order(selection.clone()), expected, "{selection:?}");
    }
}

#[test]
fn an_item_knows_its_achievement_and_what_is_there() {
    let json = r#"{"levels": [{"level": 1, "achievements": [
        {"id": "1.2", "title": "B", "status": "not_started", "dependencies": [], "estimated_hours": 8},
        {"id": "1.1", "title": "A", "status": "not_started", "dependencies": []}]}]}"#;
    let mut project = Project::new(&[("1.1", ""), ("1.2", "")]);
    project.file = ParallelFile::parse(json.as_bytes()).unwrap();
    let executions = ["execution/EXECUTION_TASK_T_12_01_V2.md", "execution/EXECUTION_TASK_T_12_03.md"];
    let project = project.files(&["subplans/SUBPLAN_T_12_V2.md"]).files(&executions).planning("1.2", 3);
    let run = project.plan(&Wish { stages: vec![Stage::Execution], ..all() }).unwrap();
    let [item] = run.items.as_slice() else { panic!("{run:?}") };
    assert_eq!((item.node, item.definition), (0, 1), "an index of parallel.json and one of the PLAN");
    assert_eq!(
        (item.subplan_path.as_str(), item.executions_on_disk.as_slice()),
        (project.files[0].as_str(), &project.files[1..])
    );
    assert_eq!(
        item.estimated_hours.map(|hours| (hours.low, hours.high)),
        Some((8.0, 8.0)),
        "parallel.json outranks the PLAN"
    );
    let run = project.plan(&Wish { selection: ids("1.1"), ..all() }).unwrap();
    assert_eq!(run.items[0].subplan_path, "subplans/SUBPLAN_T_11.md");
    assert_eq!(run.items[0].estimated_hours.map(|hours| (hours.low, hours.high)), Some((3.0, 3.0)), "the PLAN's");
    let SkippedItem { id: skipped, title, level, reason } = &project.plan(&all()).unwrap().skipped[0];
    assert_eq!((skipped.achievement, title.as_str(), *level), (id("1.2"), "Part 1.2", 1));
    assert_eq!(*reason, SkipReason::Exists(project.files[0].clone()));
}

/// One achievement, its files, the executions its SUBPLAN plans, and what becomes of it.
#[test]
fn what_exists_is_left_out_and_what_is_missing_is_planned() {
    const SUBPLAN: &str = "subplans/SUBPLAN_T_11.md";
    const SUFFIXED: &str = "subplans/SUBPLAN_T_11_V2.md";
    const FIRST: &str = "execution/EXECUTION_TASK_T_11_01.md";
    const SECOND: &str = "execution/EXECUTION_TASK_T_11_02_V2.md";
    const APPROVED: &str = "execution/feedbacks/APPROVED_11.md";
    const LEFT_OUT: &str = "execution/SKIPPED_11.md";
    let both = [Stage::Subplan, Stage::Execution].as_slice();
    let subplan = &both[..1];
    let execution = &both[1..];
    let named = || ids("1.1");
    let everything = || Selection::All;
    let wish = |selection, stages: &[Stage], force| Wish { selection, stages: stages.to_vec(), force, strict: true };
    let table: &[(&[&str], u32, Wish, &[&str])] = &[
        // Without force.
        (
            &[SUBPLAN],
            1,
            wish(everything(), both, false),
            &[
                "1.1 execution: 1/1 execution/EXECUTION_TASK_T_11_01.md",
                "no 1.1 subplan: exists: subplans/SUBPLAN_T_11.md",
            ],
        ),
        (
            &[SUFFIXED, FIRST],
            1,
            wish(everything(), both, false),
            &[
                "no 1.1 subplan: exists: subplans/SUBPLAN_T_11_V2.md",
                "no 1.1 execution: exists: execution/EXECUTION_TASK_T_11_01.md",
            ],
        ),
        (
            &[SUBPLAN, SECOND],
            3,
            wish(everything(), execution, false),
            &["1.1 execution: 1/3 execution/EXECUTION_TASK_T_11_01.md, 3/3 execution/EXECUTION_TASK_T_11_03.md"],
        ),
        (
            &[SUBPLAN, FIRST, SECOND],
            2,
            wish(everything(), execution, false),
            &["no 1.1 execution: exists: execution/EXECUTION_TASK_T_11_01.md"],
        ),
        (
            &[],
            1,
            wish(everything(), execution, false),
            &["no 1.1 execution: has no SUBPLAN yet; generate that stage first"],
        ),
        (
            &[SECOND],
            1,
            wish(everything(), execution, false),
            &["no 1.1 execution: exists: execution/EXECUTION_TASK_T_11_02_V2.md"],
        ),
        (
            &[SECOND],
            1,
            wish(everything(), both, false),
            &[
                "1.1 subplan: subplans/SUBPLAN_T_11.md",
                "no 1.1 execution: exists: execution/EXECUTION_TASK_T_11_02_V2.md",
            ],
        ),
        // With force: another spelling of a name keeps its path.
        (
            &[SUFFIXED],
            1,
            wish(everything(), both, true),
            &["1.1 subplan: again subplans/SUBPLAN_T_11_V2.md", "1.1 execution: to come after 1.1 subplan"],
        ),
        (
            &[SUBPLAN, SECOND],
            1,
            wish(everything(), both, true),
            &["1.1 subplan: again subplans/SUBPLAN_T_11.md", "1.1 execution: to come after 1.1 subplan"],
        ),
        (
            &[SUBPLAN, SECOND],
            2,
            wish(everything(), execution, true),
            &[
                "1.1 execution: 1/2 execution/EXECUTION_TASK_T_11_01.md, 2/2 again execution/EXECUTION_TASK_T_11_02_V2.md",
            ],
        ),
        // Complete, or left out on purpose: only force and the id together take it up.
        (&[APPROVED], 1, wish(everything(), both, false), &["no 1.1 subplan: complete", "no 1.1 execution: complete"]),
        (&[APPROVED], 1, wish(everything(), subplan, true), &["no 1.1 subplan: complete"]),
        (&[APPROVED], 1, wish(Selection::Levels(vec![1]), subplan, true), &["no 1.1 subplan: complete"]),
        (&[APPROVED], 1, wish(named(), subplan, false), &["no 1.1 subplan: complete"]),
        (&[APPROVED, SUBPLAN], 1, wish(named(), subplan, true), &["1.1 subplan: again subplans/SUBPLAN_T_11.md"]),
        (&[LEFT_OUT], 1, wish(everything(), subplan, true), &["no 1.1 subplan: skipped on purpose"]),
        (
            &[LEFT_OUT],
            1,
            wish(named(), both, false),
            &["no 1.1 subplan: skipped on purpose", "no 1.1 execution: skipped on purpose"],
        ),
        (&[LEFT_OUT], 1, wish(named(), subplan, true), &["1.1 subplan: subplans/SUBPLAN_T_11.md"]),
    ];
    for (files, executions, wish, expected) in table {
        let project = Project::new(&[("1.1", "")]).files(files).planning("1.1", *executions);
        assert_eq!(project.shown(wish), *expected, "{files:?} {executions} {wish:?}");
    }
}

#[test]
fn a_verdict_blocks_whatever_lies_behind_it() {
    let project = Project::chain().files(&["execution/feedbacks/FIX_11.md", "subplans/SUBPLAN_T_13.md"]);
    let blocked = [
        "no 1.2 subplan: blocked by 1.1, which failed",
        "no 1.2 execution: blocked by 1.1, which failed",
        "no 1.3 subplan: exists: subplans/SUBPLAN_T_13.md",
        "no 1.3 execution: blocked by 1.1, which failed",
    ];
    assert_eq!(project.shown(&Wish { selection: ids("1.2 1.3"), ..all() }), blocked);
    // A verdict on an achievement of the run blocks as well; that achievement itself is not blocked.
    let shown = project.shown(&all());
    assert_eq!(shown[..2], ["1.1 subplan: subplans/SUBPLAN_T_11.md", "1.1 execution: to come after 1.1 subplan"]);
    assert_eq!(shown[2..], blocked);
    // The nearest one is named; what was approved after all blocks nothing.
    let project = project.files(&["execution/feedbacks/FIX_12.md"]);
    let wish = Wish { selection: ids("1.3"), stages: vec![Stage::Execution], ..all() };
    assert_eq!(project.shown(&wish), ["no 1.3 execution: blocked by 1.2, which failed"]);
    let project = project.files(&["execution/feedbacks/APPROVED_11.md", "execution/feedbacks/APPROVED_12.md"]);
    assert_eq!(project.shown(&wish), ["1.3 execution: 1/1 execution/EXECUTION_TASK_T_13_01.md"]);
    // A document that exists is said to exist, blocked or not.
    let project = Project::chain().files(&["execution/feedbacks/FIX_11.md", "execution/EXECUTION_TASK_T_12_01.md"]);
    let wish = Wish { selection: ids("1.2"), stages: vec![Stage::Execution], ..all() };
    assert_eq!(project.shown(&wish), ["no 1.2 execution: exists: execution/EXECUTION_TASK_T_12_01.md"]);
}

/// The stage of 1.1 that failed, what is on disk by now, the executions its SUBPLAN plans, and whether it blocks 1.2.
#[test]
fn a_stored_failure_blocks_while_its_document_is_missing_and_nobody_tries_again() {
    const SUBPLAN: &str = "subplans/SUBPLAN_T_11.md";
    const FIRST: &str = "execution/EXECUTION_TASK_T_11_01.md";
    const SECOND: &str = "execution/EXECUTION_TASK_T_11_02.md";
    let table: [(Stage, &[&str], u32, bool); 8] = [
        (Stage::Subplan, &[], 1, true),
        (Stage::Subplan, &[FIRST], 1, true),
        (Stage::Subplan, &[SUBPLAN], 1, false),
        (Stage::Execution, &[SUBPLAN], 1, true),
        (Stage::Execution, &[SUBPLAN, FIRST], 2, true),
        (Stage::Execution, &[SUBPLAN, FIRST, SECOND], 2, false),
        (Stage::Execution, &[FIRST], 1, false),
        (Stage::Execution, &[], 1, true),
    ];
    let stages = || vec![Stage::Subplan];
    for (stage, files, executions, blocks) in table {
        let project = Project::chain().failure("1.1", stage).files(files).planning("1.1", executions);
        let run = project.plan(&Wish { selection: ids("1.2"), stages: stages(), ..all() }).unwrap();
        assert_eq!(run.statuses[0] == Status::Failed, blocks, "{stage} {files:?} {executions}");
        let expected = if blocks {
            "no 1.2 subplan: blocked by 1.1, which failed"
        } else {
            "1.2 subplan: subplans/SUBPLAN_T_12.md"
        };
        assert_eq!(shown(&run), [expected], "{stage} {files:?} {executions}");
        let run = project.plan(&all()).unwrap();
        assert!(
            run.skipped.iter().all(|skipped| !matches!(skipped.reason, SkipReason::BlockedBy(_))),
            "a run that tries 1.1 again: {stage} {files:?} {executions}"
        );
    }
}

/// The stages of the wish, the stage of 1.1 that failed, what is on disk, and what becomes of 1.2.
#[test]
fn only_another_try_at_the_stage_that_failed_lifts_the_block() {
    const OWN: &str = "subplans/SUBPLAN_T_12.md";
    const OTHER: &str = "subplans/SUBPLAN_T_11.md";
    const BLOCKED: &str = "no 1.2 execution: blocked by 1.1, which failed";
    const PLANNED: &str = "1.2 execution: 1/1 execution/EXECUTION_TASK_T_12_01.md";
    type Row<'a> = (&'a [Stage], Stage, &'a [&'a str], &'a [&'a str]);
    let table: [Row<'_>; 4] = [
        (
            &[Stage::Execution],
            Stage::Subplan,
            &[OWN],
            &["no 1.1 execution: has no SUBPLAN yet; generate that stage first", BLOCKED],
        ),
        (
            &[Stage::Execution],
            Stage::Execution,
            &[OWN],
            &["no 1.1 execution: has no SUBPLAN yet; generate that stage first", BLOCKED],
        ),
        (
            &[Stage::Execution],
            Stage::Execution,
            &[OWN, OTHER],
            &["1.1 execution: 1/1 execution/EXECUTION_TASK_T_11_01.md", &format!("{PLANNED} after 1.1 execution")],
        ),
        (
            &[Stage::Subplan],
            Stage::Execution,
            &[OTHER],
            &["no 1.1 subplan: exists: subplans/SUBPLAN_T_11.md", "no 1.2 subplan: blocked by 1.1, which failed"],
        ),
    ];
    for (stages, failed, files, expected) in table {
        let project = Project::new(&[("1.1", ""), ("1.2", "1.1")]).failure("1.1", failed).files(files);
        let wish = Wish { stages: stages.to_vec(), ..all() };
        assert_eq!(project.shown(&wish), expected, "{stages:?} {failed} {files:?}");
    }
}

#[test]
fn no_block_passes_through_what_is_done() {
    let project = Project::chain().files(&["execution/feedbacks/FIX_11.md", "execution/feedbacks/APPROVED_12.md"]);
    let wish = Wish { selection: ids("1.3"), stages: vec![Stage::Subplan], ..all() };
    assert_eq!(project.shown(&wish), ["1.3 subplan: subplans/SUBPLAN_T_13.md"]);
    // What is left out on purpose is waited for no more, nor is what it needed.
    let project = Project::chain().files(&["execution/feedbacks/FIX_11.md", "execution/SKIPPED_12.md"]);
    assert_eq!(project.shown(&wish), ["1.3 subplan: subplans/SUBPLAN_T_13.md"]);
}

#[test]
fn dependencies_without_a_subplan_are_named() {
    let many: Vec<String> = (2..=8).map(|n| format!("1.{n}")).collect();
    let mut fan = vec![("1.1", ""), ("2.1", "")];
    fan.extend(many.iter().map(|id| (id.as_str(), "1.1")));
    fan.push(("1.9", "1.1, 2.1"));
    let subplans = |text: &str| Wish { selection: ids(text), stages: vec![Stage::Subplan], ..all() };
    let table: &[(Wish, &[&str], &[&str])] = &[
        (subplans("1.2"), &[], &["1.2 depends on 1.1, which has no SUBPLAN yet"]),
        (subplans("1.2 1.3"), &[], &["1.2, 1.3 depend on 1.1, which has no SUBPLAN yet"]),
        (
            subplans("1.2 1.3 1.4 1.5 1.6 1.7"),
            &[],
            &["1.2, 1.3, 1.4, 1.5, 1.6, 1.7 depend on 1.1, which has no SUBPLAN yet"],
        ),
        (
            subplans("1.2 1.3 1.4 1.5 1.6 1.7 1.8 1.9"),
            &[],
            &[
                "1.2, 1.3, 1.4, 1.5, 1.6, 1.7 and 2 more depend on 1.1, which has no SUBPLAN yet",
                "1.9 depends on 2.1, which has no SUBPLAN yet",
            ],
        ),
        (subplans("1.9"), &["subplans/SUBPLAN_T_11.md"], &["1.9 depends on 2.1, which has no SUBPLAN yet"]),
        // Generated by this run, or not needed for what it generates.
        (subplans("1.1 1.2"), &[], &[]),
        (Wish { stages: vec![Stage::Execution], ..subplans("1.2") }, &["subplans/SUBPLAN_T_12.md"], &[]),
        (subplans("1.2"), &["subplans/SUBPLAN_T_12.md"], &[]),
        // The dependency is of the run, but left out there.
        (
            Wish { stages: vec![Stage::Subplan], ..all() },
            &["execution/SKIPPED_21.md"],
            &["1.9 depends on 2.1, which has no SUBPLAN yet"],
        ),
    ];
    for (wish, files, expected) in table {
        let project = Project::new(&fan).files(files);
        let used: Vec<String> = expected.iter().map(|line| format!("{line}: its PLAN text is used")).collect();
        assert_eq!(project.plan(wish).unwrap().warnings, used, "{wish:?} {files:?}");
        let strict = project.plan(&Wish { strict: true, ..wish.clone() });
        match strict {
            Ok(run) => assert_eq!((expected.len(), run.warnings), (0, vec![])),
            Err(error) => assert_eq!(error.to_string(), expected.join("\n")),
        }
    }
}

#[test]
fn achievements_that_parallel_json_does_not_list_are_named_and_do_not_stop_a_strict_run() {
    let mut project = Project::new(&[("1.1", "")]);
    project.plan = plan_of(&[("1.1", ""), ("1.2", ""), ("2.1", "1.2")]);
    let run = project.plan(&Wish { strict: true, ..all() }).unwrap();
    assert_eq!(run.warnings, ["the PLAN defines 1.2, 2.1, which parallel.json does not list"]);
    assert_eq!(run.items.len(), 2);
}

#[test]
fn a_wish_that_cannot_be_planned_says_why() {
    let flat = || Project::new(&[("1.1", ""), ("1.2", "")]);
    let mut unlisted = Project::chain();
    unlisted.plan = plan_of(&[("1.1", "")]);
    let mut longer = flat();
    longer.plan = plan_of(&[("1.1", ""), ("1.2", ""), ("1.3", "")]);
    let levels = |levels: &[u32]| Wish { selection: Selection::Levels(levels.to_vec()), ..all() };
    let named = |text| Wish { selection: ids(text), ..all() };
    let table = [
        (
            Project::chain(),
            levels(&[1, 9, 8]),
            "there is no level 9; parallel.json has levels 1 to 3",
            "`--all` takes every level",
        ),
        (flat(), levels(&[2]), "there is no level 2; parallel.json has level 1 only", "`--all` takes every level"),
        (
            flat(),
            named("1.1 7.7"),
            "there is no achievement 7.7, neither in parallel.json nor in the PLAN",
            "`planwave plan show` lists the ids of the PLAN",
        ),
        (
            unlisted,
            all(),
            "parallel.json lists 1.2, 1.3, which the PLAN does not define",
            "define them in the PLAN's achievements section, or take them out of parallel.json",
        ),
        (
            longer,
            named("1.3"),
            "achievement 1.3 is not in parallel.json, so it has no level yet",
            "`planwave analyze` takes it in",
        ),
        (
            Project::chain(),
            Wish { strict: true, ..named("1.3") },
            "1.3 depends on 1.2, which has no SUBPLAN yet",
            "generate those SUBPLANs first, or leave `--strict` out to use the PLAN's text instead",
        ),
    ];
    for (project, wish, message, hint) in table {
        let error = project.plan(&wish).unwrap_err();
        assert_eq!((error.to_string().as_str(), error.hint().as_deref()), (message, Some(hint)));
    }
    assert_eq!(levels_text(&[]), "no levels");
    // What the PLAN does not define matters only where it is selected.
    let mut unlisted = Project::chain();
    unlisted.plan = plan_of(&[("1.1", ""), ("1.3", "")]);
    assert_eq!(unlisted.plan(&named("1.1 1.3")).map(|run| run.items.len()), Ok(4));
}

#[test]
fn subplans_are_read_of_the_selected_and_what_they_depend_on() {
    let project = Project::new(&[("1.1", ""), ("1.2", "1.1"), ("1.3", "1.2"), ("1.4", "1.2"), ("1.5", "")]);
    let names = Names::new(project.plan.name.clone(), project.plan.achievements.iter().map(|a| a.id));
    let paths: Vec<String> = ["1.1", "1.2", "1.3", "1.5"].map(|text| names.subplan(id(text))).to_vec();
    let scan = Scan::with(&names, paths.iter().map(String::as_str));
    let (graph, digests) = (project.graph(), HashMap::new());
    let situation = Situation {
        plan: &project.plan,
        file: &project.file,
        graph: &graph,
        scan: &scan,
        names: &names,
        digests: &digests,
    };
    let wish = Wish { selection: ids("1.3 1.4"), ..all() };
    assert_eq!(subplans_to_read(&wish, &situation), Ok(BTreeSet::from([id("1.2"), id("1.3")])));
}

/// The path of a verdict, up to the slug.
const FIX: &str = "execution/feedbacks/FIX";

/// What a random achievement has on disk and in parallel.json.
#[derive(Clone, Debug)]
struct Found {
    needs: Vec<usize>,
    subplan: bool,
    executions: Vec<bool>,
    planned: u32,
    verdict: Option<&'static str>,
    failure: Option<Stage>,
}

fn stage() -> impl Strategy<Value = Stage> {
    prop::sample::select(vec![Stage::Subplan, Stage::Execution])
}

fn found() -> impl Strategy<Value = Vec<Found>> {
    let verdicts = vec!["execution/feedbacks/APPROVED", FIX, "execution/SKIPPED"];
    let one = (
        prop::collection::vec(any::<prop::sample::Index>(), 0..4),
        any::<bool>(),
        prop::collection::vec(prop::bool::weighted(0.4), 3),
        1_u32..=3,
        prop::option::weighted(0.25, prop::sample::select(verdicts)),
        prop::option::weighted(0.25, stage()),
    );
    prop::collection::vec(one, 1..14).prop_map(|raw| {
        let found =
            raw.into_iter().enumerate().map(|(index, (picks, subplan, executions, planned, verdict, failure))| {
                let mut needs: Vec<usize> =
                    if index == 0 { vec![] } else { picks.iter().map(|p| p.index(index)).collect() };
                needs.sort_unstable();
                needs.dedup();
                Found { needs, subplan, executions, planned, verdict, failure }
            });
        found.collect()
    })
}

fn wishes() -> impl Strategy<Value = Wish> {
    let selection = prop_oneof![
        1 => Just(Selection::All),
        1 => Just(Selection::Levels(vec![1])),
        3 => prop::collection::vec(1_u32..14, 1..9)
            .prop_map(|numbers| Selection::Ids(numbers.into_iter().map(|n| id(&format!("1.{n}"))).collect())),
    ];
    let stages = prop::sample::subsequence(vec![Stage::Subplan, Stage::Execution], 1..=2);
    (selection, stages, any::<bool>()).prop_map(|(selection, stages, force)| Wish {
        selection,
        stages,
        force,
        strict: false,
    })
}

fn random_project(found: &[Found]) -> Project {
    let name = |index: usize| format!("1.{}", index + 1);
    let texts: Vec<(String, String)> = found
        .iter()
        .enumerate()
        .map(|(index, one)| (name(index), one.needs.iter().map(|need| name(*need)).collect::<Vec<_>>().join(", ")))
        .collect();
    let pairs: Vec<(&str, &str)> = texts.iter().map(|(id, needs)| (id.as_str(), needs.as_str())).collect();
    let mut project = Project::new(&pairs);
    for (index, one) in found.iter().enumerate() {
        let slug = format!("1{}", index + 1);
        let subplan = one.subplan.then(|| format!("subplans/SUBPLAN_T_{slug}.md"));
        let execution = |number| format!("execution/EXECUTION_TASK_T_{slug}_{number:02}.md");
        project.files.extend(subplan);
        project
            .files
            .extend((1..=3).zip(&one.executions).filter(|(_, there)| **there).map(|(number, _)| execution(number)));
        project.files.extend(one.verdict.map(|verdict| format!("{verdict}_{slug}.md")));
        project = project.planning(&name(index), one.planned);
        if let Some(stage) = one.failure {
            project = project.failure(&name(index), stage);
        }
    }
    project
}

proptest! {
    #[test]
    fn every_plan_keeps_the_rules(found in found(), mut wish in wishes()) {
        if let Selection::Ids(ids) = &mut wish.selection {
            let last = u32::try_from(found.len()).unwrap();
            ids.retain(|id| id.parts()[1] <= last);
        }
        let project = random_project(&found);
        let graph = project.graph();
        let run = project.plan(&wish).unwrap();

        let mut selected: Vec<(u32, AchievementId)> = (0..graph.len())
            .map(|node| (graph.level(node), graph.id(node)))
            .filter(|(level, id)| match &wish.selection {
                Selection::All => true,
                Selection::Levels(levels) => levels.contains(level),
                Selection::Ids(ids) => ids.contains(id),
            })
            .collect();
        selected.sort_unstable();
        let expected: Vec<ItemId> = selected
            .iter()
            .flat_map(|(_, achievement)| wish.stages.iter().map(|stage| ItemId { achievement: *achievement, stage: *stage }))
            .collect();
        let position = |id: &ItemId| expected.iter().position(|known| known == id).unwrap();
        let items: Vec<usize> = run.items.iter().map(|item| position(&item.id)).collect();
        let skipped: Vec<usize> = run.skipped.iter().map(|item| position(&item.id)).collect();
        prop_assert!(items.is_sorted() && skipped.is_sorted(), "not in order");
        let mut both = [items, skipped].concat();
        both.sort_unstable();
        prop_assert_eq!(both, (0..expected.len()).collect::<Vec<_>>(), "each item of the wish, once");

        // Failures upstream, by following every path. Achievement 1.n is the nth that was found, wherever parallel.json
        // has it.
        let index_of = |text: AchievementId| usize::try_from(text.parts()[1]).unwrap() - 1;
        let status = |index: usize| run.statuses[graph.index_of(id(&format!("1.{}", index + 1))).unwrap()];
        let in_run: Vec<bool> =
            (0..found.len()).map(|index| selected.iter().any(|(_, id)| index_of(*id) == index)).collect();
        let upstream = |id: AchievementId| {
            let mut reached = BTreeSet::new();
            let mut left = found[index_of(id)].needs.clone();
            while let Some(next) = left.pop() {
                if reached.insert(next) && !status(next).is_done() {
                    left.extend(&found[next].needs);
                }
            }
            reached
        };
        let blocks = |index: usize| {
            // Only the stage that failed, and that has something to be written from, is another try.
            let again = |stage: Stage| {
                let source = stage == Stage::Subplan || found[index].subplan || wish.stages.contains(&Stage::Subplan);
                source && wish.stages.contains(&stage)
            };
            let retried = found[index].verdict != Some(FIX) && found[index].failure.is_some_and(again);
            status(index) == Status::Failed && !(in_run[index] && retried)
        };
        for item in &run.items {
            let blocking: Vec<usize> = upstream(item.id.achievement).into_iter().filter(|index| blocks(*index)).collect();
            prop_assert!(blocking.is_empty(), "{} is planned behind {:?}", item.id.achievement, blocking);
        }
        for item in &run.skipped {
            match &item.reason {
                SkipReason::BlockedBy(by) => {
                    prop_assert!(upstream(item.id.achievement).contains(&index_of(*by)));
                    prop_assert!(blocks(index_of(*by)), "{} blocks {}", by, item.id.achievement);
                }
                SkipReason::Exists(path) => prop_assert!(project.files.contains(path), "{}", path),
                SkipReason::Complete => prop_assert_eq!(status(index_of(item.id.achievement)), Status::Complete),
                SkipReason::Skipped => prop_assert_eq!(status(index_of(item.id.achievement)), Status::Skipped),
                SkipReason::NoSubplan => prop_assert!(!found[index_of(item.id.achievement)].subplan),
            }
        }

        // Needs are exactly the items of the dependencies, and ranks fall along them, so there is no cycle.
        let mut behind = vec![0; run.items.len()];
        for (index, item) in run.items.iter().enumerate() {
            let expected: Vec<usize> = (0..run.items.len())
                .filter(|other| {
                    let ItemId { achievement, stage } = run.items[*other].id;
                    let own = achievement == item.id.achievement && stage < item.id.stage;
                    own || stage == item.id.stage && found[index_of(item.id.achievement)].needs.contains(&index_of(achievement))
                })
                .collect();
            prop_assert_eq!(&item.needs, &expected, "needs of {}", index);
            for need in &item.needs {
                behind[*need] = item.rank.max(behind[*need]);
            }
        }
        for (item, behind) in run.items.iter().zip(behind) {
            prop_assert_eq!(item.rank, behind + u64::from(expected_output(item.id.stage)));
        }

        // Documents: no path twice, and none replaced but by force.
        let mut paths = BTreeSet::new();
        for item in &run.items {
            let targets: Vec<&Target> = match &item.documents {
                Documents::Subplan(target) => vec![target],
                Documents::Executions(parts) => parts.iter().map(|(_, target)| target).collect(),
                Documents::ExecutionsToCome => vec![],
            };
            for Target { path, overwrites } in targets {
                prop_assert!(paths.insert(path.clone()), "{} twice", path);
                prop_assert_eq!(*overwrites, project.files.contains(path), "{}", path);
                prop_assert!(wish.force || !overwrites, "{}", path);
            }
        }

        prop_assert_eq!(&project.plan(&wish).unwrap(), &run, "the same again");
        if let Selection::Ids(ids) = &wish.selection {
            let again = ids.iter().rev().chain(ids).copied().collect();
            prop_assert_eq!(&project.plan(&Wish { selection: Selection::Ids(again), ..wish.clone() }).unwrap(), &run);
        }
    }
}
