//! Where a plan stands, looked up for the commands that show or change it.

use std::collections::{HashMap, HashSet};

use super::{failure::Failure, project::Leveled};
use crate::{
    document::{Stage, digest},
    parallel::{Apart, Entry},
    plan::AchievementId,
    progress::{Ground, Overview, Room, Standings, Titles},
    store::{Listing, Scan},
};

/// A plan, what is on disk, and what follows from it.
pub(super) struct Survey {
    pub(super) leveled: Leveled,
    pub(super) scan: Scan,
    pub(super) standings: Standings,
    pub(super) titles: Titles,
    /// Who must not be worked on at the same time.
    apart: Apart,
    planned: HashMap<AchievementId, usize>,
}

impl Survey {
    /// Looks as far as statuses need it.
    pub(super) fn statuses((leveled, listing): (Leveled, Listing)) -> Result<Self, Failure> {
        let failed: HashSet<AchievementId> = failed(&leveled).map(|entry| entry.id).collect();
        let scan = leveled.project.dir.survey(listing, &leveled.names, &failed)?;
        Self::new(leveled, scan)
    }

    /// Looks at every document.
    pub(super) fn documents(leveled: Leveled) -> Result<Self, Failure> {
        let scan = leveled.project.dir.scan(&leveled.names)?;
        Self::new(leveled, scan)
    }

    fn new(leveled: Leveled, scan: Scan) -> Result<Self, Failure> {
        let mut planned = HashMap::new();
        for entry in failed(&leveled) {
            let files = scan.of_achievement(entry.id);
            let asked = entry.failure.as_ref().is_some_and(|failure| failure.stage == Stage::Execution);
            if let Some(path) = files.subplan.as_ref().filter(|_| asked && !files.executions.is_empty()) {
                let bytes = leveled.project.dir.read(path)?;
                planned.insert(entry.id, digest(&String::from_utf8_lossy(&bytes)).parts.len());
            }
        }
        let ground = Ground { file: &leveled.file, graph: &leveled.graph, scan: &scan, planned: &planned };
        let standings = Standings::derive(&ground);
        let titles = Titles::new(&leveled.file, &leveled.project.plan);
        let apart = leveled.file.apart();
        Ok(Self { leveled, scan, standings, titles, apart, planned })
    }

    /// What can be begun beside what is in progress.
    pub(super) fn room(&self) -> Room<'_> {
        let Leveled { file, graph, .. } = &self.leveled;
        Room::beside(file, graph, &self.standings, &self.apart)
    }

    pub(super) fn ground(&self) -> Ground<'_> {
        let Leveled { file, graph, .. } = &self.leveled;
        Ground { file, graph, scan: &self.scan, planned: &self.planned }
    }

    /// Everything in one value; `argument` is the plan as it was named on the command line.
    pub(super) fn overview(&self, argument: &str) -> Overview {
        let name = self.leveled.project.plan.name.as_str();
        Overview::new(name, argument, &self.ground(), &self.standings, (&self.titles, &self.apart))
    }
}

/// The achievements with a stored failure of generation.
fn failed(leveled: &Leveled) -> impl Iterator<Item = &Entry> {
    leveled.file.entries().iter().filter(|entry| entry.failure.is_some())
}
