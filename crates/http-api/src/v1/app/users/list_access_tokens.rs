//! `GET /v1/app/users/{userId}/access-tokens`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use callbox_service::Service;
use callbox_wire::ErrorAnswer;
use callbox_wire::managed::AccessToken;
use callbox_wire::page::Page;

use crate::body::PathParameter;
use crate::credentials::AppBackend;
use crate::error::HttpResult;
use crate::v1::managed::user_id;

/// List a user's access tokens
///
/// All of them, oldest first, without what opens anything.
#[utoipa::path(
    get,
    path = "/v1/app/users/{userId}/access-tokens",
    operation_id = "listAccessTokens",
    tag = "app users",
    security(("appSecret" = []), ("appSignature" = [])),
    params(("userId" = String, Path, description = "Whose.")),
    responses(
        (status = 200, description = "All of them.", body = Page<AccessToken>),
        (status = 401, description = "`app_credentials_required`, `app_key_unknown`, `signature_invalid`, `clock_skew`, `request_replayed`", body = ErrorAnswer),
        (status = 403, description = "`app_disabled`", body = ErrorAnswer),
        (status = 404, description = "`user_not_found`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn list_access_tokens(
    State(service): State<Arc<Service>>,
    backend: AppBackend,
    PathParameter(user): PathParameter,
) -> HttpResult<Json<Page<AccessToken>>> {
    let tokens = service.list_access_tokens(&backend, user_id(&user)?).await?;
    Ok(Json(Page { items: tokens.into_iter().map(AccessToken::from).collect(), next_cursor: None }))
}

#[cfg(test)]
mod tests {
    use callbox_wire::ErrorCode;
    use serde_json::json;

    use crate::testing::Api;

    #[test]
    fn only_users_of_the_app_have_tokens() {
        let api = Api::new();
        api.sign_in("app-one", "ann");
        let path = "/v1/app/users/ann/access-tokens";
        let listed = api.call_by("app-one", "GET", path).send();
        assert_eq!((listed.status, &listed.body["items"]), (200, &json!([])));
        api.call_by("app-two", "GET", path).send().is_error(ErrorCode::UserNotFound);
        api.check_backend("GET", path);
    }
}
