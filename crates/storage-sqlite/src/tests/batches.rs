//! Batches, queues and the end of a store.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use callbox_storage::{StoreError, WriteError};
use futures_executor::block_on;

use super::{APP, World, send, user_id};
use crate::{SqliteOptions, SqliteStore};

#[test]
fn what_is_queued_shares_a_commit() {
    let world = World::in_memory();
    world.furnish();
    let (open, held) = world.gate();
    let writes: Vec<_> =
        (0..5).map(|number| world.queue(move |tx| send(tx, &number.to_string(), ""))).collect();
    open.send(()).expect("the writer waits");
    assert_eq!(block_on(held), Ok(()));
    for write in writes {
        assert_eq!(block_on(write), Ok(()));
    }
    assert_eq!(world.batch_sizes().iter().sum::<usize>(), 5);
    assert!(world.batch_sizes().len() < 5, "{:?}", world.batch_sizes());
}

#[test]
fn a_batch_has_a_largest_size() {
    let world = World::in_memory();
    world.furnish();
    let (open, held) = world.gate();
    let writes: Vec<_> =
        (0..4_500).map(|number| world.queue(move |tx| send(tx, &number.to_string(), ""))).collect();
    open.send(()).expect("the writer waits");
    assert_eq!(block_on(held), Ok(()));
    for write in writes {
        assert_eq!(block_on(write), Ok(()));
    }
    let sizes = world.batch_sizes();
    assert_eq!(sizes.iter().sum::<usize>(), 4_500);
    assert!(sizes.iter().all(|size| *size <= 2_000), "{sizes:?}");
    assert_eq!(world.numbers(), (1..=4_500).collect::<Vec<_>>());
}

#[test]
fn a_full_queue_is_an_answer() {
    let world = World::open(SqliteOptions { write_queue_max: 2, ..SqliteOptions::memory() });
    let (open, held) = world.gate();
    let first = world.queue(|_| Ok(()));
    let second = world.queue(|_| Ok(()));
    let third = world.write(|_| Ok(()));
    assert_eq!(third, Err(WriteError::Store(StoreError::Overloaded)));
    assert_eq!(world.read(|read| read.apps()), Err(StoreError::Overloaded), "reads queue here too");
    open.send(()).expect("the writer waits");
    for write in [held, first, second] {
        assert_eq!(block_on(write), Ok(()));
    }
    assert_eq!(world.write(|_| Ok(())), Ok(()));
}

#[test]
fn a_full_queue_of_readers_is_an_answer() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = SqliteOptions {
        readers: 1,
        read_queue_max: 1,
        ..SqliteOptions::file(folder.path().join("callbox.db"))
    };
    let world = World::open(options);
    let (begun, begins) = sync_channel(1);
    let (open, opened) = sync_channel::<()>(1);
    let store = world.store();
    let busy = std::thread::spawn(move || {
        block_on(store.read(move |_| {
            begun.send(()).expect("someone waits");
            let _ = opened.recv();
            Ok(())
        }))
    });
    begins.recv().expect("the reader begins");
    let store = world.store();
    let mut waiting = Box::pin(async move { store.read(|read| read.apps()).await });
    let waker = std::task::Waker::noop();
    assert!(waiting.as_mut().poll(&mut std::task::Context::from_waker(waker)).is_pending());
    assert_eq!(world.read(|read| read.apps()), Err(StoreError::Overloaded));
    assert_eq!(world.write(|_| Ok(())), Ok(()), "writes do not wait for readers");
    open.send(()).expect("the reader waits");
    assert_eq!(busy.join().expect("no panic"), Ok(()));
    assert_eq!(block_on(waiting), Ok(vec![]));
}

#[test]
fn closing_finishes_what_is_queued() {
    let folder = tempfile::tempdir().expect("a folder");
    let world = World::in_file(&folder.path().join("callbox.db"));
    world.furnish();
    let (open, held) = world.gate();
    let writes: Vec<_> =
        (0..5).map(|number| world.queue(move |tx| send(tx, &number.to_string(), ""))).collect();
    let store = Arc::clone(&world.store);
    let closing = std::thread::spawn(move || store.close());
    open.send(()).expect("the writer waits");
    closing.join().expect("no panic");
    assert_eq!(block_on(held), Ok(()));
    for write in writes {
        assert_eq!(block_on(write), Ok(()));
    }
    assert_eq!(world.write(|_| Ok(())), Err(WriteError::Store(StoreError::Closed)));
    assert_eq!(world.read(|read| read.apps()), Err(StoreError::Closed));
    world.store.close();
}

#[test]
fn the_last_reference_may_end_inside_a_write() {
    let world = World::in_memory();
    let last = world.store();
    let (open, opened) = sync_channel::<()>(1);
    let (ended, ends) = sync_channel::<()>(1);
    let write = world.queue(move |_| {
        let _ = opened.recv();
        drop(last);
        ended.send(()).expect("someone waits");
        Ok(())
    });
    drop((write, world));
    open.send(()).expect("the writer waits");
    ends.recv().expect("the writer does not wait for itself");
}

#[test]
fn a_listener_that_panics_stops_nothing() {
    let listener = Box::new(|_| panic!("a panic that this test asks for"));
    let world = World {
        store: SqliteStore::open(SqliteOptions::memory(), listener).expect("opens"),
        commits: Arc::default(),
    };
    world.furnish();
    assert_eq!(world.write(|tx| send(tx, "1", "")), Ok(()));
    assert_eq!(world.write(|tx| send(tx, "2", "")), Ok(()));
    assert_eq!(world.numbers(), [1, 2]);
    let mailbox = world.read(|read| read.mailbox(APP, &user_id("bob"))).expect("read");
    assert_eq!(mailbox.map(|mailbox| mailbox.head), Some(2));
}
