//! The last good copy of parallel.json that is on record, for when the file itself is broken.

use jiff::Timestamp;

use super::{PARALLEL_FILE, PlanDir, blobs};
use crate::{
    history::{Digest, Record},
    parallel::ParallelFile,
};

/// A parallel.json as it was once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoodCopy {
    /// Where its bytes are, relative to the plan directory.
    pub path: String,
    /// The operation that left it so, or that replaced it, as people typed it.
    pub command: String,
    /// When that began.
    pub began: Timestamp,
    /// Whether it is from before that operation.
    pub before: bool,
}

impl PlanDir {
    /// The newest parallel.json on record that can be read; `None` where there is none. What cannot be read itself is
    /// passed over.
    pub fn last_good_copy(&self) -> Option<GoodCopy> {
        let ids = self.operations().ok()?;
        ids.iter().filter_map(|id| self.record(id).ok()).find_map(|record| self.good_copy_of(&record))
    }

    fn good_copy_of(&self, record: &Record) -> Option<GoodCopy> {
        let changes = record.changes.iter().rev().filter(|change| change.path.as_str() == PARALLEL_FILE);
        let left = record.end.as_ref().filter(|end| !end.own).and_then(|end| end.parallel).map(|blob| (blob, false));
        let changed = changes.flat_map(|change| {
            let after = change.after.map(|blob| (blob, false));
            after.into_iter().chain(change.before.map(|blob| (blob, true)))
        });
        let (blob, before) = left.into_iter().chain(changed).find(|(blob, _)| self.is_good(*blob))?;
        let (command, began) = (record.header.command.clone(), record.header.began);
        Some(GoodCopy { path: blobs::path_of(blob), command, began, before })
    }

    fn is_good(&self, blob: Digest) -> bool {
        let bytes = blobs::get(self, blob).ok().flatten();
        bytes.is_some_and(|bytes| ParallelFile::parse(&bytes).is_ok_and(|file| file.check().errors.is_empty()))
    }
}
