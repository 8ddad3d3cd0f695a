//! Time and randomness for the tests of every crate.

use std::sync::Mutex;
use std::time::Duration;

use crate::{Clock, Random, Timestamp};

/// Time that passes only when it is told to.
#[derive(Default)]
pub struct ManualClock(Mutex<Duration>);

impl ManualClock {
    /// Lets time pass.
    pub fn advance(&self, time: Duration) {
        *self.0.lock().expect("not poisoned") += time;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000).plus(self.elapsed())
    }

    fn elapsed(&self) -> Duration {
        *self.0.lock().expect("not poisoned")
    }
}

/// Never twice the same, where that is all that a test needs.
#[derive(Default)]
pub struct CountingRandom(Mutex<u64>);

impl Random for CountingRandom {
    fn fill(&self, bytes: &mut [u8]) {
        let mut count = self.0.lock().expect("not poisoned");
        *count += 1;
        for (byte, from) in bytes.iter_mut().zip(count.to_le_bytes().into_iter().cycle()) {
            *byte = from;
        }
    }
}
