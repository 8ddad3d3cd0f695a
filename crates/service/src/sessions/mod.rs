//! Ways in, and the sessions that they lead to.

mod authenticate;
mod end_session;
mod identity;
pub mod jwt;
mod sign_in;
pub mod ticket;
mod token;

#[cfg(test)]
mod tests;

pub use sign_in::{Credential, SignIn, SignedIn};
pub use token::SessionToken;
