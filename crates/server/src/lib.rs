//! The server: commands, configuration, and the wiring of every part into one process.
//!
//! The only crate that names adapters (which store, which bus). `serve::run` is a function of a configuration, its
//! listeners and a shutdown, so that a test starts a whole server on port 0.

pub mod api;
mod assets;
pub mod commands;
pub mod config;
mod data_folder;
mod listen;
mod operator;
pub mod outbound;
pub mod relay;
pub mod serve;
mod system;
mod telemetry;
mod tls;

pub use data_folder::{DataFolder, StartError};
pub use system::SystemClock;
