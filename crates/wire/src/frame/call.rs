//! Frames of calls. Live calls are state: told once, and told again after a reconnect. Only `call.ended` is logged.

use callbox_domain::{CallId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Seq;
use crate::call::{
    Call, CallEndReason, CallMedia, CallSummary, IceCandidate, IceConfiguration, SessionDescription,
};

/// Calls a user. Answered by `call.started`. When the callee is calling the user at this moment, the two become one
/// call: the answer then carries that call, accepted by this connection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallStart {
    /// Comes back as `re`.
    pub id: String,
    /// Chosen by the caller, unique in the app: 8 to 64 of A-Z a-z 0-9 _ -.
    #[schema(value_type = String)]
    pub call_id: CallId,
    /// Whom.
    #[schema(value_type = String)]
    pub callee_id: UserId,
    /// What it is to carry.
    pub media: CallMedia,
    /// How long it may ring, 1 to 120; the app's limit holds all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ring_seconds: Option<u32>,
}

/// This connection of the callee shows the call to its user. Answered only when it is wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallRing {
    /// Comes back as `re` of an error.
    pub id: String,
    /// Which call.
    #[schema(value_type = String)]
    pub call_id: CallId,
}

/// This connection of the callee takes the call; the first one wins. Answered by `call.joined`, then the caller's kept
/// descriptions and candidates follow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallAccept {
    /// Comes back as `re`.
    pub id: String,
    /// Which call.
    #[schema(value_type = String)]
    pub call_id: CallId,
}

/// Cancels, declines or hangs up. Answered by `call.left`; a repeat too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallEnd {
    /// Comes back as `re`.
    pub id: String,
    /// Which call.
    #[schema(value_type = String)]
    pub call_id: CallId,
    /// Why.
    pub reason: CallEndReason,
}

/// A leg's session description, for the other leg. Answered only when it is wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallDescribe {
    /// Comes back as `re` of an error.
    pub id: String,
    /// Which call.
    #[schema(value_type = String)]
    pub call_id: CallId,
    /// Which exchange it belongs to; each ICE restart adds one.
    pub generation: u32,
    /// The description.
    pub description: SessionDescription,
}

/// A leg's ICE candidate, for the other leg; `null` says that there are no more. Answered only when it is wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallCandidate {
    /// Comes back as `re` of an error.
    pub id: String,
    /// Which call.
    #[schema(value_type = String)]
    pub call_id: CallId,
    /// Which exchange it belongs to.
    pub generation: u32,
    /// The candidate.
    #[serde(default)]
    #[schema(required)]
    pub candidate: Option<IceCandidate>,
}

/// How a leg's media is doing. Answered only when it is wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallReport {
    /// Comes back as `re` of an error.
    pub id: String,
    /// Which call.
    #[schema(value_type = String)]
    pub call_id: CallId,
    /// How it is doing.
    pub media: CallMediaReport,
}

/// How a leg's media is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallMediaReport {
    /// Sound and picture come through.
    Connected,
    /// They do not, at least for the moment.
    Interrupted,
}

/// A leg switches its microphone or camera; `true` is off. Answered only when it is wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallMute {
    /// Comes back as `re` of an error.
    pub id: String,
    /// Which call.
    #[schema(value_type = String)]
    pub call_id: CallId,
    /// The microphone is off.
    pub audio: bool,
    /// The camera is off.
    pub video: bool,
}

/// The answer to `call.start`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallStarted {
    /// The id of the request.
    pub re: String,
    /// The call; one with another id when both called each other.
    pub call: Call,
    /// How this leg finds its way; the credentials are this session's own.
    pub ice: IceConfiguration,
}

/// The answer to `call.accept`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallJoined {
    /// The id of the request.
    pub re: String,
    /// The call.
    pub call: Call,
    /// How this leg finds its way; the credentials are this session's own.
    pub ice: IceConfiguration,
}

/// The answer to `call.end`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallLeft {
    /// The id of the request.
    pub re: String,
    /// Which call.
    #[schema(value_type = String)]
    pub call_id: CallId,
}

/// Someone calls the user; told to every connection. Show it and send `call.ring`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallIncoming {
    /// The call.
    pub call: Call,
}

/// The first device of the callee rings; told to the caller's leg.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallRinging {
    /// Which call.
    #[schema(value_type = String)]
    pub call_id: CallId,
}

/// The callee answered; told to every connection of both users. Whoever is not in it stops ringing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallAccepted {
    /// The call.
    pub call: Call,
}

/// The other leg's session description.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallDescribed {
    /// Which call.
    #[schema(value_type = String)]
    pub call_id: CallId,
    /// Whose.
    #[schema(value_type = String)]
    pub user_id: UserId,
    /// Its number among the call's signals; a signal that is told again has the same one.
    pub signal: u32,
    /// Which exchange it belongs to.
    pub generation: u32,
    /// The description.
    pub description: SessionDescription,
}

/// The other leg's ICE candidate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallCandidateAdded {
    /// Which call.
    #[schema(value_type = String)]
    pub call_id: CallId,
    /// Whose.
    #[schema(value_type = String)]
    pub user_id: UserId,
    /// Its number among the call's signals; a signal that is told again has the same one.
    pub signal: u32,
    /// Which exchange it belongs to.
    pub generation: u32,
    /// The candidate; `null` says that there are no more.
    #[schema(required)]
    pub candidate: Option<IceCandidate>,
}

/// Both legs have media; told to both.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallConnected {
    /// Which call.
    #[schema(value_type = String)]
    pub call_id: CallId,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub connected_at: Timestamp,
}

/// A leg switched its microphone or camera; told to the other leg.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallMuted {
    /// Which call.
    #[schema(value_type = String)]
    pub call_id: CallId,
    /// Whose leg.
    #[schema(value_type = String)]
    pub user_id: UserId,
    /// The microphone is off.
    pub audio: bool,
    /// The camera is off.
    pub video: bool,
}

/// After `welcome`: a call of the user that is live. The kept descriptions and candidates of the other leg follow, for
/// the connection that takes part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallLive {
    /// The call.
    pub call: Call,
    /// How this leg finds its way; the credentials are this session's own.
    pub ice: IceConfiguration,
}

/// Logged. A call of the user is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallEnded {
    /// Its place in the user's log.
    pub seq: Seq,
    /// The call.
    pub call: CallSummary,
}
