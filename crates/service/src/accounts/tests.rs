//! Apps, their keys and secrets.

use std::time::Duration;

use callbox_domain::{AppKey, AppSettings};
use callbox_wire::ErrorCode;
use futures_executor::block_on;

use super::{AppWithKeys, CreateApp};
use crate::testing::{World, app_key, code};

fn app(name: &str, key: Option<AppKey>) -> CreateApp {
    CreateApp { name: name.to_owned(), key, settings: AppSettings::default() }
}

#[test]
fn an_app_has_a_name_and_a_key_of_its_own() {
    let world = World::new();
    let created = block_on(world.service.create_app(app("  Shop ", None))).expect("a new app");
    assert_eq!(created.app.name, "Shop");
    assert!(created.app.key.as_str().starts_with("app_"));
    assert_eq!(block_on(world.service.find_app(&created.app.key)).expect("known"), created.app);
    for name in ["", "  ", &"x".repeat(101)] {
        let refused = block_on(world.service.create_app(app(name, None))).expect_err("a name");
        assert_eq!((refused.code, &refused.details["path"]), (ErrorCode::InvalidRequest, &"name".into()));
    }
    let taken = block_on(world.service.create_app(app("Shop", Some(app_key("app-one"))))).expect_err("taken");
    assert_eq!((taken.code, &taken.details["path"]), (ErrorCode::InvalidRequest, &"key".into()));
}

#[test]
fn secrets_follow_one_another_and_are_kept_sealed() {
    let world = World::new();
    let key = app_key("app-two");
    let found = block_on(world.service.find_app(&key)).expect("known");
    let secrets = || {
        let secrets = block_on(world.service.app_secrets(&found)).expect("a store that reads");
        secrets.into_iter().map(|secret| secret.0.into_exposed()).collect::<Vec<_>>()
    };
    let first = world.secret("app-two").expose().clone();
    assert_eq!(secrets(), [first.as_str()]);
    let second =
        block_on(world.service.rotate_secret(&key, Duration::from_hours(1))).expect("rotated").secret;
    assert_eq!(secrets(), [second.expose().as_str(), first.as_str()], "newest first");
    let third = block_on(world.service.rotate_secret(&key, Duration::ZERO)).expect("rotated").secret;
    assert_eq!(secrets(), [third.expose().as_str()], "no grace at all");
    let unknown = block_on(world.service.rotate_secret(&app_key("app-three"), Duration::ZERO));
    assert_eq!(code(unknown), ErrorCode::AppKeyUnknown);

    let apps = block_on(world.service.list_apps()).expect("a store that reads");
    let [_, AppWithKeys { app, keys }] = apps.as_slice() else { panic!("two apps: {apps:?}") };
    assert_eq!(app.key, key);
    assert_eq!(keys.iter().map(|key| key.generation).collect::<Vec<_>>(), [3, 2, 1]);
    for row in keys {
        let sealed = row.sealed_secret.as_ref().expect("a primary key");
        let shows = |secret: &str| sealed.windows(secret.len()).any(|bytes| bytes == secret.as_bytes());
        assert!(![&first, second.expose(), third.expose()].into_iter().any(|secret| shows(secret)));
    }
}

#[test]
fn an_origin_is_of_some_app_or_of_none() {
    let world = World::new();
    let known = |origin| block_on(world.service.is_origin_of_some_app(origin)).expect("a store that reads");
    assert!(known("https://app.example"));
    assert!(known("https://anything.example"), "app-one takes every origin");
}
