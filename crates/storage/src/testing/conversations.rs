//! Conversations and a user's list of them.

use callbox_domain::{ConversationId, Member, Watermark};

use super::MakeStore;
use super::world::{World, at, conversation, conversation_id, message_id, new_message, user_id, user_ids};
use crate::{ConversationsPage, NewMessage, WriteError};

pub(super) fn a_conversation_has_members(make: &MakeStore) {
    let world = World::new(make);
    let app = world.app;
    let id = world.converse("one", &["carl", "ann", "bob"]);
    let found = world.read(move |read| read.conversation(app, &id)).expect("the conversation");
    assert_eq!(found, conversation("one", &["ann", "bob", "carl"]));
    let members = world.read(move |read| read.members(app, &conversation_id("one")));
    let expected = user_ids(&["ann", "bob", "carl"])
        .into_iter()
        .map(|user_id| Member { user_id, delivered_up_to: 0, read_up_to: 0 })
        .collect::<Vec<_>>();
    assert_eq!(members, expected);
    assert_eq!(world.read(move |read| read.conversation(app, &conversation_id("two"))), None);
    assert_eq!(world.read(move |read| read.members(app, &conversation_id("two"))), []);
}

pub(super) fn a_direct_conversation_is_found_in_either_order(make: &MakeStore) {
    let world = World::new(make);
    let app = world.app;
    world.converse("one", &["bob", "ann"]);
    world.converse("two", &["ann", "carl"]);
    let find = |one: &str, other: &str| {
        let (one, other) = (user_id(one), user_id(other));
        world.read(move |read| read.direct_conversation(app, &one, &other))
    };
    let one = conversation("one", &["ann", "bob"]);
    assert_eq!(find("ann", "bob"), Some(one.clone()));
    assert_eq!(find("bob", "ann"), Some(one));
    assert_eq!(find("carl", "ann"), Some(conversation("two", &["ann", "carl"])));
    assert_eq!(find("bob", "carl"), None);

    let second =
        world.try_write(move |tx| tx.insert_conversation(app, &conversation("three", &["ann", "bob"])));
    assert!(matches!(second, Err(WriteError::Store(_))), "two users have one: {second:?}");
    assert_eq!(world.read(move |read| read.conversation(app, &conversation_id("three"))), None);
}

pub(super) fn a_group_is_not_direct(make: &MakeStore) {
    let world = World::new(make);
    let app = world.app;
    world.converse("group", &["ann", "bob", "carl"]);
    world.converse("another", &["ann", "bob", "carl"]);
    let found = world.read(move |read| read.direct_conversation(app, &user_id("ann"), &user_id("bob")));
    assert_eq!(found, None);
}

pub(super) fn conversations_are_listed_latest_first(make: &MakeStore) {
    let world = World::new(make);
    for (name, millis) in [("old", 20), ("new", 40), ("tie-a", 30), ("tie-b", 30)] {
        changed(&world, name, millis);
    }
    world.converse("not-hers", &["bob", "dan"]);
    let all = ConversationsPage { limit: 10, ..ConversationsPage::default() };
    assert_eq!(listed(&world, all.clone()), ["new", "tie-b", "tie-a", "old"]);

    let after = ConversationsPage { updated_after: Some(at(30)), ..all.clone() };
    assert_eq!(listed(&world, after), ["new"]);
    let after = ConversationsPage { updated_after: Some(at(29)), ..all.clone() };
    assert_eq!(listed(&world, after), ["new", "tie-b", "tie-a"]);

    let (app, old) = (world.app, conversation_id("old"));
    let message = NewMessage { created_at: at(50), ..new_message(&old, "bob", "later") };
    world.write(move |tx| tx.append_message(app, message));
    assert_eq!(listed(&world, all), ["old", "new", "tie-b", "tie-a"]);
}

pub(super) fn conversations_come_in_pages(make: &MakeStore) {
    let world = World::new(make);
    for (name, millis) in [("a", 20), ("b", 30), ("c", 30), ("d", 30), ("e", 40)] {
        changed(&world, name, millis);
    }
    let mut page = ConversationsPage { limit: 2, ..ConversationsPage::default() };
    let mut pages = Vec::new();
    loop {
        let (app, asked) = (world.app, page.clone());
        let items = world.read(move |read| read.conversations_of(app, &user_id("ann"), &asked));
        let Some(last) = items.last() else { break };
        let last = &last.conversation;
        page.before = Some((last.updated_at, last.id.clone()));
        pages.push(items.iter().map(|item| name(&item.conversation.id)).collect::<Vec<_>>());
    }
    assert_eq!(pages, [vec!["e", "d"], vec!["c", "b"], vec!["a"]]);
    let both = ConversationsPage {
        before: Some((at(30), conversation_id("d"))),
        updated_after: Some(at(20)),
        limit: 10,
    };
    assert_eq!(listed(&world, both), ["c", "b"]);
}

pub(super) fn a_summary_shows_members_newest_message_and_unread_count(make: &MakeStore) {
    let world = World::new(make);
    let app = world.app;
    let id = world.converse("one", &["ann", "bob"]);
    let summary_of = |user: &str| {
        let user = user_id(user);
        let page = ConversationsPage { limit: 1, ..ConversationsPage::default() };
        world.read(move |read| read.conversations_of(app, &user, &page)).pop().expect("one")
    };
    let empty = summary_of("ann");
    assert_eq!((empty.last_message, empty.unread_count), (None, 0));

    world.say(&id, "ann", &["1", "2"]);
    world.say(&id, "bob", &["3"]);
    world.say(&id, "ann", &["4"]);
    let (raised, reader) = (id.clone(), user_id("bob"));
    world.write(move |tx| tx.raise_watermark(app, &raised, &reader, Watermark::Read, 1));
    let of_bob = summary_of("bob");
    assert_eq!(of_bob.unread_count, 2, "messages 2 and 4; 3 is his own");
    assert_eq!(of_bob.last_message.map(|message| message.id), Some(message_id("4")));
    assert_eq!(of_bob.conversation.last_position, 4);
    assert_eq!(of_bob.conversation.members, user_ids(&["ann", "bob"]));
    assert_eq!(
        of_bob.members,
        [
            Member { user_id: user_id("ann"), delivered_up_to: 0, read_up_to: 0 },
            Member { user_id: user_id("bob"), delivered_up_to: 1, read_up_to: 1 }
        ]
    );
    assert_eq!(summary_of("ann").unread_count, 1);
}

/// A conversation of ann's that changed last at this moment.
fn changed(world: &World, name: &str, millis: i64) {
    let app = world.app;
    let mut conversation = conversation(name, &["ann", "bob", "carl"]);
    conversation.updated_at = at(millis);
    world.write(move |tx| tx.insert_conversation(app, &conversation));
}

/// The names of ann's conversations.
fn listed(world: &World, page: ConversationsPage) -> Vec<String> {
    let app = world.app;
    let items = world.read(move |read| read.conversations_of(app, &user_id("ann"), &page));
    items.iter().map(|item| name(&item.conversation.id)).collect()
}

fn name(id: &ConversationId) -> String {
    id.as_str().strip_prefix("conversation-").expect("made by this suite").to_owned()
}
