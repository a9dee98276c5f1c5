//! Undo against an oracle, with crashes at every boundary, and what gc must leave.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::{
    history::{KEPT_OPERATIONS, Kind, State, Timeline, Verb},
    store::{Cleaning, Operation},
};

#[path = "undo_hostile_tests.rs"]
mod hostile;

type Files = BTreeMap<String, Vec<u8>>;

/// A plan directory in which things are done.
struct World {
    _root: TempDir,
    dir: PlanDir,
    lock: RunLock,
}

fn world() -> World {
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("PLAN_T.md"), "# PLAN").unwrap();
    let dir = PlanDir::open(root.path()).unwrap();
    let lock = RunLock::take(&dir, "test").unwrap();
    World { _root: root, dir, lock }
}

fn now() -> Timestamp {
    "2026-10-12T15:49:22Z".parse().unwrap()
}

impl World {
    /// Every file of the plan that is not planwave's own.
    fn files(&self) -> Files {
        let mut files = Files::new();
        let top = self.dir.path();
        let mut folders = vec![top.to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    if !path.ends_with(".planwave") {
                        folders.push(path);
                    }
                } else {
                    let name = path.strip_prefix(top).unwrap().to_string_lossy().replace('\\', "/");
                    files.insert(name, std::fs::read(&path).unwrap());
                }
            }
        }
        files
    }

    fn edit(&self, path: &str, bytes: &str) {
        let path = self.dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    fn operation(&self, changes: &[(&str, Option<&str>)]) {
        let operation = Operation::begin(&self.dir, &self.lock, "test", now()).unwrap();
        for (path, bytes) in changes {
            match bytes {
                Some(bytes) => operation.write(path, bytes.as_bytes(), Existing::Replace).unwrap(),
                None => operation.remove(path).unwrap(),
            }
        }
        operation.finish().unwrap();
    }

    /// The records, newest first, and what has become of each.
    fn history(&self) -> Vec<(Record, State)> {
        let mut timeline = Timeline::default();
        let records = self.dir.operations().unwrap().into_iter().map(|id| self.dir.record(&id).unwrap());
        records.map(|record| (record.clone(), timeline.add(&record))).collect()
    }

    fn prepare(&self, number: u64) -> Prepared {
        let records: Vec<Record> = self.history().into_iter().map(|(record, _)| record).collect();
        let place = records.iter().position(|record| record.id.number() == number).unwrap();
        Prepared::new(&self.dir, &records[place], &records[..place]).unwrap()
    }

    fn begin(kind: Kind) -> Begin<'static> {
        Begin { command: "undo", began: now(), kind, model: None, replay: false }
    }

    /// Takes back what the verb means without a number; `None` where there is nothing, the refused files as an error.
    fn take_back(&self, verb: Verb) -> Option<Result<u64, Vec<String>>> {
        let history = self.history();
        let (record, _) = history.iter().find(|(record, state)| Timeline::offers(verb, record, *state))?;
        let number = record.id.number();
        let prepared = self.prepare(number);
        let refused = &prepared.plan().untouchable;
        if !refused.is_empty() {
            return Some(Err(refused.iter().map(|file| file.path.to_string()).collect()));
        }
        prepared.perform(&self.dir, &self.lock, &Self::begin(verb.kind(number))).unwrap();
        Some(Ok(number))
    }
}

/// Takes the last operation back while a person does something before a step.
fn take_back_beside(world: &World, number: u64, at: &str, act: &dyn Fn()) -> Performed {
    let prepared = world.prepare(number);
    let begin = World::begin(Kind::Undo(number));
    let acted = std::cell::Cell::new(false);
    let mut observe = |path: &str| {
        if path == at && !acted.replace(true) {
            act();
        }
        Ok(())
    };
    prepared.perform_observed(&world.dir, &world.lock, &begin, &mut observe).unwrap()
}

