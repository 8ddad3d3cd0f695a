//! Who rings, who answers, and glare.

use callbox_call_proto::{
    Call, CallState, EndReason, EventKind, IllegalMove, MediaReport, Output, SignalKind, Timers, glare,
};

use crate::support::*;

#[test]
fn a_new_call_reaches_for_the_callee() {
    let scene = Scene::start();
    let view = scene.call.view().expect("it lives");
    assert_eq!(view.state, CallState::Reaching);
    assert_eq!((view.caller, view.callee_id), (ann(), user("bob")));
    assert_eq!((view.created_at, view.accepted_at, view.connected_at), (noon(), None, None));
    assert_eq!(view.accepted_by, None);
    assert!(view.muted.is_empty());
}

#[test]
fn nobody_calls_themselves() {
    let mut start = start_call(Timers::default());
    start.callee_id = user("ann");
    assert_eq!(Call::start(noon(), start).expect_err("refused"), IllegalMove::CalledThemselves);
}

#[test]
fn the_first_device_that_rings_is_told_and_each_is_noted_once() {
    let mut scene = Scene::start();
    let first = scene.does(ring(&phone()));
    assert_eq!(facts(&first), [Output::Ringing]);
    assert_eq!(kinds(&first), [EventKind::Ringing]);
    assert!(lines(&first)[0].details.contains("con_bob_phone"));
    assert_eq!(scene.state(), CallState::Ringing);

    let second = scene.does(ring(&laptop()));
    assert_eq!(facts(&second), []);
    assert_eq!(kinds(&second), [EventKind::Ringing]);
    assert_eq!(scene.does(ring(&phone())), []);
    assert_eq!(scene.does(ring(&laptop())), []);
}

#[test]
fn the_timeline_names_a_bounded_number_of_ringing_devices() {
    let mut scene = Scene::start();
    let devices = (0..50).map(|number| endpoint("bob", "ses_bob_phone", &format!("con_bob_{number:04}")));
    let noted: usize = devices.map(|device| lines(&scene.does(ring(&device))).len()).sum();
    assert_eq!(noted, 20);
}

#[test]
fn the_first_accept_wins() {
    let mut scene = Scene::ringing();
    let outputs = scene.wait(5).does(accept(&laptop()));
    assert_eq!(kinds(&outputs), [EventKind::Accepted]);
    assert_eq!(facts(&outputs), [Output::Accepted { by: laptop() }]);
    assert_eq!(scene.refuses(accept(&phone())), IllegalMove::AlreadyAnswered);
    assert_eq!(scene.refuses(ring(&phone())), IllegalMove::AlreadyAnswered);

    let view = scene.call.view().expect("it lives");
    assert_eq!(view.state, CallState::Accepted);
    assert_eq!(view.accepted_by, Some(laptop()));
    assert_eq!(view.accepted_at, Some(scene.now));
    assert_eq!(scene.call.accepted_at(), Some(scene.now));
}

#[test]
fn an_accept_may_overtake_the_ring() {
    let mut scene = Scene::start();
    scene.does(accept(&phone()));
    assert_eq!(scene.state(), CallState::Accepted);
    assert_eq!(scene.does(ring(&phone())), []);
}

#[test]
fn a_repeated_accept_is_answered_as_the_first() {
    for mut scene in [Scene::accepted(), Scene::connected()] {
        let before = scene.call.view();
        assert_eq!(scene.wait(1).does(accept(&phone())), []);
        assert_eq!(scene.call.view(), before);
    }
}

#[test]
fn a_connection_is_not_known_by_its_name_alone() {
    let mut scene = Scene::accepted();
    let same_name = endpoint("bob", "ses_bob_laptop", "con_bob_phone");
    assert_eq!(scene.refuses(accept(&same_name)), IllegalMove::AlreadyAnswered);
    assert_eq!(scene.refuses(end(&same_name, EndReason::HangUp)), IllegalMove::AlreadyAnswered);
    assert_eq!(scene.does(lost(&same_name)), []);
}

#[test]
fn the_caller_neither_rings_nor_accepts() {
    for mut scene in [Scene::start(), Scene::ringing(), Scene::connected()] {
        assert_eq!(scene.refuses(ring(&ann())), IllegalMove::NotTheCallee);
        assert_eq!(scene.refuses(accept(&ann_other_tab())), IllegalMove::NotTheCallee);
    }
}

#[test]
fn strangers_learn_nothing() {
    for mut scene in Scene::all() {
        for input in [
            ring(&eve()),
            accept(&eve()),
            end(&eve(), EndReason::HangUp),
            end_by_session(&eve(), EndReason::HangUp),
            signal(&eve(), SignalKind::Offer, 0, 100),
            report(&eve(), MediaReport::Connected),
            mute(&eve(), true, true),
        ] {
            assert_eq!(scene.refuses(input), IllegalMove::NotInCall);
        }
        assert_eq!(scene.does(lost(&eve())), []);
        assert_eq!(scene.does(session_ended(&eve())), []);
    }
}

#[test]
fn glare_is_the_same_two_the_other_way_round_before_the_answer() {
    let (ann, bob, eve) = (user("ann"), user("bob"), user("eve"));
    let meets: Vec<bool> = Scene::all().iter().map(|scene| glare(&scene.call, &bob, &ann)).collect();
    assert_eq!(meets, [true, true, false, false, false]);
    let existing = Scene::start().call;
    assert!(!glare(&existing, &ann, &bob));
    assert!(!glare(&existing, &bob, &eve));
    assert!(!glare(&existing, &eve, &ann));
}

#[test]
fn in_glare_the_newcomer_answers_the_existing_call() {
    let mut scene = Scene::start();
    assert!(glare(&scene.call, &laptop().user_id, &user("ann")));
    let outputs = scene.does(accept(&laptop()));
    assert_eq!(facts(&outputs), [Output::Accepted { by: laptop() }]);
}
