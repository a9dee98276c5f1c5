//! The code base around a plan: what of it is sent, kept, and held against answers.

use crate::support::{
    environment::TestEnv,
    server::{Asked, Reply, ScriptedServer, good},
    subplan_body,
};

const RUN: [&str; 6] = ["run", "plan", "--level", "1", "--stage", "subplan"];

/// A repository with a plan in `plan/`.
fn repository() -> TestEnv {
    let env = TestEnv::with_plan(&[vec![], vec![]]);
    env.write(".git/HEAD", "ref: refs/heads/main\n");
    env.write(".gitignore", "ignored.rs\n");
    env.write("Cargo.toml", "[package]\nname = \"parts\"\n");
    env.write("README.md", "# Parts\n\nAll parts of the machine.\n");
    env.write("src/lib.rs", "pub mod part;\n");
    env.write("src/part.rs", "pub fn whole_part(size: u8) {}\n");
    env.write("src/wheel.rs", "pub fn turn_wheel() {}\n");
    env.write("src/ignored.rs", "pub fn never_sent() {}\n");
    env.write(".env", "PASSWORD=never-sent-either\n");
    env.write("src/vault.rs", &format!("const ID: &str = \"AKIA{}\";\n", "QWERTYUP23456789"));
    let plan = env.read("plan/PLAN_TEST.md");
    let plan =
        plan.replace("Have part 1.1", "Have part 1.1, beside `src/part.rs`, `src/vault.rs` and `src/ignored.rs`");
    env.write("plan/PLAN_TEST.md", &plan);
    env
}

