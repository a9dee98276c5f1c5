//! A `.planwave` that somebody else made and the user adopted all the same: whatever its records say, wherever its links lead and
//! whatever its backups hold, nothing but files that planwave writes is changed, and nothing becomes executable.

use std::{collections::BTreeMap, fs, path::Path};

use planwave::{
    history::{Digest, Kind, PlanPath, Timeline, Verb},
    plan::PlanName,
    store::{Begin, Cleaning, Events, LocalTape, OwnershipKey, PlanDir, Prepared, RunLock, Unfinished},
};

use super::{about, kind};
use crate::{drive::Target, mutate::Random};

const PLAN: &str = "# PLAN: Fuzz\n";
const SUBPLAN: &str = "# SUBPLAN\n";
const PARALLEL: &str = "{\"plan_name\":\"FUZZ\",\"achievements\":[{\"achievement_id\":\"1.1\"}]}\n";
const PACKAGE: &str = "{\"scripts\":{}}\n";

/// Files of the repository; the last two are planwave's to change.
const FILES: [(&str, &str); 9] = [
    ("PLAN_FUZZ.md", PLAN),
    ("README.md", "readme\n"),
    ("package.json", PACKAGE),
    (".git/config", "config\n"),
    (".git/hooks/update", "hook\n"),
    ("src/main.rs", "fn main() {}\n"),
    ("subplans/notes.md", "notes\n"),
    ("parallel.json", PARALLEL),
    ("subplans/SUBPLAN_FUZZ_11.md", SUBPLAN),
];

const FOREIGN: usize = FILES.len() - 2;

pub(super) const TARGET: Target = Target {
    name: "own_folder",
    more: &[],
    tokens: &[
        "\"path\":\"PLAN_FUZZ.md\"",
        "\"path\":\".git/hooks/update\"",
        "\"path\":\"package.json\"",
        "\"path\":\"subplans/SUBPLAN_FUZZ_11.md\"",
        "\"path\":\"subplans/../README.md\"",
        "\"mode\":3565",
        "\"kind\":\"command\"",
        "{\"undo\":18446744073709551615}",
        "{\"redo\":1}",
        "{\"ready\":1}\n",
        "\"before\":null",
        "\"after\":null",
        "created",
        "replaced",
        "removed",
    ],
    // Each is synced to the disk.
    cases: 60,
    check,
    read: |input| {
        check(input);
    },
    frame: ("", ""),
};

#[test]
fn own_folders() {
    TARGET.run();
}

