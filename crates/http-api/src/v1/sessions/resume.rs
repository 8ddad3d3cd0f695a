//! `GET /v1/session`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use callbox_service::Service;
use callbox_wire::ErrorAnswer;
use callbox_wire::people::User;
use callbox_wire::session::{Session, SessionAnswer};

use crate::credentials::SignedIn;
use crate::error::HttpResult;

/// Resume
///
/// Whether the session is still good, for a client that comes back with a stored token.
#[utoipa::path(
    get,
    path = "/v1/session",
    operation_id = "resumeSession",
    tag = "sessions",
    security(("sessionToken" = [])),
    responses(
        (status = 200, description = "The session is good.", body = SessionAnswer),
        (status = 401, description = "`credentials_missing`, `token_unknown`, `session_ended`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn resume_session(
    State(service): State<Arc<Service>>,
    caller: SignedIn,
) -> HttpResult<Json<SessionAnswer>> {
    let (session, user) = service.resume_session(&caller).await?;
    Ok(Json(SessionAnswer { session: Session::from(session), user: User::from_domain(&user) }))
}

#[cfg(test)]
mod tests {
    use crate::testing::Api;

    #[test]
    fn a_good_token_learns_its_session_and_user() {
        let api = Api::new();
        let token = api.sign_in("app-one", "ann");
        let answer = api.call_as(&token, "GET", "/v1/session").send();
        assert_eq!((answer.status, &answer.body["user"]["id"]), (200, &"ann".into()));
        assert!(answer.body["session"]["id"].is_string());
        assert!(answer.body.get("token").is_none(), "told only once");
        api.check_credentials("GET", "/v1/session");
    }
}
