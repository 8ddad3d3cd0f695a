//! The threads that read beside the writer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use callbox_storage::{Read, ReadJob};
use rusqlite::Connection;

use crate::queue::Queue;
use crate::statements::Statements;
use crate::transaction::Transaction;

/// Works until the queue is closed and empty.
pub(crate) fn run_all(connection: Connection, queue: Arc<Queue<Box<dyn ReadJob>>>) {
    let statements = Statements::new(&connection);
    while let Some(job) = queue.wait() {
        run(&statements, job);
    }
}

/// Runs one read; all of it sees the same moment.
pub(crate) fn run(statements: &Statements<'_>, job: Box<dyn ReadJob>) {
    let transaction = Transaction::snapshot(statements);
    let read = match &transaction {
        Ok(transaction) => Ok(transaction as &dyn Read),
        Err(error) => Err(error.clone()),
    };
    if catch_unwind(AssertUnwindSafe(|| job.run(read))).is_err() {
        tracing::error!("a read failed unexpectedly");
    }
}
