//! The threads that read beside the writer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use callbox_storage::{Read, ReadJob};
use rusqlite::Connection;

use crate::health::Health;
use crate::queue::Queue;
use crate::statements::Statements;
use crate::transaction::Transaction;

/// Works until the queue is closed and empty.
pub(crate) fn run_all(connection: Connection, queue: Arc<Queue<Box<dyn ReadJob>>>, health: Arc<Health>) {
    let statements = Statements::new(&connection);
    while let Some(job) = queue.wait() {
        run(&statements, &health, job);
    }
}

/// Runs one read; all of it sees the same moment.
pub(crate) fn run(statements: &Statements<'_>, health: &Health, job: Box<dyn ReadJob>) {
    let transaction = Transaction::snapshot(statements);
    let read = match &transaction {
        Ok(transaction) => Ok(transaction as &dyn Read),
        Err(error) => Err(error.clone()),
    };
    if catch_unwind(AssertUnwindSafe(|| job.run(read))).is_err() {
        tracing::error!("a read failed unexpectedly");
    }
    drop(transaction);
    if statements.has_met_damage() {
        health.note_damage();
    }
}
