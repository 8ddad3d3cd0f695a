//! What the relay is told, and what legs are told of it.

use std::time::Duration;

use callbox_call_proto::ServerCause;
use callbox_call_proto::timers::{BOTH_GONE, CONNECT_DEFAULT, LONGEST_DEFAULT, REACH_DEFAULT};
use callbox_domain::AppKey;
use callbox_media_control::{CREDENTIAL_LIFE, Credential};
use callbox_wire::ErrorCode;
use callbox_wire::call::{IceConfiguration, IceTransportPolicy};
use futures_executor::block_on;

use super::super::EndReason;
use super::world::{Tab, World, call_id, code, subject};
use crate::accounts::UpdateApp;
use crate::audit::Actor;
use crate::{Manager, ServiceResult};

const CALL: &str = "call-0001";

fn pair(world: &World) -> (Tab, Tab) {
    (world.tab("ann", "ann-tab1"), world.tab("bob", "bob-tab1"))
}

/// A world with a call that was accepted, after what ends it.
fn after(end: impl FnOnce(&World, &Tab, &Tab)) -> World {
    let world = World::new();
    let (ann, bob) = pair(&world);
    world.accepted(&ann, &bob, CALL);
    assert!(world.media.ended_calls().is_empty(), "a live call relays");
    end(&world, &ann, &bob);
    assert!(world.record(CALL).end.is_some(), "over");
    world
}

#[test]
fn however_a_call_ends_the_relay_is_told() {
    let erase = |world: &World, user: &Tab| {
        let manager = Manager { app: user.caller.app.clone(), actor: Actor::App };
        block_on(world.service.erase_user(&manager, user.caller.user_id.clone())).expect("erased");
    };
    let worlds = [
        after(|world, ann, _| world.end(ann, CALL, EndReason::HangUp).expect("hung up")),
        after(|world, _, bob| world.end_by_session(bob, CALL, EndReason::Failed).expect("ended")),
        after(|world, _, _| world.server_end(CALL, ServerCause::Blocked)),
        after(|world, _, _| world.pass(CONNECT_DEFAULT)),
        after(|world, ann, bob| {
            world.connected(ann, bob, CALL);
            world.pass(LONGEST_DEFAULT);
        }),
        after(|world, ann, bob| {
            world.close(ann);
            world.close(bob);
            world.pass(BOTH_GONE);
        }),
        after(|world, ann, _| block_on(world.service.sign_out(&ann.caller)).expect("signed out")),
    ];
    for (number, world) in worlds.iter().enumerate() {
        assert_eq!(world.media.ended_calls(), [subject(CALL)], "way {number}");
    }
    let world = World::new();
    let (ann, bob) = pair(&world);
    world.accepted(&ann, &bob, CALL);
    erase(&world, &bob);
    assert_eq!(world.media.ended_calls(), [subject(CALL)], "an erased user's");
}

#[test]
fn a_call_that_nobody_answers_relays_no_more_when_it_is_over() {
    let world = World::new();
    let (ann, bob) = pair(&world);
    world.start(&ann, CALL, "bob").expect("started");
    world.pass(REACH_DEFAULT);
    assert_eq!(world.media.ended_calls(), [subject(CALL)]);
    world.start(&ann, "call-0002", "bob").expect("started");
    world.end(&bob, "call-0002", EndReason::Busy).expect("declined");
    assert_eq!(world.media.ended_calls(), [subject("call-0002")]);
}

#[test]
fn a_call_that_ended_while_the_server_was_away_is_told_after_the_start() {
    let mut world = World::new();
    let (ann, bob) = pair(&world);
    world.accepted(&ann, &bob, CALL);
    world.restart();
    world.clock.advance(CONNECT_DEFAULT);
    block_on(world.service.recover_calls()).expect("a store that reads");
    assert_eq!(world.media.ended_calls(), [subject(CALL)]);
}

#[test]
fn calls_of_one_id_in_two_apps_are_two_to_the_relay() {
    let world = World::new();
    let (ann, bob) = pair(&world);
    let other = [world.tab_in("app-two", "ann", "ann-tab1"), world.tab_in("app-two", "bob", "bob-tab1")];
    world.accepted(&ann, &bob, CALL);
    world.accepted(&other[0], &other[1], CALL);
    world.end(&ann, CALL, EndReason::HangUp).expect("hung up");
    assert_eq!(world.media.ended_calls(), [subject(CALL)]);
    assert_eq!(world.live_calls(&other[0]).len(), 1);
}

