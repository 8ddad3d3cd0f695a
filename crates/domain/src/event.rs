//! The per-user event log: what a user must learn, numbered, replayed after any outage.

use std::fmt;
use std::sync::Arc;

use crate::{AppId, CallSummary, MailboxEpoch, Message, Receipt, UserId};

/// Something that a user must learn. Rows in a store hold only a reference; the content is looked up when it is read,
/// so that a deletion stays a deletion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A message was accepted in one of the user's conversations.
    MessageCreated(Message),
    /// Someone received or read the user's messages.
    ReceiptChanged(Receipt),
    /// One of the user's calls is over.
    CallEnded(CallSummary),
}

/// An event with its place in one user's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedEvent {
    /// The app of the user.
    pub app_id: AppId,
    /// Whose log.
    pub user_id: UserId,
    /// The place: 1, 2, 3, … without gaps.
    pub seq: u64,
    /// What happened. Shared, because one happening stands in several logs.
    pub event: Arc<Event>,
}

/// One user's log: its life and its newest number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// Which life of the log.
    pub epoch: MailboxEpoch,
    /// The newest number; 0 while the log is empty.
    pub head: u64,
    /// Events up to this number are no longer kept.
    pub pruned_up_to: u64,
}

/// How far a client has come in its user's log: `<epoch>.<seq>`. Opaque to clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The life of the log that the number belongs to.
    pub epoch: MailboxEpoch,
    /// The last event that the client has.
    pub seq: u64,
}

impl Cursor {
    /// Reads a cursor; `None` when the text is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let (epoch, seq) = text.split_once('.')?;
        let canonical = seq == "0" || !seq.starts_with('0');
        let digits = seq.bytes().all(|byte| byte.is_ascii_digit());
        (canonical && digits).then_some(())?;
        let seq = seq.parse().ok().filter(|seq| *seq <= SEQ_MAX)?;
        Some(Self { epoch: MailboxEpoch::new(epoch).ok()?, seq })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.epoch, self.seq)
    }
}

/// Largest number that JavaScript holds exactly (2^53 − 1).
pub const SEQ_MAX: u64 = (1 << 53) - 1;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn refuses_what_it_would_not_write() {
        for bad in
            ["", ".", "k3", "k3.", ".1", "k3.-1", "k3.01", "k3.1.2", "k3.9007199254740992", "k_3.1", "k3.+1"]
        {
            assert_eq!(Cursor::parse(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn a_cursor_survives_its_text(epoch in "[a-z0-9]{1,32}", seq in 0..=SEQ_MAX) {
            let cursor = Cursor { epoch: MailboxEpoch::new(epoch).expect("valid"), seq };
            prop_assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".*") {
            if let Some(cursor) = Cursor::parse(&text) {
                prop_assert_eq!(cursor.to_string(), text);
            }
        }
    }
}
