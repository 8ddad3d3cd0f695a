//! The cases.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use callbox_domain::{AppId, SessionId, Timestamp, UserId};

use super::BusUnderTest;
use crate::Notice;

pub(super) fn every_listener_hears_in_the_order_of_the_publisher(test: &BusUnderTest) {
    let ears = [(); 3].map(|()| Ear::on(test));
    publish(test, "one", 1..=NOTICES);
    (test.settle)();
    for ear in ears {
        ear.check(test, "one", 1..=NOTICES);
    }
}

pub(super) fn a_listener_hears_nothing_from_before_it_came(test: &BusUnderTest) {
    let early = Ear::on(test);
    publish(test, "one", 1..=NOTICES);
    (test.settle)();
    let late = Ear::on(test);
    publish(test, "one", NOTICES + 1..=2 * NOTICES);
    (test.settle)();
    early.check(test, "one", 1..=2 * NOTICES);
    late.check(test, "one", NOTICES + 1..=2 * NOTICES);
}

pub(super) fn each_of_many_threads_keeps_its_order(test: &BusUnderTest) {
    let ears = [(); 2].map(|()| Ear::on(test));
    thread::scope(|scope| {
        for publisher in PUBLISHERS {
            scope.spawn(move || publish(test, publisher, 1..=NOTICES));
        }
    });
    (test.settle)();
    for ear in ears {
        for publisher in PUBLISHERS {
            ear.check(test, publisher, 1..=NOTICES);
        }
    }
}

pub(super) fn a_listener_that_comes_meanwhile_hears_all_from_then_on(test: &BusUnderTest) {
    let late = thread::scope(|scope| {
        for publisher in PUBLISHERS {
            scope.spawn(move || publish(test, publisher, 1..=NOTICES));
        }
        Ear::on(test)
    });
    // Whatever it missed, from here on it hears.
    publish(test, "last", 1..=NOTICES);
    (test.settle)();
    late.check(test, "last", 1..=NOTICES);
    for publisher in PUBLISHERS {
        let first = late.heard(publisher).first().copied().unwrap_or(NOTICES + 1);
        late.check(test, publisher, first..=NOTICES);
    }
}

pub(super) fn a_listener_that_panics_takes_nobody_with_it(test: &BusUnderTest) {
    let before = Ear::on(test);
    let has_panicked = Arc::new(AtomicBool::new(false));
    let panicking = Arc::clone(&has_panicked);
    let survivor = Ear::default();
    let ear = survivor.clone();
    test.bus.subscribe(Box::new(move |notice| {
        assert!(panicking.swap(true, Ordering::SeqCst), "a listener that panics, on purpose");
        ear.hear(notice);
    }));
    let after = Ear::on(test);
    publish(test, "one", 1..=NOTICES);
    (test.settle)();
    before.check(test, "one", 1..=NOTICES);
    after.check(test, "one", 1..=NOTICES);
    if let Some(lost_to_the_panic) = before.heard("one").first() {
        assert!(has_panicked.load(Ordering::SeqCst));
        survivor.check(test, "one", lost_to_the_panic + 1..=NOTICES);
    }
}

/// Remembers what it hears: numbers by publisher.
#[derive(Clone, Default)]
struct Ear(Arc<Mutex<BTreeMap<String, Vec<i64>>>>);

impl Ear {
    fn on(test: &BusUnderTest) -> Self {
        let ear = Self::default();
        let listening = ear.clone();
        test.bus.subscribe(Box::new(move |notice| listening.hear(notice)));
        ear
    }

    fn hear(&self, notice: &Notice) {
        let Notice::SessionRenewed { session_id, expires_at, .. } = notice else {
            panic!("nobody published {notice:?}");
        };
        let mut heard = self.0.lock().expect("not poisoned");
        heard.entry(session_id.to_string()).or_default().push(expires_at.as_millis());
    }

    fn heard(&self, publisher: &str) -> Vec<i64> {
        self.0.lock().expect("not poisoned").get(session(publisher).as_str()).cloned().unwrap_or_default()
    }

    /// It heard these numbers of this publisher, in order; not all of them where the bus loses.
    fn check(&self, test: &BusUnderTest, publisher: &str, numbers: impl Iterator<Item = i64>) {
        let heard = self.heard(publisher);
        let expected: Vec<i64> = numbers.collect();
        if test.loses {
            assert!(heard.is_sorted_by(|one, next| one < next), "in order and once: {heard:?}");
            assert!(heard.iter().all(|number| expected.contains(number)), "{heard:?}");
        } else {
            assert_eq!(heard, expected, "of {publisher}");
        }
    }
}

fn publish(test: &BusUnderTest, publisher: &str, numbers: impl Iterator<Item = i64>) {
    for number in numbers {
        test.bus.publish(numbered(publisher, number));
    }
}

/// A notice with a number in it.
pub(super) fn numbered(publisher: &str, number: i64) -> Notice {
    Notice::SessionRenewed {
        app_id: AppId(1),
        user_id: UserId::new("ann").expect("valid"),
        session_id: session(publisher),
        expires_at: Timestamp::from_millis(number),
    }
}

fn session(publisher: &str) -> SessionId {
    SessionId::new(format!("publisher-{publisher}")).expect("valid")
}

const PUBLISHERS: [&str; 4] = ["north", "east", "south", "west"];
const NOTICES: i64 = 200;
