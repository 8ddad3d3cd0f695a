//! `PUT /v1/me/password`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use callbox_domain::Secret;
use callbox_service::Service;
use callbox_wire::ErrorAnswer;
use callbox_wire::account::ChangePasswordRequest;

use crate::body::JsonBody;
use crate::client_address::ClientAt;
use crate::credentials::SignedIn;
use crate::error::HttpResult;

/// Change one's password
///
/// Ends all of the user's other sessions.
#[utoipa::path(
    put,
    path = "/v1/me/password",
    operation_id = "changePassword",
    tag = "account",
    security(("sessionToken" = []), ("sessionSignature" = [])),
    request_body = ChangePasswordRequest,
    responses(
        (status = 204, description = "The new password holds; the other sessions are over."),
        (status = 400, description = "`invalid_request`, `password_weak`", body = ErrorAnswer),
        (status = 401, description = "`credentials_missing`, `token_unknown`, `session_ended`, `credentials_wrong`", body = ErrorAnswer),
        (status = 403, description = "`sign_in_way_off`", body = ErrorAnswer),
        (status = 429, description = "`rate_limited`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn change_password(
    State(service): State<Arc<Service>>,
    caller: SignedIn,
    ClientAt(address): ClientAt,
    JsonBody(body): JsonBody<ChangePasswordRequest>,
) -> HttpResult<StatusCode> {
    let current = body.current_password.map(Secret::new);
    service.change_password(&caller, current, Secret::new(body.new_password), address).await?;
    Ok(StatusCode::NO_CONTENT)
}
