//! How tokens and sessions end, and who hears of it.

use std::time::Duration;

use callbox_bus::Notice;
use callbox_wire::{CloseCode, ErrorCode};
use futures_executor::block_on;

use super::super::{Credential, SessionToken, SignIn};
use super::HOUR;
use crate::testing::{World, code, open_sign_in};

#[test]
fn tokens_are_unknown_good_expired_or_signed_out() {
    let world = World::new();
    let unknown = block_on(world.service.authenticate(&SessionToken::from_client("cbs_nothing")));
    assert_eq!(code(unknown), ErrorCode::TokenUnknown);

    let request = SignIn { expires_in: Some(HOUR), ..open_sign_in("ann") };
    let token = world.sign_in(request).expect("signed in").token;
    world.clock.advance(HOUR.checked_sub(Duration::from_millis(1)).expect("positive"));
    block_on(world.service.authenticate(&token)).expect("the last moment");
    world.clock.advance(Duration::from_millis(1));
    let expired = block_on(world.service.authenticate(&token)).expect_err("over");
    assert_eq!((expired.code, &expired.details["reason"]), (ErrorCode::SessionEnded, &"expired".into()));
}

#[test]
fn signing_out_ends_one_session_and_is_told_once() {
    let world = World::new();
    let token = world.sign_in(open_sign_in("ann")).expect("signed in").token;
    let caller = block_on(world.service.authenticate(&token)).expect("a good token");
    let other = world.sign_in(open_sign_in("ann")).expect("another device").token;
    world.notices();
    for _ in 0..2 {
        block_on(world.service.sign_out(&caller)).expect("a repeat is fine");
    }
    let notices = world.notices();
    let [Notice::SessionEnded { app_id, user_id, session_id, code: close }] = notices.as_slice() else {
        panic!("told once and nothing else: {notices:?}");
    };
    assert_eq!((*app_id, user_id, session_id), (caller.app_id(), &caller.user_id, &caller.session_id));
    assert_eq!(*close, CloseCode::SessionEnded);
    let ended = block_on(world.service.authenticate(&token)).expect_err("over");
    assert_eq!((ended.code, &ended.details["reason"]), (ErrorCode::SessionEnded, &"signed_out".into()));
    block_on(world.service.authenticate(&other)).expect("the other device stays");
}

#[test]
fn a_token_in_another_form_is_not_the_token() {
    let world = World::new();
    let token = world.sign_in(open_sign_in("ann")).expect("signed in").token;
    assert!(token.expose().starts_with("cbs_") && token.expose().len() == 47, "256 bits");
    assert!(!format!("{token:?}").contains(token.expose()));
    let Credential::Open(user) = open_sign_in("ann").credential else { panic!("open") };
    for other in [token.expose().to_lowercase(), format!("{} ", token.expose()), user.to_string()] {
        let found = block_on(world.service.authenticate(&SessionToken::from_client(&other)));
        assert_eq!(code(found), ErrorCode::TokenUnknown);
    }
}
