//! Checks signed requests, and the app backends that send them or their secret.

use callbox_domain::{AppId, AppKey, Secret, UsedOnce};
use callbox_storage::Created;
use callbox_wire::ErrorCode;
use subtle::ConstantTimeEq as _;

use super::SessionSecret;
use crate::audit::Actor;
use crate::caller::Manager;
use crate::error::{Refusal, read, written};
use crate::signature::{SignedRequest, Signer};
use crate::{Caller, Service, ServiceResult};

/// Whether the same signed request may come again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// It changes nothing, or what it makes has an id of the client's own, so that a repeat gets the first answer.
    Harmless,
    /// A repeat would do again what it did.
    Refused,
}

impl Service {
    /// Whose session signed this request.
    ///
    /// Errors: `token_unknown`, `session_ended`, `signature_invalid`, `clock_skew`, `request_replayed`, `app_disabled`.
    pub async fn authenticate_signed(&self, signed: &SignedRequest, repeat: Repeat) -> ServiceResult<Caller> {
        let Signer::Session(session) = &signed.signer else {
            return Err(ErrorCode::CredentialsMissing.into());
        };
        let session = session.clone();
        let found = read(self.store.read(move |store| store.session_by_id(&session)).await)?;
        let found = found.ok_or(ErrorCode::TokenUnknown)?;
        let secret = SessionSecret::derive(&self.master_key, found.session.app_id, &found.session.id);
        if !signed.is_signed_by(secret.as_secret()) {
            return Err(ErrorCode::SignatureInvalid.into());
        }
        let caller = self.admit(found)?;
        self.take_signature(caller.app_id(), signed, repeat).await?;
        Ok(caller)
    }

    /// Which app's backend signed this request.
    ///
    /// Errors: `app_key_unknown`, `signature_invalid`, `clock_skew`, `request_replayed`, `app_disabled`.
    pub async fn authenticate_signed_backend(
        &self,
        signed: &SignedRequest,
        repeat: Repeat,
    ) -> ServiceResult<Manager> {
        let Signer::App(key) = &signed.signer else { return Err(ErrorCode::AppCredentialsRequired.into()) };
        let signing = self.find_signing_app(key, key).await?;
        if !signing.secrets.iter().any(|secret| signed.is_signed_by(&secret.0)) {
            return Err(ErrorCode::SignatureInvalid.into());
        }
        let backend = self.admit_backend(signing.app)?;
        self.take_signature(backend.app_id(), signed, repeat).await?;
        Ok(backend)
    }

    /// Which app's backend sent the app's secret.
    ///
    /// Errors: `app_credentials_required` for an unknown key and a wrong secret alike, `app_disabled`.
    pub async fn authenticate_backend(
        &self,
        key: &AppKey,
        secret: &Secret<String>,
    ) -> ServiceResult<Manager> {
        let signing = self.find_signing_app(key, key).await.map_err(|error| match error.code {
            ErrorCode::AppKeyUnknown => ErrorCode::AppCredentialsRequired.into(),
            _ => error,
        })?;
        let given = secret.expose().trim().as_bytes();
        let is_good = |good: &Secret<String>| bool::from(good.expose().as_bytes().ct_eq(given));
        if !signing.secrets.iter().any(|secret| is_good(&secret.0)) {
            return Err(ErrorCode::AppCredentialsRequired.into());
        }
        self.admit_backend(signing.app)
    }

    fn admit_backend(&self, app: callbox_domain::App) -> ServiceResult<Manager> {
        if app.disabled_at.is_some() {
            return Err(ErrorCode::AppDisabled.into());
        }
        Ok(Manager { app: self.apps.share(app), actor: Actor::App })
    }

    /// Checks the moment of a good signature, and that it comes for the first time. What is remembered is on disk before
    /// the request does anything: after a crash in between the client signs anew.
    async fn take_signature(&self, app: AppId, signed: &SignedRequest, repeat: Repeat) -> ServiceResult<()> {
        let now = self.clock.now();
        let good_until = signed.check_clock(now)?;
        if repeat == Repeat::Harmless {
            return Ok(());
        }
        let used = UsedOnce {
            hash: signed.replay_key(),
            // The last moment at which it is good counts too.
            expires_at: good_until.plus(MILLISECOND),
            used_at: now,
            result: String::new(),
        };
        let taken = self.store.write(move |tx| Ok::<_, Refusal>(tx.insert_used_once(app, &used)?));
        match written(taken.await)? {
            Created::New => Ok(()),
            Created::Existed => Err(ErrorCode::RequestReplayed.into()),
        }
    }
}

const MILLISECOND: std::time::Duration = std::time::Duration::from_millis(1);
