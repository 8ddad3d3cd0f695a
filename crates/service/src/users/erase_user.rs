//! Erases a user: everything of theirs, and their name out of everything that others keep.
//!
//! The first write ends the user's sessions and marks the user as being erased. From then on nobody can sign in as them,
//! write to them or call them, and to managers they no longer exist. What follows is done in small writes, between
//! which others have their turn. Whatever stops it in the middle, a crash or a client that hung up, it goes on from
//! where it was: with a repeat of the request, or with the next round of [`Service::finish_erasures`].

use callbox_domain::{AppId, SessionEndReason, UserId};
use serde_json::json;

use super::{Change, user_not_found};
use crate::caller::Manager;
use crate::error::{Refusal, read, written};
use crate::sessions::end_all_of;
use crate::{Service, ServiceResult};

impl Service {
    /// Erases a user. Others keep their conversations and calls with them, under a random id that stands for a deleted
    /// user and without the user's texts. Whoever gets the same id later is somebody else.
    ///
    /// Errors: `user_not_found`.
    pub async fn erase_user(&self, manager: &Manager, user_id: UserId) -> ServiceResult<()> {
        let tombstone = UserId::tombstone(self.random.as_ref());
        let change = Change::new(manager, &user_id, self.clock.now());
        let begun = self.store.write(move |tx| {
            let (app, user, now) = (change.app, &change.user_id, change.now);
            let is_repeat = tx.is_being_erased(app, user)?;
            if !tx.begin_erasure(app, user, &tombstone, now)? {
                return Err(user_not_found(user).into());
            }
            let ended = end_all_of(tx, app, user, None, now, SessionEndReason::UserDeleted)?;
            if !is_repeat {
                // The last part puts the tombstone here, so that the log does not keep the name.
                change.note(tx, "user.deleted", &json!({ "endedSessions": ended.len() }))?;
            }
            Ok::<_, Refusal>(ended)
        });
        let ended = written(begun.await)?;
        let (key, by) = (&manager.app.now().key, manager.actor.as_str());
        tracing::info!(app = %key, user = %user_id, by, "user is being erased");
        self.tell_ended(manager.app_id(), &ended).await;
        self.finish_erasure(manager.app_id(), user_id).await
    }

    /// Goes on with the erasures that were stopped in the middle; call it about once a minute.
    pub async fn finish_erasures(&self) {
        let begun = read(self.store.read(|store| store.erasures(ERASURES_PER_ROUND)).await);
        for (app, user) in begun.unwrap_or_default() {
            if let Err(error) = self.finish_erasure(app, user).await {
                tracing::warn!(%app, code = error.code.name(), "a user could not be erased; trying again later");
            }
        }
    }

    /// Several at once do each other no harm: each part stands alone, and after the last one there is nothing to do,
    /// even for a new user of the same id.
    async fn finish_erasure(&self, app: AppId, user: UserId) -> ServiceResult<()> {
        self.end_calls_of(app, &user).await?;
        loop {
            let whose = user.clone();
            let part =
                self.store.write(move |tx| Ok::<_, Refusal>(tx.erase_part(app, &whose, ROWS_PER_WRITE)?));
            if !written(part.await)? {
                tracing::info!(%app, "user erased");
                return Ok(());
            }
        }
    }
}

/// Rows that change in one write; other writes come between two.
const ROWS_PER_WRITE: u32 = 500;

/// Users who are erased in one round; the others wait for the next.
const ERASURES_PER_ROUND: u32 = 100;
