//! How good the documents of a real model are: `cargo bench --bench quality -- --plan examples/parcel-tracker …`.
//!
//! By hand only, against a server that you name by the usual settings (`OPENAI_BASE_URL`, `PLANWAVE_MODEL_NAME` and so on). It
//! copies the plan, generates the items asked for, and prints for each: answers asked for, what the checks found, the share
//! of its words that stand in the PLAN, words, paths that exist, tokens and seconds. `--compare A B` sets two results side by side.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that prints a table and stops at the first surprise"
)]

use std::{
    collections::{BTreeMap, HashSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use planwave::event::{CallId, Event, read_journal};
use serde::{Deserialize, Serialize};

/// Words in a row that count as copied.
const RUN: usize = 6;

const USAGE: &str = "usage: cargo bench --bench quality -- --plan DIR [--plan DIR …] [--ids 1.1,1.2] \
[--stage subplan|execution|both] [--out DIR] [--prompts DIR]\n       cargo bench --bench quality -- --compare OLD.json NEW.json";

/// What became of one document.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Row {
    plan: String,
    call: String,
    /// Answers asked for.
    attempts: u32,
    /// Whether a document was written in the end.
    accepted: bool,
    /// How often each code rejected an answer.
    findings: BTreeMap<String, u32>,
    /// Percent of the document's words that stand in runs of six or more of the PLAN.
    copied: u32,
    words: usize,
    /// Paths in code spans: those that exist in the plan's repository, or that the PLAN names, of all.
    paths_known: usize,
    paths: usize,
    tokens: u64,
    seconds: f64,
    path: Option<String>,
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench").peekable();
    let (mut plans, mut out, mut pass, mut compare) = (Vec::new(), PathBuf::from("target/quality"), Vec::new(), None);
    if arguments.peek().is_none() {
        eprintln!("{USAGE}");
        return;
    }
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().unwrap_or_else(|| panic!("{argument} needs a value; {USAGE}"));
        match argument.as_str() {
            "--plan" => plans.push(PathBuf::from(value())),
            "--out" => out = PathBuf::from(value()),
            "--ids" => pass.extend([String::from("--ids"), value()]),
            "--stage" => pass.extend([String::from("--stage"), value()]),
            "--prompts" => {
                let directory = fs::canonicalize(value()).expect("the directory of prompts");
                pass.push(format!("--prompts={}", directory.display()));
            }
            "--compare" => compare = Some((value(), value())),
            _ => panic!("unknown argument {argument}; {USAGE}"),
        }
    }
    if let Some((old, new)) = compare {
        let read = |path: &str| -> Vec<Row> {
            serde_json::from_str(&fs::read_to_string(path).expect("a result file")).expect("rows of this benchmark")
        };
        let (old, new) = (read(&old), read(&new));
        for (name, rows) in [("old", &old), ("new", &new)] {
            println!("{name}: {}", sums(rows));
        }
        return;
    }
    let mut rows = Vec::new();
    for plan in &plans {
        rows.extend(generate(plan, &out, &pass));
    }
    print(&rows);
    let result = out.join("result.json");
    fs::write(&result, serde_json::to_string_pretty(&rows).expect("rows")).expect("the result file");
    println!("\n{}\ndocuments and result.json are in {}", sums(&rows), out.display());
}

