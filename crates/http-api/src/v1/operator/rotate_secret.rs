//! `POST /v1/operator/apps/{appKey}/secret-rotations`.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use callbox_service::Service;
use callbox_service::accounts::Rotation;
use callbox_wire::ErrorAnswer;
use callbox_wire::operator::{RotateSecretAnswer, RotateSecretRequest};

use super::app_key;
use crate::body::{JsonBody, PathParameter};
use crate::credentials::Operator;
use crate::error::HttpResult;

/// Give an app a new secret
///
/// The old secrets, those of imported keys among them, stay good for the grace time, so that backends can be moved over
/// one by one. With `endSessions` every session of the app ends too, for a secret that others may have used.
#[utoipa::path(
    post,
    path = "/v1/operator/apps/{appKey}/secret-rotations",
    operation_id = "rotateSecret",
    tag = "operator",
    security(("operatorToken" = [])),
    params(("appKey" = String, Path, description = "Which app.")),
    request_body = RotateSecretRequest,
    responses(
        (status = 201, description = "The new secret, told only this once.", body = RotateSecretAnswer),
        (status = 400, description = "`invalid_request`", body = ErrorAnswer),
        (status = 401, description = "`operator_token_wrong`", body = ErrorAnswer),
        (status = 404, description = "`app_not_found`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn rotate_secret(
    State(service): State<Arc<Service>>,
    operator: Operator,
    PathParameter(key): PathParameter,
    JsonBody(body): JsonBody<RotateSecretRequest>,
) -> HttpResult<(StatusCode, Json<RotateSecretAnswer>)> {
    let rotation = Rotation {
        grace: Duration::from_secs(body.grace_seconds.unwrap_or(GRACE_SECONDS).into()),
        end_sessions: body.end_sessions.unwrap_or(false),
    };
    let rotated = service.rotate_secret(*operator, &app_key(key)?, rotation).await?;
    let answer = RotateSecretAnswer {
        secret: rotated.secret.into_exposed(),
        old_good_until: rotated.old_good_until,
        ended_sessions: rotated.ended_sessions,
    };
    Ok((StatusCode::CREATED, Json(answer)))
}

/// Where the request does not say.
const GRACE_SECONDS: u32 = 3_600;

#[cfg(test)]
mod tests {
    use callbox_domain::Clock as _;
    use callbox_wire::ErrorCode;
    use serde_json::json;

    use crate::v1::operator::testing::{check_operator, operated, send};

    const TWO: &str = "/v1/operator/apps/app-two/secret-rotations";

    #[test]
    fn the_old_secret_lives_on_for_its_grace_and_sessions_as_long_as_they_may() {
        let api = operated();
        let token = api.sign_in("app-two", "dan");
        let ticket = api.ticket("app-two", "dan", api.clock.now());
        let sign_in = || {
            let call = api.call("POST", "/v1/sessions").header("authorization", "Application app-two");
            call.json(&json!({ "ticket": ticket })).send()
        };
        let first = send(&api, "POST", TWO, &json!({}));
        assert_eq!((first.status, &first.body["oldGoodUntil"]), (201, &"2023-11-14T23:13:20.000Z".into()));
        assert_eq!((sign_in().status, &first.body["endedSessions"]), (201, &0.into()));
        assert_eq!(api.call_as(&token, "GET", "/v1/session").send().status, 200);

        let second = send(&api, "POST", TWO, &json!({ "graceSeconds": 0, "endSessions": true }));
        assert_eq!((second.status, &second.body["endedSessions"]), (201, &2.into()));
        assert_ne!(first.body["secret"], second.body["secret"]);
        sign_in().is_error(ErrorCode::TicketSignatureInvalid);
        let ended = api.call_as(&token, "GET", "/v1/session").send();
        assert_eq!(ended.is_error(ErrorCode::SessionEnded)["reason"], "secret_rotated");

        send(&api, "POST", TWO, &json!({ "graceSeconds": 2_592_001 })).is_invalid("graceSeconds");
        send(&api, "POST", &TWO.replace("two", "three"), &json!({})).is_error(ErrorCode::AppNotFound);
        check_operator(&api, "POST", TWO);
    }
}
