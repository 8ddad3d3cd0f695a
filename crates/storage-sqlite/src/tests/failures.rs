//! Disks that are full, commits that fail, databases that others hold.

use callbox_storage::{Store, StoreError, WriteError};
use futures_executor::block_on;
use rusqlite::Connection;

use super::{World, send};
use crate::SqliteOptions;

#[test]
fn a_full_disk_fails_the_whole_batch_and_heals() {
    let folder = tempfile::tempdir().expect("a folder");
    let world = World::in_file(&folder.path().join("callbox.db"));
    world.furnish();
    assert_eq!(world.write(|tx| send(tx, "before", "")), Ok(()));
    // Any page beyond those in use fails with SQLITE_FULL.
    world.tamper("PRAGMA max_page_count = 1");

    let (open, held) = world.gate();
    let small = world.queue(|tx| send(tx, "small", ""));
    let large = world.queue(|tx| send(tx, "large", &long_text()));
    let after = world.queue(|tx| send(tx, "after", ""));
    open.send(()).expect("the writer waits");
    for write in [held, small, large] {
        assert_unavailable(block_on(write), "the disk is full");
    }
    // This one did not share the batch: it came after the failure and needs no new page.
    assert_eq!(block_on(after), Ok(()));
    assert_eq!(world.store.health(), Ok(()), "a later commit succeeded");

    let failed = world.write(|tx| send(tx, "large", &long_text()));
    assert_unavailable(failed, "the disk is full");
    let Err(StoreError::Unavailable(reason)) = world.store.health() else { panic!("healthy") };
    assert!(reason.contains("the disk is full"), "{reason}");

    world.tamper("PRAGMA max_page_count = 1000000");
    assert_eq!(world.write(|tx| send(tx, "large", &long_text())), Ok(()));
    assert_eq!(world.store.health(), Ok(()));
    assert_eq!(world.numbers(), [1, 2, 3]);
}

#[test]
fn a_failed_commit_fails_the_whole_batch() {
    let world = World::in_memory();
    world.furnish();
    // Adding bob's namesake makes COMMIT fail, and nothing before it.
    world.tamper(
        "PRAGMA foreign_keys = ON;
         CREATE TABLE parent (id INTEGER PRIMARY KEY);
         CREATE TABLE child (id INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED);
         CREATE TRIGGER spoil AFTER INSERT ON messages WHEN new.text = 'spoil' BEGIN
             INSERT INTO child VALUES (1);
         END",
    );
    let (open, held) = world.gate();
    let first = world.queue(|tx| send(tx, "first", ""));
    let spoiler = world.queue(|tx| send(tx, "spoiler", "spoil"));
    let last = world.queue(|tx| send(tx, "last", ""));
    open.send(()).expect("the writer waits");
    for write in [held, first, spoiler, last] {
        assert_unavailable(block_on(write), "FOREIGN KEY");
    }
    assert_eq!(world.batch_sizes(), [0; 0], "nobody hears of what does not stand");
    assert!(world.store.health().is_err());
    assert_eq!(world.numbers(), [0; 0]);

    assert_eq!(world.write(|tx| send(tx, "first", "")), Ok(()));
    assert_eq!(world.store.health(), Ok(()));
    assert_eq!(world.numbers(), [1]);
}

#[test]
fn a_refusal_in_a_failed_batch_is_no_answer() {
    let world = World::in_memory();
    world.furnish();
    world.tamper("PRAGMA max_page_count = 1");
    let (open, held) = world.gate();
    let refused = world.queue(|_| Err::<(), _>(StoreError::Closed));
    let large = world.queue(|tx| send(tx, "large", &long_text()));
    open.send(()).expect("the writer waits");
    for write in [held, refused, large] {
        assert_unavailable(block_on(write), "the disk is full");
    }
}

#[test]
fn asking_for_health_finds_out_that_all_is_well_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("callbox.db");
    let options = SqliteOptions { busy_timeout: std::time::Duration::ZERO, ..SqliteOptions::file(&path) };
    let world = World::open(options);
    world.furnish();
    let other = Connection::open(&path).expect("opens");
    other.execute_batch("BEGIN IMMEDIATE").expect("locked");
    let failed = world.write(|tx| send(tx, "1", ""));
    assert_unavailable(failed, "another process keeps the database locked");
    assert!(world.store.health().is_err());
    after_the_probe(&world);
    assert!(world.store.health().is_err(), "the probe failed too");
    after_the_probe(&world);

    other.execute_batch("ROLLBACK").expect("unlocked");
    assert!(world.store.health().is_err(), "as of the last try");
    after_the_probe(&world);
    assert_eq!(world.store.health(), Ok(()));
    assert_eq!(world.write(|tx| send(tx, "1", "")), Ok(()));
    assert_eq!(world.numbers(), [1]);
}

/// Waits until the writer has done what was queued.
fn after_the_probe(world: &World) {
    world.store.between_batches(|_| Ok(())).expect("the writer works");
}

#[track_caller]
fn assert_unavailable(answer: super::Answer<()>, expected: &str) {
    match answer {
        Err(WriteError::Store(StoreError::Unavailable(reason))) => {
            assert!(reason.contains(expected), "{reason}");
        }
        other => panic!("{other:?}"),
    }
}

/// More text than the free pages of a new database hold.
fn long_text() -> String {
    "x".repeat(256 * 1024)
}
