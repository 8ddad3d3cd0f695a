//! Events that are no longer kept.

use callbox_domain::Timestamp;

use super::MakeStore;
use super::world::{World, at, new_message, user_id};
use crate::{EventsKept, EventsPage, StoreResult, Tx};

/// A world in which bob has so many events, the first logged at moment 1, the second at moment 2, and so on.
fn world_with_events(make: &MakeStore, events: i64) -> World {
    let world = World::with_users(make, &["ann", "bob", "carl"]);
    world.converse("one", &["ann", "bob"]);
    log(&world, 1..=events);
    world
}

fn log(world: &World, moments: impl IntoIterator<Item = i64> + Send + 'static) {
    let app = world.app;
    world.write(move |tx| {
        for moment in moments {
            let message = new_message(&super::world::conversation_id("one"), "ann", &format!("m{moment}"));
            let message = tx.append_message(app, message)?;
            let event = std::sync::Arc::new(callbox_domain::Event::MessageCreated(message));
            tx.append_event(app, &user_id("bob"), &event, at(moment))?;
        }
        Ok(())
    });
}

/// Prunes all logs, so many rows at a time; how many parts that took.
fn prune(world: &World, newer_than: Timestamp, per_user_max: u64, rows_max: u32) -> u32 {
    let kept = EventsKept { newer_than, per_user_max };
    let mut from = Some(0);
    let mut parts = 0;
    while let Some(place) = from {
        from =
            world.write(move |tx: &mut dyn Tx| -> StoreResult<_> { tx.prune_events(place, kept, rows_max) });
        parts += 1;
        assert!(parts < 1_000, "it comes to its end");
    }
    parts
}

/// Bob's head, how far his log is pruned, and the numbers in it.
fn log_of_bob(world: &World) -> (u64, u64, Vec<u64>) {
    let app = world.app;
    let mailbox = world.read(move |read| read.mailbox(app, &user_id("bob"))).expect("bob");
    let page = EventsPage { after: 0, limit: 1_000 };
    let events = world.read(move |read| read.events(app, &user_id("bob"), page));
    (mailbox.head, mailbox.pruned_up_to, events.iter().map(|event| event.seq).collect())
}

pub(super) fn old_events_go_and_the_numbers_go_on(make: &MakeStore) {
    let world = world_with_events(make, 5);
    prune(&world, at(4), 1_000, 500);
    assert_eq!(log_of_bob(&world), (5, 3, vec![4, 5]));
    prune(&world, at(4), 1_000, 500);
    assert_eq!(log_of_bob(&world), (5, 3, vec![4, 5]), "nothing more is too old");
    log(&world, [6]);
    assert_eq!(log_of_bob(&world), (6, 3, vec![4, 5, 6]));
    prune(&world, at(100), 1_000, 500);
    assert_eq!(log_of_bob(&world), (6, 6, vec![]), "an empty log keeps its head");
    log(&world, [7]);
    assert_eq!(log_of_bob(&world), (7, 6, vec![7]));
}

pub(super) fn events_beyond_the_count_go(make: &MakeStore) {
    let world = world_with_events(make, 7);
    prune(&world, at(0), 3, 500);
    assert_eq!(log_of_bob(&world), (7, 4, vec![5, 6, 7]));
    prune(&world, at(0), 0, 500);
    assert_eq!(log_of_bob(&world), (7, 7, vec![]));
}

pub(super) fn pruning_takes_small_parts(make: &MakeStore) {
    let world = world_with_events(make, 50);
    let parts = prune(&world, at(0), 8, 5);
    assert!(parts > 8, "{parts} parts of at most five rows");
    assert_eq!(log_of_bob(&world), (50, 42, (43..=50).collect()));
    assert!(prune(&world, at(0), 8, 1) >= 3, "each mailbox is a part");
    assert_eq!(log_of_bob(&world).1, 42);
}

pub(super) fn a_log_loses_its_beginning_only(make: &MakeStore) {
    let world = world_with_events(make, 3);
    // The clock was set back.
    log(&world, [-2, -1, 4]);
    prune(&world, at(2), 1_000, 500);
    assert_eq!(log_of_bob(&world), (6, 1, vec![2, 3, 4, 5, 6]), "older ones behind newer ones stay");
}
