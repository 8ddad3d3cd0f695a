//! Calls, their timelines and their signals.

use callbox_domain::call::CallEnd;
use callbox_domain::{CallEndCause, CallEventRecord, CallMedia, CallRecord};

use super::MakeStore;
use super::world::{World, at, call, call_id, is_new, user_id};

pub(super) fn a_call_is_added_once(make: &MakeStore) {
    let world = World::new(make);
    let app = world.app;
    let first = call(app, "one", "ann", "bob");
    let insert = first.clone();
    assert!(is_new(world.write(move |tx| tx.insert_call(&insert))));
    let again = CallRecord { media: CallMedia::Audio, ..call(app, "one", "carl", "bob") };
    assert!(!is_new(world.write(move |tx| tx.insert_call(&again))));
    assert_eq!(world.read(move |read| read.call(app, &call_id("one"))), Some(first));
    assert_eq!(world.read(move |read| read.call(app, &call_id("two"))), None);
}

pub(super) fn a_call_changes_and_ends(make: &MakeStore) {
    let world = World::new(make);
    let app = world.app;
    let mut record = call(app, "one", "ann", "bob");
    let insert = record.clone();
    world.write(move |tx| tx.insert_call(&insert));

    let changed = CallRecord {
        accepted_at: Some(at(40)),
        snapshot: "{\"state\":\"accepted\"}".to_owned(),
        // What does not change is not overwritten.
        caller_id: user_id("eve"),
        callee_id: user_id("eve"),
        media: CallMedia::Audio,
        created_at: at(999),
        ..record.clone()
    };
    record.accepted_at = changed.accepted_at;
    record.snapshot.clone_from(&changed.snapshot);
    world.write(move |tx| tx.update_call(&changed));
    assert_eq!(world.read(move |read| read.call(app, &call_id("one"))), Some(record.clone()));

    for (by, cause) in [(Some(user_id("bob")), CallEndCause::Completed), (None, CallEndCause::ServerEnded)] {
        record.end = Some(CallEnd { at: at(50), cause, by });
        record.snapshot = String::new();
        let update = record.clone();
        world.write(move |tx| tx.update_call(&update));
        assert_eq!(world.read(move |read| read.call(app, &call_id("one"))), Some(record.clone()));
    }
    let unknown = call(app, "two", "ann", "bob");
    world.write(move |tx| tx.update_call(&unknown));
    assert_eq!(world.read(move |read| read.call(app, &call_id("two"))), None);
}

pub(super) fn live_calls_are_listed(make: &MakeStore) {
    let world = World::new(make);
    let (app, other) = (world.app, world.other_app);
    let started = |app, id, caller, callee, millis| CallRecord {
        created_at: at(millis),
        ..call(app, id, caller, callee)
    };
    let late = started(app, "late", "ann", "bob", 60);
    let early = started(app, "early", "carl", "ann", 50);
    let elsewhere = started(other, "early", "ann", "bob", 55);
    let over = CallRecord {
        end: Some(CallEnd { at: at(58), cause: CallEndCause::Canceled, by: None }),
        ..started(app, "over", "ann", "bob", 57)
    };
    let rows = [late.clone(), early.clone(), elsewhere.clone(), over];
    world.write(move |tx| {
        for row in &rows {
            tx.insert_call(row)?;
        }
        Ok(())
    });
    let live_of = |name: &str| {
        let user = user_id(name);
        world.read(move |read| read.live_calls_of(app, &user))
    };
    assert_eq!(live_of("ann"), [early.clone(), late.clone()]);
    assert_eq!(live_of("bob"), std::slice::from_ref(&late));
    assert_eq!(live_of("eve"), []);
    let mut all = world.read(|read| read.live_calls());
    all.sort_by_key(|call| call.created_at);
    assert_eq!(all, [early, elsewhere, late.clone()]);

    let ended = CallRecord {
        end: Some(CallEnd { at: at(70), cause: CallEndCause::Declined, by: Some(user_id("bob")) }),
        snapshot: String::new(),
        ..late
    };
    world.write(move |tx| tx.update_call(&ended));
    assert_eq!(live_of("bob"), []);
    assert_eq!(world.read(|read| read.live_calls()).len(), 2);
}

pub(super) fn a_timeline_keeps_its_order(make: &MakeStore) {
    let world = World::new(make);
    let app = world.app;
    let line = |kind: &str, millis, user: Option<&str>| CallEventRecord {
        at: at(millis),
        kind: kind.to_owned(),
        user_id: user.map(user_id),
        details: format!("{{\"kind\":\"{kind}\"}}"),
    };
    // The order is that of writing: a clock may jump.
    let lines = [
        line("started", 30, Some("ann")),
        line("ringing", 40, Some("bob")),
        line("accepted", 35, Some("bob")),
        line("ended", 50, None),
    ];
    for event in lines.clone() {
        world.write(move |tx| tx.append_call_event(app, &call_id("one"), &event));
    }
    let other = line("started", 1, None);
    world.write(move |tx| tx.append_call_event(app, &call_id("two"), &other));
    assert_eq!(world.read(move |read| read.call_events(app, &call_id("one"))), lines);
    assert_eq!(world.read(move |read| read.call_events(app, &call_id("three"))), []);
}

pub(super) fn signals_live_as_long_as_the_call(make: &MakeStore) {
    let world = World::new(make);
    let app = world.app;
    let mut record = call(app, "one", "ann", "bob");
    let (one, two) = (record.clone(), call(app, "two", "ann", "carl"));
    world.write(move |tx| {
        tx.insert_call(&one)?;
        tx.insert_call(&two)?;
        for signal in ["offer", "candidate", "candidate"] {
            tx.append_call_signal(app, &call_id("one"), signal)?;
        }
        tx.append_call_signal(app, &call_id("two"), "offer of two")
    });
    let signals = |name: &'static str| world.read(move |read| read.call_signals(app, &call_id(name)));
    assert_eq!(signals("one"), ["offer", "candidate", "candidate"]);

    "still alive".clone_into(&mut record.snapshot);
    let alive = record.clone();
    world.write(move |tx| tx.update_call(&alive));
    assert_eq!(signals("one").len(), 3);

    record.end = Some(CallEnd { at: at(50), cause: CallEndCause::Completed, by: None });
    world.write(move |tx| {
        tx.update_call(&record)?;
        // Late ones of an ended call, and those of an unknown one, are not kept.
        tx.append_call_signal(app, &call_id("one"), "late")?;
        tx.append_call_signal(app, &call_id("three"), "lost")
    });
    assert_eq!(signals("one"), [""; 0]);
    assert_eq!(signals("three"), [""; 0]);
    assert_eq!(signals("two"), ["offer of two"]);
}
