//! Whole servers, asked over real sockets and HTTP.

mod backends;
mod harness;
mod operator;
mod outages;
mod socket;
mod steps;
mod walk;
mod whole_call;
