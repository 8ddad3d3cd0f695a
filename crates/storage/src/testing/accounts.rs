//! Sessions in full, credentials, what was used once, and the audit log.

use callbox_domain::{
    AccessToken, AppSettings, AssertedBy, AuditEntry, DeviceCredential, EndedSession, Identity, IdentityType,
    OneTimePurpose, OneTimeToken, PasswordRecord, Session, SessionEndReason, UsedOnce,
};

use super::MakeStore;
use super::world::{World, app, at, is_new, session, session_id, user_id};
use crate::SessionRenewal;

pub(super) fn an_app_changes(make: &MakeStore) {
    let world = World::new(make);
    let mut changed = app("app-one");
    changed.id = world.app;
    "Renamed".clone_into(&mut changed.name);
    changed.settings = AppSettings { sessions_per_user_max: 3, ..AppSettings::default() };
    changed.disabled_at = Some(at(7));
    let update = changed.clone();
    world.write(move |tx| tx.update_app(&update));
    let (one, two) = (world.app, world.other_app);
    assert_eq!(world.read(move |read| read.app(one)), Some(changed.clone()));
    assert_eq!(world.read(move |read| read.app(two)).map(|app| app.disabled_at), Some(None));
    changed.disabled_at = None;
    let update = changed.clone();
    world.write(move |tx| tx.update_app(&update));
    assert_eq!(world.read(move |read| read.app(one)), Some(changed));
}

pub(super) fn a_user_is_blocked_and_let_in_again(make: &MakeStore) {
    let world = World::with_users(make, &["ann", "bob"]);
    let app = world.app;
    let blocked = |name: &'static str| {
        world.read(move |read| read.user(app, &user_id(name))).and_then(|user| user.blocked_at)
    };
    world.write(move |tx| tx.set_user_blocked(app, &user_id("ann"), Some(at(5))));
    assert_eq!((blocked("ann"), blocked("bob")), (Some(at(5)), None));
    world.write(move |tx| tx.set_user_blocked(app, &user_id("ann"), None));
    assert_eq!(blocked("ann"), None);
}

pub(super) fn an_identity_is_removed(make: &MakeStore) {
    let world = World::with_users(make, &["ann"]);
    let app = world.app;
    let email = Identity {
        identity_type: IdentityType::Email,
        value: "ann@example.com".to_owned(),
        user_id: user_id("ann"),
        asserted_by: AssertedBy::Myself,
        created_at: at(1),
    };
    world.write(move |tx| tx.insert_identity(app, &email));
    let remove = |kind: IdentityType| world.write(move |tx| tx.remove_identity(app, kind, "ann@example.com"));
    assert!(!remove(IdentityType::Username));
    assert!(remove(IdentityType::Email));
    assert!(!remove(IdentityType::Email));
    assert_eq!(world.read(move |read| read.identities_of(app, &user_id("ann"))), []);
}

pub(super) fn a_renewed_session_has_two_tokens_for_a_while(make: &MakeStore) {
    let world = World::with_users(make, &["ann"]);
    let app = world.app;
    let phone = session(app, "phone", "ann");
    let insert = phone.clone();
    world.write(move |tx| tx.insert_session(&insert, &[1; 32]));
    let renew = |token: u8, moment: i64| {
        let renewal = SessionRenewal {
            token_hash: [token; 32],
            old_good_until: at(moment + 60),
            expires_at: at(moment + 1_000),
            at: at(moment),
        };
        world.write(move |tx| tx.renew_session(app, &session_id("phone"), &renewal))
    };
    let found = |token: u8| world.read(move |read| read.session_by_token(&[token; 32]));
    let by_id = found(1).expect("the session");
    assert_eq!(world.read(|read| read.session_by_id(&session_id("phone"))), Some(by_id));
    assert_eq!(world.read(|read| read.session_by_id(&session_id("laptop"))), None);
    assert!(renew(2, 100));
    let expected = Session { expires_at: at(1_100), last_used_at: at(100), ..phone };
    let now = found(2).expect("the new token");
    assert_eq!((&now.session, now.token_good_until), (&expected, None));
    let before = found(1).expect("the token of before");
    assert_eq!((&before.session, before.token_good_until), (&expected, Some(at(160))));
    assert_eq!(before.app, now.app);
    assert!(renew(3, 200));
    assert_eq!(found(1), None, "only one token of before is good");
    assert_eq!(found(2).and_then(|found| found.token_good_until), Some(at(260)));
    world.write(move |tx| {
        tx.end_session(app, &session_id("phone"), at(300), SessionEndReason::SignedOut).map(drop)
    });
    assert!(!renew(4, 400), "an ended session stays ended");
    assert!(found(4).is_none());
}

