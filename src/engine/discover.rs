//! Asks a model for the dependencies of a PLAN until an answer can be used, or it is given up.
//!
//! One async function over values and a [`Model`], like the worker of a run. It knows nothing of disks or terminals.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::sync::Arc;

use jiff::Timestamp;

use super::{
    cut::{self, Room},
    worker::{Limits, Rejected, continued, final_refusal, finish, millis},
};
use crate::{
    discovery::{self, Discovered, Fault, Prompt, Source, examine, parse_answer},
    document::Severity,
    event::Remedy,
    model::{
        Completion, FinishReason, Message, Model, ModelError, Progress, PromptCut, Request, ResponseSchema, Role, Usage,
    },
    parallel::Basis,
    prompts::{TemplateError, Templates},
};

/// Everything that goes into the question.
pub struct Inquiry<'a> {
    /// What holds before anybody is asked.
    pub basis: &'a Basis,
    /// The PLAN's text, for checking quotations.
    pub source: &'a Source,
    /// What is sent first.
    pub prompt: &'a Prompt,
    /// For what follows an answer that cannot be used.
    pub templates: &'a Templates,
}

/// What happens meanwhile.
#[derive(Clone, Debug, PartialEq)]
pub enum Inquired {
    /// A request is sent.
    Asked {
        /// From 1.
        attempt: u32,
    },
    /// The answer comes in, or the request is repeated.
    Progress(Progress),
    /// The server cut the prompt.
    PromptCut(PromptCut),
    /// The server does not take a schema for the answer; it is asked without one, and checked all the same.
    SchemaRefused,
    /// The answer did not come whole; this is done about it.
    Cut {
        /// From 1.
        attempt: u32,
        /// What.
        remedy: Remedy,
    },
    /// The answer cannot be used and is asked for again.
    Refused {
        /// From 1.
        attempt: u32,
        /// Why.
        faults: Vec<Fault>,
    },
}

/// What has come of it.
#[derive(Debug)]
pub struct Discovery {
    /// The structure, or why there is none.
    pub result: Result<Discovered, Undiscovered>,
    /// Answers asked for.
    pub attempts: u32,
    /// Tokens of all answers.
    pub usage: Usage,
    /// Answers without usage.
    pub unmetered: u32,
    /// The keys of all answers ([`Completion::key`]).
    pub keys: Vec<Arc<str>>,
    /// Sum of the answers' latencies, milliseconds.
    pub latency_ms: u64,
    /// When the last answer or error arrived; on replay, the time on the tape.
    pub at: Timestamp,
}

/// Why there is no structure.
#[derive(Clone, Debug, PartialEq)]
pub enum Undiscovered {
    /// The last answer had these faults.
    Faulty(Vec<Fault>),
    /// The call itself failed, or the model declined.
    Rejected(Rejected),
    /// The user does not want another attempt.
    Interrupted,
}

