//! How the store is: whether it writes, whether it stalls, whether it has met damage.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use callbox_storage::{Part, StoreError, StoreResult, Trouble};

use crate::stopwatch::now;

pub(crate) struct Health {
    /// For the log.
    database: PathBuf,
    /// A batch that takes longer than this is said to stall.
    patience: Duration,
    /// Since when and why commits fail.
    failure: Mutex<Option<(Instant, StoreError)>>,
    /// Since when the writer has been at what it does.
    busy: Mutex<Option<Instant>>,
    /// When a damaged page was met first.
    damage: Mutex<Option<Instant>>,
    /// Whether the log was told that the writer stalls.
    is_stalled: AtomicBool,
    /// Whether a probe is queued.
    pub probing: AtomicBool,
}

impl Health {
    pub fn new(database: PathBuf, patience: Duration) -> Self {
        Self {
            database,
            patience,
            failure: Mutex::default(),
            busy: Mutex::default(),
            damage: Mutex::default(),
            is_stalled: AtomicBool::default(),
            probing: AtomicBool::default(),
        }
    }

    /// What keeps the store from writing.
    pub fn state(&self) -> Result<(), Trouble> {
        if let Some((since, error)) = &*locked(&self.failure) {
            return Err(Trouble { part: Part::Writes, lasts: elapsed(*since), error: error.clone() });
        }
        match self.stalls_for() {
            Some(lasts) => Err(Trouble { part: Part::Writes, lasts, error: stalled() }),
            None => Ok(()),
        }
    }

    /// What the store has met and cannot mend.
    pub fn damage(&self) -> Option<Trouble> {
        let lasts = elapsed((*locked(&self.damage))?);
        Some(Trouble { part: Part::Data, lasts, error: StoreError::Corrupt("a page is damaged".to_owned()) })
    }

    /// Notes how the last commit went.
    pub fn set(&self, state: &StoreResult<()>) {
        let mut failure = locked(&self.failure);
        match (&mut *failure, state) {
            (None, Err(error)) => {
                tracing::error!(%error, database = %self.database.display(), "writes fail");
                *failure = Some((now(), error.clone()));
            }
            (Some((_, known)), Err(error)) => error.clone_into(known),
            (Some(_), Ok(())) => {
                tracing::info!("writes succeed again");
                *failure = None;
            }
            (None, Ok(())) => {}
        }
    }

    /// Notes that the writer begins with something.
    pub fn begin(&self) {
        *locked(&self.busy) = Some(now());
    }

    /// Notes that the writer is done with it.
    pub fn end(&self) {
        *locked(&self.busy) = None;
        if self.is_stalled.swap(false, Ordering::Relaxed) {
            tracing::info!("the disk answers again");
        }
    }

    /// Why something that has waited too long for its turn is not done.
    pub fn why_late(&self) -> StoreError {
        if self.stalls_for().is_none() {
            return StoreError::Overloaded;
        }
        if !self.is_stalled.swap(true, Ordering::Relaxed) {
            tracing::error!(database = %self.database.display(), "the disk does not answer; what waits for it is refused");
        }
        stalled()
    }

    /// Notes that a page of the database is damaged.
    pub fn note_damage(&self) {
        let mut damage = locked(&self.damage);
        if damage.is_none() {
            *damage = Some(now());
            tracing::error!(
                database = %self.database.display(),
                "the database is damaged: what needs the damaged page fails, the rest goes on; restore a backup soon, and check the disk"
            );
        }
    }

    fn stalls_for(&self) -> Option<Duration> {
        let since = (*locked(&self.busy))?;
        Some(elapsed(since)).filter(|lasts| *lasts >= self.patience)
    }
}

fn stalled() -> StoreError {
    StoreError::Unavailable("the disk does not answer in time; nothing of this was begun".to_owned())
}

fn elapsed(since: Instant) -> Duration {
    now().duration_since(since)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
