//! How far the answers that were paid for before take a call: what the run would do, up to the first request that it would
//! send. Pure; it runs the worker itself, so that forecast and run cannot come to different ends.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::sync::{Mutex, PoisonError};

use futures_util::{FutureExt as _, future::BoxFuture};
use jiff::Timestamp;

use super::worker::{Accepted, Call, Limits, work};
use crate::{
    model::{Completion, Model, ModelError, ProgressSink, Request},
    prompts::Templates,
};

/// Answers that were paid for before.
#[derive(Clone, Copy)]
pub struct Recall<'a> {
    /// Answers what it remembers, at once, and nothing else.
    pub model: &'a dyn Model,
    /// The limits of one call, as the run will have them.
    pub limits: &'a Limits,
}

/// Where the remembered answers end.
pub(super) enum Recalled {
    /// In a document; nothing has to be sent.
    Accepted {
        body: String,
        /// When the last answer arrived.
        at: Timestamp,
    },
    /// In failure, without a request: the item is given up.
    GivenUp { reason: String },
    /// Before this request. `answers` come before it that were rejected, or cut short.
    Unanswered { request: Box<Request>, answers: u32 },
}

impl Recall<'_> {
    /// Works the call as the run will, until an answer is missing.
    pub(super) fn call(self, call: &Call, templates: &Templates) -> Recalled {
        let asked = Asked { model: self.model, missed: Mutex::new(None) };
        let outcome = work(call, &asked, templates, self.limits, &|_| {}).now_or_never();
        let missed = asked.missed.into_inner().unwrap_or_else(PoisonError::into_inner);
        match (outcome.map(|outcome| (outcome.result, outcome.at, outcome.remembered)), missed) {
            // Also where a document is accepted: its review is yet to be asked for, or what it sent back.
            (Some((_, _, answers)), Some(request)) => Recalled::Unanswered { request: Box::new(request), answers },
            (Some((Ok(Accepted { body, warnings: _ }), at, _)), None) => Recalled::Accepted { body, at },
            (Some((Err(rejected), ..)), None) => Recalled::GivenUp { reason: rejected.reason },
            // A model that has to wait remembers nothing.
            (None, _) => Recalled::Unanswered {
                request: Box::new(Request::opening(
                    call.messages.clone(),
                    self.limits.max_output_tokens,
                    call.cache_key.clone(),
                )),
                answers: 0,
            },
        }
    }
}

/// Keeps the request that was not answered.
struct Asked<'a> {
    model: &'a dyn Model,
    missed: Mutex<Option<Request>>,
}

