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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::testing::SeededRandom;

    #[test]
    fn every_session_has_its_own_secret_for_ever() {
        let random = SeededRandom::new(5);
        let (key, other_key) = (MasterKey::generate(&random), MasterKey::generate(&random));
        let session = |text| SessionId::new(text).expect("valid");
        let derive = |key, app, id| SessionSecret::derive(key, AppId(app), &session(id)).expose().to_owned();
        let first = derive(&key, 1, "ses_12345678");
        assert_eq!(first, derive(&key, 1, "ses_12345678"), "it can be derived again");
        let all = [
            first.clone(),
            derive(&other_key, 1, "ses_12345678"),
            derive(&key, 2, "ses_12345678"),
            derive(&key, 1, "ses_12345679"),
        ];
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
        assert_eq!(STANDARD.decode(first).expect("Base64").len(), 32);
    }

    #[test]
    fn debug_shows_nothing() {
        let key = MasterKey::generate(&SeededRandom::new(6));
        let session = SessionId::new("ses_12345678").expect("valid");
        let secret = SessionSecret::derive(&key, AppId(1), &session);
        assert_eq!(format!("{secret:?}"), "SessionSecret([redacted])");
        assert_eq!(secret.as_secret().expose(), secret.expose());
    }
}
