//! How a message shows that it comes from whom it names: a code over all that stands before it (RFC 8489, section 14.5).

use callbox_domain::Secret;
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::Sha256;

use super::{HEADER_BYTES, attribute};

/// Which code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Integrity {
    /// MESSAGE-INTEGRITY: HMAC-SHA-1.
    Sha1,
    /// MESSAGE-INTEGRITY-SHA256: HMAC-SHA-256, always whole. Clients of TURN have no reason to cut it short, so a code of
    /// fewer than 32 bytes is wrong here.
    Sha256,
}

impl Integrity {
    /// The attribute that the code goes into.
    pub(super) fn attribute(self) -> u16 {
        match self {
            Self::Sha1 => attribute::MESSAGE_INTEGRITY,
            Self::Sha256 => attribute::MESSAGE_INTEGRITY_SHA256,
        }
    }

    /// The length of the code.
    pub(super) fn code_bytes(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    /// The code over `before`: a message's bytes up to the attribute that the code goes into. The length in the header
    /// counts as if that attribute were the last.
    pub(super) fn code(self, key: &[u8], before: &[u8]) -> ([u8; CODE_BYTES_MAX], usize) {
        let mut code = [0; CODE_BYTES_MAX];
        let bytes = self.code_bytes();
        match self {
            Self::Sha1 => code[..bytes].copy_from_slice(&self.mac::<Hmac<Sha1>>(key, before).into_bytes()),
            Self::Sha256 => code.copy_from_slice(&self.mac::<Hmac<Sha256>>(key, before).into_bytes()),
        }
        (code, bytes)
    }

    /// Whether `code` is the code over `before`, in a time that tells nothing.
    pub(super) fn verify(self, key: &[u8], before: &[u8], code: &[u8]) -> bool {
        let (expected, bytes) = self.code(key, before);
        subtle::ConstantTimeEq::ct_eq(&expected[..bytes], code).into()
    }

    fn mac<M: Mac + KeyInit>(self, key: &[u8], before: &[u8]) -> hmac::digest::CtOutput<M> {
        let mut mac = <M as KeyInit>::new_from_slice(key).expect("any length will do");
        let length = before.len() - HEADER_BYTES + 4 + self.code_bytes();
        mac.update(&before[..2]);
        mac.update(&u16::try_from(length).expect("a message is shorter").to_be_bytes());
        mac.update(&before[4..]);
        mac.finalize()
    }
}

pub(super) const CODE_BYTES_MAX: usize = 32;

/// What a name and a password become before they sign anything (RFC 8489, section 9.2.2). Neither is normalised: both come
/// from this server, in ASCII.
#[derive(Debug, Clone)]
pub struct LongTermKey(Secret<Bytes>);

#[derive(Clone)]
enum Bytes {
    Md5([u8; 16]),
    Sha256([u8; 32]),
}

impl LongTermKey {
    /// The key for PASSWORD-ALGORITHM 1, and where none is named.
    pub fn md5(username: &str, realm: &str, password: &str) -> Self {
        Self(Secret::new(Bytes::Md5(digest::<Md5>(username, realm, password).into())))
    }

    /// The key for PASSWORD-ALGORITHM 2.
    pub fn sha256(username: &str, realm: &str, password: &str) -> Self {
        Self(Secret::new(Bytes::Sha256(digest::<Sha256>(username, realm, password).into())))
    }

    /// The key itself: 16 or 32 bytes.
    pub fn bytes(&self) -> &[u8] {
        match self.0.expose() {
            Bytes::Md5(bytes) => bytes,
            Bytes::Sha256(bytes) => bytes,
        }
    }
}

fn digest<D: md5::Digest>(username: &str, realm: &str, password: &str) -> md5::digest::Output<D> {
    let mut digest = D::new();
    for (place, part) in [username, realm, password].into_iter().enumerate() {
        if place > 0 {
            digest.update(b":");
        }
        digest.update(part);
    }
    digest.finalize()
}
