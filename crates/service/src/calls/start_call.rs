//! Starts a call.

use std::sync::Arc;
use std::time::Duration;

use callbox_call_proto::{Call, Input, Output, StartCall, Timers, glare};
use callbox_domain::{AppId, CallId, CallMedia, CallRecord, ConnectionId, Timestamp, UserId};
use callbox_storage::Tx;
use callbox_wire::frame::CallIncoming;
use callbox_wire::{ApiError, ErrorCode};

use super::move_call::{Moved, keep, refuse};
use super::{JoinedCall, call_ended, endpoint, machine, wire_call};
use crate::error::{Refusal, written};
use crate::{Caller, Service, ServiceResult};

/// Live calls that one user may be in at once.
pub const LIVE_CALLS_PER_USER_MAX: usize = 10;

/// What a caller asks for.
#[derive(Debug, Clone)]
pub struct StartRequest {
    /// Chosen by the caller; unique in the app.
    pub call_id: CallId,
    /// Whom to call.
    pub callee_id: UserId,
    /// What it is to carry.
    pub media: CallMedia,
    /// How long it may ring; the app's limit holds all the same.
    pub ring: Option<Duration>,
}

/// What became of a start.
enum Start {
    /// It is a new call.
    New(Moved),
    /// The other user was calling at the same moment: the two are one call now, accepted by the newcomer.
    Met(Moved),
    /// The caller asked before and gets the same answer.
    Again(Call),
}

impl Service {
    /// Calls a user from one connection of the caller. A repeat of the same start is answered as the first time.
    ///
    /// Errors: `user_not_found`, `call_id_taken`, `call_ended` (a repeat after the end), `call_limit_reached`,
    /// `invalid_request` (calling oneself).
    pub async fn start_call(
        &self,
        caller: &Caller,
        connection_id: &ConnectionId,
        request: StartRequest,
    ) -> ServiceResult<JoinedCall> {
        let (app, now) = (caller.app_id(), self.clock.now());
        let allowed = Duration::from_secs(u64::from(caller.app.now().settings.ring_seconds));
        let start = StartCall {
            id: request.call_id,
            caller: endpoint(caller, connection_id),
            callee_id: request.callee_id,
            media: request.media,
            timers: Timers::default().with_ring(request.ring, allowed),
        };
        let from = start.caller.clone();
        let started = self.store.write(move |tx| start_in(tx, app, now, start));
        let call = match written(started.await)? {
            Start::Again(call) => call,
            Start::Met(moved) => {
                self.tell(app, &moved, None);
                moved.call
            }
            Start::New(moved) => {
                self.tell(app, &moved, None);
                self.ring(caller, &moved.call);
                moved.call
            }
        };
        self.check_leg(app, call.id(), &from).await;
        self.joined(app, &call, &from).await
    }

    fn ring(&self, caller: &Caller, call: &Call) {
        let Some(view) = call.view() else { return };
        let frame = CallIncoming { call: wire_call(&view) };
        tracing::info!(call = %view.id, caller = %view.caller.user_id, callee = %view.callee_id, "call started");
        self.tell_user(caller.app_id(), &view.callee_id, &Arc::new(frame.into()));
    }
}

fn start_in(tx: &mut dyn Tx, app: AppId, now: Timestamp, start: StartCall) -> Result<Start, Refusal> {
    if let Some(record) = tx.call(app, &start.id)? {
        return repeat(&record, &start);
    }
    for user in [&start.callee_id, &start.caller.user_id] {
        if tx.user(app, user)?.is_none() || tx.is_being_erased(app, user)? {
            return Err(ApiError::new(ErrorCode::UserNotFound).detail("userId", user.as_str()).into());
        }
    }
    let live = tx.live_calls_of(app, &start.caller.user_id)?;
    for record in &live {
        let mut existing = machine(record)?;
        if glare(&existing, &start.caller.user_id, &start.callee_id) {
            let outputs = existing.handle(now, Input::Accept { from: start.caller }).map_err(refuse)?;
            keep(tx, app, &existing, &outputs, None)?;
            return Ok(Start::Met(Moved { call: existing, outputs }));
        }
        if has_met(&existing, &start) {
            return Ok(Start::Again(existing));
        }
    }
    let is_full = |calls: usize| calls >= LIVE_CALLS_PER_USER_MAX;
    if is_full(live.len()) || is_full(tx.live_calls_of(app, &start.callee_id)?.len()) {
        return Err(ErrorCode::CallLimitReached.into());
    }
    let (call, outputs) = Call::start(now, start).map_err(refuse)?;
    tx.insert_call(&call.to_record(app))?;
    for output in &outputs {
        if let Output::Record(line) = output {
            tx.append_call_event(app, call.id(), line)?;
        }
    }
    Ok(Start::New(Moved { call, outputs }))
}

fn repeat(record: &CallRecord, start: &StartCall) -> Result<Start, Refusal> {
    let call = machine(record)?;
    let same = record.caller_id == start.caller.user_id
        && record.callee_id == start.callee_id
        && record.media == start.media;
    match (call.view(), call.end()) {
        (Some(view), _) if same && view.caller == start.caller => Ok(Start::Again(call)),
        (None, Some(end)) if same => Err(call_ended(end.cause).into()),
        _ => Err(ErrorCode::CallIdTaken.into()),
    }
}

/// Whether a start repeats one that met `existing`: its connection has answered the other user's call by then.
fn has_met(existing: &Call, start: &StartCall) -> bool {
    let answered = existing.view().and_then(|view| view.accepted_by);
    *existing.caller_id() == start.callee_id && answered.as_ref() == Some(&start.caller)
}
