//! `DELETE /v1/operator/apps/{appKey}/keys/{key}`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use callbox_domain::AppKey;
use callbox_service::Service;
use callbox_wire::{ErrorAnswer, ErrorCode};

use super::app_key;
use crate::body::PathParameters;
use crate::credentials::Operator;
use crate::error::HttpResult;

/// Remove a key of an app
///
/// An alias or an imported key, with its secret, leads to the app no longer. The app's own key stays.
#[utoipa::path(
    delete,
    path = "/v1/operator/apps/{appKey}/keys/{key}",
    operation_id = "removeAppKey",
    tag = "operator",
    security(("operatorToken" = [])),
    params(
        ("appKey" = String, Path, description = "Which app."),
        ("key" = String, Path, description = "Which of its keys."),
    ),
    responses(
        (status = 204, description = "Removed."),
        (status = 401, description = "`operator_token_wrong`", body = ErrorAnswer),
        (status = 404, description = "`app_not_found`, `app_key_not_found`", body = ErrorAnswer),
        (status = 409, description = "`app_key_needed`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn remove_app_key(
    State(service): State<Arc<Service>>,
    operator: Operator,
    PathParameters((app, key)): PathParameters<(String, String)>,
) -> HttpResult<StatusCode> {
    let key = AppKey::new(key).map_err(|_| ErrorCode::AppKeyNotFound)?;
    service.remove_key(*operator, &app_key(app)?, key).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use callbox_wire::ErrorCode;
    use serde_json::json;

    use crate::v1::operator::testing::{check_operator, get, operate, operated, send};

    #[test]
    fn a_removed_key_leads_nowhere() {
        let api = operated();
        let path = |app: &str, key: &str| format!("/v1/operator/apps/{app}/keys/{key}");
        let remove = |app: &str, key: &str| operate(&api, "DELETE", &path(app, key)).send();
        send(&api, "POST", "/v1/operator/apps/app-two/keys", &json!({ "key": "old" }));
        remove("app-one", "old").is_error(ErrorCode::AppKeyNotFound);
        assert_eq!(remove("app-two", "old").status, 204);
        get(&api, "/v1/operator/apps/old").is_error(ErrorCode::AppNotFound);
        remove("app-two", "old").is_error(ErrorCode::AppKeyNotFound);
        remove("app-two", "no.key").is_error(ErrorCode::AppKeyNotFound);
        remove("app-two", "app-two").is_error(ErrorCode::AppKeyNeeded);
        remove("app-three", "old").is_error(ErrorCode::AppNotFound);
        check_operator(&api, "DELETE", &path("app-two", "old"));
    }
}
