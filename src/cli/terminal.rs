//! Where commands print: standard output for results, standard error for everything else. A closed pipe is no error.

use std::{
    io::{IsTerminal as _, Write as _},
    sync::atomic::{AtomicBool, Ordering},
};

use super::failure::Failure;
use crate::{
    report::{sanitize, sanitize_block},
    store::{Edited, Leftovers},
};

/// Columns assumed where there is no terminal.
const PIPED_WIDTH: usize = 80;

/// The narrowest terminal that text is laid out for.
const NARROWEST: usize = 40;

/// Prints a result. Whoever closed a pipe does not want the rest; any other refusal is an error, since a script would
/// take a result that is cut for a whole one.
pub(super) fn out(text: &str) -> Result<(), Failure> {
    write(text.as_bytes())
}

/// Whether standard output has got anything.
static PRINTED: AtomicBool = AtomicBool::new(false);

/// Whether a result, or a part of one, was printed.
pub(super) fn has_printed() -> bool {
    PRINTED.load(Ordering::Relaxed)
}

fn write(bytes: &[u8]) -> Result<(), Failure> {
    PRINTED.fetch_or(!bytes.is_empty(), Ordering::Relaxed);
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::incomplete(format!("cannot write to standard output: {error}")))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Prints a file: to a terminal without what has an effect there, to anything else byte for byte.
pub(super) fn out_file(bytes: &[u8]) -> Result<(), Failure> {
    if std::io::stdout().is_terminal() {
        return out(&sanitize_block(&String::from_utf8_lossy(bytes)));
    }
    write(bytes)
}

/// Prints a message.
pub(super) fn err(text: &str) {
    let mut stderr = std::io::stderr().lock();
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}

/// Says that somebody else changed a file while this command did.
pub(super) fn say_merged(edited: Edited, shown: &str) {
    if edited == Edited::Merged {
        err(&format!("note: {} was changed at the same moment; both changes are in it\n", sanitize(shown)));
    }
}

/// Names what a person had saved while a command was interrupted.
pub(super) fn name_kept(left: &Leftovers) {
    for path in &left.kept {
        let shown = path.display().to_string();
        err(&format!(
            "note: {} was saved at the moment in which a command was interrupted; it is kept\n",
            sanitize(&shown)
        ));
    }
}

/// Columns that results may use.
pub(super) fn width() -> usize {
    let terminal = console::Term::stdout();
    if terminal.is_term() { usize::from(terminal.size().1).max(NARROWEST) } else { PIPED_WIDTH }
}

/// Lines that are seen at once; `None` where there is no terminal.
pub(super) fn height() -> Option<usize> {
    let terminal = console::Term::stdout();
    terminal.is_term().then(|| usize::from(terminal.size().0))
}

/// Whether a person can be asked.
pub(super) fn is_interactive() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks a yes-or-no question on standard error; anything but a yes is a no.
pub(super) fn confirm(question: &str) -> bool {
    err(&format!("{question} "));
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer).is_ok();
    read && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
}