#[test]
fn what_is_saved_while_undo_works_stays_and_is_named() {
    for (at, path) in [
        ("subplans/SUBPLAN_T_11.md", "subplans/SUBPLAN_T_11.md"),
        ("subplans/SUBPLAN_T_12.md", "subplans/SUBPLAN_T_12.md"),
        ("execution/EXECUTION_TASK_T_11_01.md", "execution/EXECUTION_TASK_T_11_01.md"),
        // Before it comes to any of them.
        ("ready", "subplans/SUBPLAN_T_11.md"),
        ("ready", "subplans/SUBPLAN_T_12.md"),
        ("ready", "execution/EXECUTION_TASK_T_11_01.md"),
    ] {
        let world = world();
        world.edit("subplans/SUBPLAN_T_12.md", "old");
        world.edit("execution/EXECUTION_TASK_T_11_01.md", "gone");
        world.operation(&[
            ("subplans/SUBPLAN_T_11.md", Some("new")),
            ("subplans/SUBPLAN_T_12.md", Some("newer")),
            ("execution/EXECUTION_TASK_T_11_01.md", None),
        ]);
        let done = take_back_beside(&world, 1, at, &|| world.edit(path, "by a person"));
        assert_eq!(done.left, [PlanPath::parse(path).unwrap()], "{at} {path}");
        let mut expected: Files = [
            ("subplans/SUBPLAN_T_12.md", "old"),
            ("execution/EXECUTION_TASK_T_11_01.md", "gone"),
            ("PLAN_T.md", "# PLAN"),
        ]
        .map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec()))
        .into();
        expected.insert(path.to_owned(), b"by a person".to_vec());
        assert_eq!(world.files(), expected, "{at} {path}");
        // What comes later knows that it is nobody's but theirs.
        let again = world.prepare(2);
        let [redo] = &again.plan().untouchable[..] else { panic!("{at} {path}") };
        assert_eq!(redo.path.as_str(), path);
    }
}

const FILE: &str = r#"{"plan": "T", "achievements": [
  {"achievement_id": "1.1", "title": "A", "dependencies": [], "status": "not_started"},
  {"achievement_id": "1.2", "title": "B", "dependencies": [], "status": "not_started"}
]}"#;

#[test]
fn what_is_saved_in_parallel_json_while_undo_works_is_merged() {
    let world = world();
    let (complete, noted) = (FILE.replacen("not_started", "complete", 1), "\"A\", \"x\": 1");
    world.edit("parallel.json", FILE);
    world.operation(&[("parallel.json", Some(&complete))]);
    let edit = || world.edit("parallel.json", &complete.replace("\"A\"", noted));
    let done = take_back_beside(&world, 1, "parallel.json", &edit);
    assert_eq!(done.left, []);
    assert_eq!(world.files()["parallel.json"], FILE.replace("\"A\"", noted).as_bytes());
    // A redo brings back the status, and nothing else.
    assert!(matches!(world.take_back(Verb::Redo), Some(Ok(_))));
    assert_eq!(world.files()["parallel.json"], complete.replace("\"A\"", noted).as_bytes());
    // The same field, changed by both, stays theirs.
    let edit = || world.edit("parallel.json", &complete.replace("complete", "skipped"));
    world.edit("parallel.json", FILE);
    world.operation(&[("parallel.json", Some(&complete))]);
    let done = take_back_beside(&world, 4, "parallel.json", &edit);
    assert_eq!(done.left, [PlanPath::parse("parallel.json").unwrap()]);
    assert_eq!(world.files()["parallel.json"], complete.replace("complete", "skipped").as_bytes());
}

#[test]
fn an_operation_beside_which_somebody_changed_parallel_json_takes_back_its_own() {
    let world = world();
    world.edit("parallel.json", FILE);
    let change = |id: &str, status| {
        let change = crate::parallel::Change { status: Some(status), ..Default::default() };
        [(crate::plan::AchievementId::parse(id).unwrap(), change)].into()
    };
    let operation = Operation::begin(&world.dir, &world.lock, "test", now()).unwrap();
    operation.change_parallel(&change("1.1", crate::parallel::Status::Failed), "2026-01-01T00:00:00Z").unwrap();
    let between = String::from_utf8(world.files()["parallel.json"].clone()).unwrap().replace("\"B\"", "\"Better\"");
    world.edit("parallel.json", &between);
    operation.change_parallel(&change("1.2", crate::parallel::Status::Failed), "2026-01-01T00:00:00Z").unwrap();
    operation.finish().unwrap();
    assert!(matches!(world.take_back(Verb::Undo), Some(Ok(_))));
    let left = String::from_utf8(world.files()["parallel.json"].clone()).unwrap();
    assert_eq!(left.matches("not_started").count(), 2, "{left}");
    assert!(left.contains("Better"), "{left}");
}

