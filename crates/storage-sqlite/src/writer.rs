//! The one thread that writes, batch by batch.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use callbox_domain::LoggedEvent;
use callbox_storage::{CommitListener, ReadJob, StoreError, StoreResult, WriteJob};
use rusqlite::Connection;

use crate::heads::Heads;
use crate::health::Health;
use crate::queue::{Queue, Queued};
use crate::reader;
use crate::statements::Statements;
use crate::stopwatch::now;
use crate::transaction::Transaction;

/// What the writer is asked to do.
pub(crate) enum Work {
    /// A closure; it shares its batch with its neighbours.
    Write(Box<dyn WriteJob>),
    /// A read, where there are no readers.
    Read(Box<dyn ReadJob>),
    /// Something else, between two batches.
    Other(Box<dyn FnOnce(&Connection) + Send>),
    /// A try whether the disk works again.
    Probe,
}

pub(crate) struct Writer {
    pub connection: Connection,
    pub queue: Arc<Queue<Work>>,
    pub health: Arc<Health>,
    pub listener: CommitListener,
}

impl Writer {
    /// Works until the queue is closed and empty.
    pub fn run(self) {
        let mut desk = Desk {
            statements: Statements::new(&self.connection),
            heads: RefCell::default(),
            queue: &self.queue,
            backlog: VecDeque::new(),
            health: &self.health,
            listener: &self.listener,
        };
        while let Some(work) = self.queue.wait() {
            self.health.begin();
            match work {
                Work::Write(job) => desk.batch(job),
                Work::Read(job) => reader::run(&desk.statements, &self.health, job),
                Work::Other(other) => {
                    other(&self.connection);
                    desk.heads.borrow_mut().forget();
                }
                Work::Probe => desk.probe(),
            }
            self.health.end();
        }
        drop(desk);
        self.finish();
    }

    /// Leaves one file behind, without a log beside it.
    fn finish(self) {
        let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
        // Somebody who reads for long, as a backup does, keeps the log where it is: that is no reason to wait.
        let hurried = self.connection.busy_timeout(LAST_BUSY_TIMEOUT);
        let checkpoint = hurried.and_then(|()| self.connection.query_row(sql, [], |_| Ok(())));
        let closed = self.connection.close().map_err(|(_, error)| error);
        if let Err(error) = checkpoint.and(closed) {
            tracing::warn!(%error, "the write-ahead log stays beside the database");
        }
    }
}

/// What the writer has at hand.
struct Desk<'writer> {
    statements: Statements<'writer>,
    heads: RefCell<Heads>,
    queue: &'writer Queue<Work>,
    /// Taken from the queue for the batch that runs, not begun.
    backlog: VecDeque<Queued<Work>>,
    health: &'writer Health,
    listener: &'writer CommitListener,
}

impl Desk<'_> {
    /// Runs `first` and what is queued behind it in one transaction; then tells the listener, then the callers. The
    /// listener comes first, so that an event is on its way before any caller can act on what it wrote.
    fn batch(&mut self, first: Box<dyn WriteJob>) {
        let mut ran = Vec::new();
        let events = self.write(first, &mut ran);
        let state = events.as_ref().map(drop).map_err(StoreError::clone);
        match &state {
            Err(StoreError::Corrupt(_)) => self.meet_damage(),
            _ => self.health.set(&state),
        }
        if let Ok(events) = events
            && !events.is_empty()
        {
            self.announce(events);
        }
        for (job, outcome) in ran {
            let answer = state.clone().and(outcome);
            if catch_unwind(AssertUnwindSafe(|| job.settle(answer))).is_err() {
                tracing::error!("a caller's answer could not be delivered");
            }
        }
    }

    /// Somebody needed a damaged page. Whether anything else can be written, a probe finds out.
    fn meet_damage(&self) {
        self.health.note_damage();
        if !self.health.probing.swap(true, Ordering::AcqRel) && self.queue.push(Work::Probe).is_err() {
            self.health.probing.store(false, Ordering::Release);
        }
    }

    /// Runs and commits a batch; `ran` receives its jobs.
    fn write(&mut self, first: Box<dyn WriteJob>, ran: &mut Ran) -> StoreResult<Vec<LoggedEvent>> {
        let Self { statements, heads, queue, backlog, .. } = self;
        let started = now();
        let mut transaction = match Transaction::begin(statements, heads) {
            Ok(transaction) => transaction,
            Err(error) => {
                // Trying again for each of them could mean waiting again for each of them.
                ran.push((first, Ok(())));
                while let Some(job) = next(queue, backlog, ran.len()) {
                    ran.push((job, Ok(())));
                }
                queue.give_back(backlog);
                return Err(error);
            }
        };
        let mut following = Some(first);
        while let Some(mut job) = following {
            let outcome = transaction.run(&mut *job);
            ran.push((job, outcome));
            let over = now().duration_since(started) >= BATCH_TIME_MAX;
            // Whoever meets damage takes the batch along, so that from then on each write has one for itself.
            let ended = over || transaction.lost().is_some() || statements.has_met_damage();
            following = if ended { None } else { next(queue, backlog, ran.len()) };
        }
        // The sync may take long, and what waits for the next batch has not begun.
        queue.give_back(backlog);
        transaction.commit()
    }

    fn announce(&self, events: Vec<LoggedEvent>) {
        if catch_unwind(AssertUnwindSafe(|| (self.listener)(events))).is_err() {
            tracing::error!("the listener of commits failed; connected users learn from the log");
        }
    }

    /// Writes a row for the sake of writing.
    fn probe(&self) {
        self.health.probing.store(false, Ordering::Release);
        let written = Transaction::begin(&self.statements, &self.heads).and_then(|transaction| {
            transaction.execute(
                "INSERT INTO meta (name, value) VALUES ('probe', 'a') \
                 ON CONFLICT (name) DO UPDATE SET value = iif(value = 'a', 'b', 'a')",
                [],
            )?;
            transaction.commit().map(drop)
        });
        self.health.set(&written);
    }
}

/// The jobs of a batch, each with what it is told if the batch is committed.
type Ran = Vec<(Box<dyn WriteJob>, StoreResult<()>)>;

/// The next job of a batch that holds `taken` already.
fn next(
    queue: &Queue<Work>,
    backlog: &mut VecDeque<Queued<Work>>,
    taken: usize,
) -> Option<Box<dyn WriteJob>> {
    if taken >= BATCH_CLOSURES_MAX {
        return None;
    }
    if backlog.is_empty() {
        queue.drain_into(backlog, PORTION_MAX.min(BATCH_CLOSURES_MAX - taken));
    }
    let queued = backlog.pop_front_if(|queued| matches!(queued.item, Work::Write(_)))?;
    match queued.item {
        Work::Write(job) => Some(job),
        Work::Read(_) | Work::Other(_) | Work::Probe => None,
    }
}

/// How long the last of all work waits for others.
const LAST_BUSY_TIMEOUT: Duration = Duration::from_millis(500);
/// A batch ends after so many closures.
const BATCH_CLOSURES_MAX: usize = 2_000;
/// So many are taken from the queue at a time: they wait for a closure that meets a disk that hangs, those in the queue are
/// answered.
const PORTION_MAX: usize = 16;
/// A batch ends when it has been running for so long.
const BATCH_TIME_MAX: Duration = Duration::from_millis(8);
