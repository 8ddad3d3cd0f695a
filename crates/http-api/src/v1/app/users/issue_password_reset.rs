//! `POST /v1/app/users/{userId}/password-resets`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use callbox_service::Service;
use callbox_wire::ErrorAnswer;
use callbox_wire::managed::PasswordReset;

use crate::body::PathParameter;
use crate::credentials::AppBackend;
use crate::error::HttpResult;
use crate::v1::managed::user_id;

/// Issue a token for a new password
///
/// The user sets a new password with it, once, within an hour. Send it to them yourself; an older one no longer
/// works.
#[utoipa::path(
    post,
    path = "/v1/app/users/{userId}/password-resets",
    operation_id = "issuePasswordReset",
    tag = "app users",
    security(("appSecret" = []), ("appSignature" = [])),
    params(("userId" = String, Path, description = "Whose.")),
    responses(
        (status = 201, description = "The token, which is told only this once.", body = PasswordReset),
        (status = 401, description = "`app_credentials_required`, `app_key_unknown`, `signature_invalid`, `clock_skew`, `request_replayed`", body = ErrorAnswer),
        (status = 403, description = "`app_disabled`, `sign_in_way_off`", body = ErrorAnswer),
        (status = 404, description = "`user_not_found`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn issue_password_reset(
    State(service): State<Arc<Service>>,
    backend: AppBackend,
    PathParameter(user): PathParameter,
) -> HttpResult<(StatusCode, Json<PasswordReset>)> {
    let reset = service.issue_password_reset(&backend, user_id(&user)?).await?;
    let token = reset.token.expose().to_owned();
    Ok((StatusCode::CREATED, Json(PasswordReset { token, expires_at: reset.expires_at })))
}

#[cfg(test)]
mod tests {
    use callbox_wire::ErrorCode;

    use crate::testing::Api;

    #[test]
    fn a_reset_is_good_for_an_hour_where_there_are_passwords() {
        let api = Api::new();
        let app = api.create_app_with_passwords("app-three");
        let path = "/v1/app/users/ann/password-resets";
        api.call_with(&app, "POST", path).send().is_error(ErrorCode::UserNotFound);
        let ann = serde_json::json!({ "userId": "ann" });
        assert_eq!(api.call_with(&app, "POST", "/v1/app/users").json(&ann).send().status, 201);
        let reset = api.call_with(&app, "POST", path).send();
        assert_eq!(reset.status, 201, "{reset:?}");
        assert!(reset.body["token"].as_str().is_some_and(|token| token.starts_with("cbr_")));
        assert_eq!(reset.body["expiresAt"], "2023-11-14T23:13:20.000Z");
        api.sign_in("app-two", "ann");
        let off = api.call_by("app-two", "POST", path).send();
        assert_eq!(off.is_error(ErrorCode::SignInWayOff)["credential"], "password");
        api.check_backend("POST", path);
    }
}
