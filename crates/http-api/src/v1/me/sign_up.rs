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