#[cfg(unix)]
#[test]
fn an_undo_that_was_interrupted_restores_permissions_when_it_is_finished() {
    use std::os::unix::fs::PermissionsExt as _;
    // Interrupted before, between and after the files; what is made until then has its permissions, too.
    for at in ["execution/EXECUTION_TASK_T_11_01.md", "execution/EXECUTION_TASK_T_12_01.md", "end"] {
        let world = world();
        let path = |name: &str| world.dir.path().join("execution").join(name);
        for (name, mode) in [("EXECUTION_TASK_T_11_01.md", 0o600), ("EXECUTION_TASK_T_12_01.md", 0o640)] {
            world.edit(&format!("execution/{name}"), name);
            std::fs::set_permissions(path(name), std::fs::Permissions::from_mode(mode)).unwrap();
        }
        world
            .operation(&[("execution/EXECUTION_TASK_T_11_01.md", None), ("execution/EXECUTION_TASK_T_12_01.md", None)]);
        let prepared = world.prepare(1);
        let stop = |path: &str| if path == at { Err(WriteError::Changed { path: path.into() }) } else { Ok(()) };
        let begin = World::begin(Kind::Undo(1));
        prepared.perform_observed(&world.dir, &world.lock, &begin, &mut { stop }).unwrap_err();
        let (record, _) = world.history().remove(0);
        let unfinished = Unfinished::of(&world.dir, record).unwrap();
        assert_eq!(unfinished.finish(&world.dir, &world.lock).unwrap(), []);
        for (name, mode) in [("EXECUTION_TASK_T_11_01.md", 0o600), ("EXECUTION_TASK_T_12_01.md", 0o640)] {
            let now = std::fs::metadata(path(name)).unwrap().permissions().mode() & 0o7777;
            assert_eq!(now, mode, "{name}, interrupted at {at}");
        }
    }
}

#[test]
fn documents_come_and_go_and_come_back() {
    let world = world();
    world.edit("subplans/SUBPLAN_T_old.md", "old\r\n");
    world.edit("execution/EXECUTION_TASK_T_gone.md", "\u{feff}gone");
    let before = world.files();
    world.operation(&[
        ("subplans/SUBPLAN_T_new.md", Some("new")),
        ("subplans/SUBPLAN_T_old.md", Some("newer")),
        ("execution/EXECUTION_TASK_T_gone.md", None),
        ("subplans/SUBPLAN_T_old.md", Some("newest")),
        ("parallel.json", Some("{}")),
    ]);
    let after = world.files();
    assert_ne!(before, after);
    for _ in 0..2 {
        assert!(matches!(world.take_back(Verb::Undo), Some(Ok(_))));
        assert_eq!(world.files(), before);
        assert!(matches!(world.take_back(Verb::Redo), Some(Ok(_))));
        assert_eq!(world.files(), after);
    }
    assert!(matches!(world.take_back(Verb::Undo), Some(Ok(_))));
    assert_eq!(world.take_back(Verb::Undo), None);
}

#[test]
fn an_operation_that_changes_nothing_leaves_no_record() {
    let world = world();
    world.edit("subplans/SUBPLAN_T_a.md", "same");
    world.operation(&[("subplans/SUBPLAN_T_a.md", Some("same")), ("subplans/SUBPLAN_T_nowhere.md", None)]);
    assert!(world.files().len() == 2 && world.history().len() <= 1);
    let operation = Operation::begin(&world.dir, &world.lock, "test", now()).unwrap();
    let refused = operation.write("subplans/SUBPLAN_T_a.md", b"other", Existing::Keep).unwrap_err();
    assert!(matches!(refused, WriteError::Exists { .. }));
    operation.finish().unwrap();
    assert_eq!(world.take_back(Verb::Undo), None);
}