/// A text without its line breaks.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Everything that the n-th request said.
fn sent(server: &ScriptedServer, n: usize) -> String {
    server.bodies()[n]["messages"].to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn prompts_carry_the_code_and_nothing_that_is_not_to_be_sent() {
    let server = ScriptedServer::start(good).await;
    let env = repository().server(&server.base_url());
    let said = env.run(&[&RUN[..], &["--dry-run"]].concat());
    assert!(said.contains("repository: 8 paths, 5 files, "), "{said}");
    assert!(flat(&said).contains("; 1 file left out for a secret; `--verbose` lists them"), "{said}");
    let said = env.run(&[&RUN[..], &["--dry-run", "--verbose"]].concat());
    assert!(said.contains("src/wheel.rs  whole") && said.contains("1.1\n"), "{said}");
    assert!(said.contains("src/vault.rs stays here: it holds an AWS access key (line 1)"), "{said}");
    let json: serde_json::Value = serde_json::from_str(
        env.run(&[&RUN[..], &["--dry-run", "--json"]].concat())
            .split("\n-------")
            .next()
            .unwrap()
            .trim_end_matches("[exit 0]"),
    )
    .unwrap();
    assert_eq!((json["repository"]["root"].as_str(), json["repository"]["paths"].as_u64()), (Some(".."), Some(8)));

    let said = env.run(&[&RUN[..], &["--yes"]].concat());
    assert!(said.ends_with("[exit 0]"), "{said}");
    let all: Vec<String> = (0..2).map(|n| sent(&server, n)).collect();
    for text in &all {
        assert!(text.contains("All parts of the machine.") && text.contains("wheel.rs"), "{text}");
        for never in ["never_sent", "never-sent", "AKIA", ".env", "planwave/", "SUBPLAN_TEST_11.md"] {
            assert!(!text.contains(never), "{never} in {text}");
        }
    }
    assert_eq!(all.iter().filter(|text| text.contains("turn_wheel()")).count(), 1, "only beside what is named");

    let shown = env.run(&["show", "2", "1.1", "plan", "--context"]);
    assert!(shown.contains("=== src/part.rs (1 line; the whole file)\npub fn whole_part"), "{shown}");
    let shown = env.run(&["show", "2", "plan", "--context"]);
    assert!(shown.contains("Files that exist:\n"), "{shown}");

    let said = env.run(&[&RUN[..], &["--dry-run", "--no-context", "--force"]].concat());
    assert!(!said.contains("repository:"), "{said}");
    env.write("plan/planwave.toml", "[context]\nmode = \"paths\"\nexclude = [\"src/wheel.rs\"]\n");
    let said = env.run(&[&RUN[..], &["--dry-run", "--force"]].concat());
    assert!(said.contains("repository: 9 paths, 0 files, "), "{said}");
    env.write("plan/planwave.toml", "[context]\nroot = \"../..\"\n");
    let said = env.run(&[&RUN[..], &["--dry-run", "--force"]].concat());
    assert!(said.contains("outside of the plan's repository") && said.ends_with("[exit 2]"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_goes_on_sends_the_code_that_it_began_with() {
    let script = |asked: &Asked| {
        if asked.id == "1.2" && asked.before == 0 {
            return Reply::Status(401, String::from(r#"{"error":{"message":"no"}}"#));
        }
        good(asked)
    };
    let server = ScriptedServer::start(script).await;
    let env = repository().server(&server.base_url());
    let run = [&RUN[..], &["--yes", "--concurrency", "1"]].concat();
    assert!(env.run(&run).ends_with("[exit 4]"));
    let first = sent(&server, 1);
    env.write("src/new_file.rs", "pub fn brand_new() {}\n");
    env.write("README.md", "# Parts\n\nSomebody saved this.\n");
    let said = env.run(&[&run[..], &["--dry-run"]].concat());
    assert!(flat(&said).contains("as it was for run 2, which goes on"), "{said}");
    let said = env.run(&[&run[..], &["--dry-run", "--fresh-context"]].concat());
    assert!(!said.contains("as it was for"), "{said}");
    assert!(env.run(&run).ends_with("[exit 0]"));
    assert_eq!(sent(&server, 2), first, "in the same words");
    // All is done, so the next run looks again.
    let said = env.run(&[&run[..], &["--dry-run", "--force"]].concat());
    assert!(said.contains("repository: 9 paths") && !said.contains("as it was for"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_invents_paths_goes_back() {
    let script = |asked: &Asked| {
        let body = subplan_body(&asked.id, "Executions: 1");
        let invented = "Change `src/engine/wheel.rs`, `lib/motor.rs`, `app/gears.rs` and `src/part.rs`.";
        let real = "Change `src/wheel.rs` and `src/part.rs`; create `src/gears.rs`.";
        let paths = if asked.before == 0 { invented } else { real };
        Reply::Text(body.replace("## Approach\n\n", &format!("## Approach\n\n{paths}\n\n")))
    };
    let server = ScriptedServer::start(script).await;
    let env = repository().server(&server.base_url());
    let said = env.run(&["run", "plan", "--ids", "1.1", "--stage", "subplan", "--yes"]);
    assert!(said.ends_with("[exit 0]"), "{said}");
    assert_eq!(server.count(), 2);
    let again = sent(&server, 1);
    assert!(again.contains("4 of 6 paths do not exist") && again.contains("there is `src/wheel.rs`"), "{again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_of_a_level_that_write_one_file_are_named_after_it() {
    let script = |asked: &Asked| {
        let body = subplan_body(&asked.id, "Executions: 1");
        Reply::Text(body.replace("## Approach\n\n", "## Approach\n\nCreate `src/shared_part.rs`.\n\n"))
    };
    let server = ScriptedServer::start(script).await;
    let env = repository().server(&server.base_url());
    let said = env.run(&[&RUN[..], &["--yes"]].concat());
    let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        flat.contains("Clash the SUBPLANs of 1.1 and 1.2 create or change the same file, src/shared_part.rs"),
        "{said}"
    );
    assert!(said.contains("planwave run plan --ids 1.2 --force --fresh\n") && said.ends_with("[exit 0]"), "{said}");
    let said = env.run(&[&RUN[..], &["--yes", "--force", "--json"]].concat());
    assert!(said.contains("\"kind\": \"same_file\"") && said.contains("\"command\": \"planwave run plan"), "{said}");
}
