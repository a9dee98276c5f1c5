//! The item worker: render, call, check, repair, until a document is accepted or given up.
//!
//! One async function over values and a [`Model`]. It knows nothing of the local dispatcher, of disks, clocks or
//! terminals, so another engine can run it on another machine.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use jiff::Timestamp;

use super::{
    CallId, Event, PathRules, Remedy,
    code_base::own_parts,
    cut::{self, Room},
    event_for_the_bill, review,
};
use crate::{
    document::{Code, Expected, Finding, Judged, Material, Names, Severity, judge_answer, unwrap_answer},
    event::Verdict,
    model::{
        Completion, FinishReason, Message, Model, ModelError, Prices, Progress, PromptCut, Request, Role, Scope, Usage,
    },
    plan::Hours,
    prompts::{TemplateError, Templates},
};

/// How far a call goes before it gives up.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Answers asked for at most, the first included.
    pub max_attempts: u32,
    /// The cap on an answer's tokens, reasoning included.
    pub max_output_tokens: u32,
    /// What the cap may be raised to, once, after an answer was cut.
    pub largest_output_tokens: u32,
    /// The longest part of a rejected answer that is sent back, in characters.
    pub longest_quote: usize,
    /// The model's prices, for the bill.
    pub prices: Option<Prices>,
    /// Whether a document that passed the checks is judged once more, by the model.
    pub review: bool,
}

/// One document to generate, with everything that goes into it.
#[derive(Clone, Debug)]
pub struct Call {
    /// Which.
    pub id: CallId,
    /// The achievement's title.
    pub title: String,
    /// The names of the plan's documents.
    pub names: Arc<Names>,
    /// The first request's messages.
    pub messages: Vec<Message>,
    /// Requests with the same key begin with the same text.
    pub cache_key: String,
    /// What the document has to name.
    pub deliverables: Vec<String>,
    /// What the PLAN says of the achievement.
    pub source: String,
    /// How long the PLAN says that it takes.
    pub estimate: Option<Hours>,
    /// What the model was given to read.
    pub material: Arc<Material>,
    /// What its paths are held against.
    pub paths: Option<PathRules>,
}

/// What has become of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The accepted answer, or why there is none.
    pub result: Result<Accepted, Rejected>,
    /// When the last answer or error arrived; on replay, the time on the tape.
    pub at: Timestamp,
    /// Answers asked for.
    pub attempts: u32,
    /// Tokens of all answers.
    pub usage: Usage,
    /// What was done about answers that did not come whole.
    pub remedies: Vec<Remedy>,
    /// Answers without usage.
    pub unmetered: u32,
    /// Answers that were there already; they are in none of the sums here.
    pub remembered: u32,
    /// The keys of all answers ([`Completion::key`]).
    pub keys: Vec<Arc<str>>,
    /// HTTP requests sent.
    pub requests: u32,
    /// Sum of the answers' latencies, milliseconds.
    pub latency_ms: u64,
    /// Why the accepted answer is not on the tape, where it could not be put there.
    pub unrecorded: Option<Rejected>,
    /// How a second opinion judged the first answer that passed the checks.
    pub verdict: Option<Verdict>,
    /// The prompt that the server cut, where it did.
    pub prompt_cut: Option<PromptCut>,
}

impl Outcome {
    /// A call that was never sent.
    pub fn unsent(why: Rejected, at: Timestamp) -> Self {
        Tally::default().end(0, at, Err(why))
    }
}

/// An answer that passed the checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The document's body.
    pub body: String,
    /// Warnings of the checks.
    pub warnings: Vec<Finding>,
}

/// Why there is no document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// One sentence for a person.
    pub reason: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// How far the failure reaches.
    pub scope: Scope,
}

/// Generates one document.
pub async fn work(
    call: &Call,
    model: &dyn Model,
    templates: &Templates,
    limits: &Limits,
    emit: &(dyn Fn(Event) + Send + Sync),
) -> Outcome {
    let mut kept = None;
    let mut outcome = attempts(call, model, templates, limits, emit, &mut kept).await;
    // What passed the checks and only failed its review is better than nothing.
    if let (Err(_), Some((accepted, at))) = (&outcome.result, kept) {
        (outcome.result, outcome.at) = (Ok(accepted), at);
    }
    outcome
}