fn ask(world: &World, tab: &Tab, call: Option<&str>) -> ServiceResult<IceConfiguration> {
    block_on(world.service.ice_servers(&tab.caller, call.map(call_id).as_ref()))
}

/// For whom the TURN credential of a configuration was made.
fn credential(ice: &IceConfiguration) -> Credential {
    let turn = ice.ice_servers.iter().find(|server| server.credential.is_some()).expect("a TURN server");
    Credential::parse(turn.username.as_deref().expect("a name")).expect("a good one")
}

#[test]
fn credentials_are_of_one_session_and_one_call() {
    let world = World::new();
    let (ann, bob) = pair(&world);
    world.accepted(&ann, &bob, CALL);
    let ice = ask(&world, &ann, Some(CALL)).expect("hers");
    let credential_of = credential(&ice);
    assert_eq!(credential_of.session(), ann.caller.session_id.as_str());
    assert_eq!(credential_of.call(), subject(CALL).as_str());
    assert_eq!(ice.expires_at, Some(credential_of.expires_at()));
    assert!(credential_of.expires_at() <= world.service.clock().now().plus(CREDENTIAL_LIFE));
    let for_no_call = ask(&world, &ann, None).expect("hers");
    assert_eq!(credential(&for_no_call).call(), "");
    assert!(for_no_call.ice_servers[0].username.is_none(), "STUN takes no credential");
}

#[test]
fn only_those_who_take_part_or_are_rung_get_credentials_for_a_call() {
    let world = World::new();
    let (ann, bob) = pair(&world);
    let (ann_phone, bob_phone) = (world.tab("ann", "ann-phone"), world.tab("bob", "bob-phone"));
    let strangers = [world.tab("eve", "eve-tab1"), world.tab_in("app-two", "bob", "bob-tab1")];
    let refused = |tab: &Tab, call: &str| code(ask(&world, tab, Some(call))) == ErrorCode::CallNotFound;
    assert!(refused(&ann, CALL), "there is none yet");
    world.start(&ann, CALL, "bob").expect("started");
    for tab in [&ann, &bob, &bob_phone] {
        ask(&world, tab, Some(CALL)).expect("calls, or is rung");
    }
    assert!(refused(&ann_phone, CALL), "calls from another device");
    world.accept(&bob, CALL).expect("accepted");
    for tab in [&ann, &bob] {
        ask(&world, tab, Some(CALL)).expect("a leg");
    }
    assert!(refused(&bob_phone, CALL), "it was answered elsewhere");
    for stranger in &strangers {
        assert!(refused(stranger, CALL));
    }
    world.end(&ann, CALL, EndReason::HangUp).expect("hung up");
    for tab in [&ann, &bob] {
        assert!(refused(tab, CALL), "it is over");
    }
}

#[test]
fn an_app_sends_all_its_media_through_the_relay() {
    let world = World::new();
    let (ann, bob) = pair(&world);
    world.accepted(&ann, &bob, CALL);
    let policy = |tab: &Tab| ask(&world, tab, Some(CALL)).expect("a leg").ice_transport_policy;
    assert_eq!(policy(&ann), IceTransportPolicy::All);
    let mut settings = serde_json::Map::new();
    settings.insert("relayOnly".to_owned(), true.into());
    let change = UpdateApp { settings, ..UpdateApp::default() };
    let app = AppKey::new("app-one").expect("valid");
    block_on(world.service.update_app(Actor::Operator, &app, change)).expect("updated");
    for tab in [&ann, &bob] {
        assert_eq!(policy(tab), IceTransportPolicy::Relay, "at once");
    }
}

#[test]
fn a_relay_in_trouble_is_told_with_the_moment_at_which_it_was_noticed() {
    let world = World::new();
    assert!(world.service.check_health().is_ok());
    world.media.set_trouble(Some("its thread is gone"));
    let since = world.service.clock().now();
    for _ in 0..2 {
        let trouble = world.service.check_health().expect_err("in trouble");
        assert_eq!((trouble.part.as_str(), trouble.since), ("media", since));
        assert_eq!(trouble.reason, "its thread is gone");
        world.clock.advance(Duration::from_mins(1));
    }
    world.media.set_trouble(None);
    assert!(world.service.check_health().is_ok());
    world.media.set_trouble(Some("again"));
    let trouble = world.service.check_health().expect_err("in trouble");
    assert_eq!(trouble.since, world.service.clock().now(), "it was well in between");
}
