//! What can go wrong with SQLite, in sentences for the people who have to mend it.

use std::path::PathBuf;

use callbox_storage::StoreError;
use rusqlite::ErrorCode;

/// Why a database could not be opened. Each is one line that says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The file cannot be made or opened.
    #[error(
        "cannot open the database {}: check that its folder exists and that this user may write there ({reason})",
        path.display()
    )]
    CannotOpen {
        /// The database file.
        path: PathBuf,
        /// What SQLite said.
        reason: String,
    },
    /// The file can be read but not written.
    #[error(
        "the database {} is read-only: give this user the right to write the file and its folder",
        path.display()
    )]
    ReadOnly {
        /// The database file.
        path: PathBuf,
    },
    /// Another process keeps the database locked.
    #[error("the database {} is in use by another process: stop that one first", path.display())]
    Locked {
        /// The database file.
        path: PathBuf,
    },
    /// The file is no SQLite database.
    #[error(
        "{} is not a database: move it away, or point the server at another data folder",
        path.display()
    )]
    NotADatabase {
        /// The database file.
        path: PathBuf,
    },
    /// The file is a SQLite database, but holds something else.
    #[error(
        "{} is a database of another program: point the server at another data folder",
        path.display()
    )]
    NotCallbox {
        /// The database file.
        path: PathBuf,
    },
    /// The file is damaged.
    #[error("the database {} is damaged: restore a backup ({reason})", path.display())]
    Damaged {
        /// The database file.
        path: PathBuf,
        /// What SQLite said.
        reason: String,
    },
    /// The disk answers with an error.
    #[error(
        "the disk answers with an error for the database {}: see that it has room and is sound ({reason})",
        path.display()
    )]
    Disk {
        /// The database file.
        path: PathBuf,
        /// What SQLite said.
        reason: String,
    },
    /// The disk is full.
    #[error("no space is left for the database {}: free some and start again", path.display())]
    DiskFull {
        /// The database file.
        path: PathBuf,
    },
    /// The database was written by a newer version of the server.
    #[error(
        "the database has schema version {found}, but this server knows only {known}: \
         start the newer server, or restore a backup"
    )]
    NewerVersion {
        /// The version of the database.
        found: u32,
        /// The newest version that this server knows.
        known: u32,
    },
    /// A migration that the database has gone through is not the one that this server knows by that number.
    #[error(
        "migration {number} ({name}) of the database is not the one this server knows: \
         start the release that made the database, or restore a backup"
    )]
    ChangedMigration {
        /// Its number.
        number: u32,
        /// Its name in the database, or in the server if the database lacks it.
        name: String,
    },
    /// Anything else.
    #[error("cannot prepare the database {}: {reason}", path.display())]
    Failed {
        /// The database file.
        path: PathBuf,
        /// What went wrong.
        reason: String,
    },
}

impl OpenError {
    /// The error of opening `path` that stands for what SQLite said.
    pub(crate) fn from_sqlite(path: &std::path::Path, error: &rusqlite::Error) -> Self {
        let path = path.to_owned();
        let reason = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => Self::CannotOpen { path, reason },
            Some(ErrorCode::ReadOnly) => Self::ReadOnly { path },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked { path },
            Some(ErrorCode::NotADatabase) => Self::NotADatabase { path },
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged { path, reason },
            Some(ErrorCode::DiskFull) => Self::DiskFull { path },
            Some(ErrorCode::SystemIoFailure) => Self::Disk { path, reason },
            _ => Self::Failed { path, reason },
        }
    }
}

/// What a caller is told of an error of SQLite.
pub(crate) fn unavailable(error: &rusqlite::Error) -> StoreError {
    let sentence = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "the disk is full",
        Some(ErrorCode::SystemIoFailure) => "the disk answered with an error",
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => "the database is read-only",
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another process keeps the database locked"
        }
        Some(ErrorCode::DatabaseCorrupt) => {
            return StoreError::Corrupt(format!("a page of it is damaged ({error})"));
        }
        Some(ErrorCode::NotADatabase) => "the database file holds something else",
        Some(ErrorCode::OutOfMemory) => "no memory is left",
        Some(ErrorCode::CannotOpen) => "the database file cannot be opened",
        Some(ErrorCode::ConstraintViolation) => "the write breaks a rule of the database",
        _ => "the database answered with an error",
    };
    StoreError::Unavailable(format!("{sentence} ({error})"))
}

/// Whether an error is that of a damaged page.
pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt)
}

/// Whether an error is the machine's rather than that of one statement: nothing of its transaction can be trusted.
pub(crate) fn is_machine_failure(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::ReadOnly
                | ErrorCode::PermissionDenied
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                // SQLite commits nothing any more after it has met damage.
                | ErrorCode::DatabaseCorrupt
                | ErrorCode::NotADatabase
                | ErrorCode::OutOfMemory
                | ErrorCode::CannotOpen
                | ErrorCode::OperationInterrupted
                | ErrorCode::InternalMalfunction
                | ErrorCode::FileLockingProtocolFailed
        )
    )
}