#[test]
fn what_was_edited_since_stays_and_is_named() {
    let world = world();
    world.operation(&[("subplans/SUBPLAN_T_a.md", Some("a")), ("subplans/SUBPLAN_T_b.md", Some("b"))]);
    world.edit("subplans/SUBPLAN_T_a.md", "mine");
    let edited = world.files();
    assert_eq!(world.take_back(Verb::Undo), Some(Err(vec![String::from("subplans/SUBPLAN_T_a.md")])));
    assert_eq!(world.files(), edited);
    // Left out, the rest is taken back.
    world.prepare(1).perform(&world.dir, &world.lock, &World::begin(Kind::Undo(1))).unwrap();
    assert_eq!(world.files().keys().collect::<Vec<_>>(), ["PLAN_T.md", "subplans/SUBPLAN_T_a.md"]);
}

#[test]
fn an_older_operation_can_be_taken_back_where_no_later_one_touched_its_files() {
    let world = world();
    world.operation(&[("subplans/SUBPLAN_T_a.md", Some("1"))]);
    world.operation(&[("subplans/SUBPLAN_T_b.md", Some("1"))]);
    world.operation(&[("subplans/SUBPLAN_T_a.md", Some("2"))]);
    let refused = world.prepare(1);
    assert_eq!(refused.plan().untouchable[0].reason, "was changed since by 3 (test)");
    let free = world.prepare(2);
    assert!(free.plan().untouchable.is_empty());
    free.perform(&world.dir, &world.lock, &World::begin(Kind::Undo(2))).unwrap();
    assert!(!world.files().contains_key("subplans/SUBPLAN_T_b.md"));
}

const STARTED: &str = r#"{"levels": [{"level": 1, "achievements": [
  {"id": "1.1", "title": "A", "status": "not_started", "dependencies": []},
  {"id": "1.2", "title": "B", "status": "not_started", "dependencies": []}]}]}"#;

#[test]
fn a_parallel_json_that_others_changed_is_taken_back_in_part() {
    let world = world();
    world.edit("parallel.json", STARTED);
    let done = |text: &str, id: &str| {
        let from = text.find(id).unwrap();
        let at = from + text[from..].find("not_started").unwrap();
        format!("{}complete{}", &text[..at], &text[at + "not_started".len()..])
    };
    let first = done(STARTED, "1.1");
    world.operation(&[("parallel.json", Some(&first)), ("execution/feedbacks/APPROVED_11.md", Some("ok"))]);
    world.operation(&[("parallel.json", Some(&done(&first, "1.2")))]);
    let before = world.files();
    world.prepare(1).perform(&world.dir, &world.lock, &World::begin(Kind::Undo(1))).unwrap();
    assert_eq!(world.files()["parallel.json"], done(STARTED, "1.2").as_bytes());
    assert!(!world.files().contains_key("execution/feedbacks/APPROVED_11.md"));
    assert_eq!(world.take_back(Verb::Redo), Some(Ok(3)));
    assert_eq!(world.files(), before);

    world.edit("parallel.json", &first.replace("complete", "failed"));
    let refused = world.prepare(1);
    assert_eq!(
        refused.plan().untouchable[0].reason,
        "was changed since and cannot be taken back in part: changed again since: `status` of 1.1"
    );
}

#[test]
fn damaged_bytes_are_never_restored() {
    let world = world();
    world.edit("subplans/SUBPLAN_T_a.md", "old");
    world.operation(&[("subplans/SUBPLAN_T_a.md", Some("new"))]);
    let blob = world.dir.path().join(blobs::path_of(Digest::of(b"old")));
    std::fs::write(&blob, "bad").unwrap();
    let refused = world.prepare(1);
    assert!(refused.plan().untouchable[0].reason.contains("missing or damaged"), "{refused:?}");
    std::fs::remove_file(&blob).unwrap();
    assert_eq!(world.take_back(Verb::Undo), Some(Err(vec![String::from("subplans/SUBPLAN_T_a.md")])));
    assert_eq!(world.files()["subplans/SUBPLAN_T_a.md"], b"new");
}

