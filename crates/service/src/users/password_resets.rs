//! Tokens by which a user sets a new password.

use std::time::Duration;

use callbox_domain::{CredentialKind, OneTimePurpose, OneTimeToken, Secret, Timestamp, UserId};
use callbox_wire::{ApiError, ErrorCode};
use serde_json::json;

use super::Change;
use crate::caller::Manager;
use crate::error::{Refusal, written};
use crate::generated::{random_secret, sha256};
use crate::{Service, ServiceResult};

/// How long a token for a new password is good.
pub const PASSWORD_RESET_LIFE: Duration = Duration::from_hours(1);

/// What the manager sends to the user.
#[derive(Debug, Clone)]
pub struct PasswordReset {
    /// The token, of which only a hash is kept.
    pub token: Secret<String>,
    /// From this moment on it is refused.
    pub expires_at: Timestamp,
}

impl Service {
    /// Issues a token by which the user sets a new password, once. An older one no longer works.
    ///
    /// Errors: `user_not_found`, `sign_in_way_off`.
    pub async fn issue_password_reset(
        &self,
        manager: &Manager,
        user_id: UserId,
    ) -> ServiceResult<PasswordReset> {
        if !manager.app.now().settings.password_sign_in {
            let way = CredentialKind::Password.as_str();
            return Err(ApiError::new(ErrorCode::SignInWayOff).detail("credential", way));
        }
        let change = Change::new(manager, &user_id, self.clock.now());
        let token = random_secret(PASSWORD_RESET_PREFIX, self.random.as_ref());
        let expires_at = change.now.plus(PASSWORD_RESET_LIFE);
        let kept = OneTimeToken {
            hash: sha256(token.expose()),
            purpose: OneTimePurpose::PasswordReset,
            user_id: user_id.clone(),
            expires_at,
        };
        let issued = self.store.write(move |tx| {
            change.user(tx)?;
            tx.insert_one_time_token(change.app, &kept)?;
            change.note(tx, "user.password_reset_issued", &json!({}))?;
            Ok::<_, Refusal>(())
        });
        written(issued.await)?;
        let (key, by) = (&manager.app.now().key, manager.actor.as_str());
        tracing::info!(app = %key, user = %user_id, by, "password reset issued");
        Ok(PasswordReset { token, expires_at })
    }
}

const PASSWORD_RESET_PREFIX: &str = "cbr_";
