//! What a server asked for before it does anything, and how requests answer it.

use super::ClientError;
use crate::message::{Builder, Integrity, LongTermKey, Message, attribute};

pub(super) struct Login {
    realm: String,
    nonce: Vec<u8>,
    key: LongTermKey,
    integrity: Integrity,
    /// PASSWORD-ALGORITHMS as they came, where one of them was chosen.
    algorithms: Option<Vec<u8>>,
}

impl Login {
    /// Reads it from a refusal (RFC 8489, section 9.2.5).
    pub(super) fn read(
        message: &Message<'_>,
        username: &str,
        password: &str,
        sha1_only: bool,
    ) -> Result<Self, ClientError> {
        let realm = message.text(attribute::REALM).ok_or(ClientError::Incomplete)?;
        let nonce = message.attribute(attribute::NONCE).ok_or(ClientError::Incomplete)?;
        let algorithms = message.attribute(attribute::PASSWORD_ALGORITHMS);
        if !sha1_only && offers_algorithms(nonce) && algorithms.is_none() {
            return Err(ClientError::BidDown);
        }
        let longest = [realm.len(), nonce.len(), algorithms.map_or(0, <[u8]>::len)].into_iter().max();
        if longest > Some(VALUE_BYTES_MAX) {
            return Err(ClientError::Incomplete);
        }
        let chosen = algorithms.filter(|offered| !sha1_only && has_sha256(offered));
        let (key, integrity) = match chosen {
            Some(_) => (LongTermKey::sha256(username, realm, password), Integrity::Sha256),
            None => (LongTermKey::md5(username, realm, password), Integrity::Sha1),
        };
        let (realm, nonce) = (realm.to_owned(), nonce.to_owned());
        Ok(Self { realm, nonce, key, integrity, algorithms: chosen.map(<[u8]>::to_vec) })
    }

    /// Signs a request.
    pub(super) fn sign(&self, mut builder: Builder, username: &str) -> Builder {
        builder = builder
            .text(attribute::USERNAME, username)
            .text(attribute::REALM, &self.realm)
            .attribute(attribute::NONCE, &self.nonce);
        if let Some(algorithms) = &self.algorithms {
            builder = builder
                .attribute(attribute::PASSWORD_ALGORITHMS, algorithms)
                .attribute(attribute::PASSWORD_ALGORITHM, &SHA256);
        }
        builder.sign(self.integrity, self.key.bytes())
    }

    /// Whether an answer comes from a server that knows the password.
    pub(super) fn verifies(&self, message: &Message<'_>) -> bool {
        message.verify(self.integrity, self.key.bytes())
    }
}

/// Whether a nonce says that PASSWORD-ALGORITHMS comes with it: the first of the 24 bits after the cookie, in Base64
/// (RFC 8489, sections 9.2 and 18.1).
fn offers_algorithms(nonce: &[u8]) -> bool {
    nonce.strip_prefix(b"obMatJos2").and_then(<[u8]>::first).is_some_and(|first| {
        // The letters that stand for 32 and more.
        matches!(first, b'g'..=b'z' | b'0'..=b'9' | b'+' | b'/')
    })
}

/// Whether SHA-256 is among PASSWORD-ALGORITHMS.
fn has_sha256(mut algorithms: &[u8]) -> bool {
    while let Some(([high, low, parameters_high, parameters_low], rest)) = algorithms.split_first_chunk() {
        if [*high, *low] == SHA256[..2] {
            return true;
        }
        let parameters = usize::from(u16::from_be_bytes([*parameters_high, *parameters_low]));
        algorithms = rest.get(parameters.next_multiple_of(4)..).unwrap_or_default();
    }
    false
}

/// SHA-256 without parameters (RFC 8489, section 18.5).
const SHA256: [u8; 4] = [0, 2, 0, 0];

/// The longest REALM and NONCE (RFC 8489, sections 14.9 and 14.10).
const VALUE_BYTES_MAX: usize = 763;
