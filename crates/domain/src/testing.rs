//! Time, randomness and hostile bytes for the tests of every crate.

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

/// Runs `check` over two thousand mutations of each of the corpus, the same each time: bytes changed, removed, repeated and
/// put in.
pub fn mutate(corpus: &[&[u8]], mut check: impl FnMut(&[u8])) {
    let mut state = 2_026_u64;
    let mut number = |below: usize| {
        // Knuth's constants of MMIX.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).expect("31 bits") % below.max(1)
    };
    for seed in corpus {
        for _ in 0..MUTATIONS {
            let mut input = seed.to_vec();
            for _ in 0..=number(4) {
                let place = number(input.len());
                let byte = u8::try_from(number(256)).expect("a byte");
                match number(4) {
                    0 if !input.is_empty() => input[place] = byte,
                    1 if !input.is_empty() => drop(input.remove(place)),
                    2 => input.insert(place, byte),
                    _ => input.extend_from_within(..place),
                }
            }
            check(&input);
        }
    }
}

const MUTATIONS: usize = 2_000;

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
