//! Looks at a database without changing anything, not even the files beside it.

use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension};

use callbox_domain::Timestamp;

use crate::error::OpenError;
use crate::files::with_ending;
use crate::migrate;
use crate::options::BUSY_TIMEOUT_DEFAULT;

/// What a database says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspected {
    /// The version of its schema.
    pub schema: u32,
    /// The newest version that this server knows; the next start brings the database there.
    pub schema_known: u32,
    /// When it came to its version.
    pub migrated_at: Option<Timestamp>,
    /// What is kept under the name that was asked for.
    pub meta: Option<String>,
}

/// Opens the database at `database` for reading, also beside a running server, and asks what it keeps under `name`. A
/// database that a start would refuse is an error.
pub fn inspect(database: &Path, name: &str) -> Result<Inspected, OpenError> {
    let failed = |error: rusqlite::Error| OpenError::from_sqlite(database, &error);
    let connection = open(database).map_err(failed)?;
    connection.busy_timeout(BUSY_TIMEOUT_DEFAULT).map_err(failed)?;
    migrate::check_known(&connection, database)?;
    let newest = "SELECT number, applied_at FROM migrations ORDER BY number DESC LIMIT 1";
    let newest =
        connection.query_row(newest, [], |row| Ok((row.get(0)?, row.get(1)?))).optional().map_err(failed)?;
    let (schema, migrated_at) = newest.map_or((0, None), |(number, millis)| (number, Some(millis)));
    let meta = connection
        .query_row("SELECT value FROM meta WHERE name = ?1", [name], |row| row.get(0))
        .optional()
        .map_err(failed)?;
    let migrated_at = migrated_at.map(Timestamp::from_millis);
    Ok(Inspected { schema, schema_known: migrate::newest(), migrated_at, meta })
}

fn open(database: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let is_there = |ending| with_ending(database, ending).exists();
    let (Some(address), false) = (address(database), is_there("-wal") && is_there("-shm")) else {
        return Connection::open_with_flags(database, flags);
    };
    let by_address = |how: &str| {
        Connection::open_with_flags(format!("{address}?{how}"), flags | OpenFlags::SQLITE_OPEN_URI)
    };
    if !is_there("-wal") {
        // Without its log the database is whole in one file. SQLite would make the log to read it, and leave it behind.
        return by_address("immutable=1");
    }
    // A log whose index is missing is nobody's at the moment. Alone with it, SQLite keeps the index in memory.
    let connection = by_address("vfs=unix-none")?;
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Ok(connection)
}

/// The file as an address (RFC 8089), in which SQLite is told what it need not do. Nothing where paths are no bytes.
fn address(database: &Path) -> Option<String> {
    let path = std::path::absolute(database).ok().filter(|_| cfg!(unix))?;
    let encode = |byte: &u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' => {
            char::from(*byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    };
    let path: String = path.as_os_str().as_encoded_bytes().iter().map(encode).collect();
    Some(format!("file:{path}"))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use tempfile::TempDir;

    use super::*;
    use crate::{SqliteOptions, SqliteStore};

    fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
        let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
        let mut files: Vec<_> = entries.map(|path| (path.clone(), fs::read(path).expect("a file"))).collect();
        files.sort();
        files
    }

    fn open_store(database: &Path) -> std::sync::Arc<SqliteStore> {
        SqliteStore::open(SqliteOptions::file(database), Box::new(|_| {})).expect("opens")
    }

    #[test]
    fn a_closed_database_is_looked_at_and_stays_as_it_is() {
        let folder = TempDir::new().expect("a folder");
        let database = folder.path().join("with %41, # and ü.sqlite");
        let store = open_store(&database);
        store.set_meta("who", "me").expect("kept");
        store.close();
        let before = files(folder.path());
        let inspected = inspect(&database, "who").expect("good");
        assert_eq!(inspected.schema, inspected.schema_known);
        assert_eq!(inspected.meta.as_deref(), Some("me"));
        assert!(inspected.migrated_at.is_some());
        assert_eq!(inspect(&database, "nobody").expect("good").meta, None);
        assert_eq!(files(folder.path()), before);
    }

    #[test]
    fn a_copy_of_an_open_database_is_looked_at_and_stays_as_it_is() {
        let (folder, copy) = (TempDir::new().expect("a folder"), TempDir::new().expect("a folder"));
        let [database, copied] = [&folder, &copy].map(|folder| folder.path().join("callbox.sqlite"));
        let store = open_store(&database);
        store.set_meta("who", "me").expect("kept");
        // Copies leave out what holds for the running program alone.
        for ending in ["", "-wal"] {
            fs::copy(with_ending(&database, ending), with_ending(&copied, ending)).expect("copied");
        }
        store.close();
        let before = files(copy.path());
        assert_eq!(inspect(&copied, "who").expect("good").meta.as_deref(), Some("me"));
        assert!(files(copy.path()) == before, "the same files with the same bytes");
    }

    #[test]
    fn an_open_database_shows_what_was_written_last() {
        let folder = TempDir::new().expect("a folder");
        let database = folder.path().join("callbox.sqlite");
        let store = open_store(&database);
        store.set_meta("who", "me").expect("kept");
        assert_eq!(inspect(&database, "who").expect("good").meta.as_deref(), Some("me"));
        store.set_meta("who", "you").expect("kept");
        assert_eq!(inspect(&database, "who").expect("good").meta.as_deref(), Some("you"));
        store.close();
    }

    #[test]
    fn what_a_start_would_refuse_is_refused() {
        let folder = TempDir::new().expect("a folder");
        let database = folder.path().join("callbox.sqlite");
        assert!(matches!(inspect(&database, "x"), Err(OpenError::CannotOpen { .. })));
        assert!(!database.exists());
        fs::write(&database, "this is no database, but it is a text that is long enough to be read")
            .expect("written");
        assert!(matches!(inspect(&database, "x"), Err(OpenError::NotADatabase { .. })));
        fs::remove_file(&database).expect("removed");
        let other = Connection::open(&database).expect("opens");
        other.execute_batch("CREATE TABLE other (id INTEGER)").expect("made");
        drop(other);
        assert!(matches!(inspect(&database, "x"), Err(OpenError::NotCallbox { .. })));
        fs::remove_file(&database).expect("removed");
        open_store(&database).close();
        let newer = Connection::open(&database).expect("opens");
        newer.execute_batch("INSERT INTO migrations VALUES (99, 'later', '', 0)").expect("written");
        drop(newer);
        assert!(matches!(inspect(&database, "x"), Err(OpenError::NewerVersion { found: 99, .. })));
    }
}
