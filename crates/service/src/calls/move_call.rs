//! One input to one call: a single write.

use std::sync::Arc;

use callbox_call_proto::{Call, IllegalMove, Input, Output, ServerCause};
use callbox_domain::{AppId, CallId, Event, UserId};
use callbox_storage::Tx;
use callbox_wire::{ApiError, ErrorCode, ServerFrame};

use super::timers::settle;
use super::{call_ended, machine};
use crate::error::{Refusal, read, written};
use crate::{Service, ServiceResult};

/// A call after a move, and what follows.
pub(super) struct Moved {
    pub(super) call: Call,
    pub(super) outputs: Vec<Output>,
}

impl Service {
    /// Hands an input to a call, keeps what follows, and tells it. `signal` makes the frame to keep for an input that is
    /// a signal, given its number.
    pub(super) async fn move_call(
        &self,
        app: AppId,
        id: CallId,
        input: Input,
        signal: Option<SignalFrame>,
    ) -> ServiceResult<Moved> {
        let now = self.clock.now();
        let kept = signal.clone();
        let moved = self.store.write(move |tx| {
            let mut call = call_in(tx, app, &id)?;
            let outputs = call.handle(now, input).map_err(refuse)?;
            keep(tx, app, &call, &outputs, kept.as_ref())?;
            Ok::<_, Refusal>(Moved { call, outputs })
        });
        let moved = written(moved.await)?;
        self.tell(app, &moved, signal.as_ref());
        Ok(moved)
    }

    /// Ends every live call of a user, who is about to be no more.
    pub(crate) async fn end_calls_of(&self, app: AppId, user: &UserId) -> ServiceResult<()> {
        let of = user.clone();
        let live = read(self.store.read(move |store| store.live_calls_of(app, &of)).await)?;
        for call in live {
            let input = Input::ServerEnd { cause: ServerCause::ServerEnded };
            match self.move_call(app, call.id, input, None).await {
                // It ended by itself in between.
                Err(error) if error.code != ErrorCode::CallEnded => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Brings a call up to date with what happens around it, keeps what follows, and tells it.
    pub(super) async fn settle_call(&self, app: AppId, id: CallId) -> ServiceResult<()> {
        let (now, book) = (self.clock.now(), self.calls.clone());
        let moved = self.store.write(move |tx| {
            let mut call = call_in(tx, app, &id)?;
            let outputs = settle(tx, app, &mut call, now, &book)?;
            keep(tx, app, &call, &outputs, None)?;
            Ok::<_, Refusal>(Moved { call, outputs })
        });
        let moved = written(moved.await)?;
        self.tell(app, &moved, None);
        Ok(())
    }
}

fn call_in(tx: &dyn Tx, app: AppId, id: &CallId) -> Result<Call, Refusal> {
    machine(&tx.call(app, id)?.ok_or(ErrorCode::CallNotFound)?)
}

/// Makes a signal's frame from its number.
pub(super) type SignalFrame = Arc<dyn Fn(u32) -> ServerFrame + Send + Sync>;

/// Writes a call as it stands after a move, with what follows from the move.
pub(super) fn keep(
    tx: &mut dyn Tx,
    app: AppId,
    call: &Call,
    outputs: &[Output],
    signal: Option<&SignalFrame>,
) -> Result<(), Refusal> {
    let record = call.to_record(app);
    tx.update_call(&record)?;
    for output in outputs {
        match output {
            Output::Record(line) => tx.append_call_event(app, call.id(), line)?,
            Output::Signal(kept) => {
                if let Some(frame) = signal {
                    tx.append_call_signal(app, call.id(), &frame(kept.number).to_text())?;
                }
            }
            Output::Ended(_) => {
                let Some(summary) = record.summary() else { continue };
                let at = summary.ended_at;
                let event = Arc::new(Event::CallEnded(summary));
                for user in [call.caller_id(), call.callee_id()] {
                    tx.append_event(app, user, &event, at)?;
                }
            }
            Output::Ringing | Output::Accepted { .. } | Output::Connected { .. } | Output::Muted { .. } => {}
        }
    }
    Ok(())
}

/// What a refused move is called outside.
pub(super) fn refuse(refusal: IllegalMove) -> Refusal {
    let code = match refusal {
        IllegalMove::NotInCall => return ErrorCode::CallNotFound.into(),
        IllegalMove::CalledThemselves => {
            return ApiError::invalid_field("calleeId", "a user cannot call themselves").into();
        }
        IllegalMove::NotTheCallee | IllegalMove::NotTheCallersLeg | IllegalMove::NotAnswered => {
            ErrorCode::CallNotPossible
        }
        IllegalMove::AlreadyAnswered => ErrorCode::CallAnsweredElsewhere,
        IllegalMove::GenerationFull { .. } | IllegalMove::SignalsSpent => ErrorCode::CallSignalsFull,
        IllegalMove::Ended { cause } => return call_ended(cause).into(),
    };
    let text = refusal.to_string();
    let mut letters = text.chars();
    let sentence: String = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
    ApiError::with_message(code, format!("{sentence}.")).into()
}
