//! Users as managers change them, and what is left of those who were erased.

use callbox_bus::Notice;
use callbox_call_proto::EndReason;
use callbox_domain::{
    CallId, CallMedia, ConnectionId, ConversationId, IdentityType, SessionEndReason, UserId,
};
use callbox_storage::MessagesPage;
use callbox_wire::ErrorCode;
use futures_executor::block_on;

use super::{IdentityLink, IdentityName, NewUser};
use crate::audit::Actor;
use crate::calls::StartRequest;
use crate::error::Refusal;
use crate::messaging::{ListConversations, ListMessages};
use crate::testing::{WHOLE_LOG, World, code, open_sign_in, to_conversation, user_id};
use crate::{Caller, Manager, ServiceResult};

const ALL: ListConversations = ListConversations { before: None, updated_after: None, limit: 100 };

fn manager(world: &World, actor: Actor) -> Manager {
    Manager { app: world.caller("somebody").app, actor }
}

fn erase(world: &World, user: &str) -> ServiceResult<()> {
    block_on(world.service.erase_user(&manager(world, Actor::App), user_id(user)))
}

/// Starts a call on the caller's only connection.
fn call(world: &World, from: &Caller, id: &str, to: &str) -> ServiceResult<()> {
    let connection = ConnectionId::new(format!("tab-of-{}", from.user_id)).expect("valid");
    block_on(world.service.connection_opened(from, &connection));
    let request = StartRequest {
        call_id: CallId::new(id).expect("valid"),
        callee_id: user_id(to),
        media: CallMedia::Audio,
        ring: None,
    };
    block_on(world.service.start_call(from, &connection, request)).map(drop)
}

fn history(world: &World, reader: &Caller, conversation: &ConversationId) -> Vec<(UserId, String)> {
    let list = ListMessages { conversation_id: conversation.clone(), page: MessagesPage::Latest, limit: 100 };
    let found = block_on(world.service.list_messages(reader, list)).expect("bob is in it");
    found.items.into_iter().map(|message| (message.sender_id, message.text.to_string())).collect()
}

#[test]
fn an_erased_user_leaves_readable_histories_and_a_free_id() {
    let world = World::new();
    let (ann, bob) = (world.caller("ann"), world.caller("bob"));
    let place = world.send(&ann, "message-1", "bob", "a secret").expect("sent").conversation_id;
    world.send(&bob, "message-2", "ann", "an answer").expect("sent");
    call(&world, &ann, "call-over", "bob").expect("it rings");
    let over = CallId::new("call-over").expect("valid");
    block_on(world.service.end_call(&ann, None, over, EndReason::HangUp)).expect("ended");
    // One that lives, and in which ann takes no part yet.
    call(&world, &bob, "call-live", "ann").expect("it rings");
    world.notices();
    erase(&world, "ann").expect("erased");

    let mut told = world.notices().into_iter();
    let is_end =
        |notice: &Notice| matches!(notice, Notice::SessionEnded { user_id, .. } if *user_id == ann.user_id);
    assert!(told.any(|notice| is_end(&notice)), "her connections are told");
    assert_eq!(code(block_on(world.service.resume_session(&ann))), ErrorCode::TokenUnknown);
    let seen = history(&world, &bob, &place);
    let tombstone = seen[0].0.clone();
    assert!(tombstone.is_tombstone());
    assert_eq!(seen, [(tombstone.clone(), String::new()), (user_id("bob"), "an answer".to_owned())]);
    let replayed =
        block_on(world.service.replay(&bob, 0, WHOLE_LOG)).expect("every event refers to something").events;
    let frames: Vec<_> = replayed.iter().map(|(seq, frame)| frame.with_seq(*seq)).collect();
    let ends: Vec<_> = frames.iter().filter(|frame| frame.contains("call.ended")).collect();
    assert_eq!(ends.len(), 2, "{frames:?}");
    assert!(ends[1].contains("server_ended"), "{ends:?}");
    assert!(frames.iter().all(|frame| !frame.contains("\"ann\"") && !frame.contains("secret")), "{frames:?}");

    block_on(world.service.mark_read(&bob, place.clone(), 2)).expect("what is left can be read");
    let repeated =
        world.send(&bob, "message-2", "ann", "an answer").expect("accepted, as it was the first time");
    assert_eq!((repeated.position, repeated.recipient_id), (2, Some(tombstone.clone())));
    let refused = [
        world.send_to(&bob, "message-3", to_conversation(&place), "hello?"),
        world.send(&bob, "message-4", tombstone.as_str(), "hello?"),
        world.send(&bob, "message-5", "ann", "hello?"),
        world.send(&ann, "message-6", "bob", "from a request that was under way"),
    ];
    for refused in refused {
        assert_eq!(code(refused), ErrorCode::UserNotFound);
    }
    assert_eq!(code(call(&world, &bob, "call-none", "ann")), ErrorCode::UserNotFound);
    assert_eq!(code(world.sign_in(open_sign_in(tombstone.as_str()))), ErrorCode::InvalidRequest);

    let again = world.caller("ann");
    let list = |who: &Caller| block_on(world.service.list_conversations(who, ALL)).expect("a list").items;
    assert!(list(&again).is_empty());
    assert!(block_on(world.service.replay(&again, 0, WHOLE_LOG)).expect("a log").events.is_empty());
    let new = world.send(&again, "message-7", "bob", "hi").expect("sent");
    assert_ne!(new.conversation_id, place);
    assert_eq!((list(&again).len(), list(&bob).len()), (1, 2));
}

