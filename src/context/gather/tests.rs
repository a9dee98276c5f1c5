use super::*;

fn words_of(text: &str) -> usize {
    text.split_whitespace().count()
}

fn choice(mode: ContextMode, shared_tokens: usize, item_tokens: usize) -> ContextChoice {
    ContextChoice { mode, shared_tokens, item_tokens, include: Vec::new(), exclude: Vec::new() }
}

struct Case {
    files: Vec<(&'static str, String)>,
    choice: ContextChoice,
    plan: &'static str,
    deliverables: Vec<String>,
    text: &'static str,
    title: &'static str,
}

impl Case {
    fn new(files: &[(&'static str, &str)]) -> Self {
        Self {
            files: files.iter().map(|(path, text)| (*path, (*text).to_owned())).collect(),
            choice: choice(ContextMode::Auto, 400, 400),
            plan: "",
            deliverables: Vec::new(),
            text: "",
            title: "T",
        }
    }

    fn gather(&self) -> CodeContext {
        let files = self.files.iter().map(|(path, _)| (*path).to_owned());
        let listing = Listing { files: files.collect(), ..Listing::default() }.sorted();
        let id = AchievementId::parse("1.1").unwrap();
        let achieving = Achieving {
            id,
            title: self.title,
            deliverables: &self.deliverables,
            text: self.text.to_owned(),
            touches: &[],
        };
        let filter = Filter::new(&self.choice.include, &self.choice.exclude).unwrap();
        gather(&Gathering {
            choice: &self.choice,
            filter: &filter,
            root: String::from(".."),
            listing: &listing,
            plan: vec![self.plan],
            achievements: &[achieving],
            wanted: &BTreeSet::from([id]),
            read: &|path| {
                let bytes = self.files.iter().find(|(p, _)| *p == path).map(|(_, text)| text.clone().into_bytes());
                bytes.filter(|bytes| bytes.len() as u64 <= LARGEST_FILE)
            },
            count: &words_of,
        })
    }

    fn item(&self) -> Vec<(String, Form)> {
        let context = self.gather();
        context.item(AchievementId::parse("1.1").unwrap()).map(|file| (file.path.clone(), file.form)).collect()
    }
}

fn repository() -> Case {
    Case::new(&[
        ("Cargo.toml", "[package]\nname = \"x\"\n"),
        ("README.md", "# X\n\nIt does x.\n"),
        ("src/lib.rs", "pub mod feed;\n"),
        ("src/feed.rs", "pub fn load() {}\n"),
        ("src/feed_list.rs", "pub fn list() {}\n"),
        ("src/other.rs", "pub fn other() {}\n"),
        ("tests/feed.rs", "fn test() {}\n"),
        ("web/feed.ts", "function f() {\n}\n"),
    ])
}

#[test]
fn what_all_share_is_the_tree_the_manifest_the_readme_and_what_the_plan_names() {
    let case = Case { plan: "Built on `src/lib.rs`.", ..repository() };
    let shared = case.gather().shared;
    assert!(shared.tree.contains("src/\n  feed.rs\n"), "{}", shared.tree);
    let files: Vec<&str> = shared.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(files, ["Cargo.toml", "README.md", "src/lib.rs"]);
    assert_eq!(case.gather(), case.gather(), "the same for the same files");
}

#[test]
fn an_item_gets_what_it_names_the_tests_beside_and_the_neighbours() {
    let whole = |path: &str| (path.to_owned(), Form::Whole);
    let case = Case { deliverables: vec![String::from("`feed.rs` (changed)")], ..repository() };
    assert_eq!(case.item(), [whole("src/feed.rs"), whole("tests/feed.rs")], "both are called so");
    let case = Case { deliverables: vec![String::from("`src/feed.rs` reads feeds")], ..repository() };
    assert_eq!(
        case.item(),
        [
            whole("src/feed.rs"),
            whole("tests/feed.rs"),
            whole("src/lib.rs"),
            whole("src/feed_list.rs"),
            whole("src/other.rs")
        ]
    );
    let case = Case { text: "Makes `src/feed_item.rs` (new).", ..repository() };
    assert_eq!(case.item()[0], whole("src/lib.rs"));
    let case = Case { title: "Other things", ..repository() };
    assert_eq!(case.item(), [whole("src/other.rs")]);
}

#[test]
fn secrets_generated_and_binary_files_are_not_sent() {
    let key = format!("key = \"AKIA{}\"\n", "ABCDEFGH23456789");
    let mut case = repository();
    case.files.extend([
        ("src/keys.rs", key),
        ("src/made.rs", String::from("// @generated\nfn x() {}\n")),
        ("src/data.rs", String::from("a\0b")),
        ("src/huge.rs", "x ".repeat(200_000)),
        ("Cargo.lock", String::from("[[package]]\n")),
    ]);
    case.text = "`src/keys.rs` `src/made.rs` `src/data.rs` `src/huge.rs` `Cargo.lock`";
    case.title = "Keys";
    let context = case.gather();
    let text = serde_json::to_string(&context).unwrap();
    assert!(!text.contains("ABCDEFGH") && !text.contains("@generated") && !text.contains("[[package]]"), "{text}");
    assert_eq!(
        context.withheld,
        [WithheldFile { path: String::from("src/keys.rs"), why: String::from("an AWS access key (line 1)") }]
    );
}

#[test]
fn nothing_is_larger_than_its_budget() {
    let long = (0..400).map(|n| format!("fn f{n}() {{}}\n")).collect::<String>();
    let mut case = repository();
    case.files.extend([("src/a.rs", long.clone()), ("src/b.rs", long)]);
    case.plan = "`src/a.rs` `src/b.rs`";
    case.text = "`src/a.rs` `src/b.rs` `src/feed.rs`";
    for (shared, item) in [(0, 0), (10, 10), (60, 60), (300, 500), (4_000, 4_000)] {
        case.choice = choice(ContextMode::Auto, shared, item);
        assert!(case.gather().fits(&words_of), "{shared} {item}");
    }
}

#[test]
fn the_choice_narrows() {
    let mut case = repository();
    case.text = "`src/feed.rs` `web/feed.ts`";
    case.choice.exclude = vec![String::from("web/")];
    let context = case.gather();
    assert!(!context.shared.tree.contains("web") && case.item().iter().all(|(path, _)| !path.starts_with("web")));
    case.choice.include = vec![vec![String::from("src/")]];
    assert_eq!(case.gather().shared.paths, 5);
    case.choice.mode = ContextMode::Paths;
    let context = case.gather();
    assert!(context.shared.files.is_empty() && context.items.is_empty() && context.shared.paths == 5);
    case.choice.mode = ContextMode::None;
    assert_eq!(case.gather().shared, SharedContext::default());
}
