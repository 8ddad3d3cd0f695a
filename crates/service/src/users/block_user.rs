//! Keeps a user out, and lets them in again.

use callbox_domain::{SessionEndReason, UserId};
use serde_json::json;

use super::{Change, ManagedUser, with_identities};
use crate::caller::Manager;
use crate::error::{Refusal, written};
use crate::sessions::end_all_of;
use crate::{Service, ServiceResult};

impl Service {
    /// Blocks a user, whose sessions end in the same moment, or lets them in again. A repeat changes nothing.
    ///
    /// Errors: `user_not_found`.
    pub async fn set_user_blocked(
        &self,
        manager: &Manager,
        user_id: UserId,
        blocked: bool,
    ) -> ServiceResult<ManagedUser> {
        let change = Change::new(manager, &user_id, self.clock.now());
        let done = self.store.write(move |tx| {
            let mut user = change.user(tx)?;
            let app = change.app;
            let mut ended = Vec::new();
            let changes = user.blocked_at.is_some() != blocked;
            if changes {
                user.blocked_at = blocked.then_some(change.now);
                tx.set_user_blocked(app, &user.id, user.blocked_at)?;
                if blocked {
                    let reason = SessionEndReason::UserBlocked;
                    ended = end_all_of(tx, app, &user.id, None, change.now, reason)?;
                }
                let action = if blocked { "user.blocked" } else { "user.unblocked" };
                change.note(tx, action, &json!({ "endedSessions": ended.len() }))?;
            }
            Ok::<_, Refusal>((with_identities(tx, app, user)?, ended, changes))
        });
        let (user, ended, changed) = written(done.await)?;
        if changed {
            let (key, by) = (&manager.app.now().key, manager.actor.as_str());
            tracing::info!(app = %key, user = %user_id, by, blocked, "user blocked or let in again");
        }
        self.tell_ended(manager.app_id(), &ended).await;
        Ok(user)
    }
}
