//! Whole servers, asked over real sockets and HTTP.

mod backends;
mod erasure;
mod harness;
mod outages;
mod socket;
mod steps;
mod walk;
mod whole_call;
