//! JWTs of identity providers, by their keys.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use callbox_domain::settings::JwtIssuer;
use callbox_wire::ErrorCode;
use serde_json::{Value, json};

use super::super::{Jwt, JwtProblem, KeySet};
use super::signer::{
    AUDIENCE, ISSUER, NOW, Signer, backend_claims, by_secret, issuer, judge_by, key_set, now, provider_claims,
};

fn header(algorithm: &str, kid: &str) -> Value {
    json!({ "alg": algorithm, "kid": kid, "typ": "JWT" })
}

fn with(mut value: Value, name: &str, member: Value) -> Value {
    value[name] = member;
    value
}

#[test]
fn each_kind_of_key_signs_in_its_own_way() {
    for (algorithm, signer) in [
        ("RS256", Signer::rsa()),
        ("PS256", Signer::rsa()),
        ("ES256", Signer::p256()),
        ("ES384", Signer::p384()),
        ("EdDSA", Signer::ed25519()),
    ] {
        let document = key_set(&[signer.jwk("a")]);
        let user = judge_by(&document, &signer.sign(&header(algorithm, "a"), &provider_claims()));
        let user = user.unwrap_or_else(|problem| panic!("{algorithm}: {problem}"));
        assert_eq!((user.user_id.as_str(), user.issuer.as_str()), ("foo", ISSUER));
        assert_eq!(user.unique_id.as_deref(), Some("one"));
        // Another key of the same kind by the same name does not do.
        let other = match algorithm {
            "RS256" | "PS256" => continue,
            "ES256" => Signer::p256(),
            "ES384" => Signer::p384(),
            _ => Signer::ed25519(),
        };
        let forged = other.sign(&header(algorithm, "a"), &provider_claims());
        assert_eq!(judge_by(&document, &forged), Err(JwtProblem::SignatureInvalid), "{algorithm}");
    }
}

#[test]
fn a_key_serves_no_algorithm_of_another_kind() {
    let keys = [
        ("rsa", Signer::rsa()),
        ("p256", Signer::p256()),
        ("p384", Signer::p384()),
        ("ed", Signer::ed25519()),
    ];
    let document = key_set(&keys.each_ref().map(|(kid, signer)| signer.jwk(kid)));
    for (kid, signer) in &keys {
        for algorithm in issuer().algorithms {
            let fits = match *kid {
                "rsa" => algorithm.starts_with(['R', 'P']),
                "p256" => algorithm == "ES256",
                "p384" => algorithm == "ES384",
                _ => algorithm == "EdDSA",
            };
            if !fits {
                let text = signer.sign(&header(&algorithm, kid), &provider_claims());
                let verdict = judge_by(&document, &text);
                assert_eq!(verdict, Err(JwtProblem::AlgorithmNotAllowed), "{kid} {algorithm}");
            }
        }
    }
}

#[test]
fn a_key_that_names_an_algorithm_serves_only_that() {
    let signer = Signer::rsa();
    let rs256 = signer.sign(&header("RS256", "a"), &provider_claims());
    let verdict =
        |algorithm: &str| judge_by(&key_set(&[with(signer.jwk("a"), "alg", json!(algorithm))]), &rs256);
    assert!(verdict("RS256").is_ok());
    assert_eq!(verdict("PS256"), Err(JwtProblem::AlgorithmNotAllowed));
    for strange in ["HS256", "RSA-OAEP", "none", ""] {
        assert!(matches!(verdict(strange), Err(JwtProblem::KeyUnknown(_))), "{strange}");
    }
}

#[test]
fn only_the_algorithms_of_the_issuer_are_taken() {
    let signer = Signer::p256();
    let jwt = Jwt::parse(&signer.sign(&header("ES256", "a"), &provider_claims())).expect("good");
    let keys = KeySet::parse(&key_set(&[signer.jwk("a")]).to_string()).expect("a JWK Set");
    let verdict = |names: &[&str]| {
        let algorithms = names.iter().map(|name| (*name).to_owned()).collect();
        jwt.verify_by_keys(&JwtIssuer { algorithms, ..issuer() }, &keys, now())
    };
    assert!(verdict(&["RS256", "ES256"]).is_ok());
    assert_eq!(verdict(&["RS256", "ES384"]), Err(JwtProblem::AlgorithmNotAllowed));
    assert_eq!(verdict(&["es256"]), Err(JwtProblem::AlgorithmNotAllowed));
}

#[test]
fn without_a_kid_the_set_must_leave_no_choice() {
    let (one, two) = (Signer::p256(), Signer::p256());
    let text = one.sign(&json!({ "alg": "ES256" }), &provider_claims());
    let alone = key_set(&[one.jwk("a"), Signer::p384().jwk("b")]);
    assert!(judge_by(&alone, &text).is_ok());
    for document in
        [key_set(&[one.jwk("a"), two.jwk("b")]), key_set(&[Signer::p384().jwk("b")]), key_set(&[])]
    {
        assert!(matches!(judge_by(&document, &text), Err(JwtProblem::KeyUnknown(_))), "{document}");
    }
    // Two keys by one name leave a choice too.
    let named = one.sign(&header("ES256", "a"), &provider_claims());
    let twins = key_set(&[one.jwk("a"), two.jwk("a")]);
    assert!(matches!(judge_by(&twins, &named), Err(JwtProblem::KeyUnknown(_))));
}

