//! `POST /v1/app/users/{userId}/access-tokens`.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use callbox_service::Service;
use callbox_wire::ErrorAnswer;
use callbox_wire::managed::{IssueAccessTokenRequest, IssuedAccessToken};

use crate::body::{JsonBody, PathParameter};
use crate::credentials::AppBackend;
use crate::error::HttpResult;
use crate::v1::managed::user_id;

/// Issue an access token
///
/// A long-lived credential: the user signs in with it and their id, where the app lets users in this way, and
/// renews the session while the token is good. At most 20 for each user.
#[utoipa::path(
    post,
    path = "/v1/app/users/{userId}/access-tokens",
    operation_id = "issueAccessToken",
    tag = "app users",
    security(("appSecret" = []), ("appSignature" = [])),
    params(("userId" = String, Path, description = "Whose.")),
    request_body = IssueAccessTokenRequest,
    responses(
        (status = 201, description = "The token, which is told only this once.", body = IssuedAccessToken),
        (status = 400, description = "`invalid_request`", body = ErrorAnswer),
        (status = 401, description = "`app_credentials_required`, `app_key_unknown`, `signature_invalid`, `clock_skew`, `request_replayed`", body = ErrorAnswer),
        (status = 403, description = "`app_disabled`", body = ErrorAnswer),
        (status = 404, description = "`user_not_found`", body = ErrorAnswer),
        (status = 409, description = "`access_token_limit_reached`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn issue_access_token(
    State(service): State<Arc<Service>>,
    backend: AppBackend,
    PathParameter(user): PathParameter,
    JsonBody(body): JsonBody<IssueAccessTokenRequest>,
) -> HttpResult<(StatusCode, Json<IssuedAccessToken>)> {
    let life = body.expires_in.map(|seconds| Duration::from_secs(u64::from(seconds)));
    let issued = service.issue_access_token(&backend, user_id(&user)?, life).await?;
    let token = issued.secret.expose().to_owned();
    Ok((StatusCode::CREATED, Json(IssuedAccessToken { token, access_token: issued.token.into() })))
}

#[cfg(test)]
mod tests {
    use callbox_wire::ErrorCode;
    use serde_json::json;

    use crate::testing::Api;

    const PATH: &str = "/v1/app/users/ann/access-tokens";

    #[test]
    fn a_token_is_told_once_and_listed_by_its_beginning() {
        let api = Api::new();
        api.sign_in("app-one", "ann");
        let issued = api.call_by("app-one", "POST", PATH).json(&json!({ "expiresIn": 60 })).send();
        assert_eq!(issued.status, 201, "{issued:?}");
        let token = issued.body["token"].as_str().expect("a token");
        let prefix = issued.body["accessToken"]["prefix"].as_str().expect("a prefix");
        assert_eq!((token.len(), prefix.len()), (47, 10));
        assert!(token.starts_with("cba_") && token.starts_with(prefix));
        assert!(issued.body["accessToken"]["expiresAt"].is_string());
        let listed = api.call_by("app-one", "GET", PATH).send();
        assert_eq!(listed.body["items"], json!([issued.body["accessToken"]]));
        assert!(!listed.body.to_string().contains(token));
        let lasting = api.call_by("app-one", "POST", PATH).json(&json!({})).send();
        assert!(lasting.body["accessToken"]["expiresAt"].is_null(), "{lasting:?}");
        api.call_by("app-one", "POST", PATH).json(&json!({ "expiresIn": 0 })).send().is_invalid("expiresIn");
        api.call_by("app-two", "POST", PATH).json(&json!({})).send().is_error(ErrorCode::UserNotFound);
        api.check_backend("POST", PATH);
    }

    #[test]
    fn a_user_has_twenty_at_most() {
        let api = Api::new();
        api.sign_in("app-one", "ann");
        let issue = || api.call_by("app-one", "POST", PATH).json(&json!({})).send();
        for _ in 0..20 {
            assert_eq!(issue().status, 201);
        }
        assert_eq!(issue().is_error(ErrorCode::AccessTokenLimitReached)["accessTokensPerUserMax"], 20);
    }
}
