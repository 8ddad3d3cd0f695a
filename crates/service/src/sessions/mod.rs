//! Ways in, and the sessions that they lead to.

mod authenticate;
mod authenticate_signed;
mod end_session;
mod forget_expired;
pub(crate) mod identity;
pub mod jwt;
mod list_sessions;
mod open_session;
pub(crate) mod prove;
mod register;
mod relaying;
mod renew_session;
mod secret;
mod sign_in;
pub mod ticket;
mod token;
mod touched;

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;

pub use authenticate_signed::Repeat;
pub use end_session::close_code;
pub(crate) use end_session::{Ended, end_all_of};
pub use list_sessions::OpenSession;
pub use register::{Register, Registered, RegistrationProof};
pub(crate) use relaying::RelayingSessions;
pub use secret::SessionSecret;
pub(crate) use sign_in::check_app_origin;
pub use sign_in::{Credential, SignIn, SignedIn};
pub use token::SessionToken;
pub(crate) use touched::TouchedSessions;
