//! `POST /v1/me/identities`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use callbox_service::Service;
use callbox_wire::ErrorAnswer;
use callbox_wire::account::OwnIdentity;
use callbox_wire::session::Identity;

use crate::body::JsonBody;
use crate::credentials::SignedInAgain;
use crate::error::HttpResult;

/// Add an identity
///
/// A name of one's own to sign in with, beside the password. Adding it again changes nothing.
#[utoipa::path(
    post,
    path = "/v1/me/identities",
    operation_id = "addIdentity",
    tag = "account",
    security(("sessionToken" = []), ("sessionSignature" = [])),
    request_body = Identity,
    responses(
        (status = 201, description = "The identity in its normal form.", body = OwnIdentity),
        (status = 400, description = "`invalid_request`", body = ErrorAnswer),
        (status = 401, description = "`credentials_missing`, `token_unknown`, `session_ended`", body = ErrorAnswer),
        (status = 403, description = "`sign_in_way_off`", body = ErrorAnswer),
        (status = 409, description = "`identity_taken`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn add_identity(
    State(service): State<Arc<Service>>,
    caller: SignedInAgain,
    JsonBody(body): JsonBody<Identity>,
) -> HttpResult<(StatusCode, Json<OwnIdentity>)> {
    let added = service.add_identity(&caller, body.identity_type.into(), &body.value).await?;
    Ok((StatusCode::CREATED, Json(OwnIdentity::from(added))))
}
