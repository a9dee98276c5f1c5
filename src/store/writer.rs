//! The thread that writes a run's documents.
//!
//! What waits is written as one batch, in which folders are opened and synced once (group commit): the more documents
//! wait, the less each costs. A batch is held open for a moment, unless somebody says that a call waits for it.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    path::Path,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use super::{
    DocumentStore, Edited, Existing, Intent, Journal, PlanDir, RunLock, StoreError, WriteError,
    atomic::{Placement, Write},
};
use crate::{history::Digest, parallel::Change, plan::AchievementId};

/// Documents of one batch at most; each keeps a file open.
const LARGEST_BATCH: usize = 64;

/// How long a batch is held open for more documents. Their answers are on the tape already, so nothing can be lost, and
/// at some hundred documents a second most of the cost of writing one is shared.
const HOLD: Duration = Duration::from_millis(150);

enum Message {
    Write(Job),
    /// Somebody can do nothing before what was sent is written.
    Hurry,
}

struct Job {
    path: String,
    text: String,
    existing: Existing,
    written: oneshot::Sender<Result<(), WriteError>>,
}

/// A plan directory whose documents are written by a thread of their own.
#[derive(Debug)]
pub struct DocumentWriter {
    dir: Arc<PlanDir>,
    journal: Arc<Journal>,
    /// Whether parallel.json was changed by somebody else at the moment of a save.
    merged: Arc<AtomicBool>,
    /// What the run has to stop for, though its documents can be written.
    trouble: Arc<OnceLock<WriteError>>,
    queue: Option<mpsc::Sender<Message>>,
    thread: Option<JoinHandle<()>>,
}

impl DocumentWriter {
    /// Starts the thread. It ends when this value is dropped and everything that waits is written. What is written is
    /// announced in `journal` before.
    pub fn start(dir: Arc<PlanDir>, journal: Arc<Journal>) -> io::Result<Self> {
        let (queue, jobs) = mpsc::channel();
        let trouble = Arc::new(OnceLock::new());
        let (writing, announcing, troubled) = (Arc::clone(&dir), Arc::clone(&journal), Arc::clone(&trouble));
        let thread = std::thread::Builder::new()
            .name(String::from("documents"))
            .spawn(move || write_jobs(&writing, &announcing, &troubled, &jobs))?;
        Ok(Self { dir, journal, merged: Arc::default(), trouble, queue: Some(queue), thread: Some(thread) })
    }

    /// Tells whether parallel.json was changed by somebody else at the moment of a save, so that both changes are in it.
    pub fn merged(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.merged)
    }
}

impl DocumentStore for DocumentWriter {
    fn write_document(&self, path: String, text: String, replace: bool) -> BoxFuture<'_, Result<(), WriteError>> {
        let shown = self.dir.shown(&path);
        let existing = if replace { Existing::Replace } else { Existing::Keep };
        let (written, answer) = oneshot::channel();
        if let Some(queue) = &self.queue {
            // Where the thread is gone, so is `written`, which the answer tells.
            let _ = queue.send(Message::Write(Job { path, text, existing, written }));
        }
        Box::pin(async move {
            answer.await.unwrap_or_else(|_| {
                Err(WriteError::Io { path: shown, source: io::Error::other("the thread that writes has ended") })
            })
        })
    }

    fn read_document(&self, path: String) -> BoxFuture<'_, Result<String, StoreError>> {
        // A few kilobytes that this process has just written: to hand that to another thread would take longer.
        let read = self.dir.read(&path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        Box::pin(std::future::ready(read))
    }

    fn hurry(&self) {
        if let Some(queue) = &self.queue {
            let _ = queue.send(Message::Hurry);
        }
    }

    fn trouble(&self) -> Option<WriteError> {
        self.dir.trouble().or_else(|| self.trouble.get().map(WriteError::again))
    }

    fn update_parallel(&self, changes: &BTreeMap<AchievementId, Change>, updated: &str) -> Result<(), WriteError> {
        // A folder that has disappeared is not made anew for a lock.
        self.journal.check(&self.dir)?;
        let holder = format!("process {} (run)", std::process::id());
        let _changes = RunLock::for_changes(&self.dir, &holder).map_err(|error| WriteError::Io {
            path: self.dir.shown(super::PARALLEL_FILE),
            source: io::Error::other(error.to_string()),
        })?;
        if self.journal.change_parallel(&self.dir, changes, updated)? == Edited::Merged {
            self.merged.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}

impl Drop for DocumentWriter {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported to whoever waited.
            let _ = thread.join();
        }
    }
}

