//! Devices that were registered: the slot that each of them has, and who may register one.

use std::time::Duration;

use callbox_bus::Notice;
use callbox_domain::{Device, SessionEndReason};
use callbox_wire::ErrorCode;

use super::super::{Credential, Register, RegistrationProof, SignIn};
use super::{HOUR, device_sign_in, end, end_reason, jwt, register, registration, sign_in_by, told_ended};
use crate::audit::Actor;
use crate::testing::{World, address, app_key, code, open_sign_in, secret, user_id};
use crate::{Manager, ServiceResult};

/// How many device credentials a user of `app-one` has.
fn credentials(world: &World, user: &'static str) -> usize {
    let app = world.app_id("app-one");
    world.write(move |tx| tx.device_credentials_of(app, &user_id(user))).len()
}

#[test]
fn a_registration_makes_a_credential_and_opens_its_session() {
    let world = World::new();
    let metadata = r#"{"model":"x"}"#.to_owned();
    let device = Device { name: Some("Ann's phone".to_owned()), ..Device::default() };
    let request = Register { metadata: metadata.clone(), device: device.clone(), ..registration("ann") };
    let registered = register(&world, request).expect("registered");
    assert!(registered.username.starts_with("dev_"), "{}", registered.username);
    let password = registered.password.expose();
    assert!(password.starts_with("cbd_") && password.len() == 47, "256 bits");
    let session = &registered.signed_in.session;
    assert_eq!((session.user_id.as_str(), session.credential.as_str()), ("ann", "device"));
    assert_eq!(session.device, device);
    assert_eq!(session.expires_at, world.now().plus(Duration::from_hours(24)));
    world.authenticate(&registered.signed_in).expect("open");

    let (app, username) = (world.app_id("app-one"), registered.username.clone());
    let kept = world.write(move |tx| tx.device_credential(app, &username)).expect("kept");
    assert_eq!((kept.metadata, kept.session_id.clone(), kept.sandbox), (metadata, session.id.clone(), true));
    let added = world.notices().into_iter().filter_map(|notice| match notice {
        Notice::UserAdded { entry, .. } => Some(entry.user.id.to_string()),
        _ => None,
    });
    assert_eq!(added.collect::<Vec<_>>(), ["ann"]);
}

#[test]
fn a_device_opens_its_own_session_again_while_that_is_open() {
    let world = World::new();
    let registered = register(&world, registration("ann")).expect("registered");
    world.clock.advance(HOUR);
    world.notices();
    let again = world.sign_in(device_sign_in(&registered)).expect("its slot");
    assert_eq!(again.session.id, registered.signed_in.session.id);
    assert_eq!(again.session.expires_at, world.now().plus(Duration::from_hours(24)), "and it lives longer");
    assert_eq!(again.secret.expose(), registered.signed_in.secret.expose());
    let renewed: Vec<_> = world.notices();
    let [Notice::SessionRenewed { session_id, expires_at, .. }] = renewed.as_slice() else {
        panic!("its sockets live longer too: {renewed:?}");
    };
    assert_eq!((session_id, *expires_at), (&again.session.id, again.session.expires_at));

    world.clock.advance(Duration::from_millis(59_999));
    world.authenticate(&registered.signed_in).expect("the old token is good for a minute");
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(code(world.authenticate(&registered.signed_in)), ErrorCode::TokenUnknown);
    world.authenticate(&again).expect("the new one");
}

#[test]
fn a_device_at_the_limit_takes_no_other_slot() {
    let world = World::new();
    world.change_app("app-one", |app| app.settings.sessions_per_user_max = 1);
    let registered = register(&world, registration("ann")).expect("registered");
    for _ in 0..3 {
        let request = SignIn { force: false, ..device_sign_in(&registered) };
        world.sign_in(request).expect("its own slot");
    }
    assert_eq!(told_ended(&world).len(), 0);
}

