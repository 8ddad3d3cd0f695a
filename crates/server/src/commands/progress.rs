//! Long work that is watched: on a terminal one line that changes, in a pipe a line for each tenth.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use callbox_storage_sqlite::{Proceed, Step};

use super::stop_signal;
use crate::data_folder::StartError;

/// Runs work that waits for disks, on a thread of its own. At Ctrl-C it is told to stop, and is waited for.
pub(super) async fn watched<T: Send + 'static>(
    verb: &'static str,
    work: impl FnOnce(&mut dyn FnMut(Step) -> Proceed) -> Result<T, StartError> + Send + 'static,
) -> Result<T, StartError> {
    let stopped = Arc::new(AtomicBool::new(false));
    let is_stopped = Arc::clone(&stopped);
    let stop = stop_signal()?;
    let mut working = tokio::task::spawn_blocking(move || {
        let output = io::stderr();
        let mut progress = Progress::new(verb, output.is_terminal(), output);
        let worked = work(&mut |step| {
            progress.show(step);
            if is_stopped.load(Ordering::Relaxed) { Proceed::No } else { Proceed::Yes }
        });
        progress.end();
        worked
    });
    let worked = tokio::select! {
        worked = &mut working => worked,
        () = stop => {
            stopped.store(true, Ordering::Relaxed);
            working.await
        }
    };
    worked.map_err(|error| StartError::Other(error.to_string()))?
}

/// What was shown last.
struct Progress<W> {
    verb: &'static str,
    is_terminal: bool,
    output: W,
    shown: Option<Shown>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Percent(u64),
    Checking,
}

impl<W: Write> Progress<W> {
    fn new(verb: &'static str, is_terminal: bool, output: W) -> Self {
        Self { verb, is_terminal, output, shown: None }
    }

    fn show(&mut self, step: Step) {
        let (shown, text) = match step {
            Step::Copying { done, total } => {
                let percent = done.saturating_mul(100) / total.max(1);
                let rounded = if self.is_terminal { percent } else { percent - percent % 10 };
                let text = format!("{} {percent} % ({} of {})", self.verb, size(done), size(total));
                (Shown::Percent(rounded), text)
            }
            Step::Checking => (Shown::Checking, "checking the copy".to_owned()),
        };
        if self.shown != Some(shown) {
            self.shown = Some(shown);
            // Whoever closes the pipe has seen enough, and the work goes on.
            let _ = if self.is_terminal {
                write!(self.output, "{CLEAR_LINE}{text}").and_then(|()| self.output.flush())
            } else {
                writeln!(self.output, "{text}")
            };
        }
    }

    /// Leaves the line to whatever comes next.
    fn end(&mut self) {
        if self.is_terminal && self.shown.is_some() {
            let _ = write!(self.output, "{CLEAR_LINE}").and_then(|()| self.output.flush());
        }
    }
}

/// A number of bytes for people.
pub(super) fn size(bytes: u64) -> String {
    let (unit, name) = match bytes {
        0..10_000_000 => (1_000, "kB"),
        10_000_000..10_000_000_000 => (1_000_000, "MB"),
        _ => (1_000_000_000, "GB"),
    };
    format!("{} {name}", bytes.div_ceil(unit))
}

/// Back to the first column, and erase to the end (ECMA-48, `EL`).
const CLEAR_LINE: &str = "\r\x1b[K";

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(is_terminal: bool) -> String {
        let mut progress = Progress::new("copying", is_terminal, Vec::new());
        for done in [0, 3, 7, 14, 15, 100] {
            progress.show(Step::Copying { done: done * 1_000_000, total: 100_000_000 });
        }
        progress.show(Step::Checking);
        progress.show(Step::Checking);
        progress.end();
        String::from_utf8(progress.output).expect("text")
    }

    #[test]
    fn a_pipe_gets_a_line_for_each_tenth() {
        let lines = "copying 0 % (0 kB of 100 MB)\ncopying 14 % (14 MB of 100 MB)\n\
                     copying 100 % (100 MB of 100 MB)\nchecking the copy\n";
        assert_eq!(shown(false), lines);
    }

    #[test]
    fn a_terminal_gets_one_line_that_is_gone_in_the_end() {
        let text = shown(true);
        assert!(!text.contains('\n') && text.ends_with(CLEAR_LINE));
        assert_eq!(text.matches("copying").count(), 6);
        assert_eq!(text.matches("checking").count(), 1);
    }
}