fn write_jobs(dir: &PlanDir, journal: &Journal, trouble: &OnceLock<WriteError>, queue: &mpsc::Receiver<Message>) {
    while let Ok(message) = queue.recv() {
        let Message::Write(first) = message else { continue };
        let batch = gather(first, queue, HOLD);
        let writes: Vec<Write<'_>> = batch
            .iter()
            .map(|Job { path, text, existing, .. }| Write {
                path: Path::new(path),
                shown: dir.shown(path),
                bytes: text.as_bytes(),
                existing: *existing,
                mode: None,
            })
            .collect();
        let results = dir.write_all(&writes, &mut |placements| announce(dir, journal, trouble, &batch, placements));
        for (job, result) in batch.into_iter().zip(results) {
            // The caller may have given up waiting; the document is there all the same.
            let _ = job.written.send(result);
        }
    }
}

/// What comes within a time, or until somebody is in a hurry, or until nobody can send any more.
fn gather(first: Job, queue: &mpsc::Receiver<Message>, hold: Duration) -> Vec<Job> {
    let until = Instant::now() + hold;
    let mut batch = vec![first];
    let mut wait = true;
    while batch.len() < LARGEST_BATCH {
        // Whatever has come is taken along, also after the time.
        let left = if wait { until.saturating_duration_since(Instant::now()) } else { Duration::ZERO };
        match queue.recv_timeout(left) {
            Ok(Message::Write(job)) => batch.push(job),
            Ok(Message::Hurry) => wait = false,
            Err(mpsc::RecvTimeoutError::Timeout | mpsc::RecvTimeoutError::Disconnected) => break,
        }
    }
    batch
}

