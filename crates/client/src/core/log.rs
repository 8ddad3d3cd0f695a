//! How far the user's event log was handled.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A place in the user's event log. Its text is what a server gave out; keep it to go on from here in another process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// Everything up to the last dot, with it: a name of the log's life.
    epoch: Arc<str>,
    seq: u64,
}

impl Cursor {
    /// Reads a cursor; `None` where it is nothing that this version understands.
    pub fn parse(text: &str) -> Option<Self> {
        let start = text.rfind('.')? + 1;
        let (epoch, digits) = text.split_at(start);
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        Some(Self { epoch: epoch.into(), seq: digits.parse().ok().filter(|_| plain)? })
    }

    /// The number of the last event before this place.
    pub fn seq(&self) -> u64 {
        self.seq
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{}", self.epoch, self.seq)
    }
}

/// What to do with a logged frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Tell the app.
    Next,
    /// The app has it.
    Seen,
    /// Some before it are missing: connect again.
    Gap,
}

/// Drops repeats, notices gaps, acknowledges.
#[derive(Debug, Default)]
pub(super) struct EventLog {
    /// None before the first welcome.
    epoch: Option<Arc<str>>,
    /// The last event that the app was told.
    handled: u64,
    /// The last event that the socket of now has carried: a server takes no acknowledgement of what it has not sent.
    heard: u64,
    /// The last event that was acknowledged.
    acknowledged: u64,
    acknowledged_at: Option<Duration>,
    acknowledge_at: Option<Duration>,
}

impl EventLog {
    /// Goes on from a kept cursor, or from nothing.
    pub(super) fn new(cursor: Option<&str>) -> Self {
        let mut log = Self::default();
        if let Some(cursor) = cursor {
            log.move_to(cursor);
        }
        log
    }

    /// What the next hello says. Events that the app has but that were not acknowledged are asked for once more, so that
    /// the server learns that they arrived.
    pub(super) fn hello_cursor(&self) -> Option<String> {
        self.at(self.acknowledged).map(|cursor| cursor.to_string())
    }

    /// The place behind the last event that the app was told.
    pub(super) fn cursor(&self) -> Option<Cursor> {
        self.at(self.handled)
    }

    /// The server says where it goes on: whether events were missed.
    pub(super) fn handle_welcome(&mut self, cursor: &str, resumed: bool) -> bool {
        self.heard = self.acknowledged;
        let had_place = self.epoch.is_some();
        if !(resumed && had_place) {
            self.move_to(cursor);
        }
        had_place && !resumed
    }

    /// The socket is gone, and with it what was to be acknowledged there.
    pub(super) fn handle_lost(&mut self) {
        self.acknowledge_at = None;
    }

    /// Looks at a logged frame.
    pub(super) fn take(&mut self, now: Duration, seq: u64) -> Verdict {
        if self.epoch.is_some() {
            if seq > self.handled + 1 {
                return Verdict::Gap;
            }
            if seq <= self.handled {
                self.hear(now, seq);
                return Verdict::Seen;
            }
        }
        self.handled = seq;
        self.hear(now, seq);
        Verdict::Next
    }

    /// When to acknowledge.
    pub(super) fn deadline(&self) -> Option<Duration> {
        self.acknowledge_at
    }

    /// What to acknowledge now.
    pub(super) fn acknowledge(&mut self, now: Duration) -> Option<u64> {
        if self.acknowledge_at? > now {
            return None;
        }
        self.acknowledge_at = None;
        self.acknowledged = self.heard;
        self.acknowledged_at = Some(now);
        Some(self.acknowledged)
    }

    /// What to acknowledge at once, before the socket is closed.
    pub(super) fn flush(&mut self) -> Option<u64> {
        let due = self.acknowledge_at?;
        self.acknowledge(due)
    }

    fn hear(&mut self, now: Duration, seq: u64) {
        self.heard = self.heard.max(seq);
        if self.heard > self.acknowledged && self.acknowledge_at.is_none() {
            // Even the first of a burst waits for the next tick, so that one acknowledgement covers what came with it.
            let earliest = self.acknowledged_at.map_or(now, |before| before + ACKNOWLEDGE_INTERVAL);
            self.acknowledge_at = Some(earliest.max(now));
        }
    }

    fn move_to(&mut self, text: &str) {
        // What this version does not understand is no place to go on from: it starts at the newest event next time.
        let cursor = Cursor::parse(text);
        let seq = cursor.as_ref().map_or(0, Cursor::seq);
        self.epoch = cursor.map(|cursor| cursor.epoch);
        (self.handled, self.heard, self.acknowledged) = (seq, seq, seq);
    }

    fn at(&self, seq: u64) -> Option<Cursor> {
        Some(Cursor { epoch: Arc::clone(self.epoch.as_ref()?), seq })
    }
}

const ACKNOWLEDGE_INTERVAL: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn cursors_end_in_a_dot_and_a_number() {
        let cursor = Cursor::parse("k3w9.d2.812").expect("valid");
        assert_eq!((cursor.seq(), cursor.to_string().as_str()), (812, "k3w9.d2.812"));
        for bad in ["", "812", "k3w9d2.", "k3w9d2.+1", "k3w9d2.1x", "e.99999999999999999999"] {
            assert_eq!(Cursor::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn each_event_is_told_once_and_none_is_skipped() {
        use Verdict::{Gap, Next, Seen};
        let mut log = EventLog::new(None);
        assert!(!log.handle_welcome("e.7", false));
        let verdicts = [7, 8, 8, 10, 9, 10].map(|seq| log.take(at(0), seq));
        assert_eq!(verdicts, [Seen, Next, Seen, Gap, Next, Next]);
        assert_eq!(log.cursor().expect("a place").to_string(), "e.10");
    }

    #[test]
    fn acknowledgements_are_a_quarter_of_a_second_apart() {
        let mut log = EventLog::new(Some("e.0"));
        log.handle_welcome("e.0", true);
        log.take(at(100), 1);
        log.take(at(100), 2);
        assert_eq!((log.deadline(), log.acknowledge(at(100))), (Some(at(100)), Some(2)));
        log.take(at(110), 3);
        assert_eq!((log.deadline(), log.acknowledge(at(349))), (Some(at(350)), None));
        assert_eq!((log.acknowledge(at(350)), log.deadline()), (Some(3), None));
    }

    #[test]
    fn only_what_the_socket_of_now_carried_is_acknowledged() {
        let mut log = EventLog::new(Some("e.0"));
        log.handle_welcome("e.0", true);
        for seq in 1..=3 {
            log.take(at(0), seq);
        }
        log.handle_lost();
        assert_eq!(log.acknowledge(at(1_000)), None);
        assert_eq!(log.hello_cursor().as_deref(), Some("e.0"));
        log.handle_welcome("e.0", true);
        assert_eq!(log.take(at(2_000), 1), Verdict::Seen);
        assert_eq!(log.acknowledge(at(2_000)), Some(1));
        assert_eq!(log.cursor().expect("a place").seq(), 3);
    }

    #[test]
    fn a_log_that_goes_on_elsewhere_is_noticed() {
        let mut log = EventLog::new(Some("old.5"));
        assert!(log.handle_welcome("new.2", false));
        assert_eq!(log.hello_cursor().as_deref(), Some("new.2"));
        assert_eq!(log.take(at(0), 3), Verdict::Next);
        let mut strange = EventLog::new(Some("strange"));
        assert!(!strange.handle_welcome("e.4", false), "it had no place");
    }
}
