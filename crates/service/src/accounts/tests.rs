//! Apps, their keys and secrets.

use std::time::Duration;

use callbox_bus::Notice;
use callbox_domain::{AppKey, AppKeyRecord, AppSettings, Directory, Secret};
use callbox_wire::{CloseCode, ErrorCode};
use futures_executor::block_on;
use serde_json::{Value, json};

use super::{AppWithKeys, CreateApp, RotatedSecret, Rotation, UpdateApp};
use crate::ServiceResult;
use crate::audit::Actor;
use crate::testing::{World, app_key, code, open_sign_in};

const BY: Actor = Actor::Operator;

fn app(name: &str, key: Option<AppKey>) -> CreateApp {
    CreateApp { name: name.to_owned(), key, settings: AppSettings::default() }
}

fn rotate(world: &World, key: &str, grace: Duration) -> ServiceResult<RotatedSecret> {
    block_on(world.service.rotate_secret(BY, &app_key(key), Rotation { grace, end_sessions: false }))
}

fn update(world: &World, key: &str, change: UpdateApp) -> ServiceResult<callbox_domain::App> {
    block_on(world.service.update_app(BY, &app_key(key), change))
}

fn disable(world: &World, disabled: bool) {
    let change = UpdateApp { disabled: Some(disabled), ..UpdateApp::default() };
    assert_eq!(update(world, "app-one", change).expect("updated").disabled_at.is_some(), disabled);
}

fn import(world: &World, key: &str, secret: &str) -> ServiceResult<AppKeyRecord> {
    let secret = Secret::new(secret.to_owned());
    block_on(world.service.import_key(BY, &app_key("app-two"), app_key(key), secret))
}

fn remove(world: &World, key: &str) -> ServiceResult<()> {
    block_on(world.service.remove_key(BY, &app_key("app-two"), app_key(key)))
}

fn leads_somewhere(world: &World, key: &str) -> bool {
    block_on(world.service.find_app(&app_key(key))).is_ok()
}

/// What closed since this was asked the last time.
fn closed(world: &World) -> Vec<CloseCode> {
    let notices = world.notices().into_iter();
    let closed = notices.filter_map(|notice| match notice {
        Notice::SessionEnded { code, .. } => Some(code),
        _ => None,
    });
    closed.collect()
}

