//! Copies a database into one file while a server writes to it.
//!
//! `VACUUM INTO` reads one snapshot, which in WAL mode holds up no writer and is never begun anew, however much is
//! written meanwhile. It writes row after row into a new file: what was deleted or erased, and still lies in free space
//! or in the unused part of a page, is not copied. SQLite's online backup would copy it, page by page.

use std::path::{Path, PathBuf};

use callbox_domain::Timestamp;
use rusqlite::{Connection, ErrorCode, OpenFlags, ffi, params};

use crate::compact::FORGET_ERASURE;
use crate::error::OpenError;
use crate::files::{Unfinished, create_private, name_finally, sync_file, sync_folder_of, with_ending};
use crate::migrate::check_application;
use crate::options::BUSY_TIMEOUT_DEFAULT;
use crate::progress::{Proceed, Step, Watch, watched};
use crate::restore::last_line;

/// Why there is no backup. Each is one line that says what to do; nothing is left of the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BackupError {
    /// The database does not open, or is damaged.
    #[error(transparent)]
    Database(#[from] OpenError),
    /// There is a file of this name.
    #[error("{} exists and is not overwritten: choose another name", .0.display())]
    Exists(PathBuf),
    /// There is an unfinished file of this name.
    #[error(
        "{} exists: another backup to this place is at work, or one was cut off; if none is, remove it",
        .0.display()
    )]
    Unfinished(PathBuf),
    /// The disk of the file is full.
    #[error(
        "no space is left for the backup {}, which takes about {megabytes} MB: free some, or choose another place",
        path.display()
    )]
    DiskFull {
        /// The backup.
        path: PathBuf,
        /// How much the whole of it takes.
        megabytes: u64,
    },
    /// The file cannot be written.
    #[error("cannot write the backup {}: {reason}", path.display())]
    CannotWrite {
        /// The backup.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The copy is not as it must be.
    #[error("the backup {} is not good: {reason}; check the database and the disk", path.display())]
    NotGood {
        /// The backup.
        path: PathBuf,
        /// What SQLite found.
        reason: String,
    },
    /// Whoever watched said so.
    #[error("the backup was stopped")]
    Stopped,
}

/// Copies the database at `database` into the new file `file`: all of it as it was at one moment after the call. How
/// many bytes the file has. `now` is noted in it.
///
/// The database stays as it is and may be written to meanwhile; what is written then stays in its write-ahead log until
/// the copy is done. Under its name the file is whole, checked and synced.
pub fn back_up(database: &Path, file: &Path, now: Timestamp, watch: Watch<'_>) -> Result<u64, BackupError> {
    if file.exists() {
        return Err(BackupError::Exists(file.to_owned()));
    }
    let of_database = |error: rusqlite::Error| OpenError::from_sqlite(database, &error);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let source = Connection::open_with_flags(database, flags).map_err(of_database)?;
    source.busy_timeout(BUSY_TIMEOUT_DEFAULT).map_err(of_database)?;
    check_application(&source, database)?;
    let total = bytes_in_use(&source).map_err(of_database)?;

    let target = Target { file, part: with_ending(file, ".part"), total };
    create_private(&target.part).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => BackupError::Unfinished(target.part.clone()),
        _ => target.cannot_write(&error),
    })?;
    let unfinished = Unfinished(target.part.clone());
    target.copy(database, source, &mut *watch)?;
    target.complete(now, &mut *watch)?;
    sync_file(&target.part).map_err(|error| target.cannot_write(&error))?;
    if watch(Step::Checking) == Proceed::No {
        return Err(BackupError::Stopped);
    }
    let bytes = target.part.metadata().map_or(0, |metadata| metadata.len());
    name_finally(&target.part, file).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => BackupError::Exists(file.to_owned()),
        _ => target.cannot_write(&error),
    })?;
    drop(unfinished);
    sync_folder_of(file).map_err(|error| target.cannot_write(&error))?;
    Ok(bytes)
}

/// Where a copy goes.
struct Target<'call> {
    file: &'call Path,
    part: PathBuf,
    total: u64,
}

