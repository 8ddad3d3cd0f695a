//! JWTs that open sessions: once where the app's backend signs them, as often as they live where a provider does.

use std::time::Duration;

use callbox_domain::CredentialKind;
use callbox_domain::settings::JwtIssuer;
use callbox_wire::ErrorCode;
use futures_executor::block_on;
use serde_json::json;

use super::super::jwt::tests::signer::{AUDIENCE, ISSUER, Signer, by_app, issuer, key_set};
use super::super::{Credential, RegistrationProof, SignIn};
use super::{HOUR, claims, device, jwt, jwt_sign_in, register, registration};
use crate::testing::{World, app_key, code};

fn on(request: SignIn, id: &str) -> SignIn {
    SignIn { device: device(id), ..request }
}

#[test]
fn a_jwt_of_the_backend_opens_one_session() {
    let world = World::new();
    let text = jwt(&world, "ann", "one");
    let first = world.sign_in(jwt_sign_in(&text)).expect("good");
    assert_eq!((first.user.id.as_str(), first.session.credential), ("ann", CredentialKind::Jwt));
    assert_eq!(
        code(world.sign_in(jwt_sign_in(&text))),
        ErrorCode::JwtUsed,
        "no device tells that it is the same"
    );
    let again = world.sign_in(jwt_sign_in(&jwt(&world, "ann", "two"))).expect("another one");
    assert_ne!(again.session.id, first.session.id);
    let alone = SignIn { app_key: None, ..jwt_sign_in(&jwt(&world, "ann", "three")) };
    world.sign_in(alone).expect("it names its app itself");
}

#[test]
fn the_same_device_may_ask_again_for_a_minute() {
    let world = World::new();
    let text = jwt(&world, "ann", "one");
    let first = world.sign_in(on(jwt_sign_in(&text), "phone")).expect("good");
    world.clock.advance(Duration::from_mins(1));
    let second = world.sign_in(on(jwt_sign_in(&text), "phone")).expect("the answer was lost");
    assert_eq!(first.session.id, second.session.id);
    assert_ne!(first.token.expose(), second.token.expose());
    world.authenticate(&first).expect("the first token is good for another minute");
    world.authenticate(&second).expect("the new one");
    assert_eq!(code(world.sign_in(on(jwt_sign_in(&text), "laptop"))), ErrorCode::JwtUsed);
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(code(world.sign_in(on(jwt_sign_in(&text), "phone"))), ErrorCode::JwtUsed);
}

#[test]
fn a_repeat_does_not_bring_an_ended_session_back() {
    let world = World::new();
    let text = jwt(&world, "ann", "one");
    let first = world.sign_in(on(jwt_sign_in(&text), "phone")).expect("good");
    block_on(world.service.sign_out(&world.authenticate(&first).expect("open"))).expect("signed out");
    assert_eq!(code(world.sign_in(on(jwt_sign_in(&text), "phone"))), ErrorCode::JwtUsed);
}

#[test]
fn a_refused_sign_in_does_not_use_the_jwt_up() {
    let world = World::new();
    world.change_app("app-one", |app| app.settings.sessions_per_user_max = 1);
    world.sign_in(jwt_sign_in(&jwt(&world, "ann", "one"))).expect("good");
    let text = jwt(&world, "ann", "two");
    let refused = world.sign_in(SignIn { force: false, ..jwt_sign_in(&text) });
    assert_eq!(code(refused), ErrorCode::SessionLimitReached);
    world.sign_in(jwt_sign_in(&text)).expect("now with force");
}

#[test]
fn one_id_is_used_for_each_issuer_and_each_app() {
    let world = World::new();
    world.sign_in(jwt_sign_in(&jwt(&world, "ann", "one"))).expect("good");
    assert_eq!(code(world.sign_in(jwt_sign_in(&jwt(&world, "bob", "one")))), ErrorCode::JwtUsed);
    let mut other = claims(&world, "ann", "one");
    other["iss"] = json!("app-two");
    let text = by_app(world.secret("app-two"), &other);
    let request = SignIn { app_key: Some(app_key("app-two")), ..jwt_sign_in(&text) };
    world.sign_in(request).expect("an id of another app's");
}

