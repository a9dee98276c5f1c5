//! What the tape adds to a call: `cargo bench --bench tape [-- DIRECTORY]` (about 12 s).
//!
//! 256 calls in flight, each of which waits for its answer, puts it on the tape and goes on when it is synced. Prints the
//! time from handing over to synced, next to a bare append and sync of one such line to the same disk.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a program that prints a few figures and stops at the first surprise"
)]

use std::{
    fs::File,
    io::Write as _,
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use planwave::{model::Recorder as _, store::TapeFile};
use tokio::task::JoinSet;

const IN_FLIGHT: usize = 256;
/// Bytes of a line: a prompt of 12 kB and a streamed answer of 24 kB.
const LINE: usize = 36_000;
const RUN: Duration = Duration::from_secs(4);

fn main() {
    let place = std::env::args().nth(1).filter(|argument| !argument.starts_with("--"));
    let place = place.map_or_else(tempfile::tempdir, tempfile::tempdir_in).expect("a directory");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    println!("{IN_FLIGHT} in flight, lines of {LINE} bytes; milliseconds   median    99 %");
    let before = bare(&place.path().join("bare"));
    // Answers after one to three seconds, and with nothing between: the disk is then the one thing that is waited for.
    for (name, think) in [("answers after 2 s", 2_000), ("answers after 0.2 s", 200), ("answers at once", 0)] {
        let tape = TapeFile::create(&place.path().join(format!("tape-{think}")), "{}").expect("a tape");
        print(name, runtime.block_on(appenders(Arc::new(tape), think)));
    }
    print("bare append and sync, before", before);
    print("bare append and sync, after", bare(&place.path().join("bare-again")));
}

/// Appends and syncs single lines, one after the other.
fn bare(path: &Path) -> Vec<Duration> {
    let mut file = File::create(path).expect("a file");
    let line = vec![b'x'; LINE];
    let one = |_| {
        let began = Instant::now();
        file.write_all(&line).and_then(|()| file.sync_data()).expect("a disk");
        began.elapsed()
    };
    (0..200).map(one).collect()
}

async fn appenders(tape: Arc<TapeFile>, think: u64) -> Vec<Duration> {
    let (line, times) = ("x".repeat(LINE), Arc::new(Mutex::new(Vec::new())));
    let ends = Instant::now() + RUN;
    let mut calls = JoinSet::new();
    for number in 0..IN_FLIGHT as u64 {
        let (tape, times, line) = (Arc::clone(&tape), Arc::clone(&times), line.clone());
        calls.spawn(async move {
            let mut random = number + 1;
            while Instant::now() < ends {
                // Between a half and one and a half of the time, evenly.
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let wait = think / 2 + (random >> 33) % (think + 1);
                tokio::time::sleep(Duration::from_millis(wait)).await;
                let began = Instant::now();
                tape.record(line.clone()).await.expect("a disk");
                times.lock().expect("no panic").push(began.elapsed());
            }
        });
    }
    while let Some(call) = calls.join_next().await {
        call.expect("no panic");
    }
    let times = times.lock().expect("no panic");
    times.clone()
}

fn print(name: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    println!("{name:<44} {:>10.2} {:>7.2}   ({} lines)", at(0.5), at(0.99), times.len());
}
