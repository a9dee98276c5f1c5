//! What does not fit between the documents of the levels that a run wrote for, said after it.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use crate::{
    cli::{failure::Failure, project::Leveled},
    document::{ClashKind, LevelDocument, Names, Stage, clashes},
    engine::{ItemOutcome, Summary},
    parallel::Graph,
    plan::{AchievementId, Plan},
    report::shell_word,
    store::PlanDir,
};

/// What is known of a plan before its run, for what is said after it.
pub(super) struct Levels {
    plan: Arc<Plan>,
    graph: Arc<Graph>,
    names: Arc<Names>,
    /// The files that each achievement is known to touch: who else touches them is kept apart from it.
    touches: HashMap<AchievementId, Vec<String>>,
}

impl Levels {
    pub(super) fn of(leveled: &Leveled) -> Self {
        let touches = leveled.file.touches();
        let entries = leveled.file.entries().iter().enumerate();
        let touches =
            entries.filter_map(|(index, entry)| Some((entry.id, touches.get(&index)?.files.clone()))).collect();
        Self {
            plan: Arc::clone(&leveled.project.plan),
            graph: Arc::clone(&leveled.graph),
            names: Arc::clone(&leveled.names),
            touches,
        }
    }

    /// Holds the documents of each level that the run wrote for against each other, and says in the summary what does not
    /// fit. `plan_argument` is how the plan was called.
    pub(super) fn compare(&self, dir: &PlanDir, plan_argument: &str, summary: &mut Summary) -> Result<(), Failure> {
        let mut written: BTreeMap<u32, BTreeSet<Stage>> = BTreeMap::new();
        // Documents that are missing, and known to be, are none that somebody forgot something in.
        let mut unfinished = BTreeSet::new();
        for row in &summary.rows {
            match row.outcome {
                ItemOutcome::Done => {
                    written.entry(row.level).or_default().insert(row.item.stage);
                }
                ItemOutcome::Skipped => {}
                _ => {
                    unfinished.insert(row.item);
                }
            }
        }
        if written.is_empty() {
            return Ok(());
        }
        let scan = dir.scan(&self.names)?;
        for (level, stages) in written {
            let ids =
                (0..self.graph.len()).filter(|node| self.graph.level(*node) == level).map(|node| self.graph.id(node));
            let mut texts = Vec::new();
            for id in ids.collect::<BTreeSet<_>>() {
                let files = scan.of_achievement(id);
                for stage in &stages {
                    let item = crate::engine::ItemId { achievement: id, stage: *stage };
                    let paths: Vec<&String> = match stage {
                        _ if unfinished.contains(&item) => Vec::new(),
                        Stage::Subplan => files.subplan.iter().collect(),
                        Stage::Execution => files.executions.values().collect(),
                    };
                    for path in paths {
                        // One that is gone by now has nothing to say.
                        let Ok(bytes) = dir.read(path) else { continue };
                        texts.push((id, *stage, String::from_utf8_lossy(&bytes).into_owned()));
                    }
                }
            }
            let documents: Vec<LevelDocument<'_>> =
                texts.iter().map(|(id, stage, text)| LevelDocument { id: *id, stage: *stage, text }).collect();
            for mut clash in clashes(&documents, &|id| self.deliverables(id), &|a, b, path| self.known(a, b, path)) {
                let again: Vec<String> = match clash.kind {
                    ClashKind::Deliverable => &clash.achievements[..],
                    // The first may stay as it is.
                    ClashKind::SameFile | ClashKind::Signatures => clash.achievements.get(1..).unwrap_or_default(),
                }
                .iter()
                .map(ToString::to_string)
                .collect();
                // Without `--fresh` the tape would give the same answers again.
                clash.command =
                    format!("planwave run {} --ids {} --force --fresh", shell_word(plan_argument), again.join(","));
                summary.clashes.push(clash);
            }
        }
        Ok(())
    }

    fn deliverables(&self, id: AchievementId) -> Vec<String> {
        let achievement = self.plan.achievements.iter().find(|achievement| achievement.id == id);
        let lines = achievement.into_iter().flat_map(|achievement| &achievement.deliverables);
        lines.map(|text| text.lines().next().unwrap_or_default().to_owned()).collect()
    }

    /// Whether two achievements are not worked on at the same time where it comes to this file.
    fn known(&self, a: AchievementId, b: AchievementId, path: &str) -> bool {
        let touches = |id| {
            let files = self.touches.get(&id).map(Vec::as_slice).unwrap_or_default();
            files.iter().any(|file| file.ends_with(path) || path.ends_with(file.as_str()))
        };
        let waits = |a: AchievementId, b: AchievementId| {
            let nodes = self.graph.index_of(a).zip(self.graph.index_of(b));
            nodes.is_some_and(|(a, b)| self.graph.dependencies(a).contains(&b))
        };
        (touches(a) && touches(b)) || waits(a, b) || waits(b, a)
    }
}
