//! What ends a call by itself, and when.

use std::time::Duration;

use callbox_call_proto::timers::{BOTH_GONE, CONNECT_DEFAULT, LEG_GONE, LONGEST_DEFAULT, RING_DEFAULT};
use callbox_call_proto::{CallState, EndReason, MediaReport, Timers};
use callbox_domain::{CallEndCause, Timestamp};

use crate::support::*;

#[test]
fn a_callee_without_a_ringing_device_is_unreachable_after_10_seconds() {
    let mut scene = Scene::start();
    assert_eq!(scene.left(), 10);
    assert_eq!(scene.tick(9), None);
    let end = scene.tick(1).expect("over");
    assert_eq!((end.cause, end.by, end.at), (CallEndCause::Unreachable, None, scene.now));
}

#[test]
fn nobody_answers_for_60_seconds_from_the_first_ring() {
    let mut scene = Scene::start();
    scene.wait(9).does(ring(&phone()));
    assert_eq!(scene.left(), 60);
    scene.wait(30).does(ring(&laptop()));
    assert_eq!(scene.left(), 30, "a second device does not prolong it");
    assert_eq!(scene.tick(29), None);
    assert_eq!(scene.tick(1).expect("over").cause, CallEndCause::NoAnswer);
}

#[test]
fn the_caller_chooses_how_long_it_rings() {
    let timers = Timers::default().with_ring(Some(Duration::from_secs(5)), RING_DEFAULT);
    let mut scene = Scene::start_with(timers);
    scene.does(ring(&phone()));
    assert_eq!(scene.left(), 5);
}

#[test]
fn an_accepted_call_connects_within_60_seconds() {
    let mut scene = Scene::accepted();
    assert_eq!(scene.left(), CONNECT_DEFAULT.as_secs());
    scene.wait(50).does(report(&ann(), MediaReport::Connected));
    assert_eq!(scene.left(), 10, "one leg is not enough");
    assert_eq!(scene.tick(10).expect("over").cause, CallEndCause::ConnectTimeout);
}

#[test]
fn the_server_ends_a_call_after_24_hours() {
    let mut scene = Scene::connected();
    assert_eq!(scene.left(), LONGEST_DEFAULT.as_secs());
    assert_eq!(scene.tick(LONGEST_DEFAULT.as_secs() - 1), None);
    let end = scene.tick(1).expect("over");
    assert_eq!((end.cause, end.by), (CallEndCause::ServerEnded, None));
}

#[test]
fn a_caller_who_is_gone_for_10_seconds_before_the_answer_cancels() {
    let mut scene = Scene::ringing();
    scene.wait(20).does(lost(&ann()));
    assert_eq!(scene.left(), 10);
    scene.wait(5).does(lost(&ann()));
    assert_eq!(scene.left(), 5, "lost again is not lost anew");
    let end = scene.tick(5).expect("over");
    assert_eq!((end.cause, end.by), (CallEndCause::Canceled, None));
}

#[test]
fn a_caller_who_comes_back_goes_on_calling() {
    let mut scene = Scene::ringing();
    scene.does(lost(&ann()));
    scene.wait(9).does(back(&ann()));
    assert_eq!(scene.left(), 51);
    scene.does(back(&ann()));
    scene.does(back(&ann_other_tab()));
}

#[test]
fn ringing_devices_come_and_go_freely() {
    let mut scene = Scene::ringing();
    assert_eq!(scene.does(lost(&phone())), []);
    assert_eq!(scene.tick(59), None);
}

#[test]
fn a_lost_socket_alone_never_ends_a_connected_call() {
    for leg in [ann(), phone()] {
        let mut scene = Scene::connected();
        scene.does(lost(&leg));
        assert_eq!(scene.tick(23 * 3600), None);
        scene.does(back(&leg));
        assert_eq!(scene.state(), CallState::Connected);
    }
}

#[test]
fn a_leg_that_is_gone_ends_the_call_once_the_other_has_no_media_either() {
    let mut scene = Scene::connected();
    scene.does(lost(&ann()));
    scene.wait(300).does(report(&phone(), MediaReport::Interrupted));
    assert_eq!(scene.left(), LEG_GONE.as_secs(), "counted from when both are true");
    assert_eq!(scene.tick(59), None);
    let end = scene.tick(1).expect("over");
    assert_eq!((end.cause, end.by), (CallEndCause::ConnectionLost, None));
}

