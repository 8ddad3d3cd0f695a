//! `POST /v1/sessions`.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use callbox_domain::Secret;
use callbox_service::Service;
use callbox_service::sessions::{Credential, SignIn};
use callbox_wire::ApiError;
use callbox_wire::ErrorAnswer;
use callbox_wire::people::User;
use callbox_wire::session::{Identity, Session, SignInAnswer, SignInRequest};

use crate::body::JsonBody;
use crate::client_address::ClientAt;
use crate::credentials::{PublicClient, origin};
use crate::error::HttpResult;

/// Sign in
///
/// Exchanges exactly one credential for a session. With `Authorization: Application <appKey>` it is in the body: a
/// `ticket` signed by the app's backend, or of a sign-up; a `jwt` of the backend or of an identity provider; `userId` with
/// an `accessToken`; an `identity` with its `password`; the `username` and `password` of a registered device; or a `userId`
/// alone, where the app switched open sign-in on. With `Authorization: User <ticket>` the ticket is in the header. The
/// app's settings say which of these ways are open.
#[utoipa::path(
    post,
    path = "/v1/sessions",
    operation_id = "signIn",
    tag = "sessions",
    request_body = SignInRequest,
    responses(
        (status = 201, description = "Signed in. The token is told only this once.", body = SignInAnswer),
        (status = 400, description = "`invalid_request`", body = ErrorAnswer),
        (status = 401, description = "`credentials_missing`, `app_key_unknown`, `credentials_wrong`, `access_token_unknown`, `one_time_token_unknown`, `ticket_malformed`, `ticket_signature_invalid`, `ticket_wrong_app`, `ticket_expired`, `ticket_from_future`, `jwt_malformed`, `jwt_signature_invalid`, `jwt_algorithm_not_allowed`, `jwt_issuer_unknown`, `jwt_audience_wrong`, `jwt_expired`, `jwt_from_future`, `jwt_used`", body = ErrorAnswer),
        (status = 403, description = "`open_sign_in_off`, `sign_in_way_off`, `origin_not_allowed`, `app_disabled`, `user_blocked`", body = ErrorAnswer),
        (status = 409, description = "`identity_conflict`, `session_limit_reached`", body = ErrorAnswer),
        (status = 429, description = "`rate_limited`", body = ErrorAnswer),
        (status = 503, description = "`overloaded`, `keys_unavailable`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn sign_in(
    State(service): State<Arc<Service>>,
    client: PublicClient,
    ClientAt(address): ClientAt,
    headers: HeaderMap,
    JsonBody(body): JsonBody<SignInRequest>,
) -> HttpResult<(StatusCode, Json<SignInAnswer>)> {
    let (app_key, header_ticket) = match client {
        PublicClient::App(key) => (Some(key), None),
        PublicClient::Ticket(ticket) => (None, Some(ticket)),
    };
    let device = body.device.clone().map(Into::into).unwrap_or_default();
    let expires_in = body.expires_in.map(|seconds| Duration::from_secs(u64::from(seconds)));
    let force = body.force.unwrap_or(true);
    let credential = credential(header_ticket, body).ok_or_else(|| {
        ApiError::invalid_field("body", "give exactly one credential; see signIn in /openapi.json")
    })?;
    let origin = origin(&headers);
    let signed_in =
        service.sign_in(SignIn { app_key, credential, device, expires_in, force, origin, address });
    Ok((StatusCode::CREATED, Json(sign_in_answer(signed_in.await?))))
}

/// A session as it travels to the client that just got it.
pub(crate) fn sign_in_answer(signed_in: callbox_service::sessions::SignedIn) -> SignInAnswer {
    SignInAnswer {
        token: signed_in.token.expose().to_owned(),
        secret: signed_in.secret.expose().to_owned(),
        session: Session::from(signed_in.session),
        user: User::from_domain(&signed_in.user),
    }
}

/// The one credential of a sign-in.
fn credential(header_ticket: Option<String>, body: SignInRequest) -> Option<Credential> {
    let SignInRequest { ticket, jwt, user_id, access_token, identity, username, password, .. } = body;
    let mut given = Vec::new();
    given.extend([header_ticket, ticket].into_iter().flatten().map(Credential::Ticket));
    given.extend(jwt.map(Credential::Jwt));
    match (user_id, access_token) {
        (Some(user), Some(token)) => given.push(Credential::AccessToken(user, Secret::new(token))),
        (Some(user), None) => given.push(Credential::Open(user)),
        (None, Some(_)) => return None,
        (None, None) => {}
    }
    match (identity, username, password.map(Secret::new)) {
        (Some(Identity { identity_type, value }), None, Some(password)) => {
            given.push(Credential::Password(identity_type.into(), value, password));
        }
        (None, Some(username), Some(password)) => given.push(Credential::Device(username, password)),
        (None, None, None) => {}
        _ => return None,
    }
    if given.len() == 1 { given.pop() } else { None }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use callbox_domain::Clock as _;
    use callbox_wire::ErrorCode;
    use serde_json::{Value, json};

    use crate::testing::{Answer, Api};

    fn post(api: &Api, authorization: &str, body: &Value) -> Answer {
        api.call("POST", "/v1/sessions").header("authorization", authorization).json(body).send()
    }

    #[test]
    fn a_user_id_or_a_ticket_in_body_or_header_opens_a_session() {
        let api = Api::new();
        let ticket = api.ticket("app-two", "bob", api.clock.now());
        let device = json!({ "id": "d1", "platform": "web" });
        let open = json!({ "userId": "ann", "device": device, "expiresIn": 60, "unknown": [1] });
        let answer = post(&api, "APPLICATION app-one", &open);
        assert_eq!((answer.status, &answer.body["user"]["id"]), (201, &"ann".into()));
        let device = json!({ "id": "d1", "name": null, "platform": "web", "appVersion": null });
        assert_eq!(answer.body["session"]["device"], device);
        assert_eq!(answer.body["session"]["expiresAt"], "2023-11-14T22:14:20.000Z");
        for answer in [
            post(&api, "Application app-two", &json!({ "ticket": ticket })),
            post(&api, &format!("User {ticket}"), &json!({})),
        ] {
            assert_eq!((answer.status, &answer.body["user"]["id"]), (201, &"bob".into()));
        }
    }

    #[test]
    fn exactly_one_credential_is_taken() {
        let api = Api::new();
        let ticket = api.ticket("app-two", "bob", api.clock.now());
        post(&api, "Application app-one", &json!({})).is_invalid("body");
        post(&api, "Application app-one", &json!({ "userId": "a", "ticket": "t" })).is_invalid("body");
        post(&api, &format!("User {ticket}"), &json!({ "userId": "bob" })).is_invalid("body");
        api.call("POST", "/v1/sessions").json(&json!({})).send().is_error(ErrorCode::CredentialsMissing);
        post(&api, "Bearer token", &json!({})).is_error(ErrorCode::CredentialsMissing);
    }

    #[test]
    fn of_all_combinations_only_whole_single_credentials_are_taken() {
        let api = Api::new();
        let parts = [
            ("ticket", json!("nonsense")),
            ("jwt", json!("nonsense")),
            ("userId", json!("ann")),
            ("accessToken", json!("nonsense")),
            ("identity", json!({ "type": "username", "value": "nobody" })),
            ("username", json!("dev_nobody")),
            ("password", json!("nonsense")),
        ];
        let whole: [(&[&str], u16); 6] = [
            (&["ticket"], 401),
            (&["jwt"], 401),
            (&["userId"], 201),
            (&["userId", "accessToken"], 401),
            (&["identity", "password"], 401),
            (&["username", "password"], 401),
        ];
        let header = format!("User {}", api.ticket("app-one", "tina", api.clock.now()));
        for mask in 0..1 << parts.len() {
            let chosen: Vec<_> = (0..parts.len()).filter(|bit| mask >> bit & 1 == 1).collect();
            let names: Vec<_> = chosen.iter().map(|bit| parts[*bit].0).collect();
            let body: serde_json::Map<_, _> =
                chosen.iter().map(|bit| (parts[*bit].0.to_owned(), parts[*bit].1.clone())).collect();
            let answer = post(&api, "Application app-one", &Value::Object(body.clone()));
            match whole.iter().find(|(whole, _)| *whole == names) {
                Some((_, status)) => assert_eq!(answer.status, *status, "{names:?}: {answer:?}"),
                None => answer.is_invalid("body"),
            }
            let answer = post(&api, &header, &Value::Object(body));
            if names.is_empty() {
                assert_eq!(answer.status, 201, "{answer:?}");
            } else {
                answer.is_invalid("body");
            }
        }
    }

    #[test]
    fn every_refusal_has_its_code() {
        let api = Api::new();
        let now = api.clock.now();
        let by =
            |key: &str, ticket: &str| post(&api, &format!("Application {key}"), &json!({ "ticket": ticket }));
        let open = |key: &str| post(&api, &format!("Application {key}"), &json!({ "userId": "ann" }));
        open("app-three").is_error(ErrorCode::AppKeyUnknown);
        open("no/key").is_error(ErrorCode::AppKeyUnknown);
        open("app-two").is_error(ErrorCode::OpenSignInOff);
        by("app-two", "nonsense").is_error(ErrorCode::TicketMalformed);
        let foreign = api.ticket("app-one", "ann", now);
        by("app-two", &foreign).is_error(ErrorCode::TicketSignatureInvalid);
        let ahead = api.ticket("app-two", "ann", now.plus(Duration::from_mins(6)));
        by("app-two", &ahead).is_error(ErrorCode::TicketFromFuture);
        let old = api.ticket("app-two", "ann", now);
        assert_eq!(open("app-one").status, 201);
        by("app-one", &foreign).is_error(ErrorCode::IdentityConflict);
        api.clock.advance(Duration::from_hours(2));
        by("app-two", &old).is_error(ErrorCode::TicketExpired);
        let page = api.call("POST", "/v1/sessions").header("authorization", "Application app-one");
        let page = page.header("origin", "https://evil.example").json(&json!({ "userId": "ann" })).send();
        page.is_error(ErrorCode::OriginNotAllowed);
    }

    #[test]
    fn wrong_types_are_named_by_their_path() {
        let api = Api::new();
        let cases = [
            (json!({ "userId": 1 }), "userId"),
            (json!({ "userId": "a b" }), "userId"),
            (json!({ "userId": "ann", "device": { "name": 1 } }), "device.name"),
            (json!({ "userId": "ann", "expiresIn": -1 }), "expiresIn"),
            (json!({ "userId": "ann", "expiresIn": 0 }), "expiresIn"),
            (json!("text"), "body"),
        ];
        for (body, path) in cases {
            post(&api, "Application app-one", &body).is_invalid(path);
        }
    }
}