/// Called once for each batch when all of it is on the disk under temporary names and nothing is in place: the run's
/// record says what is about to be created or replaced. An error keeps the whole batch from being put in place.
fn announce(
    dir: &PlanDir,
    journal: &Journal,
    trouble: &OnceLock<WriteError>,
    batch: &[Job],
    placements: &[Placement<'_>],
) -> Result<(), WriteError> {
    let replaced: HashMap<&Path, bool> =
        placements.iter().map(|placement| (placement.path, placement.replaces)).collect();
    let intent = |job| {
        let Job { path, text, .. }: &Job = job;
        let existing = if *replaced.get(Path::new(path))? { Existing::Replace } else { Existing::Keep };
        Some(Intent { path, after: Some(Digest::of(text.as_bytes())), existing })
    };
    let intents: Vec<Intent<'_>> = batch.iter().filter_map(intent).collect();
    match journal.intend(dir, &intents) {
        // Nothing can be taken back any more, and the run stops. What was paid for is written where it replaces nothing.
        Err(error) if error.is_gone() && placements.iter().all(|placement| !placement.replaces) => {
            trouble.get_or_init(|| error);
            Ok(())
        }
        announced => announced,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        history::Kind,
        store::{Begin, RunLock},
    };

    fn writer() -> (tempfile::TempDir, DocumentWriter) {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("PLAN_X.md"), "# PLAN").unwrap();
        let dir = Arc::new(PlanDir::open(directory.path()).unwrap());
        let lock = RunLock::take(&dir, "test").unwrap();
        let began = "2026-10-12T15:49:22Z".parse().unwrap();
        let begin = Begin { command: "run", began, kind: Kind::Run, model: None, replay: false };
        let journal = Arc::new(Journal::begin(&dir, &lock, &begin).unwrap());
        (directory, DocumentWriter::start(dir, journal).unwrap())
    }

    fn now<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    #[test]
    fn of_many_that_write_one_name_one_wins() {
        let (directory, writer) = writer();
        let results: Vec<_> = std::thread::scope(|scope| {
            let write = |n: usize| {
                let writer = &writer;
                move || {
                    // Every thread writes the contested document, and one of its own.
                    let own = now(writer.write_document(format!("subplans/own_{n}.md"), n.to_string(), false));
                    own.unwrap();
                    now(writer.write_document("subplans/one.md".to_owned(), n.to_string(), false))
                }
            };
            let threads: Vec<_> = (0..16).map(|n| scope.spawn(write(n))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let winner = results.iter().position(Result::is_ok).unwrap();
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
        assert!(results.iter().all(|result| matches!(result, Ok(()) | Err(WriteError::Exists { .. }))));
        let text = std::fs::read_to_string(directory.path().join("subplans/one.md")).unwrap();
        assert_eq!(text, winner.to_string());
        assert_eq!(std::fs::read_dir(directory.path().join("subplans")).unwrap().count(), 17);
    }

    #[test]
    fn a_failing_document_fails_alone() {
        let (directory, writer) = writer();
        std::fs::write(directory.path().join("execution"), "no folder").unwrap();
        let (bad, good) = now(async {
            tokio::join!(
                writer.write_document("execution/a.md".to_owned(), "a".to_owned(), false),
                writer.write_document("subplans/b.md".to_owned(), "b".to_owned(), false),
            )
        });
        let error = bad.unwrap_err();
        assert!(error.is_fatal() && error.to_string().contains("a.md"), "{error}");
        good.unwrap();
        assert_eq!(std::fs::read_to_string(directory.path().join("subplans/b.md")).unwrap(), "b");
    }

    #[test]
    fn a_batch_is_closed_by_a_hurry_a_full_load_or_the_end() {
        let job = |n: usize| {
            let (written, _) = oneshot::channel();
            Job { path: n.to_string(), text: String::new(), existing: Existing::Keep, written }
        };
        // Longer than a test may take: only the other reasons can end the batches.
        let hold = Duration::from_secs(3600);
        let (sender, queue) = mpsc::channel();
        for n in 1..=3 {
            sender.send(Message::Write(job(n))).unwrap();
        }
        sender.send(Message::Hurry).unwrap();
        sender.send(Message::Write(job(4))).unwrap();
        assert_eq!(gather(job(0), &queue, hold).len(), 5);
        for n in 0..100 {
            sender.send(Message::Write(job(n))).unwrap();
        }
        assert_eq!(gather(job(0), &queue, hold).len(), LARGEST_BATCH);
        drop(sender);
        assert_eq!(gather(job(0), &queue, hold).len(), 100 - (LARGEST_BATCH - 1) + 1);
    }

    #[test]
    fn what_waits_is_written_before_the_end() {
        let (directory, writer) = writer();
        for n in 0..200 {
            drop(writer.write_document(format!("subplans/{n}.md"), n.to_string(), false));
        }
        drop(writer);
        assert_eq!(std::fs::read_dir(directory.path().join("subplans")).unwrap().count(), 200);
    }

    #[test]
    fn replacing_is_asked_for() {
        let (directory, writer) = writer();
        let write =
            |text: &str, replace| now(writer.write_document("subplans/a.md".to_owned(), text.to_owned(), replace));
        write("[FILL: later]", false).unwrap();
        write("first", false).unwrap();
        assert!(matches!(write("second", false), Err(WriteError::Exists { .. })));
        write("third", true).unwrap();
        assert_eq!(std::fs::read_to_string(directory.path().join("subplans/a.md")).unwrap(), "third");
    }
}
