//! The tape on disk: lines are appended and synced before whoever sent them goes on.
//!
//! One thread writes. Lines that arrive while it syncs are written together and share the next sync (group commit),
//! so many calls in flight cost few syncs.

use std::{
    fs::OpenOptions,
    io,
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    thread::JoinHandle,
};

use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use super::{PlanDir, advice, disk::DiskFile, lines::LineFile};
use crate::model::Recorder;

/// The plan's own tape.
const TAPE: &str = ".planwave/tape.jsonl";

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
    /// Whether every exchange is kept, those that tell nothing new included.
    whole: bool,
    thread: Option<JoinHandle<()>>,
}

impl TapeFile {
    /// Opens the plan directory's own tape, `.planwave/tape.jsonl`, and appends to it. `header` is written first
    /// where the tape is new.
    pub fn local(plan_dir: &PlanDir, header: &str) -> io::Result<Self> {
        plan_dir.dir().create_dir_all(".planwave")?;
        let options = cap_std::fs::OpenOptions::new().read(true).append(true).create(true).clone();
        let file = plan_dir.dir().open_with(TAPE, &options)?.into_tape();
        let file = LineFile::watched(file, plan_dir.dir(), TAPE)?;
        let mut tape = Self::start(plan_dir.shown(TAPE), file, header)?;
        tape.whole = false;
        Ok(tape)
    }

    /// Creates a tape that must not exist yet. `header` is its first line.
    pub fn create(path: &Path, header: &str) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).append(true).create_new(true).open(path)?;
        // A last line without its end was never reported as written, so nothing paid for is in it.
        Self::start(path.to_path_buf(), LineFile::new(DiskFile::elsewhere(file))?, header)
    }

    fn start(path: PathBuf, mut file: LineFile, header: &str) -> io::Result<Self> {
        if file.is_empty() {
            file.append(format!("{header}\n").as_bytes())?;
        }
        let (lines, queue) = mpsc::channel();
        let thread =
            std::thread::Builder::new().name(String::from("tape")).spawn(move || write_all(&path, file, &queue))?;
        Ok(Self { lines: Some(lines), whole: true, thread: Some(thread) })
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

    fn record_repeated_rejection(&self, text: String) -> BoxFuture<'_, io::Result<()>> {
        if self.whole { self.record(text) } else { Box::pin(async { Ok(()) }) }
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

/// Several tapes that get the same lines.
#[derive(Debug)]
pub struct Tapes(pub Vec<Arc<TapeFile>>);

impl Recorder for Tapes {
    fn record(&self, text: String) -> BoxFuture<'_, io::Result<()>> {
        self.to_each(text, TapeFile::record)
    }

    fn record_repeated_rejection(&self, text: String) -> BoxFuture<'_, io::Result<()>> {
        self.to_each(text, TapeFile::record_repeated_rejection)
    }
}

impl Tapes {
    fn to_each<'a>(
        &'a self,
        text: String,
        record: fn(&'a TapeFile, String) -> BoxFuture<'a, io::Result<()>>,
    ) -> BoxFuture<'a, io::Result<()>> {
        let Some((last, others)) = self.0.split_last() else { return Box::pin(async { Ok(()) }) };
        // Handed to all of them before any is waited for.
        let others: Vec<_> = others.iter().map(|tape| record(tape, text.clone())).collect();
        let last = record(last, text);
        Box::pin(async move {
            for write in others {
                write.await?;
            }
            last.await
        })
    }
}

fn write_all(path: &Path, mut file: LineFile, queue: &mpsc::Receiver<Line>) {
    while let Ok(first) = queue.recv() {
        let mut batch = vec![first];
        batch.extend(queue.try_iter().take(LARGEST_BATCH - 1));
        // A line and its end in one piece: a process that is killed between two writes would leave half a line.
        batch.iter_mut().for_each(|line| line.text.push('\n'));
        let result = file.append_each(batch.iter().map(|line| line.text.as_bytes()));
        for line in batch {
            let answer = match &result {
                Ok(()) => Ok(()),
                Err(error) => Err(advice::with_path(error, path)),
            };
            // The caller may have given up waiting; the line is on the tape all the same.
            let _ = line.written.send(answer);
        }
    }
}
