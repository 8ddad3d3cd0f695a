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
