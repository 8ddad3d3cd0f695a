//! `callbox dev`

use std::io::{self, Write as _};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use callbox_domain::{AppKey, AppSettings, Clock};
use callbox_service::accounts::CreateApp;
use callbox_service::audit::Actor;
use callbox_wire::ErrorCode;
use clap::Args;

use super::{DATA_FOLDER, refused, stop_signal};
use crate::config::{Config, LogConfig, RelayConfig, ServerConfig, StorageConfig, TlsConfig};
use crate::data_folder::StartError;
use crate::relay::{RelayDoors, addresses};
use crate::serve::{Listeners, Server};
use crate::system::SystemClock;
use crate::{listen, telemetry, tls};

/// Start a server for trying and developing
///
/// Serves a demo page at '/', with an app named 'demo' into which anyone signs in under any name. Open the page in two
/// tabs to write and call between them. The data stays for the next start.
///
/// Phones and other machines: 'callbox dev --host <this machine's address>'. Browsers give camera and microphone only
/// to secure pages, so the server then makes itself a certificate, about which the browser asks once.
#[derive(Debug, Args)]
pub struct DevArguments {
    /// Port of the page, the API and the sockets; the figures for Prometheus are one above, the relay two. 0 takes free ones
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Address to listen on; anything but loopback speaks HTTPS with a self-signed certificate
    #[arg(long, default_value = "localhost")]
    host: String,
    /// Data folder; made where there is none
    #[arg(long, value_name = "FOLDER", default_value = DATA_FOLDER)]
    data: PathBuf,
    /// What is logged: error, warn, info, debug, trace, or a filter such as `info,callbox_hub=debug`
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    log: String,
}

/// What a test may change of the world in which the server runs.
pub struct Surroundings {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// How long allocations of the relay live between two refreshes, if not as long as usual.
    pub allocation_life_max: Option<Duration>,
}

pub(super) async fn run(arguments: DevArguments) -> Result<(), StartError> {
    let surroundings = Surroundings { clock: Arc::new(SystemClock::new()), allocation_life_max: None };
    run_in(arguments, surroundings, |_| Ok(String::new())).await
}

/// As the command does, in other surroundings. `beside` sets up what a test needs beside the server, and returns lines to
/// print with the others.
pub async fn run_in(
    arguments: DevArguments,
    surroundings: Surroundings,
    beside: impl FnOnce(&Server) -> Result<String, StartError>,
) -> Result<(), StartError> {
    let address = resolve(&arguments.host)?;
    let is_local = address.is_loopback();
    let port_above = |count: u16| if arguments.port == 0 { 0 } else { arguments.port.saturating_add(count) };
    // Limits can be set by the environment here too.
    let loaded = Config::load(None)?;
    let mut config = Config {
        server: ServerConfig {
            listen: SocketAddr::new(address, arguments.port).to_string(),
            ..ServerConfig::default()
        },
        storage: storage(&arguments.data),
        log: LogConfig { level: arguments.log.clone(), ..LogConfig::default() },
        relay: RelayConfig {
            listen: vec![SocketAddr::new(address, port_above(2)).to_string()],
            tls_listen: Vec::new(),
            host: reached_at(address),
            allow_peers: peers(is_local),
            ..loaded.relay
        },
        ..loaded
    };
    config.limits.unlimited_sign_ups = true;
    config.validate()?;
    telemetry::start_logs(&config.log);
    // The doors first: a taken port must not touch the data.
    let http = listen::bind(SocketAddr::new(address, arguments.port)).await?;
    let metrics = listen::bind(SocketAddr::from(([127, 0, 0, 1], port_above(1)))).await?;
    let relay = RelayDoors::bind(&config, &http)?;
    if !is_local {
        let (cert, key) = tls::self_signed(&arguments.data, &reached_at(address))?;
        config.tls = TlsConfig { cert: Some(cert), key: Some(key) };
    }
    let relay_port =
        relay.as_ref().and_then(|relay| relay.listen_addresses().first()).map_or(0, SocketAddr::port);
    let relay = match surroundings.allocation_life_max {
        Some(time) => relay.map(|relay| relay.with_allocation_life_max(time)),
        None => relay,
    };
    let server = Server::open_with(&config, relay, surroundings.clock)?;
    let more = beside(&server)?;
    server.service().allow_open_sign_in();
    let stop = stop_signal()?;
    let app_key = demo_app(&server).await?;

    let port = |listener: &tokio::net::TcpListener| listener.local_addr().map_or(0, |address| address.port());
    let scheme = if is_local { "http" } else { "https" };
    let shown = if is_local { arguments.host } else { reached_at(address) };
    let page = format!("{scheme}://{shown}:{}", port(&http));
    let data = std::path::absolute(&arguments.data).unwrap_or(arguments.data);
    let warning = if is_local { "" } else { WARNING };
    let relay_host = reached_at(address);
    let (version, data, metrics_port) = (env!("CARGO_PKG_VERSION"), data.display(), port(&metrics));
    print(&format!(
        "Callbox {version} in development mode: anyone can sign in as anyone.\n\n  \
           Open       {page}\n  \
           App key    {app_key}\n  \
           Data       {data}\n  \
           Relay      turn:{relay_host}:{relay_port}\n  \
           Metrics    http://127.0.0.1:{metrics_port}/metrics\n{more}\n\
         {warning}Press Ctrl-C to stop.\n"
    ))?;
    server.run(Listeners { http, metrics: Some(metrics) }, Some(&app_key), stop).await
}

