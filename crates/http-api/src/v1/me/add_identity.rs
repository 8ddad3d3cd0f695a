//! `POST /v1/me/identities`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use callbox_service::Service;
use callbox_wire::ErrorAnswer;
use callbox_wire::account::OwnIdentity;
use callbox_wire::session::Identity;

use crate::body::JsonBody;
use crate::credentials::SignedInAgain;
use crate::error::HttpResult;

/// Add an identity
///
/// A name of one's own to sign in with, beside the password. Adding it again changes nothing.
#[utoipa::path(
    post,
    path = "/v1/me/identities",
    operation_id = "addIdentity",
    tag = "account",
    security(("sessionToken" = []), ("sessionSignature" = [])),
    request_body = Identity,
    responses(
        (status = 201, description = "The identity in its normal form.", body = OwnIdentity),
        (status = 400, description = "`invalid_request`", body = ErrorAnswer),
        (status = 401, description = "`credentials_missing`, `token_unknown`, `session_ended`", body = ErrorAnswer),
        (status = 403, description = "`sign_in_way_off`", body = ErrorAnswer),
        (status = 409, description = "`identity_taken`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn add_identity(
    State(service): State<Arc<Service>>,
    caller: SignedInAgain,
    JsonBody(body): JsonBody<Identity>,
) -> HttpResult<(StatusCode, Json<OwnIdentity>)> {
    let added = service.add_identity(&caller, body.identity_type.into(), &body.value).await?;
    Ok((StatusCode::CREATED, Json(OwnIdentity::from(added))))
}

#[cfg(test)]
mod tests {
    use callbox_wire::ErrorCode;
    use serde_json::{Value, json};

    use crate::testing::{Answer, Api};

    fn add(api: &Api, token: &str, body: &Value) -> Answer {
        api.call_as(token, "POST", "/v1/me/identities").json(body).send()
    }

    #[test]
    fn a_name_is_added_in_its_normal_form_and_again() {
        let api = Api::new();
        let token = api.sign_in("app-one", "ann");
        let body = json!({ "type": "email", "value": "Ann@Example.com" });
        let first = add(&api, &token, &body);
        assert_eq!(first.status, 201, "{first:?}");
        let created = "2023-11-14T22:13:20.000Z";
        let expected = json!({ "type": "email", "value": "ann@example.com", "assertedBy": "self", "createdAt": created });
        assert_eq!(first.body, expected);
        assert_eq!(add(&api, &token, &body).body, expected);
        let number = add(&api, &token, &json!({ "type": "number", "value": "+46 70 000 00 00" }));
        assert_eq!(number.body["value"], "+46700000000");
    }

    #[test]
    fn every_refusal_has_its_code() {
        let api = Api::new();
        let [ann, bob] = ["ann", "bob"].map(|user| api.sign_in("app-one", user));
        let body = |value: &str| json!({ "type": "username", "value": value });
        add(&api, &bob, &body("ann")).is_error(ErrorCode::IdentityTaken);
        add(&api, &ann, &body("ann lee")).is_invalid("value");
        add(&api, &ann, &json!({ "type": "pet", "value": "rex" })).is_invalid("type");
        add(&api, &ann, &json!({ "type": "email" })).is_invalid("body");
        let other = api.sign_in("app-two", "ann");
        add(&api, &other, &body("anna")).is_error(ErrorCode::SignInWayOff);
        api.check_credentials("POST", "/v1/me/identities");
    }

    #[test]
    fn a_signed_request_that_comes_again_gets_the_first_answer() {
        let api = Api::new();
        let session = api.signed_in("app-one", "ann");
        let call =
            api.call("POST", "/v1/me/identities").json(&json!({ "type": "username", "value": "anna" }));
        let call = call.signed_by_session(&session);
        let first = call.clone().send();
        assert_eq!((first.status, call.send().body), (201, first.body));
    }
}
