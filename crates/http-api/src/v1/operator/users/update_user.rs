//! `PATCH /v1/operator/apps/{appKey}/users/{userId}`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use callbox_service::Service;
use callbox_wire::ErrorAnswer;
use callbox_wire::managed::{AppUser, UpdateUserRequest};

use crate::body::{JsonBody, PathParameters};
use crate::credentials::Operator;
use crate::error::HttpResult;
use crate::v1::managed::{app_user, user_id};
use crate::v1::operator::app_key;

/// Block a user of an app, or let them in again
///
/// Blocking ends all sessions of the user, with their connections and calls, in the same moment; sign-in is answered with
/// `user_blocked` from then on. A repeat changes nothing.
#[utoipa::path(
    patch,
    path = "/v1/operator/apps/{appKey}/users/{userId}",
    operation_id = "updateOperatorUser",
    tag = "operator",
    security(("operatorToken" = [])),
    params(
        ("appKey" = String, Path, description = "Which app."),
        ("userId" = String, Path, description = "Which of its users."),
    ),
    request_body = UpdateUserRequest,
    responses(
        (status = 200, description = "The user as they are now.", body = AppUser),
        (status = 400, description = "`invalid_request`", body = ErrorAnswer),
        (status = 401, description = "`operator_token_wrong`", body = ErrorAnswer),
        (status = 404, description = "`app_not_found`, `user_not_found`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn update_user(
    State(service): State<Arc<Service>>,
    operator: Operator,
    PathParameters((key, user)): PathParameters<(String, String)>,
    JsonBody(body): JsonBody<UpdateUserRequest>,
) -> HttpResult<Json<AppUser>> {
    let app = service.manage(*operator, &app_key(key)?).await?;
    Ok(Json(app_user(service.set_user_blocked(&app, user_id(&user)?, body.blocked).await?)))
}

#[cfg(test)]
mod tests {
    use callbox_wire::ErrorCode;
    use serde_json::json;

    use crate::v1::operator::testing::{check_operator, get, operated, send};

    #[test]
    fn a_blocked_user_is_out_of_one_app_until_let_in_again() {
        let api = operated();
        let [here, there] = ["app-one", "app-two"].map(|app| api.sign_in(app, "ann"));
        let path = "/v1/operator/apps/app-one/users/ann";
        let block = |blocked| send(&api, "PATCH", path, &json!({ "blocked": blocked }));
        let blocked = block(true);
        assert_eq!((blocked.status, blocked.body["blockedAt"].is_string()), (200, true), "{blocked:?}");
        let refused = api.call_as(&here, "GET", "/v1/session").send();
        assert_eq!(refused.is_error(ErrorCode::SessionEnded)["reason"], "user_blocked");
        assert_eq!(api.call_as(&there, "GET", "/v1/session").send().status, 200);
        let sign_in = api.call("POST", "/v1/sessions").header("authorization", "Application app-one");
        sign_in.json(&json!({ "userId": "ann" })).send().is_error(ErrorCode::UserBlocked);
        let audit = get(&api, "/v1/operator/audit?limit=1").body;
        let entry = &audit["items"][0];
        assert_eq!(
            (&entry["actor"], &entry["action"], &entry["subject"]),
            (&"operator".into(), &"user.blocked".into(), &"ann".into())
        );
        assert!(block(false).body["blockedAt"].is_null());
        api.sign_in("app-one", "ann");

        send(&api, "PATCH", path, &json!({})).is_error(ErrorCode::InvalidRequest);
        let unknown = |path| send(&api, "PATCH", path, &json!({ "blocked": true }));
        unknown("/v1/operator/apps/app-one/users/bob").is_error(ErrorCode::UserNotFound);
        unknown("/v1/operator/apps/app-three/users/ann").is_error(ErrorCode::AppNotFound);
        check_operator(&api, "PATCH", path);
    }
}
