//! Checks a bearer token.

use callbox_domain::{Session, User};
use callbox_wire::{ApiError, ErrorCode};

use callbox_storage::SessionLookup;

use super::SessionToken;
use crate::error::read;
use crate::{Caller, Service, ServiceResult};

impl Service {
    /// Who holds this token. A token that never was and one whose session is over are told apart: the second client
    /// once held it, and learns why it must sign in again.
    pub async fn authenticate(&self, token: &SessionToken) -> ServiceResult<Caller> {
        let hash = token.hash();
        let found = read(self.store.read(move |store| store.session_by_token(&hash)).await)?;
        let found = found.ok_or(ErrorCode::TokenUnknown)?;
        if found.token_good_until.is_some_and(|end| self.clock.now() >= end) {
            return Err(ErrorCode::TokenUnknown.into());
        }
        self.admit(found)
    }

    /// The caller of a session that was found by something that only its client knows.
    pub(super) fn admit(&self, found: SessionLookup) -> ServiceResult<Caller> {
        let now = self.clock.now();
        found
            .session
            .check(now)
            .map_err(|reason| ApiError::new(ErrorCode::SessionEnded).detail("reason", reason.as_str()))?;
        if found.app.disabled_at.is_some() {
            return Err(ErrorCode::AppDisabled.into());
        }
        self.touched.note(&found.session, now);
        Ok(Caller {
            app: self.apps.share(found.app),
            user_id: found.session.user_id,
            session_id: found.session.id,
            session_expires_at: found.session.expires_at,
        })
    }

    /// The caller's own session and user, for a client that comes back.
    pub async fn resume_session(&self, caller: &Caller) -> ServiceResult<(Session, User)> {
        let (app, session, user) = (caller.app_id(), caller.session_id.clone(), caller.user_id.clone());
        let found =
            self.store.read(move |store| Ok((store.session(app, &session)?, store.user(app, &user)?)));
        match read(found.await)? {
            (Some(session), Some(user)) => Ok((session, user)),
            _ => Err(ErrorCode::TokenUnknown.into()),
        }
    }

    /// Whether a web page of `origin` may act for the caller. No origin (native apps, backends) is fine.
    pub fn check_origin(&self, caller: &Caller, origin: Option<&str>) -> ServiceResult<()> {
        match origin {
            Some(origin) if !caller.app.now().settings.allows_origin(origin) => {
                Err(ApiError::new(ErrorCode::OriginNotAllowed).detail("origin", origin))
            }
            _ => Ok(()),
        }
    }
}
