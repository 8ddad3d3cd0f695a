//! Bearer tokens: 256 random bits, of which the store keeps only the SHA-256.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use callbox_domain::{Random, Secret};
use sha2::{Digest, Sha256};

/// A generated secret: 256 random bits behind a prefix that tells what it is, so that a leaked one is recognised.
pub(crate) fn random_secret(prefix: &str, random: &dyn Random) -> Secret<String> {
    let mut bytes = [0; 32];
    random.fill(&mut bytes);
    Secret::new(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes)))
}

/// A session's bearer token, as the client holds it.
#[derive(Debug, Clone)]
pub struct SessionToken(Secret<String>);

impl SessionToken {
    /// A new random token.
    pub(crate) fn generate(random: &dyn Random) -> Self {
        Self(random_secret("cbs_", random))
    }

    /// A token as a client sent it. Any text will do; a wrong one is simply not found.
    pub fn from_client(text: &str) -> Self {
        Self(Secret::new(text.to_owned()))
    }

    /// What the store keeps.
    pub(crate) fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.expose().as_bytes()).into()
    }

    /// The token itself, for the client that just signed in.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}
