//! Undo of records that planwave did not write, and links in its own folder.

use super::*;
use crate::{
    history::RunId,
    store::{LocalTape, OwnershipKey},
};

/// A record that planwave did not write, with these changes: path, bytes before, bytes after, permissions.
fn shipped(world: &World, number: u64, changes: &[(&str, Option<&str>, Option<&str>, u32)]) {
    let id = RunId::new(now(), number);
    let folder = world.dir.path().join(records::folder_of(&id));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::create_dir_all(world.dir.path().join(PlanDir::BLOBS)).unwrap();
    let began = now();
    let mut text = format!(
        "{{\"record\":1,\"id\":\"{id}\",\"command\":\"complete 1.1\",\"began\":\"{began}\",\"kind\":\"command\"}}\n"
    );
    for (path, before, after, mode) in changes {
        let digest = |bytes: &Option<&str>| bytes.map(|bytes| Digest::of(bytes.as_bytes()));
        let (before_hash, after_hash) = (digest(before), digest(after));
        if let (Some(hash), Some(bytes)) = (before_hash, before) {
            std::fs::write(world.dir.path().join(blobs::path_of(hash)), bytes).unwrap();
        }
        let change = serde_json::json!({
            "change": "replaced", "path": path, "before": before_hash, "after": after_hash, "mode": mode,
        });
        text.push_str(&format!("{change}\n"));
    }
    text.push_str(&format!("{{\"end\":\"{began}\"}}\n"));
    std::fs::write(folder.join(records::CHANGES), text).unwrap();
}

#[test]
fn a_record_takes_back_only_what_planwave_writes() {
    let plan = "# PLAN\n";
    for (path, before, after) in [
        (".git/hooks/pre-commit", Some("#!/bin/sh\n"), None),
        ("PLAN_T.md", Some("theirs"), Some(plan)),
        ("PLAN_T.md", None, Some(plan)),
        ("package.json", Some("{\"scripts\":{}}"), None),
        ("package.json", Some("{\"levels\":[]}"), Some("{}")),
        ("package.json", None, Some("{}")),
        ("src/parallel.json", Some("{}"), None),
        ("subplans/notes.md", None, Some("notes")),
    ] {
        let world = world();
        world.edit("PLAN_T.md", plan);
        world.edit("package.json", "{}");
        world.edit("subplans/notes.md", "notes");
        let files = world.files();
        shipped(&world, 1, &[(path, before, after, 0o6755)]);
        assert_eq!(world.take_back(Verb::Undo), Some(Err(vec![path.to_owned()])), "{path} {before:?}");
        assert_eq!(world.files(), files);
    }
}

#[cfg(unix)]
#[test]
fn what_comes_back_is_never_executable() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = world();
    shipped(&world, 1, &[("subplans/SUBPLAN_T_11.md", Some("text"), None, 0o6755)]);
    assert!(matches!(world.take_back(Verb::Undo), Some(Ok(_))));
    let mode = std::fs::metadata(world.dir.path().join("subplans/SUBPLAN_T_11.md")).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o644);
}

#[test]
fn a_number_that_nobody_gave_neither_goes_first_nor_is_the_last() {
    let world = world();
    world.operation(&[("subplans/SUBPLAN_T_a.md", Some("1"))]);
    shipped(&world, u64::MAX, &[("subplans/SUBPLAN_T_a.md", Some("theirs"), Some("1"), 0o644)]);
    shipped(&world, u64::MAX - 1, &[]);
    world.operation(&[("subplans/SUBPLAN_T_b.md", Some("2"))]);
    assert_eq!(world.take_back(Verb::Undo), Some(Ok(2)));
    assert_eq!(world.take_back(Verb::Undo), Some(Ok(1)));
    assert_eq!(world.files().keys().collect::<Vec<_>>(), ["PLAN_T.md"]);
}

#[test]
fn a_blob_with_other_bytes_is_no_backup() {
    for named_so in ["bad", "older"] {
        let world = world();
        world.edit("subplans/SUBPLAN_T_a.md", "old");
        let blob = world.dir.path().join(blobs::path_of(Digest::of(b"old")));
        std::fs::create_dir_all(blob.parent().unwrap()).unwrap();
        std::fs::write(&blob, named_so).unwrap();
        world.operation(&[("subplans/SUBPLAN_T_a.md", Some("new"))]);
        assert_eq!(std::fs::read(&blob).unwrap(), b"old");
        assert_eq!(world.take_back(Verb::Undo), Some(Ok(1)));
        assert_eq!(world.files()["subplans/SUBPLAN_T_a.md"], b"old");
    }
}

