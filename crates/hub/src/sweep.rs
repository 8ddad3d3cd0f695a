//! Lets go of ended sessions by the store's own list: the bus only makes that faster.

use std::sync::Arc;
use std::time::Duration;

use callbox_service::sessions::close_code;
use tokio::time::MissedTickBehavior;

use crate::Hub;

impl Hub {
    /// Looks at the list of ended sessions again and again, until the task is aborted.
    ///
    /// `from` is where the list ended before the first socket was opened.
    pub async fn sweep_ended_sessions(self: Arc<Self>, from: u64) {
        let mut timer = tokio::time::interval(SWEEP_INTERVAL);
        timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last = from;
        loop {
            timer.tick().await;
            last = self.sweep(last).await;
        }
    }

    /// Reads the list once, from `last` on; how far it was read.
    pub(crate) async fn sweep(&self, mut last: u64) -> u64 {
        while let Ok(ended) = self.service.ended_sessions_after(last).await {
            let Some(newest) = ended.last().map(|session| session.number) else { break };
            for session in &ended {
                let code = close_code(session.reason);
                if session.user_id.is_tombstone() {
                    // The list no longer says whose it was.
                    self.let_go_of_session(session.app_id, &session.session_id, code);
                } else {
                    self.let_go(session.app_id, &session.user_id, &session.session_id, code);
                }
            }
            last = newest;
        }
        last
    }
}

/// A session whose end the bus did not tell keeps its sockets no longer than this.
const SWEEP_INTERVAL: Duration = Duration::from_millis(250);