#[cfg(unix)]
#[test]
fn permissions_come_back() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = world();
    let path = |name: &str| world.dir.path().join(name);
    for (name, mode) in [("subplans/SUBPLAN_T_kept.md", 0o640), ("subplans/SUBPLAN_T_gone.md", 0o444)] {
        world.edit(name, name);
        std::fs::set_permissions(path(name), std::fs::Permissions::from_mode(mode)).unwrap();
    }
    world.operation(&[("subplans/SUBPLAN_T_kept.md", Some("other")), ("subplans/SUBPLAN_T_gone.md", None)]);
    assert!(matches!(world.take_back(Verb::Undo), Some(Ok(_))));
    for (name, mode) in [("subplans/SUBPLAN_T_kept.md", 0o640), ("subplans/SUBPLAN_T_gone.md", 0o444)] {
        assert_eq!(std::fs::metadata(path(name)).unwrap().permissions().mode() & 0o777, mode, "{name}");
    }
}

/// The changes of an operation that is interrupted: `made` of them are made, and one more is announced.
fn interrupted(world: &World, changes: &[(&str, Option<&str>)], made: usize) {
    let journal = Journal::begin(&world.dir, &world.lock, &World::begin(Kind::Run)).unwrap();
    for (index, (path, bytes)) in changes.iter().take(made + 1).enumerate() {
        let after = bytes.map(|bytes| Digest::of(bytes.as_bytes()));
        journal.intend(&world.dir, &[Intent { path, after, existing: Existing::Replace }]).unwrap();
        match bytes {
            _ if index == made => {}
            Some(bytes) => world.dir.write(path, bytes.as_bytes(), Existing::Replace).unwrap(),
            None => world.dir.remove(path).unwrap(),
        }
    }
}

const CHANGES: [(&str, Option<&str>); 6] = [
    ("subplans/SUBPLAN_T_a.md", Some("a")),
    ("parallel.json", Some("{\"1\":1}")),
    ("subplans/SUBPLAN_T_old.md", Some("new")),
    ("subplans/SUBPLAN_T_gone.md", None),
    ("parallel.json", Some("{\"2\":2}")),
    ("subplans/SUBPLAN_T_b.md", Some("b")),
];

fn with_old_files() -> World {
    let world = world();
    for name in ["subplans/SUBPLAN_T_old.md", "subplans/SUBPLAN_T_gone.md", "parallel.json"] {
        world.edit(name, "{}");
    }
    world
}

#[test]
fn an_operation_that_was_interrupted_anywhere_can_be_taken_back() {
    for made in 0..=CHANGES.len() {
        let world = with_old_files();
        let before = world.files();
        interrupted(&world, &CHANGES, made);
        assert_eq!(world.take_back(Verb::Undo), Some(Ok(1)), "{made}");
        assert_eq!(world.files(), before, "{made}");
    }
}

#[test]
fn an_undo_that_was_interrupted_anywhere_can_be_finished() {
    let mut boundaries = 0;
    for failing in 0.. {
        let world = with_old_files();
        let before = world.files();
        world.operation(&CHANGES);
        let after = world.files();
        let mut step = 0;
        let result =
            world.prepare(1).perform_observed(&world.dir, &world.lock, &World::begin(Kind::Undo(1)), &mut |_| {
                step += 1;
                let refused = io::Error::from(io::ErrorKind::StorageFull);
                if step == failing + 1 { Err(WriteError::Io { path: "x".into(), source: refused }) } else { Ok(()) }
            });
        if result.is_ok() {
            break;
        }
        boundaries += 1;
        let (newest, _) = world.history().remove(0);
        match Unfinished::of(&world.dir, newest) {
            Some(unfinished) => {
                assert!(unfinished.untouchable.is_empty());
                unfinished.finish(&world.dir, &world.lock).unwrap();
            }
            // Nothing was changed yet: it begins anew.
            None => assert_eq!(world.take_back(Verb::Undo), Some(Ok(1))),
        }
        assert_eq!(world.files(), before, "{failing}");
        assert!(matches!(world.take_back(Verb::Redo), Some(Ok(_))), "{failing}");
        assert_eq!(world.files(), after, "{failing}");
    }
    assert!(boundaries >= 9, "{boundaries}");
}

