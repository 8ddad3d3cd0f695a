//! `POST /v1/operator/apps/{appKey}/keys`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use callbox_domain::Secret;
use callbox_service::Service;
use callbox_wire::ErrorAnswer;
use callbox_wire::operator::{AddAppKeyAnswer, AddAppKeyRequest, ListedAppKey};

use super::app_key;
use crate::body::{JsonBody, PathParameter};
use crate::credentials::Operator;
use crate::error::HttpResult;

/// Let another key lead to an app
///
/// A key alone is an alias, for clients that carry another key. With the secret that it has on another server, backends
/// that sign with that secret are good for the app too.
#[utoipa::path(
    post,
    path = "/v1/operator/apps/{appKey}/keys",
    operation_id = "addAppKey",
    tag = "operator",
    security(("operatorToken" = [])),
    params(("appKey" = String, Path, description = "Which app.")),
    request_body = AddAppKeyRequest,
    responses(
        (status = 201, description = "The key.", body = AddAppKeyAnswer),
        (status = 400, description = "`invalid_request`", body = ErrorAnswer),
        (status = 401, description = "`operator_token_wrong`", body = ErrorAnswer),
        (status = 404, description = "`app_not_found`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn add_app_key(
    State(service): State<Arc<Service>>,
    operator: Operator,
    PathParameter(key): PathParameter,
    JsonBody(body): JsonBody<AddAppKeyRequest>,
) -> HttpResult<(StatusCode, Json<AddAppKeyAnswer>)> {
    let key = app_key(key)?;
    let row = match body.secret {
        None => service.add_alias(*operator, &key, body.key).await?,
        Some(secret) => service.import_key(*operator, &key, body.key, Secret::new(secret)).await?,
    };
    let own = service.manage(*operator, &key).await?.app.now().key.clone();
    Ok((StatusCode::CREATED, Json(AddAppKeyAnswer { key: ListedAppKey::from_domain(row, &own) })))
}

#[cfg(test)]
mod tests {
    use callbox_domain::{Clock as _, IdentityType, Secret};
    use callbox_service::sessions::ticket::{Ticket, TicketContents};
    use callbox_wire::ErrorCode;
    use serde_json::json;

    use crate::v1::operator::testing::{check_operator, operated, send};

    const KEYS: &str = "/v1/operator/apps/app-two/keys";
    const SECRET: &str = "JViE5vDor0Sw3WllZka15Q==";

    #[test]
    fn clients_and_backends_come_in_by_the_keys_that_they_have() {
        let api = operated();
        let post = |body| send(&api, "POST", KEYS, &body);
        let alias = post(json!({ "key": "old" }));
        assert_eq!((alias.status, &alias.body["key"]["kind"]), (201, &"alias".into()));
        let imported = post(json!({ "key": "legacy", "secret": SECRET }));
        assert_eq!((imported.status, &imported.body["key"]["kind"]), (201, &"imported".into()));
        assert!(!imported.body.to_string().contains(SECRET));

        let contents = TicketContents {
            identity_type: IdentityType::Username,
            endpoint: "dan".to_owned(),
            application_key: "legacy".to_owned(),
            created: api.clock.now(),
            expires_in: 3_600,
        };
        let foreign = Ticket::sign(&contents, &Secret::new(SECRET.to_owned())).expect("a good secret");
        for (key, ticket) in
            [("old", api.ticket("app-two", "dan", api.clock.now())), ("legacy", foreign.into_exposed())]
        {
            let call =
                api.call("POST", "/v1/sessions").header("authorization", &format!("Application {key}"));
            let answer = call.json(&json!({ "ticket": ticket })).send();
            assert_eq!((answer.status, &answer.body["user"]["id"]), (201, &"dan".into()), "{key}");
        }

        post(json!({ "key": "app-one" })).is_invalid("key");
        post(json!({ "key": "no/key" })).is_invalid("key");
        post(json!({ "key": "third", "secret": "short" })).is_invalid("secret");
        send(&api, "POST", "/v1/operator/apps/none/keys", &json!({ "key": "x" }))
            .is_error(ErrorCode::AppNotFound);
        check_operator(&api, "POST", KEYS);
    }
}
