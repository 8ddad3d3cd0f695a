//! JWTs by which an app's backend or its identity provider says "this is user X" (RFC 7519, signed as RFC 7515 says).
//!
//! A sign-in reads the text with [`Jwt::parse`], which trusts nothing yet, and then lets exactly one side vouch for it:
//! the identity provider that [`Jwt::issuer_among`] finds, by [`IssuerKeys::verify`]; or else the app itself, by
//! [`Jwt::verify_by_secrets`]. The two never mix: shared secrets belong to the app, public keys to providers. So no
//! published key can ever be taken for a secret.

mod key_set;
mod keys;
mod problem;
mod provider;
mod secret;
mod token;

#[cfg(test)]
pub(super) mod tests;

pub use key_set::KeySet;
pub use keys::{FetchKeys, Fetching, IssuerKeys, NoKeys};
pub use problem::JwtProblem;
pub use token::{JWT_BYTES_MAX, Jwt};

use callbox_domain::{Timestamp, UserId};

/// What a verified JWT says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JwtUser {
    /// Who it is.
    pub user_id: UserId,
    /// Until when the JWT is good.
    pub expires_at: Timestamp,
    /// When the registration of the device is to end, where the JWT says.
    pub session_expires_at: Option<Timestamp>,
    /// What no other JWT of this issuer carries (`jti`, or else `nonce`), where it has such a thing.
    pub unique_id: Option<String>,
    /// The claim `iss`, byte for byte.
    pub issuer: String,
}
