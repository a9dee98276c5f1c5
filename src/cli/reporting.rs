//! Carries a run's events to the reporters, on a thread of their own so that a slow terminal holds up no call.

use std::{
    io::Write,
    path::Path,
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread::JoinHandle,
    time::Duration,
};

use jiff::Timestamp;

use super::{failure::Failure, terminal::err};
use crate::{
    engine::Event,
    report::{Ndjson, Plain, Progress, Reporter as _, Reporters, Style, json_line, sanitize},
    settings::{Color, ProgressStyle},
};

/// How long the reporters rest after a burst of events. An answer brings several within a moment, and to wake a thread
/// for each costs more than to show them; nobody sees a difference below this.
const REST: Duration = Duration::from_millis(50);

/// Notes what concerns the bill, at once: a note of a request has to be there before the request is sent, however this
/// process ends.
pub(super) struct Charges(Mutex<Box<dyn Write + Send>>);

impl Charges {
    /// Writes to `out`, which has no buffer and appends.
    pub(super) fn new(out: impl Write + Send + 'static) -> Self {
        Self(Mutex::new(Box::new(out)))
    }

    /// Notes an event. Where that fails, the bill lacks it; the answer itself is on the tape.
    pub(super) fn note(&self, event: &Event) {
        if let Ok(line) = json_line(event) {
            let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = out.write_all(format!("{line}\n").as_bytes());
        }
    }
}

/// Takes events until it is closed.
pub(super) struct Reporting {
    sender: mpsc::Sender<Event>,
    charges: Arc<Charges>,
    /// Ends the rest when it is dropped.
    open: mpsc::Sender<()>,
    /// Whether anybody shows how far answers have come.
    watched: bool,
    /// Brings back why the journal is not whole, where it is not. What else was lost it has said itself.
    thread: JoinHandle<Option<String>>,
}

impl Reporting {
    /// Starts the thread. `events` is where NDJSON goes: a file that is created anew, or `-`. `journal` gets the same, and
    /// `charges`, which appends to the same file, what must be there at once.
    pub(super) fn start(
        progress: ProgressStyle,
        style: Style,
        events: Option<&Path>,
        journal: impl Write + Send + 'static,
        charges: Charges,
    ) -> Result<Self, Failure> {
        let mut reporters = Reporters::new();
        let mut journal = Ndjson::new(journal);
        let mut watched = false;
        match progress {
            ProgressStyle::None => {}
            ProgressStyle::Plain => reporters.push(Plain::new(std::io::stderr(), Timestamp::now)),
            ProgressStyle::Auto => match Progress::stderr(style) {
                Some(bars) => {
                    watched = true;
                    reporters.push(bars);
                }
                None => reporters.push(Plain::new(std::io::stderr(), Timestamp::now)),
            },
        }
        let mut ndjson = None;
        if let Some(path) = events {
            let out: Box<dyn Write + Send> = if path == Path::new("-") {
                Box::new(std::io::stdout())
            } else {
                let file = std::fs::File::create(path);
                let file =
                    file.map_err(|error| Failure::invalid(format!("cannot write {}: {error}", path.display())))?;
                Box::new(std::io::BufWriter::new(file))
            };
            ndjson = Some((Ndjson::new(out), path.to_path_buf()));
        }
        let (sender, receiver) = mpsc::channel();
        let (open, closed) = mpsc::channel();
        let spawned = std::thread::Builder::new().name(String::from("reports")).spawn(move || {
            while let Ok(first) = receiver.recv() {
                for event in std::iter::once(first).chain(receiver.try_iter()) {
                    journal.event(&event);
                    reporters.event(&event);
                    if let Some((ndjson, _)) = &mut ndjson {
                        ndjson.event(&event);
                    }
                }
                journal.settle();
                reporters.settle();
                if let Some((ndjson, _)) = &mut ndjson {
                    ndjson.settle();
                }
                // Nothing is ever sent here.
                let _: Result<(), _> = closed.recv_timeout(REST);
            }
            reporters.finish();
            if let Some((mut ndjson, path)) = ndjson {
                ndjson.finish();
                if let Some(lost) = ndjson.error().and_then(|error| lost(error, &path)) {
                    err(&lost);
                }
            }
            journal.error().map(ToString::to_string)
        });
        let thread = spawned.map_err(|error| Failure::invalid(format!("cannot start a thread: {error}")))?;
        Ok(Self { sender, charges: Arc::new(charges), open, watched, thread })
    }

    /// Where the engine sends its events.
    pub(super) fn sink(&self) -> Arc<dyn Fn(Event) + Send + Sync> {
        let sender = self.sender.clone();
        let watched = self.watched;
        let charges = Arc::clone(&self.charges);
        Arc::new(move |event| {
            if event.is_a_note() {
                charges.note(&event);
                return;
            }
            if !watched && matches!(event, Event::CallProgress { .. }) {
                return;
            }
            // A reporter that is gone must not disturb the run.
            let _ = sender.send(event);
        })
    }

    /// Waits until every event has been shown. All sinks must have been dropped. Gives why the journal is not whole.
    pub(super) fn close(self) -> Option<String> {
        drop((self.sender, self.open));
        self.thread.join().unwrap_or_else(|_| Some(String::from("internal error")))
    }
}

/// A warning that events are missing. Whoever closed a pipe does not want them.
fn lost(error: &std::io::Error, path: &Path) -> Option<String> {
    if error.kind() == std::io::ErrorKind::BrokenPipe {
        return None;
    }
    let place = if path == Path::new("-") { String::from("standard output") } else { path.display().to_string() };
    Some(format!("warning: events are missing in {}: {error}; the documents are not affected\n", sanitize(&place)))
}

/// Colours for standard output.
pub(super) fn output_style(color: Color, no_color: bool) -> Style {
    Style::new(wanted(color, no_color, &console::Term::stdout()))
}

fn wanted(color: Color, no_color: bool, terminal: &console::Term) -> bool {
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => !no_color && terminal.features().colors_supported(),
    }
}

/// Colours for standard error.
pub(super) fn style(color: Color, no_color: bool) -> Style {
    let enabled = wanted(color, no_color, &console::Term::stderr());
    console::set_colors_enabled_stderr(enabled);
    console::set_colors_enabled(enabled);
    Style::new(enabled)
}