/// Runs planwave on a copy of the plan and reads what its events tell.
fn generate(plan: &Path, out: &Path, pass: &[String]) -> Vec<Row> {
    let name = plan.file_name().expect("a plan directory with a name").to_string_lossy().into_owned();
    let directory = out.join(&name);
    fs::create_dir_all(&directory).expect("the output directory");
    copy(plan, &directory);
    let events = out.join(format!("{name}.events.jsonl"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_planwave"));
    command.arg("run").arg(&directory).args(["--yes", "--progress", "plain", "--fresh", "--events"]).arg(&events);
    if !pass.iter().any(|argument| argument == "--ids") {
        command.arg("--all");
    }
    for argument in pass {
        match argument.strip_prefix("--prompts=") {
            Some(prompts) => command.env("PLANWAVE_PROMPTS_DIRECTORY", prompts),
            None => command.arg(argument),
        };
    }
    let status = command.status().expect("planwave runs");
    eprintln!("{name}: {status}");
    let source = plan_text(&directory);
    let root = repository(plan);
    let journal = fs::read_to_string(&events).unwrap_or_default();
    let mut rows: BTreeMap<CallId, Row> = BTreeMap::new();
    for event in read_journal(&journal).flatten() {
        match event {
            Event::CallStarted { call, attempt, .. } => {
                let row = rows.entry(call).or_default();
                row.attempts = row.attempts.max(attempt);
            }
            Event::CallFinished { call, usage, latency_ms, .. } => {
                let row = rows.entry(call).or_default();
                row.tokens += usage.map_or(0, |usage| usage.input + usage.output);
                row.seconds += latency_ms as f64 / 1_000.0;
            }
            Event::AnswerRejected { call, findings, .. } => {
                let row = rows.entry(call).or_default();
                for finding in findings {
                    *row.findings.entry(finding.code.to_string()).or_default() += 1;
                }
            }
            Event::DocumentWritten { call, path, .. } => {
                let text = fs::read_to_string(directory.join(&path)).expect("a written document");
                let row = rows.entry(call).or_default();
                row.accepted = true;
                row.words = words(&text).len();
                row.copied = copied(&text, &source);
                let paths = paths(&text);
                let known = |path: &&String| source.contains(path.as_str()) || root.join(path).exists();
                row.paths = paths.len();
                row.paths_known = paths.iter().filter(known).count();
                row.path = Some(path);
            }
            _ => {}
        }
    }
    rows.into_iter().map(|(call, row)| Row { plan: name.clone(), call: call.to_string(), ..row }).collect()
}

/// Copies what a plan directory has of plans and settings, not its documents.
fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("the plan directory").flatten() {
        let path = entry.path();
        if path.is_file()
            && path.extension().is_some_and(|ending| ["md", "json", "toml"].iter().any(|known| ending == *known))
        {
            fs::copy(&path, to.join(entry.file_name())).expect("a copy");
        }
    }
}

fn plan_text(directory: &Path) -> String {
    let plan = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("PLAN_"));
    let files = fs::read_dir(directory).expect("the plan directory").flatten().map(|entry| entry.path());
    files.filter(|path| plan(path)).map(|path| fs::read_to_string(path).unwrap_or_default()).collect()
}

/// The repository that a plan lies in, or the plan directory itself.
fn repository(plan: &Path) -> PathBuf {
    let plan = fs::canonicalize(plan).expect("the plan directory");
    plan.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(&plan).to_path_buf()
}

fn words(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}

fn copied(text: &str, source: &str) -> u32 {
    let (text, source) = (words(text), words(source));
    let known: HashSet<&[String]> = source.windows(RUN).collect();
    let mut marked = vec![false; text.len()];
    for (start, run) in text.windows(RUN).enumerate() {
        if known.contains(run) {
            marked[start..start + RUN].fill(true);
        }
    }
    let count = marked.iter().filter(|marked| **marked).count();
    u32::try_from(count * 100 / text.len().max(1)).expect("a percentage")
}

/// What stands in code spans and looks like a path: a slash inside, or a name with an ending.
fn paths(text: &str) -> HashSet<String> {
    let spans = text.split('`').skip(1).step_by(2).map(|span| span.split("::").next().unwrap_or(span).trim());
    let plain = |span: &&str| {
        !span.is_empty()
            && span.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c))
            && !span.starts_with('-')
    };
    let ending = |span: &str| {
        span.rsplit_once('.').is_some_and(|(stem, end)| {
            !stem.is_empty() && (1..=4).contains(&end.len()) && end.chars().all(|c| c.is_ascii_lowercase())
        })
    };
    spans.filter(plain).filter(|span| span.contains('/') || ending(span)).map(str::to_owned).collect()
}

fn print(rows: &[Row]) {
    println!(
        "{:<18} {:<16} {:>8} {:>8} {:>7} {:>6} {:>7} {:>7} {:>7}  FINDINGS",
        "PLAN", "DOCUMENT", "ATTEMPTS", "ACCEPTED", "COPIED", "WORDS", "PATHS", "TOKENS", "SECONDS"
    );
    for row in rows {
        let findings: Vec<String> = row.findings.iter().map(|(code, count)| format!("{code} {count}")).collect();
        println!(
            "{:<18} {:<16} {:>8} {:>8} {:>6}% {:>6} {:>7} {:>7} {:>7.0}  {}",
            row.plan,
            row.call,
            row.attempts,
            if row.accepted { "yes" } else { "no" },
            row.copied,
            row.words,
            format!("{}/{}", row.paths_known, row.paths),
            row.tokens,
            row.seconds,
            findings.join(", ")
        );
    }
}

fn sums(rows: &[Row]) -> String {
    let accepted = rows.iter().filter(|row| row.accepted).count();
    let first = rows.iter().filter(|row| row.accepted && row.attempts == 1).count();
    let tokens: u64 = rows.iter().map(|row| row.tokens).sum();
    let (known, paths) = rows.iter().fold((0, 0), |(known, all), row| (known + row.paths_known, all + row.paths));
    format!(
        "{} documents: {first} accepted at the first attempt, {accepted} in the end; {known} of {paths} paths known; {tokens} tokens",
        rows.len()
    )
}
