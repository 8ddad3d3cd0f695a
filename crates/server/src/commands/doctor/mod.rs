//! `callbox doctor`: one file for each group of checks. A check gathers facts and then judges them by a pure function.

mod apps;
mod certificate;
mod clock;
mod configuration;
mod data;
mod finding;
mod listeners;
mod relay;
mod site;
mod subject;
mod table;
mod websocket;
mod witness;

use std::future::Future;
use std::io::{self, IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use callbox_domain::Clock as _;
use clap::Args;
use tokio::task::JoinHandle;

use self::finding::Finding;
use self::site::Site;
use self::subject::{Local, Subject};
use super::{DATA_FOLDER, FolderArguments, dev};
use crate::config::{Config, ConfigError, MetricsConfig, RelayConfig, ServerConfig};
use crate::data_folder::StartError;
use crate::system::SystemClock;

#[derive(Debug, Args)]
pub(super) struct DoctorArguments {
    #[command(flatten)]
    folder: FolderArguments,
    /// Port of a server of 'callbox dev'
    #[arg(long, default_value_t = 8080, conflicts_with = "config")]
    port: u16,
    #[arg(long, value_name = "URL", value_parser = Site::parse, help = PUBLIC_HELP)]
    public: Option<Site>,
    /// Print a JSON array in place of the table
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: DoctorArguments) -> Result<(), StartError> {
    let mut report = Report::new(arguments.json);
    let subject = arguments.subject(&mut report).await?;
    for check in start_checks(subject) {
        let found = check.await.map_err(|error| StartError::Other(error.to_string()))?;
        report.add(found)?;
    }
    report.finish()
}

impl DoctorArguments {
    /// Looks at what lies on this machine's disk, and so finds out what the other checks go by.
    async fn subject(&self, report: &mut Report) -> Result<Subject, StartError> {
        let mut subject = Subject {
            local: None,
            is_running: false,
            master_key: None,
            migrated_at: None,
            public: self.public.clone(),
        };
        if self.public.is_some() && self.folder.config.is_none() && self.folder.data.is_none() {
            report.add(vec![Finding::not_checked("config", WITHOUT_CONFIG)])?;
            return Ok(subject);
        }
        let (name, read) = self.configuration();
        report.add(vec![configuration::judge_reading(&name, read.as_ref())])?;
        let Ok(config) = read else { return Ok(subject) };
        let local = Local { config, is_development: self.folder.config.is_none() };
        report.add(configuration::judge_settings(&local))?;
        let storage = local.config.storage.clone();
        let examined = tokio::task::spawn_blocking(move || data::examine(&storage)).await;
        let data = examined.map_err(|error| StartError::Other(error.to_string()))?;
        report.add(data.findings)?;
        subject.local = Some(Arc::new(local));
        subject.is_running = data.is_running;
        subject.master_key = data.master_key;
        subject.migrated_at = data.migrated_at;
        Ok(subject)
    }

    /// The configuration, and what to call it.
    fn configuration(&self) -> (String, Result<Config, ConfigError>) {
        if let Some(path) = &self.folder.config {
            return (path.display().to_string(), Config::load(Some(path)));
        }
        let folder = self.folder.data.as_deref().unwrap_or(Path::new(DATA_FOLDER));
        let beside = |ports| SocketAddr::from(([127, 0, 0, 1], self.port.saturating_add(ports))).to_string();
        let config = Config::load(None).map(|config| Config {
            server: ServerConfig { listen: beside(0), ..ServerConfig::default() },
            metrics: MetricsConfig { listen: beside(1) },
            relay: RelayConfig { listen: vec![beside(2)], tls_listen: Vec::new(), ..config.relay },
            storage: dev::storage(folder),
            ..config
        });
        ("that of 'callbox dev'".to_owned(), config)
    }
}

/// Starts everything that goes over the network, all at once, in the order in which it is to be shown.
fn start_checks(subject: Subject) -> Vec<JoinHandle<Vec<Finding>>> {
    let clock = Arc::new(SystemClock::new());
    let now = clock.now();
    let mut checks = Vec::new();
    let mut start = |check: Check| checks.push(tokio::spawn(check));
    let site = subject.public.clone().or_else(|| subject.running());
    let earliest = subject.migrated_at;
    let own = Arc::clone(&clock);
    start(Box::pin(async move { vec![clock::examine(own.as_ref(), earliest, site.as_ref()).await] }));
    if subject.local.is_some() {
        let of = subject.clone();
        start(Box::pin(async move { vec![listeners::examine_http(&of).await] }));
        let of = subject.clone();
        start(Box::pin(async move { vec![listeners::examine_metrics(&of).await] }));
        let of = subject.clone();
        start(Box::pin(async move { certificate::examine_own(&of, now).await }));
        let running = subject.running();
        start(Box::pin(async move { vec![own_websocket(running).await] }));
        let (of, clock) = (subject.clone(), Arc::clone(&clock));
        start(Box::pin(async move { relay::examine(&of, clock.as_ref()).await }));
        let of = subject.clone();
        start(Box::pin(async move { apps::examine(&of).await.into_iter().collect() }));
    }
    if let Some(site) = subject.public.map(Arc::new) {
        let of = Arc::clone(&site);
        start(Box::pin(async move { vec![listeners::examine_public(&of).await] }));
        let of = Arc::clone(&site);
        start(Box::pin(async move { vec![certificate::examine_public(&of, now).await] }));
        let of = Arc::clone(&site);
        start(Box::pin(async move { vec![websocket::examine("public WebSocket", &of).await] }));
        if subject.local.is_none() {
            start(Box::pin(async move { relay::examine_outside(&site).await }));
        }
    }
    checks
}

/// A group of checks, and what it finds.
type Check = std::pin::Pin<Box<dyn Future<Output = Vec<Finding>> + Send>>;

async fn own_websocket(running: Option<Site>) -> Finding {
    const CHECK: &str = "WebSocket";
    match running {
        Some(site) => websocket::examine(CHECK, &site).await,
        None => Finding::not_checked(CHECK, "no server runs"),
    }
}

/// What was found so far; each line is printed as it is known.
struct Report {
    findings: Vec<Finding>,
    is_json: bool,
    is_terminal: bool,
}

impl Report {
    fn new(is_json: bool) -> Self {
        Self { findings: Vec::new(), is_json, is_terminal: io::stdout().is_terminal() }
    }

    fn add(&mut self, found: Vec<Finding>) -> Result<(), StartError> {
        if !self.is_json {
            for finding in &found {
                print(&table::lines(finding, self.is_terminal))?;
            }
        }
        self.findings.extend(found);
        Ok(())
    }

    /// Ends the report; a problem makes it an error.
    fn finish(self) -> Result<(), StartError> {
        if self.is_json {
            let findings: Vec<_> = self.findings.iter().map(Finding::to_json).collect();
            let text = serde_json::to_string_pretty(&findings);
            print(&text.map_err(|error| StartError::Other(error.to_string()))?)?;
        } else {
            print(&format!("\n{}", table::summary(&self.findings)))?;
        }
        match self.findings.iter().filter(|finding| finding.is_problem()).count() {
            0 => Ok(()),
            1 => Err(StartError::Other("one check found a problem".to_owned())),
            count => Err(StartError::Other(format!("{count} checks found problems"))),
        }
    }
}

/// Prints for people. Whoever closes the pipe has read enough.
fn print(text: &str) -> Result<(), StartError> {
    let mut output = io::stdout().lock();
    match writeln!(output, "{text}").and_then(|()| output.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(StartError::Other(format!("cannot print: {error}")))
        }
        _ => Ok(()),
    }
}

const PUBLIC_HELP: &str =
    "Where clients reach the server, such as https://calls.example.com; alone it needs no configuration";

pub(super) const EXAMPLES: &str = "\
Example: callbox doctor --config callbox.toml --public https://calls.example.com";

const WITHOUT_CONFIG: &str = "without --config or --data only what the outside sees is checked";