pub(super) fn open_sessions_are_listed_last_used_first(make: &MakeStore) {
    let world = World::with_users(make, &["ann", "bob"]);
    let app = world.app;
    world.write(move |tx| {
        for (number, (id, user)) in
            (1..).zip([("a", "ann"), ("b", "ann"), ("c", "ann"), ("d", "ann"), ("e", "bob")])
        {
            let used = Session { last_used_at: at(i64::from(number)), ..session(app, id, user) };
            tx.insert_session(&used, &[number; 32])?;
        }
        tx.end_session(app, &session_id("c"), at(9), SessionEndReason::EndedByUser)?;
        tx.touch_session(app, &session_id("a"), at(50))?;
        tx.touch_session(app, &session_id("b"), at(1))
    });
    let ids = |sessions: Vec<Session>| sessions.into_iter().map(|one| one.id).collect::<Vec<_>>();
    let of_ann = world.read(move |read| read.open_sessions_of(app, &user_id("ann")));
    assert_eq!(of_ann[0].last_used_at, at(50));
    assert_eq!(ids(of_ann), ["a", "d", "b"].map(session_id));
    let page = |after: Option<&'static str>, limit| {
        let after = after.map(session_id);
        ids(world.read(move |read| read.open_sessions(app, after.as_ref(), limit)))
    };
    assert_eq!(page(None, 10), ["a", "b", "d", "e"].map(session_id));
    assert_eq!(page(Some("a"), 2), ["b", "d"].map(session_id));
}

pub(super) fn ended_sessions_are_a_numbered_list(make: &MakeStore) {
    let world = World::with_users(make, &["ann"]);
    let (app, other) = (world.app, world.other_app);
    assert_eq!(world.read(|read| read.newest_ended_session()), 0);
    world.write(move |tx| {
        for (number, id) in (1..).zip(["a", "b", "c"]) {
            tx.insert_session(&session(app, id, "ann"), &[number; 32])?;
        }
        tx.insert_session(&session(other, "z", "ann"), &[9; 32])?;
        tx.end_session(app, &session_id("b"), at(10), SessionEndReason::UserBlocked)?;
        tx.end_session(app, &session_id("b"), at(11), SessionEndReason::SignedOut)?;
        tx.end_session(other, &session_id("z"), at(12), SessionEndReason::Replaced)?;
        tx.end_session(app, &session_id("a"), at(90), SessionEndReason::SignedOut).map(drop)
    });
    let ended = world.read(|read| read.ended_sessions_after(0, 10));
    let entry = |number, app_id, id, reason| EndedSession {
        number,
        app_id,
        user_id: user_id("ann"),
        session_id: session_id(id),
        reason,
    };
    let all = [
        entry(1, app, "b", SessionEndReason::UserBlocked),
        entry(2, other, "z", SessionEndReason::Replaced),
        entry(3, app, "a", SessionEndReason::SignedOut),
    ];
    assert_eq!(ended, all);
    assert_eq!(world.read(|read| read.ended_sessions_after(1, 1)), all[1..2]);
    world.write(|tx| tx.forget_expired(at(0), at(50), 10).map(drop));
    assert_eq!(world.read(|read| read.ended_sessions_after(0, 10)), all[2..]);
    world.write(|tx| tx.forget_expired(at(0), at(500), 10).map(drop));
    assert_eq!(world.read(|read| read.newest_ended_session()), 3, "numbers are never given twice");
}

