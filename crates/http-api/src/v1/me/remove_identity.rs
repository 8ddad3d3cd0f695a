//! `DELETE /v1/me/identities/{type}/{value}`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use callbox_domain::IdentityType;
use callbox_service::Service;
use callbox_wire::{ErrorAnswer, ErrorCode};

use crate::body::PathParameters;
use crate::credentials::SignedIn;
use crate::error::HttpResult;

/// Remove an identity
///
/// Takes back a name that the user added. What the app's backend said stays.
#[utoipa::path(
    delete,
    path = "/v1/me/identities/{type}/{value}",
    operation_id = "removeIdentity",
    tag = "account",
    security(("sessionToken" = []), ("sessionSignature" = [])),
    params(
        ("type" = String, Path, description = "`username`, `email` or `number`."),
        ("value" = String, Path, description = "The name, percent-encoded."),
    ),
    responses(
        (status = 204, description = "The name is free."),
        (status = 401, description = "`credentials_missing`, `token_unknown`, `session_ended`", body = ErrorAnswer),
        (status = 404, description = "`identity_not_found`", body = ErrorAnswer),
        (status = 409, description = "`identity_needed`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn remove_identity(
    State(service): State<Arc<Service>>,
    caller: SignedIn,
    PathParameters((identity_type, value)): PathParameters<(String, String)>,
) -> HttpResult<StatusCode> {
    let identity_type = IdentityType::parse(&identity_type).ok_or(ErrorCode::IdentityNotFound)?;
    service.remove_identity(&caller, identity_type, &value).await?;
    Ok(StatusCode::NO_CONTENT)
}
