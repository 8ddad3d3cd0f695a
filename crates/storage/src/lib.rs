//! The `Store` port: what Callbox asks of a database, in its own words.
//!
//! A **write** is one synchronous closure over [`Tx`]. It runs on the store's writer, possibly in one database
//! transaction with other closures, each inside a savepoint of its own: what it returns as `Err` undoes its own
//! writes and nobody else's. The caller gets its answer only when everything it wrote is synced to disk.
//! Whatever a write decides on is read inside the closure; it must not hash, wait or do I/O of its own.
//!
//! A **read** is a closure over [`Read`] on a pool, beside the writer. What it returns is a hint until a write
//! has looked again. "Not found" is `None`, never an error.
//!
//! Events that a closure appends ([`Tx::append_event`]) reach the store's listener after the commit, in commit order.
//!
//! This crate must never import a database, a runtime or a socket.

mod accounts;
mod job;
mod read;
mod tx;

#[cfg(feature = "testing")]
pub mod testing;

pub use accounts::{ReadAccounts, SessionRenewal, WriteAccounts};
pub use job::{Part, ReadJob, Store, Trouble, Verdict, WriteError, WriteJob};
pub use read::{ConversationsPage, EventsPage, MessagesPage, Read, SessionLookup};
pub use tx::{Created, EventsKept, NewMessage, Tx};

use callbox_domain::LoggedEvent;

/// Called by a store after each commit with the events of that commit, in order, before the callers of that commit
/// have their answers. It must not block for long, and must not wait for the store: it runs on the writer.
pub type CommitListener = Box<dyn Fn(Vec<LoggedEvent>) + Send + Sync>;

/// Why a store could not do its work. None of these is the caller's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// More work is queued than the store takes on; try again after a moment.
    #[error("the store has more work queued than it takes on")]
    Overloaded,
    /// The disk is full, gone, or read-only, or the database answered with an error. Nothing was written.
    #[error("the store cannot write or read: {0}")]
    Unavailable(String),
    /// A stored row does not hold what it must. Names table, column and key.
    #[error("the database holds a bad row: {0}")]
    Corrupt(String),
    /// The closure panicked; what it wrote was undone.
    #[error("the store's work failed unexpectedly; what it wrote was undone")]
    Panicked,
    /// The store is shutting down.
    #[error("the store is closed")]
    Closed,
}

/// Shorthand for what every verb returns.
pub type StoreResult<T> = Result<T, StoreError>;
