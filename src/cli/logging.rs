//! The diagnostic log on standard error, for finding out what went wrong. Off below the level of the settings.

use tracing_subscriber::{Layer as _, filter::Targets, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use crate::settings::LogLevel;

/// Starts the log. Only planwave's own lines are shown: what HTTP libraries log can hold headers, and so keys.
pub(super) fn start(level: LogLevel) {
    let filter = Targets::new().with_target("planwave", tracing::level_filters::LevelFilter::from(level));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false).with_filter(filter);
    // A second start in one process (a test of the library) keeps the first.
    let _ = tracing_subscriber::registry().with(lines).try_init();
}
