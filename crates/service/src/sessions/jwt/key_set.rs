//! A provider's published keys: a JWK Set (RFC 7517), of which only what can verify a signature is kept.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

use super::JwtProblem;

/// The keys of one provider.
#[derive(Debug, Clone, Default)]
pub struct KeySet {
    keys: Vec<PublicKey>,
}

#[derive(Debug, Clone)]
struct PublicKey {
    id: Option<String>,
    /// What it may verify: what its kind can, and only the one that its JWK names if it names one.
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
}

impl KeySet {
    /// Reads a JWK Set. Keys of other kinds and for other uses are left out, and so are RSA keys that are too short: as
    /// the standard asks, they do not spoil the rest (RFC 7517, section 5).
    pub fn parse(document: &str) -> Result<Self, String> {
        let document: Document = serde_json::from_str(document).map_err(|error| error.to_string())?;
        if document.keys.len() > KEYS_MAX {
            return Err(format!("it has {} keys; {KEYS_MAX} is the limit", document.keys.len()));
        }
        let keys = document.keys.into_iter();
        let keys = keys.filter_map(|key| serde_json::from_value::<Jwk>(key).ok()).filter_map(Jwk::public_key);
        Ok(Self { keys: keys.collect() })
    }

    /// Whether there is a key by this id. Every set may have the key that has none.
    pub(super) fn knows(&self, key_id: Option<&str>) -> bool {
        key_id.is_none_or(|id| self.keys.iter().any(|key| key.id.as_deref() == Some(id)))
    }

    /// The one key that the `kid` of a header leads to, and that serves its algorithm.
    pub(super) fn find(
        &self,
        key_id: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<&DecodingKey, JwtProblem> {
        if !self.knows(key_id) {
            return Err(JwtProblem::KeyUnknown(
                "the identity provider has no key of this kid that can be used; RSA keys have at least 2,048 bits",
            ));
        }
        let named = || self.keys.iter().filter(|key| key_id.is_none() || key.id.as_deref() == key_id);
        let mut fitting = named().filter(|key| key.algorithms.contains(&algorithm));
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Ok(&key.key),
            (None, _) if key_id.is_some() => Err(JwtProblem::AlgorithmNotAllowed),
            (None, _) => Err(JwtProblem::KeyUnknown("no key of the identity provider serves this algorithm")),
            (Some(_), Some(_)) => Err(JwtProblem::KeyUnknown(
                "the header must say by kid which key of the identity provider it means",
            )),
        }
    }
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

/// The members of a JWK that matter here (RFC 7517, section 4; RFC 7518, section 6).
#[derive(Deserialize)]
struct Jwk {
    #[serde(rename = "kty")]
    kind: String,
    #[serde(rename = "kid")]
    id: Option<String>,
    #[serde(rename = "alg")]
    algorithm: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    #[serde(rename = "key_ops")]
    operations: Option<Vec<String>>,
    #[serde(rename = "crv")]
    curve: Option<String>,
    #[serde(rename = "n")]
    modulus: Option<String>,
    #[serde(rename = "e")]
    exponent: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Jwk {
    fn public_key(self) -> Option<PublicKey> {
        if !self.verifies() {
            return None;
        }
        let (can, key) = match (self.kind.as_str(), self.curve.as_deref()) {
            ("RSA", _) => (RSA, self.rsa_key()?),
            ("EC", Some("P-256")) => (P256, self.elliptic_key(32)?),
            ("EC", Some("P-384")) => (P384, self.elliptic_key(48)?),
            ("OKP", Some("Ed25519")) => (ED25519, self.edwards_key()?),
            _ => return None,
        };
        let named = |algorithm: &&Algorithm| {
            self.algorithm
                .as_ref()
                .is_none_or(|name| name.parse().is_ok_and(|it: Algorithm| it == **algorithm))
        };
        let algorithms: Vec<_> = can.iter().filter(named).copied().collect();
        (!algorithms.is_empty()).then_some(PublicKey { id: self.id, algorithms, key })
    }

    /// Whether the key is there to verify signatures, and nothing else.
    fn verifies(&self) -> bool {
        self.usage.as_ref().is_none_or(|usage| usage == "sig")
            && self.operations.as_ref().is_none_or(|operations| operations.iter().any(|it| it == "verify"))
    }

    fn rsa_key(&self) -> Option<DecodingKey> {
        let (modulus, exponent) = (number(self.modulus.as_ref())?, number(self.exponent.as_ref())?);
        let bits = modulus.len() * 8 - modulus.first()?.leading_zeros() as usize;
        RSA_BITS.contains(&bits).then(|| DecodingKey::from_rsa_raw_components(&modulus, &exponent))
    }

    fn elliptic_key(&self, coordinate_bytes: usize) -> Option<DecodingKey> {
        let (x, y) = (bytes(self.x.as_ref())?, bytes(self.y.as_ref())?);
        // Uncompressed (SEC 1, section 2.3.3).
        let point = [&[4], x.as_slice(), y.as_slice()].concat();
        (x.len() == coordinate_bytes && y.len() == coordinate_bytes).then(|| DecodingKey::from_ec_der(&point))
    }

    fn edwards_key(&self) -> Option<DecodingKey> {
        bytes(self.x.as_ref()).filter(|x| x.len() == 32).map(|x| DecodingKey::from_ed_der(&x))
    }
}

fn bytes(text: Option<&String>) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text?).ok()
}

/// A number without the zeros that some write before it.
fn number(text: Option<&String>) -> Option<Vec<u8>> {
    let bytes = bytes(text)?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    Some(bytes[zeros..].to_vec())
}

const RSA: &[Algorithm] = &[
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
];
const P256: &[Algorithm] = &[Algorithm::ES256];
const P384: &[Algorithm] = &[Algorithm::ES384];
const ED25519: &[Algorithm] = &[Algorithm::EdDSA];

/// Shorter keys are too weak (RFC 7518, section 3.3), longer ones too slow.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2_048..=8_192;

/// More keys than any provider publishes.
const KEYS_MAX: usize = 100;
