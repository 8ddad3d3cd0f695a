//! `POST /v1/password-resets`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use callbox_domain::Secret;
use callbox_service::Service;
use callbox_service::passwords::ResetPassword;
use callbox_wire::account::ResetPasswordRequest;
use callbox_wire::{ErrorAnswer, ErrorCode};

use crate::body::JsonBody;
use crate::credentials::{PublicClient, origin};
use crate::error::HttpResult;

/// Reset a password
///
/// Sets a new password by the token that the app's backend sent to the user, and ends all of the user's sessions.
#[utoipa::path(
    post,
    path = "/v1/password-resets",
    operation_id = "resetPassword",
    tag = "account",
    request_body = ResetPasswordRequest,
    responses(
        (status = 204, description = "The new password holds; all sessions are over."),
        (status = 400, description = "`invalid_request`, `password_weak`", body = ErrorAnswer),
        (status = 401, description = "`credentials_missing`, `app_key_unknown`, `one_time_token_unknown`", body = ErrorAnswer),
        (status = 403, description = "`sign_in_way_off`, `origin_not_allowed`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn reset_password(
    State(service): State<Arc<Service>>,
    client: PublicClient,
    headers: HeaderMap,
    JsonBody(body): JsonBody<ResetPasswordRequest>,
) -> HttpResult<StatusCode> {
    let PublicClient::App(app_key) = client else { return Err(ErrorCode::CredentialsMissing.into()) };
    let (token, new_password) = (Secret::new(body.token), Secret::new(body.new_password));
    service.reset_password(ResetPassword { app_key, token, new_password, origin: origin(&headers) }).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use callbox_wire::ErrorCode;
    use serde_json::{Value, json};

    use crate::testing::{Answer, Api};

    const PASSWORD: &str = "purple tractor parade";

    fn reset(api: &Api, app: &str, body: &Value) -> Answer {
        let call = api.call("POST", "/v1/password-resets");
        call.header("authorization", &format!("Application {app}")).json(body).send()
    }

    #[test]
    fn a_token_sets_a_password_once_and_ends_all_sessions() {
        let api = Api::new();
        let session = api.sign_in("app-one", "ann");
        api.issue_reset_token("app-one", "ann", "token");
        let body = |token: &str, password: &str| json!({ "token": token, "newPassword": password });
        let weak = reset(&api, "app-one", &body("token", "short"));
        assert_eq!(weak.is_error(ErrorCode::PasswordWeak)["rule"], "too_short");
        reset(&api, "app-one", &body("another", PASSWORD)).is_error(ErrorCode::OneTimeTokenUnknown);
        assert_eq!(reset(&api, "app-one", &body("token", PASSWORD)).status, 204);
        reset(&api, "app-one", &body("token", PASSWORD)).is_error(ErrorCode::OneTimeTokenUnknown);
        let ended = api.call_as(&session, "GET", "/v1/session").send();
        assert_eq!(ended.is_error(ErrorCode::SessionEnded)["reason"], "password_changed");
    }

    #[test]
    fn every_refusal_has_its_code() {
        let api = Api::new();
        let body = json!({ "token": "token", "newPassword": PASSWORD });
        reset(&api, "app-two", &body).is_error(ErrorCode::SignInWayOff);
        reset(&api, "app-three", &body).is_error(ErrorCode::AppKeyUnknown);
        reset(&api, "app-one", &json!({ "token": "token" })).is_invalid("body");
        let call = || api.call("POST", "/v1/password-resets").json(&body);
        call().send().is_error(ErrorCode::CredentialsMissing);
        let ticket =
            format!("User {}", api.ticket("app-one", "ann", callbox_domain::Clock::now(&*api.clock)));
        call().header("authorization", &ticket).send().is_error(ErrorCode::CredentialsMissing);
        let page = call().header("authorization", "Application app-one");
        page.header("origin", "https://evil.example").send().is_error(ErrorCode::OriginNotAllowed);
    }
}
