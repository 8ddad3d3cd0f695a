//! What follows from an input: facts for the layer above, which makes frames and rows of them.

use callbox_domain::call::CallEnd;
use callbox_domain::{CallEventRecord, Timestamp, UserId};

use crate::{Endpoint, Muted};

/// One thing that follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// A line for the call's timeline.
    Record(CallEventRecord),
    /// The first device of the callee rings.
    Ringing,
    /// The callee answered. Every other connection of the callee learns from it to be silent.
    Accepted {
        /// The connection that answered.
        by: Endpoint,
    },
    /// Both legs have media for the first time.
    Connected {
        /// Since when.
        at: Timestamp,
    },
    /// A leg switched its microphone or camera off or on.
    Muted {
        /// Whose leg.
        user_id: UserId,
        /// What is off now.
        muted: Muted,
    },
    /// A signal has its number and is to be kept and passed on.
    Signal(KeptSignal),
    /// The call is over. Always the last output, and once per call.
    Ended(CallEnd),
}

/// A signal that was let through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptSignal {
    /// Its place among the signals of the call, of both legs: 1, 2, 3, … without gaps.
    pub number: u32,
    /// Who sent it.
    pub from: UserId,
    /// Where it goes now; `None` while nobody has answered: whoever does gets the kept ones.
    pub to: Option<Endpoint>,
    /// The ICE generation that its sender gave.
    pub generation: u32,
}
