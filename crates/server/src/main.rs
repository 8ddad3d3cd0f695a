//! The `callbox` binary.

use std::process::ExitCode;

use callbox_server::commands::{self, Arguments};
use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match commands::run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("callbox: {error}");
            ExitCode::FAILURE
        }
    }
}
