//! Ends a session: its token is refused and its connections are closed from now on.

use callbox_bus::Notice;
use callbox_domain::SessionEndReason;
use callbox_wire::CloseCode;

use crate::error::{Refusal, written};
use crate::{Caller, Service, ServiceResult};

impl Service {
    /// Signs the caller's session out.
    pub async fn sign_out(&self, caller: &Caller) -> ServiceResult<()> {
        let (app, session, now) = (caller.app_id(), caller.session_id.clone(), self.clock.now());
        let ended = self.store.write(move |tx| {
            Ok::<_, Refusal>(tx.end_session(app, &session, now, SessionEndReason::SignedOut)?)
        });
        if written(ended.await)? {
            tracing::info!(app = %caller.app.key, user = %caller.user_id, session = %caller.session_id, "signed out");
            self.bus.publish(Notice::SessionEnded {
                app_id: app,
                user_id: caller.user_id.clone(),
                session_id: caller.session_id.clone(),
                code: CloseCode::SessionEnded,
            });
            self.session_left_calls(app, &caller.user_id, &caller.session_id).await;
        }
        Ok(())
    }
}
