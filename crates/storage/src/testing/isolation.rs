//! Nothing crosses apps: both apps hold the same ids, and every verb sees and changes its own only.

use std::sync::Arc;

use callbox_domain::call::CallEnd;
use callbox_domain::{
    AppId, AssertedBy, CallEndCause, CallEventRecord, Event, Identity, IdentityType, SessionEndReason,
    SessionStatus, Watermark,
};

use super::MakeStore;
use super::world::{
    World, at, call, call_id, conversation, conversation_id, epoch, is_new, message_id, new_message, send,
    session, session_id, user, user_id, user_ids,
};
use crate::{ConversationsPage, EventsPage, MessagesPage, NewMessage, StoreResult, Tx};

pub(super) fn people_and_sessions_stay_in_their_app(make: &MakeStore) {
    let world = World::new(make);
    let (app, other) = (world.app, world.other_app);
    let number = Identity {
        identity_type: IdentityType::Number,
        value: "+46700000000".to_owned(),
        user_id: user_id("ann"),
        asserted_by: AssertedBy::Backend,
        created_at: at(3),
    };
    world.write(move |tx| {
        tx.insert_user(app, &user("ann"), &epoch())?;
        tx.insert_identity(app, &number)?;
        tx.insert_session(&session(app, "phone", "ann"), &[1; 32])?;
        assert!(tx.user(other, &user_id("ann"))?.is_none());
        assert!(tx.users(other, None, 10)?.is_empty());
        assert!(tx.mailbox(other, &user_id("ann"))?.is_none());
        assert!(tx.identity(other, IdentityType::Number, &number.value)?.is_none());
        assert!(tx.identities_of(other, &user_id("ann"))?.is_empty());
        assert!(tx.session(other, &session_id("phone"))?.is_none());
        assert!(!tx.end_session(other, &session_id("phone"), at(9), SessionEndReason::Expired)?);
        tx.touch_user(other, &user_id("ann"), at(9))?;

        assert!(is_new(tx.insert_user(other, &user("ann"), &epoch())?));
        assert!(is_new(tx.insert_identity(other, &number)?));
        tx.insert_session(&session(other, "tablet", "ann"), &[2; 32])?;
        tx.touch_user(other, &user_id("ann"), at(8))?;
        assert!(tx.end_session(other, &session_id("tablet"), at(9), SessionEndReason::Expired)?);
        Ok(())
    });
    let ann = world.read(move |read| read.user(app, &user_id("ann")));
    assert_eq!(ann, Some(user("ann")));
    let phone = world.read(move |read| read.session(app, &session_id("phone")));
    assert_eq!(phone.map(|session| session.status), Some(SessionStatus::Open));
}

pub(super) fn conversations_stay_in_their_app(make: &MakeStore) {
    let world = World::new(make);
    let (app, other) = (world.app, world.other_app);
    world.write(move |tx| {
        let id = conversation_id("one");
        tx.insert_conversation(app, &conversation("one", &["ann", "bob"]))?;
        tx.append_message(app, new_message(&id, "ann", "one"))?;
        assert!(tx.conversation(other, &id)?.is_none());
        assert!(tx.direct_conversation(other, &user_id("ann"), &user_id("bob"))?.is_none());
        assert!(tx.members(other, &id)?.is_empty());
        let page = ConversationsPage { limit: 10, ..ConversationsPage::default() };
        assert!(tx.conversations_of(other, &user_id("ann"), &page)?.is_empty());
        assert!(tx.message(other, &message_id("one"))?.is_none());
        assert!(tx.messages(other, &id, MessagesPage::Latest, 10)?.is_empty());
        let raised = tx.raise_watermark(other, &id, &user_id("bob"), Watermark::Read, 1)?;
        assert!(raised.is_none());

        tx.insert_conversation(other, &conversation("one", &["ann", "bob"]))?;
        let message = NewMessage { text: "another text".into(), ..new_message(&id, "bob", "one") };
        assert_eq!(tx.append_message(other, message)?.position, 1);
        let raised = tx.raise_watermark(other, &id, &user_id("ann"), Watermark::Read, 1)?;
        assert!(raised.is_some());
        Ok(())
    });
    let id = conversation_id("one");
    let members = world.read(move |read| read.members(app, &id));
    assert!(members.iter().all(|member| member.delivered_up_to == 0));
    let message = world.read(move |read| read.message(app, &message_id("one")));
    assert_eq!(message.as_ref().map(|message| &*message.text), Some("text of one"));
    let message = world.read(move |read| read.message(other, &message_id("one")));
    assert_eq!(message.as_ref().map(|message| &*message.text), Some("another text"));
}

