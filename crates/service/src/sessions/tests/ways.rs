//! Which ways in an app leaves open, and for whom.

use std::collections::HashMap;

use callbox_bus::Notice;
use callbox_domain::{Device, IdentityType, PasswordRecord};
use callbox_wire::ErrorCode;
use futures_executor::block_on;

use super::super::prove::Asking;
use super::super::{Credential, SignIn};
use super::{
    PASSWORD, access_token_sign_in, contents, device_sign_in, issue_access_token, jwt, jwt_sign_in, register,
    registration, sign_in_by, sign_up, signed,
};
use crate::accounts::UpdateApp;
use crate::audit::Actor;
use crate::testing::{World, app_key, code, open_sign_in, secret, ticket_sign_in, user_id as named};

#[test]
fn open_sign_in_needs_both_the_app_and_the_server() {
    let (closed, open) = (World::closed(), World::new());
    assert_eq!(code(closed.sign_in(open_sign_in("ann"))), ErrorCode::OpenSignInOff);
    open.sign_in(open_sign_in("ann")).expect("the app and the server allow it");
    let strict = SignIn { app_key: Some(app_key("app-two")), ..open_sign_in("ann") };
    assert_eq!(code(open.sign_in(strict)), ErrorCode::OpenSignInOff);
    let unknown = SignIn { app_key: Some(app_key("app-three")), ..open_sign_in("ann") };
    assert_eq!(code(open.sign_in(unknown)), ErrorCode::AppKeyUnknown);
    let nameless = SignIn { app_key: None, ..open_sign_in("ann") };
    assert_eq!(code(open.sign_in(nameless)), ErrorCode::CredentialsMissing);
}

#[test]
fn pages_of_foreign_origins_cannot_sign_in() {
    let world = World::new();
    let from = |origin: &str| SignIn { origin: Some(origin.to_owned()), ..signed(&world, &contents(&world)) };
    world.sign_in(from("https://app.example")).expect("an allowed origin");
    for origin in ["https://evil.example", "http://app.example", "null", ""] {
        let refused = world.sign_in(from(origin)).expect_err("a foreign origin");
        assert_eq!((refused.code, &refused.details["origin"]), (ErrorCode::OriginNotAllowed, &origin.into()));
    }
    let caller = world.caller_in("app-two", "ann");
    world.service.check_origin(&caller, None).expect("no browser");
    world.service.check_origin(&caller, Some("https://app.example")).expect("an allowed origin");
    let foreign = world.service.check_origin(&caller, Some("https://evil.example"));
    assert_eq!(code(foreign), ErrorCode::OriginNotAllowed);
}

#[test]
fn a_device_says_little_of_itself() {
    let world = World::new();
    let with = |device| SignIn { device, ..open_sign_in("ann") };
    let longest = Device { name: Some("x".repeat(256)), ..Device::default() };
    let session = world.sign_in(with(longest.clone())).expect("just short enough").session;
    assert_eq!(session.device, longest);
    let text = || Some("x".repeat(257));
    let cases = [
        ("device.id", Device { id: text(), ..Device::default() }),
        ("device.name", Device { name: text(), ..Device::default() }),
        ("device.platform", Device { platform: text(), ..Device::default() }),
        ("device.appVersion", Device { app_version: text(), ..Device::default() }),
    ];
    for (path, device) in cases {
        let refused = world.sign_in(with(device)).expect_err("too long");
        assert_eq!((refused.code, &refused.details["path"]), (ErrorCode::InvalidRequest, &path.into()));
    }
}

#[test]
fn only_the_first_sign_in_adds_a_user_and_only_to_an_open_directory() {
    let world = World::new();
    let added = || {
        let notices = world.notices().into_iter();
        let users = notices.filter_map(|notice| match notice {
            Notice::UserAdded { entry, .. } => Some(entry.user.id.to_string()),
            _ => None,
        });
        users.collect::<Vec<_>>()
    };
    world.caller("ann");
    assert_eq!(added(), ["ann"]);
    world.caller("ann");
    world.caller_in("app-two", "ann");
    assert!(added().is_empty());
}

/// A request for each way in, all of them good for `ann` of `app-one`, and the word for its kind.
fn every_way(world: &World) -> Vec<(&'static str, SignIn)> {
    sign_up(world, (IdentityType::Email, "ann@example.com")).expect("signed up");
    let device = register(world, registration("dora")).expect("registered");
    world.sign_in(ticket_sign_in(&world.ticket("app-one", "tina"))).expect("of the backend");
    issue_access_token(world, "tina", "token", None);
    let password = Credential::Password(IdentityType::Email, "ann@example.com".to_owned(), secret(PASSWORD));
    vec![
        ("ticket", ticket_sign_in(&world.ticket("app-one", "tina"))),
        ("jwt", jwt_sign_in(&jwt(world, "tina", "one"))),
        ("access_token", access_token_sign_in("tina", "token")),
        ("password", sign_in_by(password)),
        ("device", device_sign_in(&device)),
        ("open", open_sign_in("olga")),
    ]
}

