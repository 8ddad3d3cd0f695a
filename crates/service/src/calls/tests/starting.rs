use callbox_wire::ErrorCode;
use callbox_wire::ServerFrame;
use callbox_wire::call::CallState;

use super::super::EndReason;
use super::super::start_call::LIVE_CALLS_PER_USER_MAX;
use super::world::{World, code, seconds};

const CALL: &str = "call-0001";

#[test]
fn a_start_rings_on_every_connection_of_the_callee_and_nowhere_else() {
    let world = World::new();
    let (ann, ann_phone) = (world.tab("ann", "ann-tab1"), world.tab("ann", "ann-phone"));
    let (bob, bob_phone) = (world.tab("bob", "bob-tab1"), world.tab("bob", "bob-phone"));
    let cid = world.tab("cid", "cid-tab1");

    let started = world.start(&ann, CALL, "bob").expect("started");
    assert_eq!(started.call.state, CallState::Reaching);
    assert_eq!(started.call.caller_connection_id, ann.connection);
    assert_eq!(started.signals, []);
    for tab in [&bob, &bob_phone] {
        let heard = world.heard(tab);
        let [ServerFrame::CallIncoming(incoming)] = &heard[..] else { panic!("{heard:?}") };
        assert_eq!(incoming.call, started.call);
    }
    for tab in [&ann, &ann_phone, &cid] {
        assert!(world.names(tab).is_empty());
    }
}

#[test]
fn a_repeat_is_answered_as_the_first_time_and_rings_once() {
    let world = World::new();
    let (ann, bob) = (world.tab("ann", "ann-tab1"), world.tab("bob", "bob-tab1"));
    let first = world.start(&ann, CALL, "bob").expect("started");
    world.clock.advance(seconds(1));
    assert_eq!(world.start(&ann, CALL, "bob").expect("a repeat"), first);
    assert_eq!(world.names(&bob), ["call.incoming"]);
    assert_eq!(world.kinds(CALL), ["started"]);

    world.end(&ann, CALL, EndReason::HangUp).expect("canceled");
    let error = world.start(&ann, CALL, "bob").expect_err("it is over");
    assert_eq!(error.code, ErrorCode::CallEnded);
    assert_eq!(error.details["cause"], "canceled");
}

#[test]
fn a_taken_id_tells_nothing_of_the_call() {
    let world = World::new();
    let (ann, bob, cid) =
        (world.tab("ann", "ann-tab1"), world.tab("bob", "bob-tab1"), world.tab("cid", "cid-tab1"));
    let other_tab = world.tab_beside(&ann, "ann-tab2");
    world.start(&ann, CALL, "bob").expect("started");
    let attempts =
        [(&cid, "bob"), (&cid, "ann"), (&bob, "ann"), (&bob, "cid"), (&ann, "cid"), (&other_tab, "bob")];
    let refuse_all = || {
        for (tab, callee) in attempts {
            let error = world.start(tab, CALL, callee).expect_err("taken");
            if error.code != ErrorCode::CallIdTaken {
                return Some((tab.connection.clone(), callee, error));
            }
            assert!(error.details.is_empty(), "{error:?}");
        }
        None
    };
    assert_eq!(refuse_all().map(|(tab, ..)| tab), None);
    world.end(&ann, CALL, EndReason::HangUp).expect("canceled");
    let told = refuse_all();
    assert!(matches!(told, Some((tab, "bob", error)) if tab == other_tab.connection
        && error.code == ErrorCode::CallEnded));
}

#[test]
fn an_id_of_another_app_is_free() {
    let world = World::new();
    let (ann, _bob) = (world.tab("ann", "ann-tab1"), world.tab("bob", "bob-tab1"));
    let stranger = world.tab_in("app-two", "ann", "ann-tab1");
    let other_bob = world.tab_in("app-two", "bob", "bob-tab1");
    world.start(&ann, CALL, "bob").expect("started");
    world.start(&stranger, CALL, "bob").expect("another call");
    assert_eq!(world.names(&other_bob), ["call.incoming"]);
}

#[test]
fn nobody_calls_themselves_or_the_unknown() {
    let world = World::new();
    let ann = world.tab("ann", "ann-tab1");
    world.tab_in("app-two", "bob", "bob-tab1");
    let error = world.start(&ann, CALL, "bob").expect_err("not in this app");
    assert_eq!((error.code, &error.details["userId"]), (ErrorCode::UserNotFound, &"bob".into()));
    assert_eq!(code(world.start(&ann, CALL, "ann")), ErrorCode::InvalidRequest);
    assert!(world.kinds(CALL).is_empty());
}

#[test]
fn callers_and_callees_are_in_so_many_live_calls_and_no_more() {
    let world = World::new();
    let (ann, bob, cid) =
        (world.tab("ann", "ann-tab1"), world.tab("bob", "bob-tab1"), world.tab("cid", "cid-tab1"));
    let id = |number: usize| format!("call-{number:04}");
    for number in 0..LIVE_CALLS_PER_USER_MAX {
        world.start(&ann, &id(number), "bob").expect("started");
    }
    let next = id(LIVE_CALLS_PER_USER_MAX);
    assert_eq!(code(world.start(&ann, &next, "cid")), ErrorCode::CallLimitReached);
    assert_eq!(code(world.start(&cid, &next, "ann")), ErrorCode::CallLimitReached);
    assert_eq!(code(world.start(&bob, &next, "cid")), ErrorCode::CallLimitReached);
    world.start(&ann, &id(0), "bob").expect("a repeat is not one more");

    world.end(&bob, &id(3), EndReason::HangUp).expect("declined");
    world.start(&cid, &next, "ann").expect("there is room again");
}

#[test]
fn two_who_call_each_other_are_in_one_call() {
    let world = World::new();
    let (ann, bob) = (world.tab("ann", "ann-tab1"), world.tab("bob", "bob-tab1"));
    let bob_phone = world.tab("bob", "bob-phone");
    world.start(&ann, CALL, "bob").expect("started");
    world.offer(&ann, CALL, 0, "v=0 ann").expect("described");
    world.heard(&bob);
    world.heard(&bob_phone);

    let met = world.start(&bob, "call-0002", "ann").expect("met");
    assert_eq!(met.call.id.as_str(), CALL);
    assert_eq!(met.call.state, CallState::Accepted);
    let leg = met.call.accepted_by.as_ref().expect("answered");
    assert_eq!((&leg.user_id, &leg.connection_id), (&bob.caller.user_id, &bob.connection));
    assert!(
        matches!(&met.signals[..], [ServerFrame::CallDescribed(frame)] if frame.description.sdp == "v=0 ann")
    );
    for tab in [&ann, &bob, &bob_phone] {
        assert_eq!(world.names(tab), ["call.accepted"]);
    }
    assert!(world.kinds("call-0002").is_empty(), "no second call was made");
    let again = world.start(&bob, "call-0002", "ann").expect("a repeat");
    assert_eq!(again, met);
    assert!(world.names(&ann).is_empty());
    assert!(world.kinds("call-0002").is_empty(), "nor by the repeat");
}

#[test]
fn a_call_back_while_the_first_is_answered_elsewhere_is_a_call_of_its_own() {
    let world = World::new();
    let (ann, bob) = (world.tab("ann", "ann-tab1"), world.tab("bob", "bob-tab1"));
    let bob_phone = world.tab("bob", "bob-phone");
    world.accepted(&ann, &bob, CALL);
    let second = world.start(&bob_phone, "call-0002", "ann").expect("another call");
    assert_eq!(second.call.id.as_str(), "call-0002");
    assert_eq!(world.names(&ann), ["call.incoming"]);
}
