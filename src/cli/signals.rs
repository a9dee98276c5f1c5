//! Ctrl-C, SIGTERM and SIGHUP (a closed terminal) as wishes of the user: the first lets calls in flight end, the second does not.

use std::{io, time::Duration};

use tokio::sync::watch;

use crate::engine::Stop;

/// What the user wants, as a channel that the engine watches. Calls in flight may go on for `grace` after the first
/// signal. Must be called within the runtime.
pub(super) fn watch_signals(grace: Duration) -> watch::Receiver<Stop> {
    let (wish, receiver) = watch::channel(Stop::No);
    // Before anything else opens files.
    let signals = Signals::new();
    tokio::spawn(async move {
        // Without them, a signal ends the process, which the next run copes with.
        let Ok(mut signals) = signals else { return std::future::pending().await };
        signals.next().await;
        // Said by the reporters, since a line printed here would be drawn over by the progress bars.
        let seconds = grace.as_secs_f64();
        let reason = format!("interrupted (calls in flight have {seconds} s to end; a second interrupt stops at once)");
        let _ = wish.send(Stop::Drain(reason));
        tokio::select! {
            () = signals.next() => {}
            () = tokio::time::sleep(grace) => {}
        }
        let _ = wish.send(Stop::Now);
        // The engine watches as long as the sender lives.
        std::future::pending::<()>().await;
    });
    receiver
}

/// Whether there are file descriptors for the pipe that signals come through. tokio panics where there are none.
#[cfg(unix)]
pub(super) fn can_be_watched() -> io::Result<()> {
    use std::os::unix::net::UnixStream;
    // As many as the runtime needs: the pair, its copy, and those of its clock and its sockets.
    let _pairs = (UnixStream::pair()?, UnixStream::pair()?, UnixStream::pair()?, UnixStream::pair()?);
    Ok(())
}

#[cfg(not(unix))]
pub(super) fn can_be_watched() -> io::Result<()> {
    Ok(())
}

/// The signals that mean that the user wants an end.
#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    /// Listens from now on.
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hangup.recv() => {}
        }
    }
}

/// Windows has neither SIGTERM nor SIGHUP; Ctrl-C is what there is.
#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        drop(tokio::signal::ctrl_c().await);
    }
}
