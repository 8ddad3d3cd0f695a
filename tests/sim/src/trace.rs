//! What happened, for people, and how often, for the tests.

use std::collections::BTreeMap;

/// What happens in some seed of a good number of them; a simulation in which one of these never happens is broken.
pub const HAPPENINGS: &[&str] = &[
    "a client said no hello in time",
    "a client was told to try again",
    "a cursor was not resumed",
    "a cursor was resumed",
    "a history was fetched",
    "a message that was kept was sent again",
    "a message was accepted",
    "a message was given up with its session",
    "a message was sent",
    "a node crashed between a commit and its answer",
    "a node crashed",
    "a notice was lost",
    "a page came with a cursor of another life",
    "a page lost its memory",
    "a page of the log was fetched",
    "a page was loaded again",
    "a server could not write",
    "a server dropped what it was at",
    "a server waited for a slow network",
    "a session was ended",
    "a silent client was let go",
    "a socket of an ended session was closed",
    "a socket was replaced",
    "a sweep found what the bus had not told",
    "a taken id was refused",
    "an app was told an event",
    "frames of clients were lost",
    "frames of servers were lost",
    "notices of two nodes were on their way at once",
    "the database refused work",
    "the last notice was lost",
    "work was lost with its node",
];

/// The story of a seed.
#[derive(Default)]
pub(crate) struct Trace {
    pub(crate) lines: Option<Vec<String>>,
    pub(crate) tally: Tally,
}

/// How often each of [`HAPPENINGS`] happened.
pub type Tally = BTreeMap<&'static str, u64>;

impl Trace {
    /// Tells something, if anybody wants to know.
    pub(crate) fn tell(&mut self, line: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.lines {
            lines.push(line());
        }
    }

    /// Counts something.
    pub(crate) fn count(&mut self, what: &'static str) {
        self.count_more(what, 1);
    }

    /// Counts something that happened so many times.
    pub(crate) fn count_more(&mut self, what: &'static str, times: usize) {
        debug_assert!(HAPPENINGS.contains(&what), "{what} is not among what happens");
        if times > 0 {
            *self.tally.entry(what).or_default() += times as u64;
        }
    }
}
