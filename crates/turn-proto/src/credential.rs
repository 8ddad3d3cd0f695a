//! Credentials that expire: a name that says for whom and until when, and a password that only the server can make of it
//! (draft-uberti-behave-turn-rest-00, as every browser and coturn's clients understand it).

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use callbox_domain::{Secret, Timestamp};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// What makes passwords.
#[derive(Clone)]
pub struct CredentialKey(Secret<[u8; 32]>);

impl CredentialKey {
    /// Takes 32 random bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Secret::new(bytes))
    }
}

impl fmt::Debug for CredentialKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("CredentialKey([redacted])")
    }
}

/// For whom a credential was made, and until when it opens allocations.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Credential {
    /// Seconds since 1970.
    expires: i64,
    session: String,
    call: String,
}

impl Credential {
    /// A credential of [`CREDENTIAL_LIFE`] from now on. `call` is empty where it is for no call in particular.
    pub fn new(now: Timestamp, session: &str, call: &str) -> Self {
        let expires = now.plus(CREDENTIAL_LIFE).as_millis().div_euclid(1_000);
        Self { expires, session: session.to_owned(), call: call.to_owned() }
    }

    /// Reads a name: `<seconds since 1970>:<session>:<call>`.
    pub fn parse(username: &str) -> Option<Self> {
        let mut parts = username.splitn(3, ':');
        let (expires, session, call) = (parts.next()?, parts.next()?, parts.next()?);
        let digits = (1..=12).contains(&expires.len()) && expires.bytes().all(|byte| byte.is_ascii_digit());
        let short = session.len() <= PART_BYTES_MAX && call.len() <= PART_BYTES_MAX && !call.contains(':');
        if !digits || !short || session.is_empty() {
            return None;
        }
        Some(Self { expires: expires.parse().ok()?, session: session.to_owned(), call: call.to_owned() })
    }

    /// The name.
    pub fn username(&self) -> String {
        format!("{}:{}:{}", self.expires, self.session, self.call)
    }

    /// The password: Base64 of HMAC-SHA-256 over the name.
    pub fn password(&self, key: &CredentialKey) -> Secret<String> {
        let mut mac = Hmac::<Sha256>::new_from_slice(key.0.expose()).expect("any length will do");
        mac.update(self.username().as_bytes());
        Secret::new(STANDARD.encode(mac.finalize().into_bytes()))
    }

    /// Whose session.
    pub fn session(&self) -> &str {
        &self.session
    }

    /// For which call; empty for none in particular.
    pub fn call(&self) -> &str {
        &self.call
    }

    /// Until when it opens allocations.
    pub fn expires_at(&self) -> Timestamp {
        Timestamp::from_millis(self.expires.saturating_mul(1_000))
    }

    /// When it was made, to the second.
    pub fn made_at(&self) -> Timestamp {
        self.expires_at().minus(CREDENTIAL_LIFE)
    }
}

/// A credential opens allocations for so long; those that are open then go on.
pub const CREDENTIAL_LIFE: Duration = Duration::from_mins(10);

/// The longest session or call in a name.
const PART_BYTES_MAX: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> CredentialKey {
        CredentialKey::new([7; 32])
    }

    #[test]
    fn a_name_is_read_as_it_was_written() {
        let now = Timestamp::from_millis(1_795_255_323_004);
        let credential = Credential::new(now, "ses_12345678", "1.cal-12345678");
        assert_eq!(credential.username(), "1795255923:ses_12345678:1.cal-12345678");
        assert_eq!(Credential::parse(&credential.username()), Some(credential.clone()));
        assert_eq!(credential.expires_at(), Timestamp::from_millis(1_795_255_923_000));
        assert_eq!(credential.made_at(), Timestamp::from_millis(1_795_255_323_000));
        let for_no_call = Credential::new(now, "ses_12345678", "");
        assert_eq!(Credential::parse(&for_no_call.username()), Some(for_no_call));
    }

    #[test]
    fn other_names_are_refused() {
        let long = format!("1795255923:{}:", "s".repeat(129));
        for text in [
            "",
            "ann",
            "1795255923",
            "1795255923:ses",
            "1795255923::call",
            "-1:ses:call",
            "x:ses:call",
            "1:s:c:d",
        ] {
            assert_eq!(Credential::parse(text), None, "{text}");
        }
        assert_eq!(Credential::parse(&long), None);
    }

    #[test]
    fn a_password_is_of_one_name_under_one_key() {
        let credential = Credential::parse("1795255923:ses_12345678:").expect("good");
        let password = credential.password(&key()).into_exposed();
        assert_eq!(password, credential.password(&key()).into_exposed());
        assert_eq!(STANDARD.decode(&password).map(|bytes| bytes.len()), Ok(32));
        let later = Credential::parse("1795255924:ses_12345678:").expect("good");
        assert_ne!(password, later.password(&key()).into_exposed());
        assert_ne!(password, credential.password(&CredentialKey::new([8; 32])).into_exposed());
        assert_eq!(format!("{:?}", key()), "CredentialKey([redacted])");
    }
}