#[test]
fn records_that_are_damaged_are_named() {
    let world = world();
    world.operation(&[("subplans/SUBPLAN_T_a.md", Some("1"))]);
    world.operation(&[("subplans/SUBPLAN_T_a.md", Some("2"))]);
    let ids = world.dir.operations().unwrap();
    let path = world.dir.path().join(records::folder_of(&ids[0])).join(records::CHANGES);
    std::fs::write(&path, [0xff, b'\n', 0xfe]).unwrap();
    let error = world.dir.record(&ids[0]).unwrap_err().to_string();
    assert!(error.ends_with("undo.jsonl: line 1 is not the header of a record"), "{error}");
    assert!(world.dir.record(&ids[1]).is_ok());
    let cleaning = Cleaning::plan(&world.dir, now(), 0).unwrap();
    assert_eq!(cleaning.unreadable.len(), 1);
    // The next operation gets a number of its own.
    world.operation(&[("subplans/SUBPLAN_T_a.md", Some("3"))]);
    assert_eq!(world.dir.operations().unwrap()[0].number(), 3);
}

#[test]
fn the_bill_outlives_the_record() {
    let world = world();
    let begin = Begin { model: Some("m"), ..World::begin(Kind::Run) };
    let run = Journal::begin(&world.dir, &world.lock, &begin).unwrap();
    let line = r#"{"event":"exchange","call":{"achievement":"1.1"},"at":"2026-10-12T15:49:23Z","status":200,"sent":true,"usage":{"input":10,"cached":0,"output":5,"reasoning":0},"cost":0.5}"#;
    io::Write::write_all(&mut run.events(&world.dir).unwrap(), format!("{line}\n").as_bytes()).unwrap();
    run.finish(&world.dir, now(), None).unwrap();
    for number in 0..KEPT_OPERATIONS {
        world.operation(&[("subplans/SUBPLAN_T_a.md", Some(&number.to_string()))]);
    }
    for _ in 0..2 {
        Cleaning::plan(&world.dir, Timestamp::MAX, 0).unwrap().perform(&world.dir, &world.lock, &|_, _| None).unwrap();
        assert_eq!(world.dir.operations().unwrap().len(), KEPT_OPERATIONS);
        let (charges, damaged) = world.dir.old_charges().unwrap();
        let sums: Vec<_> =
            charges.iter().map(|charge| (charge.model.as_str(), charge.sum.calls, charge.sum.cost)).collect();
        assert_eq!((sums, damaged), (vec![("m", 1, 0.5)], 0));
    }
    for _ in 0..KEPT_OPERATIONS {
        assert!(matches!(world.take_back(Verb::Undo), Some(Ok(_))));
    }
    assert!(!world.files().contains_key("subplans/SUBPLAN_T_a.md"));
}

#[derive(Clone, Debug)]
enum Deed {
    Operate(Vec<(usize, Option<u8>)>),
    Edit(usize, u8),
    Undo,
    Redo,
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let change = (0_usize..4, prop::option::weighted(0.75, 0_u8..4));
    let deed = prop_oneof![
        4 => prop::collection::vec(change, 1..5).prop_map(Deed::Operate),
        1 => (0_usize..4, 0_u8..4).prop_map(|(file, byte)| Deed::Edit(file, byte)),
        3 => Just(Deed::Undo),
        2 => Just(Deed::Redo),
    ];
    prop::collection::vec(deed, 1..14)
}

/// What each file was before an operation, and then after each of its changes.
type Effect = BTreeMap<String, Vec<Option<Vec<u8>>>>;

/// An operation of the oracle.
#[derive(Clone)]
struct Done {
    effect: Effect,
    takes_back: Option<usize>,
    taken_back: bool,
}

