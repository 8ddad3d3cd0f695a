//! Calls.

use callbox_domain::{CallEndCause, CallId, CallMedia as DomainMedia, ConnectionId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a call carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallMedia {
    /// Sound only.
    Audio,
    /// Sound and picture.
    Video,
}

/// How far a live call has come; it never goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallState {
    /// No device of the callee rings yet.
    Reaching,
    /// At least one does.
    Ringing,
    /// One of them answered.
    Accepted,
    /// Both legs have had media.
    Connected,
}

/// A live call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// The caller's id for it.
    #[schema(value_type = String)]
    pub id: CallId,
    /// Who calls.
    #[schema(value_type = String)]
    pub caller_id: UserId,
    /// Who is called.
    #[schema(value_type = String)]
    pub callee_id: UserId,
    /// What it is to carry.
    pub media: CallMedia,
    /// How far it has come.
    pub state: CallState,
    /// When it was started.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was accepted.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub accepted_at: Option<Timestamp>,
    /// When both legs had media for the first time.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub connected_at: Option<Timestamp>,
    /// The connection with which the caller takes part.
    #[schema(value_type = String)]
    pub caller_connection_id: ConnectionId,
    /// The connection of the callee that answered.
    #[schema(required)]
    pub accepted_by: Option<CallLeg>,
    /// What each leg has switched off; legs with nothing off are left out.
    pub muted: Vec<CallMuteState>,
}

/// One side's connection in a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallLeg {
    /// Whose.
    #[schema(value_type = String)]
    pub user_id: UserId,
    /// Which connection.
    #[schema(value_type = String)]
    pub connection_id: ConnectionId,
}

/// What one user has switched off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallMuteState {
    /// Who.
    #[schema(value_type = String)]
    pub user_id: UserId,
    /// The microphone is off.
    pub audio: bool,
    /// The camera is off.
    pub video: bool,
}

/// How a leg finds its way to the other one: what the server has to say of an `RTCConfiguration`, under the same names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IceConfiguration {
    /// STUN and TURN servers; empty where the server runs no relay.
    pub ice_servers: Vec<IceServer>,
    /// Which ways may be taken.
    pub ice_transport_policy: IceTransportPolicy,
    /// Until when the credentials open new allocations; those that are open then go on. `null` without credentials.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
}

/// Which ways a leg may take, as `RTCConfiguration.iceTransportPolicy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum IceTransportPolicy {
    /// Every way.
    All,
    /// Through a relay only, so that the other side does not learn this one's addresses.
    Relay,
}

/// A STUN or TURN server for the call's connections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IceServer {
    /// Its addresses, as `RTCIceServer.urls`.
    pub urls: Vec<String>,
    /// The name to use there.
    #[schema(required)]
    pub username: Option<String>,
    /// The password to use there.
    #[schema(required)]
    pub credential: Option<String>,
}

/// A call that is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallSummary {
    /// The caller's id for it.
    #[schema(value_type = String)]
    pub id: CallId,
    /// Who called.
    #[schema(value_type = String)]
    pub caller_id: UserId,
    /// Who was called.
    #[schema(value_type = String)]
    pub callee_id: UserId,
    /// What it was to carry.
    pub media: CallMedia,
    /// When it was started.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was accepted, if it was.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub accepted_at: Option<Timestamp>,
    /// When it ended.
    #[schema(value_type = String, format = DateTime)]
    pub ended_at: Timestamp,
    /// Why, for programs.
    pub cause: CallCause,
    /// Why, for people.
    pub sentence: String,
    /// Who ended it; `null` when a timer or the server did.
    #[schema(required, value_type = Option<String>)]
    pub ended_by: Option<UserId>,
}

/// Why a call is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallCause {
    /// One side hung up after the call was accepted.
    Completed,
    /// The caller gave up before an answer.
    Canceled,
    /// The callee declined.
    Declined,
    /// The callee is in another call and takes one at a time.
    Busy,
    /// It rang, and nobody answered.
    NoAnswer,
    /// No device of the callee could be reached.
    Unreachable,
    /// It was accepted, but sound and picture never came through.
    ConnectTimeout,
    /// A side was gone for too long during the call.
    ConnectionLost,
    /// A side could not take part (no microphone, browser error).
    Failed,
    /// The app's backend forbade it.
    NotAllowed,
    /// A side's session ended.
    SessionEnded,
    /// The server or its operator ended it.
    ServerEnded,
}

