//! `DELETE /v1/operator/apps/{appKey}/users/{userId}`.

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

/// Erase a user of an app
///
/// Ends the user's sessions and calls and removes everything of theirs, as `deleteUser` does for the app's backend. It
/// cannot be undone.
#[utoipa::path(
    delete,
    path = "/v1/operator/apps/{appKey}/users/{userId}",
    operation_id = "eraseOperatorUser",
    tag = "operator",
    security(("operatorToken" = [])),
    params(
        ("appKey" = String, Path, description = "Which app."),
        ("userId" = String, Path, description = "Which of its users."),
    ),
    responses(
        (status = 204, description = "Nothing of the user is left."),
        (status = 401, description = "`operator_token_wrong`", body = ErrorAnswer),
        (status = 404, description = "`app_not_found`, `user_not_found`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn erase_user(
    State(service): State<Arc<Service>>,
    operator: Operator,
    PathParameters((key, user)): PathParameters<(String, String)>,
) -> HttpResult<StatusCode> {
    let app = service.manage(*operator, &app_key(key)?).await?;
    service.erase_user(&app, user_id(&user)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use callbox_wire::ErrorCode;

    use crate::v1::operator::testing::{check_operator, get, operate, operated};

    #[test]
    fn an_erased_user_is_gone_from_one_app_and_from_the_log() {
        let api = operated();
        let [here, there] = ["app-one", "app-two"].map(|app| api.sign_in(app, "ann"));
        let path = |app: &str| format!("/v1/operator/apps/{app}/users/ann");
        let erase = |app: &str| operate(&api, "DELETE", &path(app)).send();
        assert_eq!(erase("app-one").status, 204);
        get(&api, &path("app-one")).is_error(ErrorCode::UserNotFound);
        erase("app-one").is_error(ErrorCode::UserNotFound);
        api.call_as(&here, "GET", "/v1/session").send().is_error(ErrorCode::TokenUnknown);
        assert_eq!(api.call_as(&there, "GET", "/v1/session").send().status, 200);
        let audit = get(&api, "/v1/operator/audit?limit=1").body;
        let entry = &audit["items"][0];
        assert_eq!((&entry["actor"], &entry["action"]), (&"operator".into(), &"user.deleted".into()));
        assert!(entry["subject"].as_str().is_some_and(|subject| subject.starts_with("deleted_")), "{audit}");
        erase("app-three").is_error(ErrorCode::AppNotFound);
        check_operator(&api, "DELETE", &path("app-two"));
    }
}
