//! Messages, their order and repeats, receipts, lists and typing.

use std::time::Duration;

use callbox_bus::{Notice, Reach};
use callbox_domain::message::MESSAGE_TEXT_BYTES_MAX;
use callbox_domain::{ConversationId, Receipt};
use callbox_wire::ErrorCode;
use callbox_wire::frame::ServerFrame;
use callbox_wire::messaging::Recipient;
use futures_executor::block_on;

use super::{ListConversations, ListMessages, MessageList, MessagesPage};
use crate::testing::{World, code, to_conversation, to_user};
use crate::{Caller, ServiceResult};

fn mark_read(world: &World, caller: &Caller, id: &ConversationId, up_to: u32) -> ServiceResult<Receipt> {
    block_on(world.service.mark_read(caller, id.clone(), up_to))
}

fn history(
    world: &World,
    caller: &Caller,
    id: &ConversationId,
    page: MessagesPage,
    limit: u32,
) -> ServiceResult<MessageList> {
    let list = ListMessages { conversation_id: id.clone(), page, limit };
    block_on(world.service.list_messages(caller, list))
}

fn positions(list: &MessageList) -> Vec<u32> {
    list.items.iter().map(|message| message.position).collect()
}

/// A conversation from ann to bob of this many messages, after which nobody has asked what was told.
fn conversation(world: &World, from: &Caller, to: &str, count: u32) -> ConversationId {
    let sent = (1..=count).map(|number| {
        world
            .send(from, &format!("{}-{to}-message-{number}", from.user_id), to, "hello")
            .expect("sent")
            .conversation_id
    });
    let id = sent.last().expect("at least one");
    world.notices();
    id
}

#[test]
fn a_message_is_in_the_log_of_both_and_names_its_device_only_to_its_sender() {
    let world = World::new();
    let (ann, bob) = (world.caller("ann"), world.caller("bob"));
    world.notices();
    let message = world.send(&ann, "message-1", "bob", "hello").expect("sent");
    assert_eq!((message.position, message.text.as_ref(), message.created_at), (1, "hello", world.now()));
    assert_eq!((&message.sender_id, message.recipient_id.as_ref()), (&ann.user_id, Some(&bob.user_id)));
    let logged = world.logged();
    assert_eq!(logged.len(), 2);
    for (user, seq, frame) in logged {
        let ServerFrame::MessageCreated(frame) = frame else { panic!("a message: {frame:?}") };
        assert_eq!((seq, frame.seq.number()), (1, 1));
        assert_eq!(frame.message.id, message.id);
        let origin = frame.origin.map(|origin| origin.session_id);
        assert_eq!(origin, (user == "ann").then(|| ann.session_id.clone()));
    }
    let answer = world.send(&bob, "message-2", "ann", "hi").expect("sent");
    assert_eq!((answer.conversation_id, answer.position), (message.conversation_id, 2));
}

#[test]
fn a_repeat_is_answered_as_the_first_time_and_tells_nobody() {
    let world = World::new();
    let ann = world.caller("ann");
    world.caller("bob");
    let first = world.send(&ann, "message-1", "bob", "hello").expect("sent");
    world.notices();
    world.clock.advance(Duration::from_secs(1));
    let other_device = world.caller("ann");
    world.notices();
    let to = to_conversation(&first.conversation_id);
    assert_eq!(world.send(&ann, "message-1", "bob", "hello").expect("a repeat"), first);
    assert_eq!(world.send_to(&ann, "message-1", to, "hello").expect("a repeat"), first);
    assert_eq!(world.send(&other_device, "message-1", "bob", "hello").expect("a repeat"), first);
    assert!(world.notices().is_empty());
}

#[test]
fn an_id_that_is_taken_tells_nothing_of_its_message() {
    let world = World::new();
    let (ann, bob, cid) = (world.caller("ann"), world.caller("bob"), world.caller("cid"));
    world.send(&ann, "message-1", "bob", "hello").expect("sent");
    world.send(&ann, "message-2", "cid", "hello").expect("sent");
    world.notices();
    let refused = [
        world.send(&ann, "message-1", "bob", "other"),
        world.send(&ann, "message-1", "cid", "hello"),
        world.send(&ann, "message-1", "nobody", "hello"),
        world.send(&bob, "message-1", "ann", "hello"),
        world.send(&cid, "message-1", "bob", "hello"),
    ];
    for result in refused {
        let error = result.expect_err("taken");
        assert_eq!((error.code, error.details.is_empty()), (ErrorCode::MessageIdTaken, true));
    }
    assert!(world.notices().is_empty());
    let (dan, _) = (world.caller_in("app-two", "dan"), world.caller_in("app-two", "eve"));
    world.send(&dan, "message-1", "eve", "hello").expect("another app has ids of its own");
}

