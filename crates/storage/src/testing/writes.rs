//! What a write is: atomic, alone, answered when it stands, announced after it stands.

use std::sync::Arc;

use callbox_domain::{AppId, ConversationId, Event, UserId};
use futures_executor::block_on;

use super::MakeStore;
use super::world::{World, conversation, new_message, send, user, user_id, user_ids};
use crate::{EventsPage, StoreError, StoreResult, Tx, WriteError};

pub(super) fn a_new_store_is_healthy_and_empty(make: &MakeStore) {
    let store = make(Box::new(|_| ()));
    assert_eq!(store.health(), Ok(()));
    assert_eq!(block_on(store.read(|read| read.apps())), Ok(vec![]));
    assert_eq!(block_on(store.read(|read| read.live_calls())), Ok(vec![]));
}

pub(super) fn a_write_answers_what_its_closure_returned(make: &MakeStore) {
    let world = World::new(make);
    assert_eq!(world.try_write(|_| Ok::<_, ()>(7)), Ok(7));
    assert_eq!(world.try_write(|_| Err::<(), _>("no")), Err(WriteError::Refused("no")));
}

pub(super) fn a_write_sees_its_own_writes(make: &MakeStore) {
    let world = World::with_users(make, &["ann", "bob"]);
    let app = world.app;
    world.write(move |tx| {
        let conversation = conversation("one", &["ann", "bob"]);
        tx.insert_conversation(app, &conversation)?;
        send(tx, app, new_message(&conversation.id, "ann", "one"), &user_ids(&["bob"]))?;
        assert_eq!(tx.mailbox(app, &user_id("bob"))?.map(|mailbox| mailbox.head), Some(1));
        let events = tx.events(app, &user_id("bob"), EventsPage { after: 0, limit: 10 })?;
        assert_eq!(events.len(), 1);
        assert_eq!(tx.conversation(app, &conversation.id)?.map(|found| found.last_position), Some(1));
        Ok(())
    });
}

pub(super) fn a_refusal_leaves_nothing(make: &MakeStore) {
    let world = World::with_users(make, &["ann", "bob"]);
    let conversation = world.converse("one", &["ann", "bob"]);
    let (app, id) = (world.app, conversation.clone());
    let refused = world.try_write(move |tx| {
        let both = user_ids(&["ann", "bob"]);
        send(tx, app, new_message(&id, "ann", "refused"), &both).expect("sent");
        tx.insert_user(app, &user("eve"), &super::world::epoch()).expect("added");
        Err::<(), _>("changed my mind")
    });
    assert_eq!(refused, Err(WriteError::Refused("changed my mind")));
    assert_eq!(world.announced(), []);
    assert_eq!(world.read(move |read| read.user(app, &user_id("eve"))), None);
    assert_no_gap_after(&world, &conversation);
}

pub(super) fn a_panic_leaves_nothing(make: &MakeStore) {
    let world = World::with_users(make, &["ann", "bob"]);
    let conversation = world.converse("one", &["ann", "bob"]);
    let (app, id) = (world.app, conversation.clone());
    let panicked = world.try_write(move |tx| -> StoreResult<()> {
        send(tx, app, new_message(&id, "ann", "lost"), &user_ids(&["ann", "bob"]))?;
        panic!("a panic that the suite asks for");
    });
    assert_eq!(panicked, Err(WriteError::Store(StoreError::Panicked)));
    assert_eq!(world.announced(), []);
    assert_no_gap_after(&world, &conversation);
}

pub(super) fn a_failed_verb_undoes_the_whole_write(make: &MakeStore) {
    let world = World::with_users(make, &["ann", "bob"]);
    let conversation = world.converse("one", &["ann", "bob"]);
    let (app, id) = (world.app, conversation.clone());
    let answer = world.try_write(move |tx| {
        send(tx, app, new_message(&id, "ann", "one"), &user_ids(&["ann", "bob"]))?;
        // The same id again; what the verb did before it failed must not stay, even if nobody cares.
        let failed = tx.append_message(app, new_message(&id, "bob", "one"));
        assert!(failed.is_err());
        Ok::<_, StoreError>(())
    });
    assert!(matches!(answer, Err(WriteError::Store(_))), "{answer:?}");
    assert_eq!(world.announced(), []);
    assert_no_gap_after(&world, &conversation);
}

