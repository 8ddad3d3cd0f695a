//! Tells the story of one seed.

use std::process::ExitCode;

use callbox_sim::Stage;

fn main() -> ExitCode {
    let Some(seed) = std::env::args().nth(1).and_then(|seed| seed.parse().ok()) else {
        eprintln!("usage: callbox-sim <seed>");
        return ExitCode::FAILURE;
    };
    let (lines, played) = Stage::new().tell(seed);
    for line in lines {
        println!("{line}");
    }
    match played {
        Ok(tally) => {
            println!("seed {seed} is well: {tally:#?}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            println!("{failure}");
            ExitCode::FAILURE
        }
    }
}
