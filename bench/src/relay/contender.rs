//! The relays that are compared, behind one face: Callbox's, and coturn as Debian packages it, started on loopback with
//! nothing of what the system has of it.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use callbox_turn_proto::message::{Builder, Class, Method, TransactionId};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::UdpSocket;
use tokio::process::{Child, Command};

use crate::BenchResult;
use crate::client::Http;
use crate::process::Usage;
use crate::rivals::free_port;
use crate::server::Server;
use crate::timing::now;

/// Which relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Callbox,
    Coturn,
}

/// A running relay. Dropping it ends it.
pub(super) struct Relay {
    running: Running,
    /// Where it takes UDP and TCP.
    pub(super) address: SocketAddr,
    pub(super) username: String,
    pub(super) password: String,
}

enum Running {
    Callbox(Server),
    Coturn { child: Child, _folder: TempDir },
}

impl Kind {
    /// Whose it is and which version, or `None` where it is not installed.
    pub(super) fn version(self) -> Option<String> {
        match self {
            Self::Callbox => Some("Callbox".to_owned()),
            Self::Coturn => {
                let output = std::process::Command::new("turnserver").arg("--version").output().ok()?;
                Some(format!("coturn {}", String::from_utf8(output.stdout).ok()?.trim()))
            }
        }
    }

    /// Starts it and waits until it listens.
    pub(super) async fn start(self) -> BenchResult<Relay> {
        match self {
            Self::Callbox => callbox().await,
            Self::Coturn => coturn().await,
        }
    }
}

impl Relay {
    /// What its process has used so far.
    pub(super) fn usage(&self) -> BenchResult<Usage> {
        let id = match &self.running {
            Running::Callbox(server) => server.id()?,
            Running::Coturn { child, .. } => child.id().ok_or("coturn has ended")?,
        };
        Usage::of(id)
    }
}

/// With quotas that a load from one session does not reach. What it answers to addresses that may be forged is limited too,
/// but the load comes from many.
async fn callbox() -> BenchResult<Relay> {
    let server = Server::start_with(&[
        ("CALLBOX_RELAY_ALLOCATIONS_PER_CALL", "100000"),
        ("CALLBOX_RELAY_ALLOCATIONS_PER_SESSION", "100000"),
    ])
    .await?;
    let mut http = Http::connect(&server.address).await?;
    let token = http.sign_in("ann").await?;
    let answer = http.read("/v1/ice-servers", &format!("Bearer {token}")).await?;
    let servers = answer["iceServers"].as_array().ok_or("no ICE servers")?;
    let turn = servers.iter().find(|server| server["username"].is_string()).ok_or("no relay")?;
    let mut urls = turn["urls"].as_array().ok_or("no URLs")?.iter().filter_map(Value::as_str);
    let udp = urls.find_map(|url| url.strip_prefix("turn:")?.strip_suffix("?transport=udp"));
    let address = udp.ok_or("no relay over UDP")?.replace("localhost", "127.0.0.1").parse()?;
    let text = |name: &str| turn[name].as_str().ok_or("no credential").map(str::to_owned);
    let (username, password) = (text("username")?, text("credential")?);
    Ok(Relay { running: Running::Callbox(server), address, username, password })
}

/// As it comes, without TLS, with a user in memory; its log goes to a file.
async fn coturn() -> BenchResult<Relay> {
    let folder = TempDir::new()?;
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()?));
    let (username, password) = ("ann".to_owned(), "correct-horse".to_owned());
    let file = |option: &str, name: &str| format!("--{option}={}", folder.path().join(name).display());
    let mut command = Command::new("turnserver");
    command
        .args(["-n", "--no-cli", "--no-tls", "--no-dtls", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1"])
        .args([
            "--allow-loopback-peers",
            "--lt-cred-mech",
            "--realm=callbox",
            "--no-stdout-log",
            "--simple-log",
        ])
        .arg(format!("--listening-port={}", address.port()))
        .arg(format!("--user={username}:{password}"))
        .args([file("log-file", "log"), file("userdb", "database"), file("pidfile", "pid")])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let child = command.spawn()?;
    let began = now();
    while !answers(address).await? {
        if began.elapsed() > START_TIME_MAX {
            let log = std::fs::read_to_string(folder.path().join("log")).unwrap_or_default();
            return Err(format!("coturn did not start: {log}").into());
        }
    }
    Ok(Relay { running: Running::Coturn { child, _folder: folder }, address, username, password })
}

/// Whether someone answers a Binding request over UDP.
async fn answers(address: SocketAddr) -> BenchResult<bool> {
    let socket = UdpSocket::bind("127.0.0.1:0").await?;
    let request = Builder::new(Class::Request, Method::Binding, TransactionId([0; 12])).finish();
    socket.send_to(&request, address).await?;
    let answer = tokio::time::timeout(Duration::from_millis(50), socket.recv(&mut [0; 1_500])).await;
    Ok(matches!(answer, Ok(Ok(_))))
}

const START_TIME_MAX: Duration = Duration::from_secs(30);
