//! `callbox serve`

use std::path::PathBuf;

use clap::Args;

use super::stop_signal;
use crate::config::{Config, resolve};
use crate::data_folder::StartError;
use crate::relay::RelayDoors;
use crate::serve::{Listeners, Server};
use crate::{listen, telemetry};

/// Start a server for real
///
/// Everything unsafe is off: users sign in by tickets that the app's backend signs, and pages of no web origin may use
/// an app until it is allowed. Make an app first with 'callbox app create'.
///
/// The server speaks plain HTTP on loopback, for a reverse proxy with TLS in front, or HTTPS itself with tls.cert and
/// tls.key. It stops on Ctrl-C or a request to terminate, within ten seconds and without losing anything.
#[derive(Debug, Args)]
pub(super) struct ServeArguments {
    /// The configuration; without one the defaults hold, see 'callbox config default'
    #[arg(long, value_name = "FILE", env = "CALLBOX_CONFIG")]
    config: Option<PathBuf>,
}

pub(super) async fn run(arguments: ServeArguments) -> Result<(), StartError> {
    let config = Config::load(arguments.config.as_deref())?;
    telemetry::start_logs(&config.log);
    let address = resolve("server.listen", &config.server.listen)?;
    let http = listen::bind(address).await?;
    let metrics = match config.metrics.listen.as_str() {
        "" => None,
        listen => Some(listen::bind(resolve("metrics.listen", listen)?).await?),
    };
    let relay = RelayDoors::bind(&config, &http)?;
    let server = Server::open(&config, relay)?;
    let stop = stop_signal()?;
    let local = http.local_addr().map_or(address, |local| local);
    tracing::info!(address = %local, tls = server.is_tls(), data = %config.storage.folder.display(), "callbox is ready");
    if !local.ip().is_loopback() && !server.is_tls() {
        tracing::warn!("listening beyond loopback without TLS: tokens and messages travel in the clear");
    }
    server.run(Listeners { http, metrics }, None, stop).await
}