pub(super) fn events_stay_in_their_app(make: &MakeStore) {
    let world = World::new(make);
    let (app, other) = (world.app, world.other_app);
    let fill = |tx: &mut dyn Tx, app: AppId, texts: &[&str]| -> StoreResult<()> {
        tx.insert_user(app, &user("ann"), &epoch())?;
        tx.insert_conversation(app, &conversation("one", &["ann", "bob"]))?;
        for text in texts {
            let message = new_message(&conversation_id("one"), "bob", text);
            send(tx, app, message, &user_ids(&["ann"]))?;
        }
        Ok(())
    };
    world.write(move |tx| {
        fill(tx, app, &["a", "b"])?;
        fill(tx, other, &["c"])
    });
    for (app, expected) in [(app, &["a", "b"][..]), (other, &["c"])] {
        let page = EventsPage { after: 0, limit: 10 };
        let events = world.read(move |read| read.events(app, &user_id("ann"), page));
        let names: Vec<_> = events
            .iter()
            .map(|event| match &*event.event {
                Event::MessageCreated(message) => message.id.clone(),
                told => panic!("{told:?}"),
            })
            .collect();
        assert_eq!(names, expected.iter().map(|name| message_id(name)).collect::<Vec<_>>());
        assert!(events.iter().all(|event| event.app_id == app));
        let newest = u32::try_from(expected.len()).expect("small");
        let found = world.read(move |read| read.positions_in_events(app, &user_id("ann"), 0, 10));
        assert_eq!(found, [(conversation_id("one"), newest)]);
    }
}

pub(super) fn calls_stay_in_their_app(make: &MakeStore) {
    let world = World::new(make);
    let (app, other) = (world.app, world.other_app);
    let line =
        CallEventRecord { at: at(31), kind: "ringing".to_owned(), user_id: None, details: String::new() };
    world.write(move |tx| {
        let id = call_id("one");
        tx.insert_call(&call(app, "one", "ann", "bob"))?;
        tx.append_call_event(app, &id, &line)?;
        tx.append_call_signal(app, &id, "offer")?;
        assert!(tx.call(other, &id)?.is_none());
        assert!(tx.live_calls_of(other, &user_id("ann"))?.is_empty());
        assert!(tx.call_events(other, &id)?.is_empty());
        assert!(tx.call_signals(other, &id)?.is_empty());
        tx.append_call_signal(other, &id, "stray")?;

        let mut twin = call(other, "one", "ann", "bob");
        assert!(is_new(tx.insert_call(&twin)?));
        twin.end = Some(CallEnd { at: at(50), cause: CallEndCause::Failed, by: None });
        tx.update_call(&twin)?;
        let summary = Arc::new(Event::CallEnded(twin.summary().expect("over")));
        tx.insert_user(other, &user("ann"), &epoch())?;
        tx.append_event(other, &user_id("ann"), &summary, at(20)).map(drop)
    });
    let record = call(app, "one", "ann", "bob");
    assert_eq!(world.read(move |read| read.call(app, &call_id("one"))), Some(record.clone()));
    assert_eq!(world.read(|read| read.live_calls()), [record]);
    assert_eq!(world.read(move |read| read.call_signals(app, &call_id("one"))), ["offer"]);
    assert_eq!(world.read(move |read| read.call_events(app, &call_id("one"))).len(), 1);
}
