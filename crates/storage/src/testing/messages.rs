//! Messages and watermarks.

use std::thread;

use callbox_domain::{ConversationId, Message, Receipt, Watermark};
use futures_executor::block_on;

use super::MakeStore;
use super::world::{World, at, conversation_id, message_id, new_message, session_id, user_id};
use crate::{MessagesPage, NewMessage, StoreError, WriteError};

pub(super) fn messages_get_dense_positions(make: &MakeStore) {
    let world = World::new(make);
    let app = world.app;
    let one = world.converse("one", &["ann", "bob"]);
    let two = world.converse("two", &["ann", "carl"]);
    world.say(&one, "ann", &["a"]);
    world.say(&two, "carl", &["b"]);
    let message = new_message(&one, "bob", "c");
    let appended = world.write(move |tx| tx.append_message(app, message));
    assert_eq!(
        appended,
        Message {
            id: message_id("c"),
            conversation_id: one,
            position: 2,
            sender_id: user_id("bob"),
            sender_session_id: session_id("bob"),
            recipient_id: Some(user_id("ann")),
            text: "text of c".into(),
            created_at: at(20),
        }
    );
    assert_eq!(world.read(move |read| read.message(app, &message_id("c"))), Some(appended));
    let other = world.read(move |read| read.message(app, &message_id("b"))).expect("b");
    assert_eq!((other.conversation_id, other.position), (two, 1));
    assert_eq!(world.read(move |read| read.message(app, &message_id("d"))), None);
}

pub(super) fn a_message_moves_its_conversation_forward(make: &MakeStore) {
    let world = World::new(make);
    let app = world.app;
    let id = world.converse("one", &["ann", "bob"]);
    for (name, sent, updated) in [("a", 200, 200), ("b", 150, 200), ("c", 300, 300)] {
        let message = NewMessage { created_at: at(sent), ..new_message(&id, "ann", name) };
        world.write(move |tx| tx.append_message(app, message));
        let asked = id.clone();
        let found = world.read(move |read| read.conversation(app, &asked)).expect("found");
        assert_eq!(found.updated_at, at(updated), "a clock that jumps back moves nothing back");
    }
    let found = world.read(move |read| read.conversation(app, &id)).expect("found");
    assert_eq!((found.last_position, found.created_at), (3, at(10)));
}

pub(super) fn a_message_knows_the_other_one(make: &MakeStore) {
    let world = World::new(make);
    let app = world.app;
    let direct = world.converse("direct", &["bob", "ann"]);
    let group = world.converse("group", &["ann", "bob", "carl"]);
    world.say(&direct, "ann", &["to-bob"]);
    world.say(&direct, "bob", &["to-ann"]);
    world.say(&group, "ann", &["to-all"]);
    for (id, recipient) in [("to-bob", Some("bob")), ("to-ann", Some("ann")), ("to-all", None)] {
        let found = world.read(move |read| read.message(app, &message_id(id))).expect("sent");
        assert_eq!(found.recipient_id, recipient.map(user_id), "{id}");
    }
}

pub(super) fn messages_come_in_pages(make: &MakeStore) {
    let world = World::new(make);
    let id = world.converse("one", &["ann", "bob"]);
    assert_eq!(page(&world, &id, MessagesPage::Latest, 5), [0; 0]);
    world.say(&id, "ann", &["1", "2", "3", "4", "5", "6", "7"]);
    for (asked, limit, expected) in [
        (MessagesPage::Latest, 3, &[5, 6, 7][..]),
        (MessagesPage::Latest, 100, &[1, 2, 3, 4, 5, 6, 7]),
        (MessagesPage::Before(5), 3, &[2, 3, 4]),
        (MessagesPage::Before(2), 3, &[1]),
        (MessagesPage::Before(1), 3, &[]),
        (MessagesPage::Before(u32::MAX), 2, &[6, 7]),
        (MessagesPage::After(0), 2, &[1, 2]),
        (MessagesPage::After(5), 3, &[6, 7]),
        (MessagesPage::After(7), 3, &[]),
        (MessagesPage::Latest, 0, &[]),
    ] {
        assert_eq!(page(&world, &id, asked, limit), expected, "{asked:?} limit {limit}");
    }
    assert_eq!(page(&world, &conversation_id("none"), MessagesPage::Latest, 5), [0; 0]);
}

