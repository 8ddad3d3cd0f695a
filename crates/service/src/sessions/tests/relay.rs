//! However a session ends, its relayed media does.

use std::time::Duration;

use callbox_domain::{IdentityType, SessionEndReason};
use futures_executor::block_on;

use super::{Credential, HOUR, PASSWORD, SignIn, end, sign_in_by, sign_up};
use crate::accounts::{Rotation, UpdateApp};
use crate::audit::Actor;
use crate::testing::{World, app_key, open_sign_in, secret, ticket_sign_in, user_id};
use crate::{Caller, Manager};

fn manager(by: &Caller, actor: Actor) -> Manager {
    Manager { app: by.app.clone(), actor }
}

#[test]
fn the_relay_is_told_of_every_session_that_a_user_ends() {
    let world = World::new();
    let [one, two, three, four] = [(); 4].map(|()| world.caller("ann"));
    world.caller("bob");
    assert!(world.media.ended_sessions().is_empty(), "open ones relay");
    block_on(world.service.sign_out(&one)).expect("signed out");
    assert_eq!(world.media.ended_sessions(), [one.session_id]);
    block_on(world.service.end_own_session(&four, two.session_id.clone())).expect("ended");
    assert_eq!(world.media.ended_sessions(), [two.session_id]);
    block_on(world.service.end_other_sessions(&four)).expect("ended");
    assert_eq!(world.media.ended_sessions(), [three.session_id]);
    let mine = four.session_id.clone();
    block_on(world.service.end_own_session(&four, mine.clone())).expect("ended");
    assert_eq!(world.media.ended_sessions(), [mine]);
}

#[test]
fn the_relay_is_told_of_sessions_that_make_room_and_of_those_found_expired() {
    let world = World::new();
    let from = block_on(world.service.newest_ended_session()).expect("a number");
    world.change_app("app-one", |app| app.settings.sessions_per_user_max = 1);
    let first = world.caller("ann");
    world.clock.advance(Duration::from_secs(1));
    let second = world.caller("ann");
    assert_eq!(world.media.ended_sessions(), [first.session_id]);
    world.clock.advance(HOUR * 24 * 30);
    world.caller("ann");
    block_on(world.service.heed_ended_sessions(from + 1)).expect("a list");
    assert_eq!(world.media.ended_sessions(), [second.session_id], "nobody else is told of those");
}

#[test]
fn the_relay_is_told_of_sessions_that_end_with_a_new_password() {
    let world = World::new();
    sign_up(&world, (IdentityType::Username, "ann")).expect("new");
    let by_password = || Credential::Password(IdentityType::Username, "ann".to_owned(), secret(PASSWORD));
    let [caller, other] = [(); 2].map(|()| world.caller_with(sign_in_by(by_password())));
    let new = secret("orange bicycle museum");
    block_on(world.service.change_password(&caller, Some(secret(PASSWORD)), new, None)).expect("changed");
    assert_eq!(world.media.ended_sessions(), [other.session_id]);
}

#[test]
fn the_relay_is_told_of_sessions_that_operators_and_backends_end() {
    let world = World::new();
    let [one, two] = [(); 2].map(|()| world.caller("ann"));
    let ann = || user_id("ann");
    let (app, operator) = (manager(&one, Actor::App), manager(&one, Actor::Operator));
    block_on(world.service.end_user_session(&app, ann(), one.session_id.clone())).expect("ended");
    assert_eq!(world.media.ended_sessions(), [one.session_id]);
    block_on(world.service.end_user_sessions(&operator, ann())).expect("ended");
    assert_eq!(world.media.ended_sessions(), [two.session_id]);
    let three = world.caller("ann");
    block_on(world.service.set_user_blocked(&operator, ann(), true)).expect("blocked");
    assert_eq!(world.media.ended_sessions(), [three.session_id]);
    let bob = world.caller("bob");
    block_on(world.service.erase_user(&operator, user_id("bob"))).expect("erased");
    assert_eq!(world.media.ended_sessions(), [bob.session_id]);
}

#[test]
fn the_relay_is_told_of_all_sessions_of_an_app_that_is_closed_or_gets_a_new_secret() {
    let world = World::new();
    let [ann, bob] = ["ann", "bob"].map(|user| world.caller(user));
    let other = world.caller_with(ticket_sign_in(&world.ticket("app-two", "ann")));
    let closed = UpdateApp { disabled: Some(true), ..UpdateApp::default() };
    block_on(world.service.update_app(Actor::Operator, &app_key("app-one"), closed)).expect("closed");
    let mut ended = world.media.ended_sessions();
    ended.sort();
    let mut expected = [ann.session_id, bob.session_id];
    expected.sort();
    assert_eq!(ended, expected);
    let rotation = Rotation { grace: Duration::ZERO, end_sessions: true };
    block_on(world.service.rotate_secret(Actor::Operator, &app_key("app-two"), rotation)).expect("rotated");
    assert_eq!(world.media.ended_sessions(), [other.session_id]);
}

#[test]
fn an_end_that_nobody_told_reaches_the_relay_from_the_list() {
    let world = World::new();
    let from = block_on(world.service.newest_ended_session()).expect("a number");
    let signed_in = world.sign_in(open_sign_in("ann")).expect("signed in");
    end(&world, &signed_in, SessionEndReason::SignedOut);
    assert!(world.media.ended_sessions().is_empty());
    let listed = block_on(world.service.heed_ended_sessions(from)).expect("a list");
    assert_eq!(listed.len(), 1);
    assert_eq!(world.media.ended_sessions(), [signed_in.session.id]);
}

#[test]
fn a_session_that_ends_with_the_time_relays_no_more() {
    let world = World::new();
    let opened = || {
        let request = SignIn { expires_in: Some(HOUR), ..open_sign_in("ann") };
        world.caller_with(request)
    };
    let [asks, renews, ends] = [(); 3].map(|()| opened());
    for caller in [&asks, &renews, &ends] {
        block_on(world.service.ice_servers(caller, None)).expect("credentials");
    }
    let ended = || {
        block_on(world.service.end_expired_relaying());
        world.media.ended_sessions()
    };
    block_on(world.service.sign_out(&ends)).expect("signed out");
    assert_eq!(ended(), [ends.session_id], "and not told again");
    block_on(world.service.renew_session(&renews, None, Some(HOUR * 2))).expect("renewed");
    world.clock.advance(HOUR.checked_sub(Duration::from_millis(1)).expect("positive"));
    assert!(ended().is_empty());
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(ended(), [asks.session_id]);
    assert!(ended().is_empty(), "once");
    world.clock.advance(HOUR);
    assert_eq!(ended(), [renews.session_id]);
}
