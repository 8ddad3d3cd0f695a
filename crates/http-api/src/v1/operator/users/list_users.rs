//! `GET /v1/operator/apps/{appKey}/users`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use callbox_service::Service;
use callbox_wire::ErrorAnswer;
use callbox_wire::managed::AppUser;
use callbox_wire::page::Page;

use crate::body::{PathParameter, Query};
use crate::credentials::Operator;
use crate::error::HttpResult;
use crate::v1::managed::{UserPageQuery, user_page};
use crate::v1::operator::app_key;

/// List the users of an app
///
/// All of them in the order of their ids, whatever the app's directory shows to users.
#[utoipa::path(
    get,
    path = "/v1/operator/apps/{appKey}/users",
    operation_id = "listOperatorUsers",
    tag = "operator",
    security(("operatorToken" = [])),
    params(("appKey" = String, Path, description = "Which app."), UserPageQuery),
    responses(
        (status = 200, description = "A page of users.", body = Page<AppUser>),
        (status = 400, description = "`invalid_request`, `invalid_cursor`", body = ErrorAnswer),
        (status = 401, description = "`operator_token_wrong`", body = ErrorAnswer),
        (status = 404, description = "`app_not_found`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn list_users(
    State(service): State<Arc<Service>>,
    operator: Operator,
    PathParameter(key): PathParameter,
    Query(query): Query<UserPageQuery>,
) -> HttpResult<Json<Page<AppUser>>> {
    let app = service.manage(*operator, &app_key(key)?).await?;
    Ok(Json(user_page(&service, &app, query).await?))
}

#[cfg(test)]
mod tests {
    use callbox_wire::ErrorCode;
    use serde_json::{Value, json};

    use crate::testing::Answer;
    use crate::v1::operator::testing::{check_operator, get, operated};

    #[test]
    fn the_users_of_each_app_come_in_pages() {
        let api = operated();
        for (app, user) in [("app-two", "cid"), ("app-two", "ann"), ("app-two", "bob"), ("app-one", "eve")] {
            api.sign_in(app, user);
        }
        let list = |app: &str, query: &str| get(&api, &format!("/v1/operator/apps/{app}/users{query}"));
        let ids = |answer: &Answer| {
            let items = answer.body["items"].as_array().expect("a list");
            Value::Array(items.iter().map(|item| item["id"].clone()).collect())
        };
        let first = list("app-two", "?limit=2");
        assert_eq!(ids(&first), json!(["ann", "bob"]));
        let cursor = first.body["nextCursor"].as_str().expect("more");
        let second = list("app-two", &format!("?cursor={cursor}"));
        assert_eq!((ids(&second), second.body["nextCursor"].is_null()), (json!(["cid"]), true));
        assert_eq!(ids(&list("app-one", "")), json!(["eve"]));
        list("app-one", "?limit=101").is_invalid("limit");
        list("app-one", "?cursor=!").is_error(ErrorCode::InvalidCursor);
        list("app-three", "").is_error(ErrorCode::AppNotFound);
        check_operator(&api, "GET", "/v1/operator/apps/app-two/users");
    }
}
