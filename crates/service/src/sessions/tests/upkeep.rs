//! What the server does now and then: keeps when sessions were used, and forgets what has expired.

use std::time::Duration;

use callbox_domain::{OneTimePurpose, OneTimeToken, SessionEndReason, UsedOnce};
use callbox_wire::ErrorCode;
use futures_executor::block_on;

use super::super::SignedIn;
use super::{HOUR, end, jwt, jwt_sign_in};
use crate::generated::sha256;
use crate::testing::{World, code, open_sign_in, user_id};

#[test]
fn uses_are_kept_when_the_server_gets_round_to_it() {
    let world = World::new();
    let signed_in = world.sign_in(open_sign_in("ann")).expect("signed in");
    let (app, id) = (signed_in.session.app_id, signed_in.session.id.clone());
    let used_at = || {
        let id = id.clone();
        world.write(move |tx| tx.session(app, &id)).expect("kept").last_used_at
    };
    let opened = world.now();
    world.clock.advance(HOUR);
    world.authenticate(&signed_in).expect("open");
    assert_eq!(used_at(), opened, "not a write for each request");
    block_on(world.service.keep_last_used());
    assert_eq!(used_at(), world.now());
    let kept = world.now();
    world.clock.advance(HOUR);
    block_on(world.service.keep_last_used());
    assert_eq!(used_at(), kept, "nobody used it meanwhile");
}

#[test]
fn more_than_one_write_keeps_is_kept_in_one_round() {
    let world = World::new();
    world.change_app("app-one", |app| app.settings.sessions_per_user_max = 1_000);
    let all: Vec<_> = (0..600).map(|_| world.sign_in(open_sign_in("ann")).expect("signed in")).collect();
    world.clock.advance(HOUR);
    for one in &all {
        world.authenticate(one).expect("open");
    }
    block_on(world.service.keep_last_used());
    let app = world.app_id("app-one");
    let kept = world.write(move |tx| tx.open_sessions_of(app, &user_id("ann")));
    assert_eq!(kept.len(), 600);
    assert!(kept.iter().all(|session| session.last_used_at == world.now()));
}

#[test]
fn what_has_expired_is_forgotten_and_nothing_else() {
    let world = World::new();
    let app = world.app_id("app-one");
    let [now, soon] = [world.now(), world.now().plus(HOUR)];
    let users = ["early", "late"];
    for (user, expires_at) in users.into_iter().zip([now, soon]) {
        world.caller(user);
        let used = UsedOnce { hash: sha256(user), expires_at, used_at: now, result: String::new() };
        world.write(move |tx| tx.insert_used_once(app, &used));
        let user_id = user_id(user);
        let purpose = OneTimePurpose::PasswordReset;
        let token = OneTimeToken { hash: sha256(user), purpose, user_id, expires_at };
        world.write(move |tx| tx.insert_one_time_token(app, &token));
    }
    let left = || {
        world.write(move |tx| {
            let used = users.map(|user| tx.used_once(app, &sha256(user)));
            let tokens = users.map(|user| tx.one_time_token(app, &sha256(user)));
            let mut left = Vec::new();
            for one in used {
                left.push(one?.is_some());
            }
            for one in tokens {
                left.push(one?.is_some());
            }
            Ok(left)
        })
    };
    block_on(world.service.forget_expired());
    assert_eq!(left(), [false, true, false, true]);
    world.clock.advance(HOUR);
    block_on(world.service.forget_expired());
    assert_eq!(left(), [false; 4]);
}

#[test]
fn more_than_one_write_removes_is_forgotten_in_one_round() {
    let world = World::new();
    let (app, now) = (world.app_id("app-one"), world.now());
    world.write(move |tx| {
        for number in 0..1_201 {
            let hash = sha256(&format!("{number}"));
            let used = UsedOnce { hash, expires_at: now, used_at: now, result: String::new() };
            tx.insert_used_once(app, &used)?;
        }
        Ok(())
    });
    block_on(world.service.forget_expired());
    let left = world.write(move |tx| {
        let mut left = 0;
        for number in 0..1_201 {
            left += usize::from(tx.used_once(app, &sha256(&format!("{number}")))?.is_some());
        }
        Ok(left)
    });
    assert_eq!(left, 0);
}

