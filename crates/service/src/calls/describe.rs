//! Session descriptions and candidates: numbered, kept while the call lives, passed to the other leg.

use std::sync::Arc;

use callbox_call_proto::{Call, Endpoint, Input, SignalKind};
use callbox_domain::{AppId, CallId, ConnectionId, UserId};
use callbox_wire::ErrorCode;
use callbox_wire::ServerFrame;
use callbox_wire::call::{DescriptionType, IceCandidate, SessionDescription};
use callbox_wire::frame::{CallCandidateAdded, CallDescribed};

use super::move_call::SignalFrame;
use super::{JoinedCall, call_ended, endpoint, wire_call};
use crate::error::read;
use crate::{Caller, Service, ServiceResult};

impl Service {
    /// A leg's session description.
    ///
    /// Errors: `call_not_found`, `call_ended`, `call_not_possible`, `call_answered_elsewhere`, `call_signals_full`.
    pub async fn describe_call(
        &self,
        caller: &Caller,
        connection: &ConnectionId,
        call_id: CallId,
        generation: u32,
        description: SessionDescription,
    ) -> ServiceResult<()> {
        let kind = match description.description_type {
            DescriptionType::Offer => SignalKind::Offer,
            DescriptionType::Answer => SignalKind::Answer,
        };
        let (id, user_id) = (call_id.clone(), caller.user_id.clone());
        let frame = move |signal| {
            let (call_id, user_id, description) = (id.clone(), user_id.clone(), description.clone());
            CallDescribed { call_id, user_id, signal, generation, description }.into()
        };
        self.signal(endpoint(caller, connection), caller.app_id(), call_id, kind, generation, Arc::new(frame))
            .await
    }

    /// A leg's ICE candidate, or that there are no more.
    ///
    /// Errors: as [`Service::describe_call`].
    pub async fn add_candidate(
        &self,
        caller: &Caller,
        connection: &ConnectionId,
        call_id: CallId,
        generation: u32,
        candidate: Option<IceCandidate>,
    ) -> ServiceResult<()> {
        let (id, user_id) = (call_id.clone(), caller.user_id.clone());
        let frame = move |signal| {
            let (call_id, user_id, candidate) = (id.clone(), user_id.clone(), candidate.clone());
            CallCandidateAdded { call_id, user_id, signal, generation, candidate }.into()
        };
        let kind = SignalKind::Candidate;
        self.signal(endpoint(caller, connection), caller.app_id(), call_id, kind, generation, Arc::new(frame))
            .await
    }

    async fn signal(
        &self,
        from: Endpoint,
        app: AppId,
        call: CallId,
        kind: SignalKind,
        generation: u32,
        frame: SignalFrame,
    ) -> ServiceResult<()> {
        // The whole frame is kept, so the whole frame counts.
        let bytes = frame(0).to_text().len();
        let input = Input::Signal { from, kind, generation, bytes };
        self.move_call(app, call, input, Some(frame)).await.map(|_| ())
    }

    /// A call as one of its connections joins it: with what it can still use of the other leg's signals, if it
    /// takes part.
    pub(super) async fn joined(
        &self,
        app: AppId,
        call: &Call,
        connection: &Endpoint,
    ) -> ServiceResult<JoinedCall> {
        let view = match (call.view(), call.end()) {
            (Some(view), _) => view,
            (None, Some(end)) => return Err(call_ended(end.cause)),
            (None, None) => return Err(ErrorCode::Internal.into()),
        };
        let takes_part = view.caller == *connection || view.accepted_by.as_ref() == Some(connection);
        let signals =
            if takes_part { self.kept_signals(app, call.id(), connection).await? } else { Vec::new() };
        Ok(JoinedCall { call: wire_call(&view), signals })
    }

    async fn kept_signals(
        &self,
        app: AppId,
        call: &CallId,
        connection: &Endpoint,
    ) -> ServiceResult<Vec<ServerFrame>> {
        let call = call.clone();
        let texts = read(self.store.read(move |store| store.call_signals(app, &call)).await)?;
        let frames = texts.iter().filter_map(|text| serde_json::from_str::<ServerFrame>(text).ok());
        let of_other_leg = |(user, _): &(UserId, Kept)| *user != connection.user_id;
        let kept = frames.filter_map(of_signal).filter(of_other_leg).map(|(_, kept)| kept).collect();
        Ok(still_wanted(kept))
    }
}

/// A kept signal.
struct Kept {
    generation: u32,
    is_answer: bool,
    frame: ServerFrame,
}

fn of_signal(frame: ServerFrame) -> Option<(UserId, Kept)> {
    let (user, generation, is_answer) = match &frame {
        ServerFrame::CallDescribed(described) => {
            let is_answer = described.description.description_type == DescriptionType::Answer;
            (described.user_id.clone(), described.generation, is_answer)
        }
        ServerFrame::CallCandidateAdded(added) => (added.user_id.clone(), added.generation, false),
        _ => return None,
    };
    Some((user, Kept { generation, is_answer, frame }))
}

/// What a leg that was away can still use of the other's signals: those of the newest exchange, and of the newest that
/// the other has answered, for without that answer the leg cannot go on to the newest. Everything before is void, and
/// all of a long call would not fit through a socket's queue.
fn still_wanted(signals: Vec<Kept>) -> Vec<ServerFrame> {
    let newest = signals.iter().map(|kept| kept.generation).max();
    let answered = signals.iter().filter(|kept| kept.is_answer).map(|kept| kept.generation).max();
    let is_wanted = |kept: &Kept| [newest, answered].contains(&Some(kept.generation));
    signals.into_iter().filter(is_wanted).map(|kept| kept.frame).collect()
}
