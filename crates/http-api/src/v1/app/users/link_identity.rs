//! `PUT /v1/app/users/{userId}/identities`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use callbox_service::Service;
use callbox_service::users::{IdentityLink, IdentityName};
use callbox_wire::ErrorAnswer;
use callbox_wire::managed::{AppUser, LinkIdentityRequest};

use crate::body::{JsonBody, PathParameter};
use crate::credentials::AppBackend;
use crate::error::HttpResult;
use crate::v1::managed::{app_user, user_id};

/// Link an identity to a user
///
/// From now on the name is this user's, because you say so. One that the user had claimed without you becomes
/// yours: so you resolve an `identity_conflict`. One that another user claimed without you moves only with `move`;
/// one that you linked to another user stays there until you unlink it. Sessions and credentials that the user has
/// stay as they are: block or erase whoever is not the one you know.
#[utoipa::path(
    put,
    path = "/v1/app/users/{userId}/identities",
    operation_id = "linkIdentity",
    tag = "app users",
    security(("appSecret" = []), ("appSignature" = [])),
    params(("userId" = String, Path, description = "Which user.")),
    request_body = LinkIdentityRequest,
    responses(
        (status = 200, description = "The user with all identities.", body = AppUser),
        (status = 400, description = "`invalid_request`", body = ErrorAnswer),
        (status = 401, description = "`app_credentials_required`, `app_key_unknown`, `signature_invalid`, `clock_skew`, `request_replayed`", body = ErrorAnswer),
        (status = 403, description = "`app_disabled`", body = ErrorAnswer),
        (status = 404, description = "`user_not_found`", body = ErrorAnswer),
        (status = 409, description = "`identity_taken`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn link_identity(
    State(service): State<Arc<Service>>,
    backend: AppBackend,
    PathParameter(user): PathParameter,
    JsonBody(body): JsonBody<LinkIdentityRequest>,
) -> HttpResult<Json<AppUser>> {
    let name = IdentityName { identity_type: body.identity_type.into(), value: body.value };
    let link = IdentityLink { name, take: body.take.unwrap_or(false) };
    Ok(Json(app_user(service.link_identity(&backend, user_id(&user)?, link).await?)))
}

#[cfg(test)]
mod tests {
    use callbox_domain::Clock as _;
    use callbox_wire::ErrorCode;
    use serde_json::{Value, json};

    use crate::testing::{Answer, Api};

    fn link(api: &Api, user: &str, body: &Value) -> Answer {
        api.call_by("app-one", "PUT", &format!("/v1/app/users/{user}/identities")).json(body).send()
    }

    #[test]
    fn a_conflict_is_resolved_by_linking() {
        let api = Api::new();
        api.sign_in("app-one", "ann");
        let ticket = || json!({ "ticket": api.ticket("app-one", "ann", api.clock.now()) });
        let sign_in = || api.call("POST", "/v1/sessions").header("authorization", "Application app-one");
        sign_in().json(&ticket()).send().is_error(ErrorCode::IdentityConflict);
        let linked = link(&api, "ann", &json!({ "type": "username", "value": "ann" }));
        assert_eq!(linked.body["identities"][0]["assertedBy"], "backend", "{linked:?}");
        let signed_in = sign_in().json(&ticket()).send();
        assert_eq!((signed_in.status, &signed_in.body["user"]["id"]), (201, &"ann".into()));
        sign_in().json(&json!({ "userId": "ann" })).send().is_error(ErrorCode::IdentityConflict);
    }

    #[test]
    fn a_name_that_a_stranger_claimed_moves_only_on_request() {
        let api = Api::new();
        api.sign_in("app-one", "stranger");
        api.call_by("app-one", "POST", "/v1/app/users").json(&json!({ "userId": "ann" })).send();
        let name = json!({ "type": "username", "value": "stranger" });
        let taken = link(&api, "ann", &name);
        assert_eq!(taken.is_error(ErrorCode::IdentityTaken)["value"], "stranger");
        let moved = link(&api, "ann", &json!({ "type": "username", "value": "stranger", "move": true }));
        assert_eq!(moved.body["identities"].as_array().map(Vec::len), Some(2), "{moved:?}");
        let loser = api.call_by("app-one", "GET", "/v1/app/users/stranger").send();
        assert_eq!(loser.body["identities"], json!([]));
        // What the backend itself said is not moved over.
        let back = link(&api, "stranger", &json!({ "type": "username", "value": "ann", "move": true }));
        back.is_error(ErrorCode::IdentityTaken);
        link(&api, "ann", &json!({ "type": "number", "value": "12" })).is_invalid("value");
        link(&api, "nobody", &name).is_error(ErrorCode::UserNotFound);
        api.check_backend("PUT", "/v1/app/users/ann/identities");
    }
}
