//! Numbered migrations, forward only, each with a checksum.

use std::path::Path;

use rusqlite::{Connection, params};
use sha2::{Digest, Sha256};

use crate::error::OpenError;

/// One step of the schema.
pub(crate) struct Migration {
    name: &'static str,
    sql: &'static str,
}

/// Brings the database to the newest schema.
pub(crate) fn migrate(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    migrate_with(connection, path, MIGRATIONS)
}

fn migrate_with(connection: &Connection, path: &Path, migrations: &[Migration]) -> Result<(), OpenError> {
    let failed = |error: rusqlite::Error| OpenError::from_sqlite(path, &error);
    let applied = applied(connection, path)?;
    check(&applied, migrations)?;
    for (number, migration) in (1u32..).zip(migrations).skip(applied.len()) {
        let transaction = connection.unchecked_transaction().map_err(failed)?;
        apply(&transaction, number, migration).map_err(|error| {
            match OpenError::from_sqlite(path, &error) {
                OpenError::Failed { path, reason } => {
                    let reason = format!("migration {number} ({}): {reason}", migration.name);
                    OpenError::Failed { path, reason }
                }
                known => known,
            }
        })?;
        transaction.commit().map_err(failed)?;
        tracing::debug!(number, name = migration.name, "migrated the database");
    }
    Ok(())
}

/// A migration that the database has gone through.
struct Applied {
    number: u32,
    name: String,
    checksum: String,
}

/// Makes sure that a database is one of Callbox, and not newer than this server.
pub(crate) fn check_known(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    check_application(connection, path)?;
    check(&applied(connection, path)?, MIGRATIONS)
}

/// The newest version that this server knows.
pub(crate) fn newest() -> u32 {
    u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX)
}

/// Makes sure that a database is one of Callbox, of whatever version.
pub(crate) fn check_application(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let application: i32 = connection
        .pragma_query_value(None, "application_id", |row| row.get(0))
        .map_err(|error| OpenError::from_sqlite(path, &error))?;
    if application == APPLICATION_ID { Ok(()) } else { Err(OpenError::NotCallbox { path: path.to_owned() }) }
}

/// What the database has gone through; nothing when it is new.
fn applied(connection: &Connection, path: &Path) -> Result<Vec<Applied>, OpenError> {
    let failed = |error: rusqlite::Error| OpenError::from_sqlite(path, &error);
    let application: i32 =
        connection.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(failed)?;
    if application == 0 {
        let objects: i64 = connection
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .map_err(failed)?;
        return if objects == 0 {
            Ok(Vec::new())
        } else {
            Err(OpenError::NotCallbox { path: path.to_owned() })
        };
    }
    if application != APPLICATION_ID {
        return Err(OpenError::NotCallbox { path: path.to_owned() });
    }
    let mut statement = connection
        .prepare("SELECT number, name, checksum FROM migrations ORDER BY number")
        .map_err(failed)?;
    let rows = statement
        .query_map([], |row| Ok(Applied { number: row.get(0)?, name: row.get(1)?, checksum: row.get(2)? }))
        .map_err(failed)?;
    rows.collect::<Result<_, _>>().map_err(failed)
}

/// What was applied must be the beginning of what is known.
fn check(applied: &[Applied], migrations: &[Migration]) -> Result<(), OpenError> {
    let known = u32::try_from(migrations.len()).unwrap_or(u32::MAX);
    if let Some(newest) = applied.last().filter(|newest| newest.number > known) {
        return Err(OpenError::NewerVersion { found: newest.number, known });
    }
    for ((number, migration), row) in (1u32..).zip(migrations).zip(applied) {
        if row.number != number {
            return Err(OpenError::ChangedMigration { number, name: migration.name.to_owned() });
        }
        if row.checksum != checksum(migration) {
            return Err(OpenError::ChangedMigration { number, name: row.name.clone() });
        }
    }
    Ok(())
}

fn apply(connection: &Connection, number: u32, migration: &Migration) -> rusqlite::Result<()> {
    if number == 1 {
        connection.pragma_update(None, "application_id", APPLICATION_ID)?;
        connection.execute_batch(
            "CREATE TABLE migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, \
             checksum TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT",
        )?;
    }
    connection.execute_batch(migration.sql)?;
    connection.execute(
        "INSERT INTO migrations (number, name, checksum, applied_at) \
         VALUES (?1, ?2, ?3, CAST(unixepoch('subsec') * 1000 AS INTEGER))",
        params![number, migration.name, checksum(migration)],
    )?;
    Ok(())
}

