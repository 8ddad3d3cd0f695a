//! Apps whose settings this server cannot meet.

use callbox_wire::operator::App;
use callbox_wire::page::Page;

use super::finding::Finding;
use super::subject::Subject;
use crate::commands::operations::Operations;
use crate::data_folder::StartError;

/// Asks a running server for its apps, where it has no relay.
pub(super) async fn examine(subject: &Subject) -> Option<Finding> {
    let local = subject.local.as_ref().filter(|local| !local.config.relay.is_wanted())?;
    match apps(&local.config.storage).await {
        Ok(apps) => judge(&apps),
        Err(error) => Some(Finding::not_checked(CHECK, error.to_string())),
    }
}

async fn apps(storage: &crate::config::StorageConfig) -> Result<Vec<App>, StartError> {
    let Some(server) = Operations::of_running(storage)? else { return Ok(Vec::new()) };
    let apps: Page<App> = server.get("/v1/operator/apps").await?;
    Ok(apps.items)
}

fn judge(apps: &[App]) -> Option<Finding> {
    let is_relay_only = |app: &&App| app.settings.get("relayOnly").is_some_and(|value| *value == true);
    let key = apps.iter().find(is_relay_only)?.key.as_str();
    let seen = format!("calls of {key} may go through the relay only, and there is none");
    let change = format!("Set relay.listen, or allow direct calls: callbox app set {key} relayOnly=false");
    Some(Finding::problem(CHECK, seen, change))
}

const CHECK: &str = "apps";
