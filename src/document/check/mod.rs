//! Checks documents: what a model answered, strictly; what lies on disk, loosely.
//!
//! Each finding has a stable code and a sentence that a model can act on. Pure and linear in the text. It must not
//! decide what happens next; the engine does.

mod answer;
mod chat;
mod codes;
mod counts;
mod cut;
mod deliverables;
mod done;
mod language;
mod loose;
mod material;
mod mend;
mod paths;
mod placeholder;
mod reading;
mod references;
mod refusal;
mod repeats;
mod stand_in;
mod strangers;
mod structure;
mod substance;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_of_wording;
mod unwrap;
mod words;

pub use answer::{Judged, check_answer, judge_answer};
pub use codes::{Code, explain};
pub(super) use deliverables::missing as missing_deliverables;
pub use loose::check_document;
pub use material::Material;
pub(super) use paths::written_paths;
pub use paths::{ExpectedPaths, check_paths};
pub use placeholder::is_placeholder;
pub use unwrap::unwrap_answer;

use crate::plan::{AchievementId, Hours};

use super::{Finding, Names, SectionSpec, Stage};

/// What an answer is held against.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// Which document was asked for.
    pub stage: Stage,
    /// The achievement it is for.
    pub achievement: AchievementId,
    /// The deliverables that it has to mention: the PLAN's, or none where it is one of several executions.
    pub deliverables: &'a [String],
    /// What the PLAN says of the achievement, whose own words are no placeholders.
    pub source: &'a str,
    /// The plan's names, by which a document of another achievement is known.
    pub names: &'a Names,
    /// The achievement's title.
    pub title: &'a str,
    /// How long the PLAN says that it takes.
    pub estimate: Option<Hours>,
    /// The sections that it has to have.
    pub sections: &'a [SectionSpec],
    /// What the model was given to read.
    pub material: &'a Material,
}

fn lines(count: usize) -> String {
    format!("{count} line{}", if count == 1 { "" } else { "s" })
}

/// Lines of the median and of the longest of 156 real SUBPLANs and 145 real EXECUTION_TASKs.
fn size(text: &str, stage: Stage) -> Option<Finding> {
    let (median, longest) = match stage {
        Stage::Subplan => (278, 968),
        Stage::Execution => (165, 1442),
    };
    let count = text.lines().count();
    let shortest = median / 10;
    if count < shortest {
        Some(Code::TooShort.warning(None, format!("The document has {}; most have around {median}.", lines(count))))
    } else if count > longest {
        Some(Code::TooLong.warning(
            None,
            format!("The document has {}; most have around {median}, the longest {longest}.", lines(count)),
        ))
    } else {
        None
    }
}
