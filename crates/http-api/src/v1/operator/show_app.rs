//! `GET /v1/operator/apps/{appKey}`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use callbox_service::Service;
use callbox_wire::ErrorAnswer;
use callbox_wire::operator::AppAnswer;

use super::app_key;
use crate::body::PathParameter;
use crate::credentials::Operator;
use crate::error::HttpResult;

/// Show an app
///
/// By any key that leads to it. No secret.
#[utoipa::path(
    get,
    path = "/v1/operator/apps/{appKey}",
    operation_id = "showApp",
    tag = "operator",
    security(("operatorToken" = [])),
    params(("appKey" = String, Path, description = "Which app.")),
    responses(
        (status = 200, description = "The app.", body = AppAnswer),
        (status = 401, description = "`operator_token_wrong`", body = ErrorAnswer),
        (status = 404, description = "`app_not_found`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn show_app(
    State(service): State<Arc<Service>>,
    operator: Operator,
    PathParameter(key): PathParameter,
) -> HttpResult<Json<AppAnswer>> {
    let managed = service.manage(*operator, &app_key(key)?).await?;
    Ok(Json(AppAnswer { app: callbox_domain::App::clone(&managed.app.now()).into() }))
}

#[cfg(test)]
mod tests {
    use callbox_wire::ErrorCode;
    use serde_json::{Value, json};

    use crate::v1::operator::testing::{check_operator, get, operated, send};

    #[test]
    fn an_app_is_shown_by_any_of_its_keys() {
        let api = operated();
        send(&api, "POST", "/v1/operator/apps/app-two/keys", &json!({ "key": "legacy" }));
        for key in ["app-two", "legacy"] {
            let answer = get(&api, &format!("/v1/operator/apps/{key}"));
            assert_eq!((answer.status, &answer.body["app"]["key"]), (200, &"app-two".into()));
            assert_eq!(answer.body["app"]["disabledAt"], Value::Null);
        }
        for unknown in ["app-three", "no.key"] {
            get(&api, &format!("/v1/operator/apps/{unknown}")).is_error(ErrorCode::AppNotFound);
        }
        check_operator(&api, "GET", "/v1/operator/apps/app-two");
    }
}
