//! 8xx: achievements of one parallel level that get in each other's way.

use std::collections::HashMap;

use super::{
    Planned, Surroundings,
    claims::{Claim, of_deliverable, of_prose},
};
use crate::parallel::{
    Entry, ParallelFile, Status,
    check::field,
    problem::{Raised, printable},
    rules::{SHARED_DELIVERABLE, SHARED_RESOURCE},
};

/// Texts of one achievement that another is compared with; more would be slow where there are thousands.
const MOST_COMPARED: usize = 32;

/// The first that claims something, by what it claims.
type Known<'a> = HashMap<Claim<'a>, usize, foldhash::fast::RandomState>;

pub(super) fn find(
    file: &ParallelFile,
    around: &Surroundings<'_>,
    planned: &Planned<'_>,
    raise: &mut impl FnMut(Raised),
) {
    // Kept from level to level for their memory.
    let (mut texts, mut known, mut claimed) = (Vec::new(), Known::default(), Vec::<Claimed<'_>>::new());
    let apart = file.apart();
    for level in file.levels.iter().filter(|level| level.can_parallelize && level.entries.len() > 1) {
        known.clear();
        claimed.clear();
        for &index in level.entries.iter().filter(|&&index| is_open(&file.entries[index], around)) {
            texts_of(file, index, planned, around, &mut texts);
            claims_of(&texts, &mut |claim, source| {
                let at = *known.entry(claim).or_insert(claimed.len());
                match claimed.get_mut(at) {
                    None => claimed.push(Claimed { claim, first: (index, source), others: Vec::new() }),
                    Some(claimed) if claimed.last() != index => claimed.others.push((index, source)),
                    Some(_) => {}
                }
            });
        }
        // Whoever `touches` it waits for the others who do.
        let waits = |&(index, _): &(usize, &str), claim: Claim<'_>| apart.holds(index, claim);
        let in_the_way = |claimed: &&Claimed<'_>| {
            !claimed.others.is_empty() && !claimed.all().all(|owner| waits(owner, claimed.claim))
        };
        for claimed in claimed.iter().filter(in_the_way) {
            raise(clash(file, claimed));
        }
    }
}

/// Who claims something, and where it says so.
struct Claimed<'a> {
    claim: Claim<'a>,
    first: (usize, &'static str),
    others: Vec<(usize, &'static str)>,
}

impl Claimed<'_> {
    fn all(&self) -> impl Iterator<Item = &(usize, &'static str)> {
        [&self.first].into_iter().chain(&self.others)
    }

    fn last(&self) -> usize {
        self.others.last().unwrap_or(&self.first).0
    }
}

/// Whether there is still something to do.
fn is_open(entry: &Entry, around: &Surroundings<'_>) -> bool {
    let evidence = around.documents.as_ref().map(|all| all.get(&entry.id).map(|documents| documents.evidence));
    match evidence {
        Some(evidence) => !evidence.is_some_and(|evidence| evidence.approved || evidence.skipped),
        None => !matches!(entry.status, Status::Complete | Status::Skipped),
    }
}

/// A text that may claim something, and where it stands.
#[derive(Clone, Copy, PartialEq)]
enum Text<'a> {
    Deliverable(&'a str, &'static str),
    Prose(&'a str, &'static str),
}

/// Collects the texts of an entry. PLAN and SUBPLAN mostly repeat a deliverable word by word; such a text counts once.
fn texts_of<'a>(
    file: &'a ParallelFile,
    index: usize,
    planned: &Planned<'a>,
    around: &'a Surroundings<'_>,
    texts: &mut Vec<Text<'a>>,
) {
    texts.clear();
    let mut add = |deliverables: &'a [String], source| {
        for text in deliverables {
            let is_it = |known: &Text<'_>| matches!(known, Text::Deliverable(known, _) if *known == text.as_str());
            if !texts.iter().take(MOST_COMPARED).any(is_it) {
                texts.push(Text::Deliverable(text, source));
            }
        }
    };
    add(&file.stated[index].deliverables, "its deliverables");
    let achievement = planned.by_entry[index];
    if let Some(achievement) = achievement {
        add(&achievement.deliverables, "the PLAN");
    }
    if let Some(deliverables) = around.subplan_deliverables.get(&file.entries[index].id) {
        add(deliverables, "its SUBPLAN");
    }
    texts.extend(achievement.map(|achievement| Text::Prose(&achievement.body, "the PLAN")));
    let approach = around.subplan_approaches.get(&file.entries[index].id);
    texts.extend(approach.map(|approach| Text::Prose(approach, "its SUBPLAN")));
}

fn claims_of<'a>(texts: &[Text<'a>], take: &mut impl FnMut(Claim<'a>, &'static str)) {
    for text in texts {
        match *text {
            Text::Deliverable(text, source) => of_deliverable(text, &mut |claim| take(claim, source)),
            Text::Prose(text, source) => of_prose(text, &mut |claim| take(claim, source)),
        }
    }
}

fn clash(file: &ParallelFile, claimed: &Claimed<'_>) -> Raised {
    let (rule, what) = match claimed.claim {
        Claim::File(path) => (&SHARED_DELIVERABLE, format!("write `{}`", printable(path, 80))),
        Claim::Resource("port", name) => (&SHARED_RESOURCE, format!("change port {}", printable(name, 80))),
        Claim::Resource(kind, name) => (&SHARED_RESOURCE, format!("change {kind} `{}`", printable(name, 80))),
    };
    let owners: Vec<_> = claimed.all().collect();
    let named: Vec<String> =
        owners.iter().take(4).map(|&&(index, source)| format!("{} ({source})", file.entries[index].id)).collect();
    let more = if owners.len() > 4 { format!(" and {} more", owners.len() - 4) } else { String::new() };
    let last = owners.get(1).map_or(0, |owner| owner.0);
    let message = format!("{}{more} {what} in level {}", named.join(", "), file.entries[last].level);
    let path = if file.stated[last].deliverables.is_empty() {
        file.places[last].path()
    } else {
        field(file, last, "deliverables")
    };
    Raised::new(rule, path, message).hint("let one depend on the other, split it, or set `can_parallelize` to false")
}
