//! The one door for every task in this repository: `cargo xtask <command>`.
//!
//! Each command is a module of its own. This crate builds and checks the others; it must never be
//! imported by them, and it imports none of them.

mod bench;
mod debian;
mod dev;
mod gen_files;
mod metadata;
mod process;
mod repo;
mod samples;
mod strangers;
mod test;
mod tidy;
mod web;

use std::process::ExitCode;

use anyhow::{Result, bail};

const HELP: &str = "\
The one door for every task in this repository.

Usage: cargo xtask <command> [arguments]

  dev [arguments]         build everything and start a development server;
                          the arguments go to `callbox dev`, such as --port 8081
  test [--fast] [filter]  run every check and every test; --fast leaves out the browser,
                          doc tests and the bundle size; with filters, only tests whose
                          name contains one of them
  gen                     write every derived file again (schema, types, samples, tables)
  tidy                    check the rules of the house: lengths, tiers, licences, frames
  bench [names]           measure, and compare with the bars
  help                    print this
";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let command = arguments.next().unwrap_or_default();
    match run(&command, &arguments.collect::<Vec<_>>()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &str, arguments: &[String]) -> Result<ExitCode> {
    let only_help = arguments.iter().any(|it| it == "--help" || it == "-h");
    match command {
        "" | "help" | "--help" | "-h" => print!("{HELP}"),
        "test" | "gen" | "tidy" if only_help => print!("{HELP}"),
        "dev" => dev::run(arguments)?,
        "test" => return test::run(arguments),
        "gen" => gen_files::run()?,
        "tidy" => tidy::run()?,
        "bench" => bench::run(arguments)?,
        _ => bail!("there is no command `{command}`; `cargo xtask help` lists them"),
    }
    Ok(ExitCode::SUCCESS)
}
