//! The per-user event log.

use std::sync::Arc;
use std::thread;

use callbox_domain::call::CallEnd;
use callbox_domain::{CallEndCause, Event, Receipt, UserId, Watermark};
use futures_executor::block_on;

use super::MakeStore;
use super::world::{World, at, call, message_id, new_message, send, session_id, user_id, user_ids};
use crate::{EventsPage, StoreError, WriteError};

pub(super) fn events_are_numbered_per_user(make: &MakeStore) {
    let world = World::with_users(make, &["ann", "bob", "carl"]);
    let app = world.app;
    let id = world.converse("one", &["ann", "bob", "carl"]);
    let numbers = world.write(move |tx| {
        let message = tx.append_message(app, new_message(&id, "ann", "one"))?;
        let event = Arc::new(Event::MessageCreated(message));
        ["ann", "bob", "bob", "carl", "bob"]
            .into_iter()
            .map(|name| tx.append_event(app, &user_id(name), &event, at(20)))
            .collect::<Result<Vec<_>, _>>()
    });
    assert_eq!(numbers, [1, 1, 2, 1, 3]);
    for (name, head) in [("ann", 1), ("bob", 3), ("carl", 1)] {
        let mailbox = world.read(move |read| read.mailbox(app, &user_id(name))).expect(name);
        assert_eq!((mailbox.head, mailbox.pruned_up_to), (head, 0));
        assert_eq!(numbers_of(&world, name, 0, 10), (1..=head).collect::<Vec<_>>());
    }
}

pub(super) fn events_are_dense_under_concurrency(make: &MakeStore) {
    let world = World::with_users(make, &["ann", "bob"]);
    let app = world.app;
    let id = world.converse("one", &["ann", "bob"]);
    thread::scope(|scope| {
        for writer in 0..THREADS {
            let (store, id) = (&world.store, &id);
            scope.spawn(move || {
                for number in 0..EVENTS_EACH {
                    let message = new_message(id, "ann", &format!("{writer}-{number}"));
                    let answer = block_on(
                        store.write(move |tx| send(tx, app, message, &user_ids(&["ann", "bob"])).map(drop)),
                    );
                    assert_eq!(answer, Ok(()));
                }
            });
        }
    });
    let total = u64::try_from(THREADS * EVENTS_EACH).expect("small");
    let expected: Vec<_> = (1..=total).collect();
    let announced = world.announced();
    for name in ["ann", "bob"] {
        assert_eq!(numbers_of(&world, name, 0, 10_000), expected);
        let told: Vec<_> = announced.iter().filter(|event| event.user_id.as_str() == name).collect();
        assert_eq!(told.iter().map(|event| event.seq).collect::<Vec<_>>(), expected);
        for event in told {
            let Event::MessageCreated(message) = &*event.event else { panic!("only messages") };
            assert_eq!(u64::from(message.position), event.seq, "one order for all");
        }
    }
}

pub(super) fn events_tell_the_present(make: &MakeStore) {
    let world = World::with_users(make, &["ann", "bob"]);
    let app = world.app;
    let id = world.converse("one", &["ann", "bob"]);
    world.say(&id, "ann", &["1", "2"]);
    let (conversation, bob) = (id.clone(), user_id("bob"));
    world.write(move |tx| {
        let raised = tx.raise_watermark(app, &conversation, &bob, Watermark::Delivered, 1)?;
        let told = Arc::new(Event::ReceiptChanged(raised.expect("it rose")));
        tx.append_event(app, &user_id("ann"), &told, at(20))?;
        tx.raise_watermark(app, &conversation, &bob, Watermark::Read, 2)?;
        let message = tx.message(app, &message_id("2"))?.expect("sent");
        tx.append_event(app, &user_id("ann"), &Arc::new(Event::MessageCreated(message)), at(20))?;
        let mut call = call(app, "one", "ann", "bob");
        tx.insert_call(&call)?;
        call.accepted_at = Some(at(40));
        call.end = Some(CallEnd { at: at(50), cause: CallEndCause::Completed, by: Some(user_id("bob")) });
        tx.update_call(&call)?;
        let told = Arc::new(Event::CallEnded(call.summary().expect("it ended")));
        tx.append_event(app, &user_id("ann"), &told, at(20)).map(drop)
    });
    let page = EventsPage { after: 0, limit: 10 };
    let events = world.read(move |read| read.events(app, &user_id("ann"), page));
    let [receipt, message, ended] = events.as_slice() else { panic!("three: {events:?}") };
    assert!(events.iter().all(|event| event.app_id == app && event.user_id == user_id("ann")));
    assert_eq!(
        *receipt.event,
        Event::ReceiptChanged(Receipt {
            conversation_id: id,
            user_id: user_id("bob"),
            delivered_up_to: 2,
            read_up_to: 2,
        }),
        "as it is now, not as it was"
    );
    let Event::MessageCreated(message) = &*message.event else { panic!("{message:?}") };
    assert_eq!((&*message.text, message.position), ("text of 2", 2));
    assert_eq!(message.sender_session_id, session_id("ann"));
    let Event::CallEnded(ended) = &*ended.event else { panic!("{ended:?}") };
    assert_eq!((ended.accepted_at, ended.ended_at), (Some(at(40)), at(50)));
    assert_eq!((ended.cause, &ended.ended_by), (CallEndCause::Completed, &Some(user_id("bob"))));
}

