//! Long-lived credentials that a manager issues to a user.

use std::time::Duration;

use callbox_domain::random::random_text;
use callbox_domain::{AccessToken, Secret, UserId};
use callbox_wire::{ApiError, ErrorCode};
use serde_json::json;

use super::{Change, existing_user};
use crate::caller::Manager;
use crate::error::{Refusal, written};
use crate::generated::{random_secret, sha256};
use crate::{Service, ServiceResult};

/// Access tokens that one user may have, expired ones among them.
pub const ACCESS_TOKENS_PER_USER_MAX: usize = 20;

/// A new access token, with the one copy of its secret.
#[derive(Debug, Clone)]
pub struct IssuedAccessToken {
    /// What the user signs in with.
    pub secret: Secret<String>,
    /// What is kept of it.
    pub token: AccessToken,
}

impl Service {
    /// Issues an access token, good for `life` or until it is revoked.
    ///
    /// Errors: `user_not_found`, `access_token_limit_reached`, `invalid_request`.
    pub async fn issue_access_token(
        &self,
        manager: &Manager,
        user_id: UserId,
        life: Option<Duration>,
    ) -> ServiceResult<IssuedAccessToken> {
        if life.is_some_and(|life| life.is_zero()) {
            return Err(ApiError::invalid_field("expiresIn", "at least 1 second"));
        }
        let change = Change::new(manager, &user_id, self.clock.now());
        let secret = random_secret(ACCESS_TOKEN_PREFIX, self.random.as_ref());
        let token = AccessToken {
            id: format!("tok_{}", random_text(self.random.as_ref(), 10)),
            user_id,
            prefix: secret.expose().chars().take(PREFIX_SHOWN).collect(),
            hash: sha256(secret.expose()),
            created_at: change.now,
            expires_at: life.map(|life| change.now.plus(life)),
        };
        let kept = token.clone();
        let issued = self.store.write(move |tx| {
            change.user(tx)?;
            if tx.access_tokens_of(change.app, &change.user_id)?.len() >= ACCESS_TOKENS_PER_USER_MAX {
                let error = ApiError::new(ErrorCode::AccessTokenLimitReached);
                return Err(error.detail("accessTokensPerUserMax", ACCESS_TOKENS_PER_USER_MAX).into());
            }
            tx.insert_access_token(change.app, &kept)?;
            change.note(tx, "user.access_token_issued", &json!({ "tokenId": kept.id }))
        });
        written(issued.await)?;
        let (key, by) = (&manager.app.now().key, manager.actor.as_str());
        tracing::info!(app = %key, user = %token.user_id, token = token.id, by, "access token issued");
        Ok(IssuedAccessToken { secret, token })
    }

    /// A user's access tokens, oldest first.
    ///
    /// Errors: `user_not_found`.
    pub async fn list_access_tokens(
        &self,
        manager: &Manager,
        user_id: UserId,
    ) -> ServiceResult<Vec<AccessToken>> {
        let app = manager.app_id();
        self.look_up(move |store| {
            existing_user(store, app, &user_id)?;
            Ok(store.access_tokens_of(app, &user_id)?)
        })
        .await
    }

    /// Revokes an access token: it opens no more sessions, and those that it opened are not renewed once the user has
    /// no other.
    ///
    /// Errors: `user_not_found`, `access_token_not_found`.
    pub async fn revoke_access_token(
        &self,
        manager: &Manager,
        user_id: UserId,
        token_id: String,
    ) -> ServiceResult<()> {
        let change = Change::new(manager, &user_id, self.clock.now());
        let id = token_id.clone();
        let revoked = self.store.write(move |tx| {
            change.user(tx)?;
            if !tx.remove_access_token(change.app, &change.user_id, &id)? {
                return Err(Refusal::from(ErrorCode::AccessTokenNotFound));
            }
            change.note(tx, "user.access_token_revoked", &json!({ "tokenId": id }))
        });
        written(revoked.await)?;
        let (key, by) = (&manager.app.now().key, manager.actor.as_str());
        tracing::info!(app = %key, user = %user_id, token = token_id, by, "access token revoked");
        Ok(())
    }
}

const ACCESS_TOKEN_PREFIX: &str = "cba_";

/// Characters of a token that lists show; of its 256 bits they give away 36.
const PREFIX_SHOWN: usize = ACCESS_TOKEN_PREFIX.len() + 6;