/// Asks, checks, and asks again with the faults named, `limits.max_attempts` times at most. What does not come whole is dealt
/// with as in a run. `go_on` is asked before each attempt but the first.
pub async fn discover(
    inquiry: &Inquiry<'_>,
    model: &dyn Model,
    limits: &Limits,
    go_on: &(dyn Fn() -> bool + Send + Sync),
    say: &(dyn Fn(Inquired) + Send + Sync),
) -> Discovery {
    let schema = ResponseSchema { name: discovery::SCHEMA_NAME.to_owned(), schema: discovery::schema() };
    let mut schema = Some(Arc::new(schema));
    let first = vec![
        Message { role: Role::System, content: vec![inquiry.prompt.system.as_str().into()] },
        Message { role: Role::User, content: vec![inquiry.prompt.user.as_str().into()] },
    ];
    let mut messages = first.clone();
    let mut cap = limits.max_output_tokens;
    let (mut less_reasoning, mut raised) = (0, false);
    // What came of an answer whose rest was asked for.
    let mut begun = String::new();
    let mut tally = Tally::default();
    for attempt in 1.. {
        say(Inquired::Asked { attempt });
        let messages_now = match continued(&messages, &begun, inquiry.templates) {
            Ok(messages) => messages,
            Err(error) => return tally.end(attempt, Timestamp::default(), Err(Undiscovered::template(&error))),
        };
        let request = Request {
            messages: messages_now,
            max_output_tokens: cap,
            cache_key: None,
            // The rest of an answer does not fit the schema of a whole one.
            response_schema: schema.clone().filter(|_| begun.is_empty()),
            less_reasoning,
        };
        let completion = match model.complete(&request, &|progress| say(Inquired::Progress(progress))).await {
            Ok(completion) => completion,
            Err(error) if schema.is_some() && refuses_a_schema(&error) => {
                schema = None;
                say(Inquired::SchemaRefused);
                continue;
            }
            Err(error) => {
                let at = error.at;
                return tally.end(attempt, at, Err(Undiscovered::Rejected(Rejected::from(error))));
            }
        };
        tally.add(&completion);
        if let Some(cut) = completion.prompt_cut {
            say(Inquired::PromptCut(cut));
        }
        if let Some(error) = completion.unrecorded {
            return tally.end(attempt, completion.at, Err(Undiscovered::Rejected(Rejected::from(error))));
        }
        if let Some(refusal) = final_refusal(&completion) {
            return tally.end(attempt, completion.at, Err(Undiscovered::Rejected(refusal)));
        }
        let can_think_less = model.can_think_less(less_reasoning);
        let room = Room { cap, largest: limits.largest_output_tokens, raised, can_think_less };
        let remedy = cut::remedy(&completion, room);
        if let Some(remedy) = remedy.filter(|_| attempt < limits.max_attempts) {
            say(Inquired::Cut { attempt, remedy });
            if !go_on() {
                return tally.end(attempt, completion.at, Err(Undiscovered::Interrupted));
            }
            match remedy {
                Remedy::RaiseCap { from: _, to } => (cap, raised) = (to, true),
                Remedy::Continue { cap: _ } | Remedy::Finish => begun = cut::join(begun, &completion.text),
                Remedy::ThinkLess => less_reasoning += 1,
            }
            continue;
        }
        let text = cut::join(std::mem::take(&mut begun), &completion.text);
        let cut = completion.finish == FinishReason::Length;
        let examined = match (cut, unclean(&completion.finish)) {
            (true, _) => Err(vec![cut_fault(&completion, cap)]),
            (false, Some(fault)) => Err(vec![fault]),
            (false, None) => parse_answer(&text).and_then(|answer| examine(answer, inquiry.basis, inquiry.source)),
        };
        let faults = match examined {
            Ok(discovered) => return tally.end(attempt, completion.at, Ok(discovered)),
            Err(faults) => faults,
        };
        // Cut, and nothing to be done about it: the same request would be cut again, and paid for again.
        if attempt >= limits.max_attempts || cut {
            return tally.end(attempt, completion.at, Err(Undiscovered::Faulty(faults)));
        }
        say(Inquired::Refused { attempt, faults: faults.clone() });
        if !go_on() {
            return tally.end(attempt, completion.at, Err(Undiscovered::Interrupted));
        }
        messages = first.clone();
        let quoted: String = text.chars().take(limits.longest_quote).collect();
        let in_part = quoted.len() < text.len();
        if !quoted.trim().is_empty() {
            messages.push(Message { role: Role::Assistant, content: vec![quoted.into()] });
        }
        match discovery::repair(inquiry.templates, &faults, in_part) {
            Ok(text) => messages.push(Message { role: Role::User, content: vec![text.into()] }),
            Err(error) => return tally.end(attempt, completion.at, Err(Undiscovered::template(&error))),
        }
    }
    unreachable!("the loop above ends by returning")
}

/// Whether a server says that it does not know, or does not take, Structured Outputs.
fn refuses_a_schema(error: &ModelError) -> bool {
    let message = error.message.to_lowercase();
    matches!(error.status, Some(400 | 404 | 415 | 422 | 501))
        && ["response_format", "json_schema", "structured output"].iter().any(|word| message.contains(word))
}

