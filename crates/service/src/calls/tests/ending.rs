use callbox_call_proto::ServerCause;
use callbox_domain::CallEndCause;
use callbox_wire::ErrorCode;
use callbox_wire::call::CallCause;
use futures_executor::block_on;

use super::super::{EndReason, MediaReport};
use super::world::{Tab, World, code, seconds};
use crate::testing::WHOLE_LOG;

const CALL: &str = "call-0001";

fn pair(world: &World) -> (Tab, Tab) {
    (world.tab("ann", "ann-tab1"), world.tab("bob", "bob-tab1"))
}

#[test]
fn each_end_before_the_answer_has_its_cause() {
    let cases = [
        (true, EndReason::HangUp, CallCause::Canceled),
        (true, EndReason::Failed, CallCause::Failed),
        (false, EndReason::HangUp, CallCause::Declined),
        (false, EndReason::Busy, CallCause::Busy),
        (false, EndReason::Failed, CallCause::Failed),
    ];
    for (by_caller, reason, cause) in cases {
        let world = World::new();
        let (ann, bob) = pair(&world);
        world.start(&ann, CALL, "bob").expect("started");
        let who = if by_caller { &ann } else { &bob };
        world.end(who, CALL, reason).expect("ended");
        assert_eq!(world.cause(&ann, &bob), cause);
        let end = world.record(CALL).end.expect("over");
        assert_eq!(end.by.as_ref(), Some(&who.caller.user_id));
    }
}

#[test]
fn each_end_after_the_answer_has_its_cause() {
    let cases = [
        (EndReason::HangUp, CallCause::Completed),
        (EndReason::Busy, CallCause::Completed),
        (EndReason::Failed, CallCause::Failed),
    ];
    for (reason, cause) in cases {
        for by_caller in [true, false] {
            let world = World::new();
            let (ann, bob) = pair(&world);
            world.accepted(&ann, &bob, CALL);
            let who = if by_caller { &ann } else { &bob };
            world.end(who, CALL, reason).expect("ended");
            assert_eq!(world.cause(&ann, &bob), cause);
        }
    }
}

#[test]
fn an_end_is_logged_once_for_each_user_and_told_on_every_connection() {
    let world = World::new();
    let (ann, bob) = pair(&world);
    let (ann_phone, bob_phone) = (world.tab("ann", "ann-phone"), world.tab("bob", "bob-phone"));
    world.connected(&ann, &bob, CALL);
    for tab in [&ann_phone, &bob_phone] {
        world.heard(tab);
    }
    world.clock.advance(seconds(5));
    world.end(&bob, CALL, EndReason::HangUp).expect("hung up");
    let told = world.ended(&ann);
    assert_eq!(told.cause, CallCause::Completed);
    assert_eq!(told.sentence, CallEndCause::Completed.sentence());
    assert_eq!(told.ended_by.as_ref(), Some(&bob.caller.user_id));
    assert_eq!(told.ended_at.since(told.accepted_at.expect("accepted")), seconds(5));
    for tab in [&bob, &ann_phone, &bob_phone] {
        assert_eq!(world.ended(tab), told);
    }
    world.end(&bob, CALL, EndReason::HangUp).expect("a repeat");
    world.end(&ann, CALL, EndReason::Failed).expect("too late, and fine");
    world.pass(seconds(100_000));
    for tab in [&ann, &bob, &ann_phone, &bob_phone] {
        assert!(world.names(tab).is_empty());
        let events =
            block_on(world.service.replay(&tab.caller, 0, WHOLE_LOG)).expect("a store that reads").events;
        assert_eq!(events.len(), 1);
    }
    assert!(world.live_calls(&ann).is_empty());
}

