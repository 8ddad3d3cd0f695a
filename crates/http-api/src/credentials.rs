//! The `Authorization` header. Scheme names are compared without case.

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, ORIGIN};
use axum::http::request::Parts;
use callbox_domain::AppKey;
use callbox_service::sessions::SessionToken;
use callbox_service::{Caller, Service};
use callbox_wire::ErrorCode;

use crate::error::HttpError;

/// A signed-in user, by `Authorization: Bearer <sessionToken>`. The request's web origin is checked too, and the
/// request is counted against the session's limit.
pub(crate) struct SignedIn(Caller);

impl Deref for SignedIn {
    type Target = Caller;
    fn deref(&self) -> &Caller {
        &self.0
    }
}

impl FromRequestParts<Arc<Service>> for SignedIn {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, service: &Arc<Service>) -> Result<Self, HttpError> {
        let Some(("bearer", token)) = authorization(&parts.headers) else {
            return Err(ErrorCode::CredentialsMissing.into());
        };
        let caller = service.authenticate(&SessionToken::from_client(token)).await?;
        service.check_origin(&caller, origin(&parts.headers).as_deref())?;
        service.count_request(&caller)?;
        Ok(Self(caller))
    }
}

/// Who asks before there is a session.
pub(crate) enum PublicClient {
    /// `Application <appKey>`.
    App(AppKey),
    /// `User <ticket>`.
    Ticket(String),
}

impl<S: Send + Sync> FromRequestParts<S> for PublicClient {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, HttpError> {
        match authorization(&parts.headers) {
            Some(("application", key)) => {
                Ok(Self::App(AppKey::new(key).map_err(|_| ErrorCode::AppKeyUnknown)?))
            }
            Some(("user", ticket)) => Ok(Self::Ticket(ticket.to_owned())),
            _ => Err(ErrorCode::CredentialsMissing.into()),
        }
    }
}

/// The web origin of the page that asks, where a browser said it.
pub(crate) fn origin(headers: &HeaderMap) -> Option<String> {
    headers.get(ORIGIN).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

fn authorization(headers: &HeaderMap) -> Option<(&'static str, &str)> {
    let (scheme, value) = headers.get(AUTHORIZATION)?.to_str().ok()?.trim().split_once(' ')?;
    let known =
        ["bearer", "application", "user"].into_iter().find(|known| known.eq_ignore_ascii_case(scheme))?;
    Some((known, value.trim()))
}
