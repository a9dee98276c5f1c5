//! What asking for the dependencies of a PLAN will take: one request that holds the whole inventory. Pure.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use serde::Serialize;

use super::estimate::ModelOutlook;
use crate::{
    discovery::{Prompt, expected_tokens, fewest_tokens},
    model::Usage,
};

/// The request before it is sent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Question {
    /// The plan's name.
    pub plan: String,
    /// The model that would be asked.
    pub model: String,
    /// The tokenizer that the prompt was counted with.
    pub tokenizer: String,
    /// The date on which the model's prices were taken; `None` where they are unknown.
    pub prices_taken: Option<String>,
    /// Achievements in the inventory.
    pub achievements: usize,
    /// Those of them whose dependencies are not asked for.
    pub settled: usize,
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Tokens that the answer is expected to have, reasoning not counted.
    pub expected_output: usize,
    /// The cap on the answer's tokens.
    pub largest_output: u32,
    /// US dollars for an answer as expected; `None` where prices are unknown.
    pub cost_low: Option<f64>,
    /// US dollars for an answer at its cap.
    pub cost_high: Option<f64>,
    /// What its reader should know before it is sent.
    pub warnings: Vec<String>,
}

/// The model cannot take the question, or cannot give the answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuestionError {
    /// The inventory has to be in one prompt, and it does not fit.
    #[error(
        "the PLAN does not fit: its prompt has {prompt} tokens and the answer needs {answer} or more; {model} takes {context} in all"
    )]
    Context {
        /// The model.
        model: String,
        /// Tokens of the prompt.
        prompt: usize,
        /// The fewest tokens of an answer.
        answer: usize,
        /// What the model takes.
        context: u32,
    },
    /// The answer would be longer than the cap.
    #[error("the answer about {open} achievements needs {answer} tokens or more; {model} may give {cap}")]
    Answer {
        /// The model.
        model: String,
        /// Achievements asked about.
        open: usize,
        /// The fewest tokens of an answer.
        answer: usize,
        /// The cap.
        cap: u32,
    },
}

impl QuestionError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Context { .. } => Some(String::from(
                "take a model with a larger context (`--model`), split the PLAN, or declare its dependencies and use `--declared`",
            )),
            Self::Answer { .. } => Some(String::from(
                "raise `model.max_output_tokens`, take another model (`--model`), split the PLAN, or use `--declared`",
            )),
        }
    }
}

/// Counts the prompt, and sets the cap of the answer: twice what is expected or `model.max_output_tokens`, whichever is
/// more, but no more than `largest_cap` and what the model's context has room for.
pub fn question(
    plan: &str,
    prompt: &Prompt,
    (achievements, open): (usize, usize),
    model: &ModelOutlook<'_>,
    largest_cap: u32,
    context_window: Option<u32>,
) -> Result<Question, QuestionError> {
    let prompt_tokens = (model.count)(&prompt.system) + (model.count)(&prompt.user);
    let (expected, fewest) = (expected_tokens(open), fewest_tokens(open));
    if fewest > largest_cap as usize {
        let model = model.name.to_owned();
        return Err(QuestionError::Answer { model, open, answer: fewest, cap: largest_cap });
    }
    let wanted = u32::try_from(expected.saturating_mul(2)).unwrap_or(u32::MAX);
    let mut cap = model.max_output_tokens.max(wanted).min(largest_cap);
    if let Some(context) = context_window {
        let room = (context as usize).saturating_sub(prompt_tokens);
        if room < fewest.max(1) {
            let model = model.name.to_owned();
            return Err(QuestionError::Context { model, prompt: prompt_tokens, answer: fewest, context });
        }
        cap = cap.min(u32::try_from(room).unwrap_or(u32::MAX));
    }
    let cost = |output: usize| {
        let usage =
            Usage { input: prompt_tokens as u64, cached: 0, output: output as u64, reasoning: 0, at_least: false };
        model.prices.map(|prices| prices.cost(&usage))
    };
    let expected_output = expected.min(cap as usize);
    Ok(Question {
        plan: plan.to_owned(),
        model: model.name.to_owned(),
        tokenizer: model.tokenizer.to_owned(),
        prices_taken: model.prices_taken.clone(),
        achievements,
        settled: achievements - open,
        prompt_tokens,
        expected_output,
        largest_output: cap,
        cost_low: cost(expected_output),
        cost_high: cost(cap as usize),
        warnings: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(words: usize, open: usize, caps: (u32, u32), context: Option<u32>) -> Result<Question, QuestionError> {
        let prompt = Prompt { system: String::from("rules"), user: "word ".repeat(words) };
        let count = |text: &str| text.split_whitespace().count();
        let model = ModelOutlook {
            name: "m",
            tokenizer: "words",
            count: &count,
            prices: None,
            prices_taken: None,
            max_output_tokens: caps.0,
            review: false,
        };
        question("P", &prompt, (open, open), &model, caps.1, context)
    }

    #[test]
    fn the_cap_leaves_room_and_keeps_to_the_bounds() {
        assert_eq!(ask(99, 10, (8_000, 8_000), None).map(|q| (q.prompt_tokens, q.largest_output)), Ok((100, 8_000)));
        // Twice the expected answer, where the model may give that much.
        assert_eq!(ask(99, 100, (8_000, 128_000), None).map(|q| q.largest_output), Ok(36_400));
        assert_eq!(ask(99, 100, (8_000, 20_000), None).map(|q| q.largest_output), Ok(20_000));
        assert_eq!(ask(3_999, 10, (8_000, 8_000), Some(8_000)).map(|q| q.largest_output), Ok(4_000));
    }

    #[test]
    fn what_does_not_fit_is_refused_with_the_numbers() {
        let refused = ask(7_899, 10, (8_000, 8_000), Some(8_000)).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "the PLAN does not fit: its prompt has 7900 tokens and the answer needs 400 or more; m takes 8000 in all"
        );
        let refused = ask(10, 1_000, (8_000, 32_000), None).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "the answer about 1000 achievements needs 40000 tokens or more; m may give 32000"
        );
        assert!(refused.hint().is_some());
    }
}
