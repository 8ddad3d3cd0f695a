//! `DELETE /v1/app/users/{userId}/access-tokens/{tokenId}`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use callbox_service::Service;
use callbox_wire::ErrorAnswer;

use crate::body::PathParameters;
use crate::credentials::AppBackend;
use crate::error::HttpResult;
use crate::v1::managed::user_id;

/// Revoke an access token
///
/// It opens no more sessions. Those that it opened go on until their end; to end them now, end the user's sessions.
#[utoipa::path(
    delete,
    path = "/v1/app/users/{userId}/access-tokens/{tokenId}",
    operation_id = "revokeAccessToken",
    tag = "app users",
    security(("appSecret" = []), ("appSignature" = [])),
    params(("userId" = String, Path, description = "Whose."), ("tokenId" = String, Path, description = "Which token: its `id`, not the token itself.")),
    responses(
        (status = 204, description = "The token opens nothing."),
        (status = 401, description = "`app_credentials_required`, `app_key_unknown`, `signature_invalid`, `clock_skew`, `request_replayed`", body = ErrorAnswer),
        (status = 403, description = "`app_disabled`", body = ErrorAnswer),
        (status = 404, description = "`user_not_found`, `access_token_not_found`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn revoke_access_token(
    State(service): State<Arc<Service>>,
    backend: AppBackend,
    PathParameters((user, token)): PathParameters<(String, String)>,
) -> HttpResult<StatusCode> {
    service.revoke_access_token(&backend, user_id(&user)?, token).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use callbox_wire::ErrorCode;
    use serde_json::json;

    use crate::testing::Api;

    #[test]
    fn a_token_is_revoked_once_and_by_its_own_app() {
        let api = Api::new();
        for (app, user) in [("app-one", "ann"), ("app-one", "bob"), ("app-two", "ann")] {
            api.sign_in(app, user);
        }
        let all = "/v1/app/users/ann/access-tokens";
        let issued = api.call_by("app-one", "POST", all).json(&json!({})).send();
        let id = issued.body["accessToken"]["id"].as_str().expect("an id");
        let revoke = |app: &str, user: &str| {
            api.call_by(app, "DELETE", &format!("/v1/app/users/{user}/access-tokens/{id}")).send()
        };
        for (app, user) in [("app-one", "bob"), ("app-two", "ann")] {
            revoke(app, user).is_error(ErrorCode::AccessTokenNotFound);
        }
        assert_eq!(revoke("app-one", "ann").status, 204);
        revoke("app-one", "ann").is_error(ErrorCode::AccessTokenNotFound);
        revoke("app-one", "nobody").is_error(ErrorCode::UserNotFound);
        api.check_backend("DELETE", &format!("{all}/{id}"));
    }
}
