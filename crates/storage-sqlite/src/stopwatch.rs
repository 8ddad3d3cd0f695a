//! How long things take here.

use std::time::Instant;

/// The present, to be held against another present.
#[expect(
    clippy::disallowed_methods,
    reason = "measures how long something takes; nothing is decided by the hour"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}