pub(super) fn a_message_needs_a_conversation_and_a_new_id(make: &MakeStore) {
    let world = World::new(make);
    let app = world.app;
    let id = world.converse("one", &["ann", "bob"]);
    world.say(&id, "ann", &["taken"]);
    for message in [new_message(&conversation_id("none"), "ann", "fresh"), new_message(&id, "bob", "taken")] {
        let failed = world.try_write(move |tx| tx.append_message(app, message));
        assert!(matches!(failed, Err(WriteError::Store(_))), "{failed:?}");
    }
    assert_eq!(page(&world, &id, MessagesPage::Latest, 5), [1]);
    assert_eq!(world.store.health(), Ok(()), "a mistake of the caller is no illness of the store");
}

pub(super) fn positions_are_dense_under_concurrency(make: &MakeStore) {
    let world = World::new(make);
    let app = world.app;
    let ids: Vec<_> =
        [("one", "bob"), ("two", "carl")].map(|(name, other)| world.converse(name, &["ann", other])).into();
    thread::scope(|scope| {
        for writer in 0..THREADS {
            let (store, id) = (&world.store, &ids[writer % 2]);
            scope.spawn(move || {
                for number in 0..MESSAGES_EACH {
                    let message = new_message(id, "ann", &format!("{writer}-{number}"));
                    let refuse = number % 5 == 4;
                    let answer = block_on(store.write(move |tx| {
                        let message = tx.append_message(app, message).map_err(|_| "failed")?;
                        if refuse { Err("refused") } else { Ok(message.position) }
                    }));
                    assert_eq!(answer.is_err(), refuse, "{answer:?}");
                }
            });
        }
    });
    for id in &ids {
        let expected: Vec<u32> = (1..).take(THREADS / 2 * MESSAGES_EACH / 5 * 4).collect();
        assert_eq!(page(&world, id, MessagesPage::Latest, 10_000), expected);
    }
}

pub(super) fn one_of_two_equal_messages_wins(make: &MakeStore) {
    let world = World::new(make);
    let app = world.app;
    let id = world.converse("one", &["ann", "bob"]);
    let mut winners = vec![0; MESSAGES_EACH];
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|_| {
                let (store, id) = (&world.store, &id);
                scope.spawn(move || {
                    let mut won = vec![0; MESSAGES_EACH];
                    for (number, won) in won.iter_mut().enumerate() {
                        let message = new_message(id, "ann", &format!("same-{number}"));
                        let appended = block_on(store.write(move |tx| {
                            if tx.message(app, &message.id)?.is_some() {
                                return Ok(false);
                            }
                            tx.append_message(app, message)?;
                            Ok::<_, StoreError>(true)
                        }));
                        *won += usize::from(appended.expect("the write succeeds"));
                    }
                    won
                })
            })
            .collect();
        for thread in threads {
            for (total, won) in winners.iter_mut().zip(thread.join().expect("no panic")) {
                *total += won;
            }
        }
    });
    assert_eq!(winners, vec![1; MESSAGES_EACH]);
    assert_eq!(page(&world, &id, MessagesPage::Latest, 1_000).len(), MESSAGES_EACH);
}

