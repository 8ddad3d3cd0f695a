//! Who signs the JWTs of the tests: keys made for one run, and the app's secret of the known answers.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
    RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use callbox_domain::settings::JwtIssuer;
use callbox_domain::{Secret, Timestamp};
use hmac::Mac as _;
use serde_json::{Value, json};

use super::super::secret::{mac, signing_key};
use super::super::{Jwt, JwtProblem, JwtUser, KeySet};
use crate::accounts::AppSecret;

pub(super) const APP_KEY: &str = "a32e5a8d-f7d8-411c-9645-9038e8dd051d";
pub(super) const SECRET: &str = "ax8hTTQJF0OPXL32r1LHMA==";
pub(super) const NONCE: &str = "6b438bda-2d5c-4e8c-92b0-39f20a94b34e";
pub(in crate::sessions) const ISSUER: &str = "https://id.example.com/";
pub(in crate::sessions) const AUDIENCE: &str = "callbox";

/// 2018-01-02T03:04:05Z, in seconds.
pub(super) const NOW: i64 = 1_514_862_245;

pub(super) fn now() -> Timestamp {
    Timestamp::from_millis(NOW * 1_000)
}

pub(super) fn app_secret() -> AppSecret {
    AppSecret(Secret::new(SECRET.to_owned()))
}

/// Header and claims as they travel, without a signature.
pub(super) fn unsigned(header: &str, claims: &str) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
}

pub(super) fn with_signature(text: String, signature: &[u8]) -> String {
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// HS256 under any bytes.
pub(super) fn hs256(key: &[u8], header: &str, claims: &str) -> String {
    let text = unsigned(header, claims);
    let signature = mac(key, text.as_bytes()).expect("any key").finalize().into_bytes();
    with_signature(text, &signature)
}

/// HS256 under the app's secret, or its key for a day.
pub(super) fn by_secret(day: Option<&str>, header: &str, claims: &str) -> String {
    hs256(&signing_key(&app_secret(), day).expect("a good secret"), header, claims)
}

/// HS256 under the secret of any app.
pub(in crate::sessions) fn by_app(secret: &Secret<String>, claims: &Value) -> String {
    let key = signing_key(&AppSecret(secret.clone()), None).expect("a good secret");
    hs256(&key, r#"{"alg":"HS256"}"#, &claims.to_string())
}

/// Claims by which the app's backend names `foo`.
pub(super) fn backend_claims() -> Value {
    json!({ "iss": APP_KEY, "sub": "foo", "iat": NOW, "exp": NOW + 600 })
}

/// Claims by which [`ISSUER`] names `foo`.
pub(super) fn provider_claims() -> Value {
    json!({ "iss": ISSUER, "sub": "foo", "aud": AUDIENCE, "iat": NOW, "exp": NOW + 600, "jti": "one" })
}

/// An app's verdict on a text, by its secret.
pub(super) fn judge(text: &str) -> Result<JwtUser, JwtProblem> {
    Jwt::parse(text)?.verify_by_secrets(&[app_secret()], |key| key == APP_KEY, now())
}

/// An app's verdict on a text, by the keys of [`issuer`].
pub(super) fn judge_by(document: &Value, text: &str) -> Result<JwtUser, JwtProblem> {
    let keys = KeySet::parse(&document.to_string()).expect("a JWK Set");
    Jwt::parse(text)?.verify_by_keys(&issuer(), &keys, now())
}

/// A provider with every algorithm that there is.
pub(in crate::sessions) fn issuer() -> JwtIssuer {
    let algorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];
    JwtIssuer {
        issuer: ISSUER.to_owned(),
        audience: AUDIENCE.to_owned(),
        jwks: None,
        jwks_url: Some("https://id.example.com/jwks.json".to_owned()),
        algorithms: algorithms.map(str::to_owned).to_vec(),
        user_id_claim: "sub".to_owned(),
    }
}

pub(in crate::sessions) fn key_set(keys: &[Value]) -> Value {
    json!({ "keys": keys })
}

/// A private key of a provider, made for this test alone.
pub(in crate::sessions) enum Signer {
    Rsa(RsaKeyPair),
    Elliptic(EcdsaKeyPair, &'static str),
    Edwards(Ed25519KeyPair),
}

impl Signer {
    pub(super) fn rsa() -> Self {
        Self::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).expect("a key"))
    }

    pub(in crate::sessions) fn p256() -> Self {
        Self::elliptic(&ECDSA_P256_SHA256_FIXED_SIGNING, "P-256")
    }

    pub(super) fn p384() -> Self {
        Self::elliptic(&ECDSA_P384_SHA384_FIXED_SIGNING, "P-384")
    }

    pub(super) fn ed25519() -> Self {
        Self::Edwards(Ed25519KeyPair::generate().expect("a key"))
    }

    fn elliptic(algorithm: &'static EcdsaSigningAlgorithm, curve: &'static str) -> Self {
        Self::Elliptic(EcdsaKeyPair::generate(algorithm).expect("a key"), curve)
    }

    /// The public key as a JWK by the name of `kid`.
    pub(in crate::sessions) fn jwk(&self, kid: &str) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match self {
            Self::Rsa(pair) => {
                let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                json!({ "kty": "RSA", "kid": kid, "n": text(&public.n), "e": text(&public.e) })
            }
            Self::Elliptic(pair, curve) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(pair.public_key().as_ref().len() / 2);
                json!({ "kty": "EC", "kid": kid, "crv": curve, "x": text(x), "y": text(y) })
            }
            Self::Edwards(pair) => {
                json!({ "kty": "OKP", "kid": kid, "crv": "Ed25519", "x": text(pair.public_key().as_ref()) })
            }
        }
    }

    /// Signs under the header's `alg`, which for an RSA key chooses the padding.
    pub(in crate::sessions) fn sign(&self, header: &Value, claims: &Value) -> String {
        let text = unsigned(&header.to_string(), &claims.to_string());
        let random = SystemRandom::new();
        let signature = match self {
            Self::Rsa(pair) => {
                let padding: &'static dyn RsaEncoding = match header["alg"].as_str() {
                    Some("PS256") => &RSA_PSS_SHA256,
                    _ => &RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &random, text.as_bytes(), &mut signature).expect("signed");
                signature
            }
            Self::Elliptic(pair, _) => pair.sign(&random, text.as_bytes()).expect("signed").as_ref().to_vec(),
            Self::Edwards(pair) => pair.sign(text.as_bytes()).as_ref().to_vec(),
        };
        with_signature(text, &signature)
    }
}
