//! Who asks, by the `Authorization` header.

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, ORIGIN};
use axum::http::request::Parts;
use callbox_domain::AppKey;
use callbox_service::audit::Actor;
use callbox_service::operator::OperatorToken;
use callbox_service::sessions::{Repeat, SessionToken};
use callbox_service::signature::{SignedRequest, Signer};
use callbox_service::{Caller, Manager, Service};
use callbox_wire::ErrorCode;

use crate::authorization::Authorization;
use crate::error::HttpError;

/// A signed-in user, by `Authorization: Bearer <sessionToken>` or a request that the session signed. The request's web
/// origin is checked too, and the request is counted against the session's limit. A signed request that changes
/// something is taken once.
pub(crate) struct SignedIn(Caller);

/// [`SignedIn`] for an operation whose repeat gets the first answer, because the client chose an id.
pub(crate) struct SignedInAgain(Caller);

/// An app's backend, by a request that it signed with the app's secret, or by that secret itself.
pub(crate) struct AppBackend(Manager);

/// The server's operator, by `Authorization: Bearer <operatorToken>`; as whom the audit log knows them.
pub(crate) struct Operator(Actor);

macro_rules! dereferences {
    ($($name:ident to $target:ident,)*) => {
        $(
            impl Deref for $name {
                type Target = $target;
                fn deref(&self) -> &$target {
                    &self.0
                }
            }
        )*
    };
}

dereferences! {
    SignedIn to Caller,
    SignedInAgain to Caller,
    AppBackend to Manager,
    Operator to Actor,
}

impl FromRequestParts<Arc<Service>> for SignedIn {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, service: &Arc<Service>) -> Result<Self, HttpError> {
        caller(parts, service, repeat(parts)).await.map(Self)
    }
}

impl FromRequestParts<Arc<Service>> for SignedInAgain {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, service: &Arc<Service>) -> Result<Self, HttpError> {
        caller(parts, service, Repeat::Harmless).await.map(Self)
    }
}

impl FromRequestParts<Arc<Service>> for AppBackend {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, service: &Arc<Service>) -> Result<Self, HttpError> {
        let required = |code| match code {
            ErrorCode::CredentialsMissing => ErrorCode::AppCredentialsRequired,
            code => code,
        };
        let backend = match authorization(&parts.headers).map_err(required)? {
            Authorization::Basic(key, secret) => service.authenticate_backend(&key, &secret).await?,
            Authorization::Signed(Signer::App(_), _) => {
                service.authenticate_signed_backend(signed(parts)?, repeat(parts)).await?
            }
            _ => return Err(ErrorCode::AppCredentialsRequired.into()),
        };
        Ok(Self(backend))
    }
}

impl FromRequestParts<Arc<Service>> for Operator {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, service: &Arc<Service>) -> Result<Self, HttpError> {
        match authorization(&parts.headers) {
            Ok(Authorization::Bearer(token)) => {
                Ok(Self(service.authenticate_operator(&OperatorToken::from_client(token))?))
            }
            _ => Err(ErrorCode::OperatorTokenWrong.into()),
        }
    }
}

async fn caller(parts: &Parts, service: &Service, repeat: Repeat) -> Result<Caller, HttpError> {
    let caller = match authorization(&parts.headers)? {
        Authorization::Bearer(token) => service.authenticate(&SessionToken::from_client(token)).await?,
        Authorization::Signed(Signer::Session(_), _) => {
            service.authenticate_signed(signed(parts)?, repeat).await?
        }
        _ => return Err(ErrorCode::CredentialsMissing.into()),
    };
    service.check_origin(&caller, origin(&parts.headers).as_deref())?;
    service.count_request(&caller)?;
    Ok(caller)
}

/// What the layer around the operations read of a signed request.
fn signed(parts: &Parts) -> Result<&SignedRequest, ErrorCode> {
    parts.extensions.get::<SignedRequest>().ok_or(ErrorCode::Internal)
}