#[cfg(unix)]
#[test]
fn a_blob_that_is_a_link_is_no_backup_and_what_it_leads_to_stays() {
    let world = world();
    let blob = world.dir.path().join(blobs::path_of(Digest::of(b"old")));
    std::fs::create_dir_all(blob.parent().unwrap()).unwrap();
    for (number, after) in [(1, Some("new")), (2, None)] {
        world.edit("subplans/SUBPLAN_T_a.md", "old");
        world.edit("theirs", "old");
        let _ = std::fs::remove_file(&blob);
        if number == 1 {
            std::os::unix::fs::symlink("../../theirs", &blob).unwrap();
        } else {
            std::fs::hard_link(world.dir.path().join("theirs"), &blob).unwrap();
        }
        world.operation(&[("subplans/SUBPLAN_T_a.md", after)]);
        // In place, as an editor might.
        world.edit("theirs", "own");
        assert!(matches!(world.take_back(Verb::Undo), Some(Ok(_))));
        assert_eq!((&*world.files()["subplans/SUBPLAN_T_a.md"], &*world.files()["theirs"]), (&b"old"[..], &b"own"[..]));
    }
}

#[cfg(unix)]
#[test]
fn a_link_to_the_plan_is_not_followed_when_taking_back() {
    let world = world();
    std::fs::create_dir_all(world.dir.path().join("subplans")).unwrap();
    std::os::unix::fs::symlink("../PLAN_T.md", world.dir.path().join("subplans/SUBPLAN_T_a.md")).unwrap();
    let plan = String::from_utf8(world.files()["PLAN_T.md"].clone()).unwrap();
    shipped(&world, 1, &[("subplans/SUBPLAN_T_a.md", Some("theirs"), Some(&plan), 0o644)]);
    assert!(matches!(world.take_back(Verb::Undo), Some(Err(_))));
    assert_eq!(world.files()["PLAN_T.md"], plan.as_bytes());
}

/// Every file of planwave's own that is opened or changed, as a link to the PLAN.
#[cfg(unix)]
#[test]
fn no_link_is_followed_in_planwaves_own_folder() {
    use std::os::unix::fs::symlink;
    type Make = fn(&Path, &Path);
    let makers: [(&str, Make); 3] = [
        ("symbolic", |target, link| symlink(target, link).unwrap()),
        ("hard", |target, link| std::fs::hard_link(target, link).unwrap()),
        ("pipe", |_, link| {
            assert!(std::process::Command::new("mkfifo").arg(link).status().unwrap().success());
        }),
    ];
    for (kind, make) in makers {
        for name in ["lock", "tape.jsonl", "tape.damaged.jsonl", "bill.jsonl"] {
            let root = tempfile::tempdir().unwrap();
            let plan = root.path().join("PLAN_T.md");
            std::fs::write(&plan, "# PLAN\n").unwrap();
            std::fs::create_dir(root.path().join(".planwave")).unwrap();
            if name == "tape.damaged.jsonl" {
                std::fs::write(root.path().join(".planwave/tape.jsonl"), "{}\n{}\ndamaged\n").unwrap();
            }
            make(&plan, &root.path().join(".planwave").join(name));
            let dir = PlanDir::open_as(root.path(), OwnershipKey::credulous()).unwrap();
            let refused = match name {
                "lock" => RunLock::take(&dir, "test").map(drop).map_err(|error| error.to_string()),
                "bill.jsonl" => dir.old_charges().map(drop).map_err(|error| error.to_string()),
                _ => {
                    let _ = LocalTape::answers(&dir);
                    LocalTape::open(&dir, "{\"tape\":1}").map(drop).map_err(|error| error.to_string())
                }
            };
            // Reading by a second name does no harm.
            assert!(refused.is_err() || (kind, name) == ("hard", "bill.jsonl"), "{kind} {name}");
            assert_eq!(std::fs::read(&plan).unwrap(), b"# PLAN\n", "{kind} {name}");
        }
    }
    // Folders, the own one included.
    for folder in [".planwave", ".planwave/runs", ".planwave/blobs"] {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("PLAN_T.md"), "# PLAN\n").unwrap();
        std::fs::create_dir(root.path().join("theirs")).unwrap();
        let link = root.path().join(folder);
        std::fs::create_dir_all(link.parent().unwrap()).unwrap();
        symlink(root.path().join("theirs"), &link).unwrap();
        let dir = PlanDir::open_as(root.path(), OwnershipKey::credulous()).unwrap();
        let document = "subplans/SUBPLAN_T_a.md";
        dir.write(document, b"old", Existing::Keep).unwrap();
        let made = RunLock::take(&dir, "test").ok().map(|lock| {
            let operation = Operation::begin(&dir, &lock, "test", now()).unwrap();
            operation.write(document, b"new", Existing::Replace)
        });
        assert!(made.is_none_or(|made| made.is_err()), "{folder}");
        assert_eq!(dir.read(document).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(root.path().join("theirs")).unwrap().count(), 0, "{folder}");
    }
}
