//! Disks that are full, commits that fail, databases that others hold.

use std::time::Duration;

use callbox_domain::{MessageId, Timestamp};
use callbox_storage::{MessagesPage, Part, Read, Store, StoreError, StoreResult, WriteError};
use futures_executor::block_on;
use rusqlite::Connection;

use super::{APP, World, conversation, damage, send, user, user_id};
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
    let Err(trouble) = world.store.health() else { panic!("healthy") };
    assert_eq!(trouble.part, Part::Writes);
    assert!(trouble.error.to_string().contains("the disk is full"), "{trouble:?}");

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
    let options = SqliteOptions { busy_timeout: Duration::ZERO, ..SqliteOptions::file(&path) };
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

#[test]
fn what_waits_behind_a_disk_that_hangs_is_answered() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = SqliteOptions {
        patience: Duration::from_millis(20),
        ..SqliteOptions::file(folder.path().join("callbox.db"))
    };
    let world = World::open(options);
    world.furnish();
    let (open, held) = world.gate();
    let waiting = world.queue(|tx| send(tx, "waiting", ""));
    // The gate is still closed: what has begun is not over, and this was not begun.
    assert_unavailable(block_on(waiting), "the disk does not answer in time");
    let Err(trouble) = world.store.health() else { panic!("healthy") };
    assert!(trouble.part == Part::Writes && trouble.lasts >= Duration::from_millis(20), "{trouble:?}");
    assert_eq!(world.read(|read| read.user(APP, &user_id("ann"))), Ok(Some(user("ann"))), "reads go on");

    open.send(()).expect("the writer waits");
    assert_eq!(block_on(held), Ok(()), "what had begun stands");
    assert_eq!(world.write(|tx| send(tx, "after", "")), Ok(()));
    after_the_probe(&world);
    assert_eq!(world.store.health(), Ok(()));
    assert_eq!(world.numbers(), [1]);
}

#[test]
fn reads_that_wait_behind_others_are_answered() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = SqliteOptions {
        patience: Duration::from_millis(20),
        readers: 1,
        ..SqliteOptions::file(folder.path().join("callbox.db"))
    };
    let world = World::open(options);
    let (open, opened) = std::sync::mpsc::sync_channel::<()>(1);
    std::thread::scope(|scope| {
        let (begun, begins) = std::sync::mpsc::sync_channel::<()>(1);
        let held = scope.spawn(|| {
            world.read(move |_| {
                begun.send(()).expect("someone waits");
                let _ = opened.recv();
                Ok(())
            })
        });
        begins.recv().expect("the reader begins");
        assert_eq!(world.read(|_| Ok(())), Err(StoreError::Overloaded));
        open.send(()).expect("the reader waits");
        assert_eq!(held.join().expect("no panic"), Ok(()));
    });
    assert_eq!(world.read(|_| Ok(())), Ok(()));
}

#[test]
fn a_damaged_page_fails_whoever_needs_it_and_nobody_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("callbox.db");
    let world = World::in_file(&path);
    world.furnish();
    for number in 0..40 {
        assert_eq!(world.write(move |tx| send(tx, &number.to_string(), &"x".repeat(2_000))), Ok(()));
    }
    world.store.close();
    damage(&path, "messages", 1);

    let world = World::in_file(&path);
    assert_eq!(world.store.damage(), None);
    // SQLite takes no more writes into a transaction that has met damage, and commits nothing of it.
    let (open, held) = world.gate();
    let seen = || Timestamp::from_millis(7);
    let half = world.queue(move |tx| {
        tx.touch_user(APP, &user_id("ann"), seen())?;
        oldest(tx)
    });
    let after = world.queue(|tx| send(tx, "after", ""));
    open.send(()).expect("the writer waits");
    // Whether it shared the batch of the next one is a matter of time.
    let _ = block_on(held);
    assert_damaged(block_on(half));
    assert_eq!(block_on(after), Ok(()));
    // From then on nobody shares a batch with somebody else's damage.
    let (open, held) = world.gate();
    let before = world.queue(|tx| send(tx, "before", ""));
    let damaged = world.queue(|tx| oldest(tx));
    let fine = world.queue(move |tx| {
        tx.touch_user(APP, &user_id("bob"), seen())?;
        send(tx, "new", "")
    });
    open.send(()).expect("the writer waits");
    for write in [held, before, fine] {
        assert_eq!(block_on(write), Ok(()));
    }
    assert_damaged(block_on(damaged));
    after_the_probe(&world);

    let last_seen =
        |name| world.read(move |read| Ok(read.user(APP, &user_id(name))?.and_then(|user| user.last_seen_at)));
    assert_eq!((last_seen("ann"), last_seen("bob")), (Ok(None), Ok(Some(seen()))));
    let page = |page| world.read(move |read| read.messages(APP, &conversation().id, page, 1));
    assert!(matches!(page(MessagesPage::After(0)), Err(StoreError::Corrupt(_))));
    assert_eq!(page(MessagesPage::Latest).map(|page| page.len()), Ok(1));
    assert_eq!(world.store.health(), Ok(()), "it writes");
    let damage = world.store.damage().expect("it was met");
    assert!(damage.part == Part::Data && damage.error == StoreError::Corrupt("a page is damaged".to_owned()));
}

#[track_caller]
fn assert_damaged(answer: super::Answer<()>) {
    match answer {
        Err(WriteError::Store(StoreError::Corrupt(reason))) => {
            assert!(reason.contains("a page of it is damaged"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
}

/// Needs the page on which the oldest messages stand.
fn oldest(read: &(impl Read + ?Sized)) -> StoreResult<()> {
    read.message(APP, &MessageId::new("message-0").expect("an id")).map(drop)
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