#[test]
fn an_erasure_that_was_cut_short_keeps_the_user_out_and_is_finished_later() {
    let world = World::new();
    let (ann, bob) = (world.caller("ann"), world.caller("bob"));
    call(&world, &ann, "call-live", "bob").expect("it rings");
    let tombstone = user_id("deleted_00000000000000000000000000");
    let (app, now) = (ann.app_id(), world.now());
    let begun = world.service.store.write(move |tx| {
        let begun = tx.begin_erasure(app, &user_id("ann"), &tombstone, now)?;
        Ok::<_, Refusal>(begun && tx.erase_part(app, &user_id("ann"), 1)?)
    });
    assert!(block_on(begun).expect("written"), "something is left");

    let backend = manager(&world, Actor::App);
    assert_eq!(code(world.sign_in(open_sign_in("ann"))), ErrorCode::UserBlocked);
    let unblocked = block_on(world.service.set_user_blocked(&backend, user_id("ann"), false));
    assert_eq!(code(unblocked), ErrorCode::UserNotFound);
    let new = NewUser { user_id: user_id("ann"), identities: Vec::new() };
    assert_eq!(code(block_on(world.service.create_user(&backend, new))), ErrorCode::IdentityTaken);
    assert_eq!(code(block_on(world.service.find_user(&backend, user_id("ann")))), ErrorCode::UserNotFound);
    let page = block_on(world.service.list_managed_users(&backend, None, 100)).expect("a page");
    assert!(page.users.iter().all(|managed| managed.user.id != user_id("ann")));
    assert_eq!(code(world.send(&bob, "message-1", "ann", "hi")), ErrorCode::UserNotFound);
    assert_eq!(code(world.send(&ann, "message-2", "bob", "hi")), ErrorCode::UserNotFound);
    assert_eq!(code(call(&world, &bob, "call-none", "ann")), ErrorCode::UserNotFound);

    block_on(world.service.finish_erasures());
    let left = block_on(world.service.store.read(move |store| {
        Ok((store.user(app, &user_id("ann"))?, store.erasures(10)?, store.live_calls()?.len()))
    }));
    assert_eq!(left.expect("read"), (None, Vec::new(), 0));
    assert_eq!(code(erase(&world, "ann")), ErrorCode::UserNotFound);
}

#[test]
fn every_change_is_in_the_audit_log_without_names() {
    let world = World::new();
    let backend = manager(&world, Actor::App);
    let operator = Manager { actor: Actor::Operator, ..backend.clone() };
    let stranger = world.caller("stranger");
    let ann = || user_id("ann");
    let name = |kind, value: &str| IdentityName { identity_type: kind, value: value.to_owned() };
    let email = || name(IdentityType::Email, "ann@example.com");
    let service = &world.service;
    block_on(async {
        let new = NewUser { user_id: ann(), identities: vec![email()] };
        service.create_user(&backend, new).await?;
        let taken = IdentityLink { name: name(IdentityType::Username, "stranger"), take: true };
        service.link_identity(&backend, ann(), taken).await?;
        service.unlink_identity(&operator, ann(), email()).await?;
        service.set_user_blocked(&operator, ann(), true).await?;
        service.set_user_blocked(&operator, ann(), true).await?;
        service.set_user_blocked(&backend, ann(), false).await?;
        let issued = service.issue_access_token(&backend, ann(), None).await?;
        service.revoke_access_token(&backend, ann(), issued.token.id).await?;
        service.issue_ticket(&backend, ann(), None).await?;
        service.issue_password_reset(&backend, ann()).await?;
        service.end_user_sessions(&operator, ann()).await?;
        let session = stranger.session_id.clone();
        service.end_user_session(&operator, user_id("stranger"), session).await
    })
    .expect("all of it is allowed");
    let entries = block_on(service.list_audit(Some(&backend.app.now().key), None, 100)).expect("a log");
    let told: Vec<_> = entries
        .iter()
        .rev()
        .map(|record| {
            (&*record.record.entry.actor, &*record.record.entry.action, &*record.record.entry.subject)
        })
        .collect();
    let expected = [
        ("command_line", "app.created", "app-one"),
        ("app", "user.created", "ann"),
        ("app", "user.identity_removed", "stranger"),
        ("app", "user.identity_linked", "ann"),
        ("operator", "user.identity_removed", "ann"),
        ("operator", "user.blocked", "ann"),
        ("app", "user.unblocked", "ann"),
        ("app", "user.access_token_issued", "ann"),
        ("app", "user.access_token_revoked", "ann"),
        ("app", "user.ticket_issued", "ann"),
        ("app", "user.password_reset_issued", "ann"),
        ("operator", "user.session_ended", "stranger"),
    ];
    assert_eq!(told, expected, "a repeat that changes nothing is no entry");
    for record in &entries {
        let details = &record.record.entry.details;
        assert!(!details.contains("ann") && !details.contains("stranger"), "{details}");
    }
    let over =
        block_on(service.store.read(move |store| store.session(stranger.app_id(), &stranger.session_id)));
    let over = over.expect("read").expect("kept");
    assert_eq!(over.check(world.now()), Err(SessionEndReason::EndedByOperator));

    block_on(service.erase_user(&operator, ann())).expect("erased");
    let entries = block_on(service.list_audit(Some(&backend.app.now().key), None, 100)).expect("a log");
    assert_eq!(
        (&*entries[0].record.entry.action, &*entries[0].record.entry.actor),
        ("user.deleted", "operator")
    );
    assert!(entries.iter().all(|record| record.record.entry.subject != "ann"), "{entries:?}");
}
