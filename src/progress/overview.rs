//! Everything that `planwave status` shows, as one value: for the text, for JSON, for a menu.

use serde::Serialize;

use super::{Ground, Obstacle, Place, Ranked, Remaining, Room, Standings, ranked, remaining, remarks};
use crate::{
    parallel::{Apart, Graph, ParallelFile, Status},
    plan::{AchievementId, Hours, IdMap, Plan},
};

/// Where a plan stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Overview {
    /// The plan's name.
    pub plan: String,
    /// All levels together.
    pub total: Counts,
    /// Each level, ascending.
    pub levels: Vec<LevelProgress>,
    /// Each achievement, by level and id.
    pub achievements: Vec<AchievementProgress>,
    /// What is ready, the most worthwhile first.
    pub ready: Vec<AchievementId>,
    /// What of it can be worked on at the same time, besides what is in progress.
    pub parallel_now: Vec<AchievementId>,
    /// What is ready and must not be worked on beside these, or beside what is in progress.
    pub kept_apart: Vec<KeptApart>,
    /// What somebody works on.
    pub in_progress: Vec<AchievementId>,
    /// What cannot be begun because of a failure.
    pub blocked: Vec<Blocked>,
    /// What holds up others and waits for nothing itself, the worst first.
    pub blockers: Vec<Blocker>,
    /// The lowest level that is not done.
    pub current_level: Option<u32>,
    /// What can be begun once that level is done.
    pub next_unlocks: Vec<AchievementId>,
    /// The work that is left.
    pub remaining: Remaining,
    /// What to do next; `None` where everything is done.
    pub next: Option<Recommendation>,
    /// What a status does not tell, a sentence each.
    pub remarks: Vec<String>,
}

/// How many achievements stand where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// All of them: the sum of those below.
    pub achievements: usize,
    /// Reviewed and accepted.
    pub complete: usize,
    /// Left out on purpose.
    pub skipped: usize,
    /// Worked on.
    pub in_progress: usize,
    /// Can be begun.
    pub ready: usize,
    /// Wait for something that is not done.
    pub waiting: usize,
    /// Failed.
    pub failed: usize,
    /// Depend on something that failed.
    pub blocked: usize,
}

impl Counts {
    fn add(&mut self, status: Status, place: Place) {
        self.achievements += 1;
        *match (place, status) {
            (Place::Done, Status::Skipped) => &mut self.skipped,
            (Place::Done, _) => &mut self.complete,
            (Place::InProgress, _) => &mut self.in_progress,
            (Place::Ready, _) => &mut self.ready,
            (Place::Waiting, _) => &mut self.waiting,
            (Place::Failed, _) => &mut self.failed,
            (Place::Blocked { .. }, _) => &mut self.blocked,
        } += 1;
    }

    /// Both together.
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            achievements: self.achievements + other.achievements,
            complete: self.complete + other.complete,
            skipped: self.skipped + other.skipped,
            in_progress: self.in_progress + other.in_progress,
            ready: self.ready + other.ready,
            waiting: self.waiting + other.waiting,
            failed: self.failed + other.failed,
            blocked: self.blocked + other.blocked,
        }
    }

    /// Those that need nothing any more.
    pub fn done(&self) -> usize {
        self.complete + self.skipped
    }
}

/// A level.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LevelProgress {
    /// Its number.
    pub level: u32,
    /// What parallel.json says of it.
    pub description: Option<String>,
    /// Its achievements.
    #[serde(flatten)]
    pub counts: Counts,
}

/// An achievement.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AchievementProgress {
    /// Its id.
    pub id: AchievementId,
    /// Its title.
    pub title: String,
    /// Its level.
    pub level: u32,
    /// Its status.
    pub status: Status,
    /// `done`, `in_progress`, `failed`, `ready`, `waiting` or `blocked`.
    pub place: &'static str,
    /// Its dependencies that are not done.
    pub waits_for: Vec<AchievementId>,
    /// The failed achievement that it depends on, directly or not.
    pub blocked_by: Option<AchievementId>,
    /// Who works on it, or is to.
    pub executor: Option<String>,
    /// When work began.
    pub started_at: Option<String>,
    /// Its estimate.
    pub estimated_hours: Option<Hours>,
}

/// An achievement that cannot be begun, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Blocked {
    /// Which.
    pub id: AchievementId,
    /// What failed.
    pub by: AchievementId,
}

/// An achievement that is ready, and another that needs the same and goes first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeptApart {
    /// Which.
    pub id: AchievementId,
    /// What is in progress, or can be begun now.
    pub beside: AchievementId,
    /// What both need.
    pub over: String,
}

/// An achievement that others wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Blocker {
    /// Which.
    pub id: AchievementId,
    /// Its status.
    pub status: Status,
    /// Nobody works on it yet, and all it depends on is done.
    pub ready: bool,
    /// How many depend on it, directly or not; [`super::HELD_UP_MOST`] stands for that many or more.
    pub holds_up: usize,
    /// How many of them wait for nothing else.
    pub unlocks: usize,
}

