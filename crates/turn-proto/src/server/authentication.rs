//! Who sends a request (RFC 8489, section 9.2.4).

use super::Server;
use super::answers::{BAD_REQUEST, PASSWORD_ALGORITHMS, REALM, STALE_NONCE, UNAUTHORIZED};
use super::requests::Request;
use crate::allocation::{PasswordAlgorithm, Signing};
use crate::credential::Credential;
use crate::message::{LongTermKey, attribute};
use crate::nonce::NonceState;

/// Who sent a request, as its credential says.
pub(super) struct Caller {
    pub credential: Credential,
    pub signing: Signing,
    pub key: LongTermKey,
}

impl Server {
    /// Who sent a request. Whoever cannot show that is answered here. Whether the credential has expired is not asked:
    /// an allocation may live longer than what opened it.
    pub(super) fn authenticate(&mut self, request: &Request<'_>) -> Option<Caller> {
        let message = &request.message;
        let Some(integrity) = message.integrity() else {
            self.challenge(request, UNAUTHORIZED);
            return None;
        };
        let (Some(username), Some(_), Some(nonce)) = (
            message.attribute(attribute::USERNAME),
            message.attribute(attribute::REALM),
            message.attribute(attribute::NONCE),
        ) else {
            self.refuse_openly(request, BAD_REQUEST);
            return None;
        };
        let Some(algorithm) = password_algorithm(request) else {
            self.refuse_openly(request, BAD_REQUEST);
            return None;
        };
        // A name has one spelling, so that whoever has the same name has the same key.
        let named = str::from_utf8(username)
            .ok()
            .and_then(|username| Some((username, Credential::parse(username)?)))
            .filter(|(username, credential)| credential.username() == *username);
        let Some((_, credential)) = named else {
            self.challenge(request, UNAUTHORIZED);
            return None;
        };
        let key = self.long_term_key(&credential, algorithm);
        if !message.verify(integrity, key.bytes()) {
            self.challenge(request, UNAUTHORIZED);
            return None;
        }
        if self.nonces.check(request.now, request.client, nonce) != NonceState::Fresh {
            self.challenge(request, STALE_NONCE);
            return None;
        }
        Some(Caller { credential, signing: Signing { integrity, algorithm }, key })
    }

    /// What signs for a credential.
    pub(super) fn long_term_key(&self, credential: &Credential, algorithm: PasswordAlgorithm) -> LongTermKey {
        let password = credential.password(&self.key);
        let make = match algorithm {
            PasswordAlgorithm::Md5 => LongTermKey::md5,
            PasswordAlgorithm::Sha256 => LongTermKey::sha256,
        };
        make(&credential.username(), REALM, password.expose())
    }
}

/// Which algorithm the client chose of those that it was offered; `None` where it saw another offer than was made, or
/// chose what was not offered: somebody between wants it to use a weaker one.
fn password_algorithm(request: &Request<'_>) -> Option<PasswordAlgorithm> {
    let offered = request.message.attribute(attribute::PASSWORD_ALGORITHMS);
    let chosen = request.message.attribute(attribute::PASSWORD_ALGORITHM);
    match (offered, chosen) {
        // A client from before RFC 8489 knows nothing of either.
        (None, None) | (Some(PASSWORD_ALGORITHMS), Some(MD5)) => Some(PasswordAlgorithm::Md5),
        (Some(PASSWORD_ALGORITHMS), Some(SHA256)) => Some(PasswordAlgorithm::Sha256),
        _ => None,
    }
}

/// One algorithm without parameters (RFC 8489, section 14.12).
const MD5: &[u8] = &[0, 1, 0, 0];
const SHA256: &[u8] = &[0, 2, 0, 0];
