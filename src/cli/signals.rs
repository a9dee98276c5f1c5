//! Ctrl-C, SIGTERM and SIGHUP (a closed terminal) as wishes of the user: the first lets calls in flight end, the second does not.
//!
//! A signal that was ignored when the program began stays ignored: `nohup` and a shell's `&` mean it so.

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
struct Signals(Vec<tokio::signal::unix::Signal>);

#[cfg(unix)]
impl Signals {
    /// Listens from now on.
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let ignored = Ignored::inherited();
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        // Whoever listens to a signal does not ignore it any more.
        let heard = kinds.into_iter().filter(|kind| !ignored.has(kind.as_raw_value()));
        heard.map(signal).collect::<io::Result<_>>().map(Self)
    }

    async fn next(&mut self) {
        std::future::poll_fn(|context| {
            let heard = self.0.iter_mut().any(|signal| signal.poll_recv(context).is_ready());
            if heard { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
    }
}

/// Which signals the program was told to ignore, a bit each.
#[cfg(unix)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ignored(u64);

#[cfg(unix)]
impl Ignored {
    /// What whoever started the program ignored. Nothing has been listened to yet.
    fn inherited() -> Self {
        match std::fs::read_to_string("/proc/self/status") {
            Ok(status) => Self::parse(&status),
            Err(_) => Self::asked(),
        }
    }

    /// Reads Linux's account of a process.
    fn parse(status: &str) -> Self {
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        Self(mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default())
    }

    /// Asks a shell, where the system has no such account: it ignores what this program ignores, and cannot change that, so it
    /// outlives a signal that it sends itself.
    fn asked() -> Self {
        use std::process::{Command, Stdio};
        let outlives = |signal: &str| {
            let mut shell = Command::new("/bin/sh");
            shell.args(["-c", &format!("kill -{signal} $$")]);
            let ended = shell.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
            ended.is_ok_and(|status| status.success())
        };
        let numbers = [("HUP", 1), ("INT", 2), ("TERM", 15)];
        Self(numbers.iter().filter(|(name, _)| outlives(name)).fold(0, |mask, (_, number)| mask | 1 << (number - 1)))
    }

    fn has(self, signal: i32) -> bool {
        u32::try_from(signal - 1).is_ok_and(|bit| self.0.checked_shr(bit).unwrap_or_default() & 1 == 1)
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

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ignored_is_read_from_the_systems_account() {
        let ignored =
            Ignored::parse("SigBlk:\t0000000000000000\nSigIgn:\t0000000000001003\nSigCgt:\tffffffffffffffff\n");
        let found: Vec<i32> = (-1..70).filter(|signal| ignored.has(*signal)).collect();
        assert_eq!(found, [1, 2, 13]);
        for none in ["", "SigIgn:\tzz", "SigIgn:"] {
            assert_eq!(Ignored::parse(none), Ignored(0), "{none}");
        }
    }

    #[test]
    fn a_shell_tells_the_same() {
        let account = Ignored::inherited();
        let told = Ignored::asked();
        assert_eq!([1, 2, 15].map(|signal| told.has(signal)), [1, 2, 15].map(|signal| account.has(signal)));
    }
}
