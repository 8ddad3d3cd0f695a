//! `POST /v1/session/token`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use callbox_service::Service;
use callbox_wire::ErrorAnswer;
use callbox_wire::session::SignInAnswer;

use super::sign_in::sign_in_answer;
use crate::credentials::SignedIn;
use crate::error::HttpResult;

/// Get a token by the session's secret
///
/// For a client that kept only the session's id and secret and signs this request with it (`Authorization: Instance
/// <sessionId>:<signature>`). The session's end stays where it is; a token of before stays good for a minute.
#[utoipa::path(
    post,
    path = "/v1/session/token",
    operation_id = "issueSessionToken",
    tag = "sessions",
    security(("sessionSignature" = []), ("sessionToken" = [])),
    responses(
        (status = 200, description = "The session with a new token, which is told only this once.", body = SignInAnswer),
        (status = 401, description = "`credentials_missing`, `token_unknown`, `session_ended`, `signature_invalid`, `clock_skew`, `request_replayed`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn issue_session_token(
    State(service): State<Arc<Service>>,
    caller: SignedIn,
) -> HttpResult<Json<SignInAnswer>> {
    Ok(Json(sign_in_answer(service.issue_session_token(&caller).await?)))
}
