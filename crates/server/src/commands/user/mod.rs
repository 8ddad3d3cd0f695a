//! `callbox user …`

mod change;
mod show;

use callbox_domain::{AppKey, UserId};
use clap::{Args, Subcommand};

use super::operations::{Operations, percent_encoded};
use super::{FolderArguments, parse_app_key};
use crate::data_folder::{Access, StartError};

#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// List the users of an app in the order of their ids
    ///
    /// Users are there from their first sign-in, or since the app's backend made them. A list that is full says how to
    /// go on.
    ///
    /// Example: callbox user list --app my-app --limit 100
    List(show::ListArguments),
    /// Show one user: since when, last seen, blocked or not, and the names that lead to them
    ///
    /// Example: callbox user show --app my-app ann
    Show(UserArguments),
    /// Sign a user out everywhere and let them in no more
    ///
    /// Their connections are closed and their calls end at once; sign-in is answered with `user_blocked`. Nothing is
    /// deleted; 'callbox user unblock' lets them in again.
    ///
    /// Example: callbox user block --app my-app ann
    Block(UserArguments),
    /// Let a user in again who was blocked
    ///
    /// Example: callbox user unblock --app my-app ann
    Unblock(UserArguments),
    /// Erase a user: everything of theirs, for ever
    ///
    /// Removes names, passwords, tokens and the texts of their messages. Others keep their conversations with a deleted
    /// user. Whoever gets the same id later is somebody else. To keep a user out, block them instead.
    ///
    /// Example: callbox user erase --app my-app ann --yes
    Erase(change::EraseArguments),
    /// List the open sessions of a user, the one used last first: one for each signed-in device
    ///
    /// What a session says of its device comes from the client, and nobody checked it.
    ///
    /// Example: callbox user sessions --app my-app ann
    Sessions(UserArguments),
    /// Sign a user out, everywhere or on one device
    ///
    /// Their connections are closed and their calls end at once. They may sign in again; to keep them out, block them.
    ///
    /// Example: callbox user end-sessions --app my-app ann
    EndSessions(change::EndSessionsArguments),
}

/// Which app of which data folder.
#[derive(Debug, Args)]
struct AppArguments {
    #[command(flatten)]
    folder: FolderArguments,
    /// The app's key, or any other that leads to it
    #[arg(long = "app", value_name = "APP", value_parser = parse_app_key)]
    key: AppKey,
}

/// Which user of it.
#[derive(Debug, Args)]
pub(crate) struct UserArguments {
    #[command(flatten)]
    app: AppArguments,
    /// The user's id
    #[arg(value_name = "USER", value_parser = parse_user_id)]
    id: UserId,
}

impl AppArguments {
    fn open(&self, access: Access) -> Result<Operations, StartError> {
        Operations::open(&self.folder.storage()?, access)
    }

    /// The address of the app's users, with what follows.
    fn path(&self, rest: &str) -> String {
        format!("/v1/operator/apps/{}/users{rest}", self.key)
    }
}

impl UserArguments {
    fn open(&self, access: Access) -> Result<Operations, StartError> {
        self.app.open(access)
    }

    /// The address of the user, with what follows.
    fn path(&self, rest: &str) -> String {
        self.app.path(&format!("/{}{rest}", percent_encoded(self.id.as_str())))
    }
}

pub(super) async fn run(command: UserCommand) -> Result<(), StartError> {
    match command {
        UserCommand::List(arguments) => show::list(&arguments).await,
        UserCommand::Show(arguments) => show::show(&arguments).await,
        UserCommand::Block(arguments) => change::block(&arguments, true).await,
        UserCommand::Unblock(arguments) => change::block(&arguments, false).await,
        UserCommand::Erase(arguments) => change::erase(&arguments).await,
        UserCommand::Sessions(arguments) => show::sessions(&arguments).await,
        UserCommand::EndSessions(arguments) => change::end_sessions(&arguments).await,
    }
}

fn parse_user_id(text: &str) -> Result<UserId, String> {
    UserId::new(text).map_err(|error| error.to_string())
}
