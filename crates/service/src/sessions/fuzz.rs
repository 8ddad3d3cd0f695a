//! Fuzz functions for what strangers hand in: each takes any bytes and must neither panic nor let in what nobody signed.
//! Here they run over a corpus and seeded mutations of it; a coverage-guided fuzzer can call the same functions.

use callbox_domain::testing::mutate;
use callbox_domain::{AssertedBy, IdentityType, Secret, Timestamp};
use serde_json::json;

use super::identity::NamedUser;
use super::jwt::Jwt;
use super::jwt::tests::signer::by_app;
use super::ticket::Ticket;
use crate::accounts::AppSecret;
use crate::signature::Signature;
use crate::testing::World;

/// A ticket under a secret that signed none of the inputs but those of the corpus.
fn ticket(bytes: &[u8], secret: &Secret<String>) -> bool {
    let text = String::from_utf8_lossy(bytes);
    Ticket::parse(&text).is_ok_and(|ticket| ticket.is_signed_by(secret))
}

/// A JWT of a backend.
fn jwt(bytes: &[u8], secret: &Secret<String>, now: Timestamp) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let secrets = [AppSecret(secret.clone())];
    Jwt::parse(&text).is_ok_and(|jwt| jwt.verify_by_secrets(&secrets, |_| true, now).is_ok())
}

/// A request's signature: what is read is written the same way.
fn signature(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(signature) = Signature::parse(&text) {
        assert_eq!(Signature::parse(&signature.to_text()), Some(signature), "{text:?}");
    }
}

/// A phone number: its normal form is its own normal form, and E.164.
fn number(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let named = |text: &str| NamedUser::new(IdentityType::Number, text, AssertedBy::Myself).ok();
    if let Some(named_user) = named(&text) {
        let value = named_user.value;
        assert_eq!(named(&value).map(|again| again.value).as_deref(), Some(&*value), "{text:?}");
        let digits = value.strip_prefix('+').expect("E.164 begins with +");
        assert!(digits.len() <= 15 && digits.bytes().all(|byte| byte.is_ascii_digit()), "{text:?}");
        assert!(!digits.starts_with('0'), "{text:?}");
    }
}

#[test]
fn mutated_tickets_let_nobody_in() {
    let world = World::new();
    let good = world.ticket("app-two", "ann");
    let secret = world.secret("app-two");
    assert!(ticket(good.as_bytes(), secret));
    let data = good.split(':').next().expect("the data").trim_end_matches('=').to_owned();
    mutate(&[good.as_bytes(), b"e30=:e30=", b":", b"cbt_x", b""], |input| {
        if ticket(input, secret) {
            // Whitespace, padding and what hides behind them say nothing; the signed data is the same.
            let text = String::from_utf8_lossy(input);
            let compact: String = text.chars().filter(|one| !one.is_ascii_whitespace()).collect();
            assert!(compact.starts_with(&data), "{text:?}");
        }
    });
}

#[test]
fn mutated_jwts_let_nobody_in() {
    let world = World::new();
    let secret = world.secret("app-two");
    let now = world.now();
    let good = by_app(
        secret,
        &json!({
            "iss": "app-two", "sub": "ann", "exp": now.as_millis() / 1_000 + 600, "jti": "n-1",
        }),
    );
    assert!(jwt(good.as_bytes(), secret, now));
    mutate(&[good.as_bytes(), b"e30.e30.e30", b"..", b""], |input| {
        assert!(input == good.as_bytes() || !jwt(input, secret, now), "{:?}", String::from_utf8_lossy(input));
    });
}

#[test]
fn mutated_signatures_and_numbers_keep_their_form() {
    mutate(&[b"qDXMwzfaxCRS849c/2R0hg0nphgdHciTo7OdM6MsdnM=", b"", b"===="], signature);
    mutate(&[b"+46700000000", b"+46 (70) 000-00.00", b"0046700000000", b"+", b""], number);
}
