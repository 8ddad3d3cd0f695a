//! `PATCH /v1/app/users/{userId}`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use callbox_service::Service;
use callbox_wire::ErrorAnswer;
use callbox_wire::managed::{AppUser, UpdateUserRequest};

use crate::body::{JsonBody, PathParameter};
use crate::credentials::AppBackend;
use crate::error::HttpResult;
use crate::v1::managed::{app_user, user_id};

/// Block a user, or let them in again
///
/// Blocking ends all sessions of the user, with their connections and calls, in the same moment; sign-in is
/// answered with `user_blocked` from then on. A repeat changes nothing.
#[utoipa::path(
    patch,
    path = "/v1/app/users/{userId}",
    operation_id = "updateUser",
    tag = "app users",
    security(("appSecret" = []), ("appSignature" = [])),
    params(("userId" = String, Path, description = "Which user.")),
    request_body = UpdateUserRequest,
    responses(
        (status = 200, description = "The user as they are now.", body = AppUser),
        (status = 400, description = "`invalid_request`", body = ErrorAnswer),
        (status = 401, description = "`app_credentials_required`, `app_key_unknown`, `signature_invalid`, `clock_skew`, `request_replayed`", body = ErrorAnswer),
        (status = 403, description = "`app_disabled`", body = ErrorAnswer),
        (status = 404, description = "`user_not_found`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn update_user(
    State(service): State<Arc<Service>>,
    backend: AppBackend,
    PathParameter(user): PathParameter,
    JsonBody(body): JsonBody<UpdateUserRequest>,
) -> HttpResult<Json<AppUser>> {
    let user = service.set_user_blocked(&backend, user_id(&user)?, body.blocked).await?;
    Ok(Json(app_user(user)))
}

#[cfg(test)]
mod tests {
    use callbox_wire::ErrorCode;
    use serde_json::json;

    use crate::testing::Api;

    #[test]
    fn a_blocked_user_is_out_until_let_in_again() {
        let api = Api::new();
        let token = api.sign_in("app-one", "ann");
        let path = "/v1/app/users/ann";
        let block =
            |blocked| api.call_by("app-one", "PATCH", path).json(&json!({ "blocked": blocked })).send();
        let blocked = block(true);
        assert_eq!(blocked.status, 200, "{blocked:?}");
        assert!(blocked.body["blockedAt"].is_string());
        let refused = api.call_as(&token, "GET", "/v1/session").send();
        assert_eq!(refused.is_error(ErrorCode::SessionEnded)["reason"], "user_blocked");
        let sign_in = api.call("POST", "/v1/sessions").header("authorization", "Application app-one");
        sign_in.json(&json!({ "userId": "ann" })).send().is_error(ErrorCode::UserBlocked);
        assert_eq!(block(true).body, blocked.body, "a repeat changes nothing");
        assert!(block(false).body["blockedAt"].is_null());
        api.sign_in("app-one", "ann");
        let bad = api.call_by("app-one", "PATCH", path).json(&json!({})).send();
        bad.is_error(ErrorCode::InvalidRequest);
        let foreign = api.call_by("app-two", "PATCH", path).json(&json!({ "blocked": true })).send();
        foreign.is_error(ErrorCode::UserNotFound);
        api.check_backend("PATCH", path);
    }
}
