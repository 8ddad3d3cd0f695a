//! `GET /v1/operator/apps/{appKey}/keys`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use callbox_service::Service;
use callbox_wire::ErrorAnswer;
use callbox_wire::operator::ListedAppKey;
use callbox_wire::page::Page;

use super::app_key;
use crate::body::PathParameter;
use crate::credentials::Operator;
use crate::error::HttpResult;

/// List the keys of an app
///
/// Every key that leads to it, or led to it before it was removed, on one page. No secrets.
#[utoipa::path(
    get,
    path = "/v1/operator/apps/{appKey}/keys",
    operation_id = "listAppKeys",
    tag = "operator",
    security(("operatorToken" = [])),
    params(("appKey" = String, Path, description = "Which app.")),
    responses(
        (status = 200, description = "All of them.", body = Page<ListedAppKey>),
        (status = 401, description = "`operator_token_wrong`", body = ErrorAnswer),
        (status = 404, description = "`app_not_found`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn list_app_keys(
    State(service): State<Arc<Service>>,
    _operator: Operator,
    PathParameter(key): PathParameter,
) -> HttpResult<Json<Page<ListedAppKey>>> {
    let listed = service.list_app_keys(&app_key(key)?).await?;
    let items = listed.keys.into_iter().map(|row| ListedAppKey::from_domain(row, &listed.app.key));
    Ok(Json(Page { items: items.collect(), next_cursor: None }))
}

#[cfg(test)]
mod tests {
    use callbox_wire::ErrorCode;
    use serde_json::json;

    use crate::v1::operator::testing::{check_operator, get, operated, send};

    #[test]
    fn keys_are_listed_with_what_they_are_and_until_when() {
        let api = operated();
        let path = "/v1/operator/apps/app-two/keys";
        let secret = "JViE5vDor0Sw3WllZka15Q==";
        send(&api, "POST", path, &json!({ "key": "legacy", "secret": secret }));
        send(&api, "POST", path, &json!({ "key": "old" }));
        send(&api, "POST", "/v1/operator/apps/app-two/secret-rotations", &json!({}));
        let answer = get(&api, path);
        let mut listed: Vec<_> = answer.body["items"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|key| (key["key"].as_str(), key["kind"].as_str(), key["goodUntil"].is_null()))
            .collect();
        listed.sort_unstable();
        let expected = [
            (Some("app-two"), Some("own"), false),
            (Some("app-two"), Some("own"), true),
            (Some("legacy"), Some("alias"), true),
            (Some("legacy"), Some("imported"), false),
            (Some("old"), Some("alias"), true),
        ];
        assert_eq!((answer.status, listed.as_slice()), (200, expected.as_slice()));
        assert!(!answer.body.to_string().contains(secret));
        get(&api, "/v1/operator/apps/none/keys").is_error(ErrorCode::AppNotFound);
        check_operator(&api, "GET", path);
    }
}
