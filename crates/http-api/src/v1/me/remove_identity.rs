//! `DELETE /v1/me/identities/{type}/{value}`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use callbox_domain::IdentityType;
use callbox_service::Service;
use callbox_wire::{ErrorAnswer, ErrorCode};

use crate::body::PathParameters;
use crate::credentials::SignedIn;
use crate::error::HttpResult;

/// Remove an identity
///
/// Takes back a name that the user added. What the app's backend said stays.
#[utoipa::path(
    delete,
    path = "/v1/me/identities/{type}/{value}",
    operation_id = "removeIdentity",
    tag = "account",
    security(("sessionToken" = []), ("sessionSignature" = [])),
    params(
        ("type" = String, Path, description = "`username`, `email` or `number`."),
        ("value" = String, Path, description = "The name, percent-encoded."),
    ),
    responses(
        (status = 204, description = "The name is free."),
        (status = 401, description = "`credentials_missing`, `token_unknown`, `session_ended`", body = ErrorAnswer),
        (status = 404, description = "`identity_not_found`", body = ErrorAnswer),
        (status = 409, description = "`identity_needed`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn remove_identity(
    State(service): State<Arc<Service>>,
    caller: SignedIn,
    PathParameters((identity_type, value)): PathParameters<(String, String)>,
) -> HttpResult<StatusCode> {
    let identity_type = IdentityType::parse(&identity_type).ok_or(ErrorCode::IdentityNotFound)?;
    service.remove_identity(&caller, identity_type, &value).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use callbox_wire::ErrorCode;
    use serde_json::json;

    use crate::testing::{Answer, Api};

    fn remove(api: &Api, token: &str, path: &str) -> Answer {
        api.call_as(token, "DELETE", &format!("/v1/me/identities/{path}")).send()
    }

    #[test]
    fn what_a_user_added_can_be_taken_back() {
        let api = Api::new();
        let [ann, bob] = ["ann", "bob"].map(|user| api.sign_in("app-one", user));
        for (kind, value) in [("email", "ann+home@example.com"), ("number", "+46700000000")] {
            let body = json!({ "type": kind, "value": value });
            assert_eq!(api.call_as(&ann, "POST", "/v1/me/identities").json(&body).send().status, 201);
        }
        remove(&api, &bob, "number/+46700000000").is_error(ErrorCode::IdentityNotFound);
        assert_eq!(remove(&api, &ann, "number/%2B46700000000").status, 204);
        assert_eq!(remove(&api, &ann, "email/Ann%2Bhome%40example.com").status, 204);
        remove(&api, &ann, "email/ann%2Bhome%40example.com").is_error(ErrorCode::IdentityNotFound);
    }

    #[test]
    fn every_refusal_has_its_code() {
        let api = Api::new();
        let ann = api.sign_in("app-one", "ann");
        remove(&api, &ann, "pet/rex").is_error(ErrorCode::IdentityNotFound);
        remove(&api, &ann, "number/0700").is_invalid("value");
        let body = json!({ "newPassword": "purple tractor parade" });
        assert_eq!(api.call_as(&ann, "PUT", "/v1/me/password").json(&body).send().status, 204);
        remove(&api, &ann, "username/ann").is_error(ErrorCode::IdentityNeeded);
        let other = api.sign_in("app-two", "ann");
        remove(&api, &other, "username/ann").is_error(ErrorCode::IdentityNotFound);
        api.check_credentials("DELETE", "/v1/me/identities/username/ann");
    }
}
