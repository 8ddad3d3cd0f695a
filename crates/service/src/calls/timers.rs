//! Brings calls up to date with what happens around them: time, sockets, sessions.

use std::time::Duration;

use callbox_call_proto::{Call, Input, Output};
use callbox_domain::{AppId, CallId, Timestamp};
use callbox_storage::{StoreResult, Tx};
use callbox_wire::{ApiError, ErrorCode};

use super::book::LiveCalls;
use crate::Service;

impl Service {
    /// Lets time pass in every call whose deadline has come. Call it often; it costs nothing when none has.
    pub async fn run_call_timers(&self) {
        for (app, call) in self.calls.take_due(self.clock.now()) {
            self.look_at_call(app, &call).await;
        }
    }

    /// Brings a call up to date. A store that fails is logged, and the timers try again.
    pub(super) async fn look_at_call(&self, app: AppId, call: &CallId) {
        if let Err(error) = self.settle_call(app, call.clone()).await {
            self.try_again(app, call, &error);
        }
    }

    /// Has the timers look at a call that could not be told what happened.
    pub(super) fn try_again(&self, app: AppId, call: &CallId, error: &ApiError) {
        tracing::warn!(%call, code = error.code.name(), "a call could not be told what happened");
        if matches!(error.code, ErrorCode::Overloaded | ErrorCode::StoreUnavailable) {
            self.calls.look_at(app, call, self.clock.now().plus(RETRY));
        }
    }
}

/// States everything around a call as it is at this moment. It runs inside the write, so that of several the last one
/// knows the most; in whichever order they were asked for.
pub(super) fn settle(
    tx: &mut dyn Tx,
    app: AppId,
    call: &mut Call,
    now: Timestamp,
    book: &LiveCalls,
) -> StoreResult<Vec<Output>> {
    let mut inputs = Vec::new();
    let legs = call.view().into_iter().flat_map(|view| std::iter::once(view.caller).chain(view.accepted_by));
    for connection in legs {
        let session = tx.session(app, &connection.session_id)?;
        if session.is_some_and(|session| session.check(now).is_err()) {
            inputs.push(Input::SessionEnded { session_id: connection.session_id.clone() });
        }
        inputs.push(if book.has_socket(app, &connection) {
            Input::ConnectionBack { connection }
        } else {
            Input::ConnectionLost { connection }
        });
    }
    inputs.push(Input::Tick);
    // What the server states is never refused.
    Ok(inputs.into_iter().flat_map(|input| call.handle(now, input).unwrap_or_default()).collect())
}

/// How long to leave a store alone that did not answer.
const RETRY: Duration = Duration::from_secs(1);
