//! The `Store` port on SQLite: one file, one writer, a few readers.
//!
//! The **writer** is one thread. It runs whatever is queued in one transaction, each closure so that it can be undone
//! alone, commits (WAL, `synchronous=FULL`: what is committed is on disk), tells the listener, then answers. This group
//! commit is why many callers at once cost few syncs. The **readers** are threads with read-only connections, each
//! read in one snapshot. In memory the writer reads too.
//!
//! Start with [`SqliteStore::open`]; `writer.rs` is the heart, `transaction.rs` keeps closures apart, `append.rs` is the
//! path of every message, `heads.rs` what the writer remembers for it. `read.rs`, `pages.rs`, `conversations.rs`, `write.rs`,
//! `accounts.rs`, `erase.rs` and `prune.rs` hold the other SQL, `entities.rs` checks every row that is read. `backup.rs`
//! copies a database in use, `restore.rs` puts such a copy into a server's place, `inspect.rs`
//! looks without leaving a trace.
//!
//! This crate must never import a runtime, a socket, or another crate of the house than `domain` and `storage`.

mod accounts;
mod append;
mod backup;
mod compact;
mod connection;
mod conversations;
mod entities;
mod erase;
mod error;
mod files;
mod heads;
mod health;
mod inspect;
mod migrate;
mod numbers;
mod options;
mod pages;
mod people;
#[cfg(debug_assertions)]
mod plans;
mod progress;
mod prune;
mod queue;
mod read;
mod reader;
mod restore;
mod statements;
mod stopwatch;
mod store;
mod stored_row;
mod transaction;
mod watch;
mod write;
mod writer;

#[cfg(test)]
mod tests;

pub use backup::{BackupError, back_up};
pub use error::OpenError;
pub use files::own_as_folder;
pub use inspect::{Inspected, inspect};
pub use options::{
    BUSY_TIMEOUT_DEFAULT, Location, PATIENCE_DEFAULT, READ_QUEUE_MAX, READERS_DEFAULT, SqliteOptions,
    WRITE_QUEUE_MAX,
};
pub use progress::{Proceed, Step, Watch};
pub use restore::{PutAside, Renewed, RestoreError, Restored, Sessions, Staged, is_taken};
pub use store::SqliteStore;
