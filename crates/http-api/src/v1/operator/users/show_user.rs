//! `GET /v1/operator/apps/{appKey}/users/{userId}`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use callbox_service::Service;
use callbox_wire::ErrorAnswer;
use callbox_wire::managed::AppUser;

use crate::body::PathParameters;
use crate::credentials::Operator;
use crate::error::HttpResult;
use crate::v1::managed::{app_user, user_id};
use crate::v1::operator::app_key;

/// Show one user of an app
///
/// The user with the names that lead to them.
#[utoipa::path(
    get,
    path = "/v1/operator/apps/{appKey}/users/{userId}",
    operation_id = "showOperatorUser",
    tag = "operator",
    security(("operatorToken" = [])),
    params(
        ("appKey" = String, Path, description = "Which app."),
        ("userId" = String, Path, description = "Which of its users."),
    ),
    responses(
        (status = 200, description = "The user.", body = AppUser),
        (status = 401, description = "`operator_token_wrong`", body = ErrorAnswer),
        (status = 404, description = "`app_not_found`, `user_not_found`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn show_user(
    State(service): State<Arc<Service>>,
    operator: Operator,
    PathParameters((key, user)): PathParameters<(String, String)>,
) -> HttpResult<Json<AppUser>> {
    let app = service.manage(*operator, &app_key(key)?).await?;
    Ok(Json(app_user(service.find_user(&app, user_id(&user)?).await?)))
}

#[cfg(test)]
mod tests {
    use callbox_wire::ErrorCode;
    use serde_json::json;

    use crate::v1::operator::testing::{check_operator, get, operated, send};

    #[test]
    fn the_operator_sees_users_also_of_an_app_that_is_closed() {
        let api = operated();
        api.sign_in("app-two", "ann");
        api.sign_in("app-one", "x/y?z");
        let show = |app: &str, user: &str| get(&api, &format!("/v1/operator/apps/{app}/users/{user}"));
        let name = json!([{ "type": "username", "value": "ann", "assertedBy": "backend" }]);
        let ann = show("app-two", "ann");
        assert_eq!((ann.status, &ann.body["identities"]), (200, &name), "{ann:?}");
        send(&api, "PATCH", "/v1/operator/apps/app-two", &json!({ "disabled": true }));
        assert_eq!(show("app-two", "ann").body["identities"], name);
        assert_eq!(show("app-one", "x%2Fy%3Fz").body["id"], "x/y?z");
        show("app-one", "ann").is_error(ErrorCode::UserNotFound);
        show("app-one", "no%20id").is_error(ErrorCode::UserNotFound);
        show("app-three", "ann").is_error(ErrorCode::AppNotFound);
        check_operator(&api, "GET", "/v1/operator/apps/app-two/users/ann");
    }
}
