//! `GET /v1/app/users/{userId}/sessions`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use callbox_service::Service;
use callbox_wire::ErrorAnswer;
use callbox_wire::page::Page;
use callbox_wire::session::ListedSession;

use crate::body::PathParameter;
use crate::credentials::AppBackend;
use crate::error::HttpResult;
use crate::v1::managed::{session_page, user_id};

/// List a user's sessions
///
/// The user's open sessions, the one used last first. There are at most as many as the app allows, so all are on
/// one page.
#[utoipa::path(
    get,
    path = "/v1/app/users/{userId}/sessions",
    operation_id = "listUserSessions",
    tag = "app users",
    security(("appSecret" = []), ("appSignature" = [])),
    params(("userId" = String, Path, description = "Whose.")),
    responses(
        (status = 200, description = "All of them.", body = Page<ListedSession>),
        (status = 401, description = "`app_credentials_required`, `app_key_unknown`, `signature_invalid`, `clock_skew`, `request_replayed`", body = ErrorAnswer),
        (status = 403, description = "`app_disabled`", body = ErrorAnswer),
        (status = 404, description = "`user_not_found`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn list_sessions(
    State(service): State<Arc<Service>>,
    backend: AppBackend,
    PathParameter(user): PathParameter,
) -> HttpResult<Json<Page<ListedSession>>> {
    Ok(Json(session_page(service.list_user_sessions(&backend, user_id(&user)?).await?)))
}

#[cfg(test)]
mod tests {
    use callbox_wire::ErrorCode;

    use crate::testing::Api;

    #[test]
    fn a_backend_sees_the_sessions_of_a_user() {
        let api = Api::new();
        for (app, user) in [("app-one", "ann"), ("app-one", "ann"), ("app-one", "bob"), ("app-two", "ann")] {
            api.sign_in(app, user);
        }
        let path = "/v1/app/users/ann/sessions";
        let listed = api.call_by("app-one", "GET", path).send();
        let items = listed.body["items"].as_array().expect("a list");
        assert_eq!((listed.status, items.len()), (200, 2), "{listed:?}");
        assert!(items.iter().all(|item| item["current"] == false && item["session"]["credential"] == "open"));
        api.call_by("app-two", "GET", "/v1/app/users/bob/sessions").send().is_error(ErrorCode::UserNotFound);
        api.check_backend("GET", path);
    }
}
