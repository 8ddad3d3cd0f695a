//! Renews a session: another token, another end.

use std::time::Duration;

use callbox_bus::Notice;
use callbox_domain::{CredentialKind, Session, Timestamp, UsedOnce};
use callbox_storage::{Created, SessionRenewal};
use callbox_wire::{ApiError, ErrorCode};

use super::identity::NamedUser;
use super::open_session::session_life;
use super::prove::{Asking, Once, Proven, Who};
use super::sign_in::wished_life;
use super::{Credential, SessionSecret, SessionToken, SignedIn};
use crate::error::{Refusal, written};
use crate::{Caller, Service, ServiceResult};

impl Service {
    /// Gives the caller's session another token, the old one of which stays good for a minute, and another end. A session
    /// that a ticket or JWT opened takes a fresh one of the same user, unless the app does without: so a backend can
    /// always let go of someone.
    ///
    /// Errors: `renewal_needs_credential`, those of the credential, `session_ended`, `invalid_request`.
    pub async fn renew_session(
        &self,
        caller: &Caller,
        credential: Option<Credential>,
        expires_in: Option<Duration>,
    ) -> ServiceResult<SignedIn> {
        let wished = wished_life(expires_in)?;
        let (session, _) = self.resume_session(caller).await?;
        let mut once = None;
        let of_credential = match credential {
            Some(credential) => {
                let app = caller.app.now();
                let asking = Asking { app_key: Some(&app.key), ..Asking::default() };
                let proven = self.prove(&credential, &asking).await?;
                self.check_same_user(caller, &proven).await?;
                once = proven.once;
                proven.life
            }
            None if self.needs_credential(caller, &session).await? => {
                return Err(ErrorCode::RenewalNeedsCredential.into());
            }
            None => None,
        };
        let life = session_life(wished, of_credential, caller.app.now().settings.session_life_max());
        let expires_at = self.clock.now().plus(life);
        self.replace_token(caller, Some(expires_at), once).await
    }

    /// Gives whoever holds the session's secret a token. The session's end stays where it is.
    ///
    /// Errors: `session_ended`.
    pub async fn issue_session_token(&self, caller: &Caller) -> ServiceResult<SignedIn> {
        self.replace_token(caller, None, None).await
    }

    /// Without `expires_at` the session ends when it does by now.
    async fn replace_token(
        &self,
        caller: &Caller,
        expires_at: Option<Timestamp>,
        once: Option<Once>,
    ) -> ServiceResult<SignedIn> {
        let (app, id, now) = (caller.app_id(), caller.session_id.clone(), self.clock.now());
        let token = SessionToken::generate(self.random.as_ref());
        let token_hash = token.hash();
        let renewed = self.store.write(move |tx| {
            // A session that ended between the check and now is not renewed.
            let session = tx.session(app, &id)?.ok_or(ErrorCode::TokenUnknown)?;
            session
                .check(now)
                .map_err(|reason| ApiError::new(ErrorCode::SessionEnded).detail("reason", reason.as_str()))?;
            if let Some(Once { hash, expires_at }) = once {
                let used = UsedOnce { hash, expires_at, used_at: now, result: id.as_str().to_owned() };
                if tx.insert_used_once(app, &used)? == Created::Existed {
                    return Err(ErrorCode::JwtUsed.into());
                }
            }
            let expires_at = expires_at.unwrap_or(session.expires_at);
            let old_good_until = now.plus(OLD_TOKEN_LIFE);
            tx.renew_session(app, &id, &SessionRenewal { token_hash, old_good_until, expires_at, at: now })?;
            let session = tx.session(app, &id)?.ok_or(ErrorCode::TokenUnknown)?;
            let user = tx.user(app, &session.user_id)?.ok_or(ErrorCode::Internal)?;
            Ok::<_, Refusal>((session, user))
        });
        let (session, user) = written(renewed.await)?;
        self.bus.publish(Notice::SessionRenewed {
            app_id: app,
            user_id: user.id.clone(),
            session_id: session.id.clone(),
            expires_at: session.expires_at,
        });
        tracing::debug!(app = %caller.app.now().key, user = %user.id, session = %session.id, "session renewed");
        let secret = SessionSecret::derive(&self.master_key, app, &session.id);
        Ok(SignedIn { session, token, secret, user })
    }

    async fn needs_credential(&self, caller: &Caller, session: &Session) -> ServiceResult<bool> {
        Ok(match session.credential {
            CredentialKind::Ticket | CredentialKind::Jwt => {
                !caller.app.now().settings.renew_without_credential
            }
            CredentialKind::AccessToken => {
                !self.has_access_token(&caller.app.now(), &caller.user_id, self.clock.now()).await?
            }
            CredentialKind::Password | CredentialKind::Device | CredentialKind::Open => false,
        })
    }

    /// A fresh credential of somebody else renews nothing.
    async fn check_same_user(&self, caller: &Caller, proven: &Proven) -> ServiceResult<()> {
        let user_id = match &proven.who {
            Who::Named(NamedUser { identity_type, value, user_id, asserted_by }) => {
                let (app, identity_type, value) = (caller.app_id(), *identity_type, value.clone());
                let identity = self.store.read(move |store| store.identity(app, identity_type, &value)).await;
                let identity = crate::error::read(identity)?.filter(|one| one.asserted_by == *asserted_by);
                identity.map_or_else(|| user_id.clone(), |identity| identity.user_id)
            }
            Who::Unproven(_)
            | Who::Password(..)
            | Who::Device(..)
            | Who::AccessToken(..)
            | Who::SignedUp(_) => {
                return Err(ErrorCode::RenewalNeedsCredential.into());
            }
        };
        if proven.app.id == caller.app_id() && user_id == caller.user_id {
            Ok(())
        } else {
            Err(ErrorCode::RenewalNeedsCredential.into())
        }
    }
}

/// How long the token of before a renewal stays good: requests under way, and other tabs, still carry it.
const OLD_TOKEN_LIFE: Duration = Duration::from_mins(1);
