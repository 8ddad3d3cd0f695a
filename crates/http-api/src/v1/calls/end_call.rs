//! `POST /v1/calls/{callId}/end`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use callbox_domain::CallId;
use callbox_service::Service;
use callbox_service::calls::EndReason;
use callbox_wire::call::{CallEndReason, EndCallRequest};
use callbox_wire::{ErrorAnswer, ErrorCode};

use crate::body::{JsonBody, PathParameter};
use crate::credentials::SignedIn;
use crate::error::HttpResult;

/// End a call
///
/// Cancels, declines or hangs up on behalf of the caller's session: for a page on its way out, whose socket is going. A
/// repeat is fine.
#[utoipa::path(
    post,
    path = "/v1/calls/{callId}/end",
    operation_id = "endCall",
    tag = "calls",
    security(("sessionToken" = [])),
    params(("callId" = String, Path, description = "Which call.")),
    request_body = EndCallRequest,
    responses(
        (status = 204, description = "The call is over."),
        (status = 400, description = "`invalid_request`", body = ErrorAnswer),
        (status = 401, description = "`credentials_missing`, `token_unknown`, `session_ended`", body = ErrorAnswer),
        (status = 403, description = "`origin_not_allowed`", body = ErrorAnswer),
        (status = 404, description = "`call_not_found`", body = ErrorAnswer),
        (status = 409, description = "`call_answered_elsewhere`, `call_not_possible`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn end_call(
    State(service): State<Arc<Service>>,
    caller: SignedIn,
    PathParameter(call): PathParameter,
    JsonBody(body): JsonBody<EndCallRequest>,
) -> HttpResult<StatusCode> {
    let call = CallId::new(call).map_err(|_| ErrorCode::CallNotFound)?;
    let reason = match body.reason {
        CallEndReason::HangUp => EndReason::HangUp,
        CallEndReason::Busy => EndReason::Busy,
        CallEndReason::Failed => EndReason::Failed,
    };
    service.end_call(&caller, None, call, reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use callbox_wire::ErrorCode;
    use serde_json::json;

    use crate::testing::Api;

    #[test]
    fn unknown_calls_and_reasons_are_refused() {
        let api = Api::new();
        let token = api.sign_in("app-one", "ann");
        let end = |call: &str| api.call_as(&token, "POST", &format!("/v1/calls/{call}/end"));
        for call in ["call-unknown", "x", "a%2Fb"] {
            end(call).json(&json!({ "reason": "hang_up" })).send().is_error(ErrorCode::CallNotFound);
        }
        end("call-unknown").json(&json!({ "reason": "bored" })).send().is_invalid("reason");
        api.check_credentials("POST", "/v1/calls/call-unknown/end");
    }
}
