//! `callbox config …`

use std::path::PathBuf;

use clap::Subcommand;

use crate::config::Config;
use crate::data_folder::StartError;

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Print a commented configuration that holds every key with its default
    Default,
    /// Check a configuration, and the environment over it, without starting anything
    Check {
        /// The file; the defaults where it is left out
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Print the JSON Schema of the configuration, for editors
    Schema,
}

pub(super) fn run(command: ConfigCommand) -> Result<(), StartError> {
    match command {
        ConfigCommand::Default => print!("{}", Config::example()),
        ConfigCommand::Check { file } => {
            Config::load(file.as_deref())?;
            println!("The configuration is good.");
        }
        ConfigCommand::Schema => {
            let schema = schemars::schema_for!(Config);
            let text = serde_json::to_string_pretty(&schema)
                .map_err(|error| StartError::Other(error.to_string()))?;
            println!("{text}");
        }
    }
    Ok(())
}
