//! The commands of the `callbox` binary: one file each.

mod app;
mod audit;
mod backup;
mod config;
pub mod dev;
mod operations;
mod progress;
mod restore;
mod serve;
mod settings;
mod ticket;
mod user;

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

use callbox_bus::LocalBus;
use callbox_domain::AppKey;
use callbox_media_control::NoMedia;
use callbox_service::sessions::jwt::NoKeys;
use callbox_service::{Parts, Service};
use callbox_wire::ApiError;
use clap::{Args, Parser, Subcommand};

use crate::config::{Config, StorageConfig};
use crate::data_folder::{Access, DataFolder, StartError};
use crate::system::{SystemClock, SystemRandom};

/// Sign-in, messaging and calls for any app: one binary, one config file, the app's own users, no vendor.
#[derive(Debug, Parser)]
#[command(name = "callbox", version, arg_required_else_help = true, after_help = AFTER_HELP)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start a server for trying and developing: a demo page, an app named 'demo', everyone may sign in as anyone
    Dev(dev::DevArguments),
    /// Start a server for real: everything unsafe is off
    Serve(serve::ServeArguments),
    /// Make, list and change apps, their keys and secrets, on a server that runs and on one that does not
    #[command(subcommand)]
    App(app::AppCommand),
    /// List, block and erase the users of an app, list and end their sessions, beside a server or without one
    #[command(subcommand)]
    User(user::UserCommand),
    /// Print every setting of an app: what it does, what it takes, its default
    Settings,
    /// List what operators and backends changed, newest first
    ///
    /// Who: `operator` by a command or a request to a server that runs, `command_line` by a command while none ran, `app`
    /// by an app's backend.
    ///
    /// Example: callbox audit --app my-app --limit 20
    Audit(audit::AuditArguments),
    /// Copy all of a server's data into one file, while it runs or not
    ///
    /// The file holds everything as it was when the command began, whatever is written meanwhile, and nothing of what
    /// was erased before. It is private to whoever runs the command, and gets its name only once it is whole, checked
    /// and on disk. The master key is not in it: keep a copy of that apart, for without it the backup opens nothing.
    ///
    /// Example: callbox backup --config callbox.toml /backup/callbox-2026-11-21.backup
    Backup(backup::BackupArguments),
    /// Put a backup into the place of a server's data, while no server runs there
    ///
    /// Before anything is changed the backup is checked from end to end, and the master key must be the one that it was made
    /// with. A database that is there is refused, or set aside with --replace.
    ///
    /// What happened after the backup is gone: messages, and also blocks, new passwords, rotated secrets. Clients notice
    /// and fetch again what they show. Whoever was signed in must sign in again, for a session may have been ended since;
    /// --keep-sessions lets them stay, for a server that only moves.
    ///
    /// Example: callbox restore --config callbox.toml /backup/callbox-2026-11-21.backup
    Restore(restore::RestoreArguments),
    /// Sign a ticket, for trying what an app's backend does
    Ticket(ticket::TicketArguments),
    /// Print or check configuration
    #[command(subcommand)]
    Config(config::ConfigCommand),
}

/// Which data folder a command works on.
#[derive(Debug, Args)]
struct FolderArguments {
    /// The server's configuration file; its [storage] section says where the data is
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A data folder made by 'callbox dev' [default: ./callbox-data, where no --config is given]
    #[arg(long, value_name = "FOLDER", conflicts_with = "config")]
    data: Option<PathBuf>,
}

impl FolderArguments {
    fn storage(&self) -> Result<StorageConfig, StartError> {
        match (&self.config, &self.data) {
            (Some(path), _) => Ok(Config::load(Some(path))?.storage),
            (None, Some(folder)) => Ok(dev::storage(folder)),
            (None, None) => Ok(dev::storage(DATA_FOLDER.as_ref())),
        }
    }
}

