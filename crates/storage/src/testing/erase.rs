//! Erasing users.

use std::sync::Arc;

use callbox_domain::{
    AccessToken, AppId, AssertedBy, AuditEntry, CallEndCause, CallEventRecord, CallRecord, ConversationId,
    DeviceCredential, Event, Identity, IdentityType, OneTimePurpose, OneTimeToken, PasswordRecord,
    SessionEndReason, UserId, Watermark,
};

use callbox_domain::call::CallEnd;

use super::MakeStore;
use super::world::{
    World, at, call, call_id, conversation_id, epoch, is_new, new_message, send, session, session_id, user,
    user_id, user_ids,
};
use crate::{ConversationsPage, EventsPage, MessagesPage, StoreResult, Tx};

/// Everything that can name ann, beside what bob has.
fn full_life(make: &MakeStore) -> World {
    let world = World::with_users(make, &["ann", "bob", "carl"]);
    world.converse("direct", &["ann", "bob"]);
    world.converse("silent", &["ann", "carl"]);
    world.converse("trio", &["ann", "bob", "carl"]);
    world.converse("others", &["bob", "carl"]);
    let app = world.app;
    world.write(move |tx| {
        let talks: &[(&str, &str, &[&str])] = &[
            ("direct", "ann", &["ann", "bob"]),
            ("direct", "bob", &["ann", "bob"]),
            ("trio", "ann", &["ann", "bob", "carl"]),
            ("trio", "carl", &["ann", "bob", "carl"]),
            ("others", "bob", &["bob", "carl"]),
            ("direct", "ann", &["ann", "bob"]),
        ];
        for (number, (place, sender, members)) in talks.iter().enumerate() {
            let id = format!("{place}-{number}");
            let message = new_message(&conversation_id(place), sender, &id);
            send(tx, app, message, &user_ids(members))?;
        }
        for (place, reader) in [("direct", "ann"), ("direct", "bob"), ("trio", "ann"), ("trio", "carl")] {
            let conversation = conversation_id(place);
            let receipt = tx.raise_watermark(app, &conversation, &user_id(reader), Watermark::Read, 2)?;
            let event = Arc::new(Event::ReceiptChanged(receipt.expect("it rises")));
            for member in tx.members(app, &conversation)? {
                tx.append_event(app, &member.user_id, &event, at(20))?;
            }
        }
        calls_of_ann(tx, app)?;
        credentials_of_ann(tx, app)
    });
    world
}

fn calls_of_ann(tx: &mut dyn Tx, app: AppId) -> StoreResult<()> {
    for (id, from, to) in [("out", "ann", "bob"), ("in", "bob", "ann"), ("others", "bob", "carl")] {
        tx.insert_call(&call(app, id, from, to))?;
        for who in [from, to] {
            let line = CallEventRecord {
                at: at(40),
                kind: "ringing".to_owned(),
                user_id: Some(user_id(who)),
                details: format!("{{\"sessionId\":\"session-{who}\"}}"),
            };
            tx.append_call_event(app, &call_id(id), &line)?;
        }
        let end = CallEnd { at: at(50), cause: CallEndCause::Completed, by: Some(user_id(from)) };
        let over = CallRecord { end: Some(end), snapshot: String::new(), ..call(app, id, from, to) };
        tx.update_call(&over)?;
        let event = Arc::new(Event::CallEnded(over.summary().expect("it is over")));
        for who in [from, to] {
            tx.append_event(app, &user_id(who), &event, at(50))?;
        }
    }
    Ok(())
}

fn credentials_of_ann(tx: &mut dyn Tx, app: AppId) -> StoreResult<()> {
    let ann = user_id("ann");
    tx.insert_session(&session(app, "phone", "ann"), &[1; 32])?;
    tx.insert_session(&session(app, "laptop", "ann"), &[2; 32])?;
    tx.insert_session(&session(app, "bobs", "bob"), &[3; 32])?;
    for id in ["phone", "laptop"] {
        tx.end_session(app, &session_id(id), at(60), SessionEndReason::UserDeleted)?;
    }
    for value in ["ann", "ann-too"] {
        let identity = Identity {
            identity_type: IdentityType::Username,
            value: value.to_owned(),
            user_id: ann.clone(),
            asserted_by: AssertedBy::Myself,
            created_at: at(1),
        };
        tx.insert_identity(app, &identity)?;
    }
    let password = PasswordRecord { user_id: ann.clone(), hash: "$argon2".to_owned(), changed_at: at(1) };
    tx.set_password(app, &password)?;
    tx.insert_access_token(app, &access_token(&ann))?;
    tx.insert_device_credential(app, &device_credential(&ann))?;
    let purpose = OneTimePurpose::PasswordReset;
    let token = OneTimeToken { hash: [4; 32], purpose, user_id: ann, expires_at: at(99) };
    tx.insert_one_time_token(app, &token)?;
    for (action, subject) in [("user.blocked", "ann"), ("app.updated", "ann"), ("user.blocked", "bob")] {
        let entry = AuditEntry {
            at: at(1),
            actor: "app".to_owned(),
            action: action.to_owned(),
            app_id: Some(app),
            subject: subject.to_owned(),
            details: "{}".to_owned(),
        };
        tx.append_audit(&entry)?;
    }
    Ok(())
}

