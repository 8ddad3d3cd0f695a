//! `POST /v1/app/users/{userId}/tickets`.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use callbox_service::Service;
use callbox_wire::ErrorAnswer;
use callbox_wire::managed::{IssueTicketRequest, IssuedTicket};

use crate::body::{JsonBody, PathParameter};
use crate::credentials::AppBackend;
use crate::error::HttpResult;
use crate::v1::managed::user_id;

/// Sign a ticket for a user
///
/// The ticket that your backend would sign, for trying things out. In production sign tickets yourself, without
/// asking the server.
#[utoipa::path(
    post,
    path = "/v1/app/users/{userId}/tickets",
    operation_id = "issueTicket",
    tag = "app users",
    security(("appSecret" = []), ("appSignature" = [])),
    params(("userId" = String, Path, description = "Whose.")),
    request_body = IssueTicketRequest,
    responses(
        (status = 201, description = "The ticket.", body = IssuedTicket),
        (status = 400, description = "`invalid_request`", body = ErrorAnswer),
        (status = 401, description = "`app_credentials_required`, `app_key_unknown`, `signature_invalid`, `clock_skew`, `request_replayed`", body = ErrorAnswer),
        (status = 403, description = "`app_disabled`, `sign_in_way_off`", body = ErrorAnswer),
        (status = 404, description = "`user_not_found`", body = ErrorAnswer),
        (status = 409, description = "`identity_conflict`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn issue_ticket(
    State(service): State<Arc<Service>>,
    backend: AppBackend,
    PathParameter(user): PathParameter,
    JsonBody(body): JsonBody<IssueTicketRequest>,
) -> HttpResult<(StatusCode, Json<IssuedTicket>)> {
    let life = body.expires_in.map(|seconds| Duration::from_secs(u64::from(seconds)));
    let ticket = service.issue_ticket(&backend, user_id(&user)?, life).await?;
    Ok((StatusCode::CREATED, Json(IssuedTicket { ticket: ticket.into_exposed() })))
}

#[cfg(test)]
mod tests {
    use callbox_wire::ErrorCode;
    use serde_json::json;

    use crate::testing::Api;

    const PATH: &str = "/v1/app/users/ann/tickets";

    #[test]
    fn a_ticket_signs_the_user_in() {
        let api = Api::new();
        let ann = json!({ "userId": "ann", "identities": [{ "type": "email", "value": "ann@example.com" }] });
        api.call_by("app-two", "POST", "/v1/app/users").json(&ann).send();
        let issued = api.call_by("app-two", "POST", PATH).json(&json!({ "expiresIn": 60 })).send();
        assert_eq!(issued.status, 201, "{issued:?}");
        let sign_in = api.call("POST", "/v1/sessions").header("authorization", "Application app-two");
        let signed_in = sign_in.json(&json!({ "ticket": issued.body["ticket"] })).send();
        assert_eq!((signed_in.status, &signed_in.body["user"]["id"]), (201, &"ann".into()), "{signed_in:?}");
        assert_eq!(signed_in.body["session"]["expiresAt"], "2023-11-14T22:14:20.000Z");
        api.call_by("app-two", "POST", PATH).json(&json!({ "expiresIn": 0 })).send().is_invalid("expiresIn");
        api.call_by("app-one", "POST", PATH).json(&json!({})).send().is_error(ErrorCode::UserNotFound);
        api.check_backend("POST", PATH);
    }

    #[test]
    fn a_user_for_whom_the_backend_does_not_vouch_gets_none() {
        let api = Api::new();
        api.sign_in("app-one", "ann");
        let refused = api.call_by("app-one", "POST", PATH).json(&json!({})).send();
        refused.is_error(ErrorCode::IdentityConflict);
    }
}
