//! Keeps parallel.json up with a run: collects what changed and saves it now and then, never per item.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use tokio::task::JoinHandle;

use crate::{
    parallel::{Change, whole_seconds},
    plan::AchievementId,
    store::{DocumentStore, WriteError},
};

/// parallel.json is written at most this often while a run goes on. Nothing is lost by waiting: the documents are there.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(2);

/// Saving takes at most one part in this many of the run's time, however large parallel.json is.
const SHARE: u32 = 100;

/// How saving went, what was saved, and how long it took.
type Saved = (Result<(), WriteError>, BTreeMap<AchievementId, Change>, Duration);

/// Why parallel.json could not be saved. What was to be saved is kept for another try.
pub(super) enum SaveError {
    /// The store said so.
    Write(WriteError),
    /// A defect of ours.
    Internal(String),
}

/// The changes that are not on disk yet.
pub(super) struct Saver {
    store: Arc<dyn DocumentStore>,
    changes: BTreeMap<AchievementId, Change>,
    updated: Timestamp,
    saving: Option<JoinHandle<Saved>>,
    last: Instant,
    interval: Duration,
}

impl Saver {
    pub(super) fn new(store: Arc<dyn DocumentStore>) -> Self {
        Self {
            store,
            changes: BTreeMap::new(),
            updated: Timestamp::UNIX_EPOCH,
            saving: None,
            last: Instant::now(),
            interval: SHORTEST_INTERVAL,
        }
    }

    /// What is to be changed of an achievement.
    pub(super) fn change(&mut self, id: AchievementId) -> &mut Change {
        self.changes.entry(id).or_default()
    }

    /// Notes when something happened; the latest such time is the file's `updated`, so that a replay gives the same.
    pub(super) fn happened(&mut self, at: Timestamp) {
        self.updated = self.updated.max(at);
    }

    /// How long until there may be something to save; `None` where nothing waits.
    pub(super) fn due_in(&self) -> Option<Duration> {
        (!self.changes.is_empty()).then_some(self.interval)
    }

    /// Saves if it is time to. Never waits for the disk, except for a save that is over.
    pub(super) async fn now_and_then(&mut self) -> Result<(), SaveError> {
        if self.saving.as_ref().is_some_and(JoinHandle::is_finished) {
            self.finish().await?;
        }
        if self.saving.is_none() && !self.changes.is_empty() && self.last.elapsed() >= self.interval {
            self.begin();
        }
        Ok(())
    }

    /// Saves whatever is left.
    pub(super) async fn at_the_end(&mut self) -> Result<(), SaveError> {
        let earlier = self.finish().await;
        if self.changes.is_empty() {
            return earlier;
        }
        self.begin();
        self.finish().await
    }

    fn begin(&mut self) {
        let changes = std::mem::take(&mut self.changes);
        let updated = whole_seconds(self.updated);
        let store = Arc::clone(&self.store);
        self.saving = Some(tokio::task::spawn_blocking(move || {
            let began = Instant::now();
            let result = store.update_parallel(&changes, &updated);
            (result, changes, began.elapsed())
        }));
    }

    async fn finish(&mut self) -> Result<(), SaveError> {
        let Some(saving) = self.saving.take() else { return Ok(()) };
        self.last = Instant::now();
        match saving.await {
            Ok((Ok(()), _, took)) => {
                self.interval = SHORTEST_INTERVAL.max(took * SHARE);
                Ok(())
            }
            Ok((Err(error), mut changes, _)) => {
                for (id, later) in std::mem::take(&mut self.changes) {
                    changes.entry(id).or_default().overlay(later);
                }
                self.changes = changes;
                Err(SaveError::Write(error))
            }
            Err(error) => Err(SaveError::Internal(error.to_string())),
        }
    }
}
