//! Users and identities.

use callbox_domain::{AssertedBy, Identity, IdentityType, Mailbox, MailboxEpoch, User};

use super::MakeStore;
use super::world::{World, at, epoch, is_new, user, user_id};

pub(super) fn a_user_is_added_once(make: &MakeStore) {
    let world = World::new(make);
    let app = world.app;
    let ann = User { last_seen_at: Some(at(5)), ..user("ann") };
    let insert = ann.clone();
    assert!(is_new(world.write(move |tx| tx.insert_user(app, &insert, &epoch()))));
    let again = world.write(move |tx| {
        let later = User { created_at: at(99), ..user("ann") };
        tx.insert_user(app, &later, &MailboxEpoch::new("other").expect("an epoch"))
    });
    assert!(!is_new(again));
    assert_eq!(world.read(move |read| read.user(app, &user_id("ann"))), Some(ann));
    assert_eq!(world.read(move |read| read.user(app, &user_id("Ann"))), None);
    let mailbox = world.read(move |read| read.mailbox(app, &user_id("ann")));
    assert_eq!(mailbox, Some(Mailbox { epoch: epoch(), head: 0, pruned_up_to: 0 }));
    assert_eq!(world.read(move |read| read.mailbox(app, &user_id("bob"))), None);
}

pub(super) fn users_come_in_pages(make: &MakeStore) {
    let world = World::with_users(make, &["dan", "ann", "{odd}", "bob", "Zoe", "carl"]);
    let app = world.app;
    let names = |after: Option<&str>, limit| {
        let after = after.map(user_id);
        let users = world.read(move |read| read.users(app, after.as_ref(), limit));
        users.into_iter().map(|user| user.id.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(None, 10), ["Zoe", "ann", "bob", "carl", "dan", "{odd}"]);
    assert_eq!(names(None, 2), ["Zoe", "ann"]);
    assert_eq!(names(Some("ann"), 2), ["bob", "carl"]);
    assert_eq!(names(Some("b"), 1), ["bob"]);
    assert_eq!(names(Some("{odd}"), 5), [""; 0]);
    assert_eq!(names(None, 0), [""; 0]);
}

pub(super) fn identities_lead_to_users(make: &MakeStore) {
    let world = World::with_users(make, &["ann", "bob"]);
    let app = world.app;
    let number = identity(IdentityType::Number, "+46700000000", "ann", AssertedBy::Backend);
    let email = identity(IdentityType::Email, "ann@example.com", "ann", AssertedBy::Myself);
    let name = identity(IdentityType::Username, "ann@example.com", "bob", AssertedBy::Myself);
    let all = [number.clone(), email.clone(), name.clone()];
    let taken = identity(IdentityType::Number, "+46700000000", "bob", AssertedBy::Myself);
    world.write(move |tx| {
        for identity in &all {
            assert!(is_new(tx.insert_identity(app, identity)?));
        }
        assert!(!is_new(tx.insert_identity(app, &taken)?));
        Ok(())
    });
    let find =
        |kind: IdentityType, value: &'static str| world.read(move |read| read.identity(app, kind, value));
    assert_eq!(find(IdentityType::Number, "+46700000000"), Some(number.clone()));
    assert_eq!(find(IdentityType::Email, "ann@example.com"), Some(email.clone()));
    assert_eq!(find(IdentityType::Username, "ann@example.com"), Some(name));
    assert_eq!(find(IdentityType::Email, "ANN@example.com"), None);
    let mut of_ann = world.read(move |read| read.identities_of(app, &user_id("ann")));
    of_ann.sort_by_key(|identity| identity.value.clone());
    assert_eq!(of_ann, [number, email]);
    assert_eq!(world.read(move |read| read.identities_of(app, &user_id("carl"))), []);
}

pub(super) fn last_seen_never_goes_back(make: &MakeStore) {
    let world = World::with_users(make, &["ann"]);
    let app = world.app;
    for (seen, expected) in [(100, 100), (50, 100), (100, 100), (200, 200)] {
        world.write(move |tx| tx.touch_user(app, &user_id("ann"), at(seen)));
        let found = world.read(move |read| read.user(app, &user_id("ann"))).expect("ann");
        assert_eq!(found.last_seen_at, Some(at(expected)));
    }
    world.write(move |tx| tx.touch_user(app, &user_id("nobody"), at(1)));
    assert_eq!(world.read(move |read| read.user(app, &user_id("nobody"))), None);
}

fn identity(kind: IdentityType, value: &str, user: &str, asserted_by: AssertedBy) -> Identity {
    Identity {
        identity_type: kind,
        value: value.to_owned(),
        user_id: user_id(user),
        asserted_by,
        created_at: at(3),
    }
}
