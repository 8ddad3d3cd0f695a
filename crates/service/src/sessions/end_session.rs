//! Ends sessions: their tokens are refused and their connections are closed from now on.

use callbox_bus::Notice;
use callbox_domain::{AppId, EndedSession, SessionEndReason, SessionId, UserId};
use callbox_storage::Tx;
use callbox_wire::{CloseCode, ErrorCode};

use crate::error::{Refusal, read, written};
use crate::{Caller, Service, ServiceResult};

/// A session that was just ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ended {
    pub user_id: UserId,
    pub session_id: SessionId,
    pub reason: SessionEndReason,
}

impl Service {
    /// Signs the caller's session out.
    pub async fn sign_out(&self, caller: &Caller) -> ServiceResult<()> {
        let (session, reason) = (caller.session_id.clone(), SessionEndReason::SignedOut);
        self.end_session_of(caller.app_id(), &caller.user_id, session, reason).await.map(drop)
    }

    /// Ends one of the caller's sessions from another.
    ///
    /// Errors: `session_not_found`.
    pub async fn end_own_session(&self, caller: &Caller, session: SessionId) -> ServiceResult<()> {
        let reason = if session == caller.session_id {
            SessionEndReason::SignedOut
        } else {
            SessionEndReason::EndedByUser
        };
        if self.end_session_of(caller.app_id(), &caller.user_id, session, reason).await? {
            Ok(())
        } else {
            Err(ErrorCode::SessionNotFound.into())
        }
    }

    /// Ends all of the caller's sessions but the one that asks; how many.
    pub async fn end_other_sessions(&self, caller: &Caller) -> ServiceResult<u32> {
        let (app, user, keep) = (caller.app_id(), caller.user_id.clone(), Some(caller.session_id.clone()));
        self.end_sessions_of(app, user, keep, SessionEndReason::EndedByUser).await
    }

    /// Ends an open session of a user; `false` when there is none of this id.
    pub(crate) async fn end_session_of(
        &self,
        app: AppId,
        user: &UserId,
        session: SessionId,
        reason: SessionEndReason,
    ) -> ServiceResult<bool> {
        let now = self.clock.now();
        let (owner, id) = (user.clone(), session.clone());
        let ended = self.store.write(move |tx| {
            let is_theirs = tx.session(app, &id)?.is_some_and(|session| session.user_id == owner);
            Ok::<_, Refusal>(is_theirs && tx.end_session(app, &id, now, reason)?)
        });
        let ended = written(ended.await)?;
        if ended {
            self.tell_ended(app, &[Ended { user_id: user.clone(), session_id: session, reason }]).await;
        }
        Ok(ended)
    }

    /// Ends every open session of a user but `keep`; how many.
    pub(crate) async fn end_sessions_of(
        &self,
        app: AppId,
        user: UserId,
        keep: Option<SessionId>,
        reason: SessionEndReason,
    ) -> ServiceResult<u32> {
        let now = self.clock.now();
        let ended = self
            .store
            .write(move |tx| Ok::<_, Refusal>(end_all_of(tx, app, &user, keep.as_ref(), now, reason)?));
        let ended = written(ended.await)?;
        self.tell_ended(app, &ended).await;
        Ok(u32::try_from(ended.len()).unwrap_or(u32::MAX))
    }

    /// Ends every open session of an app, a few hundred in each write; how many.
    pub(crate) async fn end_sessions_of_app(
        &self,
        app: AppId,
        reason: SessionEndReason,
    ) -> ServiceResult<u32> {
        let (mut count, mut last) = (0, None);
        loop {
            let (now, after) = (self.clock.now(), last);
            let ended = self.store.write(move |tx| {
                let mut ended = Vec::new();
                for session in tx.open_sessions(app, after.as_ref(), SESSIONS_PER_WRITE)? {
                    tx.end_session(app, &session.id, now, reason)?;
                    ended.push(Ended { user_id: session.user_id, session_id: session.id, reason });
                }
                Ok::<_, Refusal>(ended)
            });
            let ended = written(ended.await)?;
            if ended.is_empty() {
                return Ok(count);
            }
            // Whoever signs in behind this place meanwhile was let in on purpose.
            last = ended.last().map(|session| session.session_id.clone());
            self.tell_ended(app, &ended).await;
            count += u32::try_from(ended.len()).unwrap_or(u32::MAX);
        }
    }

    /// Lets go of whoever used these sessions: sockets by the bus, relayed media and calls at once.
    pub(crate) async fn tell_ended(&self, app_id: AppId, ended: &[Ended]) {
        for Ended { user_id, session_id, reason } in ended {
            tracing::info!(app = %app_id, user = %user_id, session = %session_id, reason = reason.as_str(), "session ended");
            self.media.end_session(session_id);
            self.relaying.forget(session_id);
            self.bus.publish(Notice::SessionEnded {
                app_id,
                user_id: user_id.clone(),
                session_id: session_id.clone(),
                code: close_code(*reason),
            });
        }
        for Ended { user_id, session_id, .. } in ended {
            self.session_left_calls(app_id, user_id, session_id).await;
        }
    }

    /// What the list of ended sessions says after this number: for nodes, which close sockets that the bus forgot. The
    /// node's relay is told here, for ends that other nodes wrote, or that were written for a client who had gone.
    pub async fn heed_ended_sessions(&self, number: u64) -> ServiceResult<Vec<EndedSession>> {
        let ended = self.store.read(move |store| store.ended_sessions_after(number, SESSIONS_PER_WRITE));
        let ended = read(ended.await)?;
        for session in &ended {
            self.media.end_session(&session.session_id);
            self.relaying.forget(&session.session_id);
        }
        Ok(ended)
    }

    /// Where the list of ended sessions ends at this moment.
    pub async fn newest_ended_session(&self) -> ServiceResult<u64> {
        read(self.store.read(|store| store.newest_ended_session()).await)
    }
}

/// Ends every open session of a user but `keep`, inside a write.
pub(crate) fn end_all_of(
    tx: &mut dyn Tx,
    app: AppId,
    user: &UserId,
    keep: Option<&SessionId>,
    now: callbox_domain::Timestamp,
    reason: SessionEndReason,
) -> Result<Vec<Ended>, callbox_storage::StoreError> {
    let mut ended = Vec::new();
    for session in tx.open_sessions_of(app, user)? {
        if keep != Some(&session.id) && tx.end_session(app, &session.id, now, reason)? {
            ended.push(Ended { user_id: session.user_id, session_id: session.id, reason });
        }
    }
    Ok(ended)
}

/// What the sockets of a session are told.
pub fn close_code(reason: SessionEndReason) -> CloseCode {
    match reason {
        SessionEndReason::AppDisabled => CloseCode::AppDisabled,
        _ => CloseCode::SessionEnded,
    }
}

/// Sessions that are ended, or read, at once.
const SESSIONS_PER_WRITE: u32 = 500;