/// Prints for people. Whoever closes the pipe has read enough, and the server goes on.
fn print(text: &str) -> Result<(), StartError> {
    let mut output = io::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(StartError::Other(format!("cannot print: {error}")))
        }
        _ => Ok(()),
    }
}

/// Where `callbox dev` keeps things: the key beside the data folder, never in it.
pub(super) fn storage(folder: &Path) -> StorageConfig {
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let name = absolute.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let master_key_file = absolute.with_file_name(format!("{name}.master-key"));
    StorageConfig { folder: folder.to_owned(), master_key_file }
}

async fn demo_app(server: &Server) -> Result<AppKey, StartError> {
    let key = AppKey::new(DEMO_APP_KEY).map_err(|error| StartError::Other(error.to_string()))?;
    match server.service().find_app(&key).await {
        Ok(_) => return Ok(key),
        Err(error) if error.code == ErrorCode::AppKeyUnknown => {}
        Err(error) => return Err(refused(error)),
    }
    let app = CreateApp { name: "Demo".into(), key: Some(key), settings: AppSettings::development() };
    let created = server.service().create_app(Actor::CommandLine, app).await.map_err(refused)?;
    Ok(created.app.key)
}

fn resolve(host: &str) -> Result<IpAddr, StartError> {
    if host == "localhost" {
        return Ok(IpAddr::from([127, 0, 0, 1]));
    }
    host.parse().map_err(|_| {
        StartError::Other(format!(
            "--host {host}: give an IP address of this machine, 0.0.0.0 for all, or localhost"
        ))
    })
}

/// The address at which other machines reach this one, as in a URL.
fn reached_at(address: IpAddr) -> String {
    let address =
        if address.is_unspecified() { addresses::outward(address).unwrap_or(address) } else { address };
    match address {
        IpAddr::V6(address) => format!("[{address}]"),
        IpAddr::V4(address) => address.to_string(),
    }
}

/// Where media may go: to the browsers of this machine, or to those in its network. Whoever else comes in must not reach
/// what this machine keeps to itself.
fn peers(is_local: bool) -> Vec<String> {
    let loopback = if is_local { LOOPBACK } else { &[] };
    loopback.iter().chain(PRIVATE_NETWORKS).map(|&network| network.to_owned()).collect()
}

const LOOPBACK: &[&str] = &["127.0.0.0/8", "::1/128"];

/// RFC 1918 and RFC 4193.
const PRIVATE_NETWORKS: &[&str] = &["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"];

const DEMO_APP_KEY: &str = "demo";

const WARNING: &str =
    "  WARNING    Everyone who reaches this address can sign in as anyone. Use it in networks you trust.\n\n";
