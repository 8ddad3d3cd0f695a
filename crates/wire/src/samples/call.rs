//! Samples of the frames of calls.

use std::time::Duration;

use callbox_domain::ConnectionId;

use super::{call_id, moment, user_id};
use crate::Seq;
use crate::call::{
    Call, CallCause, CallEndReason, CallLeg, CallMedia, CallMuteState, CallState, CallSummary,
    DescriptionType, IceCandidate, IceConfiguration, IceServer, IceTransportPolicy, SessionDescription,
};
use crate::frame::{
    CallAccept, CallAccepted, CallCandidate, CallCandidateAdded, CallConnected, CallDescribe, CallDescribed,
    CallEnd, CallEnded, CallIncoming, CallJoined, CallLeft, CallLive, CallMediaReport, CallMute, CallMuted,
    CallReport, CallRing, CallRinging, CallStart, CallStarted, ClientFrame, ServerFrame,
};

pub(super) fn client_frames() -> Vec<ClientFrame> {
    let (media, ring_seconds) = (CallMedia::Video, Some(30));
    vec![
        CallStart { id: "7".into(), call_id: call_id(), callee_id: user_id("bob"), media, ring_seconds }
            .into(),
        CallRing { id: "8".into(), call_id: call_id() }.into(),
        CallAccept { id: "9".into(), call_id: call_id() }.into(),
        CallEnd { id: "10".into(), call_id: call_id(), reason: CallEndReason::HangUp }.into(),
        CallDescribe { id: "11".into(), call_id: call_id(), generation: 1, description: description() }
            .into(),
        CallCandidate { id: "12".into(), call_id: call_id(), generation: 1, candidate: Some(candidate()) }
            .into(),
        CallReport { id: "13".into(), call_id: call_id(), media: CallMediaReport::Connected }.into(),
        CallMute { id: "14".into(), call_id: call_id(), audio: true, video: false }.into(),
    ]
}

pub(super) fn server_frames() -> Vec<ServerFrame> {
    let (user, generation) = (user_id("ann"), 1);
    vec![
        CallStarted { re: "7".into(), call: call(), ice: ice_configuration() }.into(),
        CallJoined { re: "9".into(), call: call(), ice: ice_configuration() }.into(),
        CallLeft { re: "10".into(), call_id: call_id() }.into(),
        CallIncoming { call: call() }.into(),
        CallRinging { call_id: call_id() }.into(),
        CallAccepted { call: call() }.into(),
        CallDescribed {
            call_id: call_id(),
            user_id: user.clone(),
            signal: 1,
            generation,
            description: description(),
        }
        .into(),
        CallCandidateAdded {
            call_id: call_id(),
            user_id: user.clone(),
            signal: 2,
            generation,
            candidate: Some(candidate()),
        }
        .into(),
        CallConnected { call_id: call_id(), connected_at: moment() }.into(),
        CallMuted { call_id: call_id(), user_id: user, audio: true, video: false }.into(),
        CallLive { call: call(), ice: ice_configuration() }.into(),
        CallEnded { seq: Seq::new(815), call: summary() }.into(),
    ]
}

fn connection_id(name: &str) -> ConnectionId {
    ConnectionId::new(name).expect("valid")
}

fn call() -> Call {
    Call {
        id: call_id(),
        caller_id: user_id("ann"),
        callee_id: user_id("bob"),
        media: CallMedia::Video,
        state: CallState::Accepted,
        created_at: moment(),
        accepted_at: Some(moment()),
        connected_at: None,
        caller_connection_id: connection_id("page-7f3a91"),
        accepted_by: Some(CallLeg { user_id: user_id("bob"), connection_id: connection_id("page-2c8e44") }),
        muted: vec![CallMuteState { user_id: user_id("bob"), audio: false, video: true }],
    }
}

/// As an app's page gets it.
pub(super) fn ice_configuration() -> IceConfiguration {
    let stun =
        IceServer { urls: vec!["stun:calls.example.com:3478".into()], username: None, credential: None };
    let turn = IceServer {
        urls: vec![
            "turn:calls.example.com:3478?transport=udp".into(),
            "turn:calls.example.com:3478?transport=tcp".into(),
            "turns:calls.example.com:443?transport=tcp".into(),
        ],
        username: Some("1795257123:ses_4t6b0d5k3m:1.cal-5f2e8a90".into()),
        credential: Some("9mTVw1bJZkQ4p0xGDu6fQ7Zl3f2cYkK1c8Yl0bQmN5E=".into()),
    };
    IceConfiguration {
        ice_servers: vec![stun, turn],
        ice_transport_policy: IceTransportPolicy::All,
        expires_at: Some(moment().plus(Duration::from_mins(10))),
    }
}

fn description() -> SessionDescription {
    SessionDescription { description_type: DescriptionType::Offer, sdp: "v=0\r\n…".into() }
}

fn candidate() -> IceCandidate {
    IceCandidate {
        candidate: "candidate:1 1 udp 2122260223 192.0.2.1 54321 typ host".into(),
        sdp_mid: Some("0".into()),
        sdp_m_line_index: Some(0),
        username_fragment: Some("aB3x".into()),
    }
}

fn summary() -> CallSummary {
    CallSummary {
        id: call_id(),
        caller_id: user_id("ann"),
        callee_id: user_id("bob"),
        media: CallMedia::Video,
        created_at: moment(),
        accepted_at: Some(moment()),
        ended_at: moment(),
        cause: CallCause::Completed,
        sentence: callbox_domain::CallEndCause::Completed.sentence().to_owned(),
        ended_by: Some(user_id("bob")),
    }
}
