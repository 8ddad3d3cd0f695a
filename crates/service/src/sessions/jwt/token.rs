//! A JWT as it came: read, and not yet believed.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use callbox_domain::Timestamp;
use jsonwebtoken::Algorithm;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::JwtProblem;

/// A JWT in the compact form of RFC 7515. What it says is a claim until somebody verified it.
#[derive(Debug, Clone)]
pub struct Jwt {
    pub(super) algorithm: Algorithm,
    pub(super) key_id: Option<String>,
    pub(super) claims: Claims,
    /// Header and payload as they came: what the signature covers.
    pub(super) signed_text: String,
    /// The signature, in Base64url.
    pub(super) signature: String,
}

/// What the payload says.
#[derive(Debug, Clone)]
pub(super) struct Claims {
    pub(super) issuer: String,
    pub(super) subject: Option<String>,
    pub(super) audience: Vec<String>,
    pub(super) expires_at: Timestamp,
    pub(super) session_expires_at: Option<Timestamp>,
    pub(super) unique_id: Option<String>,
    /// The later of `iat` and `nbf`.
    begins_at: Option<Timestamp>,
    all: Map<String, Value>,
}

/// Longest JWT that is looked at, in bytes.
pub const JWT_BYTES_MAX: usize = 8 * 1_024;

impl Jwt {
    /// Reads a JWT; the error says which part is wrong.
    ///
    /// Header fields other than `alg` and `kid` are not looked at, least of all those that bring or point to a key; but a
    /// header that demands to be understood (`crit`) is refused.
    pub fn parse(text: &str) -> Result<Self, JwtProblem> {
        use JwtProblem::Malformed;

        if text.len() > JWT_BYTES_MAX {
            return Err(Malformed("it is longer than 8,192 bytes"));
        }
        let three_parts = Malformed("it is not of the form header.claims.signature");
        let (signed_text, signature) = text.rsplit_once('.').ok_or_else(|| three_parts.clone())?;
        let (header, claims) = signed_text.split_once('.').ok_or_else(|| three_parts.clone())?;
        if claims.contains('.') {
            return Err(three_parts);
        }
        let header = members(header).ok_or(Malformed("the header is not a JSON object in Base64url"))?;
        let algorithm =
            header.get("alg").and_then(Value::as_str).and_then(|name| Algorithm::from_str(name).ok());
        let algorithm = algorithm.ok_or(JwtProblem::AlgorithmNotAllowed)?;
        if header.contains_key("crit") {
            return Err(Malformed("the header's crit names extensions that this server does not know"));
        }
        let key_id = text_of(&header, "kid", "the header's kid is not text")?;
        if signature.is_empty() || URL_SAFE_NO_PAD.decode(signature).is_err() {
            return Err(Malformed("the signature is not Base64url"));
        }
        let claims = members(claims).ok_or(Malformed("the claims are not a JSON object in Base64url"))?;
        Ok(Self {
            algorithm,
            key_id,
            claims: Claims::read(claims)?,
            signed_text: signed_text.to_owned(),
            signature: signature.to_owned(),
        })
    }

    /// Whether the JWT is good at `now`, for all that its times say.
    pub(super) fn check_times(&self, now: Timestamp) -> Result<(), JwtProblem> {
        let expired = |expired_at| JwtProblem::Expired { expired_at, now };
        if self.claims.expires_at.plus(EXPIRY_SKEW) <= now {
            return Err(expired(self.claims.expires_at));
        }
        if let Some(ended_at) = self.claims.session_expires_at.filter(|end| *end <= now) {
            return Err(expired(ended_at));
        }
        match self.claims.begins_at.filter(|begin| begin.since(now) > CLOCK_SKEW_MAX) {
            Some(begins_at) => Err(JwtProblem::FromFuture { begins_at, now }),
            None => Ok(()),
        }
    }
}

impl Claims {
    fn read(all: Map<String, Value>) -> Result<Self, JwtProblem> {
        use JwtProblem::Malformed;

        let issuer = text_of(&all, "iss", "iss is not text")?.ok_or(Malformed("it has no issuer (iss)"))?;
        let expires_at = moment_of(&all, "exp", "exp is not a number of seconds since 1970")?;
        let issued_at = moment_of(&all, "iat", "iat is not a number of seconds since 1970")?;
        let not_before = moment_of(&all, "nbf", "nbf is not a number of seconds since 1970")?;
        let registration = "sinch:rtc:instance:exp is not a number of seconds since 1970";
        let unique_ids =
            [text_of(&all, "jti", "jti is not text")?, text_of(&all, "nonce", "nonce is not text")?];
        Ok(Self {
            issuer,
            subject: text_of(&all, "sub", "sub is not text")?,
            audience: audience_of(&all)?,
            expires_at: expires_at.ok_or(Malformed("it has no end (exp)"))?,
            session_expires_at: moment_of(&all, "sinch:rtc:instance:exp", registration)?,
            unique_id: unique_ids.into_iter().flatten().find(|id| !id.is_empty()),
            begins_at: issued_at.max(not_before),
            all,
        })
    }

    /// A claim by name, where it is text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.all.get(name).and_then(Value::as_str)
    }
}

/// A Base64url part that holds a JSON object.
fn members(part: &str) -> Option<Map<String, Value>> {
    let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
    serde_json::from_slice(&bytes).ok().map(|Members(members)| members)
}

fn text_of(
    members: &Map<String, Value>,
    name: &str,
    problem: &'static str,
) -> Result<Option<String>, JwtProblem> {
    match members.get(name) {
        // Some backends write what they leave out.
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(JwtProblem::Malformed(problem)),
    }
}

/// A `NumericDate` of RFC 7519: seconds since 1970, possibly with a fraction.
fn moment_of(
    members: &Map<String, Value>,
    name: &str,
    problem: &'static str,
) -> Result<Option<Timestamp>, JwtProblem> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(seconds)) => {
            let seconds = seconds.as_f64().ok_or(JwtProblem::Malformed(problem))?;
            #[expect(
                clippy::cast_possible_truncation,
                reason = "the cast saturates, and so does the timestamp"
            )]
            Ok(Some(Timestamp::from_millis((seconds * 1_000.0) as i64)))
        }
        Some(_) => Err(JwtProblem::Malformed(problem)),
    }
}

fn audience_of(members: &Map<String, Value>) -> Result<Vec<String>, JwtProblem> {
    let problem = JwtProblem::Malformed("aud is neither text nor a list of texts");
    match members.get("aud") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::String(one)) => Ok(vec![one.clone()]),
        Some(Value::Array(many)) => {
            many.iter().map(|one| one.as_str().map(str::to_owned)).collect::<Option<_>>().ok_or(problem)
        }
        Some(_) => Err(problem),
    }
}

/// A JSON object that says nothing twice: of two answers to one question, another reader may have checked the other one.
struct Members(Map<String, Value>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Unique;

        impl<'de> Visitor<'de> for Unique {
            type Value = Members;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Members, A::Error> {
                let mut members = Map::new();
                while let Some((name, value)) = access.next_entry::<String, Value>()? {
                    if members.insert(name, value).is_some() {
                        return Err(A::Error::custom("a name comes twice"));
                    }
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Unique)
    }
}

/// How far the server's clock may run ahead of the issuer's at the end of a JWT.
const EXPIRY_SKEW: Duration = Duration::from_mins(1);

/// How far an issuer's clock may run ahead.
const CLOCK_SKEW_MAX: Duration = Duration::from_mins(5);