/// A command to type next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Recommendation {
    /// The command's words.
    pub command: Vec<String>,
    /// What it does.
    pub why: String,
}

/// The step that a [`Recommendation`] puts into words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Begin to work on this one.
    Start(AchievementId),
    /// Generate the documents of this level.
    Generate(u32),
    /// Finish this one.
    Complete(AchievementId),
    /// Fix this one, then take it up again.
    Retry(AchievementId),
    /// Generate the documents of this one again.
    GenerateAgain(AchievementId),
}

impl Step {
    /// The command for a plan, as it was named on the command line.
    pub fn recommendation(self, plan: &str) -> Recommendation {
        let (words, why) = match self {
            Self::Start(id) => (
                vec![String::from("start"), id.to_string()],
                format!("begins {id}, the most worthwhile of what is ready"),
            ),
            Self::Generate(level) => (
                vec![String::from("run"), String::from("--level"), level.to_string()],
                String::from("generates the documents to work by"),
            ),
            Self::Complete(id) => {
                (vec![String::from("complete"), id.to_string()], format!("once the work on {id} is accepted"))
            }
            Self::Retry(id) => (
                vec![String::from("retry"), id.to_string()],
                format!("takes {id} up again, to fix what its FIX file says"),
            ),
            Self::GenerateAgain(id) => (
                vec![String::from("run"), String::from("--ids"), id.to_string()],
                format!("tries again to generate the documents of {id}"),
            ),
        };
        let mut command = vec![String::from("planwave")];
        command.extend(words);
        if plan != "." {
            // Behind the name of the command that takes nothing else, else at the end.
            let at = if matches!(self, Self::Generate(_) | Self::GenerateAgain(_)) { 2 } else { command.len() };
            command.insert(at, plan.to_owned());
        }
        Recommendation { command, why }
    }
}

/// What PLAN and parallel.json say of achievements beyond their place in the graph, by graph index.
#[derive(Clone, Debug, PartialEq)]
pub struct Titles {
    /// Titles; empty where there is none.
    pub titles: Vec<String>,
    /// Estimates.
    pub estimates: Vec<Option<Hours>>,
}

impl Titles {
    /// Takes what parallel.json says, and what it leaves out from the PLAN.
    pub fn new(file: &ParallelFile, plan: &Plan) -> Self {
        let defined: IdMap<_> = plan.achievements.iter().map(|achievement| (achievement.id, achievement)).collect();
        let of = file.entries().iter().map(|entry| {
            let defined = defined.get(&entry.id);
            let title = defined.filter(|_| entry.title.is_empty()).map_or(&entry.title, |defined| &defined.title);
            (title.clone(), entry.estimated_hours.or_else(|| defined?.estimated_hours))
        });
        let (titles, estimates) = of.unzip();
        Self { titles, estimates }
    }
}

impl Overview {
    /// Puts together where a plan stands. `argument` is the plan as it was named on the command line, `apart` that of the
    /// file.
    pub fn new(
        name: &str,
        argument: &str,
        ground: &Ground<'_>,
        standings: &Standings,
        (titles, apart): (&Titles, &Apart),
    ) -> Self {
        let Ground { file, graph, .. } = *ground;
        let id = |node: usize| graph.id(node);
        let mut nodes: Vec<usize> = (0..graph.len()).collect();
        nodes.sort_by_key(|node| (graph.level(*node), graph.id(*node)));
        let at = |place: Place| nodes.iter().copied().filter(move |node| standings.place(*node) == place);
        let ready = ranked(graph, standings, at(Place::Ready));
        let blocked = nodes.iter().filter_map(|node| match standings.place(*node) {
            Place::Blocked { by } => Some(Blocked { id: id(*node), by: id(by) }),
            Place::Done | Place::InProgress | Place::Failed | Place::Ready | Place::Waiting => None,
        });
        let blockers = blockers(graph, standings, &ready, at(Place::Failed).chain(at(Place::InProgress)));
        let current_level = nodes.iter().find(|node| standings.place(**node) != Place::Done);
        let current_level = current_level.map(|node| graph.level(*node));
        let mut total = Counts::default();
        let levels = file.levels().iter().map(|level| {
            let mut counts = Counts::default();
            for &node in &level.entries {
                counts.add(standings.status(node), standings.place(node));
                total.add(standings.status(node), standings.place(node));
            }
            LevelProgress { level: level.number, description: level.description.clone(), counts }
        });
        let levels = levels.collect();
        let (runnable, others) = Room::beside(file, graph, standings, apart).runnable_now(&ready);
        let kept_apart = others.iter().filter_map(|(node, obstacle)| match obstacle {
            Obstacle::Apart(conflict) => {
                Some(KeptApart { id: id(*node), beside: id(conflict.holder), over: conflict.over.to_owned() })
            }
            Obstacle::Full => None,
        });
        Self {
            plan: name.to_owned(),
            total,
            levels,
            achievements: nodes.iter().map(|node| achievement(*node, ground, standings, titles)).collect(),
            kept_apart: kept_apart.collect(),
            in_progress: at(Place::InProgress).map(id).collect(),
            blocked: blocked.collect(),
            blockers,
            next_unlocks: current_level.map(|level| next_unlocks(graph, standings, level)).unwrap_or_default(),
            current_level,
            remaining: remaining(file, graph, standings, &titles.estimates, apart),
            next: step(ground, standings, (&ready, &runnable), &nodes).map(|step| step.recommendation(argument)),
            parallel_now: runnable.into_iter().map(id).collect(),
            remarks: remarks(ground, standings),
            ready: ready.into_iter().map(|ranked| id(ranked.node)).collect(),
        }
    }
}

