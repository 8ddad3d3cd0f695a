//! Lets go of the beginnings of logs.

use std::num::NonZeroU32;
use std::time::Duration;

use callbox_storage::EventsKept;

use crate::Service;
use crate::error::Refusal;

/// How long events stay in a log, and how many: what a client that was away can catch up with event by event. One that
/// was away for longer fetches what it shows anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetentionSettings {
    /// Older ones go.
    pub age_max: Duration,
    /// Of each user, the newest stay.
    pub per_user_max: NonZeroU32,
}

impl Default for RetentionSettings {
    fn default() -> Self {
        let per_user_max = NonZeroU32::new(10_000).expect("not zero");
        Self { age_max: Duration::from_hours(30 * 24), per_user_max }
    }
}

impl Service {
    /// Removes the events that are not kept any longer, a little in each write; call it about once an hour.
    pub async fn prune_events(&self) {
        let kept = EventsKept {
            newer_than: self.clock.now().minus(self.retention.age_max),
            per_user_max: u64::from(self.retention.per_user_max.get()),
        };
        let mut next = Some(0);
        while let Some(from) = next {
            let part =
                self.store.write(move |tx| Ok::<_, Refusal>(tx.prune_events(from, kept, ROWS_PER_WRITE)?));
            next = match part.await {
                Ok(next) => next,
                Err(error) => {
                    tracing::warn!(?error, "old events could not be removed; trying again later");
                    None
                }
            };
        }
    }
}

const ROWS_PER_WRITE: u32 = 500;
