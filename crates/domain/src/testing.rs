//! Time and randomness for the tests of every crate.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
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

/// Another clock, of which the wall clock is moved. Time since the start only ever goes on, as on every machine.
pub struct MovableClock<C> {
    clock: C,
    milliseconds_ahead: AtomicI64,
}

impl<C: Clock> MovableClock<C> {
    /// As the other clock says, until it is moved.
    pub fn new(clock: C) -> Self {
        Self { clock, milliseconds_ahead: AtomicI64::new(0) }
    }

    /// Moves the wall clock; back, where this is negative.
    pub fn advance(&self, seconds: i32) {
        self.milliseconds_ahead.fetch_add(i64::from(seconds) * 1_000, Ordering::Relaxed);
    }
}

impl<C: Clock> Clock for MovableClock<C> {
    fn now(&self) -> Timestamp {
        let ahead = self.milliseconds_ahead.load(Ordering::Relaxed);
        Timestamp::from_millis(self.clock.now().as_millis().saturating_add(ahead))
    }

    fn elapsed(&self) -> Duration {
        self.clock.elapsed()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_wall_clock_is_moved() {
        let clock = MovableClock::new(ManualClock::default());
        let before = clock.now();
        clock.advance(1_800);
        assert_eq!((clock.now(), clock.elapsed()), (before.plus(Duration::from_mins(30)), Duration::ZERO));
        clock.advance(-1_800);
        assert_eq!(clock.now(), before);
    }
}
