//! `POST /v1/operator/apps`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use callbox_domain::AppSettings;
use callbox_service::Service;
use callbox_service::accounts::{CreateApp, change_settings};
use callbox_wire::ErrorAnswer;
use callbox_wire::operator::{CreateAppAnswer, CreateAppRequest};

use crate::body::JsonBody;
use crate::credentials::Operator;
use crate::error::HttpResult;

/// Make an app
///
/// The secret belongs to the app's backend. It is told here and by a rotation only.
#[utoipa::path(
    post,
    path = "/v1/operator/apps",
    operation_id = "createApp",
    tag = "operator",
    security(("operatorToken" = [])),
    request_body = CreateAppRequest,
    responses(
        (status = 201, description = "Made.", body = CreateAppAnswer),
        (status = 400, description = "`invalid_request`", body = ErrorAnswer),
        (status = 401, description = "`operator_token_wrong`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn create_app(
    State(service): State<Arc<Service>>,
    operator: Operator,
    JsonBody(body): JsonBody<CreateAppRequest>,
) -> HttpResult<(StatusCode, Json<CreateAppAnswer>)> {
    let settings = change_settings(&AppSettings::default(), &body.settings)?;
    let request = CreateApp { name: body.name, key: body.key, settings };
    let created = service.create_app(*operator, request).await?;
    let answer = CreateAppAnswer { app: created.app.into(), secret: created.secret.into_exposed() };
    Ok((StatusCode::CREATED, Json(answer)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::v1::operator::testing::{check_operator, get, operated, send};

    #[test]
    fn an_app_is_made_with_its_settings_and_a_secret() {
        let api = operated();
        let post = |body| send(&api, "POST", "/v1/operator/apps", &body);
        let answer = post(json!({ "name": "Shop", "key": "shop", "settings": { "ringSeconds": 9 } }));
        assert_eq!((answer.status, &answer.body["app"]["name"]), (201, &"Shop".into()));
        assert_eq!(answer.body["app"]["settings"]["ringSeconds"], 9);
        assert_eq!(answer.body["secret"].as_str().map(str::len), Some(44));
        assert_eq!(get(&api, "/v1/operator/apps/shop").body["app"], answer.body["app"]);
        assert!(post(json!({ "name": "Random" })).body["app"]["key"].as_str().expect("a key").len() > 20);

        post(json!({ "name": "Again", "key": "shop" })).is_invalid("key");
        post(json!({ "name": "Shop", "key": "no/key" })).is_invalid("key");
        post(json!({ "name": "" })).is_invalid("name");
        post(json!({ "name": "Shop", "settings": { "ringSeconds": 1 } })).is_invalid("settings.ringSeconds");
        post(json!({ "name": "Shop", "settings": { "x": 1 } })).is_invalid("settings.x");
        check_operator(&api, "POST", "/v1/operator/apps");
    }
}
