//! What has been tried against readers of JWTs, by name.

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::signature::KeyPair;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use callbox_wire::ErrorCode;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{JWT_BYTES_MAX, Jwt, JwtProblem};
use super::signer::{
    APP_KEY, NOW, Signer, backend_claims, by_secret, hs256, judge, judge_by, key_set, provider_claims,
    unsigned, with_signature,
};

const HS256: &str = r#"{"alg":"HS256"}"#;

fn es256(kid: &str) -> Value {
    json!({ "alg": "ES256", "kid": kid })
}

#[test]
fn no_spelling_of_none_is_an_algorithm() {
    let document = key_set(&[Signer::p256().jwk("a")]);
    for none in
        ["none", "None", "NONE", "nOnE", "none ", "", "\0", "hs256", "HS256 ", "Hs256", "ES512", "ES256K"]
    {
        let header = json!({ "alg": none, "kid": "a" }).to_string();
        for signature in [&b""[..], b"x"] {
            let backend = with_signature(unsigned(&header, &backend_claims().to_string()), signature);
            assert_eq!(judge(&backend), Err(JwtProblem::AlgorithmNotAllowed), "{none:?}");
            let provider = with_signature(unsigned(&header, &provider_claims().to_string()), signature);
            assert_eq!(judge_by(&document, &provider), Err(JwtProblem::AlgorithmNotAllowed), "{none:?}");
        }
    }
    for header in [r"{}", r#"{"alg":null}"#, r#"{"alg":["HS256"]}"#, r#"{"alg":256}"#, r#"{"ALG":"HS256"}"#] {
        let text = by_secret(None, header, &backend_claims().to_string());
        assert_eq!(judge(&text), Err(JwtProblem::AlgorithmNotAllowed), "{header}");
    }
}

#[test]
fn a_missing_signature_is_no_signature() {
    let text = unsigned(HS256, &backend_claims().to_string());
    for text in [text.clone(), format!("{text}."), format!("{text}.="), format!("{text}..")] {
        assert!(matches!(judge(&text), Err(JwtProblem::Malformed(_))), "{text}");
    }
}

#[test]
fn a_published_key_is_no_secret() {
    let signer = Signer::rsa();
    let jwk = signer.jwk("a");
    let document = key_set(std::slice::from_ref(&jwk));
    let Signer::Rsa(pair) = &signer else { panic!("an RSA key") };
    let der = AsDer::<PublicKeyX509Der<'_>>::as_der(pair.public_key()).expect("a key");
    let pem =
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der.as_ref()));
    let modulus = URL_SAFE_NO_PAD.decode(jwk["n"].as_str().expect("text")).expect("Base64url");
    let published = document.to_string();
    let secrets = [der.as_ref(), pem.as_bytes(), &modulus, published.as_bytes(), pair.public_key().as_ref()];
    for secret in secrets {
        for algorithm in ["HS256", "HS384", "HS512"] {
            let header = json!({ "alg": algorithm, "kid": "a" }).to_string();
            let forged = hs256(secret, &header, &provider_claims().to_string());
            assert_eq!(judge_by(&document, &forged), Err(JwtProblem::AlgorithmNotAllowed));
        }
        assert!(judge(&hs256(secret, HS256, &backend_claims().to_string())).is_err());
    }
}

#[test]
fn a_providers_key_does_not_speak_for_the_backend() {
    for (algorithm, signer) in
        [("RS256", Signer::rsa()), ("ES256", Signer::p256()), ("EdDSA", Signer::ed25519())]
    {
        let text = signer.sign(&json!({ "alg": algorithm }), &backend_claims());
        assert_eq!(judge(&text), Err(JwtProblem::AlgorithmNotAllowed), "{algorithm}");
    }
    for algorithm in ["HS384", "HS512"] {
        let text = by_secret(None, &json!({ "alg": algorithm }).to_string(), &backend_claims().to_string());
        assert_eq!(judge(&text), Err(JwtProblem::AlgorithmNotAllowed), "{algorithm}");
    }
}

#[test]
fn a_foreign_kid_leads_to_no_key() {
    let signer = Signer::p256();
    let document = key_set(&[signer.jwk("a")]);
    for kid in ["b", "A", "", "a ", "../a", "/dev/null", "a' OR '1'='1", "hkdfv1-20180102"] {
        let text = signer.sign(&es256(kid), &provider_claims());
        assert!(matches!(judge_by(&document, &text), Err(JwtProblem::KeyUnknown(_))), "{kid}");
    }
    for kid in ["a", "", "hkdfv1-", "hkdfv2-20180102", "HKDFV1-20180102", "hkdfv1-20180102 ", "/dev/null"] {
        let header = json!({ "alg": "HS256", "kid": kid }).to_string();
        let problem = judge(&by_secret(None, &header, &backend_claims().to_string())).expect_err(kid);
        assert!(matches!(problem, JwtProblem::KeyUnknown(_)), "{kid}");
        assert_eq!(problem.code(), ErrorCode::JwtSignatureInvalid);
    }
    for kid in [json!(1), json!(["a"]), json!({})] {
        let header = json!({ "alg": "HS256", "kid": kid }).to_string();
        let text = by_secret(None, &header, &backend_claims().to_string());
        assert!(matches!(judge(&text), Err(JwtProblem::Malformed(_))), "{kid}");
    }
}

