//! A user ends a call.

use callbox_call_proto::{EndReason, Input};
use callbox_domain::{CallId, ConnectionId};

use crate::{Caller, Service, ServiceResult};

impl Service {
    /// Cancels, declines or hangs up. Over HTTP (no connection) it speaks for the caller's whole session, as a page
    /// does on its way out. A repeat is fine.
    ///
    /// Errors: `call_not_found`, `call_answered_elsewhere`, `call_not_possible`.
    pub async fn end_call(
        &self,
        caller: &Caller,
        connection: Option<&ConnectionId>,
        call: CallId,
        reason: EndReason,
    ) -> ServiceResult<()> {
        let input = Input::End {
            user_id: caller.user_id.clone(),
            session_id: caller.session_id.clone(),
            connection_id: connection.cloned(),
            reason,
        };
        self.move_call(caller.app_id(), call, input, None).await.map(|_| ())
    }
}
