//! What can be chosen when a store is opened.

use std::path::PathBuf;
use std::time::Duration;

/// Where the database is and how much may be queued for it.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    /// Where the data lives.
    pub location: Location,
    /// Threads that read beside the writer, each with a connection of its own. In memory there are none: reads then
    /// take their turn between two batches of writes.
    pub readers: usize,
    /// How long a statement waits for another process (a backup tool, a shell) to let go of the database.
    pub busy_timeout: Duration,
    /// How long a read or write may wait for its turn, while the disk does not answer or too many are before it; then it is
    /// answered without having begun.
    pub patience: Duration,
    /// Writes that may wait; more are answered with `Overloaded`.
    pub write_queue_max: usize,
    /// Reads that may wait; more are answered with `Overloaded`.
    pub read_queue_max: usize,
}

/// Where the data lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// In this file; `-wal` and `-shm` files stand beside it. Its folder must exist.
    File(PathBuf),
    /// In this process only, gone with the store. For tests and trials.
    Memory,
}

impl SqliteOptions {
    /// A store in the file `path`.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self {
            location: Location::File(path.into()),
            readers: READERS_DEFAULT,
            busy_timeout: BUSY_TIMEOUT_DEFAULT,
            patience: PATIENCE_DEFAULT,
            write_queue_max: WRITE_QUEUE_MAX,
            read_queue_max: READ_QUEUE_MAX,
        }
    }

    /// A store in memory.
    pub fn memory() -> Self {
        Self { location: Location::Memory, ..Self::file("") }
    }
}

/// Readers, if nothing else is said.
pub const READERS_DEFAULT: usize = 2;
/// Writes that may wait, if nothing else is said: what a batch or five of the largest size take.
pub const WRITE_QUEUE_MAX: usize = 10_000;
/// Reads that may wait, if nothing else is said.
pub const READ_QUEUE_MAX: usize = 10_000;
/// How long to wait for another process, if nothing else is said.
pub const BUSY_TIMEOUT_DEFAULT: Duration = Duration::from_secs(5);
/// How long to wait for one's turn, if nothing else is said.
pub const PATIENCE_DEFAULT: Duration = Duration::from_secs(5);
