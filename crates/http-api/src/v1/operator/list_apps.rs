//! `GET /v1/operator/apps`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use callbox_service::Service;
use callbox_wire::ErrorAnswer;
use callbox_wire::operator::App;
use callbox_wire::page::Page;

use crate::credentials::Operator;
use crate::error::HttpResult;

/// List apps
///
/// Every app of the server, in the order in which they were made, on one page. No secrets.
#[utoipa::path(
    get,
    path = "/v1/operator/apps",
    operation_id = "listApps",
    tag = "operator",
    security(("operatorToken" = [])),
    responses(
        (status = 200, description = "All of them.", body = Page<App>),
        (status = 401, description = "`operator_token_wrong`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn list_apps(
    State(service): State<Arc<Service>>,
    _operator: Operator,
) -> HttpResult<Json<Page<App>>> {
    let apps = service.list_apps().await?;
    Ok(Json(Page { items: apps.into_iter().map(|listed| listed.app.into()).collect(), next_cursor: None }))
}

#[cfg(test)]
mod tests {
    use crate::v1::operator::testing::{check_operator, get, operated};

    #[test]
    fn the_operator_sees_every_app() {
        let api = operated();
        let answer = get(&api, "/v1/operator/apps");
        let items = answer.body["items"].as_array().expect("a list");
        let keys: Vec<_> = items.iter().map(|app| app["key"].as_str().expect("a key")).collect();
        assert_eq!((answer.status, keys.as_slice()), (200, ["app-one", "app-two"].as_slice()));
        assert_eq!(items[0]["settings"]["directory"], "everyone");
        assert!(!answer.body.to_string().contains("ecret"), "{answer:?}");
        check_operator(&api, "GET", "/v1/operator/apps");
    }
}
