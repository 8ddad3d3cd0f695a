//! Who is there, and who may know.

use std::time::Duration;

use callbox_bus::Notice;
use callbox_domain::{ConnectionId, UserId};
use callbox_wire::ErrorCode;
use callbox_wire::people::PresenceStatus;
use futures_executor::block_on;

use crate::testing::{World, code, user_id};

/// The changes of presence since this was asked the last time.
fn changes(world: &World) -> Vec<(String, PresenceStatus)> {
    let notices = world.notices().into_iter();
    let changes = notices.filter_map(|notice| match notice {
        Notice::PresenceChanged { presence, .. } => Some((presence.user_id.to_string(), presence.status)),
        _ => None,
    });
    changes.collect()
}

#[test]
fn a_user_comes_with_the_first_connection_and_goes_with_the_last() {
    let world = World::new();
    let (ann, phone) = (world.caller("ann"), world.caller("ann"));
    let [one, two] = ["connection-1", "connection-2"].map(|id| ConnectionId::new(id).expect("valid"));
    let status = || {
        let watched = block_on(world.service.watch_presence(&ann, &[user_id("ann")])).expect("open");
        (watched[0].status, watched[0].last_seen_at)
    };
    assert_eq!(status(), (PresenceStatus::Offline, None));
    world.notices();
    block_on(world.service.connection_opened(&ann, &one));
    assert_eq!(changes(&world), [("ann".to_owned(), PresenceStatus::Online)]);
    block_on(world.service.connection_opened(&phone, &two));
    block_on(world.service.connection_closed(&ann, &one));
    assert_eq!(changes(&world), []);
    assert_eq!(status(), (PresenceStatus::Online, None));
    world.clock.advance(Duration::from_secs(5));
    block_on(world.service.connection_closed(&phone, &two));
    assert_eq!(changes(&world), [("ann".to_owned(), PresenceStatus::Offline)]);
    assert_eq!(status(), (PresenceStatus::Offline, Some(world.now())));
    block_on(world.service.connection_closed(&phone, &two));
    assert_eq!(changes(&world), [], "who is gone cannot go again");
}

#[test]
fn the_directory_goes_page_by_page_in_the_order_of_ids() {
    let world = World::new();
    let ann = world.caller("ann");
    for user in ["cid", "bob"] {
        world.caller(user);
    }
    let list = |after: Option<UserId>, limit| block_on(world.service.list_users(&ann, after, limit));
    let page = list(None, 2).expect("open");
    let ids: Vec<_> = page.entries.iter().map(|entry| entry.user.id.as_str()).collect();
    assert_eq!(ids, ["ann", "bob"]);
    let page = list(page.next_after, 2).expect("open");
    assert_eq!((page.entries.len(), page.next_after), (1, None));
    for limit in [0, 101] {
        assert_eq!(code(list(None, limit)), ErrorCode::InvalidRequest);
    }
    list(None, 100).expect("the longest page");
}

#[test]
fn a_closed_directory_can_neither_be_listed_nor_watched() {
    let world = World::new();
    let dan = world.caller_in("app-two", "dan");
    assert_eq!(code(block_on(world.service.list_users(&dan, None, 50))), ErrorCode::DirectoryClosed);
    let watched = block_on(world.service.watch_presence(&dan, &[user_id("dan")]));
    assert_eq!(code(watched), ErrorCode::DirectoryClosed);
}

#[test]
fn five_hundred_users_of_the_same_app_can_be_watched() {
    let world = World::new();
    let ann = world.caller("ann");
    world.caller_in("app-two", "dan");
    let mut wanted = vec![user_id("ann"), user_id("dan"), user_id("nobody")];
    let watched = block_on(world.service.watch_presence(&ann, &wanted)).expect("open");
    assert_eq!(watched.iter().map(|presence| presence.user_id.as_str()).collect::<Vec<_>>(), ["ann"]);
    wanted.resize(500, user_id("ann"));
    world.service.check_watch(&ann, &wanted).expect("just few enough");
    wanted.push(user_id("ann"));
    let refused = world.service.check_watch(&ann, &wanted).expect_err("too many");
    assert_eq!((refused.code, &refused.details["path"]), (ErrorCode::InvalidRequest, &"userIds".into()));
}
