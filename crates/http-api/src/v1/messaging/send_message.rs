//! `POST /v1/messages`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use callbox_service::Service;
use callbox_wire::ErrorAnswer;
use callbox_wire::messaging::{Message, SendMessageAnswer, SendMessageRequest};

use crate::body::JsonBody;
use crate::credentials::SignedInAgain;
use crate::error::HttpResult;

/// Send a message
///
/// Answered once the message is synced to disk. The sender chooses the message's id; a repeat with the same content is
/// answered as the first time.
#[utoipa::path(
    post,
    path = "/v1/messages",
    operation_id = "sendMessage",
    tag = "messages",
    security(("sessionToken" = [])),
    request_body = SendMessageRequest,
    responses(
        (status = 201, description = "The message is accepted.", body = SendMessageAnswer),
        (status = 400, description = "`invalid_request`", body = ErrorAnswer),
        (status = 401, description = "`credentials_missing`, `token_unknown`, `session_ended`", body = ErrorAnswer),
        (status = 403, description = "`origin_not_allowed`", body = ErrorAnswer),
        (status = 404, description = "`user_not_found`, `conversation_not_found`", body = ErrorAnswer),
        (status = 409, description = "`message_id_taken`", body = ErrorAnswer),
        (status = 429, description = "`rate_limited`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn send_message(
    State(service): State<Arc<Service>>,
    caller: SignedInAgain,
    JsonBody(body): JsonBody<SendMessageRequest>,
) -> HttpResult<(StatusCode, Json<SendMessageAnswer>)> {
    let message = service.send_message(&caller, body).await?;
    Ok((StatusCode::CREATED, Json(SendMessageAnswer { message: Message::from_domain(&message) })))
}

#[cfg(test)]
mod tests {
    use callbox_wire::ErrorCode;
    use serde_json::{Value, json};

    use crate::testing::{Answer, Api};

    fn post(api: &Api, token: &str, body: &Value) -> Answer {
        api.call_as(token, "POST", "/v1/messages").json(body).send()
    }

    #[test]
    fn a_message_is_accepted_once_and_every_refusal_has_its_code() {
        let api = Api::new();
        let token = api.sign_in("app-one", "ann");
        api.sign_in("app-one", "bob");
        let to =
            |to: Value, text: &str| json!({ "messageId": "message-1", "to": to, "text": text, "more": 1 });
        let first = post(&api, &token, &to(json!({ "userId": "bob" }), "hello"));
        let message = &first.body["message"];
        assert_eq!((first.status, &message["position"], &message["text"]), (201, &1.into(), &"hello".into()));
        assert_eq!(post(&api, &token, &to(json!({ "userId": "bob" }), "hello")).body, first.body);
        let other = post(&api, &token, &to(json!({ "userId": "bob" }), "other"));
        other.is_error(ErrorCode::MessageIdTaken);
        let fresh =
            |to: Value| post(&api, &token, &json!({ "messageId": "message-2", "to": to, "text": "x" }));
        fresh(json!({ "userId": "nobody" })).is_error(ErrorCode::UserNotFound);
        fresh(json!({ "conversationId": "cnv_unknown" })).is_error(ErrorCode::ConversationNotFound);
        fresh(json!({ "userId": "ann" })).is_invalid("to.userId");
        fresh(json!({})).is_invalid("to");
        fresh(json!({ "userId": 1 })).is_invalid("to.userId");
        post(&api, &token, &to(json!({ "userId": "bob" }), "")).is_invalid("text");
        api.check_credentials("POST", "/v1/messages");
    }

    #[test]
    fn too_many_messages_are_told_when_to_come_back() {
        let api = Api::new();
        let token = api.sign_in("app-one", "ann");
        api.sign_in("app-one", "bob");
        for _ in 0..60 {
            api.message(&token, "message-1", "bob");
        }
        let body = json!({ "messageId": "message-1", "to": { "userId": "bob" }, "text": "hello" });
        let refused = post(&api, &token, &body);
        refused.is_error(ErrorCode::RateLimited);
        assert_eq!(refused.header("retry-after"), Some("1"));
    }
}