fn access_token(user: &UserId) -> AccessToken {
    AccessToken {
        id: "tok_1".to_owned(),
        user_id: user.clone(),
        prefix: "cba_1".to_owned(),
        hash: [7; 32],
        created_at: at(1),
        expires_at: None,
    }
}

fn device_credential(user: &UserId) -> DeviceCredential {
    DeviceCredential {
        username: "device".to_owned(),
        user_id: user.clone(),
        hash: [8; 32],
        session_id: session_id("phone"),
        metadata: "{}".to_owned(),
        sandbox: false,
        created_at: at(1),
    }
}

fn tombstone() -> UserId {
    user_id("deleted_00000000000000000000000000")
}

fn begin(world: &World, name: &'static str, stand_in: UserId) -> bool {
    let app = world.app;
    world.write(move |tx| tx.begin_erasure(app, &user_id(name), &stand_in, at(70)))
}

fn erase(world: &World, rows_max: u32) -> bool {
    let app = world.app;
    world.write(move |tx| tx.erase_part(app, &user_id("ann"), rows_max))
}

/// Bob's log, lists and histories as he can read them.
fn what_bob_sees(world: &World) -> (Vec<Event>, Vec<ConversationId>, Vec<String>) {
    let app = world.app;
    let page = EventsPage { after: 0, limit: 100 };
    let log = world.read(move |read| read.events(app, &user_id("bob"), page));
    assert!((1..).zip(&log).all(|(seq, event)| event.seq == seq), "no number is missing");
    let page = ConversationsPage { limit: 100, ..ConversationsPage::default() };
    let list = world.read(move |read| read.conversations_of(app, &user_id("bob"), &page));
    let ids: Vec<_> = list.iter().map(|one| one.conversation.id.clone()).collect();
    let mut texts = Vec::new();
    for id in ids.clone() {
        let messages = world.read(move |read| read.messages(app, &id, MessagesPage::Latest, 100));
        texts.extend(messages.iter().map(|message| message.text.to_string()));
    }
    (log.iter().map(|logged| Event::clone(&logged.event)).collect(), ids, texts)
}

pub(super) fn others_can_read_after_every_part_of_an_erasure(make: &MakeStore) {
    let world = full_life(make);
    let before = what_bob_sees(&world);
    assert!(begin(&world, "ann", tombstone()));
    let mut parts = 1;
    while erase(&world, 1) {
        parts += 1;
        let now = what_bob_sees(&world);
        assert_eq!((now.0.len(), &now.1), (before.0.len(), &before.1));
        assert!(parts < 1_000, "an erasure comes to its end");
    }
    assert!(parts > 30, "each part is small: {parts}");
    let (log, _, texts) = what_bob_sees(&world);
    let ann = user_id("ann");
    for event in &log {
        let named: Vec<&UserId> = match event {
            Event::MessageCreated(message) => {
                std::iter::once(&message.sender_id).chain(&message.recipient_id).collect()
            }
            Event::ReceiptChanged(receipt) => vec![&receipt.user_id],
            Event::CallEnded(call) => {
                [&call.caller_id, &call.callee_id].into_iter().chain(&call.ended_by).collect()
            }
        };
        assert!(!named.contains(&&ann), "{event:?}");
    }
    let kept = ["text of direct-1", "text of trio-3", "text of others-4"];
    assert_eq!(texts.iter().filter(|text| text.is_empty()).count(), 3, "{texts:?}");
    assert_eq!(texts.iter().filter(|text| kept.contains(&text.as_str())).count(), 3, "{texts:?}");
}

pub(super) fn a_tombstone_takes_the_place_of_an_erased_user(make: &MakeStore) {
    let world = full_life(make);
    let app = world.app;
    begin(&world, "ann", tombstone());
    while erase(&world, 7) {}
    let direct = world.read(move |read| read.direct_conversation(app, &user_id("bob"), &tombstone()));
    let direct = direct.expect("the same conversation");
    assert_eq!((direct.id, direct.last_position), (conversation_id("direct"), 3));
    assert_eq!(direct.members, [user_id("bob"), tombstone()]);
    let members = world.read(move |read| read.members(app, &conversation_id("direct")));
    assert_eq!(members[1].read_up_to, 2, "how far the user was stays known");
    let messages =
        world.read(move |read| read.messages(app, &conversation_id("direct"), MessagesPage::Latest, 9));
    assert_eq!((&*messages[0].text, &messages[0].sender_id), ("", &tombstone()));
    assert_eq!(messages[0].sender_session_id.as_str(), tombstone().as_str());
    assert_eq!(messages[1].recipient_id, Some(tombstone()));
    assert_ne!(messages[1].sender_session_id.as_str(), tombstone().as_str());
    let trio = world.read(move |read| read.messages(app, &conversation_id("trio"), MessagesPage::Latest, 9));
    assert_eq!((&*trio[0].text, &trio[1].sender_id), ("", &user_id("carl")));
    let out = world.read(move |read| read.call(app, &call_id("out"))).expect("kept");
    assert_eq!((out.caller_id, out.end.and_then(|end| end.by)), (tombstone(), Some(tombstone())));
    let lines = world.read(move |read| read.call_events(app, &call_id("in")));
    assert_eq!((&lines[1].user_id, &*lines[1].details), (&Some(tombstone()), ""));
    assert!(lines[0].details.contains("session-bob"));
    let ended = world.read(|read| read.ended_sessions_after(0, 10));
    assert!(ended.iter().all(|one| one.user_id == tombstone()), "{ended:?}");
    let audit = world.read(move |read| read.audit(Some(app), None, 10));
    let subjects: Vec<_> = audit.iter().map(|record| record.entry.subject.clone()).collect();
    assert_eq!(subjects, ["bob".to_owned(), "ann".to_owned(), tombstone().to_string()]);
}

