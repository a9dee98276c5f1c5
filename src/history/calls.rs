//! What became of each answer of a run, as its events tell: which exchange it was, what was wrong with it, where it went.

use jiff::Timestamp;

use crate::{
    document::Stage,
    event::{CallId, Event, read_journal},
    plan::AchievementId,
};

/// An answer that was not taken as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The call.
    pub call: CallId,
    /// Which answer to it, from 1.
    pub attempt: u32,
    /// What fell short, a sentence each.
    pub findings: Vec<String>,
    /// The answer's place on the tape: key and time. `None` where the events do not have it.
    pub exchange: Option<(String, Timestamp)>,
}

/// What the events of a run say of its answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallLog {
    /// Documents written, by path.
    pub written: Vec<(CallId, String)>,
    /// The last exchange of each answer.
    answers: Vec<(CallId, u32, String, Timestamp)>,
    rejected: Vec<(CallId, u32, Vec<String>)>,
    /// Items done.
    pub done: usize,
    /// Items that failed for good.
    pub failed: usize,
}

impl CallLog {
    /// Reads a run's events. Lines that are of no interest here, or damaged, are passed over.
    pub fn parse(events: &str) -> Self {
        let mut log = Self::default();
        for event in read_journal(events).flatten() {
            match event {
                Event::Exchange { call: Some(call), attempt, key, at, .. } => {
                    log.answers.push((call, attempt, key, at))
                }
                Event::AnswerRejected { call, attempt, findings } => {
                    let findings = findings.into_iter().map(|finding| finding.message).collect();
                    log.rejected.push((call, attempt, findings));
                }
                Event::DocumentWritten { call, path, .. } => log.written.push((call, path)),
                Event::ItemDone { .. } => log.done += 1,
                Event::ItemFailed { .. } => log.failed += 1,
                _ => {}
            }
        }
        log
    }

    /// The rejected answers for an achievement, in the order in which they came.
    pub fn rejections(&self, achievement: AchievementId, stage: Option<Stage>) -> Vec<Rejection> {
        let wanted =
            |call: &CallId| call.item.achievement == achievement && stage.is_none_or(|stage| call.item.stage == stage);
        let rejected = self.rejected.iter().filter(|(call, ..)| wanted(call));
        let rejection = |(call, attempt, findings): &(CallId, u32, Vec<String>)| Rejection {
            call: *call,
            attempt: *attempt,
            findings: findings.clone(),
            exchange: self.exchange(*call, *attempt),
        };
        rejected.map(rejection).collect()
    }

    /// Where the answer of an attempt is on the tape: the last exchange of it, since earlier ones failed on the way.
    pub fn exchange(&self, call: CallId, attempt: u32) -> Option<(String, Timestamp)> {
        let found = self.answers.iter().rfind(|(of, number, ..)| (*of, *number) == (call, attempt));
        found.map(|(_, _, key, at)| (key.clone(), *at))
    }

    /// Every answer for an achievement: its call and attempt, in the order in which they came.
    pub fn attempts(&self, achievement: AchievementId, stage: Option<Stage>) -> Vec<(CallId, u32)> {
        let wanted =
            |call: &CallId| call.item.achievement == achievement && stage.is_none_or(|stage| call.item.stage == stage);
        let mut attempts: Vec<(CallId, u32)> = self
            .answers
            .iter()
            .filter(|(call, ..)| wanted(call))
            .map(|(call, attempt, ..)| (*call, *attempt))
            .collect();
        attempts.dedup();
        attempts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_rejections_and_documents() {
        let call =
            |id: &str, stage: &str| format!(r#""call":{{"achievement":"{id}","stage":"{stage}","part":1,"parts":1}}"#);
        let subplan = call("1.1", "subplan");
        let text = [
            r#"{"event":"run_started","run":"x"}"#.to_owned(),
            format!(r#"{{"event":"exchange",{subplan},"attempt":1,"key":"a","at":"2026-01-01T00:00:00Z","status":500}}"#),
            format!(r#"{{"event":"exchange",{subplan},"attempt":1,"key":"a","at":"2026-01-01T00:00:01Z","status":200}}"#),
            format!(
                r#"{{"event":"answer_rejected",{subplan},"attempt":1,"findings":[{{"code":"c","severity":"error","message":"Too short.","line":null}}]}}"#
            ),
            format!(r#"{{"event":"exchange",{subplan},"attempt":2,"key":"b","at":"2026-01-01T00:00:02Z","status":200}}"#),
            format!(r#"{{"event":"document_written",{subplan},"path":"subplans/S.md","warnings":[]}}"#),
            format!(r#"{{"event":"answer_rejected",{},"attempt":1,"findings":[]}}"#, call("1.2", "execution")),
            r#"{"event":"item_done","item":{"achievement":"1.1","stage":"subplan"}}"#.to_owned(),
            r#"{"event":"exchange","call":{"achievement":"../x"}}"#.to_owned(),
            r#"{"event":"exchange","torn"#.to_owned(),
        ]
        .join("\n");
        let log = CallLog::parse(&text);
        let id = AchievementId::parse("1.1").unwrap();
        let rejected = log.rejections(id, None);
        assert_eq!(rejected.len(), 1);
        assert_eq!(rejected[0].findings, ["Too short."]);
        assert_eq!(rejected[0].exchange, Some((String::from("a"), "2026-01-01T00:00:01Z".parse().unwrap())));
        assert_eq!(log.rejections(id, Some(Stage::Execution)), []);
        assert_eq!(log.attempts(id, None).iter().map(|(_, attempt)| *attempt).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(log.written[0].1, "subplans/S.md");
        assert_eq!((log.done, log.failed), (1, 0));
        assert_eq!(log.rejections(AchievementId::parse("1.2").unwrap(), None)[0].exchange, None);
    }
}
