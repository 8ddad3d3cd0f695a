//! Opening connections and setting them up.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::error::OpenError;
use crate::options::{Location, SqliteOptions};

/// The connection that writes; makes the file if there is none.
pub(crate) fn open_writer(options: &SqliteOptions) -> Result<Connection, OpenError> {
    match &options.location {
        Location::Memory => {
            let path = Path::new(MEMORY_NAME);
            Connection::open_in_memory()
                .and_then(|connection| set_up(&connection, options.busy_timeout).map(|()| connection))
                .map_err(|error| OpenError::from_sqlite(path, &error))
        }
        Location::File(path) => open_file_writer(path, options.busy_timeout),
    }
}

/// A connection that can only read.
pub(crate) fn open_reader(path: &Path, busy_timeout: Duration) -> Result<Connection, OpenError> {
    let open = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        set_up(&connection, busy_timeout)?;
        connection.pragma_update(None, "query_only", true)?;
        connection.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
        Ok(connection)
    };
    open().map_err(|error| OpenError::from_sqlite(path, &error))
}

/// Where a store in memory is said to be.
pub(crate) const MEMORY_NAME: &str = "(in memory)";

fn open_file_writer(path: &Path, busy_timeout: Duration) -> Result<Connection, OpenError> {
    let failed = |error: rusqlite::Error| OpenError::from_sqlite(path, &error);
    // A path is a path: no URI flag, so that no character of it means anything.
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    set_up(&connection, busy_timeout).map_err(failed)?;
    // SQLite falls back to reading alone without a word.
    if connection.is_readonly("main").map_err(failed)? {
        return Err(OpenError::ReadOnly { path: path.to_owned() });
    }
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0)).map_err(failed)?;
    if !mode.eq_ignore_ascii_case("wal") {
        let reason = "the file system does not support its write-ahead log".to_owned();
        return Err(OpenError::Failed { path: path.to_owned(), reason });
    }
    // Every commit is on disk before anyone hears of it.
    connection.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
    // What is erased is not left lying in free space.
    connection.pragma_update(None, "secure_delete", true).map_err(failed)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES).map_err(failed)?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES_KEPT).map_err(failed)?;
    connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB).map_err(failed)?;
    Ok(connection)
}

fn set_up(connection: &Connection, busy_timeout: Duration) -> rusqlite::Result<()> {
    connection.busy_timeout(busy_timeout)?;
    // The schema has no foreign keys; see the first migration.
    connection.pragma_update(None, "foreign_keys", false)?;
    // What savepoints need to undo stays in memory too.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // Views, triggers and functions of a tampered file get no power.
    connection.pragma_update(None, "trusted_schema", false)
}

/// Pages in the write-ahead log after which they are moved to the database file (64 MiB): the longer it is, the more
/// commits share the move of a page. A start after a crash reads it once.
const CHECKPOINT_PAGES: u32 = 16_000;
/// What the write-ahead log keeps of the disk once it is moved. It grows beyond that only while somebody reads one old
/// moment for long, as a backup does.
const LOG_BYTES_KEPT: i64 = 80 * 1024 * 1024;
/// Memory for pages of the writer, in KiB, used as needed.
const WRITER_CACHE_KIB: i64 = 32 * 1024;
/// Memory for pages of each reader, in KiB, used as needed.
const READER_CACHE_KIB: i64 = 8 * 1024;