/// Asks until an answer is accepted or given up. `kept` is what passed the checks and was sent back by its review.
async fn attempts(
    call: &Call,
    model: &dyn Model,
    templates: &Templates,
    limits: &Limits,
    emit: &(dyn Fn(Event) + Send + Sync),
    kept: &mut Option<(Accepted, Timestamp)>,
) -> Outcome {
    let mut tally = Tally::default();
    let (mut cap, mut largest) = (limits.max_output_tokens, limits.largest_output_tokens);
    let mut less_reasoning = 0;
    let mut raised = false;
    // Whether the rest of an answer that was called whole was asked for: once has to be enough.
    let mut finished = false;
    let mut messages = call.messages.clone();
    // What came of an answer whose rest was asked for.
    let mut begun = String::new();
    for attempt in 1.. {
        emit(Event::CallStarted { call: call.id, title: call.title.clone(), attempt });
        let messages_now = match continued(&messages, &begun, templates) {
            Ok(messages) => messages,
            Err(error) => return tally.end(attempt, Timestamp::default(), Err(Rejected::template(&error))),
        };
        let request = Request { less_reasoning, ..Request::opening(messages_now, cap, call.cache_key.clone()) };
        let shown = AtomicUsize::new(0);
        let report = |progress| report((call.id, attempt), progress, limits.prices.as_ref(), &shown, emit);
        let completion = match model.complete(&request, &report).await {
            Ok(completion) => completion,
            Err(error) => {
                tally.requests += error.requests;
                return tally.end(attempt, error.at, Err(Rejected::from(error)));
            }
        };
        tally.add(&completion);
        if let Some(fitting) = completion.lowered_cap {
            // A larger one would be refused.
            (cap, largest) = (fitting, fitting);
        }
        emit(if completion.remembered {
            Event::CallRemembered { call: call.id, attempt }
        } else {
            Event::CallFinished {
                call: call.id,
                attempt,
                usage: completion.usage,
                cost: completion.usage.as_ref().and_then(|usage| limits.prices.map(|prices| prices.cost(usage))),
                latency_ms: millis(completion.latency),
                requests: completion.requests,
            }
        });
        if let Some(reason) = final_refusal(&completion) {
            return tally.end(attempt, completion.at, Err(reason));
        }
        // It is paid for, so it is used if it can be; but it is the last.
        let unrecorded = completion.unrecorded.clone().map(Rejected::from);
        let can_think_less = model.can_think_less(less_reasoning);
        let room = Room { cap, largest, raised, can_think_less };
        let remedy = cut::remedy(&completion, room).or_else(|| {
            // A server that calls half an answer whole, and one that says nothing.
            let whole = matches!(completion.finish, FinishReason::Stop | FinishReason::Unsaid);
            (whole && !finished && breaks_off(&begun, &completion.text)).then_some(Remedy::Finish)
        });
        if let Some(remedy) = remedy.filter(|_| attempt < limits.max_attempts && unrecorded.is_none()) {
            emit(Event::AnswerCut { call: call.id, attempt, remedy });
            tally.remedies.push(remedy);
            match remedy {
                Remedy::RaiseCap { from: _, to } => (cap, raised) = (to, true),
                Remedy::Continue { cap: _ } => begun = cut::join(begun, &completion.text),
                Remedy::Finish => (begun, finished) = (cut::join(begun, &completion.text), true),
                Remedy::ThinkLess => less_reasoning += 1,
            }
            continue;
        }
        let text = cut::join(std::mem::take(&mut begun), &completion.text);
        let cut = completion.finish == FinishReason::Length;
        let judged = if cut {
            Judged { body: unwrap_answer(&text).into_owned(), findings: vec![cut_finding(&completion, cap)] }
        } else {
            check(call, templates, &completion, &text)
        };
        let quotable = judged.is_quotable();
        let Judged { body, findings } = judged;
        let (errors, warnings): (Vec<Finding>, Vec<Finding>) =
            findings.into_iter().partition(|finding| finding.severity == Severity::Error);
        if errors.is_empty() {
            let mut accepted = Accepted { body, warnings };
            let first_review = limits.review && tally.verdict.is_none() && unrecorded.is_none();
            let faults = match first_review {
                true => {
                    second_opinion(call, model, templates, (limits, attempt), &accepted.body, &mut tally, emit).await
                }
                false => Vec::new(),
            };
            let told = faults.iter().map(|fault| Finding { severity: Severity::Warning, ..fault.clone() });
            accepted.warnings.extend(told);
            if faults.is_empty() || attempt >= limits.max_attempts {
                tally.unrecorded = unrecorded;
                return tally.end(attempt, completion.at, Ok(accepted));
            }
            messages = match repair(call, templates, &accepted.body, &faults, limits.longest_quote) {
                Ok(messages) => messages,
                Err(error) => return tally.end(attempt, completion.at, Err(Rejected::template(&error))),
            };
            emit(Event::AnswerRejected { call: call.id, attempt, findings: faults });
            *kept = Some((accepted, completion.at));
            continue;
        }
        emit(Event::AnswerRejected { call: call.id, attempt, findings: errors.clone() });
        if let Some(unrecorded) = unrecorded {
            return tally.end(attempt, completion.at, Err(unrecorded));
        }
        // Cut, and nothing to be done about it: the same request would be cut again, and paid for again.
        if attempt >= limits.max_attempts || cut {
            let rejected = Rejected::checks(&errors, attempt, cut);
            return tally.end(attempt, completion.at, Err(rejected));
        }
        let quoted = if quotable { limits.longest_quote } else { 0 };
        messages = match repair(call, templates, &body, &errors, quoted) {
            Ok(messages) => messages,
            Err(error) => return tally.end(attempt, completion.at, Err(Rejected::template(&error))),
        };
    }
    unreachable!("the loop above ends by returning")
}

