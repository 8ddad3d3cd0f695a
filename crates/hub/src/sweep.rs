//! Looks into the store for what the bus may have lost: it only makes things faster.

use std::sync::Arc;
use std::time::Duration;

use callbox_link_proto::Input;
use callbox_service::sessions::close_code;
use tokio::time::{Interval, MissedTickBehavior};

use crate::Hub;

impl Hub {
    /// Looks at the list of ended sessions again and again, until the task is aborted.
    ///
    /// `from` is where the list ended before the first socket was opened.
    pub async fn sweep_ended_sessions(self: Arc<Self>, from: u64) {
        let mut timer = every(SESSION_SWEEP_INTERVAL);
        let mut last = from;
        loop {
            timer.tick().await;
            last = self.sweep(last).await;
        }
    }

    /// Compares what its links know of their logs with where these end, again and again, until the task is aborted.
    pub async fn sweep_heads(self: Arc<Self>) {
        let mut timer = every(HEAD_SWEEP_INTERVAL);
        loop {
            timer.tick().await;
            self.compare_heads().await;
        }
    }

    /// Asks once where the logs of all connected users end, and tells their links. Those that have missed an event, even
    /// the last, read it from the log.
    pub async fn compare_heads(&self) {
        for users in self.registry.users().chunks(HEADS_PER_READ) {
            // A store that cannot answer now is asked again after the interval.
            let Ok(heads) = self.service.heads(users.to_vec()).await else { return };
            for ((app, user), head) in users.iter().zip(heads) {
                let Some(head) = head else { continue };
                for connection in self.registry.of_user(*app, user) {
                    self.tell(&connection, Input::Head(head));
                }
            }
        }
    }

    /// Reads the list once, from `last` on; how far it was read.
    pub(crate) async fn sweep(&self, mut last: u64) -> u64 {
        while let Ok(ended) = self.service.heed_ended_sessions(last).await {
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

/// A task that falls behind does not catch up: what it missed is found by the next look.
fn every(interval: Duration) -> Interval {
    let mut timer = tokio::time::interval(interval);
    timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    timer
}

/// A session whose end the bus did not tell keeps its sockets no longer than this.
const SESSION_SWEEP_INTERVAL: Duration = Duration::from_millis(250);

/// An event that the bus did not tell reaches its user's sockets no later than this.
const HEAD_SWEEP_INTERVAL: Duration = Duration::from_secs(2);

/// Users whose heads are asked for at once: a few milliseconds for one of the store's readers.
const HEADS_PER_READ: usize = 1_000;
