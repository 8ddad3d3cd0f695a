//! Sessions.

use callbox_domain::{App, Device, Session, SessionEndReason, SessionStatus};

use super::MakeStore;
use super::world::{World, at, session, session_id};
use crate::{SessionLookup, WriteError};

pub(super) fn a_session_is_found_by_its_token(make: &MakeStore) {
    let world = World::with_users(make, &["ann"]);
    let (app, other) = (world.app, world.other_app);
    let phone = Session {
        device: Device { name: Some("Ann's \"phone\"".to_owned()), ..Device::default() },
        ..session(app, "phone", "ann")
    };
    let elsewhere = session(other, "tablet", "ann");
    let ended = Session {
        status: SessionStatus::Ended { at: at(9), reason: SessionEndReason::Expired },
        ..session(app, "ended", "ann")
    };
    let rows = [phone.clone(), elsewhere.clone(), ended.clone()];
    world.write(move |tx| {
        for (number, row) in (1..).zip(&rows) {
            tx.insert_session(row, &[number; 32])?;
        }
        Ok(())
    });
    let apps = world.read(|read| read.apps());
    let lookup = |token: u8| world.read(move |read| read.session_by_token(&[token; 32]));
    assert_eq!(lookup(1), Some(lookup_of(&phone, &apps[0])));
    assert_eq!(lookup(2), Some(lookup_of(&elsewhere, &apps[1])));
    assert_eq!(lookup(3).map(|found| found.session), Some(ended));
    assert_eq!(lookup(4), None);
    assert_eq!(world.read(move |read| read.session(app, &session_id("phone"))), Some(phone));
    assert_eq!(world.read(move |read| read.session(app, &session_id("laptop"))), None);

    let same_token = session(app, "laptop", "ann");
    let taken = world.try_write(move |tx| tx.insert_session(&same_token, &[1; 32]));
    assert!(matches!(taken, Err(WriteError::Store(_))), "{taken:?}");
}

pub(super) fn an_ended_session_keeps_its_first_reason(make: &MakeStore) {
    let world = World::with_users(make, &["ann"]);
    let app = world.app;
    world.write(move |tx| tx.insert_session(&session(app, "phone", "ann"), &[1; 32]));
    let end = |name: &'static str, millis, reason| {
        world.write(move |tx| tx.end_session(app, &session_id(name), at(millis), reason))
    };
    assert!(!end("laptop", 50, SessionEndReason::SignedOut));
    assert!(end("phone", 50, SessionEndReason::SignedOut));
    assert!(!end("phone", 60, SessionEndReason::Expired));
    let found = world.read(move |read| read.session(app, &session_id("phone")));
    let status = SessionStatus::Ended { at: at(50), reason: SessionEndReason::SignedOut };
    assert_eq!(found.map(|session| session.status), Some(status));
    let by_token = world.read(|read| read.session_by_token(&[1; 32]));
    assert_eq!(by_token.map(|found| found.session.status), Some(status));
}

fn lookup_of(session: &Session, app: &App) -> SessionLookup {
    SessionLookup { session: session.clone(), app: app.clone(), token_good_until: None }
}
