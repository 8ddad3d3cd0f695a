//! How much one session may ask for.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use callbox_domain::{Clock, SessionId};
use callbox_wire::{ApiError, ErrorCode};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};

use crate::events::RetentionSettings;
use crate::guessing::GuessingSettings;
use crate::{Caller, Service, ServiceResult};

/// What sessions may ask for, and what is kept for them. A burst is what may come at once after a pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitSettings {
    /// Requests and frames a second.
    pub requests_per_second: NonZeroU32,
    /// Requests and frames at once.
    pub requests_burst: NonZeroU32,
    /// Messages a second.
    pub messages_per_second: NonZeroU32,
    /// Messages at once.
    pub messages_burst: NonZeroU32,
    /// Against guessing.
    pub guessing: GuessingSettings,
    /// How long events are replayed.
    pub retention: RetentionSettings,
}

impl Default for LimitSettings {
    fn default() -> Self {
        let number = |number| NonZeroU32::new(number).expect("not zero");
        Self {
            requests_per_second: number(50),
            requests_burst: number(200),
            messages_per_second: number(20),
            messages_burst: number(60),
            guessing: GuessingSettings::default(),
            retention: RetentionSettings::default(),
        }
    }
}

pub(crate) struct Limits {
    requests: Limiter,
    messages: Limiter,
}

/// Counts by session, and goes by the clock of the use cases.
type Limiter = RateLimiter<SessionId, DefaultKeyedStateStore<SessionId>, Elapsed, NoOpMiddleware<Duration>>;

/// The clock of the use cases, as the rate limiter wants it.
#[derive(Clone)]
struct Elapsed(Arc<dyn Clock>);

impl governor::clock::Clock for Elapsed {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

impl Limits {
    pub(crate) fn new(settings: LimitSettings, clock: &Arc<dyn Clock>) -> Self {
        let limiter = |rate, burst| {
            let quota = Quota::per_second(rate).allow_burst(burst);
            RateLimiter::new(quota, DefaultKeyedStateStore::default(), Elapsed(Arc::clone(clock)))
        };
        Self {
            requests: limiter(settings.requests_per_second, settings.requests_burst),
            messages: limiter(settings.messages_per_second, settings.messages_burst),
        }
    }
}

impl Service {
    /// Counts one request or frame of the caller's session.
    pub fn count_request(&self, caller: &Caller) -> ServiceResult<()> {
        count(&self.limits.requests, &caller.session_id)
    }

    /// Counts one message of the caller's session.
    pub(crate) fn count_message(&self, caller: &Caller) -> ServiceResult<()> {
        count(&self.limits.messages, &caller.session_id)
    }

    /// Forgets sessions that have been quiet; call it now and then.
    pub fn forget_quiet_sessions(&self) {
        for limiter in [&self.limits.requests, &self.limits.messages] {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
        self.guessing.forget_quiet();
    }
}

fn count(limiter: &Limiter, session: &SessionId) -> ServiceResult<()> {
    limiter.check_key(session).map_err(|denied| {
        let wait = denied.wait_time_from(governor::clock::Clock::now(limiter.clock()));
        let seconds = u32::try_from(wait.as_nanos().div_ceil(1_000_000_000)).unwrap_or(u32::MAX).max(1);
        ApiError::new(ErrorCode::RateLimited).detail("retryAfterSeconds", seconds)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{World, code};

    #[test]
    fn requests_are_limited_for_each_session_and_come_back_with_time() {
        let world = World::new();
        let (ann, other) = (world.caller("ann"), world.caller("ann"));
        for _ in 0..200 {
            world.service.count_request(&ann).expect("within the burst");
        }
        let refused = world.service.count_request(&ann).expect_err("beyond the burst");
        assert_eq!((refused.code, refused.retry_after_seconds()), (ErrorCode::RateLimited, Some(1)));
        world.service.count_request(&other).expect("another session");
        world.clock.advance(Duration::from_millis(20));
        world.service.forget_quiet_sessions();
        world.service.count_request(&ann).expect("one more in a fiftieth of a second");
        assert_eq!(code(world.service.count_request(&ann)), ErrorCode::RateLimited);
        world.clock.advance(Duration::from_secs(4));
        world.service.forget_quiet_sessions();
        for _ in 0..200 {
            world.service.count_request(&ann).expect("the whole burst after a pause");
        }
    }
}
