//! `PUT /v1/me/password`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use callbox_domain::Secret;
use callbox_service::Service;
use callbox_wire::ErrorAnswer;
use callbox_wire::account::ChangePasswordRequest;

use crate::body::JsonBody;
use crate::client_address::ClientAt;
use crate::credentials::SignedIn;
use crate::error::HttpResult;

/// Change one's password
///
/// Ends all of the user's other sessions.
#[utoipa::path(
    put,
    path = "/v1/me/password",
    operation_id = "changePassword",
    tag = "account",
    security(("sessionToken" = []), ("sessionSignature" = [])),
    request_body = ChangePasswordRequest,
    responses(
        (status = 204, description = "The new password holds; the other sessions are over."),
        (status = 400, description = "`invalid_request`, `password_weak`", body = ErrorAnswer),
        (status = 401, description = "`credentials_missing`, `token_unknown`, `session_ended`, `credentials_wrong`", body = ErrorAnswer),
        (status = 403, description = "`sign_in_way_off`", body = ErrorAnswer),
        (status = 429, description = "`rate_limited`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn change_password(
    State(service): State<Arc<Service>>,
    caller: SignedIn,
    ClientAt(address): ClientAt,
    JsonBody(body): JsonBody<ChangePasswordRequest>,
) -> HttpResult<StatusCode> {
    let current = body.current_password.map(Secret::new);
    service.change_password(&caller, current, Secret::new(body.new_password), address).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use callbox_wire::ErrorCode;
    use serde_json::{Value, json};

    use crate::testing::{Answer, Api};

    const FIRST: &str = "purple tractor parade";
    const SECOND: &str = "seven quiet lighthouses";

    fn change(api: &Api, token: &str, body: &Value) -> Answer {
        api.call_as(token, "PUT", "/v1/me/password").json(body).send()
    }

    #[test]
    fn a_password_is_set_and_then_changed_by_the_one_before() {
        let api = Api::new();
        let [phone, laptop] = ["ann", "ann"].map(|user| api.sign_in("app-one", user));
        let set = change(&api, &phone, &json!({ "newPassword": FIRST }));
        assert_eq!((set.status, &set.body), (204, &json!("")));
        let ended = api.call_as(&laptop, "GET", "/v1/session").send();
        assert_eq!(ended.is_error(ErrorCode::SessionEnded)["reason"], "password_changed");
        change(&api, &phone, &json!({ "newPassword": SECOND })).is_invalid("currentPassword");
        let wrong = change(&api, &phone, &json!({ "currentPassword": SECOND, "newPassword": SECOND }));
        wrong.is_error(ErrorCode::CredentialsWrong);
        let right = change(&api, &phone, &json!({ "currentPassword": FIRST, "newPassword": SECOND }));
        assert_eq!(right.status, 204, "{right:?}");
        let by = |password: &str| {
            let body = json!({ "identity": { "type": "username", "value": "ann" }, "password": password });
            let call = api.call("POST", "/v1/sessions").header("authorization", "Application app-one");
            call.json(&body).send()
        };
        by(FIRST).is_error(ErrorCode::CredentialsWrong);
        assert_eq!(by(SECOND).status, 201);
    }

    #[test]
    fn every_refusal_has_its_code() {
        let api = Api::new();
        let ann = api.sign_in("app-one", "ann");
        let weak = change(&api, &ann, &json!({ "newPassword": "short" }));
        assert_eq!(weak.is_error(ErrorCode::PasswordWeak)["rule"], "too_short");
        change(&api, &ann, &json!({})).is_invalid("body");
        let other = api.sign_in("app-two", "ann");
        change(&api, &other, &json!({ "newPassword": FIRST })).is_error(ErrorCode::SignInWayOff);
        api.check_credentials("PUT", "/v1/me/password");
    }
}
