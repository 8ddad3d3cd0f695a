//! `GET /v1/app/users/{userId}`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use callbox_service::Service;
use callbox_wire::ErrorAnswer;
use callbox_wire::managed::AppUser;

use crate::body::PathParameter;
use crate::credentials::AppBackend;
use crate::error::HttpResult;
use crate::v1::managed::{app_user, user_id};

/// Look a user up
///
/// The user with the names that lead to them.
#[utoipa::path(
    get,
    path = "/v1/app/users/{userId}",
    operation_id = "getUser",
    tag = "app users",
    security(("appSecret" = []), ("appSignature" = [])),
    params(("userId" = String, Path, description = "Which user.")),
    responses(
        (status = 200, description = "The user.", body = AppUser),
        (status = 401, description = "`app_credentials_required`, `app_key_unknown`, `signature_invalid`, `clock_skew`, `request_replayed`", body = ErrorAnswer),
        (status = 403, description = "`app_disabled`", body = ErrorAnswer),
        (status = 404, description = "`user_not_found`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn get_user(
    State(service): State<Arc<Service>>,
    backend: AppBackend,
    PathParameter(user): PathParameter,
) -> HttpResult<Json<AppUser>> {
    Ok(Json(app_user(service.find_user(&backend, user_id(&user)?).await?)))
}

#[cfg(test)]
mod tests {
    use callbox_wire::ErrorCode;

    use crate::testing::Api;

    #[test]
    fn a_backend_sees_the_users_of_its_own_app() {
        let api = Api::new();
        api.sign_in("app-one", "ann");
        let get = |app: &str, user: &str| api.call_by(app, "GET", &format!("/v1/app/users/{user}")).send();
        let ann = get("app-one", "ann");
        assert_eq!((ann.status, &ann.body["identities"][0]["assertedBy"]), (200, &"self".into()), "{ann:?}");
        get("app-two", "ann").is_error(ErrorCode::UserNotFound);
        get("app-one", "bob").is_error(ErrorCode::UserNotFound);
        get("app-one", "no%20id").is_error(ErrorCode::UserNotFound);
        api.check_backend("GET", "/v1/app/users/ann");
    }
}
