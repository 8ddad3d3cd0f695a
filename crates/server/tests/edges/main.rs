//! Whole servers, asked over real sockets and HTTP.

#[cfg(unix)]
mod aiortc;
mod backends;
#[cfg(target_os = "linux")]
mod disk;
mod erasure;
mod forgeries;
mod guessing;
mod harness;
mod operations;
mod operator;
mod outages;
mod process;
mod relay;
mod replay;
mod restore;
mod revocation;
mod secrets;
mod signed;
mod slow_reader;
mod socket;
mod steps;
mod stopping;
#[cfg(unix)]
mod strangers;
mod turn;
#[cfg(unix)]
mod uclient;
mod walk;
mod whole_call;
