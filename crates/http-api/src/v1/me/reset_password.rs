//! `POST /v1/password-resets`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use callbox_domain::Secret;
use callbox_service::Service;
use callbox_service::passwords::ResetPassword;
use callbox_wire::account::ResetPasswordRequest;
use callbox_wire::{ErrorAnswer, ErrorCode};

use crate::body::JsonBody;
use crate::credentials::{PublicClient, origin};
use crate::error::HttpResult;

/// Reset a password
///
/// Sets a new password by the token that the app's backend sent to the user, and ends all of the user's sessions.
#[utoipa::path(
    post,
    path = "/v1/password-resets",
    operation_id = "resetPassword",
    tag = "account",
    request_body = ResetPasswordRequest,
    responses(
        (status = 204, description = "The new password holds; all sessions are over."),
        (status = 400, description = "`invalid_request`, `password_weak`", body = ErrorAnswer),
        (status = 401, description = "`credentials_missing`, `app_key_unknown`, `one_time_token_unknown`", body = ErrorAnswer),
        (status = 403, description = "`sign_in_way_off`, `origin_not_allowed`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn reset_password(
    State(service): State<Arc<Service>>,
    client: PublicClient,
    headers: HeaderMap,
    JsonBody(body): JsonBody<ResetPasswordRequest>,
) -> HttpResult<StatusCode> {
    let PublicClient::App(app_key) = client else { return Err(ErrorCode::CredentialsMissing.into()) };
    let (token, new_password) = (Secret::new(body.token), Secret::new(body.new_password));
    service.reset_password(ResetPassword { app_key, token, new_password, origin: origin(&headers) }).await?;
    Ok(StatusCode::NO_CONTENT)
}
