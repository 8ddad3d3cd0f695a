//! Why a move was refused.

use callbox_domain::CallEndCause;

use crate::signals::{SIGNAL_BYTES_PER_CALL_MAX, SIGNAL_BYTES_PER_GENERATION_MAX};

/// Why a move was refused; the call is as it was before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IllegalMove {
    /// The user is neither caller nor callee. Whoever is told must not learn that the call exists.
    #[error("there is no such call for this user")]
    NotInCall,
    /// Caller and callee are one.
    #[error("a user cannot call themselves")]
    CalledThemselves,
    /// Only the callee rings and accepts.
    #[error("only the callee may ring or accept")]
    NotTheCallee,
    /// The caller takes part with another connection.
    #[error("the caller takes part in this call with another connection")]
    NotTheCallersLeg,
    /// Another connection of the callee took the call.
    #[error("another device of the callee has answered this call")]
    AlreadyAnswered,
    /// Possible only once the call is accepted.
    #[error("nobody has answered this call yet")]
    NotAnswered,
    /// The ICE generation has used up its bytes.
    #[error(
        "this ICE generation has room for {left} more of its {SIGNAL_BYTES_PER_GENERATION_MAX} bytes; restart ICE with the next generation"
    )]
    GenerationFull {
        /// How many bytes of text still fit.
        left: u32,
    },
    /// The call has used up its bytes.
    #[error("this call has spent its {SIGNAL_BYTES_PER_CALL_MAX} bytes of signals; hang up and call again")]
    SignalsSpent,
    /// The call is over.
    #[error("this call is over ({})", cause.as_str())]
    Ended {
        /// Why it ended.
        cause: CallEndCause,
    },
}
