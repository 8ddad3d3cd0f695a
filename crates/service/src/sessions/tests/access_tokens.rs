//! Access tokens that an app's backend issued.

use std::time::Duration;

use callbox_domain::CredentialKind;
use callbox_wire::ErrorCode;

use super::super::SignIn;
use super::{HOUR, access_token_sign_in, issue_access_token};
use crate::testing::{World, app_key, code, ticket_sign_in, user_id};

/// A server whose backend knows `ann` and `bob`.
fn world() -> World {
    let world = World::new();
    for user in ["ann", "bob"] {
        world.sign_in(ticket_sign_in(&world.ticket("app-one", user))).expect("of the backend");
    }
    world
}

#[test]
fn a_good_token_opens_sessions_of_its_user_until_it_expires() {
    let world = world();
    issue_access_token(&world, "ann", "cbt-one", Some(world.now().plus(HOUR)));
    issue_access_token(&world, "ann", "for-ever", None);
    let first = world.sign_in(access_token_sign_in("ann", "cbt-one")).expect("good");
    let second = world.sign_in(access_token_sign_in("ann", "cbt-one")).expect("good again");
    assert_eq!(first.user.id.as_str(), "ann");
    assert_eq!(first.session.credential, CredentialKind::AccessToken);
    assert_ne!(first.session.id, second.session.id);
    world.clock.advance(HOUR.checked_sub(Duration::from_millis(1)).expect("positive"));
    world.sign_in(access_token_sign_in("ann", "cbt-one")).expect("the last moment");
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(code(world.sign_in(access_token_sign_in("ann", "cbt-one"))), ErrorCode::AccessTokenUnknown);
    world.clock.advance(HOUR * 24 * 365);
    world.sign_in(access_token_sign_in("ann", "for-ever")).expect("it never expires");
}

#[test]
fn a_token_of_nobody_of_another_user_or_of_another_app_opens_nothing() {
    let world = world();
    issue_access_token(&world, "ann", "token", None);
    world.change_app("app-two", |app| app.settings.access_token_sign_in = true);
    world.sign_in(ticket_sign_in(&world.ticket("app-two", "ann"))).expect("an ann of the other app");
    let elsewhere = SignIn { app_key: Some(app_key("app-two")), ..access_token_sign_in("ann", "token") };
    for request in [
        access_token_sign_in("ann", "nothing"),
        access_token_sign_in("ann", ""),
        access_token_sign_in("ann", "Token"),
        access_token_sign_in("bob", "token"),
        access_token_sign_in("nobody", "token"),
        elsewhere,
    ] {
        assert_eq!(code(world.sign_in(request.clone())), ErrorCode::AccessTokenUnknown, "{request:?}");
    }
}

#[test]
fn a_revoked_token_opens_nothing() {
    let world = world();
    issue_access_token(&world, "ann", "token", None);
    let app = world.app_id("app-one");
    assert!(world.write(move |tx| tx.remove_access_token(app, &user_id("ann"), "tok_token")));
    assert_eq!(code(world.sign_in(access_token_sign_in("ann", "token"))), ErrorCode::AccessTokenUnknown);
}
