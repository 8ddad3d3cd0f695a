//! `callbox restore`

use std::path::{Path, PathBuf};

use callbox_domain::{Clock as _, Timestamp};
use callbox_service::MasterKey;
use callbox_storage_sqlite::{PutAside, Renewed, Restored, Sessions, Staged, is_taken};
use clap::Args;

use super::FolderArguments;
use super::progress::watched;
use crate::config::StorageConfig;
use crate::data_folder::{FINGERPRINT, StartError, database_in, existing_key, is_in_use, lock};
use crate::system::{SystemClock, SystemRandom};

#[derive(Debug, Args)]
pub(super) struct RestoreArguments {
    /// The backup
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Set the database that is there aside, under another name in the same folder
    #[arg(long)]
    replace: bool,
    /// Let sessions go on that were open when the backup was made: for a server that moves, with nothing written between
    /// the backup and now
    #[arg(long)]
    keep_sessions: bool,
    #[command(flatten)]
    folder: FolderArguments,
}

pub(super) async fn run(arguments: RestoreArguments) -> Result<(), StartError> {
    let storage = arguments.folder.storage()?;
    let outcome = watched("copying", move |watch| {
        // Before the lock is taken, which would make the folder: nothing is touched for a backup that is none.
        if is_in_use(&storage.folder)? {
            return Err(StartError::InUse(storage.folder));
        }
        let database = database_in(&storage.folder);
        if is_taken(&database) && !arguments.replace {
            return Err(StartError::Other(format!(
                "there is a database in {}; --replace sets it aside and puts the backup in its place",
                storage.folder.display()
            )));
        }
        Staged::check_file(&arguments.file, &database)?;
        let key = read_key(&storage)?;
        let _lock = lock(&storage.folder)?;
        let mut staged = Staged::new(&arguments.file, &database, &mut *watch)?;
        if staged.meta(FINGERPRINT)?.is_some_and(|needed| needed != key.fingerprint()) {
            return Err(other_key(&storage, "is not the one that the backup needs"));
        }
        let now = SystemClock::new().now();
        let sessions = if arguments.keep_sessions { Sessions::Keep } else { Sessions::End };
        let made_at = staged.made_at()?;
        let renewed = staged.renew(&SystemRandom, now, sessions, &mut *watch)?;
        let restored = staged.put_into_place(&aside(&database, now), watch)?;
        Ok(Outcome { database, made_at, renewed, restored, sessions })
    });
    outcome.await?.print();
    Ok(())
}

struct Outcome {
    database: PathBuf,
    made_at: Option<Timestamp>,
    renewed: Renewed,
    restored: Restored,
    sessions: Sessions,
}

impl Outcome {
    fn print(&self) {
        println!("Restored    {}", self.database.display());
        if let Some(moment) = self.made_at {
            println!("As of       {moment}");
        }
        if let PutAside::As(path) = &self.restored.before {
            println!("Set aside   {}", path.display());
        }
        println!("Users       {}; their clients fetch anew what they show", self.renewed.users);
        let sessions = match self.sessions {
            Sessions::End => format!("{} ended; everyone signs in again", self.renewed.sessions_ended),
            Sessions::Keep => "go on as they were".to_owned(),
        };
        println!("Sessions    {sessions}");
        println!(
            "\nWhat was changed after that moment is gone. Do again what must hold: block users, rotate secrets, erase users."
        );
    }
}

/// A database without its key refuses to start, so that the key is asked for before anything is replaced.
fn read_key(storage: &StorageConfig) -> Result<MasterKey, StartError> {
    let missing = || other_key(storage, "is missing, and the backup opens only with its own");
    existing_key(&storage.master_key_file)?.ok_or_else(missing)
}

fn other_key(storage: &StorageConfig, what: &str) -> StartError {
    let path = storage.master_key_file.display();
    StartError::Other(format!(
        "the master key {path} {what}: bring the key file of the server that the backup was made on"
    ))
}

/// What a database is called that had to go.
fn aside(database: &Path, now: Timestamp) -> PathBuf {
    let moment: String = now.to_rfc3339().chars().filter(|letter| !matches!(letter, ':' | '-')).collect();
    database.with_extension(format!("before-{moment}.sqlite"))
}
