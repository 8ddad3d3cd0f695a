//! Removes what is of no more use: one-time tokens and replay rows that have expired, and the old part of the list of
//! ended sessions.

use std::time::Duration;

use crate::Service;
use crate::error::Refusal;

impl Service {
    /// Removes what has expired, a little in each write; call it about once a minute.
    pub async fn forget_expired(&self) {
        let now = self.clock.now();
        let ended_before = now.minus(ENDED_SESSIONS_KEPT);
        loop {
            let round = self
                .store
                .write(move |tx| Ok::<_, Refusal>(tx.forget_expired(now, ended_before, ROWS_PER_WRITE)?));
            match round.await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    tracing::warn!(?error, "what has expired could not be removed");
                    return;
                }
            }
        }
    }
}

/// Every node reads the list within a second; a day is for one that was away.
const ENDED_SESSIONS_KEPT: Duration = Duration::from_hours(24);

const ROWS_PER_WRITE: u32 = 500;
