//! `GET /v1/me/identities`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use callbox_service::Service;
use callbox_wire::ErrorAnswer;
use callbox_wire::account::OwnIdentity;
use callbox_wire::page::Page;

use crate::credentials::SignedIn;
use crate::error::HttpResult;

/// List one's identities
///
/// The names by which the signed-in user is known, all on one page.
#[utoipa::path(
    get,
    path = "/v1/me/identities",
    operation_id = "listIdentities",
    tag = "account",
    security(("sessionToken" = []), ("sessionSignature" = [])),
    responses(
        (status = 200, description = "All of them.", body = Page<OwnIdentity>),
        (status = 401, description = "`credentials_missing`, `token_unknown`, `session_ended`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn list_identities(
    State(service): State<Arc<Service>>,
    caller: SignedIn,
) -> HttpResult<Json<Page<OwnIdentity>>> {
    let identities = service.list_identities(&caller).await?;
    Ok(Json(Page { items: identities.into_iter().map(OwnIdentity::from).collect(), next_cursor: None }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::Api;

    #[test]
    fn one_sees_who_vouched_for_each_of_ones_names() {
        let api = Api::new();
        api.change_app("app-two", |settings| settings.password_sign_in = true);
        let token = api.sign_in("app-two", "ann");
        let body = json!({ "type": "email", "value": "ann@example.com" });
        assert_eq!(api.call_as(&token, "POST", "/v1/me/identities").json(&body).send().status, 201);
        let answer = api.call_as(&token, "GET", "/v1/me/identities").send();
        let mut names: Vec<_> = answer.body["items"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|item| (item["value"].as_str().expect("text"), item["assertedBy"].as_str().expect("text")))
            .collect();
        names.sort_unstable();
        assert_eq!(names, [("ann", "backend"), ("ann@example.com", "self")]);
        assert_eq!(answer.body["nextCursor"], serde_json::Value::Null);
        api.check_credentials("GET", "/v1/me/identities");
    }
}