/// Has a document judged; the faults that count. A review that does not come is no reason to lose the document.
async fn second_opinion(
    call: &Call,
    model: &dyn Model,
    templates: &Templates,
    (limits, attempt): (&Limits, u32),
    body: &str,
    tally: &mut Tally,
    emit: &(dyn Fn(Event) + Send + Sync),
) -> Vec<Finding> {
    let question = review::question(
        &call.messages,
        &call.cache_key,
        limits.max_output_tokens,
        templates,
        call.id.item.stage,
        body,
    );
    let shown = AtomicUsize::new(0);
    let report = |progress| report((call.id, attempt), progress, limits.prices.as_ref(), &shown, emit);
    let found = match question {
        Ok(question) => match model.complete(&question, &report).await {
            Ok(completion) => {
                tally.add(&completion);
                review::read(&completion.text, body)
            }
            Err(error) => {
                tally.requests += error.requests;
                review::Review::none()
            }
        },
        Err(_) => review::Review::none(),
    };
    tally.verdict = Some(found.verdict);
    emit(Event::AnswerReviewed { call: call.id, attempt, verdict: found.verdict, ignored: found.ignored });
    found.faults
}

/// The messages, and behind them the beginning of an answer with the wish for its rest.
pub(super) fn continued(
    messages: &[Message],
    begun: &str,
    templates: &Templates,
) -> Result<Vec<Message>, TemplateError> {
    let mut messages = messages.to_vec();
    if !begun.is_empty() {
        messages.push(Message { role: Role::Assistant, content: vec![Arc::from(begun)] });
        messages.push(Message { role: Role::User, content: vec![templates.rest()?.into()] });
    }
    Ok(messages)
}

/// Characters between two progress events of a call: a chunk holds a word, and nobody reads that fast.
const PROGRESS_STEP: usize = 400;