#[test]
fn an_app_has_a_name_and_a_key_of_its_own() {
    let world = World::new();
    let created = block_on(world.service.create_app(BY, app("  Shop ", None))).expect("a new app");
    assert_eq!(created.app.name, "Shop");
    assert!(created.app.key.as_str().starts_with("app_"));
    assert_eq!(block_on(world.service.find_app(&created.app.key)).expect("known"), created.app);
    for name in ["", "  ", &"x".repeat(101)] {
        let refused = block_on(world.service.create_app(BY, app(name, None))).expect_err("a name");
        assert_eq!((refused.code, &refused.details["path"]), (ErrorCode::InvalidRequest, &"name".into()));
    }
    let taken =
        block_on(world.service.create_app(BY, app("Shop", Some(app_key("app-one"))))).expect_err("taken");
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
    let second = rotate(&world, "app-two", Duration::from_hours(1)).expect("rotated").secret;
    assert_eq!(secrets(), [second.expose().as_str(), first.as_str()], "newest first");
    let third = rotate(&world, "app-two", Duration::ZERO).expect("rotated").secret;
    assert_eq!(secrets(), [third.expose().as_str()], "no grace at all");
    assert_eq!(code(rotate(&world, "app-three", Duration::ZERO)), ErrorCode::AppNotFound);
    let endless = rotate(&world, "app-two", Duration::from_hours(24 * 31)).expect_err("a limit");
    assert_eq!(endless.details["path"], "graceSeconds");

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

#[test]
fn changed_settings_are_seen_by_those_who_are_signed_in() {
    let world = World::new();
    let (ann, dan) = (world.caller("ann"), world.caller_in("app-two", "dan"));
    let settings = json!({ "directory": "everyone", "ringSeconds": 5 });
    let change = UpdateApp {
        name: Some(" Shop ".to_owned()),
        settings: settings.as_object().expect("an object").clone(),
        ..UpdateApp::default()
    };
    assert_eq!(code(block_on(world.service.list_users(&dan, None, 10))), ErrorCode::DirectoryClosed);
    let updated = update(&world, "app-two", change).expect("updated");
    assert_eq!((updated.name.as_str(), updated.settings.directory), ("Shop", Directory::Everyone));
    assert!(block_on(world.service.list_users(&dan, None, 10)).is_ok());
    assert_eq!(*dan.app.now(), updated);
    assert_eq!(block_on(world.service.find_app(&app_key("app-two"))), Ok(updated), "and it is kept");
    assert_eq!(ann.app.now().name, "app-one", "other apps stay as they are");

    let nameless = UpdateApp { name: Some(" ".to_owned()), ..UpdateApp::default() };
    assert_eq!(update(&world, "app-two", nameless).expect_err("refused").details["path"], "name");
    let unknown = json!({ "colour": "red" });
    let unknown = UpdateApp { settings: unknown.as_object().expect("one").clone(), ..UpdateApp::default() };
    assert_eq!(update(&world, "app-two", unknown).expect_err("refused").details["path"], "settings.colour");
    assert_eq!(code(update(&world, "app-three", UpdateApp::default())), ErrorCode::AppNotFound);
}

#[test]
fn a_disabled_app_lets_go_of_everyone_until_it_is_enabled() {
    let world = World::new();
    let (ann, dan) = (world.caller("ann"), world.caller_in("app-two", "dan"));
    closed(&world);
    disable(&world, true);
    assert_eq!(closed(&world), [CloseCode::AppDisabled], "nobody else");
    assert!(ann.app.now().disabled_at.is_some() && dan.app.now().disabled_at.is_none());
    assert_eq!(code(world.sign_in(open_sign_in("ann"))), ErrorCode::AppDisabled);
    let since = ann.app.now().disabled_at;
    world.clock.advance(Duration::from_secs(1));
    disable(&world, true);
    assert_eq!(ann.app.now().disabled_at, since, "since the first time");
    disable(&world, false);
    assert!(world.sign_in(open_sign_in("ann")).is_ok());
    assert!(closed(&world).is_empty());
}

#[test]
fn a_rotation_ends_the_sessions_of_its_app_where_it_is_to() {
    let world = World::new();
    let two = app_key("app-two");
    world.caller("ann");
    world.caller_in("app-two", "dan");
    world.caller_in("app-two", "eve");
    closed(&world);
    let rotation = |end_sessions| Rotation { grace: Duration::ZERO, end_sessions };
    let kept = block_on(world.service.rotate_secret(BY, &two, rotation(false))).expect("rotated");
    assert_eq!((kept.ended_sessions, closed(&world).len()), (0, 0));
    let ended = block_on(world.service.rotate_secret(BY, &two, rotation(true))).expect("rotated");
    assert_eq!((ended.ended_sessions, closed(&world)), (2, vec![CloseCode::SessionEnded; 2]));
}

#[test]
fn other_keys_lead_to_an_app_until_they_are_removed() {
    let world = World::new();
    let add = |alias: &str| block_on(world.service.add_alias(BY, &app_key("app-two"), app_key(alias)));
    assert_eq!(add("old").expect("added").generation, 1);
    assert_eq!(block_on(world.service.find_app(&app_key("old"))).expect("known").key, app_key("app-two"));
    for (taken, problem) in [("old", "leads to the app already"), ("app-one", "another app has this key")] {
        let refused = add(taken).expect_err("taken");
        assert_eq!(refused.details["path"], "key");
        assert!(refused.message.ends_with(problem), "{refused:?}");
    }
    assert_eq!(code(remove(&world, "app-two")), ErrorCode::AppKeyNeeded);
    assert_eq!(code(remove(&world, "app-one")), ErrorCode::AppKeyNotFound);
    assert_eq!(remove(&world, "old"), Ok(()));
    assert!(!leads_somewhere(&world, "old") && leads_somewhere(&world, "app-two"));
    assert_eq!(code(remove(&world, "old")), ErrorCode::AppKeyNotFound);
    assert_eq!(add("old").expect("added again").generation, 2);
    for number in 0..98 {
        add(&format!("alias-{number}")).expect("room for a hundred");
    }
    assert!(add("one-more").expect_err("full").message.contains("at most 100"));
}

#[test]
fn an_imported_key_brings_its_secret_and_outlives_it() {
    const SECRET: &str = "JViE5vDor0Sw3WllZka15Q==";
    let world = World::new();
    for bad in ["", "short", "JViE5vDor0Sw3WllZka15Q", "JViE5vDor0Sw3Wll", &"AAAA".repeat(43)] {
        assert_eq!(import(&world, "legacy", bad).expect_err("refused").details["path"], "secret", "{bad}");
    }
    import(&world, "legacy", SECRET).expect("imported");
    let found = block_on(world.service.find_app(&app_key("legacy"))).expect("known");
    assert_eq!(found.key, app_key("app-two"));
    let is_good = || {
        let secrets = block_on(world.service.app_secrets(&found)).expect("a store that reads");
        secrets.iter().any(|secret| secret.0.expose() == SECRET)
    };
    assert!(is_good());
    rotate(&world, "app-two", Duration::from_hours(1)).expect("rotated");
    assert!(is_good(), "for the grace time");
    world.clock.advance(Duration::from_hours(1));
    assert!(!is_good());
    assert!(leads_somewhere(&world, "legacy"), "clients that carry the key still find their app");
    remove(&world, "legacy").expect("removed");
    assert!(!leads_somewhere(&world, "legacy"));
    import(&world, "legacy", SECRET).expect("imported");
    assert!(is_good());
    remove(&world, "legacy").expect("removed");
    assert!(!is_good(), "the secret goes with its key");
}

#[test]
fn whatever_changes_is_in_the_audit_log_without_a_secret() {
    let world = World::new();
    let two = app_key("app-two");
    let issuer = json!({ "issuer": "https://id.example/", "audience": "callbox", "algorithms": ["RS256"], "jwks": "{\"d\":1}" });
    let settings = json!({ "jwtIssuers": [issuer], "sandbox": true });
    let settings = settings.as_object().expect("one").clone();
    update(&world, "app-two", UpdateApp { settings, ..UpdateApp::default() }).expect("updated");
    let secret = Secret::new("JViE5vDor0Sw3WllZka15Q==".to_owned());
    block_on(world.service.add_alias(Actor::CommandLine, &two, app_key("old"))).expect("added");
    block_on(world.service.import_key(BY, &two, app_key("legacy"), secret)).expect("imported");
    rotate(&world, "old", Duration::ZERO).expect("rotated");
    remove(&world, "old").expect("removed");
    assert_eq!(code(remove(&world, "old")), ErrorCode::AppKeyNotFound, "a refusal is not a change");

    let list = |app: Option<&AppKey>, before, limit| block_on(world.service.list_audit(app, before, limit));
    let entries = list(Some(&two), None, 100).expect("a store that reads");
    assert!(entries.iter().all(|entry| entry.app_key.as_ref() == Some(&two)));
    let lines: Vec<_> = entries
        .iter()
        .map(|entry| &entry.record.entry)
        .map(|entry| (entry.actor.as_str(), entry.action.as_str(), entry.subject.as_str()))
        .collect();
    let expected = [
        ("operator", "app.key_removed", "old"),
        ("operator", "app.secret_rotated", "app-two"),
        ("operator", "app.key_imported", "legacy"),
        ("command_line", "app.alias_added", "old"),
        ("operator", "app.updated", "app-two"),
        ("command_line", "app.created", "app-two"),
    ];
    assert_eq!(lines, expected);
    let updated: Value = serde_json::from_str(&entries[4].record.entry.details).expect("JSON");
    let told =
        json!({ "settings": { "jwtIssuers": [{ "issuer": "https://id.example/" }], "sandbox": true } });
    assert_eq!(updated, told);
    assert_eq!(list(None, None, 100).expect("all").len(), 7, "and the other app's");
    let older = list(Some(&two), Some(entries[4].record.number), 1).expect("a page");
    assert_eq!(older, entries[5..]);
    assert_eq!(code(list(Some(&app_key("app-three")), None, 1)), ErrorCode::AppNotFound);
    assert_eq!(code(list(None, None, 101)), ErrorCode::InvalidRequest);
}
