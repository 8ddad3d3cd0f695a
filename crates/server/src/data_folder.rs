//! The data folder: one server at a time, one master key, one database.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use callbox_domain::Random;
use callbox_service::{MasterKey, MasterKeyError};
use callbox_storage::{CommitListener, StoreError};
use callbox_storage_sqlite::{
    BackupError, OpenError, RestoreError, SqliteOptions, SqliteStore, own_as_folder,
};

use crate::config::{ConfigError, StorageConfig};

/// Why the server, or a command, could not start. One clear line each.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration is not good.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The data folder cannot be made or written.
    #[error("cannot write to the data folder {path}: {error}")]
    Folder {
        /// Which folder.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Another server has it.
    #[error(
        "the data folder {0} is in use by another callbox server; stop that one first, or choose another folder"
    )]
    InUse(PathBuf),
    /// There is a database but not its key.
    #[error(
        "the master key {0} is missing, but the database needs it; put the key file back, or choose another data folder"
    )]
    KeyMissing(PathBuf),
    /// The key is that of another database.
    #[error(
        "the master key {0} is not the one that this database was made with; put the right key file back"
    )]
    KeyWrong(PathBuf),
    /// The key file is damaged.
    #[error("the master key {path} is not good: {error}")]
    KeyMalformed {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: MasterKeyError,
    },
    /// The key file cannot be read or written.
    #[error("cannot read or write the master key {path}: {error}")]
    KeyFile {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The database does not open.
    #[error(transparent)]
    Database(#[from] OpenError),
    /// The database opened and then failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no backup.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// A backup was not restored.
    #[error(transparent)]
    Restore(#[from] RestoreError),
    /// The port is taken, or the address is not this machine's.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// Where.
        address: String,
        /// Why, and what to do.
        error: String,
    },
    /// The certificate or its key is not good.
    #[error("the TLS certificate is not good: {0}")]
    Tls(String),
    /// Something else, said in one line.
    #[error("{0}")]
    Other(String),
}

/// An opened data folder. The lock is held as long as this lives.
pub struct DataFolder {
    /// The database.
    pub store: Arc<SqliteStore>,
    /// Opens the database's secrets.
    pub master_key: MasterKey,
    _lock: Option<File>,
}

/// What a command wants of the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// To be the only one that writes; makes folder, key and database where there are none.
    Own,
    /// To look, also beside a running server. The folder must exist.
    Look,
}

impl DataFolder {
    /// Opens the folder.
    pub fn open(
        config: &StorageConfig,
        access: Access,
        random: &dyn Random,
        listener: CommitListener,
    ) -> Result<Self, StartError> {
        let lock = match access {
            Access::Own => Some(lock(&config.folder)?),
            Access::Look => {
                existing_database(&config.folder)?;
                None
            }
        };
        let database = database_in(&config.folder);
        let is_new = !database.exists();
        let master_key = read_or_make_key(&config.master_key_file, is_new, random)?;
        let store = SqliteStore::open(SqliteOptions::file(&database), listener)?;
        match store.meta(FINGERPRINT)? {
            None => store.set_meta(FINGERPRINT, &master_key.fingerprint())?,
            Some(known) if known == master_key.fingerprint() => {}
            Some(_) => return Err(StartError::KeyWrong(config.master_key_file.clone())),
        }
        Ok(Self { store, master_key, _lock: lock })
    }
}

/// Where the database of a data folder is, whether there is one or not.
pub(crate) fn database_in(folder: &Path) -> PathBuf {
    folder.join(DATABASE_FILE)
}

/// The database of a data folder, which must be there.
pub(crate) fn existing_database(folder: &Path) -> Result<PathBuf, StartError> {
    let database = database_in(folder);
    if database.exists() {
        return Ok(database);
    }
    let folder = folder.display();
    Err(StartError::Other(format!("there is no Callbox data in {folder}; start a server there first")))
}

/// Whether somebody has a data folder for themselves at this moment: a server, or a command that writes. Looking takes the
/// lock for an instant, but shared, so that those who only look do not meet each other.
pub(crate) fn is_in_use(folder: &Path) -> Result<bool, StartError> {
    let failed = |error| StartError::Folder { path: folder.to_owned(), error };
    let file = match File::open(folder.join(LOCK_FILE)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(failed(error)),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// Takes a data folder for this process, as long as the file lives; makes the folder where there is none.
pub(crate) fn lock(folder: &Path) -> Result<File, StartError> {
    let failed = |error| StartError::Folder { path: folder.to_owned(), error };
    fs::create_dir_all(folder).map_err(failed)?;
    restrict(folder, 0o700).map_err(failed)?;
    let path = folder.join(LOCK_FILE);
    let file = match File::options().create_new(true).write(true).open(&path) {
        Ok(file) => {
            // Or the server's user could not open what a command of the superuser has made.
            own_as_folder(&path);
            file
        }
        // With `create`, as it may have gone meanwhile.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            File::options().create(true).truncate(false).write(true).open(&path).map_err(failed)?
        }
        Err(error) => return Err(failed(error)),
    };
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StartError::InUse(folder.to_owned())),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

fn read_or_make_key(path: &Path, may_make: bool, random: &dyn Random) -> Result<MasterKey, StartError> {
    if let Some(key) = existing_key(path)? {
        return Ok(key);
    }
    if !may_make {
        return Err(StartError::KeyMissing(path.to_owned()));
    }
    let failed = |error| StartError::KeyFile { path: path.to_owned(), error };
    let key = MasterKey::generate(random);
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    write_private(path, key.to_file_text().expose().as_bytes()).map_err(failed)?;
    Ok(key)
}

/// The master key in a file; `None` where there is no such file.
pub(crate) fn existing_key(path: &Path) -> Result<Option<MasterKey>, StartError> {
    match fs::read_to_string(path) {
        Ok(text) => parse_key(path, &text).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StartError::KeyFile { path: path.to_owned(), error }),
    }
}

fn parse_key(path: &Path, text: &str) -> Result<MasterKey, StartError> {
    MasterKey::parse(text).map_err(|error| StartError::KeyMalformed { path: path.to_owned(), error })
}

/// Writes a file that only its owner can read, and syncs it: a database must never outlive its key.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write;
    let mut options = File::options();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(unix)]
fn restrict(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn restrict(_path: &Path, _mode: u32) -> io::Result<()> {
    Ok(())
}

const DATABASE_FILE: &str = "callbox.sqlite";
const LOCK_FILE: &str = "lock";
/// Under which name a database keeps the fingerprint of the key that it needs.
pub(crate) const FINGERPRINT: &str = "master_key_fingerprint";
