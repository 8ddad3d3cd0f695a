//! Request signatures: each request carries its own proof, and no secret travels.
//!
//! `signature = Base64(HMAC-SHA256(Base64Decode(secret), text))`, with `text` the lines
//!
//! ```text
//! verb
//! Base64(MD5(body)), or nothing without a body
//! Content-Type as sent, or nothing
//! x-timestamp:<the header's value>
//! path and query
//! ```
//!
//! joined by `\n`. An app's backend signs with the app's secret, a session with its own. Here is only what follows from
//! the request itself: which secret belongs to the signer, and whether the signature was seen before, the store knows.

mod clock;
mod date_time;
mod keyed;
mod paths;

#[cfg(test)]
mod tests;

pub use clock::SIGNATURE_WINDOW;
pub(crate) use date_time::parse_date_time;
pub use keyed::LENIENT;
pub(crate) use keyed::keyed_by;
pub use paths::SignedPaths;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use callbox_domain::{AppKey, Secret, SessionId};
use hmac::{Hmac, Mac};
use md5::Md5;
use sha2::{Digest, Sha256};

/// A request that claims to be signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedRequest {
    /// Who claims it.
    pub signer: Signer,
    /// The proof.
    pub signature: Signature,
    /// What the proof is about.
    pub covered: Covered,
}

/// Who signs requests; the name of the `Authorization` scheme says which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signer {
    /// An app's backend: `Application <appKey>:<signature>`.
    App(AppKey),
    /// A session: `Instance <sessionId>:<signature>`.
    Session(SessionId),
}

/// What a signature covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Covered {
    /// The verb, in capitals.
    pub method: String,
    /// The path, in every form that is accepted.
    pub paths: SignedPaths,
    /// The `Content-Type` header exactly as sent; empty when absent.
    pub content_type: String,
    /// The `x-timestamp` header exactly as sent; empty when absent.
    pub timestamp_text: String,
    /// Stands for the body.
    pub content_md5: ContentMd5,
}

/// A signature's bytes. Texts that mean the same bytes are one signature, so that a replay cannot hide behind a spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature([u8; 32]);

/// Base64 of a body's MD5 (RFC 1321). The rule is older than MD5's fall: no secret hangs on it, but whoever writes the
/// body before it is signed could prepare a second one with the same sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentMd5(String);

impl SignedRequest {
    /// Whether this secret (Base64) signed the request. Takes the same time for every signature.
    pub fn is_signed_by(&self, secret: &Secret<String>) -> bool {
        let Some(key) = keyed_by(secret) else { return false };
        // Every path is tried, so that the time does not tell which one fits.
        self.covered.paths.iter().fold(false, |signed, path| {
            signed | self.covered.mac(key.clone(), path).verify_slice(&self.signature.0).is_ok()
        })
    }

    /// What to remember of an accepted request, to know it when it comes again. The signer's key is not part of it: an
    /// app has several keys for one secret, and a request is no other under another of them.
    pub fn replay_key(&self) -> [u8; 32] {
        let scheme: &[u8] = match self.signer {
            Signer::App(_) => b"application:",
            Signer::Session(_) => b"instance:",
        };
        Sha256::new().chain_update(scheme).chain_update(self.signature.0).finalize().into()
    }
}

impl Covered {
    /// Signs the first of the paths; `None` where the secret is not Base64.
    pub fn sign(&self, secret: &Secret<String>) -> Option<Signature> {
        let mac = self.mac(keyed_by(secret)?, self.paths.first());
        Some(Signature(mac.finalize().into_bytes().into()))
    }

    fn mac(&self, mut key: Hmac<Sha256>, path: &str) -> Hmac<Sha256> {
        let Self { method, content_type, timestamp_text, content_md5, .. } = self;
        let text =
            format!("{method}\n{}\n{content_type}\nx-timestamp:{timestamp_text}\n{path}", content_md5.0);
        key.update(text.as_bytes());
        key
    }
}

impl Signature {
    /// Reads Base64, with or without padding; `None` for what is no signature.
    pub fn parse(text: &str) -> Option<Self> {
        Some(Self(LENIENT.decode(text).ok()?.try_into().ok()?))
    }

    /// As it travels.
    pub fn to_text(&self) -> String {
        STANDARD.encode(self.0)
    }
}

impl ContentMd5 {
    /// Of a body; an empty one counts as none.
    pub fn of(body: &[u8]) -> Self {
        Self(if body.is_empty() { String::new() } else { STANDARD.encode(Md5::digest(body)) })
    }

    /// The text in the signed lines.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
