//! Session secrets: what signs requests where no token may travel. Derived from the master key, never stored.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use callbox_domain::{AppId, Secret, SessionId};

use crate::MasterKey;

/// A session's secret, in standard Base64.
#[derive(Debug, Clone)]
pub struct SessionSecret(Secret<String>);

impl SessionSecret {
    /// The one secret of this session. It is the same for as long as the session lives, so that a client that stored it
    /// can come back.
    pub(crate) fn derive(master_key: &MasterKey, app: AppId, session: &SessionId) -> Self {
        let bytes =
            master_key.derive(&[b"session secret", &app.0.to_be_bytes(), session.as_str().as_bytes()]);
        Self(Secret::new(STANDARD.encode(bytes)))
    }

    /// The secret itself, for the client that just signed in.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// For checking signatures.
    pub(crate) fn as_secret(&self) -> &Secret<String> {
        &self.0
    }
}
