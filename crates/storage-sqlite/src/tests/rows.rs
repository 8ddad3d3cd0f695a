//! Rows that do not hold what they must are named by table, column and key.

use callbox_domain::{CallId, CallMedia, CallRecord, MessageId, Timestamp};
use callbox_storage::{EventsPage, Read, StoreError, StoreResult};

use super::{APP, World, conversation, send, user_id};

#[test]
fn a_bad_row_is_named() {
    for (sql, expected) in [
        (
            "UPDATE people SET user_id = 'two words' WHERE user_id = 'ann'",
            "messages.sender_id of the row (1, conversation, 1)",
        ),
        ("UPDATE messages SET sender = 9", "messages.sender_id of the row (1, conversation, 1)"),
        ("UPDATE messages SET recipient = 9", "messages.recipient_id of the row (1, conversation, 1)"),
        ("UPDATE messages SET id = 'short'", "messages.id of the row (1, conversation, 1)"),
        ("UPDATE messages SET place = 9 << 32", "messages.conversation_id of the row (1, null, 0)"),
        ("UPDATE messages SET created_at = 9e17", "messages.created_at of the row (1, conversation, 1)"),
        (
            "UPDATE conversation_members SET read_up_to = 4294967296 WHERE person = 2",
            "conversation_members.read_up_to of the row (1, conversation, bob)",
        ),
        ("UPDATE users SET created_at = -99999999999999", "users.created_at of the row (1, ann)"),
        ("UPDATE apps SET settings = 'plain'", "apps.settings of the row (1)"),
        ("UPDATE apps SET key = ''", "apps.key of the row (1)"),
        ("UPDATE mailboxes SET epoch = ''", "mailboxes.epoch of the row (1, bob)"),
        ("UPDATE events SET kind = 9", "events.kind of the row (2, 1)"),
        ("UPDATE events SET place = NULL", "events.place of the row (2, 1)"),
        ("UPDATE events SET place = 7", "events of the row (1, bob, 1) refers to nothing"),
        ("UPDATE calls SET media = 'smell'", "calls.media of the row (1, call-one)"),
        ("UPDATE calls SET ended_at = 5", "calls.end_cause of the row (1, call-one)"),
        ("UPDATE calls SET ended_at = 5, end_cause = 'bored'", "calls.end_cause of the row (1, call-one)"),
    ] {
        let world = World::in_memory();
        world.furnish();
        assert_eq!(world.write(|tx| send(tx, "one", "hello")), Ok(()));
        assert_eq!(world.write(|tx| tx.insert_call(&call()).map(drop)), Ok(()));
        assert_eq!(world.read(everything), Ok(()), "before {sql}");
        world.tamper(sql);
        assert_eq!(world.read(everything), Err(StoreError::Corrupt(expected.to_owned())), "{sql}");
    }
}

#[test]
fn a_bad_row_does_not_stop_others() {
    let world = World::in_memory();
    world.furnish();
    assert_eq!(world.write(|tx| send(tx, "one", "hello")), Ok(()));
    world.tamper("UPDATE messages SET sender = 9");
    let bad = world.write(|tx| tx.message(APP, &MessageId::new("message-one").expect("an id")));
    assert!(bad.is_err());
    assert_eq!(world.write(|tx| send(tx, "two", "hello")), Ok(()));
}

/// Reads a row of each of the tables above.
fn everything(read: &dyn Read) -> StoreResult<()> {
    read.apps()?;
    read.users(APP, None, 10)?;
    read.message(APP, &MessageId::new("message-one").expect("an id"))?;
    read.messages(APP, &conversation().id, callbox_storage::MessagesPage::Latest, 10)?;
    read.members(APP, &conversation().id)?;
    read.mailbox(APP, &user_id("bob"))?;
    read.events(APP, &user_id("bob"), EventsPage { after: 0, limit: 10 })?;
    read.call(APP, &call().id)?;
    Ok(())
}

fn call() -> CallRecord {
    CallRecord {
        app_id: APP,
        id: CallId::new("call-one").expect("an id"),
        caller_id: user_id("ann"),
        callee_id: user_id("bob"),
        media: CallMedia::Audio,
        created_at: Timestamp::from_millis(4),
        accepted_at: None,
        end: None,
        snapshot: String::new(),
    }
}
