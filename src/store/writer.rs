//! The thread that writes a run's documents.
//!
//! What waits is written as one batch, in which folders are opened and synced once (group commit): the more documents
//! wait, the less each costs, and a document that does not have to wait is written at once.

use std::{
    collections::BTreeMap,
    io,
    path::Path,
    sync::{Arc, mpsc},
    thread::JoinHandle,
};

use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use super::{
    DocumentStore, Existing, PlanDir, WriteError,
    atomic::{Placement, Write},
};
use crate::{parallel::Change, plan::AchievementId};

/// Documents of one batch at most; each keeps a file open.
const LARGEST_BATCH: usize = 64;

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
    queue: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl DocumentWriter {
    /// Starts the thread. It ends when this value is dropped and everything that waits is written.
    pub fn start(dir: Arc<PlanDir>) -> io::Result<Self> {
        let (queue, jobs) = mpsc::channel();
        let writing = Arc::clone(&dir);
        let thread =
            std::thread::Builder::new().name(String::from("documents")).spawn(move || write_jobs(&writing, &jobs))?;
        Ok(Self { dir, queue: Some(queue), thread: Some(thread) })
    }
}

impl DocumentStore for DocumentWriter {
    fn write_document(&self, path: String, text: String, replace: bool) -> BoxFuture<'_, Result<(), WriteError>> {
        let shown = self.dir.shown(&path);
        let existing = if replace { Existing::Replace } else { Existing::Keep };
        let (written, answer) = oneshot::channel();
        if let Some(queue) = &self.queue {
            // Where the thread is gone, so is `written`, which the answer tells.
            let _ = queue.send(Job { path, text, existing, written });
        }
        Box::pin(async move {
            answer.await.unwrap_or_else(|_| {
                Err(WriteError::Io { path: shown, source: io::Error::other("the thread that writes has ended") })
            })
        })
    }

    fn update_parallel(&self, changes: &BTreeMap<AchievementId, Change>, updated: &str) -> Result<(), WriteError> {
        self.dir.update_parallel(changes, updated)
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

fn write_jobs(dir: &PlanDir, jobs: &mpsc::Receiver<Job>) {
    while let Ok(first) = jobs.recv() {
        let mut batch = vec![first];
        batch.extend(jobs.try_iter().take(LARGEST_BATCH - 1));
        let writes: Vec<Write<'_>> = batch
            .iter()
            .map(|Job { path, text, existing, .. }| Write {
                path: Path::new(path),
                shown: dir.shown(path),
                bytes: text.as_bytes(),
                existing: *existing,
            })
            .collect();
        let results = dir.write_all(&writes, &mut about_to_place);
        for (job, result) in batch.into_iter().zip(results) {
            // The caller may have given up waiting; the document is there all the same.
            let _ = job.written.send(result);
        }
    }
}

/// Called once for each batch when all of it is on the disk under temporary names and nothing is in place: where a
/// journal says what is about to be created or replaced. An error keeps the whole batch from being put in place.
fn about_to_place(placements: &[Placement<'_>]) -> io::Result<()> {
    for placement in placements {
        tracing::debug!(path = %placement.path.display(), replaces = placement.replaces, "document");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writer() -> (tempfile::TempDir, DocumentWriter) {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("PLAN_X.md"), "# PLAN").unwrap();
        let dir = Arc::new(PlanDir::open(directory.path()).unwrap());
        (directory, DocumentWriter::start(dir).unwrap())
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