#[test]
fn a_device_whose_session_went_its_own_way_opens_another() {
    for reason in [SessionEndReason::SignedOut, SessionEndReason::Replaced, SessionEndReason::AppDisabled] {
        let world = World::new();
        let registered = register(&world, registration("ann")).expect("registered");
        end(&world, &registered.signed_in, reason);
        let next = world.sign_in(device_sign_in(&registered)).expect("another one");
        assert_ne!(next.session.id, registered.signed_in.session.id);
        let again = world.sign_in(device_sign_in(&registered)).expect("the slot moved");
        assert_eq!(again.session.id, next.session.id);
    }
    let world = World::new();
    let registered = register(&world, registration("ann")).expect("registered");
    world.clock.advance(Duration::from_hours(24));
    let next = world.sign_in(device_sign_in(&registered)).expect("expired");
    assert_ne!(next.session.id, registered.signed_in.session.id);
    assert_eq!(end_reason(&world, &registered.signed_in).as_deref(), Some("expired"));
}

#[test]
fn a_device_whose_session_somebody_ended_is_let_in_no_more() {
    let reasons = [
        SessionEndReason::EndedByUser,
        SessionEndReason::PasswordChanged,
        SessionEndReason::EndedByApp,
        SessionEndReason::EndedByOperator,
        SessionEndReason::SecretRotated,
    ];
    for reason in reasons {
        let world = World::new();
        let registered = register(&world, registration("ann")).expect("registered");
        end(&world, &registered.signed_in, reason);
        for _ in 0..2 {
            let refused = world.sign_in(device_sign_in(&registered));
            assert_eq!(code(refused), ErrorCode::CredentialsWrong, "{}", reason.as_str());
        }
    }
}

#[test]
fn wrong_usernames_and_passwords_are_refused_alike() {
    let world = World::new();
    let registered = register(&world, registration("ann")).expect("registered");
    let by = |username: &str, password: &str| {
        code(world.sign_in(sign_in_by(Credential::Device(username.to_owned(), secret(password)))))
    };
    assert_eq!(by(&registered.username, "cbd_wrong"), ErrorCode::CredentialsWrong);
    assert_eq!(by("dev_nobody", registered.password.expose()), ErrorCode::CredentialsWrong);
    world.change_app("app-two", |app| app.settings.register = true);
    let elsewhere = SignIn { app_key: Some(app_key("app-two")), ..device_sign_in(&registered) };
    assert_eq!(code(world.sign_in(elsewhere)), ErrorCode::CredentialsWrong);
}

#[test]
fn a_registration_at_the_limit_leaves_nothing_behind() {
    let world = World::new();
    world.change_app("app-one", |app| app.settings.sessions_per_user_max = 1);
    let first = register(&world, registration("ann")).expect("registered");
    let refused = register(&world, Register { force: false, ..registration("ann") });
    assert_eq!(code(refused), ErrorCode::SessionLimitReached);
    assert_eq!(credentials(&world, "ann"), 1);
    world.authenticate(&first.signed_in).expect("open");
    register(&world, registration("ann")).expect("with force it makes room");
    assert_eq!(end_reason(&world, &first.signed_in).as_deref(), Some("replaced"));
    assert_eq!(credentials(&world, "ann"), 2);
}

#[test]
fn a_registration_is_held_to_its_sizes() {
    let world = World::new();
    let refused = |request: Register| {
        let refused = register(&world, request).expect_err("too large");
        assert_eq!(refused.code, ErrorCode::InvalidRequest);
        refused.details["path"].clone()
    };
    let metadata = |length: usize| Register { metadata: "x".repeat(length), ..registration("ann") };
    register(&world, metadata(4_096)).expect("just small enough");
    assert_eq!(refused(metadata(4_097)), "metadata");
    let device = Device { name: Some("x".repeat(257)), ..Device::default() };
    assert_eq!(refused(Register { device, ..registration("ann") }), "device.name");
    assert_eq!(refused(Register { identifier: None, ..registration("ann") }), "identifier");
    assert_eq!(refused(registration("ann lee")), "identifier");
    assert_eq!(credentials(&world, "ann"), 1);
}

#[test]
fn pages_of_foreign_origins_register_nothing() {
    let world = World::new();
    world.change_app("app-one", |app| app.settings.allowed_origins = Vec::new());
    let origin = Some("https://evil.example".to_owned());
    let refused = register(&world, Register { origin, ..registration("ann") });
    assert_eq!(code(refused), ErrorCode::OriginNotAllowed);
}

#[test]
fn only_a_sandbox_registers_without_proof() {
    let world = World::new();
    world.change_app("app-one", |app| app.settings.sandbox = false);
    assert_eq!(code(register(&world, registration("ann"))), ErrorCode::RegistrationNeedsProof);
    world.change_app("app-two", |app| app.settings.register = true);
    let other = RegistrationProof::Nothing(app_key("app-two"));
    let refused = register(&world, Register { proof: other, ..registration("ann") });
    assert_eq!(code(refused), ErrorCode::RegistrationNeedsProof);
}

