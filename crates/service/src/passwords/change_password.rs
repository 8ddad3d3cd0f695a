//! A user changes the password, or sets a new one with a reset token.

use callbox_domain::{
    AppKey, ClientAddress, CredentialKind, OneTimePurpose, PasswordRecord, Secret, SessionEndReason,
    SessionId, UserId,
};
use callbox_storage::Tx;
use callbox_wire::{ApiError, ErrorCode};

use crate::error::{Refusal, read, written};
use crate::generated::sha256;
use crate::sessions::prove::check_way;
use crate::sessions::{Ended, check_app_origin, end_all_of};
use crate::{Caller, Service, ServiceResult};

/// A new password by a reset token.
#[derive(Debug, Clone)]
pub struct ResetPassword {
    /// Which app.
    pub app_key: AppKey,
    /// The token that the app's backend sent to the user.
    pub token: Secret<String>,
    /// The new password.
    pub new_password: Secret<String>,
    /// The web origin that asks, if any.
    pub origin: Option<String>,
}

impl Service {
    /// Changes the caller's password and ends the caller's other sessions. A user who has none yet needs no current one.
    ///
    /// Errors: `sign_in_way_off`, `credentials_wrong`, `password_weak`, `rate_limited`, `overloaded`.
    pub async fn change_password(
        &self,
        caller: &Caller,
        current: Option<Secret<String>>,
        new: Secret<String>,
        address: Option<ClientAddress>,
    ) -> ServiceResult<()> {
        let app = caller.app.now();
        check_way(&app, CredentialKind::Password)?;
        let (app_id, user) = (app.id, caller.user_id.clone());
        let found = self
            .store
            .read(move |store| Ok((store.password(app_id, &user)?, store.identities_of(app_id, &user)?)));
        let (record, identities) = read(found.await)?;
        if identities.is_empty() {
            return Err(ApiError::invalid_field("newPassword", "add an identity first, to sign in with it"));
        }
        if let Some(record) = &record {
            let account = format!("{app_id}|user|{}", caller.user_id);
            let attempt = self.guessing.check(&account, address, true)?;
            let current = current.ok_or_else(|| ApiError::invalid_field("currentPassword", "is missing"))?;
            if !self.passwords.verify(current, Some(record.hash.clone())).await? {
                attempt.failed();
                return Err(ErrorCode::CredentialsWrong.into());
            }
            attempt.succeeded();
        }
        let names = identities.into_iter().map(|identity| identity.value).collect();
        let hash = self.passwords.hash_chosen(new, names, self.random.as_ref()).await?;
        let (user, keep, before) =
            (caller.user_id.clone(), caller.session_id.clone(), record.map(|one| one.hash));
        let now = self.clock.now();
        let changed = self.store.write(move |tx| {
            // Of two changes at once, one proved a password that is no longer the user's.
            if tx.password(app_id, &user)?.map(|one| one.hash) != before {
                return Err(ErrorCode::CredentialsWrong.into());
            }
            set(tx, app_id, PasswordRecord { user_id: user, hash, changed_at: now }, Some(&keep))
        });
        let ended = written(changed.await)?;
        tracing::info!(app = %app.key, user = %caller.user_id, "password changed");
        self.tell_ended(app_id, &ended).await;
        Ok(())
    }

    /// Sets a new password by a token that is good for one hour and one use, and ends all of the user's sessions.
    ///
    /// Errors: `app_key_unknown`, `sign_in_way_off`, `origin_not_allowed`, `one_time_token_unknown`, `password_weak`,
    /// `overloaded`.
    pub async fn reset_password(&self, request: ResetPassword) -> ServiceResult<()> {
        let app = self.find_app(&request.app_key).await?;
        check_way(&app, CredentialKind::Password)?;
        check_app_origin(&app.settings, request.origin.as_deref())?;
        let (app_id, hash, now) = (app.id, sha256(request.token.expose()), self.clock.now());
        let found = self.store.read(move |store| {
            let token = store.one_time_token(app_id, &hash)?;
            let good =
                token.filter(|one| one.purpose == OneTimePurpose::PasswordReset && now < one.expires_at);
            let Some(token) = good else { return Ok(None) };
            Ok(Some((store.identities_of(app_id, &token.user_id)?, token)))
        });
        // Looked at before hashing, so that a guessed token costs the server nothing.
        let (identities, token) = read(found.await)?.ok_or(ErrorCode::OneTimeTokenUnknown)?;
        let names = identities.into_iter().map(|identity| identity.value).collect();
        let phc = self.passwords.hash_chosen(request.new_password, names, self.random.as_ref()).await?;
        let user: UserId = token.user_id;
        let owner = user.clone();
        let reset = self.store.write(move |tx| {
            let token = tx.take_one_time_token(app_id, &hash)?;
            if token.is_none_or(|token| now >= token.expires_at) {
                return Err(ErrorCode::OneTimeTokenUnknown.into());
            }
            set(tx, app_id, PasswordRecord { user_id: owner, hash: phc, changed_at: now }, None)
        });
        let ended = written(reset.await)?;
        tracing::info!(app = %app.key, %user, "password reset");
        self.tell_ended(app_id, &ended).await;
        Ok(())
    }
}

fn set(
    tx: &mut dyn Tx,
    app: callbox_domain::AppId,
    password: PasswordRecord,
    keep: Option<&SessionId>,
) -> Result<Vec<Ended>, Refusal> {
    tx.set_password(app, &password)?;
    let reason = SessionEndReason::PasswordChanged;
    Ok(end_all_of(tx, app, &password.user_id, keep, password.changed_at, reason)?)
}
