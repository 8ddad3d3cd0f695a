//! Identifiers. Each is a type of its own, so that one can never stand in for another.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::random::{Random, random_text};

/// Why a text is not a valid identifier; the sentence says what would be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} must be {rule}")]
pub struct IdError {
    /// The identifier's name, as in JSON (`userId`, `messageId`, …).
    pub kind: &'static str,
    /// What a valid one looks like.
    pub rule: &'static str,
}

/// An app's number inside one server. Outside, an app is known by its [`AppKey`]: the number leaves the server
/// only within the names of relay credentials, which nobody reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AppId(pub u32);

impl fmt::Display for AppId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $valid:expr, $rule:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks `text` and takes it as it is.
            pub fn new(text: impl AsRef<str>) -> Result<Self, IdError> {
                let text = text.as_ref();
                let valid: fn(&str) -> bool = $valid;
                if valid(text) {
                    Ok(Self(text.into()))
                } else {
                    Err(IdError { kind: $kind, rule: $rule })
                }
            }

            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.as_ref().to_owned()
            }
        }
    };
}

text_id!(
    /// An app's public id: its own generated key, or an alias that a legacy app already carries.
    AppKey, "appKey",
    |text| (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'),
    "1 to 64 of A-Z a-z 0-9 _ -"
);
text_id!(
    /// A person in an app, named by the app.
    UserId, "userId",
    |text| (1..=80).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic())
        && text != "." && text != "..",
    "1 to 80 characters of printable ASCII without spaces, and neither '.' nor '..'"
);
text_id!(
    /// One signed-in device.
    SessionId, "sessionId", token_like, "8 to 64 of A-Z a-z 0-9 _ -"
);
text_id!(
    /// An ordered history between users.
    ConversationId, "conversationId", token_like, "8 to 64 of A-Z a-z 0-9 _ -"
);
text_id!(
    /// A message, named by its sender; unique in the app, for ever.
    MessageId, "messageId", token_like, "8 to 64 of A-Z a-z 0-9 _ -"
);
text_id!(
    /// A call, named by its caller; unique in the app.
    CallId, "callId", token_like, "8 to 64 of A-Z a-z 0-9 _ -"
);
text_id!(
    /// One page load's socket, named by the client.
    ConnectionId, "connectionId", token_like, "8 to 64 of A-Z a-z 0-9 _ -"
);
text_id!(
    /// Names one life of a mailbox; renewed when a backup is restored, so that old cursors are recognised.
    MailboxEpoch, "mailboxEpoch",
    |text| (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric()),
    "1 to 32 of A-Z a-z 0-9"
);

impl UserId {
    /// A new random id that stands for a user who was erased, in the histories of others. Nobody can sign in as one.
    pub fn tombstone(random: &dyn Random) -> Self {
        Self(format!("{TOMBSTONE_PREFIX}{}", random_text(random, 16)).into())
    }

    /// Whether it stands for a user who was erased.
    pub fn is_tombstone(&self) -> bool {
        self.0.strip_prefix(TOMBSTONE_PREFIX).is_some_and(|rest| {
            rest.len() == TOMBSTONE_LETTERS
                && rest.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        })
    }
}

impl SessionId {
    /// A new random id.
    pub fn generate(random: &dyn Random) -> Self {
        Self(format!("ses_{}", random_text(random, 16)).into())
    }
}

impl ConversationId {
    /// A new random id.
    pub fn generate(random: &dyn Random) -> Self {
        Self(format!("cnv_{}", random_text(random, 16)).into())
    }
}

impl MailboxEpoch {
    /// A new random epoch.
    pub fn generate(random: &dyn Random) -> Self {
        Self(random_text(random, 5).into())
    }
}

impl AppKey {
    /// A new random key.
    pub fn generate(random: &dyn Random) -> Self {
        Self(format!("app_{}", random_text(random, 15)).into())
    }
}

/// How the id of an erased user begins.
const TOMBSTONE_PREFIX: &str = "deleted_";
/// What 16 random bytes are as text.
const TOMBSTONE_LETTERS: usize = 26;

fn token_like(text: &str) -> bool {
    (8..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_ids_are_printable_ascii_without_spaces() {
        for good in ["a", "ann@example.com", "+46700000000", "{\"x\"}", &"x".repeat(80)] {
            assert_eq!(UserId::new(good).expect(good).as_str(), good);
        }
        for bad in ["", "ann lee", "änn", "a\u{7f}", ".", "..", &"x".repeat(81)] {
            assert!(UserId::new(bad).is_err(), "{bad:?} should be refused");
        }
    }

    #[test]
    fn tombstones_are_told_from_ids_that_people_choose() {
        struct Zeros;
        impl Random for Zeros {
            fn fill(&self, bytes: &mut [u8]) {
                bytes.fill(0);
            }
        }
        let tombstone = UserId::tombstone(&Zeros);
        assert!(tombstone.is_tombstone(), "{tombstone}");
        assert_eq!(UserId::new(tombstone.as_str()), Ok(tombstone.clone()));
        for other in ["deleted_", "deleted_user", "ann", &format!("x{tombstone}"), &format!("{tombstone}x")] {
            assert!(!UserId::new(other).expect(other).is_tombstone(), "{other}");
        }
    }

    #[test]
    fn message_ids_are_8_to_64_url_safe_characters() {
        assert!(MessageId::new("abcdefgh").is_ok());
        assert!(MessageId::new("abcdefg").is_err());
        assert!(MessageId::new("abc.efgh").is_err());
        assert!(MessageId::new("x".repeat(65)).is_err());
    }

    #[test]
    fn the_error_says_what_would_be_valid() {
        let error = CallId::new("x").expect_err("too short");
        assert_eq!(error.to_string(), "callId must be 8 to 64 of A-Z a-z 0-9 _ -");
    }
}
