//! A user's sessions, as a manager sees and ends them.

use callbox_domain::{SessionEndReason, SessionId, UserId};
use callbox_wire::ErrorCode;
use serde_json::json;

use super::{Change, existing_user};
use crate::audit::Actor;
use crate::caller::Manager;
use crate::error::{Refusal, written};
use crate::sessions::{Ended, OpenSession, end_all_of};
use crate::{Service, ServiceResult};

impl Service {
    /// A user's open sessions, the one used last first.
    ///
    /// Errors: `user_not_found`.
    pub async fn list_user_sessions(
        &self,
        manager: &Manager,
        user_id: UserId,
    ) -> ServiceResult<Vec<OpenSession>> {
        let (app, id) = (manager.app_id(), user_id.clone());
        self.look_up(move |store| existing_user(store, app, &id)).await?;
        self.open_sessions_of(app, &user_id).await
    }

    /// Ends every session of a user; how many.
    ///
    /// Errors: `user_not_found`.
    pub async fn end_user_sessions(&self, manager: &Manager, user_id: UserId) -> ServiceResult<u32> {
        let change = Change::new(manager, &user_id, self.clock.now());
        let reason = reason_of(manager.actor);
        let ended = self.store.write(move |tx| {
            change.user(tx)?;
            let ended = end_all_of(tx, change.app, &change.user_id, None, change.now, reason)?;
            if !ended.is_empty() {
                change.note(tx, "user.sessions_ended", &json!({ "endedSessions": ended.len() }))?;
            }
            Ok::<_, Refusal>(ended)
        });
        let ended = written(ended.await)?;
        self.tell_ended(manager.app_id(), &ended).await;
        Ok(u32::try_from(ended.len()).unwrap_or(u32::MAX))
    }

    /// Ends one session of a user.
    ///
    /// Errors: `user_not_found`, `session_not_found`.
    pub async fn end_user_session(
        &self,
        manager: &Manager,
        user_id: UserId,
        session_id: SessionId,
    ) -> ServiceResult<()> {
        let change = Change::new(manager, &user_id, self.clock.now());
        let reason = reason_of(manager.actor);
        let id = session_id.clone();
        let ended = self.store.write(move |tx| {
            change.user(tx)?;
            let session = tx.session(change.app, &id)?;
            let is_theirs = session.is_some_and(|session| session.user_id == change.user_id);
            if !(is_theirs && tx.end_session(change.app, &id, change.now, reason)?) {
                return Err(ErrorCode::SessionNotFound.into());
            }
            change.note(tx, "user.session_ended", &json!({ "sessionId": id.as_str() }))
        });
        written(ended.await)?;
        self.tell_ended(manager.app_id(), &[Ended { user_id, session_id, reason }]).await;
        Ok(())
    }
}

/// What users are told of whoever ended their sessions.
fn reason_of(actor: Actor) -> SessionEndReason {
    match actor {
        Actor::App => SessionEndReason::EndedByApp,
        Actor::Operator | Actor::CommandLine => SessionEndReason::EndedByOperator,
    }
}
