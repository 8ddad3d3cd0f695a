//! `GET /v1/me/identities`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use callbox_service::Service;
use callbox_wire::ErrorAnswer;
use callbox_wire::account::OwnIdentity;
use callbox_wire::page::Page;

use crate::credentials::SignedIn;
use crate::error::HttpResult;

/// List one's identities
///
/// The names by which the signed-in user is known, all on one page.
#[utoipa::path(
    get,
    path = "/v1/me/identities",
    operation_id = "listIdentities",
    tag = "account",
    security(("sessionToken" = []), ("sessionSignature" = [])),
    responses(
        (status = 200, description = "All of them.", body = Page<OwnIdentity>),
        (status = 401, description = "`credentials_missing`, `token_unknown`, `session_ended`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn list_identities(
    State(service): State<Arc<Service>>,
    caller: SignedIn,
) -> HttpResult<Json<Page<OwnIdentity>>> {
    let identities = service.list_identities(&caller).await?;
    Ok(Json(Page { items: identities.into_iter().map(OwnIdentity::from).collect(), next_cursor: None }))
}
