//! The calls of a run plan without an engine: what people paste into a chat, and how what they bring back is judged.
//!
//! Pure. It writes the prompts that a run would send, and finishes an answer as a run would.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::{collections::HashMap, sync::Arc};

use super::{
    Briefing, RunPlan,
    planner::{Documents, PlannedItem, Target},
};
use crate::{
    document::{
        Digest, ExecutionPart, Expected, Finding, Header, Judged, Names, Severity, Stage, judge_answer, render_document,
    },
    plan::AchievementId,
    prompts::{BatchDocument, Fault, TemplateError},
};

/// One document that can be asked for now.
#[derive(Clone, Copy, Debug)]
pub struct PaperCall<'a> {
    /// The item that it belongs to.
    pub item: &'a PlannedItem,
    /// Which of several EXECUTION_TASKs; `None` for a SUBPLAN.
    pub part: Option<&'a ExecutionPart>,
    /// Where it goes, relative to the plan directory.
    pub path: &'a str,
    /// Whether a document is there already.
    pub overwrites: bool,
}

impl<'a> PaperCall<'a> {
    fn new(item: &'a PlannedItem, part: Option<&'a ExecutionPart>, target: &'a Target) -> Self {
        Self { item, part, path: &target.path, overwrites: target.overwrites }
    }
}

/// The documents of a run plan that can be asked for now: an EXECUTION_TASK whose SUBPLAN is yet to come cannot.
pub fn paper_calls(run: &RunPlan) -> Vec<PaperCall<'_>> {
    let mut calls = Vec::new();
    for item in &run.items {
        match &item.documents {
            Documents::Subplan(target) => calls.push(PaperCall::new(item, None, target)),
            Documents::Executions(parts) => {
                calls.extend(parts.iter().map(|(part, target)| PaperCall::new(item, Some(part), target)))
            }
            Documents::ExecutionsToCome => {}
        }
    }
    calls
}

/// Writes prompts and finishes answers of [`PaperCall`]s.
pub struct Paper<'a> {
    /// Writes the prompts.
    pub briefing: &'a Briefing,
    /// What the SUBPLANs on disk say.
    pub digests: &'a HashMap<AchievementId, Digest>,
    /// Names the documents.
    pub names: &'a Names,
    /// Who will work on the documents, where parallel.json does not say.
    pub executor: Option<&'a str>,
}

impl Paper<'_> {
    /// The very texts that a run would send for this document, one behind the other.
    pub fn prompt(&self, call: &PaperCall<'_>) -> Result<String, TemplateError> {
        let own = self.own(call, false)?;
        let mut text = String::new();
        for message in self.briefing.messages(call.item, own) {
            for part in &message.content {
                text.push_str(part);
                if !text.ends_with('\n') {
                    text.push('\n');
                }
            }
        }
        Ok(text)
    }

    /// One prompt for several documents of one level and stage. `faults` says what was wrong with earlier answers.
    pub fn batch(&self, calls: &[PaperCall<'_>], faults: &[Fault]) -> Result<String, TemplateError> {
        let shared = calls.first().and_then(|call| self.briefing.shared(call.item.level, call.item.id.stage));
        let level = shared.map_or("", |shared| &*shared.level);
        let stage = calls.first().map_or(Stage::Subplan, |call| call.item.id.stage);
        let documents = calls
            .iter()
            .map(|call| {
                let achievement = call.item.id.achievement;
                let subject = match call.part {
                    Some(part) if part.of > 1 => format!("execution {:02} of achievement {achievement}", part.number),
                    Some(_) | None => format!("achievement {achievement}"),
                };
                Ok(BatchDocument { path: call.path.to_owned(), subject, own: self.own(call, true)? })
            })
            .collect::<Result<Vec<_>, TemplateError>>()?;
        self.briefing.templates().batch(stage, level, &documents, faults)
    }

    /// The document that an answer becomes, with the warnings of its checks; or what is wrong with it. `created` is an
    /// RFC 3339 time.
    pub fn finish(
        &self,
        call: &PaperCall<'_>,
        answer: &str,
        created: &str,
    ) -> Result<(String, Vec<Finding>), Vec<Finding>> {
        let PaperCall { item, part, path: _, overwrites: _ } = call;
        let achievement = self.briefing.achievement(item);
        // What stands below a deliverable's first line explains it.
        let first_lines =
            achievement.deliverables.iter().map(|text| text.lines().next().unwrap_or_default().to_owned());
        let deliverables: Vec<String> =
            if part.is_some_and(|part| part.of > 1) { Vec::new() } else { first_lines.collect() };
        let Judged { body, mut findings } = judge_answer(
            answer,
            &Expected {
                stage: item.id.stage,
                achievement: item.id.achievement,
                deliverables: &deliverables,
                source: &achievement.text(),
                names: self.names,
                title: &achievement.title,
                estimate: achievement.estimated_hours,
                sections: self.briefing.templates().outlines().of(item.id.stage),
                material: self.briefing.material(),
            },
        );
        if let Some(paths) = self.briefing.paths() {
            // What cannot be rendered was not sent either.
            let own = self.own(call, false).unwrap_or_default();
            findings.extend(paths.check(&body, std::iter::once(own.as_str())));
        }
        let (errors, warnings): (Vec<Finding>, Vec<Finding>) =
            findings.into_iter().partition(|finding| finding.severity == Severity::Error);
        if !errors.is_empty() {
            return Err(errors);
        }
        let header = Header {
            plan: self.briefing.plan().name.as_str(),
            achievement: item.id.achievement,
            title: &achievement.title,
            stage: item.id.stage,
            level: Some(item.level),
            subplan: (item.id.stage == Stage::Execution).then_some(item.subplan_path.as_str()),
            part: *part,
            estimate: item.estimated_hours,
            created,
            executor: self.briefing.executor(item).or(self.executor),
        };
        Ok((render_document(&header, &body), warnings))
    }

    fn own(&self, call: &PaperCall<'_>, several: bool) -> Result<String, TemplateError> {
        let digests = |id: AchievementId| self.digests.get(&id).cloned().map(Arc::new);
        match call.part {
            None => self.briefing.subplan(call.item, &digests, several),
            Some(part) => {
                let subplan = digests(call.item.id.achievement).unwrap_or_default();
                self.briefing.execution(call.item, &call.item.subplan_path, &subplan, part, &digests, several)
            }
        }
    }
}
