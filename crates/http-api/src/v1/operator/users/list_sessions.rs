//! `GET /v1/operator/apps/{appKey}/users/{userId}/sessions`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use callbox_service::Service;
use callbox_wire::ErrorAnswer;
use callbox_wire::page::Page;
use callbox_wire::session::ListedSession;

use crate::body::PathParameters;
use crate::credentials::Operator;
use crate::error::HttpResult;
use crate::v1::managed::{session_page, user_id};
use crate::v1::operator::app_key;

/// List the sessions of a user of an app
///
/// The user's open sessions, the one used last first, all on one page.
#[utoipa::path(
    get,
    path = "/v1/operator/apps/{appKey}/users/{userId}/sessions",
    operation_id = "listOperatorUserSessions",
    tag = "operator",
    security(("operatorToken" = [])),
    params(
        ("appKey" = String, Path, description = "Which app."),
        ("userId" = String, Path, description = "Whose."),
    ),
    responses(
        (status = 200, description = "All of them.", body = Page<ListedSession>),
        (status = 401, description = "`operator_token_wrong`", body = ErrorAnswer),
        (status = 404, description = "`app_not_found`, `user_not_found`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn list_sessions(
    State(service): State<Arc<Service>>,
    operator: Operator,
    PathParameters((key, user)): PathParameters<(String, String)>,
) -> HttpResult<Json<Page<ListedSession>>> {
    let app = service.manage(*operator, &app_key(key)?).await?;
    Ok(Json(session_page(service.list_user_sessions(&app, user_id(&user)?).await?)))
}

#[cfg(test)]
mod tests {
    use callbox_wire::ErrorCode;

    use crate::v1::operator::testing::{check_operator, get, operated};

    #[test]
    fn the_operator_sees_the_sessions_of_one_user() {
        let api = operated();
        for (app, user) in [("app-one", "ann"), ("app-one", "ann"), ("app-one", "bob"), ("app-two", "ann")] {
            api.sign_in(app, user);
        }
        let path = |app: &str, user: &str| format!("/v1/operator/apps/{app}/users/{user}/sessions");
        let listed = get(&api, &path("app-one", "ann"));
        let items = listed.body["items"].as_array().expect("a list");
        assert_eq!((listed.status, items.len()), (200, 2), "{listed:?}");
        assert!(items.iter().all(|item| item["current"] == false && item["session"]["credential"] == "open"));
        get(&api, &path("app-two", "bob")).is_error(ErrorCode::UserNotFound);
        get(&api, &path("app-three", "ann")).is_error(ErrorCode::AppNotFound);
        check_operator(&api, "GET", &path("app-one", "ann"));
    }
}
