//! Tests of the module as a whole: files in, problems or new text out.

mod declared;
mod lint;
mod problems;
mod properties;
mod releveling;
mod repair;
mod rewrite;
mod structure;

use super::*;

/// An id and the ids that it depends on.
type Needs<'a> = (&'a str, &'a [&'a str]);

/// A leveled file from levels given as `(can_parallelize, [(id, dependencies)])`; one achievement a line.
fn leveled(levels: &[(Option<bool>, &[Needs<'_>])]) -> String {
    let mut text = String::from("{\"version\": \"1.0.0\", \"plan\": \"P\", \"levels\": [");
    for (at, (parallel, achievements)) in levels.iter().enumerate() {
        let parallel = parallel.map_or(String::new(), |parallel| format!("\"can_parallelize\": {parallel}, "));
        let comma = if at > 0 { "," } else { "" };
        text.push_str(&format!("{comma}\n{{\"level\": {}, {parallel}\"achievements\": [", at + 1));
        for (at, (id, dependencies)) in achievements.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            text.push_str(&format!("{comma}\n{{\"id\": \"{id}\", \"dependencies\": {dependencies:?}}}"));
        }
        text.push_str("]}");
    }
    text + "]}\n"
}

fn parsed(text: &str) -> ParallelFile {
    ParallelFile::parse(text.as_bytes()).unwrap_or_else(|problems| panic!("{}", render(&problems, text)))
}

fn id(text: &str) -> AchievementId {
    AchievementId::parse(text).unwrap()
}
