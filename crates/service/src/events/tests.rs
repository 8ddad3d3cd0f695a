//! Where a cursor leads, and what is replayed from there.

use std::time::Duration;

use callbox_domain::message::MESSAGE_TEXT_BYTES_MAX;
use callbox_wire::{ErrorCode, ServerFrame};
use futures_executor::block_on;

use super::{OpenMailbox, ReplayPage, RetentionSettings};
use crate::testing::{World, code};
use crate::{Caller, ServiceResult};

const TWO_EVENTS: ReplayPage = ReplayPage { events_max: 2, bytes_max: usize::MAX };

fn open(world: &World, caller: &Caller, cursor: Option<&str>) -> ServiceResult<OpenMailbox> {
    block_on(world.service.open_mailbox(caller, cursor))
}

#[test]
fn a_good_cursor_is_resumed_and_any_other_leads_to_the_head() {
    let world = World::new();
    let (ann, bob) = (world.caller("ann"), world.caller("bob"));
    assert_eq!(open(&world, &ann, None).expect("signed in").head, 0);
    for number in 1..=3 {
        world.send(&ann, &format!("message-{number}"), "bob", "hello").expect("sent");
    }
    let fresh = open(&world, &ann, None).expect("signed in");
    assert_eq!((fresh.cursor.seq, fresh.head, fresh.resumed), (3, 3, false));
    let epoch = fresh.cursor.epoch.clone();
    for seq in 0..=3 {
        let resumed = open(&world, &ann, Some(&format!("{epoch}.{seq}"))).expect("signed in");
        assert_eq!((resumed.cursor.seq, resumed.head, resumed.resumed), (seq, 3, true));
    }
    let foreign = open(&world, &bob, None).expect("signed in").cursor.to_string();
    let beyond = format!("{epoch}.4");
    for bad in [foreign.as_str(), beyond.as_str(), "nonsense", "", "otherepoch.1"] {
        assert_eq!(open(&world, &ann, Some(bad)).expect("signed in"), fresh, "{bad:?}");
    }
}

#[test]
fn a_session_that_ended_meanwhile_opens_nothing() {
    let world = World::new();
    let (ann, bob) = (world.caller("ann"), world.caller("bob"));
    block_on(world.service.sign_out(&ann)).expect("signed out");
    assert_eq!(code(open(&world, &ann, None)), ErrorCode::SessionEnded);
    world.clock.advance(Duration::from_hours(24));
    assert_eq!(code(open(&world, &bob, None)), ErrorCode::SessionEnded);
}

#[test]
fn replay_is_in_order_and_as_it_was_told() {
    let world = World::new();
    let (ann, bob) = (world.caller("ann"), world.caller("bob"));
    world.caller("cid");
    world.notices();
    let mut conversation = None;
    for number in 1..=3 {
        let to = if number == 2 { "cid" } else { "bob" };
        let sent = world.send(&ann, &format!("message-{number}"), to, "hello").expect("sent");
        conversation = Some(sent.conversation_id);
    }
    block_on(world.service.mark_read(&bob, conversation.expect("three"), 1)).expect("a member");
    let told = world.logged();
    for caller in [&ann, &bob] {
        let user = caller.user_id.as_str();
        let told: Vec<_> = told.iter().filter(|line| line.0 == user).map(|line| line.2.clone()).collect();
        let mut replayed = Vec::new();
        let mut after = 0;
        loop {
            let page =
                block_on(world.service.replay(caller, after, TWO_EVENTS)).expect("a store that reads").events;
            let Some((last, _)) = page.last() else { break };
            assert!(page.len() <= 2);
            after = *last;
            replayed.extend(page);
        }
        let numbers: Vec<_> = replayed.iter().map(|(seq, _)| *seq).collect();
        assert_eq!(numbers, (1..=after).collect::<Vec<_>>(), "{user}");
        let frame = |(seq, frame): &(u64, callbox_wire::frame::LoggedFrame)| {
            serde_json::from_str::<ServerFrame>(&frame.with_seq(*seq)).expect("a frame")
        };
        assert_eq!(replayed.iter().map(frame).collect::<Vec<_>>(), told, "{user}");
    }
}

#[test]
fn a_page_of_replay_ends_where_its_bytes_or_its_events_do() {
    let world = World::new();
    let (ann, bob) = (world.caller("ann"), world.caller("bob"));
    for number in 1..=50 {
        let length = if number <= 30 { 1 } else { MESSAGE_TEXT_BYTES_MAX };
        world.send(&ann, &format!("message-{number}"), "bob", &"x".repeat(length)).expect("sent");
    }
    let page = |after, events_max, bytes_max| {
        let page = ReplayPage { events_max, bytes_max };
        let events = block_on(world.service.replay(&bob, after, page)).expect("a store that reads").events;
        events.iter().map(|(seq, _)| *seq).collect::<Vec<_>>()
    };
    let up_to = |last| (1..=last).collect::<Vec<u64>>();
    assert_eq!(page(0, 100, usize::MAX), up_to(50));
    assert_eq!(
        page(0, 45, usize::MAX),
        up_to(45),
        "more than are read in one look, and no whole number of looks"
    );
    assert_eq!(page(0, 100, 64 * 1_024), up_to(34), "small ones, and four of 16 KiB");
    assert_eq!(page(30, 100, 64 * 1_024), [31, 32, 33, 34]);
    assert_eq!(page(48, 100, 1), [49], "at least one");
    assert_eq!(page(50, 100, 1), [0; 0]);
}

#[test]
fn a_log_is_kept_for_a_time() {
    let world = World::new();
    // Their sessions do not live as long as their logs.
    let caller = |name| world.caller(name);
    caller("bob");
    for number in 1..=3 {
        world.send(&caller("ann"), &format!("message-{number}"), "bob", "hello").expect("sent");
    }
    world.clock.advance(RetentionSettings::default().age_max);
    world.send(&caller("ann"), "message-4", "bob", "hello").expect("sent");
    let epoch = open(&world, &caller("bob"), None).expect("signed in").cursor.epoch;
    let resumed = |seq: u64| {
        block_on(world.service.prune_events());
        open(&world, &caller("bob"), Some(&format!("{epoch}.{seq}"))).expect("signed in").resumed
    };
    assert!(resumed(0), "not a moment older than what is kept");
    world.clock.advance(Duration::from_millis(1));
    assert_eq!([0, 2, 3, 4].map(resumed), [false, false, true, true]);
    let left = block_on(world.service.replay(&caller("bob"), 3, TWO_EVENTS)).expect("a page").events;
    assert_eq!(left.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [4]);
}