fn achievement(node: usize, ground: &Ground<'_>, standings: &Standings, titles: &Titles) -> AchievementProgress {
    let graph = ground.graph;
    let entry = &ground.file.entries()[node];
    let (place, blocked_by) = match standings.place(node) {
        Place::Done => ("done", None),
        Place::InProgress => ("in_progress", None),
        Place::Failed => ("failed", None),
        Place::Ready => ("ready", None),
        Place::Waiting => ("waiting", None),
        Place::Blocked { by } => ("blocked", Some(graph.id(by))),
    };
    AchievementProgress {
        id: entry.id,
        title: titles.titles.get(node).cloned().unwrap_or_default(),
        level: graph.level(node),
        status: standings.status(node),
        place,
        waits_for: standings.open_dependencies(graph, node).map(|node| graph.id(node)).collect(),
        blocked_by,
        executor: entry.executor.clone(),
        started_at: entry.started_at.clone(),
        estimated_hours: titles.estimates.get(node).copied().flatten(),
    }
}

/// Everything that holds up others and can be dealt with now.
fn blockers(
    graph: &Graph,
    standings: &Standings,
    ready: &[Ranked],
    others: impl Iterator<Item = usize>,
) -> Vec<Blocker> {
    let mut all = ranked(graph, standings, others);
    all.extend_from_slice(ready);
    let blocker = |ranked: &Ranked| Blocker {
        id: graph.id(ranked.node),
        status: standings.status(ranked.node),
        ready: standings.place(ranked.node) == Place::Ready,
        holds_up: ranked.holds_up,
        unlocks: ranked.unlocks.len(),
    };
    let mut blockers: Vec<Blocker> = all.iter().filter(|ranked| ranked.holds_up > 0).map(blocker).collect();
    // A failure first: nothing behind it moves, while the others are being dealt with.
    blockers.sort_by_key(|blocker| (blocker.status != Status::Failed, usize::MAX - blocker.holds_up));
    blockers
}

/// What waits for nothing but achievements of this level and those before.
fn next_unlocks(graph: &Graph, standings: &Standings, level: u32) -> Vec<AchievementId> {
    let waits = |node: &usize| graph.level(*node) > level && standings.status(*node).is_open();
    let only_for_it = |node: &usize| {
        let mut open = standings.open_dependencies(graph, *node).peekable();
        open.peek().is_some() && open.all(|dependency| graph.level(dependency) <= level)
    };
    let mut unlocked: Vec<usize> = (0..graph.len()).filter(|node| waits(node) && only_for_it(node)).collect();
    unlocked.sort_by_key(|node| (graph.level(*node), graph.id(*node)));
    unlocked.into_iter().map(|node| graph.id(node)).collect()
}

/// The step to recommend: work that has its documents, then documents for work that could begin, then what is under way,
/// then what failed.
fn step(
    ground: &Ground<'_>,
    standings: &Standings,
    (ready, runnable): (&[Ranked], &[usize]),
    nodes: &[usize],
) -> Option<Step> {
    let graph = ground.graph;
    let documented = |node: &&usize| standings.status(**node) == Status::ExecutionCreated;
    if let Some(node) = runnable.iter().find(documented) {
        return Some(Step::Start(graph.id(*node)));
    }
    let undocumented = |ranked: &&Ranked| standings.status(ranked.node) != Status::ExecutionCreated;
    if let Some(ranked) = ready.iter().find(undocumented) {
        return Some(Step::Generate(graph.level(ranked.node)));
    }
    let first = |place: Place| nodes.iter().copied().find(|node| standings.place(*node) == place);
    if let Some(node) = first(Place::InProgress) {
        return Some(Step::Complete(graph.id(node)));
    }
    let failed = first(Place::Failed)?;
    let id = graph.id(failed);
    Some(if ground.scan.of_achievement(id).evidence.fix { Step::Retry(id) } else { Step::GenerateAgain(id) })
}
