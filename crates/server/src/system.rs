//! The system's clock and randomness: the one place where either is made.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use callbox_domain::{Clock, Random, Timestamp};

/// The system's clocks.
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// The monotonic one begins now.
    #[expect(clippy::disallowed_methods, reason = "this is where the clock is made")]
    #[expect(clippy::new_without_default, reason = "a moment is no default")]
    pub fn new() -> Self {
        Self { started: Instant::now() }
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

/// The operating system's random generator.
pub(crate) struct SystemRandom;

impl Random for SystemRandom {
    #[expect(clippy::disallowed_methods, reason = "this is where randomness is made")]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("an operating system without randomness cannot run a server");
    }
}
