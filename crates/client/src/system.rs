//! The system's wall clock and randomness: the one place where this crate takes either.

use std::time::{SystemTime, UNIX_EPOCH};

use callbox_domain::{Random, Timestamp};

/// The wall clock, for the ids of messages. Timers use tokio's.
#[expect(clippy::disallowed_methods, reason = "this is the clock")]
pub(crate) fn wall_clock() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// The operating system's random generator.
pub(crate) struct SystemRandom;

impl Random for SystemRandom {
    #[expect(clippy::disallowed_methods, reason = "this is where randomness is made")]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("an operating system without randomness cannot run a client");
    }
}