#[test]
fn a_kid_that_points_to_another_key_does_not_help() {
    let (good, other) = (Signer::p256(), Signer::p256());
    let document = key_set(&[good.jwk("a"), other.jwk("b")]);
    let text = good.sign(&es256("b"), &provider_claims());
    assert_eq!(judge_by(&document, &text), Err(JwtProblem::SignatureInvalid));
}

#[test]
fn a_key_in_the_header_is_not_looked_at() {
    let (good, stranger) = (Signer::p256(), Signer::p256());
    let document = key_set(&[good.jwk("a")]);
    for (name, value) in [
        ("jwk", stranger.jwk("a")),
        ("jku", json!("https://evil.example/jwks.json")),
        ("x5u", json!("https://evil.example/chain.pem")),
        ("x5c", json!(["AAAA"])),
    ] {
        let mut header = es256("a");
        header[name] = value;
        let forged = stranger.sign(&header, &provider_claims());
        assert_eq!(judge_by(&document, &forged), Err(JwtProblem::SignatureInvalid), "{name}");
        assert!(judge_by(&document, &good.sign(&header, &provider_claims())).is_ok(), "{name}");
    }
}

#[test]
fn a_header_that_demands_to_be_understood_is_refused() {
    for header in [r#"{"alg":"HS256","crit":["b64"],"b64":false}"#, r#"{"alg":"HS256","crit":[]}"#] {
        let text = by_secret(None, header, &backend_claims().to_string());
        assert!(matches!(judge(&text), Err(JwtProblem::Malformed(_))), "{header}");
    }
}

#[test]
fn wrong_claims_of_a_provider_are_refused_each_for_its_reason() {
    let signer = Signer::p256();
    let document = key_set(&[signer.jwk("a")]);
    let code = |name: &str, value: Value| {
        let mut claims = provider_claims();
        claims[name] = value;
        judge_by(&document, &signer.sign(&es256("a"), &claims)).map_err(|problem| problem.code())
    };
    for (name, value, expected) in [
        ("iss", json!("https://id.example.com"), ErrorCode::JwtIssuerUnknown),
        ("iss", json!("https://evil.example/"), ErrorCode::JwtIssuerUnknown),
        ("iss", json!(["https://id.example.com/"]), ErrorCode::JwtMalformed),
        ("iss", Value::Null, ErrorCode::JwtMalformed),
        ("aud", json!("Callbox"), ErrorCode::JwtAudienceWrong),
        ("aud", json!(["x", "y"]), ErrorCode::JwtAudienceWrong),
        ("aud", json!([]), ErrorCode::JwtAudienceWrong),
        ("aud", Value::Null, ErrorCode::JwtAudienceWrong),
        ("aud", json!(["callbox", 1]), ErrorCode::JwtMalformed),
        ("aud", json!({ "callbox": true }), ErrorCode::JwtMalformed),
        ("exp", json!(NOW - 60), ErrorCode::JwtExpired),
        ("exp", json!(-1e308), ErrorCode::JwtExpired),
        ("exp", Value::Null, ErrorCode::JwtMalformed),
        ("exp", json!("2030-01-01"), ErrorCode::JwtMalformed),
        ("iat", json!(NOW + 301), ErrorCode::JwtFromFuture),
        ("iat", json!(NOW * 1_000), ErrorCode::JwtFromFuture),
        ("nbf", json!(NOW + 301), ErrorCode::JwtFromFuture),
        ("nbf", json!(true), ErrorCode::JwtMalformed),
        ("jti", json!(1), ErrorCode::JwtMalformed),
    ] {
        assert_eq!(code(name, value.clone()), Err(expected), "{name} {value}");
    }
    assert!(code("aud", json!(["x", "callbox"])).is_ok());
}

