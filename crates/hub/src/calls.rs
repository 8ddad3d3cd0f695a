//! What clients ask for in calls.

use std::sync::Arc;
use std::time::Duration;

use callbox_service::calls::{EndReason, MediaReport, Muted, StartRequest};
use callbox_service::{Service, ServiceResult};
use callbox_wire::ErrorCode;
use callbox_wire::call::{Call, CallEndReason};
use callbox_wire::frame::{CallJoined, CallLeft, CallMediaReport, CallStarted, ClientFrame, ServerFrame};

use crate::Hub;
use crate::connection::Member;

impl Hub {
    /// Answers a frame of a call, where it is answered at all; other frames are not.
    ///
    /// In a task of its own: a socket that closes meanwhile must not leave behind a call that moved and nobody was told.
    pub(crate) async fn answer_in_call(
        &self,
        member: &Member,
        frame: ClientFrame,
    ) -> ServiceResult<Vec<ServerFrame>> {
        let service = Arc::clone(&self.service);
        let member = Member { caller: member.caller.clone(), connection_id: member.connection_id.clone() };
        let moving = tokio::spawn(async move { answer(&service, &member, frame).await });
        moving.await.unwrap_or_else(|_| Err(ErrorCode::Internal.into()))
    }
}

async fn answer(service: &Service, member: &Member, frame: ClientFrame) -> ServiceResult<Vec<ServerFrame>> {
    let Member { caller, connection_id } = member;
    let ice = |call: &Call| service.ice_configuration(caller, Some(&call.id));
    match frame {
        ClientFrame::CallStart(frame) => {
            let request = StartRequest {
                call_id: frame.call_id,
                callee_id: frame.callee_id,
                media: frame.media.into(),
                ring: frame.ring_seconds.map(|seconds| Duration::from_secs(u64::from(seconds))),
            };
            let joined = service.start_call(caller, connection_id, request).await?;
            let started = CallStarted { re: frame.id, ice: ice(&joined.call), call: joined.call };
            Ok(std::iter::once(started.into()).chain(joined.signals).collect())
        }
        ClientFrame::CallAccept(frame) => {
            let joined = service.accept_call(caller, connection_id, frame.call_id).await?;
            let answer = CallJoined { re: frame.id, ice: ice(&joined.call), call: joined.call };
            Ok(std::iter::once(answer.into()).chain(joined.signals).collect())
        }
        ClientFrame::CallEnd(frame) => {
            let (call_id, reason) = (frame.call_id, end_reason(frame.reason));
            service.end_call(caller, Some(connection_id), call_id.clone(), reason).await?;
            Ok(vec![CallLeft { re: frame.id, call_id }.into()])
        }
        other => move_in_call(service, member, other).await.map(|()| Vec::new()),
    }
}

/// Frames that are answered only when they are wrong.
async fn move_in_call(service: &Service, member: &Member, frame: ClientFrame) -> ServiceResult<()> {
    let Member { caller, connection_id } = member;
    match frame {
        ClientFrame::CallRing(frame) => service.ring_call(caller, connection_id, frame.call_id).await,
        ClientFrame::CallDescribe(frame) => {
            let (call, generation) = (frame.call_id, frame.generation);
            service.describe_call(caller, connection_id, call, generation, frame.description).await
        }
        ClientFrame::CallCandidate(frame) => {
            let (call, generation) = (frame.call_id, frame.generation);
            service.add_candidate(caller, connection_id, call, generation, frame.candidate).await
        }
        ClientFrame::CallReport(frame) => {
            let media = match frame.media {
                CallMediaReport::Connected => MediaReport::Connected,
                CallMediaReport::Interrupted => MediaReport::Interrupted,
            };
            service.report_media(caller, connection_id, frame.call_id, media).await
        }
        ClientFrame::CallMute(frame) => {
            let muted = Muted { audio: frame.audio, video: frame.video };
            service.mute_call(caller, connection_id, frame.call_id, muted).await
        }
        _ => Ok(()),
    }
}

fn end_reason(reason: CallEndReason) -> EndReason {
    match reason {
        CallEndReason::HangUp => EndReason::HangUp,
        CallEndReason::Busy => EndReason::Busy,
        CallEndReason::Failed => EndReason::Failed,
    }
}