/// The oracle: operations as states of files, without hashes, records or blobs.
#[derive(Default)]
struct Model {
    files: Files,
    done: Vec<Done>,
}

impl Model {
    fn set(&mut self, name: &str, bytes: Option<Vec<u8>>) {
        match bytes {
            Some(bytes) => drop(self.files.insert(name.to_owned(), bytes)),
            None => drop(self.files.remove(name)),
        }
    }

    fn now(&self, name: &str) -> Option<Vec<u8>> {
        self.files.get(name).cloned()
    }

    fn operate(&mut self, changes: &[(String, Option<Vec<u8>>)], takes_back: Option<usize>) {
        let mut effect = Effect::new();
        for (name, bytes) in changes {
            let now = self.now(name);
            if now != *bytes {
                effect.entry(name.clone()).or_insert_with(|| vec![now]).push(bytes.clone());
                self.set(name, bytes.clone());
            }
        }
        if !effect.is_empty() || takes_back.is_some() {
            self.done.push(Done { effect, takes_back, taken_back: false });
        }
    }

    /// Whether it did anything: `None` where there is nothing to take back, `Some(false)` where it is refused.
    fn take_back(&mut self, verb: Verb) -> Option<bool> {
        let fits = |done: &Done| {
            let is = match done.takes_back {
                None => Verb::Undo,
                Some(target) if self.done[target].takes_back.is_none() => Verb::Redo,
                Some(_) => return false,
            };
            is == verb && !done.taken_back && !done.effect.is_empty()
        };
        let target = self.done.iter().rposition(fits)?;
        let mut changes = Vec::new();
        for (name, states) in &self.done[target].effect {
            let (before, now) = (&states[0], self.now(name));
            if now == *before || (states.last() == Some(before) && !states.contains(&now)) {
                continue;
            }
            if !states.contains(&now) {
                return Some(false);
            }
            changes.push((name.clone(), before.clone()));
        }
        self.operate(&changes, Some(target));
        self.done[target].taken_back = true;
        if let Some(undone) = self.done[target].takes_back {
            self.done[undone].taken_back = false;
        }
        Some(true)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Bytes are what the oracle says after any sequence of operations, edits, undos, redos and clean-ups.
    #[test]
    fn any_sequence_is_as_the_oracle_says(deeds in deeds(), clean: bool) {
        const NAMES: [&str; 4] = ["subplans/SUBPLAN_T_a.md", "subplans/SUBPLAN_T_b.md", "execution/feedbacks/FIX_c.md", "execution/SKIPPED_d.md"];
        let world = world();
        let mut model = Model { files: world.files(), ..Model::default() };
        for deed in &deeds {
            match deed {
                Deed::Operate(changes) => {
                    let changes: Vec<(String, Option<Vec<u8>>)> = changes
                        .iter()
                        .map(|(file, byte)| (NAMES[*file].to_owned(), byte.map(|byte| format!("content {byte}").into_bytes())))
                        .collect();
                    let operation = Operation::begin(&world.dir, &world.lock, "test", now()).unwrap();
                    for (name, bytes) in &changes {
                        match bytes {
                            Some(bytes) => operation.write(name, bytes, Existing::Replace).unwrap(),
                            None => operation.remove(name).unwrap(),
                        }
                    }
                    operation.finish().unwrap();
                    model.operate(&changes, None);
                }
                Deed::Edit(file, byte) => {
                    world.edit(NAMES[*file], &format!("content {byte}"));
                    model.files = world.files();
                }
                Deed::Undo | Deed::Redo => {
                    let verb = if matches!(deed, Deed::Undo) { Verb::Undo } else { Verb::Redo };
                    let expected = model.take_back(verb);
                    prop_assert_eq!(world.take_back(verb).map(|result| result.is_ok()), expected);
                }
            }
            prop_assert_eq!(world.files(), model.files.clone());
            if clean {
                Cleaning::plan(&world.dir, Timestamp::MAX, 0).unwrap().perform(&world.dir, &world.lock, &|_, _| None).unwrap();
            }
        }
    }
}
