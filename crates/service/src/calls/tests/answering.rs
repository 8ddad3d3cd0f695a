use callbox_wire::call::CallState;
use callbox_wire::{ErrorCode, ServerFrame};

use super::super::{EndReason, MediaReport, Muted};
use super::world::{World, code, seconds};

const CALL: &str = "call-0001";

#[test]
fn a_ring_is_told_to_the_callers_leg_alone_and_once() {
    let world = World::new();
    let ann = world.tab("ann", "ann-tab1");
    let (ann_beside, ann_phone) = (world.tab_beside(&ann, "ann-tab2"), world.tab("ann", "ann-tab1"));
    let (bob, bob_phone) = (world.tab("bob", "bob-tab1"), world.tab("bob", "bob-phone"));
    world.start(&ann, CALL, "bob").expect("started");
    world.heard(&bob);
    world.ring(&bob, CALL).expect("rings");
    world.ring(&bob_phone, CALL).expect("rings too");
    world.ring(&bob, CALL).expect("a repeat");
    assert_eq!(world.names(&ann), ["call.ringing"]);
    for tab in [&ann_beside, &ann_phone, &bob] {
        assert!(world.names(tab).is_empty());
    }
    assert_eq!(world.live_calls(&bob)[0].call.state, CallState::Ringing);
    assert_eq!(code(world.ring(&ann, CALL)), ErrorCode::CallNotPossible);
}

#[test]
fn the_first_accept_wins_and_everyone_is_told() {
    let world = World::new();
    let (ann, ann_phone) = (world.tab("ann", "ann-tab1"), world.tab("ann", "ann-phone"));
    let (bob, bob_phone) = (world.tab("bob", "bob-tab1"), world.tab("bob", "bob-phone"));
    world.start(&ann, CALL, "bob").expect("started");
    for tab in [&bob, &bob_phone] {
        world.heard(tab);
    }
    let joined = world.accept(&bob, CALL).expect("accepted");
    assert_eq!(joined.call.state, CallState::Accepted);
    for tab in [&ann, &ann_phone, &bob, &bob_phone] {
        let heard = world.heard(tab);
        let [ServerFrame::CallAccepted(accepted)] = &heard[..] else { panic!("{heard:?}") };
        assert_eq!(accepted.call, joined.call);
        let leg = accepted.call.accepted_by.as_ref().expect("answered");
        assert_eq!((&leg.user_id, &leg.connection_id), (&bob.caller.user_id, &bob.connection));
    }
    let late = world.accept(&bob_phone, CALL).expect_err("too late");
    assert_eq!(late.code, ErrorCode::CallAnsweredElsewhere);
    assert_eq!(world.accept(&bob, CALL).expect("a repeat"), joined);
    assert!(world.names(&ann).is_empty());
    assert_eq!(code(world.accept(&ann, CALL)), ErrorCode::CallNotPossible);
    assert_eq!(world.kinds(CALL), ["started", "accepted"]);
}

#[test]
fn a_connection_of_the_same_name_on_another_device_is_another_connection() {
    let world = World::new();
    let (ann, bob, twin) =
        (world.tab("ann", "ann-tab1"), world.tab("bob", "bob-tab1"), world.tab("bob", "bob-tab1"));
    world.accepted(&ann, &bob, CALL);
    world.heard(&twin);
    assert_eq!(code(world.accept(&twin, CALL)), ErrorCode::CallAnsweredElsewhere);
    assert_eq!(code(world.report(&twin, CALL, MediaReport::Connected)), ErrorCode::CallAnsweredElsewhere);
    world.offer(&ann, CALL, 0, "v=0").expect("described");
    assert_eq!(world.names(&bob), ["call.described"]);
    assert!(world.names(&twin).is_empty());
}

#[test]
fn both_reports_connect_the_call() {
    let world = World::new();
    let (ann, ann_phone, bob) =
        (world.tab("ann", "ann-tab1"), world.tab("ann", "ann-phone"), world.tab("bob", "bob-tab1"));
    world.start(&ann, CALL, "bob").expect("started");
    assert_eq!(code(world.report(&ann, CALL, MediaReport::Connected)), ErrorCode::CallNotPossible);
    world.accept(&bob, CALL).expect("accepted");
    for tab in [&ann, &ann_phone, &bob] {
        world.heard(tab);
    }
    world.report(&ann, CALL, MediaReport::Connected).expect("reported");
    assert!(world.names(&ann).is_empty(), "one side alone is not a connected call");
    world.clock.advance(seconds(1));
    world.report(&bob, CALL, MediaReport::Connected).expect("reported");
    for tab in [&ann, &bob] {
        let heard = world.heard(tab);
        let [ServerFrame::CallConnected(connected)] = &heard[..] else { panic!("{heard:?}") };
        assert_eq!(Some(connected.connected_at), world.live_calls(tab)[0].call.connected_at);
    }
    assert!(world.names(&ann_phone).is_empty());
    world.report(&bob, CALL, MediaReport::Interrupted).expect("reported");
    world.report(&bob, CALL, MediaReport::Connected).expect("reported");
    assert!(world.names(&ann).is_empty(), "told the first time only");
}

