//! `POST /v1/users`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use callbox_domain::Secret;
use callbox_service::Service;
use callbox_service::passwords::SignUp;
use callbox_wire::account::{SignUpAnswer, SignUpRequest};
use callbox_wire::people::User;
use callbox_wire::{ErrorAnswer, ErrorCode};

use crate::body::JsonBody;
use crate::client_address::ClientAt;
use crate::credentials::{PublicClient, origin};
use crate::error::HttpResult;

/// Sign up
///
/// Makes a user with names of their own and a password, only where the app's setting `passwordSignIn` is on. The answer's
/// ticket opens the first session. Where the app's backend names users too, the user gets a generated id.
#[utoipa::path(
    post,
    path = "/v1/users",
    operation_id = "signUp",
    tag = "account",
    request_body = SignUpRequest,
    responses(
        (status = 201, description = "The user is there.", body = SignUpAnswer),
        (status = 400, description = "`invalid_request`, `password_weak`", body = ErrorAnswer),
        (status = 401, description = "`credentials_missing`, `app_key_unknown`", body = ErrorAnswer),
        (status = 403, description = "`sign_in_way_off`, `app_disabled`, `origin_not_allowed`", body = ErrorAnswer),
        (status = 409, description = "`identity_taken`", body = ErrorAnswer),
        (status = 429, description = "`rate_limited`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn sign_up(
    State(service): State<Arc<Service>>,
    client: PublicClient,
    ClientAt(address): ClientAt,
    headers: HeaderMap,
    JsonBody(body): JsonBody<SignUpRequest>,
) -> HttpResult<(StatusCode, Json<SignUpAnswer>)> {
    let PublicClient::App(app_key) = client else { return Err(ErrorCode::CredentialsMissing.into()) };
    let identities = body.identities.into_iter().map(|one| (one.identity_type.into(), one.value)).collect();
    let password = Secret::new(body.password);
    let signed_up =
        service.sign_up(SignUp { app_key, identities, password, origin: origin(&headers), address }).await?;
    let answer =
        SignUpAnswer { user: User::from_domain(&signed_up.user), ticket: signed_up.ticket.into_exposed() };
    Ok((StatusCode::CREATED, Json(answer)))
}

#[cfg(test)]
mod tests {
    use callbox_wire::ErrorCode;
    use serde_json::{Value, json};

    use crate::testing::{Answer, Api};

    fn sign_up(api: &Api, app: &str, body: &Value) -> Answer {
        let call = api.call("POST", "/v1/users").header("authorization", &format!("Application {app}"));
        call.json(body).send()
    }

    fn body(value: &str, password: &str) -> Value {
        json!({ "identities": [{ "type": "email", "value": value }], "password": password })
    }

    const PASSWORD: &str = "purple tractor parade";

    #[test]
    fn a_new_user_gets_a_generated_id_and_a_ticket_for_the_first_session() {
        let api = Api::new();
        let answer = sign_up(&api, "app-one", &body("Ann@example.com", PASSWORD));
        assert_eq!(answer.status, 201, "{answer:?}");
        let id = answer.body["user"]["id"].as_str().expect("an id");
        assert!(id.starts_with("usr_"), "the backend names users here: {id}");
        let sign_in = |credential: &Value| {
            let call = api.call("POST", "/v1/sessions").header("authorization", "Application app-one");
            call.json(credential).send()
        };
        let ticket = json!({ "ticket": answer.body["ticket"] });
        let first = sign_in(&ticket);
        assert_eq!((first.status, &first.body["user"]["id"]), (201, &id.into()));
        sign_in(&ticket).is_error(ErrorCode::OneTimeTokenUnknown);
        let identity = json!({ "type": "email", "value": "ann@EXAMPLE.com" });
        let again = sign_in(&json!({ "identity": identity, "password": PASSWORD }));
        assert_eq!((again.status, &again.body["user"]["id"]), (201, &id.into()));
    }

    #[test]
    fn every_refusal_has_its_code() {
        let api = Api::new();
        assert_eq!(sign_up(&api, "app-one", &body("ann@example.com", PASSWORD)).status, 201);
        let taken = sign_up(&api, "app-one", &body("ANN@example.com", PASSWORD));
        assert_eq!(taken.is_error(ErrorCode::IdentityTaken)["type"], "email");
        let weak = sign_up(&api, "app-one", &body("bob@example.com", "short"));
        assert_eq!(weak.is_error(ErrorCode::PasswordWeak)["rule"], "too_short");
        sign_up(&api, "app-one", &json!({ "identities": [], "password": PASSWORD })).is_invalid("identities");
        sign_up(&api, "app-one", &body("", PASSWORD)).is_invalid("identities[0].value");
        sign_up(&api, "app-two", &body("ann@example.com", PASSWORD)).is_error(ErrorCode::SignInWayOff);
        sign_up(&api, "app-three", &body("ann@example.com", PASSWORD)).is_error(ErrorCode::AppKeyUnknown);
        let call = || api.call("POST", "/v1/users").json(&body("bob@example.com", PASSWORD));
        call().send().is_error(ErrorCode::CredentialsMissing);
        let page = call().header("authorization", "Application app-one");
        page.header("origin", "https://evil.example").send().is_error(ErrorCode::OriginNotAllowed);
    }
}
