//! `callbox ticket`

use callbox_domain::{AppKey, Clock, IdentityType};
use callbox_service::sessions::ticket::{Ticket, TicketContents};
use callbox_wire::ErrorCode;
use clap::Args;

use super::{FolderArguments, open_service, parse_app_key, refused};
use crate::data_folder::{Access, StartError};
use crate::system::SystemClock;

/// Sign a ticket, for trying what an app's backend does
///
/// Prints a ticket that says "this is user X", signed with the app's secret out of the data folder. A client exchanges
/// it for a session: POST /v1/sessions with 'Authorization: User <ticket>' and the body '{}'.
#[derive(Debug, Args)]
pub(super) struct TicketArguments {
    #[command(flatten)]
    folder: FolderArguments,
    /// The app's key
    #[arg(long, default_value = "demo", value_parser = parse_app_key)]
    app: AppKey,
    /// Who the ticket says it is
    #[arg(long)]
    user: String,
    /// Life of the session, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 86_400)]
    expires_in: u32,
}

pub(super) async fn run(arguments: TicketArguments) -> Result<(), StartError> {
    let (service, _folder) = open_service(&arguments.folder.storage()?, Access::Look)?;
    let app = service.find_app(&arguments.app).await.map_err(refused)?;
    let secrets = service.app_secrets(&app).await.map_err(refused)?;
    let secret = secrets.first().ok_or_else(|| refused(ErrorCode::Internal.into()))?;
    let contents = TicketContents {
        identity_type: IdentityType::Username,
        endpoint: arguments.user,
        application_key: app.key.as_str().to_owned(),
        created: SystemClock::new().now(),
        expires_in: arguments.expires_in,
    };
    let ticket = Ticket::sign(&contents, &secret.0).ok_or_else(|| refused(ErrorCode::Internal.into()))?;
    println!("{}", ticket.expose());
    Ok(())
}