pub(super) fn watermarks_rise_and_never_fall(make: &MakeStore) {
    let world = World::new(make);
    let id = world.converse("one", &["ann", "bob"]);
    world.say(&id, "ann", &["1", "2", "3", "4"]);
    let raise = |watermark, position| raised(&world, &id, "bob", watermark, position);
    assert_eq!(raise(Watermark::Delivered, 2), Some((2, 0)));
    assert_eq!(raise(Watermark::Delivered, 2), None);
    assert_eq!(raise(Watermark::Delivered, 1), None);
    assert_eq!(raise(Watermark::Read, 1), Some((2, 1)));
    assert_eq!(raise(Watermark::Read, 1), None);
    assert_eq!(raise(Watermark::Read, 0), None);
    assert_eq!(raise(Watermark::Delivered, 4), Some((4, 1)));
    assert_eq!(marks(&world, &id, "bob"), (4, 1));
    assert_eq!(marks(&world, &id, "ann"), (0, 0), "each member has their own");
}

pub(super) fn reading_implies_delivery(make: &MakeStore) {
    let world = World::new(make);
    let id = world.converse("one", &["ann", "bob"]);
    world.say(&id, "ann", &["1", "2", "3"]);
    assert_eq!(raised(&world, &id, "bob", Watermark::Read, 2), Some((2, 2)));
    assert_eq!(raised(&world, &id, "bob", Watermark::Delivered, 2), None);
    assert_eq!(raised(&world, &id, "bob", Watermark::Read, 3), Some((3, 3)));
}

pub(super) fn watermarks_end_at_the_newest_message(make: &MakeStore) {
    let world = World::new(make);
    let id = world.converse("one", &["ann", "bob"]);
    assert_eq!(raised(&world, &id, "bob", Watermark::Read, 5), None, "there is nothing to read");
    world.say(&id, "ann", &["1", "2"]);
    assert_eq!(raised(&world, &id, "bob", Watermark::Delivered, u32::MAX), Some((2, 0)));
    assert_eq!(raised(&world, &id, "bob", Watermark::Delivered, u32::MAX), None);
    assert_eq!(raised(&world, &id, "bob", Watermark::Read, 9), Some((2, 2)));
    assert_eq!(raised(&world, &id, "bob", Watermark::Read, 9), None);
    world.say(&id, "ann", &["3"]);
    assert_eq!(raised(&world, &id, "bob", Watermark::Read, 9), Some((3, 3)));
}

pub(super) fn strangers_have_no_watermarks(make: &MakeStore) {
    let world = World::new(make);
    let id = world.converse("one", &["ann", "bob"]);
    world.say(&id, "ann", &["1"]);
    for watermark in [Watermark::Delivered, Watermark::Read] {
        assert_eq!(raised(&world, &id, "eve", watermark, 1), None);
        assert_eq!(raised(&world, &conversation_id("none"), "ann", watermark, 1), None);
    }
}

/// The positions on a page.
fn page(world: &World, id: &ConversationId, page: MessagesPage, limit: u32) -> Vec<u32> {
    let (app, id) = (world.app, id.clone());
    let messages = world.read(move |read| read.messages(app, &id, page, limit));
    messages.iter().map(|message| message.position).collect()
}

/// Raises a watermark; the new (delivered, read) if one rose.
fn raised(
    world: &World,
    id: &ConversationId,
    user: &str,
    watermark: Watermark,
    position: u32,
) -> Option<(u32, u32)> {
    let (app, id, user) = (world.app, id.clone(), user_id(user));
    let (asked, member) = (id.clone(), user.clone());
    let receipt = world.write(move |tx| tx.raise_watermark(app, &asked, &member, watermark, position))?;
    let Receipt { conversation_id, user_id, delivered_up_to, read_up_to } = receipt;
    assert_eq!((conversation_id, user_id), (id, user));
    Some((delivered_up_to, read_up_to))
}

/// A member's (delivered, read).
fn marks(world: &World, id: &ConversationId, user: &str) -> (u32, u32) {
    let (app, id, user) = (world.app, id.clone(), user_id(user));
    let members = world.read(move |read| read.members(app, &id));
    let member = members.into_iter().find(|member| member.user_id == user).expect("a member");
    (member.delivered_up_to, member.read_up_to)
}

const THREADS: usize = 16;
const MESSAGES_EACH: usize = 20;
