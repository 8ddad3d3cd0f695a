use callbox_call_proto::timers::{BOTH_GONE, CONNECT_DEFAULT, REACH_DEFAULT};
use callbox_wire::call::{CallCause, CallState};
use futures_executor::block_on;

use super::super::EndReason;
use super::world::{MOMENT, Tab, World, seconds};

const CALL: &str = "call-0001";

fn pair(world: &World) -> (Tab, Tab) {
    (world.tab("ann", "ann-tab1"), world.tab("bob", "bob-tab1"))
}

fn recover(world: &World) {
    block_on(world.service.recover_calls()).expect("a store that reads");
}

#[test]
fn a_live_call_survives_a_restart_with_both_legs_lost() {
    let mut world = World::new();
    let (ann, bob) = pair(&world);
    world.connected(&ann, &bob, CALL);
    world.restart();
    world.clock.advance(seconds(30));
    recover(&world);
    assert_eq!(world.kinds(CALL)[world.kinds(CALL).len() - 2..], ["connection_lost"; 2]);
    world.open(&ann);
    let live = world.live_calls(&ann);
    assert_eq!(live[0].call.state, CallState::Connected);
    world.end(&ann, CALL, EndReason::HangUp).expect("hung up");
    assert_eq!(world.cause(&ann, &bob), CallCause::Completed);
}

#[test]
fn timers_go_on_after_a_restart() {
    let mut world = World::new();
    let (ann, bob) = pair(&world);
    world.connected(&ann, &bob, CALL);
    world.restart();
    recover(&world);
    world.pass_nearly(BOTH_GONE);
    assert!(world.names(&ann).is_empty());
    world.pass(MOMENT);
    assert_eq!(world.cause(&ann, &bob), CallCause::ConnectionLost);
}

#[test]
fn a_timer_that_ran_out_meanwhile_ends_the_call_at_once() {
    let mut world = World::new();
    let (ann, bob) = pair(&world);
    world.start(&ann, CALL, "bob").expect("started");
    world.accepted(&ann, &bob, "call-0002");
    world.restart();
    world.clock.advance(REACH_DEFAULT);
    recover(&world);
    assert_eq!(world.cause(&ann, &bob), CallCause::Unreachable);
    world.restart();
    world.clock.advance(CONNECT_DEFAULT);
    recover(&world);
    assert_eq!(world.cause(&ann, &bob), CallCause::ConnectTimeout);
}

#[test]
fn a_device_that_is_back_before_the_calls_are_is_not_lost() {
    let mut world = World::new();
    let (ann, bob) = pair(&world);
    world.connected(&ann, &bob, CALL);
    world.close(&ann);
    world.restart();
    world.open(&ann);
    assert_eq!(world.live_calls(&ann).len(), 1, "told though the calls are not taken up yet");
    recover(&world);
    let kinds = world.kinds(CALL);
    assert_eq!(kinds[kinds.len() - 3..], ["connection_lost", "connection_back", "connection_lost"]);
    let lost = world.timeline(CALL).pop().and_then(|line| line.user_id);
    assert_eq!(lost, Some(bob.caller.user_id.clone()));
}

#[test]
fn an_ended_call_stays_ended() {
    let mut world = World::new();
    let (ann, bob) = pair(&world);
    world.accepted(&ann, &bob, CALL);
    world.end(&ann, CALL, EndReason::HangUp).expect("hung up");
    assert_eq!(world.cause(&ann, &bob), CallCause::Completed);
    world.restart();
    recover(&world);
    world.pass(seconds(100_000));
    assert!(world.names(&ann).is_empty());
    assert_eq!(world.kinds(CALL).last().map(String::as_str), Some("ended"));
}
