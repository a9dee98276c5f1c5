//! What a child process used: wall time, CPU time of its threads, peak memory.

use std::{
    process::Command,
    time::{Duration, Instant},
};

/// Clock ticks per second of /proc/<pid>/stat; 100 on every Linux that Rust's standard library supports.
const TICKS: f64 = 100.0;

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Measured {
    /// Seconds from start to exit.
    pub(crate) wall: f64,
    /// Seconds of user and system time.
    pub(crate) cpu: f64,
    /// Highest resident size, megabytes.
    pub(crate) peak_mb: f64,
}

/// Runs a command to its end. Its figures are read from /proc while it runs, twenty times a second; CPU time from
/// what the kernel adds to this process for children that have been waited for.
pub(crate) fn measure(command: &mut Command) -> (bool, Measured) {
    let before = children_cpu();
    let began = Instant::now();
    let mut child = command.spawn().expect("the program starts");
    let status_file = format!("/proc/{}/status", child.id());
    let mut peak_mb = 0.0_f64;
    let status = loop {
        if let Ok(text) = std::fs::read_to_string(&status_file) {
            let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kilobytes = line.and_then(|rest| rest.trim().strip_suffix(" kB")?.parse::<f64>().ok());
            peak_mb = peak_mb.max(kilobytes.unwrap_or(0.0) / 1024.0);
        }
        if let Some(status) = child.try_wait().expect("the program can be waited for") {
            break status;
        }
        std::thread::sleep(Duration::from_millis(if began.elapsed().as_secs() < 5 { 5 } else { 50 }));
    };
    let measured = Measured { wall: began.elapsed().as_secs_f64(), cpu: children_cpu() - before, peak_mb };
    (status.success(), measured)
}

/// CPU seconds of children that have been waited for.
fn children_cpu() -> f64 {
    stat_fields(&[15, 16])
}

/// CPU seconds of this process.
pub(crate) fn own_cpu() -> f64 {
    stat_fields(&[13, 14])
}

fn stat_fields(wanted: &[usize]) -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").expect("/proc");
    // The second field is the program's name in parentheses and may hold spaces.
    let rest = &text[text.rfind(')').expect("a name") + 2..];
    let fields: Vec<&str> = rest.split(' ').collect();
    wanted.iter().map(|field| fields[field - 2].parse::<f64>().expect("ticks") / TICKS).sum()
}
