//! Known answers, attacks by name, and the keys of providers as they come and go.

mod attacks;
mod keys;
mod providers;
mod secrets;
pub(in crate::sessions) mod signer;