fn report(
    (call, attempt): (CallId, u32),
    progress: Progress,
    prices: Option<&Prices>,
    shown: &AtomicUsize,
    emit: &(dyn Fn(Event) + Send + Sync),
) {
    if let Some(event) = event_for_the_bill(Some(call), attempt, &progress, prices) {
        return emit(event);
    }
    emit(match progress {
        Progress::Received { chars } => {
            let before = shown.load(Ordering::Relaxed);
            if before > 0 && chars < before + PROGRESS_STEP {
                return;
            }
            shown.store(chars, Ordering::Relaxed);
            Event::CallProgress { call, chars }
        }
        Progress::Retrying { reason, delay, attempt: _ } => {
            Event::CallRetrying { call, reason, delay_ms: millis(delay) }
        }
        Progress::Held { reason, until, behind } => Event::CallHeld { call, reason, until, behind },
        Progress::CapLowered { from, to } => Event::CapLowered { call, from, to },
        Progress::Sending { .. } | Progress::Unsent { .. } | Progress::Exchanged(_) => return,
    });
}

/// Asking again would not help: the provider's filter or the model itself declined.
pub(super) fn final_refusal(completion: &Completion) -> Option<Rejected> {
    let hint = Some(String::from("reword the achievement in the PLAN, or try another model"));
    if let Some(refusal) = &completion.refusal {
        let reason = format!("the model refused: {}", one_line(refusal));
        return Some(Rejected { reason, hint, scope: Scope::Call });
    }
    match completion.finish {
        FinishReason::ContentFilter => {
            let reason = String::from("the provider's content filter stopped the answer");
            Some(Rejected { reason, hint, scope: Scope::Call })
        }
        FinishReason::Stop | FinishReason::Length | FinishReason::Unsaid | FinishReason::Other(_) => None,
    }
}

fn check(call: &Call, templates: &Templates, completion: &Completion, answer: &str) -> Judged {
    let mut judged = judge_answer(
        answer,
        &Expected {
            stage: call.id.item.stage,
            achievement: call.id.item.achievement,
            // One of several EXECUTION_TASKs covers its part of the deliverables only.
            deliverables: if call.id.parts > 1 { &[] } else { &call.deliverables },
            source: &call.source,
            names: &call.names,
            title: &call.title,
            estimate: call.estimate,
            sections: templates.outlines().of(call.id.item.stage),
            material: &call.material,
        },
    );
    if let Some(paths) = &call.paths {
        let found = paths.check(&judged.body, own_parts(&call.messages));
        judged.findings.extend(found);
    }
    if completion.masked {
        judged.findings.push(Code::SecretInDocument.error(
            None,
            "The answer held an API key or a password, which was masked as `***`. Write the document without it.",
        ));
    }
    judged.findings.extend(finish(&completion.finish));
    judged.findings.extend(completion.prompt_cut.map(|cut| {
        let message = format!("{cut}; the model did not see all of it.");
        Code::PromptCut.warning(None, message)
    }));
    judged
}

/// Whether an answer breaks off within a sentence, together with what came of it before.
fn breaks_off(begun: &str, text: &str) -> bool {
    let text = cut::join(begun.to_owned(), text);
    cut::breaks_off(&unwrap_answer(&text))
}

/// What to do about a server that cuts prompts.
pub const PROMPT_CUT_HINT: &str = "raise the context window of the server: with Ollama OLLAMA_CONTEXT_LENGTH, or \
    `PARAMETER num_ctx` in a Modelfile; with llama.cpp --ctx-size; with vLLM --max-model-len; in LM Studio the context length of \
    the model";

/// What is wrong with the way an answer ended; what a cap or a filter did is seen to elsewhere.
pub(super) fn finish(reason: &FinishReason) -> Option<Finding> {
    match reason {
        FinishReason::Stop | FinishReason::Length | FinishReason::ContentFilter => None,
        // Some servers never say it, and their answers pass the same checks as others.
        FinishReason::Unsaid => Some(
            Code::FinishUnclear.warning(None, "The server did not say that the answer is whole (no finish_reason)."),
        ),
        FinishReason::Other(reason) => Some(Code::FinishReason.error(
            None,
            format!(
                "The answer ended with the finish_reason `{}`, so it may not be whole. Write all of it, as text, and call no tool.",
                one_line(reason)
            ),
        )),
    }
}