pub(super) fn neighbours_of_a_refusal_and_a_panic_stay(make: &MakeStore) {
    let world = World::with_users(make, &["ann", "bob"]);
    let conversation = world.converse("one", &["ann", "bob"]);
    let app = world.app;
    let sends = |name| sending(app, &conversation, name);
    let (open, held) = world.gate();
    let first = world.queue(sends("one"));
    let send_refused = sends("refused");
    let refused = world.queue(move |tx| {
        send_refused(tx).expect("sent");
        Err::<(), _>("no")
    });
    let second = world.queue(sends("two"));
    let send_panicked = sends("panicked");
    let panicked = world.queue(move |tx| -> StoreResult<()> {
        send_panicked(tx)?;
        panic!("a panic that the suite asks for");
    });
    let third = world.queue(sends("three"));
    open.send(()).expect("the writer waits");

    assert_eq!(block_on(held), Ok(()));
    assert_eq!(block_on(first), Ok(()));
    assert_eq!(block_on(refused), Err(WriteError::Refused("no")));
    assert_eq!(block_on(second), Ok(()));
    assert_eq!(block_on(panicked), Err(WriteError::Store(StoreError::Panicked)));
    assert_eq!(block_on(third), Ok(()));
    assert_eq!(told(&world, "bob"), [(1, "one"), (2, "two"), (3, "three")].map(owned));
    assert_eq!(told(&world, "ann"), [(1, "one"), (2, "two"), (3, "three")].map(owned));
}

/// A write that sends one message of ann's to ann and bob.
fn sending(
    app: AppId,
    conversation: &ConversationId,
    name: &'static str,
) -> impl FnOnce(&mut dyn Tx) -> StoreResult<()> + Send + 'static {
    let message = new_message(conversation, "ann", name);
    move |tx| send(tx, app, message, &user_ids(&["ann", "bob"])).map(drop)
}

/// A verb after others.
type Other = fn(&mut dyn Tx, AppId) -> StoreResult<()>;

pub(super) fn a_refusal_undoes_what_was_appended_before_other_verbs(make: &MakeStore) {
    let world = World::with_users(make, &["ann", "bob"]);
    let conversation = world.converse("one", &["ann", "bob"]);
    let app = world.app;
    let sends = |name| sending(app, &conversation, name);
    let others: [Other; 2] = [
        |tx, app| tx.touch_user(app, &user_id("ann"), super::world::at(99)),
        |tx, app| tx.user(app, &user_id("bob")).map(drop),
    ];
    let (open, held) = world.gate();
    let mut writes = vec![];
    for (number, other) in others.into_iter().enumerate() {
        let kept = sends(["one", "two"][number]);
        let refused = sends(["no-one", "no-two"][number]);
        let again = sends(["no-three", "no-four"][number]);
        writes.push(world.queue(kept));
        writes.push(world.queue(move |tx| {
            refused(tx)?;
            other(tx, app)?;
            again(tx)?;
            Err::<(), _>(StoreError::Closed)
        }));
    }
    open.send(()).expect("the writer waits");
    assert_eq!(block_on(held), Ok(()));
    let refusal = Err(WriteError::Refused(StoreError::Closed));
    for (number, write) in writes.into_iter().enumerate() {
        assert_eq!(block_on(write), if number % 2 == 0 { Ok(()) } else { refusal.clone() });
    }
    world.write(sends("three"));
    for user in ["ann", "bob"] {
        assert_eq!(told(&world, user), [(1, "one"), (2, "two"), (3, "three")].map(owned));
    }
    let ann = world.read(move |read| read.user(app, &user_id("ann"))).expect("ann");
    assert_eq!(ann.last_seen_at, None);
    let all = world.read(move |read| read.messages(app, &conversation, crate::MessagesPage::Latest, 10));
    assert_eq!(all.iter().map(|message| message.position).collect::<Vec<_>>(), [1, 2, 3]);
}

