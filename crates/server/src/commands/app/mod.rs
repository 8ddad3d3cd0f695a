//! `callbox app …`

mod change;
mod create;
mod keys;
mod rotate_secret;
mod show;

use callbox_domain::AppKey;
use clap::{Args, Subcommand};

use super::operations::Operations;
use super::{FolderArguments, parse_app_key};
use crate::data_folder::{Access, StartError};

#[derive(Debug, Subcommand)]
pub(super) enum AppCommand {
    /// Make an app and print its key and secret
    ///
    /// The secret is printed this once. It belongs to the app's backend, which signs tickets with it; never put it into
    /// a page or a mobile app.
    ///
    /// Example: callbox app create --name 'My app' --key my-app --allow-origin `https://app.example.com`
    Create(create::CreateArguments),
    /// List the apps of a server
    ///
    /// Example: callbox app list --config callbox.toml
    List(FolderArguments),
    /// Show one app: its keys and settings, no secret
    ///
    /// Example: callbox app show my-app
    Show(KeyArguments),
    /// Change settings of an app
    ///
    /// They act at once, also on connections that are open. A value is JSON, or else taken as text; without a value the
    /// setting goes back to its default. 'callbox settings' tells the names and what they take.
    ///
    /// Example: callbox app set my-app directory=everyone sessionsPerUserMax=5 ringSeconds=
    Set(change::SetArguments),
    /// Close an app: its users are signed out and nobody signs in
    ///
    /// Nothing is deleted; 'callbox app enable' opens it again.
    ///
    /// Example: callbox app disable my-app
    Disable(KeyArguments),
    /// Open an app that was disabled
    ///
    /// Example: callbox app enable my-app
    Enable(KeyArguments),
    /// Give an app a new secret and print it
    ///
    /// The old secret stays good for the grace time, so that every backend can be moved over. Where others may have got
    /// it: --grace 0 --end-sessions.
    ///
    /// Example: callbox app rotate-secret my-app --grace 1440
    RotateSecret(rotate_secret::RotateArguments),
    /// Let another key lead to an app
    ///
    /// For clients that carry another key and cannot be changed. Tickets for it are signed with the app's own secret.
    ///
    /// Example: callbox app alias my-app 5F5C418A0F914BBC8234A9BF5EDDAD97
    Alias(keys::AliasArguments),
    /// Take over a key with the secret that it has on another server
    ///
    /// Clients and backends that carry them go on as they are. The secret is read from a file, for others can see the
    /// arguments of a process.
    ///
    /// Example: callbox app import-key my-app 5F5C418A0F914BBC8234A9BF5EDDAD97 --secret-file secret.txt
    ImportKey(keys::ImportArguments),
    /// Remove an alias or an imported key, with its secret, at once
    ///
    /// Example: callbox app remove-key my-app 5F5C418A0F914BBC8234A9BF5EDDAD97
    RemoveKey(keys::RemoveArguments),
}

/// Which app of which data folder.
#[derive(Debug, Args)]
pub(crate) struct KeyArguments {
    #[command(flatten)]
    folder: FolderArguments,
    /// The app's key, or any other that leads to it
    #[arg(value_name = "APP", value_parser = parse_app_key)]
    key: AppKey,
}

impl KeyArguments {
    fn open(&self, access: Access) -> Result<Operations, StartError> {
        Operations::open(&self.folder.storage()?, access)
    }

    /// The address of the app, with what follows.
    fn path(&self, rest: &str) -> String {
        format!("/v1/operator/apps/{}{rest}", self.key)
    }
}

pub(super) async fn run(command: AppCommand) -> Result<(), StartError> {
    match command {
        AppCommand::Create(arguments) => create::run(arguments).await,
        AppCommand::List(folder) => show::list(&folder).await,
        AppCommand::Show(arguments) => show::show(&arguments).await,
        AppCommand::Set(arguments) => change::set(arguments).await,
        AppCommand::Disable(arguments) => change::disable(&arguments, true).await,
        AppCommand::Enable(arguments) => change::disable(&arguments, false).await,
        AppCommand::RotateSecret(arguments) => rotate_secret::run(&arguments).await,
        AppCommand::Alias(arguments) => keys::alias(arguments).await,
        AppCommand::ImportKey(arguments) => keys::import(arguments).await,
        AppCommand::RemoveKey(arguments) => keys::remove(&arguments).await,
    }
}