pub(super) fn events_come_in_pages(make: &MakeStore) {
    let world = World::with_users(make, &["ann", "bob"]);
    let app = world.app;
    let id = world.converse("one", &["ann", "bob"]);
    world.write(move |tx| {
        for number in 0..5 {
            send(tx, app, new_message(&id, "ann", &number.to_string()), &user_ids(&["bob"]))?;
        }
        Ok(())
    });
    assert_eq!(numbers_of(&world, "bob", 0, 2), [1, 2]);
    assert_eq!(numbers_of(&world, "bob", 2, 2), [3, 4]);
    assert_eq!(numbers_of(&world, "bob", 4, 2), [5]);
    assert_eq!(numbers_of(&world, "bob", 5, 2), [0; 0]);
    assert_eq!(numbers_of(&world, "bob", u64::MAX, 2), [0; 0]);
    assert_eq!(numbers_of(&world, "bob", 0, 0), [0; 0]);
    assert_eq!(numbers_of(&world, "ann", 0, 10), [0; 0]);
    assert_eq!(numbers_of(&world, "nobody", 0, 10), [0; 0]);
}

pub(super) fn heads_are_those_of_the_mailboxes(make: &MakeStore) {
    let world = World::with_users(make, &["ann", "bob", "carl"]);
    let (app, other_app) = (world.app, world.other_app);
    let id = world.converse("one", &["ann", "bob"]);
    world.write(move |tx| {
        for name in ["1", "2", "3"] {
            send(tx, app, new_message(&id, "ann", name), &user_ids(&["bob"]))?;
        }
        let message = tx.message(app, &message_id("3"))?.expect("sent");
        tx.append_event(app, &user_id("ann"), &Arc::new(Event::MessageCreated(message)), at(20))
    });
    let asked =
        [(app, "bob"), (app, "nobody"), (app, "carl"), (other_app, "bob"), (app, "ann"), (app, "bob")];
    let asked = asked.map(|(app, name)| (app, user_id(name)));
    let heads = world.read(move |read| read.heads(&asked));
    assert_eq!(heads, [Some(3), None, Some(0), None, Some(1), Some(3)]);
    assert_eq!(world.read(|read| read.heads(&[])), []);
}

pub(super) fn an_event_needs_a_mailbox(make: &MakeStore) {
    let world = World::with_users(make, &["ann"]);
    let app = world.app;
    let id = world.converse("one", &["ann", "ghost"]);
    let failed = world.try_write(move |tx| {
        send(tx, app, new_message(&id, "ann", "one"), &user_ids(&["ann", "ghost"])).map(drop)
    });
    assert!(matches!(failed, Err(WriteError::Store(StoreError::Corrupt(_)))), "{failed:?}");
    assert_eq!(numbers_of(&world, "ann", 0, 10), [0; 0]);
    assert_eq!(world.announced(), []);
}

pub(super) fn positions_in_events_are_those_of_others(make: &MakeStore) {
    let world = World::with_users(make, &["ann", "bob", "carl"]);
    let app = world.app;
    let one = world.converse("one", &["ann", "bob"]);
    let two = world.converse("two", &["ann", "carl"]);
    let (first, second) = (one.clone(), two.clone());
    world.write(move |tx| {
        let ann = user_id("ann");
        let history = [
            (&first, "bob", "1"),   // seq 1, position 1
            (&first, "bob", "2"),   // seq 2, position 2
            (&second, "carl", "3"), // seq 3, position 1
            (&first, "ann", "4"),   // seq 4, position 3, her own
            (&second, "ann", "5"),  // seq 5, position 2, her own
        ];
        for (id, sender, name) in history {
            send(tx, app, new_message(id, sender, name), std::slice::from_ref(&ann))?;
        }
        let raised = tx.raise_watermark(app, &first, &user_id("bob"), Watermark::Read, 3)?.expect("rose");
        tx.append_event(app, &ann, &Arc::new(Event::ReceiptChanged(raised)), at(20)).map(drop)
    });
    let positions = |user: &str, after, up_to| {
        let user: UserId = user_id(user);
        let mut found = world.read(move |read| read.positions_in_events(app, &user, after, up_to));
        found.sort();
        found
    };
    assert_eq!(positions("ann", 0, 6), [(one.clone(), 2), (two.clone(), 1)]);
    assert_eq!(positions("ann", 0, u64::MAX), [(one.clone(), 2), (two.clone(), 1)]);
    assert_eq!(positions("ann", 0, 1), [(one.clone(), 1)]);
    assert_eq!(positions("ann", 1, 2), [(one, 2)]);
    assert_eq!(positions("ann", 2, 3), [(two, 1)]);
    assert_eq!(positions("ann", 3, 6), []);
    assert_eq!(positions("ann", 6, 3), []);
    assert_eq!(positions("bob", 0, 6), []);
}

/// The numbers of the events on a page.
fn numbers_of(world: &World, name: &str, after: u64, limit: u32) -> Vec<u64> {
    let (app, user) = (world.app, user_id(name));
    let page = EventsPage { after, limit };
    let events = world.read(move |read| read.events(app, &user, page));
    events.iter().map(|event| event.seq).collect()
}

const THREADS: usize = 64;
const EVENTS_EACH: usize = 8;
