//! ejabberd and Prosody as Debian packages them, each started on loopback from files of its own in a temporary folder. What
//! the system has of them, its configuration, its data and its services, is not touched.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::BenchResult;
use crate::timing::now;

/// Which server, and whether it keeps every message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Ejabberd { archive: bool },
    Prosody { archive: bool },
}

/// A running server. Dropping it ends it.
pub(crate) struct Rival {
    child: Child,
    _folder: TempDir,
    /// `127.0.0.1:<port>`
    pub(crate) address: String,
}

impl Kind {
    /// Whose they are and which version, or `None` where it is not installed.
    pub(crate) fn version(self) -> Option<String> {
        match self {
            Self::Ejabberd { archive } => {
                let folder = ejabberd_folder().filter(|_| !archive || has_sqlite())?;
                Some(folder.file_name()?.to_str()?.replace('-', " "))
            }
            Self::Prosody { .. } => {
                let version = fs::read_to_string("/usr/lib/prosody/prosody.version").ok()?;
                Some(format!("Prosody {}", version.trim()))
            }
        }
    }

    /// Starts it and waits until it listens.
    pub(crate) async fn start(self) -> BenchResult<Rival> {
        let folder = TempDir::new()?;
        let port = free_port()?;
        let mut command = match self {
            Self::Ejabberd { archive } => ejabberd(folder.path(), port, archive)?,
            Self::Prosody { archive } => prosody(folder.path(), port, archive)?,
        };
        let output = fs::File::create(folder.path().join("output"))?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).kill_on_drop(true);
        let child = command.current_dir(folder.path()).env("HOME", folder.path()).spawn()?;
        let address = format!("127.0.0.1:{port}");
        let began = now();
        while TcpStream::connect(&address).await.is_err() {
            if began.elapsed() > START_TIME_MAX {
                let output = fs::read_to_string(folder.path().join("output"))?;
                return Err(format!("{self:?} did not start: {output}").into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(Rival { child, _folder: folder, address })
    }
}

impl Rival {
    /// The server's process.
    pub(crate) fn id(&self) -> BenchResult<u32> {
        Ok(self.child.id().ok_or("the server has ended")?)
    }
}

/// ejabberd without a node's name: so it needs no port mapper. Its virtual machine gets the options of Debian's `ejabberdctl`,
/// and is told not to spin while it waits: its cheapest way.
fn ejabberd(folder: &Path, port: u16, archive: bool) -> BenchResult<Command> {
    let database = folder.join("archive.sqlite");
    let archive = if archive { EJABBERD_ARCHIVE } else { "" };
    let archive = archive.replace("DATABASE", &database.display().to_string());
    let configuration = folder.join("ejabberd.yml");
    fs::write(&configuration, EJABBERD.replace("PORT", &port.to_string()) + &archive)?;
    let libraries = ejabberd_folder().ok_or("ejabberd is not installed")?;
    let mut command = Command::new("erl");
    command
        .args(["+K", "true", "+P", "250000", "+sbwt", "none", "+sbwtdcpu", "none", "+sbwtdio", "none"])
        .args(["-noinput", "-mnesia", "dir"])
        .arg(format!("\"{}\"", folder.join("mnesia").display()))
        .args(["-s", "ejabberd"])
        .env("EJABBERD_CONFIG_PATH", configuration)
        .env("EJABBERD_LOG_PATH", folder.join("ejabberd.log"))
        .env("ERL_LIBS", libraries.parent().unwrap_or(&libraries))
        .env("ERL_CRASH_DUMP_BYTES", "0");
    Ok(command)
}

fn prosody(folder: &Path, port: u16, archive: bool) -> BenchResult<Command> {
    fs::create_dir(folder.join("certs"))?;
    let text = PROSODY
        .replace("PORT", &port.to_string())
        .replace("FOLDER", &folder.display().to_string())
        .replace("ARCHIVE", if archive { "\"mam\";" } else { "" });
    let configuration = folder.join("prosody.cfg.lua");
    fs::write(&configuration, text)?;
    let mut command = Command::new("prosody");
    command.arg("--config").arg(configuration).arg("-F");
    Ok(command)
}

/// Where Debian puts ejabberd: `/usr/lib/<architecture>/ejabberd-<version>`.
fn ejabberd_folder() -> Option<PathBuf> {
    let architectures = fs::read_dir("/usr/lib").ok()?.flatten();
    let mut folders = architectures.filter_map(|entry| fs::read_dir(entry.path()).ok()).flatten().flatten();
    let is_it = |path: &Path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with("ejabberd-") && path.join("ebin/ejabberd.beam").exists()
    };
    folders.find_map(|entry| Some(entry.path()).filter(|path| is_it(path)))
}

/// Whether ejabberd can keep an archive: Debian has its SQLite in a package of its own.
fn has_sqlite() -> bool {
    let mut libraries = fs::read_dir("/usr/lib/erlang/lib").into_iter().flatten().flatten();
    libraries.any(|entry| entry.file_name().to_string_lossy().starts_with("p1_sqlite3-"))
}

/// A port that nobody has right now.
pub(crate) fn free_port() -> BenchResult<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

const START_TIME_MAX: Duration = Duration::from_secs(30);

/// Ends with the modules, to which an archive is one more.
const EJABBERD: &str = "\
hosts: [localhost]
loglevel: error
listen:
  -
    port: PORT
    ip: 127.0.0.1
    module: ejabberd_c2s
    backlog: 1024
auth_method: internal
auth_password_format: plain
registration_timeout: infinity
modules:
  mod_register:
    ip_access: all
  mod_roster: {}
  mod_stream_mgmt:
    resend_on_timeout: false
";

const EJABBERD_ARCHIVE: &str = "  mod_mam:
    default: always
    db_type: sql
sql_type: sqlite
sql_database: DATABASE
";

const PROSODY: &str = "\
run_as_root = true
pidfile = 'FOLDER/prosody.pid'
data_path = 'FOLDER/data'
log = { warn = 'FOLDER/prosody.log' }
interfaces = { '127.0.0.1' }
c2s_ports = { PORT }
c2s_direct_tls_ports = {}
s2s_ports = {}
modules_enabled = { 'disco'; 'register'; 'roster'; 'saslauth'; 'smacks'; ARCHIVE }
modules_disabled = { 's2s'; 'tls'; 'offline' }
network_backend = 'epoll'
network_settings = { tcp_backlog = 1024 }
allow_registration = true
authentication = 'internal_plain'
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
storage = 'internal'
default_archive_policy = true
archive_expires_after = 'never'
VirtualHost 'localhost'
";