/// The fault of an answer that ended in another way than whole. Where the server says nothing, its JSON tells: half of
/// it cannot be read.
fn unclean(reason: &FinishReason) -> Option<Fault> {
    let finding = finish(reason).filter(|finding| finding.severity == Severity::Error)?;
    Some(Fault::Malformed { what: finding.message })
}

/// What is wrong with an answer that was cut for good.
fn cut_fault(completion: &Completion, cap: u32) -> Fault {
    let reasoned = completion.usage.is_some_and(|usage| usage.reasoning > 0);
    let what = if completion.text.trim().is_empty() && reasoned {
        format!("all of the {cap} output tokens went into reasoning; the answer is empty")
    } else {
        format!("the answer was cut at the cap of {cap} output tokens")
    };
    Fault::Malformed { what }
}

impl Undiscovered {
    fn template(error: &TemplateError) -> Self {
        Self::Rejected(Rejected::template(error))
    }
}

#[derive(Default)]
struct Tally {
    usage: Usage,
    unmetered: u32,
    keys: Vec<Arc<str>>,
    latency_ms: u64,
}

impl Tally {
    fn add(&mut self, completion: &Completion) {
        self.keys.push(Arc::clone(&completion.key));
        if completion.remembered {
            // An earlier command paid for it.
            return;
        }
        match completion.usage {
            Some(usage) => self.usage += usage,
            None => self.unmetered += 1,
        }
        self.latency_ms += millis(completion.latency);
    }

    fn end(self, attempts: u32, at: Timestamp, result: Result<Discovered, Undiscovered>) -> Discovery {
        let Self { usage, unmetered, keys, latency_ms } = self;
        Discovery { result, attempts, usage, unmetered, keys, latency_ms, at }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use futures_util::{FutureExt as _, future::BoxFuture};

    use super::*;
    use crate::{
        model::ProgressSink,
        parallel::Status,
        plan::{PlanName, parse},
    };

    const PLAN: &str =
        "# PLAN: Two\n\n## Desirable Achievements\n\n**Achievement 1.1**: One\n\n**Achievement 1.2**: Two\n";
    const GOOD: &str = r#"{"achievements":[{"id":"1.1"},{"id":"1.2"}],"hidden_conflicts":[]}"#;

    type Asked = (u32, usize, u8, bool);

    /// Gives its answers one after the other (an empty one has been thought about). Of each request it keeps the cap, the number
    /// of messages, by how much less is to be thought, and whether the answer has to fit the schema.
    struct Script {
        answers: Mutex<Vec<(&'static str, FinishReason)>>,
        asked: Mutex<Vec<Asked>>,
    }

    impl Model for Script {
        fn can_think_less(&self, less: u8) -> bool {
            less == 0
        }

        fn complete<'a>(
            &'a self,
            request: &'a Request,
            _: ProgressSink<'a>,
        ) -> BoxFuture<'a, Result<Completion, ModelError>> {
            let Request { max_output_tokens: cap, messages, response_schema, less_reasoning, .. } = request;
            self.asked.lock().unwrap().push((*cap, messages.len(), *less_reasoning, response_schema.is_some()));
            let (text, finish) = self.answers.lock().unwrap().remove(0);
            let reasoning = if text.is_empty() { 5 } else { 0 };
            let usage = Some(Usage { input: 10, cached: 0, output: 5, reasoning, at_least: false });
            let latency = std::time::Duration::from_millis(7);
            let at = Timestamp::UNIX_EPOCH;
            async move {
                Ok(Completion {
                    masked: false,
                    text: text.to_owned(),
                    finish,
                    refusal: None,
                    usage,
                    at,
                    latency,
                    requests: 1,
                    key: Arc::from("key"),
                    prompt_cut: None,
                    remembered: false,
                    lowered_cap: None,
                    unrecorded: None,
                })
            }
            .boxed()
        }
    }

