//! Tickets of an app's backend: what they say, who signed them, and for how long they are good.

use std::time::Duration;

use callbox_domain::{AppKeyRecord, IdentityType, KeyPurpose, Timestamp};
use callbox_wire::ErrorCode;
use futures_executor::block_on;

use super::super::SignIn;
use super::super::ticket::{Ticket, TicketContents};
use super::{HOUR, contents, signed};
use crate::accounts::Rotation;
use crate::audit::Actor;
use crate::error::{Refusal, written};
use crate::testing::{World, app_key, code, open_sign_in, ticket_sign_in};

/// The life of the session that a request opens.
fn life(world: &World, request: SignIn) -> Duration {
    let session = world.sign_in(request).expect("signed in").session;
    session.expires_at.since(session.created_at)
}

#[test]
fn a_ticket_opens_a_session_alone_and_beside_its_app() {
    let world = World::new();
    let alone = signed(&world, &contents(&world));
    let beside = SignIn { app_key: Some(app_key("app-two")), ..alone.clone() };
    let (first, second) = (world.sign_in(alone).expect("good"), world.sign_in(beside).expect("good"));
    assert_eq!(first.user, second.user);
    assert_eq!(first.user.id.as_str(), "ann");
    assert_ne!(first.session.id, second.session.id);
    assert_ne!(first.token.expose(), second.token.expose());
    let caller = block_on(world.service.authenticate(&first.token)).expect("a good token");
    assert_eq!((caller.app.now().key.as_str(), &caller.session_id), ("app-two", &first.session.id));
    let (session, user) = block_on(world.service.resume_session(&caller)).expect("a good session");
    assert_eq!((session, user), (first.session, first.user));
}

#[test]
fn names_of_all_kinds_lead_to_their_normal_form() {
    let world = World::new();
    let cases = [
        (IdentityType::Email, "Ann@Example.com", "ann@example.com"),
        (IdentityType::Email, "ANN@example.COM", "ann@example.com"),
        (IdentityType::Number, "+46 70 000 00 00", "+46700000000"),
    ];
    for (identity_type, name, expected) in cases {
        let contents = TicketContents { identity_type, endpoint: name.to_owned(), ..contents(&world) };
        let user = world.sign_in(signed(&world, &contents)).expect("signed in").user;
        assert_eq!(user.id.as_str(), expected);
    }
}

#[test]
fn tickets_that_cannot_be_read_are_malformed() {
    let world = World::new();
    for bad in ["", "nonsense", "a:b", "e30=:e30="] {
        assert_eq!(code(world.sign_in(ticket_sign_in(bad))), ErrorCode::TicketMalformed, "{bad:?}");
    }
    let names =
        [(IdentityType::Username, "Ann Lee"), (IdentityType::Number, "0700"), (IdentityType::Email, "")];
    for (identity_type, name) in names {
        let contents = TicketContents { identity_type, endpoint: name.to_owned(), ..contents(&world) };
        assert_eq!(code(world.sign_in(signed(&world, &contents))), ErrorCode::TicketMalformed, "{name:?}");
    }
}

#[test]
fn a_ticket_of_another_hand_or_another_app_is_refused() {
    let world = World::new();
    let foreign = Ticket::sign(&contents(&world), world.secret("app-one")).expect("a good secret");
    let foreign = world.sign_in(ticket_sign_in(foreign.expose()));
    assert_eq!(code(foreign), ErrorCode::TicketSignatureInvalid);

    let other = TicketContents { application_key: "app-one".to_owned(), ..contents(&world) };
    let request = SignIn { app_key: Some(app_key("app-two")), ..signed(&world, &other) };
    assert_eq!(code(world.sign_in(request)), ErrorCode::TicketWrongApp);

    for key in ["no such key!", "app-three"] {
        let unknown = TicketContents { application_key: key.to_owned(), ..contents(&world) };
        let request = SignIn { app_key: Some(app_key("app-two")), ..signed(&world, &unknown) };
        assert_eq!(code(world.sign_in(request)), ErrorCode::TicketWrongApp, "{key}");
    }
    let unknown = SignIn { app_key: Some(app_key("app-three")), ..signed(&world, &contents(&world)) };
    assert_eq!(code(world.sign_in(unknown)), ErrorCode::AppKeyUnknown);
}

#[test]
fn a_wrong_app_is_not_told_to_whom_did_not_sign() {
    let world = World::new();
    let ticket = world.ticket("app-one", "ann");
    let request = SignIn { app_key: Some(app_key("app-two")), ..ticket_sign_in(&ticket) };
    assert_eq!(code(world.sign_in(request)), ErrorCode::TicketSignatureInvalid);
}

