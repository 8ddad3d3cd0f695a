//! `DELETE /v1/sessions`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use callbox_service::Service;
use callbox_wire::ErrorAnswer;

use crate::credentials::SignedIn;
use crate::error::HttpResult;

/// End all of one's other sessions
///
/// Signs every other device of the same user out.
#[utoipa::path(
    delete,
    path = "/v1/sessions",
    operation_id = "endOtherSessions",
    tag = "sessions",
    security(("sessionToken" = [])),
    responses(
        (status = 204, description = "Only the session that asked is left."),
        (status = 401, description = "`credentials_missing`, `token_unknown`, `session_ended`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn end_other_sessions(
    State(service): State<Arc<Service>>,
    caller: SignedIn,
) -> HttpResult<StatusCode> {
    service.end_other_sessions(&caller).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use callbox_wire::ErrorCode;

    use crate::testing::Api;

    #[test]
    fn only_the_session_that_asked_is_left() {
        let api = Api::new();
        let [phone, laptop, bob] = ["ann", "ann", "bob"].map(|user| api.sign_in("app-one", user));
        assert_eq!(api.call_as(&phone, "DELETE", "/v1/sessions").send().status, 204);
        let refused = api.call_as(&laptop, "GET", "/v1/session").send();
        assert_eq!(refused.is_error(ErrorCode::SessionEnded)["reason"], "ended_by_user");
        for good in [phone, bob] {
            assert_eq!(api.call_as(&good, "GET", "/v1/session").send().status, 200);
        }
        api.check_credentials("DELETE", "/v1/sessions");
    }
}
