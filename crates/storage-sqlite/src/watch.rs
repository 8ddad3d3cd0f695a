//! The thread that answers for the others when they hang.
//!
//! A disk that does not answer holds the writer or a reader in the middle of a system call, and with it everybody who has
//! queued behind. What has begun must be waited for: nobody knows how it ends. What has not begun is answered here after
//! a while, so that a caller learns in bounded time that nothing has happened, and the queue does not fill.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use callbox_storage::ReadJob;

use crate::health::Health;
use crate::queue::Queue;
use crate::writer::Work;

pub(crate) struct Watch {
    pub work: Arc<Queue<Work>>,
    pub reads: Option<Arc<Queue<Box<dyn ReadJob>>>>,
    pub health: Arc<Health>,
    /// How long something may wait for its turn.
    pub patience: Duration,
}

impl Watch {
    /// Works until the queue of the writer is closed.
    pub fn run(self) {
        while self.work.pause((self.patience / 4).min(LOOK_INTERVAL_MAX)) {
            self.look();
        }
    }

    fn look(&self) {
        let is_of_a_caller = |work: &Work| matches!(work, Work::Write(_) | Work::Read(_));
        for work in self.work.take_late(self.patience, is_of_a_caller) {
            match work {
                Work::Write(job) => answer(|| job.settle(Err(self.health.why_late()))),
                Work::Read(job) => answer(|| job.run(Err(self.health.why_late()))),
                Work::Other(_) | Work::Probe => {}
            }
        }
        for job in self.reads.iter().flat_map(|reads| reads.take_late(self.patience, |_| true)) {
            answer(|| job.run(Err(self.health.why_late())));
        }
    }
}

fn answer(answer: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(answer)).is_err() {
        tracing::error!("a caller's answer could not be delivered");
    }
}

const LOOK_INTERVAL_MAX: Duration = Duration::from_millis(250);
