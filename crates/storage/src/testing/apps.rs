//! Apps and their keys.

use callbox_domain::{AppId, AppKey, AppKeyRecord, AppSettings, KeyPurpose};

use super::MakeStore;
use super::world::{World, app, at, is_new};

pub(super) fn apps_have_numbers(make: &MakeStore) {
    let world = World::new(make);
    let mut third = app("app-three");
    third.settings = AppSettings {
        allowed_origins: vec!["https://app.example.com".to_owned()],
        ring_seconds: 7,
        ..AppSettings::development()
    };
    let insert = third.clone();
    third.id = world.write(move |tx| tx.insert_app(&insert));
    assert!(world.app < world.other_app && world.other_app < third.id);

    let all = world.read(|read| read.apps());
    assert_eq!(all.iter().map(|app| app.id).collect::<Vec<_>>(), [world.app, world.other_app, third.id]);
    assert_eq!(all.last(), Some(&third));
    let id = third.id;
    assert_eq!(world.read(move |read| read.app(id)), Some(third));
    assert_eq!(world.read(|read| read.app(AppId(u32::MAX))), None);
}

pub(super) fn keys_are_rows_by_generation(make: &MakeStore) {
    let world = World::new(make);
    let first = key_row(world.app, "key-a", 1, KeyPurpose::Primary);
    let second = key_row(world.app, "key-a", 2, KeyPurpose::Primary);
    let alias = AppKeyRecord {
        sealed_secret: None,
        not_after: Some(at(500)),
        ..key_row(world.app, "key-b", 1, KeyPurpose::Alias)
    };
    let rows = [first.clone(), second.clone(), alias.clone()];
    let mut changed = first.clone();
    changed.sealed_secret = None;
    world.write(move |tx| {
        for row in &rows {
            assert!(is_new(tx.insert_app_key(row)?));
        }
        assert!(!is_new(tx.insert_app_key(&changed)?));
        Ok(())
    });

    let key = first.key.clone();
    let of_key = world.read(move |read| read.app_keys(&key));
    assert_eq!(of_key, [second.clone(), first.clone()]);
    let app = world.app;
    let mut of_app = world.read(move |read| read.keys_of_app(app));
    assert_eq!(of_app.first(), Some(&second), "the newest generation comes first");
    of_app.sort_by(|one, other| {
        (one.key.as_str(), one.generation).cmp(&(other.key.as_str(), other.generation))
    });
    assert_eq!(of_app, [first, second, alias]);
    let other = world.other_app;
    assert_eq!(world.read(move |read| read.keys_of_app(other)), []);
    let unknown = AppKey::new("key-c").expect("a key");
    assert_eq!(world.read(move |read| read.app_keys(&unknown)), []);
}

pub(super) fn a_key_expires(make: &MakeStore) {
    let world = World::new(make);
    let old = key_row(world.app, "key-a", 1, KeyPurpose::Primary);
    let new = key_row(world.app, "key-a", 2, KeyPurpose::Primary);
    let rows = [old.clone(), new.clone()];
    world.write(move |tx| {
        for row in &rows {
            tx.insert_app_key(row)?;
        }
        tx.expire_app_key(&rows[0], at(900))
    });
    let key = old.key.clone();
    let rows = world.read(move |read| read.app_keys(&key));
    assert_eq!(rows, [new, AppKeyRecord { not_after: Some(at(900)), ..old }]);
}

fn key_row(app_id: AppId, key: &str, generation: u32, purpose: KeyPurpose) -> AppKeyRecord {
    AppKeyRecord {
        app_id,
        key: AppKey::new(key).expect("a key"),
        generation,
        purpose,
        sealed_secret: Some(vec![0, 1, 255]),
        not_after: None,
        created_at: at(i64::from(generation)),
    }
}