#[test]
fn a_message_goes_to_exactly_one_other_user_or_conversation() {
    let world = World::new();
    let (ann, cid) = (world.caller("ann"), world.caller("cid"));
    world.caller("bob");
    let id = conversation(&world, &ann, "bob", 1);
    let own = world.send(&ann, "message-1", "ann", "hello").expect_err("to oneself");
    assert_eq!((own.code, &own.details["path"]), (ErrorCode::InvalidRequest, &"to.userId".into()));
    let unknown = world.send(&ann, "message-1", "nobody", "hello").expect_err("unknown");
    assert_eq!((unknown.code, &unknown.details["userId"]), (ErrorCode::UserNotFound, &"nobody".into()));
    let foreign = world.send_to(&cid, "message-1", to_conversation(&id), "hello");
    assert_eq!(code(foreign), ErrorCode::ConversationNotFound);
    let both = Recipient { conversation_id: Some(id), ..to_user("bob") };
    for to in [Recipient::default(), both] {
        let refused = world.send_to(&ann, "message-1", to, "hello").expect_err("not one");
        assert_eq!((refused.code, &refused.details["path"]), (ErrorCode::InvalidRequest, &"to".into()));
    }
    let dan = world.caller_in("app-two", "dan");
    let beyond = world.send(&dan, "message-1", "bob", "hello");
    assert_eq!(code(beyond), ErrorCode::UserNotFound, "another app's user");
}

#[test]
fn a_text_has_one_byte_to_sixteen_kibibytes() {
    let world = World::new();
    let ann = world.caller("ann");
    world.caller("bob");
    world.send(&ann, "message-1", "bob", &"x".repeat(MESSAGE_TEXT_BYTES_MAX)).expect("just short enough");
    for text in [String::new(), "x".repeat(MESSAGE_TEXT_BYTES_MAX + 1), "é".repeat(8 * 1024 + 1)] {
        let refused = world.send(&ann, "message-2", "bob", &text).expect_err("empty or too long");
        assert_eq!((refused.code, &refused.details["path"]), (ErrorCode::InvalidRequest, &"text".into()));
    }
}

#[test]
fn messages_are_limited_for_each_session() {
    let world = World::new();
    let (ann, other_device) = (world.caller("ann"), world.caller("ann"));
    world.caller("bob");
    for _ in 0..60 {
        world.send(&ann, "message-1", "bob", "hello").expect("within the burst");
    }
    let refused = world.send(&ann, "message-1", "bob", "hello").expect_err("beyond the burst");
    assert_eq!((refused.code, refused.retry_after_seconds()), (ErrorCode::RateLimited, Some(1)));
    world.send(&other_device, "message-1", "bob", "hello").expect("another session");
    world.clock.advance(Duration::from_millis(50));
    world.send(&ann, "message-1", "bob", "hello").expect("one more in a twentieth of a second");
    assert_eq!(code(world.send(&ann, "message-1", "bob", "hello")), ErrorCode::RateLimited);
}

#[test]
fn receipts_rise_to_the_newest_message_and_never_go_back() {
    let world = World::new();
    let (ann, bob, cid) = (world.caller("ann"), world.caller("bob"), world.caller("cid"));
    let id = conversation(&world, &ann, "bob", 3);
    let receipt = mark_read(&world, &bob, &id, 2).expect("a member");
    assert_eq!((receipt.delivered_up_to, receipt.read_up_to), (2, 2));
    let both = [("ann".to_owned(), "receipt.changed"), ("bob".to_owned(), "receipt.changed")];
    assert_eq!(world.logged_names(), both);
    for up_to in [0, 1, 2] {
        assert_eq!(mark_read(&world, &bob, &id, up_to).expect("a member"), receipt);
    }
    assert!(world.notices().is_empty());
    assert_eq!(mark_read(&world, &bob, &id, u32::MAX).expect("a member").read_up_to, 3);
    assert_eq!(world.logged_names(), both);
    assert_eq!(code(mark_read(&world, &cid, &id, 1)), ErrorCode::ConversationNotFound);
    let unknown = ConversationId::new("cnv_unknown").expect("valid");
    assert_eq!(code(mark_read(&world, &bob, &unknown, 1)), ErrorCode::ConversationNotFound);
}

#[test]
fn what_a_device_confirms_is_delivered_and_told_to_the_others_only() {
    let world = World::new();
    let (ann, bob) = (world.caller("ann"), world.caller("bob"));
    let id = conversation(&world, &ann, "bob", 3);
    block_on(world.service.acknowledge(&bob, 0, 2)).expect("confirmed");
    let logged = world.logged();
    let [(user, _, ServerFrame::ReceiptChanged(frame))] = logged.as_slice() else { panic!("{logged:?}") };
    assert_eq!((user.as_str(), &frame.receipt.user_id), ("ann", &bob.user_id));
    assert_eq!((frame.receipt.delivered_up_to, frame.receipt.read_up_to), (2, 0));
    block_on(world.service.acknowledge(&bob, 0, 2)).expect("a repeat is fine");
    block_on(world.service.acknowledge(&ann, 0, 99)).expect("own messages are no news");
    assert!(world.notices().is_empty());
    assert_eq!(mark_read(&world, &bob, &id, 0).expect("a member").delivered_up_to, 2);
}

