//! Tickets and JWTs that nobody should take. The readers have their own tests; here is that nothing on the way to them
//! makes a forged one good.

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use callbox_domain::settings::JwtIssuer;
use callbox_domain::{AppSettings, IdentityType, Secret, Timestamp};
use callbox_service::sessions::ticket::{Ticket, TicketContents};
use serde_json::{Value, json};

use crate::harness::{Answer, Running};
use crate::signed;

const APP: &str = "shop";
const OTHER_APP: &str = "bank";
const ISSUER: &str = "https://id.example.com/";
const AUDIENCE: &str = "callbox";

const MALFORMED: &str = "jwt_malformed";
const ALGORITHM: &str = "jwt_algorithm_not_allowed";
const SIGNATURE: &str = "jwt_signature_invalid";

/// A server with two apps that differ in their secrets, and a provider of the first.
struct Stage {
    server: Running,
    secret: Secret<String>,
    other_secret: Secret<String>,
    provider: Ed25519KeyPair,
}

impl Stage {
    async fn set() -> Self {
        let server = Running::start().await;
        let provider = Ed25519KeyPair::generate().expect("a key");
        let settings = AppSettings { jwt_issuers: vec![issuer(&provider)], ..AppSettings::default() };
        let secret = server.create_app_with(APP, settings).await;
        let other_secret = server.create_app(OTHER_APP).await;
        Self { server, secret, other_secret, provider }
    }

    async fn sign_in(&self, form: &str, credential: &str) -> Answer {
        let headers = [("authorization", "Application shop")];
        self.server.call("POST", "/v1/sessions", &headers, &json!({ form: credential }).to_string()).await
    }

    /// Nothing but a refusal, and nothing in it that opens anything.
    async fn is_refused(&self, form: &str, credential: &str, what: &str) -> String {
        let answer = self.sign_in(form, credential).await;
        assert_eq!((answer.status, &answer.body["token"]), (401, &Value::Null), "{what}: {answer:?}");
        answer.code().to_owned()
    }

    async fn signs_in(&self, form: &str, credential: &str) {
        let answer = self.sign_in(form, credential).await;
        assert_eq!((answer.status, &answer.body["user"]["id"]), (201, &json!("ann")), "{answer:?}");
    }

    /// Every text that differs from a good one in one bit, or is a beginning of it.
    async fn nothing_near_is_taken(&self, form: &str, good: &str) {
        self.signs_in(form, good).await;
        for index in 0..good.len() {
            for bit in 0..u8::BITS {
                let mut bytes = good.as_bytes().to_vec();
                bytes[index] ^= 1 << bit;
                let altered: String = bytes.into_iter().map(char::from).collect();
                self.is_refused(form, &altered, &format!("bit {bit} of byte {index}")).await;
            }
        }
        // The padding of Base64 may be left out.
        for length in 0..good.trim_end_matches('=').len() {
            self.is_refused(form, &good[..length], &format!("the first {length} bytes")).await;
        }
        for more in ["A", "=", ".", ":", "\0", good] {
            self.is_refused(form, &format!("{good}{more}"), &format!("{more:?} after it")).await;
        }
        self.signs_in(form, good).await;
    }
}

fn issuer(provider: &Ed25519KeyPair) -> JwtIssuer {
    let key = json!({ "kty": "OKP", "crv": "Ed25519", "kid": "a", "x": URL_SAFE_NO_PAD.encode(provider.public_key()) });
    JwtIssuer {
        issuer: ISSUER.to_owned(),
        audience: AUDIENCE.to_owned(),
        jwks: Some(json!({ "keys": [key] }).to_string()),
        jwks_url: None,
        algorithms: vec!["EdDSA".to_owned()],
        user_id_claim: "sub".to_owned(),
    }
}

/// In seconds, as claims have it.
fn now() -> i64 {
    signed::now().as_millis() / 1_000
}

fn ticket(app: &str, secret: &Secret<String>, created: i64) -> String {
    let contents = TicketContents {
        identity_type: IdentityType::Username,
        endpoint: "ann".to_owned(),
        application_key: app.to_owned(),
        created: Timestamp::from_millis(created * 1_000),
        expires_in: 600,
    };
    Ticket::sign(&contents, secret).expect("a good secret").into_exposed()
}

fn unsigned(header: &Value, claims: &Value) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()))
}

