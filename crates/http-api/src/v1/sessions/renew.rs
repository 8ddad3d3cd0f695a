//! `POST /v1/session/renew`.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use callbox_service::Service;
use callbox_service::sessions::Credential;
use callbox_wire::session::{RenewSessionRequest, SignInAnswer};
use callbox_wire::{ApiError, ErrorAnswer};

use super::sign_in::sign_in_answer;
use crate::body::JsonBody;
use crate::credentials::SignedIn;
use crate::error::HttpResult;

/// Renew the session
///
/// Answers another token and another end; the old token stays good for a minute. A session that a ticket or a JWT opened
/// takes a fresh one of the same user, unless the app's setting `renewWithoutCredential` is on.
#[utoipa::path(
    post,
    path = "/v1/session/renew",
    operation_id = "renewSession",
    tag = "sessions",
    security(("sessionToken" = [])),
    request_body = RenewSessionRequest,
    responses(
        (status = 200, description = "The session with its new token, which is told only this once.", body = SignInAnswer),
        (status = 400, description = "`invalid_request`", body = ErrorAnswer),
        (status = 401, description = "`credentials_missing`, `token_unknown`, `session_ended`, `ticket_…`, `jwt_…`", body = ErrorAnswer),
        (status = 403, description = "`renewal_needs_credential`, `sign_in_way_off`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn renew_session(
    State(service): State<Arc<Service>>,
    caller: SignedIn,
    JsonBody(body): JsonBody<RenewSessionRequest>,
) -> HttpResult<Json<SignInAnswer>> {
    let credential = match (body.ticket, body.jwt) {
        (None, None) => None,
        (Some(ticket), None) => Some(Credential::Ticket(ticket)),
        (None, Some(jwt)) => Some(Credential::Jwt(jwt)),
        _ => return Err(ApiError::invalid_field("body", "give a ticket, a jwt, or neither").into()),
    };
    let expires_in = body.expires_in.map(|seconds| Duration::from_secs(u64::from(seconds)));
    let renewed = service.renew_session(&caller, credential, expires_in).await?;
    Ok(Json(sign_in_answer(renewed)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use callbox_domain::Clock as _;
    use callbox_wire::ErrorCode;
    use serde_json::{Value, json};

    use crate::testing::{Answer, Api};

    fn renew(api: &Api, token: &str, body: &Value) -> Answer {
        api.call_as(token, "POST", "/v1/session/renew").json(body).send()
    }

    fn status(api: &Api, token: &str) -> u16 {
        api.call_as(token, "GET", "/v1/session").send().status
    }

    #[test]
    fn the_old_token_is_good_for_a_minute_more() {
        let api = Api::new();
        let old = api.sign_in("app-one", "ann");
        let answer = renew(&api, &old, &json!({ "expiresIn": 7_200 }));
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.body["session"]["expiresAt"], "2023-11-15T00:13:20.000Z");
        let new = answer.body["token"].as_str().expect("a token").to_owned();
        assert_ne!(new, old);
        api.clock.advance(Duration::from_secs(59));
        assert_eq!((status(&api, &old), status(&api, &new)), (200, 200));
        api.clock.advance(Duration::from_secs(1));
        api.call_as(&old, "GET", "/v1/session").send().is_error(ErrorCode::TokenUnknown);
        api.clock.advance(Duration::from_secs(7_100));
        assert_eq!(status(&api, &new), 200);
        api.clock.advance(Duration::from_secs(40));
        api.call_as(&new, "GET", "/v1/session").send().is_error(ErrorCode::SessionEnded);
    }

    #[test]
    fn a_ticket_session_takes_a_fresh_ticket_of_the_same_user() {
        let api = Api::new();
        let token = api.sign_in("app-two", "ann");
        renew(&api, &token, &json!({})).is_error(ErrorCode::RenewalNeedsCredential);
        let ticket = |user: &str| json!({ "ticket": api.ticket("app-two", user, api.clock.now()) });
        renew(&api, &token, &ticket("bob")).is_error(ErrorCode::RenewalNeedsCredential);
        let foreign = json!({ "ticket": api.ticket("app-one", "ann", api.clock.now()) });
        renew(&api, &token, &foreign).is_error(ErrorCode::TicketSignatureInvalid);
        assert_eq!(renew(&api, &token, &ticket("ann")).status, 200);
    }

    #[test]
    fn bad_wishes_are_named() {
        let api = Api::new();
        let token = api.sign_in("app-one", "ann");
        renew(&api, &token, &json!({ "expiresIn": 0 })).is_invalid("expiresIn");
        renew(&api, &token, &json!({ "ticket": "a", "jwt": "b" })).is_invalid("body");
        api.check_credentials("POST", "/v1/session/renew");
    }
}
