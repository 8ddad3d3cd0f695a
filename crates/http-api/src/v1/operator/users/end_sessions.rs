//! `DELETE /v1/operator/apps/{appKey}/users/{userId}/sessions`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use callbox_service::Service;
use callbox_wire::ErrorAnswer;

use crate::body::PathParameters;
use crate::credentials::Operator;
use crate::error::HttpResult;
use crate::v1::managed::user_id;
use crate::v1::operator::app_key;

/// End all sessions of a user of an app
///
/// Signs the user out on every device. To keep them out, block them.
#[utoipa::path(
    delete,
    path = "/v1/operator/apps/{appKey}/users/{userId}/sessions",
    operation_id = "endOperatorUserSessions",
    tag = "operator",
    security(("operatorToken" = [])),
    params(
        ("appKey" = String, Path, description = "Which app."),
        ("userId" = String, Path, description = "Whose."),
    ),
    responses(
        (status = 204, description = "The user has no session."),
        (status = 401, description = "`operator_token_wrong`", body = ErrorAnswer),
        (status = 404, description = "`app_not_found`, `user_not_found`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn end_sessions(
    State(service): State<Arc<Service>>,
    operator: Operator,
    PathParameters((key, user)): PathParameters<(String, String)>,
) -> HttpResult<StatusCode> {
    let app = service.manage(*operator, &app_key(key)?).await?;
    service.end_user_sessions(&app, user_id(&user)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use callbox_wire::ErrorCode;

    use crate::v1::operator::testing::{check_operator, operate, operated};

    #[test]
    fn a_user_is_signed_out_of_one_app_everywhere() {
        let api = operated();
        let [phone, laptop] = ["ann", "ann"].map(|user| api.sign_in("app-one", user));
        let others = [("app-one", "bob"), ("app-two", "ann")].map(|(app, user)| api.sign_in(app, user));
        let path = |app: &str| format!("/v1/operator/apps/{app}/users/ann/sessions");
        let end = |app: &str| operate(&api, "DELETE", &path(app)).send();
        for _ in 0..2 {
            assert_eq!(end("app-one").status, 204);
        }
        for token in [phone, laptop] {
            let refused = api.call_as(&token, "GET", "/v1/session").send();
            assert_eq!(refused.is_error(ErrorCode::SessionEnded)["reason"], "ended_by_operator");
        }
        for token in others {
            assert_eq!(api.call_as(&token, "GET", "/v1/session").send().status, 200);
        }
        let nobody = operate(&api, "DELETE", "/v1/operator/apps/app-one/users/eve/sessions").send();
        nobody.is_error(ErrorCode::UserNotFound);
        end("app-three").is_error(ErrorCode::AppNotFound);
        check_operator(&api, "DELETE", &path("app-one"));
    }
}
