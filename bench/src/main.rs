//! Measures the server from outside: a release build of it runs as a process of its own, the load comes from this one
//! over loopback. Every figure stands beside its bar in `bench/RESULTS.md`; one that falls short says so.
//!
//! Run by `cargo xtask bench [names]`; with `--quick` it does little, to see that it works, and keeps no result. Rates
//! depend on the machine and on whatever else runs there; CPU per operation and ratios of one run are what to compare.
//! `cargo xtask bench hold` measures nothing: it holds the load on a server, for `perf record` beside it.

#![expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52, and people read the figures")]

mod client;
mod connections;
mod contender;
mod inserts;
mod load;
mod local;
mod messages;
mod passwords;
mod process;
mod relay;
mod report;
mod revocation;
mod rivals;
mod scale;
mod server;
mod session_checks;
mod sign_in;
mod starts;
mod timing;
mod xmpp;

use std::process::ExitCode;

use clap::Parser;
use report::{Findings, Report};
use scale::Scale;
use tokio::signal::unix::{SignalKind, signal};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Everything that goes wrong in a bench ends it.
type BenchResult<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    // The server under test is this same binary.
    if arguments.get(1).map(String::as_str) == Some("callbox") {
        let command = callbox_server::commands::Arguments::parse_from(&arguments[1..]);
        return match callbox_server::commands::run(command) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("callbox: {error}");
                ExitCode::FAILURE
            }
        };
    }
    let (flags, names): (Vec<&str>, Vec<&str>) =
        arguments[1..].iter().map(String::as_str).partition(|argument| *argument == "--quick");
    match run(&names, if flags.is_empty() { Scale::Full } else { Scale::Quick }) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(names: &[&str], scale: Scale) -> BenchResult<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    if names == ["hold"] {
        return runtime.block_on(unless_stopped(messages::hold()));
    }
    if let Some(unknown) = names.iter().find(|name| !NAMES.contains(name)) {
        return Err(format!("there is no bench '{unknown}'; there are {}", NAMES.join(", ")).into());
    }
    let mut report = Report::open();
    for name in NAMES.iter().filter(|name| names.is_empty() || names.contains(name)) {
        eprintln!("bench: {name} …");
        let findings: Findings = runtime.block_on(unless_stopped(async {
            match *name {
                "messages" => messages::measure(scale).await,
                "relay" => relay::measure(scale).await,
                _ => Ok(sign_in::measure(scale).await?.into()),
            }
        }))?;
        report.put(name, &findings);
    }
    match scale {
        Scale::Full => report.save(),
        Scale::Quick => Ok(()),
    }
}

/// Gives up where someone wants the bench to end: what it started then ends with it.
async fn unless_stopped<T>(bench: impl Future<Output = BenchResult<T>>) -> BenchResult<T> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        result = bench => result,
        _ = terminate.recv() => Err("stopped".into()),
        _ = interrupt.recv() => Err("stopped".into()),
    }
}

const NAMES: [&str; 3] = ["messages", "relay", "sign-in"];