fn cut_finding(completion: &Completion, cap: u32) -> Finding {
    let reasoning = completion.usage.map_or(0, |usage| usage.reasoning);
    let message = if completion.text.trim().is_empty() && reasoning > 0 {
        format!("All of the {cap} output tokens went into reasoning; the answer is empty.")
    } else {
        format!("The answer was cut at the cap of {cap} output tokens.")
    };
    Code::CutOff.error(None, message)
}

/// The first request again, with what is wrong with its answer. Behind it the answer is quoted, the last one only and no
/// more of it than the limit, so that repairing does not cost more each time; with a limit of 0 it is not quoted, and
/// what is wrong is appended to the first request.
fn repair(
    call: &Call,
    templates: &Templates,
    body: &str,
    errors: &[Finding],
    longest_quote: usize,
) -> Result<Vec<Message>, TemplateError> {
    let mut messages = call.messages.clone();
    let cut = body.char_indices().nth(longest_quote).map(|(index, _)| index);
    let quoted = &body[..cut.unwrap_or(body.len())];
    let is_quoted = !quoted.trim().is_empty();
    let text = Arc::from(templates.repair(call.id.item.stage, errors, is_quoted, cut.is_some())?);
    match messages.last_mut().filter(|_| !is_quoted) {
        Some(question) => question.content.push(text),
        None => {
            messages.push(Message { role: Role::Assistant, content: vec![Arc::from(quoted)] });
            messages.push(Message { role: Role::User, content: vec![text] });
        }
    }
    Ok(messages)
}

impl Rejected {
    pub(super) fn template(error: &TemplateError) -> Self {
        Self { reason: error.to_string(), hint: None, scope: Scope::Call }
    }

    fn checks(errors: &[Finding], attempts: u32, stuck: bool) -> Self {
        let first: Vec<String> = errors.iter().take(3).map(|finding| finding.message.clone()).collect();
        let more = errors.len().saturating_sub(first.len());
        let more = if more > 0 { format!(" (and {more} more)") } else { String::new() };
        let answers = if attempts == 1 { String::from("the answer was") } else { format!("{attempts} answers were") };
        let hint = if stuck {
            "raise `model.max_output_tokens`, or lower `model.reasoning_effort`"
        } else {
            "run the same command again, raise `--max-attempts`, or try another model"
        };
        Self {
            reason: format!("{answers} rejected: {}{more}", first.join(" ")),
            hint: Some(hint.to_owned()),
            scope: Scope::Call,
        }
    }
}

impl From<ModelError> for Rejected {
    fn from(error: ModelError) -> Self {
        Self { reason: error.message, hint: error.hint, scope: error.scope }
    }
}

#[derive(Default)]
struct Tally {
    usage: Usage,
    remedies: Vec<Remedy>,
    unmetered: u32,
    remembered: u32,
    keys: Vec<Arc<str>>,
    requests: u32,
    latency_ms: u64,
    unrecorded: Option<Rejected>,
    prompt_cut: Option<PromptCut>,
    verdict: Option<Verdict>,
}

impl Tally {
    fn add(&mut self, completion: &Completion) {
        self.prompt_cut = self.prompt_cut.or(completion.prompt_cut);
        self.keys.push(Arc::clone(&completion.key));
        if completion.remembered {
            self.remembered += 1;
            return;
        }
        match completion.usage {
            Some(usage) => self.usage += usage,
            None => self.unmetered += 1,
        }
        self.requests += completion.requests;
        self.latency_ms += millis(completion.latency);
    }

    fn end(self, attempts: u32, at: Timestamp, result: Result<Accepted, Rejected>) -> Outcome {
        let Self {
            usage,
            remedies,
            unmetered,
            remembered,
            keys,
            requests,
            latency_ms,
            unrecorded,
            prompt_cut,
            verdict,
        } = self;
        Outcome {
            result,
            at,
            attempts,
            usage,
            remedies,
            unmetered,
            remembered,
            keys,
            requests,
            latency_ms,
            unrecorded,
            prompt_cut,
            verdict,
        }
    }
}

fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().filter(|c| !c.is_control()).take(200).collect()
}

pub(super) fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
