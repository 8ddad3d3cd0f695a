//! What was erased is not in the file any more.

use callbox_domain::{Conversation, ConversationId, MessageId, SessionId, Timestamp, User, UserId};
use callbox_storage::{NewMessage, StoreResult, Tx};

use super::{APP, World, user, user_id};

/// Nothing else in the file has this in it.
const MARK: &str = "unmistakable";
const OTHERS: u32 = 40;

/// Histories that grow side by side, with texts of many lengths: pages split, and cells move between them.
fn talk(tx: &mut dyn Tx, round: u32) -> StoreResult<()> {
    for other in 0..OTHERS {
        let length = usize::try_from((round * 7 + other * 13) % 300).expect("short");
        let message = |sender: &UserId, kind: &str, text: String| NewMessage {
            id: MessageId::new(format!("message-{kind}-{other}-{round}")).expect("an id"),
            conversation_id: conversation_id(other),
            sender_id: sender.clone(),
            sender_session_id: SessionId::new(format!("session-{MARK}")).expect("an id"),
            text: text.into(),
            created_at: Timestamp::from_millis(1_700_000_000_000),
        };
        let text = format!("{MARK}{}{MARK}", "x".repeat(length * usize::from(!round.is_multiple_of(9)) * 4));
        tx.append_message(APP, message(&erased(), "ann", text))?;
        let theirs = message(&friend(other), "friend", "y".repeat(length));
        tx.append_message(
            APP,
            NewMessage { sender_session_id: SessionId::new("session-x").expect("an id"), ..theirs },
        )?;
    }
    Ok(())
}

fn erased() -> UserId {
    user_id(&format!("ann-{MARK}"))
}

fn friend(number: u32) -> UserId {
    user_id(&format!("friend-{number}"))
}

fn conversation_id(number: u32) -> ConversationId {
    // Not in the order of their numbers, so that rows go in between others.
    ConversationId::new(format!("conversation-{}", (number * 7_919) % 1_000)).expect("an id")
}

#[test]
fn nothing_of_an_erased_user_is_left_in_the_file_after_the_next_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("callbox.db");
    let world = World::in_file(&path);
    world.furnish();
    let made = world.write(|tx| {
        let epoch = callbox_domain::MailboxEpoch::new("k3").expect("an epoch");
        tx.insert_user(APP, &User { id: erased(), ..user("ann") }, &epoch)?;
        for other in 0..OTHERS {
            let moment = Timestamp::from_millis(3);
            let conversation = Conversation {
                id: conversation_id(other),
                members: vec![erased(), friend(other)],
                last_position: 0,
                created_at: moment,
                updated_at: moment,
            };
            tx.insert_conversation(APP, &conversation)?;
        }
        Ok(())
    });
    assert_eq!(made, Ok(()));
    for round in 0..60 {
        assert_eq!(world.write(move |tx| talk(tx, round)), Ok(()));
    }
    world.store.close();
    assert!(count(&path) > 1_000, "it was there");

    let world = World::in_file(&path);
    let tombstone = user_id("deleted_00000000000000000000000000");
    let moment = Timestamp::from_millis(9);
    assert_eq!(world.write(move |tx| tx.begin_erasure(APP, &erased(), &tombstone, moment)), Ok(true));
    while world.write(|tx| tx.erase_part(APP, &erased(), 500)).expect("it can be erased") {}
    let backup = folder.path().join("backup");
    crate::back_up(&path, &backup, Timestamp::from_millis(10), &mut |_| crate::Proceed::Yes)
        .expect("a backup");
    assert_eq!(count(&backup), 0, "a backup has what is there, and nothing that was");
    world.store.close();
    let left = count(&path);
    assert!(left < 100, "only copies in the unused parts of pages are left: {left}");

    World::in_file(&path).store.close();
    assert_eq!(count(&path), 0, "the next start has written the file anew");
}

/// How often the mark stands in a file.
fn count(path: &std::path::Path) -> usize {
    let bytes = std::fs::read(path).expect("a file");
    bytes.windows(MARK.len()).filter(|window| *window == MARK.as_bytes()).count()
}