#[test]
fn a_way_that_the_app_switched_off_is_named() {
    let world = World::new();
    let ways = every_way(&world);
    world.change_app("app-one", |app| {
        app.settings.ticket_sign_in = false;
        app.settings.jwt_sign_in = false;
        app.settings.access_token_sign_in = false;
        app.settings.password_sign_in = false;
        app.settings.register = false;
        app.settings.open_sign_in = false;
    });
    for (kind, request) in ways {
        let refused = world.sign_in(request).expect_err(kind);
        if kind == "open" {
            assert_eq!(refused.code, ErrorCode::OpenSignInOff);
        } else {
            assert_eq!(
                (refused.code, &refused.details["credential"]),
                (ErrorCode::SignInWayOff, &kind.into())
            );
        }
    }
    assert_eq!(code(register(&world, registration("new"))), ErrorCode::SignInWayOff);
    assert_eq!(code(sign_up(&world, (IdentityType::Username, "new"))), ErrorCode::SignInWayOff);
}

#[test]
fn each_way_is_open_while_all_others_are_off() {
    let world = World::new();
    for (index, (kind, request)) in every_way(&world).into_iter().enumerate() {
        let on = |way: usize| index == way;
        world.change_app("app-one", |app| {
            app.settings.ticket_sign_in = on(0);
            app.settings.jwt_sign_in = on(1);
            app.settings.access_token_sign_in = on(2);
            app.settings.password_sign_in = on(3);
            app.settings.register = on(4);
            app.settings.open_sign_in = on(5);
        });
        let session = world.sign_in(request).expect(kind).session;
        assert_eq!(session.credential.as_str(), kind);
    }
}

#[test]
fn a_disabled_app_lets_nobody_in_nor_on() {
    let world = World::new();
    let (ways, before) = (every_way(&world), world.sign_in(open_sign_in("olga")).expect("signed in"));
    let now = world.now();
    world.change_app("app-one", |app| app.disabled_at = Some(now));
    for (kind, request) in ways {
        assert_eq!(code(world.sign_in(request)), ErrorCode::AppDisabled, "{kind}");
    }
    assert_eq!(code(world.authenticate(&before)), ErrorCode::AppDisabled);
    assert_eq!(code(register(&world, registration("new"))), ErrorCode::AppDisabled);
    assert_eq!(code(sign_up(&world, (IdentityType::Username, "new"))), ErrorCode::AppDisabled);
    world.change_app("app-one", |app| app.disabled_at = None);
    world.authenticate(&before).expect("it was only closed for a while");
}

#[test]
fn a_blocked_user_comes_in_by_no_way() {
    let world = World::new();
    let ways = every_way(&world);
    world.sign_in(open_sign_in("olga")).expect("signed in");
    let (app, now) = (world.app_id("app-one"), world.now());
    let users = world.write(move |tx| tx.users(app, None, 10));
    for user in users {
        world.write(move |tx| tx.set_user_blocked(app, &user.id, Some(now)));
    }
    for (kind, request) in ways {
        assert_eq!(code(world.sign_in(request)), ErrorCode::UserBlocked, "{kind}");
    }
    assert_eq!(code(register(&world, registration("dora"))), ErrorCode::UserBlocked);
}

#[test]
fn a_credential_needs_its_app_unless_it_names_one() {
    let world = World::new();
    for (kind, request) in every_way(&world) {
        let result = world.sign_in(SignIn { app_key: None, ..request });
        match kind {
            "ticket" | "jwt" => drop(result.expect(kind)),
            _ => assert_eq!(code(result), ErrorCode::CredentialsMissing, "{kind}"),
        }
    }
}

#[test]
fn no_session_slips_into_an_app_that_is_disabled_meanwhile() {
    let world = World::new();
    let request = signed(&world, &contents(&world));
    let proven =
        block_on(world.service.prove(&request.credential, &Asking::default())).expect("a good ticket");
    let change = UpdateApp { disabled: Some(true), ..UpdateApp::default() };
    block_on(world.service.update_app(Actor::CommandLine, &app_key("app-two"), change)).expect("updated");
    let opened = block_on(world.service.open_session(proven, Device::default(), None, true));
    assert_eq!(code(opened), ErrorCode::AppDisabled);
}

#[test]
fn what_is_taken_away_between_the_check_and_the_write_opens_nothing() {
    let world = World::new();
    let ways: HashMap<_, _> = every_way(&world).into_iter().collect();
    let app = world.app_id("app-one");
    let proven = |kind: &str| {
        let SignIn { app_key, credential, .. } = &ways[kind];
        let asking = Asking { app_key: app_key.as_ref(), ..Asking::default() };
        block_on(world.service.prove(credential, &asking)).expect(kind)
    };
    let open = |proven| code(block_on(world.service.open_session(proven, Device::default(), None, true)));

    let password = proven("password");
    let identity = world.write(move |tx| tx.identity(app, IdentityType::Email, "ann@example.com"));
    let (user_id, changed_at) = (identity.expect("signed up").user_id, world.now());
    let changed = PasswordRecord { user_id, hash: "another".to_owned(), changed_at };
    world.write(move |tx| tx.set_password(app, &changed));
    assert_eq!(open(password), ErrorCode::CredentialsWrong);

    let token = proven("access_token");
    assert!(world.write(move |tx| tx.remove_access_token(app, &named("tina"), "tok_token")));
    assert_eq!(open(token), ErrorCode::AccessTokenUnknown);

    let device = proven("device");
    let all = world.write(move |tx| tx.device_credentials_of(app, &named("dora")));
    let username = all[0].username.clone();
    assert!(world.write(move |tx| tx.remove_device_credential(app, &username)));
    assert_eq!(open(device), ErrorCode::CredentialsWrong);
}
