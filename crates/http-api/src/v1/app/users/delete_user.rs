//! `DELETE /v1/app/users/{userId}`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use callbox_service::Service;
use callbox_wire::ErrorAnswer;

use crate::body::PathParameter;
use crate::credentials::AppBackend;
use crate::error::HttpResult;
use crate::v1::managed::user_id;

/// Erase a user
///
/// Ends the user's sessions and calls and removes everything of theirs: identities, credentials, events, the texts
/// of their messages. Others keep their conversations and calls, with a random id that stands for a deleted user.
/// Whoever gets the same id later is a new user. It cannot be undone. A request that is cut short is finished by
/// the server all the same.
#[utoipa::path(
    delete,
    path = "/v1/app/users/{userId}",
    operation_id = "deleteUser",
    tag = "app users",
    security(("appSecret" = []), ("appSignature" = [])),
    params(("userId" = String, Path, description = "Which user.")),
    responses(
        (status = 204, description = "Nothing of the user is left."),
        (status = 401, description = "`app_credentials_required`, `app_key_unknown`, `signature_invalid`, `clock_skew`, `request_replayed`", body = ErrorAnswer),
        (status = 403, description = "`app_disabled`", body = ErrorAnswer),
        (status = 404, description = "`user_not_found`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn delete_user(
    State(service): State<Arc<Service>>,
    backend: AppBackend,
    PathParameter(user): PathParameter,
) -> HttpResult<StatusCode> {
    service.erase_user(&backend, user_id(&user)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use callbox_wire::ErrorCode;

    use crate::testing::Api;

    #[test]
    fn an_erased_user_is_gone_and_others_keep_a_readable_conversation() {
        let api = Api::new();
        let [ann, bob] = ["ann", "bob"].map(|user| api.sign_in("app-one", user));
        let conversation = api.message(&ann, "msg-0001", "bob");
        api.message(&bob, "msg-0002", "ann");
        let path = "/v1/app/users/ann";
        api.call_by("app-two", "DELETE", path).send().is_error(ErrorCode::UserNotFound);
        assert_eq!(api.call_by("app-one", "DELETE", path).send().status, 204);
        api.call_by("app-one", "DELETE", path).send().is_error(ErrorCode::UserNotFound);
        // The row of the session has gone, so nobody knows any more that there was one.
        api.call_as(&ann, "GET", "/v1/session").send().is_error(ErrorCode::TokenUnknown);
        let history = format!("/v1/conversations/{conversation}/messages");
        let seen = api.call_as(&bob, "GET", &history).send();
        let (first, second) = (&seen.body["items"][0], &seen.body["items"][1]);
        let tombstone = first["senderId"].as_str().expect("an id");
        assert!(tombstone.starts_with("deleted_"), "{seen:?}");
        assert_eq!((&first["text"], &second["text"]), (&"".into(), &"hello".into()));
        assert_eq!(second["recipientId"], tombstone);
        let again = api.sign_in("app-one", "ann");
        let lists = api.call_as(&again, "GET", "/v1/conversations").send();
        assert_eq!(
            lists.body["items"],
            serde_json::json!([]),
            "a new user of the same id has nothing of before"
        );
        assert_ne!(api.message(&again, "msg-0003", "bob"), conversation);
        api.check_backend("DELETE", path);
    }
}