fn check(record: &[u8]) -> u64 {
    let (place, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut random = Random::of(record);
    lay_out(place.path(), record, &mut random);
    let before = files(place.path());
    let key = OwnershipKey::new(Some(state.path().to_path_buf()));
    let dir = PlanDir::without_plan(place.path(), PlanName::parse("FUZZ").unwrap(), key).unwrap();
    assert!(dir.foreign().is_some());
    assert!(dir.operations().is_ok_and(|operations| operations.is_empty()), "nothing of it is used");
    let adopted = RunLock::of_any(&dir, "fuzz").is_ok_and(|lock| dir.adopt(&lock.unwrap()).is_ok());
    let done = use_all(&dir);
    compare(&before, &files(place.path()));
    kind((adopted, about(done)))
}

/// Takes back, finishes, reads and cleans up whatever there is; what is refused is refused. How much was done.
fn use_all(dir: &PlanDir) -> usize {
    let Ok(lock) = RunLock::take(dir, "fuzz") else { return 0 };
    let mut done = 0;
    let began = "2026-11-02T00:00:00Z".parse().unwrap();
    let mut later = Vec::new();
    let mut timeline = Timeline::default();
    for id in dir.operations().unwrap_or_default() {
        let _ = dir.events(&id);
        let Ok(record) = dir.record(&id) else { continue };
        let state = timeline.add(&record);
        let _ = Timeline::offers(Verb::Undo, &record, state);
        let _ = Events::new(dir, &|_, _| None).of(&record, None);
        if let Some(unfinished) = Unfinished::of(dir, record.clone()) {
            done += usize::from(unfinished.finish(dir, &lock).is_ok());
        }
        if let Ok(prepared) = Prepared::new(dir, &record, &later) {
            let kind = Kind::Undo(id.number());
            let begin = Begin { command: "undo", began, kind, model: None, replay: false };
            done += prepared.plan().steps.len() * usize::from(prepared.perform(dir, &lock, &begin).is_ok());
        }
        later.insert(0, record);
    }
    let _ = dir.old_charges();
    let _ = dir.last_good_copy();
    let _ = LocalTape::answers(dir);
    let _ = LocalTape::open(
        dir,
        "{\"tape\":1,\"origin\":\"recorded\",\"created\":\"2026-11-01T00:00:00Z\",\"planwave\":\"0\"}",
    );
    dir.remove_temporaries();
    if let Ok(cleaning) = Cleaning::plan(dir, jiff::Timestamp::MAX, 0) {
        let _ = cleaning.perform(dir, &lock, &|_, _| None);
    }
    done
}

fn lay_out(place: &Path, record: &[u8], random: &mut Random) {
    for (path, text) in FILES {
        let path = place.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let own = place.join(".planwave");
    let folder = own.join("runs/20261101T000000Z-1");
    fs::create_dir_all(&folder).unwrap();
    fs::create_dir_all(own.join("blobs")).unwrap();
    fs::write(folder.join("undo.jsonl"), record).unwrap();
    fs::write(folder.join("events.jsonl"), record).unwrap();
    fs::write(own.join("tape.jsonl"), record).unwrap();
    fs::write(own.join("bill.jsonl"), record).unwrap();
    for text in [PLAN, SUBPLAN, PARALLEL, PACKAGE, "theirs\n", "readme\n"] {
        let blob = own.join(format!("blobs/{}", Digest::of(text.as_bytes())));
        match random.below(6) {
            0 => fs::write(blob, "x".repeat(text.len())).unwrap(),
            1 => fs::hard_link(place.join("PLAN_FUZZ.md"), blob).unwrap(),
            2 => link("../../PLAN_FUZZ.md", &blob),
            _ => fs::write(blob, text).unwrap(),
        }
    }
    let number = *[u64::MAX, u64::MAX - 1, 2, 7].get(random.below(4)).unwrap();
    let other = own.join(format!("runs/20261101T000001Z-{number}"));
    fs::create_dir_all(&other).unwrap();
    let text = String::from_utf8_lossy(record).replace("20261101T000000Z-1", &format!("20261101T000001Z-{number}"));
    fs::write(other.join("undo.jsonl"), text).unwrap();
    let names = ["lock", "tape.jsonl", "tape.damaged.jsonl", "bill.jsonl", "runs", "blobs", ".gitignore", "owner"];
    for name in names {
        let at = own.join(name);
        match random.below(8) {
            0 => {
                let _ = fs::remove_file(&at).or_else(|_| fs::remove_dir_all(&at));
                link(random.pick(&["../PLAN_FUZZ.md", "../README.md", "../subplans", "../.git", "nothing"]), &at);
            }
            1 if !at.is_dir() => {
                let _ = fs::remove_file(&at);
                fs::hard_link(place.join("PLAN_FUZZ.md"), &at).unwrap();
            }
            _ => {}
        }
    }
    // What is restored may be a link, too.
    if random.below(6) == 0 {
        let document = place.join("subplans/SUBPLAN_FUZZ_11.md");
        fs::remove_file(&document).unwrap();
        link("../PLAN_FUZZ.md", &document);
    }
}

#[cfg(unix)]
fn link(target: &str, at: &Path) {
    std::os::unix::fs::symlink(target, at).unwrap();
}

#[cfg(not(unix))]
fn link(_: &str, _: &Path) {}

/// Every file outside of planwave's own folders, links not followed, with what it holds and whether it can be executed.
fn files(place: &Path) -> BTreeMap<String, (Vec<u8>, bool)> {
    let mut files = BTreeMap::new();
    let mut folders = vec![place.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            let name = path.strip_prefix(place).unwrap().to_string_lossy().replace('\\', "/");
            if name.starts_with(".planwave") {
                continue;
            }
            let file_type = entry.file_type().unwrap();
            if file_type.is_dir() {
                folders.push(path);
            } else if file_type.is_symlink() {
                files.insert(name, (fs::read_link(&path).unwrap().to_string_lossy().into_owned().into_bytes(), false));
            } else {
                files.insert(name, (fs::read(&path).unwrap(), is_executable(&path)));
            }
        }
    }
    files
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).unwrap().permissions().mode() & 0o7111 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &Path) -> bool {
    false
}

fn compare(before: &BTreeMap<String, (Vec<u8>, bool)>, after: &BTreeMap<String, (Vec<u8>, bool)>) {
    for (path, _) in &FILES[..FOREIGN] {
        assert_eq!(before.get(*path), after.get(*path), "{path} was changed");
    }
    for (path, (_, executable)) in after {
        let written = PlanPath::parse(path).is_some_and(|path| path.is_written());
        assert!(written || before.contains_key(path), "{path} is new");
        assert!(!executable, "{path} can be executed");
    }
}
