//! Secrets that the server generates and tells once: 256 random bits behind a prefix. Of each the store keeps the SHA-256.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use callbox_domain::{Random, Secret};
use sha2::{Digest, Sha256};

/// A new secret. Its prefix tells what it is, so that a leaked one is recognised.
pub(crate) fn random_secret(prefix: &str, random: &dyn Random) -> Secret<String> {
    let mut bytes = [0; 32];
    random.fill(&mut bytes);
    Secret::new(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes)))
}

/// What is kept of a generated secret; its randomness makes a slow hash needless.
pub(crate) fn sha256(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}
