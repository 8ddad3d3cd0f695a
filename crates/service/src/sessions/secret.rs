//! Session secrets: what a session signs its requests with. They are derived, so that no store holds them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use callbox_domain::{AppId, Secret, SessionId};

use crate::MasterKey;

/// A session's secret in standard Base64, the form in which signers keep theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionSecret(Secret<String>);

impl SessionSecret {
    /// The secret of a session; another for each `generation`, so that it can be replaced while the session lives.
    pub fn derive(master_key: &MasterKey, app: AppId, session: &SessionId, generation: u32) -> Self {
        let labels: [&[u8]; 4] =
            [b"session secret", &app.0.to_be_bytes(), session.as_str().as_bytes(), &generation.to_be_bytes()];
        Self(Secret::new(STANDARD.encode(master_key.derive(&labels))))
    }

    /// To check a signature with.
    pub fn secret(&self) -> &Secret<String> {
        &self.0
    }

    /// The secret itself, for the client that just signed in.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::testing::SeededRandom;

    #[test]
    fn every_session_and_generation_has_its_own_secret_for_ever() {
        let random = SeededRandom::new(5);
        let (key, other_key) = (MasterKey::generate(&random), MasterKey::generate(&random));
        let session = |text| SessionId::new(text).expect("valid");
        let derive = |key, app, id, generation| {
            SessionSecret::derive(key, AppId(app), &session(id), generation).expose().to_owned()
        };
        let first = derive(&key, 1, "ses_12345678", 1);
        assert_eq!(first, derive(&key, 1, "ses_12345678", 1), "it can be derived again");
        let all = [
            first.clone(),
            derive(&other_key, 1, "ses_12345678", 1),
            derive(&key, 2, "ses_12345678", 1),
            derive(&key, 1, "ses_12345679", 1),
            derive(&key, 1, "ses_12345678", 2),
        ];
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
        assert_eq!(STANDARD.decode(first).expect("Base64").len(), 32);
    }

    #[test]
    fn debug_shows_nothing() {
        let key = MasterKey::generate(&SeededRandom::new(6));
        let session = SessionId::new("ses_12345678").expect("valid");
        let secret = SessionSecret::derive(&key, AppId(1), &session, 1);
        assert_eq!(format!("{secret:?}"), "SessionSecret([redacted])");
        assert_eq!(secret.secret().expose(), secret.expose());
    }
}
