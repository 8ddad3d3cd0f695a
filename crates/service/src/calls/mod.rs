//! Direct calls. The state machine is `call-proto`'s; here each of its inputs is one write of the store, and what
//! follows from it is told to the right connections.

mod book;
mod connections;
mod describe;
mod end_call;
mod ice;
mod move_call;
mod moves;
mod recover;
mod start_call;
mod tell;
#[cfg(test)]
mod tests;
mod timers;

pub(crate) use book::LiveCalls;
pub use callbox_call_proto::{EndReason, MediaReport, Muted};
pub use connections::LiveCall;
pub use ice::relay_key;
pub use start_call::StartRequest;

use callbox_call_proto::{Call as CallMachine, CallState as MachineState, CallView, Endpoint};
use callbox_domain::{CallEndCause, ConnectionId};
use callbox_storage::StoreError;
use callbox_wire::call::{Call, CallLeg, CallMuteState, CallState};
use callbox_wire::{ApiError, ErrorCode, ServerFrame};

use crate::Caller;
use crate::error::Refusal;

/// A call as a connection joins it, and what the other leg has sent so far.
#[derive(Debug, Clone, PartialEq)]
pub struct JoinedCall {
    /// The call.
    pub call: Call,
    /// The other leg's kept descriptions and candidates, oldest first.
    pub signals: Vec<ServerFrame>,
}

fn endpoint(caller: &Caller, connection_id: &ConnectionId) -> Endpoint {
    Endpoint {
        user_id: caller.user_id.clone(),
        session_id: caller.session_id.clone(),
        connection_id: connection_id.clone(),
    }
}

/// The machine in a row; a row that holds none is the store's fault.
fn machine(record: &callbox_domain::CallRecord) -> Result<CallMachine, Refusal> {
    CallMachine::from_record(record).map_err(|error| StoreError::Corrupt(error.to_string()).into())
}

/// That a call is over. Users are not told of a block: it looks as if nobody could be reached.
fn call_ended(cause: CallEndCause) -> ApiError {
    let told = if cause == CallEndCause::Blocked { CallEndCause::Unreachable } else { cause };
    ApiError::new(ErrorCode::CallEnded).detail("cause", told.as_str())
}

/// A live call as it travels.
fn wire_call(view: &CallView) -> Call {
    Call {
        id: view.id.clone(),
        caller_id: view.caller.user_id.clone(),
        callee_id: view.callee_id.clone(),
        media: view.media.into(),
        state: match view.state {
            MachineState::Reaching => CallState::Reaching,
            MachineState::Ringing => CallState::Ringing,
            MachineState::Accepted => CallState::Accepted,
            MachineState::Connected => CallState::Connected,
        },
        created_at: view.created_at,
        accepted_at: view.accepted_at,
        connected_at: view.connected_at,
        caller_connection_id: view.caller.connection_id.clone(),
        accepted_by: view
            .accepted_by
            .as_ref()
            .map(|leg| CallLeg { user_id: leg.user_id.clone(), connection_id: leg.connection_id.clone() }),
        muted: view
            .muted
            .iter()
            .map(|off| CallMuteState {
                user_id: off.user_id.clone(),
                audio: off.muted.audio,
                video: off.muted.video,
            })
            .collect(),
    }
}
