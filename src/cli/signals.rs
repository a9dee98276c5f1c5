//! Ctrl-C, SIGTERM and SIGHUP (a closed terminal) as wishes of the user: the first lets calls in flight end, the second does not.

use std::time::Duration;

use tokio::sync::watch;

use crate::engine::Stop;

/// What the user wants, as a channel that the engine watches. Calls in flight may go on for `grace` after the first
/// signal. Must be called within the runtime.
pub(super) fn watch_signals(grace: Duration) -> watch::Receiver<Stop> {
    let (wish, receiver) = watch::channel(Stop::No);
    tokio::spawn(async move {
        next_signal().await;
        // Said by the reporters, since a line printed here would be drawn over by the progress bars.
        let seconds = grace.as_secs_f64();
        let reason = format!("interrupted (calls in flight have {seconds} s to end; a second interrupt stops at once)");
        let _ = wish.send(Stop::Drain(reason));
        tokio::select! {
            () = next_signal() => {}
            () = tokio::time::sleep(grace) => {}
        }
        let _ = wish.send(Stop::Now);
        // The engine watches as long as the sender lives.
        std::future::pending::<()>().await;
    });
    receiver
}

#[cfg(unix)]
async fn next_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let (terminate, hangup) = (signal(SignalKind::terminate()), signal(SignalKind::hangup()));
    let (Ok(mut terminate), Ok(mut hangup)) = (terminate, hangup) else {
        return drop(tokio::signal::ctrl_c().await);
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
}

/// Windows has neither SIGTERM nor SIGHUP; Ctrl-C is what there is.
#[cfg(not(unix))]
async fn next_signal() {
    drop(tokio::signal::ctrl_c().await);
}
