//! `DELETE /v1/app/users/{userId}/sessions`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use callbox_service::Service;
use callbox_wire::ErrorAnswer;

use crate::body::PathParameter;
use crate::credentials::AppBackend;
use crate::error::HttpResult;
use crate::v1::managed::user_id;

/// End all sessions of a user
///
/// Signs the user out on every device. To keep them out, block them.
#[utoipa::path(
    delete,
    path = "/v1/app/users/{userId}/sessions",
    operation_id = "endUserSessions",
    tag = "app users",
    security(("appSecret" = []), ("appSignature" = [])),
    params(("userId" = String, Path, description = "Whose.")),
    responses(
        (status = 204, description = "The user has no session."),
        (status = 401, description = "`app_credentials_required`, `app_key_unknown`, `signature_invalid`, `clock_skew`, `request_replayed`", body = ErrorAnswer),
        (status = 403, description = "`app_disabled`", body = ErrorAnswer),
        (status = 404, description = "`user_not_found`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn end_sessions(
    State(service): State<Arc<Service>>,
    backend: AppBackend,
    PathParameter(user): PathParameter,
) -> HttpResult<StatusCode> {
    service.end_user_sessions(&backend, user_id(&user)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use callbox_wire::ErrorCode;

    use crate::testing::Api;

    #[test]
    fn a_user_is_signed_out_everywhere() {
        let api = Api::new();
        let [phone, laptop, bob] = ["ann", "ann", "bob"].map(|user| api.sign_in("app-one", user));
        let path = "/v1/app/users/ann/sessions";
        api.call_by("app-two", "DELETE", path).send().is_error(ErrorCode::UserNotFound);
        for _ in 0..2 {
            assert_eq!(api.call_by("app-one", "DELETE", path).send().status, 204);
        }
        for token in [phone, laptop] {
            let refused = api.call_as(&token, "GET", "/v1/session").send();
            assert_eq!(refused.is_error(ErrorCode::SessionEnded)["reason"], "ended_by_app");
        }
        assert_eq!(api.call_as(&bob, "GET", "/v1/session").send().status, 200);
        api.check_backend("DELETE", path);
    }
}