/// SHA-256 in hexadecimal. Line ends do not count: a checkout may change them.
fn checksum(migration: &Migration) -> String {
    let digest = Sha256::digest(migration.sql.replace("\r\n", "\n"));
    digest.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

/// All migrations; the number of each is its place in this list, from 1. What was released never changes.
const MIGRATIONS: &[Migration] = &[
    Migration { name: "first", sql: include_str!("../migrations/0001_first.sql") },
    Migration { name: "sign_in", sql: include_str!("../migrations/0002_sign_in.sql") },
    Migration { name: "erasure", sql: include_str!("../migrations/0003_erasure.sql") },
    Migration { name: "planner", sql: include_str!("../migrations/0004_planner.sql") },
    Migration { name: "numbers", sql: include_str!("../migrations/0005_numbers.sql") },
];

/// `CBox` in ASCII, which tells a database of Callbox from any other (`PRAGMA application_id`).
const APPLICATION_ID: i32 = 0x4342_6f78;

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Migration = Migration { name: "one", sql: "CREATE TABLE one (id INTEGER)" };
    const TWO: Migration =
        Migration { name: "two", sql: "CREATE TABLE two (id INTEGER); INSERT INTO one VALUES (2)" };
    const BROKEN: Migration =
        Migration { name: "broken", sql: "CREATE TABLE three (id INTEGER); INSERT INTO nothing VALUES (1)" };

    #[test]
    fn each_migration_runs_once() {
        let database = database();
        assert_eq!(run(&database, &[ONE]), Ok(()));
        assert_eq!(run(&database, &[ONE, TWO]), Ok(()));
        assert_eq!(run(&database, &[ONE, TWO]), Ok(()));
        assert_eq!(count(&database, "SELECT count(*) FROM one"), 1);
        assert_eq!(count(&database, "SELECT count(*) FROM migrations WHERE applied_at > 1700000000000"), 2);
    }

    #[test]
    fn a_migration_that_fails_leaves_nothing() {
        let database = database();
        let Err(OpenError::Failed { reason, .. }) = run(&database, &[ONE, BROKEN]) else { panic!("ran") };
        assert!(reason.starts_with("migration 2 (broken): "), "{reason}");
        assert_eq!(count(&database, "SELECT count(*) FROM sqlite_schema WHERE name = 'three'"), 0);
        assert_eq!(count(&database, "SELECT max(number) FROM migrations"), 1);
        assert_eq!(run(&database, &[ONE, TWO]), Ok(()));
    }

    #[test]
    fn history_cannot_be_rewritten() {
        let database = database();
        assert_eq!(run(&database, &[ONE, TWO]), Ok(()));
        assert_eq!(run(&database, &[ONE]), Err(OpenError::NewerVersion { found: 2, known: 1 }));
        let changed = Migration { name: "two", sql: "CREATE TABLE two (id TEXT)" };
        let error = OpenError::ChangedMigration { number: 2, name: "two".to_owned() };
        assert_eq!(run(&database, &[ONE, changed]), Err(error));
        let error = OpenError::ChangedMigration { number: 1, name: "one".to_owned() };
        database.execute("DELETE FROM migrations WHERE number = 1", []).expect("deleted");
        assert_eq!(run(&database, &[ONE, TWO]), Err(error));
    }

    #[test]
    fn numbers_take_the_place_of_names() {
        let database = database();
        assert_eq!(run(&database, &MIGRATIONS[..4]), Ok(()));
        database.execute_batch(BEFORE_NUMBERS).expect("a database of before");
        assert_eq!(run(&database, MIGRATIONS), Ok(()));
        let text = |sql: &str| {
            let rows = database
                .prepare(sql)
                .expect(sql)
                .query_map([], |row| row.get::<_, String>(0))
                .map(Vec::from_iter);
            rows.expect(sql).into_iter().map(|row| row.expect(sql)).collect::<Vec<_>>().join(" ")
        };
        // Zoe, who was being erased, is found by the tombstone alone.
        assert_eq!(text("SELECT user_id FROM people ORDER BY user_id"), "ann bob deleted_1");
        assert_eq!(
            text(
                "SELECT user_id || '=' || epoch || pruned_up_to FROM people JOIN mailboxes ON person = number ORDER BY user_id"
            ),
            "ann=a0 bob=b3 deleted_1=z0"
        );
        let members = "SELECT id || ':' || user_id || delivered_up_to || read_up_to FROM conversation_members \
            JOIN conversations ON conversations.number = conversation JOIN people ON people.number = person \
            ORDER BY id, user_id";
        assert_eq!(
            text(members),
            "c-ab:ann00 c-ab:bob21 c-az:ann00 c-az:deleted_100 c-group:ann00 c-group:bob00 c-group:deleted_100"
        );
        let direct = "SELECT id FROM conversations WHERE lower_person = (SELECT min(number) FROM people WHERE user_id \
            IN ('ann', 'deleted_1')) AND upper_person = (SELECT max(number) FROM people WHERE user_id IN ('ann', 'deleted_1'))";
        assert_eq!(text(direct), "c-az");
        let messages = "SELECT messages.id || '@' || conversations.id || (place & 4294967295) || senders.user_id || \
            coalesce(recipients.user_id, '-') FROM messages JOIN conversations ON conversations.number = place >> 32 \
            JOIN people AS senders ON senders.number = sender LEFT JOIN people AS recipients ON recipients.number = recipient \
            ORDER BY messages.id";
        assert_eq!(text(messages), "m-1@c-ab1annbob m-2@c-ab2bobann m-3@c-group1deleted_1-");
        let events = "SELECT owners.user_id || seq || coalesce(messages.id, '') || coalesce(conversations.id || members.user_id, '') \
            || coalesce(call_id, '') FROM events JOIN people AS owners ON owners.number = person \
            LEFT JOIN messages ON messages.place = events.place LEFT JOIN conversations ON conversations.number = conversation \
            LEFT JOIN people AS members ON members.number = member ORDER BY owners.user_id, seq";
        assert_eq!(text(events), "ann1m-1 ann2c-abbob ann3c-azdeleted_1 bob4m-1 bob5call-1");
        assert_eq!(text("SELECT user_id || tombstone || place FROM erasures"), "zoedeleted_10");
    }

    /// Two users, one in the middle of being erased, a group, and events of each kind.
    const BEFORE_NUMBERS: &str = "
        INSERT INTO mailboxes VALUES (1, 'ann', 'a', 0), (1, 'bob', 'b', 3), (1, 'zoe', 'z', 0);
        INSERT INTO erasures VALUES (1, 'zoe', 'deleted_1', 'c-group', 1);
        INSERT INTO conversations VALUES
            (1, 'c-ab', 1, 1, 'ann', 'bob'), (1, 'c-az', 1, 1, 'ann', 'deleted_1'), (1, 'c-group', 1, 1, NULL, NULL);
        INSERT INTO conversation_members VALUES
            (1, 'c-ab', 'ann', 0, 0), (1, 'c-ab', 'bob', 2, 1), (1, 'c-az', 'ann', 0, 0), (1, 'c-az', 'deleted_1', 0, 0),
            (1, 'c-group', 'ann', 0, 0), (1, 'c-group', 'bob', 0, 0), (1, 'c-group', 'zoe', 0, 0);
        INSERT INTO messages VALUES
            (1, 'c-ab', 1, 'm-1', 'ann', 's', 'bob', 5, 'one'), (1, 'c-ab', 2, 'm-2', 'bob', 's', 'ann', 6, 'two'),
            (1, 'c-group', 1, 'm-3', 'zoe', 's', NULL, 7, 'three');
        INSERT INTO events (app_id, user_id, seq, kind, conversation_id, position, member_id, call_id) VALUES
            (1, 'ann', 1, 1, 'c-ab', 1, NULL, NULL), (1, 'ann', 2, 2, 'c-ab', NULL, 'bob', NULL),
            (1, 'ann', 3, 2, 'c-az', NULL, 'zoe', NULL), (1, 'bob', 4, 1, 'c-ab', 1, NULL, NULL),
            (1, 'bob', 5, 3, NULL, NULL, NULL, 'call-1')";

    #[test]
    fn line_ends_do_not_count() {
        let unix = Migration { name: "one", sql: "SELECT 1;\nSELECT 2;\n" };
        let windows = Migration { name: "one", sql: "SELECT 1;\r\nSELECT 2;\r\n" };
        assert_eq!(checksum(&unix), checksum(&windows));
        assert_eq!(checksum(&unix).len(), 64);
    }

    fn database() -> Connection {
        Connection::open_in_memory().expect("opens")
    }

    fn run(database: &Connection, migrations: &[Migration]) -> Result<(), OpenError> {
        migrate_with(database, Path::new("test.db"), migrations)
    }

    fn count(database: &Connection, sql: &str) -> i64 {
        database.query_row(sql, [], |row| row.get(0)).expect(sql)
    }
}
