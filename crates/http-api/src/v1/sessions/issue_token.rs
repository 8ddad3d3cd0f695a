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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use callbox_wire::ErrorCode;
    use serde_json::{Value, json};

    use crate::testing::{Answer, Api};

    const PATH: &str = "/v1/session/token";

    fn issue(api: &Api, session: &Value) -> Answer {
        api.call("POST", PATH).signed_by_session(session).send()
    }

    fn status(api: &Api, answer: &Value) -> u16 {
        api.call_as(answer["token"].as_str().expect("a token"), "GET", "/v1/session").send().status
    }

    #[test]
    fn who_kept_the_secret_gets_a_token_that_works() {
        let api = Api::new();
        let session = api.signed_in("app-one", "ann");
        api.clock.advance(Duration::from_hours(1));
        let answer = issue(&api, &session);
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_ne!(answer.body["token"], session["token"]);
        for same in ["secret", "user"] {
            assert_eq!(answer.body[same], session[same]);
        }
        for same in ["id", "expiresAt"] {
            assert_eq!(answer.body["session"][same], session["session"][same]);
        }
        assert_eq!((status(&api, &session), status(&api, &answer.body)), (200, 200));
        api.clock.advance(Duration::from_mins(1));
        assert_eq!((status(&api, &session), status(&api, &answer.body)), (401, 200));
        let by_token = api.call_as(answer.body["token"].as_str().expect("a token"), "POST", PATH).send();
        assert_eq!(by_token.status, 200);
    }

    #[test]
    fn a_signature_gets_one_token() {
        let api = Api::new();
        let session = api.signed_in("app-one", "ann");
        let call = api.call("POST", PATH).signed_by_session(&session);
        assert_eq!(call.clone().send().status, 200);
        call.send().is_error(ErrorCode::RequestReplayed);
    }

    #[test]
    fn every_refusal_has_its_code() {
        let api = Api::new();
        let (ann, bob) = (api.signed_in("app-one", "ann"), api.signed_in("app-one", "bob"));
        let with = |id: &Value, secret: &Value| json!({ "session": { "id": id }, "secret": secret });
        let foreign = with(&ann["session"]["id"], &bob["secret"]);
        issue(&api, &foreign).is_error(ErrorCode::SignatureInvalid);
        let unknown = with(&json!("ses_12345678"), &ann["secret"]);
        issue(&api, &unknown).is_error(ErrorCode::TokenUnknown);
        let page = api.call("POST", PATH).header("origin", "https://evil.example").signed_by_session(&ann);
        page.send().is_error(ErrorCode::OriginNotAllowed);
        assert_eq!(api.call("DELETE", "/v1/session").signed_by_session(&ann).send().status, 204);
        assert_eq!(issue(&api, &ann).is_error(ErrorCode::SessionEnded)["reason"], "signed_out");
        api.clock.advance(Duration::from_hours(24));
        assert_eq!(issue(&api, &bob).is_error(ErrorCode::SessionEnded)["reason"], "expired");
        api.check_credentials("POST", PATH);
    }
}
