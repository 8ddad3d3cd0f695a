//! What a connection does in a call.

use callbox_call_proto::{Input, MediaReport, Muted};
use callbox_domain::{CallId, ConnectionId};

use super::{JoinedCall, endpoint};
use crate::{Caller, Service, ServiceResult};

impl Service {
    /// The caller's connection shows an incoming call to its user.
    ///
    /// Errors: `call_not_found`, `call_ended`, `call_not_possible`.
    pub async fn ring_call(
        &self,
        caller: &Caller,
        connection: &ConnectionId,
        call: CallId,
    ) -> ServiceResult<()> {
        let from = endpoint(caller, connection);
        self.move_call(caller.app_id(), call, Input::Ring { from }, None).await.map(|_| ())
    }

    /// The caller's connection takes an incoming call; the first one wins.
    ///
    /// Errors: `call_not_found`, `call_ended`, `call_answered_elsewhere`, `call_not_possible`.
    pub async fn accept_call(
        &self,
        caller: &Caller,
        connection: &ConnectionId,
        call: CallId,
    ) -> ServiceResult<JoinedCall> {
        let from = endpoint(caller, connection);
        let moved = self.move_call(caller.app_id(), call, Input::Accept { from: from.clone() }, None).await?;
        self.check_leg(caller.app_id(), moved.call.id(), &from).await;
        self.joined(caller.app_id(), &moved.call, &from).await
    }

    /// A leg tells how its media is doing.
    ///
    /// Errors: `call_not_found`, `call_ended`, `call_not_possible`, `call_answered_elsewhere`.
    pub async fn report_media(
        &self,
        caller: &Caller,
        connection: &ConnectionId,
        call: CallId,
        media: MediaReport,
    ) -> ServiceResult<()> {
        let from = endpoint(caller, connection);
        self.move_call(caller.app_id(), call, Input::Report { from, media }, None).await.map(|_| ())
    }

    /// A leg switches its microphone or camera.
    ///
    /// Errors: `call_not_found`, `call_ended`, `call_not_possible`, `call_answered_elsewhere`.
    pub async fn mute_call(
        &self,
        caller: &Caller,
        connection: &ConnectionId,
        call: CallId,
        muted: Muted,
    ) -> ServiceResult<()> {
        let from = endpoint(caller, connection);
        self.move_call(caller.app_id(), call, Input::Mute { from, muted }, None).await.map(|_| ())
    }
}
