//! `GET /v1/app/users`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use callbox_domain::UserId;
use callbox_service::Service;
use callbox_wire::ErrorAnswer;
use callbox_wire::managed::AppUser;
use callbox_wire::page::Page;
use serde::Deserialize;
use utoipa::IntoParams;

use super::app_user;
use crate::body::Query;
use crate::credentials::AppBackend;
use crate::cursor::{self, LIMIT_DEFAULT};
use crate::error::HttpResult;

/// The query of `listAppUsers`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListAppUsersQuery {
    /// Items in a page, 1 to 100; 50 where it is left out.
    limit: Option<u32>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

/// List the app's users
///
/// All users of the app in the order of their ids, whatever its directory shows to users.
#[utoipa::path(
    get,
    path = "/v1/app/users",
    operation_id = "listAppUsers",
    tag = "app users",
    security(("appSecret" = []), ("appSignature" = [])),
    params(ListAppUsersQuery),
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
    Query(query): Query<ListAppUsersQuery>,
) -> HttpResult<Json<Page<AppUser>>> {
    let after = cursor::parse(query.cursor.as_deref(), |text| UserId::new(text).ok())?;
    let page = service.list_managed_users(&backend, after, query.limit.unwrap_or(LIMIT_DEFAULT)).await?;
    let next_cursor = page.next_after.map(|user| cursor::write(user.as_str()));
    Ok(Json(Page { items: page.users.into_iter().map(app_user).collect(), next_cursor }))
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
