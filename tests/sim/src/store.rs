//! One database for all nodes, and each node's door to it, behind which the node's work waits for the scheduler.

use std::collections::VecDeque;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use callbox_bus::{Bus, Notice};
use callbox_domain::LoggedEvent;
use callbox_storage::{Read, ReadJob, Store, StoreError, StoreResult, Trouble, Tx, Verdict, WriteJob};
use callbox_storage_sqlite::SqliteStore;

/// The database, and what its commits logged.
pub(crate) struct Database {
    pub(crate) store: Arc<SqliteStore>,
    commits: Arc<Mutex<Vec<Vec<LoggedEvent>>>>,
    journal: Mutex<Vec<LoggedEvent>>,
}

impl Database {
    /// A new one in memory.
    pub(crate) fn open() -> Self {
        let commits: Arc<Mutex<Vec<Vec<LoggedEvent>>>> = Arc::default();
        let listener = Arc::clone(&commits);
        let store = SqliteStore::open_in_memory(Box::new(move |events| lock(&listener).push(events)));
        Self { store: store.expect("a store in memory"), commits, journal: Mutex::default() }
    }

    /// What was logged since this was asked the last time.
    pub(crate) fn take_journal(&self) -> Vec<LoggedEvent> {
        std::mem::take(&mut *lock(&self.journal))
    }

    /// Reads now, beside all doors.
    pub(crate) fn read<T: Send + 'static>(
        &self,
        closure: impl FnOnce(&dyn Read) -> StoreResult<T> + Send + 'static,
    ) -> T {
        let store: &dyn Store = self.store.as_ref();
        futures_executor::block_on(store.read(closure)).expect("a store in memory reads")
    }
}

/// A node's door to the database.
pub(crate) struct Door {
    database: Arc<Database>,
    bus: Arc<dyn Bus>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Work is done at once: for what is no part of the simulation.
    is_open: bool,
    waiting: VecDeque<Job>,
}

enum Job {
    Write(Box<dyn WriteJob>),
    Read(Box<dyn ReadJob>),
}

impl Door {
    pub(crate) fn new(database: Arc<Database>, bus: Arc<dyn Bus>) -> Self {
        Self { database, bus, state: Mutex::default() }
    }

    /// From now on work is done at once, or waits.
    pub(crate) fn set_open(&self, is_open: bool) {
        lock(&self.state).is_open = is_open;
    }

    /// The places in the row of what may be done next, and whether it is a read: writes keep their order, reads wait for
    /// nobody.
    pub(crate) fn possible(&self) -> Vec<(usize, bool)> {
        let state = lock(&self.state);
        let mut possible = Vec::new();
        let mut has_write = false;
        for (place, job) in state.waiting.iter().enumerate() {
            match job {
                Job::Read(_) => possible.push((place, true)),
                Job::Write(_) if !has_write => {
                    has_write = true;
                    possible.push((place, false));
                }
                Job::Write(_) => {}
            }
        }
        possible
    }

    /// How much work waits.
    pub(crate) fn count(&self) -> usize {
        lock(&self.state).waiting.len()
    }

    /// Does the work at this place, and waits until it is done.
    pub(crate) fn run(&self, place: usize) {
        let job = lock(&self.state).waiting.remove(place);
        if let Some(job) = job {
            self.finish(job).expect("a store in memory takes work");
        }
    }

    /// Refuses the work at this place, as a database does that is overloaded.
    pub(crate) fn refuse(&self, place: usize) {
        let job = lock(&self.state).waiting.remove(place);
        match job {
            Some(Job::Write(job)) => job.settle(Err(StoreError::Overloaded)),
            Some(Job::Read(job)) => job.run(Err(StoreError::Overloaded)),
            None => {}
        }
    }

    fn submit(&self, job: Job) -> StoreResult<()> {
        let mut state = lock(&self.state);
        if state.is_open {
            drop(state);
            return self.finish(job);
        }
        state.waiting.push_back(job);
        Ok(())
    }

    fn finish(&self, job: Job) -> StoreResult<()> {
        let (done, wait) = sync_channel(1);
        match job {
            Job::Write(job) => self.database.store.submit_write(Box::new(Watched { done, job }))?,
            Job::Read(job) => self.database.store.submit_read(Box::new(Watched { done, job }))?,
        }
        // It fails when the work has panicked, which is as well an end.
        let _ = wait.recv();
        let commits = std::mem::take(&mut *lock(&self.database.commits));
        for events in commits {
            lock(&self.database.journal).extend(events.iter().cloned());
            self.bus.publish(Notice::Logged(events));
        }
        Ok(())
    }
}

impl Store for Door {
    fn submit_write(&self, job: Box<dyn WriteJob>) -> StoreResult<()> {
        self.submit(Job::Write(job))
    }

    fn submit_read(&self, job: Box<dyn ReadJob>) -> StoreResult<()> {
        self.submit(Job::Read(job))
    }

    fn health(&self) -> Result<(), Trouble> {
        Ok(())
    }
}

/// Work that says when it is done.
struct Watched<Job: ?Sized> {
    done: SyncSender<()>,
    job: Box<Job>,
}

impl WriteJob for Watched<dyn WriteJob> {
    fn run(&mut self, tx: &mut dyn Tx) -> Verdict {
        self.job.run(tx)
    }

    fn settle(self: Box<Self>, committed: StoreResult<()>) {
        self.job.settle(committed);
        let _ = self.done.send(());
    }
}

impl ReadJob for Watched<dyn ReadJob> {
    fn run(self: Box<Self>, read: StoreResult<&dyn Read>) {
        self.job.run(read);
        let _ = self.done.send(());
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