#[test]
fn claims_that_come_twice_are_refused() {
    let end = NOW + 600;
    for claims in [
        format!(r#"{{"iss":"{APP_KEY}","sub":"foo","sub":"bar","exp":{end}}}"#),
        format!(r#"{{"iss":"{APP_KEY}","sub":"foo","\u0073ub":"foo","exp":{end}}}"#),
        format!(r#"{{"iss":"{APP_KEY}","sub":"foo","exp":{end},"exp":{end}}}"#),
        format!(r#"{{"iss":"{APP_KEY}","sub":"foo","exp":{end},"other":1,"other":1}}"#),
    ] {
        assert!(matches!(judge(&by_secret(None, HS256, &claims)), Err(JwtProblem::Malformed(_))), "{claims}");
    }
    let header = r#"{"alg":"none","alg":"HS256"}"#;
    let text = by_secret(None, header, &backend_claims().to_string());
    assert!(matches!(judge(&text), Err(JwtProblem::Malformed(_))));
}

/// Every text that differs from `good` in one character, or lacks its end, fails.
fn survives_no_change(good: &str, judge: impl Fn(&str) -> bool) {
    assert!(judge(good));
    for index in 0..good.len() {
        for bit in 0..7 {
            let mut bytes = good.to_owned().into_bytes();
            bytes[index] ^= 1 << bit;
            let altered = String::from_utf8(bytes).expect("ASCII");
            assert!(!judge(&altered), "bit {bit} of byte {index}");
        }
        assert!(!judge(&good[..index]), "the first {index} bytes");
    }
}

#[test]
fn one_bit_altered_anywhere_or_an_end_cut_off_is_noticed() {
    let backend = by_secret(None, HS256, &backend_claims().to_string());
    survives_no_change(&backend, |text| judge(text).is_ok());
    for (algorithm, signer) in [("ES256", Signer::p256()), ("EdDSA", Signer::ed25519())] {
        let document = key_set(&[signer.jwk("a")]);
        let provider = signer.sign(&json!({ "alg": algorithm, "kid": "a" }), &provider_claims());
        survives_no_change(&provider, |text| judge_by(&document, text).is_ok());
    }
}

#[test]
fn a_long_text_is_not_looked_at() {
    let too_long = Some(JwtProblem::Malformed("it is longer than 8,192 bytes"));
    let mut claims = backend_claims();
    claims["padding"] = json!("x".repeat(5_000));
    assert!(judge(&by_secret(None, HS256, &claims.to_string())).is_ok());
    claims["padding"] = json!("x".repeat(JWT_BYTES_MAX));
    assert_eq!(judge(&by_secret(None, HS256, &claims.to_string())).err(), too_long);
    for text in ["x".repeat(1 << 20), ".".repeat(1 << 20), "[".repeat(1 << 20)] {
        assert_eq!(Jwt::parse(&text).err(), too_long);
    }
    // Deep nesting within the limit ends at the parser's own.
    let deep = "[".repeat(5_000);
    assert!(matches!(judge(&by_secret(None, HS256, &deep)), Err(JwtProblem::Malformed(_))));
}

#[test]
fn other_forms_of_a_good_jwt_are_no_jwt() {
    let good = by_secret(None, HS256, &backend_claims().to_string());
    let json = json!({ "payload": good, "signatures": [] }).to_string();
    for text in [
        String::new(),
        "..".to_owned(),
        format!(" {good}"),
        format!("{good}\n"),
        format!("{good}="),
        format!("{good}.{good}"),
        good.replace('.', ":"),
        json,
    ] {
        assert!(judge(&text).is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
        let _ = Jwt::parse(&text);
    }

    #[test]
    fn any_text_in_three_parts_is_read_or_refused(header in "\\PC{0,60}", claims in "\\PC{0,120}", signature in any::<[u8; 4]>()) {
        let _ = Jwt::parse(&with_signature(unsigned(&header, &claims), &signature));
    }

    #[test]
    fn one_bit_altered_anywhere_is_refused(
        user in "[!-~]{1,80}",
        more in "\\PC{0,40}",
        day in any::<bool>(),
        place in any::<prop::sample::Index>(),
        bit in 0u8..7,
    ) {
        let mut claims = backend_claims();
        claims["sub"] = user.clone().into();
        claims["more"] = more.into();
        let header = if day { r#"{"alg":"HS256","kid":"hkdfv1-20180102"}"# } else { HS256 };
        let good = by_secret(day.then_some("20180102"), header, &claims.to_string());
        let verdict = judge(&good);
        // A name that could be a path is no plain one; all others are read back.
        match verdict {
            Ok(read) => prop_assert_eq!(read.user_id.as_str(), user),
            Err(problem) => prop_assert!(matches!(problem, JwtProblem::NoUserId(_)), "{:?}", problem),
        }
        let mut altered = good.into_bytes();
        let index = place.index(altered.len());
        altered[index] ^= 1 << bit;
        let altered = String::from_utf8(altered).expect("ASCII");
        prop_assert!(!matches!(judge(&altered), Ok(_) | Err(JwtProblem::NoUserId(_))), "{altered}");
    }

    #[test]
    fn any_number_is_a_time_or_refused(exp in any::<f64>(), iat in any::<i64>()) {
        let claims = json!({ "iss": APP_KEY, "sub": "foo", "exp": exp, "iat": iat });
        let _ = judge(&by_secret(None, HS256, &claims.to_string()));
    }

    #[test]
    fn any_key_document_is_read_or_refused(document in "\\PC{0,200}", member in "\\PC{0,20}") {
        let _ = super::super::KeySet::parse(&document);
        let jwk = json!({ "kty": "RSA", "n": member, "e": member, "x": member, "y": member });
        let _ = super::super::KeySet::parse(&key_set(&[jwk]).to_string());
    }
}
