//! The question: rules that are the same for every PLAN, then the inventory and the PLAN's whole text.

use std::collections::HashMap;

use super::Fault;
use crate::{
    parallel::{Basis, Origin},
    plan::Plan,
    prompts::{DiscoveryPrompt, FixedDependency, InventoryEntry, TemplateError, Templates},
};

/// Tokens of an answer beside its entries.
const ANSWER_FRAME: usize = 200;

/// Tokens of one achievement's entry: an id, about two dependencies with a quotation each, four files.
const ANSWER_ENTRY: usize = 180;

/// Tokens of an entry with empty lists.
const EMPTY_ENTRY: usize = 40;

/// What is sent: two messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// The framework, the rules and the form of the answer.
    pub system: String,
    /// The inventory and the PLAN.
    pub user: String,
}

/// Writes the question about the open achievements of `basis`. `text` is the PLAN, whole.
pub fn prompt(templates: &Templates, plan: &Plan, text: &str, basis: &Basis) -> Result<Prompt, TemplateError> {
    let estimates: HashMap<_, _> =
        plan.achievements.iter().map(|achievement| (achievement.id, achievement.estimated_hours)).collect();
    let drafts = basis.drafts().iter();
    let inventory: Vec<InventoryEntry<'_>> = drafts
        .map(|draft| {
            let estimate = estimates.get(&draft.id).copied().flatten();
            InventoryEntry::new(draft.id, &draft.title, estimate, draft.frozen)
        })
        .collect();
    let fixed: Vec<FixedDependency> = basis
        .drafts()
        .iter()
        .flat_map(|draft| draft.dependencies.iter().map(move |dependency| (draft, dependency)))
        .map(|(draft, dependency)| FixedDependency {
            id: draft.id,
            needs: dependency.needs,
            why: match dependency.source {
                _ if draft.frozen => "settled",
                Origin::Declared => "declared in the PLAN",
                Origin::Manual | Origin::Model => "set by hand",
            },
        })
        .collect();
    let values = DiscoveryPrompt { plan: plan.name.as_str(), title: &plan.title, inventory, fixed, text };
    Ok(Prompt { system: templates.discovery_rules()?, user: templates.discovery(&values)? })
}

/// What follows an answer with these faults. `quoted_in_part` says that the answer above it was cut.
pub fn repair(templates: &Templates, faults: &[Fault], quoted_in_part: bool) -> Result<String, TemplateError> {
    let lines: Vec<String> = faults
        .iter()
        .map(|fault| match fault {
            Fault::Cycle { .. } => format!("{fault}. Give up the one that the PLAN supports least."),
            Fault::Malformed { .. }
            | Fault::UnknownId { .. }
            | Fault::SelfDependency { .. }
            | Fault::Missing { .. }
            | Fault::Repeated { .. } => format!("{fault}."),
        })
        .collect();
    templates.discovery_repair(&lines, quoted_in_part)
}

/// Tokens without which no answer about this many achievements can do: an entry with everything empty.
pub fn fewest_tokens(open: usize) -> usize {
    open.saturating_mul(EMPTY_ENTRY)
}

/// Tokens that an answer about this many achievements usually has, reasoning not counted.
pub fn expected_tokens(open: usize) -> usize {
    ANSWER_FRAME + open.saturating_mul(ANSWER_ENTRY)
}