impl Target<'_> {
    fn copy(&self, database: &Path, mut source: Connection, watch: Watch<'_>) -> Result<(), BackupError> {
        let Some(part) = self.part.to_str() else {
            return Err(self.cannot_write(&"its name is no text in UTF-8"));
        };
        let step = || {
            let done = self.part.metadata().map_or(0, |metadata| metadata.len());
            Step::Copying { done: done.min(self.total), total: self.total }
        };
        let copied = watched(&mut source, watch, step, |source| source.execute("VACUUM INTO ?1", [part]));
        copied.ok_or(BackupError::Stopped)?.map(drop).map_err(|error| self.failure(database, &error))
    }

    /// Notes when it was made, and checks it.
    fn complete(&self, now: Timestamp, watch: Watch<'_>) -> Result<(), BackupError> {
        let failed = |error: rusqlite::Error| self.failure(&self.part, &error);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut copy = Connection::open_with_flags(&self.part, flags).map_err(failed)?;
        let checked = watched(&mut copy, watch, || Step::Checking, |copy| note_and_check(copy, now));
        let found = checked.ok_or(BackupError::Stopped)?.map_err(failed)?;
        if found != "ok" {
            return Err(BackupError::NotGood { path: self.file.to_owned(), reason: last_line(&found) });
        }
        copy.close().map_err(|(_, error)| failed(error))
    }

    /// The error that stands for what SQLite said while it read `source` and wrote here.
    fn failure(&self, source: &Path, error: &rusqlite::Error) -> BackupError {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => self.full(),
            Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
                self.cannot_write(error)
            }
            Some(ErrorCode::SystemIoFailure) if !is_of_reading(error) => match self.try_the_size() {
                Ok(()) => self.cannot_write(error),
                Err(refused) => self.cannot_write(&refused),
            },
            _ => OpenError::from_sqlite(source, error).into(),
        }
    }

    /// SQLite keeps the system's own words to itself; whether they are about the size of the file, this tells.
    fn try_the_size(&self) -> std::io::Result<()> {
        std::fs::File::options().write(true).open(&self.part)?.set_len(self.total)
    }

    fn full(&self) -> BackupError {
        let megabytes = self.total.div_ceil(1_000_000);
        BackupError::DiskFull { path: self.file.to_owned(), megabytes }
    }

    fn cannot_write(&self, reason: &dyn std::fmt::Display) -> BackupError {
        BackupError::CannotWrite { path: self.file.to_owned(), reason: reason.to_string() }
    }
}

/// What the check of a copy says, after it was noted in the copy when it was made.
fn note_and_check(copy: &Connection, now: Timestamp) -> rusqlite::Result<String> {
    // It is worth nothing before it is complete, and synced as a whole then.
    copy.execute_batch("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF")?;
    copy.execute_batch(FORGET_ERASURE)?;
    let sql = "INSERT INTO meta (name, value) VALUES (?1, ?2) \
               ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    copy.execute(sql, params![BACKED_UP_AT, now.to_rfc3339()])?;
    copy.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
}

/// Whether an error of the disk is one of reading, or of the memory that readers share.
fn is_of_reading(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error().map_or(0, |error| error.extended_code);
    [
        ffi::SQLITE_IOERR_READ,
        ffi::SQLITE_IOERR_SHORT_READ,
        ffi::SQLITE_IOERR_SHMOPEN,
        ffi::SQLITE_IOERR_SHMSIZE,
        ffi::SQLITE_IOERR_SHMLOCK,
        ffi::SQLITE_IOERR_SHMMAP,
    ]
    .contains(&code)
}

/// About as many bytes as a copy takes.
fn bytes_in_use(source: &Connection) -> rusqlite::Result<u64> {
    let pragma = |name| source.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let pages = pragma("page_count")? - pragma("freelist_count")?;
    Ok(u64::try_from(pages.saturating_mul(pragma("page_size")?)).unwrap_or(0))
}

/// Under which name a backup notes when it was made.
pub(crate) const BACKED_UP_AT: &str = "backed_up_at";
