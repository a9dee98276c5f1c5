//! Load harness: `cargo bench --bench load [-- --sizes 100,1000 --concurrency 8,64 --orders level,ready]`.
//!
//! Runs the real binary against a fake OpenAI server on loopback (a process of its own) that streams answers with
//! lognormal latency, and prints, for each size, concurrency and order: wall time over the floor, client CPU per item
//! next to a bare reqwest loop that sends the same request bodies in the same run, and peak memory. Then the time of a
//! dry run. Figures are ratios within one run, because machines differ. Reads /proc, so Linux only.
//!
//! Two floors are given, since `--order level` waits for a level to end: without that barrier and with it. Neither can be
//! reached where many chains of calls meet few slots. What could be is "ideal": the program's own schedule in virtual
//! time, with the latencies that the server really gave and no time for anything else. Plans lie in
//! TMPDIR. ext4 passes over inodes deleted in the last minutes one by one when it makes new files, which can double the
//! cost of writing: where tests or builds have just deleted thousands of files, use another directory or disk.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that prints a table and stops at the first surprise"
)]

#[path = "load/bare.rs"]
mod bare;
#[path = "load/measure.rs"]
mod measure;
#[path = "load/server.rs"]
mod server;
#[path = "load/simulation.rs"]
mod simulation;
#[path = "load/workload.rs"]
mod workload;

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use measure::{Measured, measure};
use planwave::engine::Order;

/// Answers per second that the server is to give, whatever the concurrency: client and server share the machine, and
/// neither is to be measured waiting for the other's CPU. It sets the mean latency, `concurrency / RATE`.
const RATE: f64 = 150.0;

/// Bounds of the mean latency, seconds.
const MEAN: std::ops::RangeInclusive<f64> = 0.1..=2.0;

/// Requests that the bare loop sends at most; its CPU per request does not depend on their number.
const BARE_REQUESTS: usize = 2_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.first().map(String::as_str) {
        Some("serve") => {
            let mean = arguments[1].parse().expect("a mean latency");
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(server::serve(mean)).expect("a server on loopback");
        }
        Some("bare") => bare::main(&arguments[1..]),
        _ => table(&arguments),
    }
}

fn table(arguments: &[String]) {
    if !Path::new("/proc/self/status").exists() {
        eprintln!("this harness reads /proc and runs on Linux only");
        return;
    }
    let list = |name: &str, default: &str| -> Vec<String> {
        let given = arguments.iter().position(|argument| argument == name).and_then(|at| arguments.get(at + 1));
        given.map_or(default, String::as_str).split(',').map(String::from).collect()
    };
    let number = |text: &String| text.parse::<usize>().expect("a number");
    let sizes: Vec<usize> = list("--sizes", "100,1000,10000").iter().map(number).collect();
    let caps: Vec<usize> = list("--concurrency", "8,64,256").iter().map(number).collect();
    let orders = list("--orders", "level,ready");
    println!(
        "{:>6} {:>5} {:<6} {:>7} {:>9} {:>9} {:>9} {:>9} {:>11} {:>11} {:>7} {:>8}",
        "size",
        "C",
        "order",
        "items",
        "wall s",
        "/floor",
        "/leveled",
        "/ideal",
        "CPU ms/item",
        "bare ms/item",
        "ratio",
        "peak MB"
    );
    // Kept until the end: a file system that has just deleted thousands of files is slow to create the next ones.
    let mut directories = Vec::new();
    for size in &sizes {
        for cap in &caps {
            for order in &orders {
                directories.push(cell(*size, *cap, order));
            }
        }
    }
    for size in &sizes {
        dry_run(*size);
    }
}

fn prepare(size: usize) -> (tempfile::TempDir, Vec<workload::Node>) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let nodes = workload::nodes(size);
    std::fs::write(directory.path().join("PLAN_LOAD.md"), workload::plan(&nodes)).expect("a PLAN");
    let (status, _) = planwave(directory.path(), &["analyze", ".", "--declared"], 0, true);
    assert!(status, "analyze failed");
    (directory, nodes)
}

fn cell(size: usize, cap: usize, order: &str) -> tempfile::TempDir {
    let mean = (cap as f64 / RATE).clamp(*MEAN.start(), *MEAN.end());
    let (directory, nodes) = prepare(size);
    let (mut server, port) = start_server(mean);
    let cap_text = cap.to_string();
    let tape = directory.path().join("requests.jsonl");
    let tape_text = tape.display().to_string();
    let run =
        ["run", ".", "--all", "--yes", "--concurrency", &cap_text, "--order", order, "--progress", "none", "--json"];
    let (done, ours) = planwave(directory.path(), &run, port, false);
    assert!(done, "the run failed");
    let items = nodes.len() * 2;
    let written = ["subplans", "execution"].map(|folder| {
        std::fs::read_dir(directory.path().join(folder))
            .expect("documents")
            .filter(|entry| entry.as_ref().is_ok_and(|e| e.path().is_file()))
            .count()
    });
    assert_eq!(written, [nodes.len(), nodes.len()], "every document is there");
    // The same bodies again, from the tape of the run just measured.
    std::fs::rename(directory.path().join(".planwave/tape.jsonl"), &tape).expect("the run's tape");
    let bare = bare::measure_in_child(&tape_text, cap, port, BARE_REQUESTS);
    let _ = server.kill();
    let _ = server.wait();
    let floor = workload::floor(&nodes, cap, mean);
    let policy = if order == "level" { Order::Level } else { Order::Ready };
    let ideal = simulation::ideal(&nodes, cap, policy, &simulation::latencies(&tape));
    let per_item = |seconds: f64| seconds * 1_000.0 / items as f64;
    println!(
        "{size:>6} {cap:>5} {order:<6} {items:>7} {:>9.2} {:>9.3} {:>9.3} {:>9.3} {:>11.3} {:>11.3} {:>7.2} {:>8.1}",
        ours.wall,
        ours.wall / floor.free,
        ours.wall / floor.leveled,
        ours.wall / ideal,
        per_item(ours.cpu),
        bare.cpu * 1_000.0 / items.min(BARE_REQUESTS) as f64,
        per_item(ours.cpu) / (bare.cpu * 1_000.0 / items.min(BARE_REQUESTS) as f64),
        ours.peak_mb,
    );
    let _ = std::fs::remove_file(tape);
    directory
}

fn dry_run(size: usize) {
    let (directory, _) = prepare(size);
    let (done, measured) = planwave(directory.path(), &["run", ".", "--all", "--dry-run"], 9, true);
    assert!(done, "the dry run failed");
    println!("dry run of {size} achievements: {:.2} s, {:.1} MB", measured.wall, measured.peak_mb);
}

/// Runs the real binary with nothing of this machine's configuration.
fn planwave(directory: &Path, arguments: &[&str], port: u16, quiet: bool) -> (bool, Measured) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_planwave"));
    command
        .args(arguments)
        .current_dir(directory)
        .env_clear()
        .env("HOME", directory)
        .env("PLANWAVE_MODEL_BASE_URL", format!("http://127.0.0.1:{port}/v1"))
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    if quiet {
        command.stderr(Stdio::null());
    }
    measure(&mut command)
}

fn start_server(mean: f64) -> (Child, u16) {
    let mut server = Command::new(std::env::current_exe().expect("this program"))
        .args(["serve", &mean.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the server");
    let mut line = String::new();
    let stdout = server.stdout.take().expect("the server's output");
    BufReader::new(stdout).read_line(&mut line).expect("the server's port");
    (server, line.trim().parse().expect("a port"))
}
