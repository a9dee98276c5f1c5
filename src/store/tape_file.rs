//! The tape on disk: lines are appended and synced before whoever sent them goes on.
//!
//! One thread writes. Lines that arrive while it syncs are written together and share the next sync (group commit),
//! so many calls in flight cost few syncs.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek as _, SeekFrom, Write as _},
    path::Path,
    sync::{Arc, mpsc},
    thread::JoinHandle,
};

use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use super::PlanDir;
use crate::model::Recorder;

/// Lines written with one sync at most.
const LARGEST_BATCH: usize = 256;

struct Line {
    text: String,
    written: oneshot::Sender<io::Result<()>>,
}

/// A tape that is being written.
#[derive(Debug)]
pub struct TapeFile {
    lines: Option<mpsc::Sender<Line>>,
    thread: Option<JoinHandle<()>>,
}

impl TapeFile {
    /// Opens the plan directory's own tape, `.planwave/tape.jsonl`, and appends to it. `header` is written first
    /// where the tape is new.
    pub fn local(plan_dir: &PlanDir, header: &str) -> io::Result<Self> {
        plan_dir.dir().create_dir_all(".planwave")?;
        let options = cap_std::fs::OpenOptions::new().read(true).append(true).create(true).clone();
        Self::start(plan_dir.dir().open_with(".planwave/tape.jsonl", &options)?.into_std(), header)
    }

    /// Creates a tape that must not exist yet. `header` is its first line.
    pub fn create(path: &Path, header: &str) -> io::Result<Self> {
        Self::start(OpenOptions::new().read(true).append(true).create_new(true).open(path)?, header)
    }

    fn start(mut file: File, header: &str) -> io::Result<Self> {
        let length = file.seek(SeekFrom::End(0))?;
        let whole = whole_lines(&mut file, length)?;
        if whole < length {
            // A crash left a line without its end. It was never reported as written, so nothing paid for is in it.
            file.set_len(whole)?;
        }
        if whole == 0 {
            writeln!(file, "{header}")?;
            file.sync_data()?;
        }
        let whole = file.seek(SeekFrom::End(0))?;
        let (lines, queue) = mpsc::channel();
        let thread =
            std::thread::Builder::new().name(String::from("tape")).spawn(move || write_all(file, whole, &queue))?;
        Ok(Self { lines: Some(lines), thread: Some(thread) })
    }
}

impl Recorder for TapeFile {
    fn record(&self, text: String) -> BoxFuture<'_, io::Result<()>> {
        let (written, answer) = oneshot::channel();
        let sent = self.lines.as_ref().is_some_and(|lines| lines.send(Line { text, written }).is_ok());
        Box::pin(async move {
            match answer.await {
                Ok(result) if sent => result,
                _ => Err(io::Error::other("the tape is closed")),
            }
        })
    }
}

impl Drop for TapeFile {
    fn drop(&mut self) {
        self.lines = None;
        if let Some(thread) = self.thread.take() {
            // Lines that nobody waits for any more still belong on the tape.
            let _ = thread.join();
        }
    }
}

/// The length of a file up to the end of its last whole line.
fn whole_lines(file: &mut File, length: u64) -> io::Result<u64> {
    const BLOCK: u64 = 64 * 1024;
    let mut end = length;
    let mut block = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(BLOCK);
        file.seek(SeekFrom::Start(start))?;
        block.clear();
        Read::by_ref(file).take(end - start).read_to_end(&mut block)?;
        if let Some(last) = block.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + last as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

/// Several tapes that get the same lines.
#[derive(Debug)]
pub struct Tapes(pub Vec<Arc<TapeFile>>);

impl Recorder for Tapes {
    fn record(&self, text: String) -> BoxFuture<'_, io::Result<()>> {
        let Some((last, others)) = self.0.split_last() else { return Box::pin(async { Ok(()) }) };
        // Handed to all of them before any is waited for.
        let others: Vec<_> = others.iter().map(|tape| tape.record(text.clone())).collect();
        let last = last.record(text);
        Box::pin(async move {
            for write in others {
                write.await?;
            }
            last.await
        })
    }
}

/// `whole` is the file's length.
fn write_all(mut file: File, mut whole: u64, queue: &mpsc::Receiver<Line>) {
    while let Ok(first) = queue.recv() {
        let mut batch = vec![first];
        batch.extend(queue.try_iter().take(LARGEST_BATCH - 1));
        let result = write_batch(&mut file, &mut batch);
        match &result {
            Ok(written) => whole += written,
            // Half a line would spoil the one that comes after it. Where this fails too, reading passes over it.
            Err(_) => drop(file.set_len(whole)),
        }
        for line in batch {
            let answer = match &result {
                Ok(_) => Ok(()),
                Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
            };
            // The caller may have given up waiting; the line is on the tape all the same.
            let _ = line.written.send(answer);
        }
    }
}

/// The bytes that were written.
fn write_batch(file: &mut File, batch: &mut [Line]) -> io::Result<u64> {
    let mut written = 0;
    for line in batch {
        // A line and its end in one piece: a process that is killed between two writes would leave half a line.
        line.text.push('\n');
        file.write_all(line.text.as_bytes())?;
        written += line.text.len() as u64;
    }
    file.sync_data()?;
    Ok(written)
}