/// A registration by a ticket, a JWT or the backend of `app-one`.
fn vouched(world: &World, way: usize, user: &str, identifier: Option<&str>) -> ServiceResult<String> {
    let key = Some(app_key("app-one"));
    let proof = match way {
        0 => RegistrationProof::Credential(None, Credential::Ticket(world.ticket("app-one", user))),
        1 => {
            RegistrationProof::Credential(key, Credential::Jwt(jwt(world, user, &format!("{identifier:?}"))))
        }
        _ => {
            let app = world.caller("somebody").app;
            RegistrationProof::Backend(Manager { app, actor: Actor::App })
        }
    };
    let identifier = identifier.map(str::to_owned);
    let registered = register(world, Register { proof, identifier, ..registration("nobody") })?;
    Ok(registered.signed_in.user.id.to_string())
}

#[test]
fn a_ticket_a_jwt_or_the_backend_vouches_for_a_user() {
    for way in 0..3 {
        let world = World::new();
        world.change_app("app-one", |app| app.settings.sandbox = false);
        let own = vouched(&world, way, "ann", Some("ann"));
        assert_eq!(own.as_deref(), Ok("ann"), "{way}");
        if way < 2 {
            assert_eq!(vouched(&world, way, "ann", None).as_deref(), Ok("ann"), "{way}");
            let other = vouched(&world, way, "ann", Some("bob"));
            assert_eq!(code(other), ErrorCode::RegistrationNeedsProof, "{way}");
        } else {
            assert_eq!(code(vouched(&world, way, "ann", None)), ErrorCode::InvalidRequest);
        }
    }
}

#[test]
fn whom_the_backend_registered_no_stranger_enters() {
    let world = World::new();
    vouched(&world, 2, "ann", Some("ann")).expect("registered");
    assert_eq!(code(register(&world, registration("ann"))), ErrorCode::IdentityConflict);
    assert_eq!(code(world.sign_in(open_sign_in("ann"))), ErrorCode::IdentityConflict);
    world.caller("bob");
    assert_eq!(code(vouched(&world, 2, "bob", Some("bob"))), ErrorCode::IdentityConflict);
}

#[test]
fn passwords_and_other_credentials_vouch_for_nobody() {
    let world = World::new();
    for credential in [
        Credential::Open(user_id("ann")),
        Credential::Device("dev_x".to_owned(), secret("cbd_x")),
        Credential::AccessToken(user_id("ann"), secret("token")),
    ] {
        let proof = RegistrationProof::Credential(Some(app_key("app-one")), credential);
        let refused = register(&world, Register { proof, ..registration("ann") });
        assert_eq!(code(refused), ErrorCode::RegistrationNeedsProof);
    }
    assert_eq!(credentials(&world, "ann"), 0);
}

#[test]
fn the_oldest_device_that_is_signed_out_makes_room_for_the_hundred_and_first() {
    let world = World::new();
    let first = register(&world, registration("ann")).expect("registered");
    let second = register(&world, registration("ann")).expect("registered");
    for _ in 2..100 {
        world.clock.advance(Duration::from_secs(1));
        register(&world, registration("ann")).expect("registered");
    }
    assert_eq!(credentials(&world, "ann"), 100);
    world.sign_in(device_sign_in(&first)).expect("still known");
    register(&world, registration("ann")).expect("room is made");
    assert_eq!(credentials(&world, "ann"), 100);
    world.sign_in(device_sign_in(&first)).expect("its session is open");
    assert_eq!(code(world.sign_in(device_sign_in(&second))), ErrorCode::CredentialsWrong);
}

#[test]
fn a_stranger_registers_only_so_many_devices_an_hour() {
    let world = World::new();
    let from = |text: &str| Register { address: Some(address(text)), ..registration("ann") };
    for _ in 0..10 {
        register(&world, from("203.0.113.1")).expect("within the limit");
    }
    assert_eq!(code(register(&world, from("203.0.113.1"))), ErrorCode::RateLimited);
    register(&world, from("203.0.113.2")).expect("another address");
    world.clock.advance(HOUR);
    register(&world, from("203.0.113.1")).expect("an hour later");
}
