//! Renewed sessions: another token, another end, and who may.

use std::time::Duration;

use callbox_bus::Notice;
use callbox_domain::{IdentityType, SessionEndReason, UserId};
use callbox_wire::ErrorCode;
use futures_executor::block_on;

use super::super::ticket::{Ticket, TicketContents};
use super::super::{Credential, SignedIn};
use super::{
    HOUR, PASSWORD, access_token_sign_in, contents, device_sign_in, end, issue_access_token, jwt,
    jwt_sign_in, register, registration, sign_in_by, sign_up,
};
use crate::testing::{World, code, open_sign_in, secret, ticket_sign_in, user_id};
use crate::{Caller, ServiceResult};

fn renew(world: &World, caller: &Caller, credential: Option<Credential>) -> ServiceResult<SignedIn> {
    block_on(world.service.renew_session(caller, credential, None))
}

const MINUTE: Duration = Duration::from_mins(1);

#[test]
fn only_the_token_of_just_before_stays_good_and_only_for_a_minute() {
    let world = World::new();
    let first = world.sign_in(open_sign_in("ann")).expect("signed in");
    let ann = world.authenticate(&first).expect("open");
    let second = renew(&world, &ann, None).expect("renewed");
    assert_eq!(second.session.id, first.session.id);
    assert_eq!(second.secret.expose(), first.secret.expose(), "the secret is the session's own");
    for token in [&first, &second] {
        world.authenticate(token).expect("good");
    }
    let third = renew(&world, &ann, None).expect("renewed");
    assert_eq!(code(world.authenticate(&first)), ErrorCode::TokenUnknown, "only one old token");
    world.clock.advance(Duration::from_millis(59_999));
    world.authenticate(&second).expect("the last moment");
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(code(world.authenticate(&second)), ErrorCode::TokenUnknown);
    world.authenticate(&third).expect("good");
}

#[test]
fn a_renewal_is_told_to_the_sessions_sockets() {
    let world = World::new();
    let ann = world.caller("ann");
    world.clock.advance(HOUR);
    world.notices();
    let renewed = renew(&world, &ann, None).expect("renewed");
    let notices = world.notices();
    let [Notice::SessionRenewed { app_id, user_id, session_id, expires_at }] = notices.as_slice() else {
        panic!("told once and nothing else: {notices:?}");
    };
    assert_eq!((*app_id, user_id, session_id), (ann.app_id(), &ann.user_id, &ann.session_id));
    assert_eq!(*expires_at, renewed.session.expires_at);
    assert_eq!(*expires_at, world.now().plus(HOUR * 24));
}

#[test]
fn a_renewed_session_lives_as_long_as_the_shortest_of_wish_credential_and_app() {
    let world = World::new();
    let ann = world.caller_in("app-two", "ann");
    let renew = |wish: Option<Duration>, ticket_life: u32| {
        let contents = TicketContents { expires_in: ticket_life, ..contents(&world) };
        let ticket = Ticket::sign(&contents, world.secret("app-two")).expect("a good secret");
        let credential = Credential::Ticket(ticket.into_exposed());
        let renewed = block_on(world.service.renew_session(&ann, Some(credential), wish));
        renewed.map(|renewed| renewed.session.expires_at.since(world.now()))
    };
    assert_eq!(renew(None, 60), Ok(MINUTE));
    assert_eq!(renew(Some(MINUTE), 3_600), Ok(MINUTE));
    assert_eq!(renew(Some(HOUR), 60), Ok(MINUTE));
    assert_eq!(renew(Some(HOUR * 24 * 365), u32::MAX), Ok(HOUR * 24 * 30), "what an app allows");
    world.change_app("app-two", |app| app.settings.session_life_max_seconds = 120);
    world.caller_in("app-two", "ann");
    assert_eq!(renew(Some(HOUR), 3_600), Ok(MINUTE * 2));
    assert_eq!(code(renew(Some(Duration::ZERO), 60)), ErrorCode::InvalidRequest);
}

#[test]
fn whom_the_backend_lets_in_needs_its_word_again() {
    let world = World::new();
    world.change_app("app-one", |app| app.settings.renew_without_credential = false);
    let by_ticket = world.caller_with(ticket_sign_in(&world.ticket("app-one", "ann")));
    let by_jwt = world.caller_with(jwt_sign_in(&jwt(&world, "ann", "one")));
    let ticket = |user: &str| Some(Credential::Ticket(world.ticket("app-one", user)));
    let jwt = |user: &str, id: &str| Some(Credential::Jwt(jwt(&world, user, id)));
    for (index, session) in [by_ticket, by_jwt].iter().enumerate() {
        assert_eq!(code(renew(&world, session, None)), ErrorCode::RenewalNeedsCredential);
        assert_eq!(code(renew(&world, session, ticket("bob"))), ErrorCode::RenewalNeedsCredential);
        let of_bob = jwt("bob", &format!("bob-{index}"));
        assert_eq!(code(renew(&world, session, of_bob)), ErrorCode::RenewalNeedsCredential);
        renew(&world, session, ticket("ann")).expect("a fresh ticket");
        renew(&world, session, jwt("ann", &format!("ann-{index}"))).expect("a fresh JWT");
    }
}

#[test]
fn an_app_may_do_without_a_fresh_credential() {
    let world = World::new();
    let ann = world.caller_with(ticket_sign_in(&world.ticket("app-one", "ann")));
    renew(&world, &ann, None).expect("the development settings say so");
}