pub(super) fn a_caller_that_went_away_does_not_cancel(make: &MakeStore) {
    let world = World::new(make);
    let app = world.app;
    let (open, held) = world.gate();
    drop(world.queue(move |tx| tx.insert_user(app, &user("ann"), &super::world::epoch())));
    open.send(()).expect("the writer waits");
    assert_eq!(block_on(held), Ok(()));
    let found = world.write(move |tx| tx.user(app, &user_id("ann")));
    assert_eq!(found, Some(user("ann")));
}

pub(super) fn a_read_fails_alone(make: &MakeStore) {
    let world = World::with_users(make, &["ann"]);
    let app = world.app;
    let panicked = block_on(world.store.read(|_| -> StoreResult<()> {
        panic!("a panic that the suite asks for");
    }));
    assert_eq!(panicked, Err(StoreError::Panicked));
    assert_eq!(world.read(move |read| read.user(app, &user_id("ann"))), Some(user("ann")));
}

pub(super) fn events_are_announced_after_the_commit_in_order(make: &MakeStore) {
    let world = Arc::new(World::with_users(make, &["ann", "bob"]));
    let conversation = world.converse("one", &["ann", "bob"]);
    let app = world.app;
    let (open, held) = world.gate();
    let pending: Vec<_> = ["one", "two", "three"]
        .into_iter()
        .map(|name| {
            let (id, witness) = (conversation.clone(), Arc::clone(&world));
            world.queue(move |tx| {
                send(tx, app, new_message(&id, "ann", name), &user_ids(&["bob", "ann"]))?;
                let early = witness.announced();
                let about = |event: &Event| text_id(event) == name;
                assert!(!early.iter().any(|logged| about(&logged.event)), "told before it stood");
                Ok::<_, StoreError>(())
            })
        })
        .collect();
    open.send(()).expect("the writer waits");
    assert_eq!(block_on(held), Ok(()));
    for write in pending {
        assert_eq!(block_on(write), Ok(()));
    }
    let announced = world.announced();
    let order: Vec<_> = announced
        .iter()
        .map(|logged| (logged.user_id.as_str(), logged.seq, text_id(&logged.event)))
        .collect();
    assert_eq!(
        order,
        [
            ("bob", 1, "one"),
            ("ann", 1, "one"),
            ("bob", 2, "two"),
            ("ann", 2, "two"),
            ("bob", 3, "three"),
            ("ann", 3, "three"),
        ]
    );
    assert!(announced.iter().all(|logged| logged.app_id == app));
}

/// The next message takes the first place everywhere.
fn assert_no_gap_after(world: &World, conversation: &callbox_domain::ConversationId) {
    let (app, id) = (world.app, conversation.clone());
    world.write(move |tx| {
        send(tx, app, new_message(&id, "ann", "next"), &user_ids(&["ann", "bob"])).map(drop)
    });
    assert_eq!(told(world, "bob"), [owned((1, "next"))]);
    assert_eq!(told(world, "ann"), [owned((1, "next"))]);
    let id = conversation.clone();
    let found = world.read(move |read| read.conversation(app, &id)).expect("the conversation");
    assert_eq!(found.last_position, 1);
}

/// What one user was told, from the log and from the listener, which must agree.
fn told(world: &World, name: &str) -> Vec<(u64, String)> {
    let (app, user) = (world.app, user_id(name));
    let reader: UserId = user.clone();
    let page = EventsPage { after: 0, limit: 100 };
    let logged = world.read(move |read| read.events(app, &reader, page));
    let announced: Vec<_> = world.announced().into_iter().filter(|event| event.user_id == user).collect();
    assert_eq!(logged, announced);
    logged.iter().map(|logged| (logged.seq, text_id(&logged.event).to_owned())).collect()
}

fn owned((seq, name): (u64, &str)) -> (u64, String) {
    (seq, name.to_owned())
}

/// The name within the id of an event's message.
fn text_id(event: &Event) -> &str {
    match event {
        Event::MessageCreated(message) => {
            message.id.as_str().strip_prefix("message-").expect("made by this suite")
        }
        Event::ReceiptChanged(_) | Event::CallEnded(_) => "",
    }
}
