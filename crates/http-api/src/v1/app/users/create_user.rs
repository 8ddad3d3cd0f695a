//! `POST /v1/app/users`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use callbox_service::Service;
use callbox_service::users::{IdentityName, NewUser};
use callbox_wire::ErrorAnswer;
use callbox_wire::managed::{AppUser, CreateUserRequest};
use callbox_wire::session::Identity;

use crate::body::JsonBody;
use crate::credentials::AppBackend;
use crate::error::HttpResult;
use crate::v1::managed::app_user;

/// Make a user
///
/// Makes a user before their first sign-in. Your word stands for the id and for the identities: nobody else can
/// come as them, by open sign-in or sign-up.
#[utoipa::path(
    post,
    path = "/v1/app/users",
    operation_id = "createUser",
    tag = "app users",
    security(("appSecret" = []), ("appSignature" = [])),
    request_body = CreateUserRequest,
    responses(
        (status = 201, description = "The new user.", body = AppUser),
        (status = 400, description = "`invalid_request`", body = ErrorAnswer),
        (status = 401, description = "`app_credentials_required`, `app_key_unknown`, `signature_invalid`, `clock_skew`, `request_replayed`", body = ErrorAnswer),
        (status = 403, description = "`app_disabled`", body = ErrorAnswer),
        (status = 409, description = "`identity_taken`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn create_user(
    State(service): State<Arc<Service>>,
    backend: AppBackend,
    JsonBody(body): JsonBody<CreateUserRequest>,
) -> HttpResult<(StatusCode, Json<AppUser>)> {
    let name = |identity: Identity| IdentityName {
        identity_type: identity.identity_type.into(),
        value: identity.value,
    };
    let new = NewUser { user_id: body.user_id, identities: body.identities.into_iter().map(name).collect() };
    let made = service.create_user(&backend, new).await?;
    Ok((StatusCode::CREATED, Json(app_user(made))))
}

#[cfg(test)]
mod tests {
    use callbox_wire::ErrorCode;
    use serde_json::json;

    use crate::testing::Api;

    #[test]
    fn a_user_is_made_with_names_that_nobody_else_can_take() {
        let api = Api::new();
        let create = |body| api.call_by("app-one", "POST", "/v1/app/users").json(&body).send();
        let email = json!({ "type": "email", "value": "Ann@Example.com" });
        let made = create(json!({ "userId": "ann", "identities": [email] }));
        assert_eq!((made.status, &made.body["id"]), (201, &"ann".into()), "{made:?}");
        let names = json!([
            { "type": "email", "value": "ann@example.com", "assertedBy": "backend" },
            { "type": "username", "value": "ann", "assertedBy": "backend" },
        ]);
        assert_eq!(made.body["identities"], names);
        assert!(made.body["blockedAt"].is_null() && made.body["lastSeenAt"].is_null());
        assert_eq!(create(json!({ "userId": "ann" })).is_error(ErrorCode::IdentityTaken)["userId"], "ann");
        let taken = create(json!({ "userId": "bob", "identities": [email] }));
        let details = taken.is_error(ErrorCode::IdentityTaken);
        assert_eq!((&details["type"], &details["value"]), (&"email".into(), &"ann@example.com".into()));
        let found = api.call_by("app-one", "GET", "/v1/app/users/bob").send();
        found.is_error(ErrorCode::UserNotFound);
        let open = api.call("POST", "/v1/sessions").header("authorization", "Application app-one");
        open.json(&json!({ "userId": "ann" })).send().is_error(ErrorCode::IdentityConflict);
    }

    #[test]
    fn what_is_no_name_is_refused_by_its_path() {
        let api = Api::new();
        let create = |body| api.call_by("app-one", "POST", "/v1/app/users").json(&body).send();
        create(json!({ "userId": "ann lee" })).is_invalid("userId");
        create(json!({ "userId": format!("deleted_{}", "0".repeat(26)) })).is_invalid("userId");
        let number = json!({ "type": "number", "value": "12" });
        create(json!({ "userId": "ann", "identities": [number] })).is_invalid("identities[0].value");
        let many = vec![json!({ "type": "email", "value": "a@b" }); 21];
        create(json!({ "userId": "ann", "identities": many })).is_invalid("identities");
        api.check_backend("POST", "/v1/app/users");
    }
}
