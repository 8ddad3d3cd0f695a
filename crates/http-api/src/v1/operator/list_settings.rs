//! `GET /v1/operator/settings`.

use axum::Json;
use callbox_wire::ErrorAnswer;
use callbox_wire::operator::Setting;
use callbox_wire::page::Page;

use crate::credentials::Operator;

/// List the settings that apps have
///
/// The table of names, values, bounds and defaults, on one page.
#[utoipa::path(
    get,
    path = "/v1/operator/settings",
    operation_id = "listSettings",
    tag = "operator",
    security(("operatorToken" = [])),
    responses(
        (status = 200, description = "All of them.", body = Page<Setting>),
        (status = 401, description = "`operator_token_wrong`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn list_settings(_operator: Operator) -> Json<Page<Setting>> {
    Json(Page { items: Setting::all(), next_cursor: None })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::v1::operator::testing::{check_operator, get, operated};

    #[test]
    fn every_setting_is_listed_with_its_bounds() {
        let api = operated();
        let table = get(&api, "/v1/operator/settings");
        let items = table.body["items"].as_array().expect("a list");
        let find = |name: &str| items.iter().find(|setting| setting["name"] == name).expect("listed");
        let ring = find("ringSeconds");
        let bounds = [&ring["kind"], &ring["min"], &ring["max"], &ring["default"]];
        assert_eq!(bounds, [&json!("number"), &json!(5), &json!(300), &json!(60)]);
        let directory = find("directory");
        assert_eq!((&directory["kind"], &directory["min"]), (&json!("word"), &Value::Null));
        assert_eq!(directory["words"], json!(["contacts", "everyone"]));
        let app = get(&api, "/v1/operator/apps/app-one");
        assert_eq!(app.body["app"]["settings"].as_object().map(serde_json::Map::len), Some(items.len()));
        check_operator(&api, "GET", "/v1/operator/settings");
    }
}
