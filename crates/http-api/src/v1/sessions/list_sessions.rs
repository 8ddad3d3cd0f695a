//! `GET /v1/sessions`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use callbox_service::Service;
use callbox_wire::ErrorAnswer;
use callbox_wire::page::Page;
use callbox_wire::session::{ListedSession, Session};

use crate::credentials::SignedIn;
use crate::error::HttpResult;

/// List one's sessions
///
/// The signed-in user's open sessions, the one used last first. There are at most as many as the app allows, so all are
/// on one page.
#[utoipa::path(
    get,
    path = "/v1/sessions",
    operation_id = "listSessions",
    tag = "sessions",
    security(("sessionToken" = [])),
    responses(
        (status = 200, description = "All of them.", body = Page<ListedSession>),
        (status = 401, description = "`credentials_missing`, `token_unknown`, `session_ended`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn list_sessions(
    State(service): State<Arc<Service>>,
    caller: SignedIn,
) -> HttpResult<Json<Page<ListedSession>>> {
    let sessions = service.list_sessions(&caller).await?;
    let listed = sessions.into_iter().map(|open| ListedSession {
        current: open.session.id == caller.session_id,
        connected: open.connected,
        session: Session::from(open.session),
    });
    Ok(Json(Page { items: listed.collect(), next_cursor: None }))
}

#[cfg(test)]
mod tests {
    use crate::testing::Api;

    #[test]
    fn one_sees_all_of_ones_own_sessions_and_no_other() {
        let api = Api::new();
        let [phone, _laptop] = ["ann", "ann"].map(|user| api.sign_in("app-one", user));
        api.sign_in("app-one", "bob");
        api.sign_in("app-two", "ann");
        let answer = api.call_as(&phone, "GET", "/v1/sessions").send();
        let items = answer.body["items"].as_array().expect("a list");
        assert_eq!((answer.status, items.len()), (200, 2), "{answer:?}");
        assert_eq!(items.iter().filter(|item| item["current"] == true).count(), 1);
        assert!(
            items.iter().all(|item| item["session"]["credential"] == "open" && item["connected"] == false)
        );
        api.check_credentials("GET", "/v1/sessions");
    }
}
