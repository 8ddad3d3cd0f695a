//! Files: settings, closing, reopening, copies, and everything that is in the way of opening.

use std::path::Path;
use std::time::Duration;

use callbox_storage::Store;
use rusqlite::Connection;

use super::{APP, World, app, send, user, user_id};
use crate::{OpenError, SqliteOptions, SqliteStore};

#[test]
fn commits_are_synced() {
    let folder = tempfile::tempdir().expect("a folder");
    let world = World::in_file(&folder.path().join("callbox.db"));
    let settings = world.store.between_batches(|connection| {
        let text = |name| connection.pragma_query_value(None, name, |row| row.get::<_, String>(0));
        let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        Ok((text("journal_mode")?, number("synchronous")?, number("trusted_schema")?))
    });
    // 2 is FULL.
    assert_eq!(settings, Ok(("wal".to_owned(), 2, 0)));
}

#[test]
fn a_reopened_store_has_everything() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("callbox.db");
    let world = World::in_file(&path);
    world.furnish();
    assert_eq!(world.write(|tx| send(tx, "1", "hello")), Ok(()));
    assert_eq!(world.store.set_meta("master-key", "f00d"), Ok(()));
    world.store.close();
    let files: Vec<_> = folder.path().read_dir().expect("a folder").collect();
    assert_eq!(files.len(), 1, "one file is left: {files:?}");

    let world = World::in_file(&path);
    assert_eq!(world.read(|read| read.user(APP, &user_id("ann"))), Ok(Some(user("ann"))));
    let apps = world.read(|read| read.apps()).expect("apps");
    assert_eq!(apps, [callbox_domain::App { id: APP, ..app() }]);
    assert_eq!(world.write(|tx| send(tx, "2", "again")), Ok(()));
    assert_eq!(world.numbers(), [1, 2]);
    assert_eq!(world.store.meta("master-key"), Ok(Some("f00d".to_owned())));
}

#[test]
fn notes_are_kept_and_changed() {
    let world = World::in_memory();
    assert_eq!(world.store.meta("name"), Ok(None));
    assert_eq!(world.store.set_meta("name", "one"), Ok(()));
    assert_eq!(world.store.set_meta("name", "two"), Ok(()));
    assert_eq!(world.store.meta("name"), Ok(Some("two".to_owned())));
}

#[test]
fn what_was_answered_survives_a_crash() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("callbox.db");
    let world = World::in_file(&path);
    world.furnish();
    for number in 0..20 {
        assert_eq!(world.write(move |tx| send(tx, &number.to_string(), "hello")), Ok(()));
    }
    // What a crash leaves: the files as they are, while the store is open and in the middle of a batch.
    let (open, held) = world.gate();
    let unanswered = world.queue(|tx| send(tx, "unanswered", ""));
    let copy = tempfile::tempdir().expect("a folder");
    for ending in ["", "-wal"] {
        let name = format!("callbox.db{ending}");
        std::fs::copy(folder.path().join(&name), copy.path().join(&name)).expect("copied");
    }
    open.send(()).expect("the writer waits");
    drop((held, unanswered));

    let recovered = World::in_file(&copy.path().join("callbox.db"));
    assert_eq!(recovered.numbers(), (1..=20).collect::<Vec<_>>());
    assert_eq!(recovered.write(|tx| send(tx, "next", "")), Ok(()));
    assert_eq!(recovered.numbers(), (1..=21).collect::<Vec<_>>());
    assert_eq!(recovered.store.health(), Ok(()));
}

#[test]
fn what_another_connection_writes_is_noticed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("callbox.db");
    let world = World::in_file(&path);
    world.furnish();
    assert_eq!(world.write(|tx| send(tx, "1", "")), Ok(()));
    let other = Connection::open(&path).expect("opens");
    let sql = "INSERT INTO messages SELECT place + 1, app_id, 'message-2', sender,
                   sender_session_id, recipient, created_at, text FROM messages;
               INSERT INTO events SELECT person, seq + 1, at, kind, place + 1, conversation,
                   member, call_id FROM events";
    other.execute_batch(sql).expect("written");
    assert_eq!(world.write(|tx| send(tx, "3", "")), Ok(()));
    assert_eq!(world.numbers(), [1, 2, 3]);
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("nowhere").join("callbox.db");
    let error = refused(SqliteOptions::file(&path));
    assert!(matches!(error, OpenError::CannotOpen { .. }), "{error:?}");
    assert!(error.to_string().contains("nowhere/callbox.db: check that its folder exists"));
    let error = refused(SqliteOptions::file(folder.path()));
    assert!(matches!(error, OpenError::CannotOpen { .. }), "{error:?}");
}

