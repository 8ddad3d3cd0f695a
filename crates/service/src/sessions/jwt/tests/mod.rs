//! Known answers, and attacks by name.

mod attacks;
mod providers;
mod secrets;
mod signer;