    fn ask(answers: &[(&'static str, FinishReason)], go_on: bool) -> (Discovery, Vec<Asked>) {
        let plan = parse(PlanName::parse("TWO").unwrap(), PLAN.as_bytes()).unwrap();
        let basis = Basis::new(&plan, None, &|_| Status::NotStarted).unwrap();
        let templates = Templates::load(&[]).unwrap();
        let prompt = discovery::prompt(&templates, &plan, PLAN, &basis).unwrap();
        let source = Source::new(PLAN);
        let inquiry = Inquiry { basis: &basis, source: &source, prompt: &prompt, templates: &templates };
        let limits = Limits {
            max_attempts: 3,
            max_output_tokens: 100,
            largest_output_tokens: 150,
            longest_quote: 10,
            review: false,
            prices: None,
        };
        let script = Script { answers: Mutex::new(answers.to_vec()), asked: Mutex::default() };
        let discovery = discover(&inquiry, &script, &limits, &|| go_on, &|_| {}).now_or_never().unwrap();
        (discovery, script.asked.into_inner().unwrap())
    }

    #[test]
    fn an_answer_that_was_cut_gets_more_room_once_and_then_is_continued() {
        let cut = |text| (text, FinishReason::Length);
        let whole = |text| (text, FinishReason::Stop);
        let (discovery, asked) = ask(&[cut("{\"achievements\": ["), whole(GOOD)], true);
        assert!(discovery.result.is_ok());
        assert_eq!((discovery.usage.output, discovery.latency_ms), (10, 14));
        assert_eq!(asked, [(100, 2, 0, true), (150, 2, 0, true)]);
        let (begin, end) = GOOD.split_at(30);
        let (discovery, asked) = ask(&[cut(begin), cut(begin), whole(end)], true);
        assert!(discovery.result.is_ok(), "{:?}", discovery.result);
        // The rest alone is nothing that the schema allows.
        assert_eq!(asked, [(100, 2, 0, true), (150, 2, 0, true), (150, 4, 0, false)]);
        let (discovery, asked) = ask(&[cut(begin), cut(begin), cut("x"), whole(end)], true);
        let Err(Undiscovered::Faulty(faults)) = discovery.result else { panic!("{:?}", discovery.result) };
        assert_eq!(
            (faults[0].to_string(), asked.len()),
            ("the answer was cut at the cap of 150 output tokens".into(), 3)
        );
    }

    #[test]
    fn an_answer_that_was_only_thought_about_is_asked_for_with_less_of_that() {
        let (discovery, asked) = ask(&[("", FinishReason::Length), (GOOD, FinishReason::Stop)], true);
        assert!(discovery.result.is_ok());
        assert_eq!(asked, [(100, 2, 0, true), (100, 2, 1, true)]);
        let thought = || ("", FinishReason::Length);
        let (discovery, asked) = ask(&[thought(), thought(), thought()], true);
        let Err(Undiscovered::Faulty(faults)) = discovery.result else { panic!("{:?}", discovery.result) };
        assert_eq!(faults[0].to_string(), "all of the 150 output tokens went into reasoning; the answer is empty");
        assert_eq!(asked, [(100, 2, 0, true), (100, 2, 1, true), (150, 2, 1, true)]);
    }

    #[test]
    fn a_user_who_has_had_enough_is_not_charged_for_another_attempt() {
        for first in [("no", FinishReason::Stop), ("{", FinishReason::Length)] {
            let (discovery, asked) = ask(&[first, (GOOD, FinishReason::Stop)], false);
            assert_eq!((discovery.result.unwrap_err(), asked.len()), (Undiscovered::Interrupted, 1));
        }
    }

    #[test]
    fn only_the_last_answer_is_quoted_and_an_empty_one_not_at_all() {
        let stop = FinishReason::Stop;
        let (discovery, asked) = ask(&[("no JSON here", stop.clone()), (" ", stop.clone()), (GOOD, stop)], true);
        assert!(discovery.result.is_ok());
        assert_eq!(asked, [(100, 2, 0, true), (100, 4, 0, true), (100, 3, 0, true)]);
    }
}
