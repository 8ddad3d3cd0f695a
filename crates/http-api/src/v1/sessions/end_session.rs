//! `DELETE /v1/sessions/{sessionId}`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use callbox_domain::SessionId;
use callbox_service::Service;
use callbox_wire::{ErrorAnswer, ErrorCode};

use crate::body::PathParameter;
use crate::credentials::SignedIn;
use crate::error::HttpResult;

/// End one of one's sessions
///
/// Signs another device of the same user out: its token is refused, its sockets are closed and its calls end.
#[utoipa::path(
    delete,
    path = "/v1/sessions/{sessionId}",
    operation_id = "endSession",
    tag = "sessions",
    security(("sessionToken" = [])),
    params(("sessionId" = String, Path, description = "Which session.")),
    responses(
        (status = 204, description = "The session is over."),
        (status = 401, description = "`credentials_missing`, `token_unknown`, `session_ended`", body = ErrorAnswer),
        (status = 404, description = "`session_not_found`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn end_session(
    State(service): State<Arc<Service>>,
    caller: SignedIn,
    PathParameter(session): PathParameter,
) -> HttpResult<StatusCode> {
    let session = SessionId::new(session).map_err(|_| ErrorCode::SessionNotFound)?;
    service.end_own_session(&caller, session).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use callbox_wire::ErrorCode;

    use crate::testing::Api;

    #[test]
    fn another_device_of_the_same_user_is_signed_out() {
        let api = Api::new();
        let [phone, laptop, bob] = ["ann", "ann", "bob"].map(|user| api.sign_in("app-one", user));
        let resumed = api.call_as(&laptop, "GET", "/v1/session").send();
        let path = format!("/v1/sessions/{}", resumed.body["session"]["id"].as_str().expect("an id"));
        api.call_as(&bob, "DELETE", &path).send().is_error(ErrorCode::SessionNotFound);
        let foreign = api.sign_in("app-two", "ann");
        api.call_as(&foreign, "DELETE", &path).send().is_error(ErrorCode::SessionNotFound);
        assert_eq!(api.call_as(&phone, "DELETE", &path).send().status, 204);
        let refused = api.call_as(&laptop, "GET", "/v1/session").send();
        assert_eq!(refused.is_error(ErrorCode::SessionEnded)["reason"], "ended_by_user");
        api.call_as(&phone, "DELETE", &path).send().is_error(ErrorCode::SessionNotFound);
        api.call_as(&phone, "DELETE", "/v1/sessions/no").send().is_error(ErrorCode::SessionNotFound);
        api.check_credentials("DELETE", &path);
    }
}