#[test]
fn a_mute_is_told_to_the_other_leg_and_kept() {
    let world = World::new();
    let (ann, bob, bob_phone) =
        (world.tab("ann", "ann-tab1"), world.tab("bob", "bob-tab1"), world.tab("bob", "bob-phone"));
    let off = Muted { audio: true, video: false };
    world.start(&ann, CALL, "bob").expect("started");
    world.mute(&ann, CALL, off).expect("also before the answer");
    world.heard(&bob_phone);
    let joined = world.accept(&bob, CALL).expect("accepted");
    assert_eq!(joined.call.muted.len(), 1);
    assert_eq!((joined.call.muted[0].audio, joined.call.muted[0].video), (true, false));
    for tab in [&ann, &bob, &bob_phone] {
        world.heard(tab);
    }
    world.mute(&ann, CALL, Muted { audio: true, video: true }).expect("muted");
    world.mute(&ann, CALL, Muted { audio: true, video: true }).expect("a repeat");
    let heard = world.heard(&bob);
    let [ServerFrame::CallMuted(muted)] = &heard[..] else { panic!("{heard:?}") };
    assert_eq!((&muted.user_id, muted.audio, muted.video), (&ann.caller.user_id, true, true));
    assert!(world.names(&ann).is_empty());
    assert!(world.names(&bob_phone).is_empty());
    world.mute(&bob, CALL, off).expect("muted");
    assert_eq!(world.names(&ann), ["call.muted"]);
    assert_eq!(code(world.mute(&bob_phone, CALL, off)), ErrorCode::CallAnsweredElsewhere);
}

#[test]
fn who_is_not_in_a_call_cannot_tell_that_there_is_one() {
    let world = World::new();
    let (ann, bob) = (world.tab("ann", "ann-tab1"), world.tab("bob", "bob-tab1"));
    let strangers = [
        world.tab("cid", "cid-tab1"),
        world.tab_in("app-two", "bob", "bob-tab1"),
        world.tab("eve", "bob-tab1"),
    ];
    let check = |state: &str| {
        for tab in &strangers {
            let muted = Muted { audio: true, video: true };
            let codes = [
                code(world.ring(tab, CALL)),
                code(world.accept(tab, CALL)),
                code(world.offer(tab, CALL, 0, "v=0")),
                code(world.candidate(tab, CALL, 0, "candidate")),
                code(world.report(tab, CALL, MediaReport::Connected)),
                code(world.mute(tab, CALL, muted)),
                code(world.end(tab, CALL, EndReason::HangUp)),
                code(world.end_by_session(tab, CALL, EndReason::Busy)),
            ];
            assert_eq!(codes, [ErrorCode::CallNotFound; 8], "{state}");
            assert!(world.live_calls(tab).is_empty(), "{state}");
            assert!(world.names(tab).is_empty(), "{state}");
        }
    };
    check("before there is one");
    world.start(&ann, CALL, "bob").expect("started");
    check("reaching");
    world.accept(&bob, CALL).expect("accepted");
    check("accepted");
    world.end(&bob, CALL, EndReason::HangUp).expect("completed");
    check("over");
}

#[test]
fn the_timeline_tells_the_whole_call() {
    let world = World::new();
    let (ann, bob) = (world.tab("ann", "ann-tab1"), world.tab("bob", "bob-tab1"));
    world.start(&ann, CALL, "bob").expect("started");
    world.offer(&ann, CALL, 0, "v=0").expect("described");
    world.candidate(&ann, CALL, 0, "candidate").expect("added");
    world.clock.advance(seconds(1));
    world.ring(&bob, CALL).expect("rings");
    world.accept(&bob, CALL).expect("accepted");
    world.report(&bob, CALL, MediaReport::Connected).expect("reported");
    world.report(&ann, CALL, MediaReport::Connected).expect("reported");
    world.mute(&bob, CALL, Muted { audio: true, video: false }).expect("muted");
    world.close(&bob);
    world.open(&bob);
    world.report(&ann, CALL, MediaReport::Interrupted).expect("reported");
    world.clock.advance(seconds(1));
    world.end(&ann, CALL, EndReason::HangUp).expect("completed");

    let timeline = world.timeline(CALL);
    let lines: Vec<_> = timeline
        .iter()
        .map(|line| (line.kind.as_str(), line.user_id.as_ref().map_or("", |user| user.as_str())))
        .collect();
    let expected = [
        ("started", "ann"),
        ("described", "ann"),
        ("ringing", "bob"),
        ("accepted", "bob"),
        ("media_connected", "bob"),
        ("media_connected", "ann"),
        ("connected", ""),
        ("muted", "bob"),
        ("connection_lost", "bob"),
        ("connection_back", "bob"),
        ("interrupted", "ann"),
        ("ended", "ann"),
    ];
    assert_eq!(lines, expected);
    assert!(timeline.is_sorted_by_key(|line| line.at));
    let last: serde_json::Value = serde_json::from_str(&timeline[11].details).expect("JSON");
    assert_eq!(last["cause"], "completed");
}