impl Model for Asked<'_> {
    fn complete<'a>(
        &'a self,
        request: &'a Request,
        progress: ProgressSink<'a>,
    ) -> BoxFuture<'a, Result<Completion, ModelError>> {
        let answered = self.model.complete(request, progress);
        answered
            .inspect(|result| {
                if result.is_err() {
                    *self.missed.lock().unwrap_or_else(PoisonError::into_inner) = Some(request.clone());
                }
            })
            .boxed()
    }

    fn can_think_less(&self, less: u8) -> bool {
        self.model.can_think_less(less)
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, sync::Arc, time::Duration};

    use super::*;
    use crate::{
        document::{Material, Names, Stage},
        engine::{CallId, ItemId},
        model::{FinishReason, Message, Role, Scope},
        plan::{AchievementId, PlanName},
    };

    /// How many pieces of text a request has, and its cap.
    type Asked = (usize, u32);

    fn pieces(request: &Request) -> usize {
        request.messages.iter().map(|message| message.content.len()).sum()
    }

    /// Remembers the answers to such requests.
    struct Tape<'a>(HashMap<Asked, (&'a str, FinishReason)>);

    impl Model for Tape<'_> {
        fn complete<'a>(
            &'a self,
            request: &'a Request,
            _: ProgressSink<'a>,
        ) -> BoxFuture<'a, Result<Completion, ModelError>> {
            let at = Timestamp::UNIX_EPOCH;
            let found = self.0.get(&(pieces(request), request.max_output_tokens)).cloned();
            let missing = ModelError {
                message: String::new(),
                hint: None,
                status: None,
                scope: Scope::NotOnTape,
                requests: 0,
                at,
            };
            let answer = found.ok_or(missing).map(|(text, finish)| Completion {
                masked: false,
                text: text.to_owned(),
                finish,
                refusal: None,
                usage: None,
                at,
                latency: Duration::ZERO,
                requests: 0,
                key: Arc::from("key"),
                prompt_cut: None,
                remembered: true,
                lowered_cap: None,
                unrecorded: None,
            });
            async move { answer }.boxed()
        }
    }

    fn recalled(answers: &[(Asked, (&str, FinishReason))]) -> String {
        recalled_with(false, answers)
    }

    fn recalled_with(review: bool, answers: &[(Asked, (&str, FinishReason))]) -> String {
        let id = AchievementId::parse("1.1").unwrap();
        let item = ItemId { achievement: id, stage: Stage::Subplan };
        let say = |role, text: &str| Message { role, content: vec![Arc::from(text)] };
        let plan = b"# PLAN: X\n\n## Achievements\n\n**Achievement 1.1**: One\n\n- **Goal**: One\n";
        let plan = crate::plan::parse(PlanName::parse("X").unwrap(), plan).unwrap();
        let call = Call {
            id: CallId { item, part: 1, parts: 1 },
            title: String::from("One"),
            names: Arc::new(Names::new(PlanName::parse("X").unwrap(), vec![id])),
            messages: vec![say(Role::System, "rules"), say(Role::User, "task")],
            cache_key: String::new(),
            deliverables: Vec::new(),
            source: String::new(),
            estimate: None,
            material: Arc::new(Material::new([], &plan)),
            paths: None,
        };
        let limits = Limits {
            max_attempts: 3,
            max_output_tokens: 100,
            largest_output_tokens: 150,
            longest_quote: 1_000,
            review,
            prices: None,
        };
        let model = Tape(answers.iter().cloned().collect());
        let recall = Recall { model: &model, limits: &limits };
        match recall.call(&call, &Templates::load(&[]).unwrap()) {
            Recalled::Accepted { .. } => String::from("accepted"),
            Recalled::GivenUp { .. } => String::from("given up"),
            Recalled::Unanswered { request, answers } => {
                format!("{answers}, then {} pieces, cap {}", pieces(&request), request.max_output_tokens)
            }
        }
    }

    /// A SUBPLAN that passes the checks.
    fn good() -> String {
        let steps = "1. Read `interface.md`, list the 6 requests.\n2. Write `Request` in `requests.rs`.\n3. Write `answer` and `parse`; \
                     fields have 255 bytes at most.\n4. Keep 64 replies in a map.\n5. Run `cargo test requests` after each of them.\n\n\n\n\n\n";
        let sections = [
            (
                "Objective",
                "The part is there and answers the layer above within 5 ms, so that its callers can be written.",
            ),
            ("Deliverables", "- `part.rs` with the whole part and its documentation"),
            ("Approach", steps),
            ("Execution Strategy", "Executions: 1\n\nThe work is small and one person can hold all of it in mind."),
            (
                "Testing Strategy",
                "`cargo test requests` sends each of the 6 requests, once whole and once with a field missing.",
            ),
            ("Expected Results", "All 6 requests are answered as agreed, and 1,000 of them take less than 5 seconds."),
            ("Dependencies and Coordination", "Takes the interfaces of the layer below and leaves its siblings alone."),
        ];
        sections.map(|(heading, body)| format!("## {heading}\n\n{body}\n\n")).concat()
    }

    #[test]
    fn the_tape_is_followed_as_far_as_it_goes() {
        use FinishReason::{ContentFilter, Length, Stop};
        let good = &*good();
        assert_eq!(recalled(&[]), "0, then 2 pieces, cap 100");
        assert_eq!(recalled(&[((2, 100), (good, Stop))]), "accepted");
        // What has none of its sections is not quoted: what is wrong goes behind the first request.
        assert_eq!(recalled(&[((2, 100), ("no", Stop))]), "1, then 3 pieces, cap 100");
        assert_eq!(recalled(&[((2, 100), ("no", Stop)), ((3, 100), (good, Stop))]), "accepted");
        let (_, headless) = good.split_once("## Deliverables").unwrap();
        let headless = &*format!("## Deliverables{headless}");
        assert_eq!(recalled(&[((2, 100), (headless, Stop))]), "1, then 4 pieces, cap 100");
        assert_eq!(recalled(&[((2, 100), (headless, Stop)), ((4, 100), (good, Stop))]), "accepted");
        // The same messages with another cap are another request.
        assert_eq!(recalled(&[((2, 100), (good, Length))]), "1, then 2 pieces, cap 150");
        assert_eq!(recalled(&[((2, 100), (good, Length)), ((2, 150), (good, Stop))]), "accepted");
        // All attempts were used up, or the model will not: nothing is sent any more.
        assert_eq!(recalled(&[((2, 100), ("no", Stop)), ((3, 100), ("no", Stop))]), "given up");
        assert_eq!(recalled(&[((2, 100), ("", ContentFilter))]), "given up");
    }

    #[test]
    fn a_review_is_asked_for_once_and_costs_no_document() {
        use FinishReason::Stop;
        let good = &*good();
        let pass = r#"{"verdict": "pass", "faults": []}"#;
        let fail = r#"{"verdict": "fail", "faults": [{"criterion": "concrete", "quote": "Keep 64 replies in a map", "fault": "Say which go first."}]}"#;
        let invented = fail.replace("Keep 64 replies", "Keep 65 replies");
        let asked = |more: &[(Asked, &str)]| {
            let answers: Vec<_> =
                [((2, 100), good)].iter().chain(more).map(|(asked, text)| (*asked, (*text, Stop))).collect();
            recalled_with(true, &answers)
        };
        assert_eq!(asked(&[]), "1, then 3 pieces, cap 100");
        for passing in [pass, &*invented, "no JSON at all"] {
            assert_eq!(asked(&[((3, 100), passing)]), "accepted", "{passing}");
        }
        // What fails goes back, quoted; the second answer is not judged again.
        assert_eq!(asked(&[((3, 100), fail)]), "2, then 4 pieces, cap 100");
        assert_eq!(asked(&[((3, 100), fail), ((4, 100), good)]), "accepted");
        // What comes of it may be worse, even to the last attempt; then the first document stays.
        assert_eq!(asked(&[((3, 100), fail), ((4, 100), "no")]), "accepted");
    }
}
