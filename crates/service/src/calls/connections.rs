//! Calls when connections come and go.

use callbox_call_proto::{Endpoint, Input};
use callbox_domain::{AppId, CallId, ConnectionId, SessionId, UserId};

use super::{JoinedCall, endpoint, machine};
use crate::error::read;
use crate::{Caller, Service, ServiceResult};

/// A live call, for a connection that was just admitted.
pub type LiveCall = JoinedCall;

impl Service {
    /// The caller's live calls as this connection sees them: to be told after its welcome.
    pub async fn live_calls(
        &self,
        caller: &Caller,
        connection: &ConnectionId,
    ) -> ServiceResult<Vec<LiveCall>> {
        let (app, user) = (caller.app_id(), caller.user_id.clone());
        if self.calls.is_complete() && self.calls.of_user(app, &user).is_empty() {
            return Ok(Vec::new());
        }
        let records = read(self.store.read(move |store| store.live_calls_of(app, &user)).await)?;
        let from = endpoint(caller, connection);
        let mut live = Vec::new();
        for record in &records {
            if let Ok(call) = machine(record) {
                live.push(self.joined(app, &call, &from).await?);
            }
        }
        Ok(live)
    }

    /// A connection of the caller has a socket, again or for the first time.
    pub(crate) async fn connection_back(&self, caller: &Caller, connection: &ConnectionId) {
        self.socket_changed(caller, connection, true).await;
    }

    /// The last socket of a connection closed.
    pub(crate) async fn connection_lost(&self, caller: &Caller, connection: &ConnectionId) {
        self.socket_changed(caller, connection, false).await;
    }

    /// A session of a user is over: its legs are too.
    pub(crate) async fn session_left_calls(&self, app: AppId, user: &UserId, session_id: &SessionId) {
        for call in self.calls.of_user(app, user) {
            let input = Input::SessionEnded { session_id: session_id.clone() };
            if let Err(error) = self.move_call(app, call.clone(), input, None).await {
                self.try_again(app, &call, &error);
            }
        }
    }

    /// After a connection became a leg: its socket may have gone in the same moment, before it was one.
    pub(super) async fn check_leg(&self, app: AppId, call: &CallId, leg: &Endpoint) {
        if !self.calls.has_socket(app, leg) {
            self.look_at_call(app, call).await;
        }
    }

    async fn socket_changed(&self, caller: &Caller, connection: &ConnectionId, is_open: bool) {
        let app = caller.app_id();
        self.calls.set_socket(app, &endpoint(caller, connection), is_open);
        for call in self.calls.of_user(app, &caller.user_id) {
            self.look_at_call(app, &call).await;
        }
    }
}