#[test]
fn history_goes_page_by_page_in_both_directions() {
    let world = World::new();
    let (ann, bob) = (world.caller("ann"), world.caller("bob"));
    let id = conversation(&world, &ann, "bob", 5);
    let cases = [
        (MessagesPage::Latest, 2, vec![4, 5], Some(MessagesPage::Before(4))),
        (MessagesPage::Before(4), 3, vec![1, 2, 3], None),
        (MessagesPage::Before(1), 3, vec![], None),
        (MessagesPage::After(0), 3, vec![1, 2, 3], Some(MessagesPage::After(3))),
        (MessagesPage::After(3), 3, vec![4, 5], None),
        (MessagesPage::Latest, 100, vec![1, 2, 3, 4, 5], None),
    ];
    for (page, limit, expected, next) in cases {
        let list = history(&world, &bob, &id, page, limit).expect("a member");
        assert_eq!((positions(&list), list.next), (expected, next), "{page:?}");
    }
    for limit in [0, 101] {
        let refused = history(&world, &bob, &id, MessagesPage::Latest, limit).expect_err("a limit");
        assert_eq!((refused.code, &refused.details["path"]), (ErrorCode::InvalidRequest, &"limit".into()));
    }
    let cid = world.caller("cid");
    let foreign = history(&world, &cid, &id, MessagesPage::Latest, 5);
    assert_eq!(code(foreign), ErrorCode::ConversationNotFound);
}

#[test]
fn fetching_history_delivers_what_it_shows() {
    let world = World::new();
    let (ann, bob) = (world.caller("ann"), world.caller("bob"));
    let id = conversation(&world, &ann, "bob", 3);
    history(&world, &ann, &id, MessagesPage::Latest, 5).expect("a member");
    assert!(world.notices().is_empty(), "own messages are no news");
    history(&world, &bob, &id, MessagesPage::After(0), 2).expect("a member");
    history(&world, &bob, &id, MessagesPage::After(0), 1).expect("a member");
    let receipts: Vec<_> = world.logged().into_iter().map(|(user, _, frame)| (user, frame.name())).collect();
    assert_eq!(receipts.len(), 2, "told once to each: {receipts:?}");
    let receipt = mark_read(&world, &bob, &id, 0).expect("a member");
    assert_eq!((receipt.delivered_up_to, receipt.read_up_to), (2, 0));
}

#[test]
fn conversations_come_latest_changed_first_with_what_is_unread() {
    let world = World::new();
    let (ann, bob, cid) = (world.caller("ann"), world.caller("bob"), world.caller("cid"));
    let first = conversation(&world, &bob, "ann", 2);
    world.clock.advance(Duration::from_secs(1));
    let changed = world.now();
    let second = conversation(&world, &cid, "ann", 1);
    let list = |before, updated_after, limit| {
        let list = ListConversations { before, updated_after, limit };
        block_on(world.service.list_conversations(&ann, list))
    };
    let page = list(None, None, 1).expect("a page");
    assert_eq!((&page.items[0].conversation.id, page.items[0].unread_count), (&second, 1));
    let page = list(page.next_before, None, 1).expect("a page");
    assert_eq!((&page.items[0].conversation.id, page.items[0].unread_count), (&first, 2));
    assert_eq!(page.items[0].last_message.as_ref().map(|message| message.position), Some(2));
    let page = list(page.next_before, None, 1).expect("a page");
    assert_eq!((page.items.len(), page.next_before), (0, None));
    assert!(list(None, Some(changed), 50).expect("a page").items.is_empty());
    for limit in [0, 101] {
        assert_eq!(code(list(None, None, limit)), ErrorCode::InvalidRequest);
    }
}

#[test]
fn typing_reaches_the_others_and_leaves_nothing() {
    let world = World::new();
    let (ann, _, cid) = (world.caller("ann"), world.caller("bob"), world.caller("cid"));
    world.notices();
    let typing = |caller, to| block_on(world.service.set_typing(caller, to, true));
    typing(&ann, to_user("bob")).expect("before the first message");
    let id = conversation(&world, &ann, "bob", 1);
    for to in [to_user("bob"), to_conversation(&id)] {
        typing(&ann, to).expect("a member");
        let notices = world.notices();
        let [Notice::Frame { user_id, reach: Reach::Everywhere, frame, .. }] = notices.as_slice() else {
            panic!("told to one: {notices:?}");
        };
        let ServerFrame::Typing(frame) = frame.as_ref() else { panic!("typing: {frame:?}") };
        assert_eq!((user_id.as_str(), frame.user_id.as_str(), frame.active), ("bob", "ann", true));
        assert_eq!(frame.conversation_id.as_ref(), Some(&id));
    }
    assert_eq!(code(typing(&cid, to_conversation(&id))), ErrorCode::ConversationNotFound);
    assert_eq!(code(typing(&ann, to_user("nobody"))), ErrorCode::UserNotFound);
    assert_eq!(code(typing(&ann, to_user("ann"))), ErrorCode::InvalidRequest);
    assert!(world.notices().is_empty());
}