fn by_key(header: &Value, claims: &Value, key: &[u8]) -> String {
    let text = unsigned(header, claims);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(tag))
}

fn by_secret(header: &Value, claims: &Value, secret: &Secret<String>) -> String {
    by_key(header, claims, &STANDARD.decode(secret.expose()).expect("Base64"))
}

fn by_provider(header: &Value, claims: &Value, provider: &Ed25519KeyPair) -> String {
    let text = unsigned(header, claims);
    let signature = provider.sign(text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// A JWT by which an app's backend names a user, good for one sign-in.
pub fn backend_jwt(app: &str, user: &str, secret: &str) -> String {
    let claims =
        json!({ "iss": app, "sub": user, "iat": now(), "exp": now() + 600, "jti": "good for one sign-in" });
    by_secret(&json!({ "alg": "HS256" }), &claims, &Secret::new(secret.to_owned()))
}

/// `claims` with one of them changed, or left out where it is to be `null`.
fn changed(claims: &Value, name: &str, value: Value) -> Value {
    let mut claims = claims.clone();
    claims[name] = value;
    claims.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
    claims
}

#[tokio::test]
async fn no_text_near_a_good_ticket_is_taken() {
    let stage = Stage::set().await;
    stage.nothing_near_is_taken("ticket", &ticket(APP, &stage.secret, now())).await;
    stage.server.stop().await;
}

#[tokio::test]
async fn no_text_near_a_good_jwt_is_taken() {
    let stage = Stage::set().await;
    let claims = json!({ "iss": APP, "sub": "ann", "exp": now() + 600 });
    stage.nothing_near_is_taken("jwt", &by_secret(&json!({ "alg": "HS256" }), &claims, &stage.secret)).await;
    stage.server.stop().await;
}

#[tokio::test]
async fn tickets_of_others_and_of_other_times_are_refused() {
    let stage = Stage::set().await;
    let (secret, other_secret, now) = (&stage.secret, &stage.other_secret, now());
    for (what, ticket, code) in [
        ("of another app", ticket(OTHER_APP, other_secret, now), "ticket_signature_invalid"),
        ("by another app's secret", ticket(APP, other_secret, now), "ticket_signature_invalid"),
        ("for another app", ticket(OTHER_APP, secret, now), "ticket_wrong_app"),
        ("for no app", ticket("nothing", secret, now), "ticket_wrong_app"),
        ("of yesterday", ticket(APP, secret, now - 86_400), "ticket_expired"),
        ("of tomorrow", ticket(APP, secret, now + 86_400), "ticket_from_future"),
        ("much too long", "A".repeat(60_000), "ticket_malformed"),
        ("of a sign-up that never was", format!("cbt_{}", "A".repeat(43)), "sign_in_way_off"),
    ] {
        let answer = stage.sign_in("ticket", &ticket).await;
        assert_eq!(answer.code(), code, "{what}: {answer:?}");
        assert_eq!(answer.status, if code == "sign_in_way_off" { 403 } else { 401 }, "{what}");
    }
    for form in ["ticket", "jwt"] {
        let huge = stage.sign_in(form, &"A".repeat(1 << 20)).await;
        assert_eq!((huge.status, huge.code()), (413, "payload_too_large"), "{form}: {huge:?}");
    }
    stage.signs_in("ticket", &ticket(APP, secret, now)).await;
    stage.server.stop().await;
}

#[tokio::test]
async fn jwts_that_the_backend_has_not_made_are_refused() {
    let stage = Stage::set().await;
    let Stage { secret, other_secret, provider, .. } = &stage;
    let now = now();
    let header = json!({ "alg": "HS256" });
    let claims = json!({ "iss": APP, "sub": "ann", "iat": now, "exp": now + 600 });
    let with = |name: &str, value: Value| by_secret(&header, &changed(&claims, name, value), secret);
    let of_other_app = changed(&claims, "iss", OTHER_APP.into());
    let kid = |kid: &str| json!({ "alg": "HS256", "kid": kid });

    stage.signs_in("jwt", &by_secret(&header, &claims, secret)).await;
    for (what, jwt, code) in [
        ("none", format!("{}.", unsigned(&json!({ "alg": "none" }), &claims)), ALGORITHM),
        ("no signature", format!("{}.", unsigned(&header, &claims)), MALFORMED),
        (
            "by the provider",
            by_provider(&json!({ "alg": "EdDSA", "kid": "a" }), &claims, provider),
            ALGORITHM,
        ),
        ("a kid that is a path", by_key(&kid("../../dev/null"), &claims, b""), SIGNATURE),
        ("a kid of long ago", by_secret(&kid("hkdfv1-20180102"), &claims, secret), SIGNATURE),
        ("an empty key", by_key(&header, &claims, b""), SIGNATURE),
        ("the secret undecoded", by_key(&header, &claims, secret.expose().as_bytes()), SIGNATURE),
        ("by another app", by_secret(&header, &claims, other_secret), SIGNATURE),
        ("of another app", by_secret(&header, &of_other_app, other_secret), SIGNATURE),
        ("for another app", by_secret(&header, &of_other_app, secret), "jwt_issuer_unknown"),
        ("of no issuer", with("iss", Value::Null), MALFORMED),
        ("without an end", with("exp", Value::Null), MALFORMED),
        ("of before", with("exp", json!(now - 3_600)), "jwt_expired"),
        ("of later", with("iat", json!(now + 3_600)), "jwt_from_future"),
        ("much too long", "A".repeat(60_000), MALFORMED),
    ] {
        assert_eq!(stage.is_refused("jwt", &jwt, what).await, code, "{what}");
    }
    stage.server.stop().await;
}

#[tokio::test]
async fn jwts_that_the_provider_has_not_made_are_refused() {
    let stage = Stage::set().await;
    let Stage { secret, provider, .. } = &stage;
    let now = now();
    let kid = |algorithm: &str, kid: &str| json!({ "alg": algorithm, "kid": kid });
    let (header, hs256) = (kid("EdDSA", "a"), kid("HS256", "a"));
    let claims = json!({ "iss": ISSUER, "sub": "ann", "aud": AUDIENCE, "iat": now, "exp": now + 600 });
    let with = |name: &str, value: Value| by_provider(&header, &changed(&claims, name, value), provider);
    let stranger = Ed25519KeyPair::generate().expect("a key");

    stage.signs_in("jwt", &by_provider(&header, &claims, provider)).await;
    for (what, jwt, code) in [
        ("none", format!("{}.", unsigned(&kid("none", "a"), &claims)), ALGORITHM),
        ("the public key as a secret", by_key(&hs256, &claims, provider.public_key().as_ref()), ALGORITHM),
        ("the app's secret", by_secret(&hs256, &claims, secret), ALGORITHM),
        ("a kid of another's key", by_provider(&kid("EdDSA", "b"), &claims, provider), SIGNATURE),
        ("a stranger's key", by_provider(&header, &claims, &stranger), SIGNATURE),
        ("of another provider", with("iss", json!("https://id.example.com")), ALGORITHM),
        ("for another audience", with("aud", json!("x")), "jwt_audience_wrong"),
        ("for nobody", with("aud", Value::Null), "jwt_audience_wrong"),
        ("not yet good", with("nbf", json!(now + 3_600)), "jwt_from_future"),
        ("ended", with("exp", json!(now - 3_600)), "jwt_expired"),
    ] {
        assert_eq!(stage.is_refused("jwt", &jwt, what).await, code, "{what}");
    }
    stage.server.stop().await;
}

#[tokio::test]
async fn a_provider_and_a_backend_each_name_their_users() {
    let stage = Stage::set().await;
    let now = now();
    let theirs = json!({ "iss": ISSUER, "sub": "ann", "aud": [AUDIENCE], "iat": now, "exp": now + 600 });
    let jwt = by_provider(&json!({ "alg": "EdDSA", "kid": "a" }), &theirs, &stage.provider);
    stage.signs_in("jwt", &jwt).await;

    // What a backend signs with an id is for one sign-in; from another device it is refused.
    let once = backend_jwt(APP, "ann", stage.secret.expose());
    stage.signs_in("jwt", &once).await;
    assert_eq!(stage.is_refused("jwt", &once, "a second time").await, "jwt_used");
    let server = stage.server.restart().await;
    let headers = [("authorization", "Application shop")];
    let again = server.call("POST", "/v1/sessions", &headers, &json!({ "jwt": once }).to_string()).await;
    assert_eq!((again.status, again.code()), (401, "jwt_used"), "after a restart too: {again:?}");
    server.stop().await;
}
