//! Bearer tokens: 256 random bits, of which the store keeps only the SHA-256.

use callbox_domain::{Random, Secret};

use crate::generated::{random_secret, sha256};

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
        sha256(self.0.expose())
    }

    /// The token itself, for the client that just signed in.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}
