//! The store: threads, their queues, and the door to them.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;

use callbox_storage::{CommitListener, ReadJob, Store, StoreError, StoreResult, Trouble, WriteJob};
use rusqlite::{Connection, OptionalExtension, params};

use crate::compact::compact_after_erasure;
use crate::connection::{MEMORY_NAME, open_reader, open_writer};
use crate::error::{OpenError, unavailable};
use crate::health::Health;
use crate::migrate::migrate;
use crate::options::{Location, SqliteOptions};
use crate::queue::Queue;
use crate::reader;
use crate::watch::Watch;
use crate::writer::{Work, Writer};

/// A database in one SQLite file. Dropping it closes it.
pub struct SqliteStore {
    work: Arc<Queue<Work>>,
    /// `None` in memory, where the writer reads too.
    reads: Option<Arc<Queue<Box<dyn ReadJob>>>>,
    health: Arc<Health>,
    readers: Mutex<Vec<JoinHandle<()>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    watch: Mutex<Option<JoinHandle<()>>>,
}

impl SqliteStore {
    /// Opens the database, making it if there is none, and brings it to the newest schema. `listener` is called on the
    /// writer's thread after each commit that holds events, before the callers of that commit have their answers.
    pub fn open(options: SqliteOptions, listener: CommitListener) -> Result<Arc<Self>, OpenError> {
        let path = match &options.location {
            Location::File(path) => path.as_path(),
            Location::Memory => Path::new(MEMORY_NAME),
        };
        let connection = open_writer(&options)?;
        migrate(&connection, path)?;
        compact_after_erasure(&connection);

        let mut store = Self {
            work: Arc::new(Queue::new(options.write_queue_max)),
            reads: None,
            health: Arc::new(Health::new(path.to_owned(), options.patience)),
            readers: Mutex::default(),
            writer: Mutex::default(),
            watch: Mutex::default(),
        };
        if let Location::File(path) = &options.location {
            let queue = Arc::new(Queue::new(options.read_queue_max));
            for number in 1..=options.readers.max(1) {
                let connection = open_reader(path, options.busy_timeout)?;
                let (queue, health) = (Arc::clone(&queue), Arc::clone(&store.health));
                let reader = spawn(format!("store-read-{number}"), path, move || {
                    reader::run_all(connection, queue, health);
                })?;
                locked(&store.readers).push(reader);
            }
            store.reads = Some(queue);
        }
        let writer = Writer {
            connection,
            queue: Arc::clone(&store.work),
            health: Arc::clone(&store.health),
            listener,
        };
        *locked(&store.writer) = Some(spawn("store-write".into(), path, move || writer.run())?);
        let watch = Watch {
            work: Arc::clone(&store.work),
            reads: store.reads.clone(),
            health: Arc::clone(&store.health),
            patience: options.patience,
        };
        *locked(&store.watch) = Some(spawn("store-watch".into(), path, move || watch.run())?);
        Ok(Arc::new(store))
    }

    /// A new database in memory, for tests and trials. Reads take their turn on the writer's thread, so that they see
    /// every write that was answered before.
    pub fn open_in_memory(listener: CommitListener) -> Result<Arc<Self>, OpenError> {
        Self::open(SqliteOptions::memory(), listener)
    }

    /// What was kept under `name`, such as the fingerprint of the master key. Waits for it: for start-up, not for
    /// tasks of a runtime.
    pub fn meta(&self, name: &str) -> StoreResult<Option<String>> {
        let name = name.to_owned();
        self.between_batches(move |connection| {
            let sql = "SELECT value FROM meta WHERE name = ?1";
            connection.query_row(sql, [name], |row| row.get(0)).optional()
        })
    }

    /// Keeps `value` under `name`. Waits until it is on disk: for start-up, not for tasks of a runtime.
    pub fn set_meta(&self, name: &str, value: &str) -> StoreResult<()> {
        let (name, value) = (name.to_owned(), value.to_owned());
        self.between_batches(move |connection| {
            let sql = "INSERT INTO meta (name, value) VALUES (?1, ?2) \
                       ON CONFLICT (name) DO UPDATE SET value = excluded.value";
            connection.execute(sql, params![name, value]).map(drop)
        })
    }

    /// Takes no more work, finishes what is queued, folds the write-ahead log into the database and ends the threads.
    /// Called again, it does nothing.
    pub fn close(&self) {
        if let Some(reads) = &self.reads {
            reads.close();
        }
        for reader in locked(&self.readers).drain(..) {
            join(reader);
        }
        self.work.close();
        for thread in [&self.writer, &self.watch] {
            if let Some(thread) = locked(thread).take() {
                join(thread);
            }
        }
    }

    /// Runs something on the writer's connection between two batches and waits for its result.
    pub(crate) fn between_batches<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> StoreResult<T> {
        let (sender, receiver) = mpsc::sync_channel(1);
        self.work.push(Work::Other(Box::new(move |connection| {
            // The receiver waits below.
            let _ = sender.send(work(connection));
        })))?;
        let result = receiver.recv().map_err(|_| StoreError::Closed)?;
        result.map_err(|error| unavailable(&error))
    }
}

impl Store for SqliteStore {
    fn submit_write(&self, job: Box<dyn WriteJob>) -> StoreResult<()> {
        self.work.push(Work::Write(job))
    }

    fn submit_read(&self, job: Box<dyn ReadJob>) -> StoreResult<()> {
        match &self.reads {
            Some(reads) => reads.push(job),
            None => self.work.push(Work::Read(job)),
        }
    }

    /// Asking while writes fail lets the writer try once more: a server that gets no requests because it is not ready
    /// would otherwise never learn that its disk works again.
    fn health(&self) -> Result<(), Trouble> {
        let state = self.health.state();
        if state.is_err() && !self.health.probing.swap(true, Ordering::AcqRel) {
            // A full queue will try by itself.
            if self.work.push(Work::Probe).is_err() {
                self.health.probing.store(false, Ordering::Release);
            }
        }
        state
    }

    fn damage(&self) -> Option<Trouble> {
        self.health.damage()
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.close();
    }
}

fn spawn(
    name: String,
    path: &Path,
    main: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, OpenError> {
    std::thread::Builder::new().name(name).spawn(main).map_err(|error| OpenError::Failed {
        path: path.to_owned(),
        reason: format!("no thread could be started ({error})"),
    })
}

/// Waits for a thread, unless it is this one: a job may hold the last reference to the store.
fn join(thread: JoinHandle<()>) {
    if thread.thread().id() != std::thread::current().id() && thread.join().is_err() {
        tracing::error!("a thread of the store ended unexpectedly");
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