/// Runs a command to its end.
pub fn run(arguments: Arguments) -> Result<(), StartError> {
    match arguments.command {
        Command::Dev(arguments) => block_on(dev::run(arguments)),
        Command::Serve(arguments) => block_on(serve::run(arguments)),
        Command::App(command) => block_on(app::run(command)),
        Command::User(command) => block_on(user::run(command)),
        Command::Settings => {
            settings::run();
            Ok(())
        }
        Command::Audit(arguments) => block_on(audit::run(arguments)),
        Command::Backup(arguments) => block_on(backup::run(arguments)),
        Command::Restore(arguments) => block_on(restore::run(arguments)),
        Command::Ticket(arguments) => block_on(ticket::run(arguments)),
        Command::Config(command) => config::run(command),
    }
}

/// The use cases on a data folder, without a server: for commands.
fn open_service(storage: &StorageConfig, access: Access) -> Result<(Service, DataFolder), StartError> {
    let random = Arc::new(SystemRandom);
    let folder = DataFolder::open(storage, access, random.as_ref(), Box::new(|_| {}))?;
    let service = Service::new(Parts {
        store: folder.store.clone(),
        bus: Arc::new(LocalBus::default()),
        media: Arc::new(NoMedia),
        clock: Arc::new(SystemClock::new()),
        random,
        master_key: folder.master_key.clone(),
        limits: callbox_service::LimitSettings::default(),
        keys: Arc::new(NoKeys),
    });
    Ok((service, folder))
}

fn block_on(command: impl Future<Output = Result<(), StartError>>) -> Result<(), StartError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| StartError::Other(format!("cannot start threads: {error}")))?;
    let ended = runtime.block_on(async {
        survive_file_limits()?;
        command.await
    });
    // Whatever is still at work hangs, and has had its time.
    runtime.shutdown_background();
    ended
}

/// Makes a limit on the size of files an error of the write that meets it, instead of the end of the process.
#[cfg(unix)]
fn survive_file_limits() -> Result<(), StartError> {
    use tokio::signal::unix::{SignalKind, signal};
    let kind = SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw());
    // Who listens once is never killed by it again.
    signal(kind).map(drop).map_err(no_signals)
}

#[cfg(not(unix))]
fn survive_file_limits() -> Result<(), StartError> {
    Ok(())
}

/// Listens for Ctrl-C and requests to terminate from now on; what it returns resolves at the first, and the second ends the
/// process at once. To be called before a server says that it is ready: whoever reads that may stop it at once.
#[cfg(unix)]
fn stop_signal() -> Result<impl Future<Output = ()>, StartError> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |kind| signal(kind).map_err(no_signals);
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    let mut next = async move || {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    Ok(async move {
        next().await;
        tokio::spawn(async move {
            next().await;
            stop_at_once();
        });
    })
}

/// Resolves at Ctrl-C; the second one ends the process at once.
#[cfg(not(unix))]
fn stop_signal() -> Result<impl Future<Output = ()>, StartError> {
    Ok(async {
        tokio::signal::ctrl_c().await.unwrap_or(());
        tokio::spawn(async {
            if tokio::signal::ctrl_c().await.is_ok() {
                stop_at_once();
            }
        });
    })
}

/// For whoever does not want to wait. A store loses nothing by it that was confirmed.
fn stop_at_once() -> ! {
    eprintln!("callbox: stopped at once, as told twice; nothing that was confirmed is lost");
    std::process::exit(1)
}

#[cfg(unix)]
fn no_signals(error: std::io::Error) -> StartError {
    StartError::Other(format!("cannot listen for signals: {error}"))
}

fn parse_app_key(text: &str) -> Result<AppKey, String> {
    AppKey::new(text).map_err(|error| error.to_string())
}

fn refused(error: ApiError) -> StartError {
    StartError::Other(error.message)
}

const DATA_FOLDER: &str = "callbox-data";

const AFTER_HELP: &str = "\
Try it:    callbox dev
For real:  callbox config default > callbox.toml
           callbox app create --config callbox.toml --name 'My app' --allow-origin https://app.example.com
           callbox serve --config callbox.toml";
