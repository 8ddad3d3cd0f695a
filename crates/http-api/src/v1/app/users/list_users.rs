//! `GET /v1/app/users`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use callbox_service::Service;
use callbox_wire::ErrorAnswer;
use callbox_wire::managed::AppUser;
use callbox_wire::page::Page;

use crate::body::Query;
use crate::credentials::AppBackend;
use crate::error::HttpResult;
use crate::v1::managed::{UserPageQuery, user_page};

/// List the app's users
///
/// All users of the app in the order of their ids, whatever its directory shows to users.
#[utoipa::path(
    get,
    path = "/v1/app/users",
    operation_id = "listAppUsers",
    tag = "app users",
    security(("appSecret" = []), ("appSignature" = [])),
    params(UserPageQuery),
    responses(
        (status = 200, description = "A page of users.", body = Page<AppUser>),
        (status = 400, description = "`invalid_request`, `invalid_cursor`", body = ErrorAnswer),
        (status = 401, description = "`app_credentials_required`, `app_key_unknown`, `signature_invalid`, `clock_skew`, `request_replayed`", body = ErrorAnswer),
        (status = 403, description = "`app_disabled`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn list_users(
    State(service): State<Arc<Service>>,
    backend: AppBackend,
    Query(query): Query<UserPageQuery>,
) -> HttpResult<Json<Page<AppUser>>> {
    Ok(Json(user_page(&service, &backend, query).await?))
}

#[cfg(test)]
mod tests {
    use callbox_wire::ErrorCode;

    use crate::testing::Api;

    #[test]
    fn users_come_in_pages_also_where_the_directory_is_closed() {
        let api = Api::new();
        for user in ["cid", "ann", "bob"] {
            api.sign_in("app-two", user);
        }
        api.sign_in("app-one", "eve");
        let get = |query: &str| api.call_by("app-two", "GET", &format!("/v1/app/users{query}")).send();
        let ids = |answer: &crate::testing::Answer| {
            let items = answer.body["items"].as_array().expect("a list");
            items.iter().map(|item| item["id"].as_str().expect("an id").to_owned()).collect::<Vec<_>>()
        };
        let first = get("?limit=2");
        assert_eq!(ids(&first), ["ann", "bob"]);
        let second = get(&format!("?cursor={}", first.body["nextCursor"].as_str().expect("more")));
        assert_eq!(ids(&second), ["cid"]);
        assert!(second.body["nextCursor"].is_null());
        get("?limit=0").is_invalid("limit");
        get("?cursor=!").is_error(ErrorCode::InvalidCursor);
        api.check_backend("GET", "/v1/app/users");
    }
}