#[test]
fn a_ticket_is_good_for_an_hour_and_five_minutes_ahead() {
    let world = World::new();
    let at = |created: Timestamp| signed(&world, &TicketContents { created, ..contents(&world) });
    let made = world.now();
    let skewed = made.plus(Duration::from_mins(5));
    world.sign_in(at(skewed)).expect("within the skew");
    let ahead = world.sign_in(at(skewed.plus(Duration::from_millis(1)))).expect_err("too far ahead");
    assert_eq!(ahead.code, ErrorCode::TicketFromFuture);
    assert_eq!(ahead.details["serverTime"], made.to_rfc3339());

    world.clock.advance(HOUR);
    world.sign_in(at(made)).expect("just young enough");
    world.clock.advance(Duration::from_millis(1));
    let late = world.sign_in(at(made)).expect_err("too old");
    assert_eq!(late.code, ErrorCode::TicketExpired);
    assert_eq!(late.details["created"], made.to_rfc3339());
}

#[test]
fn both_secrets_are_good_in_the_grace_time_of_a_rotation() {
    let world = World::new();
    let rotated = block_on(world.service.rotate_secret(
        Actor::CommandLine,
        &app_key("app-two"),
        Rotation { grace: HOUR, end_sessions: false },
    ))
    .expect("rotated");
    assert_eq!(rotated.old_good_until, world.now().plus(HOUR));
    let by_new = || {
        let ticket = Ticket::sign(&contents(&world), &rotated.secret).expect("a good secret");
        world.sign_in(ticket_sign_in(ticket.expose()))
    };
    let by_old = || world.sign_in(signed(&world, &contents(&world)));

    world.clock.advance(HOUR.checked_sub(Duration::from_millis(1)).expect("positive"));
    by_new().expect("the new one");
    by_old().expect("the old one, in its grace time");
    world.clock.advance(Duration::from_millis(1));
    by_new().expect("the new one");
    assert_eq!(code(by_old()), ErrorCode::TicketSignatureInvalid);
}

#[test]
fn an_alias_leads_to_its_app_until_it_expires() {
    let world = World::new();
    let app = block_on(world.service.find_app(&app_key("app-two"))).expect("known");
    let alias = AppKeyRecord {
        app_id: app.id,
        key: app_key("00000000-0000-0000-0000-000000000001"),
        generation: 1,
        purpose: KeyPurpose::Alias,
        sealed_secret: None,
        not_after: Some(world.now().plus(HOUR)),
        created_at: world.now(),
    };
    let key = alias.key.clone();
    let kept = block_on(world.service.store.write(move |tx| Ok::<_, Refusal>(tx.insert_app_key(&alias)?)));
    written(kept).expect("an alias");
    let by_alias =
        || signed(&world, &TicketContents { application_key: key.to_string(), ..contents(&world) });
    let both = || SignIn { app_key: Some(app_key("app-two")), ..by_alias() };

    assert_eq!(world.sign_in(by_alias()).expect("good").session.app_id, app.id);
    assert_eq!(world.sign_in(both()).expect("good").session.app_id, app.id);
    world.clock.advance(HOUR);
    assert_eq!(code(world.sign_in(by_alias())), ErrorCode::AppKeyUnknown);
    assert_eq!(code(world.sign_in(both())), ErrorCode::TicketWrongApp);
}

#[test]
fn a_session_lives_as_long_as_the_shortest_wish() {
    let world = World::new();
    let ticket = |expires_in| signed(&world, &TicketContents { expires_in, ..contents(&world) });
    let wish = |request: SignIn, life| SignIn { expires_in: Some(life), ..request };
    let minute = Duration::from_mins(1);
    let longest = Duration::from_hours(24 * 30);
    assert_eq!(life(&world, ticket(3_600)), HOUR);
    assert_eq!(life(&world, wish(ticket(3_600), minute)), minute);
    assert_eq!(life(&world, wish(ticket(60), HOUR)), minute);
    assert_eq!(life(&world, ticket(u32::MAX)), longest);
    assert_eq!(life(&world, open_sign_in("bob")), Duration::from_hours(24));
    assert_eq!(life(&world, wish(open_sign_in("bob"), minute)), minute);
    assert_eq!(life(&world, wish(open_sign_in("bob"), longest * 2)), longest);

    let created = world.now().to_rfc3339();
    let json = format!(
        r#"{{"identity":{{"type":"username","endpoint":"ann"}},"applicationKey":"app-two","created":"{created}"}}"#
    );
    let silent = Ticket::sign_bytes(json.as_bytes(), world.secret("app-two")).expect("a good secret");
    let silent = ticket_sign_in(silent.expose());
    assert_eq!(life(&world, silent.clone()), Duration::from_hours(24));
    assert_eq!(life(&world, wish(silent, longest)), longest);

    let none = world.sign_in(wish(ticket(60), Duration::ZERO)).expect_err("no life at all");
    assert_eq!((none.code, &none.details["path"]), (ErrorCode::InvalidRequest, &"expiresIn".into()));
}
