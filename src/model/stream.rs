//! Reading an answer: the events of its body, put together as they come.
//!
//! async-openai can read streams too, but with a task, a channel and a parser for each call, which was a quarter of
//! the CPU time of a run. It must not decide what is worth repeating: that is `failure`.

use std::time::Duration;

use super::{
    Progress, ProgressSink,
    answer::{Answer, Unreadable},
    failure::Failure,
    service::Attempt,
    sse::{self, Events},
    tee::Tee,
};

/// How long the rest of a stream may take after an error in its middle; afterwards it is recorded as incomplete.
const ERROR_GRACE: Duration = Duration::from_secs(2);

/// The body of a response that is a success.
pub(super) enum Body {
    /// From the server.
    Live(Box<Tee>),
    /// From a tape.
    Recorded {
        /// All of it.
        bytes: Vec<u8>,
        /// Whether the server came to its end.
        complete: bool,
        /// What the server called it.
        content_type: Option<String>,
        /// HTTP status: a success.
        status: u16,
    },
}

impl Body {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Live(tee) => &tee.body,
            Self::Recorded { bytes, .. } => bytes,
        }
    }

    /// Waits for more of the body; false at its end. `answering` says whether anything of the answer has come.
    async fn more(&mut self, answering: bool) -> Result<bool, Failure> {
        match self {
            Self::Live(tee) => tee.read(answering).await,
            Self::Recorded { complete: true, .. } => Ok(false),
            Self::Recorded { complete: false, .. } => {
                Err(Failure::Cut { cause: Some("the tape ends here".to_owned()) })
            }
        }
    }

    fn status(&self) -> u16 {
        match self {
            Self::Live(tee) => tee.status(),
            Self::Recorded { status, .. } => *status,
        }
    }

    fn content_type(&self) -> Option<String> {
        match self {
            Self::Live(tee) => tee.content_type(),
            Self::Recorded { content_type, .. } => content_type.clone(),
        }
    }

    fn is_done(&self) -> bool {
        match self {
            Self::Live(tee) => tee.done,
            Self::Recorded { bytes, .. } => sse::has_done(bytes, bytes.len()),
        }
    }
}

/// Reads an answer to its end. With a live body, the exchange is then on the tape.
pub(super) async fn read(mut body: Body, attempt: &Attempt, progress: ProgressSink<'_>) -> Result<Answer, Failure> {
    let mut answer = Answer::default();
    // The first bytes tell a stream from the single object of a server that ignored `stream`.
    let first = loop {
        match sse::first_byte(body.bytes()) {
            None if body.more(false).await? => {}
            first => break first,
        }
    };
    let Some(first) = first else { return Err(Failure::Empty { status: body.status() }) };
    if !begins_an_event(first) {
        while body.more(false).await? {}
        match first {
            b'{' | b'[' => {}
            b'<' => return Err(Failure::WebPage),
            _ => return Err(Failure::Foreign { content_type: body.content_type() }),
        }
        let added = add(&mut answer, sse::without_mark(body.bytes()));
        answer.close(true);
        return match (added, first) {
            (Err(Failure::Garbled), b'[') => Err(Failure::Foreign { content_type: body.content_type() }),
            (added, _) => added.map(|()| answer),
        };
    }
    attempt.outcome().streamed = true;
    match read_events(&mut body, &mut answer, progress).await {
        Ok(()) if answer.finish.is_none() && !body.is_done() => Err(Failure::Cut { cause: None }),
        Ok(()) => {
            answer.close(body.is_done());
            Ok(answer)
        }
        // The model had finished; only what follows the answer is missing, and asking again would cost again.
        Err(Failure::Cut { .. } | Failure::Silent { .. }) if answer.has_ended() => {
            answer.close(false);
            Ok(answer)
        }
        Err(failure @ (Failure::InStream(_) | Failure::Garbled)) => {
            // The exchange goes onto the tape as a whole, and before the next attempt's, if the server lets it.
            if matches!(body, Body::Live(_)) {
                let rest = async { while matches!(body.more(true).await, Ok(true)) {} };
                let _ = tokio::time::timeout(ERROR_GRACE, rest).await;
            }
            Err(failure)
        }
        Err(failure) => Err(failure),
    }
}

/// Whether a line of an event stream can begin so: `data`, `event`, `id`, `retry`, or a comment.
fn begins_an_event(byte: u8) -> bool {
    matches!(byte, b'd' | b'e' | b'i' | b'r' | b':')
}

async fn read_events(body: &mut Body, answer: &mut Answer, progress: ProgressSink<'_>) -> Result<(), Failure> {
    let mut events = Events::default();
    let mut ended = false;
    loop {
        while let Some(data) = events.next(body.bytes()) {
            add(answer, &data)?;
        }
        if ended {
            if let Some(data) = events.rest(body.bytes()) {
                // Half an event at the end is a broken connection, not a broken server.
                let _ = add(answer, &data);
            }
            return Ok(());
        }
        if answer.has_begun() {
            progress(Progress::Received { chars: answer.chars });
        }
        ended = !body.more(answer.has_begun()).await?;
    }
}

#[expect(clippy::result_large_err, reason = "a failure is rare, and is moved once")]
fn add(answer: &mut Answer, data: &[u8]) -> Result<(), Failure> {
    answer.read(data).map_err(|Unreadable| Failure::Garbled)?.map_err(Failure::InStream)
}
