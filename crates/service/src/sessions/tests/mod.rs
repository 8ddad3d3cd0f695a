//! Signing in, who may, for how long, and how it ends.

mod access_tokens;
mod devices;
mod ending;
mod hijacking;
mod jwts;
mod limit;
mod relay;
mod renewal;
mod tickets;
mod upkeep;
mod ways;

use std::time::Duration;

use callbox_bus::Notice;
use callbox_domain::{AccessToken, Device, IdentityType, SessionEndReason, Timestamp};
use serde_json::{Value, json};

use super::jwt::tests::signer::by_app;
use super::ticket::{Ticket, TicketContents};
use super::{Credential, Register, Registered, RegistrationProof, SignIn, SignedIn};
use crate::ServiceResult;
use crate::generated::sha256;
use crate::passwords::{SignUp, SignedUp};
use crate::testing::{World, app_key, open_sign_in, secret, ticket_sign_in, user_id};
use futures_executor::block_on;

const HOUR: Duration = Duration::from_hours(1);

fn contents(world: &World) -> TicketContents {
    TicketContents {
        identity_type: IdentityType::Username,
        endpoint: "ann".to_owned(),
        application_key: "app-two".to_owned(),
        created: world.now(),
        expires_in: 3_600,
    }
}

fn signed(world: &World, contents: &TicketContents) -> SignIn {
    let ticket = Ticket::sign(contents, world.secret("app-two")).expect("a good secret");
    ticket_sign_in(ticket.expose())
}

/// A device with an id of its own.
fn device(id: &str) -> Device {
    Device { id: Some(id.to_owned()), ..Device::default() }
}

/// Sign-in to `app-one` by this credential.
fn sign_in_by(credential: Credential) -> SignIn {
    SignIn { credential, ..open_sign_in("nobody") }
}

/// Claims by which the backend of `app-one` names a user for ten minutes.
fn claims(world: &World, user: &str, id: &str) -> Value {
    let now = world.now().as_millis() / 1_000;
    json!({ "iss": "app-one", "sub": user, "iat": now, "exp": now + 600, "jti": id })
}

/// A JWT of the backend of `app-one`.
fn jwt(world: &World, user: &str, id: &str) -> String {
    by_app(world.secret("app-one"), &claims(world, user, id))
}

fn jwt_sign_in(text: &str) -> SignIn {
    sign_in_by(Credential::Jwt(text.to_owned()))
}

/// Gives a user of `app-one` an access token, as the app's backend does.
fn issue_access_token(world: &World, user: &str, token: &str, expires_at: Option<Timestamp>) {
    let app = world.app_id("app-one");
    let token = AccessToken {
        id: format!("tok_{token}"),
        user_id: user_id(user),
        prefix: token.chars().take(4).collect(),
        hash: sha256(token),
        created_at: world.now(),
        expires_at,
    };
    world.write(move |tx| tx.insert_access_token(app, &token));
}

fn access_token_sign_in(user: &str, token: &str) -> SignIn {
    sign_in_by(Credential::AccessToken(user_id(user), secret(token)))
}

/// Signs a stranger up in `app-one`.
fn sign_up(world: &World, identity: (IdentityType, &str)) -> ServiceResult<SignedUp> {
    block_on(world.service.sign_up(SignUp {
        app_key: app_key("app-one"),
        identities: vec![(identity.0, identity.1.to_owned())],
        password: secret(PASSWORD),
        origin: None,
        address: None,
    }))
}

/// Registration of a device in `app-one` that nobody vouches for.
fn registration(user: &str) -> Register {
    Register {
        proof: RegistrationProof::Nothing(app_key("app-one")),
        identifier: Some(user.to_owned()),
        force: true,
        metadata: "{}".to_owned(),
        device: Device::default(),
        origin: None,
        address: None,
    }
}

fn register(world: &World, request: Register) -> ServiceResult<Registered> {
    block_on(world.service.register(request))
}

fn device_sign_in(registered: &Registered) -> SignIn {
    sign_in_by(Credential::Device(registered.username.clone(), registered.password.clone()))
}

/// The sessions whose end was told since this was asked the last time.
fn told_ended(world: &World) -> Vec<String> {
    let ended = world.notices().into_iter().filter_map(|notice| match notice {
        Notice::SessionEnded { session_id, .. } => Some(session_id.to_string()),
        _ => None,
    });
    ended.collect()
}

/// Why a session is over; `None` while it is open.
fn end_reason(world: &World, signed_in: &SignedIn) -> Option<String> {
    let error = world.authenticate(signed_in).err()?;
    Some(error.details["reason"].as_str().unwrap_or(error.code.name()).to_owned())
}

fn end(world: &World, signed_in: &SignedIn, reason: SessionEndReason) {
    let (app, id, now) = (signed_in.session.app_id, signed_in.session.id.clone(), world.now());
    assert!(world.write(move |tx| tx.end_session(app, &id, now, reason)), "it was open");
}

/// Hard to guess.
const PASSWORD: &str = "purple tractor parade";
