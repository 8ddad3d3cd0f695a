use callbox_wire::call::CallState;

use super::super::MediaReport;
use super::world::{World, seconds};

const CALL: &str = "call-0001";

#[test]
fn a_connection_that_comes_is_told_the_live_calls() {
    let world = World::new();
    let ann = world.tab("ann", "ann-tab1");
    let bob = world.tab("bob", "bob-tab1");
    assert!(world.live_calls(&ann).is_empty());
    world.start(&ann, CALL, "bob").expect("started");
    world.start(&ann, "call-0002", "bob").expect("started");
    world.offer(&ann, CALL, 0, "v=0").expect("described");
    let late = world.tab("bob", "bob-phone");
    let live = world.live_calls(&late);
    let ids: Vec<_> = live.iter().map(|live| live.call.id.as_str()).collect();
    assert_eq!(ids, [CALL, "call-0002"]);
    assert!(live.iter().all(|live| live.signals.is_empty()));

    world.accept(&bob, CALL).expect("accepted");
    let other_tab = world.tab_beside(&bob, "bob-tab2");
    let live = world.live_calls(&other_tab);
    assert_eq!((live[0].call.state, live[0].signals.len()), (CallState::Accepted, 0));
    let leg = world.live_calls(&bob).remove(0);
    assert_eq!((leg.call.accepted_by.is_some(), leg.signals.len()), (true, 1));
}

#[test]
fn only_a_legs_socket_counts() {
    let world = World::new();
    let (ann, bob) = (world.tab("ann", "ann-tab1"), world.tab("bob", "bob-tab1"));
    let (twin, beside) = (world.tab("bob", "bob-tab1"), world.tab_beside(&bob, "bob-tab2"));
    world.connected(&ann, &bob, CALL);
    let before = world.kinds(CALL);
    for tab in [&twin, &beside] {
        world.close(tab);
        world.open(tab);
    }
    assert_eq!(world.kinds(CALL), before);
    world.close(&bob);
    world.close(&bob);
    world.open(&bob);
    world.open(&bob);
    assert_eq!(world.kinds(CALL)[before.len()..], ["connection_lost", "connection_back"]);
}

#[test]
fn every_call_of_a_connection_learns_of_its_loss() {
    let world = World::new();
    let (ann, bob, cid) =
        (world.tab("ann", "ann-tab1"), world.tab("bob", "bob-tab1"), world.tab("cid", "cid-tab1"));
    world.accepted(&ann, &bob, CALL);
    world.accepted(&ann, &cid, "call-0002");
    world.close(&ann);
    for call in [CALL, "call-0002"] {
        assert_eq!(world.kinds(call).last().map(String::as_str), Some("connection_lost"));
    }
}

#[test]
fn a_leg_whose_socket_went_before_it_was_one_counts_as_lost() {
    let world = World::new();
    let (ann, bob) = (world.tab("ann", "ann-tab1"), world.tab("bob", "bob-tab1"));
    world.close(&ann);
    world.start(&ann, CALL, "bob").expect("the answer reaches nobody");
    assert_eq!(world.kinds(CALL), ["started", "connection_lost"]);
    world.open(&ann);
    world.close(&bob);
    world.accept(&bob, CALL).expect("the answer reaches nobody");
    assert_eq!(world.kinds(CALL)[2..], ["connection_back", "accepted", "connection_lost"]);
    world.report(&ann, CALL, MediaReport::Interrupted).expect("reported");
    world.pass(seconds(60));
    assert!(world.live_calls(&ann).is_empty());
}