#[test]
fn a_ticket_of_another_app_or_too_old_renews_nothing() {
    let world = World::new();
    let ann = world.caller_in("app-two", "ann");
    let foreign = Some(Credential::Ticket(world.ticket("app-one", "ann")));
    assert_eq!(code(renew(&world, &ann, foreign)), ErrorCode::TicketSignatureInvalid);
    let old = Some(Credential::Ticket(world.ticket("app-two", "ann")));
    world.clock.advance(HOUR.checked_sub(Duration::from_millis(1)).expect("positive"));
    renew(&world, &ann, old.clone()).expect("just young enough");
    world.clock.advance(Duration::from_millis(2));
    assert_eq!(code(renew(&world, &ann, old)), ErrorCode::TicketExpired);
}

#[test]
fn an_email_ticket_renews_the_session_that_it_opened() {
    let world = World::new();
    let ticket = || {
        let contents = TicketContents {
            identity_type: IdentityType::Email,
            endpoint: "Ann@example.com".to_owned(),
            ..contents(&world)
        };
        Ticket::sign(&contents, world.secret("app-two")).expect("a good secret").into_exposed()
    };
    let ann = world.caller_with(ticket_sign_in(&ticket()));
    renew(&world, &ann, Some(Credential::Ticket(ticket()))).expect("the same user");
    let other = Some(Credential::Ticket(world.ticket("app-two", "ann")));
    assert_eq!(code(renew(&world, &ann, other)), ErrorCode::RenewalNeedsCredential);
}

#[test]
fn only_tickets_and_jwts_are_fresh_credentials() {
    let world = World::new();
    let ann = world.caller("ann");
    let signed_up = sign_up(&world, (IdentityType::Username, "sue")).expect("signed up");
    issue_access_token(&world, "ann", "token", None);
    let device = register(&world, registration("dora")).expect("registered");
    for credential in [
        Credential::AccessToken(user_id("ann"), secret("token")),
        Credential::Device(device.username, device.password),
        Credential::Password(IdentityType::Username, "sue".to_owned(), secret(PASSWORD)),
        Credential::Ticket(signed_up.ticket.into_exposed()),
        Credential::Open(user_id("ann")),
    ] {
        assert_eq!(code(renew(&world, &ann, Some(credential))), ErrorCode::RenewalNeedsCredential);
    }
}

#[test]
fn a_session_by_access_token_is_renewed_while_its_user_has_a_good_one() {
    let world = World::new();
    world.sign_in(ticket_sign_in(&world.ticket("app-one", "ann"))).expect("of the backend");
    issue_access_token(&world, "ann", "short", Some(world.now().plus(HOUR)));
    let ann = world.caller_with(access_token_sign_in("ann", "short"));
    renew(&world, &ann, None).expect("the token is good");
    world.clock.advance(HOUR);
    assert_eq!(code(renew(&world, &ann, None)), ErrorCode::RenewalNeedsCredential, "it has expired");
    issue_access_token(&world, "ann", "next", None);
    renew(&world, &ann, None).expect("another token of the same user");
    let (app, user): (_, UserId) = (ann.app_id(), ann.user_id.clone());
    assert!(world.write(move |tx| tx.remove_access_token(app, &user, "tok_next")));
    assert_eq!(code(renew(&world, &ann, None)), ErrorCode::RenewalNeedsCredential, "it was revoked");
    let ticket = Some(Credential::Ticket(world.ticket("app-one", "ann")));
    renew(&world, &ann, ticket).expect("the backend's word is as good");
}

#[test]
fn a_users_own_sessions_need_nothing() {
    let world = World::new();
    world.change_app("app-one", |app| app.settings.renew_without_credential = false);
    sign_up(&world, (IdentityType::Username, "sue")).expect("signed up");
    let password = Credential::Password(IdentityType::Username, "sue".to_owned(), secret(PASSWORD));
    let device = register(&world, registration("dora")).expect("registered");
    for request in [sign_in_by(password), device_sign_in(&device), open_sign_in("olga")] {
        renew(&world, &world.caller_with(request), None).expect("renewed");
    }
}

#[test]
fn an_ended_session_is_not_renewed() {
    let world = World::new();
    let signed_in = world.sign_in(open_sign_in("ann")).expect("signed in");
    let ann = world.authenticate(&signed_in).expect("open");
    // Ended between the check of the token and the renewal.
    end(&world, &signed_in, SessionEndReason::EndedByApp);
    world.notices();
    for result in [renew(&world, &ann, None), block_on(world.service.issue_session_token(&ann))] {
        let refused = result.expect_err("over");
        assert_eq!(
            (refused.code, &refused.details["reason"]),
            (ErrorCode::SessionEnded, &"ended_by_app".into())
        );
    }
    assert!(world.notices().is_empty());
}

#[test]
fn an_expired_session_is_not_renewed() {
    let world = World::new();
    let ann = world.caller("ann");
    world.clock.advance(HOUR * 24);
    for result in [renew(&world, &ann, None), block_on(world.service.issue_session_token(&ann))] {
        let refused = result.expect_err("over");
        assert_eq!((refused.code, &refused.details["reason"]), (ErrorCode::SessionEnded, &"expired".into()));
    }
}

#[test]
fn another_token_by_the_secret_leaves_the_end_where_it_is_by_now() {
    let world = World::new();
    let first = world.sign_in(open_sign_in("ann")).expect("signed in");
    let ann = world.authenticate(&first).expect("open");
    world.clock.advance(HOUR);
    let issued = block_on(world.service.issue_session_token(&ann)).expect("issued");
    assert_eq!(issued.session.expires_at, first.session.expires_at);
    world.authenticate(&issued).expect("a good token");
    world.authenticate(&first).expect("good for a minute more");
    let renewed = renew(&world, &ann, None).expect("renewed");
    assert_eq!(renewed.session.expires_at, first.session.expires_at.plus(HOUR));
    let issued = block_on(world.service.issue_session_token(&ann)).expect("issued");
    assert_eq!(issued.session.expires_at, renewed.session.expires_at, "not what the caller saw before");
}
