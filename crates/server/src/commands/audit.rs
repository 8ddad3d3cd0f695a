//! `callbox audit`

use callbox_domain::AppKey;
use callbox_wire::operator::AuditEntry;
use callbox_wire::page::Page;
use clap::Args;

use super::operations::Operations;
use super::{FolderArguments, parse_app_key};
use crate::data_folder::{Access, StartError};

#[derive(Debug, Args)]
pub(super) struct AuditArguments {
    #[command(flatten)]
    folder: FolderArguments,
    /// Only what was changed in this app
    #[arg(long, value_name = "APP", value_parser = parse_app_key)]
    app: Option<AppKey>,
    /// How many changes
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100))]
    limit: u32,
}

pub(super) async fn run(arguments: AuditArguments) -> Result<(), StartError> {
    let operations = Operations::open(&arguments.folder.storage()?, Access::Look)?;
    let app = arguments.app.map(|key| format!("&app={key}")).unwrap_or_default();
    let path = format!("/v1/operator/audit?limit={}{app}", arguments.limit);
    let entries: Page<AuditEntry> = operations.get(&path).await?;
    for AuditEntry { at, actor, action, app_key, subject, details } in entries.items {
        let app = app_key.map_or("-".to_owned(), |key| key.to_string());
        let details = serde_json::Value::Object(details);
        println!("{at}  {actor:<12}  {action:<20}  {app}  {subject}  {details}");
    }
    Ok(())
}