#[test]
fn keys_for_other_ends_are_no_keys() {
    let signer = Signer::p256();
    let text = signer.sign(&header("ES256", "a"), &provider_claims());
    let verdict = |name: &str, value: Value| judge_by(&key_set(&[with(signer.jwk("a"), name, value)]), &text);
    assert!(verdict("use", json!("sig")).is_ok());
    assert!(verdict("key_ops", json!(["verify"])).is_ok());
    for (name, value) in [
        ("use", json!("enc")),
        ("use", json!("SIG")),
        ("key_ops", json!(["encrypt"])),
        ("key_ops", json!([])),
        ("crv", json!("P-521")),
        ("crv", json!("P-384")),
        ("kty", json!("oct")),
        ("kty", json!("OKP")),
        ("x", json!("AAAA")),
        ("y", Value::Null),
        ("kid", json!(1)),
    ] {
        assert!(matches!(verdict(name, value.clone()), Err(JwtProblem::KeyUnknown(_))), "{name} {value}");
    }
}

#[test]
fn an_rsa_key_of_less_than_2048_bits_is_no_key() {
    let text = Signer::rsa().sign(&header("RS256", "a"), &provider_claims());
    let known = |modulus: &[u8]| {
        let jwk = json!({ "kty": "RSA", "kid": "a", "e": "AQAB", "n": URL_SAFE_NO_PAD.encode(modulus) });
        // A key that is taken does not verify; one that is not taken is not known.
        judge_by(&key_set(&[jwk]), &text) == Err(JwtProblem::SignatureInvalid)
    };
    let mut modulus = [0xc1; 256];
    assert!(known(&modulus));
    assert!(known(&[&[0, 0], &modulus[..]].concat()), "zeros before a number are not part of it");
    modulus[0] = 0x41;
    assert!(!known(&modulus), "2,047 bits");
    assert!(!known(&[0xc1; 128]));
    assert!(!known(&[&[0; 128], &[0xc1; 128][..]].concat()), "1,024 bits in 256 bytes");
    assert!(!known(&[]));
    assert!(!known(&[0xc1; 1_025]), "more than 8,192 bits");
}

#[test]
fn what_a_set_holds_besides_does_not_spoil_it() {
    let signer = Signer::ed25519();
    let text = signer.sign(&header("EdDSA", "a"), &provider_claims());
    let odd = [json!(null), json!([]), json!({ "kty": "from the future", "n": 7 }), signer.jwk("a")];
    assert!(judge_by(&key_set(&odd), &text).is_ok());
    for bad in ["", "[]", "{}", r#"{"keys":{}}"#, "<html>", &key_set(&vec![json!({}); 101]).to_string()] {
        assert!(KeySet::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn the_issuer_names_the_claim_that_holds_the_user_id() {
    let signer = Signer::ed25519();
    let keys = KeySet::parse(&key_set(&[signer.jwk("a")]).to_string()).expect("a JWK Set");
    let issuer = JwtIssuer { user_id_claim: "https://example.com/phone".to_owned(), ..issuer() };
    let verdict = |claim: Value| {
        let claims = with(provider_claims(), "https://example.com/phone", claim);
        let jwt = Jwt::parse(&signer.sign(&header("EdDSA", "a"), &claims)).expect("good");
        jwt.verify_by_keys(&issuer, &keys, now()).map(|user| user.user_id.to_string())
    };
    assert_eq!(verdict(json!("+46700000000")), Ok("+46700000000".to_owned()));
    for bad in [json!(46), json!(["foo"]), Value::Null, json!(""), json!("a b"), json!("x".repeat(81))] {
        let problem = verdict(bad.clone()).expect_err("no user");
        assert!(matches!(problem, JwtProblem::NoUserId(_)), "{bad}");
        assert_eq!(problem.code(), ErrorCode::JwtMalformed);
    }
}

#[test]
fn an_issuer_is_chosen_byte_for_byte_and_then_by_audience() {
    let first = issuer();
    let second = JwtIssuer { audience: "another-client".to_owned(), ..issuer() };
    let issuers = [first, second];
    let chosen = |issuer: &str, audience: Value| {
        let claims = with(with(provider_claims(), "aud", audience), "iss", json!(issuer));
        let jwt = Jwt::parse(&by_secret(None, r#"{"alg":"HS256"}"#, &claims.to_string())).expect("good");
        jwt.issuer_among(&issuers).map(|issuer| issuer.audience.clone())
    };
    assert_eq!(chosen(ISSUER, json!(AUDIENCE)).as_deref(), Some(AUDIENCE));
    assert_eq!(chosen(ISSUER, json!(["x", "another-client"])).as_deref(), Some("another-client"));
    assert_eq!(chosen(ISSUER, json!("nobody")).as_deref(), Some(AUDIENCE));
    assert_eq!(chosen("https://id.example.com", json!(AUDIENCE)), None);
    assert_eq!(chosen("https://ID.example.com/", json!(AUDIENCE)), None);
}

#[test]
fn a_backends_jwt_is_none_of_a_provider() {
    let document = key_set(&[Signer::p256().jwk("a")]);
    let text = by_secret(None, r#"{"alg":"HS256"}"#, &backend_claims().to_string());
    assert_eq!(judge_by(&document, &text), Err(JwtProblem::WrongIssuer));
    let text =
        by_secret(None, r#"{"alg":"HS256"}"#, &with(provider_claims(), "exp", json!(NOW + 1)).to_string());
    assert_eq!(judge_by(&document, &text), Err(JwtProblem::AlgorithmNotAllowed));
}
