//! `POST /v1/register`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use callbox_service::Service;
use callbox_service::sessions::{Credential, Register, RegistrationProof};
use callbox_wire::account::{RegisterAnswer, RegisterRequest};
use callbox_wire::people::User;
use callbox_wire::session::Session;
use callbox_wire::{ApiError, ErrorAnswer};
use serde_json::Value;

use crate::body::JsonBody;
use crate::client_address::ClientAt;
use crate::credentials::{PublicClient, Registrar, origin};
use crate::error::HttpResult;

/// Register a device
///
/// Makes a generated credential for one device, and its session at once. Needs a ticket or a JWT of the user, or the
/// app's backend; without either it works in apps marked `sandbox`, for users that registration made.
#[utoipa::path(
    post,
    path = "/v1/register",
    operation_id = "register",
    tag = "account",
    request_body = RegisterRequest,
    responses(
        (status = 201, description = "The device is registered and signed in.", body = RegisterAnswer),
        (status = 400, description = "`invalid_request`", body = ErrorAnswer),
        (status = 401, description = "`credentials_missing`, `app_key_unknown`, `ticket_…`, `jwt_…`, `signature_invalid`", body = ErrorAnswer),
        (status = 403, description = "`registration_needs_proof`, `sign_in_way_off`, `user_blocked`, `app_disabled`, `origin_not_allowed`", body = ErrorAnswer),
        (status = 409, description = "`session_limit_reached`, `identity_conflict`", body = ErrorAnswer),
        (status = 429, description = "`rate_limited`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn register(
    State(service): State<Arc<Service>>,
    registrar: Registrar,
    ClientAt(address): ClientAt,
    headers: HeaderMap,
    JsonBody(body): JsonBody<RegisterRequest>,
) -> HttpResult<(StatusCode, Json<RegisterAnswer>)> {
    let metadata =
        body.metadata.map_or_else(|| "{}".to_owned(), |metadata| Value::Object(metadata).to_string());
    let proof = proof(registrar, body.ticket, body.jwt)?;
    let registered = service
        .register(Register {
            proof,
            identifier: body.identifier,
            force: body.force.unwrap_or(true),
            metadata,
            device: body.device.map(Into::into).unwrap_or_default(),
            origin: origin(&headers),
            address,
        })
        .await?;
    let signed_in = registered.signed_in;
    let answer = RegisterAnswer {
        username: registered.username,
        password: registered.password.into_exposed(),
        token: signed_in.token.expose().to_owned(),
        secret: signed_in.secret.expose().to_owned(),
        session: Session::from(signed_in.session),
        user: User::from_domain(&signed_in.user),
    };
    Ok((StatusCode::CREATED, Json(answer)))
}

fn proof(registrar: Registrar, ticket: Option<String>, jwt: Option<String>) -> HttpResult<RegistrationProof> {
    let credential =
        ticket.map(Credential::Ticket).into_iter().chain(jwt.map(Credential::Jwt)).collect::<Vec<_>>();
    let problem = || ApiError::invalid_field("body", "give at most one of ticket and jwt, in header or body");
    Ok(match (registrar, credential.as_slice()) {
        (Registrar::Backend(manager), []) => RegistrationProof::Backend(manager),
        (Registrar::Public(PublicClient::Ticket(ticket)), []) => {
            RegistrationProof::Credential(None, Credential::Ticket(ticket))
        }
        (Registrar::Public(PublicClient::App(key)), []) => RegistrationProof::Nothing(key),
        (Registrar::Public(PublicClient::App(key)), [credential]) => {
            RegistrationProof::Credential(Some(key), credential.clone())
        }
        _ => return Err(problem().into()),
    })
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use callbox_domain::Clock as _;
    use callbox_wire::ErrorCode;
    use serde_json::{Value, json};

    use crate::testing::{Answer, Api, Call};

    fn register<'api>(api: &'api Api, body: &Value) -> Call<'api> {
        api.call("POST", "/v1/register").json(body)
    }

    fn by(api: &Api, authorization: &str, body: &Value) -> Answer {
        register(api, body).header("authorization", authorization).send()
    }

    fn basic(name: &str, secret: &str) -> String {
        format!("Basic {}", STANDARD.encode(format!("{name}:{secret}")))
    }

    /// A server whose `app-two` registers devices, but not for everyone.
    fn api() -> Api {
        let api = Api::new();
        api.change_app("app-two", |settings| settings.register = true);
        api
    }

    #[test]
    fn a_device_is_registered_and_signs_in_by_its_credential() {
        let api = Api::new();
        let device = json!({ "id": "d1", "name": "Ann's phone" });
        let body = json!({ "identifier": "ann", "device": device, "metadata": { "model": [1, null] } });
        let answer = by(&api, "Application app-one", &body);
        assert_eq!((answer.status, &answer.body["user"]["id"]), (201, &"ann".into()), "{answer:?}");
        assert_eq!(answer.body["session"]["device"]["name"], "Ann's phone");
        assert_eq!(answer.body["session"]["credential"], "device");
        let token = answer.body["token"].as_str().expect("a token");
        assert_eq!(api.call_as(token, "GET", "/v1/session").send().status, 200);
        let credential = json!({ "username": answer.body["username"], "password": answer.body["password"] });
        let call = api.call("POST", "/v1/sessions").header("authorization", "Application app-one");
        let again = call.json(&credential).send();
        assert_eq!((again.status, &again.body["session"]["id"]), (201, &answer.body["session"]["id"]));
    }

    #[test]
    fn a_ticket_in_header_or_body_vouches_for_its_user() {
        let api = api();
        let ticket = api.ticket("app-two", "ann", api.clock.now());
        let header = format!("User {ticket}");
        for answer in [
            by(&api, &header, &json!({})),
            by(&api, &header, &json!({ "identifier": "ann" })),
            by(&api, "Application app-two", &json!({ "ticket": ticket })),
        ] {
            assert_eq!((answer.status, &answer.body["user"]["id"]), (201, &"ann".into()), "{answer:?}");
        }
        by(&api, &header, &json!({ "identifier": "bob" })).is_error(ErrorCode::RegistrationNeedsProof);
        by(&api, &header, &json!({ "ticket": ticket })).is_invalid("body");
        let both = json!({ "ticket": ticket, "jwt": "a.b.c" });
        by(&api, "Application app-two", &both).is_invalid("body");
        by(&api, "Application app-two", &json!({ "jwt": "a.b.c" })).is_error(ErrorCode::JwtMalformed);
    }

    #[test]
    fn the_backend_vouches_by_its_signature_or_its_secret() {
        let api = api();
        let secret = api.secret("app-two").expose().clone();
        let body = json!({ "identifier": "ann" });
        let signed = register(&api, &body).signed_by_app("app-two");
        let answers = [
            signed.clone().send(),
            by(&api, &basic("app-two", &secret), &body),
            by(&api, &basic("application\\app-two", &secret), &body),
        ];
        for answer in answers {
            assert_eq!((answer.status, &answer.body["user"]["id"]), (201, &"ann".into()), "{answer:?}");
        }
        signed.send().is_error(ErrorCode::RequestReplayed);
        let altered = register(&api, &body).signed_by_app("app-two").body(r#"{"identifier":"bob"}"#);
        altered.send().is_error(ErrorCode::SignatureInvalid);
        let foreign = api.secret("app-one").expose();
        by(&api, &basic("app-two", foreign), &body).is_error(ErrorCode::AppCredentialsRequired);
        by(&api, &basic("app-three", &secret), &body).is_error(ErrorCode::AppCredentialsRequired);
        by(&api, &basic("app-two", &secret), &json!({})).is_invalid("identifier");
        let ticket = json!({ "ticket": api.ticket("app-two", "ann", api.clock.now()) });
        by(&api, &basic("app-two", &secret), &ticket).is_invalid("body");
    }

    #[test]
    fn every_refusal_has_its_code() {
        let api = api();
        let body = json!({ "identifier": "ann" });
        by(&api, "Application app-two", &body).is_error(ErrorCode::RegistrationNeedsProof);
        by(&api, "Application app-three", &body).is_error(ErrorCode::AppKeyUnknown);
        by(&api, "Application app-one", &json!({})).is_invalid("identifier");
        by(&api, "Application app-one", &json!({ "identifier": "a b" })).is_invalid("identifier");
        by(&api, "Application app-one", &json!({ "metadata": [] })).is_invalid("metadata");
        let large = json!({ "identifier": "ann", "metadata": { "text": "x".repeat(4_096) } });
        by(&api, "Application app-one", &large).is_invalid("metadata");
        register(&api, &body).send().is_error(ErrorCode::CredentialsMissing);
        by(&api, "Bearer token", &body).is_error(ErrorCode::CredentialsMissing);
        let page = register(&api, &body).header("authorization", "Application app-one");
        page.header("origin", "https://evil.example").send().is_error(ErrorCode::OriginNotAllowed);

        api.sign_in("app-one", "ann");
        by(&api, "Application app-one", &body).is_error(ErrorCode::RegistrationNeedsProof);
        api.change_app("app-one", |settings| settings.sessions_per_user_max = 1);
        let once = json!({ "identifier": "bob", "force": false });
        assert_eq!(by(&api, "Application app-one", &once).status, 201);
        let limit = by(&api, "Application app-one", &once);
        assert_eq!(limit.is_error(ErrorCode::SessionLimitReached)["sessionsPerUserMax"], 1);
        assert_eq!(by(&api, "Application app-one", &json!({ "identifier": "bob" })).status, 201);
        api.change_app("app-one", |settings| settings.register = false);
        by(&api, "Application app-one", &body).is_error(ErrorCode::SignInWayOff);
    }
}
