//! `GET /v1/users`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use callbox_domain::UserId;
use callbox_service::Service;
use callbox_wire::ErrorAnswer;
use callbox_wire::page::Page;
use callbox_wire::people::DirectoryEntry;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::body::Query;
use crate::credentials::SignedIn;
use crate::cursor::{self, LIMIT_DEFAULT};
use crate::error::HttpResult;

/// The query of `listUsers`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListUsersQuery {
    /// Items in a page, 1 to 100; 50 where it is left out.
    limit: Option<u32>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

/// List users
///
/// The app's users with their presence, in the order of their ids; only where the directory is open to everyone.
#[utoipa::path(
    get,
    path = "/v1/users",
    operation_id = "listUsers",
    tag = "people",
    security(("sessionToken" = [])),
    params(ListUsersQuery),
    responses(
        (status = 200, description = "A page of users.", body = Page<DirectoryEntry>),
        (status = 400, description = "`invalid_request`, `invalid_cursor`", body = ErrorAnswer),
        (status = 401, description = "`credentials_missing`, `token_unknown`, `session_ended`", body = ErrorAnswer),
        (status = 403, description = "`directory_closed`, `origin_not_allowed`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn list_users(
    State(service): State<Arc<Service>>,
    caller: SignedIn,
    Query(query): Query<ListUsersQuery>,
) -> HttpResult<Json<Page<DirectoryEntry>>> {
    let after = cursor::parse(query.cursor.as_deref(), |text| UserId::new(text).ok())?;
    let page = service.list_users(&caller, after, query.limit.unwrap_or(LIMIT_DEFAULT)).await?;
    let next_cursor = page.next_after.map(|user| cursor::write(user.as_str()));
    Ok(Json(Page { items: page.entries, next_cursor }))
}

#[cfg(test)]
mod tests {
    use callbox_wire::ErrorCode;

    use crate::testing::Api;

    #[test]
    fn the_directory_comes_in_pages() {
        let api = Api::new();
        let token = api.sign_in("app-one", "ann");
        api.sign_in("app-one", "bob");
        let get = |query: &str| api.call_as(&token, "GET", &format!("/v1/users{query}")).send();
        let first = get("?limit=1&unknown=1");
        assert_eq!((first.status, &first.body["items"][0]["user"]["id"]), (200, &"ann".into()));
        assert_eq!(first.body["items"][0]["presence"]["status"], "offline");
        let cursor = first.body["nextCursor"].as_str().expect("more");
        let second = get(&format!("?limit=2&cursor={cursor}"));
        assert_eq!(second.body["items"][0]["user"]["id"], "bob");
        assert!(second.body["nextCursor"].is_null());
        get("?limit=0").is_invalid("limit");
        get("?limit=101").is_invalid("limit");
        get("?limit=many").is_invalid("query");
        for bad in ["!", "YSBi"] {
            get(&format!("?cursor={bad}")).is_error(ErrorCode::InvalidCursor);
        }
        let closed = api.sign_in("app-two", "dan");
        api.call_as(&closed, "GET", "/v1/users").send().is_error(ErrorCode::DirectoryClosed);
        api.check_credentials("GET", "/v1/users");
    }
}
