//! Ways to prove who signs in.

use callbox_wire::session::{Identity, RenewSessionRequest, SignInRequest};

use crate::error::Error;
use crate::to::user_id as checked;

/// Exactly one way to prove who signs in.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum Credential {
    /// A ticket signed by the app's backend, or the one that a sign-up answered.
    Ticket(String),
    /// A JWT of the app's backend or of its identity provider.
    Jwt(String),
    /// An access token that the app's backend issued.
    AccessToken {
        /// Whose it is.
        user_id: String,
        /// The token.
        access_token: String,
    },
    /// A user with a password.
    Password {
        /// A name by which the user signed up.
        identity: Identity,
        /// The password.
        password: String,
    },
    /// A registered device, with the name and the password that it was given.
    Device {
        /// The generated name.
        username: String,
        /// The generated password.
        password: String,
    },
    /// Open sign-in: any user id, where the app switched that on (development).
    Open(String),
}

/// Shows which way it is, and never the secret.
impl std::fmt::Debug for Credential {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let way = match self {
            Self::Ticket(_) => "Ticket",
            Self::Jwt(_) => "Jwt",
            Self::AccessToken { .. } => "AccessToken",
            Self::Password { .. } => "Password",
            Self::Device { .. } => "Device",
            Self::Open(_) => "Open",
        };
        write!(formatter, "{way}([redacted])")
    }
}

impl Credential {
    pub(crate) fn sign_in(self) -> Result<SignInRequest, Error> {
        let empty = SignInRequest::default();
        Ok(match self {
            Self::Ticket(ticket) => SignInRequest { ticket: Some(ticket), ..empty },
            Self::Jwt(jwt) => SignInRequest { jwt: Some(jwt), ..empty },
            Self::AccessToken { user_id, access_token } => {
                let user_id = Some(checked(user_id)?);
                SignInRequest { user_id, access_token: Some(access_token), ..empty }
            }
            Self::Password { identity, password } => {
                SignInRequest { identity: Some(identity), password: Some(password), ..empty }
            }
            Self::Device { username, password } => {
                SignInRequest { username: Some(username), password: Some(password), ..empty }
            }
            Self::Open(user_id) => SignInRequest { user_id: Some(checked(user_id)?), ..empty },
        })
    }

    pub(crate) fn renewal(self) -> Result<RenewSessionRequest, Error> {
        let empty = RenewSessionRequest::default();
        match self {
            Self::Ticket(ticket) => Ok(RenewSessionRequest { ticket: Some(ticket), ..empty }),
            Self::Jwt(jwt) => Ok(RenewSessionRequest { jwt: Some(jwt), ..empty }),
            _ => Err(Error::Invalid("A session is renewed by a ticket or a JWT, or by nothing.".to_owned())),
        }
    }
}
