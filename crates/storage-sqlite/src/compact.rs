//! Writes the file anew after users were erased.
//!
//! `secure_delete` overwrites what is deleted where it is. Yet when SQLite moves rows from page to page, it leaves copies
//! behind in the unused part of a page, which no later deletion reaches. Only a file that is written anew has none.

use rusqlite::Connection;

/// Notes, in the write that ends an erasure, that the file holds copies of what nobody should find.
pub(crate) const NOTE_ERASURE: &str = "INSERT INTO meta (name, value) VALUES ('erased', 'since the last compaction') ON CONFLICT (name) DO NOTHING";

/// Notes that the file holds no such copies any more.
pub(crate) const FORGET_ERASURE: &str = "DELETE FROM meta WHERE name = 'erased'";

/// Writes the file anew if someone was erased since the last time. What does not succeed is tried at the next start: the
/// database is as good as before.
pub(crate) fn compact_after_erasure(connection: &Connection) {
    match compact(connection) {
        Ok(Compacted::Nothing) => {}
        Ok(Compacted::Yes) => tracing::info!("wrote the database anew after users were erased"),
        Ok(Compacted::TooLarge) => tracing::warn!(
            "users were erased and the database is too large to be written anew at the start: \
             run VACUUM on it while the server is stopped"
        ),
        Err(error) => {
            tracing::warn!(%error, "the database could not be written anew after users were erased");
        }
    }
}

enum Compacted {
    Nothing,
    Yes,
    TooLarge,
}

fn compact(connection: &Connection) -> rusqlite::Result<Compacted> {
    let is_wanted: bool =
        connection
            .query_row("SELECT EXISTS (SELECT 1 FROM meta WHERE name = 'erased')", [], |row| row.get(0))?;
    if !is_wanted {
        return Ok(Compacted::Nothing);
    }
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    if pragma("page_count")?.saturating_mul(pragma("page_size")?) > COMPACTED_BYTES_MAX {
        return Ok(Compacted::TooLarge);
    }
    connection.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)")?;
    connection.execute_batch(FORGET_ERASURE)?;
    Ok(Compacted::Yes)
}

/// Largest database that a start takes the time to write anew: some seconds.
const COMPACTED_BYTES_MAX: i64 = 1024 * 1024 * 1024;