/// `POST /v1/calls/{callId}/end`, and part of the frame `call.end`: why a user ends a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallEndReason {
    /// The user wants it: cancels, declines or hangs up, depending on who it is and when.
    HangUp,
    /// The callee is in another call and takes one at a time.
    Busy,
    /// The device cannot take part.
    Failed,
}

/// `POST /v1/calls/{callId}/end`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EndCallRequest {
    /// Why.
    pub reason: CallEndReason,
}

/// A WebRTC session description, as `RTCSessionDescriptionInit`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionDescription {
    /// Proposes or answers.
    #[serde(rename = "type")]
    pub description_type: DescriptionType,
    /// The description (RFC 8866).
    pub sdp: String,
}

/// What a session description does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DescriptionType {
    /// Proposes.
    Offer,
    /// Answers.
    Answer,
}

/// An ICE candidate, as `RTCIceCandidateInit`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IceCandidate {
    /// The candidate line (RFC 8839, 5.1).
    pub candidate: String,
    /// The media section's name.
    #[serde(default)]
    #[schema(required = false)]
    pub sdp_mid: Option<String>,
    /// The media section's place.
    #[serde(default, rename = "sdpMLineIndex")]
    #[schema(required = false)]
    pub sdp_m_line_index: Option<u32>,
    /// The ICE generation's user fragment.
    #[serde(default)]
    #[schema(required = false)]
    pub username_fragment: Option<String>,
}

impl From<DomainMedia> for CallMedia {
    fn from(media: DomainMedia) -> Self {
        match media {
            DomainMedia::Audio => Self::Audio,
            DomainMedia::Video => Self::Video,
        }
    }
}

impl From<CallMedia> for DomainMedia {
    fn from(media: CallMedia) -> Self {
        match media {
            CallMedia::Audio => Self::Audio,
            CallMedia::Video => Self::Video,
        }
    }
}

impl CallCause {
    /// What users are told. A block tells them nothing: it looks as if nobody could be reached.
    fn for_users(cause: CallEndCause) -> Self {
        match cause {
            CallEndCause::Completed => Self::Completed,
            CallEndCause::Canceled => Self::Canceled,
            CallEndCause::Declined => Self::Declined,
            CallEndCause::Busy => Self::Busy,
            CallEndCause::NoAnswer => Self::NoAnswer,
            CallEndCause::Unreachable | CallEndCause::Blocked => Self::Unreachable,
            CallEndCause::ConnectTimeout => Self::ConnectTimeout,
            CallEndCause::ConnectionLost => Self::ConnectionLost,
            CallEndCause::Failed => Self::Failed,
            CallEndCause::NotAllowed => Self::NotAllowed,
            CallEndCause::SessionEnded => Self::SessionEnded,
            CallEndCause::ServerEnded => Self::ServerEnded,
        }
    }
}

impl CallSummary {
    /// As it travels to the two users.
    pub fn from_domain(summary: &callbox_domain::CallSummary) -> Self {
        let told = match summary.cause {
            CallEndCause::Blocked => CallEndCause::Unreachable,
            cause => cause,
        };
        Self {
            id: summary.id.clone(),
            caller_id: summary.caller_id.clone(),
            callee_id: summary.callee_id.clone(),
            media: summary.media.into(),
            created_at: summary.created_at,
            accepted_at: summary.accepted_at,
            ended_at: summary.ended_at,
            cause: CallCause::for_users(summary.cause),
            sentence: told.sentence().to_owned(),
            ended_by: summary.ended_by.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_travels_under_its_own_word_but_a_block() {
        for cause in CallEndCause::ALL {
            let told = serde_json::to_value(CallCause::for_users(cause)).expect("plain data");
            let expected = if cause == CallEndCause::Blocked { "unreachable" } else { cause.as_str() };
            assert_eq!(told, expected);
        }
    }
}