#[test]
fn a_jwt_without_an_id_and_one_of_a_provider_may_come_again() {
    let world = World::new();
    let mut plain = claims(&world, "ann", "one");
    plain.as_object_mut().expect("an object").remove("jti");
    let text = by_app(world.secret("app-one"), &plain);
    for _ in 0..2 {
        world.sign_in(jwt_sign_in(&text)).expect("nothing tells it from another");
    }

    let signer = Signer::p256();
    let jwks = key_set(&[signer.jwk("a")]).to_string();
    world.change_app("app-one", |app| {
        app.settings.jwt_issuers = vec![JwtIssuer { jwks: Some(jwks), jwks_url: None, ..issuer() }];
    });
    let mut claims = claims(&world, "bob", "two");
    claims["iss"] = json!(ISSUER);
    claims["aud"] = json!(AUDIENCE);
    let text = signer.sign(&json!({ "alg": "ES256", "kid": "a" }), &claims);
    let first = world.sign_in(jwt_sign_in(&text)).expect("good");
    let second = world.sign_in(jwt_sign_in(&text)).expect("good again");
    assert_eq!((first.user.id.as_str(), second.user.id.as_str()), ("bob", "bob"));
    assert_ne!(first.session.id, second.session.id);
}

#[test]
fn a_renewal_uses_a_jwt_up_and_takes_no_used_one() {
    let world = World::new();
    world.change_app("app-one", |app| app.settings.renew_without_credential = false);
    let used = jwt(&world, "ann", "one");
    let caller = world.authenticate(&world.sign_in(jwt_sign_in(&used)).expect("good")).expect("open");
    let renew = |text: &str| {
        block_on(world.service.renew_session(&caller, Some(Credential::Jwt(text.to_owned())), None))
    };
    assert_eq!(code(renew(&used)), ErrorCode::JwtUsed);
    let fresh = jwt(&world, "ann", "two");
    renew(&fresh).expect("a fresh one");
    assert_eq!(code(renew(&fresh)), ErrorCode::JwtUsed);
    assert_eq!(code(world.sign_in(jwt_sign_in(&fresh))), ErrorCode::JwtUsed);
}

#[test]
fn a_registration_uses_a_jwt_up_and_takes_no_used_one() {
    let world = World::new();
    let with = |text: &str| {
        let proof = RegistrationProof::Credential(Some(app_key("app-one")), Credential::Jwt(text.to_owned()));
        register(&world, super::Register { proof, identifier: None, ..registration("ann") })
    };
    let text = jwt(&world, "ann", "one");
    assert_eq!(with(&text).expect("good").signed_in.user.id.as_str(), "ann");
    assert_eq!(code(with(&text)), ErrorCode::JwtUsed);
    assert_eq!(code(world.sign_in(jwt_sign_in(&text))), ErrorCode::JwtUsed);
    let used = jwt(&world, "ann", "two");
    world.sign_in(jwt_sign_in(&used)).expect("good");
    assert_eq!(code(with(&used)), ErrorCode::JwtUsed);
}

#[test]
fn the_session_lives_as_long_as_the_jwt_says() {
    let world = World::new();
    let mut claims = claims(&world, "ann", "one");
    let end = world.now().plus(HOUR);
    claims["sinch:rtc:instance:exp"] = json!(end.as_millis() / 1_000);
    let text = by_app(world.secret("app-one"), &claims);
    assert_eq!(world.sign_in(jwt_sign_in(&text)).expect("good").session.expires_at, end);
    let wish = SignIn { expires_in: Some(Duration::from_mins(1)), ..jwt_sign_in(&jwt(&world, "ann", "two")) };
    let session = world.sign_in(wish).expect("good").session;
    assert_eq!(session.expires_at, world.now().plus(Duration::from_mins(1)));
}
