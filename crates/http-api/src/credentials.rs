//! Who asks, by the `Authorization` header.

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

use crate::authorization::Authorization;
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
        let Authorization::Bearer(token) = authorization(&parts.headers)? else {
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
        match authorization(&parts.headers)? {
            Authorization::App(key) => Ok(Self::App(key)),
            Authorization::Ticket(ticket) => Ok(Self::Ticket(ticket.to_owned())),
            _ => Err(ErrorCode::CredentialsMissing.into()),
        }
    }
}

/// What the `Authorization` header says; `credentials_missing` without one.
pub(crate) fn authorization(headers: &HeaderMap) -> Result<Authorization<'_>, ErrorCode> {
    let value = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    Authorization::parse(value.ok_or(ErrorCode::CredentialsMissing)?)
}

/// The web origin of the page that asks, where a browser said it.
pub(crate) fn origin(headers: &HeaderMap) -> Option<String> {
    headers.get(ORIGIN).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}
