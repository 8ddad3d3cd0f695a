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
use crate::credentials::SignedInAgain;
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
    caller: SignedInAgain,
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
    use callbox_domain::{CallId, CallMedia, ConnectionId, UserId};
    use callbox_service::Caller;
    use callbox_service::calls::StartRequest;
    use callbox_service::sessions::SessionToken;
    use callbox_wire::ErrorCode;
    use serde_json::json;

    use crate::testing::{Answer, Api};

    const CALL: &str = "call-0001";

    fn caller(api: &Api, token: &str) -> Caller {
        api.wait(api.service.authenticate(&SessionToken::from_client(token)))
    }

    fn connection(name: &str) -> ConnectionId {
        ConnectionId::new(name).expect("valid")
    }

    /// Calls bob from a connection of this session.
    fn start(api: &Api, token: &str) {
        let request = StartRequest {
            call_id: CallId::new(CALL).expect("valid"),
            callee_id: UserId::new("bob").expect("valid"),
            media: CallMedia::Audio,
            ring: None,
        };
        api.wait(api.service.start_call(&caller(api, token), &connection("page-of-ann"), request));
    }

    fn end(api: &Api, token: &str, reason: &str) -> Answer {
        let path = format!("/v1/calls/{CALL}/end");
        api.call_as(token, "POST", &path).json(&json!({ "reason": reason })).send()
    }

    #[test]
    fn a_page_on_its_way_out_cancels_its_call_once_and_for_all() {
        let api = Api::new();
        let [ann, bob] = ["ann", "bob"].map(|user| api.sign_in("app-one", user));
        start(&api, &ann);
        for _ in 0..2 {
            let answer = end(&api, &ann, "hang_up");
            assert_eq!((answer.status, answer.body.as_str()), (204, Some("")), "a repeat is fine");
        }
        assert_eq!(end(&api, &bob, "hang_up").status, 204, "over is over");
    }

    #[test]
    fn the_callee_declines_and_strangers_to_the_call_find_nothing() {
        let api = Api::new();
        let [ann, bob, eve] = ["ann", "bob", "eve"].map(|user| api.sign_in("app-one", user));
        start(&api, &ann);
        end(&api, &eve, "hang_up").is_error(ErrorCode::CallNotFound);
        let foreign = api.sign_in("app-two", "bob");
        end(&api, &foreign, "hang_up").is_error(ErrorCode::CallNotFound);
        assert_eq!(end(&api, &bob, "busy").status, 204);
    }

    #[test]
    fn only_the_sessions_of_the_legs_end_an_answered_call() {
        let api = Api::new();
        let [ann, ann_beside] = ["ann", "ann"].map(|user| api.sign_in("app-one", user));
        let [bob, bob_beside] = ["bob", "bob"].map(|user| api.sign_in("app-one", user));
        start(&api, &ann);
        let call = CallId::new(CALL).expect("valid");
        api.wait(api.service.accept_call(&caller(&api, &bob), &connection("page-of-bob"), call));
        end(&api, &bob_beside, "hang_up").is_error(ErrorCode::CallAnsweredElsewhere);
        end(&api, &ann_beside, "hang_up").is_error(ErrorCode::CallNotPossible);
        assert_eq!(end(&api, &bob, "hang_up").status, 204);
    }

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
