//! What is shown while a model thinks: a line per event, and on a terminal how much of the answer is there.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget};

use crate::{
    cli::terminal::err,
    engine::{Inquired, PROMPT_CUT_HINT},
    model::Progress,
    report::{clock_time, count, duration, plural, sanitize},
    settings::ProgressStyle,
};

/// Time between two frames.
const TICK: Duration = Duration::from_millis(120);

/// Shows events on standard error.
pub(super) struct Waiting {
    bar: Option<ProgressBar>,
    silent: bool,
    model: String,
}

impl Waiting {
    /// Begins; a moving line only where there is a terminal and bars are wanted.
    pub(super) fn start(model: &str, style: ProgressStyle) -> Self {
        let bar = match style {
            ProgressStyle::Auto if console::Term::stderr().is_term() => {
                let bar = ProgressBar::new_spinner();
                bar.set_draw_target(ProgressDrawTarget::stderr());
                bar.enable_steady_tick(TICK);
                Some(bar)
            }
            ProgressStyle::Auto | ProgressStyle::Plain | ProgressStyle::None => None,
        };
        Self { bar, silent: style == ProgressStyle::None, model: sanitize(model).into_owned() }
    }

    /// Shows one event.
    pub(super) fn show(&self, event: Inquired) {
        match event {
            Inquired::Asked { attempt: 1 } => self.state(format!("asking {}", self.model)),
            Inquired::Asked { attempt } => self.state(format!("asking {} again (attempt {attempt})", self.model)),
            Inquired::Progress(Progress::Received { chars }) => {
                if let Some(bar) = &self.bar {
                    bar.set_message(format!("{} answers: {} characters", self.model, count(chars as u64)));
                }
            }
            Inquired::Progress(Progress::Retrying { reason, delay, attempt: _ }) => {
                let delay = duration(u64::try_from(delay.as_millis()).unwrap_or(u64::MAX));
                self.line(&format!("{}; again in {delay}", sanitize(&reason)));
            }
            Inquired::Progress(Progress::Held { reason, until, behind: _ }) => {
                let until = until.map(|until| format!(" until {} UTC", clock_time(until))).unwrap_or_default();
                self.line(&format!("waiting{until} for {}", sanitize(&reason)));
            }
            Inquired::Progress(Progress::CapLowered { from, to }) => self.line(&format!(
                "at most {} output tokens are asked for instead of {}, to fit the model",
                count(to),
                count(from)
            )),
            // For the bill, not for the eye.
            Inquired::Progress(Progress::Sending { .. } | Progress::Unsent { .. } | Progress::Exchanged(_)) => {}
            Inquired::PromptCut(cut) => self.line(&format!("warning: {cut}; hint: {PROMPT_CUT_HINT}")),
            Inquired::SchemaRefused => {
                self.state(String::from("the server takes no schema for the answer; asking without one"))
            }
            Inquired::Cut { attempt, remedy } => self.line(&format!("answer {attempt} was {remedy}")),
            Inquired::Refused { attempt, faults } => {
                let first = faults.first().map(|fault| sanitize(&fault.to_string()).into_owned()).unwrap_or_default();
                let more = faults.len().saturating_sub(1);
                let more = if more > 0 { format!(" (and {more} more)") } else { String::new() };
                self.line(&format!("answer {attempt} has {}: {first}{more}", plural(faults.len(), "fault")));
            }
        }
    }

    fn state(&self, text: String) {
        match &self.bar {
            Some(bar) => bar.set_message(text),
            None => self.line(&text),
        }
    }

    /// Says something that stays on the screen.
    pub(super) fn line(&self, text: &str) {
        match &self.bar {
            _ if self.silent => {}
            Some(bar) => bar.suspend(|| err(&format!("{text}\n"))),
            None => err(&format!("{text}\n")),
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
