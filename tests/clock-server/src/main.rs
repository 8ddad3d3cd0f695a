//! `callbox dev` with a wall clock that a test moves, and a relay whose allocations a test drops: for what takes half an
//! hour, and for what goes wrong in the middle of a call.
//!
//! The server is that of the library, and prints what `callbox dev` prints, with a line `Control    http://127.0.0.1:<port>` more:
//! `POST /clock/advance {"seconds": 1800}` moves the wall clock, `POST /relay/drop` ends every allocation. This is a binary of its
//! own so that `callbox` has no such doors.

mod control;

use std::num::NonZeroU32;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use callbox_domain::testing::MovableClock;
use callbox_server::commands::dev::{self, DevArguments, Surroundings};
use callbox_server::{StartError, SystemClock};
use clap::{Parser, Subcommand};

use crate::control::Control;

/// A development server whose time a test moves
#[derive(Debug, Parser)]
struct Arguments {
    /// How long an allocation of the relay lives between two refreshes, so that clients refresh often
    #[arg(long)]
    allocation_seconds: Option<NonZeroU32>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Dev(DevArguments),
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("callbox-with-clock: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), StartError> {
    let Command::Dev(dev) = arguments.command;
    let clock = Arc::new(MovableClock::new(SystemClock::new()));
    let seconds = arguments.allocation_seconds.map(|seconds| Duration::from_secs(seconds.get().into()));
    let surroundings = Surroundings { clock: clock.clone(), allocation_life_max: seconds };
    dev::run_in(dev, surroundings, |server| {
        let control = Control { clock, relay: server.relay().cloned() };
        let address = control.serve().map_err(|error| StartError::Other(error.to_string()))?;
        Ok(format!("  Control    http://{address}\n"))
    })
    .await
}
