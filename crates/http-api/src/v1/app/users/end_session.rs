//! `DELETE /v1/app/users/{userId}/sessions/{sessionId}`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use callbox_service::Service;
use callbox_wire::ErrorAnswer;

use crate::body::PathParameters;
use crate::credentials::AppBackend;
use crate::error::HttpResult;
use crate::v1::managed::{session_id, user_id};

/// End one session of a user
///
/// Signs the user out on one device: its token is refused, its sockets are closed and its calls end.
#[utoipa::path(
    delete,
    path = "/v1/app/users/{userId}/sessions/{sessionId}",
    operation_id = "endUserSession",
    tag = "app users",
    security(("appSecret" = []), ("appSignature" = [])),
    params(("userId" = String, Path, description = "Whose."), ("sessionId" = String, Path, description = "Which session.")),
    responses(
        (status = 204, description = "The session is over."),
        (status = 401, description = "`app_credentials_required`, `app_key_unknown`, `signature_invalid`, `clock_skew`, `request_replayed`", body = ErrorAnswer),
        (status = 403, description = "`app_disabled`", body = ErrorAnswer),
        (status = 404, description = "`user_not_found`, `session_not_found`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn end_session(
    State(service): State<Arc<Service>>,
    backend: AppBackend,
    PathParameters((user, session)): PathParameters<(String, String)>,
) -> HttpResult<StatusCode> {
    service.end_user_session(&backend, user_id(&user)?, session_id(session)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use callbox_wire::ErrorCode;

    use crate::testing::Api;

    #[test]
    fn one_device_is_signed_out() {
        let api = Api::new();
        let [phone, laptop] = ["ann", "ann"].map(|user| api.sign_in("app-one", user));
        api.sign_in("app-one", "bob");
        let resumed = api.call_as(&phone, "GET", "/v1/session").send();
        let id = resumed.body["session"]["id"].as_str().expect("an id");
        let end = |app: &str, user: &str, id: &str| {
            api.call_by(app, "DELETE", &format!("/v1/app/users/{user}/sessions/{id}")).send()
        };
        end("app-one", "bob", id).is_error(ErrorCode::SessionNotFound);
        end("app-two", "ann", id).is_error(ErrorCode::UserNotFound);
        end("app-one", "ann", "no").is_error(ErrorCode::SessionNotFound);
        assert_eq!(end("app-one", "ann", id).status, 204);
        end("app-one", "ann", id).is_error(ErrorCode::SessionNotFound);
        let refused = api.call_as(&phone, "GET", "/v1/session").send();
        assert_eq!(refused.is_error(ErrorCode::SessionEnded)["reason"], "ended_by_app");
        assert_eq!(api.call_as(&laptop, "GET", "/v1/session").send().status, 200);
        api.check_backend("DELETE", &format!("/v1/app/users/ann/sessions/{id}"));
    }
}
