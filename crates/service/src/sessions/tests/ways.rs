//! Which ways in an app leaves open, and for whom.

use callbox_bus::Notice;
use callbox_domain::Device;
use callbox_wire::ErrorCode;

use super::super::SignIn;
use super::{contents, signed};
use crate::testing::{World, app_key, code, open_sign_in};

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
