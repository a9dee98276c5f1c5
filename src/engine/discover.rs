//! Asks a model for the dependencies of a PLAN until an answer can be used, or it is given up.
//!
//! One async function over values and a [`Model`], like the worker of a run. It knows nothing of disks or terminals.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::sync::Arc;

use jiff::Timestamp;

use super::worker::{Limits, Rejected, final_refusal, millis};
use crate::{
    discovery::{self, Discovered, Fault, Prompt, Source, examine, parse_answer},
    model::{Completion, FinishReason, Message, Model, ModelError, Progress, Request, ResponseSchema, Role, Usage},
    parallel::Basis,
    prompts::Templates,
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
    /// The server does not take a schema for the answer; it is asked without one, and checked all the same.
    SchemaRefused,
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

/// Asks, checks, and asks again with the faults named, `limits.max_attempts` times at most. `go_on` is asked before each
/// attempt but the first.
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
    let mut tally = Tally::default();
    for attempt in 1.. {
        say(Inquired::Asked { attempt });
        let request = Request {
            messages: messages.clone(),
            max_output_tokens: cap,
            cache_key: None,
            response_schema: schema.clone(),
            less_reasoning: 0,
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
        if let Some(error) = completion.unrecorded {
            return tally.end(attempt, completion.at, Err(Undiscovered::Rejected(Rejected::from(error))));
        }
        if let Some(refusal) = final_refusal(&completion) {
            return tally.end(attempt, completion.at, Err(Undiscovered::Rejected(refusal)));
        }
        let cut = completion.finish == FinishReason::Length;
        let examined = match cut {
            true => {
                Err(vec![Fault::Malformed { what: format!("the answer was cut at the cap of {cap} output tokens") }])
            }
            false => parse_answer(&completion.text).and_then(|answer| examine(answer, inquiry.basis, inquiry.source)),
        };
        let faults = match examined {
            Ok(discovered) => return tally.end(attempt, completion.at, Ok(discovered)),
            Err(faults) => faults,
        };
        // The same request under the same cap would be cut at the same place, and paid for again.
        let stuck = cut && cap >= limits.largest_output_tokens;
        if attempt >= limits.max_attempts || stuck {
            return tally.end(attempt, completion.at, Err(Undiscovered::Faulty(faults)));
        }
        say(Inquired::Refused { attempt, faults: faults.clone() });
        if !go_on() {
            return tally.end(attempt, completion.at, Err(Undiscovered::Interrupted));
        }
        if cut {
            cap = cap.saturating_mul(2).min(limits.largest_output_tokens);
            continue;
        }
        messages = first.clone();
        let quoted: String = completion.text.chars().take(limits.longest_quote).collect();
        let in_part = quoted.len() < completion.text.len();
        if !quoted.trim().is_empty() {
            messages.push(Message { role: Role::Assistant, content: vec![quoted.into()] });
        }
        match discovery::repair(inquiry.templates, &faults, in_part) {
            Ok(text) => messages.push(Message { role: Role::User, content: vec![text.into()] }),
            Err(error) => {
                let rejected = Rejected { reason: error.to_string(), hint: None, scope: crate::model::Scope::Call };
                return tally.end(attempt, completion.at, Err(Undiscovered::Rejected(rejected)));
            }
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

    /// Gives its answers one after the other; keeps the cap and the number of messages of each request.
    struct Script {
        answers: Mutex<Vec<(&'static str, FinishReason)>>,
        asked: Mutex<Vec<(u32, usize)>>,
    }

    impl Model for Script {
        fn complete<'a>(
            &'a self,
            request: &'a Request,
            _: ProgressSink<'a>,
        ) -> BoxFuture<'a, Result<Completion, ModelError>> {
            self.asked.lock().unwrap().push((request.max_output_tokens, request.messages.len()));
            let (text, finish) = self.answers.lock().unwrap().remove(0);
            let usage = Some(Usage { input: 10, cached: 0, output: 5, reasoning: 0 });
            let latency = std::time::Duration::from_millis(7);
            let at = Timestamp::UNIX_EPOCH;
            async move {
                Ok(Completion {
                    text: text.to_owned(),
                    finish,
                    refusal: None,
                    usage,
                    at,
                    latency,
                    requests: 1,
                    key: Arc::from("key"),
                    remembered: false,
                    unrecorded: None,
                })
            }
            .boxed()
        }
    }

    fn ask(answers: &[(&'static str, FinishReason)], go_on: bool) -> (Discovery, Vec<(u32, usize)>) {
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
            prices: None,
        };
        let script = Script { answers: Mutex::new(answers.to_vec()), asked: Mutex::default() };
        let discovery = discover(&inquiry, &script, &limits, &|| go_on, &|_| {}).now_or_never().unwrap();
        (discovery, script.asked.into_inner().unwrap())
    }

    #[test]
    fn an_answer_that_was_cut_is_asked_for_again_with_a_higher_cap_or_not_at_all() {
        let cut = || ("{\"achievements\": [", FinishReason::Length);
        let (discovery, asked) = ask(&[cut(), (GOOD, FinishReason::Stop)], true);
        assert!(discovery.result.is_ok());
        assert_eq!((asked, discovery.usage.output, discovery.latency_ms), (vec![(100, 2), (150, 2)], 10, 14));
        let (discovery, asked) = ask(&[cut(), cut(), (GOOD, FinishReason::Stop)], true);
        let Err(Undiscovered::Faulty(faults)) = discovery.result else { panic!("{:?}", discovery.result) };
        assert_eq!(
            (faults[0].to_string(), asked.len()),
            ("the answer was cut at the cap of 150 output tokens".into(), 2)
        );
    }

    #[test]
    fn a_user_who_has_had_enough_is_not_charged_for_another_attempt() {
        let (discovery, asked) = ask(&[("no", FinishReason::Stop), (GOOD, FinishReason::Stop)], false);
        assert_eq!((discovery.result.unwrap_err(), asked.len()), (Undiscovered::Interrupted, 1));
    }

    #[test]
    fn only_the_last_answer_is_quoted_and_an_empty_one_not_at_all() {
        let stop = FinishReason::Stop;
        let (discovery, asked) = ask(&[("no JSON here", stop.clone()), (" ", stop.clone()), (GOOD, stop)], true);
        assert!(discovery.result.is_ok());
        assert_eq!(asked, [(100, 2), (100, 4), (100, 3)]);
    }
}
