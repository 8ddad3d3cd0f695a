//! Long work on a database that somebody watches, and may stop at any moment.

use std::panic::resume_unwind;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use rusqlite::Connection;

/// How far a backup, or the restore of one, has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It is being copied.
    Copying {
        /// Bytes that were written so far.
        done: u64,
        /// About as many as there will be.
        total: u64,
    },
    /// The copy is being checked.
    Checking,
}

/// Whether to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proceed {
    /// Go on.
    Yes,
    /// Stop and leave nothing behind.
    No,
}

/// Hears how far the work has come, several times a second, and says whether it goes on.
pub type Watch<'watcher> = &'watcher mut dyn FnMut(Step) -> Proceed;

/// Does this work on another thread, while whoever watches hears of each step. `None` where they said to stop: what SQLite
/// was at is interrupted then, and what the work came to is worth nothing.
pub(crate) fn watched<T: Send>(
    connection: &mut Connection,
    watch: Watch<'_>,
    step: impl Fn() -> Step,
    work: impl FnOnce(&mut Connection) -> T + Send,
) -> Option<T> {
    let interrupt = connection.get_interrupt_handle();
    let (sender, finished) = sync_channel::<()>(1);
    std::thread::scope(|scope| {
        let worker = scope.spawn(move || {
            // Dropped at the end of the work, also where that is a panic: it is what the other side waits for.
            let _sender = sender;
            work(connection)
        });
        let mut proceed = Proceed::Yes;
        loop {
            if proceed == Proceed::Yes {
                proceed = watch(step());
            }
            if proceed == Proceed::No {
                // Each time: between two statements there is nothing to interrupt.
                interrupt.interrupt();
            }
            if finished.recv_timeout(LOOK_INTERVAL) == Err(RecvTimeoutError::Disconnected) {
                break;
            }
        }
        let outcome = worker.join().unwrap_or_else(|panic| resume_unwind(panic));
        (proceed == Proceed::Yes).then_some(outcome)
    })
}

/// How often the watcher hears.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_never_end_is_interrupted_where_the_watcher_says_so() {
        let mut connection = Connection::open_in_memory().expect("a database");
        let endless = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers) \
                       SELECT count(*) FROM numbers";
        let mut asked = 0;
        let mut watch = |_| {
            asked += 1;
            if asked > 1 { Proceed::No } else { Proceed::Yes }
        };
        let counted = watched(
            &mut connection,
            &mut watch,
            || Step::Checking,
            |connection| connection.query_row(endless, [], |row| row.get::<_, i64>(0)),
        );
        assert_eq!(counted, None);
    }

    #[test]
    fn what_is_not_stopped_gives_what_it_came_to() {
        let mut connection = Connection::open_in_memory().expect("a database");
        let one = watched(
            &mut connection,
            &mut |_| Proceed::Yes,
            || Step::Checking,
            |connection| connection.query_row("SELECT 1", [], |row| row.get::<_, i64>(0)),
        );
        assert_eq!(one, Some(Ok(1)));
    }
}