pub(super) fn a_password_is_set_and_replaced(make: &MakeStore) {
    let world = World::with_users(make, &["ann"]);
    let (app, other) = (world.app, world.other_app);
    let password = |hash: &str, moment| PasswordRecord {
        user_id: user_id("ann"),
        hash: hash.to_owned(),
        changed_at: at(moment),
    };
    for record in [password("$one", 1), password("$two", 2)] {
        let set = record.clone();
        world.write(move |tx| tx.set_password(app, &set));
        assert_eq!(world.read(move |read| read.password(app, &user_id("ann"))), Some(record));
    }
    assert_eq!(world.read(move |read| read.password(other, &user_id("ann"))), None);
}

pub(super) fn access_tokens_are_found_by_hash_and_removed(make: &MakeStore) {
    let world = World::with_users(make, &["ann", "bob"]);
    let (app, other) = (world.app, world.other_app);
    let token = |user: &str, id: &str, hash: u8| AccessToken {
        id: id.to_owned(),
        user_id: user_id(user),
        prefix: format!("cba_{id}"),
        hash: [hash; 32],
        created_at: at(i64::from(hash)),
        expires_at: (hash == 2).then(|| at(99)),
    };
    let all = [token("ann", "x", 1), token("ann", "a", 2), token("bob", "x", 3)];
    let insert = all.clone();
    world.write(move |tx| insert.iter().try_for_each(|token| tx.insert_access_token(app, token)));
    let find = |app, hash: u8| world.read(move |read| read.access_token(app, &[hash; 32]));
    assert_eq!(find(app, 2), Some(all[1].clone()));
    assert_eq!((find(app, 4), find(other, 2)), (None, None));
    assert_eq!(world.read(move |read| read.access_tokens_of(app, &user_id("ann"))), all[..2]);
    let remove = |user: &'static str, id: &'static str| {
        world.write(move |tx| tx.remove_access_token(app, &user_id(user), id))
    };
    assert!(!remove("bob", "a"));
    assert!(remove("ann", "x"));
    assert!(!remove("ann", "x"));
    assert_eq!(world.read(move |read| read.access_tokens_of(app, &user_id("ann"))), all[1..2]);
    assert_eq!(find(app, 3), Some(all[2].clone()));
}

pub(super) fn device_credentials_open_sessions(make: &MakeStore) {
    let world = World::with_users(make, &["ann"]);
    let (app, other) = (world.app, world.other_app);
    let credential = |name: &str, hash: u8| DeviceCredential {
        username: name.to_owned(),
        user_id: user_id("ann"),
        hash: [hash; 32],
        session_id: session_id("phone"),
        metadata: "{\"model\":\"x\"}".to_owned(),
        sandbox: hash == 1,
        created_at: at(i64::from(hash)),
    };
    let (one, two) = (credential("dev-one", 1), credential("dev-two", 2));
    let insert = [one.clone(), two.clone()];
    let again = credential("dev-one", 3);
    world.write(move |tx| {
        for credential in &insert {
            assert!(is_new(tx.insert_device_credential(app, credential)?));
        }
        assert!(!is_new(tx.insert_device_credential(app, &again)?));
        tx.move_device_credential(app, "dev-two", &session_id("laptop"))
    });
    let two = DeviceCredential { session_id: session_id("laptop"), ..two };
    let find = |app, name: &'static str| world.read(move |read| read.device_credential(app, name));
    assert_eq!(find(app, "dev-one"), Some(one.clone()));
    assert_eq!((find(app, "dev-three"), find(other, "dev-one")), (None, None));
    let of_ann = world.read(move |read| read.device_credentials_of(app, &user_id("ann")));
    assert_eq!(of_ann, [one, two]);
    assert!(world.write(move |tx| tx.remove_device_credential(app, "dev-one")));
    assert!(!world.write(move |tx| tx.remove_device_credential(app, "dev-one")));
    assert_eq!(find(app, "dev-one"), None);
}