pub(super) fn nothing_is_left_for_whoever_gets_the_id_next(make: &MakeStore) {
    let world = full_life(make);
    let app = world.app;
    begin(&world, "ann", tombstone());
    while erase(&world, 500) {}
    assert!(!erase(&world, 500), "there is nothing to do any more");
    assert_eq!(world.read(move |read| read.user(app, &user_id("ann"))), None);
    assert!(is_new(world.write(move |tx| tx.insert_user(app, &user("ann"), &epoch()))));
    assert!(!erase(&world, 500), "nor to a new user of the same id");
    let ann = || user_id("ann");
    let mailbox = world.read(move |read| read.mailbox(app, &ann())).expect("a new one");
    assert_eq!((mailbox.head, mailbox.pruned_up_to), (0, 0));
    let page = ConversationsPage { limit: 100, ..ConversationsPage::default() };
    assert_eq!(world.read(move |read| read.conversations_of(app, &ann(), &page)), []);
    assert_eq!(world.read(move |read| read.direct_conversation(app, &ann(), &user_id("bob"))), None);
    assert_eq!(world.read(move |read| read.identities_of(app, &ann())), []);
    assert_eq!(world.read(move |read| read.password(app, &ann())), None);
    assert_eq!(world.read(move |read| read.access_tokens_of(app, &ann())), []);
    assert_eq!(world.read(move |read| read.device_credentials_of(app, &ann())), []);
    assert_eq!(world.read(move |read| read.session(app, &session_id("phone"))), None);
    assert_eq!(world.write(move |tx| tx.take_one_time_token(app, &[4; 32])), None);
    assert!(world.read(move |read| read.session(app, &session_id("bobs"))).is_some());
    // The ends of conversations and logs that the store remembers are the new ones.
    let place = world.converse("new", &["ann", "bob"]);
    let message = new_message(&place, "ann", "first");
    world.write(move |tx| send(tx, app, message, &user_ids(&["ann", "bob"])));
    assert_eq!(world.read(move |read| read.mailbox(app, &ann())).map(|mailbox| mailbox.head), Some(1));
    what_bob_sees(&world);
}

pub(super) fn an_erasure_begins_once_and_keeps_the_user_out(make: &MakeStore) {
    let world = full_life(make);
    let app = world.app;
    let other = user_id("deleted_11111111111111111111111111");
    assert!(!begin(&world, "zoe", tombstone()), "there is no such user");
    assert!(begin(&world, "ann", tombstone()));
    assert!(begin(&world, "ann", other.clone()));
    world.write(move |tx| tx.set_user_blocked(app, &user_id("ann"), None));
    let ann = world.read(move |read| read.user(app, &user_id("ann"))).expect("still there");
    assert_eq!(ann.blocked_at, Some(at(70)), "nobody lets them in again");
    let erased = |name: &'static str| world.read(move |read| read.is_being_erased(app, &user_id(name)));
    assert_eq!((erased("ann"), erased("bob")), (true, false));
    assert_eq!(world.read(|read| read.erasures(10)), [(app, user_id("ann"))]);
    while erase(&world, 3) {}
    assert_eq!(world.read(|read| read.erasures(10)), []);
    assert!(!erased("ann"));
    let found = world.read(move |read| read.direct_conversation(app, &user_id("bob"), &other));
    assert_eq!(found, None, "the first tombstone counts");
}

pub(super) fn an_erasure_stays_in_its_app(make: &MakeStore) {
    let world = full_life(make);
    let other = world.other_app;
    world.write(move |tx| {
        tx.insert_user(other, &user("ann"), &epoch())?;
        tx.insert_session(&session(other, "abroad", "ann"), &[9; 32])?;
        tx.insert_access_token(other, &access_token(&user_id("ann")))
    });
    begin(&world, "ann", tombstone());
    while erase(&world, 500) {}
    assert!(
        world
            .read(move |read| read.user(other, &user_id("ann")))
            .is_some_and(|user| user.blocked_at.is_none())
    );
    assert!(world.read(move |read| read.session(other, &session_id("abroad"))).is_some());
    assert!(world.read(move |read| read.access_token(other, &[7; 32])).is_some());
}
