//! What is wrong with an answer, in words for the model that gave it and for people.

use std::fmt;

use crate::{parallel::Kind, plan::AchievementId};

/// Ids of a cycle that are shown; the middle of a longer one is left out.
const SHOWN: usize = 12;

/// One thing that keeps an answer from being used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It cannot be read.
    Malformed {
        /// What, and where.
        what: String,
    },
    /// An id that is not in the inventory.
    UnknownId {
        /// Where it stands: an achievement's id, or what the answer lists it under.
        place: String,
        /// The id.
        id: AchievementId,
    },
    /// An achievement that needs itself.
    SelfDependency {
        /// Which.
        id: AchievementId,
    },
    /// Nothing is said of an achievement.
    Missing {
        /// Which.
        id: AchievementId,
    },
    /// Two entries for one achievement.
    Repeated {
        /// Which.
        id: AchievementId,
    },
    /// Achievements that all wait for each other.
    Cycle {
        /// Each needs the next, the last the first.
        edges: Vec<CycleEdge>,
    },
}

/// One dependency of a cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CycleEdge {
    /// Who needs.
    pub from: AchievementId,
    /// What is needed.
    pub needs: AchievementId,
    /// In which way.
    pub kind: Kind,
    /// Whether it can be given up: the model found it, nobody declared it.
    pub droppable: bool,
    /// Whether its reason is in the PLAN.
    pub quoted: bool,
}

/// The dependency of a cycle to give up first: of those that only the model named, the one of the weakest kind; among equals
/// one whose reason is not in the PLAN, then one from an earlier id to a later, since plans are mostly written in order.
pub fn weakest(edges: &[CycleEdge]) -> Option<&CycleEdge> {
    edges
        .iter()
        .min_by_key(|edge| (!edge.droppable, edge.kind, edge.quoted, edge.needs < edge.from, edge.from, edge.needs))
}

impl Fault {
    /// What to do about it by hand.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Malformed { .. } => None,
            Self::UnknownId { id, .. } => Some(format!("remove {id}, or add it to the PLAN")),
            Self::SelfDependency { id } => Some(format!("remove {id} from its own dependencies")),
            Self::Missing { id } => Some(format!("add an entry for {id}; without dependencies, with empty lists")),
            Self::Repeated { id } => Some(format!("keep one entry for {id}")),
            Self::Cycle { edges } => weakest(edges).map(|CycleEdge { from, needs, kind, .. }| {
                format!(
                    "remove {needs} from the dependencies of {from}: it is {}, the weakest kind in the cycle",
                    kind.as_str()
                )
            }),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { what } => f.write_str(what),
            Self::UnknownId { place, id } => write!(f, "{place} names {id}, which is not in the inventory"),
            Self::SelfDependency { id } => write!(f, "{id} depends on itself"),
            Self::Missing { id } => write!(f, "there is no entry for {id}"),
            Self::Repeated { id } => write!(f, "there are two entries for {id}"),
            Self::Cycle { edges } => {
                f.write_str("the dependencies form a cycle: ")?;
                for (at, edge) in edges.iter().enumerate() {
                    if edges.len() <= SHOWN || at < SHOWN / 2 || at >= edges.len() - SHOWN / 2 {
                        write!(f, "{} -[{}]→ ", edge.from, edge.kind.as_str())?;
                    } else if at == SHOWN / 2 {
                        write!(f, "… {} more … → ", edges.len() - SHOWN)?;
                    }
                }
                match edges.first() {
                    Some(first) => write!(f, "{} (each needs the next)", first.from),
                    None => Ok(()),
                }
            }
        }
    }
}