#[test]
fn a_used_jwt_is_remembered_for_as_long_as_it_is_good() {
    let world = World::new();
    let text = jwt(&world, "ann", "one");
    world.sign_in(jwt_sign_in(&text)).expect("good");
    let refused = || {
        block_on(world.service.forget_expired());
        code(world.sign_in(jwt_sign_in(&text)))
    };
    // Ten minutes, and one that its issuer's clock may be late.
    for _ in 0..11 {
        assert_eq!(refused(), ErrorCode::JwtUsed);
        world.clock.advance(Duration::from_mins(1));
    }
    assert_eq!(refused(), ErrorCode::JwtExpired);
}

#[test]
fn the_list_of_ended_sessions_is_kept_for_a_day() {
    let world = World::new();
    let signed_in = world.sign_in(open_sign_in("ann")).expect("signed in");
    end(&world, &signed_in, SessionEndReason::SignedOut);
    let listed = || block_on(world.service.heed_ended_sessions(0)).expect("a list").len();
    world.clock.advance(HOUR * 24);
    block_on(world.service.forget_expired());
    assert_eq!(listed(), 1);
    world.clock.advance(Duration::from_millis(1));
    block_on(world.service.forget_expired());
    assert_eq!(listed(), 0);
    let newest = block_on(world.service.newest_ended_session()).expect("a number");
    let again = world.sign_in(open_sign_in("ann")).expect("signed in");
    end(&world, &again, SessionEndReason::SignedOut);
    let ended = block_on(world.service.heed_ended_sessions(newest)).expect("a list");
    assert_eq!(ended.len(), 1, "whoever had read to the end misses nothing");
}

#[test]
fn every_way_of_ending_is_on_the_list() {
    let world = World::new();
    world.change_app("app-one", |app| app.settings.sessions_per_user_max = 2);
    let mut last = 0;
    let mut newly_ended = || {
        let ended = block_on(world.service.heed_ended_sessions(last)).expect("a list");
        last = ended.last().map_or(last, |one| one.number);
        ended.into_iter().map(|one| (one.session_id, one.reason)).collect::<Vec<_>>()
    };
    let signed_in = || world.sign_in(open_sign_in("ann")).expect("signed in");
    let caller = |one: &SignedIn| world.authenticate(one).expect("open");

    let (one, two) = (signed_in(), signed_in());
    block_on(world.service.sign_out(&caller(&one))).expect("signed out");
    assert_eq!(newly_ended(), [(one.session.id, SessionEndReason::SignedOut)]);
    let three = signed_in();
    block_on(world.service.end_own_session(&caller(&three), two.session.id.clone())).expect("ended");
    assert_eq!(newly_ended(), [(two.session.id, SessionEndReason::EndedByUser)]);
    let four = signed_in();
    block_on(world.service.end_own_session(&caller(&four), four.session.id.clone())).expect("ended");
    assert_eq!(newly_ended(), [(four.session.id, SessionEndReason::SignedOut)], "one's own is signed out");
    let five = signed_in();
    assert_eq!(block_on(world.service.end_other_sessions(&caller(&five))), Ok(1));
    assert_eq!(newly_ended(), [(three.session.id, SessionEndReason::EndedByUser)]);
    world.clock.advance(Duration::from_secs(1));
    let six = signed_in();
    world.clock.advance(Duration::from_secs(1));
    signed_in();
    assert_eq!(newly_ended(), [(five.session.id, SessionEndReason::Replaced)]);
    world.clock.advance(HOUR * 24);
    signed_in();
    let expired = newly_ended();
    assert_eq!(expired.len(), 2);
    assert!(expired.contains(&(six.session.id, SessionEndReason::Expired)));
    let app = world.app_id("app-one");
    let everyone = world.service.end_sessions_of_app(app, SessionEndReason::AppDisabled);
    assert_eq!(block_on(everyone), Ok(1));
    assert_eq!(newly_ended().len(), 1);
}

#[test]
fn nobody_ends_a_session_of_another_user() {
    let world = World::new();
    let (ann, bob) = (world.caller("ann"), world.caller("bob"));
    let other = world.caller_in("app-two", "ann");
    for foreign in [&bob, &other] {
        let ended = world.service.end_own_session(&ann, foreign.session_id.clone());
        assert_eq!(code(block_on(ended)), ErrorCode::SessionNotFound);
        block_on(world.service.resume_session(foreign)).expect("open");
    }
    assert_eq!(block_on(world.service.end_other_sessions(&ann)), Ok(0));
}
