use std::fs;

use super::*;

fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    root
}

fn listing(root: &Path, plan: &str) -> Listing {
    Repository::around(&root.join(plan), None).unwrap().unwrap().list(None)
}

#[test]
fn what_git_ignores_keys_and_what_others_wrote_are_not_listed() {
    let root = tree(&[
        (".git/info/exclude", "/private.txt\n"),
        (".gitignore", "*.log\n!keep.log\n/out/\n"),
        (".env", "x"),
        ("a.log", "x"),
        ("keep.log", "x"),
        ("out/a.rs", "x"),
        ("private.txt", "x"),
        ("src/.gitignore", "gen/\n!b.log\n"),
        ("src/main.rs", "x"),
        ("src/b.log", "x"),
        ("src/gen/x.rs", "x"),
        ("src/server.pem", "x"),
        ("node_modules/p/index.js", "x"),
        ("inner/.git/HEAD", "x"),
        ("inner/a.rs", "x"),
        ("cache/CACHEDIR.TAG", "x"),
        ("docs/plan/PLAN_X.md", "x"),
        ("docs/plan/parallel.json", "{}"),
        ("docs/plan/subplans/SUBPLAN_X_11.md", "x"),
        ("docs/plan/.planwave/tape.jsonl", "x"),
        ("docs/notes.md", "x"),
    ]);
    let listing = listing(root.path(), "docs/plan");
    assert_eq!(
        listing.files,
        [".gitignore", "docs/notes.md", "keep.log", "src/.gitignore", "src/b.log", "src/main.rs"]
    );
    assert_eq!(
        listing.unnamed,
        [".env", "a.log", "docs/plan/PLAN_X.md", "docs/plan/parallel.json", "private.txt", "src/server.pem"]
    );
    assert_eq!(
        listing.closed,
        [".git", "cache", "docs/plan/.planwave", "docs/plan/subplans", "inner", "node_modules", "out", "src/gen"]
    );
    assert!(!listing.partial);
}

#[test]
fn the_users_own_excludes_count() {
    let root =
        tree(&[(".git/HEAD", "x"), ("a/b.swp", "x"), ("a/c.rs", "x"), ("excludes", "*.swp\n"), ("p/PLAN_X.md", "x")]);
    let repository = Repository::around(&root.path().join("p"), None).unwrap().unwrap();
    assert_eq!(repository.list(Some(&root.path().join("excludes"))).files, ["a/c.rs", "excludes"]);
    assert_eq!(repository.list(Some(&root.path().join("nothing"))).files, ["a/b.swp", "a/c.rs", "excludes"]);
    assert_eq!((repository.shown().as_str(), repository.read("a/c.rs")), ("..", Some(b"x".to_vec())));
}

#[test]
fn a_root_within_a_repository_still_knows_what_git_ignores() {
    let root = tree(&[
        (".git/HEAD", "x"),
        (".gitignore", "/app/secret/\n*.tmp\n"),
        ("app/secret/a.rs", "x"),
        ("app/a.tmp", "x"),
        ("app/a.rs", "x"),
    ]);
    let repository = Repository::at(&root.path().join("app"), root.path()).unwrap();
    assert_eq!(repository.list(None).files, ["a.rs"]);
    assert_eq!(repository.shown(), "app");
}

#[test]
fn without_git_or_for_a_whole_home_there_is_nothing() {
    let root = tree(&[("home/.git/HEAD", "x"), ("home/p/PLAN_X.md", "x"), ("loose/PLAN_X.md", "x")]);
    let home = root.path().join("home");
    assert!(Repository::around(&home.join("p"), Some(&home)).unwrap().is_none());
    assert!(Repository::around(&home.join("p"), None).unwrap().is_some());
    fs::write(home.join("package.json"), "{}").unwrap();
    assert!(Repository::around(&home.join("p"), Some(&home)).unwrap().is_some(), "a project");
    assert!(Repository::around(&root.path().join("loose"), None).unwrap().is_none());
    assert!(Repository::around(&root.path().join("nowhere"), None).is_err());
}

#[test]
fn what_is_too_much_is_said_and_large_files_are_not_read() {
    let root = tree(&[(".git/HEAD", "x"), ("a/1.rs", "x"), ("b/2.rs", "x"), ("c/3.rs", "x"), ("p/PLAN_X.md", "x")]);
    fs::File::create(root.path().join("huge.rs")).unwrap().set_len(1 << 30).unwrap();
    let mut repository = Repository::around(&root.path().join("p"), None).unwrap().unwrap();
    assert_eq!(repository.read("huge.rs"), None);
    assert_eq!(repository.read("a"), None);
    assert_eq!(repository.read("../outside"), None);
    repository.bounds.folders = 2;
    let listing = repository.list(None);
    assert_eq!((listing.partial, listing.files), (true, vec![String::from("a/1.rs"), String::from("huge.rs")]));
    repository.bounds = Bounds { files: 10, folders: 10, entries: 1 };
    assert_eq!(repository.list(None).closed, [""]);
    // Nobody can tell what a list that is too long ignores.
    fs::write(root.path().join("a/.gitignore"), "x\n".repeat(200_000)).unwrap();
    repository.bounds.entries = 100;
    assert!(repository.list(None).closed.contains(&String::from("a")));
}

#[cfg(unix)]
#[test]
fn links_and_odd_names_and_closed_folders_are_passed_over() {
    use std::os::unix::{
        ffi::OsStrExt as _,
        fs::{PermissionsExt as _, symlink},
    };
    let root = tree(&[(".git/HEAD", "x"), ("src/a.rs", "x"), ("shut/b.rs", "x"), ("p/PLAN_X.md", "x")]);
    let outside = tree(&[("secret.rs", "x")]);
    symlink(outside.path(), root.path().join("away")).unwrap();
    symlink(outside.path().join("secret.rs"), root.path().join("src/link.rs")).unwrap();
    symlink("/proc/self/environ", root.path().join("src/.gitignore")).unwrap();
    fs::write(root.path().join(std::ffi::OsStr::from_bytes(b"not\xffutf8.rs")), "x").unwrap();
    fs::write(root.path().join("two\nlines.rs"), "x").unwrap();
    fs::create_dir_all(root.path().join("src").join("d/".repeat(80))).unwrap();
    fs::set_permissions(root.path().join("shut"), fs::Permissions::from_mode(0o000)).unwrap();
    let repository = Repository::around(&root.path().join("p"), None).unwrap().unwrap();
    let listing = repository.list(None);
    fs::set_permissions(root.path().join("shut"), fs::Permissions::from_mode(0o755)).unwrap();
    // Whoever may read everything can look into it.
    assert!(listing.files.iter().all(|path| ["src/a.rs", "shut/b.rs"].contains(&path.as_str())), "{listing:?}");
    // A link in place of a .gitignore: nobody knows what it says.
    assert!(listing.closed.contains(&String::from("src")), "{listing:?}");
    assert!(listing.unnamed.contains(&String::from("away")));
    fs::remove_file(root.path().join("src/.gitignore")).unwrap();
    let listing = repository.list(None);
    assert!(
        listing.files.contains(&String::from("src/a.rs")) && listing.unnamed.contains(&String::from("src/link.rs"))
    );
    let deepest = format!("src/{}d", "d/".repeat(DEEPEST - 1));
    assert!(!listing.partial && listing.closed.contains(&deepest), "deeper than anybody nests");
    assert_eq!(repository.read("src/link.rs"), None);
    assert_eq!(repository.read("away/secret.rs"), None);
}
