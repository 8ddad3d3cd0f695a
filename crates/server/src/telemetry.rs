//! Logs for people in a terminal, JSON in a pipe; figures for Prometheus.

use std::io::{IsTerminal, stderr};

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::filter::{FilterExt, FilterFn, LevelFilter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt, registry};

use crate::config::{LogConfig, LogFormat};

/// Starts logging to standard error. A second call in one process changes nothing.
pub(crate) fn start_logs(config: &LogConfig) {
    let filter = EnvFilter::try_new(&config.level).unwrap_or_else(|_| EnvFilter::new("info"));
    let json = match config.format {
        LogFormat::Auto => !stderr().is_terminal(),
        LogFormat::Text => false,
        LogFormat::Json => true,
    };
    // Whatever the level says: below `info` the socket library writes whole frames, with tokens and messages in them.
    let without_frames = FilterFn::new(|line| {
        *line.level() <= tracing::Level::INFO
            || !SPEAKS_OF_FRAMES.iter().any(|part| line.target().starts_with(part))
    })
    // Says that it allows some lines of every level: without that, no level is skipped before it has been asked.
    .with_max_level_hint(LevelFilter::TRACE);
    let lines = fmt::layer().with_writer(stderr);
    let lines = if json {
        lines.json().flatten_event(true).boxed()
    } else {
        lines.compact().with_ansi(stderr().is_terminal()).with_target(false).boxed()
    };
    // Fails only when logging has started already, as in a test with several servers.
    let _ = registry().with(lines.with_filter(filter.and(without_frames))).try_init();
}

/// Libraries whose finer lines hold what clients and server say to each other.
const SPEAKS_OF_FRAMES: [&str; 3] = ["tungstenite", "tokio_tungstenite", "hyper"];

/// Starts counting. One recorder serves the whole process; later callers share it.
pub(crate) fn start_metrics() -> PrometheusHandle {
    use std::sync::OnceLock;
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    let install = || {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        // Fails only where a host program has a recorder of its own; then its figures are there.
        let _ = metrics::set_global_recorder(recorder);
        handle
    };
    HANDLE.get_or_init(install).clone()
}
