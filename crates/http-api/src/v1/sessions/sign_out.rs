//! `DELETE /v1/session`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use callbox_service::Service;
use callbox_wire::ErrorAnswer;

use crate::credentials::SignedIn;
use crate::error::HttpResult;

/// Sign out
///
/// Ends the session: its token is refused and its sockets are closed from now on.
#[utoipa::path(
    delete,
    path = "/v1/session",
    operation_id = "signOut",
    tag = "sessions",
    security(("sessionToken" = [])),
    responses(
        (status = 204, description = "The session is over."),
        (status = 401, description = "`credentials_missing`, `token_unknown`, `session_ended`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn sign_out(
    State(service): State<Arc<Service>>,
    caller: SignedIn,
) -> HttpResult<StatusCode> {
    service.sign_out(&caller).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use callbox_wire::ErrorCode;

    use crate::testing::Api;

    #[test]
    fn the_session_is_over_with_its_reason() {
        let api = Api::new();
        let token = api.sign_in("app-one", "ann");
        let answer = api.call_as(&token, "DELETE", "/v1/session").send();
        assert_eq!((answer.status, answer.body.as_str()), (204, Some("")));
        let again = api.call_as(&token, "DELETE", "/v1/session").send();
        assert_eq!(again.is_error(ErrorCode::SessionEnded)["reason"], "signed_out");
        api.check_credentials("DELETE", "/v1/session");
    }
}
