//! `DELETE /v1/operator/apps/{appKey}/users/{userId}/sessions/{sessionId}`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use callbox_service::Service;
use callbox_wire::ErrorAnswer;

use crate::body::PathParameters;
use crate::credentials::Operator;
use crate::error::HttpResult;
use crate::v1::managed::{session_id, user_id};
use crate::v1::operator::app_key;

/// End one session of a user of an app
///
/// Signs the user out on one device: its token is refused, its sockets are closed and its calls end.
#[utoipa::path(
    delete,
    path = "/v1/operator/apps/{appKey}/users/{userId}/sessions/{sessionId}",
    operation_id = "endOperatorUserSession",
    tag = "operator",
    security(("operatorToken" = [])),
    params(
        ("appKey" = String, Path, description = "Which app."),
        ("userId" = String, Path, description = "Whose."),
        ("sessionId" = String, Path, description = "Which session."),
    ),
    responses(
        (status = 204, description = "The session is over."),
        (status = 401, description = "`operator_token_wrong`", body = ErrorAnswer),
        (status = 404, description = "`app_not_found`, `user_not_found`, `session_not_found`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn end_session(
    State(service): State<Arc<Service>>,
    operator: Operator,
    PathParameters((key, user, session)): PathParameters<(String, String, String)>,
) -> HttpResult<StatusCode> {
    let app = service.manage(*operator, &app_key(key)?).await?;
    service.end_user_session(&app, user_id(&user)?, session_id(session)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use callbox_wire::ErrorCode;

    use crate::v1::operator::testing::{check_operator, operate, operated};

    #[test]
    fn one_device_is_signed_out() {
        let api = operated();
        let phone = api.signed_in("app-one", "ann");
        let laptop = api.sign_in("app-one", "ann");
        api.sign_in("app-one", "bob");
        let id = phone["session"]["id"].as_str().expect("an id");
        let path =
            |app: &str, user: &str, id: &str| format!("/v1/operator/apps/{app}/users/{user}/sessions/{id}");
        let end = |app: &str, user: &str, id: &str| operate(&api, "DELETE", &path(app, user, id)).send();
        end("app-one", "bob", id).is_error(ErrorCode::SessionNotFound);
        end("app-two", "ann", id).is_error(ErrorCode::UserNotFound);
        end("app-three", "ann", id).is_error(ErrorCode::AppNotFound);
        end("app-one", "ann", "no").is_error(ErrorCode::SessionNotFound);
        assert_eq!(end("app-one", "ann", id).status, 204);
        end("app-one", "ann", id).is_error(ErrorCode::SessionNotFound);
        let token = phone["token"].as_str().expect("a token");
        let refused = api.call_as(token, "GET", "/v1/session").send();
        assert_eq!(refused.is_error(ErrorCode::SessionEnded)["reason"], "ended_by_operator");
        assert_eq!(api.call_as(&laptop, "GET", "/v1/session").send().status, 200);
        check_operator(&api, "DELETE", &path("app-one", "ann", id));
    }
}