#[test]
fn a_file_that_is_no_database_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("callbox.db");
    let text = "This is a letter to my aunt, and it is longer than the header of a database. ".repeat(9);
    std::fs::write(&path, &text).expect("written");
    assert_eq!(refused(SqliteOptions::file(&path)), OpenError::NotADatabase { path: path.clone() });
    assert_eq!(std::fs::read_to_string(&path).expect("read"), text);
}

#[test]
fn a_database_of_another_program_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("callbox.db");
    let other = Connection::open(&path).expect("opens");
    other.execute_batch("CREATE TABLE recipes (name TEXT)").expect("made");
    assert_eq!(refused(SqliteOptions::file(&path)), OpenError::NotCallbox { path: path.clone() });
    other.execute_batch("PRAGMA application_id = 7; DROP TABLE recipes").expect("changed");
    assert_eq!(refused(SqliteOptions::file(&path)), OpenError::NotCallbox { path });
}

#[test]
fn a_damaged_database_is_said_to_be_damaged() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("callbox.db");
    World::in_file(&path).furnish();
    let mut bytes = std::fs::read(&path).expect("read");
    // The header stays; the schema behind it does not.
    bytes[100..4096].fill(0xaa);
    std::fs::write(&path, bytes).expect("written");
    let error = refused(SqliteOptions::file(&path));
    assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
}

#[test]
fn a_locked_database_is_said_to_be_in_use() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("callbox.db");
    let other = Connection::open(&path).expect("opens");
    other.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE").expect("locked");
    let options = SqliteOptions { busy_timeout: Duration::ZERO, ..SqliteOptions::file(&path) };
    assert_eq!(refused(options), OpenError::Locked { path });
}

#[test]
fn newer_and_changed_schemas_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("callbox.db");
    World::in_file(&path).furnish();
    let tamper = |sql| Connection::open(&path).and_then(|other| other.execute_batch(sql)).expect(sql);
    tamper("INSERT INTO migrations VALUES (1000, 'from_the_future', 'x', 0)");
    let known = u32::try_from(Connection::open(&path).map_or(0, |other| migrations(&other) - 1));
    assert_eq!(
        refused(SqliteOptions::file(&path)),
        OpenError::NewerVersion { found: 1000, known: known.expect("few") }
    );
    tamper(
        "DELETE FROM migrations WHERE number = 1000; UPDATE migrations SET checksum = 'x' WHERE number = 1",
    );
    let error = refused(SqliteOptions::file(&path));
    assert_eq!(error, OpenError::ChangedMigration { number: 1, name: "first".to_owned() });
    assert!(error.to_string().starts_with("migration 1 (first) of the database is not the one"));
}

#[test]
fn every_refusal_is_one_line() {
    let path = Path::new("/data/callbox.db").to_owned();
    let reason = "why".to_owned();
    for error in [
        OpenError::CannotOpen { path: path.clone(), reason: reason.clone() },
        OpenError::ReadOnly { path: path.clone() },
        OpenError::Locked { path: path.clone() },
        OpenError::NotADatabase { path: path.clone() },
        OpenError::NotCallbox { path: path.clone() },
        OpenError::Damaged { path: path.clone(), reason: reason.clone() },
        OpenError::DiskFull { path: path.clone() },
        OpenError::NewerVersion { found: 2, known: 1 },
        OpenError::ChangedMigration { number: 1, name: "first".to_owned() },
        OpenError::Failed { path, reason },
    ] {
        let line = error.to_string();
        assert!(!line.contains('\n') && !line.contains("  "), "{line:?}");
    }
}

fn refused(options: SqliteOptions) -> OpenError {
    SqliteStore::open(options, Box::new(|_| ())).err().expect("it does not open")
}

fn migrations(connection: &Connection) -> i64 {
    let sql = "SELECT count(*) FROM migrations";
    connection.query_row(sql, [], |row| row.get(0)).expect("a count")
}
