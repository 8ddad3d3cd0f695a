//! JWTs of the app's own backend.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use callbox_domain::{Secret, Timestamp};
use callbox_wire::ErrorCode;
use serde_json::{Value, json};

use super::super::secret::signing_key;
use super::super::{Jwt, JwtProblem};
use super::signer::{APP_KEY, NONCE, NOW, app_secret, backend_claims, by_secret, hs256, judge, now};
use crate::accounts::AppSecret;

const DAY_HEADER: &str = r#"{"alg":"HS256","kid":"hkdfv1-20180102"}"#;
const PLAIN_HEADER: &str = r#"{"alg":"HS256"}"#;

fn day_key(day: &str) -> JwtProblem {
    let text = by_secret(Some(day), &DAY_HEADER.replace("20180102", day), &backend_claims().to_string());
    judge(&text).expect_err(day)
}

#[test]
fn the_published_rule_gives_the_known_key_and_signatures() {
    let key = signing_key(&app_secret(), Some("20180102")).expect("a good secret");
    assert_eq!(STANDARD.encode(&key), "AZj5EsS8S7wb06xr5jERqPHsraQt3w/+Ih5EfrhisBQ=");
    let path = format!("//rtc.sinch.com/applications/{APP_KEY}");
    let end = NOW + 600;
    let in_order =
        format!(r#"{{"iss":"{path}","sub":"{path}/users/foo","iat":{NOW},"exp":{end},"nonce":"{NONCE}"}}"#);
    let sorted =
        format!(r#"{{"exp":{end},"iat":{NOW},"iss":"{path}","nonce":"{NONCE}","sub":"{path}/users/foo"}}"#);
    for (claims, signature) in [
        (in_order, "EUltTTD4fxhkwCgLgj6qSQXKawpwQ952Ywm3OwQSARo"),
        (sorted, "10N-QAvRK0-dacox5X5YusK7C0AWb-kZLiNNTKLQw8I"),
    ] {
        let text = by_secret(Some("20180102"), DAY_HEADER, &claims);
        assert!(text.ends_with(&format!(".{signature}")), "{text}");
        let user = judge(&text).expect("good");
        assert_eq!((user.user_id.as_str(), user.unique_id.as_deref()), ("foo", Some(NONCE)));
        assert_eq!((user.issuer, user.expires_at), (path.clone(), Timestamp::from_millis(end * 1_000)));
        assert_eq!(user.session_expires_at, None);
        assert_eq!(Jwt::parse(&text).expect("good").app_key(), APP_KEY);
    }
}

#[test]
fn without_a_kid_the_secret_itself_signs() {
    let mut claims = backend_claims();
    claims["sinch:rtc:instance:exp"] = json!(NOW + 86_400);
    claims["jti"] = json!("one");
    claims["nonce"] = json!("two");
    let user = judge(&by_secret(None, PLAIN_HEADER, &claims.to_string())).expect("good");
    assert_eq!((user.user_id.as_str(), user.issuer.as_str()), ("foo", APP_KEY));
    assert_eq!(user.unique_id.as_deref(), Some("one"));
    assert_eq!(user.session_expires_at, Some(Timestamp::from_millis((NOW + 86_400) * 1_000)));
    // Neither key stands in for the other.
    let claims = claims.to_string();
    assert_eq!(judge(&by_secret(Some("20180102"), PLAIN_HEADER, &claims)), Err(JwtProblem::SignatureInvalid));
    assert_eq!(judge(&by_secret(None, DAY_HEADER, &claims)), Err(JwtProblem::SignatureInvalid));
}

#[test]
fn a_days_key_is_good_on_that_day_and_its_neighbours() {
    for day in ["20180101", "20180102", "20180103"] {
        let header = DAY_HEADER.replace("20180102", day);
        let text = by_secret(Some(day), &header, &backend_claims().to_string());
        assert!(judge(&text).is_ok(), "{day}");
    }
    for day in ["20171231", "20180104", "20180132", "2018010", "2018-1-2", "00000000", "ÄÄÄÄ", ""] {
        assert!(matches!(day_key(day), JwtProblem::KeyUnknown(_)), "{day}");
    }
}

#[test]
fn each_of_the_good_secrets_may_sign() {
    let text = by_secret(None, PLAIN_HEADER, &backend_claims().to_string());
    let jwt = Jwt::parse(&text).expect("good");
    let secret = |text: &str| AppSecret(Secret::new(text.to_owned()));
    let verify = |secrets: &[AppSecret]| jwt.verify_by_secrets(secrets, |key| key == APP_KEY, now());
    assert!(verify(&[secret("AAECAwQFBgcICQoLDA0ODw=="), app_secret()]).is_ok());
    assert_eq!(verify(&[secret("AAECAwQFBgcICQoLDA0ODw==")]), Err(JwtProblem::SignatureInvalid));
    assert_eq!(verify(&[]), Err(JwtProblem::SignatureInvalid));
}

#[test]
fn a_secret_without_bytes_signs_nothing() {
    let jwt = hs256(b"", PLAIN_HEADER, &backend_claims().to_string());
    let jwt = Jwt::parse(&jwt).expect("good");
    for empty in ["", " ", "====", "no Base64!"] {
        let secret = AppSecret(Secret::new(empty.to_owned()));
        let verdict = jwt.verify_by_secrets(&[secret], |key| key == APP_KEY, now());
        assert_eq!(verdict, Err(JwtProblem::SignatureInvalid), "{empty:?}");
    }
}

#[test]
fn the_issuer_must_be_a_key_of_the_app() {
    let path = "//rtc.sinch.com/applications/";
    for issuer in
        ["", "another-app", &format!("{path}another-app"), path, &format!("{path}{APP_KEY}/users/foo")]
    {
        let mut claims = backend_claims();
        claims["iss"] = json!(issuer);
        claims["sub"] = json!(format!("{issuer}/users/foo"));
        let verdict = judge(&by_secret(None, PLAIN_HEADER, &claims.to_string()));
        assert_eq!(verdict, Err(JwtProblem::WrongIssuer), "{issuer}");
    }
}

#[test]
fn the_subject_is_written_as_the_issuer_is() {
    let path = format!("//rtc.sinch.com/applications/{APP_KEY}");
    let refused = |issuer: &str, subject: Value| {
        let mut claims = backend_claims();
        claims["iss"] = json!(issuer);
        claims["sub"] = subject;
        let problem = judge(&by_secret(None, PLAIN_HEADER, &claims.to_string())).expect_err("no user");
        assert!(matches!(problem, JwtProblem::NoUserId(_)), "{problem}");
        assert_eq!(problem.code(), ErrorCode::JwtMalformed);
        problem.to_string()
    };
    refused(&path, json!("foo"));
    refused(&path, json!("//rtc.sinch.com/applications/other/users/foo"));
    refused(&path, json!(format!("{path}/users/")));
    refused(APP_KEY, json!("//rtc.sinch.com/applications/x/users/foo"));
    refused(APP_KEY, Value::Null);
    refused(APP_KEY, json!(""));
    assert!(refused(APP_KEY, json!("ann lee")).contains("printable ASCII without spaces"));
}

#[test]
fn a_jwt_is_good_from_its_beginning_to_its_end_and_a_little_around() {
    let verdict = |name: &str, seconds: i64| {
        let mut claims = backend_claims();
        claims[name] = json!(NOW + seconds);
        judge(&by_secret(None, PLAIN_HEADER, &claims.to_string())).map_err(|problem| problem.code())
    };
    for (name, seconds) in
        [("exp", -59), ("exp", 7 * 86_400), ("exp", i64::from(i32::MAX) * 1_000), ("iat", 300)]
    {
        assert!(verdict(name, seconds).is_ok(), "{name} {seconds}");
    }
    for (name, seconds, code) in [
        ("exp", -60, ErrorCode::JwtExpired),
        ("exp", -NOW - 1, ErrorCode::JwtExpired),
        ("sinch:rtc:instance:exp", 0, ErrorCode::JwtExpired),
        ("iat", 301, ErrorCode::JwtFromFuture),
        ("nbf", 301, ErrorCode::JwtFromFuture),
    ] {
        assert_eq!(verdict(name, seconds), Err(code), "{name} {seconds}");
    }
}

#[test]
fn what_a_backend_writes_although_it_leaves_it_out_is_left_out() {
    let claims = format!(
        r#"{{"iss":"{APP_KEY}","sub":"foo","exp":{}.5,"iat":null,"nbf":null,"aud":null,"nonce":null,"jti":"","extra":[1]}}"#,
        NOW + 600
    );
    let user = judge(&by_secret(None, r#"{"alg":"HS256","kid":null,"typ":"JWT"}"#, &claims)).expect("good");
    assert_eq!((user.unique_id, user.session_expires_at), (None, None));
    assert_eq!(user.expires_at, Timestamp::from_millis((NOW + 600) * 1_000 + 500));
}