/// A request that only asks may be repeated.
fn repeat(parts: &Parts) -> Repeat {
    if parts.method.is_safe() { Repeat::Harmless } else { Repeat::Refused }
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

/// Who registers a device.
pub(crate) enum Registrar {
    /// A client, alone or with a ticket.
    Public(PublicClient),
    /// The app's backend.
    Backend(Manager),
}

impl FromRequestParts<Arc<Service>> for Registrar {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, service: &Arc<Service>) -> Result<Self, HttpError> {
        match authorization(&parts.headers)? {
            Authorization::Basic(..) | Authorization::Signed(Signer::App(_), _) => {
                AppBackend::from_request_parts(parts, service).await.map(|backend| Self::Backend(backend.0))
            }
            _ => PublicClient::from_request_parts(parts, service).await.map(Self::Public),
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use callbox_domain::Clock as _;
    use callbox_wire::ErrorCode;
    use serde_json::json;

    use crate::testing::{Api, ORIGIN};

    #[test]
    fn a_session_signs_what_asks_and_what_changes() {
        let api = Api::new();
        let session = api.signed_in("app-one", "ann");
        let asks = api.call("GET", "/v1/users?limit=2").signed_by_session(&session);
        for _ in 0..2 {
            assert_eq!(asks.clone().send().status, 200, "what only asks may come again");
        }
        let renew = api.call("POST", "/v1/session/renew").json(&json!({})).signed_by_session(&session);
        assert_eq!(renew.clone().send().status, 200);
        renew.send().is_error(ErrorCode::RequestReplayed);
        let page = api.call("GET", "/v1/session").header("origin", ORIGIN).signed_by_session(&session);
        assert_eq!(page.send().status, 200);
        let page = api.call("GET", "/v1/session").header("origin", "https://evil.example");
        page.signed_by_session(&session).send().is_error(ErrorCode::OriginNotAllowed);
    }

    #[test]
    fn a_message_that_comes_again_gets_the_first_answer() {
        let api = Api::new();
        let session = api.signed_in("app-one", "ann");
        api.sign_in("app-one", "bob");
        let body = json!({ "messageId": "message-1", "to": { "userId": "bob" }, "text": "hello" });
        let call = api.call("POST", "/v1/messages").json(&body).signed_by_session(&session);
        let first = call.clone().send();
        assert_eq!(first.status, 201, "{first:?}");
        let again = call.send();
        assert_eq!((again.status, again.body), (201, first.body));
    }

    #[test]
    fn whatever_is_altered_after_signing_is_noticed() {
        let api = Api::new();
        let (ann, bob) = (api.signed_in("app-one", "ann"), api.signed_in("app-one", "bob"));
        let body = |text: &str| json!({ "messageId": "message-1", "to": { "userId": "bob" }, "text": text });
        let call = || api.call("POST", "/v1/messages").json(&body("hello")).signed_by_session(&ann);
        let users = || api.call("GET", "/v1/users?limit=2").signed_by_session(&ann);
        let anothers = json!({ "session": bob["session"], "secret": ann["secret"] });
        let cases = [
            ("body", call().body(body("hallo").to_string())),
            ("no body", call().body("")),
            ("query", users().at("/v1/users?limit=3")),
            ("no query", users().at("/v1/users")),
            ("path", users().at("/v1/session")),
            ("signer", api.call("GET", "/v1/session").signed_by_session(&anothers)),
            ("a body for none", api.call("GET", "/v1/session").signed_by_session(&ann).body("{}")),
        ];
        for (altered, call) in cases {
            let answer = call.send();
            assert_eq!(answer.body["error"]["code"], "signature_invalid", "{altered}: {answer:?}");
        }
        assert_eq!((call().send().status, users().send().status), (201, 200));
    }

    #[test]
    fn the_signers_clock_may_be_five_minutes_off() {
        let api = Api::new();
        let session = api.signed_in("app-one", "ann");
        let now = api.clock.now();
        let at =
            |timestamp: &str| api.call("GET", "/v1/session").signed_by_session_at(&session, timestamp).send();
        let seconds = Duration::from_secs;
        for good in [now.plus(seconds(300)), now.minus(seconds(300)), now] {
            assert_eq!(at(&good.to_rfc3339()).status, 200);
        }
        for bad in [now.plus(seconds(301)), now.minus(seconds(301))] {
            let refused = at(&bad.to_rfc3339());
            assert_eq!(refused.is_error(ErrorCode::ClockSkew)["serverTime"], now.to_rfc3339());
        }
        at("yesterday").is_error(ErrorCode::ClockSkew);
        at("").is_error(ErrorCode::ClockSkew);
    }

    #[test]
    fn a_signature_that_was_taken_is_refused_until_its_clock_refuses_it() {
        let api = Api::new();
        let session = api.signed_in("app-one", "ann");
        let call = api.call("POST", "/v1/session/token").signed_by_session(&session);
        assert_eq!(call.clone().send().status, 200);
        api.clock.advance(Duration::from_mins(5));
        api.wait(async {
            api.service.forget_expired().await;
            Ok(())
        });
        call.clone().send().is_error(ErrorCode::RequestReplayed);
        api.clock.advance(Duration::from_millis(1));
        api.wait(async {
            api.service.forget_expired().await;
            Ok(())
        });
        call.send().is_error(ErrorCode::ClockSkew);
    }

    #[test]
    fn an_apps_signature_is_no_users() {
        let api = Api::new();
        let call = api.call("GET", "/v1/session").signed_by_app("app-one");
        call.send().is_error(ErrorCode::CredentialsMissing);
        let session = api.signed_in("app-one", "ann");
        let call = api.call("POST", "/v1/sessions").json(&json!({ "userId": "bob" }));
        call.signed_by_session(&session).send().is_error(ErrorCode::CredentialsMissing);
    }
}
