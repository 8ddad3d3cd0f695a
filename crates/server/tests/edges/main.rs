//! Whole servers, asked over real sockets and HTTP.

mod backends;
mod erasure;
mod forgeries;
mod guessing;
mod harness;
mod operations;
mod operator;
mod outages;
mod process;
mod replay;
mod revocation;
mod secrets;
mod signed;
mod slow_reader;
mod socket;
mod steps;
mod walk;
mod whole_call;
