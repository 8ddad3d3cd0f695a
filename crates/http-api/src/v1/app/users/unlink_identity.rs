//! `DELETE /v1/app/users/{userId}/identities/{type}/{value}`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use callbox_domain::IdentityType;
use callbox_service::Service;
use callbox_service::users::IdentityName;
use callbox_wire::{ErrorAnswer, ErrorCode};

use crate::body::PathParameters;
use crate::credentials::AppBackend;
use crate::error::HttpResult;
use crate::v1::managed::user_id;

/// Take an identity away from a user
///
/// The name no longer leads to this user; whoever comes with it next can claim it. The user keeps sessions and
/// credentials.
#[utoipa::path(
    delete,
    path = "/v1/app/users/{userId}/identities/{type}/{value}",
    operation_id = "unlinkIdentity",
    tag = "app users",
    security(("appSecret" = []), ("appSignature" = [])),
    params(("userId" = String, Path, description = "Which user."), ("type" = String, Path, description = "`username`, `email` or `number`."), ("value" = String, Path, description = "The name, percent-encoded.")),
    responses(
        (status = 204, description = "The user no longer has it."),
        (status = 401, description = "`app_credentials_required`, `app_key_unknown`, `signature_invalid`, `clock_skew`, `request_replayed`", body = ErrorAnswer),
        (status = 403, description = "`app_disabled`", body = ErrorAnswer),
        (status = 404, description = "`user_not_found`, `identity_not_found`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn unlink_identity(
    State(service): State<Arc<Service>>,
    backend: AppBackend,
    PathParameters((user, kind, value)): PathParameters<(String, String, String)>,
) -> HttpResult<StatusCode> {
    let user = user_id(&user)?;
    let identity_type = IdentityType::parse(&kind).ok_or(ErrorCode::IdentityNotFound)?;
    service.unlink_identity(&backend, user, IdentityName { identity_type, value }).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use callbox_wire::ErrorCode;
    use serde_json::json;

    use crate::testing::Api;

    #[test]
    fn a_name_is_taken_away_from_its_user_only() {
        let api = Api::new();
        let identities = [
            json!({ "type": "email", "value": "a/b+c@example.com" }),
            json!({ "type": "number", "value": "+46 70 000 00 00" }),
        ];
        let ann = json!({ "userId": "ann", "identities": identities });
        api.call_by("app-one", "POST", "/v1/app/users").json(&ann).send();
        api.call_by("app-one", "POST", "/v1/app/users").json(&json!({ "userId": "bob" })).send();
        let delete = |user: &str, name: &str| {
            api.call_by("app-one", "DELETE", &format!("/v1/app/users/{user}/identities/{name}")).send()
        };
        let email = "email/A%2Fb%2Bc%40example.com";
        delete("bob", email).is_error(ErrorCode::IdentityNotFound);
        delete("nobody", email).is_error(ErrorCode::UserNotFound);
        for other in ["fax/1", "number/12", "username/bob"] {
            delete("ann", other).is_error(ErrorCode::IdentityNotFound);
        }
        assert_eq!(delete("ann", email).status, 204);
        assert_eq!(delete("ann", "number/+46700000000").status, 204);
        delete("ann", email).is_error(ErrorCode::IdentityNotFound);
        let left = api.call_by("app-one", "GET", "/v1/app/users/ann").send();
        assert_eq!(left.body["identities"].as_array().map(Vec::len), Some(1), "{left:?}");
        api.check_backend("DELETE", &format!("/v1/app/users/ann/identities/{email}"));
    }
}