#[test]
fn the_caller_ends_by_its_leg_and_the_callee_anywhere_until_the_answer() {
    let world = World::new();
    let (ann, bob) = pair(&world);
    let (ann_beside, ann_phone) = (world.tab_beside(&ann, "ann-tab2"), world.tab("ann", "ann-phone"));
    let (bob_beside, bob_phone) = (world.tab_beside(&bob, "bob-tab2"), world.tab("bob", "bob-phone"));
    world.start(&ann, CALL, "bob").expect("started");
    assert_eq!(code(world.end(&ann_beside, CALL, EndReason::HangUp)), ErrorCode::CallNotPossible);
    assert_eq!(code(world.end_by_session(&ann_phone, CALL, EndReason::HangUp)), ErrorCode::CallNotPossible);
    world.accept(&bob, CALL).expect("accepted");
    assert_eq!(code(world.end(&bob_beside, CALL, EndReason::HangUp)), ErrorCode::CallAnsweredElsewhere);
    assert_eq!(
        code(world.end_by_session(&bob_phone, CALL, EndReason::HangUp)),
        ErrorCode::CallAnsweredElsewhere
    );
    world.end_by_session(&bob, CALL, EndReason::HangUp).expect("for the whole session");
    assert_eq!(world.cause(&ann, &bob), CallCause::Completed);

    world.start(&ann, "call-0002", "bob").expect("started");
    world.end(&bob_phone, "call-0002", EndReason::HangUp).expect("declined on any device");
    assert_eq!(world.cause(&ann, &bob), CallCause::Declined);
}

#[test]
fn moves_after_the_end_say_why_it_ended() {
    let world = World::new();
    let (ann, bob) = pair(&world);
    world.start(&ann, CALL, "bob").expect("started");
    world.end(&bob, CALL, EndReason::Busy).expect("busy");
    let late = [
        world.ring(&bob, CALL).expect_err("over"),
        world.accept(&bob, CALL).expect_err("over"),
        world.offer(&ann, CALL, 0, "v=0").expect_err("over"),
        world.report(&ann, CALL, MediaReport::Connected).expect_err("over"),
    ];
    for error in late {
        assert_eq!(error.code, ErrorCode::CallEnded);
        assert_eq!(error.details["cause"], "busy");
    }
}

#[test]
fn a_block_looks_as_if_nobody_could_be_reached() {
    let world = World::new();
    let (ann, bob) = pair(&world);
    world.start(&ann, CALL, "bob").expect("started");
    world.server_end(CALL, ServerCause::Blocked);
    assert_eq!(world.record(CALL).end.expect("over").cause, CallEndCause::Blocked, "the app's backend knows");
    let told = world.ended(&ann);
    assert_eq!(told, world.ended(&bob));
    assert_eq!(told.cause, CallCause::Unreachable);
    assert_eq!(told.sentence, CallEndCause::Unreachable.sentence());
    assert_eq!(told.ended_by, None);
    let errors = [
        world.start(&ann, CALL, "bob").expect_err("a repeat"),
        world.offer(&ann, CALL, 0, "v=0").expect_err("over"),
        world.accept(&bob, CALL).expect_err("over"),
    ];
    for error in errors {
        assert_eq!(error.code, ErrorCode::CallEnded);
        assert_eq!(error.details["cause"], "unreachable");
        assert!(!format!("{error:?}").to_lowercase().contains("block"), "{error:?}");
    }
}

#[test]
fn signing_out_ends_the_calls_of_that_session_alone() {
    let world = World::new();
    let (ann, bob) = pair(&world);
    let (ann_phone, bob_phone) = (world.tab("ann", "ann-phone"), world.tab("bob", "bob-phone"));
    world.accepted(&ann, &bob, CALL);
    world.start(&ann_phone, "call-0002", "bob").expect("started");
    for tab in [&ann, &bob] {
        world.heard(tab);
    }
    block_on(world.service.sign_out(&bob_phone.caller)).expect("signed out");
    assert!(world.names(&bob).is_empty(), "a device that only rang is in no call");
    block_on(world.service.sign_out(&bob.caller)).expect("signed out");
    let told = world.ended(&ann);
    assert_eq!((told.id.as_str(), told.cause), (CALL, CallCause::SessionEnded));
    assert_eq!(told.sentence, CallEndCause::SessionEnded.sentence());
    assert_eq!(told.ended_by.as_ref(), Some(&bob.caller.user_id));
    block_on(world.service.sign_out(&ann_phone.caller)).expect("signed out");
    assert_eq!(world.ended(&ann).id.as_str(), "call-0002");
    assert!(world.live_calls(&ann).is_empty());
}

#[test]
fn an_ended_call_keeps_no_signals() {
    let world = World::new();
    let (ann, bob) = pair(&world);
    world.start(&ann, CALL, "bob").expect("started");
    world.offer(&ann, CALL, 0, "v=0").expect("described");
    assert_eq!(world.kept_signals(CALL), 1);
    world.end(&bob, CALL, EndReason::HangUp).expect("declined");
    assert_eq!(world.kept_signals(CALL), 0);
    assert_eq!(world.record(CALL).snapshot, "");
}
