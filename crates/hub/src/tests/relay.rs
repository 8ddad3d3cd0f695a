//! What a node's relay learns of ends that another node wrote.

use callbox_bus::testing::LossyBus;
use callbox_domain::{CallId, CallMedia, ConnectionId, UserId};
use callbox_media_control::CallSubject;
use callbox_service::calls::{EndReason, StartRequest};

use super::World;

#[test]
fn the_relay_of_every_node_hears_that_a_call_is_over() {
    let world = World::with(2, LossyBus::lossless());
    let [ann, _bob] = ["ann", "bob"].map(|user| world.caller(&world.sign_in_as(user).token));
    let call_id = CallId::new("call-0001").expect("valid");
    let request = StartRequest {
        call_id: call_id.clone(),
        callee_id: UserId::new("bob").expect("valid"),
        media: CallMedia::Audio,
        ring: None,
    };
    let connection = ConnectionId::new("page-of-ann").expect("valid");
    world.wait(world.service().start_call(&ann, &connection, request));
    let ended_calls = || world.nodes.iter().map(|node| node.media.ended_calls()).collect::<Vec<_>>();
    assert_eq!(ended_calls(), [[], []], "it lives");
    world.wait(world.service().end_call(&ann, None, call_id.clone(), EndReason::HangUp));
    let subject = CallSubject::new(ann.app_id(), &call_id);
    assert_eq!(ended_calls(), [[subject.clone()], [subject]]);
}

#[test]
fn the_relay_of_every_node_finds_ended_sessions_on_the_list() {
    let world = World::with(2, LossyBus::lossless());
    world.bus.set_deaf(true);
    let ann = world.caller(&world.sign_in().token);
    let from = world.wait(world.service().newest_ended_session());
    world.wait(world.service().sign_out(&ann));
    let other = &world.nodes[1];
    assert!(other.media.ended_sessions().is_empty(), "nobody told");
    world.runtime.block_on(other.hub.sweep(from));
    assert_eq!(other.media.ended_sessions(), [ann.session_id]);
}
