//! The trace of `tests/sync-shim`, and what must hold in it.

use std::collections::{BTreeMap, BTreeSet};

/// What a trace shows.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The messages whose acceptance left the server.
    pub accepted: BTreeSet<String>,
    /// How often the write-ahead log was synced.
    pub syncs: usize,
}

/// Nothing leaves the server that names a message before every byte of the message's commit in the write-ahead log is
/// synced. A sync covers what was written before it began; it counts once it is done.
pub fn check(trace: &str) -> Result<Seen, String> {
    let mut state = State::default();
    for (number, line) in trace.lines().enumerate() {
        state.take(line).map_err(|problem| format!("line {}: {problem}", number + 1))?;
    }
    Ok(state.seen)
}

#[derive(Default)]
struct State<'a> {
    seen: Seen,
    /// Writes to the log so far.
    writes: usize,
    /// The writes that are on disk for sure.
    synced: usize,
    /// How many writes came before each sync that has begun.
    syncing: Vec<usize>,
    /// The next page ends a commit.
    ends_commit: bool,
    /// For each message the last write of its commit, once there is one. What a later commit says of it is no news: a page
    /// is written whole.
    messages: BTreeMap<&'a str, Option<usize>>,
}

impl<'a> State<'a> {
    fn take(&mut self, line: &'a str) -> Result<(), String> {
        let mut words = line.split(' ');
        match words.next() {
            Some("write") => {
                let what = words.nth(2).ok_or("a write says what it writes")?;
                self.write(what, words);
            }
            Some("sync") => self.syncing.push(self.writes),
            Some("synced") => {
                let began = self.syncing.iter().enumerate().min_by_key(|(_, writes)| **writes);
                let began = began.map(|(place, _)| place).ok_or("this sync never began")?;
                self.synced = self.synced.max(self.syncing.swap_remove(began));
                self.seen.syncs += 1;
            }
            Some("send") => {
                let is_answer = words.next() == Some("accepted");
                for id in words {
                    self.send(id)?;
                    if is_answer {
                        self.seen.accepted.insert(id.to_owned());
                    }
                }
            }
            _ => return Err(format!("{line:?} is no line of a trace")),
        }
        Ok(())
    }

    fn write(&mut self, what: &str, ids: impl Iterator<Item = &'a str>) {
        self.writes += 1;
        for id in ids {
            self.messages.entry(id).or_default();
        }
        if std::mem::take(&mut self.ends_commit) {
            for end in self.messages.values_mut().filter(|end| end.is_none()) {
                *end = Some(self.writes);
            }
        }
        self.ends_commit = what == "commit";
    }

    fn send(&self, id: &str) -> Result<(), String> {
        match self.messages.get(id) {
            Some(Some(end)) if *end <= self.synced => Ok(()),
            Some(Some(_)) => Err(format!("{id} leaves before its commit is synced")),
            Some(None) => Err(format!("{id} leaves before its commit is written")),
            None => Err(format!("{id} leaves before anything of it is written")),
        }
    }
}

#[test]
fn a_message_that_was_synced_may_leave() {
    let trace = "\
write 0 32 page
write 32 24 frame
write 56 4096 page trace-0000000001
write 4152 24 commit
write 4176 4096 page
sync
synced
send accepted trace-0000000001
send other trace-0000000001
write 8272 24 commit
write 8296 4096 page trace-0000000001 trace-0000000002
send other trace-0000000001
sync
synced
send accepted trace-0000000002";
    let seen = check(trace).expect("all is well");
    let expected = ["trace-0000000001", "trace-0000000002"].map(str::to_owned);
    assert_eq!(seen, Seen { accepted: expected.into(), syncs: 2 });
}

#[test]
fn what_was_not_synced_may_not_leave() {
    let write = "write 32 24 commit\nwrite 56 4096 page trace-0000000001\n";
    let send = "send accepted trace-0000000001";
    let bad = [
        // Never.
        format!("{write}{send}"),
        // Before it was written.
        format!("sync\nsynced\n{write}{send}"),
        // Begun before it was written.
        format!("sync\n{write}synced\n{send}"),
        // Begun, and not done.
        format!("{write}sync\n{send}\nsynced"),
        // Not all of the commit.
        format!("write 32 24 frame\nwrite 56 4096 page trace-0000000001\nsync\nsynced\n{write}{send}"),
        // No commit at all.
        format!("write 32 24 frame\nwrite 56 4096 page trace-0000000001\nsync\nsynced\n{send}"),
        // An event is as bad as an answer.
        format!("{write}send other trace-0000000001"),
        // Nothing of it.
        send.to_owned(),
        // Another one's.
        format!("{write}sync\nsynced\nsend accepted trace-0000000002"),
    ];
    for trace in bad {
        assert!(check(&trace).is_err_and(|problem| problem.contains("leaves before")), "{trace}");
    }
    for nonsense in ["synced", "wrote 1 2 page", "write 1", ""] {
        assert_eq!(check(nonsense).is_err(), !nonsense.is_empty(), "{nonsense}");
    }
}
