//! The values that the discovery template sees.

use serde::Serialize;

use super::context::hours_text;
use crate::plan::{AchievementId, Hours};

/// The question about the dependencies of a PLAN.
#[derive(Clone, Debug, Serialize)]
pub struct DiscoveryPrompt<'a> {
    /// The plan's name.
    pub plan: &'a str,
    /// Its title.
    pub title: &'a str,
    /// Every achievement.
    pub inventory: Vec<InventoryEntry<'a>>,
    /// Dependencies that hold whatever the answer says.
    pub fixed: Vec<FixedDependency>,
    /// The PLAN, whole.
    pub text: &'a str,
}

/// One achievement of the inventory.
#[derive(Clone, Debug, Serialize)]
pub struct InventoryEntry<'a> {
    id: AchievementId,
    title: &'a str,
    /// As text ("2–3 hours").
    estimate: Option<String>,
    /// Its dependencies are not asked for.
    settled: bool,
}

impl<'a> InventoryEntry<'a> {
    /// An achievement, with its estimate in the PLAN.
    pub fn new(id: AchievementId, title: &'a str, estimate: Option<Hours>, settled: bool) -> Self {
        Self { id, title, estimate: estimate.map(hours_text), settled }
    }
}

/// A dependency that holds whatever the answer says.
#[derive(Clone, Debug, Serialize)]
pub struct FixedDependency {
    /// Who needs.
    pub id: AchievementId,
    /// What is needed.
    pub needs: AchievementId,
    /// Why it holds.
    pub why: &'static str,
}
