//! `PATCH /v1/operator/apps/{appKey}`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use callbox_service::Service;
use callbox_service::accounts::UpdateApp;
use callbox_wire::ErrorAnswer;
use callbox_wire::operator::{AppAnswer, UpdateAppRequest};

use super::app_key;
use crate::body::{JsonBody, PathParameter};
use crate::credentials::Operator;
use crate::error::HttpResult;

/// Change an app
///
/// Its name, its settings, whether anyone may use it. What is left out stays, and `null` sets a setting to its default.
/// Open connections go by the new settings at once; those of an app that is disabled are closed with code 4402.
#[utoipa::path(
    patch,
    path = "/v1/operator/apps/{appKey}",
    operation_id = "updateApp",
    tag = "operator",
    security(("operatorToken" = [])),
    params(("appKey" = String, Path, description = "Which app.")),
    request_body = UpdateAppRequest,
    responses(
        (status = 200, description = "The app as it is now.", body = AppAnswer),
        (status = 400, description = "`invalid_request`", body = ErrorAnswer),
        (status = 401, description = "`operator_token_wrong`", body = ErrorAnswer),
        (status = 404, description = "`app_not_found`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn update_app(
    State(service): State<Arc<Service>>,
    operator: Operator,
    PathParameter(key): PathParameter,
    JsonBody(body): JsonBody<UpdateAppRequest>,
) -> HttpResult<Json<AppAnswer>> {
    let UpdateAppRequest { name, disabled, settings } = body;
    let app = service.update_app(*operator, &app_key(key)?, UpdateApp { name, disabled, settings }).await?;
    Ok(Json(AppAnswer { app: app.into() }))
}

#[cfg(test)]
mod tests {
    use callbox_wire::ErrorCode;
    use serde_json::{Value, json};

    use crate::v1::operator::testing::{check_operator, get, operated, send};

    const ONE: &str = "/v1/operator/apps/app-one";

    #[test]
    fn settings_act_at_once_and_null_resets_them() {
        let api = operated();
        let token = api.sign_in("app-one", "ann");
        let list = || api.call_as(&token, "GET", "/v1/users").send();
        let patch = |settings: Value| send(&api, "PATCH", ONE, &json!({ "settings": settings }));
        assert_eq!(list().status, 200);
        let closed = patch(json!({ "directory": "contacts" }));
        assert_eq!((closed.status, &closed.body["app"]["settings"]["directory"]), (200, &"contacts".into()));
        list().is_error(ErrorCode::DirectoryClosed);
        patch(json!({ "directory": "everyone" }));
        assert_eq!(list().status, 200);
        assert_eq!(patch(json!({ "directory": null })).body["app"]["settings"]["directory"], "contacts");
        assert_eq!(patch(json!({})).body, get(&api, ONE).body, "nothing changed");

        patch(json!({ "colour": "red" })).is_invalid("settings.colour");
        patch(json!({ "sessionsPerUserMax": 0 })).is_invalid("settings.sessionsPerUserMax");
        send(&api, "PATCH", ONE, &json!({ "name": "x".repeat(101) })).is_invalid("name");
        send(&api, "PATCH", ONE, &json!({ "settings": 1 })).is_invalid("settings");
        send(&api, "PATCH", "/v1/operator/apps/none", &json!({})).is_error(ErrorCode::AppNotFound);
        check_operator(&api, "PATCH", ONE);
    }

    #[test]
    fn a_disabled_app_is_closed_until_it_is_enabled() {
        let api = operated();
        let token = api.sign_in("app-one", "ann");
        let disabled = send(&api, "PATCH", ONE, &json!({ "disabled": true, "name": "Closed" }));
        assert!(disabled.body["app"]["disabledAt"].is_string());
        assert_eq!(disabled.body["app"]["name"], "Closed");
        let sign_in = || {
            let call = api.call("POST", "/v1/sessions").header("authorization", "Application app-one");
            call.json(&json!({ "userId": "ann" })).send()
        };
        sign_in().is_error(ErrorCode::AppDisabled);
        let ended = api.call_as(&token, "GET", "/v1/session").send();
        assert_eq!(ended.is_error(ErrorCode::SessionEnded)["reason"], "app_disabled");
        let enabled = send(&api, "PATCH", ONE, &json!({ "disabled": false }));
        assert_eq!(enabled.body["app"]["disabledAt"], Value::Null);
        assert_eq!(sign_in().status, 201);
    }
}