pub(super) fn a_one_time_token_is_taken_once(make: &MakeStore) {
    let world = World::with_users(make, &["ann"]);
    let (app, other) = (world.app, world.other_app);
    let token = |hash: u8, purpose, end| OneTimeToken {
        hash: [hash; 32],
        purpose,
        user_id: user_id("ann"),
        expires_at: at(end),
    };
    let all = [
        token(1, OneTimePurpose::SignUp, 10),
        token(2, OneTimePurpose::PasswordReset, 20),
        token(3, OneTimePurpose::PasswordReset, 30),
    ];
    let insert = all.clone();
    world.write(move |tx| insert.iter().try_for_each(|token| tx.insert_one_time_token(app, token)));
    let take = |app, hash: u8| world.write(move |tx| tx.take_one_time_token(app, &[hash; 32]));
    assert_eq!(take(other, 1), None);
    assert_eq!(take(app, 2), None, "a newer one of the same purpose took its place");
    assert_eq!(world.read(move |read| read.one_time_token(app, &[3; 32])), Some(all[2].clone()));
    assert_eq!(take(app, 3), Some(all[2].clone()));
    assert_eq!(take(app, 3), None);
    world.write(|tx| tx.forget_expired(at(10), at(0), 10).map(drop));
    assert_eq!(take(app, 1), None, "it has expired");
}

pub(super) fn what_was_used_once_is_remembered_until_it_expires(make: &MakeStore) {
    let world = World::new(make);
    let (app, other) = (world.app, world.other_app);
    let used = |result: &str, end| UsedOnce {
        hash: [7; 32],
        expires_at: at(end),
        used_at: at(1),
        result: result.to_owned(),
    };
    let (first, second) = (used("first", 10), used("second", 20));
    let keep = first.clone();
    world.write(move |tx| {
        assert!(is_new(tx.insert_used_once(app, &first)?));
        assert!(!is_new(tx.insert_used_once(app, &second)?));
        assert!(is_new(tx.insert_used_once(other, &second)?));
        Ok(())
    });
    assert_eq!(world.read(move |read| read.used_once(app, &[7; 32])), Some(keep));
    assert!(world.write(|tx| tx.forget_expired(at(10), at(0), 1)), "a full round may leave something");
    assert_eq!(world.read(move |read| read.used_once(app, &[7; 32])), None);
    assert!(!world.write(|tx| tx.forget_expired(at(10), at(0), 1)));
    assert!(world.read(move |read| read.used_once(other, &[7; 32])).is_some());
}

pub(super) fn the_audit_log_is_read_newest_first(make: &MakeStore) {
    let world = World::new(make);
    let (app, other) = (world.app, world.other_app);
    let entry = |subject: &str, app_id| AuditEntry {
        at: at(4),
        actor: "operator".to_owned(),
        action: "user.blocked".to_owned(),
        app_id,
        subject: subject.to_owned(),
        details: "{}".to_owned(),
    };
    let entries = [entry("a", Some(app)), entry("b", Some(other)), entry("c", None), entry("d", Some(app))];
    let insert = entries.clone();
    world.write(move |tx| insert.iter().try_for_each(|entry| tx.append_audit(entry)));
    let subjects = |app, before, limit| {
        let records = world.read(move |read| read.audit(app, before, limit));
        records.into_iter().map(|record| record.entry.subject).collect::<Vec<_>>()
    };
    let all = world.read(|read| read.audit(None, None, 10));
    assert_eq!(all.iter().map(|record| record.number).collect::<Vec<_>>(), [4, 3, 2, 1]);
    assert_eq!(all.last().map(|record| &record.entry), Some(&entries[0]));
    assert_eq!(subjects(Some(app), None, 10), ["d", "a"]);
    assert_eq!(subjects(None, Some(4), 2), ["c", "b"]);
}