#[test]
fn an_interruption_before_the_loss_counts_too() {
    let mut scene = Scene::connected();
    scene.does(report(&ann(), MediaReport::Interrupted));
    assert_eq!(scene.left(), LONGEST_DEFAULT.as_secs(), "an interruption alone ends nothing");
    scene.wait(20).does(lost(&phone()));
    assert_eq!(scene.left(), LEG_GONE.as_secs());
    scene.wait(30).does(report(&ann(), MediaReport::Connected));
    assert_eq!(scene.tick(300), None);
    scene.does(report(&ann(), MediaReport::Interrupted));
    scene.wait(30).does(back(&phone()));
    assert_eq!(scene.tick(300), None);
}

#[test]
fn two_legs_that_are_both_gone_are_given_up_much_later() {
    let mut scene = Scene::connected();
    scene.does(lost(&ann()));
    scene.wait(100).does(lost(&phone()));
    assert_eq!(scene.left(), BOTH_GONE.as_secs());
    let mut other = scene.clone();
    other.wait(60).does(back(&ann()));
    assert_eq!(other.tick(2 * BOTH_GONE.as_secs()), None);
    assert_eq!(scene.tick(BOTH_GONE.as_secs()).expect("over").cause, CallEndCause::ConnectionLost);
}

#[test]
fn a_socket_lost_while_connecting_suspends_the_wait_if_the_other_has_media() {
    let mut scene = Scene::accepted();
    scene.wait(10).does(report(&ann(), MediaReport::Connected));
    scene.does(lost(&phone()));
    assert_eq!(scene.tick(600), None);
    scene.does(back(&phone()));
    assert_eq!(scene.left(), CONNECT_DEFAULT.as_secs(), "the wait begins anew");
    scene.does(report(&phone(), MediaReport::Connected));
    assert_eq!(scene.state(), CallState::Connected);
}

#[test]
fn a_suspended_wait_ends_when_the_media_fails_too() {
    let mut scene = Scene::accepted();
    scene.does(report(&ann(), MediaReport::Connected));
    scene.does(lost(&phone()));
    scene.wait(600).does(report(&ann(), MediaReport::Interrupted));
    assert_eq!(scene.tick(60).expect("over").cause, CallEndCause::ConnectionLost);
}

#[test]
fn a_leg_lost_before_any_media_is_lost_after_60_seconds() {
    let mut scene = Scene::ringing();
    scene.does(lost(&ann()));
    scene.wait(5).does(accept(&phone()));
    assert_eq!(scene.left(), 55, "from the loss, not from the accept");
    assert_eq!(scene.tick(55).expect("over").cause, CallEndCause::ConnectionLost);
}

#[test]
fn an_input_that_comes_before_anyone_noticed_the_time_still_counts() {
    let mut scene = Scene::ringing();
    scene.wait(61).does(accept(&phone()));
    assert_eq!(scene.state(), CallState::Accepted);

    let mut late = Scene::ringing();
    let outputs = late.wait(61).does(mute(&ann(), true, false));
    assert_eq!(ended(&outputs).expect("over").cause, CallEndCause::NoAnswer);

    let mut refused = Scene::ringing();
    refused.wait(61).refuses(mute(&phone(), true, false));
    assert_eq!(refused.tick(0).expect("over").cause, CallEndCause::NoAnswer);
}

#[test]
fn the_timer_that_was_due_first_says_why() {
    let mut scene = Scene::ringing();
    scene.wait(55).does(lost(&ann()));
    assert_eq!(scene.tick(3600).expect("over").cause, CallEndCause::NoAnswer);
    let mut scene = Scene::ringing();
    scene.wait(45).does(lost(&ann()));
    assert_eq!(scene.tick(3600).expect("over").cause, CallEndCause::Canceled);
}

#[test]
fn time_never_goes_back() {
    let mut scene = Scene::ringing();
    scene.wait(30).does(accept(&phone()));
    let accepted_at = scene.now;
    scene.now = Timestamp::from_millis(0);
    assert_eq!(scene.tick(0), None);
    let outputs = scene.does(end(&ann(), EndReason::HangUp));
    assert_eq!(ended(&outputs).expect("over").at, accepted_at);
}

#[test]
fn the_end_of_time_ends_calls_too() {
    let mut scene = Scene::connected();
    scene.now = Timestamp::from_millis(i64::MAX);
    assert_eq!(scene.tick(0).expect("over").cause, CallEndCause::ServerEnded);
}
